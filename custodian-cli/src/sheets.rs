//! From a SHEET on the command line to shares: an image with QR codes, a text file with a QR text, or stdin.
//!
//! Every sheet is answered with a verdict of its own; a bad one is named with its reason and does not spoil the others.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use archiver_core::frame::{FrameError, NotAShareText, from_qr_text};
use archiver_core::quorum::{Gathering, NotEnoughSheets, Quorum};
use archiver_core::share::{Share, ShareRefused};
use archiver_core::sharing::SharingPart;
use archiver_core::threshold::ShareIndex;
use serde::Serialize;
use sheet_scan::{Limits, ScanError, read_codes};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::operator::Operator;

/// More than any scan that is accepted.
const MOST_BYTES: u64 = 512 << 20;

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
    #[error("is neither an image nor a text")]
    NeitherImageNorText,
    #[error("{0}")]
    Refused(#[from] ShareRefused),
}

impl SheetError {
    /// What the person who holds the sheet should do.
    fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::TooLarge | Self::NeitherImageNorText => {
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
}

impl Verdict {
    fn verified(sheet: String, share: ShareIndex) -> Self {
        Self {
            sheet,
            share: Some(share.get()),
            refused: None,
            advice: None,
        }
    }

    fn refused(sheet: String, error: &SheetError) -> Self {
        Self {
            sheet,
            share: None,
            refused: Some(error.to_string()),
            advice: Some(error.advice()),
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
        let mut gathered = Self {
            gathering: Gathering::new(sharing.clone()),
            verdicts: Vec::new(),
        };
        for sheet in sheets {
            for verdict in gathered.answer(sheet.as_ref()) {
                gathered.announce(&verdict, operator);
                gathered.verdicts.push(verdict);
            }
        }
        gathered
    }

    fn answer(&mut self, sheet: &Path) -> Vec<Verdict> {
        let name = shown(sheet);
        let shares = match read_sheet(sheet) {
            Ok(shares) => shares,
            Err(error) => return vec![Verdict::refused(name, &error)],
        };
        shares
            .into_iter()
            .map(|share| {
                let added = share
                    .map_err(SheetError::from)
                    .and_then(|share| Ok(self.gathering.add(share)?));
                match added {
                    Ok(index) => Verdict::verified(name.clone(), index),
                    Err(error) => Verdict::refused(name.clone(), &error),
                }
            })
            .collect()
    }

    fn announce(&self, verdict: &Verdict, operator: &mut dyn Operator) {
        if verdict.refused.is_some() {
            operator.warn(&verdict.text());
        } else {
            let needed = self.gathering.have() + self.gathering.missing();
            operator.say(&format!(
                "{} of {needed}: {}",
                self.gathering.have(),
                verdict.text()
            ));
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
fn read_sheet(path: &Path) -> Result<Vec<Result<Share, NotAShareText>>, SheetError> {
    let bytes = read_bytes(path)?;
    if is_image(&bytes) {
        let codes = read_codes(&bytes, &Limits::default())?;
        return Ok(codes
            .iter()
            .map(|code| from_qr_text(code.expose_text()))
            .collect());
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| SheetError::NeitherImageNorText)?;
    Ok(vec![from_qr_text(text)])
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

/// Text is what is UTF-8 without control characters but white space; everything else goes to the image reader, which names what it is.
fn is_image(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes);
    !text.is_ok_and(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()))
}
