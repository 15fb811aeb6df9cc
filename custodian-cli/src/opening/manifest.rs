//! The manifest's files: the rows as CSV for people and as JSON for programs, and the hashes of all files.
//!
//! The rows' offsets and lengths tile the vaults; a row may go on into the next segment. All three files are written while the vaults are opened and get their names
//! only at the end.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use archiver_core::identity::Fingerprint;
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::out_folder::{OutFolder, PartFile, unwritable};
use super::row::{COLUMNS, Row};
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
        if let Some((hash, file)) = row.mail() {
            writeln!(self.hashes, "{hash}  {file}").map_err(|e| failed(out, HASHES, e))?;
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

    /// Completes the files, gives them their names, and waits until everything is on the disk.
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
        out.keep(csv, CSV)?;
        out.keep(json, JSON)?;
        out.keep(hashes, HASHES)?;
        out.sync()
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
