//! A text that holds the words of one sheet: typed into a file, copied from a PDF, or read by a text recogniser.

use thiserror::Error;

use super::list;
use super::row::{Row, RowLetter, RowRefused, WORDS_IN_A_ROW};
use super::{ROWS, Rows};

/// More than any sheet's words; longer input is not looked at.
const MOST_BYTES: usize = 16_384;
/// So many words of the list, or rows led by a letter, make a text one of words.
const ENOUGH_TO_TELL: usize = 4;

/// Whether a text is meant as the words of a share, whole or not, right or wrong: some of its words are on the list, or lines begin with a row's letter and hold a row's words.
#[must_use]
pub fn is_meant_as_words(text: &str) -> bool {
    if text.len() > MOST_BYTES {
        return false;
    }
    let listed = text
        .split_whitespace()
        .filter(|word| list::number_of(word).is_some());
    listed.count() >= ENOUGH_TO_TELL || lettered_lines(text).count() >= ENOUGH_TO_TELL
}

/// Reads the rows of one share, some or all: led by their letters, in any order and any number to the line, or all words in the order of the sheet without letters.
///
/// Where there are letters, lines that do not begin with one are captions. A letter may be followed by a colon, a full stop or a bracket. A word may be `?` once a row.
///
/// # Errors
/// Names every row that is wrong, and the word's place in it; never a word.
pub fn rows_in(text: &str) -> Result<Rows, NotRowsOfAShare> {
    if text.len() > MOST_BYTES {
        return Err(NotRowsOfAShare::TooLong);
    }
    let written = if lettered_lines(text).next().is_some() {
        lettered_rows(text)
    } else {
        rows_in_order(text)?
    };
    let mut rows = Rows::new();
    let mut refused = Vec::new();
    for (letter, words) in &written {
        match Row::read(*letter, words) {
            Ok(row) => {
                if rows.insert(row).is_some() {
                    return Err(NotRowsOfAShare::RowTwice { letter: *letter });
                }
            }
            Err(error) => refused.push(error),
        }
    }
    if refused.is_empty() {
        return Ok(rows);
    }
    Err(all_refused(refused))
}

/// Lines that begin with a row's letter and go on.
fn lettered_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| {
        let mut tokens = line.split_whitespace();
        tokens.next().and_then(letter).is_some() && tokens.next().is_some()
    })
}

/// The letter of a row, alone or with a mark behind it.
fn letter(token: &str) -> Option<RowLetter> {
    let mut chars = token.trim_end_matches([':', '.', ')']).chars();
    let letter = RowLetter::from_char(chars.next()?)?;
    chars.next().is_none().then_some(letter)
}

type WrittenRow<'a> = (RowLetter, Vec<&'a str>);

/// Two columns of rows come out of a PDF as lines with two letters.
fn lettered_rows(text: &str) -> Vec<WrittenRow<'_>> {
    let mut rows: Vec<WrittenRow<'_>> = Vec::new();
    for token in lettered_lines(text).flat_map(str::split_whitespace) {
        match (letter(token), rows.last_mut()) {
            (Some(letter), _) => rows.push((letter, Vec::new())),
            (None, Some((_, words))) => words.push(word(token)),
            (None, None) => {}
        }
    }
    rows
}

fn rows_in_order(text: &str) -> Result<Vec<WrittenRow<'_>>, NotRowsOfAShare> {
    let words: Vec<&str> = text.split_whitespace().map(word).collect();
    if words.len() != ROWS * WORDS_IN_A_ROW {
        return Err(NotRowsOfAShare::WrongCount { found: words.len() });
    }
    let rows = words.chunks(WORDS_IN_A_ROW).map(<[&str]>::to_vec);
    Ok(RowLetter::all().zip(rows).collect())
}

/// Punctuation around a word says nothing.
fn word(token: &str) -> &str {
    token.trim_matches([',', ';', '.', ':'])
}

/// Where most rows hold words that are on no list of ours, the words are not ours at all.
fn all_refused(rows: Vec<RowRefused>) -> NotRowsOfAShare {
    let unknown = rows.iter().filter(|row| {
        matches!(
            row,
            RowRefused::UnknownWord { .. } | RowRefused::TooShort { .. }
        )
    });
    if unknown.count() * 2 > ROWS {
        NotRowsOfAShare::OtherList
    } else {
        NotRowsOfAShare::Rows { rows }
    }
}

/// Text that does not hold the words of a share.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotRowsOfAShare {
    /// Far more than a sheet's words.
    #[error("not the words of a share: the text is too long")]
    TooLong,
    /// Without letters, all words must be there.
    #[error(
        "{found} words without row letters, a sheet has 55; put each row's letter before its words, and ? for a word that cannot be read"
    )]
    WrongCount {
        /// How many words there are.
        found: usize,
    },
    /// Two rows with one letter.
    #[error("row {letter} is there twice; one text holds the words of one sheet")]
    RowTwice {
        /// The letter.
        letter: RowLetter,
    },
    /// Words of something else.
    #[error("words of another list or language: they are not the words of a share")]
    OtherList,
    /// Rows with mistakes, all of them.
    #[error("{}", one_after_the_other(rows))]
    Rows {
        /// The rows, in the order of the text.
        rows: Vec<RowRefused>,
    },
}

fn one_after_the_other(rows: &[RowRefused]) -> String {
    let texts: Vec<_> = rows.iter().map(RowRefused::to_string).collect();
    texts.join("; ")
}
