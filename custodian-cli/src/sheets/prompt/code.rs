//! The text under a sheet's code as it comes in: one line from a scanner, or several typed ones, until all 90 characters are there.
//!
//! A line with a wrong character, or with too many, is not taken; what came before stays.

use archiver_core::frame::{from_qr_text, is_meant_as_share};
use archiver_core::secret::SecretText;
use archiver_core::share::Share;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::operator::{NoTerminal, Operator};
use crate::sheets::verdict::SheetError;

const PREFIX: &str = "ARCHIVER-SHARE-1:";
/// Characters after the prefix.
const WHOLE: usize = 90;
/// With these a share frame of version 1 begins in base32: version 1, kind 1.
const FIRST_CHARACTERS: &str = "AEA";
/// Characters in a row on the sheet.
const ROW: usize = 30;

/// Whether a line is a share's text, or the beginning of one without its prefix.
pub(super) fn begins_code(line: &str) -> bool {
    is_meant_as_share(line)
        || Row::of(line).is_some_and(|row| {
            let first: String = row.characters().take(FIRST_CHARACTERS.len()).collect();
            first == FIRST_CHARACTERS && row.characters().all(is_base32)
        })
}

/// Takes lines until the text is whole; `None` when the person gives up with an empty line.
pub(super) fn enter(
    first: SecretText,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<Option<Result<Share, SheetError>>, NoTerminal> {
    let mut text = CodeText::new();
    let mut line = first;
    loop {
        let typed = line.expose_text().trim();
        if typed.is_empty() {
            return Ok(None);
        }
        if is_of_another_version(typed) {
            return Ok(Some(from_qr_text(typed).map_err(SheetError::from)));
        }
        match text.take(typed) {
            Ok(()) if text.is_whole() => return Ok(Some(text.share())),
            Ok(()) => {}
            Err(refused) => operator.reply(&format!("  {refused}; type this line again")),
        }
        let prompt = format!("{} of {WHOLE} characters, go on", text.have());
        line = operator.ask_scanner(&prompt, flag)?;
    }
}

fn is_of_another_version(line: &str) -> bool {
    is_meant_as_share(line) && line.contains(':') && without_prefix(line).is_none()
}

/// What follows the prefix in a line.
fn without_prefix(line: &str) -> Option<&str> {
    let (prefix, rest) = line.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

fn is_base32(character: char) -> bool {
    matches!(character, 'A'..='Z' | '2'..='7')
}

/// A typed line: perhaps the letter of the row on the sheet, then characters in groups.
struct Row<'a> {
    letter: Option<char>,
    groups: &'a str,
}

impl<'a> Row<'a> {
    /// `None` for an empty line. A letter that stands alone before groups is the row's.
    fn of(line: &'a str) -> Option<Self> {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let mut letters = first.trim_end_matches([':', '.', ')']).chars();
        let letter = letters.next()?.to_ascii_uppercase();
        let alone = letters.next().is_none() && matches!(letter, 'A'..='F') && !rest.is_empty();
        Some(Self {
            letter: alone.then_some(letter),
            groups: if alone { rest } else { line },
        })
    }

    fn characters(&self) -> impl Iterator<Item = char> {
        let shown = self.groups.chars().filter(|c| !c.is_whitespace());
        shown.map(|c| c.to_ascii_uppercase())
    }
}

/// The characters that are there so far.
struct CodeText(Zeroizing<String>);

impl CodeText {
    fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(PREFIX.len() + WHOLE)))
    }

    /// Adds a line, whole or not at all. One with the prefix begins anew.
    fn take(&mut self, line: &str) -> Result<(), LineRefused> {
        let line = match without_prefix(line) {
            None => line,
            Some(rest) => {
                self.0.clear();
                rest
            }
        };
        let Some(row) = Row::of(line) else {
            return Ok(());
        };
        let next = self.next_letter();
        if let Some(letter) = row.letter.filter(|letter| Some(*letter) != next) {
            return Err(LineRefused::OtherRow { letter, next });
        }
        let wrong = row.characters().position(|c| !is_base32(c));
        if let Some(place) = wrong {
            return Err(LineRefused::WrongCharacter { place: place + 1 });
        }
        let found = row.characters().count();
        let free = WHOLE - self.have();
        if found > free {
            return Err(LineRefused::TooMany { found, free });
        }
        self.0.extend(row.characters());
        Ok(())
    }

    /// The letter of the row that begins here, where one does.
    fn next_letter(&self) -> Option<char> {
        let begins = self.have().is_multiple_of(ROW);
        begins.then(|| ('A'..='F').nth(self.have() / ROW)).flatten()
    }

    fn have(&self) -> usize {
        self.0.len()
    }

    fn is_whole(&self) -> bool {
        self.have() == WHOLE
    }

    fn share(&self) -> Result<Share, SheetError> {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + WHOLE));
        text.push_str(PREFIX);
        text.push_str(&self.0);
        Ok(from_qr_text(&text)?)
    }
}

/// Why a line is not taken. Names places, never characters.
#[derive(Debug, Error, PartialEq, Eq)]
enum LineRefused {
    #[error(
        "character {place} of this line is not one of A–Z and 2–7 (0, 1, 8 and 9 do not occur)"
    )]
    WrongCharacter { place: usize },
    #[error("this line has {found} characters, only {free} are missing")]
    TooMany { found: usize, free: usize },
    #[error("this is row {letter}, {}", expected(*next))]
    OtherRow { letter: char, next: Option<char> },
}

fn expected(next: Option<char>) -> String {
    next.map_or_else(
        || "but the row before it is not complete".to_owned(),
        |next| format!("but row {next} comes next"),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::operator::scripted::Scripted;

    fn entered(lines: &[&str]) -> (Option<Result<Share, SheetError>>, Scripted) {
        let mut operator = Scripted::answering(&lines[1..]);
        let first = SecretText::new(lines[0].to_owned());
        let share = enter(first, "--sheet FILE", &mut operator).unwrap();
        (share, operator)
    }

    fn refusal(lines: &[&str]) -> String {
        let (share, _) = entered(lines);
        share.unwrap().unwrap_err().to_string()
    }

    const ROW_OF_A: &str = "AEAQC AAAAA AAAAA AAAAA AAAAA AAAAA";
    const MISREAD: &str = "misread or changed: its check value does not fit";

    #[test]
    fn a_text_may_come_in_one_line_or_in_rows_with_or_without_their_letters_and_prefix() {
        let whole = format!("AEAQC{}", "A".repeat(85));
        let (second, third) = (format!("b {ROW_OF_A}"), format!("C: {ROW_OF_A}"));
        for lines in [
            vec![format!("archiver-share-1:{whole}").as_str()],
            vec![&whole[..40], &whole[40..]],
            vec!["ARCHIVER-SHARE-1:", &whole],
            vec![&format!("A {ROW_OF_A}"), &second, &third],
            vec![ROW_OF_A, ROW_OF_A, ROW_OF_A],
        ] {
            assert_eq!(refusal(&lines), MISREAD);
        }
    }

    #[test]
    fn a_bad_line_is_named_and_typed_again() {
        let (share, operator) = entered(&[ROW_OF_A, "AAA1A", "C AAAAA", &"A".repeat(61), ""]);
        assert!(share.is_none());
        assert!(operator.showed("character 4 of this line is not one of A–Z and 2–7"));
        assert!(operator.showed("this is row C, but row B comes next"));
        assert!(operator.showed("this line has 61 characters, only 60 are missing"));
        assert!(operator.showed("30 of 90 characters, go on"));
    }

    #[test]
    fn a_second_scan_begins_anew_and_another_version_is_named() {
        let (share, _) = entered(&[
            "ARCHIVER-SHARE-1:AEAQC",
            &format!("ARCHIVER-SHARE-1:{}", "A".repeat(90)),
        ]);
        assert_eq!(share.unwrap().unwrap_err().to_string(), MISREAD);
        assert!(refusal(&["ARCHIVER-SHARE-7:AAAA"]).starts_with("made by a newer program"));
    }
}
