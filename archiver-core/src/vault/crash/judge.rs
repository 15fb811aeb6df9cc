//! What must hold of a vault after a crash, whatever it left behind.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::ops::Range;

use super::history::{FILE, History, NOON, at, sealed};
use super::states::Names;
use crate::vault::append::{AppendError, append};
use crate::vault::armor::{BEGIN_LINE, END_LINE};
use crate::vault::chain::{Chain, Link, Standing};
use crate::vault::gap::GapHash;
use crate::vault::memory_disk::Op;
use crate::vault::read::read_record;
use crate::vault::scan::{Scanner, SpanKind};
use crate::vault::segments::{Listing, SegmentNumber};

/// What happened up to the crash.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Every record that was ever handed to the disk.
    appended: HashSet<Vec<u8>>,
    /// The header lines of the records of which a writer was told that they are on stable storage.
    acknowledged: Vec<Vec<u8>>,
    /// A sync has failed: what was written before it may be lost in front of what is kept.
    sync_failed: bool,
}

impl Told {
    /// Before anything happened: with what stands on the disk.
    pub(crate) fn before(files: &Names) -> Self {
        let mut told = Self::default();
        for bytes in files.values() {
            for found in read(bytes) {
                told.appended.insert(found.whole());
            }
        }
        told
    }

    pub(crate) fn take(&mut self, op: &Op) {
        match op {
            Op::Append { bytes, .. } => {
                let record = bytes.strip_prefix(b"\n").unwrap_or(bytes);
                let end = format!("{END_LINE}\n");
                if record.starts_with(BEGIN_LINE.as_bytes()) && record.ends_with(end.as_bytes()) {
                    self.appended.insert(record.to_vec());
                }
            }
            Op::Acknowledged(header) => self.acknowledged.push(header.clone()),
            Op::FailedSync { .. } => self.sync_failed = true,
            _ => (),
        }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    fn is_acknowledged(&self, record: &[u8]) -> bool {
        let header = record.split(|byte| *byte == b'\n').nth(1);
        header.is_some_and(|header| self.acknowledged.iter().any(|line| line == header))
    }

    /// Judges what a crash left of the vault, appends a record to it, and judges again.
    pub(crate) fn judge(&self, history: &History, files: &Names) -> Result<(), String> {
        let left = concatenation(files)?;
        self.judge_bytes(&left)?;
        let (disk, folder) = History::disk_with(files);
        let begun = disk.log().len();
        let appended = append(&mut history.vault(folder.clone()), sealed(77), || at(NOON));
        if let Err(AppendError::NoVault(_)) = &appended
            && garbage(files).is_some()
        {
            return Ok(());
        }
        let receipt = appended.map_err(|e| format!("the next append fails: {e}"))?;
        let header = receipt.header.to_string().into_bytes();
        let mut told = self.clone();
        disk.log().iter().skip(begun).for_each(|op| told.take(op));
        told.acknowledged.push(header.clone());
        let mut files = files.clone();
        for name in folder.all_names() {
            let bytes = folder.bytes(name.to_str().unwrap());
            files.insert(name, bytes);
        }
        let now = concatenation(&files)?;
        if !now.starts_with(&left) {
            return Err("the next append changed what stood there".to_owned());
        }
        let found = told.judge_bytes(&now)?;
        let last = found.last().filter(|last| last.line(1) == header);
        match last.and_then(|last| last.link.as_ref()) {
            Some(link) if link.fault.is_none() => Ok(()),
            other => Err(format!("the next record stands as {other:?}")),
        }
    }

    fn judge_bytes(&self, vault: &[u8]) -> Result<Vec<Found>, String> {
        let found = read(vault);
        let mut acknowledged = 0;
        for (n, this) in found.iter().enumerate() {
            let is_known = self.appended.contains(&this.whole());
            let is_sound = this.link.as_ref().is_some_and(|link| link.leaf_matches);
            if is_sound && !is_known {
                return Err(format!("a record that nobody appended: {this:?}"));
            }
            let is_acknowledged = is_known && self.is_acknowledged(&this.bytes);
            acknowledged += usize::from(is_acknowledged);
            let fault = this.link.as_ref().and_then(|link| link.fault.as_ref());
            let Some(fault) = fault.filter(|_| is_known && this.is_whole()) else {
                continue;
            };
            let before = n.checked_sub(1).and_then(|n| found.get(n));
            let is_explained = before.is_some_and(|b| !self.appended.contains(&b.bytes));
            if !is_explained || (is_acknowledged && !self.sync_failed) {
                return Err(format!("{fault}, without a damaged byte: {this:?}"));
            }
        }
        if acknowledged < self.acknowledged.len() {
            let all = self.acknowledged.len();
            return Err(format!(
                "of {all} acknowledged records {acknowledged} are there"
            ));
        }
        Ok(found)
    }
}

/// A stretch of a vault that is not blank.
struct Found {
    bytes: Vec<u8>,
    link: Option<Link>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = |n| String::from_utf8_lossy(self.line(n)).into_owned();
        write!(
            f,
            "{} bytes: {} {} {:?}",
            self.bytes.len(),
            line(0),
            line(1),
            self.link
        )
    }
}

impl Found {
    fn is_whole(&self) -> bool {
        self.bytes.ends_with(b"\n")
    }

    /// With the LF that a crash may have cost.
    fn whole(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if !self.is_whole() {
            bytes.push(b'\n');
        }
        bytes
    }

    fn line(&self, n: usize) -> &[u8] {
        self.bytes
            .split(|byte| *byte == b'\n')
            .nth(n)
            .unwrap_or_default()
    }
}

/// The vault's last file, when it begins with garbage and no record begins in it. No acknowledged one can be in it then, and the mails wait until somebody
/// has moved the file away.
pub(crate) fn garbage(files: &Names) -> Option<&OsStr> {
    let is_vaults = |name: &OsStr| name == FILE || SegmentNumber::of_file(name).is_some();
    let (name, bytes) = files.iter().rev().find(|(name, _)| is_vaults(name))?;
    let begins_a_record = bytes.iter().zip(BEGIN_LINE.as_bytes()).all(|(a, b)| a == b);
    let begins_otherwise = !begins_a_record && !matches!(bytes.as_slice(), [0 | b'\n', ..]);
    let begin = format!("\n{BEGIN_LINE}\n");
    let is_garbage = begins_otherwise && memchr::memmem::find(bytes, begin.as_bytes()).is_none();
    is_garbage.then_some(name)
}

/// Everything that stands in a vault, as its readers see it.
fn read(vault: &[u8]) -> Vec<Found> {
    let mut chain = Chain::new();
    let range = |range: Range<u64>| {
        let index = |offset| usize::try_from(offset).unwrap();
        &vault[index(range.start)..index(range.end)]
    };
    let mut all = Vec::new();
    for span in Scanner::new(vault).map(Result::unwrap) {
        let bytes = range(span.offset..span.end());
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let mut link = None;
        if span.kind == SpanKind::Record {
            let (facts, ()) = read_record(bytes, span.length, |_| ()).unwrap();
            let hash = |hash: &mut GapHash, gap| {
                hash.update(range(gap));
                Ok(())
            };
            if let Standing::Linked(found) = chain.follow(&span, facts, hash).unwrap() {
                link = Some(found);
            }
        }
        let bytes = bytes.to_vec();
        all.push(Found { bytes, link });
    }
    all
}

/// The vault's bytes.
fn concatenation(files: &Names) -> Result<Vec<u8>, String> {
    if let Some(file) = files.get(OsStr::new(FILE)) {
        return Ok(file.clone());
    }
    let listing = Listing::of(files.keys().cloned());
    let missing = listing.missing();
    if !missing.is_empty() {
        return Err(format!("segments are missing: {missing:?}"));
    }
    let names = listing.segments.iter().map(|number| number.file_name());
    Ok(names.flat_map(|name| files[&name].clone()).collect())
}
