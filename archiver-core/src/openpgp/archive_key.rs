//! The archive key with its secret part: made at the ceremony, sealed, and unsealed again at a rebuild.
//!
//! It exists in memory only for as long as one of these takes. Everything else in this project works with the public certificate or with the shared
//! secret alone.

use std::fmt;

use sequoia_openpgp as openpgp;

use openpgp::Cert;
use openpgp::armor;
use openpgp::cert::amalgamation::key::PrimaryKey as _;
use openpgp::cert::{CertBuilder, CipherSuite};
use openpgp::crypto::{Password, mpi};
use openpgp::packet::key::{SecretParts, UnspecifiedRole};
use openpgp::packet::{Key, Packet, Signature, UserID};
use openpgp::parse::Parse as _;
use openpgp::policy::StandardPolicy;
use openpgp::serialize::Serialize as _;
use openpgp::serialize::stream::{Armorer, Message, Signer};
use openpgp::types::{Curve, Features, KeyFlags, RevocationStatus};
use thiserror::Error;

use super::certificate::{reason, system_time};
use crate::field::X25519Secret;
use crate::identity::{Fingerprint, UtcTime};
use crate::secret::{SecretBytes, SecretText};

/// Room for an armored secret key of our profiles; so the buffer does not grow and leave copies behind.
const ARMORED_CAPACITY: usize = 16 * 1024;

/// The whole archive key, unlocked. Secret.
pub struct ArchiveKey {
    cert: Cert,
    primary: Fingerprint,
    encryption: Fingerprint,
}

/// What key generation gives.
#[derive(Debug)]
pub struct NewArchiveKey {
    /// The key.
    pub key: ArchiveKey,
    /// A revocation certificate in ASCII armor (RFC 4880 §5.2.1, type 0x20): whoever has it can declare the key revoked.
    pub revocation_certificate: SecretText,
}

/// An archive key that could not be made, read or written.
#[derive(Debug, Error)]
pub enum ArchiveKeyError {
    /// Sequoia refused an operation.
    #[error("{operation}: {reason}")]
    OpenPgp {
        /// What was tried.
        operation: &'static str,
        /// Sequoia's words. They never hold secrets.
        reason: String,
    },
    /// Not one X25519 encryption subkey with its secret.
    #[error("the key does not have exactly one X25519 encryption subkey with its secret part")]
    NoX25519Subkey,
    /// The passphrase does not unlock it.
    #[error(
        "the sealed key does not unlock with the passphrase that the sheets give: it belongs to another archive, or is damaged"
    )]
    DoesNotUnlock,
}

impl ArchiveKey {
    /// Makes a key of the profile `classic`: version 4, an Ed25519 primary key that certifies and signs, a Cv25519 ECDH subkey for storage
    /// encryption, no expiry, features SEIPD version 1 only, so that GnuPG 2.2 reads what is encrypted to it.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate_classic(user_id: &str, at: UtcTime) -> Result<NewArchiveKey, ArchiveKeyError> {
        let failed = failed("making the archive key");
        let (cert, revocation) = CertBuilder::new()
            .set_profile(openpgp::Profile::RFC4880)
            .and_then(|builder| builder.set_features(Features::empty().set_seipdv1()))
            .map_err(&failed)?
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_creation_time(system_time(at))
            .set_validity_period(None)
            .set_primary_key_flags(KeyFlags::empty().set_certification().set_signing())
            .add_userid(UserID::from(user_id))
            .add_storage_encryption_subkey()
            .generate()
            .map_err(&failed)?;
        let revocation_certificate = armored_revocation(revocation).map_err(&failed)?;
        Ok(NewArchiveKey {
            key: Self::from_cert(cert)?,
            revocation_certificate,
        })
    }

    /// Reads a sealed key and unlocks it.
    ///
    /// # Errors
    /// When the bytes are no secret key, or the passphrase is not its own.
    pub fn unseal(sealed: &[u8], passphrase: &SecretText) -> Result<Self, ArchiveKeyError> {
        let locked = Cert::from_bytes(sealed).map_err(failed("reading the sealed key"))?;
        let password = Password::from(passphrase.expose_text());
        let unlock = |key: Key<SecretParts, UnspecifiedRole>| {
            key.decrypt_secret(&password)
                .map_err(|_| ArchiveKeyError::DoesNotUnlock)
        };
        Self::from_cert(with_each_secret(locked, unlock)?)
    }

    /// The key of which only the encryption subkey's secret is known: enough to decrypt everything, not to certify or revoke. For an
    /// archive whose sealed key is lost.
    ///
    /// # Errors
    /// When the certificate has no X25519 encryption subkey with that fingerprint and public key.
    pub fn from_subkey_secret(
        certificate: &[u8],
        encryption: &Fingerprint,
        secret: &X25519Secret,
    ) -> Result<Self, ArchiveKeyError> {
        let failed = failed("joining the certificate with the rebuilt secret");
        let cert = Cert::from_bytes(certificate).map_err(&failed)?;
        let subkey = cert
            .keys()
            .subkeys()
            .map(|subkey| subkey.key().clone())
            .find(|subkey| subkey.fingerprint().as_bytes() == encryption.as_bytes())
            .filter(|subkey| x25519_public(subkey.mpis()) == Some(secret.public_key()))
            .ok_or(ArchiveKeyError::NoX25519Subkey)?;
        let scalar: Vec<u8> = secret
            .expose_secret()
            .expose_bytes()
            .iter()
            .rev()
            .copied()
            .collect();
        let material = mpi::SecretKeyMaterial::ECDH {
            scalar: scalar.into(),
        };
        let (subkey, _) = subkey.add_secret(material.into());
        let (cert, _) = cert.insert_packets(Packet::from(subkey)).map_err(&failed)?;
        Self::from_cert(cert)
    }

    fn from_cert(cert: Cert) -> Result<Self, ArchiveKeyError> {
        let primary = known(&cert.fingerprint())?;
        let mut x25519 = cert
            .keys()
            .subkeys()
            .secret()
            .filter(|key| x25519_public(key.key().mpis()).is_some());
        let encryption = match (x25519.next(), x25519.next()) {
            (Some(only), None) => known(&only.key().fingerprint())?,
            _ => return Err(ArchiveKeyError::NoX25519Subkey),
        };
        drop(x25519);
        Ok(Self {
            cert,
            primary,
            encryption,
        })
    }

    /// The primary key's fingerprint.
    #[must_use]
    pub fn primary_fingerprint(&self) -> Fingerprint {
        self.primary
    }

    /// The encryption subkey's fingerprint.
    #[must_use]
    pub fn encryption_fingerprint(&self) -> Fingerprint {
        self.encryption
    }

    /// The encryption subkey's secret: what is shared.
    ///
    /// # Errors
    /// When the subkey is locked.
    pub fn x25519_secret(&self) -> Result<X25519Secret, ArchiveKeyError> {
        let subkey = self
            .cert
            .keys()
            .subkeys()
            .secret()
            .find(|key| x25519_public(key.key().mpis()).is_some());
        let secret = subkey.as_ref().map(|key| key.key().secret());
        let Some(openpgp::packet::key::SecretKeyMaterial::Unencrypted(material)) = secret else {
            return Err(ArchiveKeyError::NoX25519Subkey);
        };
        material.map(|mpis| match mpis {
            mpi::SecretKeyMaterial::ECDH { scalar } => {
                // OpenPGP stores the scalar most significant byte first (RFC 9580 §11.5).
                let bytes = SecretBytes::<32>::filled_by(|bytes| {
                    scalar
                        .value_padded(32)
                        .iter()
                        .rev()
                        .zip(bytes)
                        .for_each(|(from, to)| *to = *from);
                });
                Ok(X25519Secret::clamped(bytes.expose_bytes()))
            }
            _ => Err(ArchiveKeyError::NoX25519Subkey),
        })
    }

    /// The public certificate in ASCII armor.
    ///
    /// # Errors
    /// When serialization fails.
    pub fn certificate_armored(&self) -> Result<Vec<u8>, ArchiveKeyError> {
        let mut armored = Vec::new();
        let cert = self.cert.clone().strip_secret_key_material();
        cert.armored()
            .serialize(&mut armored)
            .map_err(failed("writing the certificate"))?;
        Ok(armored)
    }

    /// The whole secret key in ASCII armor, locked with a passphrase (RFC 4880 §5.5.3, iterated and salted S2K, AES-256).
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn locked_armored(&self, passphrase: &SecretText) -> Result<Vec<u8>, ArchiveKeyError> {
        let password = Password::from(passphrase.expose_text());
        let lock = |key: Key<SecretParts, UnspecifiedRole>| {
            key.encrypt_secret(&password)
                .map_err(failed("locking the key"))
        };
        let locked = with_each_secret(self.cert.clone(), lock)?;
        let mut armored = Vec::with_capacity(ARMORED_CAPACITY);
        locked
            .as_tsk()
            .emit_secret_key_stubs(true)
            .armored()
            .serialize(&mut armored)
            .map_err(failed("writing the locked key"))?;
        Ok(armored)
    }

    /// The whole secret key in ASCII armor, unlocked: whoever sees it can read the archive.
    ///
    /// # Errors
    /// When serialization fails.
    pub fn unlocked_armored(&self) -> Result<SecretText, ArchiveKeyError> {
        let failed = failed("writing the unlocked key");
        let mut armored = Vec::with_capacity(ARMORED_CAPACITY);
        self.cert
            .as_tsk()
            .emit_secret_key_stubs(true)
            .armored()
            .serialize(&mut armored)
            .map_err(&failed)?;
        let text = String::from_utf8(armored).map_err(|error| failed(error.utf8_error().into()))?;
        Ok(SecretText::new(text))
    }

    /// Whether a revocation certificate in ASCII armor revokes this key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_revoked_by(
        &self,
        revocation: &SecretText,
        at: UtcTime,
    ) -> Result<bool, ArchiveKeyError> {
        let failed = failed("reading the revocation certificate");
        let packet = Packet::from_bytes(revocation.expose_text()).map_err(&failed)?;
        let (cert, _) = self.cert.clone().insert_packets(packet).map_err(&failed)?;
        let status = cert.revocation_status(&StandardPolicy::at(system_time(at)), system_time(at));
        Ok(matches!(status, RevocationStatus::Revoked(_)))
    }

    /// A detached signature by the primary key over `bytes`, in ASCII armor.
    ///
    /// # Errors
    /// When the primary key's secret is missing or locked.
    pub fn sign_detached(&self, bytes: &[u8], at: UtcTime) -> Result<Vec<u8>, ArchiveKeyError> {
        let failed = failed("signing the manifest");
        let primary = self
            .cert
            .primary_key()
            .key()
            .clone()
            .parts_into_secret()
            .map_err(&failed)?;
        let signer = primary.into_keypair().map_err(&failed)?;
        let mut armored = Vec::new();
        let sign = |sink: &mut Vec<u8>| {
            let message = Armorer::new(Message::new(sink))
                .kind(armor::Kind::Signature)
                .build()?;
            let mut message = Signer::new(message, signer)?
                .creation_time(system_time(at))
                .detached()
                .build()?;
            std::io::Write::write_all(&mut message, bytes)?;
            message.finalize()
        };
        sign(&mut armored).map_err(&failed)?;
        Ok(armored)
    }
}

impl fmt::Debug for ArchiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArchiveKey({}, <redacted>)", self.primary)
    }
}

/// Puts each secret part of `cert` through `change`.
fn with_each_secret(
    cert: Cert,
    change: impl Fn(
        Key<SecretParts, UnspecifiedRole>,
    ) -> Result<Key<SecretParts, UnspecifiedRole>, ArchiveKeyError>,
) -> Result<Cert, ArchiveKeyError> {
    let mut packets = Vec::new();
    for key in cert.keys().secret() {
        let changed = change(key.key().clone())?;
        packets.push(if key.primary() {
            Packet::from(changed.role_into_primary())
        } else {
            Packet::from(changed.role_into_subordinate())
        });
    }
    if packets.is_empty() {
        return Err(ArchiveKeyError::NoX25519Subkey);
    }
    let (cert, _) = cert
        .insert_packets(packets)
        .map_err(failed("joining the key's parts"))?;
    Ok(cert)
}

/// The certificate's X25519 public key, where these are one's parameters.
fn x25519_public(parameters: &mpi::PublicKey) -> Option<[u8; 32]> {
    match parameters {
        mpi::PublicKey::ECDH {
            curve: Curve::Cv25519,
            q,
            ..
        } => q
            .value()
            .strip_prefix(&[0x40])
            .and_then(|point| point.try_into().ok()),
        _ => None,
    }
}

fn armored_revocation(revocation: Signature) -> openpgp::Result<SecretText> {
    let headers = vec![("Comment", "This is a revocation certificate")];
    let sink = Vec::with_capacity(ARMORED_CAPACITY);
    let mut writer = armor::Writer::with_headers(sink, armor::Kind::PublicKey, headers)?;
    Packet::from(revocation).serialize(&mut writer)?;
    Ok(SecretText::new(String::from_utf8(writer.finalize()?)?))
}

fn known(fingerprint: &openpgp::Fingerprint) -> Result<Fingerprint, ArchiveKeyError> {
    Fingerprint::from_bytes(fingerprint.as_bytes()).ok_or(ArchiveKeyError::NoX25519Subkey)
}

fn failed(operation: &'static str) -> impl Fn(openpgp::anyhow::Error) -> ArchiveKeyError {
    move |error| ArchiveKeyError::OpenPgp {
        operation,
        reason: reason(&error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::openpgp::certificate::ArchiveCert;

    const USER_ID: &str = "Archiver <archiver@example.org>";

    fn now() -> UtcTime {
        UtcTime::from_unix(1_795_552_117).unwrap()
    }

    fn new_key() -> NewArchiveKey {
        ArchiveKey::generate_classic(USER_ID, now()).unwrap()
    }

    #[test]
    fn the_certificate_shows_the_secrets_public_key() {
        let key = new_key().key;
        let cert = ArchiveCert::parse(&key.certificate_armored().unwrap(), None, now()).unwrap();
        assert_eq!(cert.user_id(), Some(USER_ID));
        assert_eq!(cert.primary_fingerprint(), key.primary_fingerprint());
        assert_eq!(cert.encryption_fingerprint(), key.encryption_fingerprint());
        assert_eq!(
            cert.x25519_public(),
            Some(key.x25519_secret().unwrap().public_key())
        );
    }

    #[test]
    fn a_sealed_key_unseals_with_its_own_passphrase_only() {
        let key = new_key().key;
        let passphrase = SecretText::new("a1b2".to_owned());
        let sealed = key.locked_armored(&passphrase).unwrap();
        let unsealed = ArchiveKey::unseal(&sealed, &passphrase).unwrap();
        assert_eq!(
            unsealed
                .x25519_secret()
                .unwrap()
                .expose_secret()
                .expose_bytes(),
            key.x25519_secret().unwrap().expose_secret().expose_bytes()
        );
        let wrong = ArchiveKey::unseal(&sealed, &SecretText::new("a1b3".to_owned())).unwrap_err();
        assert!(matches!(wrong, ArchiveKeyError::DoesNotUnlock));
        let open = key.certificate_armored().unwrap();
        assert!(ArchiveKey::unseal(&open, &passphrase).is_err());
        assert!(ArchiveKey::unseal(b"nothing", &passphrase).is_err());
    }

    #[test]
    fn the_subkeys_secret_alone_joins_its_own_certificate_only() {
        let (key, other) = (new_key().key, new_key().key);
        let cert = key.certificate_armored().unwrap();
        let secret = key.x25519_secret().unwrap();
        let joined =
            ArchiveKey::from_subkey_secret(&cert, &key.encryption_fingerprint(), &secret).unwrap();
        assert_eq!(joined.primary_fingerprint(), key.primary_fingerprint());
        assert_eq!(
            joined.x25519_secret().unwrap().public_key(),
            secret.public_key()
        );
        assert!(joined.sign_detached(b"", now()).is_err());

        let foreign = other.x25519_secret().unwrap();
        let refused =
            ArchiveKey::from_subkey_secret(&cert, &key.encryption_fingerprint(), &foreign);
        assert!(matches!(refused, Err(ArchiveKeyError::NoX25519Subkey)));
    }

    #[test]
    fn a_revocation_certificate_revokes_its_own_key_only() {
        let (ours, theirs) = (new_key(), new_key());
        assert!(
            ours.key
                .is_revoked_by(&ours.revocation_certificate, now())
                .unwrap()
        );
        assert!(
            !ours
                .key
                .is_revoked_by(&theirs.revocation_certificate, now())
                .unwrap_or(false)
        );
        assert!(
            ours.key
                .is_revoked_by(&SecretText::new("nothing".to_owned()), now())
                .is_err()
        );
    }

    #[test]
    fn debug_output_never_shows_the_key() {
        let new = new_key();
        let shown = format!("{new:?}");
        assert_eq!(shown.matches("<redacted>").count(), 2);
        assert!(!shown.contains("BEGIN"));
    }
}
