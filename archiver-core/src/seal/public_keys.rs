//! `seals.pub`: the public seal keys of all servers of an archive, one for each day (docs/format.md §8.2).
//!
//! What stands here is public and decides everything: a reader must have it from the public folder, whose manifest holds its hash, and not
//! from the server. Whether a checkpoint is signed with the right key of it is for [`super::note`] to say.

use std::fmt::{self, Write as _};
use std::iter::Peekable;
use std::ops::RangeInclusive;
use std::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::day::Day;
use super::keys::PublicKey;
use crate::identity::Fingerprint;
use crate::vault::leaf::LogId;

const TITLE: &str = "archiver seal keys 1";
/// A hundred servers for ten years.
const MOST_BYTES: usize = 16 << 20;
/// A hundred years.
const MOST_DAYS: u32 = 36_525;

/// The content of `seals.pub`: at least one server, no two with the same name or log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealKeys {
    archive: Fingerprint,
    servers: Vec<ServerKeys>,
}

/// The keys of one server's log: one for each day from the first, without a gap, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKeys {
    name: ServerName,
    log: LogId,
    first_day: Day,
    last_day: Day,
    keys: Vec<PublicKey>,
}

/// Why keys are not what `seals.pub` can hold.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealKeysError {
    /// No server at all.
    #[error("there is no server with seal keys")]
    NoServer,
    /// Two servers have one name or one log.
    #[error("two servers are called {0}, or have the same log")]
    Twice(ServerName),
    /// None or far too many days.
    #[error("{0} days of seal keys: there must be at least 1, and at most {MOST_DAYS}")]
    Days(usize),
}

/// A `seals.pub` that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealKeysRefused {
    /// Too large to be one.
    #[error("too large: seals.pub has at most 16 MiB")]
    TooLarge,
    /// Another kind of file, or a newer version.
    #[error(
        "does not begin with the line {TITLE:?}: it is another file, or of a newer version of the program"
    )]
    OtherFormat,
    /// A line that is not what stands there.
    #[error("damaged: line {line} is not {expected}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Every line can be read, and still it is not the text that is written for these keys.
    #[error("damaged: its lines are not written as this program writes them")]
    OtherText,
    /// What it says cannot be.
    #[error("damaged: {0}")]
    Content(#[from] SealKeysError),
}

impl SealKeys {
    /// Joins the keys of an archive's servers.
    ///
    /// # Errors
    /// When there is none, or two have the same name or log.
    pub fn new(archive: Fingerprint, servers: Vec<ServerKeys>) -> Result<Self, SealKeysError> {
        if servers.is_empty() {
            return Err(SealKeysError::NoServer);
        }
        for (number, server) in servers.iter().enumerate() {
            let same = |other: &ServerKeys| other.name == server.name || other.log == server.log;
            if servers.iter().take(number).any(same) {
                return Err(SealKeysError::Twice(server.name.clone()));
            }
        }
        Ok(Self { archive, servers })
    }

    /// The primary fingerprint of the archive.
    #[must_use]
    pub fn archive(&self) -> Fingerprint {
        self.archive
    }

    /// The servers, in the order of the file.
    #[must_use]
    pub fn servers(&self) -> &[ServerKeys] {
        &self.servers
    }

    /// The server that keeps this log.
    #[must_use]
    pub fn of_log(&self, log: LogId) -> Option<&ServerKeys> {
        self.servers.iter().find(|server| server.log == log)
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{TITLE}\narchive {}\n", self.archive);
        for server in &self.servers {
            let ServerKeys {
                name,
                log,
                first_day,
                keys,
                ..
            } = server;
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "server {name} log {log} from {first_day} days {}",
                keys.len()
            );
            for key in keys {
                let _ = writeln!(text, "{key}");
            }
        }
        text
    }

    /// The hash that the sharing part holds, and with it every sheet: SHA-256 of the file.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.to_text()).into()
    }

    /// Reads the file. There is exactly one text for the same keys.
    ///
    /// # Errors
    /// When it is not exactly what [`Self::to_text`] writes.
    pub fn parse(file: &[u8]) -> Result<Self, SealKeysRefused> {
        if file.len() > MOST_BYTES {
            return Err(SealKeysRefused::TooLarge);
        }
        let text = std::str::from_utf8(file).map_err(|_| SealKeysRefused::OtherText)?;
        let mut lines = Lines {
            rest: text.lines().peekable(),
            number: 0,
        };
        if lines.rest.next() != Some(TITLE) {
            return Err(SealKeysRefused::OtherFormat);
        }
        lines.number = 1;
        let archive = lines.next("the archive's fingerprint", |line| {
            line.strip_prefix("archive ")?.parse().ok()
        })?;
        let mut servers = Vec::new();
        while lines.rest.peek().is_some() {
            servers.push(ServerKeys::read(&mut lines)?);
        }
        let keys = Self::new(archive, servers)?;
        if keys.to_text() == text {
            Ok(keys)
        } else {
            Err(SealKeysRefused::OtherText)
        }
    }
}

impl ServerKeys {
    /// Names the server of a log and its keys, the first of which is for `first_day`.
    ///
    /// # Errors
    /// When there are none, or more than for a hundred years.
    pub fn new(
        name: ServerName,
        log: LogId,
        first_day: Day,
        keys: Vec<PublicKey>,
    ) -> Result<Self, SealKeysError> {
        let days = keys.len();
        let last_day = u32::try_from(days)
            .ok()
            .filter(|days| (1..=MOST_DAYS).contains(days))
            .and_then(|days| first_day.plus(i64::from(days) - 1))
            .ok_or(SealKeysError::Days(days))?;
        Ok(Self {
            name,
            log,
            first_day,
            last_day,
            keys,
        })
    }

    /// The server's name.
    #[must_use]
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> LogId {
        self.log
    }

    /// From the first day with a key to the last one.
    #[must_use]
    pub fn days(&self) -> RangeInclusive<Day> {
        self.first_day..=self.last_day
    }

    /// The key of a day, if there is one.
    #[must_use]
    pub fn key_of(&self, day: Day) -> Option<PublicKey> {
        let number = usize::try_from(day.days_since(self.first_day)).ok()?;
        self.keys.get(number).copied()
    }

    fn read(lines: &mut Lines<'_>) -> Result<Self, SealKeysRefused> {
        let (name, log, first_day, days) = lines.next(
            "a server's name, log, first day and number of days",
            server_line,
        )?;
        if !(1..=MOST_DAYS).contains(&days) {
            let days = usize::try_from(days).unwrap_or(usize::MAX);
            return Err(SealKeysError::Days(days).into());
        }
        let keys = (0..days).map(|_| lines.next("a seal key", key_line));
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self::new(name, log, first_day, keys)?)
    }
}

/// `server <name> log <log id> from <day> days <number>`
fn server_line(line: &str) -> Option<(ServerName, LogId, Day, u32)> {
    let words: Vec<&str> = line.split(' ').collect();
    let ["server", name, "log", log, "from", day, "days", days] = words.as_slice() else {
        return None;
    };
    let log = log.parse().ok()?;
    Some((
        name.parse().ok()?,
        log,
        day.parse().ok()?,
        days.parse().ok()?,
    ))
}

fn key_line(line: &str) -> Option<PublicKey> {
    let bytes = BASE64.decode(line.as_bytes()).ok()?;
    bytes.try_into().ok().map(PublicKey)
}

struct Lines<'a> {
    rest: Peekable<std::str::Lines<'a>>,
    number: usize,
}

impl Lines<'_> {
    fn next<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SealKeysRefused> {
        self.number += 1;
        let line = self.number;
        let value = self.rest.next().and_then(read);
        value.ok_or(SealKeysRefused::Line { line, expected })
    }
}

/// The name of a server, as the plan gives it: 1 to 63 letters, digits, dots, hyphens and underscores of ASCII, the first of them a letter or
/// digit. So it can also name a folder.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerName(String);

/// A name that a server cannot have.
#[derive(Debug, Error)]
#[error(
    "{0:?} is no server name: 1 to 63 letters, digits, dots, hyphens or underscores, beginning with a letter or digit"
)]
pub struct NotAServerName(String);

impl FromStr for ServerName {
    type Err = NotAServerName;

    fn from_str(text: &str) -> Result<Self, NotAServerName> {
        let begins_well = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if begins_well && text.len() <= 63 && text.chars().all(is_allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(NotAServerName(text.chars().take(80).collect()))
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerName({self})")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn server(name: &str, log: u8, days: u8) -> ServerKeys {
        let keys = (0..days).map(|day| PublicKey([day; 32])).collect();
        let first_day = "2026-11-24".parse().unwrap();
        ServerKeys::new(name.parse().unwrap(), LogId([log; 16]), first_day, keys).unwrap()
    }

    fn keys() -> SealKeys {
        let servers = vec![server("mx1.example.org", 1, 3), server("mx2", 2, 1)];
        SealKeys::new(Fingerprint::V4([0xab; 20]), servers).unwrap()
    }

    #[test]
    fn the_text_is_the_one_of_the_format_page_and_reads_back() {
        let text = keys().to_text();
        let zeros = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let ones = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let twos = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
        let expected = format!(
            "archiver seal keys 1\narchive {}\n\
             server mx1.example.org log {} from 2026-11-24 days 3\n{zeros}\n{ones}\n{twos}\n\
             server mx2 log {} from 2026-11-24 days 1\n{zeros}\n",
            "AB".repeat(20),
            "01".repeat(16),
            "02".repeat(16),
        );
        assert_eq!(text, expected);
        assert_eq!(SealKeys::parse(text.as_bytes()), Ok(keys()));
        assert_eq!(keys().sha256(), <[u8; 32]>::from(Sha256::digest(&text)));
    }

    #[test]
    fn each_day_has_its_own_key_and_no_other_day_has_one() {
        let keys = keys();
        let first = keys.of_log(LogId([1; 16])).unwrap();
        let day = |days| first.days().start().plus(days).unwrap();
        let found = [-1, 0, 1, 2, 3].map(|days| first.key_of(day(days)));
        let expected = [None, Some(0), Some(1), Some(2), None];
        assert_eq!(
            found,
            expected.map(|byte| byte.map(|byte| PublicKey([byte; 32])))
        );
        assert_eq!(*first.days().end(), day(2));
        assert!(keys.of_log(LogId([3; 16])).is_none());
    }

    #[test]
    fn every_changed_removed_or_added_byte_gives_other_keys_or_none() {
        let text = keys().to_text();
        for at in 0..text.len() {
            for byte in [b'A', b'\n', b' ', b'0', 0xff] {
                let mut changed = text.clone().into_bytes();
                if changed[at] == byte {
                    continue;
                }
                changed[at] = byte;
                assert_ne!(SealKeys::parse(&changed), Ok(keys()), "byte {at}");
                changed[at] = text.as_bytes()[at];
                changed.insert(at, byte);
                assert_ne!(SealKeys::parse(&changed), Ok(keys()), "byte {at}");
            }
            // Cut before the second server's line, it is the file of the first one.
            assert_ne!(
                SealKeys::parse(&text.as_bytes()[..at]),
                Ok(keys()),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn departures_are_named_with_their_line() {
        let text = keys().to_text();
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from));
            SealKeys::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
        };
        let line = |line, expected| SealKeysRefused::Line { line, expected };
        assert_eq!(refused("keys 1", "keys 2"), SealKeysRefused::OtherFormat);
        assert_eq!(refused("ABAB", "abab"), SealKeysRefused::OtherText);
        assert_eq!(
            refused("archive ", "archive: "),
            line(2, "the archive's fingerprint")
        );
        assert_eq!(
            refused("days 3", "days 2"),
            line(6, "a server's name, log, first day and number of days")
        );
        assert_eq!(refused("days 3", "days 4"), line(7, "a seal key"));
        assert_eq!(refused("days 3", "days 0"), SealKeysError::Days(0).into());
        assert_eq!(
            refused("days 3", "days 4000000000"),
            SealKeysError::Days(4_000_000_000).into()
        );
        assert_eq!(refused("days 3", "days +3"), SealKeysRefused::OtherText);
        assert_eq!(refused("\n", "\r\n"), SealKeysRefused::OtherText);
        let twice = SealKeysError::Twice("mx1.example.org".parse().unwrap());
        assert_eq!(refused("mx2", "mx1.example.org"), twice.into());
        let twice = SealKeysError::Twice("mx2".parse().unwrap());
        assert_eq!(refused(&"02".repeat(16), &"01".repeat(16)), twice.into());
        let too_large = vec![b'\n'; MOST_BYTES + 1];
        assert_eq!(SealKeys::parse(&too_large), Err(SealKeysRefused::TooLarge));
    }

    #[test]
    fn a_server_name_can_name_a_folder_and_nothing_else() {
        for good in ["mx1", "MX-1.example_org", "1", &"a".repeat(63)] {
            assert_eq!(good.parse::<ServerName>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            ".",
            "..",
            "-x",
            "a b",
            "a/b",
            "ä",
            "a\n",
            &"a".repeat(64),
        ] {
            assert!(bad.parse::<ServerName>().is_err(), "{bad}");
        }
    }
}
