//! A server's seal folder: the seed, which is a secret, what the server knows of itself, and what it remembers (docs/format.md §8.3, §8.5).
//!
//! The seed is replaced in one step, and is on stable storage before anybody goes on. The state is a cache and is not waited for.

use std::ffi::OsStr;
use std::io;

use thiserror::Error;

use super::keys::Seed;
use super::seals_file::append_line;
use super::seed_file::{self, SEED_FILE_BYTES, SeedFileRefused};
use super::server::{Server, ServerRefused};
use super::state::{LONGEST_LINE, State, newest_first};
use crate::vault::disk::{DiskFile as _, Folder, ReadAt as _, read_whole, replace};
use crate::vault::leaf::{LeafHash, LogId};

/// The file with the seed: secret, mode 0600.
pub const SEED_FILE: &str = "seed";
/// The file that says for which archive and log the folder is.
pub const SERVER_FILE: &str = "server";
/// The file with what was remembered.
pub const STATE_FILE: &str = "state";

const LONGEST_SERVER: usize = 4096;
/// Some of the last lines are read; the file begins anew when it is as long as this.
const LONGEST_STATE: u64 = 256 * 1024;
const STATE_END: u64 = 8 * LONGEST_LINE as u64;

/// Why a seal folder cannot be used at all.
#[derive(Debug, Error)]
pub enum SealFolderError {
    /// The file cannot be read.
    #[error("its file `server` cannot be read: {0}")]
    Read(#[source] io::Error),
    /// There is none.
    #[error(
        "it has no file `server`: it is no seal folder, or `archiver-encrypt seal install` was not run"
    )]
    NoServer,
    /// It is damaged, or not ours.
    #[error("its file `server` {0}")]
    Server(#[from] ServerRefused),
}

/// Why there is no seed.
#[derive(Debug, Error)]
pub enum NoSeed {
    /// The file cannot be read.
    #[error("the file `seed` cannot be used: {0}")]
    Read(#[source] io::Error),
    /// There is none.
    #[error("there is no file `seed`; put it back only as the ceremony or this server wrote it")]
    Missing,
    /// It is damaged, or not ours.
    #[error("the file `seed` {0}; put it back only as the ceremony or this server wrote it")]
    Refused(#[from] SeedFileRefused),
    /// It is that of another log.
    #[error("the file `seed` is of another log than the file `server`")]
    OtherLog,
}

/// Makes a seal folder out of an empty one.
///
/// # Errors
/// What the system reports; also when there is a seed already.
pub fn make(folder: &impl Folder, server: &Server, seed: &Seed) -> io::Result<()> {
    if read_whole(folder, SEED_FILE.as_ref(), usize::MAX)?.is_some() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    replace(folder, SERVER_FILE.as_ref(), server.to_string().as_bytes())?;
    write_seed(folder, seed)
}

/// Who this server is.
///
/// # Errors
/// When the file `server` is missing, unreadable or damaged.
pub fn server(folder: &impl Folder) -> Result<Server, SealFolderError> {
    let text =
        read_whole(folder, SERVER_FILE.as_ref(), LONGEST_SERVER).map_err(SealFolderError::Read)?;
    let text = String::from_utf8(text.ok_or(SealFolderError::NoServer)?);
    let text = text.map_err(|_| ServerRefused::OtherText)?;
    Ok(text.parse::<Server>()?)
}

/// What a server remembers of its log, without looking into the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// How many records its log had.
    pub records: u64,
    /// The last of them.
    pub last: Option<LeafHash>,
    /// Whether log and checkpoints agreed.
    pub may_seal: bool,
    /// Whether there was a seal.
    pub is_sealed: bool,
}

impl Remembered {
    /// Whether there was a vault, or at least its seals.
    #[must_use]
    pub fn was_there(&self) -> bool {
        self.records > 0 || self.is_sealed
    }
}

/// What a server remembers of its log, out of the bytes of its file [`STATE_FILE`]; `None` when no line of it can be read.
#[must_use]
pub fn remembered(file: &[u8], log: LogId) -> Option<Remembered> {
    let state = newest_first(file, log).next()?;
    Some(Remembered {
        records: state.tree.size(),
        last: state.last.map(|last| last.leaf),
        may_seal: state.may_seal,
        is_sealed: state.note.is_some(),
    })
}

pub(super) fn seed(folder: &impl Folder, log: LogId) -> Result<Seed, NoSeed> {
    let file = match folder.open_secret(SEED_FILE.as_ref()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(NoSeed::Missing),
        opened => opened.map_err(NoSeed::Read)?,
    };
    let size = file.size().map_err(NoSeed::Read)?;
    if size != SEED_FILE_BYTES as u64 {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        return Err(SeedFileRefused::Length(size).into());
    }
    let mut read = Ok(());
    let bytes = crate::secret::SecretBytes::<SEED_FILE_BYTES>::filled_by(|bytes| {
        read = file.read_exact_at(bytes, 0);
    });
    read.map_err(NoSeed::Read)?;
    let seed = seed_file::decode(bytes.expose_bytes())?;
    if seed.log() == log {
        Ok(seed)
    } else {
        Err(NoSeed::OtherLog)
    }
}

/// Puts a seed in the place of the one before, and returns when it is on stable storage.
pub(super) fn write_seed(folder: &impl Folder, seed: &Seed) -> io::Result<()> {
    replace(
        folder,
        SEED_FILE.as_ref(),
        seed_file::encode(seed).expose_bytes(),
    )
}

/// The last lines of what was remembered. What cannot be read was not remembered.
pub(super) fn end_of_states(folder: &impl Folder) -> Vec<u8> {
    let read = || -> io::Result<Vec<u8>> {
        let file = folder.open(STATE_FILE.as_ref())?;
        let size = file.size()?;
        let start = size.saturating_sub(STATE_END);
        let mut end = vec![0; usize::try_from(size - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut end, start)?;
        Ok(end)
    };
    read().unwrap_or_default()
}

/// Remembers a state. Nobody waits for it to be on stable storage.
pub(super) fn remember<F: Folder>(folder: &F, state: &State) -> io::Result<()> {
    add_state(folder, state).map(|_file| ())
}

/// Remembers a state, and returns when it is on stable storage.
pub(super) fn remember_surely<F: Folder>(folder: &F, state: &State) -> io::Result<()> {
    match add_state(folder, state)? {
        Some(mut file) => {
            file.sync()?;
            folder.sync_name(STATE_FILE.as_ref())
        }
        None => Ok(()),
    }
}

/// The file, when the line was added to it; `None` when the file was begun anew, and is on stable storage.
fn add_state<F: Folder>(folder: &F, state: &State) -> io::Result<Option<F::File>> {
    let name = OsStr::new(STATE_FILE);
    let mut file = match folder.open(name) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => folder.create_new(name)?,
        opened => opened?,
    };
    if file.size()? > LONGEST_STATE {
        replace(folder, name, state.to_string().as_bytes())?;
        return Ok(None);
    }
    append_line(&mut file, &state.to_string())?;
    Ok(Some(file))
}
