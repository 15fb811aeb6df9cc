//! A folder of the real disk, as the library's sealing server wants it. One writer at a time and no crashes, so that locks and syncs have nothing to do; what
//! they are worth is what the tests of crashes are about.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use archiver_core::vault::disk::{DiskFile, Folder, ReadAt};

/// A folder of which this process is the only writer.
#[derive(Debug)]
pub(crate) struct OwnFolder(pub(crate) PathBuf);

/// An open file in it.
#[derive(Debug)]
pub(crate) struct OwnFile(File);

impl OwnFolder {
    fn open_with(&self, name: &OsStr, options: &mut OpenOptions) -> io::Result<OwnFile> {
        let options = options.read(true).append(true).mode(0o600);
        options.open(self.0.join(name)).map(OwnFile)
    }
}

impl Folder for OwnFolder {
    type File = OwnFile;

    fn lock(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn unlock(&mut self) {}

    fn open_locked(&self, name: &OsStr) -> io::Result<OwnFile> {
        self.open_with(name, OpenOptions::new().create(true))
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(&self.0)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn open(&self, name: &OsStr) -> io::Result<OwnFile> {
        self.open_with(name, &mut OpenOptions::new())
    }

    fn open_secret(&self, name: &OsStr) -> io::Result<OwnFile> {
        self.open(name)
    }

    fn create_new(&self, name: &OsStr) -> io::Result<OwnFile> {
        self.open_with(name, OpenOptions::new().create_new(true))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_name(&self, _name: &OsStr) -> io::Result<()> {
        Ok(())
    }
}

impl ReadAt for OwnFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

impl DiskFile for OwnFile {
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        let bytes = pieces.concat();
        self.0.write_all(&bytes)?;
        Ok(bytes.len())
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn unlock(&mut self) {}
}
