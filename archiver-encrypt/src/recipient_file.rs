//! The recipient file: what the last verification of the certificate found, kept in the vault's folder so that the next run need
//! not repeat it (docs/format.md §7.6, decision 0011).
//!
//! It is believed only when nobody but the user who runs the hook, and root, can have written it: it and its folder belong to one of
//! them, and neither group nor others may write them. In all other cases, and whenever anything about it is odd, the certificate is
//! verified as if there were no such file. It is a help and never a condition: no failure here fails a delivery.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use archiver_core::openpgp::recipient::PinnedRecipient;
use rustix::fs::OFlags;
use rustix::io::Errno;
use thiserror::Error;

/// Longer than any that we write.
const MAX_BYTES: u64 = 1024;

const WRITABLE_BY_OTHERS_OR_GROUP: u32 = 0o022;

/// The recipient file of a vault, whether it exists or not.
#[derive(Debug)]
pub(crate) struct RecipientFile {
    folder: PathBuf,
    path: PathBuf,
}

/// Why a recipient file that is there is not believed.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Distrust {
    #[error("it is a symbolic link")]
    Link,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it has a second name (a hard link)")]
    SecondName,
    #[error("it belongs to another user")]
    Owner,
    #[error("others than its owner may write it")]
    Writable,
    #[error("its folder belongs to another user, or others may write there")]
    Folder,
    #[error("it is not in the form of a recipient file")]
    Malformed,
    #[error("it could not be read")]
    Unreadable,
}

impl RecipientFile {
    /// Beside a vault that is a file, in one that is a folder.
    pub(crate) fn of(vault: &Path) -> Option<Self> {
        if vault.is_dir() {
            return Some(Self {
                folder: vault.to_owned(),
                path: vault.join("VAULT.recipient"),
            });
        }
        let mut name = vault.file_name()?.to_owned();
        name.push(".recipient");
        let folder = match vault.parent()? {
            none if none == Path::new("") => Path::new("."),
            folder => folder,
        };
        Some(Self {
            folder: folder.to_owned(),
            path: folder.join(name),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; `None` when there is none.
    pub(crate) fn read(&self) -> Result<Option<PinnedRecipient>, Distrust> {
        let Some(file) = open(&self.path)? else {
            return Ok(None);
        };
        let unreadable = |_| Distrust::Unreadable;
        judge(&file.metadata().map_err(unreadable)?)?;
        if !self.folder_is_ours() {
            return Err(Distrust::Folder);
        }
        let mut text = String::new();
        let read = file.take(MAX_BYTES).read_to_string(&mut text);
        match read {
            Ok(_) => text.parse().map(Some).map_err(|_| Distrust::Malformed),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(Distrust::Malformed),
            Err(_) => Err(Distrust::Unreadable),
        }
    }

    /// Puts a new one in its place, whatever stood there. Where that cannot be done, or would not be believed, all stays as it is.
    pub(crate) fn write(&self, pinned: &PinnedRecipient) {
        if !self.folder_is_ours() {
            return;
        }
        let mut new = self.path.clone().into_os_string();
        new.push(format!(".{}.new", std::process::id()));
        let new = PathBuf::from(new);
        if write_new(&new, &pinned.to_string()).is_err() || fs::rename(&new, &self.path).is_err() {
            let _ = fs::remove_file(&new);
        }
    }

    fn folder_is_ours(&self) -> bool {
        fs::metadata(&self.folder).is_ok_and(|folder| is_ours(&folder))
    }
}

/// Opens what stands at the path itself; a link is not followed, and a FIFO does not keep the hook waiting.
fn open(path: &Path) -> Result<Option<File>, Distrust> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    let flags = flags.bits().cast_signed();
    match options.read(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if Errno::from_io_error(&e) == Some(Errno::LOOP) => Err(Distrust::Link),
        Err(_) => Err(Distrust::Unreadable),
    }
}

fn judge(file: &Metadata) -> Result<(), Distrust> {
    if !file.is_file() {
        return Err(Distrust::NotAFile);
    }
    if file.nlink() != 1 {
        return Err(Distrust::SecondName);
    }
    if !belongs_to_us(file) {
        return Err(Distrust::Owner);
    }
    if !is_ours(file) {
        return Err(Distrust::Writable);
    }
    Ok(())
}

/// Whether nobody but the user who runs the hook, and root, may write it.
fn is_ours(metadata: &Metadata) -> bool {
    belongs_to_us(metadata) && metadata.mode() & WRITABLE_BY_OTHERS_OR_GROUP == 0
}

fn belongs_to_us(metadata: &Metadata) -> bool {
    metadata.uid() == 0 || metadata.uid() == rustix::process::geteuid().as_raw()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_beside_a_file_and_in_a_folder() {
        let path = |vault: &str| RecipientFile::of(Path::new(vault)).map(|file| file.path);
        assert_eq!(path("/x/VAULT"), Some("/x/VAULT.recipient".into()));
        assert_eq!(path("mails"), Some("./mails.recipient".into()));
        assert_eq!(path("/proc"), Some("/proc/VAULT.recipient".into()));
        assert_eq!(path("/x/.."), None);
    }
}
