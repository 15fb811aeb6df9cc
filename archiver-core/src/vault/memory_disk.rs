//! A disk in memory, for tests: folders and files that write down what is asked of them, fail where told to, and take turns when several
//! writers are at work.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

pub(crate) use self::op::Op;
use self::turns::Turns;
pub(crate) use self::vault::MemoryVault;
use crate::vault::disk::{DiskFile, Folder, ReadAt};

mod op;
pub(crate) mod turns;
mod vault;

/// How the disk misbehaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// Only when this writer uses it; `None` for all of them.
    pub(crate) of_writer: Option<usize>,
    /// So many bytes of each append are written, and then this is reported: a short count, or an error.
    pub(crate) append: Option<(usize, Option<Errno>)>,
    /// Another program's bytes, which arrive just before an append, when the size is known already.
    pub(crate) intruder_before: &'static [u8],
    /// Another program's bytes, which arrive just after an append.
    pub(crate) intruder_behind: &'static [u8],
    /// The calls that fail.
    pub(crate) failing: Vec<&'static str>,
    /// So many of them are spared first.
    pub(crate) spared: usize,
    /// So many calls fail; `None` for all of them.
    pub(crate) times: Option<usize>,
}

impl Faults {
    /// How a write can end before its end: with an error, or short.
    pub(crate) fn of_a_write() -> impl Iterator<Item = Option<Errno>> {
        let errors = [
            Errno::NOSPC,
            Errno::FBIG,
            Errno::IO,
            Errno::INTR,
            Errno::DQUOT,
        ];
        errors.map(Some).into_iter().chain([None])
    }
}

#[derive(Debug, Default)]
struct State {
    folders: Vec<BTreeMap<OsString, usize>>,
    files: Vec<Content>,
    locked: BTreeSet<Lock>,
    log: Vec<Op>,
    calls: Vec<&'static str>,
    faults: Faults,
    turns: Option<Arc<Turns>>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// How many syncs have failed: every open file is told once.
    failed_syncs: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lock {
    Folder(usize),
    File(usize),
}

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an empty folder.
    pub(crate) fn folder(&self) -> MemoryFolder {
        let mut state = self.state();
        state.folders.push(BTreeMap::new());
        MemoryFolder {
            number: state.folders.len() - 1,
            writer: 0,
            disk: self.clone(),
        }
    }

    /// From now on the writers take turns.
    pub(crate) fn take_turns(&self, turns: &Arc<Turns>) {
        self.state().turns = Some(Arc::clone(turns));
    }

    /// Waits for the writer's turn, and gives what it is about to do its place in the order of things.
    fn turn_of(&self, writer: usize) -> MutexGuard<'_, State> {
        let turns = self.state().turns.clone();
        if let Some(turns) = turns {
            turns.next_turn(writer);
        }
        self.state()
    }

    /// Takes a lock; in turns, a writer that finds it taken waits for it.
    fn lock(&self, writer: usize, lock: Lock) -> io::Result<()> {
        loop {
            let turns = {
                let mut state = self.state();
                if state.locked.insert(lock) {
                    return Ok(());
                }
                state.turns.clone()
            };
            let Some(turns) = turns else {
                return Err(ErrorKind::WouldBlock.into());
            };
            turns.wait_for(writer, lock);
        }
    }

    fn unlock(&self, writer: usize, lock: Lock) {
        let mut state = self.turn_of(writer);
        state.calls.push("unlock");
        state.locked.remove(&lock);
        if let Some(turns) = &state.turns {
            turns.is_free(lock);
        }
    }

    /// The locks that a process holds end with it.
    pub(crate) fn end_of_process(&self) {
        self.state().locked.clear();
    }

    /// Whether these bytes stand anywhere on it, be it in a file without a name.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        let state = self.state();
        let found = |file: &Content| memchr::memmem::find(&file.bytes, bytes).is_some();
        state.files.iter().any(found)
    }

    /// What was done so far.
    pub(crate) fn log(&self) -> Vec<Op> {
        self.state().log.clone()
    }

    /// The names of the calls so far; forgets them.
    pub(crate) fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.state().calls)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Writes down that a writer was told of its success.
    pub(crate) fn acknowledge(&self, what: &[u8]) {
        self.state().log.push(Op::Acknowledged(what.to_vec()));
    }
}

impl State {
    fn called(&mut self, writer: usize, call: &'static str) -> io::Result<()> {
        self.calls.push(call);
        if self.faults_of(writer).failing.contains(&call) && self.faults.times != Some(0) {
            if self.faults.spared > 0 {
                self.faults.spared -= 1;
                return Ok(());
            }
            self.faults.times = self.faults.times.map(|times| times - 1);
            return Err(Errno::IO.into());
        }
        Ok(())
    }

    fn faults_of(&self, writer: usize) -> Faults {
        if self.faults.of_writer.is_some_and(|of| of != writer) {
            return Faults::default();
        }
        self.faults.clone()
    }

    fn find(&self, folder: usize, name: &OsStr) -> io::Result<usize> {
        let found = self.folders.get(folder).and_then(|names| names.get(name));
        found.copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn create(&mut self, folder: usize, name: &OsStr) -> io::Result<usize> {
        if self.find(folder, name).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = self.files.len();
        self.files.push(Content::default());
        self.folders[folder].insert(name.to_owned(), file);
        let name = name.to_owned();
        self.log.push(Op::Create { folder, name, file });
        Ok(file)
    }

    fn append(&mut self, file: usize, bytes: &[u8]) {
        self.files[file].bytes.extend_from_slice(bytes);
        let bytes = bytes.to_vec();
        self.log.push(Op::Append { file, bytes });
    }
}

/// A folder of the disk.
#[derive(Clone, Debug)]
pub(crate) struct MemoryFolder {
    disk: MemoryDisk,
    number: usize,
    writer: usize,
}

impl MemoryFolder {
    /// The same folder in the hands of a certain writer.
    pub(crate) fn of_writer(&self, writer: usize) -> Self {
        Self {
            writer,
            ..self.clone()
        }
    }

    /// Puts a file there, as if it had long been on the disk.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.disk.state();
        let name = OsStr::new(name);
        let file = match state.find(self.number, name) {
            Ok(file) => file,
            Err(_) => state.create(self.number, name).unwrap_or_default(),
        };
        let old = state.files[file].bytes.len() as u64;
        state.files[file].bytes.clear();
        if old > 0 {
            state.log.push(Op::Truncate { file, size: 0 });
        }
        state.append(file, bytes);
        let folder = self.number;
        state
            .log
            .extend([Op::Sync { file }, Op::SyncFolder { folder }]);
    }

    /// What stands in a file; nothing when there is none.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.disk.state();
        let file = state.find(self.number, OsStr::new(name));
        file.map(|file| state.files[file].bytes.clone())
            .unwrap_or_default()
    }

    pub(crate) fn all_names(&self) -> Vec<OsString> {
        self.disk.state().folders[self.number]
            .keys()
            .cloned()
            .collect()
    }

    fn opened(&self, state: &State, file: usize) -> MemoryFile {
        MemoryFile {
            disk: self.disk.clone(),
            file,
            writer: self.writer,
            failed_syncs: state.files[file].failed_syncs,
        }
    }
}

impl Folder for MemoryFolder {
    type File = MemoryFile;

    fn lock(&mut self) -> io::Result<()> {
        self.disk.turn_of(self.writer).called(self.writer, "lock")?;
        self.disk.lock(self.writer, Lock::Folder(self.number))
    }

    fn unlock(&mut self) {
        self.disk.unlock(self.writer, Lock::Folder(self.number));
    }

    fn open_locked(&self, name: &OsStr) -> io::Result<MemoryFile> {
        let file = {
            let mut state = self.disk.turn_of(self.writer);
            state.called(self.writer, "lock")?;
            let found = state.find(self.number, name);
            let file = found.or_else(|_| state.create(self.number, name))?;
            self.opened(&state, file)
        };
        self.disk.lock(self.writer, Lock::File(file.file))?;
        Ok(file)
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        let mut state = self.disk.state();
        state.called(self.writer, "names")?;
        Ok(state.folders[self.number].keys().cloned().collect())
    }

    fn open(&self, name: &OsStr) -> io::Result<MemoryFile> {
        let mut state = self.disk.state();
        state.called(self.writer, "open")?;
        let file = state.find(self.number, name)?;
        Ok(self.opened(&state, file))
    }

    fn open_to_read(&self, name: &OsStr) -> io::Result<MemoryFile> {
        self.open(name)
    }

    /// There are no links.
    fn open_unshared(&self, name: &OsStr) -> io::Result<MemoryFile> {
        self.open(name)
    }

    /// There is one user only.
    fn open_secret(&self, name: &OsStr) -> io::Result<MemoryFile> {
        self.open(name)
    }

    fn create_new(&self, name: &OsStr) -> io::Result<MemoryFile> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "create")?;
        let file = state.create(self.number, name)?;
        Ok(self.opened(&state, file))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "rename")?;
        let file = state.find(self.number, from)?;
        state.folders[self.number].remove(from);
        state.folders[self.number].insert(to.to_owned(), file);
        state.log.push(Op::Rename {
            folder: self.number,
            from: from.to_owned(),
            to: to.to_owned(),
        });
        Ok(())
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "remove")?;
        state.find(self.number, name)?;
        state.folders[self.number].remove(name);
        state.log.push(Op::Remove {
            folder: self.number,
            name: name.to_owned(),
        });
        Ok(())
    }

    fn sync_name(&self, name: &OsStr) -> io::Result<()> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "sync folder")?;
        state.find(self.number, name)?;
        let folder = self.number;
        state.log.push(Op::SyncFolder { folder });
        Ok(())
    }
}

/// An open file of the disk.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
    writer: usize,
    /// The failed syncs of which this open file was told, or which came before it.
    failed_syncs: usize,
}

impl ReadAt for MemoryFile {
    fn size(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.called(self.writer, "size")?;
        Ok(state.files[self.file].bytes.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.called(self.writer, "read")?;
        state.files[self.file]
            .bytes
            .as_slice()
            .read_exact_at(buffer, offset)
    }
}

impl DiskFile for MemoryFile {
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "append")?;
        let bytes = pieces.concat();
        let faults = state.faults_of(self.writer);
        let (room, error) = faults.append.unwrap_or((bytes.len(), None));
        let fits = bytes.get(..room).unwrap_or(&bytes);
        for piece in [faults.intruder_before, fits, faults.intruder_behind] {
            if !piece.is_empty() {
                state.append(self.file, piece);
            }
        }
        match error {
            None => Ok(fits.len()),
            Some(errno) => Err(errno.into()),
        }
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "truncate")?;
        let length = usize::try_from(size).map_err(io::Error::other)?;
        state.files[self.file].bytes.truncate(length);
        state.log.push(Op::Truncate {
            file: self.file,
            size,
        });
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.turn_of(self.writer);
        let file = self.file;
        if let Err(e) = state.called(self.writer, "sync") {
            state.files[file].failed_syncs += 1;
            state.log.push(Op::FailedSync { file });
            self.failed_syncs = state.files[file].failed_syncs;
            return Err(e);
        }
        let failed = state.files[file].failed_syncs;
        if self.failed_syncs < failed {
            self.failed_syncs = failed;
            return Err(Errno::IO.into());
        }
        state.log.push(Op::Sync { file });
        Ok(())
    }

    fn wipe(self) -> io::Result<()> {
        let mut state = self.disk.turn_of(self.writer);
        state.called(self.writer, "wipe")?;
        let file = self.file;
        state.files[file].bytes.fill(0);
        state.log.extend([Op::Wipe { file }, Op::Sync { file }]);
        Ok(())
    }

    fn unlock(&mut self) {
        self.disk.unlock(self.writer, Lock::File(self.file));
    }
}
