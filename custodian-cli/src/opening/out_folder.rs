//! The output folder in the making ([`Staging`]): readable by its owner only, and with no unverified byte under a mail's name.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::OpenError;
use crate::interrupt::holding_off;
use crate::new_files::{create, make_folder};
use crate::staging::Staging;

const MESSAGES: &str = "messages";

/// The folder, and which folders were made in it.
#[derive(Debug)]
pub(super) struct OutFolder {
    staging: Staging,
    made: Mutex<HashSet<String>>,
}

impl OutFolder {
    /// Makes the folder, or takes an empty one.
    pub(super) fn create(root: &Path) -> Result<Self, OpenError> {
        let out = Self {
            staging: Staging::begin(root)?,
            made: Mutex::default(),
        };
        out.make_sub_folder(MESSAGES)?;
        Ok(out)
    }

    /// Gives everything its final name: the mails, and then these files in this order.
    pub(super) fn finish(self, files: [&str; 3]) -> Result<(), OpenError> {
        let [first, second, third] = files;
        Ok(self.staging.finish(&[MESSAGES, first, second, third])?)
    }

    /// Makes `messages/<name>` unless this run has made it before.
    pub(super) fn make_message_folder(&self, name: &str) -> Result<(), OpenError> {
        self.make_sub_folder(&format!("{MESSAGES}/{name}"))
    }

    fn make_sub_folder(&self, relative: &str) -> Result<(), OpenError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(relative) {
            let path = self.path(relative);
            make_folder(&path, 0o700).map_err(|e| unwritable(path, e))?;
            made.insert(relative.to_owned());
        }
        Ok(())
    }

    /// Writes a file that is known whole. When that fails, so does the run, and nothing of it stays.
    pub(super) fn write(&self, relative: &str, contents: &[u8]) -> Result<(), OpenError> {
        let path = self.path(relative);
        let written = create(&path, 0o600).and_then(|mut file| file.write_all(contents));
        written.map_err(|e| unwritable(path, e))
    }

    /// Begins a file under the folder; it has its name only when it is kept.
    pub(super) fn begin(&self, relative: &str) -> Result<PartFile, OpenError> {
        let path = self.path(&format!("{relative}.part"));
        match create(&path, 0o600) {
            Ok(file) => Ok(PartFile {
                path,
                file,
                kept: false,
            }),
            Err(e) => Err(unwritable(path, e)),
        }
    }

    /// Gives a whole file its name.
    pub(super) fn keep(&self, mut part: PartFile, relative: &str) -> Result<(), OpenError> {
        let path = self.path(relative);
        match holding_off(|| fs::rename(&part.path, &path)) {
            Ok(()) => {
                part.kept = true;
                Ok(())
            }
            Err(e) => Err(unwritable(path, e)),
        }
    }

    /// Where a file lies meanwhile.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.staging.path().join(relative)
    }

    /// Waits until everything written so far is on the disk, and learns of errors that came late.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        let root = self.staging.path();
        let folder = File::open(root).map_err(|e| unwritable(root.to_owned(), e))?;
        rustix::fs::syncfs(folder).map_err(|e| unwritable(root.to_owned(), e.into()))
    }
}

/// The error for a file that could not be written.
pub(super) fn unwritable(path: PathBuf, source: io::Error) -> OpenError {
    OpenError::Write { path, source }
}

/// A file that is not whole yet. It is removed unless it is kept.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl PartFile {
    /// Where it lies meanwhile.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for PartFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.kept {
            // The name says that it is not whole, should even this fail.
            let _ = fs::remove_file(&self.path);
        }
    }
}
