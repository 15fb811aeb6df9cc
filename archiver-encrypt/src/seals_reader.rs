//! The `.seals` file beside a vault, as those read it who only look at its end (docs/format.md §8.4).
//!
//! What is read is claimed, not verified: that is for `custodian inspect`, which has the public keys. Nothing here is written.

use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;

use crate::disk::open_regular;
use crate::vault_place::seals_of;

/// How far from the end is read first; then eight times as far, and so on.
const FIRST_STEP: u64 = 64 * 1024;

/// Further back nobody looks: a hundred thousand notes without a final among them are none of ours.
const LONGEST_STEP: u64 = 64 * 1024 * 1024;

/// The last notes of a `.seals` file, in its order.
#[derive(Debug, Default)]
pub(crate) struct LastSeals(Vec<Note>);

impl LastSeals {
    /// Reads back from the file's end until the finals of so many days are found. No file is an empty one.
    pub(crate) fn read(vault: &Path, days: usize) -> io::Result<Self> {
        let (file, size) = match open_regular(&seals_of(vault)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            opened => opened?,
        };
        let mut step = FIRST_STEP;
        loop {
            let start = size.saturating_sub(step);
            let mut end = vec![0; usize::try_from(size - start).map_err(io::Error::other)?];
            file.read_exact_at(&mut end, start)?;
            let notes = pieces(&end, start).filter_map(|piece| piece.note.ok());
            let found = Self(notes.collect());
            if start == 0 || step > LONGEST_STEP || found.finals(days).len() >= days {
                return Ok(found);
            }
            step = step.saturating_mul(8);
        }
    }

    /// The last one.
    pub(crate) fn last(&self) -> Option<&Note> {
        self.0.last()
    }

    /// The last final.
    pub(crate) fn last_final(&self) -> Option<&Note> {
        self.finals(1).first().copied()
    }

    /// The last so many finals, the oldest first. One that stands there again, from an interrupted run, is given once.
    pub(crate) fn finals(&self, number: usize) -> Vec<&Note> {
        let mut finals: Vec<&Note> = Vec::new();
        for note in self.0.iter().rev() {
            if finals.len() == number {
                break;
            }
            if note.claimed.kind == Kind::Final && !finals.contains(&note) {
                finals.push(note);
            }
        }
        finals.reverse();
        finals
    }
}
