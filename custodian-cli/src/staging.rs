//! The folder that a command makes: filled as a whole or not at all.
//!
//! Everything is written into `.incomplete` inside the folder, synced, and then moved into place, so that a full disk, a signal or a pulled plug never leaves a
//! folder that looks finished. The folder itself may be a mount point: an encrypted disk, a RAM disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::interrupt::{Half, HalfMade};
use crate::new_files::{check_takes_new, new_folder, parent_of, sync_folder};

const STAGING: &str = ".incomplete";

/// A folder that cannot take a command's files.
#[derive(Debug, Error)]
pub(crate) enum StagingError {
    #[error("the folder {path} is not empty")]
    NotEmpty { path: String },
    #[error("{path} is not a folder")]
    NotAFolder { path: String },
    #[error("the folder {path} is in use by another run, or one was cut off there")]
    CutOff { path: String },
    #[error("{path} cannot be written: {source}")]
    Unwritable { path: String, source: io::Error },
}

impl Explained for StagingError {
    fn hint(&self) -> String {
        match self {
            Self::NotEmpty { .. } | Self::NotAFolder { .. } => {
                "name a new folder; nothing is ever overwritten".to_owned()
            }
            Self::CutOff { path } => {
                format!(
                    "if no run is writing there, what is in it is incomplete and may hold sheets or opened mails: \
                     wipe the whole folder {path}, then run again"
                )
            }
            Self::Unwritable { .. } => {
                "nothing was left behind; name a folder on a medium with free space, whose parent exists".to_owned()
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Output
    }
}

impl StagingError {
    /// The error for something in the folder that could not be written.
    pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = shown(path);
        move |source| Self::Unwritable { path, source }
    }
}

/// A folder in the making. It holds only `.incomplete`, which keeps a second run out. Dropped, it leaves nothing of its own behind.
#[derive(Debug)]
pub(crate) struct Staging {
    out: PathBuf,
    path: PathBuf,
    half: HalfMade,
}

impl Staging {
    /// Whether the folder is empty, or could be made. Makes nothing.
    pub(crate) fn check(out: &Path) -> Result<(), StagingError> {
        let path = || shown(out);
        if out.join(STAGING).symlink_metadata().is_ok() {
            return Err(StagingError::CutOff { path: path() });
        }
        match fs::read_dir(out).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(StagingError::NotEmpty { path: path() }),
            Ok(false) => check_takes_new(out).map_err(StagingError::unwritable(out)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                check_takes_new(parent_of(out)).map_err(StagingError::unwritable(out))
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(StagingError::NotAFolder { path: path() })
            }
            Err(error) => Err(StagingError::unwritable(out)(error)),
        }
    }

    /// Makes the folder (0700), or takes an existing empty one, and keeps other runs out of it.
    pub(crate) fn begin(out: &Path) -> Result<Self, StagingError> {
        let (half, ()) = HalfMade::make(|| make(out).map(|half| (half, ())))?;
        Ok(Self {
            out: out.to_owned(),
            path: out.join(STAGING),
            half,
        })
    }

    /// Where to write meanwhile.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves what was written and synced into place, in this order. The names must be all that there is.
    pub(crate) fn finish(self, names: &[&str]) -> Result<(), StagingError> {
        let (staging, out) = (&self.path, &self.out);
        self.half.complete(out, || {
            let mut placed = Vec::new();
            let moved = move_into_place(staging, out, names, &mut placed);
            if moved.is_err() {
                placed.iter().map(PathBuf::as_path).for_each(remove);
            }
            moved
        })
    }
}

fn make(out: &Path) -> Result<Half, StagingError> {
    let made = match new_folder(out, 0o700) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(StagingError::unwritable(out)(error)),
    };
    Staging::check(out)?;
    let inner = out.join(STAGING);
    if let Err(error) = new_folder(&inner, 0o700) {
        if made {
            let _ = fs::remove_dir(out);
        }
        return Err(match error.kind() {
            io::ErrorKind::AlreadyExists => StagingError::CutOff { path: shown(out) },
            _ => StagingError::unwritable(out)(error),
        });
    }
    let new = out.to_owned();
    Ok(if made {
        Half::FolderInNew { inner, new }
    } else {
        Half::Folder(inner)
    })
}

fn move_into_place(
    staging: &Path,
    out: &Path,
    names: &[&str],
    placed: &mut Vec<PathBuf>,
) -> Result<(), StagingError> {
    for name in names {
        let place = out.join(name);
        fs::rename(staging.join(name), &place).map_err(StagingError::unwritable(&place))?;
        placed.push(place);
    }
    fs::remove_dir(staging).map_err(StagingError::unwritable(staging))?;
    for folder in [out, parent_of(out)] {
        sync_folder(folder).map_err(StagingError::unwritable(folder))?;
    }
    Ok(())
}

fn remove(path: &Path) {
    let _ = match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(path),
        other => other,
    };
}
