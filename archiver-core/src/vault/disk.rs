//! What the disk must be able to do for a vault and its seals: a folder, and files in it.
//!
//! The real disk implements it in `archiver-encrypt`; in the tests a disk in memory does, which fails on purpose and enumerates what a
//! crash may leave behind. Nothing here knows what the files mean. Every failure is an `io::Error`; a missing name is
//! `NotFound`, one that is taken `AlreadyExists`, as the system reports them.

use std::ffi::{OsStr, OsString};
use std::io;

/// Bytes that can be read at any place.
pub trait ReadAt {
    /// Their number.
    ///
    /// # Errors
    /// What the system reports.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// What the system reports; the end before the buffer is full is an error too.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// An open file. What is written to it may be lost in a crash until [`DiskFile::sync`] has returned, and its name until
/// [`Folder::sync_name`] has.
pub trait DiskFile: ReadAt {
    /// Writes the pieces, one after the other, to the file's end in one go, and returns how many bytes of them found room.
    ///
    /// # Errors
    /// What the system reports. Some of the bytes may have been written then.
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize>;

    /// Cuts the file back to `size` bytes.
    ///
    /// # Errors
    /// What the system reports.
    fn truncate(&mut self, size: u64) -> io::Result<()>;

    /// Returns when all bytes of the file, whoever wrote them, are on stable storage.
    ///
    /// # Errors
    /// What the system reports. The bytes may or may not be there then, and asking again would not tell.
    fn sync(&mut self) -> io::Result<()>;

    /// Overwrites all bytes of the file with zeros, in place, and returns when that is on stable storage. Works on a file that has lost
    /// its name, too. A file system or a disk that writes elsewhere (copy-on-write, flash), or keeps a journal of data, may keep
    /// the old bytes, and does not say so.
    ///
    /// # Errors
    /// What the system reports. Some of the bytes may still be there then.
    fn wipe(self) -> io::Result<()>
    where
        Self: Sized;

    /// Gives back the lock that [`Folder::open_locked`] took. It cannot fail in a way that matters: the lock ends with the
    /// process at the latest.
    fn unlock(&mut self);
}

/// A folder, and the files that stand in it. Names are those of files in the folder itself.
pub trait Folder {
    /// An open file of the folder.
    type File: DiskFile;

    /// Takes the lock on the folder itself, waiting for it as long as the implementation allows. On success the
    /// locked folder is the one that stands at its path now.
    ///
    /// # Errors
    /// When the lock is not to be had, or waiting was ended.
    fn lock(&mut self) -> io::Result<()>;

    /// Gives the lock on the folder back; see [`DiskFile::unlock`].
    fn unlock(&mut self);

    /// Opens a file, or makes it (mode 0600), and takes the lock on the file, waiting for it as long as the implementation
    /// allows. On success the locked file is the one that stands at the name now.
    ///
    /// # Errors
    /// When the file cannot be opened or made, the lock is not to be had, or waiting was ended.
    fn open_locked(&self, name: &OsStr) -> io::Result<Self::File>;

    /// The names of everything in the folder, in no order.
    ///
    /// # Errors
    /// What the system reports.
    fn names(&self) -> io::Result<Vec<OsString>>;

    /// Opens a file for reading and appending.
    ///
    /// # Errors
    /// What the system reports.
    fn open(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Opens a file for reading only. A file that may not be written, or is not to be any more, can be read.
    ///
    /// # Errors
    /// What the system reports.
    fn open_to_read(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Opens a file for reading and appending that has this name and no other, and whose name is no link.
    ///
    /// # Errors
    /// What the system reports; a link, or a file with several names, is an error too.
    fn open_unshared(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Opens a secret file for reading, if nobody but the user who runs this may read it.
    ///
    /// # Errors
    /// What the system reports; a file that belongs to somebody else, or that others may read, is an error that says what to do.
    fn open_secret(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Makes a new, empty file that only its owner may read and write (mode 0600), and opens it.
    ///
    /// # Errors
    /// What the system reports.
    fn create_new(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Gives a file another name, in place of whatever had that name.
    ///
    /// # Errors
    /// What the system reports.
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system reports.
    fn remove(&self, name: &OsStr) -> io::Result<()>;

    /// Returns when it is on stable storage that this name leads to the file to which it leads now.
    ///
    /// # Errors
    /// What the system reports.
    fn sync_name(&self, name: &OsStr) -> io::Result<()>;
}

/// Reads a whole file of at most `limit` bytes; `None` when there is no file of that name.
///
/// # Errors
/// What the system reports; a file longer than `limit` is an error too.
pub fn read_whole(folder: &impl Folder, name: &OsStr, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match folder.open_to_read(name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    if size > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it has {size} bytes, where at most {limit} belong"),
        ));
    }
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(bytes))
}

/// Puts a file with these bytes at `name`, in place of what stands there. Whenever a crash comes, the old file is there or the
/// new one, whole; on success it is the new one. The new file is made as `name` with `.new` behind it, and what an interrupted
/// run left there is removed. To be called under a lock that keeps others from doing the same.
///
/// # Errors
/// What the system reports; then the old file still stands, unless it is the last step that failed.
pub fn replace(folder: &impl Folder, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let mut new_name = name.to_owned();
    new_name.push(".new");
    let had_leftover = remove_if_there(folder, &new_name)?;
    let mut file = folder.create_new(&new_name)?;
    let written = file.append(&[bytes])?;
    if written < bytes.len() {
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.sync()?;
    if had_leftover {
        // Otherwise a crash could keep the leftover's old name and the renaming, and put the leftover at `name`.
        folder.sync_name(&new_name)?;
    }
    folder.rename(&new_name, name)?;
    folder.sync_name(name)
}

/// Removes a file, and returns whether there was one.
fn remove_if_there(folder: &impl Folder, name: &OsStr) -> io::Result<bool> {
    match folder.remove(name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

impl ReadAt for [u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        use io::Read as _;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        self.get(start..).unwrap_or_default().read_exact(buffer)
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_exact_at(buffer, offset)
    }
}
