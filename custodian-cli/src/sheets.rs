//! From a SHEET on the command line to shares: an image with QR codes, a text file with a QR text, or stdin.
//!
//! Every sheet is answered with a verdict of its own; a bad one is named with its reason and does not spoil the others.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use archiver_core::frame::{FrameError, NotAShareText, from_qr_text, is_meant_as_share};
use archiver_core::quorum::{Gathering, NotEnoughSheets, Quorum};
use archiver_core::share::{Share, ShareRefused};
use archiver_core::sharing::SharingPart;
use archiver_core::threshold::ShareIndex;
use serde::Serialize;
use sheet_scan::{CodeText, Limits, ScanError, Step, Watch, read_codes_watched};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::operator::Operator;

/// More than any scan that is accepted.
const MOST_BYTES: u64 = 256 << 20;

/// Why a sheet did not count. Begins where the sheet's name ends.
#[derive(Debug, Error)]
pub(crate) enum SheetError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is too large to be a scan of a sheet")]
    TooLarge,
    #[error("{0}")]
    Scan(#[from] ScanError),
    #[error("{0}")]
    Text(#[from] NotAShareText),
    #[error("{0}")]
    Refused(#[from] ShareRefused),
}

impl SheetError {
    /// What the person who holds the sheet should do.
    fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::TooLarge => {
                "give a scan of the sheet as PNG or JPEG, or a text file with the text under its code"
            }
            Self::Scan(_) => {
                "scan the sheet again, flat, at 300 dpi, or type the text under its code into a text file"
            }
            Self::Text(NotAShareText::NotAShare) => {
                "this is some other code or text; give the custodian's sheet"
            }
            Self::Text(NotAShareText::Frame(
                FrameError::UnknownVersion { .. }
                | FrameError::UnknownKind { .. }
                | FrameError::UnknownProfile { .. },
            )) => "use the program that made the sheet, or a newer one",
            Self::Text(_) => "read the sheet again and compare it letter by letter",
            Self::Refused(ShareRefused::SameSheet { .. }) => "give the sheet of another custodian",
            Self::Refused(ShareRefused::OtherSet { .. }) => {
                "compare the set id printed on the sheet with the ceremony record: either this is a sheet of another archive \
                 or of an older ceremony, or the public folder was replaced"
            }
            Self::Refused(ShareRefused::RehearsalSheet | ShareRefused::RealSheetInRehearsal) => {
                "keep rehearsal sheets and real ones apart"
            }
            Self::Refused(_) => {
                "set the sheet aside, minute it, and give the sheet of another custodian"
            }
        }
    }
}

/// The answer to one sheet.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// The file as named on the command line.
    pub(crate) sheet: String,
    /// The share's index, where it is verified.
    pub(crate) share: Option<u8>,
    /// Why it was refused.
    pub(crate) refused: Option<String>,
    /// What to do about it.
    pub(crate) advice: Option<&'static str>,
    /// How many different sheets were verified up to this one.
    #[serde(skip)]
    have: usize,
}

impl Verdict {
    fn verified(sheet: String, share: ShareIndex, have: usize) -> Self {
        Self {
            sheet,
            share: Some(share.get()),
            refused: None,
            advice: None,
            have,
        }
    }

    fn refused(sheet: String, error: &SheetError, have: usize) -> Self {
        Self {
            sheet,
            share: None,
            refused: Some(error.to_string()),
            advice: Some(error.advice()),
            have,
        }
    }

    /// One line, or two with the advice.
    pub(crate) fn text(&self) -> String {
        match (&self.refused, self.advice) {
            (Some(reason), Some(advice)) => {
                format!("{}: REFUSED: {reason}\n  {advice}", self.sheet)
            }
            _ => format!(
                "{}: share {}, verified",
                self.sheet,
                self.share.unwrap_or_default()
            ),
        }
    }
}

/// All sheets of a command line, each answered.
#[derive(Debug)]
pub(crate) struct GatheredSheets {
    gathering: Gathering,
    needed: u8,
    pub(crate) verdicts: Vec<Verdict>,
}

/// Too few sheets, with the verdicts that were given on them.
#[derive(Debug, Error)]
#[error("too few sheets: {0}")]
pub(crate) struct TooFewSheets(#[from] NotEnoughSheets);

impl Explained for TooFewSheets {
    fn hint(&self) -> String {
        format!(
            "give {} more with --sheet FILE; refused sheets do not count",
            self.0.missing
        )
    }

    fn exit(&self) -> Exit {
        Exit::Sheets
    }
}

impl GatheredSheets {
    /// Reads the sheets one by one and tells the operator each verdict as it is given.
    pub(crate) fn gather(
        sharing: &SharingPart,
        sheets: &[impl AsRef<Path>],
        operator: &mut dyn Operator,
    ) -> Self {
        Self::gather_telling(sharing, sheets, operator, true)
    }

    /// The same, where the verdicts are told only when `tell` is set.
    pub(crate) fn gather_telling(
        sharing: &SharingPart,
        sheets: &[impl AsRef<Path>],
        operator: &mut dyn Operator,
        tell: bool,
    ) -> Self {
        let mut gathered = Self {
            gathering: Gathering::new(sharing.clone()),
            needed: sharing.threshold().k(),
            verdicts: Vec::new(),
        };
        for sheet in sheets {
            for verdict in gathered.answer(sheet.as_ref(), operator) {
                if tell {
                    gathered.announce(&verdict, operator);
                }
                gathered.verdicts.push(verdict);
            }
        }
        gathered
    }

    fn answer(&mut self, sheet: &Path, operator: &mut dyn Operator) -> Vec<Verdict> {
        let name = shown(sheet);
        let shares = match read_sheet(sheet, operator) {
            Ok(shares) => shares,
            Err(error) => return vec![Verdict::refused(name, &error, self.gathering.have())],
        };
        shares
            .into_iter()
            .map(|share| {
                let added = share
                    .map_err(SheetError::from)
                    .and_then(|share| Ok(self.gathering.add(share)?));
                match added {
                    Ok(index) => Verdict::verified(name.clone(), index, self.gathering.have()),
                    Err(error) => Verdict::refused(name.clone(), &error, self.gathering.have()),
                }
            })
            .collect()
    }

    fn announce(&self, verdict: &Verdict, operator: &mut dyn Operator) {
        let (have, needed) = (verdict.have, self.needed);
        if verdict.refused.is_some() {
            operator.warn(&verdict.text());
        } else if have <= usize::from(needed) {
            operator.say(&format!("{have} of {needed}: {}", verdict.text()));
        } else {
            operator.say(&format!("{have}, with {needed} needed: {}", verdict.text()));
        }
    }

    /// How many different sheets were verified.
    pub(crate) fn have(&self) -> usize {
        self.gathering.have()
    }

    /// How many sheets are still missing.
    pub(crate) fn missing(&self) -> usize {
        self.gathering.missing()
    }

    /// The quorum, if there are enough.
    pub(crate) fn into_quorum(self) -> Result<Quorum, TooFewSheets> {
        Ok(self.gathering.into_quorum()?)
    }
}

/// Reads every share that stands on one sheet.
fn read_sheet(
    path: &Path,
    operator: &mut dyn Operator,
) -> Result<Vec<Result<Share, NotAShareText>>, SheetError> {
    let bytes = read_bytes(path)?;
    match text_in(&bytes) {
        Some(text) => Ok(shares_in(&text)),
        None => read_picture(&bytes, operator),
    }
}

/// Reads the codes of a picture. Other codes on it, on a bag or a parcel, count only when there is no share.
fn read_picture(
    bytes: &[u8],
    operator: &mut dyn Operator,
) -> Result<Vec<Result<Share, NotAShareText>>, SheetError> {
    let mut watch = LookingForShares {
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
        .map(|code| from_qr_text(code.expose_text()))
        .collect())
}

/// Goes on looking until a share's code is read, and tells the operator when that takes long.
struct LookingForShares<'a> {
    operator: &'a mut dyn Operator,
    told: Instant,
}

impl Watch for LookingForShares<'_> {
    fn step(&mut self, step: Step) {
        const PATIENCE: Duration = Duration::from_secs(2);
        if self.told.elapsed() >= PATIENCE {
            self.operator.say(&format!(
                "  still reading page {}: way {} of {}",
                step.page, step.number, step.of
            ));
            self.told = Instant::now();
        }
    }

    fn wants(&mut self, text: &CodeText) -> bool {
        is_meant_as_share(text.expose_text())
    }

    fn page_failed(&mut self, page: usize, why: &ScanError) {
        self.operator.say(&format!("  page {page}: {why}"));
    }
}

/// The shares in a text. One that stands alone may be typed in any layout; where several begin a line, each ends with the last of its lines that
/// holds nothing but base32, so that captions between them do no harm.
fn shares_in(text: &str) -> Vec<Result<Share, NotAShareText>> {
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    if lines.iter().filter(|line| is_meant_as_share(line)).count() < 2 {
        return vec![from_qr_text(text)];
    }
    let mut shares: Vec<Zeroizing<String>> = Vec::new();
    let mut open = false;
    for line in lines {
        if is_meant_as_share(line) {
            shares.push(Zeroizing::new(line.to_owned()));
            open = true;
        } else if let (true, true, Some(share)) = (open, is_base32(line), shares.last_mut()) {
            share.push_str(line);
        } else {
            open = false;
        }
    }
    shares.iter().map(|share| from_qr_text(share)).collect()
}

fn is_base32(line: &str) -> bool {
    line.chars()
        .all(|c| c.is_whitespace() || c.is_ascii_alphabetic() || matches!(c, '2'..='7'))
}

fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, SheetError> {
    if path.as_os_str() == "-" {
        return read_bounded(io::stdin().lock());
    }
    read_bounded(File::open(path)?)
}

fn read_bounded(source: impl Read) -> Result<Zeroizing<Vec<u8>>, SheetError> {
    let mut bytes = Zeroizing::new(Vec::new());
    source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(SheetError::TooLarge);
    }
    Ok(bytes)
}

/// The text of a file, UTF-8 or UTF-16 with its byte order mark; `None` when it holds control characters other than white space, as pictures do.
fn text_in(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes)?,
        _ => Zeroizing::new(std::str::from_utf8(bytes).ok()?.replace('\u{feff}', "")),
    };
    text.chars()
        .all(|c| !c.is_control() || c.is_whitespace())
        .then_some(text)
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Zeroizing<String>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty()).map(Zeroizing::new)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn typed_text_is_understood_in_the_encodings_that_editors_write() {
        let plain = "ARCHIVER-SHARE-1: AEAQC\r\nAACAE\r\n";
        let utf_16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(plain.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let marked = [b"\xef\xbb\xbf".as_slice(), plain.as_bytes()].concat();
        for bytes in [plain.as_bytes(), &utf_16, &marked] {
            assert_eq!(text_in(bytes).unwrap().as_str(), plain);
        }
        assert!(text_in(b"\x89PNG\r\n\x1a\n").is_none());
        assert!(text_in(&[0xff, 0x00]).is_none());
    }

    #[test]
    fn several_shares_in_one_text_are_told_apart_and_one_may_have_many_lines() {
        assert_eq!(
            shares_in("archiver-share-1: AAAA\nARCHIVER-SHARE-1:BBBB\n").len(),
            2
        );
        assert_eq!(shares_in("ARCHIVER-SHARE-1:\nAAAA\nBBBB\n").len(), 1);
        assert_eq!(shares_in("AAAA BBBB").len(), 1);
        let captioned = "Anna:\nARCHIVER-SHARE-1:AAAA\rCCCC\nBo, sheet 2:\nARCHIVER-SHARE-1:BBBB\n";
        let lengths: Vec<_> = shares_in(captioned)
            .into_iter()
            .map(|share| share.unwrap_err())
            .collect();
        assert_eq!(
            lengths,
            [
                NotAShareText::WrongLength { found: 8 },
                NotAShareText::WrongLength { found: 4 }
            ]
        );
    }
}
