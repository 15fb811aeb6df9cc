//! What stands in place of a segment that was removed at the end of its retention: `VAULT-<number>.retired` (docs/format.md §7.5).
//!
//! It holds what the rest of the vault and the seals need of the segment: place and leaf of each record, and how the last gap began. A leaf is
//! computed from what the file says, so that the first record behind binds every line. Nothing of any mail is in it. Who removed the segment, when and why is
//! what the file says, and nothing proves it.

mod text;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(super) mod tests;

use std::str::FromStr;
use std::{fmt, io};

use thiserror::Error;

use crate::identity::UtcTime;
use crate::vault::disk::{Folder, read_whole};
use crate::vault::gap::GapHash;
use crate::vault::leaf::{LeafHash, LeafParts, LogId, Place};
use crate::vault::segments::SegmentNumber;

pub use self::text::RetiredRefused;

/// No such file is longer.
pub const LONGEST_RETIRED: usize = 512 << 20;

/// Why a segment was removed: one line of 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    const LONGEST: usize = 200;
}

/// Text that cannot be a reason.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "a reason is one line of 1 to {} characters, without control characters and without white space at its ends",
    Reason::LONGEST
)]
pub struct NotAReason;

impl FromStr for Reason {
    type Err = NotAReason;

    fn from_str(text: &str) -> Result<Self, NotAReason> {
        let is_one_line = !text.is_empty()
            && text.trim() == text
            && text.chars().count() <= Self::LONGEST
            && !text.contains(is_misleading);
        is_one_line.then(|| Self(text.to_owned())).ok_or(NotAReason)
    }
}

/// Control characters, separators of lines and paragraphs, and those that turn the direction of writing.
fn is_misleading(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is left of a retired segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredSegment {
    facts: RetiredFacts,
    runs: Vec<Run>,
    gap: GapHash,
    lacks_last_line_feed: bool,
}

/// Which segment it was, and what is said of its removal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredFacts {
    /// Its number.
    pub segment: SegmentNumber,
    /// How many bytes it had.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// When it was removed; what the clock said.
    pub at: UtcTime,
    /// Why.
    pub reason: Reason,
    /// Its whole records without a header of ours.
    pub without_header: u64,
    /// Its torn records.
    pub torn: u64,
}

/// Records of one log with consecutive numbers, each behind the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    log: LogId,
    first: u64,
    prev: LeafHash,
    records: Vec<Left>,
}

/// What is left of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// All that its leaf follows from, with its place.
    Whole(UtcTime, LeafParts),
    /// It was damaged: what it claimed.
    Damaged(UtcTime, LeafHash),
}

impl Left {
    fn leaf(&self, place: &Place) -> LeafHash {
        match self {
            Self::Whole(_, parts) => place.leaf_of(parts),
            Self::Damaged(_, leaf) => *leaf,
        }
    }

    fn time(&self) -> UtcTime {
        match self {
            Self::Whole(time, _) | Self::Damaged(time, _) => *time,
        }
    }
}

/// A record of a retired segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredRecord {
    /// Where it stood.
    pub place: Place,
    /// Its leaf, computed anew, unless it was damaged.
    pub leaf: LeafHash,
    /// Whether it did not come out to its leaf when it was removed.
    pub was_damaged: bool,
}

/// Consecutive records of one log in a retired segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredRange {
    /// The log.
    pub log: LogId,
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The time of the first.
    pub earliest: UtcTime,
    /// The time of the last.
    pub latest: UtcTime,
}

impl RetiredSegment {
    /// Which segment it was.
    #[must_use]
    pub fn facts(&self) -> &RetiredFacts {
        &self.facts
    }

    /// Its records with a header of ours, in order.
    pub fn records(&self) -> impl Iterator<Item = RetiredRecord> {
        self.runs.iter().flat_map(Run::records)
    }

    /// How many of them there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|run| run.records.len() as u64).sum()
    }

    /// Which records they are.
    pub fn ranges(&self) -> impl Iterator<Item = RetiredRange> {
        self.runs.iter().filter_map(Run::range)
    }

    /// What of the next record's gap stood in it, and in retired segments before it.
    pub(crate) fn gap(&self) -> &GapHash {
        &self.gap
    }

    /// Whether the next segment's first byte, an LF, ends its last record.
    pub(crate) fn lacks_last_line_feed(&self) -> bool {
        self.lacks_last_line_feed
    }

    /// Whether both say the same of the same segment, whatever they say of its removal.
    #[must_use]
    pub fn describes_the_same(&self, other: &Self) -> bool {
        let mut same = other.clone();
        same.facts.at = self.facts.at;
        same.facts.reason = self.facts.reason.clone();
        *self == same
    }
}

impl Run {
    fn records(&self) -> impl Iterator<Item = RetiredRecord> {
        let (log, mut prev) = (self.log, self.prev);
        let numbered = (self.first..).zip(&self.records);
        numbered.map(move |(seq, left)| {
            let time = left.time();
            let place = Place {
                log,
                seq,
                time,
                prev,
            };
            let leaf = left.leaf(&place);
            prev = leaf;
            let was_damaged = matches!(left, Left::Damaged(..));
            RetiredRecord {
                place,
                leaf,
                was_damaged,
            }
        })
    }

    /// The number of the last one; `None` when there is none, or none so high.
    fn last(&self) -> Option<u64> {
        let behind_the_first = u64::try_from(self.records.len()).ok()?.checked_sub(1)?;
        self.first.checked_add(behind_the_first)
    }

    fn range(&self) -> Option<RetiredRange> {
        let (first, last) = (self.records.first()?, self.records.last()?);
        Some(RetiredRange {
            log: self.log,
            first: self.first,
            last: self.last()?,
            earliest: first.time(),
            latest: last.time(),
        })
    }
}

/// Reads the file that stands in place of a segment.
///
/// # Errors
/// What the system reports, and a file that is not one (`InvalidData`, [`RetiredRefused`] inside). Both name it.
pub fn read(folder: &impl Folder, segment: SegmentNumber) -> io::Result<RetiredSegment> {
    let name = segment.retired_name();
    let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", name.display()));
    let bytes = read_whole(folder, &name, LONGEST_RETIRED).map_err(named)?;
    let bytes = bytes.ok_or_else(|| named(io::ErrorKind::NotFound.into()))?;
    let parsed = RetiredSegment::parse_in_place_of(segment, &bytes);
    parsed.map_err(|e| named(io::Error::new(io::ErrorKind::InvalidData, e)))
}

/// Collects what is left of a segment's records, in their order.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    /// The number and the `prev` with which the last run goes on.
    next: Option<(u64, LeafHash)>,
}

impl Runs {
    /// The next record: its place, what is left of it, and the leaf that it claims.
    pub(crate) fn push(&mut self, place: &Place, left: Left, leaf: LeafHash) {
        let goes_on = self.next == Some((place.seq, place.prev));
        match self.runs.last_mut() {
            Some(run) if goes_on && run.log == place.log => run.records.push(left),
            _ => self.runs.push(Run {
                log: place.log,
                first: place.seq,
                prev: place.prev,
                records: vec![left],
            }),
        }
        self.next = place.seq.checked_add(1).map(|next| (next, leaf));
    }

    /// All of them.
    pub(crate) fn into_segment(
        self,
        facts: RetiredFacts,
        gap: GapHash,
        lacks_last_line_feed: bool,
    ) -> RetiredSegment {
        RetiredSegment {
            facts,
            runs: self.runs,
            gap,
            lacks_last_line_feed,
        }
    }
}
