//! The manifest: one row for every stretch of every vault, as CSV for people and JSON for programs, and the hashes of all files.
//!
//! The rows' offsets and lengths tile the vaults. All three files are written while the vaults are opened and get their names
//! only at the end, the hashes last.

use std::io::{self, BufWriter, Write};

use archiver_core::identity::Fingerprint;
use archiver_core::vault::chain::Standing;
use archiver_core::vault::header::Header;
use archiver_core::vault::read::Claim;
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::message::{Fate, Opened};
use super::out_folder::{OutFolder, PartFile};
use super::pipeline::Job;
use super::shown::{cell, harmless};
use super::source::VaultSource;
use super::{OpenError, Summary};

const CSV: &str = "manifest.csv";
const JSON: &str = "manifest.json";
const HASHES: &str = "manifest.sha256";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const BUFFER: usize = 64 * 1024;

/// What became of a stretch of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Opened,
    OpenedWithoutHeader,
    Torn,
    Damaged,
    Foreign,
    StrayBytes,
    WhiteSpace,
}

/// What a header's claims are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Worth {
    /// Nobody has compared them.
    Claimed,
    /// The record's leaf comes out of them.
    VerifiedByLeaf,
}

/// One stretch of a vault.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) record: Option<u64>,
    vault: String,
    offset: u64,
    pub(super) length: u64,
    pub(super) result: Outcome,
    reason: String,
    file: String,
    log: String,
    seq: Option<u64>,
    archived: String,
    place: Option<Worth>,
    link: String,
    record_sha256: String,
    mail_sha256: String,
    mail_bytes: Option<u64>,
    signed: Option<bool>,
    pub(super) duplicate_of: Option<u64>,
    from: String,
    to: String,
    subject: String,
    date: String,
    message_id: String,
    #[serde(skip)]
    digest: Option<[u8; 32]>,
    #[serde(skip)]
    broken: bool,
}

const COLUMNS: [&str; 22] = [
    "record",
    "vault",
    "offset",
    "length",
    "result",
    "reason",
    "file",
    "log",
    "seq",
    "archived",
    "place",
    "link",
    "record_sha256",
    "mail_sha256",
    "mail_bytes",
    "signed",
    "duplicate_of",
    "from",
    "to",
    "subject",
    "date",
    "message_id",
];

impl Row {
    /// The row of a span, but for its standing in a log and its duplicates.
    pub(super) fn of(job: &Job<'_>, opened: &Opened) -> Self {
        let claim = opened.facts.as_ref().map(|facts| &facts.claim);
        let header = match claim {
            Some(Claim::Header(header)) => Some(header),
            _ => None,
        };
        let (result, reason) = outcome(&opened.outcome, header);
        let mut row = Self {
            record: job.record,
            vault: harmless(&job.source.path().to_string_lossy()),
            offset: job.span.offset,
            length: job.span.length,
            result,
            reason,
            file: String::new(),
            log: header.map(|h| h.place.log.to_string()).unwrap_or_default(),
            seq: header.map(|h| h.place.seq),
            archived: header.map(|h| h.place.time.to_string()).unwrap_or_default(),
            place: header.map(|_| Worth::Claimed),
            link: String::new(),
            record_sha256: HEXLOWER.encode(&opened.sha256),
            mail_sha256: String::new(),
            mail_bytes: None,
            signed: None,
            duplicate_of: None,
            from: String::new(),
            to: String::new(),
            subject: String::new(),
            date: String::new(),
            message_id: String::new(),
            digest: None,
            broken: false,
        };
        row.take_mail(&opened.outcome);
        row
    }

    fn take_mail(&mut self, fate: &Fate) {
        let Fate::Mail(mail) = fate else { return };
        self.file.clone_from(&mail.file);
        self.mail_sha256 = HEXLOWER.encode(&mail.opened.sha256);
        self.digest = Some(mail.opened.sha256);
        self.mail_bytes = Some(mail.opened.size);
        self.signed = Some(mail.opened.signed);
        self.from.clone_from(&mail.headers.from);
        self.to.clone_from(&mail.headers.to);
        self.subject.clone_from(&mail.headers.subject);
        self.date.clone_from(&mail.headers.date);
        self.message_id.clone_from(&mail.headers.message_id);
    }

    pub(super) fn take_standing(&mut self, standing: Option<Standing>) {
        match standing {
            None | Some(Standing::NoHeader) => {}
            Some(Standing::MalformedHeader(e)) => {
                let why = e.map_or_else(|| "not text".to_owned(), |e| e.to_string());
                self.link = format!("broken: malformed header: {why}");
                self.broken = true;
            }
            Some(Standing::Linked(link)) => {
                if link.leaf_matches {
                    self.place = Some(Worth::VerifiedByLeaf);
                }
                self.broken = link.fault.is_some();
                self.link = match link.fault {
                    Some(fault) => format!("broken: {fault}"),
                    None => "holds".to_owned(),
                };
            }
        }
    }

    pub(super) fn link_is_broken(&self) -> bool {
        self.broken
    }

    /// The whole SHA-256 of the mail, when there is one.
    pub(super) fn mail_sha256(&self) -> Option<&[u8; 32]> {
        self.digest.as_ref()
    }

    /// The cells in the order of [`COLUMNS`].
    fn cells(&self) -> [String; COLUMNS.len()] {
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        [
            number(self.record),
            cell(&self.vault),
            self.offset.to_string(),
            self.length.to_string(),
            name(&self.result),
            cell(&self.reason),
            self.file.clone(),
            self.log.clone(),
            number(self.seq),
            self.archived.clone(),
            self.place.as_ref().map(name).unwrap_or_default(),
            self.link.clone(),
            self.record_sha256.clone(),
            self.mail_sha256.clone(),
            number(self.mail_bytes),
            self.signed
                .map(|signed| signed.to_string())
                .unwrap_or_default(),
            number(self.duplicate_of),
            cell(&self.from),
            cell(&self.to),
            cell(&self.subject),
            cell(&self.date),
            cell(&self.message_id),
        ]
    }
}

fn outcome(fate: &Fate, header: Option<&Header>) -> (Outcome, String) {
    match fate {
        Fate::Mail(_) if header.is_some() => (Outcome::Opened, String::new()),
        Fate::Mail(_) => (Outcome::OpenedWithoutHeader, String::new()),
        Fate::Torn => (Outcome::Torn, "the record's end is missing".to_owned()),
        Fate::Damaged(why) => (Outcome::Damaged, harmless(why)),
        Fate::Foreign(why) => (Outcome::Foreign, harmless(why)),
        Fate::StrayBytes => (Outcome::StrayBytes, String::new()),
        Fate::WhiteSpace => (Outcome::WhiteSpace, String::new()),
    }
}

/// The name that an enum has in JSON.
fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The three files in the making.
pub(super) struct Manifest<'a> {
    out: &'a OutFolder,
    csv: csv::Writer<HashedFile>,
    json: HashedFile,
    rows: u64,
    hashes: HashedFile,
}

impl<'a> Manifest<'a> {
    pub(super) fn create(
        out: &'a OutFolder,
        key: Fingerprint,
        sources: &[VaultSource],
    ) -> Result<Self, OpenError> {
        let mut csv = HashedFile::begin(out, CSV)?;
        csv.write_all(BYTE_ORDER_MARK)
            .map_err(|e| failed(out, CSV, e))?;
        let mut manifest = Self {
            out,
            csv: csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(csv),
            json: HashedFile::begin(out, JSON)?,
            rows: 0,
            hashes: HashedFile::begin(out, HASHES)?,
        };
        let written = manifest.csv.write_record(COLUMNS);
        written.map_err(|e| failed(out, CSV, e.into()))?;
        manifest
            .write_head(key, sources)
            .map_err(|e| failed(out, JSON, e))?;
        Ok(manifest)
    }

    fn write_head(&mut self, key: Fingerprint, sources: &[VaultSource]) -> io::Result<()> {
        let vaults: Vec<_> = sources
            .iter()
            .map(|source| {
                let path = harmless(&source.path().to_string_lossy());
                json!({ "path": path, "bytes": source.length() })
            })
            .collect();
        let vaults = serde_json::to_string(&vaults)?;
        write!(
            self.json,
            "{{\n\"format\": \"archiver opening manifest\",\n\"version\": 1,\n\
             \"encryption_fingerprint\": \"{key}\",\n\"vaults\": {vaults},\n\"rows\": [\n"
        )
    }

    pub(super) fn add(&mut self, row: &Row) -> Result<(), OpenError> {
        let out = self.out;
        self.csv
            .write_record(row.cells())
            .map_err(|e| failed(out, CSV, e.into()))?;
        self.add_json(row).map_err(|e| failed(out, JSON, e))?;
        if !row.file.is_empty() {
            writeln!(self.hashes, "{}  {}", row.mail_sha256, row.file)
                .map_err(|e| failed(out, HASHES, e))?;
        }
        Ok(())
    }

    fn add_json(&mut self, row: &Row) -> io::Result<()> {
        if self.rows > 0 {
            self.json.write_all(b",\n")?;
        }
        self.rows += 1;
        serde_json::to_writer(&mut self.json, row)?;
        Ok(())
    }

    /// Completes the files, and gives them their names when everything is on the disk.
    pub(super) fn finish(mut self, summary: &Summary) -> Result<(), OpenError> {
        let out = self.out;
        let tail = serde_json::to_string(summary).map_err(|e| failed(out, JSON, e.into()))?;
        writeln!(self.json, "\n],\n\"summary\": {tail}\n}}").map_err(|e| failed(out, JSON, e))?;
        let csv = self.csv.into_inner();
        let csv = csv.map_err(|e| failed(out, CSV, io::Error::other(e.to_string())))?;
        let (csv, csv_hash) = csv.finish().map_err(|e| failed(out, CSV, e))?;
        let (json, json_hash) = self.json.finish().map_err(|e| failed(out, JSON, e))?;
        write!(self.hashes, "{csv_hash}  {CSV}\n{json_hash}  {JSON}\n")
            .map_err(|e| failed(out, HASHES, e))?;
        let (hashes, _) = self.hashes.finish().map_err(|e| failed(out, HASHES, e))?;
        out.sync()?;
        out.keep(csv, CSV)?;
        out.keep(json, JSON)?;
        out.keep(hashes, HASHES)?;
        out.sync()
    }
}

fn failed(out: &OutFolder, name: &str, error: io::Error) -> OpenError {
    out.unwritable(out.path(name), error)
}

/// A buffered file that is hashed while it is written.
struct HashedFile {
    file: BufWriter<PartFile>,
    hash: Sha256,
}

impl HashedFile {
    fn begin(out: &OutFolder, name: &str) -> Result<Self, OpenError> {
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER, out.begin(name)?),
            hash: Sha256::new(),
        })
    }

    fn finish(self) -> io::Result<(PartFile, String)> {
        let hash = HEXLOWER.encode(&self.hash.finalize());
        Ok((
            self.file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?,
            hash,
        ))
    }
}

impl Write for HashedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buf)?;
        self.hash.update(buf.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
