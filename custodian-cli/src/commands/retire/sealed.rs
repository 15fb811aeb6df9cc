//! Whether the seals hold over a segment that is to be retired, and whether they can be asked at all.
//!
//! A day that is not sealed can go with `--damaged`. A public folder that does not belong to the segment proves nothing, so nothing goes with it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use archiver_core::identity::UtcTime;
use archiver_core::public_folder::NoSealKeys;
use archiver_core::seal::day::Day;
use archiver_core::seal::public_keys::SealKeys;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::retired::RetiredSegment;
use thiserror::Error;

use crate::archive_files::ArchiveFiles;
use crate::exit::Exit;
use crate::failure::{Explained, Failure, shown};
use crate::opening::beside::standing_seals;
use crate::opening::inspect::{InspectReport, LISTED, VaultReport, inspect_vaults};
use crate::opening::sealing::{DayState, SealReport, Seals};
use crate::operator::Operator;
use crate::progress::Bar;

/// So many unsealed days are named.
pub(super) const NAMED: usize = 5;

/// Why the seals do not allow that the segment is removed.
#[derive(Debug, Error)]
pub(crate) enum SealsRefuse {
    #[error("the vault is sealed ({} stands there), and --public does not name its archive", shown(.0))]
    NotAsked(PathBuf),
    #[error("the archive of the public folder {} was made without seals", shown(.0))]
    NoneMade(PathBuf),
    #[error("seals.pub is missing from the public folder {}", shown(.0))]
    KeysMissing(PathBuf),
    #[error("the public folder {} is another archive's: the segment's records are encrypted for another key", shown(.0))]
    OtherArchive(PathBuf),
    #[error("no record and no seal of the vault is of a server in the seals.pub of {}", shown(.0))]
    NoServer(PathBuf),
    #[error("the seals do not hold over the segment: {0}")]
    NotSealed(String),
}

impl Explained for SealsRefuse {
    fn hint(&self) -> String {
        match self {
            Self::NotAsked(_) => {
                "name the archive's public folder with --public, so that the seals are verified before; it is public, and any copy of it will do"
            }
            Self::NoneMade(_) => {
                "name the public folder of the archive to which the vault belongs; when that one has no seals, leave out --public"
            }
            Self::KeysMissing(_) => "bring seals.pub back from another copy of the public folder",
            Self::OtherArchive(_) => {
                "name the public folder of the archive to which the segment belongs; with another one nothing is removed, also not with --damaged"
            }
            Self::NoServer(_) => {
                "name the public folder of the archive to which the vault belongs; with another one nothing is removed, also not with --damaged. When the vault was never sealed, leave out --public"
            }
            Self::NotSealed(_) => {
                "let custodian inspect tell more; a day is sealed when it is over. With --damaged the segment is removed all the same"
            }
        }
        .to_owned()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotSealed(_) => Exit::Anomalies,
            _ => Exit::Input,
        }
    }
}

/// Which segment is to be removed, and with which archive's seals.
pub(super) struct Question<'a> {
    pub(super) vault: &'a PathBuf,
    pub(super) retired: &'a RetiredSegment,
    pub(super) public: Option<&'a Path>,
    pub(super) now: UtcTime,
    /// Also when a day is not sealed.
    pub(super) even_unsealed: bool,
}

impl Question<'_> {
    /// The days of the segment that are not sealed; none when the vault has no seals.
    pub(super) fn unsealed_days(
        &self,
        operator: &mut dyn Operator,
    ) -> Result<Vec<String>, Failure> {
        let Some(folder) = self.public else {
            return match standing_seals(self.vault) {
                Some(seals) => Err(SealsRefuse::NotAsked(seals).into()),
                None => Ok(Vec::new()),
            };
        };
        let archive = ArchiveFiles::load(folder, self.now, operator)?;
        let keys = archive.public.seal_keys();
        let keys = keys.map_err(|why| without_keys(why, folder))?;
        let seals = Seals::of(&archive.public, self.now);
        let vaults = std::slice::from_ref(self.vault);
        let archive = archive.public.sharing().fingerprints();
        let bar = Bar::new(operator);
        let found = inspect_vaults(vaults, Some(archive), seals, &bar)?;
        self.require_its_archive(folder, keys, &found)?;
        let verdict = found.seals.logs.as_deref().unwrap_or_default();
        let unsealed = unsealed(self.retired, verdict);
        if unsealed.is_empty() || self.even_unsealed {
            return Ok(unsealed);
        }
        let named = unsealed.iter().take(NAMED).cloned().collect::<Vec<_>>();
        Err(SealsRefuse::NotSealed(named.join("; ")).into())
    }

    /// A segment from before the seals has no log of theirs either, but it is for this archive, and other records of the vault are sealed.
    fn require_its_archive(
        &self,
        folder: &Path,
        keys: &SealKeys,
        found: &InspectReport,
    ) -> Result<(), SealsRefuse> {
        let mut records = self.retired.records();
        if records.any(|record| keys.of_log(record.place.log).is_some()) {
            return Ok(());
        }
        if found.vaults.iter().any(|vault| self.is_anothers(vault)) {
            return Err(SealsRefuse::OtherArchive(folder.to_owned()));
        }
        let mut logs = found.seals.logs.iter().flatten();
        if logs.any(|log| log.vault.is_some()) {
            Ok(())
        } else {
            Err(SealsRefuse::NoServer(folder.to_owned()))
        }
    }

    /// Whether most of the segment's records are for another archive.
    fn is_anothers(&self, found: &VaultReport) -> bool {
        let facts = self.retired.facts();
        let name = facts.segment.file_name();
        let name = name.to_str();
        let listed = found.foreign.listed.iter();
        let foreign = listed.filter(|finding| finding.segment.as_deref() == name);
        let records = self.retired.count() + facts.without_header;
        2 * foreign.count() as u64 > records.min(LISTED as u64)
    }
}

fn without_keys(why: NoSealKeys, folder: &Path) -> SealsRefuse {
    let folder = folder.to_owned();
    match why {
        NoSealKeys::NoneMade => SealsRefuse::NoneMade(folder),
        NoSealKeys::Missing => SealsRefuse::KeysMissing(folder),
    }
}

/// Each day of the segment whose verdict is not that it is sealed, and each log of it without a verdict.
fn unsealed(retired: &RetiredSegment, verdict: &[SealReport]) -> Vec<String> {
    let days = retired
        .records()
        .map(|record| (record.place.log, Day::of(record.place.time)));
    let days: BTreeSet<(LogId, Day)> = days.collect();
    let not_sealed = |(log, day): &(LogId, Day)| {
        let (log, day) = (log.to_string(), day.to_string());
        let found = verdict.iter().find(|found| found.log == log);
        let Some(found) = found.filter(|found| found.vault.is_some()) else {
            return Some(format!("{day}: the log {log} has no seals here"));
        };
        let judged = found.days.iter().find(|judged| judged.day == day);
        match judged.map(|judged| (judged.state, &judged.reason)) {
            Some((DayState::Sealed, _)) => None,
            Some((DayState::Open, _)) => Some(format!("{day}: open")),
            Some((_, Some(reason))) => Some(format!("{day}: {reason}")),
            _ => Some(format!("{day}: no key seals this day")),
        }
    };
    days.iter().filter_map(not_sealed).collect()
}
