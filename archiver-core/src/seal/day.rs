//! A UTC day, the unit of sealing. Not a clock: which day it is comes in as a time.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::identity::UtcTime;

const SECONDS: i64 = 24 * 60 * 60;

/// A UTC day of the years 0000 … 9999. As text `2026-11-24`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day {
    first_second: UtcTime,
}

impl Day {
    /// The day in which a time lies.
    #[must_use]
    pub fn of(time: UtcTime) -> Self {
        let since_midnight = time.unix().rem_euclid(SECONDS);
        // The year 0000 begins at a midnight, so the day's start is never out of bounds.
        let first_second = UtcTime::from_unix(time.unix() - since_midnight).unwrap_or(time);
        Self { first_second }
    }

    /// The number of days since 1970-01-01, which is 0.
    #[must_use]
    pub fn number(self) -> i64 {
        self.first_second.unix() / SECONDS
    }

    /// The day with this number; `None` outside of the years 0000 … 9999.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        let first_second = number.checked_mul(SECONDS)?;
        UtcTime::from_unix(first_second).map(|first_second| Self { first_second })
    }

    /// So many days later (or earlier, for a negative number); `None` outside of the years 0000 … 9999.
    #[must_use]
    pub fn plus(self, days: i64) -> Option<Self> {
        Self::from_number(self.number().checked_add(days)?)
    }

    /// How many days lie from `earlier` to this day: 0 for the same day, negative when this day is the earlier one.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.number() - earlier.number()
    }

    /// Its first second, midnight.
    #[must_use]
    pub fn first_second(self) -> UtcTime {
        self.first_second
    }

    /// Its last second, 23:59:59.
    #[must_use]
    pub fn last_second(self) -> UtcTime {
        UtcTime::from_unix(self.first_second.unix() + SECONDS - 1).unwrap_or(self.first_second)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first_second.day())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Day({self})")
    }
}

/// Text that is not a day.
#[derive(Debug, Error)]
#[error("not a day such as 2026-11-24")]
pub struct NotADay;

impl FromStr for Day {
    type Err = NotADay;

    /// Reads exactly the form that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotADay> {
        let midnight = format!("{text}T00:00:00Z");
        let first_second = midnight.parse().map_err(|_| NotADay)?;
        Ok(Self { first_second })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_day_goes_from_midnight_to_its_last_second() {
        let day: Day = "2026-11-24".parse().unwrap();
        assert_eq!(day.first_second().to_string(), "2026-11-24T00:00:00Z");
        assert_eq!(day.last_second().to_string(), "2026-11-24T23:59:59Z");
        for time in [day.first_second(), day.last_second()] {
            assert_eq!(Day::of(time), day);
        }
        assert_eq!(day.plus(1).unwrap().to_string(), "2026-11-25");
        assert_eq!(day.plus(8).unwrap().days_since(day), 8);
    }

    #[test]
    fn days_are_numbered_from_1970_also_backward() {
        for (text, number) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2026-11-24", 20_781),
        ] {
            let day: Day = text.parse().unwrap();
            assert_eq!((day.number(), day.to_string()), (number, text.to_owned()));
            assert_eq!(Day::from_number(number), Some(day));
            assert_eq!(Day::of(day.last_second()), day);
        }
    }

    #[test]
    fn there_is_no_day_outside_of_the_years_that_text_can_write() {
        let (first, last): (Day, Day) =
            ("0000-01-01".parse().unwrap(), "9999-12-30".parse().unwrap());
        assert_eq!(first.plus(-1), None);
        assert_eq!(last.plus(i64::MAX), None);
        assert_eq!(Day::from_number(i64::MIN), None);
        for text in [
            "",
            "2026-11-24 ",
            "2026-1-1",
            "26-11-24",
            "2026-02-29",
            "+002026-11-24",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
    }
}
