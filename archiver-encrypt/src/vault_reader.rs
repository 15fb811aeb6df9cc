//! A vault as those read it who only look at its end: one run of bytes, from a file or from the segments of a folder in the order of their numbers.
//!
//! What is read is claimed, not verified: that is for `custodian inspect`, which reads the whole. Nothing here is written, and no lock is kept.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use archiver_core::vault::disk::ReadAt as _;
use archiver_core::vault::end::End;
use archiver_core::vault::header::Header;
use archiver_core::vault::no_vault::{self, NoVaultFile};
use archiver_core::vault::scan::{Scanner, SpanKind};
use archiver_core::vault::segments::Listing;
use archiver_core::vault::tail::{Tail, header_of_record};
use thiserror::Error;

use crate::disk::{OpenFile, open_regular};

/// Why a vault could not be looked at.
#[derive(Debug, Error)]
pub(crate) enum VaultReadError {
    #[error("vault {0} does not exist")]
    Missing(String),
    #[error("vault {0} is neither a file nor a folder")]
    Kind(String),
    #[error("vault {0} could not be read: {1}; run this as the user who runs the hook, or as root")]
    Read(String, io::Error),
}

/// A vault, open for reading, as long as it was then.
#[derive(Debug)]
pub(crate) struct VaultReader {
    path: PathBuf,
    /// The file, or the folder: what the hook locks.
    locked: File,
    metadata: Metadata,
    /// What stands in the folder.
    names: Option<Listing>,
    /// All its bytes; `None` when the folder has no segment.
    bytes: Option<End<OpenFile>>,
}

/// A record of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundRecord {
    pub(crate) offset: u64,
    pub(crate) header: Header,
}

impl VaultReader {
    pub(crate) fn open(path: &Path) -> Result<Self, VaultReadError> {
        let name = || path.display().to_string();
        let unreadable = |e: io::Error| match e.kind() {
            ErrorKind::NotFound => VaultReadError::Missing(name()),
            _ => VaultReadError::Read(name(), e),
        };
        let kind = fs::metadata(path).map_err(unreadable)?.file_type();
        if !kind.is_file() && !kind.is_dir() {
            return Err(VaultReadError::Kind(name()));
        }
        let (names, files) = if kind.is_dir() {
            let names = Listing::of(names_in(path).map_err(unreadable)?);
            let files = names.segments.iter();
            let files = files.map(|number| path.join(number.file_name())).collect();
            (Some(names), files)
        } else {
            (None, vec![path.to_owned()])
        };
        let locked = File::open(path).map_err(unreadable)?;
        Ok(Self {
            path: path.to_owned(),
            metadata: locked.metadata().map_err(unreadable)?,
            locked,
            names,
            bytes: open_all(&files).map_err(unreadable)?,
        })
    }

    /// The file or the folder itself.
    pub(crate) fn locked_file(&self) -> &File {
        &self.locked
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Its last files, the last one first: the one to which a hook appends, and those in front of it as long as nothing stands in them.
    pub(crate) fn last_files(&self) -> Vec<PathBuf> {
        let Some(names) = &self.names else {
            return vec![self.path.clone()];
        };
        let mut last = Vec::new();
        for number in names.segments.iter().rev() {
            let path = self.path.join(number.file_name());
            let is_empty = fs::metadata(&path).is_ok_and(|found| found.len() == 0);
            last.push(path);
            if !is_empty {
                break;
            }
        }
        last
    }

    /// When something was written to its last file.
    pub(crate) fn last_written(&self) -> Option<SystemTime> {
        let last = self.last_files().into_iter().next()?;
        fs::metadata(last).and_then(|found| found.modified()).ok()
    }

    /// What stands in the folder, when the vault is one.
    pub(crate) fn names(&self) -> Option<&Listing> {
        self.names.as_ref()
    }

    pub(crate) fn size(&self) -> u64 {
        self.bytes.as_ref().map_or(0, End::total)
    }

    /// The last whole record of ours.
    pub(crate) fn last_record(&self) -> Result<Option<FoundRecord>, VaultReadError> {
        let Some(bytes) = &self.bytes else {
            return Ok(None);
        };
        let tail = Tail::find(bytes, bytes.total()).map_err(|e| self.unreadable(e))?;
        Ok(tail.last.map(|last| FoundRecord {
            offset: last.start,
            header: last.header,
        }))
    }

    /// The last file, when it can be none of a vault: the hook appends nothing to it.
    pub(crate) fn no_vault_file(&self) -> Result<Option<NoVaultFile>, VaultReadError> {
        let Some(bytes) = &self.bytes else {
            return Ok(None);
        };
        let found = Tail::find(bytes, bytes.total())
            .and_then(|tail| no_vault::is_in_last_file(bytes, &tail));
        let is_none = found.map_err(|e| self.unreadable(e))?;
        let last = self.names.as_ref().and_then(|names| names.segments.last());
        let file = match last {
            Some(last) => last.file_name(),
            None => self.path.file_name().unwrap_or_default().to_owned(),
        };
        let file = file.to_string_lossy().into_owned();
        Ok(is_none.then_some(NoVaultFile { file }))
    }

    /// All whole records of ours that begin at this offset or behind it.
    pub(crate) fn records_from(
        &self,
        from: u64,
    ) -> impl Iterator<Item = Result<FoundRecord, VaultReadError>> {
        let spans = self.bytes.as_ref().map(|bytes| {
            let spans = Scanner::new(ReadFrom { bytes, at: from });
            spans.map(move |span| (bytes, span))
        });
        spans
            .into_iter()
            .flatten()
            .filter_map(move |(bytes, span)| {
                let span = match span {
                    Ok(span) if span.kind == SpanKind::Record => span,
                    Ok(_) => return None,
                    Err(e) => return Some(Err(self.unreadable(e))),
                };
                let offset = from + span.offset;
                let header = header_of_record(bytes, offset, bytes.total());
                let header = header.map_err(|e| self.unreadable(e)).transpose()?;
                Some(header.map(|header| FoundRecord { offset, header }))
            })
    }

    fn unreadable(&self, e: io::Error) -> VaultReadError {
        VaultReadError::Read(self.path.display().to_string(), e)
    }
}

/// The vault's bytes from an offset on.
struct ReadFrom<'a> {
    bytes: &'a End<OpenFile>,
    at: u64,
}

impl Read for ReadFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.bytes.total().saturating_sub(self.at);
        let wanted = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        self.bytes.read_exact_at(buffer, self.at)?;
        self.at += wanted as u64;
        Ok(wanted)
    }
}

/// The files as one, in this order.
fn open_all(paths: &[PathBuf]) -> io::Result<Option<End<OpenFile>>> {
    let mut backward = paths
        .iter()
        .rev()
        .map(|path| open_regular(path).map(|(file, _)| OpenFile::from(file)));
    let Some(last) = backward.next() else {
        return Ok(None);
    };
    let mut end = End::of(last?)?;
    for file in backward {
        end.put_in_front(file?)?;
    }
    Ok(Some(end))
}

fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod testing {
    use super::*;

    pub(crate) fn record_at(seq: u64, unix: i64, length: usize) -> Vec<u8> {
        use archiver_core::identity::UtcTime;
        use archiver_core::vault::armor::render;
        use archiver_core::vault::leaf::{LeafHash, LogId, Place};
        let place = Place {
            log: LogId([1; 16]),
            seq,
            time: UtcTime::from_unix(unix).unwrap(),
            prev: LeafHash([2; 32]),
        };
        let header = Header {
            place,
            leaf: LeafHash([3; 32]),
            origin: None,
        };
        render(Some(&header), &vec![0; length])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::testing::record_at;
    use super::*;

    fn record(seq: u64, length: usize) -> Vec<u8> {
        record_at(seq, 1_795_552_117, length)
    }

    fn last_seq(path: &Path) -> Option<u64> {
        let last = VaultReader::open(path).unwrap().last_record().unwrap();
        last.map(|found| found.header.place.seq)
    }

    #[test]
    fn the_last_record_is_found_behind_a_long_one_and_in_front_of_a_torn_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("VAULT");
        fs::write(&path, b"").unwrap();
        assert_eq!(last_seq(&path), None);
        let mut vault = [record(0, 10), record(1, 3_000_000)].concat();
        fs::write(&path, &vault).unwrap();
        assert_eq!(last_seq(&path), Some(1));
        vault.extend_from_slice(&record(2, 500_000)[..400_000]);
        fs::write(&path, &vault).unwrap();
        assert_eq!(last_seq(&path), Some(1));
        fs::write(&path, [b"stray\n".to_vec(), vault[..9].to_vec()].concat()).unwrap();
        assert_eq!(last_seq(&path), None);
    }

    #[test]
    fn the_segments_of_a_folder_are_one_vault_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        let (first, second) = (record(0, 10), record(1, 100_000));
        let (begin, end) = second.split_at(77_777);
        write("VAULT-000002.asc", &[&first, begin].concat());
        write("VAULT-000010.asc", end);
        write("VAULT-000011.asc", b"");
        write("VAULT-x.asc", b"no segment");
        write("segments.conf", b"no segment");
        let vault = VaultReader::open(folder.path()).unwrap();
        assert_eq!(vault.names().unwrap().segments.len(), 3);
        assert_eq!(vault.size(), (first.len() + second.len()) as u64);
        let found: Vec<_> = vault.records_from(0).map(Result::unwrap).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].offset, first.len() as u64);
        assert_eq!(last_seq(folder.path()), Some(1));
    }

    #[test]
    fn what_is_missing_and_what_is_no_vault_are_told_apart() {
        let missing = VaultReader::open("/nowhere/VAULT".as_ref()).unwrap_err();
        assert!(matches!(missing, VaultReadError::Missing(_)));
        let device = VaultReader::open("/dev/null".as_ref()).unwrap_err();
        assert!(matches!(device, VaultReadError::Kind(_)));
    }
}
