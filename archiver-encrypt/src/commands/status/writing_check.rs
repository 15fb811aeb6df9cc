//! Whether the hook can write: what it would open is opened in its way, for reading and appending, and nothing is locked, written or made.
//!
//! Root may write everywhere, and this is often run by root: so the owner's mode bits count besides. Whoever is neither root nor the owner learns nothing
//! of the owner's rights.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use archiver_core::vault::disk::Folder as _;
use archiver_core::vault::writable::segment_rules;
use rustix::fs::Access;

use super::state::{Finding, Findings, State};
use crate::disk::DiskFolder;
use crate::vault_place::folder_of;
use crate::vault_reader::VaultReader;

const OWNER_READS_AND_WRITES: u32 = 0o600;
const OWNER_MAKES_FILES: u32 = 0o700;

/// What stands in the hook's way.
#[derive(Debug)]
pub(super) struct Obstacle {
    /// Unknown, where another user asks.
    state: State,
    problem: String,
}

impl Obstacle {
    fn new(problem: String) -> Self {
        Self {
            state: State::Critical,
            problem,
        }
    }

    /// As a finding, behind what it leads to.
    pub(super) fn finding(&self, leads_to: &str) -> Finding {
        let problem = &self.problem;
        match self.state {
            State::Critical => Finding::new(State::Critical, format!("{leads_to}: {problem}")),
            state => Finding::new(state, problem),
        }
    }
}

/// Whether the hook can append to a vault, and begin a new segment of it.
pub(super) fn vault(vault: &VaultReader, path: &Path) -> Result<(), Obstacle> {
    if vault.names().is_some() {
        folder(path)?;
        segment_rules(&DiskFolder::to_look_at(path)).map_err(|e| refused(path, &e))?;
    }
    vault.last_files().iter().try_for_each(|last| file(last))
}

/// Whether the hook can make a vault that is missing.
pub(super) fn missing_vault(path: &Path) -> Result<(), Obstacle> {
    let parent = folder_of(path);
    let looked = DiskFolder::to_look_at(parent).refuse_where_none_can_be_made(name_of(path));
    looked.map_err(|e| refused(path, &e))?;
    folder(parent)
}

/// Whether the hook can read a file and append to it.
pub(super) fn file(path: &Path) -> Result<(), Obstacle> {
    let shown = path.display();
    require_owners_bits(path, OWNER_READS_AND_WRITES, || {
        format!("{shown} may not be read and written by its owner; run: chmod u+rw {shown}")
    })?;
    let opened = DiskFolder::to_look_at(folder_of(path)).open(name_of(path));
    opened.map(drop).map_err(|e| refused(path, &e))
}

/// Whether the hook can make files in a folder.
pub(super) fn folder(path: &Path) -> Result<(), Obstacle> {
    let shown = path.display();
    require_owners_bits(path, OWNER_MAKES_FILES, || {
        format!(
            "no file can be made in the folder {shown}, because its owner may not write there; run: chmod u+rwx {shown}"
        )
    })?;
    rustix::fs::access(path, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|e| refused(path, &e.into()))
}

fn require_owners_bits(
    path: &Path,
    bits: u32,
    problem: impl FnOnce() -> String,
) -> Result<(), Obstacle> {
    let found = fs::metadata(path).map_err(|e| refused(path, &e))?;
    if found.mode() & bits == bits {
        return Ok(());
    }
    Err(Obstacle::new(problem()))
}

/// Another user's rights say nothing of the hook's.
fn refused(path: &Path, error: &io::Error) -> Obstacle {
    let shown = path.display();
    if error.kind() == ErrorKind::PermissionDenied && !is_known_to_us(path) {
        return Obstacle {
            state: State::Unknown,
            problem: format!(
                "whether the hook can write to {shown} could not be told: {error}; run this as the user who runs the hook, or as root"
            ),
        };
    }
    let look = match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::PERM.raw_os_error() => {
            "; look with lsattr: a file marked i is opened for nobody until chattr -i"
        }
        _ => "",
    };
    Obstacle::new(format!("{shown} cannot be written: {error}{look}"))
}

/// Whether what is refused to us is refused to the owner too.
pub(super) fn is_known_to_us(path: &Path) -> bool {
    let us = rustix::process::geteuid();
    let is_owner = |found: Metadata| found.uid() == us.as_raw();
    us.is_root() || fs::metadata(path).is_ok_and(is_owner)
}

fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// Adds what stands in the way, and says whether nothing does.
pub(super) fn tell(looked: Result<(), Obstacle>, leads_to: &str, findings: &mut Findings) -> bool {
    let Err(obstacle) = looked else { return true };
    findings.push(obstacle.finding(leads_to));
    false
}
