//! From sheets to a quorum: files on the command line, each answered with a verdict of its own.
//!
//! A bad sheet is named with its reason and does not spoil the others. A folder stands for the files in it.

mod file;
mod folder;
mod text;
mod verdict;

use std::path::Path;

use archiver_core::quorum::{Gathering, NotEnoughSheets, Quorum};
use archiver_core::sharing::SharingPart;
use thiserror::Error;

use self::file::read_sheet;
use self::folder::files_of;
use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::operator::Operator;

pub(crate) use self::verdict::Verdict;

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
            match files_of(sheet.as_ref()) {
                Ok(files) => {
                    for file in files {
                        gathered.take_file(&file, operator, tell);
                    }
                }
                Err(error) => {
                    let name = shown(sheet.as_ref());
                    let refused = Verdict::refused(name, &error, gathered.have());
                    gathered.give(refused, operator, tell);
                }
            }
        }
        gathered
    }

    fn take_file(&mut self, sheet: &Path, operator: &mut dyn Operator, tell: bool) {
        for verdict in self.answer(sheet, operator) {
            self.give(verdict, operator, tell);
        }
    }

    fn give(&mut self, verdict: Verdict, operator: &mut dyn Operator, tell: bool) {
        if tell {
            self.announce(&verdict, operator);
        }
        self.verdicts.push(verdict);
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
                let added = share.and_then(|share| Ok(self.gathering.add(share)?));
                match added {
                    Ok(index) => Verdict::verified(name.clone(), index, self.gathering.have()),
                    Err(error) => Verdict::refused(name.clone(), &error, self.gathering.have()),
                }
            })
            .collect()
    }

    fn announce(&self, verdict: &Verdict, operator: &mut dyn Operator) {
        let (have, needed) = (verdict.have(), self.needed);
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
