//! The text of a sheet's code as it comes in: one line from a scanner, or several typed ones, until all 90 characters are there.
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
const FIRST_CHARACTERS: [char; 3] = ['A', 'E', 'A'];

/// Whether a line is a share's text, or the beginning of one without its prefix, right or wrong.
pub(super) fn begins_code(line: &str) -> bool {
    let begins = || {
        characters(line)
            .take(FIRST_CHARACTERS.len())
            .eq(FIRST_CHARACTERS)
    };
    is_meant_as_share(line) || (begins() && !line.contains(['/', '.']))
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
        let prompt = format!(
            "{} of {WHOLE} characters; go on, or give up with an empty line",
            text.have()
        );
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

/// The characters of a line in upper case, blanks left out.
fn characters(line: &str) -> impl Iterator<Item = char> {
    let typed = line.chars().filter(|c| !c.is_whitespace());
    typed.map(|c| c.to_ascii_uppercase())
}

fn is_base32(character: char) -> bool {
    matches!(character, 'A'..='Z' | '2'..='7')
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
        if let Some(wrong) = characters(line).position(|c| !is_base32(c)) {
            return Err(LineRefused::WrongCharacter { place: wrong + 1 });
        }
        let (found, free) = (characters(line).count(), WHOLE - self.have());
        if found > free {
            return Err(LineRefused::TooMany { found, free });
        }
        self.0.extend(characters(line));
        Ok(())
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

    const ROW: &str = "AEAQC AAAAA AAAAA AAAAA AAAAA AAAAA AAAAA AAAAA AAAAA";
    const MISREAD: &str = "misread or changed: its check value does not fit";

    #[test]
    fn a_text_may_come_in_one_line_or_in_rows_with_or_without_its_prefix() {
        let whole = format!("AEAQC{}", "A".repeat(85));
        for lines in [
            vec![format!("archiver-share-1:{whole}").as_str()],
            vec![&whole[..40], &whole[40..]],
            vec!["ARCHIVER-SHARE-1:", &whole],
            vec![ROW, &ROW.to_lowercase()],
        ] {
            assert_eq!(refusal(&lines), MISREAD);
        }
    }

    #[test]
    fn a_bad_line_is_named_and_typed_again() {
        let (share, operator) = entered(&[ROW, "AAA1A", &"A".repeat(46), ""]);
        assert!(share.is_none());
        assert!(operator.showed("character 4 of this line is not one of A–Z and 2–7"));
        assert!(operator.showed("this line has 46 characters, only 45 are missing"));
        assert!(operator.showed("45 of 90 characters; go on"));
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
