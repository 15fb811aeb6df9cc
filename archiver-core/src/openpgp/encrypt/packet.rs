//! Packet headers in the new format (RFC 4880 §4.2.2): of a body whose length is known, and of one that comes in pieces.

use std::io::{self, Write};

pub(super) const LITERAL: u8 = 11;
pub(super) const COMPRESSED: u8 = 8;
pub(super) const SEIPD: u8 = 18;

/// Bodies of unknown length are parted into pieces of so many bytes, a power of 2 and at least 512 (RFC 4880 §4.2.2.4).
const PIECE: usize = 1 << PIECE_BITS;
const PIECE_BITS: u8 = 16;
const PARTIAL: u8 = 224;

/// A packet's tag octet and the octets of its length. GnuPG, too, writes five octets from 192 bytes on.
pub(super) fn head(tag: u8, length: u32) -> Vec<u8> {
    let mut head = vec![0b1100_0000 | tag];
    head.extend_from_slice(&definite(length));
    head
}

fn definite(length: u32) -> Vec<u8> {
    match length.to_be_bytes() {
        [0, 0, 0, short @ 0..=191] => vec![short],
        [a, b, c, d] => vec![255, a, b, c, d],
    }
}

/// The body of a packet whose length is not known: written in pieces, each behind its own length.
#[derive(Debug)]
pub(super) struct PartialBody<W> {
    out: W,
    /// An octet's room for the length, and what there is of the piece.
    piece: Vec<u8>,
}

impl<W: Write> PartialBody<W> {
    /// Writes the packet's tag.
    pub(super) fn begin(tag: u8, mut out: W) -> io::Result<Self> {
        out.write_all(&[0b1100_0000 | tag])?;
        let mut piece = Vec::with_capacity(1 + PIECE);
        piece.push(PARTIAL | PIECE_BITS);
        Ok(Self { out, piece })
    }

    /// Writes the last piece, which has a definite length, and gives back what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let (_, last) = self.piece.split_at(1);
        let length = u32::try_from(last.len()).map_err(io::Error::other)?;
        self.out.write_all(&definite(length))?;
        self.out.write_all(last)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for PartialBody<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = 1 + PIECE - self.piece.len();
        let (taken, _) = bytes.split_at(room.min(bytes.len()));
        self.piece.extend_from_slice(taken);
        if self.piece.len() == 1 + PIECE {
            self.out.write_all(&self.piece)?;
            self.piece.truncate(1);
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_definite_length_has_one_octet_or_five() {
        assert_eq!(head(LITERAL, 191), [0xcb, 191]);
        assert_eq!(head(LITERAL, 192), [0xcb, 255, 0, 0, 0, 192]);
        assert_eq!(head(SEIPD, u32::MAX), [0xd2, 255, 255, 255, 255, 255]);
    }

    /// The lengths of the pieces, as RFC 4880 §4.2.2 has them, and the body that they hold.
    fn parsed(mut packet: &[u8]) -> (Vec<usize>, Vec<u8>) {
        let (mut lengths, mut body) = (Vec::new(), Vec::new());
        loop {
            let (length, octets, last) = match *packet {
                [short @ 0..=191, ..] => (usize::from(short), 1, true),
                [255, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 5, true),
                [partial @ 224..=254, ..] => (1 << (partial & 31), 1, false),
                _ => unreachable!("{packet:?}"),
            };
            let (piece, rest) = packet[octets..].split_at(length);
            lengths.push(length);
            body.extend_from_slice(piece);
            if last {
                assert!(rest.is_empty());
                return (lengths, body);
            }
            packet = rest;
        }
    }

    #[test]
    fn a_body_of_unknown_length_comes_in_pieces_and_ends_with_a_definite_one() {
        for (length, expected) in [
            (0, vec![0]),
            (7, vec![7]),
            (PIECE - 1, vec![PIECE - 1]),
            (PIECE, vec![PIECE, 0]),
            (2 * PIECE + 200, vec![PIECE, PIECE, 200]),
        ] {
            let bytes: Vec<u8> = (0..length)
                .map(|n| u8::try_from(n % 251).unwrap())
                .collect();
            let mut packet = PartialBody::begin(LITERAL, Vec::new()).unwrap();
            for part in bytes.chunks(777) {
                packet.write_all(part).unwrap();
            }
            let packet = packet.finish().unwrap();
            assert_eq!(packet[0], 0xcb);
            assert_eq!(parsed(&packet[1..]), (expected, bytes));
        }
    }
}
