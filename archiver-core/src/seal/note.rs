//! A checkpoint, and the signed note that carries it (docs/format.md §8.4; C2SP tlog-checkpoint and signed-note).
//!
//! There is exactly one text for each note and one note for each text. What a note says is *claimed* until it is verified with the public
//! key of the day that it names; a [`SealedCheckpoint`] exists only when that came out right.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::day::Day;
use super::keys::{DayKey, PublicKey};
use super::merkle::{NotAHash, Root, Tree, hash_of_base64};
use super::public_keys::ServerKeys;
use crate::identity::{Fingerprint, UtcTime};
use crate::vault::leaf::LogId;

/// More than any note has.
pub(super) const MOST_BYTES: usize = 1024;

/// How a note's last line begins.
pub(super) const SIGNATURE_BEGIN: &str = "\u{2014} ";
const ED25519: u8 = 1;
const NONE: &str = "none";

/// The name of a log to the world: `archiver/<primary fingerprint>/<log id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The archive's primary fingerprint.
    pub archive: Fingerprint,
    /// The log.
    pub log: LogId,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "archiver/{}/{}", self.archive, self.log)
    }
}

/// A text that is no origin.
#[derive(Debug, Error)]
#[error("not the origin of a log")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let names = text
            .strip_prefix("archiver/")
            .and_then(|names| names.split_once('/'));
        let (archive, log) = names.ok_or(NotAnOrigin)?;
        let archive = archive.parse().map_err(|_| NotAnOrigin)?;
        let log = log.parse().map_err(|_| NotAnOrigin)?;
        let origin = Self { archive, log };
        (origin.to_string() == text)
            .then_some(origin)
            .ok_or(NotAnOrigin)
    }
}

/// When in its day a checkpoint was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// During the day; others follow.
    Interim,
    /// When the day was over. The day's key is gone then.
    Final,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interim => "interim",
            Self::Final => "final",
        })
    }
}

impl FromStr for Kind {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        match text {
            "interim" => Ok(Self::Interim),
            "final" => Ok(Self::Final),
            _ => Err(NoteError::Line("kind")),
        }
    }
}

/// SHA-256 of a note's bytes. As text base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NoteHash(pub [u8; 32]);

impl fmt::Display for NoteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for NoteHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteHash({self})")
    }
}

impl FromStr for NoteHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        hash_of_base64(text).map(Self)
    }
}

/// How long a log was, and what it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// How many records it had.
    pub size: u64,
    /// The root over their leaves.
    pub root: Root,
    /// Interim or final.
    pub kind: Kind,
    /// The day whose key signs it. A final of a day covers all records up to the end of that day.
    pub day: Day,
    /// The final of an earlier day that stood last when this one was made; none when there was none.
    pub previous: Option<NoteHash>,
    /// The time of the last record; none exactly when there is no record.
    pub last_time: Option<UtcTime>,
    /// The encryption subkey for which the server archived.
    pub subkey: Fingerprint,
}

impl fmt::Display for Checkpoint {
    /// The text that is signed: eight lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            origin,
            size,
            root,
            kind,
            day,
            previous,
            last_time,
            subkey,
        } = self;
        let previous = OrNone(previous.as_ref());
        let last_time = OrNone(last_time.as_ref());
        writeln!(f, "{origin}\n{size}\n{root}\nkind {kind}\nday {day}")?;
        writeln!(
            f,
            "previous {previous}\nlast-time {last_time}\nsubkey {subkey}"
        )
    }
}

/// A value, or the word that stands for none.
pub(super) struct OrNone<'a, T>(pub(super) Option<&'a T>);

impl<T: fmt::Display> fmt::Display for OrNone<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str(NONE),
        }
    }
}

impl Checkpoint {
    /// Reads the eight lines.
    fn read(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let mut line = |name| lines.next().ok_or(NoteError::Line(name));
        let checkpoint = Self {
            origin: parsed(line("origin")?, "origin")?,
            size: parsed(line("size")?, "size")?,
            root: parsed(line("root")?, "root")?,
            kind: parsed(named(line("kind")?, "kind")?, "kind")?,
            day: parsed(named(line("day")?, "day")?, "day")?,
            previous: parsed_or_none(line("previous")?, "previous")?,
            last_time: parsed_or_none(line("last-time")?, "last-time")?,
            subkey: parsed(named(line("subkey")?, "subkey")?, "subkey")?,
        };
        let has_last_time = checkpoint.last_time.is_some();
        let is_empty = checkpoint.root == Tree::empty().root();
        if (checkpoint.size == 0) != is_empty || (checkpoint.size == 0) == has_last_time {
            return Err(NoteError::Empty);
        }
        Ok(checkpoint)
    }
}

fn named<'a>(line: &'a str, name: &'static str) -> Result<&'a str, NoteError> {
    line.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(' '))
        .ok_or(NoteError::Line(name))
}

fn parsed<T: FromStr>(value: &str, name: &'static str) -> Result<T, NoteError> {
    value.parse().map_err(|_| NoteError::Line(name))
}

fn parsed_or_none<T: FromStr>(line: &str, name: &'static str) -> Result<Option<T>, NoteError> {
    match named(line, name)? {
        NONE => Ok(None),
        value => parsed(value, name).map(Some),
    }
}

/// A checkpoint with a signature that nobody has verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it claims.
    pub claimed: Checkpoint,
    key_id: [u8; 4],
    signature: [u8; 64],
}

/// A text that is no note of ours.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoteError {
    /// Longer than any note of ours.
    #[error("longer than a checkpoint")]
    TooLong,
    /// A line is missing, stands elsewhere, or cannot be read.
    #[error("the checkpoint's line `{0}` is missing or not valid")]
    Line(&'static str),
    /// Size, root and last time contradict each other.
    #[error("the checkpoint is partly that of an empty log")]
    Empty,
    /// The lines can be read, but are not written in their one form, or there are more of them.
    #[error("the checkpoint is not written as this program writes it")]
    OtherText,
}

/// Why a note proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotSealed {
    /// The note is of another log.
    #[error("is of another log")]
    OtherLog,
    /// The log has no key for the day.
    #[error("is for a day for which the log has no seal key")]
    NoKey,
    /// The signature names another key.
    #[error("is signed with a key that is not that day's")]
    OtherKey,
    /// The signature does not verify.
    #[error("has a wrong signature")]
    Signature,
}

impl Note {
    /// Signs a checkpoint. The same checkpoint and key always give the same note.
    #[must_use]
    pub fn sign(checkpoint: Checkpoint, key: &DayKey) -> Self {
        let name = signer(&checkpoint);
        Self {
            claimed: checkpoint,
            key_id: key_id(&name, &key.public()),
            signature: key.sign(checkpoint.to_string().as_bytes()),
        }
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub fn hash(&self) -> NoteHash {
        NoteHash(Sha256::digest(self.to_string()).into())
    }

    /// Verifies it with the key of the day that it names.
    ///
    /// # Errors
    /// When it is of another log, or not signed with that key.
    pub fn verify(
        &self,
        archive: Fingerprint,
        keys: &ServerKeys,
    ) -> Result<SealedCheckpoint, NotSealed> {
        let key = self.named_key(archive, keys)?;
        self.verify_with(&key)
    }

    /// The key of its log and day, when it is the one that the note names. That costs next to nothing, and proves nothing: the signature is
    /// still to be verified.
    pub(super) fn named_key(
        &self,
        archive: Fingerprint,
        keys: &ServerKeys,
    ) -> Result<PublicKey, NotSealed> {
        let log = keys.log();
        if self.claimed.origin != (Origin { archive, log }) {
            return Err(NotSealed::OtherLog);
        }
        let key = keys.key_of(self.claimed.day).ok_or(NotSealed::NoKey)?;
        self.names(&key).then_some(key).ok_or(NotSealed::OtherKey)
    }

    fn names(&self, key: &PublicKey) -> bool {
        self.key_id == key_id(&signer(&self.claimed), key)
    }

    /// Verifies it with what is known to be the key of its log and day.
    pub(super) fn verify_with(&self, key: &PublicKey) -> Result<SealedCheckpoint, NotSealed> {
        if !self.names(key) {
            return Err(NotSealed::OtherKey);
        }
        if !key.verifies(self.claimed.to_string().as_bytes(), &self.signature) {
            return Err(NotSealed::Signature);
        }
        Ok(SealedCheckpoint(self.claimed))
    }
}

/// A checkpoint whose note was verified with the public key of its log and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedCheckpoint(Checkpoint);

impl SealedCheckpoint {
    /// The checkpoint.
    #[must_use]
    pub fn get(&self) -> &Checkpoint {
        &self.0
    }
}

/// The name under which a day's key signs: the origin and the day.
fn signer(checkpoint: &Checkpoint) -> String {
    format!("{}/{}", checkpoint.origin, checkpoint.day)
}

fn key_id(name: &str, key: &PublicKey) -> [u8; 4] {
    let hash = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key.0);
    let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
    [a, b, c, d]
}

impl fmt::Display for Note {
    /// The note's text, as it stands in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = [&self.key_id[..], &self.signature].concat();
        let (text, name) = (self.claimed, signer(&self.claimed));
        writeln!(
            f,
            "{text}\n{SIGNATURE_BEGIN}{name} {}",
            BASE64.encode(&signature)
        )
    }
}

impl FromStr for Note {
    type Err = NoteError;

    /// Reads exactly the text that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        if text.len() > MOST_BYTES {
            return Err(NoteError::TooLong);
        }
        let (body, signed) = text
            .split_once("\n\n")
            .ok_or(NoteError::Line("signature"))?;
        let claimed = Checkpoint::read(body)?;
        let bytes = signed
            .strip_suffix('\n')
            .and_then(|line| line.rsplit_once(' '))
            .and_then(|(_, base64)| BASE64.decode(base64.as_bytes()).ok())
            .ok_or(NoteError::Line("signature"))?;
        let (key_id, signature) = bytes
            .split_first_chunk()
            .ok_or(NoteError::Line("signature"))?;
        let signature = signature
            .try_into()
            .map_err(|_| NoteError::Line("signature"))?;
        let note = Self {
            claimed,
            key_id: *key_id,
            signature,
        };
        (note.to_string() == text)
            .then_some(note)
            .ok_or(NoteError::OtherText)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::seal::keys::Seed;
    use crate::seal::seed_file;
    use crate::seal::vectors::{Vectors, bytes};

    fn seed() -> Seed {
        seed_file::decode(&bytes(&Vectors::read().seed_file)).unwrap()
    }

    fn keys() -> ServerKeys {
        let seed = seed();
        ServerKeys::new(
            "mx1".parse().unwrap(),
            seed.log(),
            seed.day(),
            seed.public_keys(2),
        )
        .unwrap()
    }

    fn archive() -> Fingerprint {
        Vectors::read().primary.parse().unwrap()
    }

    #[test]
    fn notes_are_those_that_python_writes_and_verify() {
        let vectors = Vectors::read();
        let first = seed();
        let mut previous = None;
        for (text, kind, size, key) in [
            (&vectors.empty_final, Kind::Final, 0, first.signing_key()),
            (
                &vectors.interim,
                Kind::Interim,
                3,
                seed().next().unwrap().signing_key(),
            ),
            (
                &vectors.last_final,
                Kind::Final,
                7,
                seed().next().unwrap().signing_key(),
            ),
        ] {
            let note: Note = text.parse().unwrap();
            let Checkpoint {
                day,
                last_time,
                root,
                ..
            } = note.claimed;
            let (log, subkey) = (first.log(), vectors.subkey.parse().unwrap());
            let origin = Origin {
                archive: archive(),
                log,
            };
            let expected = Checkpoint {
                origin,
                size,
                root,
                kind,
                day,
                previous,
                last_time,
                subkey,
            };
            assert_eq!(note.claimed, expected);
            assert_eq!(note.to_string(), *text);
            assert_eq!(Note::sign(expected, &key), note);
            assert_eq!(note.verify(archive(), &keys()).unwrap().get(), &expected);
            if size == 0 {
                previous = Some(note.hash());
            }
        }
    }

    #[test]
    fn every_changed_removed_or_added_byte_is_refused_or_does_not_verify() {
        let text = Vectors::read().last_final.into_bytes();
        let stands = |bytes: &[u8]| {
            let note = std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| text.parse::<Note>().ok());
            note.is_some_and(|note| note.verify(archive(), &keys()).is_ok())
        };
        assert!(stands(&text));
        for at in 0..text.len() {
            for byte in [b'A', b'b', b'0', b'\n', b' '] {
                let mut changed = text.clone();
                changed[at] = byte;
                assert_eq!(stands(&changed), byte == text[at], "byte {at}");
                changed[at] = text[at];
                changed.insert(at, byte);
                assert!(!stands(&changed), "byte {at}");
            }
            assert!(!stands(&text[..at]), "cut at {at}");
            let removed = [&text[..at], &text[at + 1..]].concat();
            assert!(!stands(&removed), "without {at}");
        }
    }

    #[test]
    fn departures_from_the_one_form_are_named() {
        let text = Vectors::read().last_final;
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1).parse::<Note>().unwrap_err()
        };
        assert_eq!(
            refused("archiver/A0", "archiver/B"),
            NoteError::Line("origin")
        );
        assert_eq!(refused("\n7\n", "\n07\n"), NoteError::OtherText);
        assert_eq!(refused("\n7\n", "\n-7\n"), NoteError::Line("size"));
        assert_eq!(refused("\n7\n", "\n0\n"), NoteError::Empty);
        assert_eq!(refused("kind final", "kind last"), NoteError::Line("kind"));
        assert_eq!(
            refused("day 2026-11-25", "day 2026-11-31"),
            NoteError::Line("day")
        );
        assert_eq!(
            refused("T23:59:59Z", "T23:59:59+00:00"),
            NoteError::Line("last-time")
        );
        assert_eq!(refused("2026-11-25T23:59:59Z", "none"), NoteError::Empty);
        assert_eq!(refused("subkey C", "subkey c"), NoteError::OtherText);
        assert_eq!(
            refused("/2026-11-25 ", "/2026-11-24 "),
            NoteError::OtherText
        );
        assert_eq!(refused("\n\n", "\nmore\n\n"), NoteError::OtherText);
        assert_eq!(refused("\u{2014}", "-"), NoteError::OtherText);
        assert_eq!(
            format!("{text}\u{2014} witness AAAA\n").parse::<Note>(),
            Err(NoteError::Line("signature"))
        );
        assert_eq!("x".repeat(2000).parse::<Note>(), Err(NoteError::TooLong));
    }

    #[test]
    fn the_key_is_that_of_the_day_in_the_body_and_of_no_other() {
        let (first, second) = (seed().signing_key(), seed().next().unwrap().signing_key());
        let note: Note = Vectors::read().last_final.parse().unwrap();
        let today = note.claimed;
        let yesterday = Checkpoint {
            day: seed().day(),
            last_time: Some(seed().day().last_second()),
            ..today
        };
        let verify = |note: Note| note.verify(archive(), &keys());
        assert!(verify(Note::sign(yesterday, &first)).is_ok());
        assert_eq!(
            verify(Note::sign(yesterday, &second)),
            Err(NotSealed::OtherKey)
        );
        let right_name = Note {
            key_id: Note::sign(yesterday, &first).key_id,
            ..Note::sign(yesterday, &second)
        };
        assert_eq!(verify(right_name), Err(NotSealed::Signature));
        let later = Checkpoint {
            day: today.day.plus(1).unwrap(),
            ..today
        };
        assert_eq!(verify(Note::sign(later, &second)), Err(NotSealed::NoKey));
        let origin = Origin {
            log: LogId([9; 16]),
            ..today.origin
        };
        assert_eq!(
            verify(Note::sign(Checkpoint { origin, ..today }, &second)),
            Err(NotSealed::OtherLog)
        );
        let other_archive = Fingerprint::V4([1; 20]);
        assert_eq!(
            note.verify(other_archive, &keys()),
            Err(NotSealed::OtherLog)
        );
    }
}
