//! Reads one record of a vault: the hash of its bytes, what its header claims, and its binary message as a stream.
//!
//! Damage is a finding here, not a failure: only the source's own errors end the reading. Whether the header's claims hold
//! is for [`super::chain`] to say.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use crate::openpgp::framing::{begins_with_content, split_message};
use crate::openpgp::recipients::Envelope;
use crate::vault::dearmor::{Dearmor, DearmorError};
use crate::vault::header::{Header, HeaderError};
use crate::vault::leaf::BodyDigests;

/// A message's session-key packets are looked for in so many bytes at its start. Ours has one packet of about 100 bytes.
const START: usize = 64 * 1024;
const PIECE: usize = 8 * 1024;

/// What one record is, as far as it can be said without a key.
#[derive(Debug)]
pub struct RecordFacts {
    /// SHA-256 of the record's bytes, from its begin line to the line feed of its end line.
    pub sha256: [u8; 32],
    /// What its armor header says.
    pub claim: Claim,
    /// Its message, or why its armor cannot be taken off.
    pub message: Result<MessageFacts, DearmorError>,
}

/// What a record's armor header says of the record's place in a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: the record was made by another program, or with none of our headers.
    None,
    /// A header of ours.
    Header(Header),
    /// A header that is meant as ours and is not well-formed, or does not stand alone.
    Malformed(Option<HeaderError>),
}

/// A message that came out of its armor whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageFacts {
    /// SHA-256 of its two parts, for the leaf.
    pub digests: BodyDigests,
    /// Whether the encrypted content stands right behind the session-key packets, and nothing in between.
    pub content_follows: bool,
    /// Whether the record's bytes follow from its header and its message, as they do in our own records.
    pub canonical: bool,
}

/// Reads a record of `length` bytes. `use_message` gets the binary message; it need not read it to its end.
///
/// # Errors
/// When the source cannot be read. A damaged armor is in the facts; `use_message` met it as an error of its reader.
pub fn read_record<T>(
    record: impl Read + Send + Sync,
    length: u64,
    use_message: impl FnOnce(&mut dyn MessageReader) -> T,
) -> io::Result<(RecordFacts, T)> {
    let mut raw = Hashed {
        source: record,
        hash: Sha256::new(),
    };
    let mut message = Message::of(&mut raw, length);
    let outcome = use_message(&mut message);
    let claim = message.claim();
    let facts = message.finish();
    drain(&mut raw)?;
    let facts = match facts {
        Ok(facts) => Ok(facts),
        Err(e) => Err(DearmorError::inside(&e).cloned().ok_or(e)?),
    };
    let record = RecordFacts {
        sha256: raw.hash.finalize().into(),
        claim,
        message: facts,
    };
    Ok((record, outcome))
}

/// A record's binary message, as a reader.
pub trait MessageReader: Read + Send + Sync {
    /// The clear part at the message's start: recipients and protection.
    fn envelope(&self) -> Envelope;

    /// The session-key packets at the message's start, with their headers: what [`BodyDigests::session_keys`] is the hash of.
    fn session_keys(&self) -> &[u8];
}

struct Message<'a, R> {
    /// Nothing after an error, which is kept until it is asked for.
    dearmor: Option<Dearmor<&'a mut Hashed<R>>>,
    failure: Option<io::Error>,
    headers: Vec<u8>,
    start: Vec<u8>,
    given: usize,
    session_keys: [u8; 32],
    content_follows: bool,
    rest: Sha256,
}

impl<'a, R: Read> Message<'a, R> {
    fn of(raw: &'a mut Hashed<R>, length: u64) -> Self {
        let mut message = Self {
            dearmor: None,
            failure: None,
            headers: Vec::new(),
            start: Vec::new(),
            given: 0,
            session_keys: [0; 32],
            content_follows: false,
            rest: Sha256::new(),
        };
        message.failure = message.begin(raw, length).err();
        message
    }

    fn begin(&mut self, raw: &'a mut Hashed<R>, length: u64) -> io::Result<()> {
        let mut dearmor = Dearmor::new(raw, length)?;
        self.headers = dearmor.headers().to_vec();
        dearmor
            .by_ref()
            .take(START as u64)
            .read_to_end(&mut self.start)?;
        let (session_keys, rest) = split_message(&self.start);
        self.session_keys = Sha256::digest(session_keys).into();
        self.content_follows = begins_with_content(rest);
        self.rest.update(rest);
        self.dearmor = Some(dearmor);
        Ok(())
    }

    fn claim(&self) -> Claim {
        let mut lines = self.headers.split_inclusive(|byte| *byte == b'\n');
        if !lines.any(Header::is_meant) {
            return Claim::None;
        }
        let line = self.headers.strip_suffix(b"\n").unwrap_or_default();
        match std::str::from_utf8(line).map(str::parse) {
            Ok(Ok(header)) => Claim::Header(header),
            Ok(Err(e)) => Claim::Malformed(Some(e)),
            Err(_) => Claim::Malformed(None),
        }
    }

    /// Reads what the caller has left.
    fn finish(mut self) -> io::Result<MessageFacts> {
        self.given = self.start.len();
        drain(&mut self)?;
        Ok(MessageFacts {
            digests: BodyDigests {
                session_keys: self.session_keys,
                rest: self.rest.finalize().into(),
            },
            content_follows: self.content_follows,
            canonical: self.dearmor.is_some_and(|dearmor| dearmor.is_canonical()),
        })
    }
}

impl<R: Read + Send + Sync> MessageReader for Message<'_, R> {
    fn envelope(&self) -> Envelope {
        Envelope::of(&self.start)
    }

    fn session_keys(&self) -> &[u8] {
        split_message(&self.start).0
    }
}

impl<R: Read> Read for Message<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(again(failure));
        }
        let mut start = self.start.get(self.given..).unwrap_or_default();
        if !start.is_empty() {
            let read = start.read(buf)?;
            self.given += read;
            return Ok(read);
        }
        let Some(dearmor) = &mut self.dearmor else {
            return Ok(0);
        };
        match dearmor.read(buf) {
            Ok(read) => {
                self.rest.update(buf.get(..read).unwrap_or_default());
                Ok(read)
            }
            Err(e) => {
                self.dearmor = None;
                let shown = again(&e);
                self.failure = Some(e);
                Err(shown)
            }
        }
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match DearmorError::inside(error) {
        Some(refusal) => refusal.clone().into(),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Hashes what it reads.
struct Hashed<R> {
    source: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buf)?;
        self.hash.update(buf.get(..read).unwrap_or_default());
        Ok(read)
    }
}

fn drain(reader: &mut impl Read) -> io::Result<()> {
    let mut buffer = [0; PIECE];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(e),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::identity::UtcTime;
    use crate::origin::OriginProof;
    use crate::vault::armor;
    use crate::vault::leaf::{LeafHash, LogId, Place};

    fn header() -> Header {
        Header {
            place: Place {
                log: LogId([1; 16]),
                seq: 3,
                time: UtcTime::from_unix(0).unwrap(),
                prev: LeafHash([2; 32]),
            },
            leaf: LeafHash([3; 32]),
            origin: Some(OriginProof([4; 80])),
        }
    }

    fn read(record: &[u8]) -> (RecordFacts, io::Result<Vec<u8>>) {
        read_record(record, record.len() as u64, |message| {
            let mut bytes = Vec::new();
            message.read_to_end(&mut bytes).map(|_| bytes)
        })
        .unwrap()
    }

    #[test]
    fn a_record_of_ours_gives_its_claim_its_hashes_and_its_message() {
        for length in [0, 50, START - 1, START, START + 1, 5 * START] {
            let session_keys = [0xc1, 3, 7, 7, 7];
            let message = [session_keys.to_vec(), vec![0xd2; length]].concat();
            let record = armor::render(Some(&header()), &message);
            let (facts, read) = read(&record);
            assert_eq!(read.unwrap(), message);
            let given = read_record(record.as_slice(), record.len() as u64, |message| {
                message.session_keys().to_vec()
            });
            assert_eq!(given.unwrap().1, session_keys);
            assert_eq!(facts.claim, Claim::Header(header()));
            assert_eq!(facts.sha256, <[u8; 32]>::from(Sha256::digest(&record)));
            let (_, rest) = message.split_at(5);
            let expected = MessageFacts {
                digests: BodyDigests::of(&session_keys, rest),
                content_follows: length > 0,
                canonical: true,
            };
            assert_eq!(facts.message, Ok(expected));
        }
    }

    #[test]
    fn the_facts_are_the_same_when_the_message_is_not_read_to_its_end() {
        let message = vec![0xd2; 5 * START];
        let record = armor::render(None, &message);
        let (whole, _) = read(&record);
        for taken in [0, 10, START as u64 + 10] {
            let (facts, _) = read_record(record.as_slice(), record.len() as u64, |message| {
                io::copy(&mut message.take(taken), &mut io::sink()).unwrap()
            })
            .unwrap();
            assert_eq!(facts.sha256, whole.sha256);
            assert_eq!(facts.message, whole.message);
            assert_eq!(facts.claim, Claim::None);
        }
    }

    #[test]
    fn damage_is_in_the_facts_and_the_reader_meets_it() {
        let message = vec![0xd2; 3 * START];
        let record = armor::render(Some(&header()), &message);
        for at in [0, 400, 500, record.len() / 2, record.len() - 30] {
            let mut damaged = record.clone();
            damaged[at] = b'*';
            let (facts, read) = read(&damaged);
            let met = DearmorError::inside(&read.unwrap_err()).cloned();
            assert_eq!(facts.message.err(), met, "byte {at}");
            assert!(met.is_some());
            assert_eq!(facts.sha256, <[u8; 32]>::from(Sha256::digest(&damaged)));
        }
    }

    #[test]
    fn a_header_of_ours_that_is_malformed_or_not_alone_is_no_header() {
        let record = String::from_utf8(armor::render(Some(&header()), b"x")).unwrap();
        let more = record.replacen("\n\n", "\nVersion: 1\n\n", 1);
        let wrong = record.replacen("seq=3", "seq=03", 1);
        let carriage = record.replace('\n', "\r\n");
        for text in [more, wrong, carriage] {
            let (facts, _) = read(text.as_bytes());
            assert!(matches!(facts.claim, Claim::Malformed(_)), "{text}");
        }
        let foreign = record.replacen("archiver 2", "of somebody", 1);
        assert_eq!(read(foreign.as_bytes()).0.claim, Claim::None);
    }
}
