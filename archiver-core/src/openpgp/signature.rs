//! Detached signatures by the archive key's primary key: where a manifest came from.

use sequoia_openpgp as openpgp;

use openpgp::cert::{Cert, CertParser};
use openpgp::parse::Parse as _;
use openpgp::parse::stream::{
    DetachedVerifierBuilder, GoodChecksum, MessageLayer, MessageStructure, VerificationHelper,
};
use openpgp::policy::StandardPolicy;
use openpgp::{Fingerprint, KeyHandle};
use thiserror::Error;

use super::certificate::{reason, system_time};
use crate::identity::UtcTime;

/// A signature that does not vouch for the bytes.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The certificate or the signature cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The signature is by another key, or over other bytes.
    #[error("is not a signature by the archive key's primary key over these bytes: {0}")]
    Bad(String),
}

/// Verifies a detached signature (armored or binary) over `signed` by the primary key of `certificate`, as of the time `at`.
///
/// # Errors
/// When either file cannot be read, or there is no good signature by that key.
pub fn verify_detached(
    signed: &[u8],
    signature: &[u8],
    certificate: &[u8],
    at: UtcTime,
) -> Result<(), SignatureError> {
    let unreadable = |error: openpgp::anyhow::Error| SignatureError::Unreadable(reason(&error));
    let cert = CertParser::from_bytes(certificate)
        .and_then(|mut certs| {
            certs
                .next()
                .unwrap_or_else(|| Err(openpgp::anyhow::anyhow!("it is empty")))
        })
        .map_err(unreadable)?;
    let policy = StandardPolicy::at(system_time(at));
    let primary = PrimaryKeyOnly {
        primary: cert.fingerprint(),
        cert,
    };
    let mut verifier = DetachedVerifierBuilder::from_bytes(signature)
        .and_then(|builder| builder.with_policy(&policy, system_time(at), primary))
        .map_err(unreadable)?;
    verifier
        .verify_bytes(signed)
        .map_err(|error| SignatureError::Bad(reason(&error)))
}

struct PrimaryKeyOnly {
    cert: Cert,
    primary: Fingerprint,
}

impl VerificationHelper for PrimaryKeyOnly {
    fn get_certs(&mut self, _ids: &[KeyHandle]) -> openpgp::Result<Vec<Cert>> {
        Ok(vec![self.cert.clone()])
    }

    fn check(&mut self, structure: MessageStructure) -> openpgp::Result<()> {
        for layer in structure {
            let MessageLayer::SignatureGroup { results } = layer else {
                continue;
            };
            for result in results {
                let GoodChecksum { ka, .. } =
                    result.map_err(|e| openpgp::anyhow::anyhow!("{e}"))?;
                if ka.key().fingerprint() == self.primary {
                    return Ok(());
                }
            }
        }
        Err(openpgp::anyhow::anyhow!("no signature by the primary key"))
    }
}
