//! Which note beside the vault counts as the last one, and which final the next one continues (docs/format.md §8.5).
//!
//! Whoever may write beside the vault can append to its seals what he likes: a note of his own, or an old one of ours once more. So a note counts when this
//! server remembers it, or when it is signed with the key of the seed's day or of a later one. A note of an earlier day cannot be verified here any
//! more, because its key is gone; such a one counts only when what was remembered is lost or older. Everything else is passed over, and told. Without a usable
//! seed nothing is signed, so that what is remembered is enough, and nobody's note is called strange that could be our own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;

use crate::seal::day::Day;
use crate::seal::keys::{PublicKey, Seed};
use crate::seal::note::{Kind, Note, Origin};
use crate::seal::seals_file::SealsFile;
use crate::seal::state::{LastFinal, State};
use crate::vault::disk::Folder;

/// What the seals beside a vault end with.
#[derive(Debug, Default)]
pub(super) struct LastSeal {
    /// The last note that counts.
    pub(super) note: Option<Note>,
    /// The last final of which this server knows.
    pub(super) last_final: Option<LastFinal>,
    /// The last of the notes behind the one that counts.
    pub(super) passed_over: Option<Note>,
}

/// What this server knows by itself, and judges notes by.
pub(super) struct Judge<'a> {
    pub(super) origin: Origin,
    /// The days for which there are keys.
    pub(super) days: RangeInclusive<Day>,
    /// What was remembered last.
    pub(super) remembered: Option<&'a State>,
    /// `None` when there is no usable one.
    pub(super) seed: Option<&'a Seed>,
}

impl Judge<'_> {
    /// Looks at the end of the file, and further back when nothing in it counts.
    pub(super) fn last_seal<F: Folder>(&self, file: &SealsFile<'_, F>) -> io::Result<LastSeal> {
        let mut passed_over = None;
        for end in file.ends()? {
            let notes = end?;
            // Nearly always the last one is remembered, and no key is asked for.
            let keys = match notes.last() {
                Some(last) if self.remembers(last) => BTreeMap::new(),
                _ => self.keys_of(&notes),
            };
            let found = notes.iter().rposition(|note| self.counts(note, &keys));
            let behind = found.map_or(0, |found| found + 1);
            let mut behind = notes.get(behind..).unwrap_or_default().iter();
            passed_over = behind.rfind(|note| self.is_strange(note)).copied();
            if let Some(note) = found.and_then(|found| notes.get(found)) {
                return Ok(LastSeal {
                    note: Some(*note),
                    last_final: self.last_final(Some(note)),
                    passed_over,
                });
            }
        }
        Ok(LastSeal {
            note: None,
            last_final: self.last_final(None),
            passed_over,
        })
    }

    fn counts(&self, note: &Note, keys: &BTreeMap<Day, PublicKey>) -> bool {
        let day = note.claimed.day;
        if note.claimed.origin != self.origin {
            return false;
        }
        match self.seed {
            _ if self.remembers(note) => true,
            None => false,
            Some(seed) if day < seed.day() => !self.knows_the_final_before(seed.day()),
            Some(_) => keys
                .get(&day)
                .is_some_and(|key| note.verify_with(key).is_ok()),
        }
    }

    /// Whether a note that does not count can be none of ours. Without a seed only what another one says of itself tells that.
    fn is_strange(&self, note: &Note) -> bool {
        self.seed.is_some() || note.claimed.origin != self.origin
    }

    fn remembers(&self, note: &Note) -> bool {
        self.remembered.is_some_and(|state| {
            let hash = Some(note.hash());
            hash == state.note || hash == state.last_final.map(|last| last.hash)
        })
    }

    /// The last final that is remembered, of a day whose key is gone. One of the seed's own day can be judged by the seed, and made once more.
    fn remembered_final(&self) -> Option<LastFinal> {
        let last = self.remembered.and_then(|state| state.last_final);
        last.filter(|last| self.seed.is_none_or(|seed| last.day < seed.day()))
    }

    /// Whether nothing of the days before the seed's can stand there but what is remembered.
    fn knows_the_final_before(&self, day: Day) -> bool {
        let last = self.remembered_final();
        day <= *self.days.start() || last.is_some_and(|last| last.day.plus(1) >= Some(day))
    }

    /// The keys of these notes' days, as far as the seed gives them. Each day is reached once, however many notes there are.
    fn keys_of(&self, notes: &[Note]) -> BTreeMap<Day, PublicKey> {
        let mut keys = BTreeMap::new();
        let unknown = notes.iter().filter(|note| !self.remembers(note));
        let days: BTreeSet<Day> = unknown.map(|note| note.claimed.day).collect();
        let Some(mut seed) = self.seed.map(Seed::again) else {
            return keys;
        };
        for day in days
            .range(seed.day()..)
            .take_while(|day| self.days.contains(day))
        {
            while seed.day() < *day {
                let Some(next) = seed.next() else {
                    return keys;
                };
                seed = next;
            }
            keys.insert(*day, seed.signing_key().public());
        }
        keys
    }

    /// The later one of what is remembered and what the note says.
    fn last_final(&self, note: Option<&Note>) -> Option<LastFinal> {
        let said = note.and_then(|note| {
            let (day, hash) = match note.claimed.kind {
                Kind::Final => (note.claimed.day, note.hash()),
                Kind::Interim => (note.claimed.day.plus(-1)?, note.claimed.previous?),
            };
            Some(LastFinal { day, hash })
        });
        match (self.remembered_final(), said) {
            (Some(remembered), Some(said)) if remembered.day < said.day => Some(said),
            (remembered, said) => remembered.or(said),
        }
    }
}
