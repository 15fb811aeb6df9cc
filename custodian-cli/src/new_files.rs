//! New folders and files: with their mode from the first moment, never over what exists, on stable storage before they count.
//!
//! Nothing is made while a signal ends the run, so that what is being removed does not grow.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::{Access, access};

use crate::interrupt::{Half, HalfMade, holding_off};

/// Makes a folder; its parent must exist.
pub(crate) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    holding_off(|| new_folder(path, mode))
}

/// Makes a folder that is removed with all that is in it unless it is completed.
pub(crate) fn make_half_folder(path: &Path, mode: u32) -> io::Result<HalfMade> {
    let make = || new_folder(path, mode).map(|()| (Half::Folder(path.to_owned()), ()));
    HalfMade::make(make).map(|(half, ())| half)
}

/// Creates a file that does not exist yet.
pub(crate) fn create(path: &Path, mode: u32) -> io::Result<File> {
    holding_off(|| new_file(path, mode))
}

/// Writes a file that does not exist yet, and syncs it.
pub(crate) fn write_new(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut file = create(path, mode)?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Writes a file that does not exist yet, and syncs it; it is removed unless it is completed.
pub(crate) fn write_half(path: &Path, contents: &[u8], mode: u32) -> io::Result<HalfMade> {
    let make = || new_file(path, mode).map(|file| (Half::File(path.to_owned()), file));
    let (half, mut file) = HalfMade::make(make)?;
    file.write_all(contents)?;
    file.sync_all()?;
    Ok(half)
}

/// Whether new names can be made in a folder, as far as can be seen beforehand: before people bring their sheets or answer questions.
pub(crate) fn check_takes_new(folder: &Path) -> io::Result<()> {
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Syncs a folder, so that the names in it last.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The folder that a path lies in; `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> &Path {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// As [`make_folder`], for who holds the signals off already.
pub(crate) fn new_folder(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)
}

fn new_file(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
}
