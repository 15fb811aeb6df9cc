//! The output folder: new or empty, readable by its owner only, and with no half-written file under a final name.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::OpenError;
use crate::new_files::{make_folder, parent_of};

/// The folder, and what stands complete in it.
#[derive(Debug)]
pub(super) struct OutFolder {
    root: PathBuf,
    made: Mutex<HashSet<String>>,
    complete: AtomicU64,
}

impl OutFolder {
    /// Whether the folder is empty, or can be made: its parent exists.
    pub(super) fn check(root: &Path) -> Result<(), OpenError> {
        let unusable = |source| OpenError::Out {
            path: root.to_owned(),
            source,
        };
        match fs::read_dir(root).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(OpenError::OutNotEmpty(root.to_owned())),
            Ok(false) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::metadata(parent_of(root)).map_err(unusable)?;
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                Err(OpenError::OutNotAFolder(root.to_owned()))
            }
            Err(e) => Err(unusable(e)),
        }
    }

    /// Makes the folder, or takes an empty one.
    pub(super) fn create(root: &Path) -> Result<Self, OpenError> {
        Self::check(root)?;
        let unusable = |source| OpenError::Out {
            path: root.to_owned(),
            source,
        };
        match make_folder(root, 0o700) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(e)),
            _ => {}
        }
        let out = Self {
            root: root.to_owned(),
            made: Mutex::default(),
            complete: AtomicU64::new(0),
        };
        out.make_sub_folder("messages").map_err(unusable)?;
        Ok(out)
    }

    /// Makes `messages/<name>` unless this run has made it before.
    pub(super) fn make_message_folder(&self, name: &str) -> Result<(), OpenError> {
        let relative = format!("messages/{name}");
        self.make_sub_folder(&relative)
            .map_err(|e| self.unwritable(self.root.join(&relative), e))
    }

    fn make_sub_folder(&self, relative: &str) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if !made.contains(relative) {
            make_folder(&self.root.join(relative), 0o700)?;
            made.insert(relative.to_owned());
        }
        Ok(())
    }

    /// Begins a file under the folder; it has its name only when it is kept.
    pub(super) fn begin(&self, relative: &str) -> Result<PartFile, OpenError> {
        let path = self.root.join(format!("{relative}.part"));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match file {
            Ok(file) => Ok(PartFile {
                path,
                file,
                kept: false,
            }),
            Err(e) => Err(self.unwritable(path, e)),
        }
    }

    /// Gives a whole file its final name.
    pub(super) fn keep(&self, mut part: PartFile, relative: &str) -> Result<(), OpenError> {
        let path = self.root.join(relative);
        match fs::rename(&part.path, &path) {
            Ok(()) => {
                part.kept = true;
                Ok(())
            }
            Err(e) => Err(self.unwritable(path, e)),
        }
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// One more mail is complete.
    pub(super) fn count_mail(&self) {
        self.complete.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until everything written so far is on the disk, and learns of errors that came late.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        let folder = File::open(&self.root).map_err(|e| self.unwritable(self.root.clone(), e))?;
        rustix::fs::syncfs(folder).map_err(|e| self.unwritable(self.root.clone(), e.into()))
    }

    /// The error for a file that could not be written.
    pub(super) fn unwritable(&self, path: PathBuf, source: io::Error) -> OpenError {
        OpenError::Write {
            path,
            source,
            complete: self.complete.load(Ordering::Relaxed),
        }
    }
}

/// A file that is not whole yet. It is removed unless it is kept.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl PartFile {
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
