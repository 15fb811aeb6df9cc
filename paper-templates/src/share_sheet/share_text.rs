//! The text of a share as it is printed: what a QR code holds in alphanumeric mode, and rows of it.
//!
//! Refuses a text that is not a prefix, a colon and base32 in upper case. Never copied here, only pointed into.

use crate::{PaperError, field};

/// Characters in a row, and in a group of one.
const ROW: usize = 45;
const GROUP: usize = 5;
/// A text that needs more rows is refused.
const MOST_ROWS: usize = 4;

/// A checked text of a share.
pub(super) struct ShareText<'a> {
    whole: &'a str,
    prefix: &'a str,
    body: &'a str,
}

impl<'a> ShareText<'a> {
    pub(super) fn parse(whole: &'a str) -> Result<Self, PaperError> {
        let upper = |c: char| matches!(c, 'A'..='Z' | '0'..='9' | '-');
        let base32 = |c: char| matches!(c, 'A'..='Z' | '2'..='7');
        let malformed =
            || field::malformed("share text", "a prefix, a colon and base32, in upper case");
        let (prefix, body) = whole.split_once(':').ok_or_else(malformed)?;
        if prefix.is_empty()
            || body.is_empty()
            || !prefix.chars().all(upper)
            || !body.chars().all(base32)
        {
            return Err(malformed());
        }
        if body.len() > ROW * MOST_ROWS {
            return Err(field::too_long("share text"));
        }
        Ok(Self {
            whole,
            prefix,
            body,
        })
    }

    /// What the code holds.
    pub(super) fn expose_whole(&self) -> &'a str {
        self.whole
    }

    /// What stands before the colon; no secret.
    pub(super) fn prefix(&self) -> &'a str {
        self.prefix
    }

    /// What stands after the colon, in rows.
    pub(super) fn expose_rows(&self) -> impl Iterator<Item = &'a str> {
        let body = self.body;
        (0..body.len())
            .step_by(ROW)
            .filter_map(move |start| body.get(start..body.len().min(start + ROW)))
    }

    /// A row in groups with blanks between.
    pub(super) fn grouped(row: &str) -> String {
        field::grouped(row, GROUP)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn rows_joined_are_the_text_after_the_colon() {
        let whole = format!(
            "ARCHIVER-SHARE-1:{}",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".repeat(5).split_at(141).0
        );
        let text = ShareText::parse(&whole).unwrap();
        assert_eq!(text.prefix(), "ARCHIVER-SHARE-1");
        assert_eq!(text.expose_rows().count(), 4);
        let joined: String = text.expose_rows().collect();
        assert_eq!(
            Some(joined.as_str()),
            whole.strip_prefix("ARCHIVER-SHARE-1:")
        );
    }

    #[test]
    fn a_row_is_grouped_by_fives() {
        assert_eq!(ShareText::grouped("ABCDEFGHIJKL"), "ABCDE FGHIJ KL");
    }

    #[test]
    fn a_text_with_too_many_rows_is_refused() {
        let whole = |length| format!("X:{}", "A".repeat(length));
        assert!(ShareText::parse(&whole(180)).is_ok());
        let error = ShareText::parse(&whole(181)).err().unwrap();
        assert_eq!(
            error,
            PaperError::TooLong {
                field: "share text".to_owned()
            }
        );
    }
}
