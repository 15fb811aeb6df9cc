//! What a line at the sheet prompt is meant as, decided by what it holds.

use std::path::PathBuf;

use archiver_core::words::WORDS_IN_A_ROW;

use super::code::begins_code;

/// What a line is meant as.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// The end.
    Nothing,
    /// The text of a code, or its beginning.
    Code,
    /// One row of words, or more.
    Words,
    /// A file or folder.
    File(PathBuf),
    /// Nothing that is known.
    Unclear,
}

/// Decides by content; a file that exists is a file, whatever its name looks like.
pub(super) fn recognise(line: &str) -> Typed {
    let line = line.trim();
    if line.is_empty() || line.eq_ignore_ascii_case("done") {
        return Typed::Nothing;
    }
    if begins_code(line) {
        return Typed::Code;
    }
    let path = path_of(line);
    if path.exists() {
        return Typed::File(path);
    }
    if looks_like_words(line) {
        return Typed::Words;
    }
    if line.contains(['/', '.']) {
        return Typed::File(path);
    }
    Typed::Unclear
}

/// A path as typed, or as a window puts it when a file is dropped into it: in quotes; `~/` is the person's home.
fn path_of(line: &str) -> PathBuf {
    let quoted = |mark| line.strip_prefix(mark)?.strip_suffix(mark);
    let path = quoted('\'').or_else(|| quoted('"')).unwrap_or(line);
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// Nearly a row of tokens that could be words, a row's letter, or `?`.
fn looks_like_words(line: &str) -> bool {
    let could_be = |token: &str| {
        let token = token.trim_end_matches([':', '.', ')', ',', ';']);
        !token.is_empty() && token.chars().all(|c| c.is_alphabetic() || c == '?')
    };
    let tokens: Vec<_> = line.split_whitespace().collect();
    tokens.len() + 1 >= WORDS_IN_A_ROW && tokens.into_iter().all(could_be)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_or_done_is_the_end() {
        for line in ["", "  ", "done", "DONE "] {
            assert_eq!(recognise(line), Typed::Nothing, "{line:?}");
        }
    }

    #[test]
    fn the_text_of_a_code_is_told_by_its_prefix_or_its_first_characters() {
        for line in [
            "ARCHIVER-SHARE-1:AEAQC",
            "archiver-share-1:",
            "ARCHIVER-SHARE-9:AAAA",
            "AEAQC AACAE DQMBA",
            "aeaqc aac1e",
        ] {
            assert_eq!(recognise(line), Typed::Code, "{line:?}");
        }
    }

    #[test]
    fn words_are_told_by_their_number_and_letters_even_when_they_are_wrong() {
        for line in [
            "A academic acid acne acquire acrobat",
            "acad acid acne acqu acro",
            "k: acad ? acne acqu acro",
            "B. acad acid acne acqu",
            "acad zzzz acne straße acro",
        ] {
            assert_eq!(recognise(line), Typed::Words, "{line:?}");
        }
        for line in ["academic acid", "hello", "A", "?"] {
            assert_eq!(recognise(line), Typed::Unclear, "{line:?}");
        }
    }

    #[test]
    fn a_file_is_told_by_being_there_or_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let spaced = folder.path().join("scan of the sheet of anna");
        std::fs::write(&spaced, b"x").unwrap();
        let file = |line: &str, path: &str| {
            assert_eq!(
                recognise(line),
                Typed::File(PathBuf::from(path)),
                "{line:?}"
            );
        };
        let name = spaced.to_str().unwrap();
        file(name, name);
        file(&format!(" '{name}' "), name);
        file("/no/such file", "/no/such file");
        file("missing.png", "missing.png");
        assert_eq!(
            recognise("~/scan.png"),
            Typed::File(std::env::home_dir().unwrap().join("scan.png"))
        );
    }
}
