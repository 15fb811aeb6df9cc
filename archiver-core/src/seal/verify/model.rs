//! A small world for the tests of the verdict: one honest server over some days, and what somebody who broke in can do.
//!
//! The records are real places and leaves over imaginary mails; seeds, keys and notes are real.

use sha2::{Digest as _, Sha256};

use super::{Evidence, Record, Source, State, Verdict};
use crate::identity::{Fingerprint, UtcTime};
use crate::seal::day::Day;
use crate::seal::keys::{DayKey, Seed};
use crate::seal::merkle::Tree;
use crate::seal::note::{Checkpoint, Kind, Note, NoteHash, Origin};
use crate::seal::notes::Piece;
use crate::seal::public_keys::ServerKeys;
use crate::secret::SecretBytes;
use crate::vault::chain::Fault;
use crate::vault::leaf::{BodyDigests, LeafHash, LogId, Place};

pub(super) const ARCHIVE: Fingerprint = Fingerprint::V4([0xa1; 20]);
pub(super) const SUBKEY: Fingerprint = Fingerprint::V4([0x5b; 20]);
pub(super) const LOG: LogId = LogId([0x10; 16]);

/// What the ceremony made. The attacker has the keys from the day of the break-in on.
pub(super) struct Ceremony {
    pub(super) server: ServerKeys,
    pub(super) keys: Vec<DayKey>,
}

impl Ceremony {
    pub(super) fn of(log: LogId, days: u32) -> Self {
        let secret = SecretBytes::filled_by(|bytes| bytes.fill(7));
        let first_day = "2026-11-24".parse().unwrap();
        let mut seed = Seed::of(log, first_day, secret);
        let public = seed.public_keys(days);
        let mut keys = Vec::new();
        for _ in 0..days + 3 {
            keys.push(seed.signing_key());
            seed = seed.next().unwrap();
        }
        let server = ServerKeys::new("mx1".parse().unwrap(), log, first_day, public).unwrap();
        Self { server, keys }
    }

    pub(super) fn day(&self, number: usize) -> Day {
        self.server
            .days()
            .start()
            .plus(i64::try_from(number).unwrap())
            .unwrap()
    }

    /// Seconds after the beginning of a day.
    pub(super) fn at(&self, day: usize, seconds: i64) -> UtcTime {
        UtcTime::from_unix(self.day(day).first_second().unix() + seconds).unwrap()
    }
}

/// A record; `mail` and `gap` stand for its bytes and those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) place: Place,
    pub(super) leaf: LeafHash,
    pub(super) mail: u64,
    pub(super) gap: u64,
}

impl Stored {
    fn recomputed(&self) -> LeafHash {
        let body = BodyDigests::of(b"", &self.mail.to_be_bytes());
        self.place
            .leaf(&body, None, &Sha256::digest(self.gap.to_be_bytes()).into())
    }
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) records: Vec<Stored>,
    pub(super) notes: Vec<Note>,
}

impl World {
    /// An honest server: so many mails on each day, an interim checkpoint after every second one, and the finals. The last day is today.
    pub(super) fn honest(ceremony: &Ceremony, mails: &[usize]) -> Self {
        let mut world = Self {
            records: Vec::new(),
            notes: Vec::new(),
        };
        for (day, count) in mails.iter().enumerate() {
            for number in 0..*count {
                let mail = u64::try_from(1000 * day + number).unwrap();
                world.append(
                    ceremony.at(day, 3600 * i64::try_from(number).unwrap()),
                    mail,
                    ceremony.server.log(),
                );
                if number % 2 == 1 {
                    world.seal(ceremony, day, day, Kind::Interim);
                }
            }
            if day + 1 < mails.len() {
                world.seal(ceremony, day, day, Kind::Final);
            }
        }
        world
    }

    pub(super) fn append(&mut self, time: UtcTime, mail: u64, log: LogId) {
        let same_log = self.records.iter().filter(|stored| stored.place.log == log);
        let seq = u64::try_from(same_log.count()).unwrap();
        let prev = self
            .records
            .last()
            .map_or(LeafHash::BEFORE_THE_FIRST, |last| last.leaf);
        let place = Place {
            log,
            seq,
            time,
            prev,
        };
        let mut stored = Stored {
            place,
            leaf: prev,
            mail,
            gap: 0,
        };
        stored.leaf = stored.recomputed();
        self.records.push(stored);
    }

    /// Signs a checkpoint of `day` over all records, with the key of day `with`.
    pub(super) fn seal(&mut self, ceremony: &Ceremony, day: usize, with: usize, kind: Kind) {
        let size = self.records.len();
        let note = self.note(ceremony, day, with, kind, size);
        self.notes.push(note);
    }

    /// A checkpoint over the first `size` records of the log.
    pub(super) fn note(
        &self,
        ceremony: &Ceremony,
        day: usize,
        with: usize,
        kind: Kind,
        size: usize,
    ) -> Note {
        let log = ceremony.server.log();
        let ours = self.records.iter().filter(|stored| stored.place.log == log);
        let covered: Vec<&Stored> = ours.take(size).collect();
        let tree: Tree = covered.iter().map(|stored| stored.leaf).collect();
        let checkpoint = Checkpoint {
            origin: Origin {
                archive: ARCHIVE,
                log,
            },
            size: tree.size(),
            root: tree.root(),
            kind,
            day: ceremony.day(day),
            previous: self.final_before(ceremony.day(day)),
            last_time: covered.last().map(|stored| stored.place.time),
            subkey: SUBKEY,
        };
        Note::sign(checkpoint, &ceremony.keys[with])
    }

    fn final_before(&self, day: Day) -> Option<NoteHash> {
        let is_before = |note: &&Note| note.claimed.kind == Kind::Final && note.claimed.day < day;
        self.notes
            .iter()
            .filter(is_before)
            .max_by_key(|note| note.claimed.day)
            .map(Note::hash)
    }

    /// The attacker computes numbers, links and leaves anew from a record on.
    pub(super) fn relink(&mut self, from: usize) {
        for at in from..self.records.len() {
            let before = at.checked_sub(1).map(|before| self.records[before].clone());
            let stored = &mut self.records[at];
            stored.place.seq = u64::try_from(at).unwrap();
            stored.place.prev = before
                .as_ref()
                .map_or(LeafHash::BEFORE_THE_FIRST, |before| before.leaf);
            if let Some(before) = before {
                stored.place.time = stored.place.time.max(before.place.time);
            }
            stored.leaf = stored.recomputed();
        }
    }

    /// What a walk through the vault says of each record, as [`crate::vault::chain`] does.
    pub(super) fn walk(&self) -> Vec<Record> {
        let mut last: Option<&Stored> = None;
        let mut records = Vec::new();
        for stored in &self.records {
            let fault = fault(stored, last);
            records.push(Record {
                place: stored.place,
                leaf: stored.leaf,
                fault,
                is_retired: false,
            });
            last = Some(stored);
        }
        records
    }

    pub(super) fn pieces(&self) -> Vec<Piece> {
        let piece = |note: &Note| Piece {
            offset: 0,
            note: Ok(*note),
        };
        self.notes.iter().map(piece).collect()
    }

    /// The verdict at a time, with notes that were kept elsewhere.
    pub(super) fn verdict_with(
        &self,
        ceremony: &Ceremony,
        now: UtcTime,
        elsewhere: &[Note],
    ) -> Verdict {
        let mut evidence = Evidence::new(&ceremony.server, ARCHIVE, SUBKEY, now);
        evidence.add(self.pieces(), Source::Vault);
        let elsewhere = elsewhere.iter().map(|note| Piece {
            offset: 0,
            note: Ok(*note),
        });
        evidence.add(elsewhere, Source::Elsewhere);
        let mut examiner = evidence.examine();
        self.walk()
            .iter()
            .for_each(|record| examiner.record(record));
        examiner.finish()
    }
}

fn fault(stored: &Stored, last: Option<&Stored>) -> Option<Fault> {
    let prev = last.map_or(LeafHash::BEFORE_THE_FIRST, |last| last.leaf);
    let (found, last) = (stored.place.seq, last.map(|last| last.place));
    let expected = last
        .filter(|last| last.log == stored.place.log)
        .map_or(0, |last| last.seq + 1);
    if found != expected {
        return Some(Fault::Sequence { expected, found });
    }
    if stored.place.prev != prev {
        return Some(Fault::Prev);
    }
    if let Some(before) = last
        .map(|last| last.time)
        .filter(|before| stored.place.time < *before)
    {
        return Some(Fault::Time { before });
    }
    (stored.leaf != stored.recomputed()).then_some(Fault::Leaf)
}

/// The states of the days, in a form that is easy to compare.
pub(super) fn states(verdict: &Verdict) -> Vec<String> {
    let short = |state: &State| match state {
        State::Sealed => "sealed".to_owned(),
        State::Open => "open".to_owned(),
        State::Missing => "missing".to_owned(),
        State::Broken(found) => format!("broken at {}", found.first),
    };
    verdict.days.iter().map(|day| short(&day.state)).collect()
}
