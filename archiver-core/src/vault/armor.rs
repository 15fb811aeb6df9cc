//! The canonical armor of our records (docs/format.md §7.1, RFC 4880 §6): one text for each message and header.
//!
//! Writes only; what is read may come from other producers and is the scanner's business.

use base64_simd::STANDARD;

use crate::vault::crc24::Crc24;
use crate::vault::header::Header;

/// The line with which a record begins, without its LF.
pub const BEGIN_LINE: &str = "-----BEGIN PGP MESSAGE-----";
/// The line with which a record ends, without its LF.
pub const END_LINE: &str = "-----END PGP MESSAGE-----";

/// 64 columns of base64.
const BYTES_PER_LINE: usize = 48;

/// The armored record of a binary message, from its begin line to the LF of its end line.
#[must_use]
pub fn render(header: Option<&Header>, message: &[u8]) -> Vec<u8> {
    let mut record = head(header).into_bytes();
    record.append(&mut body(message));
    record
}

/// The part of a record above its base64: begin line, header, empty line.
pub(crate) fn head(header: Option<&Header>) -> String {
    match header {
        Some(header) => format!("{BEGIN_LINE}\n{header}\n\n"),
        None => format!("{BEGIN_LINE}\n\n"),
    }
}

/// The part of a record that does not depend on its header: base64, CRC-24 and end line.
pub(crate) fn body(message: &[u8]) -> Vec<u8> {
    let lines = message.len().div_ceil(BYTES_PER_LINE);
    let base64 = message.len().div_ceil(3) * 4;
    let mut text = Vec::with_capacity(base64 + lines + END_LINE.len() + 8);
    for line in message.chunks(BYTES_PER_LINE) {
        STANDARD.encode_append(line, &mut text);
        text.push(b'\n');
    }
    text.push(b'=');
    let mut crc = Crc24::new();
    crc.update(message);
    STANDARD.encode_append(crc.bytes(), &mut text);
    text.push(b'\n');
    text.extend_from_slice(END_LINE.as_bytes());
    text.push(b'\n');
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;
    use sequoia_openpgp::armor::{Kind, Reader, ReaderMode};

    use super::*;

    #[test]
    fn lines_are_full_and_the_last_one_is_not_empty() {
        let record = String::from_utf8(render(None, &[7; 96])).unwrap();
        let lines: Vec<&str> = record.split('\n').collect();
        let [begin, empty, first, second, crc, end, nothing] = lines[..] else {
            unreachable!("{record}")
        };
        assert_eq!((begin, empty, end, nothing), (BEGIN_LINE, "", END_LINE, ""));
        assert_eq!((first.len(), second.len(), crc.len()), (64, 64, 5));
    }

    proptest! {
        #[test]
        fn sequoia_reads_what_is_rendered_and_rendering_it_again_gives_the_same_bytes(
            message in prop::collection::vec(any::<u8>(), 1..300),
        ) {
            let record = render(None, &message);
            let mut reader = Reader::from_bytes(&record, ReaderMode::Tolerant(Some(Kind::Message)));
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            prop_assert_eq!(&render(None, &read), &record);
        }
    }
}
