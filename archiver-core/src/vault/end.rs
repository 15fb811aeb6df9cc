//! The last files of a vault, read as one stretch of bytes: as many files as are needed, the last one first.

use std::collections::VecDeque;
use std::{io, mem};

use crate::vault::disk::ReadAt;

/// The end of a vault. Offsets are counted from the start of the first file that was taken in.
#[derive(Debug)]
pub struct End<T> {
    /// In the vault's order.
    earlier: VecDeque<Part<T>>,
    last: Part<T>,
}

/// A file, and how many of its bytes count.
#[derive(Debug)]
struct Part<T> {
    file: T,
    size: u64,
}

impl<T: ReadAt> Part<T> {
    fn of(file: T) -> io::Result<Self> {
        let size = file.size()?;
        Ok(Self { file, size })
    }
}

impl<T: ReadAt> End<T> {
    /// The last file alone, with the bytes that it has now.
    ///
    /// # Errors
    /// What the system reports.
    pub fn of(last: T) -> io::Result<Self> {
        Ok(Self {
            earlier: VecDeque::new(),
            last: Part::of(last)?,
        })
    }

    /// Takes in the file before. Offsets grow by the number of its bytes, which is returned.
    ///
    /// # Errors
    /// What the system reports.
    pub fn put_in_front(&mut self, file: T) -> io::Result<u64> {
        let part = Part::of(file)?;
        let size = part.size;
        self.earlier.push_front(part);
        Ok(size)
    }

    /// Takes in an empty file as the last one.
    pub(crate) fn put_behind(&mut self, file: T) {
        let new = Part { file, size: 0 };
        self.earlier.push_back(mem::replace(&mut self.last, new));
    }

    /// How many bytes all the files have.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.parts().map(|part| part.size).sum()
    }

    /// How many bytes the last file has.
    pub(crate) fn size_of_last(&self) -> u64 {
        self.last.size
    }

    /// Whether only one file was taken in.
    pub(crate) fn is_single(&self) -> bool {
        self.earlier.is_empty()
    }

    pub(crate) fn last_mut(&mut self) -> &mut T {
        &mut self.last.file
    }

    pub(crate) fn into_last(self) -> T {
        self.last.file
    }

    fn parts(&self) -> impl Iterator<Item = &Part<T>> {
        self.earlier.iter().chain([&self.last])
    }
}

impl<T: ReadAt> ReadAt for End<T> {
    fn size(&self) -> io::Result<u64> {
        Ok(self.total())
    }

    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        for part in self.parts() {
            if offset >= part.size {
                offset -= part.size;
                continue;
            }
            let here = usize::try_from(part.size - offset).unwrap_or(usize::MAX);
            let (now, later) = buffer.split_at_mut(here.min(buffer.len()));
            part.file.read_exact_at(now, offset)?;
            (buffer, offset) = (later, 0);
            if buffer.is_empty() {
                break;
            }
        }
        if buffer.is_empty() {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn several_files_are_read_as_one() {
        let mut end: End<&[u8]> = End::of(&b"efg"[..]).unwrap();
        for file in [&b"d"[..], b"", b"abc", b""] {
            assert_eq!(end.put_in_front(file).unwrap(), file.len() as u64);
        }
        end.put_behind(b"");
        assert_eq!((end.total(), end.size_of_last()), (7, 0));
        for from in 0..=7 {
            for to in from..=7 {
                let mut bytes = vec![0; to - from];
                end.read_exact_at(&mut bytes, from as u64).unwrap();
                assert_eq!(bytes, b"abcdefg"[from..to]);
            }
            let mut too_many = vec![0; 8 - from];
            assert!(end.read_exact_at(&mut too_many, from as u64).is_err());
        }
    }
}
