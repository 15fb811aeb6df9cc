//! Reading one sheet from a file or stdin: a picture with QR codes, or a text. Bounded; nothing that is read is kept.

use std::io::{self, IsTerminal as _, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use archiver_core::frame::{from_qr_text, is_meant_as_share};
use archiver_core::share::Share;
use sheet_scan::{CodeText, Limits, ScanError, Step, Watch, read_codes_watched};
use zeroize::Zeroizing;

use super::text::{shares_in, text_in};
use super::verdict::SheetError;
use crate::failure::shown;
use crate::operator::Operator;
use crate::regular_file::open_regular;

/// More than any scan that is accepted.
const MOST_BYTES: u64 = 256 << 20;

/// Reads every share that stands on one sheet.
pub(super) fn read_sheet(
    path: &Path,
    operator: &mut dyn Operator,
) -> Result<Vec<Result<Share, SheetError>>, SheetError> {
    let bytes = read_bytes(path)?;
    match text_in(&bytes) {
        Some(text) if text.trim().is_empty() => Err(SheetError::Empty),
        Some(text) => Ok(shares_in(&text, operator)),
        None => read_picture(&bytes, &shown(path), operator),
    }
}

/// Reads the codes of a picture. Other codes on it, on a bag or a parcel, count only when there is no share.
fn read_picture(
    bytes: &[u8],
    name: &str,
    operator: &mut dyn Operator,
) -> Result<Vec<Result<Share, SheetError>>, SheetError> {
    let mut watch = LookingForShares {
        name,
        operator,
        told: Instant::now(),
    };
    let mut codes = read_codes_watched(bytes, &Limits::default(), &mut watch)?;
    if codes
        .iter()
        .any(|code| is_meant_as_share(code.expose_text()))
    {
        codes.retain(|code| is_meant_as_share(code.expose_text()));
    }
    Ok(codes
        .iter()
        .map(|code| Ok(from_qr_text(code.expose_text())?))
        .collect())
}

/// Goes on looking until a share's code is read, and tells the operator when that takes long.
struct LookingForShares<'a> {
    /// The file, as people are told of it.
    name: &'a str,
    operator: &'a mut dyn Operator,
    told: Instant,
}

impl Watch for LookingForShares<'_> {
    fn step(&mut self, step: Step) {
        const PATIENCE: Duration = Duration::from_secs(2);
        if self.told.elapsed() >= PATIENCE {
            self.operator.say(&format!(
                "  still reading page {} of {}: way {} of {}",
                step.page, step.pages, step.number, step.of
            ));
            self.told = Instant::now();
        }
    }

    fn wants(&mut self, text: &CodeText) -> bool {
        is_meant_as_share(text.expose_text())
    }

    fn left_unread(&mut self, page: usize, codes: usize) {
        let what = match codes {
            1 => "something that looks like another code".to_owned(),
            _ => format!("{codes} things that look like other codes"),
        };
        self.operator.warn(&format!(
            "{}, page {page}: {what} cannot be read; if the page shows more sheets than are answered here, scan those again, alone",
            self.name
        ));
    }

    fn page_failed(&mut self, page: usize, why: &ScanError) {
        self.operator.say(&format!("  page {page}: {why}"));
    }
}

fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, SheetError> {
    if path.as_os_str() == "-" {
        let stdin = io::stdin();
        // What is typed there would be seen by all.
        if stdin.is_terminal() {
            return Err(SheetError::Keyboard);
        }
        return read_bounded(stdin.lock());
    }
    read_bounded(open_regular(path)?.0)
}

fn read_bounded(source: impl Read) -> Result<Zeroizing<Vec<u8>>, SheetError> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(SheetError::TooLarge);
    }
    Ok(bytes)
}
