//! What a crash may leave of a disk, given what was done to it.
//!
//! The model. What was not yet synced is there or not, in sectors of 512 bytes that are each written whole or not at all, in any order: a sector has any
//! of the contents that it had since the last sync, or zeros, or garbage. Bytes that were synced keep their place: no fate of a sector
//! touches them. A file's size is any that it had since the last sync, or a sector's boundary in between. A name that was made, changed or removed since the
//! folder's last sync is as before or as after, each for itself. After a sync that failed, the sectors concerned stay uncertain, whatever syncs come later, until
//! they are written again.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use super::choices::{Choices, Random};
use crate::vault::memory_disk::Op;

const SECTOR: usize = 512;

/// A folder's files after a crash.
pub(crate) type Names = BTreeMap<OsString, Vec<u8>>;

/// What is certain and uncertain of a disk after the first operations of a log.
#[derive(Debug, Default)]
pub(crate) struct Uncertain {
    folders: Vec<Folder>,
    files: Vec<File>,
}

#[derive(Debug, Default)]
struct Folder {
    synced: BTreeMap<OsString, usize>,
    since: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Name(OsString, usize),
    NoName(OsString),
    Rename(OsString, OsString),
}

#[derive(Debug, Default)]
struct File {
    /// As the running system sees it.
    now: Vec<u8>,
    sectors: BTreeMap<usize, Sector>,
    /// The sizes since the last sync, that one included.
    sizes: BTreeSet<usize>,
}

/// An uncertain sector.
#[derive(Debug)]
struct Sector {
    contents: Vec<Vec<u8>>,
    /// Bytes of the file before this offset are certain.
    certain: usize,
    /// A sync failed: later ones do not make it certain.
    forsaken: bool,
}

impl Uncertain {
    /// Takes in the next operation.
    pub(crate) fn take(&mut self, op: &Op) {
        match op {
            Op::Create { folder, name, file } => {
                self.file(*file);
                self.folder(*folder)
                    .since
                    .push(Change::Name(name.clone(), *file));
            }
            Op::Rename { folder, from, to } => {
                let change = Change::Rename(from.clone(), to.clone());
                self.folder(*folder).since.push(change);
            }
            Op::Remove { folder, name } => {
                self.folder(*folder)
                    .since
                    .push(Change::NoName(name.clone()));
            }
            Op::SyncFolder { folder } => self.folder(*folder).sync(),
            Op::Append { file, bytes } => self.file(*file).append(bytes),
            Op::Truncate { file, size } => {
                self.file(*file).truncate(usize::try_from(*size).unwrap());
            }
            Op::Wipe { file } => self.file(*file).wipe(),
            Op::Sync { file } => self.file(*file).sync(),
            Op::FailedSync { file } => {
                for sector in self.file(*file).sectors.values_mut() {
                    sector.forsaken = true;
                }
            }
            Op::Acknowledged(_) => (),
        }
    }

    fn folder(&mut self, number: usize) -> &mut Folder {
        while self.folders.len() <= number {
            self.folders.push(Folder::default());
        }
        &mut self.folders[number]
    }

    fn file(&mut self, number: usize) -> &mut File {
        while self.files.len() <= number {
            self.files.push(File {
                sizes: BTreeSet::from([0]),
                ..File::default()
            });
        }
        &mut self.files[number]
    }

    /// How many sectors are uncertain.
    pub(crate) fn sectors(&self) -> usize {
        self.files.iter().map(|file| file.sectors.len()).sum()
    }

    /// The disk when only the writers are killed, and everything that they asked for is done: the files of every folder.
    pub(crate) fn as_it_is(&self) -> Vec<Names> {
        let content = |(name, file): (_, usize)| (name, self.files[file].now.clone());
        let folders = self.folders.iter().map(Folder::now);
        folders
            .map(|names| names.into_iter().map(content).collect())
            .collect()
    }

    /// One of the states that a crash may leave behind: the files of every folder.
    pub(crate) fn state(&self, choices: &mut Choices, garbage: &mut Random) -> Vec<Names> {
        let names = |folder: &Folder, choices: &mut Choices| folder.state(choices);
        let folders: Vec<_> = self.folders.iter().map(|f| names(f, choices)).collect();
        folders
            .into_iter()
            .map(|names| {
                names
                    .into_iter()
                    .map(|(name, file)| (name, self.files[file].state(choices, garbage)))
                    .collect()
            })
            .collect()
    }
}

impl Folder {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.since) {
            change.make(&mut self.synced);
        }
    }

    fn now(&self) -> BTreeMap<OsString, usize> {
        let mut names = self.synced.clone();
        for change in &self.since {
            change.make(&mut names);
        }
        names
    }

    fn state(&self, choices: &mut Choices) -> BTreeMap<OsString, usize> {
        let mut names = self.synced.clone();
        for change in &self.since {
            if choices.choose(2) == 1 {
                change.make(&mut names);
            }
        }
        names
    }
}

impl Change {
    fn make(&self, names: &mut BTreeMap<OsString, usize>) {
        match self {
            Self::Name(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::NoName(name) => {
                names.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }
}

impl File {
    fn content(&self, sector: usize) -> Vec<u8> {
        let start = sector * SECTOR;
        let end = self.now.len().min(start + SECTOR);
        let mut content = self.now.get(start..end).unwrap_or_default().to_vec();
        content.resize(SECTOR, 0);
        content
    }

    /// Before a change to bytes from `from` on, up to `to`: what these sectors hold now is one of their contents.
    fn make_uncertain(&mut self, from: usize, to: usize) {
        for number in from / SECTOR..to.div_ceil(SECTOR) {
            let content = self.content(number);
            let sector = self.sectors.entry(number).or_insert(Sector {
                contents: vec![content],
                certain: from,
                forsaken: false,
            });
            sector.certain = sector.certain.min(from);
        }
    }

    fn remember(&mut self, from: usize, to: usize) {
        for number in from / SECTOR..to.div_ceil(SECTOR) {
            let content = self.content(number);
            if let Some(sector) = self.sectors.get_mut(&number)
                && !sector.contents.contains(&content)
            {
                sector.contents.push(content);
            }
        }
        self.sizes.insert(self.now.len());
    }

    fn append(&mut self, bytes: &[u8]) {
        let (from, to) = (self.now.len(), self.now.len() + bytes.len());
        self.make_uncertain(from, to);
        self.now.extend_from_slice(bytes);
        self.remember(from, to);
        for number in from / SECTOR..to.div_ceil(SECTOR) {
            if let Some(sector) = self.sectors.get_mut(&number) {
                sector.forsaken = false;
            }
        }
    }

    fn truncate(&mut self, size: usize) {
        let before = self.now.len();
        self.make_uncertain(size, before);
        self.now.truncate(size);
        self.remember(size, before);
    }

    fn wipe(&mut self) {
        let size = self.now.len();
        self.make_uncertain(0, size);
        self.now.fill(0);
        self.remember(0, size);
    }

    fn sync(&mut self) {
        self.sectors.retain(|_, sector| sector.forsaken);
        self.sizes = BTreeSet::from([self.now.len()]);
    }

    fn state(&self, choices: &mut Choices, garbage: &mut Random) -> Vec<u8> {
        let size = self.size(choices);
        let mut bytes = self.now.clone();
        bytes.resize(size, 0);
        for (number, sector) in &self.sectors {
            let start = number * SECTOR;
            if start < size {
                let content = sector.fate(start, choices, garbage);
                let end = size.min(start + SECTOR);
                bytes[start..end].copy_from_slice(&content[..end - start]);
            }
        }
        bytes
    }

    fn size(&self, choices: &mut Choices) -> usize {
        let (least, most) = (self.sizes.first().unwrap(), self.sizes.last().unwrap());
        let boundaries = (least / SECTOR + 1..=most / SECTOR).map(|n| n * SECTOR);
        let mut sizes = self.sizes.clone();
        sizes.extend(boundaries);
        let sizes: Vec<usize> = sizes.into_iter().collect();
        sizes[choices.choose(sizes.len())]
    }
}

impl Sector {
    fn fate(&self, start: usize, choices: &mut Choices, garbage: &mut Random) -> Vec<u8> {
        let chosen = choices.choose(self.contents.len() + 2);
        if let Some(content) = self.contents.get(chosen) {
            return content.clone();
        }
        let mut content = self.contents[0].clone();
        let from = self.certain.saturating_sub(start).min(SECTOR);
        for byte in &mut content[from..] {
            let zeros = chosen == self.contents.len();
            *byte = if zeros {
                0
            } else {
                garbage.number().to_le_bytes()[0]
            };
        }
        content
    }
}
