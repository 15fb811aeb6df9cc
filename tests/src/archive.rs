//! An archive whose key is at hand: no ceremony and no sheets, so that a vault of thousands of records is judged in seconds.
//!
//! A vault is read through the library's own reading side, the one that `custodian open` and `inspect` use.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::openpgp::decrypt::{DecryptionKey, Limits, open_message};
use archiver_core::vault::chain::{Chain, Standing};
use archiver_core::vault::read::read_record;
use archiver_core::vault::scan::{Scanner, Span, SpanKind};
use archiver_core::vault::segments::{Listing, SegmentNumber};
use tempfile::TempDir;

use crate::binaries::hook;

/// 2026-01-01.
const MADE_AT: i64 = 1_767_225_600;

const BEGIN_LINE: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// An archive in a scratch folder, with its key.
#[derive(Debug)]
pub struct Archive {
    folder: TempDir,
    key: DecryptionKey,
}

/// What stands in a vault.
#[derive(Debug, Default)]
pub struct Contents {
    /// The whole records, in order.
    pub records: Vec<Record>,
    /// Pieces of records whose writer was cut off.
    pub torn: usize,
    /// Other bytes: there should be none.
    pub stray: usize,
}

/// A whole record.
#[derive(Debug)]
pub struct Record {
    /// `archived seq=N log=ID`, as the hook confirms it; nothing when the record has no header of ours.
    pub place: Option<String>,
    /// The mail, or why it does not open.
    pub mail: Result<Vec<u8>, String>,
    /// What is wrong with its link to the record before.
    pub fault: Option<String>,
}

impl Archive {
    /// A new archive, whose certificate is in a file.
    #[must_use]
    pub fn new() -> Self {
        let made_at = UtcTime::from_unix(MADE_AT).expect("a time");
        let new = ArchiveKey::generate_classic("Archiver <archiver@example.org>", made_at);
        let key = new.expect("a key").key;
        let armored = key.certificate_armored().expect("a certificate");
        let folder = TempDir::with_prefix("archive-").expect("a scratch folder");
        fs::write(folder.path().join("archive.cert.asc"), &armored).expect("a scratch file");
        let cert = ArchiveCert::parse(&armored, None, made_at).expect("a certificate");
        let secret = key.x25519_secret().expect("its secret");
        let key = DecryptionKey::from_x25519(&cert, &secret).expect("the certificate's key");
        Self { folder, key }
    }

    /// A path in the scratch folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate's file.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("archive.cert.asc")
    }

    /// Where the hooks send their log lines. Nobody listens there, unless a test does.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// The hook that archives into `vault`, and confirms it.
    #[must_use]
    pub fn hook(&self, vault: &Path) -> Command {
        let mut hook = hook();
        hook.arg("--confirm").arg("--cert").arg(self.certificate());
        hook.arg("--syslog").arg(self.log());
        hook.arg("--vault").arg(vault);
        hook
    }

    /// Reads a whole vault: every record is opened, and every link followed.
    #[must_use]
    pub fn read(&self, vault: &[u8]) -> Contents {
        let mut contents = Contents::default();
        let mut chain = Chain::new();
        for span in Scanner::new(vault) {
            let span = span.expect("memory can be read");
            let bytes = part(vault, span.offset, span.end());
            match span.kind {
                SpanKind::Record => {
                    let record = self.read_record(&span, vault, &mut chain);
                    contents.records.push(record);
                }
                SpanKind::Torn => contents.torn += 1,
                SpanKind::Stray if is_torn_begin_line(bytes) => contents.torn += 1,
                SpanKind::Stray => contents.stray += 1,
            }
        }
        contents
    }

    fn read_record(&self, span: &Span, vault: &[u8], chain: &mut Chain) -> Record {
        let bytes = part(vault, span.offset, span.end());
        let allowed = Limits::default().plaintext_for(span.length);
        let mut mail = Vec::new();
        let (facts, opened) = read_record(bytes, span.length, |message| {
            open_message(message, &self.key, allowed, &mut mail)
        })
        .expect("memory can be read");
        let standing = chain.follow(span, facts, |hash, gap| {
            hash.update(part(vault, gap.start, gap.end));
            Ok(())
        });
        let (place, fault) = match standing.expect("memory can be read") {
            Standing::Linked(link) => {
                let place = link.header.place;
                let place = format!("archived seq={} log={}", place.seq, place.log);
                (Some(place), link.fault.map(|fault| fault.to_string()))
            }
            Standing::NoHeader => (None, Some("it has no header of ours".to_owned())),
            Standing::MalformedHeader(_) => (None, Some("its header is malformed".to_owned())),
        };
        let mail = opened.map(|_| mail).map_err(|error| error.to_string());
        Record { place, mail, fault }
    }
}

impl Default for Archive {
    fn default() -> Self {
        Self::new()
    }
}

/// A vault's bytes: those of a file, or of all segments of a folder in their order; none when nothing is there.
#[must_use]
pub fn vault_bytes(vault: &Path) -> Vec<u8> {
    let Ok(entries) = fs::read_dir(vault) else {
        return fs::read(vault).unwrap_or_default();
    };
    let names = entries.map(|entry| entry.expect("a readable folder").file_name());
    let segments = Listing::of(names).segments.into_iter();
    let read = |number: SegmentNumber| fs::read(vault.join(number.file_name()));
    segments
        .flat_map(|number| read(number).expect("a readable segment"))
        .collect()
}

fn part(vault: &[u8], from: u64, to: u64) -> &[u8] {
    let index = |offset: u64| usize::try_from(offset).expect("the vault is in memory");
    &vault[index(from)..index(to)]
}

/// A write that was cut off in its first line, with the line feed that the next hook has put behind it.
fn is_torn_begin_line(bytes: &[u8]) -> bool {
    BEGIN_LINE.starts_with(bytes.strip_suffix(b"\n").unwrap_or(bytes))
}
