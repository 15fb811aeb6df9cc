//! The verdict on a log, day by day, from what needs no secret: the public seal keys, the checkpoints, and the records as they stand in the
//! vault (docs/format.md §8.6).
//!
//! [`Evidence`] gathers checkpoints and believes only those that are signed with the key of the day that they name; an [`Examiner`] meets the
//! records in their order; a [`Verdict`] is what comes out. Nothing here reads a file or the clock.
//!
//! A checkpoint speaks about its own day and later ones, never about an earlier day: whoever holds today's key can sign what he likes
//! today, and must not be able to cast doubt on yesterday either.

mod evidence;
mod examiner;
mod judgement;
mod noticed;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod attacks;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking; this one prints what a verdict costs"
)]
mod bounds;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod model;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking; this one prints its count"
)]
mod scripts;

use std::fmt;

use thiserror::Error;

pub use self::evidence::Evidence;
pub use self::examiner::{Examiner, Record};
use super::day::Day;
use super::note::{Kind, NotSealed, NoteError};
use crate::counted::Counted;
use crate::identity::UtcTime;
use crate::vault::chain::Fault;
use crate::vault::leaf::LogId;

/// What no verdict can know, in words for the reader of one.
pub const CANNOT_KNOW: [&str; 3] = [
    "whether mail was kept from the archive, or changed before it reached it",
    "whether records of an open day were changed since its last checkpoint by somebody who controls the server",
    "whether the server was controlled by somebody else before a day's final was written and its key erased",
];

/// Where a checkpoint was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the `.seals` file beside the vault.
    Vault,
    /// In a copy that left the server: mailed, printed, kept by custodians.
    Elsewhere,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vault => "the seals",
            Self::Elsewhere => "the finals kept elsewhere",
        })
    }
}

/// What can be said of a log.
#[derive(Debug)]
pub struct Verdict {
    /// Every day from the log's first seal key to today (or to its last key), in order.
    pub days: Vec<DayVerdict>,
    /// What else was noticed: of each kind the first thousand.
    pub findings: Vec<Finding>,
    /// How many findings are not among them.
    pub unlisted: u64,
    /// How many of all findings speak against the log.
    pub anomalies: u64,
}

impl Verdict {
    /// Whether nothing speaks against the log: each day is sealed or open, and no finding is an anomaly.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let is_good = |day: &DayVerdict| matches!(day.state, State::Sealed | State::Open);
        self.days.iter().all(is_good) && self.anomalies == 0
    }

    /// The verdict on one day.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<&DayVerdict> {
        self.days.iter().find(|verdict| verdict.day == day)
    }
}

/// What can be said of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayVerdict {
    /// The day.
    pub day: Day,
    /// How many records of the vault are dated in it, retired ones included.
    pub records: u64,
    /// How many of them were removed with their segment: their leaves are sealed, and they themselves are gone.
    pub retired: u64,
    /// The number of the first of them in the log.
    pub first: Option<u64>,
    /// The verdict.
    pub state: State,
    /// Whether its final in the vault's seals is the one that was kept elsewhere.
    pub kept_elsewhere: bool,
}

/// The verdict on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The records of the log up to this day's end are those that its final seals.
    Sealed,
    /// The day's final is not due yet: it is today, or ended less than two hours ago.
    Open,
    /// Something was changed.
    Broken(Break),
    /// The day is over and no final stands: it was never sealed, or its seal was taken away.
    Missing,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sealed => f.write_str("sealed"),
            Self::Open => f.write_str("open"),
            Self::Broken(found) => write!(f, "broken at sequence {}: {}", found.first, found.why),
            Self::Missing => f.write_str("missing: no final stands for this day"),
        }
    }
}

/// Where a log is broken, and how that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// The number in the log of the first record that is no longer vouched for.
    pub first: u64,
    /// Why.
    pub why: Why,
}

/// How it shows that a log is broken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Why {
    /// The record itself, or its link.
    #[error("{0}")]
    Record(#[from] Fault),
    /// It claims a number that is not its place in the log.
    #[error("it claims sequence {0}")]
    Number(u64),
    /// The log does not begin in this vault.
    #[error(
        "the log's first {} not here, and only a whole log can be judged",
        if *.0 == 1 { "record is".to_owned() } else { format!("{} records are", .0) }
    )]
    NoBeginning(u64),
    /// A checkpoint is over other records.
    #[error(
        "here or behind it, the records are not those that the {kind} checkpoint of {day} over {} seals",
        Counted(*size, "record")
    )]
    OtherRecords {
        /// The checkpoint's kind.
        kind: Kind,
        /// Its day.
        day: Day,
        /// Its size.
        size: u64,
    },
    /// Sealed records are not there.
    #[error("the log ends before it, and the {kind} checkpoint of {day} seals {}", Counted(*size, "record"))]
    CutOff {
        /// The checkpoint's kind.
        kind: Kind,
        /// Its day.
        day: Day,
        /// Its size.
        size: u64,
    },
    /// A record was dated into a day that was sealed without it.
    #[error("it is dated {0} and stands behind the seal of that day")]
    BehindTheSeal(Day),
    /// The final of the day seals a record of a later day.
    #[error("it is sealed in {0} and dated later")]
    DatedLater(Day),
    /// Two finals of one day.
    #[error("there are two different finals of {0}")]
    TwoFinals(Day),
    /// The day's checkpoints do not continue the final of the day before.
    #[error("the checkpoints of {0} do not continue the final of the day before")]
    OtherPast(Day),
}

/// Something that was noticed beside the verdict on each day.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Finding {
    /// A part of the `.seals` file is no checkpoint.
    #[error(
        "at byte {offset} of the seals: no whole checkpoint stands there ({why}); a write that was cut off looks like this"
    )]
    Unreadable {
        /// Where.
        offset: u64,
        /// What is wrong.
        why: NoteError,
    },
    /// A checkpoint proves nothing.
    #[error("at byte {offset} of {place}: the {kind} checkpoint of {day} {why}")]
    NotSealed {
        /// Where.
        offset: u64,
        /// In which file.
        place: Source,
        /// Its kind.
        kind: Kind,
        /// Its day.
        day: Day,
        /// Why.
        why: NotSealed,
    },
    /// A checkpoint of a day that has not come, or a final of a day that is not over.
    #[error("the {kind} checkpoint of {day} is signed before its time")]
    Future {
        /// Its kind.
        kind: Kind,
        /// Its day.
        day: Day,
    },
    /// Two finals of one day.
    #[error(
        "two different finals of {0} are signed: its key was in two hands, or the server was set back to an earlier state"
    )]
    TwoFinals(Day),
    /// Days later are sealed, this one is not.
    #[error("{0} was skipped: it has no final, and a later day has one")]
    Skipped(Day),
    /// The final stands only in the copy from elsewhere.
    #[error(
        "the final of {0} is missing in the vault's seals; only the copy kept elsewhere has it"
    )]
    OnlyElsewhere(Day),
    /// Another final stands in the copy from elsewhere.
    #[error(
        "the final of {0} in the vault's seals is another one than the final kept elsewhere; both are signed with that day's key"
    )]
    OtherElsewhere(Day),
    /// A checkpoint names another encryption subkey than the archive's.
    #[error("the server sealed {0} for another encryption subkey than this archive's")]
    OtherSubkey(Day),
    /// A record of another log.
    #[error(
        "a record of another log ({log}, its sequence {seq}) stands behind {} of this one",
        Counted(*behind, "record")
    )]
    OtherLog {
        /// The other log.
        log: LogId,
        /// Its number there.
        seq: u64,
        /// How many records of this log stand before it.
        behind: u64,
    },
    /// Records from before sealing began.
    #[error(
        "before the first sealed record: {} of another log, bound by its link, from its day on",
        Counted(*.0, "record")
    )]
    BeforeTheSeals(u64),
    /// A record dated before the first day with a key.
    #[error("the record with sequence {seq} is dated {time}, before the first day with a seal key")]
    BeforeTheFirstKey {
        /// The record.
        seq: u64,
        /// Its time.
        time: UtcTime,
    },
    /// Records from after the last day with a key.
    #[error("dated after the last day with a seal key: {}; nothing seals them", Counted(*.0, "record"))]
    AfterTheLastKey(u64),
    /// A record dated later than today.
    #[error("the record with sequence {seq} is dated {time}, which has not come yet")]
    FutureRecord {
        /// The record.
        seq: u64,
        /// Its time.
        time: UtcTime,
    },
}

impl Finding {
    /// Whether it speaks against the log. The others are told so that nobody wonders.
    #[must_use]
    pub fn is_anomaly(&self) -> bool {
        !matches!(self, Self::Unreadable { .. } | Self::BeforeTheSeals(_))
    }
}
