//! Encrypts one mail to the archive: session-key packet and encrypted data, as docs/format.md §7.2 has them.
//!
//! What comes out can be read by GnuPG 2.2: PKESK version 3, SEIPD version 1, AES-256, ZLIB. The mail is taken as it comes,
//! byte for byte.

use std::io::{self, Read, Write};

use flate2::Compress;
use flate2::write::ZlibEncoder;
use sequoia_openpgp as openpgp;

use openpgp::crypto::SessionKey;
use openpgp::packet::pkesk::PKESK3;
use openpgp::packet::{PKESK, Packet};
use openpgp::serialize::SerializeInto as _;
use openpgp::serialize::stream::{Encryptor, Message};
use openpgp::types::SymmetricAlgorithm;
use thiserror::Error;

use crate::openpgp::certificate::ArchiveCert;
use crate::openpgp::session_key;
use crate::origin::{Ephemeral, OriginProof, Unbound};
use crate::secret::{NoRandomness, SecretBytes};
use crate::vault::leaf::{BodyDigests, Place};

const CIPHER: SymmetricAlgorithm = SymmetricAlgorithm::AES256;

/// zlib's level. On 6,046 real mails (32.5 MB, median 3.5 KB) zlib-rs gives, with armor and headers: level 1 a vault of 0.807 of the
/// mails' size, 2: 0.653, 3: 0.639, 6: 0.632, 9: 0.632; levels 2 to 8 cost the same 50 to 65 µs a mail.
const USUAL_LEVEL: u32 = 6;

/// From this length on a mail is mostly base64, which has no repetitions to look for.
const MOSTLY_ATTACHMENT: usize = 64 * 1024;

/// The level for such mails, with a window of 8 KiB: on 10 MB of base64 the same 0.756 of the size as level 6 with the longest window, in
/// half the time or less. Real mails of 200 KB become 0.648 instead of 0.640, as much text as that 0.285 instead of 0.243.
const ATTACHMENT_LEVEL: u32 = 4;

/// Room for the first reads, so that they are few.
const USUAL_MAIL: usize = 64 * 1024;

/// A reader inflates at most this much (docs/format.md §7.2); what would exceed it is stored as it is.
const MAX_INFLATION: usize = 100;

const TAG_COMPRESSED: u8 = 8;
const TAG_LITERAL: u8 = 11;
const ZLIB: u8 = 2;

/// Whether mails are compressed before they are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// With zlib, when that makes the mail smaller and a reader's limit on inflation allows it.
    Zlib,
    /// Never.
    None,
}

/// An encrypted mail: a binary OpenPGP message, complete but for its place in a vault. It can be given one place only.
#[derive(Debug)]
pub struct SealedBody {
    message: Vec<u8>,
    session_keys: usize,
    digests: BodyDigests,
    origin: Option<Unbound>,
}

impl SealedBody {
    /// A message whose first `session_keys` bytes are its session-key packets, with the ephemeral key in them when it is ours.
    fn new(
        message: Vec<u8>,
        session_keys: usize,
        ephemeral: Option<Ephemeral>,
    ) -> Result<Self, NoRandomness> {
        let (keys, rest) = message.split_at(session_keys);
        let digests = BodyDigests::of(keys, rest);
        let origin = ephemeral
            .map(|ephemeral| ephemeral.prepare(&digests))
            .transpose()?;
        Ok(Self {
            message,
            session_keys,
            digests,
            origin,
        })
    }

    /// Any bytes, as if they were the two parts of a message.
    #[cfg(test)]
    #[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub(crate) fn of(session_keys: Vec<u8>, rest: &[u8]) -> Self {
        let end = session_keys.len();
        let mut message = session_keys;
        message.extend_from_slice(rest);
        Self::new(message, end, None).unwrap()
    }

    /// The whole binary message.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The session-key packets with their headers, and everything after them.
    #[must_use]
    pub fn parts(&self) -> (&[u8], &[u8]) {
        self.message.split_at(self.session_keys)
    }

    /// SHA-256 of both parts.
    #[must_use]
    pub fn digests(&self) -> &BodyDigests {
        &self.digests
    }

    /// Gives the message its place, and returns the origin proof for a record there; `None` when the certificate's encryption subkey does
    /// not allow one (it is no version 4 Cv25519 subkey).
    #[must_use]
    pub fn bind(self, place: &Place) -> Option<OriginProof> {
        self.origin.map(|origin| origin.bind(place))
    }
}

/// Why a mail could not be encrypted.
#[derive(Debug, Error)]
pub enum EncryptError {
    /// The mail could not be read to its end.
    #[error("the mail could not be read to its end: {0}")]
    Read(#[source] io::Error),
    /// OpenPGP packets of a definite length hold less than 4 GiB.
    #[error("a mail of {0} bytes is too long for one OpenPGP packet")]
    TooLong(usize),
    /// Encryption to the subkey failed.
    #[error("the mail could not be encrypted: {0}")]
    Encrypt(String),
}

/// Reads a mail to its end and encrypts it to the certificate's encryption subkey.
///
/// # Errors
/// When the mail cannot be read, is 4 GiB or more, or the operating system gives no randomness.
pub fn seal(
    cert: &ArchiveCert,
    mut mail: impl Read,
    compression: Compression,
) -> Result<SealedBody, EncryptError> {
    let mut plaintext = Vec::with_capacity(USUAL_MAIL);
    mail.read_to_end(&mut plaintext)
        .map_err(EncryptError::Read)?;
    let packet = inner_packet(plaintext, compression)?;
    encrypt(cert, &packet).map_err(|e| EncryptError::Encrypt(format!("{e:#}")))
}

/// The packet inside the encryption: the mail as a literal packet, compressed if that serves.
fn inner_packet(mail: Vec<u8>, compression: Compression) -> Result<Vec<u8>, EncryptError> {
    let head = literal_head(mail.len())?;
    if compression == Compression::Zlib {
        let literal = head.len() + mail.len();
        let compressed = compressed_packet(&head, &mail)?;
        let smaller = compressed.len() < literal;
        let inflatable = literal / MAX_INFLATION < compressed.len();
        if smaller && inflatable {
            return Ok(compressed);
        }
    }
    Ok(in_front(head, mail))
}

/// RFC 4880 §5.9: a literal packet up to its data: binary, no file name, no date.
fn literal_head(mail: usize) -> Result<Vec<u8>, EncryptError> {
    const BINARY_NO_NAME_NO_DATE: [u8; 6] = [b'b', 0, 0, 0, 0, 0];
    let mut head = packet_head(TAG_LITERAL, BINARY_NO_NAME_NO_DATE.len() + mail)?;
    head.extend_from_slice(&BINARY_NO_NAME_NO_DATE);
    Ok(head)
}

/// RFC 4880 §5.6.
fn compressed_packet(literal_head: &[u8], mail: &[u8]) -> Result<Vec<u8>, EncryptError> {
    let mut body = Vec::with_capacity(mail.len() / 2);
    body.push(ZLIB);
    let mut encoder = ZlibEncoder::new_with_compress(body, zlib_for(mail.len()));
    let body = encoder
        .write_all(literal_head)
        .and_then(|()| encoder.write_all(mail))
        .and_then(|()| encoder.finish())
        .map_err(|e| EncryptError::Encrypt(e.to_string()))?;
    Ok(in_front(packet_head(TAG_COMPRESSED, body.len())?, body))
}

/// zlib with a level, and with a window: so many bytes, as a power of 2, it looks back for repetitions.
///
/// A mail shorter than the window does not need all of it, and to zero it is a part of the hook's time.
fn zlib_for(mail: usize) -> Compress {
    let (level, window_bits) = match mail {
        0..=0x2000 => (USUAL_LEVEL, 13),
        0x2001..=0x4000 => (USUAL_LEVEL, 14),
        0x4001..MOSTLY_ATTACHMENT => (USUAL_LEVEL, 15),
        _ => (ATTACHMENT_LEVEL, 13),
    };
    Compress::new_with_window_bits(flate2::Compression::new(level), true, window_bits)
}

/// The header of a packet with a definite length in the new format (RFC 4880 §4.2.2).
fn packet_head(tag: u8, length: usize) -> Result<Vec<u8>, EncryptError> {
    let octets = u32::try_from(length)
        .map_err(|_| EncryptError::TooLong(length))?
        .to_be_bytes();
    let mut head = vec![0b1100_0000 | tag];
    if let [0, 0, 0, short @ 0..=191] = octets {
        head.push(short);
    } else {
        head.push(255);
        head.extend_from_slice(&octets);
    }
    Ok(head)
}

/// Both, in the place of the second: a long mail is not held twice.
fn in_front(head: Vec<u8>, mut body: Vec<u8>) -> Vec<u8> {
    body.splice(..0, head);
    body
}

fn encrypt(cert: &ArchiveCert, packet: &[u8]) -> openpgp::Result<SealedBody> {
    let session_key = SecretBytes::random()?;
    let (mut message, ephemeral) = session_key_packet(cert, &session_key)?;
    let session_keys = message.len();
    let session_key = SessionKey::from(&session_key.expose_bytes()[..]);

    message.reserve(packet.len() + packet.len() / 64 + 128);
    let stack = Message::new(&mut message);
    let mut stack = Encryptor::with_session_key(stack, CIPHER, session_key)?.build()?;
    stack.write_all(packet)?;
    stack.finalize()?;
    Ok(SealedBody::new(message, session_keys, ephemeral)?)
}

/// Our own packet for a Cv25519 subkey, and the ephemeral key in it; Sequoia's for any other.
fn session_key_packet(
    cert: &ArchiveCert,
    session_key: &SecretBytes<32>,
) -> openpgp::Result<(Vec<u8>, Option<Ephemeral>)> {
    if let Some(recipient) = cert.recipient() {
        let (packet, ephemeral) = session_key::wrap(&recipient, session_key)?;
        return Ok((packet, Some(ephemeral)));
    }
    let session_key = SessionKey::from(&session_key.expose_bytes()[..]);
    let pkesk = PKESK3::for_recipient(CIPHER, &session_key, cert.encryption_key())?;
    Ok((Packet::from(PKESK::from(pkesk)).to_vec()?, None))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use openpgp::cert::{Cert, CertBuilder, CipherSuite};
    use openpgp::packet::SKESK;
    use openpgp::parse::stream::{
        DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper,
    };
    use openpgp::parse::{PacketParser, PacketParserResult, Parse as _};
    use openpgp::policy::StandardPolicy;
    use openpgp::types::CompressionAlgorithm;
    use openpgp::{KeyHandle, Result};

    use super::*;
    use crate::identity::UtcTime;
    use crate::openpgp::framing::split_message;
    use crate::vault::leaf::{LeafHash, LogId};

    fn key() -> Cert {
        key_of(CipherSuite::Cv25519)
    }

    fn key_of(suite: CipherSuite) -> Cert {
        let builder = CertBuilder::new()
            .set_cipher_suite(suite)
            .add_storage_encryption_subkey();
        builder.generate().unwrap().0
    }

    fn sealed(key: &Cert, mail: &[u8], compression: Compression) -> SealedBody {
        let now = UtcTime::from_unix(4_000_000_000).unwrap();
        let cert = ArchiveCert::parse(&key.to_vec().unwrap(), None, now).unwrap();
        seal(&cert, mail, compression).unwrap()
    }

    /// Decrypts with the whole key, and notes what the packets inside are.
    struct Opener<'a> {
        key: &'a Cert,
        compressed: bool,
    }

    impl VerificationHelper for Opener<'_> {
        fn get_certs(&mut self, _: &[KeyHandle]) -> Result<Vec<Cert>> {
            Ok(Vec::new())
        }

        fn check(&mut self, _: MessageStructure<'_>) -> Result<()> {
            Ok(())
        }

        fn inspect(&mut self, pp: &PacketParser<'_>) -> Result<()> {
            match &pp.packet {
                Packet::CompressedData(data) => {
                    assert_eq!(data.algo(), CompressionAlgorithm::Zlib);
                    self.compressed = true;
                }
                Packet::Literal(literal) => {
                    assert_eq!(literal.filename(), None);
                    assert_eq!(literal.date(), None);
                }
                _ => (),
            }
            Ok(())
        }
    }

    impl DecryptionHelper for Opener<'_> {
        fn decrypt(
            &mut self,
            pkesks: &[PKESK],
            _: &[SKESK],
            algo: Option<SymmetricAlgorithm>,
            decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
        ) -> Result<Option<Cert>> {
            let [PKESK::V3(pkesk)] = pkesks else {
                unreachable!("one PKESK of version 3")
            };
            let subkey = self.key.keys().subkeys().secret().next().unwrap();
            let mut pair = subkey.key().clone().into_keypair()?;
            let (algo, session_key) = pkesk.decrypt(&mut pair, algo).unwrap();
            assert!(decrypt(Some(algo), &session_key));
            Ok(None)
        }
    }

    /// The mail, and whether it was compressed.
    fn opened(key: &Cert, body: &SealedBody) -> (Vec<u8>, bool) {
        let policy = StandardPolicy::new();
        let opener = Opener {
            key,
            compressed: false,
        };
        let builder = DecryptorBuilder::from_bytes(body.message()).unwrap();
        let mut decryptor = builder.with_policy(&policy, None, opener).unwrap();
        let mut mail = Vec::new();
        decryptor.read_to_end(&mut mail).unwrap();
        assert!(decryptor.message_processed());
        (mail, decryptor.into_helper().compressed)
    }

    #[test]
    fn every_mail_comes_back_byte_for_byte() {
        let key = key();
        let long = b"All work and no play makes Jack a dull boy.\r\n".repeat(30_000);
        let mails: [&[u8]; 6] = [
            b"",
            b"\0",
            b"From x\n\xff\xfe\r\n",
            &[b'x'; 191],
            &[b'y'; 200],
            &long,
        ];
        for mail in mails {
            for compression in [Compression::Zlib, Compression::None] {
                let body = sealed(&key, mail, compression);
                assert!(opened(&key, &body).0 == mail, "{} bytes", mail.len());
            }
        }
    }

    #[test]
    fn a_mail_for_another_curve_comes_back_too_and_has_no_origin_proof() {
        let place = Place {
            log: LogId([1; 16]),
            seq: 0,
            time: UtcTime::from_unix(0).unwrap(),
            prev: LeafHash::BEFORE_THE_FIRST,
        };
        for (suite, proven) in [(CipherSuite::Cv25519, true), (CipherSuite::P256, false)] {
            let key = key_of(suite);
            let body = sealed(&key, b"mail", Compression::Zlib);
            assert_eq!(opened(&key, &body).0, b"mail");
            assert_eq!(body.bind(&place).is_some(), proven);
        }
    }

    #[test]
    fn mails_on_both_sides_of_every_windows_border_are_compressed_and_come_back() {
        let key = key();
        let lines = (0..40_000_u32).flat_map(|n| format!("line {n}\r\n").into_bytes());
        let text: Vec<u8> = lines.collect();
        for border in [0x2000, 0x4000, MOSTLY_ATTACHMENT, 300_000] {
            for length in [border - 1, border, border + 1] {
                let (mail, _) = text.split_at(length);
                let (read, compressed) = opened(&key, &sealed(&key, mail, Compression::Zlib));
                assert!(read == mail && compressed, "{length} bytes");
            }
        }
    }

    #[test]
    fn a_message_is_one_session_key_packet_and_one_encrypted_packet() {
        let body = sealed(&key(), b"mail", Compression::Zlib);
        assert_eq!(split_message(body.message()), body.parts());
        let (session_keys, rest) = body.parts();
        assert_eq!(*body.digests(), BodyDigests::of(session_keys, rest));
        let mut tags = Vec::new();
        let mut next = PacketParser::from_bytes(body.message()).unwrap();
        while let PacketParserResult::Some(pp) = next {
            tags.push((u8::from(pp.packet.tag()), pp.packet.version()));
            next = pp.next().unwrap().1;
        }
        assert_eq!(tags, [(1, Some(3)), (18, Some(1))]);
    }

    #[test]
    fn text_is_compressed_and_what_would_not_shrink_or_shrink_too_much_is_not() {
        let key = key();
        let compressed = |mail: &[u8]| opened(&key, &sealed(&key, mail, Compression::Zlib)).1;
        let text: Vec<u8> = (0..2_000_u32)
            .flat_map(|n| format!("line {n}\r\n").into_bytes())
            .collect();
        assert!(compressed(&text));
        assert!(!compressed(b"short"));
        assert!(!compressed(&vec![b'a'; 1_000_000]));
        assert!(!opened(&key, &sealed(&key, &text, Compression::None)).1);
    }

    #[test]
    fn no_compressed_mail_inflates_beyond_the_readers_limit() {
        for length in [6_000, 10_000, 40_000, 100_000] {
            let packet = inner_packet(vec![b'a'; length], Compression::Zlib).unwrap();
            assert!(length <= MAX_INFLATION * packet.len(), "{length}");
        }
    }

    #[test]
    fn a_mail_that_breaks_off_is_not_sealed() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("pipe broke"))
            }
        }
        let now = UtcTime::from_unix(4_000_000_000).unwrap();
        let cert = ArchiveCert::parse(&key().to_vec().unwrap(), None, now).unwrap();
        let error = seal(&cert, Broken, Compression::Zlib).unwrap_err();
        assert!(error.to_string().ends_with("pipe broke"), "{error}");
    }
}
