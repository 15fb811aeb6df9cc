//! The vault's file on disk, as [`VaultFile`] wants it: opened, locked, and surely the one at the vault's path.
//!
//! Refused: what is not a regular file, a symbolic link that leads nowhere, and network file systems unless they are allowed. A
//! new file is made with mode 0600; a folder never.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Write as _};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use archiver_core::vault::file::VaultFile;
use rustix::fs::{FlockOperation, StatFs, flock, fstatfs, statfs};
use thiserror::Error;

use crate::stop::StopSignals;

/// How long a hook waits for the others. Mail servers give a delivery several minutes.
const LOCK_PATIENCE: Duration = Duration::from_mins(1);

/// Writers hold the lock for well under a millisecond, so waiting begins short.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(8);

/// Linux writes at most 2 GiB less a page at once.
const LONGEST_WRITE: usize = 1 << 30;

/// A vault at a path, open from [`VaultFile::lock`] on.
#[derive(Debug)]
pub(crate) struct DiskVault<'a> {
    path: &'a Path,
    allow_network_fs: bool,
    stop: &'a StopSignals,
    patience: Duration,
    file: Option<File>,
}

/// What a vault's path leads to instead of a file that can be appended to.
#[derive(Debug, Error)]
enum Refusal {
    #[error("it is a {0}; give --vault the path of a file")]
    NotAFile(&'static str),
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

impl<'a> DiskVault<'a> {
    pub(crate) fn new(path: &'a Path, allow_network_fs: bool, stop: &'a StopSignals) -> Self {
        Self {
            path,
            allow_network_fs,
            stop,
            patience: LOCK_PATIENCE,
            file: None,
        }
    }

    fn file(&self) -> io::Result<&File> {
        let not_locked = || io::Error::other("the vault is not locked");
        self.file.as_ref().ok_or_else(not_locked)
    }

    /// Opens the file, or makes it. `None` when another program removed or made it at the same moment.
    fn open(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).append(true);
        let (opened, lost_race) = match fs::metadata(self.path) {
            Ok(metadata) => {
                refuse_other_than_file(metadata.file_type())?;
                (options.open(self.path), ErrorKind::NotFound)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {
                self.refuse_where_none_can_be_made()?;
                options.create_new(true).mode(0o600);
                (options.open(self.path), ErrorKind::AlreadyExists)
            }
            Err(e) => return Err(e),
        };
        match opened {
            Ok(file) => {
                self.refuse_network(&fstatfs(&file)?)?;
                Ok(Some(file))
            }
            Err(e) if e.kind() == lost_race => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn refuse_where_none_can_be_made(&self) -> io::Result<()> {
        if fs::symlink_metadata(self.path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Refusal::DanglingLink.into());
        }
        let folder = folder_of(self.path);
        if !folder.is_dir() {
            return Err(Refusal::NoFolder.into());
        }
        self.refuse_network(&statfs(folder)?)
    }

    fn refuse_network(&self, file_system: &StatFs) -> io::Result<()> {
        match network_file_system(file_system) {
            Some(name) if !self.allow_network_fs => Err(Refusal::Network(name).into()),
            _ => Ok(()),
        }
    }

    fn wait_for_lock(&self, file: &File, deadline: Instant) -> io::Result<()> {
        let mut pause = FIRST_PAUSE;
        loop {
            match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(()),
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

impl VaultFile for DiskVault<'_> {
    fn lock(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            if let Some(file) = self.open()? {
                self.wait_for_lock(&file, deadline)?;
                if is_at(&file, self.path)? {
                    self.stop.check()?;
                    self.file = Some(file);
                    return Ok(());
                }
            }
            self.stop.pause(FIRST_PAUSE)?;
        }
        Err(Refusal::Patience(self.patience).into())
    }

    fn unlock(&mut self) {
        if let Some(file) = &self.file {
            let _ = flock(file, FlockOperation::Unlock);
        }
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.file()?.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file()?.read_exact_at(buffer, offset)
    }

    fn append(&mut self, head: &[u8], body: &[u8]) -> io::Result<usize> {
        let file = self.file()?;
        let first_length = body.len().min(LONGEST_WRITE);
        let (first, rest) = body.split_at(first_length);
        let mut written = write_once(file, &[IoSlice::new(head), IoSlice::new(first)])?;
        let mut expected = head.len() + first.len();
        for piece in rest.chunks(LONGEST_WRITE) {
            if written < expected {
                break;
            }
            written += write_once(file, &[IoSlice::new(piece)])?;
            expected += piece.len();
        }
        Ok(written)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file()?.set_len(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file()?.sync_data()
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let path = fs::canonicalize(self.path)?;
        File::open(folder_of(&path))?.sync_all()
    }
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
        let path = folder.path().join("VAULT");
        let mut vault = DiskVault::new(&path, false, &stop);
        vault.patience = Duration::from_millis(30);
        let error = vault.lock().unwrap_err().to_string();
        assert!(error.contains("has held its lock"), "{error}");
        assert!(vault.size().is_err(), "what is not locked is not used");
    }

    #[test]
    fn a_lock_that_is_given_back_is_taken() {
        let (folder, other) = locked_by_another();
        let stop = StopSignals::block().unwrap();
        let path = folder.path().join("VAULT");
        let mut vault = DiskVault::new(&path, false, &stop);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(30));
                drop(other);
            });
            vault.lock().unwrap();
        });
        vault.unlock();
        let third = File::open(&path).unwrap();
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
            DiskVault::new(Path::new("VAULT"), allow, &stop)
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
}
