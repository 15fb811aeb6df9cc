//! A vault as a writer holds it: locked, which file is its last, and where the next record goes.
//!
//! A vault is one file, or a folder of segments (docs/format.md §7.5); for everybody who reads it, it is the concatenation of its
//! files. What stands in it is not understood here.

use std::ffi::{OsStr, OsString};
use std::io;

use crate::identity::UtcTime;
use crate::vault::disk::{DiskFile, Folder, read_whole};
use crate::vault::end::End;
use crate::vault::retired::{self, RetiredSegment};
use crate::vault::segments::{
    LONGEST_RULES, Listing, RULES_FILE, SEALS_END, STEM, SegmentNumber, SegmentRules, beside,
};

/// A vault to which records can be appended.
#[derive(Debug)]
pub struct WritableVault<F> {
    folder: F,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    File(OsString),
    Segments,
}

impl<F: Folder> WritableVault<F> {
    /// The vault that is the file `name` of a folder. The file is made with the first record.
    pub fn file(folder: F, name: OsString) -> Self {
        let shape = Shape::File(name);
        Self { folder, shape }
    }

    /// The vault that is a folder of segments. The first of them is made with the first record.
    pub fn segments(folder: F) -> Self {
        let shape = Shape::Segments;
        Self { folder, shape }
    }

    /// Whether a vault that is one file is not there, nor its seals. A folder of segments says of itself that it is one.
    pub(crate) fn is_gone(&self) -> bool {
        let is_missing = |name: &OsStr| {
            let opened = self.folder.open_to_read(name);
            opened.is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
        };
        match &self.shape {
            Shape::File(name) => is_missing(name) && is_missing(&beside(name, SEALS_END)),
            Shape::Segments => false,
        }
    }

    /// Takes the writers' lock: of the file, or of the folder.
    pub(crate) fn lock(&mut self) -> io::Result<LockedVault<'_, F>> {
        let folder = &mut self.folder;
        match &self.shape {
            Shape::File(name) => Ok(LockedVault {
                end: End::of(folder.open_locked(name)?)?,
                name: name.clone(),
                segments: None,
                folder,
            }),
            Shape::Segments => {
                folder.lock()?;
                let last = last_segment(folder);
                let (end, segments) = last.inspect_err(|_| folder.unlock())?;
                Ok(LockedVault {
                    end,
                    name: segments.last.file_name(),
                    segments: Some(segments),
                    folder,
                })
            }
        }
    }
}

/// The last segment, which is made when there is none, and what there is to know of the others.
fn last_segment<F: Folder>(folder: &F) -> io::Result<(End<F::File>, Segments)> {
    let rules = segment_rules(folder)?;
    let mut listing = Listing::of(folder.names()?);
    listing.require_vault().map_err(io::Error::other)?;
    let retired_in_front = listing.retired_in_front();
    let (last, file) = if let Some(last) = listing.segments.pop() {
        let opened = folder.open(&last.file_name());
        (last, opened.map_err(|e| of(&last.file_name(), &e))?)
    } else {
        let first = listing.next().ok_or_else(no_number)?;
        let made = folder.create_new(&first.file_name());
        (first, made.map_err(|e| of(&first.file_name(), &e))?)
    };
    let segments = Segments {
        rules,
        earlier: listing.segments,
        last,
        highest_retired: listing.retired.last().copied(),
        retired_in_front,
    };
    Ok((End::of(file)?, segments))
}

/// The rules of a folder of segments, as a writer finds them.
///
/// # Errors
/// What the system reports, and a rules file that is not in its one form.
pub fn segment_rules(folder: &impl Folder) -> io::Result<SegmentRules> {
    let file = read_whole(folder, RULES_FILE.as_ref(), LONGEST_RULES);
    let file = file.map_err(|e| of(RULES_FILE.as_ref(), &e))?;
    SegmentRules::of_file(file.as_deref()).map_err(io::Error::other)
}

/// An error with the name of the file that it is about.
fn of(name: &OsStr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", name.display()))
}

fn no_number() -> io::Error {
    io::Error::other("there is no segment number left; move this vault aside and start a new one")
}

/// A vault under the writers' lock. The lock is given back by [`LockedVault::unlock`].
#[derive(Debug)]
pub(crate) struct LockedVault<'a, F: Folder> {
    folder: &'a mut F,
    /// The last file and, when they were asked for, those before it.
    end: End<F::File>,
    /// The last file's.
    name: OsString,
    /// `None` for a vault that is one file.
    segments: Option<Segments>,
}

#[derive(Debug)]
struct Segments {
    rules: SegmentRules,
    /// Those of which `end` knows nothing yet.
    earlier: Vec<SegmentNumber>,
    last: SegmentNumber,
    highest_retired: Option<SegmentNumber>,
    /// Those that stand for what was in front of the first segment.
    retired_in_front: Vec<SegmentNumber>,
}

impl<F: Folder> LockedVault<'_, F> {
    /// The vault's last bytes, as far as they were asked for: at first the last file's.
    pub(crate) fn end(&self) -> &End<F::File> {
        &self.end
    }

    /// Takes the files before into [`Self::end`], up to the next one that is not empty. Returns how many bytes it has; `None` when there was none. After an error it
    /// begins with the same file again: none is ever left out.
    pub(crate) fn reach_back(&mut self) -> io::Result<Option<u64>> {
        let Some(segments) = &mut self.segments else {
            return Ok(None);
        };
        while let Some(before) = segments.earlier.last() {
            let name = before.file_name();
            let file = self.folder.open_to_read(&name);
            let size = self.end.put_in_front(file.map_err(|e| of(&name, &e))?)?;
            segments.earlier.pop();
            if size > 0 {
                return Ok(Some(size));
            }
        }
        Ok(None)
    }

    /// Takes all files before into [`Self::end`].
    pub(crate) fn reach_the_beginning(&mut self) -> io::Result<()> {
        while self.reach_back()?.is_some() {}
        Ok(())
    }

    /// What is left of the segments that were removed in front of the first one, in the vault's order.
    pub(crate) fn retired_in_front(&self) -> impl Iterator<Item = io::Result<RetiredSegment>> {
        let segments = self.segments.iter();
        let retired = segments.flat_map(|segments| &segments.retired_in_front);
        retired.map(|number| retired::read(self.folder, *number))
    }

    /// Whether a record at `time` goes into a new segment. `last` is the time of the last record of ours in the last file, if there
    /// is one.
    pub(crate) fn wants_new_segment(&self, last: Option<UtcTime>, time: UtcTime) -> bool {
        let size = self.end.size_of_last();
        self.segments
            .as_ref()
            .is_some_and(|segments| segments.rules.want_new(size, last, time))
    }

    /// Begins a new segment behind the others. What stands in the last one is synced first, whoever wrote it: nothing may be on
    /// stable storage in a later segment that follows a record which is not.
    pub(crate) fn begin_segment(&mut self) -> io::Result<()> {
        let Some(segments) = &mut self.segments else {
            return Ok(());
        };
        let highest = Some(segments.last).max(segments.highest_retired);
        let next = highest.and_then(SegmentNumber::next);
        let next = next.ok_or_else(no_number)?;
        self.end.last_mut().sync()?;
        self.name = next.file_name();
        let made = self.folder.create_new(&self.name);
        self.end.put_behind(made.map_err(|e| of(&self.name, &e))?);
        segments.last = next;
        Ok(())
    }

    /// The folder in which the vault's files stand.
    pub(crate) fn folder(&self) -> &F {
        self.folder
    }

    /// The name of the file with the vault's checkpoints, in [`Self::folder`].
    pub(crate) fn seals_name(&self) -> OsString {
        let vault = match self.segments {
            Some(_) => STEM.as_ref(),
            None => self.name.as_os_str(),
        };
        beside(vault, SEALS_END)
    }

    /// Whether the last file is an empty segment with other segments before it.
    pub(crate) fn begins_behind_another(&self) -> bool {
        let is_first = |segments: &Segments| segments.earlier.is_empty() && self.end.is_single();
        self.end.size_of_last() == 0 && self.segments.as_ref().is_some_and(|s| !is_first(s))
    }

    /// Returns when the last file's name is on stable storage.
    pub(crate) fn sync_name(&self) -> io::Result<()> {
        self.folder.sync_name(&self.name)
    }

    /// The last file's name.
    pub(crate) fn last_name(&self) -> &OsStr {
        &self.name
    }

    /// The last file, to which records are appended.
    pub(crate) fn last_file(&mut self) -> &mut F::File {
        self.end.last_mut()
    }

    /// Which segment the last file is; `None` for a vault that is one file.
    pub(crate) fn segment(&self) -> Option<SegmentNumber> {
        self.segments.as_ref().map(|segments| segments.last)
    }

    /// Gives the lock back, and gives the last file out to be synced.
    pub(crate) fn unlock(self) -> F::File {
        let mut file = self.end.into_last();
        match self.segments {
            Some(_) => self.folder.unlock(),
            None => file.unlock(),
        }
        file
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::vault::append::{AppendError, Receipt, append};
    use crate::vault::crash::history::{NOON, at, sealed};
    use crate::vault::memory_disk::{MemoryDisk, MemoryFolder};

    const DAY: i64 = 24 * 60 * 60;

    fn segments(rules: &str) -> MemoryFolder {
        let folder = MemoryDisk::default().folder();
        folder.put("segments.conf", rules.as_bytes());
        folder
    }

    fn append_at(folder: &MemoryFolder, time: i64) -> Result<Receipt, AppendError> {
        let mut vault = WritableVault::segments(folder.clone());
        append(&mut vault, sealed(40), || at(time))
    }

    /// Numbers of segment and record.
    fn places(folder: &MemoryFolder, times: &[i64]) -> Vec<(u32, u64)> {
        let place = |time| {
            let receipt = append_at(folder, time).unwrap();
            (receipt.segment.unwrap().get(), receipt.header.place.seq)
        };
        times.iter().copied().map(place).collect()
    }

    #[test]
    fn a_log_goes_on_from_one_segment_to_the_next_by_size() {
        let folder = segments("archiver segments 1 size=500 day=no");
        let places = places(&folder, &[NOON; 5]);
        assert_eq!(places, [(1, 0), (1, 1), (2, 2), (2, 3), (3, 4)]);
        let second = folder.bytes("VAULT-000002.asc");
        assert!(second.starts_with(b"\n-----BEGIN PGP MESSAGE-----\n"));
        assert!(folder.bytes("VAULT-000001.asc").starts_with(b"-----BEGIN"));
    }

    #[test]
    fn a_log_goes_on_from_one_segment_to_the_next_by_day() {
        let folder = segments("archiver segments 1 size=1000000 day=yes");
        let times = [0, 1, DAY, DAY, 4 * DAY].map(|after| NOON + after);
        let places = places(&folder, &times);
        assert_eq!(places, [(1, 0), (1, 1), (2, 2), (2, 3), (3, 4)]);
    }

    #[test]
    fn without_rules_the_usual_ones_hold_and_malformed_ones_stop_everything() {
        let folder = MemoryDisk::default().folder();
        folder.put("VAULT-000001.asc", b"");
        assert_eq!(places(&folder, &[NOON, NOON + DAY]), [(1, 0), (1, 1)]);
        folder.put("segments.conf", b"size=1G");
        let error = append_at(&folder, NOON).unwrap_err().to_string();
        assert!(error.contains("segments.conf is not one line"), "{error}");
    }

    #[test]
    fn an_empty_folder_and_one_of_other_things_are_no_vaults_and_stay_as_they_are() {
        let folder = MemoryDisk::default().folder();
        let error = append_at(&folder, NOON).unwrap_err().to_string();
        assert!(error.contains("disk is not mounted"), "{error}");
        assert!(folder.names().unwrap().is_empty());
        folder.put("notes", b"of somebody");
        let error = append_at(&folder, NOON).unwrap_err().to_string();
        assert!(error.contains("setup --segments"), "{error}");
        assert_eq!(folder.names().unwrap(), ["notes"]);
        folder.put("segments.conf", b"archiver segments 1 size=500 day=no");
        assert_eq!(places(&folder, &[NOON]), [(1, 0)]);
    }

    #[test]
    fn an_empty_segment_that_a_crash_left_behind_is_used() {
        let folder = segments("archiver segments 1 size=500 day=no");
        places(&folder, &[NOON, NOON]);
        for name in ["VAULT-000002.asc", "VAULT-000003.asc"] {
            folder.put(name, b"");
        }
        assert_eq!(places(&folder, &[NOON]), [(3, 2)]);
        assert_eq!(folder.bytes("VAULT-000002.asc"), b"");
    }

    #[test]
    fn retired_segments_and_foreign_names_are_left_alone_and_numbers_go_on_behind_them() {
        let folder = segments("archiver segments 1 size=500 day=no");
        folder.put("VAULT-000006.retired", b"");
        folder.put("VAULT-000009.asc~", b"of an editor");
        assert_eq!(
            places(&folder, &[NOON, NOON, NOON]),
            [(7, 0), (7, 1), (8, 2)]
        );
    }

    #[test]
    fn a_torn_tail_is_ended_in_the_segment_behind_it() {
        let folder = segments("archiver segments 1 size=500 day=no");
        let first = append_at(&folder, NOON).unwrap();
        let whole = folder.bytes("VAULT-000001.asc");
        let torn = [whole.as_slice(), &whole[..300]].concat();
        folder.put("VAULT-000001.asc", &torn);
        let second = append_at(&folder, NOON).unwrap();
        assert!(second.found_torn_tail);
        assert_eq!(second.segment, SegmentNumber::FIRST.next());
        assert_eq!(second.header.place.prev, first.header.leaf);
        assert_eq!(folder.bytes("VAULT-000001.asc"), torn);
    }
}
