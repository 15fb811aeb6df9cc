//! The canonical armor of our records (docs/format.md §7.1, RFC 4880 §6): one text for each message and header.
//!
//! Writes only; what is read may come from other producers and is the scanner's business.

use std::io::{self, Read as _, Write};

use base64_simd::STANDARD;

use crate::openpgp::encrypt::{Message, MessageReader};
use crate::vault::crc24::Crc24;
use crate::vault::header::Header;

/// The line with which a record begins, without its LF.
pub const BEGIN_LINE: &str = "-----BEGIN PGP MESSAGE-----";
/// The line with which a record ends, without its LF.
pub const END_LINE: &str = "-----END PGP MESSAGE-----";

/// 64 columns of base64.
const BYTES_PER_LINE: usize = 48;
const COLUMNS: usize = 64;

/// So many bytes of a message are put into armor at once: all of a mail that is not long.
const PIECE: u64 = 32 * 1024 * BYTES_PER_LINE as u64;

/// The armored record of a binary message, from its begin line to the LF of its end line.
#[must_use]
pub fn render(header: Option<&Header>, message: &[u8]) -> Vec<u8> {
    let mut record = head(header).into_bytes();
    append_lines(&mut record, message);
    let mut crc = Crc24::new();
    crc.update(message);
    append_end(&mut record, crc);
    record
}

/// Writes the armored record of a message of any length, in bounded memory.
///
/// # Errors
/// When the message cannot be read back or the record not be written.
pub fn write(header: Option<&Header>, message: &Message, out: &mut impl Write) -> io::Result<()> {
    let mut body = Body::of(message)?;
    let mut first = head(header).into_bytes();
    first.extend_from_slice(body.piece());
    out.write_all(&first)?;
    while body.advance()? {
        out.write_all(body.piece())?;
    }
    Ok(())
}

/// The part of a record above its base64: begin line, header, empty line.
pub(crate) fn head(header: Option<&Header>) -> String {
    match header {
        Some(header) => format!("{BEGIN_LINE}\n{header}\n\n"),
        None => format!("{BEGIN_LINE}\n\n"),
    }
}

/// The part of a record that does not depend on its header: base64, CRC-24 and end line. It comes piece by piece; of a mail that is
/// not long the first piece is all of it.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    message: &'a Message,
    reader: MessageReader<'a>,
    /// Bytes of the message that are not yet put into armor.
    left: u64,
    binary: Vec<u8>,
    text: Vec<u8>,
}

impl<'a> Body<'a> {
    /// Makes the first piece.
    pub(crate) fn of(message: &'a Message) -> io::Result<Self> {
        let mut body = Self {
            message,
            reader: message.reader(),
            left: message.length(),
            binary: Vec::new(),
            text: Vec::new(),
        };
        body.make_piece()?;
        Ok(body)
    }

    /// The message that it is made of.
    pub(crate) fn message(&self) -> &'a Message {
        self.message
    }

    /// The length in bytes of all pieces together.
    pub(crate) fn length(&self) -> u64 {
        let message = self.message.length();
        let base64 = message.div_ceil(3) * 4;
        let line_feeds = message.div_ceil(BYTES_PER_LINE as u64);
        base64 + line_feeds + "=abcd\n".len() as u64 + END_LINE.len() as u64 + 1
    }

    pub(crate) fn piece(&self) -> &[u8] {
        &self.text
    }

    /// Makes the next piece; `false` when there is none.
    pub(crate) fn advance(&mut self) -> io::Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.make_piece()?;
        Ok(true)
    }

    fn make_piece(&mut self) -> io::Result<()> {
        let length = self.left.min(PIECE);
        self.left -= length;
        self.binary
            .resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        self.reader.read_exact(&mut self.binary)?;
        self.text.clear();
        append_lines(&mut self.text, &self.binary);
        if self.left == 0 {
            append_end(&mut self.text, self.message.crc());
        }
        Ok(())
    }
}

/// Base64 in lines. To encode many lines at once and then part them is faster than line by line (measured: two to three times).
fn append_lines(text: &mut Vec<u8>, bytes: &[u8]) {
    const LINES: usize = 512;
    let base64 = bytes.len().div_ceil(3) * 4;
    text.reserve(base64 + bytes.len().div_ceil(BYTES_PER_LINE) + END_LINE.len() + 8);
    let mut run = Vec::with_capacity(base64.min(LINES * COLUMNS));
    for lines in bytes.chunks(LINES * BYTES_PER_LINE) {
        run.clear();
        STANDARD.encode_append(lines, &mut run);
        for line in run.chunks(COLUMNS) {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
    }
}

fn append_end(text: &mut Vec<u8>, crc: Crc24) {
    text.push(b'=');
    STANDARD.encode_append(crc.bytes(), text);
    text.push(b'\n');
    text.extend_from_slice(END_LINE.as_bytes());
    text.push(b'\n');
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
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

    #[test]
    fn a_record_written_in_pieces_is_the_same_as_one_rendered_at_once() {
        for length in [1, 48, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 7] {
            let bytes: Vec<u8> = (0..length)
                .map(|n| u8::try_from(n % 253).unwrap())
                .collect();
            let message = Message::of(bytes.clone());
            let mut written = Vec::new();
            write(None, &message, &mut written).unwrap();
            assert!(written == render(None, &bytes), "{length}");
            let body = written.len() - head(None).len();
            assert_eq!(Body::of(&message).unwrap().length(), body as u64);
        }
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
