//! Retired segments as the readers of vaults meet them: their files are read where the segments stood, and their records followed as links.
//!
//! A file that cannot be read, or that does not describe the segment that still stands beside it, is told and ends nothing: the first record behind does not
//! link then.

use std::fmt;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::PathBuf;

use archiver_core::identity::UtcTime;
use archiver_core::seal::verify::Record;
use archiver_core::vault::chain::Chain;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::retired::{
    LONGEST_RETIRED, RetiredFacts, RetiredRange, RetiredRefused, RetiredSegment,
};
use archiver_core::vault::segments::SegmentNumber;
use data_encoding::HEXLOWER;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::source::VaultSource;
use crate::regular_file::open_regular;

/// A file that stands in place of a segment, or beside it when a retirement was interrupted.
#[derive(Debug)]
pub(super) struct RetiredFile {
    pub(super) number: SegmentNumber,
    pub(super) path: PathBuf,
    /// Where in the vault the segment stands, if it does; otherwise where the vault goes on behind it, which is no bytes long.
    pub(super) at: Range<u64>,
    /// The segment itself still stands.
    pub(super) segment_stands: bool,
}

/// Why such a file cannot be used.
#[derive(Debug, Error)]
pub(super) enum RetiredError {
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Refused(#[from] RetiredRefused),
    #[error("it does not describe the segment that still stands beside it")]
    NotTheSegment,
}

impl RetiredFile {
    /// Reads it.
    pub(super) fn load(&self) -> Result<RetiredSegment, RetiredError> {
        let mut bytes = Vec::new();
        let most = LONGEST_RETIRED as u64 + 1;
        let (file, _) = open_regular(&self.path)?;
        file.take(most).read_to_end(&mut bytes)?;
        Ok(RetiredSegment::parse_in_place_of(self.number, &bytes)?)
    }
}

/// What is known of a retired segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RetiredReport {
    /// The segment's file, which is gone.
    pub(crate) segment: String,
    /// Its retirement was interrupted: it still stands, and counts.
    pub(crate) still_stands: bool,
    /// What the file in its place says; none when it cannot be used.
    pub(crate) removed: Option<Removed>,
    /// Why it cannot be used.
    pub(crate) trouble: Option<String>,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Removed {
    #[serde(serialize_with = "as_text")]
    pub(crate) at: UtcTime,
    pub(crate) reason: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) records: u64,
    pub(crate) without_header: u64,
    pub(crate) torn: u64,
    pub(crate) ranges: Vec<RemovedRange>,
}

/// Consecutive records of one log that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RemovedRange {
    #[serde(serialize_with = "as_text")]
    pub(crate) log: LogId,
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    #[serde(serialize_with = "as_text")]
    pub(crate) earliest: UtcTime,
    #[serde(serialize_with = "as_text")]
    pub(crate) latest: UtcTime,
}

impl fmt::Display for RemovedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            log,
            first_seq,
            last_seq,
            earliest,
            latest,
        } = self;
        write!(
            f,
            "log {log}: sequence {first_seq} to {last_seq}, times {earliest} to {latest}"
        )
    }
}

impl Removed {
    pub(crate) fn of(retired: &RetiredSegment) -> Self {
        let RetiredFacts {
            bytes,
            sha256,
            at,
            reason,
            without_header,
            torn,
            ..
        } = retired.facts();
        Self {
            at: *at,
            reason: reason.to_string(),
            bytes: *bytes,
            sha256: HEXLOWER.encode(sha256),
            records: retired.count(),
            without_header: *without_header,
            torn: *torn,
            ranges: retired.ranges().map(RemovedRange::from).collect(),
        }
    }
}

impl From<RetiredRange> for RemovedRange {
    fn from(range: RetiredRange) -> Self {
        let RetiredRange {
            log,
            first,
            last,
            earliest,
            latest,
        } = range;
        Self {
            log,
            first_seq: first,
            last_seq: last,
            earliest,
            latest,
        }
    }
}

/// A retired segment that was passed on the way through a vault.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) report: RetiredReport,
    /// Its records; none when the segment itself still stands.
    pub(super) records: Vec<Record>,
}

impl Passed {
    /// Follows the chain through a retired segment.
    pub(super) fn through(
        file: &RetiredFile,
        source: &VaultSource,
        chain: &mut Chain,
    ) -> Result<Self, io::Error> {
        let mut records = Vec::new();
        let loaded = match file.load() {
            Ok(retired) if !file.segment_stands => {
                chain.pass_retired(&retired, file.at.start, |record, fault| {
                    records.push(Record::retired(record, fault));
                });
                Ok(retired)
            }
            Ok(retired) => {
                let found = source.hash(file.at.clone())?;
                if found == retired.facts().sha256 {
                    Ok(retired)
                } else {
                    Err(RetiredError::NotTheSegment)
                }
            }
            Err(e) => Err(e),
        };
        let report = RetiredReport {
            segment: file.number.file_name().to_string_lossy().into_owned(),
            still_stands: file.segment_stands,
            removed: loaded.as_ref().ok().map(Removed::of),
            trouble: loaded.err().map(|e| e.to_string()),
        };
        Ok(Self { report, records })
    }
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}
