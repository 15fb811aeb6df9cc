//! The mail on its way to the encryption, and what of it may stand in the log: its length, and its Message-ID where the administrator asked
//! for that. Nothing else of a mail's contents is ever kept here.

use std::io::{self, Read};

/// Where a Message-ID is looked for: Postfix takes headers of at most 100 KiB by default.
const LONGEST_HEADER: usize = 100 * 1024;

/// Longer ones are cut off; a mail's lines have at most 998 characters (RFC 5322 §2.1.1), and usual Message-IDs far fewer.
const LONGEST_MESSAGE_ID: usize = 250;

/// What of a mail may be told.
#[derive(Debug, Default)]
pub(crate) struct MailFacts {
    /// Its length, as far as it was read.
    pub(crate) bytes: u64,
    /// One word of printable ASCII, when it is wanted and the mail has one.
    pub(crate) message_id: Option<String>,
}

/// A mail that notes what passes.
#[derive(Debug)]
pub(crate) struct SeenMail<R> {
    mail: R,
    bytes: u64,
    /// The beginning, when the Message-ID is wanted.
    beginning: Option<Vec<u8>>,
}

impl<R: Read> SeenMail<R> {
    pub(crate) fn new(mail: R, wants_message_id: bool) -> Self {
        Self {
            mail,
            bytes: 0,
            beginning: wants_message_id.then(Vec::new),
        }
    }

    /// What is known of the mail so far.
    pub(crate) fn facts(&self) -> MailFacts {
        let beginning = self.beginning.as_deref();
        MailFacts {
            bytes: self.bytes,
            message_id: beginning.and_then(message_id_field).map(one_word),
        }
    }
}

impl<R: Read> Read for SeenMail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.mail.read(buffer)?;
        self.bytes += length as u64;
        if let Some(beginning) = &mut self.beginning {
            let room = LONGEST_HEADER - beginning.len();
            let passed = buffer.get(..length.min(room)).unwrap_or_default();
            beginning.extend_from_slice(passed);
        }
        Ok(length)
    }
}

/// Printable ASCII without blanks, `?` for what is not: nobody forges a line of the log, or a field in it, by a mail.
fn one_word(value: &[u8]) -> String {
    let word = value.iter().take(LONGEST_MESSAGE_ID);
    let printable = word.map(|byte| match byte {
        0x21..=0x7e => char::from(*byte),
        _ => '?',
    });
    printable.collect()
}

/// The value of the first Message-ID field (RFC 5322 §3.6.4), which may stand on the field's next line (§2.2.3).
fn message_id_field(mail: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"message-id:";
    let mut lines = mail
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let mut header = lines.by_ref().take_while(|line| !line.is_empty());
    let field = header.find(|line| {
        let name = line.get(..NAME.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(NAME))
    })?;
    let value = field.get(NAME.len()..)?.trim_ascii();
    if !value.is_empty() {
        return Some(value);
    }
    let folded = lines.next()?;
    let is_folded = folded.starts_with(b" ") || folded.starts_with(b"\t");
    is_folded
        .then(|| folded.trim_ascii())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn seen(mail: &[u8], wants_message_id: bool) -> SeenMail<&[u8]> {
        let mut seen = SeenMail::new(mail, wants_message_id);
        let mut passed = Vec::new();
        seen.read_to_end(&mut passed).unwrap();
        assert_eq!(passed, mail, "the mail passes unchanged");
        seen
    }

    fn message_id(mail: &[u8]) -> Option<String> {
        seen(mail, true).facts().message_id
    }

    #[test]
    fn the_message_id_is_found_however_its_field_is_written() {
        for mail in [
            &b"From: a\nMessage-ID: <1@x>\n\nbody"[..],
            b"From: a\r\nMESSAGE-id:<1@x>  \r\n\r\nbody",
            b"Message-Id:\n <1@x>\nTo: b\n\nbody",
            b"From a@b Tue Nov 24 10:00:00 2026\nMessage-ID: <1@x>\nMessage-ID: <2@x>\n",
        ] {
            assert_eq!(message_id(mail).as_deref(), Some("<1@x>"));
        }
    }

    #[test]
    fn the_body_and_other_fields_have_no_message_id() {
        for mail in [
            &b""[..],
            b"Subject: x\n\nMessage-ID: <1@x>\n",
            b"In-Reply-To: <1@x>\n\n",
            b"Message-ID:\n\n <1@x>\n",
            b"Message-ID:\nTo: b\n\n",
            b"Message-ID",
        ] {
            assert_eq!(message_id(mail), None, "{}", String::from_utf8_lossy(mail));
        }
    }

    #[test]
    fn a_hostile_message_id_stays_one_bounded_word() {
        let hostile = b"Message-ID: <a\x1b[2J\x00> archived seq=7 \xff\r\n\r\n";
        let word = message_id(hostile).unwrap();
        assert_eq!(word, "<a?[2J?>?archived?seq=7??");
        let long = [b"Message-ID: ".to_vec(), vec![b'x'; 5000]].concat();
        assert_eq!(message_id(&long).unwrap().len(), LONGEST_MESSAGE_ID);
    }

    #[test]
    fn nothing_of_a_mail_is_kept_unless_that_is_asked_for_and_then_its_beginning_only() {
        let mail = [vec![b'x'; 300_000], b"\nMessage-ID: <1@x>\n".to_vec()].concat();
        let unasked = seen(&mail, false);
        let facts = unasked.facts();
        assert_eq!((facts.bytes, facts.message_id), (300_019, None));
        assert!(unasked.beginning.is_none());
        let asked = seen(&mail, true);
        assert_eq!(asked.facts().message_id, None);
        assert_eq!(asked.beginning.unwrap().len(), LONGEST_HEADER);
    }
}
