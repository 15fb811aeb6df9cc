//! The passphrase that locks `archive.sealed.asc`, derived from the shared secret (`docs/format.md` §6).

use data_encoding::HEXLOWER;
use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::field::X25519Secret;
use crate::identity::Fingerprint;
use crate::secret::SecretText;

const TAG_D: u8 = 1;
const LABEL: &[u8] = b"archiver v1 key passphrase\0";

/// HKDF-SHA-512 (RFC 5869) of the secret reduced mod ℓ, bound to the primary key's fingerprint: 64 lower-case hex digits with 251 bits of entropy.
#[must_use]
pub fn passphrase(secret: &X25519Secret, primary: &Fingerprint) -> SecretText {
    let mut ikm = Zeroizing::new([TAG_D; 33]);
    let reduced = secret.reduced().to_bytes();
    ikm.iter_mut()
        .skip(1)
        .zip(reduced.expose_bytes())
        .for_each(|(to, from)| *to = *from);

    let mut key_material = Zeroizing::new([0; 32]);
    // 32 bytes are within HKDF's bound of 255 · 64, so expanding cannot fail.
    let expanded = Hkdf::<Sha512>::new(None, ikm.as_slice())
        .expand_multi_info(&[LABEL, primary.as_bytes()], key_material.as_mut_slice());
    debug_assert!(expanded.is_ok());
    let mut digits = String::with_capacity(64);
    HEXLOWER.encode_append(key_material.as_slice(), &mut digits);
    SecretText::new(digits)
}
