//! Retires the first segment of a vault: looks whether it may be removed, and removes it under the writers' lock (docs/format.md §7.5).
//!
//! Everything that takes time is done before the lock, as nobody writes to a segment behind which another one stands. Under the lock it is only
//! made certain that nothing has changed. Hooks wait for that long.

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::vault::chain::Chain;
use archiver_core::vault::disk::{DiskFile as _, Folder as _, ReadAt as _};
use archiver_core::vault::leaf::Place;
use archiver_core::vault::retire::{
    self, NextRecord, Problem, Survey, first_behind, put_in_place, survey,
};
use archiver_core::vault::retired::{LONGEST_RETIRED, Reason, RetiredFacts, RetiredSegment};
use archiver_core::vault::segments::SegmentNumber;
use archiver_encrypt::disk::DiskFolder;
use serde::Serialize;
use thiserror::Error;

use super::retired::{Removed, RetiredError};
use super::source::{SourceError, VaultSource};
use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::interrupt;

/// Why a segment was not removed.
#[derive(Debug, Error)]
pub(crate) enum RetireError {
    #[error(transparent)]
    Vault(#[from] SourceError),
    #[error("the vault {} is one file, and only segments can be retired", shown(.0))]
    NotInSegments(PathBuf),
    #[error("there is no segment {} in {}", name(*.1), shown(.0))]
    NoSuchSegment(PathBuf, SegmentNumber),
    #[error("the segment {} was retired already", name(*.0))]
    AlreadyRetired(SegmentNumber),
    #[error("the segment {} is not the first: {} stands before it", name(*.segment), name(*.first))]
    NotTheFirst {
        segment: SegmentNumber,
        first: SegmentNumber,
    },
    #[error("no record of ours stands behind the segment {}", name(*.0))]
    NothingBehind(SegmentNumber),
    #[error("a record begins in the segment {} and ends in the next one, which could not be read in the same way without it", name(*.0))]
    Entangled(SegmentNumber),
    #[error("{}, which stands for an earlier segment, cannot be used: {why}", shown(.path))]
    Earlier { path: PathBuf, why: String },
    #[error("{} stands already, and does not describe the segment: {why}", shown(.path))]
    OtherFile { path: PathBuf, why: String },
    #[error("the first record behind the segment {} does not continue it: {behind}", name(*.segment))]
    BrokenBehind {
        segment: SegmentNumber,
        behind: BrokenBehind,
    },
    #[error("{}", damaged(*.segment, *.count, .problems))]
    Damaged {
        segment: SegmentNumber,
        count: u64,
        problems: Vec<Problem>,
    },
    #[error("the vault {} cannot be locked: {source}", shown(.path))]
    Lock { path: PathBuf, source: io::Error },
    #[error("the vault {} was changed by another program in the meantime", shown(.0))]
    Changed(PathBuf),
    #[error("{} cannot be read: {source}", shown(.path))]
    Read { path: PathBuf, source: io::Error },
    #[error("{} could not be written, and the segment stands: {source}", shown(.path))]
    Write { path: PathBuf, source: io::Error },
    #[error("{} could not be removed, though its file in place stands: {source}", shown(.path))]
    Remove { path: PathBuf, source: io::Error },
}

/// The first record of ours behind a segment, and why it does not continue it.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize)]
#[error("number {seq} of log {log}: {why}")]
pub(crate) struct BrokenBehind {
    pub(crate) log: String,
    pub(crate) seq: u64,
    pub(crate) why: String,
}

impl BrokenBehind {
    fn of(record: &NextRecord) -> Option<Self> {
        let why = record.fault.as_ref()?.to_string();
        let Place { log, seq, .. } = record.place;
        let log = log.to_string();
        Some(Self { log, seq, why })
    }
}

fn name(segment: SegmentNumber) -> String {
    segment.file_name().to_string_lossy().into_owned()
}

fn damaged(segment: SegmentNumber, count: u64, problems: &[Problem]) -> String {
    let places: Vec<String> = problems
        .iter()
        .take(3)
        .map(|Problem { offset, why }| format!("at byte {offset}: {why}"))
        .collect();
    let (name, places) = (name(segment), places.join("; "));
    let count = Counted(count, "record");
    format!("{count} of {name} not as appended: {places}")
}

impl Explained for RetireError {
    fn hint(&self) -> String {
        match self {
            Self::Vault(_) | Self::NotInSegments(_) => "name the folder in which the vault's segments stand",
            Self::NoSuchSegment(..) | Self::AlreadyRetired(_) => "custodian inspect tells which segments there are",
            Self::NotTheFirst { .. } => "retention ends with the oldest first: retire that one before",
            Self::NothingBehind(_) => {
                "the last segment with records must stay, as the log goes on from it; retire it when the next one has begun"
            }
            Self::Entangled(_) => "bring both segments back from a copy of the vault",
            Self::Earlier { .. } => "let custodian inspect tell what is wrong, and compare with a copy of the vault",
            Self::BrokenBehind { .. } => {
                "bring the segment, or the one behind it, back from a copy; or say --damaged: it is removed all the same, and that record shows as broken in every verdict from then on"
            }
            Self::OtherFile { .. } => {
                "compare both with a copy of the vault; when the segment is the right one, move the file away and run again"
            }
            Self::Damaged { .. } => {
                "bring the segment back from a copy; or say --damaged: it is removed all the same, and what is wrong with it shows in every verdict from then on"
            }
            Self::Lock { .. } => "run this as root or as the user who runs the hook, while no other program holds the lock",
            Self::Changed(_) => "look who did, and run again",
            Self::Read { .. } => "run this as root or as the user who runs the hook",
            Self::Write { .. } => "free some space, or mend the folder's permissions, and run again",
            Self::Remove { .. } => "mend the folder's permissions and run again: the same command takes the last step",
        }
        .to_owned()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Damaged { .. } | Self::BrokenBehind { .. } | Self::Entangled(_) => {
                Exit::Anomalies
            }
            Self::Write { .. } | Self::Remove { .. } => Exit::Output,
            _ => Exit::Input,
        }
    }
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) vault: &'a Path,
    pub(crate) segment: SegmentNumber,
    pub(crate) reason: Reason,
    pub(crate) now: UtcTime,
    /// Also when records of the segment are damaged, or the first record behind it does not continue it.
    pub(crate) even_damaged: bool,
}

/// A segment that may be removed.
#[derive(Debug)]
pub(crate) struct Retirement {
    vault: PathBuf,
    retired: RetiredSegment,
    /// The file stands already: an earlier run was interrupted.
    file_stands: bool,
    damaged: u64,
    segment: Metadata,
    /// Stands behind the segment.
    chain: Chain,
    /// The first record of ours behind it.
    next: NextRecord,
}

impl Retirement {
    /// Looks at the segment and at what stands around it. Nothing is changed.
    ///
    /// # Errors
    /// Why it may not be removed.
    pub(crate) fn plan(request: Request<'_>) -> Result<Self, RetireError> {
        let Request { vault, segment, .. } = request;
        if vault.is_file() {
            return Err(RetireError::NotInSegments(vault.to_owned()));
        }
        let source = VaultSource::open(vault)?;
        require_first(&source, segment)?;
        let path = vault.join(segment.file_name());
        let metadata = fs::metadata(&path);
        let metadata = metadata.map_err(|source| RetireError::Read { path, source })?;
        let length = metadata.len();
        let mut chain = chain_before(&source, segment)?;
        let even_damaged = request.even_damaged;
        let unreadable = |e| cannot_read(vault, e);
        let found = survey(&source, length, chain.clone()).map_err(unreadable)?;
        refuse_damaged(segment, &found, even_damaged)?;
        let (damaged, behind) = (found.damaged, found.behind.clone());
        let made = describe(found, request);
        let standing = file_that_stands(&source, &made)?;
        let file_stands = standing.is_some();
        let retired = standing.unwrap_or(made);
        chain.pass_retired(&retired, length, |_, _| ());
        let next = first_behind(&source, length, chain.clone()).map_err(unreadable)?;
        let next = next.ok_or(RetireError::NothingBehind(segment))?;
        // Every verdict says then what it said before.
        if behind.as_ref() != Some(&next) {
            return Err(RetireError::Entangled(segment));
        }
        if let Some(behind) = BrokenBehind::of(&next).filter(|_| !even_damaged) {
            return Err(RetireError::BrokenBehind { segment, behind });
        }
        Ok(Self {
            vault: vault.to_owned(),
            retired,
            file_stands,
            damaged,
            segment: metadata,
            chain,
            next,
        })
    }

    /// What will be said of the segment when it is gone.
    pub(crate) fn removed(&self) -> Removed {
        Removed::of(&self.retired)
    }

    /// Whether an earlier run was interrupted, whose time and reason stand.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.file_stands
    }

    /// How many of its records are damaged.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// The first record behind it, when that one does not continue it.
    pub(crate) fn broken_behind(&self) -> Option<BrokenBehind> {
        BrokenBehind::of(&self.next)
    }

    /// Which records of which days are concerned.
    pub(crate) fn retired(&self) -> &RetiredSegment {
        &self.retired
    }

    /// Removes the segment. Signals wait until it is gone, or stands.
    ///
    /// # Errors
    /// [`RetireError`]; it says whether the segment stands.
    pub(crate) fn carry_out(&self, allow_network_fs: bool) -> Result<(), RetireError> {
        let mut folder = DiskFolder::of_segments(&self.vault, allow_network_fs);
        folder.lock().map_err(|source| RetireError::Lock {
            path: self.vault.clone(),
            source,
        })?;
        let outcome = interrupt::holding_off(|| self.carry_out_under_lock(&folder));
        folder.unlock();
        outcome
    }

    fn carry_out_under_lock(&self, folder: &DiskFolder<'_>) -> Result<(), RetireError> {
        self.require_unchanged(folder)?;
        let number = self.retired.facts().segment;
        let path = self.vault.join(number.retired_name());
        if !self.file_stands {
            put_in_place(folder, &self.retired).map_err(|source| RetireError::Write {
                path: path.clone(),
                source,
            })?;
        }
        self.give_to_the_segments_owner(folder)
            .map_err(|source| RetireError::Write { path, source })?;
        retire::remove_segment(folder, number).map_err(|source| RetireError::Remove {
            path: self.vault.join(number.file_name()),
            source,
        })
    }

    /// The segment is the one that was looked at and still the first, and the record behind it stands and is on stable storage.
    fn require_unchanged(&self, folder: &DiskFolder<'_>) -> Result<(), RetireError> {
        let number = self.retired.facts().segment;
        let source = VaultSource::open(&self.vault)?;
        require_first(&source, number)?;
        let path = self.vault.join(number.file_name());
        let now = fs::metadata(&path).map_err(|source| RetireError::Read { path, source })?;
        let stands = source.retired().iter().any(|file| file.number == number);
        if identity(&now) != identity(&self.segment) || stands != self.file_stands {
            return Err(RetireError::Changed(self.vault.clone()));
        }
        let unreadable = |e| cannot_read(&self.vault, e);
        let behind = first_behind(&source, now.len(), self.chain.clone()).map_err(unreadable)?;
        match behind {
            Some(next) if next == self.next => {
                let file = source.place_of(next.end.saturating_sub(1)).file;
                let name = file.file_name().unwrap_or_default();
                let synced = folder.open_to_read(name).and_then(|mut file| file.sync());
                synced
                    .and_then(|()| folder.sync_name(name))
                    .map_err(unreadable)
            }
            _ => Err(RetireError::Changed(self.vault.clone())),
        }
    }

    /// The hook must be able to read what root has written. The folder belongs to the hook's user, so what is given away is the open file that was read and is
    /// the one in the segment's place, never whatever stands at its name.
    fn give_to_the_segments_owner(&self, folder: &DiskFolder<'_>) -> io::Result<()> {
        let file = folder.open_unshared_to_read(&self.retired.facts().segment.retired_name())?;
        let length = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        let mut text = vec![0; length.min(LONGEST_RETIRED + 1)];
        file.read_exact_at(&mut text, 0)?;
        if RetiredSegment::parse(&text).as_ref() != Ok(&self.retired) {
            return Err(io::Error::other(
                "another file was put in its place meanwhile",
            ));
        }
        file.make_like(&self.segment)
    }
}

/// What tells a file from another one, and from itself when it was written to.
fn identity(file: &Metadata) -> (u64, u64, u64, i64, i64) {
    let time = (file.mtime(), file.mtime_nsec());
    (file.dev(), file.ino(), file.len(), time.0, time.1)
}

fn cannot_read(vault: &Path, source: io::Error) -> RetireError {
    let path = vault.to_owned();
    RetireError::Read { path, source }
}

fn require_first(source: &VaultSource, segment: SegmentNumber) -> Result<(), RetireError> {
    let segments = source.segment_numbers();
    if !segments.contains(&segment) {
        let is_retired = source.retired().iter().any(|file| file.number == segment);
        return Err(if is_retired {
            RetireError::AlreadyRetired(segment)
        } else {
            RetireError::NoSuchSegment(source.path().to_owned(), segment)
        });
    }
    match segments {
        [first, ..] if *first != segment => Err(RetireError::NotTheFirst {
            segment,
            first: *first,
        }),
        [_, _, ..] => Ok(()),
        _ => Err(RetireError::NothingBehind(segment)),
    }
}

/// The chain as it stands before the segment: behind the retired segments in front of it, as far back as to one that held a record of ours.
fn chain_before(source: &VaultSource, segment: SegmentNumber) -> Result<Chain, RetireError> {
    let earlier = source.retired().iter().rev();
    let mut passed = Vec::new();
    for file in earlier.filter(|file| file.number < segment) {
        let retired = file.load().map_err(|why| RetireError::Earlier {
            path: file.path.clone(),
            why: why.to_string(),
        })?;
        let is_enough = retired.count() > 0;
        passed.push(retired);
        if is_enough {
            break;
        }
    }
    let mut chain = Chain::new();
    for retired in passed.iter().rev() {
        chain.pass_retired(retired, 0, |_, _| ());
    }
    Ok(chain)
}

fn refuse_damaged(
    segment: SegmentNumber,
    found: &Survey,
    even_damaged: bool,
) -> Result<(), RetireError> {
    if found.damaged == 0 || even_damaged {
        return Ok(());
    }
    Err(RetireError::Damaged {
        segment,
        count: found.damaged,
        problems: found.problems.clone(),
    })
}

fn describe(found: Survey, request: Request<'_>) -> RetiredSegment {
    found.into_retired(|found| RetiredFacts {
        segment: request.segment,
        bytes: found.bytes,
        sha256: found.sha256,
        at: request.now,
        reason: request.reason,
        without_header: found.without_header,
        torn: found.torn,
    })
}

/// The file of an interrupted run. It must say of the segment what is found now.
fn file_that_stands(
    source: &VaultSource,
    made: &RetiredSegment,
) -> Result<Option<RetiredSegment>, RetireError> {
    let number = made.facts().segment;
    let mut files = source.retired().iter();
    let Some(file) = files.find(|file| file.number == number) else {
        return Ok(None);
    };
    let other = |why: RetiredError| RetireError::OtherFile {
        path: file.path.clone(),
        why: why.to_string(),
    };
    let standing = file.load().map_err(other)?;
    if standing.describes_the_same(made) {
        Ok(Some(standing))
    } else {
        Err(other(RetiredError::NotTheSegment))
    }
}
