//! Encrypts one mail to the archive, as a stream: session-key packet and encrypted data, as docs/format.md §7.2 has them.
//!
//! What comes out can be read by GnuPG 2.2: PKESK version 3, SEIPD version 1, AES-256, ZLIB. The mail is taken as it comes,
//! byte for byte. Plaintext is held a piece at a time, and is nowhere but in memory.
//!
//! The way of a mail: `content` puts it into a literal packet and that through `deflate`, `seipd` encrypts, and
//! `message` keeps what comes out and hashes it.

use std::io::{self, Read, Write as _};

use thiserror::Error;

use crate::openpgp::recipient::Recipient;
use crate::origin::{OriginProof, Unbound};
use crate::secret::{NoRandomness, SecretBytes};
use crate::vault::leaf::{BodyDigests, Place};

mod content;
mod deflate;
mod message;
mod packet;
mod seipd;

use content::Mail;
use message::MessageWriter;
pub use message::{MakeSpool, Message, MessageReader, Spool, in_memory};
use packet::PartialBody;
use seipd::{BeginError, Encryption};

/// The longest mail in bytes. A reader's own limit ([`Limits`](crate::openpgp::decrypt::Limits)) is the same.
pub const LONGEST_MAIL: u64 = 4 << 30;

/// Whether mails are compressed before they are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// With zlib, where that makes the mail smaller and a reader's limit on inflation allows it.
    Zlib,
    /// Never.
    None,
}

/// An encrypted mail: a binary OpenPGP message, complete but for its place in a vault. It can be given one place only.
#[derive(Debug)]
pub struct SealedBody {
    message: Message,
    digests: BodyDigests,
    origin: Option<Unbound>,
}

impl SealedBody {
    /// Any bytes, as if they were the two parts of a message.
    #[cfg(test)]
    pub(crate) fn of(session_keys: Vec<u8>, rest: &[u8]) -> Self {
        let digests = BodyDigests::of(&session_keys, rest);
        let mut message = session_keys;
        message.extend_from_slice(rest);
        Self {
            message: Message::of(message),
            digests,
            origin: None,
        }
    }

    /// A message of any kind, as if it were a mail.
    #[cfg(test)]
    pub(crate) fn of_message(message: Message) -> Self {
        Self {
            message,
            digests: BodyDigests::of(b"", b""),
            origin: None,
        }
    }

    /// The whole binary message.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// SHA-256 of its session-key packets, and of everything after them.
    #[must_use]
    pub fn digests(&self) -> &BodyDigests {
        &self.digests
    }

    /// Message, digests, and what the origin proof will be made of.
    pub(crate) fn into_parts(self) -> (Message, BodyDigests, Option<Unbound>) {
        (self.message, self.digests, self.origin)
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
    /// The mail is longer than a reader would open.
    #[error("the mail is longer than {LONGEST_MAIL} bytes, the longest that this program takes")]
    TooLong,
    /// The encrypted message found no room.
    #[error("the encrypted mail could not be kept until it is written: {0}")]
    Keep(#[source] io::Error),
    /// The operating system gives no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Encryption to the subkey failed.
    #[error("the mail could not be encrypted: {0}")]
    Encrypt(String),
}

impl From<BeginError> for EncryptError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::NoRandomness(e) => Self::NoRandomness(e),
            BeginError::Write(e) => Self::Keep(e),
        }
    }
}

/// Reads a mail to its end and encrypts it to the recipient. Where the message becomes too long for memory, `make_spool` says where
/// the rest of it goes; [`in_memory`] is for those who have enough.
///
/// # Errors
/// When the mail cannot be read or is longer than [`LONGEST_MAIL`], the spool has no room, or the operating system gives no
/// randomness.
pub fn seal<'a>(
    recipient: &Recipient,
    mail: impl Read,
    compression: Compression,
    make_spool: &'a mut MakeSpool<'a>,
) -> Result<SealedBody, EncryptError> {
    let mail = Mail::read(mail).map_err(EncryptError::Read)?;
    let session_key = SecretBytes::random()?;
    let (session_keys, ephemeral) = recipient.session_key_packet(&session_key)?;
    let message = match mail {
        Mail::Whole(mail) => {
            let packet = content::whole(mail, compression)
                .map_err(|e| EncryptError::Encrypt(e.to_string()))?;
            let message = MessageWriter::begin(session_keys, packet.len() + 64, make_spool);
            encrypt_whole(&session_key, &packet, message)?
        }
        Mail::Long { start, rest } => {
            let message = MessageWriter::begin(session_keys, 0, make_spool);
            let packet = PartialBody::begin(packet::SEIPD, message).map_err(EncryptError::Keep)?;
            let encryption = Encryption::begin(&session_key, usize::MAX, packet)?;
            let encryption = content::long(&start, rest, compression, encryption)?;
            let packet = encryption.finish().map_err(EncryptError::Keep)?;
            packet.finish().map_err(EncryptError::Keep)?
        }
    };
    let (message, digests) = message.finish();
    let origin = ephemeral
        .map(|ephemeral| ephemeral.prepare(&digests))
        .transpose()?;
    Ok(SealedBody {
        message,
        digests,
        origin,
    })
}

/// A packet of definite length.
fn encrypt_whole<'a>(
    session_key: &SecretBytes<32>,
    packet: &[u8],
    mut message: MessageWriter<'a>,
) -> Result<MessageWriter<'a>, EncryptError> {
    let length = u32::try_from(packet.len() + seipd::OVERHEAD)
        .map_err(|e| EncryptError::Encrypt(e.to_string()))?;
    message
        .write_all(&packet::head(packet::SEIPD, length))
        .map_err(EncryptError::Keep)?;
    let mut encryption = Encryption::begin(session_key, packet.len(), message)?;
    encryption
        .write_all(packet)
        .and_then(|()| encryption.finish())
        .map_err(EncryptError::Keep)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use openpgp::crypto::SessionKey;
    use sequoia_openpgp as openpgp;

    use openpgp::cert::{Cert, CertBuilder, CipherSuite};
    use openpgp::packet::{PKESK, Packet, SKESK};
    use openpgp::parse::stream::{
        DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper,
    };
    use openpgp::parse::{PacketParser, PacketParserResult, Parse as _};
    use openpgp::policy::StandardPolicy;
    use openpgp::serialize::SerializeInto as _;
    use openpgp::types::{CompressionAlgorithm, SymmetricAlgorithm};
    use openpgp::{KeyHandle, Result};

    use super::*;
    use crate::identity::UtcTime;
    use crate::openpgp::certificate::ArchiveCert;
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

    fn recipient(key: &Cert) -> Recipient {
        let now = UtcTime::from_unix(4_000_000_000).unwrap();
        Recipient::from(&ArchiveCert::parse(&key.to_vec().unwrap(), None, now).unwrap())
    }

    fn sealed(key: &Cert, mail: &[u8], compression: Compression) -> Vec<u8> {
        let body = seal(&recipient(key), mail, compression, &mut in_memory).unwrap();
        let mut message = Vec::new();
        body.message().reader().read_to_end(&mut message).unwrap();
        let (session_keys, rest) = split_message(&message);
        assert_eq!(*body.digests(), BodyDigests::of(session_keys, rest));
        message
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
    fn opened(key: &Cert, message: &[u8]) -> (Vec<u8>, bool) {
        let policy = StandardPolicy::new();
        let opener = Opener {
            key,
            compressed: false,
        };
        let builder = DecryptorBuilder::from_bytes(message).unwrap();
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
            let message = sealed(&key, b"mail", Compression::Zlib);
            assert_eq!(opened(&key, &message).0, b"mail");
            let to = recipient(&key);
            let body = seal(&to, &b"mail"[..], Compression::Zlib, &mut in_memory).unwrap();
            assert_eq!(body.bind(&place).is_some(), proven);
        }
    }

    #[test]
    fn mails_on_both_sides_of_every_windows_border_are_compressed_and_come_back() {
        let key = key();
        let lines = (0..40_000_u32).flat_map(|n| format!("line {n}\r\n").into_bytes());
        let text: Vec<u8> = lines.collect();
        for border in [0x2000, 0x4000, 300_000] {
            for length in [border - 1, border, border + 1] {
                let (mail, _) = text.split_at(length);
                let (read, compressed) = opened(&key, &sealed(&key, mail, Compression::Zlib));
                assert!(read == mail && compressed, "{length} bytes");
            }
        }
    }

    #[test]
    fn a_message_is_one_session_key_packet_and_one_encrypted_packet() {
        for length in [4, 3_000_000] {
            let message = sealed(&key(), &vec![b'm'; length], Compression::None);
            assert_eq!(tags(&message), [(1, Some(3)), (18, Some(1))]);
        }
    }

    fn tags(message: &[u8]) -> Vec<(u8, Option<u8>)> {
        let mut tags = Vec::new();
        let mut next = PacketParser::from_bytes(message).unwrap();
        while let PacketParserResult::Some(pp) = next {
            tags.push((u8::from(pp.packet.tag()), pp.packet.version()));
            next = pp.next().unwrap().1;
        }
        tags
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
        assert!(!compressed(&vec![b'a'; 10_000]));
        assert!(!opened(&key, &sealed(&key, &text, Compression::None)).1);
    }

    #[test]
    fn a_mail_is_the_same_on_both_sides_of_the_first_buffer_and_of_memory() {
        let key = key();
        let (first, memory) = (1024 * 1024, 8 * 1024 * 1024);
        for length in [first - 1, first, first + 1, memory, memory + 70_000] {
            let mut state = 7_u32;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            };
            let mail: Vec<u8> = (0..length).map(|_| next()).collect();
            for compression in [Compression::Zlib, Compression::None] {
                let (read, _) = opened(&key, &sealed(&key, &mail, compression));
                assert!(read == mail, "{length} bytes, {compression:?}");
            }
        }
    }

    #[test]
    fn a_long_mail_shrinks_and_never_beyond_the_readers_limit() {
        let key = key();
        let line = vec![b'a'; 20_000_000];
        let message = sealed(&key, &line, Compression::Zlib);
        assert!(message.len() * 30 < line.len() && line.len() < message.len() * 100);
        let (read, compressed) = opened(&key, &message);
        assert!(read == line && compressed);
    }

    #[test]
    fn a_spool_that_is_full_is_told_apart_from_a_mail_that_breaks_off() {
        let mail = io::repeat(b'm').take(9_000_000);
        let mut full = || Err(io::ErrorKind::StorageFull.into());
        let error = seal(&recipient(&key()), mail, Compression::None, &mut full).unwrap_err();
        assert!(matches!(error, EncryptError::Keep(_)), "{error}");
    }

    #[test]
    fn a_mail_that_breaks_off_is_not_sealed() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("pipe broke"))
            }
        }
        let longer_than_the_first_buffer = io::repeat(b'm').take(2_000_000);
        let broken: [Box<dyn Read>; 2] = [
            Box::new(Broken),
            Box::new(longer_than_the_first_buffer.chain(Broken)),
        ];
        for mail in broken {
            let to = recipient(&key());
            let error = seal(&to, mail, Compression::Zlib, &mut in_memory).unwrap_err();
            assert!(matches!(error, EncryptError::Read(_)), "{error}");
            assert!(error.to_string().ends_with("pipe broke"), "{error}");
        }
    }
}
