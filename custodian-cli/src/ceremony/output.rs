//! The ceremony's folder: its parts, their modes, and that they are written as a whole or not at all ([`Staging`]).

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::new_files::{make_folder, parent_of, sync_folder, write_new};
use crate::staging::{Staging, StagingError};

/// One file to be written. Its contents may be a secret.
pub(crate) struct OutputFile {
    /// Its folder inside the ceremony's folder.
    pub(crate) folder: Folder,
    /// Its name there; with a folder of its own in front of it where there is one for each server.
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
    /// What is carried to the servers: the first seeds of their seals.
    Server,
}

impl Folder {
    /// In the order in which they are moved into place: what is published comes last.
    const ALL: [Self; 5] = [
        Self::Sheets,
        Self::Revocation,
        Self::Server,
        Self::Record,
        Self::Public,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Sheets => "sheets",
            Self::Record => "record",
            Self::Revocation => "revocation",
            Self::Server => "server",
        }
    }

    fn modes(self) -> (u32, u32) {
        match self {
            Self::Public => (0o755, 0o644),
            Self::Sheets | Self::Record | Self::Revocation | Self::Server => (0o700, 0o600),
        }
    }
}

/// An empty folder, ready to be filled.
#[derive(Debug)]
pub(crate) struct OutputFolder(Staging);

impl OutputFolder {
    /// Whether the folder is empty, or could be made. Makes nothing.
    pub(crate) fn check(path: &Path) -> Result<(), StagingError> {
        Staging::check(path)
    }

    /// Makes the folder (0700), or takes an existing empty one, and keeps other ceremonies out of it.
    pub(crate) fn prepare(path: &Path) -> Result<Self, StagingError> {
        Staging::begin(path).map(Self)
    }

    /// Writes all files, syncs them, and moves them into place.
    pub(crate) fn fill(self, files: &[OutputFile]) -> Result<(), StagingError> {
        for folder in Folder::ALL {
            write_folder(&self.0.path().join(folder.name()), folder, files)?;
        }
        self.0.finish(&Folder::ALL.map(Folder::name))
    }
}

fn write_folder(path: &Path, folder: Folder, files: &[OutputFile]) -> Result<(), StagingError> {
    let (folder_mode, file_mode) = folder.modes();
    make_folder(path, folder_mode).map_err(StagingError::unwritable(path))?;
    let mut inner = BTreeSet::new();
    for file in files.iter().filter(|file| file.folder == folder) {
        let path = path.join(&file.name);
        let parent = parent_of(&path);
        if parent_of(&file.name) != Path::new(".") && inner.insert(parent.to_owned()) {
            make_folder(parent, folder_mode).map_err(StagingError::unwritable(parent))?;
        }
        write_new(&path, &file.contents, file_mode).map_err(StagingError::unwritable(&path))?;
    }
    for folder in inner.iter().map(PathBuf::as_path).chain([path]) {
        sync_folder(folder).map_err(StagingError::unwritable(folder))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
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
                file(Folder::Server, "mx1/seed"),
                file(Folder::Server, "mx1/server"),
                file(Folder::Server, "mx2/seed"),
            ])
            .unwrap();
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("sheets/001-a.pdf"), 0o600);
        assert_eq!(mode("sheets"), 0o700);
        assert_eq!(mode("public/custody.json"), 0o644);
        assert_eq!(mode("server/mx1"), 0o700);
        assert_eq!(mode("server/mx2/seed"), 0o600);
        let mut names: Vec<_> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["public", "record", "revocation", "server", "sheets"]
        );
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
            Err(StagingError::Unwritable { .. })
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
            Err(StagingError::CutOff { .. })
        ));
        first.fill(&[file(Folder::Sheets, "001-a.pdf")]).unwrap();
        assert!(matches!(
            OutputFolder::prepare(&path),
            Err(StagingError::NotEmpty { .. })
        ));
        assert!(path.join("sheets/001-a.pdf").exists());
    }

    #[test]
    fn a_folder_that_is_not_empty_is_refused_and_untouched() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("letter.txt"), "x").unwrap();
        assert!(matches!(
            OutputFolder::prepare(parent.path()),
            Err(StagingError::NotEmpty { .. })
        ));
        assert!(parent.path().join("letter.txt").exists());
        fs::create_dir(parent.path().join(".incomplete")).unwrap();
        assert!(matches!(
            OutputFolder::prepare(parent.path()),
            Err(StagingError::CutOff { .. })
        ));
        assert!(matches!(
            OutputFolder::prepare(&parent.path().join("missing/out")),
            Err(StagingError::Unwritable { .. })
        ));
    }
}
