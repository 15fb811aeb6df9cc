//! The share in words, as it is printed: lettered rows of five words in two columns.
//!
//! Refuses rows that are not five lower-case words each. Never copied here, only pointed into.

use crate::{PaperError, field};

/// Words in a row.
pub(super) const WORDS: usize = 5;
/// The letters of the rows, in two columns; more rows are refused.
const LETTERS: [char; 12] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L'];
const LONGEST_WORD: usize = 8;

/// A row with its letter.
pub(super) type WordRow<'a> = (char, [&'a str; WORDS]);

/// The checked rows of a share.
pub(super) struct ShareWords<'a>(Vec<[&'a str; WORDS]>);

impl<'a> ShareWords<'a> {
    pub(super) fn parse(rows: &[&'a str]) -> Result<Self, PaperError> {
        const FIELD: &str = "share in words";
        if rows.len() > LETTERS.len() {
            return Err(field::too_long(FIELD));
        }
        let rows: Option<Vec<_>> = rows.iter().map(|row| words(row)).collect();
        match rows {
            Some(rows) if !rows.is_empty() => Ok(Self(rows)),
            _ => Err(field::malformed(FIELD, "rows of five lower-case words")),
        }
    }

    /// The rows with their letters, the left column and then the right one.
    pub(super) fn expose_columns(&self) -> [Vec<WordRow<'a>>; 2] {
        let mut left: Vec<_> = LETTERS.into_iter().zip(self.0.iter().copied()).collect();
        let right = left.split_off(left.len().div_ceil(2));
        [left, right]
    }
}

fn words(row: &str) -> Option<[&str; WORDS]> {
    let words: Vec<&str> = row.split(' ').collect();
    let ordinary = |word: &&str| {
        (1..=LONGEST_WORD).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase())
    };
    words
        .iter()
        .all(ordinary)
        .then(|| words.try_into().ok())
        .flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_odd_row_stands_in_the_left_column() {
        let words = ShareWords::parse(&["acid acne acid acne yoga"; 11]).unwrap();
        let [left, right] = words.expose_columns();
        let letters = |rows: &[WordRow<'_>]| rows.iter().map(|row| row.0).collect::<String>();
        assert_eq!(
            (letters(&left).as_str(), letters(&right).as_str()),
            ("ABCDEF", "GHIJK")
        );
    }

    #[test]
    fn rows_that_are_not_five_words_are_refused() {
        for row in [
            "",
            "acid acne acid acne",
            "acid acne acid acne yoga acid",
            "acid  acid acne yoga",
            "Acid acne acid acne yoga",
            "acid acne acid acne overlongword",
        ] {
            assert!(ShareWords::parse(&[row]).is_err(), "{row}");
        }
        assert!(ShareWords::parse(&[]).is_err());
        assert!(ShareWords::parse(&["acid acne acid acne yoga"; 13]).is_err());
    }
}
