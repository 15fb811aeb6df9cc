//! The ephemeral secret r of one message: the key agreement that it is made for, and the proof that its owner knew it.
//!
//! The proof is one of equal discrete logarithms, R = r·B and R̄ = r·Ḡ for one r (Chaum and Pedersen 1992; in this form RFC 9381 §5). What the
//! challenge binds is for [`crate::origin`] to say. A secret answers one challenge: the answer consumes it, because two answers with one nonce
//! give r away.

use std::fmt;
use std::sync::LazyLock;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroize as _;

use super::{Point, SecretScalar};
use crate::secret::{NoRandomness, SecretBytes};

const NONCE_LABEL: &[u8] = b"archiver v1 origin nonce\0";

/// What the second base Ḡ is the hash of (RFC 9380, suite `edwards25519_XMD:SHA-512_ELL2_RO_`): message, domain separation tag.
const SECOND_BASE_LABEL: (&[u8], &[u8]) = (
    b"second base",
    b"archiver-v1-origin-with-edwards25519_XMD:SHA-512_ELL2_RO_",
);

/// Ḡ, so that it need not be hashed each time.
pub(crate) const SECOND_BASE_ENCODED: [u8; 32] = [
    0x74, 0x17, 0x46, 0xd6, 0xa4, 0x8a, 0xb3, 0x5a, 0x6d, 0x4b, 0xc7, 0x89, 0x2b, 0xc3, 0x21, 0x69,
    0xba, 0xbd, 0x3e, 0x67, 0x7b, 0xe9, 0x8e, 0x1b, 0xb4, 0x27, 0xb2, 0x6d, 0x17, 0xf1, 0x5d, 0x40,
];

/// A point whose logarithm to the base B nobody knows.
static SECOND_BASE: LazyLock<EdwardsPoint> = LazyLock::new(|| {
    let point = CompressedEdwardsY(SECOND_BASE_ENCODED).decompress();
    point.unwrap_or_else(hashed_second_base)
});

fn hashed_second_base() -> EdwardsPoint {
    let (message, tag) = SECOND_BASE_LABEL;
    EdwardsPoint::hash_to_curve::<Sha512>(&[message], &[tag])
}

/// Another's X25519 public key, for a key agreement.
#[derive(Clone, Copy)]
pub(crate) struct PeerKey {
    /// Eight times the point: free of small-order components, as the ladder of RFC 7748 makes it.
    eightfold: EdwardsPoint,
}

impl PeerKey {
    /// Reads a u-coordinate; `None` when it is not on the curve or of small order, so that no secret can be shared with it.
    pub(crate) fn from_x25519(public_key: &[u8; 32]) -> Option<Self> {
        // Either sign: it does not show in a u-coordinate.
        let eightfold = MontgomeryPoint(*public_key)
            .to_edwards(0)?
            .mul_by_cofactor();
        (!eightfold.is_identity()).then_some(Self { eightfold })
    }
}

/// The secret r of one message, uniform mod ℓ but for its sign: R = r·B has the sign bit 0, so that its u-coordinate names it.
pub(crate) struct EphemeralSecret {
    /// r/8: times eight times a point, that is r times the point without its small-order component.
    eighth: SecretScalar,
    point: Point,
}

impl EphemeralSecret {
    /// Draws r from the operating system's generator.
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        loop {
            let wide = SecretBytes::<64>::random()?;
            let eighth = Scalar::from_bytes_mod_order_wide(wide.expose_bytes());
            if let Some(secret) = Self::of(SecretScalar(Box::new(eighth))) {
                return Ok(secret);
            }
        }
    }

    /// `None` for 0.
    fn of(eighth: SecretScalar) -> Option<Self> {
        let point = EdwardsPoint::mul_base(&eighth.0).mul_by_cofactor();
        let is_negative = point.compress().as_bytes()[31] >> 7 == 1;
        let (eighth, point) = if is_negative {
            (eighth.negated(), -point)
        } else {
            (eighth, point)
        };
        (!point.is_identity()).then_some(Self {
            eighth,
            point: Point(point),
        })
    }

    /// R = r·B.
    pub(crate) fn point(&self) -> &Point {
        &self.point
    }

    /// The secret shared with another, as X25519 gives it (RFC 7748 §6.1).
    pub(crate) fn shared_with(&self, peer: &PeerKey) -> SecretBytes<32> {
        let mut shared = (peer.eightfold * *self.eighth.0).to_montgomery();
        let secret = SecretBytes::filled_by(|bytes| bytes.copy_from_slice(shared.as_bytes()));
        shared.zeroize();
        secret
    }

    /// Begins a proof. The nonce comes from the operating system's generator and from r and `hedge`: when the generator repeats itself,
    /// as in a copied virtual machine, other words to prove still get another nonce.
    pub(crate) fn begin_proof(
        self,
        hedge: &[&[u8]],
    ) -> Result<(Prover, Commitments), NoRandomness> {
        let nonce = self.nonce(&SecretBytes::random()?, hedge);
        Ok(self.begin_with(nonce))
    }

    fn nonce(&self, fresh: &SecretBytes<32>, hedge: &[&[u8]]) -> SecretScalar {
        let mut hash = Sha512::new()
            .chain_update(NONCE_LABEL)
            .chain_update(self.eighth.0.as_bytes())
            .chain_update(fresh.expose_bytes());
        for words in hedge {
            hash.update(words);
        }
        let wide = SecretBytes::<64>::filled_by(|wide| wide.copy_from_slice(&hash.finalize()));
        SecretScalar(Box::new(Scalar::from_bytes_mod_order_wide(
            wide.expose_bytes(),
        )))
    }

    fn begin_with(self, nonce: SecretScalar) -> (Prover, Commitments) {
        let Self { eighth, point } = self;
        let secret = SecretScalar(Box::new(*eighth.0 * Scalar::from(8_u8)));
        let commitments = Commitments::of(&[
            point.0,
            *SECOND_BASE * *secret.0,
            EdwardsPoint::mul_base(&nonce.0),
            *SECOND_BASE * *nonce.0,
        ]);
        (Prover { secret, nonce }, commitments)
    }
}

impl fmt::Debug for EphemeralSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EphemeralSecret(<redacted>)")
    }
}

/// The points that a challenge is made of, compressed: R = r·B, R̄ = r·Ḡ, A = t·B, Ā = t·Ḡ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commitments {
    /// R.
    pub(crate) point: [u8; 32],
    /// R̄.
    pub(crate) twin: [u8; 32],
    /// A.
    pub(crate) nonce: [u8; 32],
    /// Ā.
    pub(crate) nonce_twin: [u8; 32],
}

impl Commitments {
    /// Computes A and Ā from an answer to a challenge: A = s·B − c·R, Ā = s·Ḡ − c·R̄. `None` when `twin` is not a point of prime order or
    /// the answer not a canonical scalar.
    pub(crate) fn recomputed(
        point: &Point,
        twin: &[u8; 32],
        challenge: &[u8; 16],
        answer: &[u8; 32],
    ) -> Option<Self> {
        let twin = Point::from_bytes(twin).ok()?;
        let answer = Option::<Scalar>::from(Scalar::from_canonical_bytes(*answer))?;
        let minus_challenge = -scalar(challenge);
        let nonce =
            EdwardsPoint::vartime_double_scalar_mul_basepoint(&minus_challenge, &point.0, &answer);
        let nonce_twin = EdwardsPoint::vartime_multiscalar_mul(
            [answer, minus_challenge],
            [*SECOND_BASE, twin.0],
        );
        Some(Self::of(&[point.0, twin.0, nonce, nonce_twin]))
    }

    fn of(points: &[EdwardsPoint; 4]) -> Self {
        let [point, twin, nonce, nonce_twin] =
            EdwardsPoint::compress_batch(points).map(|point| point.to_bytes());
        Self {
            point,
            twin,
            nonce,
            nonce_twin,
        }
    }
}

/// Can answer one challenge.
pub(crate) struct Prover {
    secret: SecretScalar,
    nonce: SecretScalar,
}

impl Prover {
    /// s = t + c·r.
    pub(crate) fn answer(self, challenge: &[u8; 16]) -> [u8; 32] {
        (*self.nonce.0 + scalar(challenge) * *self.secret.0).to_bytes()
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover(<redacted>)")
    }
}

/// A challenge is an integer of 128 bits, least significant byte first.
fn scalar(challenge: &[u8; 16]) -> Scalar {
    Scalar::from(u128::from_le_bytes(*challenge))
}
#[cfg(test)]
impl EphemeralSecret {
    /// The secret with this r/8, for vectors.
    pub(crate) fn from_eighth(eighth: &[u8; 32]) -> Option<Self> {
        Self::of(SecretScalar::from_canonical_bytes(eighth)?)
    }

    /// Begins a proof with this nonce, for vectors.
    pub(crate) fn begin_proof_with(self, nonce: &[u8; 32]) -> Option<(Prover, Commitments)> {
        Some(self.begin_with(SecretScalar::from_canonical_bytes(nonce)?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use curve25519_dalek::constants::EIGHT_TORSION;

    use super::*;
    use crate::field::X25519Secret;
    use crate::secret::assert_not_impl;

    assert_not_impl!(EphemeralSecret: Clone, PartialEq, fmt::Display, serde::Serialize);
    assert_not_impl!(Prover: Clone, PartialEq, fmt::Display, serde::Serialize);

    const CHALLENGE: [u8; 16] = [7; 16];

    /// A proof's R, R̄ and answer to [`CHALLENGE`], and the points that were committed to.
    fn proof() -> (Point, Commitments, [u8; 32]) {
        let secret = EphemeralSecret::random().unwrap();
        let point = *secret.point();
        let (prover, commitments) = secret.begin_proof(&[]).unwrap();
        (point, commitments, prover.answer(&CHALLENGE))
    }

    #[test]
    fn the_second_base_is_the_hash_of_its_label() {
        assert_eq!(*SECOND_BASE, hashed_second_base());
        assert_eq!(hashed_second_base().compress().0, SECOND_BASE_ENCODED);
        assert!(SECOND_BASE.is_torsion_free() && !SECOND_BASE.is_identity());
    }

    #[test]
    fn both_sides_of_a_key_agreement_share_one_secret() {
        for _ in 0..32 {
            let ours = EphemeralSecret::random().unwrap();
            let theirs = X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes());
            let peer = PeerKey::from_x25519(&theirs.public_key()).unwrap();
            let shared = theirs
                .diffie_hellman(&ours.point().x25519_public_key())
                .unwrap();
            assert_eq!(
                ours.shared_with(&peer).expose_bytes(),
                shared.expose_bytes()
            );
        }
    }

    #[test]
    fn a_peer_keys_small_order_component_does_not_matter_and_small_order_alone_is_refused() {
        let secret = EphemeralSecret::random().unwrap();
        let clean = EdwardsPoint::mul_base(&Scalar::from(5_u8));
        let shared = |point: EdwardsPoint| {
            let key = point.to_montgomery().to_bytes();
            PeerKey::from_x25519(&key).map(|peer| *secret.shared_with(&peer).expose_bytes())
        };
        for torsion in EIGHT_TORSION {
            assert_eq!(shared(clean + torsion), shared(clean));
            assert_eq!(shared(torsion), None);
        }
        assert!(PeerKey::from_x25519(&[2; 32]).is_none(), "on the twist");
    }

    #[test]
    fn the_ephemeral_point_is_named_by_its_u_coordinate() {
        for _ in 0..32 {
            let point = *EphemeralSecret::random().unwrap().point();
            assert_eq!(point.to_bytes()[31] >> 7, 0);
            assert_eq!(Point::from_x25519(&point.x25519_public_key()), Ok(point));
        }
    }

    #[test]
    fn an_answer_gives_back_the_commitments_and_nothing_else_does() {
        let (point, commitments, answer) = proof();
        let recomputed = |point: &Point, challenge: &[u8; 16], answer: &[u8; 32]| {
            Commitments::recomputed(point, &commitments.twin, challenge, answer)
        };
        assert_eq!(recomputed(&point, &CHALLENGE, &answer), Some(commitments));
        let other = *EphemeralSecret::random().unwrap().point();
        for wrong in [
            recomputed(&other, &CHALLENGE, &answer),
            recomputed(&point, &[8; 16], &answer),
            recomputed(&point, &CHALLENGE, &[1; 32]),
        ] {
            assert_ne!(wrong.unwrap(), commitments);
        }
    }

    #[test]
    fn small_order_components_and_other_encodings_are_refused() {
        let (point, commitments, answer) = proof();
        let twin = CompressedEdwardsY(commitments.twin).decompress().unwrap();
        for torsion in EIGHT_TORSION.into_iter().skip(1) {
            let shifted = (twin + torsion).compress().to_bytes();
            let recomputed = Commitments::recomputed(&point, &shifted, &CHALLENGE, &answer);
            assert_eq!(recomputed, None);
            let ephemeral = (point.0 + torsion).to_montgomery().to_bytes();
            assert!(Point::from_x25519(&ephemeral).is_err());
        }
        assert!(Point::from_x25519(&[0; 32]).is_err());
        let order_minus_one = (-Scalar::ONE).to_bytes();
        let mut order = order_minus_one;
        order[0] += 1;
        let with = |answer| Commitments::recomputed(&point, &commitments.twin, &CHALLENGE, answer);
        assert!(with(&order_minus_one).is_some() && with(&order).is_none());
        // X25519 does not look at a u-coordinate's highest bit.
        let mut high = point.x25519_public_key();
        high[31] |= 0x80;
        assert!(Point::from_x25519(&high).is_err());
    }

    #[test]
    fn a_generator_that_repeats_itself_gives_another_nonce_for_other_words() {
        let secret = EphemeralSecret::random().unwrap();
        let fresh = SecretBytes::filled_by(|_| ());
        let nonce = |words: &[u8]| *secret.nonce(&fresh, &[words]).to_bytes().expose_bytes();
        assert_eq!(nonce(b"one mail"), nonce(b"one mail"));
        assert_ne!(nonce(b"one mail"), nonce(b"another"));
        let other = EphemeralSecret::random().unwrap();
        let of_other = other.nonce(&fresh, &[b"one mail"]);
        assert_ne!(of_other.to_bytes().expose_bytes(), &nonce(b"one mail"));
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let secret = EphemeralSecret::random().unwrap();
        assert_eq!(format!("{secret:?}"), "EphemeralSecret(<redacted>)");
        let (prover, _) = secret.begin_proof(&[]).unwrap();
        assert_eq!(format!("{prover:?}"), "Prover(<redacted>)");
    }
}
