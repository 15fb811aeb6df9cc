//! Ages and sizes as an administrator writes them on a command line: `26h`, `20G`, `10%`.

use std::str::FromStr;

use thiserror::Error;

/// A length of time in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    pub(crate) seconds: u64,
}

/// Room on a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Percent(u8),
    Bytes(u64),
}

/// Text that is no threshold.
#[derive(Debug, Error)]
pub(crate) enum NotASize {
    #[error("expected a number and m, h or d: 90m, 26h, 3d")]
    Age,
    #[error("expected a percentage up to 100%, or a number and K, M, G or T: 10%, 500M, 20G")]
    Room,
}

impl FromStr for Age {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
        let seconds = with_unit(text, &UNITS).ok_or(NotASize::Age)?;
        Ok(Self { seconds })
    }
}

impl FromStr for Room {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        const UNITS: [(&str, u64); 5] = [
            ("K", 1 << 10),
            ("M", 1 << 20),
            ("G", 1 << 30),
            ("T", 1 << 40),
            ("", 1),
        ];
        let room = match text.strip_suffix('%') {
            Some(percent) => percent
                .parse()
                .ok()
                .filter(|p| *p <= 100)
                .map(Self::Percent),
            None => with_unit(text, &UNITS).map(Self::Bytes),
        };
        room.ok_or(NotASize::Room)
    }
}

impl Room {
    /// Whether `free` of `size` bytes is less than this.
    pub(crate) fn is_more_than(self, free: u64, size: u64) -> bool {
        match self {
            Self::Percent(percent) => {
                u128::from(free) * 100 < u128::from(size) * u128::from(percent)
            }
            Self::Bytes(bytes) => free < bytes,
        }
    }
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    units.iter().find_map(|(unit, factor)| {
        let digits = text.strip_suffix(unit)?;
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<u64>()
            .ok()
            .filter(|_| is_number)?
            .checked_mul(*factor)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn ages_are_a_number_and_a_unit() {
        for (text, seconds) in [("45s", 45), ("90m", 5400), ("26h", 93_600), ("3d", 259_200)] {
            assert_eq!(text.parse::<Age>().unwrap(), Age { seconds });
        }
        for wrong in [
            "",
            "h",
            "3",
            "3w",
            "-1h",
            "1.5h",
            "+3d",
            "99999999999999999999d",
        ] {
            assert!(wrong.parse::<Age>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn room_is_a_percentage_or_bytes() {
        assert_eq!("10%".parse::<Room>().unwrap(), Room::Percent(10));
        assert_eq!("2G".parse::<Room>().unwrap(), Room::Bytes(2 << 30));
        assert_eq!("4096".parse::<Room>().unwrap(), Room::Bytes(4096));
        for wrong in ["", "%", "101%", "G", "1.5G", "10 %", "1X"] {
            assert!(wrong.parse::<Room>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_disk_with_exactly_the_threshold_free_is_in_order() {
        assert!(!Room::Percent(10).is_more_than(10, 100));
        assert!(Room::Percent(10).is_more_than(9, 100));
        assert!(Room::Bytes(10).is_more_than(9, 100) && !Room::Bytes(10).is_more_than(10, 100));
        assert!(Room::Percent(10).is_more_than(u64::MAX / 20, u64::MAX));
    }
}
