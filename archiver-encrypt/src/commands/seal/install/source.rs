//! The server's folder as the ceremony made it: read, kept from other runs, and in the end wiped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use archiver_core::seal::keys::Seed;
use archiver_core::seal::seal_folder::{SEED_FILE, SERVER_FILE};
use archiver_core::seal::seed_file::{self, SEED_FILE_BYTES, SeedFileRefused};
use archiver_core::seal::server::{Server, ServerRefused};
use archiver_core::secret::SecretBytes;
use archiver_core::vault::disk::DiskFile as _;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::{InstallError, NotWiped};
use crate::disk::{OpenFile, open_regular};

/// No `server` file is longer.
const LONGEST_SERVER: u64 = 4096;

/// The server's folder, its seed locked and ready to be overwritten.
#[derive(Debug)]
pub(super) struct Source {
    server: Server,
    folder: PathBuf,
    path: PathBuf,
    file: File,
}

impl Source {
    /// Opens the folder. Nothing is begun when the seed could not be overwritten afterwards.
    pub(super) fn open(folder: &Path) -> Result<Self, InstallError> {
        let path = folder.join(SEED_FILE);
        let name = path.display().to_string();
        let opened = OpenOptions::new().read(true).write(true).open(&path);
        let file = opened.map_err(|source| match source.kind() {
            ErrorKind::NotFound => InstallError::NoSeed(folder.display().to_string()),
            _ => InstallError::NotWipeable {
                path: name.clone(),
                source,
            },
        })?;
        // Some media know no locks; that no two runs meet there is up to who starts them.
        if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
            return Err(InstallError::Busy(name));
        }
        Ok(Self {
            server: read_server(&folder.join(SERVER_FILE))?,
            folder: folder.to_owned(),
            path,
            file,
        })
    }

    /// Whose seals these are.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// The first seed; `None` when an interrupted run has overwritten it already.
    pub(super) fn seed(&self) -> Result<Option<Seed>, InstallError> {
        let file = read_file(&self.file, &self.path)?;
        if file.expose_bytes() == &[0; SEED_FILE_BYTES] {
            return Ok(None);
        }
        decode(&file, &self.path).map(Some)
    }

    /// Whether a file is the very file of the first seed, by whatever path it was opened.
    pub(super) fn is_same_file(&self, other: &File) -> io::Result<bool> {
        let (ours, other) = (self.file.metadata()?, other.metadata()?);
        Ok((ours.dev(), ours.ino()) == (other.dev(), other.ino()))
    }

    /// Overwrites the seed, and removes it.
    pub(super) fn wipe(self) -> Result<(), NotWiped> {
        wipe(self.file.into(), &self.path, &self.folder).map_err(|source| NotWiped {
            path: self.path.display().to_string(),
            source,
        })
    }
}

/// Overwrites an open seed file where it stands, and removes its name.
pub(super) fn wipe(file: OpenFile, path: &Path, folder: &Path) -> io::Result<()> {
    file.wipe()?;
    fs::remove_file(path)?;
    File::open(folder)?.sync_all()
}

/// Reads a `server` file.
pub(super) fn read_server(path: &Path) -> Result<Server, InstallError> {
    let mut text = Vec::new();
    let read =
        open_regular(path).and_then(|(file, _)| file.take(LONGEST_SERVER).read_to_end(&mut text));
    read.map_err(InstallError::file(path))?;
    let text = String::from_utf8(text).map_err(|_| ServerRefused::OtherText);
    text.and_then(|text| text.parse())
        .map_err(|source| InstallError::Server {
            path: path.display().to_string(),
            source,
        })
}

/// Reads an open seed file.
pub(super) fn read_seed(file: &File, path: &Path) -> Result<Seed, InstallError> {
    decode(&read_file(file, path)?, path)
}

fn decode(file: &SecretBytes<SEED_FILE_BYTES>, path: &Path) -> Result<Seed, InstallError> {
    seed_file::decode(file.expose_bytes()).map_err(InstallError::seed(path))
}

/// Straight into memory that is wiped.
fn read_file(file: &File, path: &Path) -> Result<SecretBytes<SEED_FILE_BYTES>, InstallError> {
    let length = file.metadata().map_err(InstallError::file(path))?.len();
    if length != SEED_FILE_BYTES as u64 {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        return Err(InstallError::seed(path)(SeedFileRefused::Length(length)));
    }
    let mut read = Ok(());
    let bytes = SecretBytes::filled_by(|bytes| read = file.read_exact_at(bytes, 0));
    read.map_err(InstallError::file(path)).map(|()| bytes)
}
