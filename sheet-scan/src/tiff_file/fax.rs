//! Black and white pages in the fax compressions of ITU-T T.4 and T.6 (TIFF 6.0, sections 10 and 11):
//! what most office scanners make of a page without grey.

use std::io::Cursor;

use hayro_ccitt::{DecodeSettings, DecoderContext, EncodingMode};
use tiff::decoder::Decoder;
use tiff::tags::{CompressionMethod, PhotometricInterpretation, Tag};
use zeroize::Zeroizing;

use super::{chunks, damaged, failure, unsupported};
use crate::{GreyPage, ScanError};

/// Decodes the decoder's present page; the caller has admitted its size.
pub(super) fn decode<'bytes>(
    decoder: &mut Decoder<Cursor<&'bytes [u8]>>,
    bytes: &'bytes [u8],
    width: usize,
    height: usize,
) -> Result<GreyPage, ScanError> {
    let mut number = |tag, usual| {
        Ok(decoder
            .find_tag_unsigned::<u32>(tag)
            .map_err(failure)?
            .unwrap_or(usual))
    };
    if number(Tag::TileWidth, 0)? != 0 {
        return Err(unsupported("it is a fax in tiles"));
    }
    let inverted = number(Tag::PhotometricInterpretation, 0)?
        == u32::from(PhotometricInterpretation::BlackIsZero.to_u16());
    let backwards = number(Tag::FillOrder, 1)? == 2;
    let rows_a_strip = usize::try_from(number(Tag::RowsPerStrip, u32::MAX)?).unwrap_or(usize::MAX);
    let settings = settings(
        number(Tag::Compression, 4)?,
        number(T4_OPTIONS, 0)?,
        u32::try_from(width).unwrap_or(0),
    );
    let mut pixels = Zeroizing::new(vec![0; width * height]);
    let rows = width.saturating_mul(rows_a_strip).max(width);
    let mut strips = chunks(decoder, bytes)?.into_iter();
    for pixels in pixels.chunks_mut(rows) {
        let strip = strips.next().ok_or_else(|| damaged("a strip is missing"))?;
        let rows = u32::try_from(pixels.len() / width).unwrap_or(0);
        let settings = DecodeSettings { rows, ..settings };
        let paper = Paper::new(pixels, width, inverted);
        if backwards {
            paper.paint(&reversed(strip), settings)?;
        } else {
            paper.paint(strip, settings)?;
        }
    }
    GreyPage::new(width, height, pixels).ok_or_else(|| damaged("it has no pixels"))
}

const T4_OPTIONS: Tag = Tag::Unknown(292);

fn settings(compression: u32, t4_options: u32, columns: u32) -> DecodeSettings {
    let is = |method: CompressionMethod| compression == u32::from(method.to_u16());
    let encoding = if is(CompressionMethod::Fax4) {
        EncodingMode::Group4
    } else if is(CompressionMethod::Fax3) && t4_options & 1 == 1 {
        EncodingMode::Group3_2D
    } else {
        EncodingMode::Group3_1D
    };
    DecodeSettings {
        columns,
        rows: 0,
        end_of_block: !is(CompressionMethod::Huffman),
        end_of_line: is(CompressionMethod::Fax3),
        rows_are_byte_aligned: is(CompressionMethod::Huffman),
        encoding,
        strict: false,
    }
}

/// The bits of every byte in the other order.
fn reversed(strip: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(strip.iter().map(|byte| byte.reverse_bits()).collect())
}

/// The rows of a strip, painted one after the other.
struct Paper<'pixels> {
    rows: std::slice::ChunksExactMut<'pixels, u8>,
    ground: u8,
}

impl<'pixels> Paper<'pixels> {
    fn new(pixels: &'pixels mut [u8], width: usize, inverted: bool) -> Self {
        Self {
            rows: pixels.chunks_exact_mut(width),
            ground: if inverted { 0 } else { 255 },
        }
    }

    fn paint(mut self, strip: &[u8], settings: DecodeSettings) -> Result<(), ScanError> {
        let outcome = hayro_ccitt::decode(strip, &mut self, &mut DecoderContext::new(settings));
        match (outcome, self.rows.len()) {
            // Whatever comes after the last row.
            (_, 0) => Ok(()),
            (Err(error), _) => Err(damaged(&error.to_string())),
            (Ok(_), _) => Err(damaged("it is cut off")),
        }
    }
}

impl hayro_ccitt::Decoder for Paper<'_> {
    fn push_row(&mut self, changes: &[u32]) {
        let Some(row) = self.rows.next() else {
            return;
        };
        row.fill(self.ground);
        for run in changes.chunks(2) {
            let end = |place: Option<&u32>| place.map_or(row.len(), |&x| x as usize);
            let (from, to) = (end(run.first()), end(run.get(1)));
            if let Some(ink) = row.get_mut(from..to) {
                ink.fill(!self.ground);
            }
        }
    }
}
