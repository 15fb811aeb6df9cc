//! The finals of the days before the installation, appended to the vault's seals. Those that stand there already, from an interrupted run, are
//! not written twice.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use archiver_core::seal::note::Note;
use rustix::fs::{FlockOperation, flock};

use super::error::InstallError;
use super::target::require_own;
use crate::disk::open_regular;
use crate::vault_place::{folder_of, seals_of};

/// Finals for more days than there can be.
const LONGEST_LOOK: u64 = 64 * 1024 * 1024;

/// Appends what is missing, and returns when all of it is on stable storage.
pub(super) fn append(vault: &Path, finals: &[Note]) -> Result<(), InstallError> {
    let path = seals_of(vault);
    require_own(folder_of(&path))?;
    let _lock = lock(vault).map_err(InstallError::file(vault))?;
    append_missing(&path, finals).map_err(InstallError::file(&path))
}

/// The writers' lock, when there is a vault already. Writers hold it for a moment.
fn lock(vault: &Path) -> io::Result<Option<File>> {
    let opened = if vault.is_dir() {
        File::open(vault)
    } else {
        open_regular(vault).map(|(file, _)| file)
    };
    let file = match opened {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(Some(file))
}

fn append_missing(path: &Path, finals: &[Note]) -> io::Result<()> {
    let mut there = Vec::new();
    match open_regular(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => (),
        // An interrupted run's finals are the file's beginning.
        opened => drop(opened?.0.take(LONGEST_LOOK).read_to_end(&mut there)?),
    }
    let there = String::from_utf8_lossy(&there);
    let missing = finals.iter().map(Note::to_string);
    let missing: String = missing
        .filter(|note| !there.contains(note.as_str()))
        .collect();
    let is_torn = !there.is_empty() && !there.ends_with('\n');
    let newline = if is_torn { "\n" } else { "" };
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(path)?;
    file.write_all(format!("{newline}{missing}").as_bytes())?;
    file.sync_all()?;
    File::open(folder_of(path))?.sync_all()
}
