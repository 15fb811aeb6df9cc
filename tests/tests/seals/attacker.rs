//! Somebody who owns the server since this morning: he rewrites records, checkpoints and links as the writer would, and signs with the keys that he found.

use std::fs;
use std::ops::Range;

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::encrypt::SealedBody;
use archiver_core::openpgp::framing::split_message;
use archiver_core::seal::merkle::Tree;
use archiver_core::seal::note::{Checkpoint, Kind, Note, NoteHash, Origin};
use archiver_core::seal::notes::pieces;
use archiver_core::vault::armor;
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::{BodyDigests, LeafHash, LogId, Place};
use archiver_core::vault::read::{Claim, read_record};
use archiver_core::vault::scan::{Scanner, Span, SpanKind};
use sha2::{Digest as _, Sha256};

use crate::honest::{Shape, Site, TODAY, ceremony};
use crate::verdict::Verdict;

/// The attacker, with what stands on the server; [`Self::save`] writes it back.
#[derive(Debug)]
pub(crate) struct Attacker {
    pub(crate) site: Site,
    pub(crate) records: Vec<Stored>,
    /// What stands behind the last record of ours.
    pub(crate) tail: Vec<u8>,
    pub(crate) notes: Vec<Note>,
    /// The first day of which he has the key.
    break_in: usize,
}

/// A record of ours, and the bytes between it and the one before.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Which of the vault's files it stands in.
    file: usize,
    pub(crate) gap: Vec<u8>,
    pub(crate) header: Header,
    /// The binary message.
    pub(crate) message: Vec<u8>,
    /// The record as it stands in the file.
    pub(crate) text: Vec<u8>,
}

impl Stored {
    /// Writes the record anew, from its header and message.
    pub(crate) fn render(&mut self) {
        self.text = armor::render(Some(&self.header), &self.message);
    }

    /// The leaf that comes out of it where it stands.
    fn leaf(&self) -> LeafHash {
        let (session_keys, rest) = split_message(&self.message);
        let body = BodyDigests::of(session_keys, rest);
        let Header { place, origin, .. } = &self.header;
        place.leaf(&body, origin.as_ref(), &Sha256::digest(&self.gap).into())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.gap.as_slice(), &self.text].concat()
    }
}

impl Attacker {
    /// On an honest server, with the keys from today on.
    pub(crate) fn today(shape: Shape) -> Self {
        Self::on(Site::honest(shape))
    }

    pub(crate) fn on(site: Site) -> Self {
        let (records, tail) = read(&site);
        let seals = fs::read(site.seals()).unwrap_or_default();
        let notes = pieces(&seals, 0).map(|piece| piece.note.unwrap()).collect();
        Self {
            site,
            records,
            tail,
            notes,
            break_in: TODAY,
        }
    }

    /// He came earlier.
    pub(crate) fn since(mut self, break_in: usize) -> Self {
        self.break_in = break_in;
        self
    }

    /// Writes the vault and its seals.
    pub(crate) fn save(&self) {
        let files = self.site.files();
        let mut contents = vec![Vec::new(); files.len()];
        for stored in &self.records {
            contents[stored.file].extend(stored.bytes());
        }
        contents.last_mut().unwrap().extend(&self.tail);
        for (file, content) in files.iter().zip(contents) {
            fs::write(file, content).unwrap();
        }
        self.save_notes();
    }

    /// Writes the seals only.
    pub(crate) fn save_notes(&self) {
        let notes: String = self.notes.iter().map(ToString::to_string).collect();
        fs::write(self.site.seals(), notes).unwrap();
    }

    /// What is said of the vault that he leaves.
    pub(crate) fn verdict(&self) -> Verdict {
        self.save();
        self.site.verdict()
    }

    /// The same, by an auditor who has finals that left the server.
    pub(crate) fn verdict_with_finals(&self, kept: &str) -> Verdict {
        self.save();
        self.site.verdict_with_finals(kept, None)
    }

    /// Computes numbers, links and leaves anew, from a record on. He can make no origin proof for mails that others encrypted.
    pub(crate) fn relink(&mut self, from: usize) {
        for at in from..self.records.len() {
            let before = at.checked_sub(1).map(|before| self.records[before].header);
            let stored = &mut self.records[at];
            let place = &mut stored.header.place;
            place.seq = u64::try_from(at).unwrap();
            place.prev = before.map_or(LeafHash::BEFORE_THE_FIRST, |before| before.leaf);
            let earliest = before.map_or(place.time, |before| before.place.time);
            place.time = place.time.max(earliest);
            stored.header.origin = None;
            stored.header.leaf = stored.leaf();
            stored.render();
        }
    }

    /// A mail of his own, as a record of that time to be put at a place among the others, with a good leaf and a good proof for it.
    pub(crate) fn forge(&self, at: usize, time: UtcTime) -> Stored {
        self.forge_of(ceremony().log(), at, time)
    }

    /// The same, as a record of any log.
    pub(crate) fn forge_of(&self, log: LogId, at: usize, time: UtcTime) -> Stored {
        let before = at.checked_sub(1).map(|before| &self.records[before]);
        let prev = before.map_or(LeafHash::BEFORE_THE_FIRST, |before| before.header.leaf);
        let seq = u64::try_from(at).unwrap();
        let place = Place {
            log,
            seq,
            time,
            prev,
        };
        let file = before.map_or(0, |before| before.file);
        stored(
            place,
            ceremony().encrypt("Subject: forged\n\nforged\n"),
            file,
        )
    }

    /// Puts a record among the others, into the file of the one before it.
    pub(crate) fn insert(&mut self, at: usize, record: Stored) {
        let file = at
            .checked_sub(1)
            .map_or(0, |before| self.records[before].file);
        self.records.insert(at, Stored { file, ..record });
    }

    /// Puts a mail of his own at the vault's end.
    pub(crate) fn append(&mut self, time: UtcTime) {
        let forged = self.forge(self.records.len(), time);
        self.insert(self.records.len(), forged);
    }

    /// A checkpoint of a day over the first records, signed with the key of the day `with`, if he has it.
    pub(crate) fn note(&self, day: usize, with: usize, kind: Kind, size: usize) -> Note {
        assert!(with >= self.break_in, "the key of day {with} was erased");
        let covered = &self.records[..size];
        let tree: Tree = covered.iter().map(|stored| stored.header.leaf).collect();
        let archive = ceremony().archive;
        let origin = Origin {
            archive: archive.primary,
            log: ceremony().log(),
        };
        let checkpoint = Checkpoint {
            origin,
            size: tree.size(),
            root: tree.root(),
            kind,
            day: ceremony().day(day),
            previous: self.final_before(day),
            last_time: covered.last().map(|stored| stored.header.place.time),
            subkey: archive.encryption,
        };
        Note::sign(checkpoint, &ceremony().key(with))
    }

    /// Signs over all records, with the key of the day itself.
    pub(crate) fn sign(&mut self, day: usize, kind: Kind) {
        let note = self.note(day, day, kind, self.records.len());
        self.notes.push(note);
    }

    /// Takes today's checkpoints away and signs another one over what stands there now.
    pub(crate) fn reseal_today(&mut self) {
        self.drop_notes_from(TODAY);
        self.sign(TODAY, Kind::Interim);
    }

    /// Takes all checkpoints away from a day on.
    pub(crate) fn drop_notes_from(&mut self, day: usize) {
        let day = ceremony().day(day);
        self.notes.retain(|note| note.claimed.day < day);
    }

    fn final_before(&self, day: usize) -> Option<NoteHash> {
        let day = ceremony().day(day);
        let is_before = |note: &&Note| note.claimed.kind == Kind::Final && note.claimed.day < day;
        let before = self.notes.iter().filter(is_before);
        before.max_by_key(|note| note.claimed.day).map(Note::hash)
    }

    /// Which day a record is of.
    pub(crate) fn day_of(&self, record: usize) -> usize {
        day_of(self.records[record].header.place.time)
    }
}

/// The number of the day on which a time lies.
pub(crate) fn day_of(time: UtcTime) -> usize {
    let seconds = time.unix() - ceremony().at(0, 0).unix();
    usize::try_from(seconds / 86_400).unwrap()
}

/// A mail as a record at a place, directly behind the record before.
pub(crate) fn stored(place: Place, sealed: SealedBody, file: usize) -> Stored {
    let message = sealed.message().in_memory().unwrap().to_vec();
    let header = Header {
        place,
        leaf: place.prev,
        origin: sealed.bind(&place),
    };
    let mut stored = Stored {
        file,
        gap: Vec::new(),
        header,
        message,
        text: Vec::new(),
    };
    stored.header.leaf = stored.leaf();
    stored.render();
    stored
}

/// The records of ours in a vault, and what stands behind the last one.
fn read(site: &Site) -> (Vec<Stored>, Vec<u8>) {
    let contents = site.files().into_iter().map(|file| fs::read(file).unwrap());
    let contents: Vec<Vec<u8>> = contents.collect();
    let vault = contents.concat();
    let (mut records, mut end) = (Vec::new(), 0);
    for span in Scanner::new(vault.as_slice()).map(Result::unwrap) {
        let range = range_of(&span);
        let text = &vault[range.clone()];
        if let Some((header, message)) = record_of_ours(&span, text) {
            records.push(Stored {
                file: file_at(&contents, range.start),
                gap: vault[end..range.start].to_vec(),
                header,
                message,
                text: text.to_vec(),
            });
            end = range.end;
        }
    }
    (records, vault[end..].to_vec())
}

fn record_of_ours(span: &Span, text: &[u8]) -> Option<(Header, Vec<u8>)> {
    if span.kind != SpanKind::Record {
        return None;
    }
    let mut message = Vec::new();
    let (facts, _) = read_record(text, span.length, |reader| {
        std::io::copy(reader, &mut message)
    })
    .unwrap();
    match facts.claim {
        Claim::Header(header) => Some((header, message)),
        _ => None,
    }
}

fn file_at(contents: &[Vec<u8>], offset: usize) -> usize {
    let mut end = 0;
    let ends = contents.iter().map(|content| {
        end += content.len();
        end
    });
    ends.take_while(|end| *end <= offset).count()
}

fn range_of(span: &Span) -> Range<usize> {
    usize::try_from(span.offset).unwrap()..usize::try_from(span.end()).unwrap()
}
