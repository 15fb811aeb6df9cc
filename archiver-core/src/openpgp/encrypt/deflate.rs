//! Compresses a mail to the zlib format (RFC 1950, RFC 1951), piece by piece, each piece in the way that serves it best.
//!
//! Mails are text, which repeats itself, and attachments in base64, which do not: there, to look for repetitions takes twice the time
//! and gains nothing. What would not shrink is stored, and so is what would shrink so much that a reader's limit on inflation
//! comes near: at no point does the whole shrink more than 50-fold. A piece that is compressed in another way than the one
//! before knows nothing of it, so the pieces simply follow each other.

use std::io::{self, Write};

use zlib_rs::adler32::adler32;
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status, Strategy};

/// Half of what a reader inflates at most (docs/format.md §7.2).
const MOST_INFLATION: u64 = 50;

/// So much is compressed, and judged, at once.
const PIECE: usize = 128 * 1024;

/// From this length on a piece is looked at: shorter mails are text as a rule.
const WORTH_A_LOOK: usize = 16 * 1024;
/// So much of a piece is looked at, in its middle.
const SAMPLE: usize = 8 * 1024;

/// zlib's level. On 6,046 real mails (32.5 MB, median 3.5 KB) zlib-rs gives, with armor and headers: level 1 a vault of 0.807 of the
/// mails' size, 2: 0.653, 3: 0.639, 6: 0.632, 9: 0.632; levels 2 to 8 cost the same 50 to 65 µs a mail.
const LEVEL: i32 = 6;

/// RFC 1950 §2.2: deflate with a window of 32 KiB, no dictionary.
const HEADER: [u8; 2] = [0x78, 0x9c];

/// RFC 1951 §3.2.4: the most that one stored block holds.
const MOST_STORED: usize = 0xffff;

/// Compresses what is written to it.
pub(super) struct Zlib<W> {
    out: W,
    /// What is to be compressed next; written when it is full and more comes, or at the end.
    piece: Vec<u8>,
    /// A piece compressed.
    compressed: Vec<u8>,
    engines: Engines,
    checksum: u32,
    taken: u64,
    given: u64,
}

impl<W: Write> Zlib<W> {
    /// Begins a compressed stream. `expected` is the length of the content, as far as it is known.
    pub(super) fn begin(expected: usize, mut out: W) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let piece = expected.min(PIECE);
        Ok(Self {
            out,
            piece: Vec::with_capacity(piece),
            compressed: vec![0; piece + piece / 8 + 64],
            engines: Engines::for_mail(expected),
            checksum: 1,
            taken: 0,
            given: HEADER.len() as u64,
        })
    }

    /// Writes the rest and the checksum, and gives back what everything was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write_piece(true)?;
        self.out.write_all(&self.checksum.to_be_bytes())?;
        Ok(self.out)
    }

    fn write_piece(&mut self, is_last: bool) -> io::Result<()> {
        self.checksum = adler32(self.checksum, &self.piece);
        self.taken += self.piece.len() as u64;
        let flush = if is_last {
            DeflateFlush::Finish
        } else {
            DeflateFlush::SyncFlush
        };
        let compressed = self
            .engines
            .compress(&self.piece, &mut self.compressed, flush)?;
        let given = self.given + compressed.len() as u64;
        if compressed.len() < self.piece.len() && self.taken <= MOST_INFLATION * given {
            self.out.write_all(compressed)?;
            self.given = given;
        } else {
            self.engines.forget();
            self.store(is_last)?;
        }
        self.piece.clear();
        Ok(())
    }

    /// RFC 1951 §3.2.4: the piece as it is. What was written before ends with a whole byte.
    fn store(&mut self, is_last: bool) -> io::Result<()> {
        let mut blocks = self.piece.chunks(MOST_STORED).peekable();
        if blocks.peek().is_none() && is_last {
            return self.out.write_all(&[1, 0, 0, 0xff, 0xff]);
        }
        while let Some(block) = blocks.next() {
            let is_last = is_last && blocks.peek().is_none();
            let length = u16::try_from(block.len()).map_err(io::Error::other)?;
            let [a, b] = length.to_le_bytes();
            self.out.write_all(&[u8::from(is_last), a, b, !a, !b])?;
            self.out.write_all(block)?;
            self.given += 5 + u64::from(length);
        }
        Ok(())
    }
}

impl<W: Write> Write for Zlib<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.write_piece(false)?;
        }
        let room = PIECE - self.piece.len();
        let (taken, _) = bytes.split_at(room.min(bytes.len()));
        self.piece.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The two ways to compress, each made when it is first needed.
struct Engines {
    window_bits: i32,
    repetitions: Option<Deflate>,
    frequencies: Option<Deflate>,
    /// Whose piece was the last: it may go on from there.
    last: Option<Way>,
}

/// What is made use of: that bytes come again in the same order, or only that some are more frequent than others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Repetitions,
    Frequencies,
}

impl Engines {
    /// A mail shorter than the window does not need all of it, and to zero it is a part of the hook's time.
    fn for_mail(length: usize) -> Self {
        let window_bits = match length {
            0..=0x2000 => 13,
            0x2001..=0x4000 => 14,
            _ => 15,
        };
        Self {
            window_bits,
            repetitions: None,
            frequencies: None,
            last: None,
        }
    }

    /// The next piece cannot rely on the ones before.
    fn forget(&mut self) {
        self.last = None;
    }

    fn compress<'a>(
        &mut self,
        piece: &[u8],
        room: &'a mut [u8],
        flush: DeflateFlush,
    ) -> io::Result<&'a [u8]> {
        let way = if piece.len() < WORTH_A_LOOK || repeats_itself(piece) {
            Way::Repetitions
        } else {
            Way::Frequencies
        };
        let goes_on = self.last == Some(way);
        self.last = Some(way);
        let engine = self.engine(way);
        if !goes_on && engine.total_in() > 0 {
            engine.reset();
        }
        let before = engine.total_out();
        let outcome = engine.compress(piece, room, flush);
        let written = usize::try_from(engine.total_out() - before).map_err(io::Error::other)?;
        let whole = match outcome {
            Ok(Status::Ok) => flush == DeflateFlush::SyncFlush && written < room.len(),
            Ok(Status::StreamEnd) => true,
            Ok(Status::BufError) | Err(_) => false,
        };
        match room.get(..written) {
            Some(compressed) if whole => Ok(compressed),
            _ => Err(io::Error::other("zlib failed")),
        }
    }

    fn engine(&mut self, way: Way) -> &mut Deflate {
        let (engine, strategy) = match way {
            Way::Repetitions => (&mut self.repetitions, Strategy::Default),
            Way::Frequencies => (&mut self.frequencies, Strategy::HuffmanOnly),
        };
        let window_bits = self.window_bits;
        engine.get_or_insert_with(|| {
            Deflate::new_with_config(DeflateConfig {
                level: LEVEL,
                // Negative: without zlib's own header and checksum.
                window_bits: -window_bits,
                strategy,
                ..DeflateConfig::default()
            })
        })
    }
}

/// Whether four bytes in a row come again in a sample of the piece, more often than in one of 64 places. In base64 of what is random
/// they hardly ever do; in text they do in every third.
fn repeats_itself(piece: &[u8]) -> bool {
    const SLOTS: usize = 4096;
    let (_, from_middle) = piece.split_at((piece.len() - SAMPLE.min(piece.len())) / 2);
    let (sample, _) = from_middle.split_at(SAMPLE.min(from_middle.len()));
    let mut seen = [0_u32; SLOTS];
    let repeated = sample.array_windows().filter(|four| {
        let word = u32::from_le_bytes(**four);
        let slot = word.wrapping_mul(0x9e37_79b1) >> 20;
        let slot = usize::try_from(slot)
            .ok()
            .and_then(|slot| seen.get_mut(slot));
        slot.is_some_and(|slot| std::mem::replace(slot, word) == word)
    });
    repeated.count() > sample.len() / 64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compressed(content: &[u8], expected: usize) -> Vec<u8> {
        let mut zlib = Zlib::begin(expected, Vec::new()).unwrap();
        for part in content.chunks(50_000) {
            zlib.write_all(part).unwrap();
        }
        zlib.finish().unwrap()
    }

    #[track_caller]
    fn assert_comes_back(content: &[u8]) -> usize {
        let compressed = compressed(content, content.len());
        let mut read = vec![0; content.len() + 1];
        let config = zlib_rs::InflateConfig::default();
        let (read, code) = zlib_rs::decompress_slice(&mut read, &compressed, config);
        assert_eq!(code, zlib_rs::ReturnCode::Ok);
        assert!(read == content);
        compressed.len()
    }

    /// What no compression makes shorter.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            state.to_be_bytes()[0]
        };
        (0..length).map(|_| next()).collect()
    }

    fn base64(length: usize) -> Vec<u8> {
        let text = base64_simd::STANDARD.encode_to_string(noise(length / 4 * 3));
        let lines = text.as_bytes().chunks(76);
        lines.flat_map(|line| [line, b"\r\n"].concat()).collect()
    }

    fn text(length: usize) -> Vec<u8> {
        let lines = (0_u32..).flat_map(|n| format!("line {n} of many\r\n").into_bytes());
        lines.take(length).collect()
    }

    #[test]
    fn all_kinds_of_content_come_back_around_every_border() {
        for border in [0, 0x2000, 0x4000, MOST_STORED, PIECE, 3 * PIECE] {
            for length in [border.saturating_sub(1), border, border + 1] {
                for content in [noise(length), base64(length), text(length), vec![0; length]] {
                    assert_comes_back(&content);
                }
            }
        }
    }

    #[test]
    fn content_that_changes_its_kind_comes_back() {
        let parts = [
            text(PIECE),
            base64(PIECE + 5),
            text(3 * PIECE),
            noise(PIECE),
            vec![b'a'; 20 * PIECE],
            text(100),
        ];
        assert_comes_back(&parts.concat());
    }

    #[test]
    fn nothing_shrinks_more_than_fifty_fold_and_dense_content_nearly_that() {
        for length in [1_000, 50_000, PIECE + 1, 100 * PIECE] {
            let compressed = assert_comes_back(&vec![b'a'; length]);
            assert!(length <= 50 * compressed, "{length} to {compressed}");
            assert!(length < 51 * PIECE || length > 40 * compressed, "{length}");
        }
    }

    #[test]
    fn text_and_base64_shrink_as_they_should_and_noise_hardly_grows() {
        let size = 10 * PIECE;
        assert!(assert_comes_back(&text(size)) < size / 4);
        let base64 = base64(size);
        assert!(assert_comes_back(&base64) < base64.len() * 77 / 100);
        assert!(assert_comes_back(&noise(size)) < size + size / 1000);
    }

    #[test]
    fn repetitions_are_not_looked_for_where_there_are_none() {
        assert!(repeats_itself(&text(PIECE)) && !repeats_itself(&base64(PIECE)));
        assert!(repeats_itself(&vec![b'A'; PIECE]) && !repeats_itself(&noise(PIECE)));
        assert!(!repeats_itself(b"abc") && !repeats_itself(b""));
    }

    proptest! {
        #[test]
        fn any_content_comes_back(content: Vec<u8>) {
            assert_comes_back(&content);
        }
    }
}
