//! Ed25519 (RFC 8032): the one place of the seals that names ed25519-dalek. What is signed, and with which day's key, is for
//! [`super::keys`] and [`super::note`] to say.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::secret::SecretBytes;

/// A signing key, wiped when dropped.
pub(super) struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of an RFC 8032 §5.1.5 seed.
    pub(super) fn of_seed(seed: &SecretBytes<32>) -> Self {
        Self(SigningKey::from_bytes(seed.expose_bytes()))
    }

    pub(super) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// RFC 8032 §5.1.6: the same message always gives the same signature.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// RFC 8032 §5.1.7, strict: no point of small order, no second form of a signature. False also when `public` is no point.
pub(super) fn is_signature(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let signature = Signature::from_bytes(signature);
    VerifyingKey::from_bytes(public).is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}
