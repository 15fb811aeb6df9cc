//! Where the encrypted message of a long mail waits until it is appended: a file without a name, in the vault's folder, so that a
//! full disk shows before the vault is touched.
//!
//! The file is gone when the hook ends, however it ends. The plaintext never comes here.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::openpgp::encrypt::Spool;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::vault_place::folder_of;

/// Makes a spool for a record that goes into this vault, or to standard output. Where the vault's folder takes no new files, the
/// spool is in the folder for temporary files.
pub(crate) fn make(vault: Option<&Path>) -> io::Result<Box<dyn Spool>> {
    let file = match vault.map(folder_for) {
        None => nameless(&std::env::temp_dir()),
        Some(folder) => nameless(&folder).or_else(|e| match e.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                nameless(&std::env::temp_dir())
            }
            _ => Err(in_folder(&folder, &e)),
        }),
    };
    Ok(Box::new(FileSpool(file?)))
}

/// The folder in which the vault's bytes are, also when the vault's path is a link to them.
fn folder_for(vault: &Path) -> PathBuf {
    let path = vault.canonicalize().unwrap_or_else(|_| vault.to_owned());
    if path.is_dir() {
        return path;
    }
    folder_of(&path).to_owned()
}

fn in_folder(folder: &Path, error: &io::Error) -> io::Error {
    let folder = folder.display();
    io::Error::new(error.kind(), format!("in the folder {folder}: {error}"))
}

/// A file that only this process can reach.
fn nameless(folder: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(file.into()),
        // NFS and some others have no files without a name.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => unlinked(folder),
        Err(e) => Err(e.into()),
    }
}

/// The same, for a file system on which every file begins with a name.
fn unlinked(folder: &Path) -> io::Result<File> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since_1970.map_or(0, |time| time.as_nanos());
    let name = format!(".archiver-spool-{}-{nanoseconds}", std::process::id());
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    let file = options.open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

#[derive(Debug)]
struct FileSpool(File);

impl Spool for FileSpool {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_spool_has_no_name_and_belongs_to_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        for file in [nameless(folder.path()), unlinked(folder.path())] {
            let mut spool = FileSpool(file.unwrap());
            spool.append(b"encrypted ").unwrap();
            spool.append(b"bytes").unwrap();
            let mut read = [0; 5];
            spool.read_exact_at(&mut read, 10).unwrap();
            assert_eq!(&read, b"bytes");
            let metadata = spool.0.metadata().unwrap();
            assert_eq!((metadata.nlink(), metadata.mode() & 0o777), (0, 0o600));
            assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        }
    }

    #[test]
    fn a_spool_is_where_the_vaults_bytes_are() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let (vault, link) = (real.join("VAULT"), real.join("link"));
        assert_eq!(folder_for(&vault), real);
        assert_eq!(folder_for(&real), real);
        std::fs::create_dir(real.join("other")).unwrap();
        std::fs::write(real.join("other/VAULT"), "").unwrap();
        std::os::unix::fs::symlink("other/VAULT", &link).unwrap();
        assert_eq!(folder_for(&link), real.join("other"));
        assert_eq!(folder_for(Path::new("VAULT")), Path::new("."));
    }

    #[test]
    fn where_the_folder_is_missing_that_is_said() {
        let error = make(Some(Path::new("/nowhere/VAULT"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere"), "{error}");
    }
}
