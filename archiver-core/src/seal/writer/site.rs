//! A mail server on a disk in memory, with its vault, its seals and its seal folder; for tests.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::{Anomaly, Sealer};
use crate::identity::{Fingerprint, UtcTime};
use crate::openpgp::encrypt::SealedBody;
use crate::seal::day::Day;
use crate::seal::keys::Seed;
use crate::seal::note::Note;
use crate::seal::notes::{Piece, pieces};
use crate::seal::public_keys::ServerKeys;
use crate::seal::seal_folder::{self, SEED_FILE};
use crate::seal::seed_file;
use crate::seal::server::Server;
use crate::seal::verify::{Evidence, Record, Source, Verdict};
use crate::secret::SecretBytes;
use crate::vault::append::{Receipt, append};
use crate::vault::chain::{Chain, Standing};
use crate::vault::disk::Folder;
use crate::vault::gap::GapHash;
use crate::vault::leaf::LogId;
use crate::vault::memory_disk::{MemoryDisk, MemoryFolder};
use crate::vault::read::read_record;
use crate::vault::scan::{Scanner, SpanKind};
use crate::vault::segments::{Listing, RULES_FILE};
use crate::vault::writable::WritableVault;

pub(super) const VAULT: &str = "VAULT";
pub(super) const SEALS: &str = "VAULT.seals";
const SMALL_SEGMENTS: &[u8] = b"archiver segments 1 size=1500 day=no\n";
pub(super) const LOG: LogId = LogId([0x10; 16]);
const ARCHIVE: Fingerprint = Fingerprint::V4([0xa1; 20]);
const SUBKEY: Fingerprint = Fingerprint::V4([0x5b; 20]);

pub(super) struct Site {
    pub(super) disk: MemoryDisk,
    pub(super) vault: MemoryFolder,
    pub(super) seals: MemoryFolder,
    pub(super) keys: ServerKeys,
}

/// What stands in each folder.
pub(super) type Content = Vec<BTreeMap<OsString, Vec<u8>>>;

pub(super) fn first_seed() -> Seed {
    let secret = SecretBytes::filled_by(|bytes| bytes.fill(7));
    Seed::of(LOG, "2026-11-24".parse().unwrap(), secret)
}

impl Site {
    /// A new server on its first day, with seal keys for so many days.
    pub(super) fn new(days: u32) -> Self {
        let (seed, name) = (first_seed(), "mx1".parse().unwrap());
        let keys = ServerKeys::new(name, LOG, seed.day(), seed.public_keys(days)).unwrap();
        let site = Self::empty(keys);
        let server = Server::new(ARCHIVE, SUBKEY, &site.keys);
        seal_folder::make(&site.seals, &server, &seed).unwrap();
        site
    }

    /// The same in a vault in segments of three or four records.
    pub(super) fn in_segments(days: u32) -> Self {
        let site = Self::new(days);
        site.vault.put(RULES_FILE, SMALL_SEGMENTS);
        site
    }

    /// Another server, with a log of its own, that writes into the same vault.
    pub(super) fn second_server(&self, log: LogId) -> Self {
        let (first_day, last_day) = self.keys.days().into_inner();
        let days = last_day.days_since(first_day) + 1;
        let secret = SecretBytes::filled_by(|bytes| bytes.fill(8));
        let seed = Seed::of(log, first_day, secret);
        let keys = seed.public_keys(u32::try_from(days).unwrap());
        let keys = ServerKeys::new("mx2".parse().unwrap(), log, first_day, keys).unwrap();
        let second = self.with_seal_folder(keys);
        let server = Server::new(ARCHIVE, SUBKEY, &second.keys);
        seal_folder::make(&second.seals, &server, &seed).unwrap();
        second
    }

    /// Another host that writes into the same vault with a copy of the seal folder.
    pub(super) fn second_host(&self) -> Self {
        let second = self.with_seal_folder(self.keys.clone());
        for (name, bytes) in &self.content()[1] {
            second.seals.put(name.to_str().unwrap(), bytes);
        }
        second
    }

    fn with_seal_folder(&self, keys: ServerKeys) -> Self {
        Self {
            disk: self.disk.clone(),
            vault: self.vault.clone(),
            seals: self.disk.folder(),
            keys,
        }
    }

    fn empty(keys: ServerKeys) -> Self {
        let disk = MemoryDisk::default();
        let (vault, seals) = (disk.folder(), disk.folder());
        Self {
            disk,
            vault,
            seals,
            keys,
        }
    }

    /// Another machine with this content.
    pub(super) fn of(content: &Content, keys: &ServerKeys) -> Self {
        let site = Self::empty(keys.clone());
        for (folder, files) in [&site.vault, &site.seals].into_iter().zip(content) {
            for (name, bytes) in files {
                folder.put(name.to_str().unwrap(), bytes);
            }
        }
        site
    }

    /// All that stands on it.
    pub(super) fn content(&self) -> Content {
        let files = |folder: &MemoryFolder| {
            let names = folder.names().unwrap();
            names
                .into_iter()
                .map(|name| (name.clone(), folder.bytes(name.to_str().unwrap())))
                .collect()
        };
        vec![files(&self.vault), files(&self.seals)]
    }

    pub(super) fn copy(&self) -> Self {
        Self::of(&self.content(), &self.keys)
    }

    pub(super) fn day(&self, number: i64) -> Day {
        self.keys.days().start().plus(number).unwrap()
    }

    pub(super) fn at(&self, day: i64, seconds: i64) -> UtcTime {
        UtcTime::from_unix(self.day(day).first_second().unix() + seconds).unwrap()
    }

    pub(super) fn writable(&self) -> WritableVault<MemoryFolder> {
        self.writable_on(self.vault.clone())
    }

    /// The vault, with something between it and its folder.
    pub(super) fn writable_on<F: Folder>(&self, folder: F) -> WritableVault<F> {
        if self.vault.bytes(RULES_FILE).is_empty() {
            WritableVault::file(folder, VAULT.into())
        } else {
            WritableVault::segments(folder)
        }
    }

    /// The vault's bytes: those of its file, or of its segments one after the other.
    pub(super) fn vault_bytes(&self) -> Vec<u8> {
        let segments = Listing::of(self.vault.all_names()).segments;
        if segments.is_empty() {
            return self.vault.bytes(VAULT);
        }
        let names = segments.iter().map(|segment| segment.file_name());
        names
            .flat_map(|name| self.vault.bytes(name.to_str().unwrap()))
            .collect()
    }

    /// The hook archives a mail at a time.
    pub(super) fn hook(&self, mail: u8, at: UtcTime) -> (Receipt, Vec<Anomaly>) {
        let mut sealer = Sealer::open(self.seals.clone()).unwrap();
        let receipt = sealer
            .append(&mut self.writable(), sealed(mail), || at)
            .unwrap();
        self.disk.acknowledge(&[mail]);
        (receipt, sealer.take_anomalies())
    }

    /// The hook on a disk that may fail: whether the mail was acknowledged.
    pub(super) fn try_hook(&self, mail: u8, at: UtcTime) -> bool {
        let opened = Sealer::open(self.seals.clone()).ok();
        let is_archived = opened.is_some_and(|mut sealer| {
            let appended = sealer.append(&mut self.writable(), sealed(mail), || at);
            appended.is_ok()
        });
        self.disk.end_of_process();
        is_archived
    }

    /// The hook, and nothing is wrong.
    pub(super) fn archive(&self, mail: u8, at: UtcTime) -> Receipt {
        let (receipt, anomalies) = self.hook(mail, at);
        assert!(anomalies.is_empty(), "{anomalies:?}");
        receipt
    }

    /// The hook of an admin who forgot `--seal-dir`.
    pub(super) fn archive_unsealed(&self, mail: u8, at: UtcTime) -> Receipt {
        append(&mut self.writable(), sealed(mail), || at).unwrap()
    }

    pub(super) fn seal(&self, at: UtcTime, catch_up: Option<Day>) -> Vec<Anomaly> {
        let mut sealer = Sealer::open(self.seals.clone()).unwrap();
        sealer.seal(&mut self.writable(), catch_up, || at).unwrap();
        sealer.take_anomalies()
    }

    pub(super) fn seed_day(&self) -> Day {
        seed_file::decode(&self.seals.bytes(SEED_FILE))
            .unwrap()
            .day()
    }

    pub(super) fn pieces(&self) -> Vec<Piece> {
        pieces(&self.vault.bytes(SEALS), 0).collect()
    }

    pub(super) fn notes(&self) -> Vec<Note> {
        self.pieces()
            .into_iter()
            .filter_map(|piece| piece.note.ok())
            .collect()
    }

    /// The records of ours in the vault, as a reader finds them.
    pub(super) fn records(&self) -> Vec<Record> {
        let vault = self.vault_bytes();
        let range = |from: u64, to: u64| {
            &vault[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]
        };
        let mut chain = Chain::new();
        let mut records = Vec::new();
        for span in Scanner::new(vault.as_slice()).map(Result::unwrap) {
            if span.kind != SpanKind::Record {
                continue;
            }
            let record = range(span.offset, span.end());
            let (facts, ()) = read_record(record, span.length, |_| ()).unwrap();
            let hash = |hash: &mut GapHash, gap: std::ops::Range<u64>| {
                hash.update(range(gap.start, gap.end));
                Ok(())
            };
            if let Standing::Linked(link) = chain.follow(&span, facts, hash).unwrap() {
                records.push(Record::from(&link));
            }
        }
        records
    }

    pub(super) fn verdict(&self, now: UtcTime) -> Verdict {
        self.verdict_with(now, Vec::new())
    }

    /// The verdict on records that were read otherwise.
    pub(super) fn verdict_on(
        &self,
        now: UtcTime,
        records: impl IntoIterator<Item = Record>,
    ) -> Verdict {
        let mut evidence = Evidence::new(&self.keys, ARCHIVE, SUBKEY, now);
        evidence.add(self.pieces(), Source::Vault);
        let mut examiner = evidence.examine();
        for record in records {
            examiner.record(&record);
        }
        examiner.finish()
    }

    pub(super) fn verdict_with(&self, now: UtcTime, elsewhere: Vec<Piece>) -> Verdict {
        let mut evidence = Evidence::new(&self.keys, ARCHIVE, SUBKEY, now);
        evidence.add(self.pieces(), Source::Vault);
        evidence.add(elsewhere, Source::Elsewhere);
        let mut examiner = evidence.examine();
        self.records()
            .iter()
            .for_each(|record| examiner.record(record));
        examiner.finish()
    }

    /// The verdict, in a form that is easy to compare.
    pub(super) fn states(&self, now: UtcTime) -> Vec<String> {
        let days = self.verdict(now).days;
        days.iter()
            .map(|day| day.state.to_string().split(':').next().unwrap().to_owned())
            .collect()
    }

    /// Whether a mail is in the vault.
    pub(super) fn has(&self, mail: u8) -> bool {
        let armored =
            crate::vault::armor::render(None, sealed(mail).message().in_memory().unwrap());
        let body = armored.split(|byte| *byte == b'\n').nth(2).unwrap();
        memchr::memmem::find(&self.vault_bytes(), body).is_some()
    }
}

/// A mail of which one line tells it from the others.
pub(super) fn sealed(mail: u8) -> SealedBody {
    SealedBody::of(vec![0xc1, 3, mail, mail, mail], &[mail; 90])
}
