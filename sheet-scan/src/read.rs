//! From the bytes of a scan to the texts on it: takes the pages of a file one by one and climbs the
//! ladder with each.

use thiserror::Error;

use crate::ladder::Climb;
use crate::source::{self, Source};
use crate::{CodeText, GreyPage, Kind, Limits, Step};

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

    /// So many codes were seen on a page, at least, that could not be read, while others were: a
    /// sheet may have been missed. Pages count from 1.
    fn left_unread(&mut self, page: usize, codes: usize) {
        let _ = (page, codes);
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
    #[error("this is {kind}, not a PNG, JPEG or TIFF image or a PDF document{advice}", kind = .0, advice = .0.advice())]
    NotAnImage(Kind),
    /// The image is of a sort that is not read, among those of its kind.
    #[error("this is {kind} of a sort that is not read ({detail}): save it as PNG")]
    Unsupported {
        /// What it is.
        kind: Kind,
        /// What is special about it.
        detail: String,
    },
    /// The image or document is cut off or corrupted.
    #[error("this is {kind} that is damaged: {detail}")]
    Damaged {
        /// What it should have been.
        kind: Kind,
        /// What is wrong with it, in the decoder's words.
        detail: String,
    },
    /// The document needs a password.
    #[error(
        "this is a PDF document that is locked with a password: save a copy without one, or scan the sheet again"
    )]
    Locked,
    /// More pixels than the limits allow.
    #[error(
        "it has {width} × {height} pixels, which is more than is read: scan the sheet at 300 dpi"
    )]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// More pages than the limits allow.
    #[error(
        "it has more than {most} pages: put the pages with the sheets into a file of their own"
    )]
    TooManyPages {
        /// Pages that the limits allow.
        most: usize,
    },
    /// Nothing at all is on the page: perhaps the sheet lay with its back to the glass.
    #[error("no QR code was found on it: it is blank")]
    Blank,
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

/// Reads the QR codes on a PNG or JPEG image or on the pages of a TIFF file or a PDF document. Gives
/// every text once, at least one. Pages that give nothing are left out if another gives something,
/// and so are codes that cannot be read beside one that can; a [`Watch`] is told of both.
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
    let mut source = source::open(bytes, limits)?;
    let pages = source.pages();
    let mut found = Vec::new();
    let mut failure = None;
    for page in 0..pages {
        match read_source_page(&mut *source, page, limits, watch) {
            Ok(texts) => texts.into_iter().for_each(|text| text.join(&mut found)),
            Err(error) => {
                if pages > 1 {
                    watch.page_failed(page + 1, &error);
                }
                failure = Some(more_telling(failure, error));
            }
        }
    }
    match failure {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

/// Reads the QR codes on a page that is pixels already, as [`crate::render_pdf`] gives it.
///
/// # Errors
///
/// When no code was read.
pub fn read_page(page: &GreyPage, limits: &Limits) -> Result<Vec<CodeText>, ScanError> {
    let mut unwatched = ();
    let mut climb = Climb::new((1, 1), 1, limits.deadline(), &mut unwatched);
    climb.climb(page);
    climb.bring_in()
}

fn read_source_page(
    source: &mut dyn Source,
    page: usize,
    limits: &Limits,
    watch: &mut dyn Watch,
) -> Result<Vec<CodeText>, ScanError> {
    let (deadline, showings) = (limits.deadline(), source.showings());
    let mut climb = Climb::new((page + 1, source.pages()), showings, deadline, watch);
    for showing in 0..showings {
        match source.show(page, showing, deadline) {
            Ok(pixels) => climb.climb(&pixels),
            Err(_) if climb.has_texts() => break,
            Err(error) => return Err(error),
        }
        if climb.is_done() {
            break;
        }
    }
    climb.bring_in()
}

/// Of two pages' failures the first, unless that page was only blank.
fn more_telling(first: Option<ScanError>, second: ScanError) -> ScanError {
    match first {
        None | Some(ScanError::Blank) => second,
        Some(first) => first,
    }
}
