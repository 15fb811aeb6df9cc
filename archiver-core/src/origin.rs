//! The origin proof: that who wrote a record made its ephemeral key himself, for this record at this place (docs/format.md §7.4).
//!
//! Custodians who open a message without putting the key together compute d·R from the R that stands in the record. Whoever can append
//! a record could take the R of an old mail, blind it (R* = R + ρ·B), and have that mail opened under the name of his own record: d·R = d·R* − ρ·d·B.
//! So a record proves that its writer knew the logarithm r of R, in the manner of TDH2 (Shoup and Gennaro, J. Cryptology 15, 2002) with the proof
//! of RFC 9381 §5. Nobody knows r + ρ but who knows r, which is gone when the hook ends; and a proof taken from another record does not
//! fit, because the challenge hashes the archive, the place and both parts of the message. R̄, the same r times a second base, is what TDH2 adds to a
//! plain proof of knowledge: with it the security proof needs no rewinding.
//!
//! What a proof does not say: that the record was made by an honest hook. Anybody can make a new record with a good proof, of a mail that he
//! knows.

use data_encoding::BASE64;
use sha2::{Digest as _, Sha512};
use thiserror::Error;

use crate::field::Point;
use crate::field::ephemeral::{Commitments, EphemeralSecret, Prover};
use crate::identity::Fingerprint;
use crate::openpgp::session_key::ClearPart;
use crate::secret::NoRandomness;
use crate::vault::leaf::{BodyDigests, Place, one_text_form};
use crate::vault::read::MessageFacts;

const LABEL: &[u8] = b"archiver v1 origin\0";

/// A proof as it stands in a record's header, good or not: R̄ (32 bytes), challenge (16), answer (32).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OriginProof(pub [u8; 80]);

one_text_form!(OriginProof, BASE64, "padded base64");

impl OriginProof {
    fn new(twin: &[u8; 32], challenge: &[u8; 16], answer: &[u8; 32]) -> Self {
        let mut proof = [0; 80];
        let bytes = twin.iter().chain(challenge).chain(answer);
        for (to, from) in proof.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(proof)
    }

    /// R̄, challenge and answer.
    fn parts(&self) -> Option<(&[u8; 32], &[u8; 16], &[u8; 32])> {
        let (twin, rest) = self.0.split_first_chunk()?;
        let (challenge, answer) = rest.split_first_chunk()?;
        Some((twin, challenge, answer.try_into().ok()?))
    }
}

/// The archive that a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveFingerprints {
    /// Of the primary key: the archive's name.
    pub primary: Fingerprint,
    /// Of the encryption subkey.
    pub encryption: Fingerprint,
}

/// The ephemeral key of a message whose session-key packet is written. Secret; wiped when dropped.
#[derive(Debug)]
pub struct Ephemeral {
    secret: EphemeralSecret,
    archive: ArchiveFingerprints,
}

impl Ephemeral {
    pub(crate) fn new(secret: EphemeralSecret, archive: ArchiveFingerprints) -> Self {
        Self { secret, archive }
    }

    /// Does all of a proof that does not depend on the record's place, once the message is complete.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn prepare(self, body: &BodyDigests) -> Result<Unbound, NoRandomness> {
        let hedge = [&body.session_keys[..], &body.rest];
        let (prover, commitments) = self.secret.begin_proof(&hedge)?;
        Ok(Unbound {
            prover,
            commitments,
            archive: self.archive,
            body: *body,
        })
    }
}

/// A proof that lacks nothing but the record's place. Secret; wiped when dropped. It becomes one proof, for one place: binding
/// consumes it, because two proofs with one nonce would give the mail away.
#[derive(Debug)]
pub struct Unbound {
    prover: Prover,
    commitments: Commitments,
    archive: ArchiveFingerprints,
    body: BodyDigests,
}

impl Unbound {
    /// The proof for a record at this place. It costs a hash and a multiplication of numbers, so it can be made under the vault's lock.
    #[must_use]
    pub fn bind(self, place: &Place) -> OriginProof {
        let challenge = challenge(&self.archive, &self.commitments, place, &self.body);
        let answer = self.prover.answer(&challenge);
        OriginProof::new(&self.commitments.twin, &challenge, &answer)
    }
}

/// Why a proof is not good.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OriginError {
    /// The session-key packets are not the one packet of a record that can have a proof.
    #[error("its session-key packet is not one that our own writer makes for this archive's key")]
    SessionKeyPacket,
    /// The ephemeral point is none that an honest writer makes.
    #[error("its ephemeral point is not a point of prime order")]
    EphemeralPoint,
    /// The proof's bytes are no point of prime order and no number below the order.
    #[error("the proof's bytes are malformed")]
    Malformed,
    /// The message has other packets between its session-key packet and its content.
    #[error(
        "other packets stand between its session-key packet and its content, where further session keys can hide"
    )]
    HiddenPackets,
    /// The proof is of another record, or of none.
    #[error("the proof does not belong to this record")]
    Wrong,
}

/// Whether whoever wrote a record for this archive at this place made its ephemeral key himself.
///
/// `session_keys` are the message's session-key packets, `rest` is the SHA-256 of everything after them.
///
/// # Errors
/// [`OriginError`], when the proof is not good: the record may serve to have another message opened.
pub fn verify(
    archive: &ArchiveFingerprints,
    place: &Place,
    session_keys: &[u8],
    rest: &[u8; 32],
    proof: &OriginProof,
) -> Result<(), OriginError> {
    let packet = ClearPart::of(session_keys)
        .filter(|packet| packet.is_for(&archive.encryption))
        .ok_or(OriginError::SessionKeyPacket)?;
    let point = Point::from_x25519(packet.ephemeral).map_err(|_| OriginError::EphemeralPoint)?;
    let (twin, claimed, answer) = proof.parts().ok_or(OriginError::Malformed)?;
    let commitments =
        Commitments::recomputed(&point, twin, claimed, answer).ok_or(OriginError::Malformed)?;
    let body = BodyDigests::with_rest(session_keys, *rest);
    if challenge(archive, &commitments, place, &body) == *claimed {
        Ok(())
    } else {
        Err(OriginError::Wrong)
    }
}

/// [`verify`] for a record that was read. Only the R that this proves may be used to open the record, whatever else stands in its message.
///
/// # Errors
/// [`OriginError`]; also when something stands between the session-key packet and the content: a program that opens the record might take a further
/// session-key packet there for the proven one.
pub fn verify_record(
    archive: &ArchiveFingerprints,
    place: &Place,
    session_keys: &[u8],
    message: &MessageFacts,
    proof: &OriginProof,
) -> Result<(), OriginError> {
    if !message.content_follows {
        return Err(OriginError::HiddenPackets);
    }
    verify(archive, place, session_keys, &message.digests.rest, proof)
}

/// The first 16 bytes of SHA-512 over everything that the proof binds.
fn challenge(
    archive: &ArchiveFingerprints,
    points: &Commitments,
    place: &Place,
    body: &BodyDigests,
) -> [u8; 16] {
    let mut hash = Sha512::new().chain_update(LABEL);
    for fingerprint in [&archive.primary, &archive.encryption] {
        // Its length, 20 or 32, and itself.
        let length = u8::try_from(fingerprint.as_bytes().len()).unwrap_or(u8::MAX);
        hash.update([length]);
        hash.update(fingerprint.as_bytes());
    }
    let Commitments {
        point,
        twin,
        nonce,
        nonce_twin,
    } = points;
    for point in [point, twin, nonce, nonce_twin] {
        hash.update(point);
    }
    let hash = hash.chain_update(place.bytes(body)).finalize();
    hash.first_chunk().copied().unwrap_or_default()
}
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::field::ephemeral::SECOND_BASE_ENCODED;
    use crate::identity::UtcTime;
    use crate::secret::assert_not_impl;
    use crate::vault::leaf::{LeafHash, LogId};

    assert_not_impl!(Ephemeral: Clone, PartialEq, std::fmt::Display, serde::Serialize);
    assert_not_impl!(Unbound: Clone, PartialEq, std::fmt::Display, serde::Serialize);

    /// A field of `testdata/origin.txt`.
    fn field(name: &str) -> Vec<u8> {
        let mut lines = include_str!("../testdata/origin.txt").lines();
        let prefix = format!("{name}: ");
        let value = lines.find_map(|line| line.strip_prefix(&prefix)).unwrap();
        data_encoding::HEXLOWER.decode(value.as_bytes()).unwrap()
    }

    fn array<const N: usize>(name: &str) -> [u8; N] {
        field(name).try_into().unwrap()
    }

    fn archive() -> ArchiveFingerprints {
        ArchiveFingerprints {
            primary: Fingerprint::V4(array("primary")),
            encryption: Fingerprint::V4(array("encryption")),
        }
    }

    fn place() -> Place {
        Place {
            log: LogId(array("log")),
            seq: u64::from_be_bytes(array("seq")),
            time: UtcTime::from_unix(i64::from_be_bytes(array("time"))).unwrap(),
            prev: LeafHash(array("prev")),
        }
    }

    /// Frozen vector: made by `testdata/origin.py` with Python's integers alone, never by this code.
    #[test]
    fn the_proof_is_the_one_that_python_makes() {
        assert_eq!(SECOND_BASE_ENCODED, array("second base"));
        let packet = field("session-key packet");
        let body = BodyDigests::of(&packet, &field("remaining packets"));
        let secret = EphemeralSecret::from_eighth(&array("r/8")).unwrap();
        assert_eq!(secret.point().to_bytes(), array("R"));
        let ephemeral = ClearPart::of(&packet).unwrap().ephemeral;
        assert_eq!(*ephemeral, secret.point().x25519_public_key());

        let (prover, commitments) = secret.begin_proof_with(&array("t")).unwrap();
        assert_eq!(commitments.nonce, array("A"));
        assert_eq!(commitments.nonce_twin, array("A twin"));
        let unbound = Unbound {
            prover,
            commitments,
            archive: archive(),
            body,
        };
        let proof = OriginProof(array("proof"));
        assert_eq!(unbound.bind(&place()), proof);
        let verified = verify(&archive(), &place(), &packet, &body.rest, &proof);
        assert_eq!(verified, Ok(()));
    }

    #[test]
    fn a_fingerprint_does_not_run_into_the_next_one() {
        let secret = EphemeralSecret::random().unwrap();
        let (_, commitments) = secret.begin_proof(&[]).unwrap();
        let body = BodyDigests::of(b"", b"");
        let with = |primary, encryption| {
            let archive = ArchiveFingerprints {
                primary,
                encryption,
            };
            challenge(&archive, &commitments, &place(), &body)
        };
        let (short, long) = (Fingerprint::V4([1; 20]), Fingerprint::V6([1; 32]));
        assert_ne!(with(short, long), with(long, short));
    }
}
