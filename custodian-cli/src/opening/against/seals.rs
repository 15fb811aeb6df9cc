//! The seals of a vault compared with those of its copy, byte by byte, as the vaults are.
//!
//! A `.seals` file only grows, so one of the two is the beginning of the other, or one of them was changed. Nothing is verified here. Only regular files are
//! read, and no more of them than stood there at first.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Take};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{OpenError, Outcome, fill, same_bytes};
use crate::opening::beside::seals_path;
use crate::opening::shown::harmless;
use crate::regular_file::open_regular;

/// How the seals beside a vault and beside its copy stand to each other.
#[derive(Debug, Serialize)]
pub(crate) struct SealsCompared {
    /// Where those of the vault are looked for.
    pub(crate) vault: String,
    /// Where those of the copy are.
    pub(crate) copy: String,
    /// How many bytes are the same, up to the first that is not.
    pub(crate) same_bytes: u64,
    pub(crate) result: SealsOutcome,
}

/// What the comparison says.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SealsOutcome {
    /// There are none beside either.
    NoneStand,
    /// All bytes are the same.
    Identical,
    /// The copy's are the beginning of the vault's, which have so many bytes more.
    VaultIsLonger(u64),
    /// The vault's are the beginning of the copy's, which have so many bytes more.
    CopyIsLonger(u64),
    /// Only the copy has some.
    MissingBesideVault,
    /// Only the vault has some.
    MissingBesideCopy,
    /// There is a byte that is not the same.
    Differ,
}

impl SealsOutcome {
    /// Whether these seals and such vaults are no copy of one another at any time: the seals of one have grown, and the other vault has.
    fn contradicts(&self, vaults: &Outcome) -> bool {
        match self {
            Self::CopyIsLonger(_) => matches!(vaults, Outcome::VaultIsLonger(_)),
            Self::VaultIsLonger(_) => matches!(vaults, Outcome::CopyIsLonger(_)),
            _ => false,
        }
    }
}

impl SealsCompared {
    /// Whether the one with the shorter seals is the longer vault.
    pub(crate) fn contradicts(&self, vaults: &Outcome) -> bool {
        self.result.contradicts(vaults)
    }

    /// Whether one of the two is not what a copy of a vault in use can have.
    pub(crate) fn is_anomaly(&self, vaults: &Outcome) -> bool {
        self.contradicts(vaults)
            || matches!(
                self.result,
                SealsOutcome::MissingBesideVault
                    | SealsOutcome::MissingBesideCopy
                    | SealsOutcome::Differ
            )
    }
}

/// Compares what stands beside two vaults.
pub(super) fn compare(vault: &Path, copy: &Path) -> Result<SealsCompared, OpenError> {
    let (vault, copy) = (seals_path(vault), seals_path(copy));
    let (ours, theirs) = (Seals::open(&vault)?, Seals::open(&copy)?);
    let (same_bytes, result) = match (ours, theirs) {
        (None, None) => (0, SealsOutcome::NoneStand),
        (None, Some(_)) => (0, SealsOutcome::MissingBesideVault),
        (Some(_), None) => (0, SealsOutcome::MissingBesideCopy),
        (Some(ours), Some(theirs)) => both(ours, theirs)?,
    };
    let shown = |path: &Path| harmless(&path.to_string_lossy());
    Ok(SealsCompared {
        vault: shown(&vault),
        copy: shown(&copy),
        same_bytes,
        result,
    })
}

fn both(mut ours: Seals, mut theirs: Seals) -> Result<(u64, SealsOutcome), OpenError> {
    let same = same_bytes(|buffer| ours.fill(buffer), |buffer| theirs.fill(buffer))?;
    let result = match (ours.length - same, theirs.length - same) {
        (0, 0) => SealsOutcome::Identical,
        (more, 0) => SealsOutcome::VaultIsLonger(more),
        (0, more) => SealsOutcome::CopyIsLonger(more),
        _ => SealsOutcome::Differ,
    };
    Ok((same, result))
}

/// A `.seals` file that is read from its start.
struct Seals {
    path: PathBuf,
    file: Take<File>,
    length: u64,
}

impl Seals {
    fn open(path: &Path) -> Result<Option<Self>, OpenError> {
        match open_regular(path) {
            Ok((file, length)) => Ok(Some(Self {
                path: path.to_owned(),
                file: file.take(length),
                length,
            })),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unreadable(path, e)),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, OpenError> {
        let filled = fill(&mut self.file, buffer).map_err(|e| unreadable(&self.path, e))?;
        if filled < buffer.len() && self.file.limit() > 0 {
            let shorter = "it became shorter while it was read";
            let shorter = io::Error::new(ErrorKind::UnexpectedEof, shorter);
            return Err(unreadable(&self.path, shorter));
        }
        Ok(filled)
    }
}

fn unreadable(path: &Path, source: io::Error) -> OpenError {
    OpenError::Checkpoints {
        what: "the seals",
        path: path.to_owned(),
        source,
    }
}
