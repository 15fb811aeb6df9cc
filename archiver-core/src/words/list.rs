//! The list of 1024 words: English, from SLIP-39 (MIT, Satoshi Labs). No two words are alike in their first four letters.

use std::sync::LazyLock;

use zeroize::Zeroizing;

/// One word a line, in alphabetical order; the line's number, from 0, is the word's number.
const TEXT: &str = include_str!("slip39-english.txt");

static LIST: LazyLock<Vec<&'static str>> = LazyLock::new(|| TEXT.lines().collect());

/// So many letters are enough to tell a word.
pub(super) const ENOUGH_LETTERS: usize = 4;
/// More letters than any word has.
pub(super) const MOST_LETTERS: usize = 16;

/// The word with a number. Numbers have 10 bits; their higher bits are ignored.
pub(super) fn word(number: u16) -> &'static str {
    LIST.get(usize::from(number & 1023))
        .copied()
        .unwrap_or_default()
}

/// The number of the word that `typed` is or begins, in upper or lower case, with at least four letters.
pub(super) fn number_of(typed: &str) -> Option<u16> {
    if typed.len() < ENOUGH_LETTERS {
        return None;
    }
    let begins = |word: &str| {
        let start = word.as_bytes().get(..typed.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(typed.as_bytes()))
    };
    let place = LIST.iter().position(|word| begins(word))?;
    u16::try_from(place).ok()
}

/// The whole word that `typed` is or begins; `None` when it is not on the list or has fewer than four letters.
#[must_use]
pub fn complete(typed: &str) -> Option<&'static str> {
    number_of(typed).map(word)
}

/// The words that `typed` may be meant as: one letter wrong, missing, too many, or two changed for each other. To be shown to the person, never taken silently.
#[must_use]
pub fn alike(typed: &str) -> Vec<&'static str> {
    let typed = Zeroizing::new(typed.to_lowercase());
    let near = |word: &&&str| {
        typed.len() <= MOST_LETTERS && strsim::damerau_levenshtein(&typed, word) <= 1
    };
    LIST.iter().filter(near).copied().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::HashSet;

    use data_encoding::HEXLOWER;
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_list_is_the_one_that_the_format_names() {
        assert_eq!(
            HEXLOWER.encode(&Sha256::digest(TEXT)),
            "bcc4555340332d169718aed8bf31dd9d5248cb7da6e5d355140ef4f1e601eec3"
        );
        assert_eq!(LIST.len(), 1024);
        assert!(LIST.iter().all(|word| (4..=8).contains(&word.len())));
        let starts: HashSet<_> = LIST.iter().map(|word| &word[..ENOUGH_LETTERS]).collect();
        assert_eq!(starts.len(), 1024);
    }

    #[test]
    fn every_word_is_found_by_each_of_its_beginnings_of_four_letters_and_more() {
        for (number, word) in LIST.iter().enumerate() {
            for letters in ENOUGH_LETTERS..=word.len() {
                let typed = &word[..letters];
                assert_eq!(usize::from(number_of(typed).unwrap()), number);
                assert_eq!(number_of(&typed.to_uppercase()), number_of(typed));
            }
            assert_eq!(number_of(&word[..3]), None);
            assert_eq!(number_of(&format!("{word}x")), None);
        }
    }

    #[test]
    fn a_slip_of_one_letter_leads_to_the_word_that_was_meant() {
        for typed in ["acdemic", "academi", "aacdemic", "academicc", "ACADEMYC"] {
            assert_eq!(alike(typed), ["academic"], "{typed}");
            assert_eq!(complete(typed).is_some(), typed == "academi");
        }
        assert_eq!(alike("xylophone"), [""; 0]);
    }

    #[test]
    fn what_is_no_beginning_of_a_word_is_not_found() {
        for typed in ["", "????", "zzzz", "acadx", "straße", "äöüß", "acad emic"] {
            assert_eq!(number_of(typed), None, "{typed}");
        }
    }
}
