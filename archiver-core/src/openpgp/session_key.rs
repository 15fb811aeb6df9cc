//! The session-key packet of our own messages: PKESK version 3 for a version 4 Cv25519 subkey (RFC 4880 §5.1, RFC 6637), byte
//! for byte what GnuPG and Sequoia make.
//!
//! We write it ourselves for two reasons: the ephemeral secret must be ours, so that the record can carry an origin proof; and
//! a mail can be encrypted without parsing a certificate. Other keys than Cv25519 are refused here; such archives have no origin proofs.

use aes::cipher::typenum::U40;
use aes::cipher::{Array, KeyInit as _};
use aes_kw::{KwAes128, KwAes192, KwAes256};
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::field::ephemeral::{EphemeralSecret, PeerKey};
use crate::identity::Fingerprint;
use crate::origin::{ArchiveFingerprints, Ephemeral};
use crate::secret::{NoRandomness, SecretBytes};

const VERSION: u8 = 3;
const ECDH: u8 = 18;
const AES_256: u8 = 9;

/// The packet's header and its body's length (RFC 4880 §4.2, new format).
const HEAD: [u8; 2] = [0b1100_0001, 94];

/// The length of the MPI that holds the ephemeral point, 263 bits, and the prefix of such points (RFC 6637 §6, RFC 9580 §11.2).
const POINT_PREFIX: [u8; 3] = [0x01, 0x07, 0x40];

/// The length of its body, and the object identifier 1.3.6.1.4.1.3029.1.5.1 of Cv25519.
const CURVE: [u8; 11] = [
    10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01,
];

/// What the session key is padded to, and what it is then wrapped to.
const PADDED: usize = 40;
const WRAPPED: u8 = 48;

/// The length of the whole packet.
const PACKET: usize = 96;

/// How a subkey derives the key that wraps session keys (RFC 6637 §9): both numbers stand in the subkey itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfParameters {
    hash: KdfHash,
    cipher: WrapCipher,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KdfHash {
    Sha256 = 8,
    Sha384 = 9,
    Sha512 = 10,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WrapCipher {
    Aes128 = 7,
    Aes192 = 8,
    Aes256 = 9,
}

impl KdfParameters {
    /// Takes the numbers of hash (RFC 4880 §9.4) and cipher (§9.2); `None` for any but SHA-256, SHA-384, SHA-512 and AES.
    #[must_use]
    pub fn from_numbers(hash: u8, cipher: u8) -> Option<Self> {
        let hash = match hash {
            8 => KdfHash::Sha256,
            9 => KdfHash::Sha384,
            10 => KdfHash::Sha512,
            _ => return None,
        };
        let cipher = match cipher {
            7 => WrapCipher::Aes128,
            8 => WrapCipher::Aes192,
            9 => WrapCipher::Aes256,
            _ => return None,
        };
        Some(Self { hash, cipher })
    }

    /// The numbers of hash and cipher.
    #[must_use]
    pub fn numbers(self) -> [u8; 2] {
        [self.hash as u8, self.cipher as u8]
    }
}

/// The encryption subkey to which session keys are wrapped. It needs no certificate at hand.
#[derive(Clone, Copy)]
pub struct Recipient {
    archive: ArchiveFingerprints,
    fingerprint: [u8; 20],
    public_key: PeerKey,
    kdf: KdfParameters,
}

/// Why a subkey does not serve as a [`Recipient`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RecipientError {
    /// Not a version 4 key.
    #[error("the encryption subkey {0} is no version 4 key")]
    Version(Fingerprint),
    /// Nobody can decrypt what is encrypted to such a key.
    #[error(
        "the public key of the encryption subkey {0} is no point of Curve25519, or one of small order"
    )]
    PublicKey(Fingerprint),
}

impl Recipient {
    /// A version 4 Cv25519 subkey, named by its archive's fingerprints, with its X25519 public key (RFC 7748 §5, 32 bytes, little endian).
    ///
    /// # Errors
    /// When the subkey is not of version 4, or no secret can be shared with its public key.
    pub fn new(
        archive: ArchiveFingerprints,
        x25519_public: &[u8; 32],
        kdf: KdfParameters,
    ) -> Result<Self, RecipientError> {
        let Fingerprint::V4(fingerprint) = archive.encryption else {
            return Err(RecipientError::Version(archive.encryption));
        };
        let public_key = PeerKey::from_x25519(x25519_public)
            .ok_or(RecipientError::PublicKey(archive.encryption))?;
        Ok(Self {
            archive,
            fingerprint,
            public_key,
            kdf,
        })
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipient")
            .field("archive", &self.archive)
            .field("kdf", &self.kdf)
            .finish_non_exhaustive()
    }
}

/// Wraps an AES-256 session key for the recipient with a fresh ephemeral key. Returns the whole packet, and the ephemeral key of which the
/// record's origin proof will be made.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn wrap(
    recipient: &Recipient,
    session_key: &SecretBytes<32>,
) -> Result<(Vec<u8>, Ephemeral), NoRandomness> {
    let secret = EphemeralSecret::random()?;
    let shared = secret.shared_with(&recipient.public_key);
    let wrapped = wrapped(recipient, &shared, session_key);
    let packet = [
        &HEAD[..],
        &[VERSION],
        key_id(&recipient.fingerprint),
        &[ECDH],
        &POINT_PREFIX,
        &secret.point().x25519_public_key(),
        &[WRAPPED],
        &wrapped,
    ]
    .concat();
    Ok((packet, Ephemeral::new(secret, recipient.archive)))
}

/// What our own session-key packet says in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClearPart<'a> {
    key_id: &'a [u8; 8],
    /// The ephemeral point's u-coordinate.
    pub(crate) ephemeral: &'a [u8; 32],
}

impl<'a> ClearPart<'a> {
    /// Reads exactly one packet in exactly the form that [`wrap`] writes.
    pub(crate) fn of(packets: &'a [u8]) -> Option<Self> {
        let packet: &[u8; PACKET] = packets.try_into().ok()?;
        let (head, packet) = packet.split_first_chunk::<3>()?;
        let (key_id, packet) = packet.split_first_chunk::<8>()?;
        let (before_point, packet) = packet.split_first_chunk::<4>()?;
        let (ephemeral, packet) = packet.split_first_chunk::<32>()?;
        let [p0, p1, p2] = POINT_PREFIX;
        let is_ours = head.starts_with(&HEAD)
            && head.ends_with(&[VERSION])
            && *before_point == [ECDH, p0, p1, p2]
            && packet.starts_with(&[WRAPPED]);
        is_ours.then_some(Self { key_id, ephemeral })
    }

    /// Whether the packet names the key with that fingerprint.
    pub(crate) fn is_for(&self, key: &Fingerprint) -> bool {
        matches!(key, Fingerprint::V4(fingerprint) if key_id(fingerprint) == self.key_id)
    }
}

/// The last 8 bytes of a version 4 fingerprint (RFC 4880 §12.2).
fn key_id(fingerprint: &[u8; 20]) -> &[u8] {
    let (_, id) = fingerprint.split_at(12);
    id
}

/// RFC 6637 §8: the session key, wrapped (RFC 3394) with a key derived from the shared secret.
fn wrapped(
    recipient: &Recipient,
    shared: &SecretBytes<32>,
    session_key: &SecretBytes<32>,
) -> [u8; WRAPPED as usize] {
    let padded = padded(session_key);
    let padded: &Array<u8, U40> = padded.expose_bytes().into();
    match recipient.kdf.cipher {
        WrapCipher::Aes128 => {
            let key = derived::<16>(recipient, shared);
            KwAes128::new(key.expose_bytes().into()).wrap_fixed_key(padded)
        }
        WrapCipher::Aes192 => {
            let key = derived::<24>(recipient, shared);
            KwAes192::new(key.expose_bytes().into()).wrap_fixed_key(padded)
        }
        WrapCipher::Aes256 => {
            let key = derived::<32>(recipient, shared);
            KwAes256::new(key.expose_bytes().into()).wrap_fixed_key(padded)
        }
    }
    .into()
}

/// Algorithm, key, sum of the key's bytes (RFC 4880 §5.1), and padding up to 40 bytes (RFC 6637 §8).
fn padded(session_key: &SecretBytes<32>) -> SecretBytes<PADDED> {
    const PADDING: [u8; 5] = [5; 5];
    let key = session_key.expose_bytes();
    let sum = key
        .iter()
        .fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    let sum = sum.to_be_bytes();
    let bytes = [AES_256]
        .into_iter()
        .chain(key.iter().copied())
        .chain(sum)
        .chain(PADDING);
    SecretBytes::filled_by(|padded| {
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = from;
        }
    })
}

/// RFC 6637 §7: the first `N` bytes of Hash(00 00 00 01 ‖ shared secret ‖ Param). Every hash of ours gives at least 32.
fn derived<const N: usize>(recipient: &Recipient, shared: &SecretBytes<32>) -> SecretBytes<N> {
    let parameters = kdf_parameters(recipient);
    match recipient.kdf.hash {
        KdfHash::Sha256 => start_of_hash::<Sha256, N>(shared, &parameters),
        KdfHash::Sha384 => start_of_hash::<Sha384, N>(shared, &parameters),
        KdfHash::Sha512 => start_of_hash::<Sha512, N>(shared, &parameters),
    }
}

fn start_of_hash<D: Digest, const N: usize>(
    shared: &SecretBytes<32>,
    parameters: &[u8],
) -> SecretBytes<N> {
    let hash = D::new()
        .chain_update(1_u32.to_be_bytes())
        .chain_update(shared.expose_bytes())
        .chain_update(parameters)
        .finalize();
    SecretBytes::filled_by(|key| {
        for (to, from) in key.iter_mut().zip(hash) {
            *to = from;
        }
    })
}

/// Param of RFC 6637 §8.
fn kdf_parameters(recipient: &Recipient) -> Vec<u8> {
    /// The length of what follows, and a reserved 1 (RFC 6637 §9).
    const KDF_FIELD: [u8; 2] = [3, 1];
    [
        &CURVE[..],
        &[ECDH],
        &KDF_FIELD,
        &recipient.kdf.numbers(),
        b"Anonymous Sender    ",
        &recipient.fingerprint,
    ]
    .concat()
}
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use sequoia_openpgp as openpgp;

    use openpgp::crypto::mpi::{PublicKey, SecretKeyMaterial};
    use openpgp::crypto::{KeyPair, SessionKey};
    use openpgp::packet::key::{Key4, SecretParts, SubordinateRole};
    use openpgp::packet::{Key, PKESK, Packet};
    use openpgp::parse::{PacketParser, PacketParserResult, Parse as _};
    use openpgp::types::{Curve, HashAlgorithm, SymmetricAlgorithm};

    use super::*;
    use crate::field::X25519Secret;

    const HASHES: [u8; 3] = [8, 9, 10];
    const CIPHERS: [u8; 3] = [7, 8, 9];

    /// A subkey with these parameters, as Sequoia has it, and as we have it.
    fn subkey(hash: u8, cipher: u8) -> (Key<SecretParts, SubordinateRole>, Recipient) {
        let secret = X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes());
        let public = secret.public_key();
        let mut scalar = secret.expose_secret().expose_bytes().to_vec();
        scalar.reverse();
        let key: Key4<SecretParts, SubordinateRole> = Key4::with_secret(
            std::time::UNIX_EPOCH,
            openpgp::types::PublicKeyAlgorithm::ECDH,
            PublicKey::ECDH {
                curve: Curve::Cv25519,
                q: openpgp::crypto::mpi::MPI::new_compressed_point(&public),
                hash: HashAlgorithm::from(hash),
                sym: SymmetricAlgorithm::from(cipher),
            },
            SecretKeyMaterial::ECDH {
                scalar: scalar.into(),
            }
            .into(),
        )
        .unwrap();
        let fingerprint = Fingerprint::from_bytes(key.fingerprint().as_bytes()).unwrap();
        let recipient = Recipient::new(
            archive(fingerprint),
            &public,
            KdfParameters::from_numbers(hash, cipher).unwrap(),
        );
        (key.into(), recipient.unwrap())
    }

    fn archive(encryption: Fingerprint) -> ArchiveFingerprints {
        ArchiveFingerprints {
            primary: Fingerprint::V4([1; 20]),
            encryption,
        }
    }

    fn parsed(packet: &[u8]) -> PKESK {
        let PacketParserResult::Some(parser) = PacketParser::from_bytes(packet).unwrap() else {
            unreachable!("a packet")
        };
        match parser.next().unwrap() {
            (Packet::PKESK(pkesk), PacketParserResult::EOF(_)) => pkesk,
            other => unreachable!("one session-key packet: {other:?}"),
        }
    }

    #[test]
    fn sequoia_unwraps_what_was_wrapped_with_every_kdf_parameter() {
        for (hash, cipher) in HASHES.into_iter().flat_map(|h| CIPHERS.map(|c| (h, c))) {
            let (key, recipient) = subkey(hash, cipher);
            let session_key = SecretBytes::random().unwrap();
            let (packet, _) = wrap(&recipient, &session_key).unwrap();
            let PKESK::V3(pkesk) = parsed(&packet) else {
                unreachable!("version 3")
            };
            let key = key.role_into_unspecified();
            let mut pair: KeyPair = key.into_keypair().unwrap();
            let (algorithm, unwrapped) = pkesk.decrypt(&mut pair, None).unwrap();
            assert_eq!(algorithm, SymmetricAlgorithm::AES256);
            let expected = SessionKey::from(&session_key.expose_bytes()[..]);
            assert_eq!(unwrapped, expected, "hash {hash}, cipher {cipher}");
        }
    }

    #[test]
    fn the_packet_is_the_one_that_sequoia_writes_back() {
        use openpgp::serialize::SerializeInto as _;
        let (_, recipient) = subkey(8, 7);
        for _ in 0..32 {
            let (packet, _) = wrap(&recipient, &SecretBytes::random().unwrap()).unwrap();
            let written = Packet::from(parsed(&packet)).to_vec().unwrap();
            assert_eq!(written, packet);
        }
    }

    #[test]
    fn a_packet_of_ours_is_read_and_any_other_is_not() {
        let (_, recipient) = subkey(8, 7);
        let (packet, _) = wrap(&recipient, &SecretBytes::random().unwrap()).unwrap();
        let clear = ClearPart::of(&packet).unwrap();
        assert!(clear.is_for(&recipient.archive.encryption));
        assert!(!clear.is_for(&Fingerprint::V4([0; 20])));
        assert!(!clear.is_for(&Fingerprint::V6([0; 32])));
        for frame in [0, 1, 2, 11, 12, 13, 14, 47] {
            let mut other = packet.clone();
            other[frame] ^= 1;
            assert_eq!(ClearPart::of(&other), None, "byte {frame}");
        }
        let twice = [packet.clone(), packet.clone()].concat();
        for other in [&packet[..95], &twice, b""] {
            assert_eq!(ClearPart::of(other), None);
        }
    }

    #[test]
    fn what_cannot_be_a_recipient_is_refused() {
        let kdf = KdfParameters::from_numbers(8, 7).unwrap();
        let of =
            |encryption, public: &[u8; 32]| Recipient::new(archive(encryption), public, kdf).err();
        let (v4, v6) = (Fingerprint::V4([2; 20]), Fingerprint::V6([2; 32]));
        assert_eq!(of(v6, &[9; 32]), Some(RecipientError::Version(v6)));
        assert_eq!(of(v4, &[0; 32]), Some(RecipientError::PublicKey(v4)));
        assert_eq!(of(v4, &[2; 32]), Some(RecipientError::PublicKey(v4)));
        for (hash, cipher) in [(2, 7), (11, 7), (8, 2), (8, 10)] {
            assert_eq!(KdfParameters::from_numbers(hash, cipher), None);
        }
        assert_eq!(kdf.numbers(), [8, 7]);
    }
}
