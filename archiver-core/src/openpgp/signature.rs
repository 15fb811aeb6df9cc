//! Detached signatures by the archive key's primary key: where a manifest came from.
//!
//! Judged by the key alone. Whether the certificate has been revoked since, has expired, or lies in the future of a clock that stands wrong does not matter
//! here: the signature was made at the ceremony, and the manifest must be usable for decades.

use sequoia_openpgp as openpgp;

use openpgp::cert::Cert;
use openpgp::packet::{Packet, Signature};
use openpgp::parse::{PacketParser, PacketParserResult, Parse as _};
use openpgp::types::{HashAlgorithm, SignatureType};
use thiserror::Error;

use super::certificate::reason;

/// A signature that does not vouch for the bytes.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The certificate or the signature cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The signature is by another key, or over other bytes.
    #[error("is not a signature by the archive key's primary key over these bytes")]
    Bad,
}

/// Verifies a detached signature (armored or binary, RFC 4880 §5.2.1 type 0x00) over `signed` by the primary key of `certificate`.
///
/// # Errors
/// When either file cannot be read, or there is no good signature by that key with a SHA-2 hash of at least 256 bits.
pub fn verify_detached(
    signed: &[u8],
    signature: &[u8],
    certificate: &[u8],
) -> Result<(), SignatureError> {
    let unreadable = |error: openpgp::anyhow::Error| SignatureError::Unreadable(reason(&error));
    let cert = Cert::from_bytes(certificate).map_err(unreadable)?;
    let primary = cert.primary_key().key();
    let signatures = signatures_in(signature).map_err(unreadable)?;
    let good = signatures.iter().any(|signature| {
        is_over_data_with_strong_hash(signature)
            && signature.verify_message(primary, signed).is_ok()
    });
    good.then_some(()).ok_or(SignatureError::Bad)
}

fn signatures_in(bytes: &[u8]) -> openpgp::Result<Vec<Signature>> {
    let mut signatures = Vec::new();
    let mut parsed = PacketParser::from_bytes(bytes)?;
    while let PacketParserResult::Some(parser) = parsed {
        let (packet, rest) = parser.next()?;
        if let Packet::Signature(signature) = packet {
            signatures.push(signature);
        }
        parsed = rest;
    }
    Ok(signatures)
}

fn is_over_data_with_strong_hash(signature: &Signature) -> bool {
    let strong = [
        HashAlgorithm::SHA256,
        HashAlgorithm::SHA384,
        HashAlgorithm::SHA512,
    ];
    signature.typ() == SignatureType::Binary && strong.contains(&signature.hash_algo())
}
