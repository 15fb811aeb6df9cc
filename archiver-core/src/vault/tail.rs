//! The end of a vault, as the next writer must know it: the last whole record of ours, and what stands behind it.
//!
//! It is searched backward, so that the length of a vault does not matter. The definitions are docs/format.md §7: a record goes
//! from a begin line to the next end line, with no begin line between them. Records of other producers and torn records are
//! passed over; nothing is decoded.

use std::io;

use memchr::memmem;
use sha2::{Digest as _, Sha256};

use crate::vault::armor::{BEGIN_LINE, END_LINE};
use crate::vault::disk::ReadAt;
use crate::vault::header::Header;

/// First step of the search: a mail of usual length. Every further step is twice as long, up to `LONGEST_STEP`.
/// Tests take steps so short that they meet every boundary.
const FIRST_STEP: u64 = if cfg!(test) { 7 } else { 16 * 1024 };
const LONGEST_STEP: u64 = if cfg!(test) { 60 } else { 1024 * 1024 };

/// Longer than our begin line, header and empty line together.
const LONGEST_HEAD: u64 = 512;

/// The last whole record with our header.
#[derive(Debug, PartialEq, Eq)]
pub struct LastRecord {
    /// Its header, which nobody has verified.
    pub header: Header,
    /// Where its begin line stands.
    pub start: u64,
    /// Behind its end line's LF; the vault's end when that LF is missing.
    pub end: u64,
}

/// What the next writer must know of a vault's end.
#[derive(Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last whole record of ours, if there is one.
    pub last: Option<LastRecord>,
    /// The last line has no LF: somebody's write was cut off.
    pub is_torn: bool,
    /// Where the last begin line stands, of whatever record or torn record.
    pub(crate) last_begin: Option<u64>,
    size: u64,
}

impl Tail {
    /// Looks at a vault of `size` bytes.
    ///
    /// # Errors
    /// What the system reports.
    pub fn find(file: &(impl ReadAt + ?Sized), size: u64) -> io::Result<Self> {
        let (last, last_begin) = last_record(file, size)?;
        Ok(Self {
            last,
            last_begin,
            is_torn: size > 0 && bytes(file, size - 1, size)? != b"\n",
            size,
        })
    }

    /// SHA-256 of all bytes between the last record of ours (or the file's start) and the next one; `newline` is what the next writer
    /// puts in front of its begin line. When that is all that a last record of ours lacks, it completes the record's end line, and the gap is empty.
    pub(crate) fn gap_digest(
        &self,
        file: &(impl ReadAt + ?Sized),
        newline: &str,
    ) -> io::Result<[u8; 32]> {
        let mut hash = Sha256::new();
        let mut at = self.last.as_ref().map_or(0, |last| last.end);
        if at == self.size && self.is_torn {
            return Ok(hash.finalize().into());
        }
        while at < self.size {
            let end = self.size.min(at + LONGEST_STEP);
            hash.update(bytes(file, at, end)?);
            at = end;
        }
        Ok(hash.chain_update(newline).finalize().into())
    }
}

/// The last whole record of ours, and the last begin line that was met on the way.
fn last_record(
    file: &(impl ReadAt + ?Sized),
    size: u64,
) -> io::Result<(Option<LastRecord>, Option<u64>)> {
    let (mut to, mut step) = (size, FIRST_STEP);
    let (mut end_of_record, mut last_begin) = (None, None);
    while to > 0 {
        let from = to.saturating_sub(step);
        for start in dashed_lines(file, from, to, size)?.into_iter().rev() {
            match armor_line(file, start, size)? {
                Some(ArmorLine::End { after }) => end_of_record = Some(after),
                Some(ArmorLine::Begin) => {
                    last_begin = last_begin.or(Some(start));
                    let header = header_of_record(file, start, size)?;
                    if let (Some(end), Some(header)) = (end_of_record.take(), header) {
                        let last = LastRecord { header, start, end };
                        return Ok((Some(last), last_begin));
                    }
                }
                None => (),
            }
        }
        (to, step) = (from, LONGEST_STEP.min(2 * step));
    }
    Ok((None, last_begin))
}

/// Where in `from..to` lines start that begin with dashes. Base64 has none, so they are few.
fn dashed_lines(
    file: &(impl ReadAt + ?Sized),
    from: u64,
    to: u64,
    size: u64,
) -> io::Result<Vec<u64>> {
    const DASHES: &[u8] = b"\n-----";
    let before = from.saturating_sub(1);
    let window = bytes(file, before, size.min(to + DASHES.len() as u64))?;
    let first_line = (before == 0 && window.starts_with(b"-----")).then_some(0);
    let after_lf = memmem::find_iter(&window, DASHES).map(|at| before + at as u64 + 1);
    let starts = first_line.into_iter().chain(after_lf);
    Ok(starts.filter(|start| (from..to).contains(start)).collect())
}

#[derive(Debug, PartialEq, Eq)]
enum ArmorLine {
    Begin,
    End {
        /// The offset behind the line's LF.
        after: u64,
    },
}

/// What the line at `start` is; `None` for any other line than the two.
fn armor_line(
    file: &(impl ReadAt + ?Sized),
    start: u64,
    size: u64,
) -> io::Result<Option<ArmorLine>> {
    let mut length = 64;
    loop {
        let end = size.min(start + length);
        match parse_line(&bytes(file, start, end)?, end == size) {
            Parsed::Begin => return Ok(Some(ArmorLine::Begin)),
            Parsed::End { length } => {
                let after = start + length as u64;
                return Ok(Some(ArmorLine::End { after }));
            }
            Parsed::Other => return Ok(None),
            Parsed::Longer => length *= 2,
        }
    }
}

enum Parsed {
    Begin,
    /// Its length with its LF.
    End {
        length: usize,
    },
    Other,
    /// Blanks up to the end of what was read.
    Longer,
}

/// Begin and end lines may have blanks behind their text, then LF or CR LF; the end of the file may stand for an end line's LF.
fn parse_line(text: &[u8], is_files_end: bool) -> Parsed {
    let (is_begin, rest) = match (
        text.strip_prefix(BEGIN_LINE.as_bytes()),
        text.strip_prefix(END_LINE.as_bytes()),
    ) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Parsed::Other,
    };
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let (_, newline) = rest.split_at(blanks.count());
    let behind = match newline {
        [b'\n', behind @ ..] | [b'\r', b'\n', behind @ ..] => behind,
        [] | [b'\r'] if !is_files_end => return Parsed::Longer,
        [] | [b'\r'] if !is_begin => &[],
        _ => return Parsed::Other,
    };
    if is_begin {
        Parsed::Begin
    } else {
        Parsed::End {
            length: text.len() - behind.len(),
        }
    }
}

/// Our header, if the record that begins at `start` has it, and nothing else, above its empty line. `size` is the vault's.
///
/// # Errors
/// What the system reports.
pub fn header_of_record(
    file: &(impl ReadAt + ?Sized),
    start: u64,
    size: u64,
) -> io::Result<Option<Header>> {
    let head = bytes(file, start, size.min(start + LONGEST_HEAD))?;
    Ok(parse_head(&head))
}

fn parse_head(head: &[u8]) -> Option<Header> {
    let lines = head
        .strip_prefix(BEGIN_LINE.as_bytes())?
        .strip_prefix(b"\n")?;
    let end = memmem::find(lines, b"\n\n")?;
    let line = std::str::from_utf8(lines.get(..end)?).ok()?;
    line.parse().ok()
}

fn bytes(file: &(impl ReadAt + ?Sized), from: u64, to: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(to.saturating_sub(from)).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::identity::UtcTime;
    use crate::origin::OriginProof;
    use crate::vault::armor;
    use crate::vault::leaf::{LeafHash, LogId, Place};

    fn header(seq: u64) -> Header {
        Header {
            place: Place {
                log: LogId([1; 16]),
                seq,
                time: UtcTime::from_unix(1_795_552_117).unwrap(),
                prev: LeafHash([2; 32]),
            },
            leaf: LeafHash([3; 32]),
            origin: Some(OriginProof([4; 80])),
        }
    }

    fn ours(seq: u64) -> Vec<u8> {
        armor::render(Some(&header(seq)), b"session key and mail")
    }

    fn tail(vault: &[u8]) -> Tail {
        Tail::find(vault, vault.len() as u64).unwrap()
    }

    fn last(vault: &[u8]) -> Option<(u64, usize)> {
        let last = tail(vault).last?;
        Some((last.header.place.seq, usize::try_from(last.end).unwrap()))
    }

    #[test]
    fn an_empty_vault_has_no_last_record_and_is_not_torn() {
        assert_eq!(last(b""), None);
        assert!(!tail(b"").is_torn);
    }

    #[test]
    fn a_record_is_whole_without_its_last_lf_and_torn_without_more() {
        let (first, second) = (ours(0), ours(1));
        let vault = [first.clone(), second].concat();
        let without_lf = vault.len() - 1;
        for cut in first.len()..vault.len() {
            let expected = if cut == without_lf {
                (1, cut)
            } else {
                (0, first.len())
            };
            assert_eq!(last(&vault[..cut]), Some(expected), "cut at {cut}");
            assert_eq!(tail(&vault[..cut]).is_torn, vault[cut - 1] != b'\n');
        }
    }

    #[test]
    fn the_lf_that_completes_a_record_of_ours_belongs_to_it_and_not_to_the_gap() {
        let record = ours(0);
        let without_lf = record.strip_suffix(b"\n").unwrap();
        let nothing: [u8; 32] = Sha256::digest([]).into();
        for end in ["", " ", "\r"] {
            let vault = [without_lf, end.as_bytes()].concat();
            let tail = tail(&vault);
            assert!(tail.is_torn);
            let gap = tail.gap_digest(vault.as_slice(), "\n").unwrap();
            assert_eq!(gap, nothing);
        }
    }

    #[test]
    fn a_header_in_any_other_form_is_not_ours() {
        let ours = String::from_utf8(ours(7)).unwrap();
        for foreign in [
            ours.replace("Comment: archiver 2", "Comment: archiver 1"),
            ours.replace("Comment:", "Version: GnuPG v2\nComment:"),
            ours.replacen("\n\n", "\nHash: SHA256\n\n", 1),
            ours.replacen("MESSAGE-----", "MESSAGE----- ", 1),
            ours.replace('\n', "\r\n"),
            ours.replace("BEGIN PGP MESSAGE", "BEGIN PGP PUBLIC KEY BLOCK"),
        ] {
            assert_eq!(last(foreign.as_bytes()), None, "{foreign}");
        }
    }

    /// The definition, read forward: what the search must find, however it searches.
    fn last_by_definition(vault: &[u8]) -> Option<(u64, usize)> {
        let (mut begin, mut found, mut at) = (None, None, 0);
        for line in vault.split_inclusive(|byte| *byte == b'\n') {
            let end = at + line.len();
            let has_lf = line.ends_with(b"\n");
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let text = &text[..text
                .iter()
                .rposition(|b| *b != b' ')
                .map_or(0, |last| last + 1)];
            if text == BEGIN_LINE.as_bytes() && has_lf {
                begin = Some(at);
            } else if text == END_LINE.as_bytes() {
                let header = begin.take().and_then(|begin| parse_head(&vault[begin..]));
                found = header.map(|h| (h.place.seq, end)).or(found);
            }
            at = end;
        }
        found
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let record = (0..9_u64).prop_map(ours);
        let torn = (0..9_u64, 0..500_usize).prop_map(|(seq, at)| {
            let record = ours(seq);
            record[..at.min(record.len())].to_vec()
        });
        let lines = prop::sample::select(vec![
            "-----BEGIN PGP MESSAGE-----\n",
            "-----BEGIN PGP MESSAGE-----  \r\n",
            "-----END PGP MESSAGE-----\n",
            "-----END PGP MESSAGE-----           \n",
            "-----END PGP MESSAGE-----                                                  \n",
            "-----END PGP MESSAGE-----\r\n",
            "-----END PGP MESSAGE-----",
            "-----END PGP MESSAGE-----\r",
            "------\n",
            "\n-----\n-----\n",
            "\n",
            "\r\n",
            "\0\0\0",
            "SGVsbG8=\n",
        ]);
        let lines = lines.prop_map(|line| line.as_bytes().to_vec());
        prop_oneof![
            record,
            torn,
            lines.boxed(),
            prop::collection::vec(any::<u8>(), 0..80)
        ]
    }

    proptest! {
        #[test]
        fn searching_backward_finds_what_reading_forward_defines(
            pieces in prop::collection::vec(piece(), 0..12),
        ) {
            let vault = pieces.concat();
            prop_assert_eq!(last(&vault), last_by_definition(&vault));
        }

        #[test]
        fn the_gap_is_everything_behind_the_last_record(
            before in piece(), behind in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let vault = [before, b"\n".to_vec(), ours(0), behind].concat();
            let tail = tail(&vault);
            let end = tail.last.as_ref().map_or(0, |last| last.end);
            let mut gap = vault[usize::try_from(end).unwrap()..].to_vec();
            let newline = if tail.is_torn { "\n" } else { "" };
            gap.extend_from_slice(newline.as_bytes());
            let expected: [u8; 32] = Sha256::digest(gap).into();
            prop_assert_eq!(tail.gap_digest(vault.as_slice(), newline).unwrap(), expected);
        }
    }
}
