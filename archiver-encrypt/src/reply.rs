//! What the mail server sees: the exit code, the first bytes on stderr, and warnings after them.
//!
//! Postfix's pipe(8) reads the command's stdout and stderr together and takes an enhanced status code (RFC 3463) at their very
//! start over the exit code. So a failure begins with `4.3.0`, a temporary failure of the mail system, and nothing, no warning
//! either, is written before it. Nobody need listen: errors in writing are ignored.
//!
//! Success is silent unless `--confirm` asks for a line on stdout. An exit code alone proves little to a caller that starts programs
//! through a shell: a program file that is empty after a full disk or a power cut "runs" there, and exits 0.

use std::io::Write;
use std::panic::PanicHookInfo;

use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::openpgp::certificate::Validity;
use archiver_core::vault::leaf::Place;
use thiserror::Error;

use crate::syslog::{Level, Syslog};

/// The record is on stable storage.
pub(crate) const DELIVERED: u8 = 0;

/// `EX_TEMPFAIL` of sysexits.h: the mail server keeps the mail and tries again. Postfix bounces on every other
/// code but 0 and 71.
pub(crate) const TRY_AGAIN_LATER: u8 = 75;

/// What somebody should look after, though the mail is archived. The strings are paths.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Notice {
    #[error("certificate {0} is {1}")]
    NotInForce(String, Validity),
    #[error("certificate {0} may be written by its group; run: chmod g-w {0}")]
    WritableByGroup(String),
    #[error(
        "recipient file {0} is not believed: {1}; the certificate was verified instead; find out who wrote that file"
    )]
    RecipientFile(String, String),
    #[error(
        "certificate {0}: mails were encrypted to the key {1} until now, and are to the key {2} from now on; if nobody meant that, mail is being diverted: put the right certificate there, and give its fingerprint with --fingerprint"
    )]
    OtherKey(String, Fingerprint, Fingerprint),
    #[error(
        "vault {0}: its last line was cut off, by a crash or a full disk; the new record begins on a line of its own, and nothing was deleted"
    )]
    TornTail(String),
    #[error(
        "vault {0}: the clock says {1}, but the record before claims {2}, which the new record took over; check this machine's clock, and when it is right, the time of the records before"
    )]
    ClockBehind(String, UtcTime, UtcTime),
    #[error("seals: {0}")]
    Seals(String),
}

impl Notice {
    /// In words, for a mail that was archived or was not.
    pub(crate) fn told(&self, is_archived: bool) -> String {
        let casts_doubt = matches!(
            self,
            Self::NotInForce(..) | Self::ClockBehind(..) | Self::Seals(..)
        );
        if is_archived && casts_doubt {
            format!("{self}; the mail is archived all the same")
        } else {
            self.to_string()
        }
    }
}

/// Says that the record is on stable storage, and where it stands.
pub(crate) fn confirm(place: &Place, out: &mut impl Write) {
    say(
        out,
        &format!("archived seq={} log={}", place.seq, place.log),
    );
}

/// Says why the mail was not archived, and returns the exit code for it.
pub(crate) fn refuse(problem: &str, err: &mut impl Write) -> u8 {
    say(err, &format!("4.3.0 archiver-encrypt: {problem}"));
    TRY_AGAIN_LATER
}

/// Says what somebody should look after.
pub(crate) fn warn(notices: &[Notice], is_archived: bool, err: &mut impl Write) {
    for notice in notices {
        let told = notice.told(is_archived);
        say(err, &format!("archiver-encrypt: warning: {told}"));
    }
}

/// The panic hook: a fault of this program, told like every other failure, and in the system's log too: there is nobody left to do it.
pub(crate) fn say_panic(info: &PanicHookInfo<'_>, err: &mut impl Write, syslog: &Syslog) {
    let problem = format!("a fault in this program, please report it: {info}");
    syslog.say(Level::Error, &format!("not archived: {problem}"));
    refuse(&problem, err);
}

/// One line in one write, without control characters: paths and other programs' texts may have them.
fn say(stream: &mut impl Write, text: &str) {
    let mut line = text.replace(char::is_control, " ");
    line.push('\n');
    let _ = stream.write_all(line.as_bytes());
    let _ = stream.flush();
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_refusal_is_one_line_that_begins_with_a_temporary_status() {
        let mut err = Vec::new();
        assert_eq!(refuse("vault /a\nb\x1b[2J: full", &mut err), 75);
        let text = String::from_utf8(err).unwrap();
        assert_eq!(text, "4.3.0 archiver-encrypt: vault /a b [2J: full\n");
    }

    #[test]
    fn a_warning_does_not_begin_with_a_status() {
        let mut err = Vec::new();
        warn(&[Notice::WritableByGroup("/c".to_owned())], true, &mut err);
        assert!(err.starts_with(b"archiver-encrypt: warning: certificate /c "));
    }

    #[test]
    fn a_mail_that_was_refused_is_never_called_archived() {
        let notice = Notice::Seals("there is no seed".to_owned());
        assert_eq!(
            notice.told(true),
            "seals: there is no seed; the mail is archived all the same"
        );
        assert_eq!(notice.told(false), "seals: there is no seed");
    }

    #[test]
    fn nobody_need_listen() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        assert_eq!(refuse("anything", &mut Closed), TRY_AGAIN_LATER);
        warn(&[Notice::TornTail("/v".to_owned())], false, &mut Closed);
    }
}
