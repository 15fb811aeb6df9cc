//! What the verdict of the seals comes to, for people and for programs.

use std::fmt;

use archiver_core::public_folder::NoSealKeys;
use archiver_core::seal::verify::{DayVerdict, State};
use serde::{Serialize, Serializer};

use super::files::FinalsReport;
use super::same_log::SameLog;
use crate::opening::inspect::Findings;

/// Why no seals were verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotVerified {
    /// No public folder was named.
    NoPublicFolder,
    /// The archive was made without seals.
    NoneMade,
    /// The archive has seals, and their keys are missing.
    KeysMissing,
}

impl From<NoSealKeys> for NotVerified {
    fn from(why: NoSealKeys) -> Self {
        match why {
            NoSealKeys::NoneMade => Self::NoneMade,
            NoSealKeys::Missing => Self::KeysMissing,
        }
    }
}

impl fmt::Display for NotVerified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPublicFolder => {
                "not verified, without the public seal keys (--public DIR with its seals.pub)"
            }
            Self::NoneMade => {
                "this archive has no seal keys: nothing can be sealed, because its ceremony made none"
            }
            Self::KeysMissing => {
                "NOT VERIFIED: seals.pub is missing from the public folder, although the sheets vouch for it; take the folder from another copy"
            }
        })
    }
}

impl Serialize for NotVerified {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The verdict of the seals on the logs of all vaults.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SealsReport {
    /// None when the seals were not verified.
    #[serde(rename = "seals")]
    pub(crate) logs: Option<Vec<SealReport>>,
    /// As of when days are judged: what was to come later is not missing. None when the seals were not verified.
    #[serde(rename = "seals_as_of")]
    pub(crate) as_of: Option<String>,
    #[serde(rename = "seals_not_verified")]
    pub(crate) not_verified: Option<NotVerified>,
    /// The files with finals that left the server.
    pub(crate) finals: Vec<FinalsReport>,
    /// Servers of the archive of whose logs nothing was found, and nothing was to be expected in so few vaults.
    pub(crate) servers_not_looked_at: Vec<ServerNamed>,
    /// Logs that stand in more than one vault.
    pub(crate) same_log: Vec<SameLog>,
    /// What not even a verdict without a fault can say; empty when the seals were not verified.
    #[serde(rename = "seals_cannot_say")]
    pub(crate) cannot_say: &'static [&'static str],
}

/// A server of the archive, and its log.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ServerNamed {
    pub(crate) server: String,
    pub(crate) log: String,
}

impl SealsReport {
    pub(crate) fn unverified(why: NotVerified) -> Self {
        Self {
            not_verified: Some(why),
            ..Self::default()
        }
    }

    /// Whether something was found that must be looked into.
    pub(crate) fn anomalies(&self) -> bool {
        self.not_verified == Some(NotVerified::KeysMissing)
            || self.logs.iter().flatten().any(|log| !log.intact)
            || self.finals.iter().any(|file| file.finals == 0)
            || self.same_log.iter().any(|same| same.differ_at.is_some())
    }

    /// The verdict on the day of a record, by its vault, its log, and its time as text; none when the day has no seal key.
    pub(crate) fn day_of(&self, vault: usize, log: &str, time: &str) -> Option<DayState> {
        let is_its_log = |known: &&SealReport| known.number == Some(vault) && known.log == log;
        let log = self.logs.iter().flatten().find(is_its_log)?;
        let day = time.get(..10)?;
        let at = log
            .days
            .binary_search_by(|known| known.day.as_str().cmp(day));
        Some(log.days.get(at.ok()?)?.state)
    }
}

/// The verdict on one log in one vault.
#[derive(Debug, Serialize)]
pub(crate) struct SealReport {
    pub(crate) server: String,
    pub(crate) log: String,
    /// None when nothing of the log was found in any vault.
    pub(crate) vault: Option<String>,
    /// Which of the vaults, from 0.
    #[serde(skip)]
    pub(super) number: Option<usize>,
    pub(crate) days: Vec<DayReport>,
    pub(crate) findings: Findings<String>,
    pub(crate) intact: bool,
}

/// The verdict on one day.
#[derive(Debug, Serialize)]
pub(crate) struct DayReport {
    pub(crate) day: String,
    pub(crate) records: u64,
    /// How many of them were removed with their segments.
    pub(crate) retired: u64,
    /// The number in the log of the first of them.
    pub(crate) first: Option<u64>,
    pub(crate) state: DayState,
    /// Why it is broken or missing.
    pub(crate) reason: Option<String>,
    /// Whether its final is the one that was kept elsewhere.
    pub(crate) kept_elsewhere: bool,
}

/// What became of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DayState {
    Sealed,
    Open,
    Broken,
    Missing,
}

impl DayReport {
    pub(super) fn of(verdict: &DayVerdict) -> Self {
        let (state, reason) = match &verdict.state {
            State::Sealed => (DayState::Sealed, None),
            State::Open => (DayState::Open, None),
            broken @ State::Broken(_) => (DayState::Broken, Some(broken.to_string())),
            missing @ State::Missing => (DayState::Missing, Some(missing.to_string())),
        };
        Self {
            day: verdict.day.to_string(),
            records: verdict.records,
            retired: verdict.retired,
            first: verdict.first,
            state,
            reason,
            kept_elsewhere: verdict.kept_elsewhere,
        }
    }
}
