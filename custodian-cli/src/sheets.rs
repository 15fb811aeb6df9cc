//! From sheets to a quorum: files on the command line, or what is scanned and typed at the prompt, each answered with a verdict of its own.
//!
//! A bad sheet is named with its reason and does not spoil the others. A folder stands for the files in it.

mod custodians;
mod file;
mod folder;
mod prompt;
mod text;
mod verdict;

use std::path::{Path, PathBuf};

use archiver_core::manifest::Custodians;
use archiver_core::quorum::{Gathering, NotEnoughSheets, Quorum};
use archiver_core::share::Share;
use archiver_core::sharing::SharingPart;
use archiver_core::threshold::ShareIndex;
use thiserror::Error;

use self::file::read_sheet;
use self::folder::files_of;
use self::verdict::{Origin, SheetError};
use crate::exit::Exit;
use crate::failure::{Explained, shown, shown_text};
use crate::operator::{NoTerminal, Operator};

pub(crate) use self::custodians::custodians_of;
pub(crate) use self::prompt::Until;
pub(crate) use self::verdict::Verdict;

/// Where the sheets of a run come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Files and folders that the command line names.
    Files(&'a [PathBuf]),
    /// The person at the terminal.
    Prompt {
        until: Until,
        /// What would have named the sheets beforehand.
        flag: &'static str,
    },
}

impl<'a> Source<'a> {
    /// The files that were named; else the prompt.
    ///
    /// # Errors
    /// When no file was named and nobody can be asked: names the flag.
    pub(crate) fn of(
        files: &'a [PathBuf],
        until: Until,
        flag: &'static str,
        operator: &dyn Operator,
    ) -> Result<Self, NoTerminal> {
        if !files.is_empty() {
            return Ok(Self::Files(files));
        }
        operator.expect_somebody("which sheets?", flag)?;
        Ok(Self::Prompt { until, flag })
    }
}

/// How verdicts reach the operator as they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Not: the report does it on the same screen.
    Nothing,
    /// As news of a run: `--quiet` leaves out the good ones.
    News,
    /// As answers to the person who gave the sheet.
    Answers,
}

/// The sheets of a run, each answered.
#[derive(Debug)]
pub(crate) struct GatheredSheets {
    gathering: Gathering,
    needed: u8,
    custodians: Option<Custodians>,
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
    /// No sheets yet. With `custodians`, verdicts name them.
    pub(crate) fn new(sharing: &SharingPart, custodians: Option<Custodians>) -> Self {
        Self {
            gathering: Gathering::new(sharing.clone()),
            needed: sharing.threshold().k(),
            custodians,
            verdicts: Vec::new(),
        }
    }

    /// Takes all sheets of the source and answers each.
    ///
    /// # Errors
    /// When the person at the prompt is gone.
    pub(crate) fn gather(
        mut self,
        source: Source<'_>,
        telling: Telling,
        operator: &mut dyn Operator,
    ) -> Result<Self, NoTerminal> {
        match source {
            Source::Files(files) => self.take_files(files, telling, operator),
            Source::Prompt { until, flag } => prompt::ask(&mut self, until, flag, operator)?,
        }
        Ok(self)
    }

    /// Reads the sheets from files, one by one.
    pub(crate) fn take_files(
        &mut self,
        sheets: &[impl AsRef<Path>],
        telling: Telling,
        operator: &mut dyn Operator,
    ) {
        for sheet in sheets.iter().map(AsRef::as_ref) {
            match files_of(sheet) {
                Ok(files) => {
                    for file in files {
                        self.take_file(&file, telling, operator);
                    }
                }
                Err(error) => {
                    self.answer(Origin::File(shown(sheet)), Err(error), telling, operator);
                }
            }
        }
    }

    fn take_file(&mut self, file: &Path, telling: Telling, operator: &mut dyn Operator) {
        let shares = match read_sheet(file, operator) {
            Ok(shares) => shares,
            Err(error) => vec![Err(error)],
        };
        for share in shares {
            self.answer(Origin::File(shown(file)), share, telling, operator);
        }
    }

    /// Verifies a share and tells the verdict on it.
    fn answer(
        &mut self,
        sheet: Origin,
        share: Result<Share, SheetError>,
        telling: Telling,
        operator: &mut dyn Operator,
    ) {
        let added = share.and_then(|share| Ok(self.gathering.add(share)?));
        let (index, error) = match added {
            Ok(index) => (Some(index), None),
            Err(error) => (None, Some(error)),
        };
        let keeper = index.and_then(|index| self.custodians.as_ref()?.keeper_of(index));
        let verdict = Verdict {
            sheet,
            share: index.map(ShareIndex::get),
            custodian: keeper.map(|custodian| shown_text(&custodian.name)),
            refused: error.as_ref().map(SheetError::to_string),
            advice: error.as_ref().map(SheetError::advice),
            have: self.gathering.have(),
        };
        self.tell(&verdict, telling, operator);
        self.verdicts.push(verdict);
    }

    fn tell(&self, verdict: &Verdict, telling: Telling, operator: &mut dyn Operator) {
        let (have, needed) = (verdict.have, self.needed);
        let counted = if have <= usize::from(needed) {
            format!("{have} of {needed}: {}", verdict.text())
        } else {
            format!("{have}, with {needed} needed: {}", verdict.text())
        };
        match telling {
            Telling::Nothing => {}
            Telling::News if verdict.refused.is_some() => operator.warn(&verdict.text()),
            Telling::News => operator.say(&counted),
            Telling::Answers if verdict.refused.is_some() => operator.reply(&verdict.text()),
            Telling::Answers => operator.reply(&counted),
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
