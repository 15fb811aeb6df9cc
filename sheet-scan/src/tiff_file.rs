//! From a TIFF file to grey pages, one by one, within limits.
//!
//! Reads what scanners write: black and white, grey and colour; plain, LZW, Deflate, `PackBits`, JPEG
//! and the fax compressions. Refuses palettes, JPEG in the old style and samples that are no plain
//! numbers. The samples lie in buffers that are wiped.

mod fax;

use std::io::Cursor;

use tiff::decoder::{Decoder, Limits as DecoderLimits};
use tiff::tags::{CompressionMethod, PlanarConfiguration, Tag};
use tiff::{ColorType, TiffError};
use zeroize::Zeroizing;

use crate::colour::{Colour, Depth, Raw};
use crate::contain::contain;
use crate::decode::size_in_jpeg;
use crate::limits::Deadline;
use crate::source::Source;
use crate::{GreyPage, Kind, Limits, ScanError};

/// An open TIFF file.
pub(crate) struct TiffFile<'bytes> {
    bytes: &'bytes [u8],
    decoder: Decoder<Cursor<&'bytes [u8]>>,
    pages: usize,
    limits: Limits,
}

impl<'bytes> TiffFile<'bytes> {
    /// Opens a file and counts its pages.
    pub(crate) fn open(bytes: &'bytes [u8], limits: &Limits) -> Result<Self, ScanError> {
        let open = || {
            let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(failure)?;
            let pages = count_pages(&mut decoder, limits.pages)?;
            Ok((decoder.with_limits(decoder_limits(limits)), pages))
        };
        let (decoder, pages) = contain(open).unwrap_or(Err(CRASHED))?;
        Ok(Self {
            bytes,
            decoder,
            pages,
            limits: *limits,
        })
    }

    fn decode(&mut self, page: usize) -> Result<GreyPage, ScanError> {
        self.decoder.seek_to_image(page).map_err(failure)?;
        let (width, height) = self.decoder.dimensions().map_err(failure)?;
        self.limits.admit(width.into(), height.into(), 0)?;
        self.admit_parts()?;
        let (width, height) = (width as usize, height as usize);
        match self
            .number(Tag::Compression)?
            .map(CompressionMethod::from_u16_exhaustive)
        {
            Some(
                CompressionMethod::Huffman | CompressionMethod::Fax3 | CompressionMethod::Fax4,
            ) => fax::decode(&mut self.decoder, self.bytes, width, height),
            compression => {
                if compression == Some(CompressionMethod::ModernJPEG) {
                    self.admit_jpegs()?;
                }
                if self.number(Tag::FillOrder)?.is_some_and(|order| order != 1) {
                    return Err(unsupported("its bits are in reversed order"));
                }
                let pixels = self.samples()?.into_grey(width, height);
                pixels.ok_or_else(|| damaged("it has too few samples"))
            }
        }
    }

    fn samples(&mut self) -> Result<Raw, ScanError> {
        let (colour, depth) = order(self.decoder.colortype().map_err(failure)?)?;
        let (width, height) = self.decoder.dimensions().map_err(failure)?;
        let layout = self.decoder.image_buffer_layout().map_err(failure)?;
        let size = layout.complete_len;
        self.limits
            .admit(width.into(), height.into(), size as u64)?;
        let mut bytes = Zeroizing::new(vec![0; size]);
        self.decoder.read_image_bytes(&mut bytes).map_err(failure)?;
        let raw = Raw {
            bytes,
            colour,
            depth,
        };
        let planar =
            self.number(Tag::PlanarConfiguration)? == Some(PlanarConfiguration::Planar.to_u16());
        Ok(if planar { raw.interleaved() } else { raw })
    }

    /// Refuses strips and tiles that lie over each other: each of a hundred thousand could be as long
    /// as the file, and every one is gone through. Some writers use one blank strip several times.
    fn admit_parts(&mut self) -> Result<(), ScanError> {
        const TIMES_THE_FILE: u64 = 4;
        let file = self.bytes.len() as u64;
        let lengths = numbers(&mut self.decoder, LENGTHS)?;
        let all = lengths.into_iter().map(|length| length.min(file)).sum();
        if TIMES_THE_FILE.saturating_mul(file) < all {
            return Err(damaged("its parts lie over each other"));
        }
        Ok(())
    }

    /// Refuses strips and tiles that are larger as JPEG images than the file says: the decoder
    /// would make room for them.
    fn admit_jpegs(&mut self) -> Result<(), ScanError> {
        let (width, height) = self.decoder.chunk_dimensions();
        // A JPEG image is made of blocks of 8 to 32 pixels.
        let most = |side: u32| side.saturating_add(31);
        for data in chunks(&mut self.decoder, self.bytes)? {
            if let Some((w, h)) = size_in_jpeg(data)
                && (u32::from(w) > most(width) || u32::from(h) > most(height))
            {
                return Err(damaged("a part is larger than the whole"));
            }
        }
        Ok(())
    }

    fn number(&mut self, tag: Tag) -> Result<Option<u16>, ScanError> {
        self.decoder.find_tag_unsigned(tag).map_err(failure)
    }
}

impl Source for TiffFile<'_> {
    fn pages(&self) -> usize {
        self.pages
    }

    fn show(&mut self, page: usize, _: usize, _: Deadline) -> Result<GreyPage, ScanError> {
        contain(|| self.decode(page)).unwrap_or(Err(CRASHED))
    }
}

const CRASHED: ScanError = ScanError::Crashed("TIFF decoder");

/// Follows the chain of pages; one that bites its tail ends there.
fn count_pages(decoder: &mut Decoder<Cursor<&[u8]>>, most: usize) -> Result<usize, ScanError> {
    let mut seen = Vec::new();
    let mut next = decoder.ifd_pointer();
    while let Some(page) = next {
        if seen.contains(&page) {
            break;
        }
        if seen.len() == most {
            return Err(ScanError::TooManyPages { most });
        }
        next = decoder.read_directory(page).map_err(failure)?.next();
        seen.push(page);
    }
    Ok(seen.len())
}

fn decoder_limits(limits: &Limits) -> DecoderLimits {
    let mut decoder = DecoderLimits::default();
    let memory = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    decoder.decoding_buffer_size = memory;
    decoder.intermediate_buffer_size = memory;
    decoder
}

/// The compressed strips or tiles of the decoder's present page.
fn chunks<'bytes>(
    decoder: &mut Decoder<Cursor<&'bytes [u8]>>,
    bytes: &'bytes [u8],
) -> Result<Vec<&'bytes [u8]>, ScanError> {
    let starts = numbers(decoder, STARTS)?;
    let lengths = numbers(decoder, LENGTHS)?;
    let chunk = |(start, length): (u64, u64)| {
        let end = usize::try_from(start.checked_add(length)?).ok()?;
        bytes.get(usize::try_from(start).ok()?..end)
    };
    starts
        .into_iter()
        .zip(lengths)
        .map(|place| chunk(place).ok_or_else(|| damaged("it is cut off")))
        .collect()
}

/// Where the strips or tiles begin, and how many bytes each has.
const STARTS: [Tag; 2] = [Tag::StripOffsets, Tag::TileOffsets];
const LENGTHS: [Tag; 2] = [Tag::StripByteCounts, Tag::TileByteCounts];

/// The numbers of the first of two tags, or of the second.
fn numbers(
    decoder: &mut Decoder<Cursor<&[u8]>>,
    [strips, tiles]: [Tag; 2],
) -> Result<Vec<u64>, ScanError> {
    let found = decoder.find_tag_unsigned_vec(strips).transpose();
    found
        .or_else(|| decoder.find_tag_unsigned_vec(tiles).transpose())
        .unwrap_or_else(|| Ok(Vec::new()))
        .map_err(failure)
}

fn order(colour: ColorType) -> Result<(Colour, Depth), ScanError> {
    let (order, bits) = match colour {
        ColorType::Gray(bits) => (Colour::Grey, bits),
        ColorType::GrayA(bits) => (Colour::GreyAlpha, bits),
        ColorType::Multiband {
            bit_depth,
            num_samples: 2,
        } => (Colour::GreyAlpha, bit_depth),
        ColorType::RGB(bits) => (Colour::Rgb, bits),
        ColorType::RGBA(bits) => (Colour::Rgba, bits),
        ColorType::CMYK(bits) => (Colour::Cmyk, bits),
        ColorType::YCbCr(bits @ 8) => (Colour::YCbCr, bits),
        ColorType::Palette(_) => return Err(unsupported("its colours are a palette")),
        _ => return Err(unsupported("its colours are of a rare kind")),
    };
    match bits {
        1 | 2 | 4 => Ok((order, Depth::Packed(bits))),
        8 => Ok((order, Depth::Eight)),
        16 => Ok((order, Depth::Sixteen)),
        _ => Err(unsupported("its samples have a rare size")),
    }
}

fn failure(error: TiffError) -> ScanError {
    match error {
        TiffError::UnsupportedError(error) => unsupported(&error.to_string()),
        TiffError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            damaged("it is cut off")
        }
        other => damaged(&other.to_string()),
    }
}

fn damaged(detail: &str) -> ScanError {
    ScanError::Damaged {
        kind: Kind::Tiff,
        detail: detail.to_owned(),
    }
}

fn unsupported(detail: &str) -> ScanError {
    ScanError::Unsupported {
        kind: Kind::Tiff,
        detail: detail.to_owned(),
    }
}
