//! Faults that a program like this could have, seeded on purpose between the writer and its disk: each must be found out.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::io;
use std::rc::Rc;

use crate::vault::disk::{DiskFile, Folder, ReadAt};
use crate::vault::memory_disk::{MemoryFile, MemoryFolder};

/// What the writer does wrong; everything else it does right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    NoSync,
    SyncBeforeTheWrite,
    SuccessBeforeTheSync,
    FailedSyncTriedAgain,
    NoSyncOfTheFolder,
    NoSyncOfTheOldSegment,
    LockDroppedBeforeTheWrite,
    RotationWithoutLock,
    HeaderMadeBeforeTheLock,
    TornTailNotEnded,
    FailedWriteNotTakenBack,
    OtherProgramsBytesTakenBack,
}

/// A folder in the hands of a writer with a fault.
#[derive(Debug)]
pub(crate) struct Seeded {
    folder: MemoryFolder,
    bug: Bug,
    shared: Rc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    holds_folder: Cell<bool>,
    /// Files that should have been synced by now.
    unsynced: RefCell<Vec<MemoryFile>>,
}

impl Seeded {
    pub(crate) fn new(folder: MemoryFolder, bug: Bug) -> Self {
        let shared = Rc::default();
        Self {
            folder,
            bug,
            shared,
        }
    }

    fn seeded(&self, file: MemoryFile, name: &OsStr) -> SeededFile {
        SeededFile {
            file: Some(file),
            bug: self.bug,
            shared: Rc::clone(&self.shared),
            folder: self.folder.clone(),
            name: name.to_owned(),
            lock: Lock::Held,
            sync_later: false,
            written: (0, Vec::new()),
        }
    }

    fn sync_at_last(&self) {
        for mut file in self.shared.unsynced.take() {
            let _ = file.sync();
        }
    }
}

impl Drop for Seeded {
    fn drop(&mut self) {
        self.sync_at_last();
    }
}

impl Folder for Seeded {
    type File = SeededFile;

    fn lock(&mut self) -> io::Result<()> {
        self.sync_at_last();
        self.folder.lock()?;
        self.shared.holds_folder.set(true);
        Ok(())
    }

    fn unlock(&mut self) {
        self.shared.holds_folder.set(false);
        self.folder.unlock();
    }

    fn open_locked(&self, name: &OsStr) -> io::Result<SeededFile> {
        self.sync_at_last();
        if self.bug == Bug::HeaderMadeBeforeTheLock {
            let mut file = self.seeded(self.folder.open(name)?, name);
            file.lock = Lock::ToTake;
            return Ok(file);
        }
        Ok(self.seeded(self.folder.open_locked(name)?, name))
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        self.folder.names()
    }

    fn open(&self, name: &OsStr) -> io::Result<SeededFile> {
        Ok(self.seeded(self.folder.open(name)?, name))
    }

    fn open_to_read(&self, name: &OsStr) -> io::Result<SeededFile> {
        Ok(self.seeded(self.folder.open_to_read(name)?, name))
    }

    fn open_unshared(&self, name: &OsStr) -> io::Result<SeededFile> {
        Ok(self.seeded(self.folder.open_unshared(name)?, name))
    }

    fn open_secret(&self, name: &OsStr) -> io::Result<SeededFile> {
        Ok(self.seeded(self.folder.open_secret(name)?, name))
    }

    fn create_new(&self, name: &OsStr) -> io::Result<SeededFile> {
        if self.bug != Bug::RotationWithoutLock {
            return Ok(self.seeded(self.folder.create_new(name)?, name));
        }
        let mut folder = self.folder.clone();
        folder.unlock();
        let created = folder.create_new(name);
        folder.lock()?;
        Ok(self.seeded(created?, name))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_name(&self, name: &OsStr) -> io::Result<()> {
        match self.bug {
            Bug::NoSyncOfTheFolder => Ok(()),
            _ => self.folder.sync_name(name),
        }
    }
}

/// A file in the hands of a writer with a fault.
#[derive(Debug)]
pub(crate) struct SeededFile {
    /// `None` only while it is dropped.
    file: Option<MemoryFile>,
    bug: Bug,
    shared: Rc<Shared>,
    folder: MemoryFolder,
    name: OsString,
    lock: Lock,
    sync_later: bool,
    /// What was appended last, and where.
    written: (u64, Vec<u8>),
}

#[derive(Debug)]
enum Lock {
    /// By the file itself.
    Held,
    ToTake,
    /// By another opening of the file.
    HeldBy(MemoryFile),
    GivenBack,
}

impl SeededFile {
    fn file(&mut self) -> &mut MemoryFile {
        self.file.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for SeededFile {
    fn drop(&mut self) {
        if self.sync_later {
            self.shared.unsynced.borrow_mut().extend(self.file.take());
        }
    }
}

impl ReadAt for SeededFile {
    fn size(&self) -> io::Result<u64> {
        self.file.as_ref().map_or(Ok(0), MemoryFile::size)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let (from, written) = &self.written;
        if self.bug == Bug::OtherProgramsBytesTakenBack && !written.is_empty() && offset == *from {
            let known = buffer.len().min(written.len());
            buffer[..known].copy_from_slice(&written[..known]);
            return Ok(());
        }
        let file = self.file.as_ref().expect("it is there");
        file.read_exact_at(buffer, offset)
    }
}

impl DiskFile for SeededFile {
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        let mut bytes = pieces.concat();
        match self.bug {
            Bug::SyncBeforeTheWrite => self.file().sync()?,
            Bug::LockDroppedBeforeTheWrite => {
                self.file().unlock();
                self.lock = Lock::GivenBack;
            }
            Bug::TornTailNotEnded if bytes.starts_with(b"\n") => bytes[0] = b' ',
            _ => (),
        }
        if matches!(self.lock, Lock::ToTake) {
            self.lock = Lock::HeldBy(self.folder.open_locked(&self.name)?);
        }
        self.written = (self.size()?, bytes.clone());
        self.file().append(&[&bytes])
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        match self.bug {
            Bug::FailedWriteNotTakenBack => Ok(()),
            _ => self.file().truncate(size),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.bug {
            Bug::NoSync | Bug::SyncBeforeTheWrite => Ok(()),
            Bug::NoSyncOfTheOldSegment if self.shared.holds_folder.get() => Ok(()),
            Bug::SuccessBeforeTheSync => {
                self.sync_later = true;
                Ok(())
            }
            Bug::FailedSyncTriedAgain => self.file().sync().or_else(|_| self.file().sync()),
            _ => self.file().sync(),
        }
    }

    fn wipe(mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), MemoryFile::wipe)
    }

    fn unlock(&mut self) {
        match &mut self.lock {
            Lock::Held => self.file().unlock(),
            Lock::HeldBy(other) => other.unlock(),
            Lock::ToTake | Lock::GivenBack => (),
        }
    }
}
