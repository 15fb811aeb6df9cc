//! From the bytes of a PNG or JPEG image to a grey page, within limits.
//!
//! Refuses what is too large before it allocates. The raw image lies in a buffer that is wiped.

use std::io::Cursor;

use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits as ImageLimits};
use zeroize::Zeroizing;

use crate::contain::contain;
use crate::page::luma;
use crate::{GreyPage, Kind, Limits, ScanError};

/// Decodes an image; refuses every kind but PNG and JPEG.
pub(crate) fn decode(bytes: &[u8], kind: Kind, limits: &Limits) -> Result<GreyPage, ScanError> {
    let format = match kind {
        Kind::Png => ImageFormat::Png,
        Kind::Jpeg => ImageFormat::Jpeg,
        other => return Err(ScanError::NotAnImage(other)),
    };
    if kind == Kind::Png
        && let Some((width, height)) = size_in_png_header(bytes)
    {
        limits.admit(width.into(), height.into(), 0)?;
    }
    let damaged = |error: ImageError| ScanError::Damaged {
        kind,
        detail: error.to_string(),
    };
    contain(|| {
        let decoder = decoder(bytes, format).map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        limits.admit(width.into(), height.into(), decoder.total_bytes())?;
        let raw = Raw::from(decoder).map_err(damaged)?;
        let nothing = || ScanError::Damaged {
            kind,
            detail: "it has no pixels".to_owned(),
        };
        raw.to_grey(width as usize, height as usize)
            .ok_or_else(nothing)
    })
    .unwrap_or(Err(ScanError::Crashed("image decoder")))
}

/// What a decoder may allocate beside the image itself.
const DECODER_MEMORY: u64 = 64 * 1024 * 1024;

fn decoder(bytes: &[u8], format: ImageFormat) -> Result<impl ImageDecoder, ImageError> {
    let mut limits = ImageLimits::no_limits();
    limits.max_alloc = Some(DECODER_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    reader.into_decoder()
}

/// The size that a PNG image claims, before any decoder acts on it (PNG specification, 11.2.1).
fn size_in_png_header(bytes: &[u8]) -> Option<(u32, u32)> {
    let (width, rest) = bytes.get(16..)?.split_first_chunk()?;
    let (height, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

/// An image as its decoder gives it.
struct Raw {
    bytes: Zeroizing<Vec<u8>>,
    colour: ColorType,
}

impl Raw {
    /// The caller has admitted the image's size.
    fn from(decoder: impl ImageDecoder) -> Result<Self, ImageError> {
        let colour = decoder.color_type();
        let size = usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX);
        let mut bytes = Zeroizing::new(vec![0; size]);
        decoder.read_image(&mut bytes)?;
        Ok(Self { bytes, colour })
    }

    fn to_grey(&self, width: usize, height: usize) -> Option<GreyPage> {
        let pixels = match self.colour {
            ColorType::L8 => return GreyPage::new(width, height, self.bytes.clone()),
            ColorType::La8 => self.shades(|&[l, a]| on_paper(l, a)),
            ColorType::Rgb8 => self.shades(|&[r, g, b]| luma(r, g, b)),
            ColorType::Rgba8 => self.shades(|&[r, g, b, a]| on_paper(luma(r, g, b), a)),
            ColorType::L16 => self.deep_shades(|[l]| l),
            ColorType::La16 => self.deep_shades(|[l, a]| on_paper(l, a)),
            ColorType::Rgb16 => self.deep_shades(|[r, g, b]| luma(r, g, b)),
            ColorType::Rgba16 => self.deep_shades(|[r, g, b, a]| on_paper(luma(r, g, b), a)),
            _ => return None,
        };
        GreyPage::new(width, height, pixels)
    }

    fn shades<const N: usize>(&self, shade: impl Fn(&[u8; N]) -> u8) -> Zeroizing<Vec<u8>> {
        let (pixels, _) = self.bytes.as_chunks();
        Zeroizing::new(pixels.iter().map(shade).collect())
    }

    /// The same for samples of 16 bits, of which the upper eight count.
    fn deep_shades<const N: usize>(&self, shade: impl Fn([u8; N]) -> u8) -> Zeroizing<Vec<u8>> {
        let (samples, _) = self.bytes.as_chunks();
        let upper: Vec<u8> = samples.iter().map(|&two| upper_half(two)).collect();
        let upper = Zeroizing::new(upper);
        let (pixels, _) = upper.as_chunks();
        Zeroizing::new(pixels.iter().map(|&pixel| shade(pixel)).collect())
    }
}

fn upper_half(sample: [u8; 2]) -> u8 {
    let [upper, _] = u16::from_ne_bytes(sample).to_be_bytes();
    upper
}

/// What is transparent shows the white paper below.
fn on_paper(shade: u8, alpha: u8) -> u8 {
    let (shade, alpha) = (u32::from(shade), u32::from(alpha));
    u8::try_from((shade * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use image::ExtendedColorType as Colour;

    use super::*;

    fn png(raw: &[u8], width: u32, colour: Colour) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        image::ImageEncoder::write_image(encoder, raw, width, 1, colour).unwrap();
        bytes
    }

    fn greys(raw: &[u8], width: u32, colour: Colour) -> Vec<u8> {
        let bytes = png(raw, width, colour);
        let page = decode(&bytes, Kind::Png, &Limits::default()).unwrap();
        page.expose_pixels().to_vec()
    }

    #[test]
    fn every_colour_type_becomes_grey() {
        assert_eq!(greys(&[7, 9], 2, Colour::L8), [7, 9]);
        assert_eq!(greys(&[7, 255], 1, Colour::La8), [7]);
        assert_eq!(greys(&[255, 255, 255, 0, 0, 0], 2, Colour::Rgb8), [255, 0]);
        assert_eq!(greys(&[9, 9, 9, 255], 1, Colour::Rgba8), [9]);
        let deep: Vec<u8> = [0x1234u16, 0xffff]
            .iter()
            .flat_map(|v| v.to_ne_bytes())
            .collect();
        assert_eq!(greys(&deep, 2, Colour::L16), [0x12, 0xff]);
        assert_eq!(greys(&deep, 1, Colour::La16), [0x12]);
        let deep: Vec<u8> = [0x1234u16; 4]
            .iter()
            .flat_map(|v| v.to_ne_bytes())
            .collect();
        assert_eq!(greys(&deep[..6], 1, Colour::Rgb16), [0x12]);
        assert_eq!(greys(&deep, 1, Colour::Rgba16), [238]);
    }

    #[test]
    fn transparent_ground_is_white() {
        assert_eq!(
            greys(&[0, 0, 0, 0, 0, 0, 0, 255], 2, Colour::Rgba8),
            [255, 0]
        );
        assert_eq!(greys(&[0, 0, 100, 128], 2, Colour::La8), [255, 177]);
    }

    #[test]
    fn an_image_that_needs_too_much_memory_is_refused() {
        let bytes = png(&[0; 400], 100, Colour::Rgba8);
        let limits = Limits {
            memory: 399,
            ..Limits::default()
        };
        let refused = decode(&bytes, Kind::Png, &limits);
        assert!(matches!(
            refused,
            Err(ScanError::TooLarge {
                width: 100,
                height: 1
            })
        ));
    }
}
