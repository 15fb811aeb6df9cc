//! A throw-away archive: a real ceremony of 3 of 5 in a scratch folder. Its keys and sheets are worth nothing and go with the folder.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sheet_scan::{Limits, read_codes};
use thiserror::Error;

use crate::binaries::Binaries;
use crate::child::{ChildError, Cost, measure};
use crate::corpus;

const PLAN: &str = include_str!("plan.toml");

/// The threshold of the plan.
pub const THRESHOLD: usize = 3;

/// What a ceremony left.
#[derive(Debug)]
pub struct Archive {
    out: PathBuf,
}

/// A sheet of the throw-away archive could not be used.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The ceremony failed.
    #[error(transparent)]
    Ceremony(#[from] ChildError),
    /// A file could not be read or written.
    #[error("the throw-away archive in {}: {source}", .folder.display())]
    Io {
        /// Its folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A sheet's code could not be read.
    #[error("the code of the sheet {} could not be read", .0.display())]
    Sheet(PathBuf),
}

impl Archive {
    /// Holds a ceremony into the new folder `out`, and tells what it cost.
    ///
    /// # Errors
    /// When the ceremony fails.
    pub fn hold(binaries: &Binaries, out: &Path) -> Result<(Self, Cost), ArchiveError> {
        let plan = out.with_extension("plan.toml");
        fs::write(&plan, PLAN).map_err(|source| ArchiveError::Io {
            folder: out.to_owned(),
            source,
        })?;
        let mut ceremony = binaries.custodian();
        ceremony.args(["ceremony", "--yes", "--plan"]).arg(&plan);
        // Its warnings about this machine are true, and of no interest for throw-away keys.
        ceremony.stderr(Stdio::null()).arg("--out").arg(out);
        let cost = measure(&mut ceremony)?;
        let out = out.to_owned();
        Ok((Self { out }, cost))
    }

    /// The public folder.
    #[must_use]
    pub fn public(&self) -> PathBuf {
        self.out.join("public")
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.out.join("public/archive.cert.asc")
    }

    /// The sheets as PDF, in order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sheets(&self) -> Result<Vec<PathBuf>, ArchiveError> {
        corpus::files(&self.out.join("sheets"), ".pdf").map_err(|e| self.failed(e))
    }

    /// Enough sheets to open the archive, as text files: reading scans is measured elsewhere.
    ///
    /// # Errors
    /// When a sheet's code cannot be read, or the text cannot be written.
    pub fn quorum(&self) -> Result<Vec<PathBuf>, ArchiveError> {
        let sheets = self.sheets()?.into_iter().take(THRESHOLD);
        sheets.map(|pdf| self.sheet_text(&pdf)).collect()
    }

    fn sheet_text(&self, pdf: &Path) -> Result<PathBuf, ArchiveError> {
        let bytes = fs::read(pdf).map_err(|e| self.failed(e))?;
        let unreadable = || ArchiveError::Sheet(pdf.to_owned());
        let codes = read_codes(&bytes, &Limits::default()).map_err(|_| unreadable())?;
        let code = codes.first().ok_or_else(unreadable)?;
        let text = pdf.with_extension("txt");
        fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&text)
            .and_then(|mut file| file.write_all(code.expose_text().as_bytes()))
            .map_err(|e| self.failed(e))?;
        Ok(text)
    }

    /// The hook, for this archive, with this vault.
    #[must_use]
    pub fn hook(&self, binaries: &Binaries, vault: &Path) -> Command {
        let mut hook = Command::new(&binaries.hook);
        hook.arg("--cert").arg(self.certificate());
        hook.arg("--vault").arg(vault);
        hook
    }

    fn failed(&self, source: io::Error) -> ArchiveError {
        ArchiveError::Io {
            folder: self.out.clone(),
            source,
        }
    }
}
