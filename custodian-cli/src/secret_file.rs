//! Writes one secret file: 0600, never over an existing one, and under its own name only when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::new_files::{check_takes_new, parent_of, sync_folder, write_half};

/// A secret file that was not written.
#[derive(Debug, Error)]
pub(crate) enum SecretFileError {
    #[error("the file {path} exists already")]
    Exists { path: String },
    #[error("{path} cannot be written: {source}")]
    Unwritable { path: String, source: io::Error },
}

impl Explained for SecretFileError {
    fn hint(&self) -> String {
        match self {
            Self::Exists { .. } => "name a new file; nothing is ever overwritten".to_owned(),
            Self::Unwritable { .. } => {
                "nothing was left behind; name a file in an existing folder with free space"
                    .to_owned()
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Output
    }
}

/// Whether `path` can be written by [`write_secret_file`], as far as can be seen beforehand.
pub(crate) fn check_is_free(path: &Path) -> Result<(), SecretFileError> {
    if path.symlink_metadata().is_ok() {
        return Err(SecretFileError::Exists { path: shown(path) });
    }
    check_takes_new(parent_of(path)).map_err(|source| SecretFileError::Unwritable {
        path: shown(path),
        source,
    })
}

/// Writes `secret` to `path`: into a temporary file beside it, synced, then renamed. A failed write leaves nothing.
pub(crate) fn write_secret_file(path: &Path, secret: &[u8]) -> Result<(), SecretFileError> {
    check_is_free(path)?;
    let part = part_of(path);
    let written = write_half(&part, secret, 0o600)
        .and_then(|half| half.complete(path, || move_into_place(&part, path)));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => SecretFileError::Exists { path: shown(path) },
        _ => SecretFileError::Unwritable {
            path: shown(path),
            source,
        },
    })
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

fn move_into_place(part: &Path, path: &Path) -> io::Result<()> {
    renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE)?;
    sync_folder(parent_of(path))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_file_is_the_owners_only_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.asc");
        write_secret_file(&path, b"secret").unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(matches!(
            write_secret_file(&path, b"other"),
            Err(SecretFileError::Exists { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"secret");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let nowhere = folder.path().join("missing/key.asc");
        assert!(matches!(
            write_secret_file(&nowhere, b"x"),
            Err(SecretFileError::Unwritable { .. })
        ));
    }
}
