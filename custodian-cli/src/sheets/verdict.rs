//! The answer to one sheet: verified, or refused with the reason and what to do. Never holds anything of the share but its index.

use std::fmt;
use std::io;

use archiver_core::frame::{FrameError, NotAShareText};
use archiver_core::share::ShareRefused;
use archiver_core::words::{NotRowsOfAShare, RowsRefused};
use serde::{Serialize, Serializer};
use sheet_scan::ScanError;
use thiserror::Error;

/// Why a sheet did not count. Begins where the sheet's name ends.
#[derive(Debug, Error)]
pub(crate) enum SheetError {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("is too large to be a scan of a sheet")]
    TooLarge,
    #[error("is the keyboard, where what is typed would be seen")]
    Keyboard,
    #[error("is empty")]
    Empty,
    #[error("is a folder without files")]
    EmptyFolder,
    #[error("{0}")]
    Scan(#[from] ScanError),
    #[error("{0}")]
    Text(#[from] NotAShareText),
    #[error("{0}")]
    Words(#[from] NotRowsOfAShare),
    #[error("{0}")]
    Rows(#[from] RowsRefused),
    #[error("{0}")]
    Refused(#[from] ShareRefused),
}

impl SheetError {
    /// What the person who holds the sheet should do.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable(_) | Self::TooLarge | Self::Empty => {
                "give a scan of the sheet, or a text file with its rows of words or the text of its code"
            }
            Self::Keyboard => {
                "name no sheets: they are then asked for, and what is typed stays hidden"
            }
            Self::EmptyFolder => "name the folder that holds the scans",
            Self::Scan(_) => {
                "scan the sheet again, flat, at 300 dpi, or type its rows of words into a text file"
            }
            Self::Text(NotAShareText::NotAShare) => {
                "this is some other code or text; give the custodian's sheet"
            }
            Self::Text(NotAShareText::Frame(
                FrameError::UnknownVersion { .. }
                | FrameError::UnknownKind { .. }
                | FrameError::UnknownProfile { .. },
            )) => "use the program that made the sheet, or a newer one",
            Self::Words(NotRowsOfAShare::OtherList) => {
                "type the words in the lettered rows of the custodian's sheet; the words of a wallet or of another program are no share"
            }
            Self::Words(NotRowsOfAShare::RowTwice { .. } | NotRowsOfAShare::TooLong) => {
                "give each sheet's words in a file of their own, each row once"
            }
            Self::Rows(RowsRefused::Missing { .. }) => {
                "type all the rows of the sheet, each on a line that begins with its letter"
            }
            Self::Words(_) | Self::Rows(RowsRefused::Changed { .. }) => {
                "compare these rows with the sheet, word by word"
            }
            Self::Text(_) | Self::Rows(_) => "read the sheet again and compare it letter by letter",
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

/// Which sheet an answer is about.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A file, as named on the command line or at the prompt.
    File(String),
    /// What was typed or scanned at the prompt, counted from 1.
    Entry(usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => f.write_str(name),
            Self::Entry(number) => write!(f, "entry {number}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The answer to one sheet.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(super) sheet: Origin,
    /// The share's index, where it is verified.
    pub(super) share: Option<u8>,
    /// Who keeps it, where that is known.
    pub(super) custodian: Option<String>,
    /// Why it was refused.
    pub(crate) refused: Option<String>,
    /// What to do about it.
    pub(super) advice: Option<&'static str>,
    /// How many different sheets were verified up to this one.
    #[serde(skip)]
    pub(super) have: usize,
}

impl Verdict {
    /// One line, or two with the advice.
    pub(crate) fn text(&self) -> String {
        let Self { sheet, .. } = self;
        if let (Some(reason), Some(advice)) = (&self.refused, self.advice) {
            return format!("{sheet}: REFUSED: {reason}\n  {advice}");
        }
        let share = self.share.unwrap_or_default();
        let keeper = self.custodian.as_ref();
        let keeper = keeper.map_or_else(String::new, |name| format!(", {name}"));
        match sheet {
            Origin::File(name) => format!("{name}: sheet {share}{keeper}, verified"),
            Origin::Entry(_) => format!("sheet {share}{keeper}, verified"),
        }
    }
}
