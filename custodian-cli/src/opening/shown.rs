//! What a mail's own header fields may show: hostile text, made harmless, or nothing.
//!
//! Removed: control characters (C0, C1, ESC), characters that change the direction of text, characters without width. Bounded in
//! length. A mail that cannot be parsed shows nothing; that is no anomaly.

use std::panic;

use mail_parser::{Address, HeaderName, Message, MessageParser};

/// Of each field at most so many characters are shown.
const LONGEST: usize = 500;

/// The header fields of a mail that stand in the manifest.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct MailHeaders {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) date: String,
    pub(super) message_id: String,
}

/// Reads header fields off the start of mails.
#[derive(Debug)]
pub(super) struct HeaderReader(MessageParser);

impl HeaderReader {
    pub(super) fn new() -> Self {
        let parser = MessageParser::new()
            .header_address(HeaderName::From)
            .header_address(HeaderName::To)
            .header_text(HeaderName::Subject)
            .header_date(HeaderName::Date)
            .header_id(HeaderName::MessageId)
            .default_header_ignore();
        Self(parser)
    }

    /// Reads the fields off a mail's start, which may be cut off anywhere.
    pub(super) fn read(&self, start: &[u8]) -> MailHeaders {
        let parsed = panic::catch_unwind(|| self.0.parse_headers(start).map(|mail| fields(&mail)));
        parsed.ok().flatten().unwrap_or_default()
    }
}

fn fields(mail: &Message<'_>) -> MailHeaders {
    MailHeaders {
        from: mail.from().map(addresses).unwrap_or_default(),
        to: mail.to().map(addresses).unwrap_or_default(),
        subject: mail.subject().map(harmless).unwrap_or_default(),
        date: mail
            .date()
            .map(|d| harmless(&d.to_rfc3339()))
            .unwrap_or_default(),
        message_id: mail.message_id().map(harmless).unwrap_or_default(),
    }
}

fn addresses(addresses: &Address<'_>) -> String {
    let mut text = String::new();
    for address in addresses.iter() {
        if text.len() > 4 * LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        match (address.name(), address.address()) {
            (Some(name), Some(address)) => {
                text.push_str(name);
                text.push_str(" <");
                text.push_str(address);
                text.push('>');
            }
            (Some(only), None) | (None, Some(only)) => text.push_str(only),
            (None, None) => {}
        }
    }
    harmless(&text)
}

/// Text that can be shown on a terminal, on paper and in a table.
pub(super) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * LONGEST));
    let mut characters = 0;
    for c in text.trim().chars() {
        let c = if matches!(c, '\t' | '\r' | '\n' | '\u{2028}' | '\u{2029}') {
            ' '
        } else {
            c
        };
        if is_harmful(c) || (c == ' ' && shown.ends_with(' ')) {
            continue;
        }
        if characters == LONGEST {
            shown.push('…');
            break;
        }
        shown.push(c);
        characters += 1;
    }
    shown
}

fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A table cell that no spreadsheet takes for a formula.
pub(super) fn cell(text: &str) -> String {
    let formula = text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_header_fields_are_made_harmless() {
        let mail = "From: =?utf-8?Q?Eve=1B[31m?= <eve@example.org>\r\n\
            To: \"A\u{202e}B\" <a@example.org>, b@example.org\r\n\
            Subject: =cmd()\u{200b}\u{7}\r\n folded\r\n\
            Date: Tue, 24 Nov 2026 20:28:37 +0100\r\n\
            Message-ID: <1@example.org>\r\n\r\nbody";
        let headers = HeaderReader::new().read(mail.as_bytes());
        assert_eq!(headers.from, "Eve[31m <eve@example.org>");
        assert_eq!(headers.to, "AB <a@example.org>, b@example.org");
        assert_eq!(headers.subject, "=cmd() folded");
        assert_eq!(headers.date, "2026-11-24T20:28:37+01:00");
        assert_eq!(headers.message_id, "1@example.org");
        assert_eq!(cell(&headers.subject), "'=cmd() folded");
    }

    #[test]
    fn no_cell_starts_a_formula() {
        for text in ["=1", "+1", "-1", "@a", "\u{ff1d}1"] {
            assert!(cell(text).starts_with('\''), "{text}");
        }
        assert_eq!(cell("a=1"), "a=1");
    }

    #[test]
    fn fields_are_bounded_and_nonsense_shows_nothing() {
        let long = format!("Subject: {}\n\n", "x".repeat(100_000));
        let subject = HeaderReader::new().read(long.as_bytes()).subject;
        assert_eq!(subject.chars().count(), LONGEST + 1);
        for nonsense in [&b""[..], b"\0\0\0", b"\xff\xfe: \x80", b"no header at all"] {
            assert_eq!(HeaderReader::new().read(nonsense), MailHeaders::default());
        }
    }
}
