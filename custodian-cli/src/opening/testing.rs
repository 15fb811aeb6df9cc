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
use archiver_core::vault::armor;
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::{LeafHash, LogId, Place};
use sha2::{Digest as _, Sha256};

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

/// A vault in the making; it follows the writer's rules for gaps.
#[derive(Default)]
pub(super) struct Vault {
    pub(super) bytes: Vec<u8>,
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
                log: LogId([7; 16]),
                seq: 0,
                time: at(1_795_552_117),
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
