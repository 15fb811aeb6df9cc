//! What is written down of the work on a disk.

use std::ffi::OsString;
use std::fmt;

/// What was done to the disk, in order: out of it follows what a crash may leave behind.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Create {
        folder: usize,
        name: OsString,
        file: usize,
    },
    Rename {
        folder: usize,
        from: OsString,
        to: OsString,
    },
    Remove {
        folder: usize,
        name: OsString,
    },
    SyncFolder {
        folder: usize,
    },
    Append {
        file: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: usize,
        size: u64,
    },
    /// Zeros in the place of all bytes.
    Wipe {
        file: usize,
    },
    Sync {
        file: usize,
    },
    /// The system gave up what was not yet on the disk, and will not say so again.
    FailedSync {
        file: usize,
    },
    /// A writer was told that this is on stable storage.
    Acknowledged(Vec<u8>),
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name, file, .. } => write!(f, "create {name:?} = file {file}"),
            Self::Rename { from, to, .. } => write!(f, "rename {from:?} {to:?}"),
            Self::Remove { name, .. } => write!(f, "remove {name:?}"),
            Self::SyncFolder { folder } => write!(f, "sync folder {folder}"),
            Self::Append { file, bytes } => write!(f, "append {} to file {file}", bytes.len()),
            Self::Truncate { file, size } => write!(f, "truncate file {file} to {size}"),
            Self::Wipe { file } => write!(f, "wipe file {file}"),
            Self::Sync { file } => write!(f, "sync file {file}"),
            Self::FailedSync { file } => write!(f, "failed sync of file {file}"),
            Self::Acknowledged(what) => {
                write!(f, "acknowledged {}", String::from_utf8_lossy(what))
            }
        }
    }
}
