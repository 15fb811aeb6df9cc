//! Finds the records of a vault in one streaming pass (docs/format.md, section 7).
//!
//! The spans that come out tile the vault: every byte lies in exactly one of them, whatever the bytes are. Nothing is
//! decoded here, and nothing is trusted but the begin and end lines; memory stays at one buffer, however long a record,
//! a line or a hole is.

use std::io::{self, Read};

use memchr::memmem::Finder;

/// What both marker lines have in common; one search finds either.
const COMMON: &[u8] = b" PGP MESSAGE-----";
const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
/// Bytes kept ahead of the search position: what can stand in front of [`COMMON`] in a marker line, and the line feed before.
const KEPT: usize = 1 + BEGIN.len();
const BUFFER: usize = 256 * 1024;
const SMALLEST_BUFFER: usize = 2 * (KEPT + COMMON.len());

/// A stretch of a vault, in bytes from the vault's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it starts.
    pub offset: u64,
    /// How long it is; never 0.
    pub length: u64,
    /// What it is.
    pub kind: SpanKind,
}

impl Span {
    /// The offset of the first byte after it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }
}

/// What a stretch of a vault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// From a begin line to the end of its end line.
    Record,
    /// From a begin line that has no end line to the next begin line or the end of the vault.
    Torn,
    /// Bytes that belong to no record: white space, foreign text, garbage, holes.
    Stray,
}

/// The spans of a vault, in order, as an iterator. After an error it is over.
#[derive(Debug)]
pub struct Scanner<R> {
    markers: Markers<R>,
    /// The first byte that no span has covered yet.
    uncovered: u64,
    /// Whether that byte is the start of a begin line.
    in_record: bool,
    over: bool,
}

impl<R: Read> Scanner<R> {
    /// Scans everything that `vault` gives.
    pub fn new(vault: R) -> Self {
        Self::with_buffer(vault, BUFFER)
    }

    fn with_buffer(vault: R, size: usize) -> Self {
        Self {
            markers: Markers::new(vault, size),
            uncovered: 0,
            in_record: false,
            over: false,
        }
    }

    fn next_span(&mut self) -> io::Result<Option<Span>> {
        while let Some(marker) = self.markers.next_marker()? {
            match marker.kind {
                MarkerKind::Begin => {
                    let before = self.cover(marker.start, self.unfinished());
                    self.in_record = true;
                    if before.is_some() {
                        return Ok(before);
                    }
                }
                MarkerKind::End if self.in_record => {
                    self.in_record = false;
                    return Ok(self.cover(marker.end, SpanKind::Record));
                }
                MarkerKind::End => {}
            }
        }
        self.over = true;
        Ok(self.cover(self.markers.offset(self.markers.filled), self.unfinished()))
    }

    /// What a span is that no end line closes.
    fn unfinished(&self) -> SpanKind {
        if self.in_record {
            SpanKind::Torn
        } else {
            SpanKind::Stray
        }
    }

    /// Covers all bytes up to `end`; `None` when there are none.
    fn cover(&mut self, end: u64, kind: SpanKind) -> Option<Span> {
        let offset = std::mem::replace(&mut self.uncovered, end);
        (end > offset).then_some(Span {
            offset,
            length: end - offset,
            kind,
        })
    }
}

impl<R: Read> Iterator for Scanner<R> {
    type Item = io::Result<Span>;

    fn next(&mut self) -> Option<io::Result<Span>> {
        if self.over {
            return None;
        }
        let span = self.next_span();
        self.over |= span.is_err();
        span.transpose()
    }
}

/// A begin or end line: from its first dash to the byte after its line feed.
struct Marker {
    kind: MarkerKind,
    start: u64,
    end: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MarkerKind {
    Begin,
    End,
}

/// What the bytes before the search position mean.
#[derive(Debug, Clone, Copy)]
enum State {
    Searching,
    /// A marker's text is behind us; blanks and the line's end must follow.
    LineEnd {
        kind: MarkerKind,
        start: u64,
        carriage_return: bool,
    },
}

/// The marker lines of a vault, in order.
#[derive(Debug)]
struct Markers<R> {
    source: R,
    finder: Finder<'static>,
    buffer: Vec<u8>,
    /// How much of the buffer holds bytes of the vault.
    filled: usize,
    /// How much of that is looked at.
    searched: usize,
    /// The vault's offset of the buffer's first byte.
    base: u64,
    state: State,
}

impl<R: Read> Markers<R> {
    fn new(source: R, size: usize) -> Self {
        Self {
            source,
            finder: Finder::new(COMMON),
            buffer: vec![0; size.max(SMALLEST_BUFFER)],
            filled: 0,
            searched: 0,
            base: 0,
            state: State::Searching,
        }
    }

    fn offset(&self, index: usize) -> u64 {
        self.base + index as u64
    }

    fn unsearched(&self) -> &[u8] {
        self.buffer
            .get(self.searched..self.filled)
            .unwrap_or_default()
    }

    fn next_marker(&mut self) -> io::Result<Option<Marker>> {
        loop {
            let found = match self.state {
                State::Searching => {
                    self.search();
                    None
                }
                State::LineEnd {
                    kind,
                    start,
                    carriage_return,
                } => self.finish_line(kind, start, carriage_return),
            };
            if found.is_some() {
                return Ok(found);
            }
            let looking_for_more = match self.state {
                State::Searching => self.unsearched().len() < COMMON.len(),
                State::LineEnd { .. } => self.unsearched().is_empty(),
            };
            if looking_for_more && !self.refill()? {
                return Ok(self.marker_at_end_of_file());
            }
        }
    }

    /// Goes on to the next marker's text, or to the end of what the buffer can tell.
    fn search(&mut self) {
        let Some(hit) = self.finder.find(self.unsearched()) else {
            let undecided = COMMON.len() - 1;
            self.searched = self.searched.max(self.filled.saturating_sub(undecided));
            return;
        };
        let common = self.searched + hit;
        self.searched = common + COMMON.len();
        let before = self.buffer.get(..common).unwrap_or_default();
        for (kind, word) in [(MarkerKind::Begin, BEGIN), (MarkerKind::End, END)] {
            let Some(ahead) = before.strip_suffix(word) else {
                continue;
            };
            let start = self.offset(ahead.len());
            if start == 0 || ahead.last() == Some(&b'\n') {
                self.state = State::LineEnd {
                    kind,
                    start,
                    carriage_return: false,
                };
            }
        }
    }

    /// Takes blanks, perhaps a carriage return, and the line feed after a marker's text; anything else makes it plain text.
    fn finish_line(
        &mut self,
        kind: MarkerKind,
        start: u64,
        mut carriage_return: bool,
    ) -> Option<Marker> {
        while let Some(byte) = self.unsearched().first() {
            match byte {
                b' ' | b'\t' if !carriage_return => {}
                b'\r' if !carriage_return => carriage_return = true,
                b'\n' => {
                    self.state = State::Searching;
                    self.searched += 1;
                    let end = self.offset(self.searched);
                    return Some(Marker { kind, start, end });
                }
                _ => {
                    self.state = State::Searching;
                    return None;
                }
            }
            self.searched += 1;
        }
        self.state = State::LineEnd {
            kind,
            start,
            carriage_return,
        };
        None
    }

    /// At the end of the vault an end line may lack its line feed. A begin line there begins nothing.
    fn marker_at_end_of_file(&mut self) -> Option<Marker> {
        let end = self.offset(self.filled);
        match std::mem::replace(&mut self.state, State::Searching) {
            State::LineEnd { kind, start, .. } if kind == MarkerKind::End => {
                Some(Marker { kind, start, end })
            }
            _ => None,
        }
    }

    /// Drops what is looked at but for the last few bytes, and reads on. `false` at the end of the vault.
    fn refill(&mut self) -> io::Result<bool> {
        let dropped = self.searched.saturating_sub(KEPT);
        self.buffer.copy_within(dropped..self.filled, 0);
        self.base += dropped as u64;
        self.filled -= dropped;
        self.searched -= dropped;
        let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let read = loop {
            match self.source.read(free) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.filled += read;
        Ok(read > 0)
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORD: &[u8] =
        b"-----BEGIN PGP MESSAGE-----\n\nwcBMA0==\n=abcd\n-----END PGP MESSAGE-----\n";

    fn scan(vault: &[u8]) -> Vec<Span> {
        Scanner::new(vault).map(Result::unwrap).collect()
    }

    fn kinds(vault: &[u8]) -> Vec<(SpanKind, u64)> {
        scan(vault).iter().map(|s| (s.kind, s.length)).collect()
    }

    /// Gives at most `step` bytes a read.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let step = self.1.min(buf.len());
            self.0.read(&mut buf[..step])
        }
    }

    /// The page docs/format.md, line by line and with the whole vault in memory.
    fn by_the_page(vault: &[u8]) -> Vec<Span> {
        let mut marks = Vec::new();
        let mut offset = 0;
        for line in vault.split_inclusive(|b| *b == b'\n') {
            let whole = line.ends_with(b"\n");
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text).trim_ascii_end();
            let clean = !line[text.len()..].contains(&0x0c)
                && memchr::memchr_iter(b'\r', &line[text.len()..]).count() <= 1;
            if clean && whole && text == b"-----BEGIN PGP MESSAGE-----" {
                marks.push((MarkerKind::Begin, offset, offset + line.len()));
            } else if clean && text == b"-----END PGP MESSAGE-----" {
                marks.push((MarkerKind::End, offset, offset + line.len()));
            }
            offset += line.len();
        }
        let mut spans = Vec::new();
        let (mut from, mut open) = (0, false);
        let mut push = |from: usize, to: usize, kind| {
            if to > from {
                spans.push(Span {
                    offset: from as u64,
                    length: (to - from) as u64,
                    kind,
                });
            }
        };
        for (kind, start, end) in marks {
            let unfinished = if open {
                SpanKind::Torn
            } else {
                SpanKind::Stray
            };
            match (kind, open) {
                (MarkerKind::Begin, _) => {
                    push(from, start, unfinished);
                    (from, open) = (start, true);
                }
                (MarkerKind::End, true) => {
                    push(from, end, SpanKind::Record);
                    (from, open) = (end, false);
                }
                (MarkerKind::End, false) => {}
            }
        }
        push(
            from,
            vault.len(),
            if open {
                SpanKind::Torn
            } else {
                SpanKind::Stray
            },
        );
        spans
    }

    #[test]
    fn a_clean_vault_is_records_and_nothing_else() {
        assert!(scan(b"").is_empty());
        assert_eq!(
            kinds(&RECORD.repeat(3)),
            [(SpanKind::Record, RECORD.len() as u64); 3]
        );
    }

    #[test]
    fn the_last_line_feed_may_be_missing() {
        let cut = &RECORD[..RECORD.len() - 1];
        assert_eq!(kinds(cut), [(SpanKind::Record, cut.len() as u64)]);
    }

    #[test]
    fn a_torn_record_ends_where_the_next_one_begins() {
        let mut vault = RECORD[..40].to_vec();
        vault.push(b'\n');
        vault.extend_from_slice(RECORD);
        vault.extend_from_slice(&RECORD[..50]);
        let expected = [
            (SpanKind::Torn, 41),
            (SpanKind::Record, RECORD.len() as u64),
            (SpanKind::Torn, 50),
        ];
        assert_eq!(kinds(&vault), expected);
    }

    #[test]
    fn carriage_returns_and_trailing_blanks_are_part_of_a_marker_line() {
        let vault = b"-----BEGIN PGP MESSAGE----- \t\r\nx\r\n-----END PGP MESSAGE-----\r\n";
        assert_eq!(kinds(vault), [(SpanKind::Record, vault.len() as u64)]);
    }

    #[test]
    fn a_marker_inside_a_line_begins_nothing() {
        for not_ours in [
            &b"> -----BEGIN PGP MESSAGE-----\n"[..],
            b"-----BEGIN PGP MESSAGE-----x\n",
            b"-----BEGIN PGP MESSAGE-----",
            b"-----BEGIN PGP MESSAGE----- \r \n",
            b"-----END PGP MESSAGE-----\n",
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
        ] {
            assert_eq!(kinds(not_ours), [(SpanKind::Stray, not_ours.len() as u64)]);
        }
    }

    #[test]
    fn holes_and_lines_longer_than_the_buffer_cost_no_record() {
        let hole = vec![0; 3 * BUFFER];
        let blanks = vec![b' '; 3 * BUFFER];
        let mut vault = RECORD.to_vec();
        vault.extend_from_slice(&hole);
        vault.push(b'\n');
        vault.extend_from_slice(b"-----BEGIN PGP MESSAGE-----");
        vault.extend_from_slice(&blanks);
        vault.extend_from_slice(b"\n-----END PGP MESSAGE-----\n");
        let expected = [
            (SpanKind::Record, RECORD.len() as u64),
            (SpanKind::Stray, hole.len() as u64 + 1),
            (SpanKind::Record, blanks.len() as u64 + 54),
        ];
        assert_eq!(kinds(&vault), expected);
    }

    #[test]
    fn an_error_of_the_source_ends_the_scan() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::PermissionDenied))
            }
        }
        let mut scanner = Scanner::new(Broken);
        assert!(scanner.next().unwrap().is_err());
        assert!(scanner.next().is_none());
    }

    /// Pieces of vaults, whole and mangled.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            3 => Just(RECORD.to_vec()),
            2 => Just(b"-----BEGIN PGP MESSAGE-----".to_vec()),
            2 => Just(b"-----END PGP MESSAGE-----".to_vec()),
            1 => Just(b"-----BEGIN".to_vec()),
            1 => Just(b" PGP MESSAGE-----".to_vec()),
            1 => Just(b"-----END".to_vec()),
            3 => Just(b"\n".to_vec()),
            1 => Just(b"\r\n".to_vec()),
            1 => Just(b" \t".to_vec()),
            1 => Just(vec![0; 100]),
            2 => (0..RECORD.len()).prop_map(|cut| RECORD[..cut].to_vec()),
            2 => proptest::collection::vec(any::<u8>(), 0..40),
        ]
    }

    proptest! {
        #[test]
        fn spans_tile_any_bytes_and_follow_the_page(
            pieces in proptest::collection::vec(piece(), 0..30),
            buffer in 0_usize..300,
            step in 1_usize..100,
        ) {
            let vault = pieces.concat();
            let spans = scan(&vault);
            let mut offset = 0;
            for span in &spans {
                prop_assert_eq!(span.offset, offset);
                prop_assert!(span.length > 0);
                offset = span.end();
            }
            prop_assert_eq!(offset, vault.len() as u64);
            prop_assert_eq!(&spans, &by_the_page(&vault));

            let in_small_steps: Vec<Span> = Scanner::with_buffer(Slow(&vault, step), buffer)
                .map(Result::unwrap)
                .collect();
            prop_assert_eq!(&in_small_steps, &spans);
        }

        #[test]
        fn records_planted_in_garbage_are_all_found(
            garbage in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..200), 1..12),
        ) {
            let mut vault = Vec::new();
            let mut planted = Vec::new();
            for bytes in &garbage {
                vault.extend_from_slice(bytes);
                vault.push(b'\n');
                planted.push(vault.len() as u64);
                vault.extend_from_slice(RECORD);
            }
            let found: Vec<u64> = scan(&vault)
                .iter()
                .filter(|s| s.kind == SpanKind::Record)
                .map(|s| s.offset)
                .collect();
            prop_assert_eq!(found, planted);
        }
    }
}
