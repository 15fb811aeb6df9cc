//! The words of a share: what is typed when no reader reads the sheet's code any more (`docs/format.md` §4.2).
//!
//! Eleven lettered rows of five words carry a frame. Every row is checked by itself, so that a wrong word is noticed while it is being typed.
//! Nothing is corrected here silently: a restored word is marked, and errors name places, never words.

mod gf1024;
mod list;
mod row;
mod text;

use std::fmt;

use thiserror::Error;

use crate::frame::{self, FrameError};
use crate::secret::SecretBytes;
use crate::share::Share;

pub use list::{alike, complete};
pub use row::{Row, RowLetter, RowRefused, WORDS_IN_A_ROW};
pub use text::{NotRowsOfAShare, is_meant_as_words, rows_in};

use row::BYTES_IN_A_ROW;

/// Rows of a `classic` share: five bytes of the frame each, all but the version.
pub const ROWS: usize = (frame::LENGTH - VERSION_BYTES) / BYTES_IN_A_ROW;

/// The version is not written in words: it stands in the check words' constants.
const VERSION_BYTES: usize = 1;

/// The rows of a share, in the order of their letters.
#[must_use]
pub fn to_rows(share: &Share) -> Vec<Row> {
    let frame = frame::encode(share);
    let (_, written) = frame.expose_bytes().split_at(VERSION_BYTES);
    let (fives, _) = written.as_chunks::<BYTES_IN_A_ROW>();
    RowLetter::all()
        .zip(fives)
        .map(|(letter, bytes)| Row::carrying(letter, bytes))
        .collect()
}

/// The rows of one sheet while they come in, in any order.
#[derive(Default)]
pub struct Rows([Option<Row>; ROWS]);

impl Rows {
    /// No rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a row, and gives back the one that had the same letter.
    pub fn insert(&mut self, row: Row) -> Option<Row> {
        self.0
            .get_mut(row.letter().place())
            .and_then(|place| place.replace(row))
    }

    /// The rows that are still missing, in the order of the sheet.
    #[must_use]
    pub fn missing(&self) -> Vec<RowLetter> {
        RowLetter::all()
            .zip(&self.0)
            .filter(|(_, row)| row.is_none())
            .map(|(letter, _)| letter)
            .collect()
    }

    /// The share that the rows carry.
    ///
    /// # Errors
    /// When rows are missing, or all are there and the frame's check does not fit: then the words of some row are wrong though they fit their check word,
    /// or a restored row had another wrong word.
    pub fn share(&self) -> Result<Share, RowsRefused> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(RowsRefused::Missing { rows: missing });
        }
        frame::decode(&self.frame()).map_err(|error| match error {
            FrameError::Changed => RowsRefused::Changed {
                restored: self.restored().map(|(letter, _)| letter).collect(),
            },
            error => RowsRefused::Frame(error),
        })
    }

    /// The rows in which a word was restored, and the word's place, from 1.
    pub fn restored(&self) -> impl Iterator<Item = (RowLetter, usize)> {
        let rows = self.0.iter().flatten();
        rows.filter_map(|row| Some((row.letter(), row.restored()?)))
    }

    fn frame(&self) -> SecretBytes<{ frame::LENGTH }> {
        SecretBytes::filled_by(|frame| {
            let (version, written) = frame.split_at_mut(VERSION_BYTES);
            version.fill(frame::VERSION);
            let (fives, _) = written.as_chunks_mut::<BYTES_IN_A_ROW>();
            for (five, row) in fives.iter_mut().zip(self.0.iter().flatten()) {
                *five = *row.bytes().expose_bytes();
            }
        })
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({} missing, <redacted>)", self.missing().len())
    }
}

/// Why rows that each fit give no share.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RowsRefused {
    /// Not all rows are there.
    #[error("incomplete: {} missing", rows_named(rows))]
    Missing {
        /// The missing rows.
        rows: Vec<RowLetter>,
    },
    /// The frame's check does not fit.
    #[error("misread: each row fits, the whole does not; {}", suspects(restored))]
    Changed {
        /// The rows in which a word was restored: the first ones to look at.
        restored: Vec<RowLetter>,
    },
    /// The frame is whole and not usable.
    #[error(transparent)]
    Frame(FrameError),
}

/// `row C`, or `rows C, F and K`.
fn rows_named(rows: &[RowLetter]) -> String {
    let letters: Vec<_> = rows.iter().map(RowLetter::to_string).collect();
    match letters.split_last() {
        None => String::new(),
        Some((only, [])) => format!("row {only}"),
        Some((last, others)) => format!("rows {} and {last}", others.join(", ")),
    }
}

fn suspects(restored: &[RowLetter]) -> String {
    if restored.is_empty() {
        return "two words of one row are wrong: compare all of them".to_owned();
    }
    format!(
        "compare {} first, where an unreadable word was restored",
        rows_named(restored)
    )
}
