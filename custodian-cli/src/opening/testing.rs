//! Vaults made in memory for the tests: records of ours, records without a header, and anything between them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::openpgp::decrypt::DecryptionKey;
use archiver_core::openpgp::encrypt::{Compression, SealedBody, in_memory, seal};
use archiver_core::openpgp::recipient::Recipient;
use archiver_core::origin::ArchiveFingerprints;
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::merkle::Tree;
use archiver_core::seal::note::{Checkpoint, Kind, Note, Origin};
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::seal::seed_file;
use archiver_core::secret::SecretBytes;
use archiver_core::vault::armor;
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::{LeafHash, LogId, Place};
use sha2::{Digest as _, Sha256};

use super::sealing::Seals;

pub(super) struct Archive {
    pub(super) cert: ArchiveCert,
    pub(super) key: DecryptionKey,
    pub(super) certificate: Vec<u8>,
}

impl Archive {
    pub(super) fn new() -> Self {
        let now = at(1_795_552_117);
        let key = ArchiveKey::generate_classic("Archiver <archiver@example.org>", now)
            .unwrap()
            .key;
        let certificate = key.certificate_armored().unwrap();
        let cert = ArchiveCert::parse(&certificate, None, now).unwrap();
        let secret = key.x25519_secret().unwrap();
        Self {
            key: DecryptionKey::from_x25519(&cert, &secret).unwrap(),
            cert,
            certificate,
        }
    }

    pub(super) fn seal(&self, mail: &[u8]) -> SealedBody {
        let to = Recipient::from(&self.cert);
        seal(&to, mail, Compression::Zlib, &mut in_memory).unwrap()
    }

    /// A record without a header of ours.
    pub(super) fn record(&self, mail: &[u8]) -> Vec<u8> {
        armor::render(None, self.seal(mail).message().in_memory().unwrap())
    }
}

pub(super) fn at(unix: i64) -> UtcTime {
    UtcTime::from_unix(unix).unwrap()
}

/// The log of [`Vault`], and when its records were archived: 2026-11-24T20:28:37Z.
pub(super) const LOG: LogId = LogId([7; 16]);
const ARCHIVED: i64 = 1_795_552_117;

/// What seals the log: the seed of its first day, 2026-11-24.
pub(super) struct Sealer {
    archive: ArchiveFingerprints,
    first_seed: SecretBytes<{ seed_file::SEED_FILE_BYTES }>,
    pub(super) keys: SealKeys,
}

impl Sealer {
    pub(super) fn of(archive: ArchiveFingerprints) -> Self {
        let seed = Seed::draw(LOG, Day::of(at(ARCHIVED))).unwrap();
        let keys = seed.public_keys(10);
        let server = ServerKeys::new("mx1".parse().unwrap(), LOG, seed.day(), keys).unwrap();
        Self {
            archive,
            first_seed: seed_file::encode(&seed),
            keys: SealKeys::new(archive.primary, vec![server]).unwrap(),
        }
    }

    /// The finals of so many days, the first one over these leaves, and no mail later.
    pub(super) fn finals(&self, leaves: &[LeafHash], days: usize) -> Vec<String> {
        let tree: Tree = leaves.iter().copied().collect();
        let mut seed = seed_file::decode(self.first_seed.expose_bytes()).unwrap();
        let (mut notes, mut previous) = (Vec::new(), None);
        for _ in 0..days {
            let (archive, log) = (self.archive.primary, LOG);
            let checkpoint = Checkpoint {
                origin: Origin { archive, log },
                size: tree.size(),
                root: tree.root(),
                kind: Kind::Final,
                day: seed.day(),
                previous,
                last_time: (tree.size() > 0).then(|| at(ARCHIVED)),
                subkey: self.archive.encryption,
            };
            let note = Note::sign(checkpoint, &seed.signing_key());
            previous = Some(note.hash());
            notes.push(note.to_string());
            seed = seed.next().unwrap();
        }
        notes
    }

    /// At noon of the third day.
    pub(super) fn seals(&self) -> Seals<'_> {
        let third = Day::of(at(ARCHIVED)).plus(2).unwrap();
        Seals {
            keys: &self.keys,
            archive: self.archive,
            now: at(third.first_second().unix() + 43_200),
            clock: at(third.first_second().unix() + 43_200),
            finals: &[],
        }
    }
}

/// A vault in the making; it follows the writer's rules for gaps.
#[derive(Default)]
pub(super) struct Vault {
    pub(super) bytes: Vec<u8>,
    pub(super) leaves: Vec<LeafHash>,
    last: Option<Header>,
    end: usize,
}

impl Vault {
    /// Appends a record with our header.
    pub(super) fn append(&mut self, archive: &Archive, mail: &[u8]) -> &mut Self {
        let sealed = archive.seal(mail);
        if !self.bytes.is_empty() && !self.bytes.ends_with(b"\n") {
            self.bytes.push(b'\n');
        }
        let place = match self.last {
            None => Place {
                log: LOG,
                seq: 0,
                time: at(ARCHIVED),
                prev: LeafHash::BEFORE_THE_FIRST,
            },
            Some(Header { place, leaf, .. }) => Place {
                seq: place.seq + 1,
                prev: leaf,
                ..place
            },
        };
        let gap = Sha256::digest(self.bytes.get(self.end..).unwrap()).into();
        let (message, digests) = (
            sealed.message().in_memory().unwrap().to_vec(),
            *sealed.digests(),
        );
        let origin = sealed.bind(&place);
        let leaf = place.leaf(&digests, origin.as_ref(), &gap);
        let header = Header {
            place,
            leaf,
            origin,
        };
        self.bytes.extend(armor::render(Some(&header), &message));
        self.end = self.bytes.len();
        self.last = Some(header);
        self.leaves.push(leaf);
        self
    }

    /// Appends bytes as they are.
    pub(super) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, &self.bytes).unwrap();
        path
    }
}
