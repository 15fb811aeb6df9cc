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

use openpgp::crypto::mpi::{self, Ciphertext};
use openpgp::crypto::{SessionKey, ecdh, mem::Protected};
use openpgp::packet::Key;
use openpgp::packet::key::{PublicParts, UnspecifiedRole};
use openpgp::types::Curve;
use thiserror::Error;

use super::certificate::ArchiveCert;
use super::encrypt::LONGEST_MAIL;
use super::recipients::{MOST_RECIPIENTS, Protection, RecipientKey};
use crate::field::X25519Secret;
use crate::identity::Fingerprint;
use crate::vault::dearmor::DearmorError;

mod walk;

/// The archive's decryption key: the X25519 secret of the certificate's encryption subkey.
pub struct DecryptionKey {
    public: Key<PublicParts, UnspecifiedRole>,
    fingerprint: Fingerprint,
    secret: X25519Secret,
}

impl DecryptionKey {
    /// Takes the X25519 secret (RFC 7748 §5) of a certificate's Cv25519 encryption subkey.
    ///
    /// # Errors
    /// When the subkey is of another kind, or the secret is not that of the subkey.
    pub fn from_x25519(cert: &ArchiveCert, secret: &X25519Secret) -> Result<Self, KeyError> {
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
        if secret.public_key() != point {
            return Err(KeyError::WrongSecret { subkey });
        }
        Ok(Self {
            public: public.clone(),
            fingerprint: subkey,
            secret: X25519Secret::clamped(secret.expose_secret().expose_bytes()),
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
        let shared = self
            .0
            .secret
            .diffie_hellman(&point)
            .ok_or_else(|| openpgp::Error::MalformedMPI("a point of small order".to_owned()))?;
        let protected = Protected::from(shared.expose_bytes().as_slice());
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
    /// 64 MiB, more than mail servers usually take, because GnuPG compresses without a limit of its own; 100 times, which our
    /// hook respects (docs/format.md §7.2); the longest mail that our hook takes.
    fn default() -> Self {
        Self {
            floor: 64 << 20,
            ratio: 100,
            most: LONGEST_MAIL,
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
        loop {
            match self.binary.read(buf) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let kind = e.kind();
                    self.failure = Some(e);
                    return Err(kind.into());
                }
                read => return read,
            }
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests {
    use openpgp::cert::{Cert, CertBuilder, CipherSuite};
    use openpgp::packet::signature::SignatureBuilder;
    use openpgp::serialize::SerializeInto as _;
    use openpgp::serialize::stream::{
        Compressor, Encryptor, LiteralWriter, Message, Recipient, Signer,
    };
    use openpgp::types::{
        AEADAlgorithm, CompressionAlgorithm, Features, SignatureType, SymmetricAlgorithm,
    };
    use openpgp::{KeyHandle, Profile};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::identity::UtcTime;
    use crate::openpgp::recipients::Envelope;

    const MAIL: &[u8] = b"Subject: hello\r\n\r\nworld \xff\0";

    struct Archive {
        cert: Cert,
        key: DecryptionKey,
    }

    fn archive() -> Archive {
        let (cert, _) = CertBuilder::new()
            .set_cipher_suite(CipherSuite::Cv25519)
            .set_profile(Profile::RFC4880)
            .unwrap()
            .set_features(Features::empty().set_seipdv1())
            .unwrap()
            .add_userid("Archiver <archiver@example.org>")
            .add_storage_encryption_subkey()
            .generate()
            .unwrap();
        let public = parse(&cert);
        let key = DecryptionKey::from_x25519(&public, &secret(&cert)).unwrap();
        Archive { cert, key }
    }

    fn parse(cert: &Cert) -> ArchiveCert {
        let now = UtcTime::from_unix(1_900_000_000).unwrap();
        ArchiveCert::parse(&cert.to_vec().unwrap(), None, now).unwrap()
    }

    fn secret(cert: &Cert) -> X25519Secret {
        let subkey = cert.keys().subkeys().secret().next().unwrap();
        let mpis = match subkey.key().secret() {
            openpgp::packet::key::SecretKeyMaterial::Unencrypted(secret) => secret,
            openpgp::packet::key::SecretKeyMaterial::Encrypted(_) => panic!("locked"),
        };
        mpis.map(|mpis| {
            let mpi::SecretKeyMaterial::ECDH { scalar } = mpis else {
                panic!("{mpis:?}")
            };
            let mut little_endian: [u8; 32] = scalar.value_padded(32).as_ref().try_into().unwrap();
            little_endian.reverse();
            X25519Secret::clamped(&little_endian)
        })
    }

    /// The layers between the encryption and the mail.
    #[derive(Clone, Copy)]
    enum Layer {
        Zip(CompressionAlgorithm),
        Encryption,
        Signature,
    }

    struct Recipe<'a> {
        to: Vec<&'a Archive>,
        anonymous: bool,
        cipher: SymmetricAlgorithm,
        aead: Option<AEADAlgorithm>,
        layers: &'a [Layer],
    }

    impl<'a> Recipe<'a> {
        fn to(archive: &'a Archive) -> Self {
            Self {
                to: vec![archive],
                anonymous: false,
                cipher: SymmetricAlgorithm::AES256,
                aead: None,
                layers: &[],
            }
        }

        fn recipients(&self) -> Vec<Recipient<'a>> {
            let subkeys = self.to.iter().map(|archive| {
                let subkey = archive.cert.keys().subkeys().next().unwrap();
                let key = subkey.key().parts_as_public().role_as_unspecified();
                let handle = match (self.anonymous, self.aead) {
                    (true, _) => None,
                    (false, None) => Some(KeyHandle::KeyID(key.keyid())),
                    (false, Some(_)) => Some(KeyHandle::Fingerprint(key.fingerprint())),
                };
                let features = match self.aead {
                    None => Features::empty().set_seipdv1(),
                    Some(_) => Features::empty().set_seipdv2(),
                };
                Recipient::new(features, handle, key)
            });
            subkeys.collect()
        }

        fn encrypt<'m>(&self, message: Message<'m>) -> Message<'m>
        where
            'a: 'm,
        {
            let encryptor = Encryptor::for_recipients(message, self.recipients());
            let encryptor = encryptor.symmetric_algo(self.cipher);
            match self.aead {
                Some(aead) => encryptor.aead_algo(aead),
                None => encryptor,
            }
            .build()
            .unwrap()
        }

        fn message(&self, mail: &[u8]) -> Vec<u8> {
            let mut bytes = Vec::new();
            let mut message = self.encrypt(Message::new(&mut bytes));
            for layer in self.layers {
                message = match layer {
                    Layer::Zip(algo) => Compressor::new(message).algo(*algo).build().unwrap(),
                    Layer::Encryption => self.encrypt(message),
                    Layer::Signature => {
                        let primary = self.to[0].cert.primary_key().key().clone();
                        let signer = primary.parts_into_secret().unwrap().into_keypair().unwrap();
                        let template = SignatureBuilder::new(SignatureType::Binary);
                        Signer::with_template(message, signer, template)
                            .unwrap()
                            .build()
                            .unwrap()
                    }
                };
            }
            let mut literal = LiteralWriter::new(message).build().unwrap();
            literal.write_all(mail).unwrap();
            literal.finalize().unwrap();
            bytes
        }
    }

    fn open(archive: &Archive, message: &[u8]) -> Result<(Vec<u8>, OpenedMessage), MessageError> {
        let mut mail = Vec::new();
        let limits = Limits {
            floor: 1 << 20,
            ..Limits::default()
        };
        let allowed = limits.plaintext_for(message.len() as u64);
        let opened = open_message(message, &archive.key, allowed, &mut mail)?;
        assert_eq!(opened.size, mail.len() as u64);
        assert_eq!(opened.sha256, <[u8; 32]>::from(Sha256::digest(&mail)));
        Ok((mail, opened))
    }

    fn refusal(archive: &Archive, message: &[u8]) -> MessageError {
        open(archive, message).unwrap_err()
    }

    #[test]
    fn a_message_with_any_cipher_since_2005_opens_when_its_mdc_is_right() {
        use SymmetricAlgorithm as Cipher;
        let archive = archive();
        #[allow(deprecated, reason = "GnuPG used them")]
        let ciphers = [
            Cipher::TripleDES,
            Cipher::CAST5,
            Cipher::Blowfish,
            Cipher::AES128,
            Cipher::AES192,
            Cipher::AES256,
            Cipher::Twofish,
            Cipher::Camellia256,
        ];
        for cipher in ciphers {
            let recipe = Recipe {
                cipher,
                ..Recipe::to(&archive)
            };
            let (mail, opened) = open(&archive, &recipe.message(MAIL)).unwrap();
            assert_eq!(mail, MAIL, "{cipher}");
            assert_eq!((opened.protection, opened.signed), (Protection::Mdc, false));
        }
    }

    #[test]
    fn authenticated_encryption_opens() {
        let archive = archive();
        for aead in [AEADAlgorithm::OCB, AEADAlgorithm::EAX, AEADAlgorithm::GCM] {
            let recipe = Recipe {
                aead: Some(aead),
                ..Recipe::to(&archive)
            };
            let (mail, opened) = open(&archive, &recipe.message(MAIL)).unwrap();
            assert_eq!(
                (mail.as_slice(), opened.protection),
                (MAIL, Protection::Aead)
            );
        }
    }

    #[test]
    fn compressed_and_signed_messages_open_and_empty_ones_too() {
        let archive = archive();
        let zips = [
            CompressionAlgorithm::Zip,
            CompressionAlgorithm::Zlib,
            CompressionAlgorithm::BZip2,
        ];
        for zip in zips {
            for (mail, signed) in [(MAIL, false), (b"", false), (MAIL, true)] {
                let layers = [Layer::Zip(zip), Layer::Signature];
                let recipe = Recipe {
                    layers: if signed { &layers } else { &layers[..1] },
                    ..Recipe::to(&archive)
                };
                let (read, opened) = open(&archive, &recipe.message(mail)).unwrap();
                assert_eq!((read.as_slice(), opened.signed), (mail, signed));
            }
        }
    }

    #[test]
    fn anonymous_and_several_recipients_open() {
        let (ours, other) = (archive(), archive());
        for anonymous in [false, true] {
            let recipe = Recipe {
                to: vec![&other, &ours],
                anonymous,
                ..Recipe::to(&ours)
            };
            assert_eq!(open(&ours, &recipe.message(MAIL)).unwrap().0, MAIL);
        }
    }

    #[test]
    fn messages_for_others_name_their_recipients() {
        let (ours, other) = (archive(), archive());
        let named = refusal(&ours, &Recipe::to(&other).message(MAIL));
        let other_id = other.key.fingerprint().to_string().split_off(24);
        assert_eq!(
            named.to_string(),
            format!("for another archive: encrypted to {other_id}")
        );
        let recipe = Recipe {
            anonymous: true,
            ..Recipe::to(&other)
        };
        assert_eq!(
            refusal(&ours, &recipe.message(MAIL)).to_string(),
            "for another archive: encrypted to an anonymous recipient"
        );
    }

    #[test]
    fn every_changed_byte_is_found() {
        let archive = archive();
        let message = Recipe::to(&archive).message(MAIL);
        for at in 0..message.len() {
            let mut changed = message.clone();
            changed[at] ^= 0x10;
            let outcome = open(&archive, &changed).map(|(mail, _)| mail);
            // Marking the recipient as anonymous, or naming the packets' lengths otherwise, changes nothing of the mail.
            assert!(
                outcome.as_ref().map_or(true, |mail| mail == MAIL),
                "byte {at}: {outcome:?}"
            );
            let in_content = at > message.len() - MAIL.len() - 22;
            assert!(!in_content || outcome.is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_message_that_is_cut_off_anywhere_is_refused() {
        let archive = archive();
        for recipe in [
            Recipe::to(&archive),
            Recipe {
                aead: Some(AEADAlgorithm::OCB),
                ..Recipe::to(&archive)
            },
        ] {
            let message = recipe.message(MAIL);
            for length in 0..message.len() {
                refusal(&archive, &message[..length]);
            }
        }
    }

    #[test]
    fn bytes_behind_the_message_are_refused() {
        let archive = archive();
        let message = Recipe::to(&archive).message(MAIL);
        refusal(&archive, &[message.as_slice(), b"\0"].concat());
        refusal(&archive, &message.repeat(2));
    }

    #[test]
    fn the_packet_without_integrity_protection_is_refused() {
        let archive = archive();
        let message = Recipe::to(&archive).message(MAIL);
        let (session_keys, rest) = crate::openpgp::framing::split_message(&message);
        assert_eq!((rest[0], rest[2]), (0xd2, 1));
        let mut sed = session_keys.to_vec();
        sed.extend_from_slice(&[0xc9, rest[1] - 1]);
        sed.extend_from_slice(&rest[3..]);
        let error = refusal(&archive, &sed);
        assert!(matches!(error, MessageError::Unprotected), "{error:?}");
        assert_eq!(Envelope::of(&sed).protection, Some(Protection::Nothing));
    }

    #[test]
    fn a_compression_bomb_is_refused_and_what_the_hook_compresses_is_not() {
        let archive = archive();
        let recipe = Recipe {
            layers: &[Layer::Zip(CompressionAlgorithm::Zlib)],
            ..Recipe::to(&archive)
        };
        let bomb = recipe.message(&vec![0; 8 << 20]);
        assert!(bomb.len() < (8 << 20) / 100);
        let error = refusal(&archive, &bomb);
        assert!(matches!(error, MessageError::Inflates { .. }), "{error:?}");

        let small_but_dense = vec![0; 1 << 20];
        open(&archive, &recipe.message(&small_but_dense)).unwrap();

        let cert = parse(&archive.cert);
        let zlib = crate::openpgp::encrypt::Compression::Zlib;
        let sealed = crate::openpgp::encrypt::seal(
            &(&cert).into(),
            vec![0; 8 << 20].as_slice(),
            zlib,
            &mut crate::openpgp::encrypt::in_memory,
        );
        let mut message = Vec::new();
        sealed
            .unwrap()
            .message()
            .reader()
            .read_to_end(&mut message)
            .unwrap();
        open(&archive, &message).unwrap();
    }

    #[test]
    fn nested_messages_are_refused() {
        let archive = archive();
        let zlib = Layer::Zip(CompressionAlgorithm::Zlib);
        for layers in [
            &[zlib, zlib][..],
            &[Layer::Encryption],
            &[zlib, Layer::Encryption],
        ] {
            let recipe = Recipe {
                layers,
                ..Recipe::to(&archive)
            };
            let error = refusal(&archive, &recipe.message(MAIL));
            assert!(matches!(error, MessageError::Nested), "{error:?}");
        }
    }

    #[test]
    fn what_is_not_encrypted_to_a_key_is_refused() {
        let archive = archive();
        let mut plain = Vec::new();
        let mut literal = LiteralWriter::new(Message::new(&mut plain))
            .build()
            .unwrap();
        literal.write_all(MAIL).unwrap();
        literal.finalize().unwrap();
        assert!(matches!(
            refusal(&archive, &plain),
            MessageError::NotEncrypted
        ));
        assert!(matches!(refusal(&archive, b""), MessageError::NotEncrypted));
        assert!(matches!(
            refusal(&archive, b"hello"),
            MessageError::Malformed(_)
        ));

        let mut locked = Vec::new();
        let message = Encryptor::with_passwords(Message::new(&mut locked), ["secret"]);
        let mut literal = LiteralWriter::new(message.build().unwrap())
            .build()
            .unwrap();
        literal.write_all(MAIL).unwrap();
        literal.finalize().unwrap();
        let error = refusal(&archive, &locked);
        assert!(matches!(error, MessageError::ForPassphrase), "{error:?}");

        let message = Recipe::to(&archive).message(MAIL);
        let (_, rest) = crate::openpgp::framing::split_message(&message);
        assert!(matches!(refusal(&archive, rest), MessageError::ForNobody));
    }

    #[test]
    fn failures_of_reading_and_writing_are_told_apart_and_panics_are_caught() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        struct Panics;
        impl Write for Panics {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                panic!("on purpose")
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let archive = archive();
        let message = Recipe::to(&archive).message(MAIL);
        let broken = message.as_slice().take(150).chain(Broken);
        let error = open_message(broken, &archive.key, 100, &mut Vec::new()).unwrap_err();
        assert!(matches!(error, MessageError::Read(_)), "{error:?}");
        let error = open_message(message.as_slice(), &archive.key, 100, &mut Full).unwrap_err();
        assert!(matches!(error, MessageError::Write(_)), "{error:?}");
        let error = open_message(message.as_slice(), &archive.key, 100, &mut Panics).unwrap_err();
        assert!(matches!(error, MessageError::Panicked), "{error:?}");
    }

    #[test]
    fn a_secret_must_belong_to_the_subkey() {
        let (ours, other) = (archive(), archive());
        let error = DecryptionKey::from_x25519(&parse(&ours.cert), &secret(&other.cert));
        assert!(matches!(error, Err(KeyError::WrongSecret { .. })));
        let shown = format!("{:?}", ours.key);
        assert!(shown.contains("<redacted>"), "{shown}");
    }

    #[test]
    fn the_envelope_is_read_without_a_key() {
        let (ours, other) = (archive(), archive());
        let recipe = Recipe {
            to: vec![&ours, &other],
            ..Recipe::to(&ours)
        };
        let message = recipe.message(MAIL);
        let envelope = Envelope::of(&message);
        assert_eq!(envelope.protection, Some(Protection::Mdc));
        let [first, second] = envelope.recipients.as_slice() else {
            panic!("{envelope:?}")
        };
        assert!(first.key.may_be(&ours.key.fingerprint()));
        assert!(!second.key.may_be(&ours.key.fingerprint()));
        assert!(first.ephemeral.is_some() && first.ephemeral != second.ephemeral);
        assert_eq!(Envelope::of(b"garbage").protection, None);
    }
}
