//! The vaults as files: which are refused, and how a stretch of one is read by several threads at once.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use archiver_core::vault::scan::Span;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::OpenError;
use crate::failure::shown;

const PIECE: usize = 64 * 1024;

/// A vault that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// It does not exist.
    #[error("there is no vault {}", shown(.0))]
    Missing(PathBuf),
    /// It is a folder.
    #[error("the vault {} is a folder; name the files in it", shown(.0))]
    Folder(PathBuf),
    /// It is a device, a pipe, or a socket.
    #[error("the vault {} is not a regular file", shown(.0))]
    NotAFile(PathBuf),
    /// It was named twice.
    #[error("the vault {} is named twice", shown(.0))]
    Twice(PathBuf),
    /// It cannot be opened.
    #[error("the vault {} cannot be opened: {source}", shown(.path))]
    Unreadable {
        /// The vault.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An open vault. Its length is that at the start of the run: what is appended meanwhile is not looked at.
#[derive(Debug)]
pub(super) struct VaultSource {
    path: PathBuf,
    file: File,
    length: u64,
    identity: (u64, u64),
}

/// Opens all vaults, or none.
pub(super) fn open_all(paths: &[PathBuf]) -> Result<Vec<VaultSource>, SourceError> {
    let mut sources: Vec<VaultSource> = Vec::with_capacity(paths.len());
    for path in paths {
        let source = VaultSource::open(path)?;
        if sources
            .iter()
            .any(|other| other.identity == source.identity)
        {
            return Err(SourceError::Twice(path.clone()));
        }
        sources.push(source);
    }
    Ok(sources)
}

impl VaultSource {
    fn open(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable {
            path: path.to_owned(),
            source,
        };
        // Looked at before it is opened: opening a pipe would wait for its writer.
        let kind = match fs::metadata(path) {
            Ok(found) => found.file_type(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(SourceError::Missing(path.to_owned()));
            }
            Err(e) => return Err(unreadable(e)),
        };
        if kind.is_dir() {
            return Err(SourceError::Folder(path.to_owned()));
        }
        if !kind.is_file() {
            return Err(SourceError::NotAFile(path.to_owned()));
        }
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length: metadata.len(),
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn whole(&self) -> Section<'_> {
        self.range(0..self.length)
    }

    pub(super) fn section(&self, span: &Span) -> Section<'_> {
        self.range(span.offset..span.end())
    }

    fn range(&self, range: Range<u64>) -> Section<'_> {
        Section {
            file: &self.file,
            at: range.start,
            end: range.end,
        }
    }

    /// SHA-256 of a range of the vault.
    pub(super) fn hash(&self, range: Range<u64>) -> io::Result<[u8; 32]> {
        let mut hash = Sha256::new();
        self.for_each_piece(range, |piece| hash.update(piece))?;
        Ok(hash.finalize().into())
    }

    /// SHA-256 of a span, and whether it is nothing but white space.
    pub(super) fn look_at_stray(&self, span: &Span) -> io::Result<([u8; 32], bool)> {
        let (mut hash, mut blank) = (Sha256::new(), true);
        self.for_each_piece(span.offset..span.end(), |piece| {
            hash.update(piece);
            blank &= piece.iter().all(u8::is_ascii_whitespace);
        })?;
        Ok((hash.finalize().into(), blank))
    }

    fn for_each_piece(&self, range: Range<u64>, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut section = self.range(range);
        let mut buffer = vec![0; PIECE];
        loop {
            let read = section.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            each(buffer.get(..read).unwrap_or_default());
        }
    }

    pub(super) fn unreadable(&self, source: io::Error) -> OpenError {
        OpenError::Read {
            path: self.path.clone(),
            source,
        }
    }
}

/// A stretch of a vault as a reader. It shares the file with others and moves no position.
#[derive(Debug)]
pub(super) struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let Some(buf) = buf.get_mut(..wanted).filter(|buf| !buf.is_empty()) else {
            return Ok(0);
        };
        let read = loop {
            match self.file.read_at(buf, self.at) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if read == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it became shorter while it was read",
            ));
        }
        self.at += read as u64;
        Ok(read)
    }
}
