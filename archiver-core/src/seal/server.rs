//! The file `server` in a server's folder: for which archive and log it seals, and until when (docs/format.md §8.3). Public.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use thiserror::Error;

use super::day::Day;
use super::public_keys::{ServerKeys, ServerName};
use crate::identity::Fingerprint;
use crate::vault::leaf::LogId;

const TITLE: &str = "archiver server 1";

/// What a mail server knows of its own log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    archive: Fingerprint,
    subkey: Fingerprint,
    name: ServerName,
    log: LogId,
    first_day: Day,
    last_day: Day,
}

impl Server {
    /// The server of `keys`, sealing for the archive with this primary key and this encryption subkey.
    #[must_use]
    pub fn new(archive: Fingerprint, subkey: Fingerprint, keys: &ServerKeys) -> Self {
        let days = keys.days();
        Self {
            archive,
            subkey,
            name: keys.name().clone(),
            log: keys.log(),
            first_day: *days.start(),
            last_day: *days.end(),
        }
    }

    /// The archive's primary fingerprint.
    #[must_use]
    pub fn archive(&self) -> Fingerprint {
        self.archive
    }

    /// The fingerprint of the encryption subkey that records are encrypted to.
    #[must_use]
    pub fn subkey(&self) -> Fingerprint {
        self.subkey
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

    /// From the first day with a seal key to the last one.
    #[must_use]
    pub fn days(&self) -> RangeInclusive<Day> {
        self.first_day..=self.last_day
    }
}

impl fmt::Display for Server {
    /// The file's text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            archive,
            subkey,
            name,
            log,
            first_day,
            last_day,
        } = self;
        write!(
            f,
            "{TITLE}\narchive {archive}\nsubkey {subkey}\nname {name}\nlog {log}\nfirst-day {first_day}\nlast-day {last_day}\n"
        )
    }
}

/// A `server` file that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ServerRefused {
    /// Another kind of file, or a newer version.
    #[error(
        "does not begin with the line {TITLE:?}: it is another file, or of a newer version of the program"
    )]
    OtherFormat,
    /// A line is not what stands there.
    #[error("damaged: its line `{0} …` is missing or not valid")]
    Line(&'static str),
    /// Every line can be read, and still it is not the text that is written for this server.
    #[error("damaged: its lines are not written as this program writes them")]
    OtherText,
}

impl FromStr for Server {
    type Err = ServerRefused;

    /// Reads exactly the text that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, ServerRefused> {
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(ServerRefused::OtherFormat);
        }
        let server = Self {
            archive: value(lines.next(), "archive")?,
            subkey: value(lines.next(), "subkey")?,
            name: value(lines.next(), "name")?,
            log: value(lines.next(), "log")?,
            first_day: value(lines.next(), "first-day")?,
            last_day: value(lines.next(), "last-day")?,
        };
        let is_canonical = server.to_string() == text && server.first_day <= server.last_day;
        is_canonical
            .then_some(server)
            .ok_or(ServerRefused::OtherText)
    }
}

/// The value of a line `name value`.
fn value<T: FromStr>(line: Option<&str>, name: &'static str) -> Result<T, ServerRefused> {
    line.and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .and_then(|value| value.parse().ok())
        .ok_or(ServerRefused::Line(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::seal::keys::PublicKey;

    fn server() -> Server {
        let (name, first_day) = ("mx1".parse().unwrap(), "2026-11-24".parse().unwrap());
        let keys = vec![PublicKey([0; 32]); 8];
        let keys = ServerKeys::new(name, LogId([1; 16]), first_day, keys).unwrap();
        Server::new(
            Fingerprint::V4([0xab; 20]),
            Fingerprint::V4([0xcd; 20]),
            &keys,
        )
    }

    #[test]
    fn the_text_is_the_one_of_the_format_page_and_reads_back() {
        let expected = format!(
            "archiver server 1\narchive {}\nsubkey {}\nname mx1\nlog {}\nfirst-day 2026-11-24\nlast-day 2026-12-01\n",
            "AB".repeat(20),
            "CD".repeat(20),
            "01".repeat(16),
        );
        assert_eq!(server().to_string(), expected);
        assert_eq!(expected.parse(), Ok(server()));
    }

    #[test]
    fn departures_are_named() {
        let text = server().to_string();
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from));
            text.replacen(from, to, 1).parse::<Server>().unwrap_err()
        };
        assert_eq!(refused("server 1", "server 2"), ServerRefused::OtherFormat);
        assert_eq!(refused("subkey", "key"), ServerRefused::Line("subkey"));
        assert_eq!(refused("ABAB", "abab"), ServerRefused::OtherText);
        assert_eq!(
            refused("first-day 2026", "first-day 2027"),
            ServerRefused::OtherText
        );
        assert_eq!(refused("-01\n", "-01"), ServerRefused::OtherText);
        assert_eq!(refused("-01\n", "-01\nmore\n"), ServerRefused::OtherText);
        assert_eq!(
            refused("last-day 2026-12-01", ""),
            ServerRefused::Line("last-day")
        );
    }
}
