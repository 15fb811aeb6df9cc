//! The notes of a `.seals` file: one after the other, and nothing else unless a write was cut off (docs/format.md §8.4).
//!
//! A note goes from a line that is an origin to its signature line. What is not a whole note is passed over, and told.

use std::io::{self, Read};
use std::ops::Range;

use super::note::{MOST_BYTES, Note, NoteError, Origin, SIGNATURE_BEGIN};

/// A part of the file: a note, or what stands in the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins in the file.
    pub offset: u64,
    /// The note, or why it is none.
    pub note: Result<Note, NoteError>,
}

/// Parts a file, or the end of one that begins at `offset`.
pub fn pieces(file: &[u8], offset: u64) -> impl Iterator<Item = Piece> {
    ranges(file).into_iter().map(move |range| Piece {
        offset: offset + range.start as u64,
        note: read(file.get(range).unwrap_or_default()),
    })
}

/// So much of a file is read at once.
const BLOCK: usize = 1 << 20;

/// Parts a file while it is read: no more than a few blocks of it are ever in memory.
///
/// # Errors
/// Those of the reader.
pub fn read_pieces(file: impl Read, each: impl FnMut(Piece)) -> io::Result<()> {
    read_in_blocks(file, BLOCK, each)
}

fn read_in_blocks(
    mut file: impl Read,
    block: usize,
    mut each: impl FnMut(Piece),
) -> io::Result<()> {
    let (mut buffer, mut offset) = (Vec::new(), 0);
    loop {
        let read = file.by_ref().take(block as u64).read_to_end(&mut buffer)?;
        let whole = if read == 0 {
            buffer.len()
        } else {
            whole_pieces(&buffer, block)
        };
        let rest = buffer.split_off(whole.min(buffer.len()));
        pieces(&buffer, offset).for_each(&mut each);
        offset += buffer.len() as u64;
        buffer = rest;
        if read == 0 {
            return Ok(());
        }
    }
}

/// How much of the buffer is pieces to which nothing belongs that comes later: what ends with a signature line. Where none is in sight and the
/// buffer is full, all lines count that no note can reach back to; a single line that fills the buffer is cut.
fn whole_pieces(buffer: &[u8], full: usize) -> usize {
    let (mut at, mut end, mut lines_end) = (0, 0, 0);
    let far = buffer.len().saturating_sub(MOST_BYTES);
    for line in buffer.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if line.ends_with(b"\n") && line.starts_with(SIGNATURE_BEGIN.as_bytes()) {
            end = at;
        }
        if at <= far {
            lines_end = at;
        }
    }
    match (end, lines_end) {
        (0, _) if buffer.len() < full.saturating_add(MOST_BYTES) => 0,
        (0, 0) => far,
        (0, lines) => lines,
        (end, _) => end,
    }
}

fn read(piece: &[u8]) -> Result<Note, NoteError> {
    let text = std::str::from_utf8(piece).map_err(|_| NoteError::OtherText)?;
    text.parse()
}

/// A piece ends behind a signature line, before an origin, and at the file's end.
fn ranges(file: &[u8]) -> Vec<Range<usize>> {
    let (mut ranges, mut begin, mut at) = (Vec::new(), 0, 0);
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        if is_origin(line) && begin < at {
            ranges.push(begin..at);
            begin = at;
        }
        at += line.len();
        if line.starts_with(SIGNATURE_BEGIN.as_bytes()) {
            ranges.push(begin..at);
            begin = at;
        }
    }
    if begin < at {
        ranges.push(begin..at);
    }
    ranges
}

fn is_origin(line: &[u8]) -> bool {
    let text = line
        .strip_suffix(b"\n")
        .filter(|text| text.len() < MOST_BYTES);
    text.and_then(|text| std::str::from_utf8(text).ok())
        .is_some_and(|text| text.parse::<Origin>().is_ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::seal::vectors::Vectors;

    fn notes() -> [String; 3] {
        let vectors = Vectors::read();
        [vectors.empty_final, vectors.interim, vectors.last_final]
    }

    fn read_back(file: &str) -> Vec<Piece> {
        pieces(file.as_bytes(), 0).collect()
    }

    #[test]
    fn a_file_is_its_notes_with_their_offsets() {
        let notes = notes();
        let pieces = read_back(&notes.concat());
        let texts = pieces
            .iter()
            .map(|piece| piece.note.as_ref().unwrap().to_string());
        assert_eq!(texts.collect::<Vec<_>>(), notes);
        let second = notes[0].len() as u64;
        assert_eq!(
            pieces.iter().map(|p| p.offset).collect::<Vec<_>>(),
            [0, second, second + notes[1].len() as u64]
        );
        assert_eq!(read_back(""), []);
    }

    #[test]
    fn a_note_torn_anywhere_and_ended_by_the_next_writer_costs_only_itself() {
        let [first, second, third] = notes();
        for length in 1..second.len() {
            let torn = &second.as_bytes()[..length];
            let newline: &[u8] = if torn.ends_with(b"\n") { b"" } else { b"\n" };
            let file = [first.as_bytes(), torn, newline, third.as_bytes()].concat();
            let pieces: Vec<Piece> = pieces(&file, 0).collect();
            let notes = pieces
                .iter()
                .filter_map(|piece| Some(piece.note.as_ref().ok()?.to_string()));
            // The LF that ends a torn line is all that a note without its last LF lacks.
            let is_completed = length == second.len() - 1;
            let expected: &[&String] = if is_completed {
                &[&first, &second, &third]
            } else {
                &[&first, &third]
            };
            assert!(
                notes.eq(expected.iter().map(|note| (*note).clone())),
                "torn at {length}"
            );
            assert_eq!(pieces.len(), 3);
        }
    }

    #[test]
    fn a_file_that_is_read_block_by_block_has_the_same_pieces() {
        let [first, second, third] = notes();
        let torn = &second[..200];
        let file = [
            &first,
            torn,
            "\n",
            &second,
            "\nstray\n",
            &third,
            &first,
            torn,
        ]
        .concat();
        let expected: Vec<Piece> = pieces(file.as_bytes(), 0).collect();
        for block in [1, 7, 100, 500, 4096] {
            let mut found = Vec::new();
            read_in_blocks(file.as_bytes(), block, |piece| found.push(piece)).unwrap();
            assert_eq!(found, expected, "blocks of {block} bytes");
        }
    }

    #[test]
    fn garbage_without_end_hides_no_note_and_fills_no_memory() {
        let [first, second, _] = notes();
        for garbage in [vec![b'x'; 100_000], b"x\n".repeat(50_000)] {
            let file = [first.as_bytes(), &garbage, b"\n", second.as_bytes()].concat();
            let mut found = Vec::new();
            read_in_blocks(file.as_slice(), 4096, |piece| found.push(piece)).unwrap();
            let notes = found.iter().filter_map(|piece| piece.note.as_ref().ok());
            let texts: Vec<String> = notes.map(ToString::to_string).collect();
            assert_eq!(texts, [first.as_str(), second.as_str()]);
            let second_at = (file.len() - second.len()) as u64;
            assert_eq!(found.last().unwrap().offset, second_at);
        }
    }

    #[test]
    fn bytes_of_any_kind_are_told_and_passed_over() {
        let [first, second, _] = notes();
        for stray in [
            &b"\n"[..],
            b"\xff\xfe\0",
            b"archiver/\n",
            "\u{2014} x\n".as_bytes(),
            b"no line end",
        ] {
            let file = [first.as_bytes(), stray, b"\n", second.as_bytes()].concat();
            let pieces: Vec<Piece> = pieces(&file, 0).collect();
            assert_eq!(
                pieces.iter().filter(|piece| piece.note.is_ok()).count(),
                2,
                "{stray:?}"
            );
            assert!(
                pieces
                    .iter()
                    .any(|piece| piece.note.is_err() && piece.offset == first.len() as u64)
            );
        }
    }
}
