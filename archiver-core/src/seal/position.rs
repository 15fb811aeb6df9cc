//! Where a log stands, found out again by every run: from what the last run remembered if the vault and the checkpoints bear it out, and from
//! the vault's own bytes if not.
//!
//! What is remembered counts only when its last record is the vault's last record of ours, or is found further back; then the records behind it are
//! read. A log that contradicts its last checkpoint is not sealed further.

use std::io;
use std::iter::Peekable;
use std::ops::ControlFlow;

use thiserror::Error;

use super::day::Day;
use super::note::Note;
use super::replay::{Behind, replay};
use super::state::{LastLeaf, State};
use super::verify::Record;
use crate::counted::Counted;
use crate::vault::append::find_tail;
use crate::vault::chain::Fault;
use crate::vault::disk::Folder;
use crate::vault::header::Header;
use crate::vault::leaf::{LeafHash, LogId, Place};
use crate::vault::tail::{LastRecord, Tail};
use crate::vault::writable::LockedVault;

/// Why no checkpoint may be signed over a log.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Contradiction {
    /// Its records are others than those that were sealed.
    #[error("the last checkpoint seals others than the vault's first {}", Counted(*.0, "record"))]
    OtherRecords(u64),
    /// Sealed records are not there.
    #[error(
        "the vault has {} of this log, and of the log {sealed} are sealed: it was cut, replaced or moved away (with seals, a vault is rotated by segments)",
        Counted(*found, "record")
    )]
    Shorter {
        /// How many there are.
        found: u64,
        /// How many were sealed.
        sealed: u64,
    },
    /// A record behind the last checkpoint does not hold.
    #[error("the record with sequence {seq} is not as it was appended: {fault}")]
    Record {
        /// Its number.
        seq: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// Vault and seals are not those of before.
    #[error(
        "the vault is not the one that this server remembers, and its seals are gone: give each vault a seal folder of its own"
    )]
    AnotherVault,
    /// A record claims another number than its place.
    #[error(
        "where the record with sequence {expected} should stand, the vault has one that claims {found}"
    )]
    Number {
        /// Its place.
        expected: u64,
        /// What it claims.
        found: u64,
    },
}

/// Where the log stands.
#[derive(Debug)]
pub(super) struct Position {
    /// `may_seal` is false when the log contradicts its checkpoints, now or in an earlier run.
    pub(super) state: State,
    /// Found in this run.
    pub(super) contradiction: Option<Contradiction>,
    /// More records were remembered than there are.
    pub(super) forgotten: Option<Forgotten>,
    /// The log of the vault's last record, when that is another one and this log has records before it.
    pub(super) other_log: Option<LogId>,
}

/// Numbers of records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forgotten {
    pub(super) remembered: u64,
    pub(super) found: u64,
}

impl From<State> for Position {
    fn from(state: State) -> Self {
        Self {
            state,
            contradiction: None,
            forgotten: None,
            other_log: None,
        }
    }
}

/// Finds it. `known` are remembered states, the newest first; `note` is the last of the `.seals` file. With `anew`, all of the vault is read.
pub(super) fn find<F: Folder<File: Sync>>(
    vault: &mut LockedVault<'_, F>,
    log: LogId,
    known: impl Iterator<Item = State>,
    note: Option<&Note>,
    anew: bool,
) -> io::Result<Position> {
    let mut known = known.peekable();
    let tail = find_tail(vault)?;
    let (last, other) = match tail.last.map(|last| last.header) {
        Some(other) if other.place.log != log => (None, Some(other.place.log)),
        last => (last, None),
    };
    let newest = known.peek().cloned();
    let remembered = newest.as_ref().map_or(0, |state| state.tree.size());
    if let Some(last) = last.as_ref().filter(|_| !anew)
        && let Some(position) = remembered_position(vault, last, known, note)?
    {
        return Ok(position);
    }
    let sealed = note.map_or(0, |note| note.claimed.size);
    let mut reader = Reader::new(State::beginning(log), note);
    if last.is_some() || remembered > 0 || sealed > 0 {
        reader.read(vault, None)?;
    }
    let mut position = reader.position();
    let found = position.state.tree.size();
    position.forgotten = (remembered > found).then_some(Forgotten { remembered, found });
    position.other_log = other.filter(|_| found > 0);
    if let Some(newest) = newest {
        position.compare_with(newest, last.is_some());
    }
    Ok(position)
}

impl Position {
    /// What was remembered is not in the vault. Without a single seal to say which of them is right, no side is believed.
    fn compare_with(&mut self, newest: State, has_records: bool) {
        let without_seals = self.state.note.is_none() && newest.note.is_some();
        if without_seals && self.contradiction.is_none() {
            self.contradiction = Some(Contradiction::AnotherVault);
        }
        if self.contradiction.is_none() {
            return;
        }
        self.state.may_seal = false;
        self.state.note = newest.note;
        if !has_records && newest.tree.size() >= self.state.tree.size() {
            // The log's numbers go on where they were.
            self.state = State {
                may_seal: false,
                ..newest
            };
        }
    }
}

/// From the newest remembered state that the vault and the checkpoint bear out.
fn remembered_position<F: Folder<File: Sync>>(
    vault: &mut LockedVault<'_, F>,
    last: &Header,
    mut known: Peekable<impl Iterator<Item = State>>,
    note: Option<&Note>,
) -> io::Result<Option<Position>> {
    let ends_with_last = |state: &State| state.last.is_some_and(|found| found.leaf == last.leaf);
    if let Some(contradicted) = known.peek().filter(|state| !state.may_seal) {
        let same = ends_with_last(contradicted).then(|| contradicted.clone());
        return Ok(same.map(Position::from));
    }
    let mut behind = None;
    for state in known.take_while(|state| state.may_seal) {
        let Some(LastLeaf { leaf, .. }) = state.last else {
            break;
        };
        if leaf != last.leaf {
            if state.tree.size() > last.place.seq {
                continue;
            }
            behind = find_leaf(vault, leaf, state.log)?;
            if behind.is_none() {
                break;
            }
        }
        let mut reader = Reader::new(state, note);
        if behind.is_some() {
            reader.read(vault, behind)?;
        }
        return Ok(reader.agrees.is_some().then(|| reader.position()));
    }
    Ok(None)
}

/// Goes back through the records until one has this leaf, as far as they are of this log.
fn find_leaf<F: Folder>(
    vault: &mut LockedVault<'_, F>,
    leaf: LeafHash,
    log: LogId,
) -> io::Result<Option<Behind>> {
    let mut backward = Backward::from_the_end(vault);
    while let Some(record) = backward.next(vault)? {
        if record.header.leaf == leaf {
            let (header, end) = (record.header, record.end);
            return Ok(Some(Behind { header, end }));
        }
        if record.header.place.log != log {
            break;
        }
    }
    Ok(None)
}

/// A walk back through the records of a vault. Files are taken in as far as it goes.
struct Backward {
    /// Where the last record begins that was found.
    before: u64,
}

impl Backward {
    fn from_the_end<F: Folder>(vault: &LockedVault<'_, F>) -> Self {
        let before = vault.end().total();
        Self { before }
    }

    /// The record before. One that begins a file does not count until the file before is taken in, which may end in the middle of a line.
    fn next<F: Folder>(
        &mut self,
        vault: &mut LockedVault<'_, F>,
    ) -> io::Result<Option<LastRecord>> {
        loop {
            let found = Tail::find(vault.end(), self.before)?.last;
            if let Some(sure) = found.as_ref().filter(|found| found.start > 0) {
                self.before = sure.start;
                return Ok(found);
            }
            let Some(size) = vault.reach_back()? else {
                self.before = 0;
                return Ok(found);
            };
            self.before += size;
        }
    }
}

/// How many records a log has by the number that its last one claims; records of other logs may stand behind it.
pub(super) fn claimed_size<F: Folder>(
    vault: &mut LockedVault<'_, F>,
    log: LogId,
) -> io::Result<u64> {
    let mut backward = Backward::from_the_end(vault);
    while let Some(record) = backward.next(vault)? {
        let place = record.header.place;
        if place.log == log {
            return Ok(place.seq.saturating_add(1));
        }
    }
    Ok(0)
}

/// The tree over the records that are dated up to the end of a day, and the last of them.
pub(super) fn until<F: Folder<File: Sync>>(
    vault: &mut LockedVault<'_, F>,
    log: LogId,
    day: Day,
) -> io::Result<State> {
    vault.reach_the_beginning()?;
    let mut state = State::beginning(log);
    replay(vault, None, |record| {
        let Place { log, time, .. } = record.place;
        if log == state.log {
            if Day::of(time) > day {
                return ControlFlow::Break(());
            }
            state.push(record.leaf, time);
        }
        ControlFlow::Continue(())
    })?;
    Ok(state)
}

/// Takes records in, and compares them with a note on the way.
struct Reader {
    state: State,
    note: Option<Note>,
    /// Whether the log's records are those that the note seals; not known until there are as many.
    agrees: Option<bool>,
    fault: Option<Contradiction>,
}

impl Reader {
    fn new(state: State, note: Option<&Note>) -> Self {
        let is_known = note.is_none_or(|note| Some(note.hash()) == state.note);
        let agrees = is_known.then_some(true);
        let mut reader = Self {
            state,
            note: note.copied(),
            agrees,
            fault: None,
        };
        reader.compare();
        reader
    }

    fn sealed(&self) -> u64 {
        self.note.map_or(0, |note| note.claimed.size)
    }

    fn compare(&mut self) {
        if let (None, Some(note)) = (self.agrees, &self.note)
            && note.claimed.size == self.state.tree.size()
        {
            self.agrees = Some(note.claimed.root == self.state.tree.root());
        }
    }

    fn read<F: Folder<File: Sync>>(
        &mut self,
        vault: &mut LockedVault<'_, F>,
        behind: Option<Behind>,
    ) -> io::Result<()> {
        if behind.is_none() {
            vault.reach_the_beginning()?;
        }
        replay(vault, behind, |record| {
            self.take(record);
            ControlFlow::Continue(())
        })
    }

    /// What the checkpoint covers is as it claims when its root comes out. What stands behind it must hold by itself.
    fn take(&mut self, record: &Record) {
        let Place { log, seq, time, .. } = record.place;
        if log != self.state.log {
            return;
        }
        let expected = self.state.tree.size();
        if expected >= self.sealed() && self.fault.is_none() {
            let number = (seq != expected).then_some(Contradiction::Number {
                expected,
                found: seq,
            });
            let fault = record
                .fault
                .clone()
                .map(|fault| Contradiction::Record { seq, fault });
            self.fault = fault.or(number);
        }
        self.state.push(record.leaf, time);
        self.compare();
    }

    fn position(self) -> Position {
        let (sealed, found) = (self.sealed(), self.state.tree.size());
        let contradiction = match self.agrees {
            Some(true) => self.fault,
            Some(false) => Some(Contradiction::OtherRecords(sealed)),
            None => Some(Contradiction::Shorter { found, sealed }),
        };
        let may_seal = self.state.may_seal && contradiction.is_none();
        let state = State {
            note: self.note.map(|note| note.hash()),
            may_seal,
            ..self.state
        };
        Position {
            state,
            contradiction,
            forgotten: None,
            other_log: None,
        }
    }
}
