//! What is encrypted: the mail as a literal packet (RFC 4880 §5.9), compressed (§5.6) where that serves.
//!
//! A mail that fits into the first buffer gives packets of definite length. A longer one is passed on as it comes, in packets of partial
//! lengths, and never held as a whole.

use std::io::{self, Read, Write};

use super::deflate::Zlib;
use super::packet::{self, PartialBody};
use super::{Compression, EncryptError, LONGEST_MAIL};

/// So much of a mail is read before anything is decided.
const FIRST: usize = 1024 * 1024;
/// Room for the first read, so that reads are few.
const USUAL_MAIL: usize = 64 * 1024;
/// A longer mail is read in such pieces.
const PIECE: usize = 64 * 1024;

/// The zlib algorithm's number, before the compressed data.
const ZLIB: u8 = 2;
/// Binary, no file name, no date: a literal packet's start.
const BINARY_NO_NAME_NO_DATE: [u8; 6] = [b'b', 0, 0, 0, 0, 0];

/// A mail's first bytes, which are all of it unless it is long.
pub(super) enum Mail<R> {
    Whole(Vec<u8>),
    Long { start: Vec<u8>, rest: R },
}

impl<R: Read> Mail<R> {
    /// Reads to the mail's end, or as much as one byte more than the first buffer holds.
    pub(super) fn read(mut mail: R) -> io::Result<Self> {
        let mut start = Vec::with_capacity(USUAL_MAIL);
        mail.by_ref()
            .take(FIRST as u64 + 1)
            .read_to_end(&mut start)?;
        Ok(if start.len() <= FIRST {
            Self::Whole(start)
        } else {
            Self::Long { start, rest: mail }
        })
    }
}

/// The packet of a whole mail.
pub(super) fn whole(mail: Vec<u8>, compression: Compression) -> io::Result<Vec<u8>> {
    let head = literal_head(mail.len())?;
    if compression == Compression::Zlib {
        let compressed = compressed_packet(&head, &mail)?;
        if compressed.len() < head.len() + mail.len() {
            return Ok(compressed);
        }
    }
    Ok(in_front(head, mail))
}

fn literal_head(mail: usize) -> io::Result<Vec<u8>> {
    let length = length_of(BINARY_NO_NAME_NO_DATE.len() + mail)?;
    let mut head = packet::head(packet::LITERAL, length);
    head.extend_from_slice(&BINARY_NO_NAME_NO_DATE);
    Ok(head)
}

fn compressed_packet(literal_head: &[u8], mail: &[u8]) -> io::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(mail.len() / 2);
    body.push(ZLIB);
    let mut zlib = Zlib::begin(literal_head.len() + mail.len(), body)?;
    zlib.write_all(literal_head)?;
    zlib.write_all(mail)?;
    let body = zlib.finish()?;
    let head = packet::head(packet::COMPRESSED, length_of(body.len())?);
    Ok(in_front(head, body))
}

fn length_of(body: usize) -> io::Result<u32> {
    u32::try_from(body).map_err(io::Error::other)
}

/// Both, in the place of the second: a mail is not held twice.
fn in_front(head: Vec<u8>, mut body: Vec<u8>) -> Vec<u8> {
    body.splice(..0, head);
    body
}

/// Writes the packet of a long mail, and gives back what it was written to.
pub(super) fn long<W: Write>(
    start: &[u8],
    rest: impl Read,
    compression: Compression,
    mut out: W,
) -> Result<W, EncryptError> {
    match compression {
        Compression::None => {
            literal(start, rest, &mut out)?;
            Ok(out)
        }
        Compression::Zlib => {
            let mut packet =
                PartialBody::begin(packet::COMPRESSED, out).map_err(EncryptError::Keep)?;
            packet.write_all(&[ZLIB]).map_err(EncryptError::Keep)?;
            let mut zlib = Zlib::begin(usize::MAX, packet).map_err(EncryptError::Keep)?;
            literal(start, rest, &mut zlib)?;
            let packet = zlib.finish().map_err(EncryptError::Keep)?;
            packet.finish().map_err(EncryptError::Keep)
        }
    }
}

fn literal(start: &[u8], mut rest: impl Read, out: impl Write) -> Result<(), EncryptError> {
    let mut packet = PartialBody::begin(packet::LITERAL, out).map_err(EncryptError::Keep)?;
    let mut write = |piece: &[u8]| packet.write_all(piece).map_err(EncryptError::Keep);
    write(&BINARY_NO_NAME_NO_DATE)?;
    write(start)?;
    let mut length = start.len() as u64;
    let mut buffer = vec![0; PIECE];
    loop {
        let read = match rest.read(&mut buffer) {
            Ok(0) => break,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(EncryptError::Read)?,
        };
        length += read as u64;
        if length > LONGEST_MAIL {
            return Err(EncryptError::TooLong);
        }
        write(buffer.get(..read).unwrap_or_default())?;
    }
    packet.finish().map_err(EncryptError::Keep)?;
    Ok(())
}
