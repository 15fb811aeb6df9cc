//! A folder given as a sheet stands for the files in it, in the order of their names. Folders inside it and hidden files are left alone.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::verdict::SheetError;

/// The files that a path on the command line stands for: itself, or the files of the folder that it is.
pub(super) fn files_of(sheet: &Path) -> Result<Vec<PathBuf>, SheetError> {
    if !sheet.is_dir() {
        return Ok(vec![sheet.to_owned()]);
    }
    let paths: Vec<PathBuf> = fs::read_dir(sheet)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    let mut files: Vec<PathBuf> = paths
        .into_iter()
        .filter(|path| path.is_file() && !is_hidden(path))
        .collect();
    if files.is_empty() {
        return Err(SheetError::EmptyFolder);
    }
    files.sort();
    Ok(files)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_bytes().starts_with(b"."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_its_files_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.png", "a.png", "c.txt", ".DS_Store"] {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        fs::create_dir(folder.path().join("older")).unwrap();
        let files = files_of(folder.path()).unwrap();
        let expected = ["a.png", "b.png", "c.txt"].map(|name| folder.path().join(name));
        assert_eq!(files, expected);
    }

    #[test]
    fn a_folder_without_files_says_so_and_what_is_no_folder_stands_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            files_of(folder.path()).unwrap_err().to_string(),
            "is a folder without files"
        );
        let missing = folder.path().join("missing.png");
        assert_eq!(files_of(&missing).unwrap(), [missing]);
    }
}
