//! The armor's checksum, CRC-24 (RFC 4880 §6.1), eight bytes a step. It finds accidents, not attackers.

/// The generator polynomial, in the upper 24 bits of a 32-bit register.
const POLYNOMIAL: u32 = 0x0086_4CFB << 8;
const INITIAL: u32 = 0x00B7_04CE << 8;

/// `TABLES[k][b]`: what the byte `b` followed by `k` zero bytes adds to the register.
static TABLES: [[u32; 256]; 8] = tables();

/// A checksum in the making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crc24(u32);

impl Crc24 {
    /// The checksum of no bytes.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self(INITIAL)
    }

    /// Takes more bytes in.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in eights {
            let [p, q, r, s] = (self.0 ^ u32::from_be_bytes([a, b, c, d])).to_be_bytes();
            self.0 = [p, q, r, s, e, f, g, h]
                .into_iter()
                .zip(TABLES.iter().rev())
                .fold(0, |crc, (byte, table)| crc ^ table[usize::from(byte)]);
        }
        for byte in rest {
            let [top, ..] = self.0.to_be_bytes();
            self.0 = (self.0 << 8) ^ TABLES[0][usize::from(top ^ byte)];
        }
    }

    /// The 24 bits, most significant byte first.
    #[must_use]
    pub(crate) fn bytes(self) -> [u8; 3] {
        let [a, b, c, _] = self.0.to_be_bytes();
        [a, b, c]
    }
}

impl Default for Crc24 {
    fn default() -> Self {
        Self::new()
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the index is below 256; `try_from` is not const"
)]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut zeros = 0;
        while zeros < 8 {
            let mut bit = 0;
            while bit < 8 {
                let carry = crc >> 31;
                crc = (crc << 1) ^ (carry * POLYNOMIAL);
                bit += 1;
            }
            tables[zeros][byte] = crc;
            zeros += 1;
        }
        byte += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 4880 §6.1, bit by bit.
    fn by_the_rfc(bytes: &[u8]) -> [u8; 3] {
        let mut crc: u32 = 0x00B7_04CE;
        for byte in bytes {
            crc ^= u32::from(*byte) << 16;
            for _ in 0..8 {
                crc <<= 1;
                if crc & 0x0100_0000 != 0 {
                    crc ^= 0x0186_4CFB;
                }
            }
        }
        let [_, a, b, c] = crc.to_be_bytes();
        [a, b, c]
    }

    #[test]
    fn the_check_value_of_the_crc_catalogue() {
        let mut crc = Crc24::new();
        crc.update(b"123456789");
        assert_eq!(crc.bytes(), [0x21, 0xcf, 0x02]);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(bytes: Vec<u8>, cut in 0_usize..100) {
            let mut crc = Crc24::new();
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            crc.update(head);
            crc.update(tail);
            prop_assert_eq!(crc.bytes(), by_the_rfc(&bytes));
        }
    }
}
