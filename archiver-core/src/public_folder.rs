//! What a ceremony publishes: certificate, manifest, signature, seal keys, sealed key; and whether they belong together.
//!
//! Whoever can write to the public folder can exchange all of it at once, so that it agrees with itself. That is why agreement here proves nothing
//! until a sheet's set id has been compared with [`PublicFolder::sharing`]'s: [`crate::share::VerifiedShare`] does that.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::identity::{Fingerprint, UtcTime};
use crate::manifest::{Manifest, ManifestError};
use crate::openpgp::certificate::{ArchiveCert, CertError};
use crate::openpgp::signature::{SignatureError, verify_detached};
use crate::seal::public_keys::{SealKeys, SealKeysRefused};
use crate::sharing::SharingPart;

/// The file names in a public folder.
pub mod file_names {
    /// The public certificate.
    pub const CERTIFICATE: &str = "archive.cert.asc";
    /// The secret key, sealed.
    pub const SEALED_KEY: &str = "archive.sealed.asc";
    /// The manifest.
    pub const MANIFEST: &str = "custody.json";
    /// The manifest's signature.
    pub const SIGNATURE: &str = "custody.json.asc";
    /// The public seal keys. Absent when the archive has no seals.
    pub const SEAL_KEYS: &str = "seals.pub";
}

/// The bytes of a public folder's files, as far as they are checked against each other.
#[derive(Debug, Clone, Copy)]
pub struct PublicFiles<'a> {
    /// `custody.json`.
    pub manifest: &'a [u8],
    /// `archive.cert.asc`.
    pub certificate: &'a [u8],
    /// `custody.json.asc`, where it is there.
    pub signature: Option<&'a [u8]>,
    /// `seals.pub`, where it is there.
    pub seal_keys: Option<&'a [u8]>,
}

/// A public folder whose parts belong together.
#[derive(Debug)]
pub struct PublicFolder {
    manifest: Manifest,
    certificate: ArchiveCert,
    seal_keys: Option<SealKeys>,
}

/// A public folder that contradicts itself.
#[derive(Debug, Error)]
pub enum PublicFolderError {
    /// The manifest.
    #[error("custody.json {0}")]
    Manifest(#[from] ManifestError),
    /// The certificate.
    #[error("archive.cert.asc: {0}")]
    Certificate(#[from] CertError),
    /// The certificate is not the manifest's.
    #[error("archive.cert.asc is the certificate {found}, but custody.json speaks of {expected}")]
    ForeignCertificate {
        /// The certificate's primary fingerprint.
        found: Fingerprint,
        /// The manifest's.
        expected: Fingerprint,
    },
    /// The commitments stand for another public key.
    #[error(
        "the commitments in custody.json do not stand for the encryption subkey of archive.cert.asc"
    )]
    ForeignCommitments,
    /// The signature.
    #[error("custody.json.asc {0}")]
    Signature(#[from] SignatureError),
    /// Other seal keys than those of the ceremony.
    #[error(
        "seals.pub is not the one of this ceremony: its SHA-256 is not the one in custody.json"
    )]
    ChangedSealKeys,
    /// Seal keys although the ceremony made none.
    #[error(
        "seals.pub is there, but custody.json speaks of no seal keys: it is of another ceremony"
    )]
    UnexpectedSealKeys,
    /// The right file, which cannot be read.
    #[error("seals.pub {0}")]
    SealKeys(#[from] SealKeysRefused),
    /// The right file, for another archive.
    #[error("seals.pub is for the archive {found}, but custody.json speaks of {expected}")]
    ForeignSealKeys {
        /// The archive that it names.
        found: Fingerprint,
        /// The manifest's.
        expected: Fingerprint,
    },
}

/// Why the seal keys are not at hand.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum NoSealKeys {
    /// The archive was made without seals.
    #[error("this archive has no seals: its ceremony made no seal keys")]
    NoneMade,
    /// The file is missing.
    #[error(
        "seals.pub is missing from the public folder, and the sheets vouch for it: take it from another copy"
    )]
    Missing,
}

impl PublicFolder {
    /// Checks the parts against each other: the manifest's own set id, its fingerprints against the certificate, u(C₀) against the encryption
    /// subkey, and the signature and the seal keys where they are there. The certificate's validity is judged as of the time `at`; a certificate that
    /// was revoked or has expired is no contradiction: see [`ArchiveCert::validity`].
    ///
    /// Missing seal keys are no contradiction either, as the archive opens without them: see [`PublicFolder::seal_keys`].
    ///
    /// # Errors
    /// Names the file that does not fit.
    pub fn check(files: &PublicFiles<'_>, at: UtcTime) -> Result<Self, PublicFolderError> {
        let manifest = Manifest::parse(files.manifest)?;
        let sharing = &manifest.sharing;
        let encryption = sharing.encryption_fingerprint();
        let certificate = ArchiveCert::parse(files.certificate, Some(&encryption), at)?;
        if certificate.primary_fingerprint() != sharing.primary_fingerprint() {
            return Err(PublicFolderError::ForeignCertificate {
                found: certificate.primary_fingerprint(),
                expected: sharing.primary_fingerprint(),
            });
        }
        if certificate.x25519_public() != Some(sharing.x25519_public_key()) {
            return Err(PublicFolderError::ForeignCommitments);
        }
        if let Some(signature) = files.signature {
            verify_detached(files.manifest, signature, files.certificate)?;
        }
        let seal_keys = files.seal_keys.map(|file| seal_keys_of(sharing, file));
        Ok(Self {
            seal_keys: seal_keys.transpose()?,
            manifest,
            certificate,
        })
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The sharing part, against which sheets are verified.
    #[must_use]
    pub fn sharing(&self) -> &SharingPart {
        &self.manifest.sharing
    }

    /// The public certificate.
    #[must_use]
    pub fn certificate(&self) -> &ArchiveCert {
        &self.certificate
    }

    /// The public seal keys.
    ///
    /// # Errors
    /// When the ceremony made none, or their file is missing.
    pub fn seal_keys(&self) -> Result<&SealKeys, NoSealKeys> {
        let why_none = match self.sharing().seal_keys_sha256() {
            Some(_) => NoSealKeys::Missing,
            None => NoSealKeys::NoneMade,
        };
        self.seal_keys.as_ref().ok_or(why_none)
    }
}

/// Reads `seals.pub`, when it is the file for which the sharing part vouches.
fn seal_keys_of(sharing: &SharingPart, file: &[u8]) -> Result<SealKeys, PublicFolderError> {
    let expected = sharing.seal_keys_sha256();
    let expected = expected.ok_or(PublicFolderError::UnexpectedSealKeys)?;
    if Sha256::digest(file).as_slice() != expected {
        return Err(PublicFolderError::ChangedSealKeys);
    }
    let keys = SealKeys::parse(file)?;
    if keys.archive() != sharing.primary_fingerprint() {
        return Err(PublicFolderError::ForeignSealKeys {
            found: keys.archive(),
            expected: sharing.primary_fingerprint(),
        });
    }
    Ok(keys)
}
