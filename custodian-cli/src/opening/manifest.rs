//! The manifest's files: the rows as CSV for people and as JSON for programs, and the hashes of all files.
//!
//! The rows' offsets and lengths tile the vaults; a row may go on into the next segment. The rows wait in a file of their own until the vaults are read to their ends, because
//! only then it is known what the seals say of each record; the three files get their names when they are whole.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;

use archiver_core::identity::Fingerprint;
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::out_folder::{OutFolder, PartFile, unwritable};
use super::row::{COLUMNS, Row};
use super::sealing::SealsReport;
use super::shown::harmless;
use super::source::VaultSource;
use super::{OpenError, Summary};

const CSV: &str = "manifest.csv";
const JSON: &str = "manifest.json";
const HASHES: &str = "manifest.sha256";
/// The three files, the hashes last.
pub(super) const FILES: [&str; 3] = [CSV, JSON, HASHES];
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const BUFFER: usize = 64 * 1024;

/// The rows wait here until it is known what the seals say of them.
const ROWS: &str = "manifest.rows";

/// The three files in the making.
pub(super) struct Manifest<'a> {
    out: &'a OutFolder,
    key: Fingerprint,
    sources: &'a [VaultSource],
    /// The number of each row's vault, and the row; one a line.
    rows: BufWriter<PartFile>,
    hashes: HashedFile,
}

impl<'a> Manifest<'a> {
    pub(super) fn create(
        out: &'a OutFolder,
        key: Fingerprint,
        sources: &'a [VaultSource],
    ) -> Result<Self, OpenError> {
        Ok(Self {
            out,
            key,
            sources,
            rows: BufWriter::with_capacity(BUFFER, out.begin(ROWS)?),
            hashes: HashedFile::begin(out, HASHES)?,
        })
    }

    pub(super) fn add(&mut self, vault: usize, row: &Row) -> Result<(), OpenError> {
        let out = self.out;
        let kept = serde_json::to_writer(&mut self.rows, &(vault, row)).map_err(io::Error::from);
        kept.and_then(|()| self.rows.write_all(b"\n"))
            .map_err(|e| failed(out, ROWS, e))?;
        if let Some((hash, file)) = row.mail() {
            writeln!(self.hashes, "{hash}  {file}").map_err(|e| failed(out, HASHES, e))?;
        }
        Ok(())
    }

    /// Writes the rows with what the seals say of them, and counts the opened mails by it; gives the files their names, and waits until everything is on the
    /// disk.
    pub(super) fn finish(
        mut self,
        summary: &mut Summary,
        seals: &SealsReport,
    ) -> Result<(), OpenError> {
        let out = self.out;
        self.rows.flush().map_err(|e| failed(out, ROWS, e))?;
        let mut tables = Tables::begin(out, self.key, self.sources)?;
        let rows = self.rows.get_ref().path();
        let rows = File::open(rows).map_err(|e| failed(out, ROWS, e))?;
        for line in BufReader::with_capacity(BUFFER, rows).lines() {
            let line = line.map_err(|e| failed(out, ROWS, e))?;
            let row = serde_json::from_str(&line).map_err(|e| failed(out, ROWS, e.into()))?;
            let (vault, mut row): (usize, Row) = row;
            row.take_seal(vault, seals);
            if let Some(seal) = row.seal.filter(|_| row.is_opened()) {
                summary.seals.count(seal);
            }
            tables.add(&row)?;
        }
        let ((csv, csv_hash), (json, json_hash)) = tables.finish(summary, seals)?;
        write!(self.hashes, "{csv_hash}  {CSV}\n{json_hash}  {JSON}\n")
            .map_err(|e| failed(out, HASHES, e))?;
        let (hashes, _) = self.hashes.finish().map_err(|e| failed(out, HASHES, e))?;
        drop(self.rows);
        out.keep(csv, CSV)?;
        out.keep(json, JSON)?;
        out.keep(hashes, HASHES)?;
        out.sync()
    }
}

/// The rows for people and for programs.
struct Tables<'a> {
    out: &'a OutFolder,
    csv: csv::Writer<HashedFile>,
    json: HashedFile,
    rows: u64,
}

/// A whole file and its SHA-256.
type Hashed = (PartFile, String);

impl<'a> Tables<'a> {
    fn begin(
        out: &'a OutFolder,
        key: Fingerprint,
        sources: &[VaultSource],
    ) -> Result<Self, OpenError> {
        let mut csv = HashedFile::begin(out, CSV)?;
        csv.write_all(BYTE_ORDER_MARK)
            .map_err(|e| failed(out, CSV, e))?;
        let mut tables = Self {
            out,
            csv: csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(csv),
            json: HashedFile::begin(out, JSON)?,
            rows: 0,
        };
        let written = tables.csv.write_record(COLUMNS);
        written.map_err(|e| failed(out, CSV, e.into()))?;
        tables
            .write_head(key, sources)
            .map_err(|e| failed(out, JSON, e))?;
        Ok(tables)
    }

    fn write_head(&mut self, key: Fingerprint, sources: &[VaultSource]) -> io::Result<()> {
        let vaults: Vec<_> = sources
            .iter()
            .map(|source| {
                let path = |path: &Path| harmless(&path.to_string_lossy());
                let segments: Vec<_> = source
                    .segments()
                    .map(|(file, bytes)| json!({ "path": path(file), "bytes": bytes }))
                    .collect();
                json!({ "path": path(source.path()), "bytes": source.length(), "segments": segments })
            })
            .collect();
        let vaults = serde_json::to_string(&vaults)?;
        write!(
            self.json,
            "{{\n\"format\": \"archiver opening manifest\",\n\"version\": 2,\n\
             \"encryption_fingerprint\": \"{key}\",\n\"vaults\": {vaults},\n\"rows\": [\n"
        )
    }

    fn add(&mut self, row: &Row) -> Result<(), OpenError> {
        let out = self.out;
        self.csv
            .write_record(row.cells())
            .map_err(|e| failed(out, CSV, e.into()))?;
        self.add_json(row).map_err(|e| failed(out, JSON, e))
    }

    fn add_json(&mut self, row: &Row) -> io::Result<()> {
        if self.rows > 0 {
            self.json.write_all(b",\n")?;
        }
        self.rows += 1;
        serde_json::to_writer(&mut self.json, row)?;
        Ok(())
    }

    fn finish(
        mut self,
        summary: &Summary,
        seals: &SealsReport,
    ) -> Result<(Hashed, Hashed), OpenError> {
        let out = self.out;
        self.write_tail(summary, seals)
            .map_err(|e| failed(out, JSON, e))?;
        let csv = self.csv.into_inner();
        let csv = csv.map_err(|e| failed(out, CSV, io::Error::other(e.to_string())))?;
        let csv = csv.finish().map_err(|e| failed(out, CSV, e))?;
        let json = self.json.finish().map_err(|e| failed(out, JSON, e))?;
        Ok((csv, json))
    }

    fn write_tail(&mut self, summary: &Summary, seals: &SealsReport) -> io::Result<()> {
        let seals = serde_json::to_string(seals)?;
        let summary = serde_json::to_string(summary)?;
        writeln!(
            self.json,
            "\n],\n\"verdict\": {seals},\n\"summary\": {summary}\n}}"
        )
    }
}

fn failed(out: &OutFolder, name: &str, error: io::Error) -> OpenError {
    unwritable(out.path(name), error)
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
