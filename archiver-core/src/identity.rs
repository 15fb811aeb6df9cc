//! Names of public things: key fingerprints and points in time. Nothing secret.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXUPPER_PERMISSIVE;
use jiff::Timestamp;
use thiserror::Error;

/// The fingerprint of an OpenPGP key: 20 bytes for version 4 (RFC 4880 §12.2), 32 for version 6 (RFC 9580 §5.5.4.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fingerprint {
    /// A version 4 key's SHA-1 fingerprint.
    V4([u8; 20]),
    /// A version 6 key's SHA-256 fingerprint.
    V6([u8; 32]),
}

impl Fingerprint {
    /// Takes 20 or 32 bytes; `None` for any other length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            20 => bytes.try_into().ok().map(Self::V4),
            32 => bytes.try_into().ok().map(Self::V6),
            _ => None,
        }
    }

    /// The 20 or 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::V4(bytes) => bytes,
            Self::V6(bytes) => bytes,
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXUPPER_PERMISSIVE.encode(self.as_bytes()))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Text that is not a fingerprint.
#[derive(Debug, Error)]
#[error("not a fingerprint: expected 40 or 64 hex digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Reads 40 or 64 hex digits, in either case, blanks between them allowed.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        let bytes = HEXUPPER_PERMISSIVE
            .decode(digits.as_bytes())
            .map_err(|_| NotAFingerprint)?;
        Self::from_bytes(&bytes).ok_or(NotAFingerprint)
    }
}

/// A point in time: whole seconds since 1970-01-01 UTC. As text RFC 3339 with `Z`, so from the year 0000 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtcTime(Timestamp);

impl UtcTime {
    /// Takes seconds since 1970-01-01 UTC; `None` outside of the years 0000 … 9999, which RFC 3339 cannot write.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        const YEAR_0: i64 = -62_167_219_200;
        let time = Timestamp::from_second(seconds).ok()?;
        (seconds >= YEAR_0).then_some(Self(time))
    }

    /// Seconds since 1970-01-01 UTC.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// The UTC day, `2026-11-24`.
    #[must_use]
    pub fn day(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UtcTime({self})")
    }
}

/// Text that is not a UTC time in whole seconds.
#[derive(Debug, Error)]
#[error("not a UTC time such as 2026-11-24T20:28:37Z")]
pub struct NotATime;

impl FromStr for UtcTime {
    type Err = NotATime;

    /// Reads exactly the form that [`fmt::Display`] writes, so that text and time map one to one.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let time: Timestamp = text.parse().map_err(|_| NotATime)?;
        let time = Self::from_unix(time.as_second()).ok_or(NotATime)?;
        (time.to_string() == text).then_some(time).ok_or(NotATime)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_survive_text_and_refuse_other_lengths() {
        let v4 = Fingerprint::from_bytes(&[0xab; 20]).unwrap();
        assert_eq!(v4.to_string(), "AB".repeat(20));
        assert_eq!(v4.to_string().parse::<Fingerprint>().unwrap(), v4);
        let grouped = "abab ".repeat(10);
        assert_eq!(grouped.parse::<Fingerprint>().unwrap(), v4);
        assert!(Fingerprint::from_bytes(&[0; 21]).is_none());
        assert!("AB".repeat(19).parse::<Fingerprint>().is_err());
    }

    #[test]
    fn a_year_that_rfc_3339_cannot_write_is_refused() {
        let year_0 = UtcTime::from_unix(-62_167_219_200).unwrap();
        assert_eq!(year_0.to_string(), "0000-01-01T00:00:00Z");
        assert!(UtcTime::from_unix(-62_167_219_201).is_none());
        assert!(UtcTime::from_unix(i64::MAX).is_none());
    }

    #[test]
    fn times_have_one_text_form() {
        let time = UtcTime::from_unix(1_795_552_117).unwrap();
        assert_eq!(time.to_string(), "2026-11-24T20:28:37Z");
        assert_eq!(time.day(), "2026-11-24");
        assert_eq!(time.to_string().parse::<UtcTime>().unwrap(), time);
        for other in [
            "2026-11-24T20:28:37+00:00",
            "2026-11-24 20:28:37Z",
            "2026-11-24T20:28:37.5Z",
            "",
        ] {
            assert!(other.parse::<UtcTime>().is_err(), "{other}");
        }
    }
}
