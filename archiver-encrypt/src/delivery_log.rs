//! What a delivery leaves in the system's log: one line, and one more for each thing that somebody should look after.
//!
//! A line holds the record's number, its log, its leaf, and how long mail and work were. The leaf is the record's own SHA-256: it stands in the vault as well,
//! binds the record and all before it, and so a log kept elsewhere bears witness for the vault. No digest of the mail itself: with one, whoever
//! reads the log could try out what a mail said (decision 0015). Nothing of a mail's contents or addresses, but for its Message-ID where `--log-message-id` asks.

use std::time::{Duration, Instant};

use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::Place;

use crate::reply::Notice;
use crate::seen_mail::MailFacts;
use crate::syslog::{Level, Syslog};

/// The log of one delivery.
#[derive(Debug)]
pub(crate) struct DeliveryLog {
    syslog: Syslog,
    begun: Instant,
}

impl DeliveryLog {
    pub(crate) fn begin(syslog: Syslog) -> Self {
        Self {
            syslog,
            begun: Instant::now(),
        }
    }

    /// The mail is archived; without a header it was handed to standard output.
    pub(crate) fn archived(&self, record: Option<&Header>, mail: &MailFacts) {
        let facts = facts(mail, self.begun.elapsed());
        self.syslog.say(
            Level::Info,
            &match record {
                Some(Header {
                    place: Place { seq, log, .. },
                    leaf,
                    ..
                }) => {
                    format!("archived seq={seq} log={log} leaf={leaf} {facts}")
                }
                None => format!("written to standard output {facts}"),
            },
        );
    }

    /// The mail is not archived.
    pub(crate) fn refused(&self, problem: &str, mail: &MailFacts) {
        let facts = facts(mail, self.begun.elapsed());
        self.syslog
            .say(Level::Error, &format!("not archived {facts}: {problem}"));
    }

    /// What somebody should look after.
    pub(crate) fn warn(&self, notices: &[Notice], is_archived: bool) {
        for notice in notices {
            let told = notice.told(is_archived);
            self.syslog.say(Level::Warning, &format!("warning: {told}"));
        }
    }
}

fn facts(mail: &MailFacts, took: Duration) -> String {
    let message_id = mail.message_id.as_deref();
    let message_id = message_id.map(|id| format!(" message-id={id}"));
    let (bytes, ms) = (mail.bytes, took.as_millis());
    format!("bytes={bytes} ms={ms}{}", message_id.unwrap_or_default())
}
