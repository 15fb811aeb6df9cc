//! The ceremony's folder: written as a whole or not at all.
//!
//! Everything is written into `.incomplete` inside the folder, synced, and then moved into place, so that a full disk or a pulled plug never leaves a folder
//! that looks finished. The folder itself may be a mount point.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::new_files::{make_folder, parent_of, sync_folder, write_new};

const STAGING: &str = ".incomplete";

/// One file to be written. Its contents may be a secret.
pub(crate) struct OutputFile {
    /// Its folder inside the ceremony's folder.
    pub(crate) folder: Folder,
    pub(crate) name: PathBuf,
    pub(crate) contents: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OutputFile({}/{}, <redacted>)",
            self.folder.name(),
            self.name.display()
        )
    }
}

/// The folders of a ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    /// What is published.
    Public,
    /// The custodians' sheets.
    Sheets,
    /// The ceremony record and who keeps which sheet.
    Record,
    /// What revokes the archive key.
    Revocation,
}

impl Folder {
    /// In the order in which they are moved into place: what is published comes last.
    const ALL: [Self; 4] = [Self::Sheets, Self::Revocation, Self::Record, Self::Public];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Sheets => "sheets",
            Self::Record => "record",
            Self::Revocation => "revocation",
        }
    }

    fn modes(self) -> (u32, u32) {
        match self {
            Self::Public => (0o755, 0o644),
            Self::Sheets | Self::Record | Self::Revocation => (0o700, 0o600),
        }
    }
}

/// A folder that cannot take the ceremony's files.
#[derive(Debug, Error)]
pub(crate) enum OutputError {
    #[error("the folder {path} is not empty")]
    NotEmpty { path: String },
    #[error("the folder {path} is in use by another ceremony, or one was interrupted there")]
    Interrupted { path: String },
    #[error("{path} cannot be written: {source}")]
    Unwritable { path: String, source: io::Error },
}

impl Explained for OutputError {
    fn hint(&self) -> String {
        match self {
            Self::NotEmpty { .. } => "name a new folder with --out; nothing is ever overwritten".to_owned(),
            Self::Interrupted { path } => {
                format!(
                    "if no ceremony is running, what is in it is incomplete and may hold secrets, its sheets too: \
                     wipe the whole folder {path}, then run again"
                )
            }
            Self::Unwritable { .. } => {
                "nothing was left behind; name a folder on a medium with free space, whose parent exists".to_owned()
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Output
    }
}

/// An empty folder, ready to be filled. Until then it holds `.incomplete`, which keeps a second run out.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    /// Whether the folder itself was made here.
    made: bool,
    /// What this run has moved into place so far; only that is removed when it fails.
    placed: Vec<PathBuf>,
    filled: bool,
}

impl OutputFolder {
    /// Whether the folder is empty, or could be made. Makes nothing.
    pub(crate) fn check(path: &Path) -> Result<(), OutputError> {
        if path.join(STAGING).exists() {
            return Err(OutputError::Interrupted { path: shown(path) });
        }
        match fs::read_dir(path) {
            Ok(mut entries) => match entries.next() {
                None => Ok(()),
                Some(_) => Err(OutputError::NotEmpty { path: shown(path) }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::metadata(parent_of(path))
                .map(|_| ())
                .map_err(unwritable(path)),
            Err(error) => Err(unwritable(path)(error)),
        }
    }

    /// Makes the folder (0700), or takes an existing empty one, and keeps other ceremonies out of it.
    pub(crate) fn prepare(path: &Path) -> Result<Self, OutputError> {
        let made = match make_folder(path, 0o700) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(unwritable(path)(error)),
        };
        Self::check(path)?;
        match make_folder(&path.join(STAGING), 0o700) {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                made,
                placed: Vec::new(),
                filled: false,
            }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OutputError::Interrupted { path: shown(path) })
            }
            Err(error) => {
                if made {
                    let _ = fs::remove_dir(path);
                }
                Err(unwritable(path)(error))
            }
        }
    }

    /// Writes all files, syncs them, and moves them into place.
    pub(crate) fn fill(mut self, files: &[OutputFile]) -> Result<(), OutputError> {
        let staging = self.path.join(STAGING);
        for folder in Folder::ALL {
            write_folder(&staging.join(folder.name()), folder, files)?;
        }
        for folder in Folder::ALL {
            let place = self.path.join(folder.name());
            fs::rename(staging.join(folder.name()), &place).map_err(unwritable(&place))?;
            self.placed.push(place);
        }
        fs::remove_dir(&staging).map_err(unwritable(&staging))?;
        sync_folder(&self.path).map_err(unwritable(&self.path))?;
        if self.made {
            let parent = parent_of(&self.path);
            sync_folder(parent).map_err(unwritable(parent))?;
        }
        self.filled = true;
        Ok(())
    }
}

impl Drop for OutputFolder {
    /// A ceremony that failed leaves nothing of its own behind, and touches nothing of another's.
    fn drop(&mut self) {
        if self.filled {
            return;
        }
        for path in self.placed.iter().chain([&self.path.join(STAGING)]) {
            let _ = fs::remove_dir_all(path);
        }
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

fn write_folder(path: &Path, folder: Folder, files: &[OutputFile]) -> Result<(), OutputError> {
    let (folder_mode, file_mode) = folder.modes();
    make_folder(path, folder_mode).map_err(unwritable(path))?;
    for file in files.iter().filter(|file| file.folder == folder) {
        let path = path.join(&file.name);
        write_new(&path, &file.contents, file_mode).map_err(unwritable(&path))?;
    }
    sync_folder(path).map_err(unwritable(path))
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> OutputError {
    let path = shown(path);
    move |source| OutputError::Unwritable { path, source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(folder: Folder, name: &str) -> OutputFile {
        OutputFile {
            folder,
            name: PathBuf::from(name),
            contents: Zeroizing::new(b"x".to_vec()),
        }
    }

    #[test]
    fn secrets_are_readable_by_the_owner_only_and_nothing_else_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("out");
        let folder = OutputFolder::prepare(&path).unwrap();
        folder
            .fill(&[
                file(Folder::Sheets, "001-a.pdf"),
                file(Folder::Public, "custody.json"),
            ])
            .unwrap();
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("sheets/001-a.pdf"), 0o600);
        assert_eq!(mode("sheets"), 0o700);
        assert_eq!(mode("public/custody.json"), 0o644);
        let mut names: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["public", "record", "revocation", "sheets"]);
    }

    #[test]
    fn a_failed_ceremony_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("out");
        let folder = OutputFolder::prepare(&path).unwrap();
        let twice = [
            file(Folder::Sheets, "001-a.pdf"),
            file(Folder::Sheets, "001-a.pdf"),
        ];
        assert!(matches!(
            folder.fill(&twice),
            Err(OutputError::Unwritable { .. })
        ));
        assert!(!path.exists());
    }

    #[test]
    fn debug_output_never_shows_a_files_contents() {
        let shown = format!("{:?}", file(Folder::Sheets, "001-a.pdf"));
        assert_eq!(shown, "OutputFile(sheets/001-a.pdf, <redacted>)");
    }

    #[test]
    fn two_ceremonies_never_share_a_folder_and_the_loser_removes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("out");
        let first = OutputFolder::prepare(&path).unwrap();
        assert!(matches!(
            OutputFolder::prepare(&path),
            Err(OutputError::Interrupted { .. })
        ));
        first.fill(&[file(Folder::Sheets, "001-a.pdf")]).unwrap();
        assert!(matches!(
            OutputFolder::prepare(&path),
            Err(OutputError::NotEmpty { .. })
        ));
        assert!(path.join("sheets/001-a.pdf").exists());
    }

    #[test]
    fn a_folder_that_is_not_empty_is_refused_and_untouched() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("letter.txt"), "x").unwrap();
        assert!(matches!(
            OutputFolder::prepare(parent.path()),
            Err(OutputError::NotEmpty { .. })
        ));
        assert!(parent.path().join("letter.txt").exists());
        fs::create_dir(parent.path().join(STAGING)).unwrap();
        assert!(matches!(
            OutputFolder::prepare(parent.path()),
            Err(OutputError::Interrupted { .. })
        ));
        assert!(matches!(
            OutputFolder::prepare(&parent.path().join("missing/out")),
            Err(OutputError::Unwritable { .. })
        ));
    }
}
