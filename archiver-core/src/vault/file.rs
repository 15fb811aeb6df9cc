//! What a vault's file must be able to do. The disk implements it in `archiver-encrypt`; here, for tests, a file in memory that
//! fails on purpose.

use std::io;

/// A vault's file, opened for reading and appending.
pub trait VaultFile {
    /// Takes the writers' lock, waiting for it as long as the implementation allows. On success the locked file is the one
    /// that stands at the vault's path now.
    ///
    /// # Errors
    /// When the lock is not to be had, or waiting was ended.
    fn lock(&mut self) -> io::Result<()>;

    /// Gives the lock back. It cannot fail in a way that matters: the lock ends with the process at the latest.
    fn unlock(&mut self);

    /// The file's length in bytes.
    ///
    /// # Errors
    /// What the system reports.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// What the system reports; the end of the file before the buffer is full is an error too.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes both parts to the file's end in one piece, and returns how many bytes of them found room.
    ///
    /// # Errors
    /// What the system reports.
    fn append(&mut self, head: &[u8], body: &[u8]) -> io::Result<usize>;

    /// Cuts the file back to `size` bytes.
    ///
    /// # Errors
    /// What the system reports.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Returns when the file's bytes are on stable storage.
    ///
    /// # Errors
    /// What the system reports. The bytes may or may not be there then, and asking again would not tell.
    fn sync(&mut self) -> io::Result<()>;

    /// Returns when the file's name in its folder is on stable storage.
    ///
    /// # Errors
    /// What the system reports.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// How a [`MemoryFile`] fails once its room is used up.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The write ends early and says so.
    Short,
    /// The write reports ENOSPC, and leaves what was written.
    NoSpace,
    /// The write reports EIO, and leaves what was written.
    InputOutput,
}

/// A vault in memory, which writes down what is asked of it, and fails where told to.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct MemoryFile {
    pub(crate) bytes: Vec<u8>,
    /// How many bytes of the next record are written, and what happens then.
    pub(crate) trouble: Option<(usize, Trouble)>,
    /// Another program's bytes, which arrive just before ours, when the size is known already.
    pub(crate) intruder_before: &'static [u8],
    /// Another program's bytes, which arrive just after ours.
    pub(crate) intruder_behind: &'static [u8],
    /// The calls that fail.
    pub(crate) failing: Vec<&'static str>,
    pub(crate) calls: Vec<&'static str>,
}

#[cfg(test)]
impl MemoryFile {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            ..Self::default()
        }
    }

    fn called(&mut self, call: &'static str) -> io::Result<()> {
        self.calls.push(call);
        if self.failing.contains(&call) {
            return Err(io::Error::other(format!("{call} fails")));
        }
        Ok(())
    }
}

#[cfg(test)]
impl VaultFile for MemoryFile {
    fn lock(&mut self) -> io::Result<()> {
        self.called("lock")
    }

    fn unlock(&mut self) {
        self.calls.push("unlock");
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::Read as _;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let mut bytes = self.bytes.get(start..).unwrap_or_default();
        bytes.read_exact(buffer)
    }

    fn append(&mut self, head: &[u8], body: &[u8]) -> io::Result<usize> {
        use rustix::io::Errno;
        self.called("append")?;
        let record = [head, body].concat();
        let room = self.trouble.map_or(record.len(), |(room, _)| room);
        let fits = record.get(..room).unwrap_or_default();
        for piece in [self.intruder_before, fits, self.intruder_behind] {
            self.bytes.extend_from_slice(piece);
        }
        match self.trouble {
            None | Some((_, Trouble::Short)) => Ok(room),
            Some((_, Trouble::NoSpace)) => Err(Errno::NOSPC.into()),
            Some((_, Trouble::InputOutput)) => Err(Errno::IO.into()),
        }
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.called("truncate")?;
        self.bytes
            .truncate(usize::try_from(size).map_err(io::Error::other)?);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.called("sync")
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.called("sync folder")
    }
}
