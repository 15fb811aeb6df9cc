//! From the bytes of a PNG or JPEG image to a grey page, within limits.
//!
//! Refuses what is too large before it allocates. The raw image lies in a buffer that is wiped.

use std::io::Cursor;

use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits as ImageLimits};
use zeroize::Zeroizing;

use crate::colour::{Colour, Depth, Raw};
use crate::contain::contain;
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
    let nothing = || ScanError::Damaged {
        kind,
        detail: "it has no pixels".to_owned(),
    };
    contain(|| {
        let decoder = decoder(bytes, format).map_err(damaged)?;
        let (width, height) = decoder.dimensions();
        limits.admit(width.into(), height.into(), decoder.total_bytes())?;
        raw(decoder)
            .map_err(damaged)?
            .and_then(|raw| raw.into_grey(width as usize, height as usize))
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

/// The size that a JPEG image claims in its frame header (ITU-T T.81, B.2.2).
pub(crate) fn size_in_jpeg(bytes: &[u8]) -> Option<(u16, u16)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, length @ ..] = rest else {
            return None;
        };
        let (length, segment) = length.split_first_chunk()?;
        let frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if let ([_, h1, h2, w1, w2, ..], true) = (segment, frame) {
            return Some((
                u16::from_be_bytes([*w1, *w2]),
                u16::from_be_bytes([*h1, *h2]),
            ));
        }
        rest = segment.get(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?..)?;
    }
}

/// The decoded samples; none for a colour that neither PNG nor JPEG has. The caller has admitted
/// the image's size.
fn raw(decoder: impl ImageDecoder) -> Result<Option<Raw>, ImageError> {
    let Some((colour, depth)) = order(decoder.color_type()) else {
        return Ok(None);
    };
    let size = usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX);
    let mut bytes = Zeroizing::new(vec![0; size]);
    decoder.read_image(&mut bytes)?;
    Ok(Some(Raw {
        bytes,
        colour,
        depth,
    }))
}

fn order(colour: ColorType) -> Option<(Colour, Depth)> {
    Some(match colour {
        ColorType::L8 => (Colour::Grey, Depth::Eight),
        ColorType::La8 => (Colour::GreyAlpha, Depth::Eight),
        ColorType::Rgb8 => (Colour::Rgb, Depth::Eight),
        ColorType::Rgba8 => (Colour::Rgba, Depth::Eight),
        ColorType::L16 => (Colour::Grey, Depth::Sixteen),
        ColorType::La16 => (Colour::GreyAlpha, Depth::Sixteen),
        ColorType::Rgb16 => (Colour::Rgb, Depth::Sixteen),
        ColorType::Rgba16 => (Colour::Rgba, Depth::Sixteen),
        _ => return None,
    })
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

    #[test]
    fn the_size_of_a_jpeg_image_stands_in_its_frame_header() {
        let tables = b"\xff\xd8\xff\xc4\x00\x04\x01\x02";
        let frame = b"\xff\xc2\x00\x0b\x08\x01\x02\x03\x04\x01";
        let whole = [tables.as_slice(), frame].concat();
        assert_eq!(size_in_jpeg(&whole), Some((0x0304, 0x0102)));
        for length in 0..whole.len() - 1 {
            assert_eq!(size_in_jpeg(&whole[..length]), None, "{length}");
        }
        assert_eq!(size_in_jpeg(b"\xff\xd8\xff\xe0\x00\x00\xff\xd8"), None);
    }
}
