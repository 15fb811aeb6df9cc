//! Why a record is not in a vault, or not surely so: told to the mail admin, and what state each leaves the vault in.

use std::io;

use thiserror::Error;

use crate::counted::Counted;
use crate::secret::NoRandomness;
use crate::vault::no_vault::NoVaultFile;

/// Why a record is not in the vault, or not surely so.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The encrypted mail could not be read back from where it was kept.
    #[error("the encrypted mail could not be read back from where it was kept: {0}")]
    Message(#[source] io::Error),
    /// The file could not be opened, or its lock was not to be had.
    #[error("it could not be opened and locked: {0}{rights}", rights = whose_rights(.0))]
    Lock(#[source] io::Error),
    /// The vault is one that is sealed, and nothing of it is there.
    #[error(
        "neither it nor its seals are there, and this server remembers {} of it: mount the disk on which it stands; if it was moved away on purpose, make an empty file in its place, and mails are archived there",
        Counted(*records, "record")
    )]
    NotMounted {
        /// How many records are remembered.
        records: u64,
    },
    /// The file holds something else.
    #[error(transparent)]
    NoVault(#[from] NoVaultFile),
    /// The vault's end could not be read.
    #[error("its end could not be read: {0}")]
    Read(#[source] io::Error),
    /// The folder of a new vault could not be synced.
    #[error(
        "its folder could not be synced to disk (the user who runs the hook must be able to read it): {0}"
    )]
    SyncFolder(#[source] io::Error),
    /// A new segment could not be begun, and nothing was written.
    #[error("no new segment could be begun behind the last one: {0}{rights}", rights = whose_rights(.0))]
    Segment(#[source] io::Error),
    /// No random log id.
    #[error("no log id could be drawn: {0}")]
    LogId(#[from] NoRandomness),
    /// The log has 2^64 records: its last header is forged.
    #[error(
        "its last record claims the highest sequence number there is; move this vault aside and start a new one"
    )]
    LogIsFull,
    /// The write failed; the vault is as before.
    #[error(
        "the record could not be written, and nothing of it was left behind (a new file may stay, empty): {0}"
    )]
    Write(#[source] io::Error),
    /// The write stopped half-way; the vault is as before.
    #[error(
        "only {written} of the record's {wanted} bytes found room, and they were taken back: the disk, a quota or a file size limit is full"
    )]
    NoRoom {
        /// Bytes that were written.
        written: u64,
        /// Bytes of the record.
        wanted: u64,
    },
    /// The write failed and could not be undone.
    #[error(
        "the record could not be written whole ({cause}), and what was written could not be taken back ({io}); the next run repairs that"
    )]
    NotTakenBack {
        /// Why it could not be written.
        cause: Box<AppendError>,
        /// Why it could not be taken back.
        io: io::Error,
    },
    /// The record was written whole, but bytes of another program came with it.
    #[error(
        "the record was written, but perhaps not on a line of its own ({0}), so that it counts as not archived; nothing was taken back"
    )]
    Mixed(#[source] io::Error),
    /// The record was written, but is perhaps not on stable storage.
    #[error("the record was written, but could not be synced to disk: {0}")]
    Sync(#[source] io::Error),
}

/// What to do where it is a matter of rights.
fn whose_rights(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::PermissionDenied {
        "; the user who runs the hook must be able to read and write it, and to make files in its folder (look with ls -l and lsattr)"
    } else {
        ""
    }
}
