//! Takes one record out of its ASCII armor (RFC 4880 §6.2), as a stream: memory stays at one window whatever its size.
//!
//! Accepted: LF and CR LF, any column width, blanks between the base64 characters, armor headers of other producers, an
//! absent checksum. Refused: every other character, text that goes on after its padding, a wrong checksum, a record without
//! its end line. A refusal comes as an [`io::Error`] of kind `InvalidData` around a [`DearmorError`].
//!
//! Sequoia has an armor reader too; on large messages it takes most of the time of opening them (measured).

use std::io::{self, Read};

use base64_simd::STANDARD as BASE64;
use memchr::memchr;
use thiserror::Error;

use crate::vault::armor::{BEGIN_LINE, END_LINE};
use crate::vault::crc24::Crc24;

mod layout;
mod window;

use layout::Layout;
use window::Window;

const BEGIN: &[u8] = BEGIN_LINE.as_bytes();
const END: &[u8] = END_LINE.as_bytes();
const WINDOW: usize = 64 * 1024;
const SMALLEST_WINDOW: usize = 128;

/// Why a record's armor cannot be taken off. Lines count from the begin line, which is line 1.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum DearmorError {
    /// The bytes do not start with a begin line.
    #[error("the record has no begin line")]
    NoBeginLine,
    /// There is no empty line after the armor headers, or it comes too late.
    #[error("the armor headers have no end")]
    EndlessHeaders,
    /// A line before the empty line has no colon.
    #[error("line {line} is no armor header")]
    NoHeader {
        /// The line.
        line: u64,
    },
    /// A character that is not base64, or padding that is not at the end.
    #[error("line {line} is not base64")]
    NotBase64 {
        /// The line.
        line: u64,
    },
    /// The base64 text ends inside a group of four characters.
    #[error("the base64 text breaks off before line {line}")]
    BreaksOff {
        /// The line after the last one.
        line: u64,
    },
    /// The checksum line is malformed.
    #[error("line {line} is no checksum line")]
    NoChecksum {
        /// The line.
        line: u64,
    },
    /// The checksum does not fit: a character of the record was changed.
    #[error("the armor's checksum does not match")]
    WrongChecksum,
    /// The end line is missing.
    #[error("the record has no end line")]
    NoEndLine,
}

impl DearmorError {
    /// The refusal inside an error that [`Dearmor`] gave; `None` when reading failed for another reason.
    #[must_use]
    pub fn inside(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<DearmorError> for io::Error {
    fn from(error: DearmorError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// The binary message inside one armored record, as a reader. Only when it has come to its end was the checksum right.
#[derive(Debug)]
pub struct Dearmor<R> {
    raw: Window<R>,
    headers: Vec<u8>,
    /// The base64 characters of one window, and at its front those that waited for the rest of their group.
    text: Vec<u8>,
    /// What they decode to; `given` of it was read by the caller.
    message: Vec<u8>,
    given: usize,
    padded: bool,
    checksum: Option<[u8; 3]>,
    computed: Crc24,
    over: bool,
    layout: Layout,
}

impl<R: Read> Dearmor<R> {
    /// Reads the begin line and the armor headers of a record that is `length` bytes long.
    ///
    /// # Errors
    /// When reading fails, or there is no begin line or no end of the armor headers.
    pub fn new(record: R, length: u64) -> io::Result<Self> {
        let size = usize::try_from(length).map_or(WINDOW, |l| l.clamp(SMALLEST_WINDOW, WINDOW));
        Self::with_window(record, size)
    }

    fn with_window(record: R, size: usize) -> io::Result<Self> {
        let mut dearmor = Self {
            raw: Window::new(record, size),
            headers: Vec::new(),
            text: Vec::with_capacity(size),
            message: Vec::with_capacity(size),
            given: 0,
            padded: false,
            checksum: None,
            computed: Crc24::new(),
            over: false,
            layout: Layout::default(),
        };
        dearmor.read_headers()?;
        Ok(dearmor)
    }

    /// The armor header lines, each with its line end, without the empty line.
    #[must_use]
    pub fn headers(&self) -> &[u8] {
        &self.headers
    }

    /// Whether the armor is laid out as our own is, so that the record's bytes follow from its headers and its message: LF,
    /// 64 columns, no blanks, a checksum line. `false` until the message was read to its end.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.over && self.checksum.is_some() && self.layout.canonical
    }

    fn read_headers(&mut self) -> io::Result<()> {
        self.raw.fill()?;
        let begin = self.raw.line().unwrap_or_default();
        if trim_end(begin) != BEGIN {
            return Err(DearmorError::NoBeginLine.into());
        }
        self.layout.exact_line(begin, BEGIN);
        self.raw.take(begin.len());
        loop {
            let line = self.raw.line().ok_or(DearmorError::EndlessHeaders)?;
            let length = line.len();
            if trim_end(line).is_empty() {
                self.layout.exact_line(line, b"");
                self.raw.take(length);
                return Ok(());
            }
            if memchr(b':', line).is_none() {
                let line = self.raw.lines + 1;
                return Err(DearmorError::NoHeader { line }.into());
            }
            self.headers.extend_from_slice(line);
            self.raw.take(length);
        }
    }

    /// Decodes one window after the other until there is something to give, or the record is over.
    fn decode_more(&mut self) -> io::Result<()> {
        while self.given == self.message.len() && !self.over {
            self.raw.fill()?;
            let (window, first_line) = (self.raw.start, self.raw.lines + 1);
            self.gather()?;
            self.decode(window, first_line)?;
            if self.over
                && self
                    .checksum
                    .is_some_and(|sum| sum != self.computed.bytes())
            {
                return Err(DearmorError::WrongChecksum.into());
            }
        }
        Ok(())
    }

    /// Moves the window's base64 characters to `text`; the checksum line and the end line end them.
    fn gather(&mut self) -> Result<(), DearmorError> {
        while let Some(first) = self.raw.unread().first() {
            let ends_the_text = self.raw.at_line_start && matches!(first, b'=' | b'-');
            if !ends_the_text {
                self.gather_line()?;
                continue;
            }
            let Some(line) = self.raw.line() else {
                return self.raw.can_grow().then_some(()).ok_or(self.not_base64());
            };
            match trim_end(line) {
                b"=" | b"==" => self.gather_line()?,
                END => {
                    self.layout.exact_line(line, END);
                    self.over = true;
                    return Ok(());
                }
                checksum => {
                    let sum = parse_checksum(checksum);
                    self.take_checksum(sum)?;
                }
            }
        }
        if self.raw.at_end {
            return Err(DearmorError::NoEndLine);
        }
        Ok(())
    }

    /// Takes a line, or as much of it as the window holds.
    fn gather_line(&mut self) -> Result<(), DearmorError> {
        let rest = self.raw.unread();
        let (piece, content) = match memchr(b'\n', rest) {
            Some(at) => {
                let (piece, _) = rest.split_at(at + 1);
                (piece, trim_end(piece))
            }
            // The window may end between a CR and its LF.
            None => (rest, trim_end(rest)),
        };
        if self.checksum.is_some() && !content.is_empty() {
            return Err(self.not_base64());
        }
        self.layout.data(piece, content);
        self.text.extend_from_slice(content);
        let taken = piece.len();
        self.raw.take(taken);
        Ok(())
    }

    fn take_checksum(&mut self, sum: Option<[u8; 3]>) -> Result<(), DearmorError> {
        let Some(sum) = sum.filter(|_| self.checksum.is_none()) else {
            let line = self.raw.lines + 1;
            return Err(DearmorError::NoChecksum { line });
        };
        let line = self.raw.line().unwrap_or_default();
        self.layout.end_of_data(line);
        let taken = line.len();
        self.raw.take(taken);
        self.checksum = Some(sum);
        Ok(())
    }

    /// Decodes the whole groups of `text` and keeps the rest for later. The text came from the raw bytes at `window`.
    fn decode(&mut self, window: usize, first_line: u64) -> Result<(), DearmorError> {
        self.given = 0;
        self.message.clear();
        if self.decode_groups().is_err() {
            self.text.retain(|byte| !is_blank(*byte));
            self.layout.canonical = false;
            self.message.clear();
            let blamed = first_line + self.raw.lines_before_damage(window);
            self.decode_groups()
                .map_err(|_| DearmorError::NotBase64 { line: blamed })?;
        }
        if self.over && !self.text.is_empty() {
            let line = self.raw.lines + 1;
            return Err(DearmorError::BreaksOff { line });
        }
        self.computed.update(&self.message);
        Ok(())
    }

    fn decode_groups(&mut self) -> Result<(), NotBase64> {
        let whole = self.text.len() - self.text.len() % 4;
        let groups = self.text.get(..whole).unwrap_or_default();
        if self.padded && !groups.is_empty() {
            return Err(NotBase64);
        }
        BASE64
            .decode_append(groups, &mut self.message)
            .map_err(|_| NotBase64)?;
        self.padded |= groups.last() == Some(&b'=');
        self.text.drain(..whole);
        Ok(())
    }

    fn not_base64(&self) -> DearmorError {
        DearmorError::NotBase64 {
            line: self.raw.lines + 1,
        }
    }
}

impl<R: Read> Read for Dearmor<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.decode_more()?;
        let mut ready = self.message.get(self.given..).unwrap_or_default();
        let read = ready.read(buf)?;
        self.given += read;
        Ok(read)
    }
}

/// The decoder refused the text; where is found out afterwards.
struct NotBase64;

/// `=` and four base64 characters (RFC 4880 §6.1).
fn parse_checksum(line: &[u8]) -> Option<[u8; 3]> {
    let text = line.strip_prefix(b"=")?;
    BASE64.decode_to_vec(text).ok()?.try_into().ok()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Without the line end and the blanks before it.
fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::DearmorError as E;
    use super::*;

    /// Armor written plainly, independent of the code that writes vaults.
    fn armor(message: &[u8], header: &str, columns: usize, line_end: &str, sum: bool) -> Vec<u8> {
        let mut crc = Crc24::new();
        crc.update(message);
        let mut lines = vec!["-----BEGIN PGP MESSAGE-----".to_owned()];
        if !header.is_empty() {
            lines.push(header.to_owned());
        }
        lines.push(String::new());
        let text = BASE64.encode_to_string(message);
        lines.extend(
            text.as_bytes()
                .chunks(columns)
                .map(|line| String::from_utf8(line.to_vec()).unwrap()),
        );
        if sum {
            lines.push(format!("={}", BASE64.encode_to_string(crc.bytes())));
        }
        lines.push("-----END PGP MESSAGE-----".to_owned());
        lines.push(String::new());
        lines.join(line_end).into_bytes()
    }

    fn ours(message: &[u8]) -> Vec<u8> {
        armor(message, "Comment: archiver 2", 64, "\n", true)
    }

    fn read_with(record: &[u8], window: usize) -> Result<(Vec<u8>, bool), DearmorError> {
        let refused = |e: io::Error| DearmorError::inside(&e).unwrap().clone();
        let mut dearmor = Dearmor::with_window(record, window).map_err(refused)?;
        let mut message = Vec::new();
        dearmor.read_to_end(&mut message).map_err(refused)?;
        Ok((message, dearmor.is_canonical()))
    }

    fn read(record: &[u8]) -> Result<(Vec<u8>, bool), DearmorError> {
        read_with(record, WINDOW)
    }

    fn replaced(record: &[u8], from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8(record.to_vec()).unwrap();
        assert!(text.contains(from), "{from:?}");
        text.replacen(from, to, 1).into_bytes()
    }

    #[test]
    fn our_own_armor_is_canonical_and_its_headers_are_kept() {
        let message: Vec<u8> = (0..=255).collect();
        let record = ours(&message);
        assert_eq!(read(&record), Ok((message, true)));
        let dearmor = Dearmor::new(record.as_slice(), record.len() as u64).unwrap();
        assert_eq!(dearmor.headers(), b"Comment: archiver 2\n");
    }

    #[test]
    fn an_empty_message_is_a_message() {
        assert_eq!(read(&ours(b"")), Ok((Vec::new(), true)));
    }

    #[test]
    fn other_producers_armor_is_read_but_not_canonical() {
        let message = [7; 100];
        for record in [
            armor(&message, "Version: GnuPG v2", 64, "\r\n", true),
            armor(&message, "", 76, "\n", true),
            armor(&message, "", 1, "\n", true),
            armor(&message, "", 1000, "\n", true),
            armor(&message, "", 64, "\n", false),
            replaced(&ours(&message), "BwcH", "Bw cH"),
            replaced(&ours(&message), "BwcH", "BwcH\n\n"),
            replaced(&ours(&message), "\n-----END", " \t\n-----END"),
            replaced(&ours(&message), "MESSAGE-----\n", "MESSAGE----- \n"),
            ours(&message).trim_ascii_end().to_vec(),
        ] {
            let shown = String::from_utf8_lossy(&record).into_owned();
            assert_eq!(read(&record), Ok((message.to_vec(), false)), "{shown}");
        }
    }

    #[test]
    fn a_window_may_end_anywhere() {
        let message: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for (columns, line_end) in [(64, "\n"), (64, "\r\n"), (7, "\r\n"), (76, " \t\r\n")] {
            let record = armor(&message, "Hash: SHA256", columns, line_end, true);
            for window in SMALLEST_WINDOW..record.len() {
                let (read, _) = read_with(&record, window).unwrap();
                assert!(read == message, "{columns} {line_end:?} {window}");
            }
        }
    }

    #[test]
    fn every_malformed_armor_gets_its_own_name() {
        let record = ours(&[0; 100]);
        let sum = {
            let text = String::from_utf8(record.clone()).unwrap();
            text.lines().rev().nth(1).unwrap().to_owned()
        };
        let cases = [
            (b"".to_vec(), E::NoBeginLine),
            (b"hello\n".to_vec(), E::NoBeginLine),
            (replaced(&record, "\n\n", "\n"), E::NoHeader { line: 3 }),
            (
                b"-----BEGIN PGP MESSAGE-----\nA: b\n".to_vec(),
                E::EndlessHeaders,
            ),
            (
                replaced(&record, "AA\nA", "AA\n*"),
                E::NotBase64 { line: 5 },
            ),
            (
                replaced(&record, "AA\nA", "AA\n\0"),
                E::NotBase64 { line: 5 },
            ),
            (
                replaced(&record, "AA\nA", "A=\nA"),
                E::NotBase64 { line: 4 },
            ),
            (replaced(&record, "AA\nA", "A\nA"), E::BreaksOff { line: 8 }),
            (replaced(&record, "AA\nA", "AB\nA"), E::WrongChecksum),
            (replaced(&record, &sum, "=AAAA"), E::WrongChecksum),
            (replaced(&record, &sum, "=AA"), E::NoChecksum { line: 7 }),
            (
                replaced(&record, &sum, &format!("{sum}\n{sum}")),
                E::NoChecksum { line: 8 },
            ),
            (
                replaced(&record, &sum, &format!("{sum}\nAAAA")),
                E::NotBase64 { line: 8 },
            ),
            (
                replaced(&record, "-----END", "-----And"),
                E::NoChecksum { line: 8 },
            ),
            (
                replaced(&record, "-----END PGP MESSAGE-----\n", ""),
                E::NoEndLine,
            ),
        ];
        for (record, error) in cases {
            let shown = String::from_utf8_lossy(&record).into_owned();
            assert_eq!(read(&record), Err(error), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn any_message_survives_any_layout_and_any_window(
            message in proptest::collection::vec(any::<u8>(), 0..2000),
            columns in 1_usize..200,
            window in SMALLEST_WINDOW..3000,
            crlf: bool,
            sum: bool,
        ) {
            let line_end = if crlf { "\r\n" } else { "\n" };
            let record = armor(&message, "Hash: SHA256", columns, line_end, sum);
            let (read, is_canonical) = read_with(&record, window).unwrap();
            prop_assert_eq!(&read, &message);
            let as_ours = armor(&message, "Hash: SHA256", 64, "\n", true);
            prop_assert_eq!(is_canonical, record == as_ours);
        }

        #[test]
        fn damage_is_judged_alike_whatever_the_window(
            message in proptest::collection::vec(any::<u8>(), 0..1000),
            at: prop::sample::Index,
            with: u8,
            window in SMALLEST_WINDOW..2000,
        ) {
            let mut record = ours(&message);
            let at = at.index(record.len());
            *record.get_mut(at).unwrap() = with;
            let small = read_with(&record, window);
            let large = read(&record);
            prop_assert_eq!(small.is_ok(), large.is_ok());
            if let (Ok(small), Ok(large)) = (&small, &large) {
                prop_assert_eq!(small, large);
            }
        }
    }
}
