//! A vault as a writer holds it: locked, which file is its last, and where the next record goes.
//!
//! A vault is one file, or a folder of segments (docs/format.md §7.5); for everybody who reads it, it is the concatenation of its
//! files. What stands in it is not understood here.

use std::ffi::OsString;
use std::io;

use crate::identity::UtcTime;
use crate::vault::disk::{DiskFile, Folder, read_whole};
use crate::vault::end::End;
use crate::vault::segments::{
    LONGEST_RULES, Listing, RULES_FILE, SEALS_FILE, SegmentNumber, SegmentRules,
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
    let rules = rules(folder)?;
    let mut listing = Listing::of(folder.names()?);
    let (last, file) = if let Some(last) = listing.segments.pop() {
        (last, folder.open(&last.file_name())?)
    } else {
        let first = listing.next().ok_or_else(no_number)?;
        (first, folder.create_new(&first.file_name())?)
    };
    let segments = Segments {
        rules,
        earlier: listing.segments,
        last,
        highest_retired: listing.retired.pop(),
    };
    Ok((End::of(file)?, segments))
}

fn rules(folder: &impl Folder) -> io::Result<SegmentRules> {
    let Some(text) = read_whole(folder, RULES_FILE.as_ref(), LONGEST_RULES)? else {
        return Ok(SegmentRules::default());
    };
    let text = String::from_utf8_lossy(&text);
    text.parse().map_err(io::Error::other)
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
}

impl<F: Folder> LockedVault<'_, F> {
    /// The vault's last bytes, as far as they were asked for: at first the last file's.
    pub(crate) fn end(&self) -> &End<F::File> {
        &self.end
    }

    /// Takes the files before into [`Self::end`], up to the next one that is not empty. Returns whether there was one.
    pub(crate) fn reach_back(&mut self) -> io::Result<bool> {
        let Some(segments) = &mut self.segments else {
            return Ok(false);
        };
        while let Some(before) = segments.earlier.pop() {
            let file = self.folder.open(&before.file_name())?;
            if self.end.put_in_front(file)? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a record of `length` bytes at `time` goes into a new segment. `last` is the time of the last record of ours in the last
    /// file, if there is one.
    pub(crate) fn wants_new_segment(
        &self,
        last: Option<UtcTime>,
        length: u64,
        time: UtcTime,
    ) -> bool {
        let size = self.end.size_of_last();
        self.segments
            .as_ref()
            .is_some_and(|segments| segments.rules.want_new(size, last, length, time))
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
        self.end.put_behind(self.folder.create_new(&self.name)?);
        segments.last = next;
        Ok(())
    }

    /// The folder in which the vault's files stand.
    pub(crate) fn folder(&self) -> &F {
        self.folder
    }

    /// The name of the file with the vault's checkpoints, in [`Self::folder`].
    pub(crate) fn seals_name(&self) -> OsString {
        if self.segments.is_some() {
            return SEALS_FILE.into();
        }
        let mut name = self.name.clone();
        name.push(".seals");
        name
    }

    /// Returns when the last file's name is on stable storage.
    pub(crate) fn sync_name(&self) -> io::Result<()> {
        self.folder.sync_name(&self.name)
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
