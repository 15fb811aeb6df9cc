//! The seal folder: made whole beside its place, synced, and moved there in one step. Never over another.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use archiver_core::seal::day::Day;
use archiver_core::seal::installation::install;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::seal_folder::{SEED_FILE, SERVER_FILE};
use archiver_core::seal::seed_file;
use archiver_core::seal::server::Server;
use archiver_core::vault::disk::Folder as _;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::error::InstallError;
use super::source::{Source, read_seed, read_server, wipe};
use crate::disk::DiskFolder;
use crate::owner::another_owner;
use crate::vault_place::folder_of;

/// Where the seal folder is, or will be.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
    parent: PathBuf,
}

impl Target {
    /// A place in a folder that belongs to whoever runs this: the hook, run by the same user, must be able to read it.
    pub(super) fn at(path: &Path) -> Result<Self, InstallError> {
        let parent = folder_of(path).to_owned();
        require_own(&parent)?;
        Ok(Self {
            path: path.to_owned(),
            parent,
        })
    }

    /// The day from which the seal folder seals that is there already, when an interrupted run made it from this very seed; `None` when there is no
    /// folder. Any other one is refused.
    pub(super) fn day_of_an_earlier_run(
        &self,
        source: &Source,
    ) -> Result<Option<Day>, InstallError> {
        if self.path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let path = self.path.join(SEED_FILE);
        let file = File::open(&path).map_err(|_| self.taken())?;
        if source
            .is_same_file(&file)
            .map_err(InstallError::file(&path))?
        {
            return Err(InstallError::SamePlace(self.path.display().to_string()));
        }
        let server = read_server(&self.path.join(SERVER_FILE));
        let there = read_seed(&file, &path)?;
        let is_same_server = server.ok().as_ref() == Some(source.server());
        if !is_same_server || !came_from(source, &there)? {
            return Err(self.taken());
        }
        // That run may not have come to it.
        self.sync_name().map_err(InstallError::file(&self.parent))?;
        Ok(Some(there.day()))
    }

    /// Makes the folder. On success it is on stable storage.
    pub(super) fn make(&self, server: &Server, seed: &Seed) -> Result<(), InstallError> {
        let new = self.new_folder();
        remove_leftover(&new).map_err(InstallError::file(&new))?;
        self.fill(&new, server, seed).map_err(|e| {
            // What is left of it the next run removes.
            let _ = remove_leftover(&new);
            match e.kind() {
                ErrorKind::AlreadyExists => self.taken(),
                _ => InstallError::file(&self.path)(e),
            }
        })
    }

    fn fill(&self, new: &Path, server: &Server, seed: &Seed) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(new)?;
        write_new(&new.join(SERVER_FILE), server.to_string().as_bytes())?;
        write_new(&new.join(SEED_FILE), seed_file::encode(seed).expose_bytes())?;
        File::open(new)?.sync_all()?;
        renameat_with(CWD, new, CWD, &self.path, RenameFlags::NOREPLACE)?;
        self.sync_name()
    }

    /// Returns when the folder's name is on stable storage.
    fn sync_name(&self) -> io::Result<()> {
        File::open(&self.parent)?.sync_all()
    }

    /// `.<seal folder>.installing`: the folder until it is whole. Nobody gives a seal folder such a name.
    fn new_folder(&self) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(".installing");
        self.parent.join(name)
    }

    fn taken(&self) -> InstallError {
        InstallError::Taken(self.path.display().to_string())
    }
}

/// Whether a seed of the same server came from the source; so it is taken to be when the source is overwritten already.
fn came_from(source: &Source, there: &Seed) -> Result<bool, InstallError> {
    let Some(first) = source.seed()? else {
        return Ok(true);
    };
    let key_of = |seed: &Seed| seed.signing_key().public();
    let ours = install(source.server(), first, there.day());
    Ok(ours.is_ok_and(|ours| key_of(&ours.seed) == key_of(there)))
}

/// What an interrupted run left: its seed is overwritten too. Anything else that stands there is left alone, and told.
fn remove_leftover(new: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(new) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.is_dir() || !holds_nothing_else(new)? {
        return Err(io::Error::other(
            "something stands there that no interrupted run left; move it away",
        ));
    }
    let seed = new.join(SEED_FILE);
    match DiskFolder::to_look_at(new).open_unshared(SEED_FILE.as_ref()) {
        Ok(file) => wipe(file, &seed, new)?,
        Err(e) if e.kind() == ErrorKind::NotFound => (),
        Err(e) => return Err(e),
    }
    match fs::remove_file(new.join(SERVER_FILE)) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => (),
    }
    fs::remove_dir(new)
}

/// Whether a folder has no more than what a seal folder is made of, as far as it was made.
fn holds_nothing_else(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, found) = (entry.file_name(), entry.metadata()?);
        let is_ours = name == SEED_FILE || name == SERVER_FILE;
        if !is_ours || !found.is_file() || found.nlink() != 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Whether a folder belongs to whoever runs this.
pub(super) fn require_own(folder: &Path) -> Result<(), InstallError> {
    match another_owner(folder).map_err(InstallError::file(folder))? {
        None => Ok(()),
        Some(owner) => Err(InstallError::OtherUser {
            folder: folder.display().to_string(),
            owner,
        }),
    }
}
