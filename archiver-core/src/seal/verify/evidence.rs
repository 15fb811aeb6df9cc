//! Gathers checkpoints from the `.seals` file and from elsewhere, and keeps those that prove something.

use std::collections::HashMap;

use super::Finding;
use super::examiner::Examiner;
use crate::identity::{Fingerprint, UtcTime};
use crate::seal::day::Day;
use crate::seal::note::{Kind, Note, NoteHash, SealedCheckpoint};
use crate::seal::notes::Piece;
use crate::seal::public_keys::ServerKeys;

/// Where a checkpoint was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the `.seals` file beside the vault.
    Vault,
    /// In a copy that left the server: mailed, printed, kept by custodians.
    Elsewhere,
}

/// A checkpoint that is signed with the key of its day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proven {
    pub(super) checkpoint: SealedCheckpoint,
    pub(super) hash: NoteHash,
    pub(super) source: Source,
}

/// The checkpoints of one log that are to be believed.
#[derive(Debug)]
pub struct Evidence<'a> {
    keys: &'a ServerKeys,
    archive: Fingerprint,
    subkey: Fingerprint,
    now: UtcTime,
    proven: Vec<Proven>,
    by_hash: HashMap<[u8; 32], usize>,
    findings: Vec<Finding>,
}

impl<'a> Evidence<'a> {
    /// About the log of `keys`, of the archive with this primary key and this encryption subkey. `now` decides which days are over.
    #[must_use]
    pub fn new(
        keys: &'a ServerKeys,
        archive: Fingerprint,
        subkey: Fingerprint,
        now: UtcTime,
    ) -> Self {
        let (proven, by_hash, findings) = (Vec::new(), HashMap::new(), Vec::new());
        Self {
            keys,
            archive,
            subkey,
            now,
            proven,
            by_hash,
            findings,
        }
    }

    /// Takes what [`pieces`](crate::seal::notes::pieces) found in a file. The same note may come any number of times.
    pub fn add(&mut self, pieces: impl IntoIterator<Item = Piece>, source: Source) {
        for Piece { offset, note } in pieces {
            match note {
                Ok(note) => self.add_note(offset, &note, source),
                Err(why) => self.findings.push(Finding::Unreadable { offset, why }),
            }
        }
    }

    fn add_note(&mut self, offset: u64, note: &Note, source: Source) {
        let hash = note.hash();
        if let Some(known) = self
            .by_hash
            .get(&hash.0)
            .and_then(|known| self.proven.get_mut(*known))
        {
            if source == Source::Vault {
                known.source = source;
            }
            return;
        }
        let (kind, day) = (note.claimed.kind, note.claimed.day);
        match note.verify(self.archive, self.keys) {
            Err(why) => self.findings.push(Finding::NotSealed {
                offset,
                kind,
                day,
                why,
            }),
            Ok(_) if self.is_early(kind, day) => self.findings.push(Finding::Future { kind, day }),
            Ok(checkpoint) => {
                let is_diverted = note.claimed.subkey != self.subkey;
                if is_diverted && self.findings.last() != Some(&Finding::OtherSubkey(day)) {
                    self.findings.push(Finding::OtherSubkey(day));
                }
                self.by_hash.insert(hash.0, self.proven.len());
                self.proven.push(Proven {
                    checkpoint,
                    hash,
                    source,
                });
            }
        }
    }

    fn is_early(&self, kind: Kind, day: Day) -> bool {
        let today = Day::of(self.now);
        match kind {
            Kind::Interim => day > today,
            Kind::Final => day >= today,
        }
    }

    /// Now for the records.
    #[must_use]
    pub fn examine(self) -> Examiner<'a> {
        Examiner::new(self.keys, self.now, self.proven, self.findings)
    }
}
