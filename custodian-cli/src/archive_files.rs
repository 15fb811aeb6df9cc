//! Reads the public folder from disk: bounded, each file named when it fails, everything checked against each other.

use std::io::{self, Read as _};
use std::path::Path;

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::certificate::Validity;
use archiver_core::public_folder::{
    NoSealKeys, PublicFiles, PublicFolder, PublicFolderError, file_names,
};
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::operator::Operator;
use crate::regular_file::open_regular;

/// No file of a public folder is larger, but for the seal keys.
const MOST_BYTES: u64 = 1 << 20;
const MOST_BYTES_OF_SEAL_KEYS: u64 = 16 << 20;

/// A public folder as it lies on disk, checked.
#[derive(Debug)]
pub(crate) struct ArchiveFiles {
    pub(crate) public: PublicFolder,
    pub(crate) certificate: Vec<u8>,
    /// The sealed key; `None` when the file is missing.
    pub(crate) sealed_key: Option<Vec<u8>>,
    /// Whether the manifest's signature was there, and so was verified.
    pub(crate) signed: bool,
}

/// A public folder that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ArchiveFilesError {
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{path} is larger than {} MiB", most >> 20)]
    TooLarge { path: String, most: u64 },
    #[error("the public folder {path} does not fit together: {source}")]
    Contradiction {
        path: String,
        source: PublicFolderError,
    },
}

impl Explained for ArchiveFilesError {
    fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::TooLarge { .. } => {
                "name with --public the folder public/ that the ceremony made".to_owned()
            }
            Self::Contradiction { .. } => {
                "take the public folder from another copy, such as the one kept with the ceremony record; \
                 if nobody changed it by mistake, treat this as an attack"
                    .to_owned()
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Input
    }
}

impl ArchiveFiles {
    /// Reads and checks the folder, as of the time `at`, and tells the operator what is odd about it.
    pub(crate) fn load(
        folder: &Path,
        at: UtcTime,
        operator: &mut dyn Operator,
    ) -> Result<Self, ArchiveFilesError> {
        let manifest = read_file(&folder.join(file_names::MANIFEST), MOST_BYTES)?;
        let certificate = read_file(&folder.join(file_names::CERTIFICATE), MOST_BYTES)?;
        let signature = read_if_there(&folder.join(file_names::SIGNATURE), MOST_BYTES)?;
        let sealed_key = read_if_there(&folder.join(file_names::SEALED_KEY), MOST_BYTES)?;
        let seal_keys = folder.join(file_names::SEAL_KEYS);
        let seal_keys = read_if_there(&seal_keys, MOST_BYTES_OF_SEAL_KEYS)?;
        let public = PublicFiles {
            manifest: &manifest,
            certificate: &certificate,
            signature: signature.as_deref(),
            seal_keys: seal_keys.as_deref(),
        };
        let public = PublicFolder::check(&public, at).map_err(|source| {
            ArchiveFilesError::Contradiction {
                path: shown(folder),
                source,
            }
        })?;
        let files = Self {
            public,
            certificate,
            sealed_key,
            signed: signature.is_some(),
        };
        files.warn(at, operator);
        Ok(files)
    }

    /// Says what is missing or odd although the folder can be used. The sheets authenticate the manifest all the same.
    fn warn(&self, at: UtcTime, operator: &mut dyn Operator) {
        if !self.signed {
            operator
                .warn("custody.json.asc is missing: where the manifest came from is not signed");
        }
        if self.sealed_key.is_none() {
            operator.warn(
                "archive.sealed.asc is missing: the archive opens all the same, but its key can neither certify nor revoke; \
                 look for another copy",
            );
        }
        if self.public.seal_keys().err() == Some(NoSealKeys::Missing) {
            operator.warn(
                "seals.pub is missing: the archive opens all the same, but which days are sealed cannot be verified; \
                 look for another copy",
            );
        }
        let ceremony = self.public.manifest().description.ceremony_time;
        if at < ceremony {
            operator.warn(&format!(
                "this machine's clock shows {at}, but the ceremony was held at {ceremony}: set the clock"
            ));
        }
        match self.public.certificate().validity() {
            Validity::Valid | Validity::NotBefore(_) => {}
            Validity::Revoked => {
                operator.warn("the archive key was revoked; what was archived opens all the same");
            }
            Validity::ExpiredSince(time) => {
                operator.warn(&format!("the archive key expired at {time}"));
            }
        }
    }
}

fn read_if_there(path: &Path, most: u64) -> Result<Option<Vec<u8>>, ArchiveFilesError> {
    match read_file(path, most) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ArchiveFilesError::Unreadable { source, .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, ArchiveFilesError> {
    let unreadable = |source| ArchiveFilesError::Unreadable {
        path: shown(path),
        source,
    };
    let (file, _) = open_regular(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(ArchiveFilesError::TooLarge {
            path: shown(path),
            most,
        });
    }
    Ok(bytes)
}
