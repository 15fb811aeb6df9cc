//! One row: its letter, four words that carry five bytes of the frame, and the check word (`docs/format.md` §4.2).

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::ROWS;
use super::gf1024::Element;
use super::list;
use crate::secret::{SecretBytes, SecretText};

/// Words of a row that carry bytes.
const CARRYING: usize = 4;
/// All words of a row, the check word included.
pub const WORDS_IN_A_ROW: usize = CARRYING + 1;
pub(super) const BYTES_IN_A_ROW: usize = 5;

const BITS: usize = 10;
/// The version whose rows this program reads and writes; it stands in the check word's constants.
const VERSION: u32 = 1;
const WEIGHTS: [Element; CARRYING] = [
    Element::alpha(1),
    Element::alpha(2),
    Element::alpha(3),
    Element::alpha(4),
];
/// α¹⁰²³ = 1.
const INVERSE_WEIGHTS: [Element; CARRYING] = [
    Element::alpha(1022),
    Element::alpha(1021),
    Element::alpha(1020),
    Element::alpha(1019),
];

/// The letter of a row, A to K.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowLetter(u8);

impl RowLetter {
    /// All letters, in the order of the sheet.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..).take(ROWS).map(Self)
    }

    /// The row with this letter, in upper or lower case.
    #[must_use]
    pub fn from_char(letter: char) -> Option<Self> {
        Self::all().find(|row| row.as_char() == letter.to_ascii_uppercase())
    }

    /// The letter, in upper case.
    #[must_use]
    pub fn as_char(self) -> char {
        char::from(b'A' + self.0)
    }

    /// The row's place on the sheet, from 0.
    #[must_use]
    pub fn place(self) -> usize {
        usize::from(self.0)
    }

    /// What is added to the weighted sum: different for every row and version.
    fn constant(self) -> Element {
        Element::alpha(32 * VERSION + u32::from(self.0))
    }
}

impl fmt::Display for RowLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

/// A row whose check word fits, or in which one word was restored. A secret.
pub struct Row {
    letter: RowLetter,
    /// Word numbers, the check word last.
    numbers: Zeroizing<[u16; WORDS_IN_A_ROW]>,
    restored: Option<usize>,
}

impl Row {
    /// The row that carries these five bytes.
    pub(super) fn carrying(letter: RowLetter, bytes: &[u8]) -> Self {
        let mut row = Self {
            letter,
            numbers: Zeroizing::new([0; WORDS_IN_A_ROW]),
            restored: None,
        };
        let bits = bytes
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for (place, number) in row.numbers.iter_mut().take(CARRYING).enumerate() {
            *number = (bits >> (BITS * (CARRYING - 1 - place)) & 1023) as u16;
        }
        row.numbers[CARRYING] = row.expected_check(letter).number();
        row
    }

    /// Reads a row's five words, without its letter. Four letters of a word are enough; one word may be `?`, unreadable.
    ///
    /// # Errors
    /// Names the row and the place of the word, never the word.
    pub fn read(letter: RowLetter, words: &[&str]) -> Result<Self, RowRefused> {
        let Ok(words) = <[&str; WORDS_IN_A_ROW]>::try_from(words) else {
            return Err(RowRefused::WrongCount {
                letter,
                found: words.len(),
            });
        };
        let mut row = Self {
            letter,
            numbers: Zeroizing::new([0; WORDS_IN_A_ROW]),
            restored: None,
        };
        for (place, word) in words.into_iter().enumerate() {
            if !is_unreadable(word) {
                row.numbers[place] = read_word(letter, place, word)?;
            } else if row.restored.replace(place).is_some() {
                return Err(RowRefused::TwoUnreadable { letter });
            }
        }
        row.checked()
    }

    /// Which row it is.
    #[must_use]
    pub fn letter(&self) -> RowLetter {
        self.letter
    }

    /// The place, from 1, of the word that was unreadable and follows from the others. Such a row is unverified until the whole share's check fits.
    #[must_use]
    pub fn restored(&self) -> Option<usize> {
        self.restored.map(|place| place + 1)
    }

    /// The five words in full, separated by blanks: what stands on the sheet. A secret.
    #[must_use]
    pub fn expose_words(&self) -> SecretText {
        let mut text = String::with_capacity(WORDS_IN_A_ROW * list::MOST_LETTERS);
        for (place, number) in self.numbers.iter().enumerate() {
            if place > 0 {
                text.push(' ');
            }
            text.push_str(list::word(*number));
        }
        SecretText::new(text)
    }

    /// The five bytes that the row carries.
    pub(super) fn bytes(&self) -> SecretBytes<BYTES_IN_A_ROW> {
        let carrying = self.numbers.iter().take(CARRYING);
        let bits = carrying.fold(0_u64, |bits, number| bits << BITS | u64::from(*number));
        let [_, _, _, bytes @ ..] = bits.to_be_bytes();
        SecretBytes::filled_by(|to| *to = bytes)
    }

    /// Restores the unreadable word, or demands that the check word fits.
    fn checked(mut self) -> Result<Self, RowRefused> {
        let difference = self.difference(self.letter);
        match self.restored {
            Some(CARRYING) => self.numbers[CARRYING] = difference.number(),
            // The word counts as zero in the sum, so what is missing is the word times its weight.
            Some(place) => self.numbers[place] = difference.times(INVERSE_WEIGHTS[place]).number(),
            None if difference != Element::new(0) => {
                return Err(RowRefused::CheckFails {
                    letter: self.letter,
                    fits: RowLetter::all().find(|other| self.difference(*other) == Element::new(0)),
                });
            }
            None => {}
        }
        Ok(self)
    }

    /// The check word that the carrying words ask for under `letter`.
    fn expected_check(&self, letter: RowLetter) -> Element {
        self.numbers
            .iter()
            .zip(WEIGHTS)
            .fold(letter.constant(), |sum, (number, weight)| {
                sum.plus(Element::new(*number).times(weight))
            })
    }

    /// Zero where the check word fits under `letter`.
    fn difference(&self, letter: RowLetter) -> Element {
        self.expected_check(letter)
            .plus(Element::new(self.numbers[CARRYING]))
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({}, <redacted>)", self.letter)
    }
}

/// What a person writes for a word that cannot be read: `?`, as often as they like.
fn is_unreadable(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte == b'?')
}

fn read_word(letter: RowLetter, place: usize, word: &str) -> Result<u16, RowRefused> {
    let place = place + 1;
    if word.chars().count() < list::ENOUGH_LETTERS {
        return Err(RowRefused::TooShort { letter, place });
    }
    list::number_of(word).ok_or(RowRefused::UnknownWord { letter, place })
}

/// Why a row is not taken. Never says what a word is.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RowRefused {
    /// Words are missing or too many.
    #[error(
        "row {letter}: 5 words are needed, {found} found; write ? for a word that cannot be read"
    )]
    WrongCount {
        /// The row.
        letter: RowLetter,
        /// How many words there are.
        found: usize,
    },
    /// Fewer than four letters.
    #[error("row {letter}, word {place}: give at least its first four letters")]
    TooShort {
        /// The row.
        letter: RowLetter,
        /// The word's place, from 1.
        place: usize,
    },
    /// Not on the list.
    #[error("row {letter}, word {place}: it is not a word of the list")]
    UnknownWord {
        /// The row.
        letter: RowLetter,
        /// The word's place, from 1.
        place: usize,
    },
    /// More than one `?`.
    #[error("row {letter}: only one of its words can be restored, and more are unreadable")]
    TwoUnreadable {
        /// The row.
        letter: RowLetter,
    },
    /// The check word does not fit.
    #[error("row {letter}: one of its words is wrong, its check word does not fit{}", would_fit(*fits))]
    CheckFails {
        /// The row.
        letter: RowLetter,
        /// The row as which the words would be right: one of two letters is probably wrong.
        fits: Option<RowLetter>,
    },
}

impl RowRefused {
    /// The row.
    #[must_use]
    pub fn letter(&self) -> RowLetter {
        match *self {
            Self::WrongCount { letter, .. }
            | Self::TooShort { letter, .. }
            | Self::UnknownWord { letter, .. }
            | Self::TwoUnreadable { letter }
            | Self::CheckFails { letter, .. } => letter,
        }
    }
}

fn would_fit(row: Option<RowLetter>) -> String {
    row.map_or_else(String::new, |row| format!(" (it would fit as row {row})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::assert_not_impl;

    assert_not_impl!(Row: Clone, PartialEq, fmt::Display, serde::Serialize);
    assert_not_impl!(super::super::Rows: Clone, PartialEq, fmt::Display, serde::Serialize);

    #[test]
    fn letters_are_read_in_either_case_and_only_those_of_rows() {
        let all: String = RowLetter::all().map(RowLetter::as_char).collect();
        assert_eq!(all, "ABCDEFGHIJK");
        for letter in RowLetter::all() {
            assert_eq!(
                RowLetter::from_char(letter.as_char().to_ascii_lowercase()),
                Some(letter)
            );
        }
        assert!(
            ['L', 'l', '1', '?', 'ä']
                .into_iter()
                .all(|other| RowLetter::from_char(other).is_none())
        );
    }

    #[test]
    fn debug_output_never_shows_the_words() {
        let row = Row::carrying(RowLetter(2), b"bytes");
        assert_eq!(format!("{row:?}"), "Row(C, <redacted>)");
    }
}
