//! Opens vaults with the archive's key: every mail into a file of its own, every byte of every vault into a manifest.
//!
//! How it flows: `pipeline` scans the vaults and spreads their spans over all cores, `message` opens one span and writes its mail,
//! and the rows come back in the vaults' order to the `manifest`, so that the result does not depend on the number of cores. What the
//! seals say of a record (`sealing`) is known only when its vault was read to the end: the rows wait for it in a file.
//! Memory is bounded whatever the vaults' size, but for about 20 bytes a mail, by which duplicates are known; with several vaults and seals another 40 bytes a record, by
//! which one log in two of them is known; and the file in place of a retired segment while it is passed.
//!
//! A damaged, torn or foreign record costs only itself and is an anomaly of the summary. What ends the run is an unreadable vault
//! or an output that cannot be written; then the output folder is left as it was. It is filled only when all of it is whole.

use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use archiver_core::openpgp::decrypt::{DecryptionKey, Limits};
use archiver_core::vault::chain::Standing;
use serde::Serialize;
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::staging::{Staging, StagingError};

pub(crate) mod against;
pub(crate) mod beside;
mod duplicates;
pub(crate) mod inspect;
mod manifest;
mod message;
mod out_folder;
mod pipeline;
pub(crate) mod retired;
pub(crate) mod retiring;
mod row;
pub(crate) mod sealing;
mod shown;
mod source;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use duplicates::Duplicates;
use manifest::Manifest;
use message::Opener;
use out_folder::OutFolder;
use retired::{Passed, RetiredReport};
use row::{Outcome, Row, Seal};
use sealing::{DayState, NotVerified, SameLog, SealReport, Seals, SealsReport, Walks};
use shown::HeaderReader;
use source::VaultSource;

/// Is told how far the work is; from several threads at once.
pub(crate) trait Progress: Sync {
    /// The vaults were found: so many bytes are to be read.
    fn begin(&self, bytes: u64);
    /// So many more bytes and records are done.
    fn advance(&self, bytes: u64, records: u64);
}

/// Tells nobody.
#[derive(Debug)]
pub(crate) struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: u64) {}
    fn advance(&self, _: u64, _: u64) {}
}

/// What was found in the vaults.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Whole records and torn ones.
    pub(crate) records: u64,
    /// Mails written, those of records without our header included.
    pub(crate) opened: u64,
    /// Opened records without a header of ours.
    pub(crate) without_header: u64,
    /// Records whose end is missing.
    pub(crate) torn: u64,
    /// Whole records that could not be opened.
    pub(crate) damaged: u64,
    /// Records for another key.
    pub(crate) foreign: u64,
    /// Stretches of bytes that belong to no record and are not white space.
    pub(crate) stray: u64,
    /// Records whose header does not fit the record or the one before it.
    pub(crate) broken_links: u64,
    /// Mails that are byte for byte like an earlier one of this run.
    pub(crate) duplicates: u64,
    /// Bytes of all vaults.
    pub(crate) bytes: u64,
    /// Segments that were removed at the end of their retention, with their records.
    pub(crate) retired_segments: Vec<RetiredReport>,
    /// The mails that were written, by what the seals say of their days.
    pub(crate) seals: SealCounts,
    /// What the seals say beside that, also of days of which no mail is here.
    pub(crate) seal_days: SealDays,
}

/// What speaks against the logs, whether mails of those days were opened or not.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct SealDays {
    /// Days whose records are not what was signed: some may be gone.
    pub(crate) broken: u64,
    /// Days that are over and have no seal.
    pub(crate) missing: u64,
    /// Logs of which something else was noticed that speaks against them, and logs that stand in two vaults and differ.
    pub(crate) noticed: u64,
    /// Whether any of it must be looked into; also where seal keys are missing that the archive has.
    pub(crate) to_look_at: bool,
}

impl SealDays {
    fn of(seals: &SealsReport) -> Self {
        let logs = || seals.logs.iter().flatten();
        let days = |state| {
            let days = logs().flat_map(|log| &log.days);
            days.filter(|day| day.state == state).count() as u64
        };
        let is_noticed = |log: &&SealReport| !log.intact && log.findings.count > 0;
        let differs = |same: &&SameLog| same.differ_at.is_some();
        let differing = seals.same_log.iter().filter(differs).count();
        Self {
            broken: days(DayState::Broken),
            missing: days(DayState::Missing),
            noticed: (logs().filter(is_noticed).count() + differing) as u64,
            to_look_at: seals.anomalies(),
        }
    }
}

/// Opened mails, by what the seals say of the days in which they stand.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct SealCounts {
    pub(crate) sealed: u64,
    pub(crate) open: u64,
    pub(crate) broken: u64,
    pub(crate) missing: u64,
    /// No seal key stands for them: another program wrote them, or they are of another log, or of days without keys.
    pub(crate) unsealed: u64,
    /// Their seals could not be verified.
    pub(crate) unverified: u64,
}

impl SealCounts {
    fn count(&mut self, seal: Seal) {
        *match seal {
            Seal::Sealed => &mut self.sealed,
            Seal::Open => &mut self.open,
            Seal::Broken => &mut self.broken,
            Seal::Missing => &mut self.missing,
            Seal::Unsealed => &mut self.unsealed,
            Seal::Unverified => &mut self.unverified,
        } += 1;
    }
}

impl Summary {
    /// Whether something was found that must be looked into. Records without our header and duplicates are no anomalies.
    pub(crate) fn anomalies(&self) -> bool {
        let mut retired = self.retired_segments.iter();
        let is_in_doubt = retired.any(|segment| segment.trouble.is_some());
        let seals = self.seals.broken + self.seals.missing;
        let counted = self.torn + self.damaged + self.foreign + self.stray + self.broken_links;
        is_in_doubt || self.seal_days.to_look_at || counted + seals > 0
    }

    fn count_retired(&mut self, passed: Passed) {
        let faults = passed
            .records
            .iter()
            .filter(|record| record.fault.is_some());
        self.broken_links += faults.count() as u64;
        self.retired_segments.push(passed.report);
    }

    fn count(&mut self, row: &Row) {
        let counter = match row.result {
            Outcome::Opened => &mut self.opened,
            Outcome::OpenedWithoutHeader => {
                self.opened += 1;
                &mut self.without_header
            }
            Outcome::Torn => &mut self.torn,
            Outcome::Damaged => &mut self.damaged,
            Outcome::Foreign => &mut self.foreign,
            Outcome::StrayBytes => &mut self.stray,
            Outcome::WhiteSpace => &mut 0,
        };
        *counter += 1;
        self.bytes += row.length;
        self.records += u64::from(row.record.is_some());
        self.broken_links += u64::from(row.link_is_broken());
        self.duplicates += u64::from(row.duplicate_of.is_some());
    }
}

/// Why vaults could not be opened, or not to their end.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    /// A vault that cannot be used.
    #[error(transparent)]
    Vault(#[from] source::SourceError),
    /// The output folder cannot be used.
    #[error(transparent)]
    Out(#[from] StagingError),
    /// A vault could not be read to its end.
    #[error("the vault {} cannot be read: {source}", shown(.path))]
    Read {
        /// The vault.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An output file could not be written.
    #[error("{} could not be written: {source}; nothing was left behind", shown(.path))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The seals beside a vault, or finals that were kept elsewhere, cannot be read.
    #[error("{what} {} cannot be read: {source}", shown(.path))]
    Checkpoints {
        /// Which of the two.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system gives no threads.
    #[error("no threads could be started: {0}")]
    Threads(#[source] io::Error),
}

impl Explained for OpenError {
    fn hint(&self) -> String {
        match self {
            Self::Vault(source::SourceError::Twice(_)) => "name each vault once".to_owned(),
            Self::Vault(source::SourceError::NoSegments(_)) => {
                "name the vault's file, or the folder in which its segments stand".to_owned()
            }
            Self::Vault(_) => {
                "name the vault's file or folder; it is only read, never changed".to_owned()
            }
            Self::Out(error) => error.hint(),
            Self::Read { .. } => {
                "copy the vault to a sound disk and run again into a new folder".to_owned()
            }
            Self::Checkpoints { .. } => {
                "take it from another copy; what can be said without it is said when it is not there or not named".to_owned()
            }
            Self::Write { .. } => {
                "free some space, or take a larger disk, and run again into a new folder".to_owned()
            }
            Self::Threads(_) => "end other programs and run again".to_owned(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Vault(_) | Self::Read { .. } | Self::Checkpoints { .. } => Exit::Input,
            Self::Out(error) => error.exit(),
            Self::Write { .. } => Exit::Output,
            Self::Threads(_) => Exit::Internal,
        }
    }
}

/// How to open: with which key, on how many threads, within which limits; and what the seals are verified with, or why they are not.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) key: &'a DecryptionKey,
    pub(crate) seals: Result<Seals<'a>, NotVerified>,
    pub(crate) limits: Limits,
    pub(crate) threads: NonZero<usize>,
}

impl<'a> Opening<'a> {
    /// On all cores, within the usual limits.
    pub(crate) fn with(key: &'a DecryptionKey, seals: Result<Seals<'a>, NotVerified>) -> Self {
        Self {
            key,
            seals,
            limits: Limits::default(),
            threads: all_cores(),
        }
    }

    /// Opens the vaults, in the order given, into the new or empty folder `out`.
    ///
    /// # Errors
    /// [`OpenError`]; then nothing is left in `out`.
    pub(crate) fn open(
        &self,
        vaults: &[PathBuf],
        out: &Path,
        progress: &dyn Progress,
    ) -> Result<Summary, OpenError> {
        // The seals before the vaults: see `Walks::begin`.
        let mut walks = match &self.seals {
            Ok(seals) => Ok(Walks::begin(seals, vaults)?),
            Err(why) => Err(*why),
        };
        let sources = source::open_all(vaults)?;
        let out = OutFolder::create(out)?;
        progress.begin(sources.iter().map(VaultSource::length).sum());
        let opener = Opener {
            key: self.key,
            limits: self.limits,
            out: &out,
            headers: HeaderReader::new(),
        };
        let mut manifest = Manifest::create(&out, self.key.fingerprint(), &sources)?;
        let mut summary = Summary::default();
        let mut duplicates = Duplicates::default();
        let mut chains = pipeline::Chains::default();
        pipeline::in_order(
            &sources,
            self.threads,
            |job| opener.open(job),
            |job, opened| {
                chains.pass_retired_before(job, &sources, |vault, passed| {
                    take_retired(&mut walks, &mut summary, vault, passed);
                })?;
                let mut row = Row::of(job, &opened);
                let standing = chains.follow(job, opened.facts)?;
                if let (Ok(walks), Some(Standing::Linked(link))) = (&mut walks, &standing) {
                    walks.record(job.vault, &link.into());
                }
                row.take_standing(standing);
                row.duplicate_of = duplicates.earlier(&row);
                summary.count(&row);
                manifest.add(job.vault, &row)?;
                progress.advance(row.length, u64::from(row.record.is_some()));
                Ok(())
            },
        )?;
        chains.pass_retired_at_the_end(&sources, |vault, passed| {
            take_retired(&mut walks, &mut summary, vault, passed);
        })?;
        let seals = match walks {
            Ok(walks) => walks.finish(),
            Err(why) => SealsReport::unverified(why),
        };
        summary.seal_days = SealDays::of(&seals);
        manifest.finish(&mut summary, &seals)?;
        out.finish(manifest::FILES)?;
        Ok(summary)
    }
}

fn take_retired(
    walks: &mut Result<Walks<'_>, NotVerified>,
    summary: &mut Summary,
    vault: usize,
    passed: Passed,
) {
    if let Ok(walks) = walks {
        walks.retired(vault, &passed);
    }
    summary.count_retired(passed);
}

/// Opens vaults on all cores within the usual limits; see [`Opening::open`].
///
/// # Errors
/// [`OpenError`].
pub(crate) fn open_vaults(
    vaults: &[PathBuf],
    key: &DecryptionKey,
    seals: Result<Seals<'_>, NotVerified>,
    out: &Path,
    progress: &dyn Progress,
) -> Result<Summary, OpenError> {
    Opening::with(key, seals).open(vaults, out, progress)
}

/// Looks whether the vaults and the output folder can be used, so that nobody rebuilds a key for nothing.
///
/// # Errors
/// As [`open_vaults`] would give for the same arguments.
pub(crate) fn check_before_the_sheets(vaults: &[PathBuf], out: &Path) -> Result<(), OpenError> {
    source::open_all(vaults)?;
    Ok(Staging::check(out)?)
}

fn all_cores() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}
