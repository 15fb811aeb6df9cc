//! What a ceremony publishes: certificate, manifest, signature, sealed key; and whether they belong together.
//!
//! Whoever can write to the public folder can exchange all of it at once, so that it agrees with itself. That is why agreement here proves nothing
//! until a sheet's set id has been compared with [`PublicFolder::sharing`]'s: [`crate::share::VerifiedShare`] does that.

use thiserror::Error;

use crate::identity::{Fingerprint, UtcTime};
use crate::manifest::{Manifest, ManifestError};
use crate::openpgp::certificate::{ArchiveCert, CertError};
use crate::openpgp::signature::{SignatureError, verify_detached};
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
}

/// A public folder whose parts belong together.
#[derive(Debug)]
pub struct PublicFolder {
    manifest: Manifest,
    certificate: ArchiveCert,
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
}

impl PublicFolder {
    /// Checks the parts against each other: the manifest's own set id, its fingerprints against the certificate, u(C₀) against the encryption
    /// subkey, and the signature where there is one. The certificate's validity is judged as of the time `at`; a certificate that was revoked or has
    /// expired is no contradiction: see [`ArchiveCert::validity`].
    ///
    /// # Errors
    /// Names the file that does not fit.
    pub fn check(
        manifest: &[u8],
        certificate: &[u8],
        signature: Option<&[u8]>,
        at: UtcTime,
    ) -> Result<Self, PublicFolderError> {
        let parsed = Manifest::parse(manifest)?;
        let sharing = &parsed.sharing;
        let cert = ArchiveCert::parse(certificate, Some(&sharing.encryption_fingerprint()), at)?;
        if cert.primary_fingerprint() != sharing.primary_fingerprint() {
            return Err(PublicFolderError::ForeignCertificate {
                found: cert.primary_fingerprint(),
                expected: sharing.primary_fingerprint(),
            });
        }
        if cert.x25519_public() != Some(sharing.x25519_public_key()) {
            return Err(PublicFolderError::ForeignCommitments);
        }
        if let Some(signature) = signature {
            verify_detached(manifest, signature, certificate)?;
        }
        Ok(Self {
            manifest: parsed,
            certificate: cert,
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
}
