//! The seal folder on the disk: with it a hook seals what it archives (docs/format.md §8.3).
//!
//! Refused: a folder that is no seal folder, that of another archive, and one that is the vault itself, as its lock would be taken twice. Who else may
//! read the seed is only told: the key is as good as public then, and mails are archived all the same.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use archiver_core::identity::Fingerprint;
use archiver_core::seal::seal_folder::{self, NoSeed, SEED_FILE, SealFolderError};
use archiver_core::seal::seed_file::SeedHead;
use archiver_core::seal::server::Server;
use archiver_core::seal::writer::Sealer;
use archiver_core::vault::disk::Folder as _;
use archiver_core::vault::leaf::LogId;
use thiserror::Error;

use crate::disk::{DiskFolder, others_may_use};
use crate::owner::another_owner;
use crate::vault_place::is_same_file;

/// Why nothing can be sealed with a folder.
#[derive(Debug, Error)]
pub(crate) enum SealFolderRefused {
    #[error("seal folder {0}: {1}")]
    Unusable(String, #[source] SealFolderError),
    #[error("seal folder {0}: {1}")]
    NoFolder(String, #[source] io::Error),
    #[error(
        "seal folder {folder} belongs to {owner}, and what this leaves in it must be that user's: run it as {owner} (runuser -u {owner} -- …)"
    )]
    OtherUser { folder: String, owner: String },
    #[error("seal folder {0} is the vault itself; seals need a folder of their own")]
    IsTheVault(String),
    #[error(
        "seal folder {folder} is that of an archive with the encryption subkey {theirs}, and mails are encrypted to {ours}; give --seal-dir this archive's"
    )]
    OtherArchive {
        folder: String,
        theirs: Fingerprint,
        ours: Fingerprint,
    },
}

/// Opens the seal folder of a vault whose mails are encrypted to `subkey`, if that is known.
pub(crate) fn open(
    path: &Path,
    vault: &Path,
    subkey: Option<Fingerprint>,
    allow_network_fs: bool,
) -> Result<Sealer<DiskFolder<'static>>, SealFolderRefused> {
    require_own_folder(path, vault)?;
    require_same_user(path)?;
    let folder = DiskFolder::of_seals(path, allow_network_fs);
    let sealer = Sealer::open(folder).map_err(unusable(path))?;
    require_archive(path, sealer.server(), subkey)?;
    Ok(sealer)
}

/// A `state` that somebody else makes, root above all, the hook could not write.
fn require_same_user(path: &Path) -> Result<(), SealFolderRefused> {
    let shown = || path.display().to_string();
    match another_owner(path) {
        Ok(None) => Ok(()),
        Ok(Some(owner)) => Err(SealFolderRefused::OtherUser {
            folder: shown(),
            owner,
        }),
        // That it is not there, or no folder, is told better by who opens what stands in it.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(()),
        Err(e) => Err(SealFolderRefused::NoFolder(shown(), e)),
    }
}

/// Who the server of a seal folder is, for those who only look; what is refused is the same.
pub(crate) fn server(
    path: &Path,
    vault: &Path,
    subkey: Option<Fingerprint>,
) -> Result<Server, SealFolderRefused> {
    require_own_folder(path, vault)?;
    let server = seal_folder::server(&DiskFolder::to_look_at(path)).map_err(unusable(path))?;
    require_archive(path, &server, subkey)?;
    Ok(server)
}

fn unusable(path: &Path) -> impl FnOnce(SealFolderError) -> SealFolderRefused {
    move |e| SealFolderRefused::Unusable(path.display().to_string(), e)
}

fn require_own_folder(path: &Path, vault: &Path) -> Result<(), SealFolderRefused> {
    if is_same_file(path, vault) {
        return Err(SealFolderRefused::IsTheVault(path.display().to_string()));
    }
    Ok(())
}

fn require_archive(
    path: &Path,
    server: &Server,
    subkey: Option<Fingerprint>,
) -> Result<(), SealFolderRefused> {
    let theirs = server.subkey();
    match subkey {
        Some(ours) if ours != theirs => Err(SealFolderRefused::OtherArchive {
            folder: path.display().to_string(),
            theirs,
            ours,
        }),
        _ => Ok(()),
    }
}

/// Of which day the seed is, for those who only look: nothing of the secret is read.
pub(crate) fn seed_head(path: &Path, log: LogId) -> Result<SeedHead, NoSeed> {
    let opened = DiskFolder::to_look_at(path).open_to_read(SEED_FILE.as_ref());
    let file = opened.map_err(|e| match e.kind() {
        ErrorKind::NotFound => NoSeed::Missing,
        _ => NoSeed::Read(e),
    })?;
    seal_folder::seed_head(&file, log)
}

/// Whether others than its owner may read the seed, or exchange it.
pub(crate) fn seed_is_exposed(folder: &Path) -> io::Result<bool> {
    let seed = fs::symlink_metadata(folder.join(SEED_FILE))?;
    Ok(others_may_use(&seed))
}
