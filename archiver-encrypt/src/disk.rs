//! The disk, as [`Folder`] and [`DiskFile`] want it, and what a vault's path leads to: a file, or a folder of segments.
//!
//! Refused: what is neither, a symbolic link that leads nowhere, and network file systems unless they are allowed. A new file
//! is made with mode 0600; a folder never.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use archiver_core::vault::disk::{DiskFile, Folder, ReadAt};
use archiver_core::vault::writable::WritableVault;
use rustix::fs::{FlockOperation, StatFs, flock, fstatfs, statfs};
use rustix::io::retry_on_intr;
use thiserror::Error;

use crate::stop::StopSignals;

/// How long a hook waits for the others. Mail servers give a delivery several minutes.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);

/// The seal folder is locked under the vault's lock, so that nobody should hold it; whoever does must not keep the mail waiting.
const SEALS_PATIENCE: Duration = Duration::from_secs(2);

/// Writers hold the lock for well under a millisecond, so waiting begins short.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// Linux writes at most 2 GiB less a page at once.
const LONGEST_WRITE: usize = 1 << 30;

/// The vault at a path: a folder of segments when it is an existing folder, and one file otherwise.
///
/// # Errors
/// What the system reports, and a path that can name no file.
pub(crate) fn vault_at<'a>(
    path: &Path,
    allow_network_fs: bool,
    stop: &'a StopSignals,
) -> io::Result<WritableVault<DiskFolder<'a>>> {
    let folder = |path: &Path| DiskFolder::new(path, allow_network_fs, stop, LOCK_PATIENCE);
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

/// A folder of the disk.
#[derive(Debug)]
pub(crate) struct DiskFolder<'a> {
    path: PathBuf,
    allow_network_fs: bool,
    stop: &'a StopSignals,
    patience: Duration,
    /// The folder itself, from [`Folder::lock`] on.
    locked: Option<File>,
}

/// An open file of the disk.
#[derive(Debug)]
pub(crate) struct OpenFile(File);

/// What a vault's path leads to instead of a file that can be appended to.
#[derive(Debug, Error)]
enum Refusal {
    #[error("it is a {0}; give --vault the path of a file or of a folder of segments")]
    NotAFile(&'static str),
    #[error("it is no folder; make it, or leave out the / at the end for a vault that is one file")]
    NoSegmentFolder,
    #[error(
        "its folder does not exist; make it, owned by the user who runs the hook (the hook never makes folders)"
    )]
    NoFolder,
    #[error(
        "it is a symbolic link that leads nowhere; mend the link, or make the file that it leads to"
    )]
    DanglingLink,
    #[error(
        "it is on a network file system ({0}), where locks and syncs may not hold; move it to a local disk, or give --allow-network-fs"
    )]
    Network(&'static str),
    #[error("another program has held its lock for more than {} seconds; look for it with: fuser -v VAULT", .0.as_secs())]
    Patience(Duration),
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}

impl<'a> DiskFolder<'a> {
    /// A seal folder.
    pub(crate) fn of_seals(path: &Path, allow_network_fs: bool, stop: &'a StopSignals) -> Self {
        Self::new(path, allow_network_fs, stop, SEALS_PATIENCE)
    }

    fn new(path: &Path, allow_network_fs: bool, stop: &'a StopSignals, patience: Duration) -> Self {
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
        let (opened, lost_race) = match self.open(name) {
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

    fn refuse_where_none_can_be_made(&self, name: &OsStr) -> io::Result<()> {
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

    /// Locks what `open` opens, and makes sure that it stands at `path` then: it may have been moved away while we waited. `open` gives
    /// `None` to be asked again.
    fn lock_what_stands_at(
        &self,
        path: &Path,
        open: impl Fn() -> io::Result<Option<File>>,
    ) -> io::Result<File> {
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            if let Some(file) = open()? {
                self.wait_for_lock(&file, deadline)?;
                if is_at(&file, path)? {
                    self.stop.check()?;
                    return Ok(file);
                }
            }
            self.stop.pause(FIRST_PAUSE)?;
        }
        Err(Refusal::Patience(self.patience).into())
    }

    fn wait_for_lock(&self, file: &File, deadline: Instant) -> io::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::INTR) => continue,
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => (),
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(Refusal::Patience(self.patience).into());
                }
                Err(e) => return Err(e.into()),
            }
            self.stop.pause(pause)?;
            pause = LONGEST_PAUSE.min(2 * pause);
        }
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
        let path = self.path_of(name);
        // Looked at before it is opened: opening a pipe would wait for its reader.
        refuse_other_than_file(fs::metadata(&path)?.file_type())?;
        let options = OpenOptions::new().read(true).append(true).to_owned();
        self.opened(options.open(&path)?)
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

impl ReadAt for OpenFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

impl DiskFile for OpenFile {
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        let mut written = 0;
        for batch in batches(pieces) {
            let expected: usize = batch.iter().map(|piece| piece.len()).sum();
            let now = write_once(&self.0, &batch)?;
            written += now;
            if now < expected {
                break;
            }
        }
        Ok(written)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn unlock(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// The pieces in batches that one system call writes: usually a single one.
fn batches<'p>(pieces: &[&'p [u8]]) -> Vec<Vec<IoSlice<'p>>> {
    let mut batches = vec![Vec::new()];
    let mut room = LONGEST_WRITE;
    for part in pieces.iter().flat_map(|piece| piece.chunks(LONGEST_WRITE)) {
        if part.len() > room {
            batches.push(Vec::new());
            room = LONGEST_WRITE;
        }
        room -= part.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(IoSlice::new(part));
        }
    }
    batches
}

fn write_once(mut file: &File, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    loop {
        match file.write_vectored(pieces) {
            Err(e) if e.kind() == ErrorKind::Interrupted => (),
            outcome => return outcome,
        }
    }
}

/// Whether the path still leads to this file: it may have been rotated away while we waited.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(theirs) => Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

fn refuse_other_than_file(kind: fs::FileType) -> Result<(), Refusal> {
    let name = match kind {
        _ if kind.is_file() => return Ok(()),
        _ if kind.is_dir() => "folder",
        _ if kind.is_fifo() => "FIFO",
        _ if kind.is_socket() => "socket",
        _ => "device",
    };
    Err(Refusal::NotAFile(name))
}

/// The name of a network file system, by its magic number in statfs(2). FUSE is not here: it carries local file systems too.
fn network_file_system(file_system: &StatFs) -> Option<&'static str> {
    const MAGICS: [(u64, &str); 9] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x517b, "SMB"),
        (0x564c, "NCP"),
        (0x5346_414f, "AFS"),
        (0x7375_7245, "Coda"),
        (0x00c3_6400, "Ceph"),
        (0x0102_1997, "9P"),
    ];
    // 32 bits, which some systems extend with their sign.
    let magic = file_system.f_type.cast_unsigned() & 0xffff_ffff;
    let known = MAGICS.iter().find(|(known, _)| *known == magic);
    known.map(|(_, name)| *name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn disk_folder<'a>(
        path: &Path,
        allow_network_fs: bool,
        stop: &'a StopSignals,
    ) -> DiskFolder<'a> {
        DiskFolder {
            path: path.to_owned(),
            allow_network_fs,
            stop,
            patience: LOCK_PATIENCE,
            locked: None,
        }
    }

    fn locked_by_another() -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let other = File::create(folder.path().join("VAULT")).unwrap();
        flock(&other, FlockOperation::LockExclusive).unwrap();
        (folder, other)
    }

    #[test]
    fn patience_with_a_held_lock_has_an_end() {
        let (folder, _other) = locked_by_another();
        let stop = StopSignals::block().unwrap();
        let disk = DiskFolder {
            patience: Duration::from_millis(30),
            ..disk_folder(folder.path(), false, &stop)
        };
        let error = disk.open_locked("VAULT".as_ref()).unwrap_err().to_string();
        assert!(error.contains("has held its lock"), "{error}");
    }

    #[test]
    fn a_lock_that_is_given_back_is_taken() {
        let (folder, other) = locked_by_another();
        let stop = StopSignals::block().unwrap();
        let disk = disk_folder(folder.path(), false, &stop);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(30));
                drop(other);
            });
            disk.open_locked("VAULT".as_ref()).unwrap().unlock();
        });
        let third = File::open(folder.path().join("VAULT")).unwrap();
        flock(&third, FlockOperation::NonBlockingLockExclusive).unwrap();
    }

    #[test]
    fn network_file_systems_are_known_by_their_magic_numbers() {
        let mut file_system = statfs(".").unwrap();
        for (magic, name) in [
            (0x6969, Some("NFS")),
            (0xff53_4d42, Some("CIFS")),
            (0xef53, None),
        ] {
            file_system.f_type = magic;
            assert_eq!(network_file_system(&file_system), name);
        }
        file_system.f_type = i64::from(i32::from_be_bytes([0xfe, 0x53, 0x4d, 0x42]));
        assert_eq!(network_file_system(&file_system), Some("SMB2"));
    }

    #[test]
    fn a_network_file_system_is_refused_unless_it_is_allowed() {
        let mut nfs = statfs(".").unwrap();
        nfs.f_type = 0x6969;
        let stop = StopSignals::block().unwrap();
        let refused = |allow| {
            disk_folder(Path::new("."), allow, &stop)
                .refuse_network(&nfs)
                .is_err()
        };
        assert!(refused(false) && !refused(true));
    }

    #[test]
    fn the_folder_of_a_bare_name_is_the_current_one() {
        assert_eq!(folder_of(Path::new("VAULT")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/VAULT")), Path::new("a"));
        assert_eq!(folder_of(Path::new("/VAULT")), Path::new("/"));
    }

    #[test]
    fn a_path_leads_to_a_folder_of_segments_only_when_it_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let stop = StopSignals::block().unwrap();
        let at = |name: &str| {
            vault_at(&folder.path().join(name), false, &stop).map(|vault| format!("{vault:?}"))
        };
        fs::create_dir(folder.path().join("segments")).unwrap();
        assert!(at("segments").unwrap().contains("Segments"));
        assert!(at("segments/").unwrap().contains("Segments"));
        assert!(at("VAULT").unwrap().contains("File(\"VAULT\")"));
        let error = at("missing/").unwrap_err().to_string();
        assert!(error.contains("it is no folder"), "{error}");
    }

    #[test]
    fn pieces_are_written_at_once_as_far_as_one_call_goes() {
        let long = vec![0; LONGEST_WRITE];
        let lengths = |pieces: &[&[u8]]| -> Vec<Vec<usize>> {
            let batches = batches(pieces);
            batches
                .iter()
                .map(|batch| batch.iter().map(|piece| piece.len()).collect())
                .collect()
        };
        assert_eq!(lengths(&[b"ab", b"c"]), [[2, 1]]);
        assert_eq!(
            lengths(&[b"ab", &long, b"c"]),
            [vec![2], vec![LONGEST_WRITE], vec![1]]
        );
    }
}
