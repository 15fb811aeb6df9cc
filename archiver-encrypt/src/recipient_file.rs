//! The recipient file: what the last verification of the certificate found, kept in the vault's folder so that the next run need
//! not repeat it (docs/format.md §7.6, decision 0011).
//!
//! It is believed only when nobody but the user who runs the hook, and root, can have written it: it and its folder belong to one of
//! them, and neither group nor others may write them. In all other cases, and whenever anything about it is odd, the certificate is
//! verified as if there were no such file. It is a help and never a condition: no failure here fails a delivery.
//!
//! A new one is made under one name, whoever makes it, so that no crash leaves more than one file behind: whoever makes it holds the lock on it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use archiver_core::openpgp::recipient::PinnedRecipient;
use archiver_core::vault::segments::NEW_END;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use thiserror::Error;

use crate::vault_place::{folder_of, recipient_file_of};

/// Longer than any that we write.
const MAX_BYTES: u64 = 1024;

const WRITABLE_BY_OTHERS_OR_GROUP: u32 = 0o022;

/// The recipient file of a vault, whether it exists or not.
#[derive(Debug)]
pub(crate) struct RecipientFile {
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
    /// Beside a vault that is a file, in one that is a folder. `None` when the path can name neither.
    pub(crate) fn of(vault: &Path) -> Option<Self> {
        let can_be_named = vault.file_name().is_some() || vault.is_dir();
        can_be_named.then(|| Self {
            path: recipient_file_of(vault),
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

    /// Puts a new one in its place, whatever stood there. Where that cannot be done, or would not be believed, or another hook is about it, all
    /// stays as it is.
    pub(crate) fn write(&self, pinned: &PinnedRecipient) {
        if self.folder_is_ours() {
            // Whatever fails, the next run verifies the certificate again, and tries again.
            let _ = self.replace_by(&pinned.to_string());
        }
    }

    fn replace_by(&self, text: &str) -> io::Result<()> {
        let mut new = self.path.clone().into_os_string();
        new.push(NEW_END);
        let new = PathBuf::from(new);
        let Some(mut file) = locked(&new)? else {
            return Ok(());
        };
        // What a run that was cut off has left.
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(text.as_bytes()));
        match written {
            _ if !is_at(&file, &new) => Ok(()),
            Ok(()) => fs::rename(&new, &self.path),
            Err(e) => fs::remove_file(&new).and(Err(e)),
        }
    }

    fn folder_is_ours(&self) -> bool {
        fs::metadata(folder_of(&self.path)).is_ok_and(|folder| is_ours(&folder))
    }
}

/// The file at this path, made if it is missing, for this process alone. `None` when another hook has it, and when something else stood there: that is
/// removed, as far as it can be, so that it is in nobody's way a second time.
fn locked(path: &Path) -> io::Result<Option<File>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags);
    let file = match options.open(path) {
        Ok(file)
            if file
                .metadata()
                .as_ref()
                .is_ok_and(|file| judge(file).is_ok()) =>
        {
            file
        }
        _ => return fs::remove_file(path).map(|()| None),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // The one who had it before has given it its final name, and it is not to be touched any more.
        Ok(()) => Ok(is_at(&file, path).then_some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Whether this file stands at the path itself.
fn is_at(file: &File, path: &Path) -> bool {
    let identity = |found: Metadata| (found.dev(), found.ino());
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(there)) => identity(ours) == identity(there),
        _ => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_names_nothing_has_none() {
        let path = |vault: &str| RecipientFile::of(Path::new(vault)).map(|file| file.path);
        assert_eq!(path("/x/VAULT"), Some("/x/VAULT.recipient".into()));
        assert_eq!(path("/x/.."), None);
        assert_eq!(path(""), None);
    }
}
