//! An open file: what is appended goes in as few system calls as can be.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, IoSlice, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, fchown};

use archiver_core::vault::disk::{DiskFile, ReadAt};
use rustix::fs::{FlockOperation, OFlags, fcntl_getfl, fcntl_setfl, flock};

/// Linux writes at most 2 GiB less a page at once.
const LONGEST_WRITE: usize = 1 << 30;

/// What is overwritten is short: a secret of less than a hundred bytes.
const ZEROS: [u8; 4096] = [0; 4096];

/// An open file of the disk.
#[derive(Debug)]
pub struct OpenFile(pub(super) File);

impl From<File> for OpenFile {
    /// A file that was opened to be looked at.
    fn from(file: File) -> Self {
        Self(file)
    }
}

impl OpenFile {
    /// Gives the file the owner and the mode of another one, and returns when that is on stable storage.
    ///
    /// # Errors
    /// What the system reports.
    pub fn make_like(&self, other: &Metadata) -> io::Result<()> {
        let found = self.0.metadata()?;
        if (found.uid(), found.gid()) != (other.uid(), other.gid()) {
            fchown(&self.0, Some(other.uid()), Some(other.gid()))?;
        }
        if found.mode() != other.mode() {
            self.0.set_permissions(other.permissions())?;
        }
        self.0.sync_all()
    }
}

impl ReadAt for OpenFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

impl DiskFile for OpenFile {
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        let mut written = 0;
        for batch in batches(pieces) {
            let expected: usize = batch.iter().map(|piece| piece.len()).sum();
            let now = write_once(&self.0, &batch)?;
            written += now;
            if now < expected {
                break;
            }
        }
        Ok(written)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn wipe(self) -> io::Result<()> {
        // As long as it is open for appending, whatever is written goes to its end.
        fcntl_setfl(&self.0, fcntl_getfl(&self.0)? - OFlags::APPEND)?;
        let size = self.size()?;
        let mut at = 0;
        while at < size {
            let length = usize::try_from(size - at).unwrap_or(usize::MAX);
            let zeros = &ZEROS[..length.min(ZEROS.len())];
            self.0.write_all_at(zeros, at)?;
            at += zeros.len() as u64;
        }
        self.0.sync_data()
    }

    fn unlock(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// The pieces in batches that one system call writes: usually a single one.
fn batches<'p>(pieces: &[&'p [u8]]) -> Vec<Vec<IoSlice<'p>>> {
    let mut batches = vec![Vec::new()];
    let mut room = LONGEST_WRITE;
    for part in pieces.iter().flat_map(|piece| piece.chunks(LONGEST_WRITE)) {
        if part.len() > room {
            batches.push(Vec::new());
            room = LONGEST_WRITE;
        }
        room -= part.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(IoSlice::new(part));
        }
    }
    batches
}

fn write_once(mut file: &File, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    loop {
        match file.write_vectored(pieces) {
            Err(e) if e.kind() == ErrorKind::Interrupted => (),
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_written_at_once_as_far_as_one_call_goes() {
        let long = vec![0; LONGEST_WRITE];
        let lengths = |pieces: &[&[u8]]| -> Vec<Vec<usize>> {
            let batches = batches(pieces);
            batches
                .iter()
                .map(|batch| batch.iter().map(|piece| piece.len()).collect())
                .collect()
        };
        assert_eq!(lengths(&[b"ab", b"c"]), [[2, 1]]);
        assert_eq!(
            lengths(&[b"ab", &long, b"c"]),
            [vec![2], vec![LONGEST_WRITE], vec![1]]
        );
    }
}
