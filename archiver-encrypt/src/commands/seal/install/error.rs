//! Why seals were not installed. Each text names the file and says what to do.

use std::io;
use std::path::Path;

use archiver_core::openpgp::certificate::CertError;
use archiver_core::public_folder::{NoSealKeys, PublicFolderError};
use archiver_core::seal::day::Day;
use archiver_core::seal::installation::NotInstallable;
use archiver_core::seal::public_keys::ServerName;
use archiver_core::seal::seed_file::SeedFileRefused;
use archiver_core::seal::server::ServerRefused;
use thiserror::Error;

use crate::certificate_file::CertificateFileError;
use crate::vault_place::NoVaultsPath;

/// Why the seals were not installed.
#[derive(Debug, Error)]
pub(super) enum InstallError {
    #[error(transparent)]
    NoVaultsPath(#[from] NoVaultsPath),
    #[error("the system's clock cannot be read or is far off; set it")]
    Clock,
    #[error("the process could not be set up: {0}")]
    Process(io::Error),
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
    #[error(
        "there is no seed in {0}: it was installed and wiped already, or this is not the server's folder of the ceremony (server/, or with several servers \
         a folder in it)"
    )]
    NoSeed(String),
    #[error(
        "the seed in {0} was overwritten by a run that was cut off then; give --seal-dir as it was given to that run, or minute that the seed is lost"
    )]
    Overwritten(String),
    #[error(
        "{path} cannot be opened for wiping: {source}; mount the medium so that this user may write to it (what stands on a disc that cannot be written: \
         copy the folder to a memory disk, install it from there, and destroy the disc)"
    )]
    NotWipeable { path: String, source: io::Error },
    #[error("{0} is being installed by another run; let it come to its end")]
    Busy(String),
    #[error("{path} {source}; take the folder from the ceremony's medium once more")]
    Seed {
        path: String,
        source: SeedFileRefused,
    },
    #[error("{path} {source}; take the folder from the ceremony's medium once more")]
    Server { path: String, source: ServerRefused },
    #[error(transparent)]
    NotInstallable(#[from] NotInstallable),
    #[error("the public folder {path} does not fit together: {source}; take it from another copy")]
    Public {
        path: String,
        source: Box<PublicFolderError>,
    },
    #[error("{path}: {source}")]
    NoSealKeys { path: String, source: NoSealKeys },
    #[error(
        "the server {0} of the folder is not one of those in seals.pub, or not with this log, these days and this archive: the two are of different ceremonies"
    )]
    NotPublished(ServerName),
    #[error(
        "the seed does not give the key for {0} that is published in seals.pub: it is damaged, or was exchanged; do not install it, and minute this"
    )]
    OtherKey(Day),
    #[error(transparent)]
    CertificateFile(#[from] CertificateFileError),
    #[error(
        "certificate {path} is not the one that this server seals for: {source}; give --cert the archive.cert.asc of the same ceremony"
    )]
    Certificate {
        path: String,
        source: Box<CertError>,
    },
    #[error(
        "certificate {0} is of another archive; give --cert the archive.cert.asc of the same ceremony"
    )]
    OtherArchive(String),
    #[error(
        "it is {today} by this machine's clock, and --catch-up says {confirmed}; set the clock, or mend the day"
    )]
    OtherDay { confirmed: Day, today: Day },
    #[error(
        "it is {today} by this machine's clock, {days} days after the ceremony. Keys that a wrong clock uses up cannot be had again; when it is right, \
         confirm it with --catch-up {today}"
    )]
    FarAhead { today: Day, days: i64 },
    #[error(
        "days have passed since the ceremony ({first}); name with --vault the vault that will be sealed, so that the seals beside it say that they were empty"
    )]
    VaultNeeded { first: Day },
    #[error(
        "the seal folder {0} exists already, and is not of this seed; it is never overwritten. Name another with --seal-dir"
    )]
    Taken(String),
    #[error(
        "{0} is the folder that the seed comes from; name another place with --seal-dir, on this server's own disk"
    )]
    SamePlace(String),
    #[error(
        "{folder} does not belong to the user who runs this; run it as the user who runs the hook: sudo -u {owner} archiver-encrypt seal install …"
    )]
    OtherUser { folder: String, owner: String },
}

impl InstallError {
    /// What is wrong with the bytes of a seed file.
    pub(super) fn seed(path: &Path) -> impl Fn(SeedFileRefused) -> Self {
        let path = path.display().to_string();
        move |source| Self::Seed {
            path: path.clone(),
            source,
        }
    }

    /// What the system said of a file.
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::File {
            path: path.clone(),
            source,
        }
    }
}

/// The seed is installed, and still where it came from.
#[derive(Debug, Error)]
#[error(
    "the seals are installed, but {path} could not be wiped: {source}. Whoever has it can forge the seals of the days to come: destroy the medium, and minute it"
)]
pub(super) struct NotWiped {
    pub(super) path: String,
    pub(super) source: io::Error,
}
