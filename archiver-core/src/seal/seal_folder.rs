//! A server's seal folder: the seed, which is a secret, what the server knows of itself, and what it remembers (docs/format.md §8.3, §8.5).
//!
//! The seed is replaced in one step, and is on stable storage before anybody goes on; only then are the bytes of the used one overwritten. The state
//! is a cache and is not waited for.

use std::ffi::OsStr;
use std::io;

use thiserror::Error;

use super::keys::Seed;
use super::seals_file::append_line;
use super::seed_file::{self, HEAD_BYTES, SEED_FILE_BYTES, SeedFileRefused, SeedHead};
use super::server::{Server, ServerRefused};
use super::state::{LONGEST_LINE, State, newest_first};
use crate::vault::disk::{DiskFile, Folder, ReadAt, read_whole, replace};
use crate::vault::leaf::{LeafHash, LogId};

/// The file with the seed: secret, mode 0600.
pub const SEED_FILE: &str = "seed";
/// The next seed, while [`replace`] writes it.
const UNFINISHED_SEED: &str = "seed.new";
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
    #[error(
        "there is no file `seed`; put it back only as the ceremony or this server wrote it; where it is lost, only a new ceremony makes new seal keys"
    )]
    Missing,
    /// It is damaged, or not ours.
    #[error(
        "the file `seed` {0}; put it back only as the ceremony or this server wrote it; where it is lost, only a new ceremony makes new seal keys"
    )]
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
    place_seed(folder, seed)
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
    require_seeds_length(&file)?;
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

/// Of which log and day a seed file is, and whether it can be one at all. The secret in it is not read; that it is damaged shows only where it is used.
///
/// # Errors
/// When it is no seed file, or that of another log.
pub fn seed_head(file: &impl ReadAt, log: LogId) -> Result<SeedHead, NoSeed> {
    require_seeds_length(file)?;
    let mut beginning = [0; HEAD_BYTES];
    file.read_exact_at(&mut beginning, 0)
        .map_err(NoSeed::Read)?;
    let head = seed_file::head(&beginning)?;
    if head.log == log {
        Ok(head)
    } else {
        Err(NoSeed::OtherLog)
    }
}

fn require_seeds_length(file: &impl ReadAt) -> Result<(), NoSeed> {
    let size = file.size().map_err(NoSeed::Read)?;
    if size == SEED_FILE_BYTES as u64 {
        return Ok(());
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    Err(SeedFileRefused::Length(size).into())
}

/// Why a used seed is not gone.
#[derive(Debug, Error)]
pub(super) enum SeedNotGone {
    /// It still stands, unless it was the last step that failed.
    #[error("the next seed could not be written: {0}")]
    NotReplaced(#[from] io::Error),
    /// The next one stands in its place, and its bytes somewhere on the disk.
    #[error("the used seed could not be overwritten: {0}")]
    NotOverwritten(#[source] io::Error),
}

/// Puts a seed in the place of the used one, and returns when it is on stable storage and the used one overwritten. The used one is not touched before, so
/// that a crash leaves one of the two whole.
pub(super) fn write_seed(folder: &impl Folder, seed: &Seed) -> Result<(), SeedNotGone> {
    let used = open_if_there(folder, SEED_FILE)?;
    let leftover = remove_leftover(folder)?;
    place_seed(folder, seed)?;
    let overwritten = leftover.and(used.map_or(Ok(()), DiskFile::wipe));
    overwritten.map_err(SeedNotGone::NotOverwritten)
}

/// What an interrupted run left is the seed of a day that will be over, too, or half of one. That it has lost its name is on stable storage before another
/// file gets that name: no crash may put it, overwritten or torn, in the seed's place. Returns whether it was overwritten.
fn remove_leftover(folder: &impl Folder) -> io::Result<io::Result<()>> {
    let overwritten = match folder.open_unshared(UNFINISHED_SEED.as_ref()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Ok(())),
        // What is longer is no seed.
        Ok(leftover) if leftover.size()? > SEED_FILE_BYTES as u64 => Ok(()),
        Ok(leftover) => leftover.wipe(),
        // A link to something else, the present seed perhaps, loses its name only.
        Err(e) => Err(e),
    };
    folder.remove(UNFINISHED_SEED.as_ref())?;
    folder.sync_name(SEED_FILE.as_ref())?;
    Ok(overwritten)
}

fn place_seed(folder: &impl Folder, seed: &Seed) -> io::Result<()> {
    let file = seed_file::encode(seed);
    replace(folder, SEED_FILE.as_ref(), file.expose_bytes())
}

fn open_if_there<F: Folder>(folder: &F, name: &str) -> io::Result<Option<F::File>> {
    match folder.open(name.as_ref()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// The last lines of what was remembered. What cannot be read was not remembered.
pub(super) fn end_of_states(folder: &impl Folder) -> Vec<u8> {
    let read = || -> io::Result<Vec<u8>> {
        let file = folder.open_to_read(STATE_FILE.as_ref())?;
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
