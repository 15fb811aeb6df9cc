//! Opens one encrypted message with the archive's key, as a stream.
//!
//! Accepted: integrity-protected content only (SEIPD version 1 with its modification detection code, or version 2), under any
//! cipher that GnuPG has used since 2005, compressed at most once, signed or not (signatures are noted, not verified).
//! Refused: unprotected content, changed content, content that inflates beyond its limit, messages inside messages, messages
//! for other keys. The plaintext may be trusted only after the message was opened to its end without an error: until then
//! the caller must keep what was written under a name that nobody takes for a mail.

use std::fmt;
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};

use sequoia_openpgp as openpgp;

use curve25519_dalek::MontgomeryPoint;
use openpgp::crypto::mpi::{self, Ciphertext};
use openpgp::crypto::{SessionKey, ecdh, mem::Protected};
use openpgp::packet::Key;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::types::Curve;
use thiserror::Error;
use zeroize::Zeroize as _;

use super::certificate::ArchiveCert;
use super::recipients::{MOST_RECIPIENTS, Protection, RecipientKey};
use crate::identity::Fingerprint;
use crate::secret::SecretBytes;
use crate::vault::dearmor::DearmorError;

mod walk;

/// The archive's decryption key: the X25519 secret of the certificate's encryption subkey.
pub struct DecryptionKey {
    public: Key<PublicParts, UnspecifiedRole>,
    fingerprint: Fingerprint,
    secret: SecretBytes<32>,
}

impl DecryptionKey {
    /// Takes the X25519 secret (RFC 7748 §5, 32 bytes, little endian) of a certificate's Cv25519 encryption subkey.
    ///
    /// # Errors
    /// When the subkey is of another kind, or the secret is not that of the subkey.
    pub fn from_x25519(cert: &ArchiveCert, secret: &SecretBytes<32>) -> Result<Self, KeyError> {
        let subkey = cert.encryption_fingerprint();
        let public = cert.encryption_key();
        let on_curve = matches!(
            public.mpis(),
            mpi::PublicKey::ECDH {
                curve: Curve::Cv25519,
                ..
            }
        );
        let Some(point) = cert.x25519_public().filter(|_| on_curve) else {
            return Err(KeyError::OtherKind { subkey });
        };
        let computed = MontgomeryPoint::mul_base_clamped(*secret.expose_bytes());
        if computed.as_bytes() != &point {
            return Err(KeyError::WrongSecret { subkey });
        }
        Ok(Self {
            public: public.clone(),
            fingerprint: subkey,
            secret: SecretBytes::filled_by(|bytes| bytes.copy_from_slice(secret.expose_bytes())),
        })
    }

    /// The fingerprint of the encryption subkey.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecryptionKey")
            .field("fingerprint", &self.fingerprint)
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// One use of the key; sequoia wants to borrow a decryptor mutably.
struct Unlock<'a>(&'a DecryptionKey);

impl openpgp::crypto::Decryptor for Unlock<'_> {
    fn public(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.0.public
    }

    fn decrypt(
        &mut self,
        ciphertext: &Ciphertext,
        plaintext_length: Option<usize>,
    ) -> openpgp::Result<SessionKey> {
        let Ciphertext::ECDH { e, .. } = ciphertext else {
            return Err(openpgp::Error::InvalidOperation("not for X25519".to_owned()).into());
        };
        let point = e.value().strip_prefix(&[0x40]).unwrap_or_default();
        let point: [u8; 32] = point
            .try_into()
            .map_err(|_| openpgp::Error::MalformedMPI("not a point of X25519".to_owned()))?;
        let mut shared = MontgomeryPoint(point).mul_clamped(*self.0.secret.expose_bytes());
        let protected = Protected::from(shared.as_bytes().as_slice());
        shared.zeroize();
        ecdh::decrypt_unwrap(&self.0.public, &protected, ciphertext, plaintext_length)
    }
}

/// A secret that does not open the archive.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The certificate's encryption subkey is no Cv25519 key.
    #[error("the encryption subkey {subkey} is not an X25519 (Cv25519) key")]
    OtherKind {
        /// The subkey.
        subkey: Fingerprint,
    },
    /// The secret belongs to another key.
    #[error("the secret does not belong to the encryption subkey {subkey}")]
    WrongSecret {
        /// The subkey.
        subkey: Fingerprint,
    },
}

/// How much plaintext a message may inflate to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Always allowed, in bytes.
    pub floor: u64,
    /// Beyond the floor: so many times the encrypted message's length.
    pub ratio: u64,
    /// Never allowed to be more, in bytes.
    pub most: u64,
}

impl Default for Limits {
    /// 1 MiB; 100 times, which the hook respects (docs/format.md §7.2); 4 GiB.
    fn default() -> Self {
        Self {
            floor: 1 << 20,
            ratio: 100,
            most: 4 << 30,
        }
    }
}

impl Limits {
    /// The most plaintext, in bytes, for a message of `length` bytes.
    #[must_use]
    pub fn plaintext_for(&self, length: u64) -> u64 {
        length
            .saturating_mul(self.ratio)
            .max(self.floor)
            .min(self.most)
    }
}

/// What is known of a message that was opened to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedMessage {
    /// Length of the plaintext, in bytes.
    pub size: u64,
    /// SHA-256 of the plaintext.
    pub sha256: [u8; 32],
    /// Whether the sender signed it. No signature was verified.
    pub signed: bool,
    /// How its content was protected; never [`Protection::Nothing`].
    pub protection: Protection,
}

/// Why a message was not opened.
#[derive(Debug, Error)]
pub enum MessageError {
    /// Reading the message failed.
    #[error("reading failed: {0}")]
    Read(#[source] io::Error),
    /// Writing the plaintext failed.
    #[error("writing failed: {0}")]
    Write(#[source] io::Error),
    /// The record's armor is damaged.
    #[error(transparent)]
    Armor(DearmorError),
    /// Encrypted to other keys only.
    #[error("for another archive: encrypted to {}", list(.0))]
    ForOthers(Vec<RecipientKey>),
    /// Encrypted to passphrases only.
    #[error("encrypted with a passphrase, not to this archive")]
    ForPassphrase,
    /// Encrypted to nobody that it names.
    #[error("encrypted, but it names no recipient")]
    ForNobody,
    /// Encrypted to too many keys.
    #[error("encrypted to more than {MOST_RECIPIENTS} keys")]
    TooManyRecipients,
    /// It names this archive's key, but the session key does not come out.
    #[error("its session key is damaged")]
    SessionKey,
    /// A cipher that is not supported.
    #[error("encrypted with the cipher {0}, which is not supported")]
    Cipher(String),
    /// No encrypted content.
    #[error("not an encrypted message")]
    NotEncrypted,
    /// The old packet without integrity protection.
    #[error("encrypted without integrity protection (an SED packet)")]
    Unprotected,
    /// Content was changed, cut off, or was never whole.
    #[error("its encrypted content was changed or damaged")]
    Changed,
    /// It inflates too much.
    #[error("it inflates to more than {allowed} bytes")]
    Inflates {
        /// The limit, in bytes.
        allowed: u64,
    },
    /// Compressed or encrypted more than once.
    #[error("it is nested too deeply")]
    Nested,
    /// Not an `OpenPGP` message.
    #[error("not a well-formed OpenPGP message: {0}")]
    Malformed(String),
    /// Opening it made the program fail; that it costs only this message is by design.
    #[error("it made the decryption fail in an unforeseen way")]
    Panicked,
}

fn list(keys: &[RecipientKey]) -> String {
    let shown: Vec<String> = keys.iter().take(4).map(RecipientKey::to_string).collect();
    match keys.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Opens a binary message and writes its plaintext to `out`, at most `allowed` bytes of it.
///
/// # Errors
/// [`MessageError`]; then what was written to `out` is worthless and must be removed. A panic inside is caught and becomes
/// [`MessageError::Panicked`].
pub fn open_message(
    binary: impl Read + Send + Sync,
    key: &DecryptionKey,
    allowed: u64,
    out: &mut dyn Write,
) -> Result<OpenedMessage, MessageError> {
    let mut source = Source {
        binary,
        failure: None,
    };
    let walk = AssertUnwindSafe(|| walk::open(&mut source, key, allowed, out));
    let opened = panic::catch_unwind(walk).unwrap_or(Err(MessageError::Panicked));
    match source.failure {
        Some(failure) => Err(DearmorError::inside(&failure)
            .cloned()
            .map_or_else(|| MessageError::Read(failure), MessageError::Armor)),
        None => opened,
    }
}

/// Keeps the first error of reading, which sequoia would wrap or swallow.
struct Source<R> {
    binary: R,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::ErrorKind::Other.into());
        }
        self.binary.read(buf).map_err(|e| {
            let kind = e.kind();
            if kind != io::ErrorKind::Interrupted {
                self.failure = Some(e);
            }
            kind.into()
        })
    }
}
