//! A vault compared with a copy of it, byte by byte: are they the same, is one the beginning of the other, where do they differ?
//!
//! No key is needed and nothing is judged: whether the records hold is for `inspect` to say of each. Of vaults in segments, those are compared
//! that both can have: segments removed from the front of one are passed over in the other. The seals beside the two are compared too (`seals`).

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use archiver_core::vault::scan::{Scanner, SpanKind};
use archiver_core::vault::segments::SegmentNumber;
use serde::Serialize;
use thiserror::Error;

use super::OpenError;
use super::shown::harmless;
use super::source::{self, SourceError, VaultSource};
use crate::exit::Exit;
use crate::failure::Explained;

mod seals;

pub(crate) use seals::{SealsCompared, SealsOutcome};

const PIECE: usize = 1024 * 1024;

/// Why nothing was compared.
#[derive(Debug, Error)]
pub(crate) enum AgainstError {
    /// A copy is compared with one vault.
    #[error("--against compares a copy with one vault, and {0} were named")]
    NotOneVault(usize),
    /// One of the two cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<SourceError> for AgainstError {
    fn from(error: SourceError) -> Self {
        Self::Open(error.into())
    }
}

impl Explained for AgainstError {
    fn hint(&self) -> String {
        match self {
            Self::NotOneVault(_) => "compare one vault at a time".to_owned(),
            Self::Open(error) => error.hint(),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NotOneVault(_) => Exit::Input,
            Self::Open(error) => error.exit(),
        }
    }
}

/// How a vault and its copy stand to each other.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) vault: String,
    pub(crate) copy: String,
    /// Whether a record was found in the vault, a torn one too. A copy that failed has none.
    pub(crate) vault_has_records: bool,
    pub(crate) copy_has_records: bool,
    /// The first segment that was compared, when one of the two begins later than the other.
    pub(crate) compared_from: Option<String>,
    /// Segments that one of the two has and that were retired in the other.
    pub(crate) retired: Vec<RetiredElsewhere>,
    /// Segments in front that one of the two lacks, and no retirement tells of it.
    pub(crate) missing: Vec<MissingInFront>,
    /// How many bytes are the same, up to the first that is not.
    pub(crate) same_bytes: u64,
    pub(crate) result: Outcome,
    pub(crate) seals: SealsCompared,
}

/// A segment that only one of the two still has.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RetiredElsewhere {
    /// The segment's file.
    pub(crate) file: String,
    /// Whether it is the one that was retired, by its SHA-256; none when the file in its place cannot be used.
    pub(crate) is_the_same: Option<bool>,
}

/// A segment that is gone without a trace.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct MissingInFront {
    /// The segment's file.
    pub(crate) file: String,
    /// Which of the two lacks it.
    pub(crate) lacked_by: String,
}

/// What the comparison says.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// All bytes are the same.
    Identical,
    /// The copy is the beginning of the vault, which goes on.
    VaultIsLonger(Surplus),
    /// The vault is the beginning of the copy, which goes on.
    CopyIsLonger(Surplus),
    /// There is a byte that is not the same.
    Differ {
        /// Where it stands in the vault.
        in_vault: Spot,
        /// Where it stands in the copy.
        in_copy: Spot,
    },
}

/// What the longer one has more.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Surplus {
    pub(crate) bytes: u64,
    /// Whole records that the shorter one does not have, or not to their end.
    pub(crate) records: u64,
}

/// Where a byte stands.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Spot {
    pub(crate) file: String,
    /// From the file's start.
    pub(crate) offset: u64,
    /// The record's number in the vault, from 1; none when the byte belongs to no record.
    pub(crate) record: Option<u64>,
}

/// Compares a vault with a copy.
///
/// # Errors
/// When one of them cannot be opened or read.
pub(crate) fn compare(vaults: &[PathBuf], copy: &Path) -> Result<Comparison, AgainstError> {
    let [vault] = vaults else {
        return Err(AgainstError::NotOneVault(vaults.len()));
    };
    let sources = source::open_all(&[vault.clone(), copy.to_owned()])?;
    let [vault, copy] = sources.as_slice() else {
        return Err(AgainstError::NotOneVault(sources.len()));
    };
    let (from_vault, from_copy) = common_start(vault, copy);
    let (mut ours, mut theirs) = (vault.from(from_vault), copy.from(from_copy));
    let same = same_bytes(
        |buffer| fill(&mut ours, buffer).map_err(|e| vault.unreadable(e)),
        |buffer| fill(&mut theirs, buffer).map_err(|e| copy.unreadable(e)),
    )?;
    let (at_vault, at_copy) = (from_vault + same, from_copy + same);
    let result = match (at_vault == vault.length(), at_copy == copy.length()) {
        (true, true) => Outcome::Identical,
        (false, true) => Outcome::VaultIsLonger(surplus(vault, at_vault)?),
        (true, false) => Outcome::CopyIsLonger(surplus(copy, at_copy)?),
        (false, false) => Outcome::Differ {
            in_vault: spot(vault, at_vault)?,
            in_copy: spot(copy, at_copy)?,
        },
    };
    let mut retired = retired_elsewhere(vault, copy)?;
    retired.extend(retired_elsewhere(copy, vault)?);
    let mut missing = missing_in_front(vault, copy);
    missing.extend(missing_in_front(copy, vault));
    let begins_later = from_vault != 0 || from_copy != 0;
    Ok(Comparison {
        vault: harmless(&vault.path().to_string_lossy()),
        copy: harmless(&copy.path().to_string_lossy()),
        vault_has_records: has_records(vault)?,
        copy_has_records: has_records(copy)?,
        compared_from: begins_later.then(|| file_name(vault.place_of(from_vault).file)),
        retired,
        missing,
        same_bytes: same,
        result,
        seals: seals::compare(vault.path(), copy.path())?,
    })
}

/// What was retired in `one` and stands in the `other`.
fn retired_elsewhere(
    one: &VaultSource,
    other: &VaultSource,
) -> Result<Vec<RetiredElsewhere>, OpenError> {
    let mut found = Vec::new();
    for file in one.retired().iter().filter(|file| !file.segment_stands) {
        let Some(range) = other.range_of(file.number) else {
            continue;
        };
        let sha256 = other.hash(range).map_err(|e| other.unreadable(e))?;
        let retired = file.load().ok();
        found.push(RetiredElsewhere {
            file: file.number.file_name().to_string_lossy().into_owned(),
            is_the_same: retired.map(|retired| retired.facts().sha256 == sha256),
        });
    }
    Ok(found)
}

/// Segments of the `other` that stood in front of all that `one` has.
fn missing_in_front(one: &VaultSource, other: &VaultSource) -> Vec<MissingInFront> {
    let is_retired = |number: &SegmentNumber| {
        let mut retired = one.retired().iter();
        retired.any(|file| file.number == *number)
    };
    let others = other.segment_numbers().iter();
    others
        .filter(|number| Some(**number) < one.first_segment() && !is_retired(number))
        .map(|number| MissingInFront {
            file: number.file_name().to_string_lossy().into_owned(),
            lacked_by: harmless(&one.path().to_string_lossy()),
        })
        .collect()
}

/// Where the first segment begins that both have.
fn common_start(vault: &VaultSource, copy: &VaultSource) -> (u64, u64) {
    let first = vault.first_segment().max(copy.first_segment());
    let start = |source: &VaultSource| first.and_then(|first| source.start_of(first));
    start(vault).zip(start(copy)).unwrap_or_default()
}

/// How many bytes two sources have in common at their beginning. Each fills a buffer, but at its end.
fn same_bytes<E>(
    mut ours: impl FnMut(&mut [u8]) -> Result<usize, E>,
    mut theirs: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<u64, E> {
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    let mut same = 0;
    loop {
        let (in_left, in_right) = (ours(&mut left)?, theirs(&mut right)?);
        let (left, right) = (left.iter().take(in_left), right.iter().take(in_right));
        let equal = left.zip(right).take_while(|(a, b)| a == b).count();
        same += equal as u64;
        if equal == 0 || equal < in_left.max(in_right) {
            return Ok(same);
        }
    }
}

/// Reads until the buffer is full or the source at its end.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Whether there is one; it is looked for no further than to the first.
fn has_records(source: &VaultSource) -> Result<bool, OpenError> {
    for span in Scanner::new(source.whole()) {
        let span = span.map_err(|e| source.unreadable(e))?;
        if span.kind != SpanKind::Stray {
            return Ok(true);
        }
    }
    Ok(false)
}

fn surplus(source: &VaultSource, from: u64) -> Result<Surplus, OpenError> {
    let mut records = 0;
    for span in Scanner::new(source.whole()) {
        let span = span.map_err(|e| source.unreadable(e))?;
        records += u64::from(span.kind == SpanKind::Record && span.end() > from);
    }
    Ok(Surplus {
        bytes: source.length() - from,
        records,
    })
}

fn spot(source: &VaultSource, at: u64) -> Result<Spot, OpenError> {
    let (mut record, mut number) = (None, 0);
    for span in Scanner::new(source.whole()) {
        let span = span.map_err(|e| source.unreadable(e))?;
        let is_record = span.kind != SpanKind::Stray;
        number += u64::from(is_record);
        if span.end() > at {
            record = is_record.then_some(number);
            break;
        }
    }
    let place = source.place_of(at);
    Ok(Spot {
        file: harmless(&place.file.to_string_lossy()),
        offset: place.offset,
        record,
    })
}

fn file_name(path: &Path) -> String {
    harmless(&path.file_name().unwrap_or_default().to_string_lossy())
}
