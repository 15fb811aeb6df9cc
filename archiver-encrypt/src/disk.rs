//! The disk, as [`Folder`] and its files want it, and what a vault's path leads to: a file, or a folder of segments.
//!
//! Refused: what is neither, a symbolic link that leads nowhere, and network file systems unless they are allowed. A new file
//! is made with mode 0600; a folder never.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use archiver_core::vault::disk::Folder;
use archiver_core::vault::writable::WritableVault;
use rustix::fs::{OFlags, StatFs, fstatfs, statfs};
use rustix::io::retry_on_intr;

pub use self::open_file::OpenFile;
use self::refusal::{Refusal, kind_if_no_file, network_file_system};
use crate::stop::StopSignals;
use crate::vault_place::folder_of;

mod lock;
mod open_file;
mod refusal;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;

/// How long a hook waits for the others. Mail servers give a delivery several minutes.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);

/// The seal folder is locked under the vault's lock, so that nobody should hold it; whoever does must not keep the mail waiting.
const SEALS_PATIENCE: Duration = Duration::from_secs(2);

/// Lets this process hold as many files open as the system allows it. A vault in segments that is read from its beginning is open as a whole, and after three years of
/// a segment a day it has more of them than the 1,024 that most systems begin with. Where it is not permitted, a vault of that length is told as one
/// that cannot be read.
pub fn hold_many_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((now, most)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    if now != most {
        let _not_permitted = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

/// The vault at a path: a folder of segments when it is an existing folder, and one file otherwise.
///
/// # Errors
/// What the system reports, and a path that can name no file.
pub(crate) fn vault_at<'a>(
    path: &Path,
    allow_network_fs: bool,
    stop: &'a StopSignals,
) -> io::Result<WritableVault<DiskFolder<'a>>> {
    let folder = |path: &Path| DiskFolder::new(path, allow_network_fs, Some(stop), LOCK_PATIENCE);
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Ok(WritableVault::segments(folder(path))),
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => (),
    }
    let names_a_folder = path.as_os_str().as_bytes().ends_with(b"/");
    let name = path.file_name().filter(|_| !names_a_folder);
    let name = name.ok_or(Refusal::NoSegmentFolder)?;
    Ok(WritableVault::file(
        folder(folder_of(path)),
        name.to_owned(),
    ))
}

/// Opens a regular file to look at it, with its length. Nobody waits for the other end of a pipe.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    let file = open_as(path, OpenOptions::new().read(true), Refusal::NotAFile)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// Opens a regular file; otherwise says by the kind of what stands there why it is refused. Looked at before it is opened: opening a pipe would wait for its other
/// end. (And looked at again, as it may be another one by then.)
fn open_as(
    path: &Path,
    options: &mut OpenOptions,
    refusal: fn(&'static str) -> Refusal,
) -> io::Result<File> {
    let require_file = |found: &Metadata| match kind_if_no_file(found.file_type()) {
        Some(kind) => Err(io::Error::from(refusal(kind))),
        None => Ok(()),
    };
    require_file(&fs::metadata(path)?)?;
    let no_wait = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = options.custom_flags(no_wait).open(path)?;
    require_file(&file.metadata()?)?;
    Ok(file)
}

/// A folder of the disk.
#[derive(Debug)]
pub struct DiskFolder<'a> {
    path: PathBuf,
    allow_network_fs: bool,
    /// What ends the waiting; nothing, where the caller's process ends by signals as usual.
    stop: Option<&'a StopSignals>,
    patience: Duration,
    /// The folder itself, from [`Folder::lock`] on.
    locked: Option<File>,
}

impl DiskFolder<'static> {
    /// A seal folder. It is locked under the vault's lock, where the work is finished whatever comes: a record is written with its seals' bounds, or waits.
    pub(crate) fn of_seals(path: &Path, allow_network_fs: bool) -> Self {
        Self::new(path, allow_network_fs, None, SEALS_PATIENCE)
    }

    /// The folder in which a file lies, to be looked at without a lock.
    pub(crate) fn to_look_at(path: &Path) -> Self {
        Self::new(path, true, None, Duration::ZERO)
    }
}

impl<'a> DiskFolder<'a> {
    /// A folder of segments, for other work than the hook's under the writers' lock.
    #[must_use]
    pub fn of_segments(path: &Path, allow_network_fs: bool) -> Self {
        Self::new(path, allow_network_fs, None, LOCK_PATIENCE)
    }

    fn new(
        path: &Path,
        allow_network_fs: bool,
        stop: Option<&'a StopSignals>,
        patience: Duration,
    ) -> Self {
        Self {
            path: path.to_owned(),
            allow_network_fs,
            stop,
            patience,
            locked: None,
        }
    }
}

impl DiskFolder<'_> {
    fn path_of(&self, name: &OsStr) -> PathBuf {
        self.path.join(name)
    }

    /// Opens the file, or makes it. `None` when another program removed or made it at the same moment.
    fn open_or_make(&self, name: &OsStr) -> io::Result<Option<OpenFile>> {
        let options = &mut OpenOptions::new();
        let options = options.read(true).append(true);
        let there = open_as(&self.path_of(name), options, Refusal::NoVault);
        let (opened, lost_race) = match there.and_then(|file| self.opened(file)) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.refuse_where_none_can_be_made(name)?;
                (self.create_new(name), ErrorKind::AlreadyExists)
            }
            opened => (opened, ErrorKind::NotFound),
        };
        match opened {
            Err(e) if e.kind() == lost_race => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn open_file(&self, name: &OsStr, options: &mut OpenOptions) -> io::Result<OpenFile> {
        self.opened(open_as(&self.path_of(name), options, Refusal::NotAFile)?)
    }

    /// Opens a file for reading only that has this name and no other, and whose name is no link.
    ///
    /// # Errors
    /// As [`Folder::open_unshared`].
    pub fn open_unshared_to_read(&self, name: &OsStr) -> io::Result<OpenFile> {
        self.unshared(name, OpenOptions::new().read(true))
    }

    /// What is opened is what stood at the name itself, whoever puts something else there meanwhile.
    fn unshared(&self, name: &OsStr, options: &mut OpenOptions) -> io::Result<OpenFile> {
        let found = fs::symlink_metadata(self.path_of(name))?;
        let file = self.open_file(name, options)?;
        let opened = file.0.metadata()?;
        let is_it = (opened.dev(), opened.ino()) == (found.dev(), found.ino());
        if is_it && opened.nlink() == 1 {
            return Ok(file);
        }
        let path = self.path_of(name).display().to_string();
        Err(Refusal::Shared(path).into())
    }

    /// Whether a file that is missing may be made here, as far as that is not for the system to say.
    pub(crate) fn refuse_where_none_can_be_made(&self, name: &OsStr) -> io::Result<()> {
        if fs::symlink_metadata(self.path_of(name)).is_ok_and(|found| found.is_symlink()) {
            return Err(Refusal::DanglingLink.into());
        }
        if !self.path.is_dir() {
            return Err(Refusal::NoFolder.into());
        }
        self.refuse_network(&retry_on_intr(|| statfs(&self.path))?)
    }

    fn refuse_network(&self, file_system: &StatFs) -> io::Result<()> {
        match network_file_system(file_system) {
            Some(name) if !self.allow_network_fs => Err(Refusal::Network(name).into()),
            _ => Ok(()),
        }
    }

    fn opened(&self, file: File) -> io::Result<OpenFile> {
        self.refuse_network(&retry_on_intr(|| fstatfs(&file))?)?;
        Ok(OpenFile(file))
    }
}

impl Folder for DiskFolder<'_> {
    type File = OpenFile;

    fn lock(&mut self) -> io::Result<()> {
        let locked = self.lock_what_stands_at(&self.path, || {
            let folder = File::open(&self.path)?;
            self.refuse_network(&retry_on_intr(|| fstatfs(&folder))?)?;
            Ok(Some(folder))
        })?;
        self.locked = Some(locked);
        Ok(())
    }

    fn unlock(&mut self) {
        self.locked = None;
    }

    fn open_locked(&self, name: &OsStr) -> io::Result<OpenFile> {
        self.lock_what_stands_at(&self.path_of(name), || {
            Ok(self.open_or_make(name)?.map(|opened| opened.0))
        })
        .map(OpenFile)
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        let entries = fs::read_dir(&self.path)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn open(&self, name: &OsStr) -> io::Result<OpenFile> {
        self.open_file(name, OpenOptions::new().read(true).append(true))
    }

    fn open_to_read(&self, name: &OsStr) -> io::Result<OpenFile> {
        self.open_file(name, OpenOptions::new().read(true))
    }

    fn open_unshared(&self, name: &OsStr) -> io::Result<OpenFile> {
        self.unshared(name, OpenOptions::new().read(true).append(true))
    }

    fn open_secret(&self, name: &OsStr) -> io::Result<OpenFile> {
        let path = || self.path_of(name).display().to_string();
        let file = self.open_to_read(name)?;
        let found = file.0.metadata()?;
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(Refusal::OfAnother(path()).into());
        }
        if others_may_use(&found) {
            return Err(Refusal::Exposed(path()).into());
        }
        Ok(file)
    }

    fn create_new(&self, name: &OsStr) -> io::Result<OpenFile> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create_new(true).mode(0o600);
        self.opened(options.open(self.path_of(name))?)
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        fs::rename(self.path_of(from), self.path_of(to))
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path_of(name))
    }

    fn sync_name(&self, name: &OsStr) -> io::Result<()> {
        // Of a symbolic link, the file's own folder counts.
        let path = fs::canonicalize(self.path_of(name))?;
        File::open(folder_of(&path))?.sync_all()
    }
}

/// Whether others than its owner may read or write a file.
pub(crate) fn others_may_use(file: &Metadata) -> bool {
    const OTHERS: u32 = 0o077;
    file.mode() & OTHERS != 0
}
