//! A record's bytes onto the end of a file, whole or not at all: what does not find room is taken back, and nothing that is not ours.

use std::io;

use super::AppendError;
use crate::openpgp::encrypt::Message;
use crate::vault::armor::Body;
use crate::vault::disk::DiskFile;

/// Writes head and body, and returns their length.
pub(super) fn write_or_take_back(
    file: &mut impl DiskFile,
    size: u64,
    head: &[u8],
    body: Body<'_>,
) -> Result<u64, AppendError> {
    let message = body.message();
    let wanted = head.len() as u64 + body.length();
    let cause = match write(file, head, body) {
        Ok(written) if written == wanted => return Ok(wanted),
        Ok(written) => AppendError::NoRoom { written, wanted },
        Err(e) => AppendError::Write(e),
    };
    match take_back(file, size, head, message) {
        Ok(()) => Err(cause),
        Err(io) => Err(AppendError::NotTakenBack {
            cause: Box::new(cause),
            io,
        }),
    }
}

/// Writes a record piece by piece, a usual one in one piece, until one does not find room. Returns how many bytes did.
fn write(file: &mut impl DiskFile, head: &[u8], mut body: Body<'_>) -> io::Result<u64> {
    let (mut head, mut written) = (head, 0);
    loop {
        let piece = body.piece();
        let found_room = file.append(&[head, piece])?;
        written += found_room as u64;
        if found_room < head.len() + piece.len() || !body.advance()? {
            return Ok(written);
        }
        head = &[];
    }
}

/// A program that ignores the lock (`gpg >> VAULT`) may have appended between our look at the tail and our write: then our
/// begin line may stand in the middle of its line, where no reader finds it. Which came first is not to be told, so nothing is
/// taken back, and the mail is archived again.
pub(super) fn require_nothing_else_was_written(
    file: &impl DiskFile,
    expected: u64,
) -> io::Result<()> {
    if file.size()? == expected {
        return Ok(());
    }
    Err(io::Error::other(
        "another program wrote to the vault at the same moment without the lock",
    ))
}

/// Cuts the file back to `size`, but only when all bytes behind `size` are the beginning of our record: a program that
/// ignores the lock may have appended a mail meanwhile. What it appends between this look and the cut is lost with our
/// bytes; only the lock closes that window.
fn take_back(
    file: &mut impl DiskFile,
    size: u64,
    head: &[u8],
    message: &Message,
) -> io::Result<()> {
    let end = file.size()?;
    if end <= size {
        return Ok(());
    }
    let mut body = Body::of(message)?;
    let mut ours = size + beginning_of(head, file, size, end)?;
    while ours < end {
        ours += beginning_of(body.piece(), file, ours, end)?;
        if ours < end && !body.advance()? {
            return Err(not_ours());
        }
    }
    file.truncate(size)?;
    file.sync()
}

/// The length of what stands in the file between `at` and `end` of `expected`, which must be the same bytes.
fn beginning_of(expected: &[u8], file: &impl DiskFile, at: u64, end: u64) -> io::Result<u64> {
    let there = usize::try_from(end - at).unwrap_or(usize::MAX);
    let (expected, _) = expected.split_at(expected.len().min(there));
    let mut found = vec![0; expected.len()];
    file.read_exact_at(&mut found, at)?;
    if found == expected {
        Ok(expected.len() as u64)
    } else {
        Err(not_ours())
    }
}

fn not_ours() -> io::Error {
    io::Error::other("another program wrote behind it without the lock")
}
