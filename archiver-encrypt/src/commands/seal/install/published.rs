//! What is published, compared with what is installed: the seal keys in the ceremony's public folder, and the hook's certificate.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use archiver_core::identity::UtcTime;
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::public_folder::{PublicFiles, PublicFolder, file_names};
use archiver_core::seal::keys::Seed;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::server::Server;

use super::error::InstallError;
use crate::certificate_file::read_file;

/// No file of a public folder is larger than the seal keys may be.
const MOST_BYTES: u64 = 16 << 20;

/// The published keys of this server, from a public folder that fits together.
pub(super) fn keys(
    folder: &Path,
    server: &Server,
    now: UtcTime,
) -> Result<ServerKeys, InstallError> {
    let path = || folder.display().to_string();
    let read = |name| read_if_there(&folder.join(name));
    let manifest = read(file_names::MANIFEST)?.unwrap_or_default();
    let certificate = read(file_names::CERTIFICATE)?.unwrap_or_default();
    let signature = read(file_names::SIGNATURE)?;
    let seal_keys = read(file_names::SEAL_KEYS)?;
    let files = PublicFiles {
        manifest: &manifest,
        certificate: &certificate,
        signature: signature.as_deref(),
        seal_keys: seal_keys.as_deref(),
    };
    let public = PublicFolder::check(&files, now).map_err(|source| InstallError::Public {
        path: path(),
        source: Box::new(source),
    })?;
    let all = public
        .seal_keys()
        .map_err(|source| InstallError::NoSealKeys {
            path: path(),
            source,
        })?;
    let subkey = public.sharing().encryption_fingerprint();
    let ours = all.of_log(server.log());
    ours.filter(|keys| Server::new(all.archive(), subkey, keys) == *server)
        .cloned()
        .ok_or_else(|| InstallError::NotPublished(server.name().clone()))
}

/// Whether a seed gives its day's published key.
pub(super) fn compare(published: Option<&ServerKeys>, seed: &Seed) -> Result<(), InstallError> {
    let key = seed.signing_key().public();
    match published {
        Some(keys) if keys.key_of(seed.day()) != Some(key) => {
            Err(InstallError::OtherKey(seed.day()))
        }
        _ => Ok(()),
    }
}

/// Whether the certificate is of the archive, with the subkey, that the server seals for.
pub(super) fn check_certificate(
    path: &Path,
    server: &Server,
    now: UtcTime,
) -> Result<(), InstallError> {
    let (bytes, _) = read_file(path)?;
    let name = || path.display().to_string();
    let parsed = ArchiveCert::parse(&bytes, Some(&server.subkey()), now);
    let certificate = parsed.map_err(|source| InstallError::Certificate {
        path: name(),
        source: Box::new(source),
    })?;
    if certificate.primary_fingerprint() == server.archive() {
        return Ok(());
    }
    Err(InstallError::OtherArchive(name()))
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, InstallError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(InstallError::file(path)(e)),
    }
}
