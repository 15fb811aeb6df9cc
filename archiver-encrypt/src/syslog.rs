//! One message to the system's log, as syslog(3) sends it: a datagram to `/dev/log`, which syslogd, rsyslog and journald all take (RFC 3164
//! in the local form, facility mail).
//!
//! Refused: to wait and to fail. The log is for people; whether a mail is archived must never depend on it. Where nobody listens, or the listener does
//! not keep up, the message is lost. It has no time of its own: the collector's time of arrival is the same second.

use std::convert::Infallible;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::str::FromStr;

/// Facility "mail system" (RFC 3164 §4.1.1), in its place above the level.
const FACILITY_MAIL: u8 = 2 << 3;

/// Longer ones are cut off. A path and the reason of a failure find room.
const LONGEST: usize = 2048;

/// How much a message matters (RFC 3164 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error = 3,
    Warning = 4,
    Info = 6,
}

/// Where the system's log listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Syslog {
    Off,
    Socket(PathBuf),
}

impl Default for Syslog {
    fn default() -> Self {
        Self::Socket("/dev/log".into())
    }
}

impl FromStr for Syslog {
    type Err = Infallible;

    /// `off`, or a socket's path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "off" => Self::Off,
            path => Self::Socket(path.into()),
        })
    }
}

impl Syslog {
    /// Sends one line, without control characters.
    pub(crate) fn say(&self, level: Level, text: &str) {
        let Self::Socket(path) = self else {
            return;
        };
        let message = message(level, text);
        let send = || -> io::Result<usize> {
            let datagram = UnixDatagram::unbound()?;
            datagram.set_nonblocking(true)?;
            datagram.send_to(message.as_bytes(), path)
        };
        let _ = send();
    }
}

fn message(level: Level, text: &str) -> String {
    let priority = FACILITY_MAIL | level as u8;
    let process = std::process::id();
    let line = text.replace(char::is_control, " ");
    let mut message = format!("<{priority}>archiver-encrypt[{process}]: {line}");
    message.truncate(message.floor_char_boundary(LONGEST));
    message
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_message_is_one_bounded_line_of_facility_mail() {
        let process = std::process::id();
        let text = message(Level::Info, "one\n<3>two\u{7}");
        assert_eq!(
            text,
            format!("<22>archiver-encrypt[{process}]: one <3>two ")
        );
        assert!(message(Level::Error, "x").starts_with("<19>"));
        assert!(message(Level::Warning, "x").starts_with("<20>"));
        let long = message(Level::Info, &"ä".repeat(5000));
        assert!(long.len() <= LONGEST && long.ends_with('ä'));
    }

    #[test]
    fn a_collector_gets_the_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let collector = UnixDatagram::bind(&path).unwrap();
        Syslog::Socket(path).say(Level::Info, "archived");
        let mut got = [0; 100];
        let length = collector.recv(&mut got).unwrap();
        assert!(got[..length].ends_with(b"]: archived"));
    }

    #[test]
    fn nobody_and_a_collector_that_does_not_keep_up_cost_no_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Syslog::Socket(path.clone());
        let begun = Instant::now();
        log.say(Level::Info, "nobody is there");
        let collector = UnixDatagram::bind(&path).unwrap();
        for _ in 0..5000 {
            log.say(Level::Info, "nobody reads");
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
        drop(collector);
        log.say(Level::Info, "nobody is there any more");
        Syslog::Off.say(Level::Info, "nobody is asked");
    }
}
