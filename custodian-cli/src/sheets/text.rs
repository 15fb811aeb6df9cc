//! The shares in a text file: the text of a sheet's code or its words, in the encodings and layouts that people and editors write.

use archiver_core::frame::{NotAShareText, from_qr_text, is_meant_as_share};
use archiver_core::share::Share;
use archiver_core::words::{is_meant_as_words, rows_in};
use zeroize::Zeroizing;

use super::verdict::SheetError;
use crate::operator::Operator;

/// The text of a file, UTF-8 or UTF-16 with its byte order mark; `None` when it holds control characters other than white space, as pictures do,
/// and when it is a PDF, which may be all text.
pub(super) fn text_in(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = match bytes {
        [b'%', b'P', b'D', b'F', b'-', ..] => return None,
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes)?,
        _ => Zeroizing::new(std::str::from_utf8(bytes).ok()?.replace('\u{feff}', "")),
    };
    text.chars()
        .all(|c| !c.is_control() || c.is_whitespace())
        .then_some(text)
}

/// The shares in a text: those of codes, or the one that the words of a sheet give. The text of a whole page holds both, and begins a line with a code's
/// prefix where it explains it: then the words count, and the codes of other sheets.
pub(super) fn shares_in(text: &str, operator: &mut dyn Operator) -> Vec<Result<Share, SheetError>> {
    let has_codes = text.split(['\n', '\r']).any(is_meant_as_share);
    let words = is_meant_as_words(text).then(|| share_in_words(text, operator));
    match words {
        Some(Ok(share)) if has_codes => {
            let index = share.index();
            let others = code_texts_in(text).into_iter().flatten();
            let others = others.filter(|other| other.index() != index).map(Ok);
            [Ok(share)].into_iter().chain(others).collect()
        }
        Some(words) if !has_codes => vec![words],
        _ => code_texts_in(text)
            .into_iter()
            .map(|share| share.map_err(SheetError::from))
            .collect(),
    }
}

/// Says which words were restored: nothing is corrected silently.
fn share_in_words(text: &str, operator: &mut dyn Operator) -> Result<Share, SheetError> {
    let rows = rows_in(text)?;
    let share = rows.share()?;
    for (letter, place) in rows.restored() {
        operator.say(&format!(
            "  row {letter}, word {place} was unreadable; it follows from the others, and the whole share fits"
        ));
    }
    Ok(share)
}

/// The shares in the texts of codes. One that stands alone may be typed in any layout; where several begin a line, each ends with the last of its lines that
/// holds nothing but base32, so that captions between them do no harm.
fn code_texts_in(text: &str) -> Vec<Result<Share, NotAShareText>> {
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    if lines.iter().filter(|line| is_meant_as_share(line)).count() < 2 {
        return vec![from_qr_text(text)];
    }
    let mut shares: Vec<Zeroizing<String>> = Vec::new();
    let mut open = false;
    for line in lines {
        if is_meant_as_share(line) {
            shares.push(Zeroizing::new(line.to_owned()));
            open = true;
        } else if let (true, true, Some(share)) = (open, is_base32(line), shares.last_mut()) {
            share.push_str(line);
        } else {
            open = false;
        }
    }
    shares.iter().map(|share| from_qr_text(share)).collect()
}

fn is_base32(line: &str) -> bool {
    line.chars()
        .all(|c| c.is_whitespace() || c.is_ascii_alphabetic() || matches!(c, '2'..='7'))
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<Zeroizing<String>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty()).map(Zeroizing::new)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn typed_text_is_understood_in_the_encodings_that_editors_write() {
        let plain = "ARCHIVER-SHARE-1: AEAQC\r\nAACAE\r\n";
        let utf_16: Vec<u8> = [0xff, 0xfe]
            .into_iter()
            .chain(plain.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let marked = [b"\xef\xbb\xbf".as_slice(), plain.as_bytes()].concat();
        for bytes in [plain.as_bytes(), &utf_16, &marked] {
            assert_eq!(text_in(bytes).unwrap().as_str(), plain);
        }
        assert!(text_in(b"\x89PNG\r\n\x1a\n").is_none());
        assert!(text_in(&[0xff, 0x00]).is_none());
    }

    #[test]
    fn several_shares_in_one_text_are_told_apart_and_one_may_have_many_lines() {
        assert_eq!(
            code_texts_in("archiver-share-1: AAAA\nARCHIVER-SHARE-1:BBBB\n").len(),
            2
        );
        assert_eq!(code_texts_in("ARCHIVER-SHARE-1:\nAAAA\nBBBB\n").len(), 1);
        assert_eq!(code_texts_in("AAAA BBBB").len(), 1);
        let captioned = "Anna:\nARCHIVER-SHARE-1:AAAA\rCCCC\nBo, sheet 2:\nARCHIVER-SHARE-1:BBBB\n";
        let lengths: Vec<_> = code_texts_in(captioned)
            .into_iter()
            .map(|share| share.unwrap_err())
            .collect();
        assert_eq!(
            lengths,
            [
                NotAShareText::WrongLength { found: 8 },
                NotAShareText::WrongLength { found: 4 }
            ]
        );
    }
}
