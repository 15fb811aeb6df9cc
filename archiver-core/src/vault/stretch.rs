//! A part of a vault as a reader, and piece by piece.

use std::io::{self, Read};
use std::ops::Range;

use super::disk::ReadAt;

const PIECE: usize = 64 * 1024;

/// The bytes of a range, in their order.
pub(crate) struct Stretch<'a, T> {
    vault: &'a T,
    rest: Range<u64>,
}

impl<'a, T: ReadAt> Stretch<'a, T> {
    pub(crate) fn of(vault: &'a T, range: Range<u64>) -> Self {
        Self { vault, rest: range }
    }

    /// Gives all of it to `each`, in pieces.
    pub(crate) fn for_each_piece(mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![0; PIECE];
        loop {
            match self.read(&mut buffer)? {
                0 => return Ok(()),
                read => each(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
}

impl<T: ReadAt> Read for Stretch<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.rest.end.saturating_sub(self.rest.start);
        let read = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let (now, _) = buffer.split_at_mut(read);
        self.vault.read_exact_at(now, self.rest.start)?;
        self.rest.start += read as u64;
        Ok(read)
    }
}
