//! The field with 1024 elements in which a row's check word is computed: `GF(2)[α] / (α¹⁰ + α³ + 1)`, the field of SLIP-39's checksum.
//!
//! Not constant-time: it runs on words that a person reads aloud from paper.

/// An element: bit i is the coefficient of αⁱ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Element(u16);

const DEGREE: u32 = 10;
const LOW_BITS: u16 = (1 << DEGREE) - 1;
const MODULUS: u16 = 1 << DEGREE | 1 << 3 | 1;
/// The order of the multiplicative group, which α generates.
const ORDER: u32 = (1 << DEGREE) - 1;

impl Element {
    /// The element whose bits are the 10 low bits of `number`.
    pub(super) const fn new(number: u16) -> Self {
        Self(number & LOW_BITS)
    }

    /// α to the power of `exponent`.
    pub(super) const fn alpha(exponent: u32) -> Self {
        let mut power = Self(1);
        let mut left = exponent % ORDER;
        while left > 0 {
            power = power.times_alpha();
            left -= 1;
        }
        power
    }

    /// The number whose bits are the coefficients, 0 to 1023.
    pub(super) const fn number(self) -> u16 {
        self.0
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    pub(super) const fn times(self, other: Self) -> Self {
        let mut product = Self(0);
        let mut bit = DEGREE;
        while bit > 0 {
            bit -= 1;
            product = product.times_alpha();
            if other.0 >> bit & 1 == 1 {
                product = product.plus(self);
            }
        }
        product
    }

    const fn times_alpha(self) -> Self {
        let shifted = self.0 << 1;
        Self(if shifted >> DEGREE == 0 {
            shifted
        } else {
            shifted ^ MODULUS
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_generates_every_element_but_zero() {
        let mut seen = [false; 1024];
        let mut power = Element::new(1);
        for exponent in 0..ORDER {
            assert!(power == Element::alpha(exponent));
            let was_seen = std::mem::replace(&mut seen[usize::from(power.number())], true);
            assert!(!was_seen);
            power = power.times(Element::alpha(1));
        }
        assert_eq!(power.number(), 1);
        assert_eq!(seen.iter().filter(|seen| !**seen).count(), 1);
    }

    #[test]
    fn exponents_add_when_elements_are_multiplied() {
        for (a, b) in [(1, 1), (9, 1), (500, 600), (1022, 1), (1022, 1022)] {
            assert!(Element::alpha(a).times(Element::alpha(b)) == Element::alpha(a + b));
        }
        assert_eq!(Element::alpha(10).number(), 0b1001);
        assert_eq!(Element::new(0).times(Element::alpha(7)).number(), 0);
    }
}
