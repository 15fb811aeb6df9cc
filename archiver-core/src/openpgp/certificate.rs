//! The archive's public certificate, and in it the one encryption subkey to which mails are encrypted.
//!
//! Refused: secret keys, several certificates in one file, a certificate without an encryption subkey, and any doubt about
//! which subkey is meant. An expired or revoked certificate is *not* refused: the caller learns of it and decides.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memchr::memmem;
use sequoia_openpgp as openpgp;

use openpgp::armor::{self, ReaderMode};
use openpgp::cert::amalgamation::ValidAmalgamation as _;
use openpgp::cert::amalgamation::key::ValidErasedKeyAmalgamation;
use openpgp::cert::{Cert, CertParser, ValidCert};
use openpgp::crypto::mpi;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::packet::{Key, Signature};
use openpgp::parse::Parse as _;
use openpgp::policy::StandardPolicy;
use openpgp::types::{Curve, RevocationStatus};
use thiserror::Error;

use crate::identity::{Fingerprint, UtcTime};
use crate::openpgp::session_key::{KdfParameters, Recipient};
use crate::origin::ArchiveFingerprints;

/// A certificate whose own signatures hold, and the encryption subkey chosen from it.
pub struct ArchiveCert {
    primary: Fingerprint,
    encryption: Fingerprint,
    user_id: Option<String>,
    validity: Validity,
    expires: Option<UtcTime>,
    key: Key<PublicParts, UnspecifiedRole>,
}

/// Whether the certificate and its encryption subkey are in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// In force.
    Valid,
    /// Made later than now: the clock here or the one at the ceremony is wrong.
    NotBefore(UtcTime),
    /// Expired since then.
    ExpiredSince(UtcTime),
    /// Revoked by its owner.
    Revoked,
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid => f.write_str("valid"),
            Self::NotBefore(time) => write!(f, "valid only from {time} on, so a clock is wrong"),
            Self::ExpiredSince(time) => write!(f, "expired since {time}"),
            Self::Revoked => f.write_str("revoked"),
        }
    }
}

/// Why a file does not serve as the archive's certificate.
#[derive(Debug, Error)]
pub enum CertError {
    /// Not a certificate at all, or damaged.
    #[error("this is no OpenPGP certificate: {0}")]
    NotACertificate(String),
    /// A secret key.
    #[error("this file holds a secret key; the mail server must only have the public certificate")]
    SecretKey,
    /// More than one certificate.
    #[error(
        "this file holds more than one OpenPGP certificate or armored block; only the archive's own may be in it"
    )]
    Several,
    /// The certificate's own signatures do not hold.
    #[error(
        "the signatures by which the certificate {primary} vouches for itself do not hold: {reason}"
    )]
    SelfSignature {
        /// The certificate.
        primary: Fingerprint,
        /// What does not hold.
        reason: String,
    },
    /// No subkey that can encrypt.
    #[error("the certificate {primary} has no encryption subkey that this program can encrypt to")]
    NoEncryptionSubkey {
        /// The certificate.
        primary: Fingerprint,
    },
    /// Several subkeys, none pinned.
    #[error("the certificate {primary} has {} encryption subkeys and none is chosen by its fingerprint: {}", .subkeys.len(), list(.subkeys))]
    SeveralEncryptionSubkeys {
        /// The certificate.
        primary: Fingerprint,
        /// The subkeys to choose from.
        subkeys: Vec<Fingerprint>,
    },
    /// Another certificate than the pinned one.
    #[error("the fingerprint {pinned} was asked for, but this is the certificate {primary} with encryption subkey {}", list(.subkeys))]
    WrongFingerprint {
        /// What was asked for.
        pinned: Fingerprint,
        /// The certificate found.
        primary: Fingerprint,
        /// Its encryption subkeys.
        subkeys: Vec<Fingerprint>,
    },
}

impl ArchiveCert {
    /// Reads a certificate, armored or binary, verifies its own signatures as of the time `at`, and chooses the encryption
    /// subkey: the one whose fingerprint is `pinned`; otherwise the only one in force; otherwise the only one.
    ///
    /// `pinned` may also be the fingerprint of the primary key; then the certificate must be that one.
    ///
    /// # Errors
    /// [`CertError`], whose variants say what the file is instead. Being expired, revoked or not yet valid is no error:
    /// see [`Self::validity`].
    pub fn parse(
        bytes: &[u8],
        pinned: Option<&Fingerprint>,
        at: UtcTime,
    ) -> Result<Self, CertError> {
        let cert = the_only_public_cert(bytes)?;
        let primary = known(&cert.fingerprint())?;
        let seen_at = system_time(at).max(newest_self_signature(&cert));
        let policy = StandardPolicy::at(seen_at);
        let valid_cert =
            cert.with_policy(&policy, seen_at)
                .map_err(|e| CertError::SelfSignature {
                    primary,
                    reason: reason(&e),
                })?;
        let candidates = encryption_subkeys(&valid_cert, at)?;
        let chosen = choose(candidates, primary, pinned)?;
        Ok(Self {
            primary,
            encryption: chosen.fingerprint,
            user_id: primary_user_id(&valid_cert),
            validity: chosen.validity,
            expires: chosen.expires,
            key: chosen.key,
        })
    }

    /// The primary key's fingerprint: the certificate's name.
    #[must_use]
    pub fn primary_fingerprint(&self) -> Fingerprint {
        self.primary
    }

    /// The fingerprint of the chosen encryption subkey.
    #[must_use]
    pub fn encryption_fingerprint(&self) -> Fingerprint {
        self.encryption
    }

    /// The user id, such as `Archiver <archiver@example.org>`; control characters are replaced.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.as_deref()
    }

    /// Whether certificate and subkey were in force at the time given to [`Self::parse`].
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// When certificate or subkey expires, whichever is first; `None` when neither does.
    #[must_use]
    pub fn expires(&self) -> Option<UtcTime> {
        self.expires
    }

    /// The X25519 public key (RFC 7748 §5, 32 bytes, little endian) of the encryption subkey, when it has one.
    #[must_use]
    pub fn x25519_public(&self) -> Option<[u8; 32]> {
        match self.key.mpis() {
            mpi::PublicKey::X25519 { u } => Some(*u),
            mpi::PublicKey::ECDH {
                curve: Curve::Cv25519,
                q,
                ..
            } => q.value().strip_prefix(&[0x40])?.try_into().ok(),
            _ => None,
        }
    }

    /// The encryption subkey as the recipient of session-key packets of our own; `None` when it is no version 4 Cv25519 subkey or derives
    /// its keys in another way than those do.
    #[must_use]
    pub fn recipient(&self) -> Option<Recipient> {
        let mpi::PublicKey::ECDH { hash, sym, .. } = self.key.mpis() else {
            return None;
        };
        let kdf = KdfParameters::from_numbers((*hash).into(), (*sym).into())?;
        Recipient::new(self.fingerprints(), &self.x25519_public()?, kdf).ok()
    }

    /// The fingerprints of the primary key and of the chosen encryption subkey.
    #[must_use]
    pub fn fingerprints(&self) -> ArchiveFingerprints {
        ArchiveFingerprints {
            primary: self.primary,
            encryption: self.encryption,
        }
    }

    /// The encryption subkey itself.
    pub(crate) fn encryption_key(&self) -> &Key<PublicParts, UnspecifiedRole> {
        &self.key
    }
}

impl fmt::Debug for ArchiveCert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveCert")
            .field("primary", &self.primary)
            .field("encryption", &self.encryption)
            .field("user_id", &self.user_id)
            .field("validity", &self.validity)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

fn the_only_public_cert(bytes: &[u8]) -> Result<Cert, CertError> {
    if memmem::find_iter(bytes, b"-----BEGIN PGP ").count() > 1 {
        return Err(CertError::Several);
    }
    let not_a_certificate = |e: openpgp::anyhow::Error| CertError::NotACertificate(reason(&e));
    let binary = dearmored(bytes).map_err(|e| not_a_certificate(e.into()))?;
    let mut certs = CertParser::from_bytes(&binary).map_err(not_a_certificate)?;
    let cert = match certs.next() {
        Some(cert) => cert.map_err(not_a_certificate)?,
        None => return Err(CertError::NotACertificate("it is empty".to_owned())),
    };
    if cert.is_tsk() {
        return Err(CertError::SecretKey);
    }
    match certs.next() {
        None => Ok(cert),
        Some(Ok(_)) => Err(CertError::Several),
        Some(Err(e)) => Err(not_a_certificate(e)),
    }
}

/// The bytes without their armor, when they have one. Sequoia's parser would take it off too, but in steps that cost more than
/// everything else it does here (measured).
fn dearmored(bytes: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    const A_PACKET: u8 = 0b1000_0000;
    let is_text = bytes.first().is_some_and(|first| first & A_PACKET == 0);
    if !is_text || memmem::find(bytes, b"-----BEGIN PGP ").is_none() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut binary = Vec::with_capacity(bytes.len());
    armor::Reader::from_bytes(bytes, ReaderMode::Tolerant(None)).read_to_end(&mut binary)?;
    Ok(Cow::Owned(binary))
}

/// A key of the certificate that may be used for encryption, in force or not.
struct Candidate {
    fingerprint: Fingerprint,
    validity: Validity,
    expires: Option<UtcTime>,
    key: Key<PublicParts, UnspecifiedRole>,
}

fn encryption_subkeys(cert: &ValidCert<'_>, at: UtcTime) -> Result<Vec<Candidate>, CertError> {
    let keys = cert.keys().supported();
    keys.for_storage_encryption()
        .for_transport_encryption()
        .map(|key| {
            Ok(Candidate {
                fingerprint: known(&key.key().fingerprint())?,
                validity: validity(cert, &key, at),
                expires: expiry(cert, &key),
                key: key.key().clone(),
            })
        })
        .collect()
}

fn choose(
    mut candidates: Vec<Candidate>,
    primary: Fingerprint,
    pinned: Option<&Fingerprint>,
) -> Result<Candidate, CertError> {
    let subkeys: Vec<Fingerprint> = candidates.iter().map(|c| c.fingerprint).collect();
    if let Some(pinned) = pinned.filter(|pinned| **pinned != primary) {
        candidates.retain(|c| c.fingerprint == *pinned);
        return candidates.pop().ok_or(CertError::WrongFingerprint {
            pinned: *pinned,
            primary,
            subkeys,
        });
    }
    if candidates.iter().any(|c| c.validity == Validity::Valid) {
        candidates.retain(|c| c.validity == Validity::Valid);
    }
    match (candidates.pop(), candidates.is_empty()) {
        (None, _) => Err(CertError::NoEncryptionSubkey { primary }),
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(CertError::SeveralEncryptionSubkeys { primary, subkeys }),
    }
}

/// Judges certificate and subkey together: either one's end is the end of both.
fn validity(
    cert: &ValidCert<'_>,
    key: &ValidErasedKeyAmalgamation<'_, PublicParts>,
    at: UtcTime,
) -> Validity {
    let revoked = |status| matches!(status, RevocationStatus::Revoked(_));
    if revoked(cert.revocation_status()) || revoked(key.revocation_status()) {
        return Validity::Revoked;
    }
    let primary = cert.primary_key();
    let made = utc(primary.key().creation_time().max(key.key().creation_time()));
    if let Some(made) = made.filter(|made| *made > at) {
        return Validity::NotBefore(made);
    }
    match expiry(cert, key) {
        Some(end) if end <= at => Validity::ExpiredSince(end),
        _ => Validity::Valid,
    }
}

fn expiry(
    cert: &ValidCert<'_>,
    key: &ValidErasedKeyAmalgamation<'_, PublicParts>,
) -> Option<UtcTime> {
    let ends = [
        cert.primary_key().key_expiration_time(),
        key.key_expiration_time(),
    ];
    ends.into_iter().flatten().min().and_then(utc)
}

/// When the certificate was last changed by its owner. With a clock that stands before that moment, the certificate is looked
/// at as of that moment: a wrong clock must not keep mail from being archived.
fn newest_self_signature(cert: &Cert) -> SystemTime {
    let on_keys = cert.keys().filter_map(|key| newest(key.self_signatures()));
    let on_user_ids = cert.userids().filter_map(|id| newest(id.self_signatures()));
    on_keys.chain(on_user_ids).max().unwrap_or(UNIX_EPOCH)
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<SystemTime> {
    signatures.filter_map(|s| s.signature_creation_time()).max()
}

fn primary_user_id(cert: &ValidCert<'_>) -> Option<String> {
    let user_id = cert.primary_userid().ok()?;
    let text = String::from_utf8_lossy(user_id.userid().value()).into_owned();
    Some(text.replace(char::is_control, "\u{fffd}"))
}

fn known(fingerprint: &openpgp::Fingerprint) -> Result<Fingerprint, CertError> {
    Fingerprint::from_bytes(fingerprint.as_bytes())
        .ok_or_else(|| CertError::NotACertificate("its key version is not supported".to_owned()))
}

pub(super) fn system_time(time: UtcTime) -> SystemTime {
    let seconds = u64::try_from(time.unix()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn utc(time: SystemTime) -> Option<UtcTime> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    UtcTime::from_unix(seconds.try_into().ok()?)
}

/// The whole chain of causes, in one line.
pub(super) fn reason(error: &openpgp::anyhow::Error) -> String {
    format!("{error:#}").replace(char::is_control, " ")
}

fn list(fingerprints: &[Fingerprint]) -> String {
    if fingerprints.is_empty() {
        return "(none)".to_owned();
    }
    let texts: Vec<String> = fingerprints.iter().map(Fingerprint::to_string).collect();
    texts.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use openpgp::cert::{CertBuilder, CipherSuite};
    use openpgp::serialize::SerializeInto as _;
    use openpgp::types::ReasonForRevocation;

    use super::*;

    const MADE: i64 = 1_700_000_000;
    const YEAR: i64 = 365 * 86_400;

    fn at(unix: i64) -> UtcTime {
        UtcTime::from_unix(unix).unwrap()
    }

    fn builder() -> CertBuilder<'static> {
        CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .add_userid("Archiver <archiver@example.org>")
            .set_creation_time(system_time(at(MADE)))
    }

    fn one_subkey() -> Cert {
        let builder = builder().add_storage_encryption_subkey();
        builder.generate().unwrap().0
    }

    fn public(cert: &Cert) -> Vec<u8> {
        cert.armored().to_vec().unwrap()
    }

    fn fingerprint(bytes: &openpgp::Fingerprint) -> Fingerprint {
        Fingerprint::from_bytes(bytes.as_bytes()).unwrap()
    }

    fn subkeys(cert: &Cert) -> Vec<Fingerprint> {
        let subkeys = cert.keys().subkeys();
        subkeys
            .map(|k| fingerprint(&k.key().fingerprint()))
            .collect()
    }

    fn parse(bytes: &[u8], pinned: Option<&Fingerprint>) -> Result<ArchiveCert, CertError> {
        ArchiveCert::parse(bytes, pinned, at(MADE + YEAR))
    }

    #[test]
    fn the_only_encryption_subkey_is_found_in_armor_and_in_binary() {
        let cert = one_subkey();
        for bytes in [public(&cert), cert.to_vec().unwrap()] {
            let parsed = parse(&bytes, None).unwrap();
            assert_eq!(
                parsed.primary_fingerprint(),
                fingerprint(&cert.fingerprint())
            );
            assert_eq!(vec![parsed.encryption_fingerprint()], subkeys(&cert));
            assert_eq!(parsed.user_id(), Some("Archiver <archiver@example.org>"));
            assert_eq!(parsed.validity(), Validity::Valid);
            assert!(parsed.x25519_public().is_some());
        }
    }

    #[test]
    fn a_secret_key_is_refused() {
        let bytes = one_subkey().as_tsk().armored().to_vec().unwrap();
        assert!(matches!(parse(&bytes, None), Err(CertError::SecretKey)));
    }

    #[test]
    fn text_an_empty_file_and_a_cut_off_certificate_are_refused() {
        let cert = public(&one_subkey());
        for bytes in [b"".as_slice(), b"hello", &cert[..200]] {
            let error = parse(bytes, None).unwrap_err();
            assert!(matches!(error, CertError::NotACertificate(_)), "{error}");
        }
    }

    #[test]
    fn two_certificates_in_one_file_are_refused() {
        let (a, b) = (one_subkey(), one_subkey());
        let armored = [public(&a), public(&b)].concat();
        let binary = [a.to_vec().unwrap(), b.to_vec().unwrap()].concat();
        for bytes in [armored, binary] {
            assert!(matches!(parse(&bytes, None), Err(CertError::Several)));
        }
    }

    #[test]
    fn of_several_subkeys_the_pinned_one_is_taken_and_none_without_a_pin() {
        let builder = builder()
            .add_storage_encryption_subkey()
            .add_transport_encryption_subkey();
        let cert = builder.generate().unwrap().0;
        let bytes = public(&cert);
        for pinned in subkeys(&cert) {
            let parsed = parse(&bytes, Some(&pinned)).unwrap();
            assert_eq!(parsed.encryption_fingerprint(), pinned);
        }
        let several = |r| matches!(r, Err(CertError::SeveralEncryptionSubkeys { .. }));
        assert!(several(parse(&bytes, None)));
        assert!(several(parse(
            &bytes,
            Some(&fingerprint(&cert.fingerprint()))
        )));
    }

    #[test]
    fn an_expired_subkey_yields_to_the_one_in_force() {
        let month = Duration::from_hours(30 * 24);
        let builder = builder()
            .add_subkey(
                openpgp::types::KeyFlags::empty().set_storage_encryption(),
                month,
                None,
            )
            .add_storage_encryption_subkey();
        let cert = builder.generate().unwrap().0;
        let pinned = |pin| parse(&public(&cert), Some(&pin)).unwrap();
        let (in_force, expired): (Vec<_>, Vec<_>) = subkeys(&cert)
            .into_iter()
            .partition(|subkey| pinned(*subkey).validity() == Validity::Valid);
        let end = at(MADE + 30 * 86_400);
        let validity = pinned(expired[0]).validity();
        assert_eq!(validity, Validity::ExpiredSince(end));
        assert_eq!(pinned(expired[0]).expires(), Some(end));
        assert_eq!(pinned(in_force[0]).expires(), None);
        let unpinned = parse(&public(&cert), None).unwrap();
        assert_eq!([unpinned.encryption_fingerprint()], in_force[..]);
    }

    #[test]
    fn another_certificate_than_the_pinned_one_is_refused() {
        let other = fingerprint(&one_subkey().fingerprint());
        let error = parse(&public(&one_subkey()), Some(&other)).unwrap_err();
        assert!(matches!(error, CertError::WrongFingerprint { pinned, .. } if pinned == other));
    }

    #[test]
    fn a_signing_certificate_is_refused() {
        let cert = builder().add_signing_subkey().generate().unwrap().0;
        let error = parse(&public(&cert), None).unwrap_err();
        assert!(matches!(error, CertError::NoEncryptionSubkey { .. }));
    }

    #[test]
    fn an_expired_certificate_is_read_and_says_since_when() {
        let year = Duration::from_secs(YEAR.unsigned_abs());
        let builder = builder()
            .set_validity_period(year)
            .add_storage_encryption_subkey();
        let bytes = public(&builder.generate().unwrap().0);
        let validity = |time| {
            ArchiveCert::parse(&bytes, None, at(time))
                .unwrap()
                .validity()
        };
        assert_eq!(validity(MADE + YEAR - 1), Validity::Valid);
        assert_eq!(
            validity(MADE + YEAR),
            Validity::ExpiredSince(at(MADE + YEAR))
        );
    }

    #[test]
    fn a_revoked_certificate_is_read_and_says_so() {
        let cert = one_subkey();
        let primary = cert
            .primary_key()
            .key()
            .clone()
            .parts_into_secret()
            .unwrap();
        let mut signer = primary.into_keypair().unwrap();
        let why = ReasonForRevocation::KeyCompromised;
        let revocation = cert.revoke(&mut signer, why, b"").unwrap();
        let cert = cert.insert_packets(revocation).unwrap().0;
        assert_eq!(
            parse(&public(&cert), None).unwrap().validity(),
            Validity::Revoked
        );
    }

    #[test]
    fn a_clock_before_the_ceremony_does_not_keep_the_certificate_from_being_used() {
        let parsed = ArchiveCert::parse(&public(&one_subkey()), None, at(0)).unwrap();
        assert_eq!(parsed.validity(), Validity::NotBefore(at(MADE)));
    }

    #[test]
    fn a_subkey_that_the_primary_key_did_not_bind_is_not_taken() {
        let (ours, attackers) = (one_subkey(), one_subkey());
        let foreign = attackers.keys().subkeys().next().unwrap();
        let key = foreign.key().clone().role_into_subordinate();
        let binding = foreign.self_signatures().next().unwrap().clone();
        let packets = [openpgp::Packet::from(key), binding.into()];
        let forged = ours.clone().insert_packets(packets).unwrap().0;
        let parsed = parse(&public(&forged), None).unwrap();
        assert_eq!(vec![parsed.encryption_fingerprint()], subkeys(&ours));
    }
}
