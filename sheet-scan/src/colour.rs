//! From an image's samples, in whatever order and depth a decoder gives them, to shades of grey.
//!
//! Knows no file formats. The samples lie in a buffer that is wiped.

use zeroize::Zeroizing;

use crate::GreyPage;

/// What the samples of a pixel mean, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    Cmyk,
    /// Brightness first, then colour (JPEG inside TIFF).
    YCbCr,
}

impl Colour {
    fn samples(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb | Self::YCbCr => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

/// How many bits a sample has. Rows of samples smaller than a byte begin with a new byte, the first
/// sample in the upper bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 1, 2 or 4 bits.
    Packed(u8),
    Eight,
    /// 16 bits in the machine's own order of bytes, of which the upper eight count.
    Sixteen,
}

/// An image as its decoder gives it.
pub(crate) struct Raw {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) colour: Colour,
    pub(crate) depth: Depth,
}

impl Raw {
    /// The shades of grey; none if the samples are not as many as the size demands.
    pub(crate) fn into_grey(self, width: usize, height: usize) -> Option<GreyPage> {
        let samples = match self.depth {
            Depth::Eight => self.bytes,
            Depth::Sixteen => upper_halves(&self.bytes),
            Depth::Packed(bits) => unpacked(&self.bytes, bits, width * self.colour.samples())?,
        };
        let pixels = match self.colour {
            Colour::Grey => samples,
            Colour::GreyAlpha => shades(&samples, |&[l, a]| on_paper(l, a)),
            Colour::Rgb => shades(&samples, |&[r, g, b]| luma(r, g, b)),
            Colour::Rgba => shades(&samples, |&[r, g, b, a]| on_paper(luma(r, g, b), a)),
            Colour::Cmyk => shades(&samples, |&[c, m, y, k]| in_shadow(luma(!c, !m, !y), !k)),
            Colour::YCbCr => shades(&samples, |&[y, _, _]| y),
        };
        GreyPage::new(width, height, pixels)
    }

    /// Brings samples that lie colour by colour into the order pixel by pixel.
    pub(crate) fn interleaved(self) -> Self {
        let bytes_a_sample = if self.depth == Depth::Sixteen { 2 } else { 1 };
        let planes = self.colour.samples();
        let plane = (self.bytes.len() / planes).max(1);
        let mut woven = Zeroizing::new(vec![0; self.bytes.len()]);
        for (number, samples) in self.bytes.chunks_exact(plane).enumerate() {
            let targets = woven
                .chunks_exact_mut(bytes_a_sample)
                .skip(number)
                .step_by(planes);
            for (target, sample) in targets.zip(samples.chunks_exact(bytes_a_sample)) {
                target.copy_from_slice(sample);
            }
        }
        Self {
            bytes: woven,
            ..self
        }
    }
}

/// Brightness as the eye sees it (ITU-R BT.601).
pub(crate) fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let sum = 77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue);
    u8::try_from(sum / 256).unwrap_or(u8::MAX)
}

fn shades<const N: usize>(samples: &[u8], shade: impl Fn(&[u8; N]) -> u8) -> Zeroizing<Vec<u8>> {
    let (pixels, _) = samples.as_chunks();
    Zeroizing::new(pixels.iter().map(shade).collect())
}

fn upper_halves(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let (samples, _) = bytes.as_chunks();
    let upper = |&sample: &[u8; 2]| {
        let [upper, _] = u16::from_ne_bytes(sample).to_be_bytes();
        upper
    };
    Zeroizing::new(samples.iter().map(upper).collect())
}

/// Samples of 1, 2 or 4 bits, stretched to the whole range from 0 to 255.
fn unpacked(bytes: &[u8], bits: u8, samples_a_row: usize) -> Option<Zeroizing<Vec<u8>>> {
    if !matches!(bits, 1 | 2 | 4) || samples_a_row == 0 {
        return None;
    }
    let (a_byte, most) = (usize::from(8 / bits), (1 << bits) - 1);
    let row_bytes = samples_a_row.div_ceil(a_byte);
    let mut samples = Zeroizing::new(vec![0; bytes.len() / row_bytes * samples_a_row]);
    let rows = bytes.chunks_exact(row_bytes);
    for (target, row) in samples.chunks_exact_mut(samples_a_row).zip(rows) {
        for (eight, &byte) in target.chunks_mut(a_byte).zip(row) {
            for (number, sample) in (1..).zip(eight) {
                *sample = (byte >> (8 - number * bits) & most) * (255 / most);
            }
        }
    }
    Some(samples)
}

/// What is transparent shows the white paper below.
fn on_paper(shade: u8, alpha: u8) -> u8 {
    let (shade, alpha) = (u32::from(shade), u32::from(alpha));
    u8::try_from((shade * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

/// What is left of a shade in so much light.
fn in_shadow(shade: u8, light: u8) -> u8 {
    u8::try_from(u32::from(shade) * u32::from(light) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn raw(bytes: &[u8], colour: Colour, depth: Depth) -> Raw {
        Raw {
            bytes: Zeroizing::new(bytes.to_vec()),
            colour,
            depth,
        }
    }

    fn greys(bytes: &[u8], width: usize, colour: Colour, depth: Depth) -> Vec<u8> {
        let page = raw(bytes, colour, depth).into_grey(width, 1).unwrap();
        page.expose_pixels().to_vec()
    }

    #[test]
    fn every_colour_becomes_grey() {
        let eight = |bytes: &[u8], width, colour| greys(bytes, width, colour, Depth::Eight);
        assert_eq!(eight(&[7, 9], 2, Colour::Grey), [7, 9]);
        assert_eq!(eight(&[7, 255], 1, Colour::GreyAlpha), [7]);
        assert_eq!(eight(&[255, 255, 255, 0, 0, 0], 2, Colour::Rgb), [255, 0]);
        assert_eq!(eight(&[9, 9, 9, 255], 1, Colour::Rgba), [9]);
        assert_eq!(eight(&[9, 128, 128], 1, Colour::YCbCr), [9]);
        let inks = [0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0];
        assert_eq!(eight(&inks, 3, Colour::Cmyk), [255, 0, 0]);
    }

    #[test]
    fn of_sixteen_bits_the_upper_eight_count() {
        let deep: Vec<u8> = [0x1234u16, 0xffff, 0x1234, 0xffff]
            .iter()
            .flat_map(|sample| sample.to_ne_bytes())
            .collect();
        assert_eq!(
            greys(&deep[..4], 2, Colour::Grey, Depth::Sixteen),
            [0x12, 0xff]
        );
        assert_eq!(
            greys(&deep[..4], 1, Colour::GreyAlpha, Depth::Sixteen),
            [0x12]
        );
        assert_eq!(greys(&deep, 1, Colour::Rgba, Depth::Sixteen).len(), 1);
    }

    #[test]
    fn packed_samples_are_stretched_and_every_row_begins_with_a_byte() {
        let rows = raw(&[0b1010_0000, 0b0100_0000], Colour::Grey, Depth::Packed(1));
        let page = rows.into_grey(3, 2).unwrap();
        assert_eq!(page.expose_pixels(), [255, 0, 255, 0, 255, 0]);
        assert_eq!(
            greys(&[0b0001_1011], 4, Colour::Grey, Depth::Packed(2)),
            [0, 85, 170, 255]
        );
        assert_eq!(greys(&[0x0f], 2, Colour::Grey, Depth::Packed(4)), [0, 255]);
        assert!(
            raw(&[0], Colour::Grey, Depth::Packed(3))
                .into_grey(1, 1)
                .is_none()
        );
        assert!(
            raw(&[0], Colour::Grey, Depth::Packed(1))
                .into_grey(9, 1)
                .is_none()
        );
    }

    #[test]
    fn transparent_ground_is_white() {
        let eight = |bytes: &[u8], colour| greys(bytes, 2, colour, Depth::Eight);
        assert_eq!(eight(&[0, 0, 0, 0, 0, 0, 0, 255], Colour::Rgba), [255, 0]);
        assert_eq!(eight(&[0, 0, 100, 128], Colour::GreyAlpha), [255, 177]);
    }

    #[test]
    fn samples_that_lie_colour_by_colour_are_woven_together() {
        let planes = raw(&[1, 2, 3, 4, 5, 6], Colour::Rgb, Depth::Eight);
        assert_eq!(*planes.interleaved().bytes, [1, 3, 5, 2, 4, 6]);
        let deep = raw(&[1, 2, 3, 4], Colour::GreyAlpha, Depth::Sixteen);
        assert_eq!(*deep.interleaved().bytes, [1, 2, 3, 4]);
    }
}
