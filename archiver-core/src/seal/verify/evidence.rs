//! Gathers checkpoints from the `.seals` file and from elsewhere, and keeps those that may prove something.
//!
//! A final is verified at once. So is an interim checkpoint that says anything unusual; of the others only the key that it names is compared, and the
//! signature when the verdict comes to depend on it ([`super::judgement`]): ten years of an interim checkpoint every quarter of an hour are 350,000
//! signatures, and next to none of them decides anything.

use std::collections::HashMap;

use super::examiner::Examiner;
use super::noticed::Noticed;
use super::{Finding, Source};
use crate::identity::{Fingerprint, UtcTime};
use crate::seal::day::Day;
use crate::seal::note::{Checkpoint, Kind, NotSealed, Note, NoteHash};
use crate::seal::notes::Piece;
use crate::seal::public_keys::ServerKeys;

/// A checkpoint of the log that names the key of its day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Testimony {
    note: Note,
    pub(super) hash: NoteHash,
    offset: u64,
    in_vault: bool,
    elsewhere: bool,
    is_verified: bool,
}

impl Testimony {
    /// What it says. Whether it is signed is for [`Self::verify`] to say, but for finals, which are here only when they are.
    pub(super) fn claimed(&self) -> &Checkpoint {
        &self.note.claimed
    }

    /// Whether it stands in the `.seals` file beside the vault.
    pub(super) fn is_in_vault(&self) -> bool {
        self.in_vault
    }

    /// Whether it stands in a copy that left the server.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    fn source(&self) -> Source {
        if self.in_vault {
            Source::Vault
        } else {
            Source::Elsewhere
        }
    }

    /// Whether it is signed with the key of its day; otherwise what is to be told.
    pub(super) fn verify(&self, keys: &ServerKeys) -> Result<(), Finding> {
        if self.is_verified {
            return Ok(());
        }
        let key = keys.key_of(self.claimed().day).ok_or(NotSealed::NoKey);
        let verified = key.and_then(|key| self.note.verify_with(&key));
        verified
            .map(|_| ())
            .map_err(|why| not_sealed(self.offset, &self.note, self.source(), why))
    }
}

fn not_sealed(offset: u64, note: &Note, place: Source, why: NotSealed) -> Finding {
    Finding::NotSealed {
        offset,
        place,
        kind: note.claimed.kind,
        day: note.claimed.day,
        why,
    }
}

/// The checkpoints of one log.
#[derive(Debug)]
pub struct Evidence<'a> {
    keys: &'a ServerKeys,
    archive: Fingerprint,
    subkey: Fingerprint,
    now: UtcTime,
    /// Checkpoints kept elsewhere may be as late as this.
    elsewhere_until: UtcTime,
    testimonies: Vec<Testimony>,
    by_hash: HashMap<[u8; 32], usize>,
    noticed: Noticed,
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
        Self {
            keys,
            archive,
            subkey,
            now,
            elsewhere_until: now,
            testimonies: Vec::new(),
            by_hash: HashMap::new(),
            noticed: Noticed::default(),
        }
    }

    /// The vault is a copy that was made earlier than the checkpoints kept elsewhere were gathered: those from between the two are later than the copy, and say nothing
    /// of it.
    #[must_use]
    pub fn with_elsewhere_until(self, elsewhere_until: UtcTime) -> Self {
        Self {
            elsewhere_until,
            ..self
        }
    }

    /// Takes what [`pieces`](crate::seal::notes::pieces) found in a file. The same note may come any number of times.
    pub fn add(&mut self, pieces: impl IntoIterator<Item = Piece>, source: Source) {
        pieces
            .into_iter()
            .for_each(|piece| self.add_piece(piece, source));
    }

    /// Takes one of them. What else stands in a copy that was kept elsewhere, the text of a mail say, is not told.
    pub fn add_piece(&mut self, piece: Piece, source: Source) {
        let Piece { offset, note } = piece;
        match note {
            Ok(note) => self.add_note(offset, &note, source),
            Err(why) if source == Source::Vault => {
                self.noticed.push(Finding::Unreadable { offset, why });
            }
            Err(_) => {}
        }
    }

    fn add_note(&mut self, offset: u64, note: &Note, source: Source) {
        let hash = note.hash();
        let known = self.by_hash.get(&hash.0).copied();
        if let Some(known) = known.and_then(|known| self.testimonies.get_mut(known)) {
            known.in_vault |= source == Source::Vault;
            known.elsewhere |= source == Source::Elsewhere;
            return;
        }
        match self.judge(note) {
            Err(why) => self.noticed.push(not_sealed(offset, note, source, why)),
            Ok(_) if self.is_early(note.claimed.kind, note.claimed.day) => {
                let (kind, day) = (note.claimed.kind, note.claimed.day);
                let is_later_than_the_copy =
                    source == Source::Elsewhere && !is_early(kind, day, self.elsewhere_until);
                if !is_later_than_the_copy {
                    self.noticed.push(Finding::Future { kind, day });
                }
            }
            Ok(is_verified) => {
                self.tell_other_subkey(&note.claimed);
                self.by_hash.insert(hash.0, self.testimonies.len());
                self.testimonies.push(Testimony {
                    note: *note,
                    hash,
                    offset,
                    in_vault: source == Source::Vault,
                    elsewhere: source == Source::Elsewhere,
                    is_verified,
                });
            }
        }
    }

    /// Whether a note that may be believed was verified, or is an ordinary one whose signature can wait.
    fn judge(&self, note: &Note) -> Result<bool, NotSealed> {
        let key = note.named_key(self.archive, self.keys)?;
        let Checkpoint {
            kind, day, subkey, ..
        } = note.claimed;
        if kind == Kind::Interim && subkey == self.subkey && !self.is_early(kind, day) {
            return Ok(false);
        }
        note.verify_with(&key).map(|_| true)
    }

    fn tell_other_subkey(&mut self, claimed: &Checkpoint) {
        let finding = Finding::OtherSubkey(claimed.day);
        if claimed.subkey != self.subkey && self.noticed.listed.last() != Some(&finding) {
            self.noticed.push(finding);
        }
    }

    fn is_early(&self, kind: Kind, day: Day) -> bool {
        is_early(kind, day, self.now)
    }

    /// Now for the records.
    #[must_use]
    pub fn examine(self) -> Examiner<'a> {
        Examiner::new(self.keys, self.now, self.testimonies, self.noticed)
    }
}

/// Whether a checkpoint is of a day that has not come, or a final of one that is not over.
fn is_early(kind: Kind, day: Day, now: UtcTime) -> bool {
    let today = Day::of(now);
    match kind {
        Kind::Interim => day > today,
        Kind::Final => day >= today,
    }
}
