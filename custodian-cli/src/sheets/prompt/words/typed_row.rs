//! A row of words as typed: its letter, if it has one, and the words; and the one word that would mend it.

use archiver_core::words::{Row, RowLetter, RowRefused, WORDS_IN_A_ROW, alike, complete};
use zeroize::Zeroizing;

/// A row as typed.
pub(super) struct TypedRow<'a> {
    pub(super) letter: Option<RowLetter>,
    pub(super) words: Vec<&'a str>,
}

/// A word on the list that is nearly what was typed, and with which the row fits.
pub(super) struct Correction {
    /// The word's place, from 1.
    pub(super) place: usize,
    pub(super) word: &'static str,
    pub(super) row: Row,
}

impl<'a> TypedRow<'a> {
    /// The rows of a line: each begins with its letter; what has none goes on for five words.
    pub(super) fn all_in(line: &'a str) -> Vec<Self> {
        let mut rows: Vec<Self> = Vec::new();
        for token in line.split_whitespace() {
            let token = token.trim_end_matches([':', '.', ')', ',', ';']);
            if let Some(letter) = letter_of(token) {
                rows.push(Self {
                    letter: Some(letter),
                    words: Vec::new(),
                });
                continue;
            }
            match rows.last_mut() {
                Some(row) if row.letter.is_some() || row.words.len() < WORDS_IN_A_ROW => {
                    row.words.push(token);
                }
                _ => rows.push(Self {
                    letter: None,
                    words: vec![token],
                }),
            }
        }
        rows
    }

    /// The words in full, where all are on the list.
    pub(super) fn completed(&self) -> Option<Zeroizing<String>> {
        let words: Option<Vec<&str>> = self.words.iter().map(|word| complete(word)).collect();
        words.map(|words| Zeroizing::new(words.join(" ")))
    }

    /// The correction of the word that `refused` names, when there is exactly one with which the row fits by its own check word.
    pub(super) fn correction(&self, letter: RowLetter, refused: &RowRefused) -> Option<Correction> {
        let &RowRefused::UnknownWord { place, .. } = refused else {
            return None;
        };
        let fits = |word: &'static str| {
            let mut words = self.words.clone();
            *words.get_mut(place - 1)? = word;
            let row = Row::read(letter, &words).ok()?;
            let checked = row.restored().is_none();
            checked.then_some(Correction { place, word, row })
        };
        let mut fitting = near(self.words.get(place - 1)?)
            .into_iter()
            .filter_map(fits);
        let correction = fitting.next()?;
        fitting.next().is_none().then_some(correction)
    }
}

/// The words that may be meant: one slip away, or alike in the four letters that are enough.
fn near(typed: &str) -> Vec<&'static str> {
    let mut words = alike(typed);
    let four = typed
        .char_indices()
        .nth(4)
        .map_or(typed, |(end, _)| &typed[..end]);
    words.extend(complete(four));
    words.sort_unstable();
    words.dedup();
    words
}

fn letter_of(token: &str) -> Option<RowLetter> {
    let mut characters = token.chars();
    let letter = RowLetter::from_char(characters.next()?)?;
    characters.next().is_none().then_some(letter)
}
