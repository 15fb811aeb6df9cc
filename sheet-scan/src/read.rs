//! From the bytes of a scan to the texts on it: tells the kind of file, takes its pages, and climbs
//! the ladder with each.

use thiserror::Error;

use crate::ladder::climb;
use crate::pdf::Document;
use crate::{CodeText, GreyPage, Kind, Limits, Step, decode};

/// Who follows a scan: is told of every step, and decides which texts end it.
pub trait Watch {
    /// A step begins.
    fn step(&mut self, step: Step) {
        let _ = step;
    }

    /// Whether this text is one that is looked for. A page may carry other codes, on a bag or a
    /// parcel: they do not end the search, but are among the results.
    fn wants(&mut self, text: &CodeText) -> bool {
        let _ = text;
        true
    }

    /// A page of a document gave nothing, while others may. Pages count from 1.
    fn page_failed(&mut self, page: usize, why: &ScanError) {
        let _ = (page, why);
    }
}

/// Follows nothing and wants every text.
impl Watch for () {}

/// Why a scan gave no text. The messages do not name the file, which only the caller knows.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The bytes are of a kind that is not read.
    #[error("this is {0}, not a PNG or JPEG image or a PDF document")]
    NotAnImage(Kind),
    /// The image or document is cut off or corrupted.
    #[error("this is {kind} that is damaged: {detail}")]
    Damaged {
        /// What it should have been.
        kind: Kind,
        /// What is wrong with it, in the decoder's words.
        detail: String,
    },
    /// The document needs a password.
    #[error("this is a PDF document that is locked with a password")]
    Locked,
    /// More pixels than the limits allow.
    #[error("it has {width} × {height} pixels, which is more than is read")]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// More pages than the limits allow.
    #[error("it has {pages} pages; at most {most} are read")]
    TooManyPages {
        /// Pages of the document.
        pages: usize,
        /// Pages that the limits allow.
        most: usize,
    },
    /// Every step was tried and no code was read.
    #[error("{} on it, {steps} ways tried", if *.seen { "no QR code could be read" } else { "no QR code was found" })]
    NoCode {
        /// Steps that were tried.
        steps: usize,
        /// Something that looks like a code was seen: the paper may be damaged or the scan blurred.
        seen: bool,
    },
    /// A decoder had a fault and nothing was read.
    #[error("the {0} failed on it by a fault of its own")]
    Crashed(&'static str),
    /// The time for a page was over before a code was read.
    #[error("no QR code was read within {seconds} seconds")]
    OutOfTime {
        /// The time that the limits allow for a page.
        seconds: u64,
    },
}

/// Reads the QR codes on a PNG or JPEG image or on the pages of a PDF document. Gives every text
/// once, at least one. Pages of a document that give nothing are left out if another gives
/// something; a [`Watch`] is told of them.
///
/// # Errors
///
/// When the bytes are of another kind, damaged or beyond the limits, and when no code was read.
pub fn read_codes(bytes: &[u8], limits: &Limits) -> Result<Vec<CodeText>, ScanError> {
    read_codes_watched(bytes, limits, &mut ())
}

/// The same, followed step by step.
///
/// # Errors
///
/// As [`read_codes`].
pub fn read_codes_watched(
    bytes: &[u8],
    limits: &Limits,
    watch: &mut dyn Watch,
) -> Result<Vec<CodeText>, ScanError> {
    match Kind::of(bytes) {
        Kind::Pdf => read_document(bytes, limits, watch),
        kind => {
            let deadline = limits.deadline();
            let page = decode::decode(bytes, kind, limits)?;
            climb(&page, 1, deadline, watch)
        }
    }
}

/// Reads the QR codes on a page that is pixels already, as [`crate::render_pdf`] gives it.
///
/// # Errors
///
/// When no code was read.
pub fn read_page(page: &GreyPage, limits: &Limits) -> Result<Vec<CodeText>, ScanError> {
    climb(page, 1, limits.deadline(), &mut ())
}

fn read_document(
    bytes: &[u8],
    limits: &Limits,
    watch: &mut dyn Watch,
) -> Result<Vec<CodeText>, ScanError> {
    let mut document = Document::open(bytes, limits)?;
    let mut found = Vec::new();
    let mut failure = None;
    for page in 0..document.pages() {
        match read_document_page(&mut document, page, limits, watch) {
            Ok(texts) => texts.into_iter().for_each(|text| text.join(&mut found)),
            Err(error) => {
                watch.page_failed(page + 1, &error);
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Resolutions at which a page of a document is rendered, in dots per inch, one after the other.
const RESOLUTIONS: [f32; 2] = [200.0, 300.0];

fn read_document_page(
    document: &mut Document,
    page: usize,
    limits: &Limits,
    watch: &mut dyn Watch,
) -> Result<Vec<CodeText>, ScanError> {
    let deadline = limits.deadline();
    let (mut steps, mut seen) = (0, false);
    for dpi in RESOLUTIONS {
        let pixels = document.render(page, dpi, deadline)?;
        match climb(&pixels, page + 1, deadline, watch) {
            Err(ScanError::NoCode {
                steps: more,
                seen: something,
            }) => {
                steps += more;
                seen |= something;
            }
            outcome => return outcome,
        }
    }
    Err(ScanError::NoCode { steps, seen })
}
