//! The vaults as files and as folders of segments: which are refused, and how a stretch of one is read by several threads at once.
//!
//! A vault in segments is read as the concatenation of its segments (docs/format.md §7.5); [`VaultSource::place_of`] says in which of them
//! a byte stands.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::{Range, RangeInclusive};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use archiver_core::vault::disk::ReadAt;
use archiver_core::vault::scan::Span;
use archiver_core::vault::segments::{Listing, SegmentNumber};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::OpenError;
use super::retired::RetiredFile;
use crate::failure::shown;

const PIECE: usize = 64 * 1024;

/// A vault that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// It does not exist.
    #[error("there is no vault {}", shown(.0))]
    Missing(PathBuf),
    /// It is a folder, and holds no segment.
    #[error("the folder {} holds no vault: there is no VAULT-000001.asc or later segment in it", shown(.0))]
    NoSegments(PathBuf),
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
    /// In the vault's order; a single one for a vault that is one file.
    files: Vec<SourceFile>,
    /// What stands in its folder, for a vault in segments.
    listing: Option<Listing>,
    /// In the vault's order.
    retired: Vec<RetiredFile>,
}

/// One file of a vault.
#[derive(Debug)]
struct SourceFile {
    path: PathBuf,
    file: File,
    /// Where its first byte stands in the vault.
    start: u64,
    length: u64,
    identity: (u64, u64),
}

/// Where a byte of a vault stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The file: the vault's own, or one of its segments.
    pub(super) file: &'a Path,
    /// From the file's start.
    pub(super) offset: u64,
}

/// Opens all vaults, or none.
pub(super) fn open_all(paths: &[PathBuf]) -> Result<Vec<VaultSource>, SourceError> {
    let mut sources: Vec<VaultSource> = Vec::with_capacity(paths.len());
    for path in paths {
        let source = VaultSource::open(path)?;
        if sources
            .iter()
            .any(|other| other.shares_a_file_with(&source))
        {
            return Err(SourceError::Twice(path.clone()));
        }
        sources.push(source);
    }
    Ok(sources)
}

impl VaultSource {
    /// Opens a vault: a file, or all segments of a folder.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        let (listing, paths) = if path.is_dir() {
            let listing = list(path)?;
            let names = listing.segments.iter().map(|number| number.file_name());
            let paths: Vec<PathBuf> = names.map(|name| path.join(name)).collect();
            if paths.is_empty() {
                return Err(SourceError::NoSegments(path.to_owned()));
            }
            (Some(listing), paths)
        } else {
            (None, vec![path.to_owned()])
        };
        let (mut files, mut start) = (Vec::with_capacity(paths.len()), 0);
        for path in paths {
            let file = SourceFile::open(path, start)?;
            start += file.length;
            files.push(file);
        }
        let mut source = Self {
            path: path.to_owned(),
            files,
            listing,
            retired: Vec::new(),
        };
        source.retired = source.find_retired();
        Ok(source)
    }

    fn find_retired(&self) -> Vec<RetiredFile> {
        let Some(listing) = &self.listing else {
            return Vec::new();
        };
        let file_of = |number: SegmentNumber| {
            let segments = listing.segments.iter().zip(&self.files);
            let mut behind = segments.skip_while(|(segment, _)| **segment < number);
            let next = behind.next();
            let segment_stands = next.is_some_and(|(segment, _)| *segment == number);
            let start = next.map_or_else(|| self.length(), |(_, file)| file.start);
            let length = next
                .filter(|_| segment_stands)
                .map_or(0, |(_, file)| file.length);
            RetiredFile {
                number,
                path: self.path.join(number.retired_name()),
                at: start..start + length,
                segment_stands,
            }
        };
        listing.retired.iter().copied().map(file_of).collect()
    }

    /// What stands in place of retired segments, in the vault's order.
    pub(super) fn retired(&self) -> &[RetiredFile] {
        &self.retired
    }

    /// The segments' numbers; nothing for a vault that is one file.
    pub(super) fn segment_numbers(&self) -> &[SegmentNumber] {
        self.listing
            .as_ref()
            .map_or(&[], |listing| listing.segments.as_slice())
    }

    fn shares_a_file_with(&self, other: &Self) -> bool {
        let mut files = self.files.iter();
        files.any(|file| other.files.iter().any(|o| o.identity == file.identity))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        self.files.iter().map(|file| file.length).sum()
    }

    /// The segments and their lengths; nothing for a vault that is one file.
    pub(super) fn segments(&self) -> impl Iterator<Item = (&Path, u64)> {
        let files = self.files.iter().filter(|_| self.listing.is_some());
        files.map(|file| (file.path.as_path(), file.length))
    }

    /// The numbers of segments that are missing between others.
    pub(super) fn missing_segments(&self) -> Vec<RangeInclusive<u32>> {
        self.listing
            .as_ref()
            .map(Listing::missing)
            .unwrap_or_default()
    }

    /// Names in the folder of segments that belong to no vault.
    pub(super) fn foreign_names(&self) -> impl Iterator<Item = String> {
        let names = self.listing.iter().flat_map(|listing| &listing.foreign);
        names.map(|name| name.to_string_lossy().into_owned())
    }

    /// The first segment; `None` for a vault that is one file.
    pub(super) fn first_segment(&self) -> Option<SegmentNumber> {
        self.listing.as_ref()?.segments.first().copied()
    }

    /// Where a segment begins in the vault.
    pub(super) fn start_of(&self, segment: SegmentNumber) -> Option<u64> {
        self.range_of(segment).map(|range| range.start)
    }

    /// Where a segment stands in the vault.
    pub(super) fn range_of(&self, segment: SegmentNumber) -> Option<Range<u64>> {
        let name = segment.file_name();
        let mut files = self.files.iter().filter(|_| self.listing.is_some());
        let file = files.find(|file| file.path.file_name() == Some(&name))?;
        Some(file.start..file.start + file.length)
    }

    /// Everything from an offset of the vault on.
    pub(super) fn from(&self, offset: u64) -> Section<'_> {
        self.range(offset..self.length())
    }

    /// Where the byte at an offset of the vault stands.
    pub(super) fn place_of(&self, offset: u64) -> Place<'_> {
        let holds = |file: &&SourceFile| file.start <= offset;
        match self
            .files
            .iter()
            .rev()
            .find(|file| holds(file) && file.length > 0)
        {
            Some(file) => Place {
                file: &file.path,
                offset: offset - file.start,
            },
            None => Place {
                file: &self.path,
                offset,
            },
        }
    }

    pub(super) fn whole(&self) -> Section<'_> {
        self.range(0..self.length())
    }

    pub(super) fn section(&self, span: &Span) -> Section<'_> {
        self.range(span.offset..span.end())
    }

    fn range(&self, range: Range<u64>) -> Section<'_> {
        Section {
            files: &self.files,
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

    pub(super) fn for_each_piece(
        &self,
        range: Range<u64>,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
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

impl ReadAt for VaultSource {
    fn size(&self) -> io::Result<u64> {
        Ok(self.length())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.from(offset).read_exact(buffer)
    }
}

pub(super) fn unreadable(path: &Path) -> impl Fn(io::Error) -> SourceError {
    move |source| SourceError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

fn list(folder: &Path) -> Result<Listing, SourceError> {
    let entries = fs::read_dir(folder).map_err(unreadable(folder))?;
    let names: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.file_name())).collect();
    Ok(Listing::of(names.map_err(unreadable(folder))?))
}

impl SourceFile {
    fn open(path: PathBuf, start: u64) -> Result<Self, SourceError> {
        // Looked at before it is opened: opening a pipe would wait for its writer.
        let kind = match fs::metadata(&path) {
            Ok(found) => found.file_type(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(SourceError::Missing(path));
            }
            Err(e) => return Err(unreadable(&path)(e)),
        };
        if !kind.is_file() {
            return Err(SourceError::NotAFile(path));
        }
        let file = File::open(&path).map_err(unreadable(&path))?;
        let metadata = file.metadata().map_err(unreadable(&path))?;
        Ok(Self {
            path,
            file,
            start,
            length: metadata.len(),
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    /// Reads from the vault's offset `at` on, which stands in this file.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let left = usize::try_from(self.start + self.length - at).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let buf = buf.get_mut(..wanted).unwrap_or_default();
        loop {
            match self.file.read_at(buf, at - self.start) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// A stretch of a vault as a reader. It shares the files with others and moves no position.
#[derive(Debug)]
pub(super) struct Section<'a> {
    /// From the one on in which the next byte stands.
    files: &'a [SourceFile],
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
        while let [first, rest @ ..] = self.files
            && self.at >= first.start + first.length
        {
            self.files = rest;
        }
        let read = match self.files.first() {
            Some(file) => file.read_at(buf, self.at)?,
            None => 0,
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
