//! When a vault was copied off its server: what the server sealed afterwards cannot be in the copy, and is not missing there.

use std::str::FromStr;

use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::Explained;

/// The time of a copy, as the auditor knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    first: UtcTime,
    last: UtcTime,
}

/// Text that is no time of a copy.
#[derive(Debug, Error)]
#[error("a day (2026-11-28) or a time in UTC (2026-11-28T17:30:00Z) is expected")]
pub(crate) struct NotATime;

impl FromStr for Copied {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Ok(time) = text.parse() {
            return Ok(Self {
                first: time,
                last: time,
            });
        }
        let day: Day = text.parse().map_err(|_| NotATime)?;
        Ok(Self {
            first: day.first_second(),
            last: day.last_second(),
        })
    }
}

/// The copy was made later than now.
#[derive(Debug, Error)]
#[error("the copy cannot have been made on {copied}: it is {now} by this machine's clock")]
pub(crate) struct NotYet {
    copied: UtcTime,
    now: UtcTime,
}

impl Explained for NotYet {
    fn hint(&self) -> String {
        "give --copied the time in UTC at which the copy was made; if it is right, set the clock"
            .to_owned()
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Copied {
    /// The time as of which seals are judged: that of the copy, which is now when it was made today and the hour is not known.
    pub(crate) fn as_of(self, now: UtcTime) -> Result<UtcTime, NotYet> {
        if self.first > now {
            return Err(NotYet {
                copied: self.first,
                now,
            });
        }
        Ok(self.last.min(now))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_judged_as_of_its_end_and_a_time_as_of_itself() {
        let now = at("2026-11-28T12:00:00Z");
        for (copied, as_of) in [
            ("2026-11-27", "2026-11-27T23:59:59Z"),
            ("2026-11-28", "2026-11-28T12:00:00Z"),
            ("2026-11-27T08:00:00Z", "2026-11-27T08:00:00Z"),
        ] {
            let copied: Copied = copied.parse().unwrap();
            assert_eq!(copied.as_of(now).unwrap(), at(as_of));
        }
    }

    #[test]
    fn what_is_no_time_or_has_not_come_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-13-01",
            "28.11.2026",
            "2026-11-28 17:30",
        ] {
            assert!(text.parse::<Copied>().is_err(), "{text}");
        }
        let now = at("2026-11-28T12:00:00Z");
        for text in ["2026-11-29", "2026-11-28T12:00:01Z"] {
            let copied: Copied = text.parse().unwrap();
            assert!(copied.as_of(now).is_err(), "{text}");
        }
    }
}
