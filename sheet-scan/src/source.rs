//! Where pages come from: an image is one page, a TIFF file and a PDF document have several.

use crate::limits::Deadline;
use crate::pdf::Document;
use crate::tiff_file::TiffFile;
use crate::{GreyPage, Kind, Limits, ScanError, decode};

/// A file whose pages can be looked at one by one.
pub(crate) trait Source {
    /// How many pages it has, at least one.
    fn pages(&self) -> usize;

    /// In how many ways a page can be shown, each finer than the one before.
    fn showings(&self) -> usize {
        1
    }

    /// One page as pixels; pages and showings count from zero.
    fn show(
        &mut self,
        page: usize,
        showing: usize,
        deadline: Deadline,
    ) -> Result<GreyPage, ScanError>;
}

/// Opens a file by what it holds, whatever it is called.
pub(crate) fn open<'bytes>(
    bytes: &'bytes [u8],
    limits: &Limits,
) -> Result<Box<dyn Source + 'bytes>, ScanError> {
    Ok(match Kind::of(bytes) {
        Kind::Pdf => Box::new(Document::open(bytes, limits)?),
        Kind::Tiff => Box::new(TiffFile::open(bytes, limits)?),
        kind @ (Kind::Png | Kind::Jpeg) => Box::new(Image {
            bytes,
            kind,
            limits: *limits,
        }),
        other => return Err(ScanError::NotAnImage(other)),
    })
}

/// A PNG or JPEG image.
struct Image<'bytes> {
    bytes: &'bytes [u8],
    kind: Kind,
    limits: Limits,
}

impl Source for Image<'_> {
    fn pages(&self) -> usize {
        1
    }

    fn show(&mut self, _: usize, _: usize, _: Deadline) -> Result<GreyPage, ScanError> {
        decode::decode(self.bytes, self.kind, &self.limits)
    }
}
