//! The arithmetic of the sharing: scalars mod ℓ, points of Curve25519's prime-order subgroup, Shamir and Feldman.
//!
//! With its child the only module that names vsss-rs and curve25519-dalek. vsss-rs does the sharing and the interpolation; it does not wipe memory,
//! derives `Debug` on shares, returns a wrong secret for too few of them, and takes a commitment set of any length. So its types never leave
//! this module, and the checks it lacks are made here and in the modules above: see `docs/decisions/0002-vsss-rs-in-one-module.md`.

use std::fmt;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use curve25519_dalek::traits::IsIdentity as _;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use thiserror::Error;
use vsss_rs::{
    DefaultShare, FeldmanVerifierSet, IdentifierPrimeField, ReadableShareSet as _, ValueGroup,
    VecFeldmanVerifierSet, feldman,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret::SecretBytes;
use crate::threshold::{ShareIndex, Threshold};

pub(crate) mod ephemeral;

type FieldElement = IdentifierPrimeField<Scalar>;
type VsssShare = DefaultShare<FieldElement, FieldElement>;
type Verifier = ValueGroup<EdwardsPoint>;
type VerifierSet = VecFeldmanVerifierSet<VsssShare, Verifier>;

/// A secret integer mod ℓ: the shared secret, or one share of it. Wiped on drop.
pub struct SecretScalar(Box<Scalar>);

impl SecretScalar {
    /// Reads 32 bytes, least significant first; `None` when the integer is ℓ or more.
    #[must_use]
    pub fn from_canonical_bytes(bytes: &[u8; 32]) -> Option<Self> {
        Option::from(Scalar::from_canonical_bytes(*bytes)).map(|scalar| Self(Box::new(scalar)))
    }

    /// The 32 bytes, least significant first.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes<32> {
        SecretBytes::filled_by(|bytes| bytes.copy_from_slice(self.0.as_bytes()))
    }

    fn negated(&self) -> Self {
        Self(Box::new(-*self.0))
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretScalar(<redacted>)")
    }
}

/// A clamped X25519 secret (RFC 7748 §5): an integer in [2^254, 2^255) that is 0 mod 8, 32 bytes little endian.
#[derive(Debug)]
pub struct X25519Secret(SecretBytes<32>);

impl X25519Secret {
    /// Takes 32 bytes, least significant first, and clamps them.
    #[must_use]
    pub fn clamped(bytes: &[u8; 32]) -> Self {
        Self(SecretBytes::filled_by(|clamped| {
            *clamped = clamp_integer(*bytes);
        }))
    }

    /// The clamped bytes, least significant first.
    #[must_use]
    pub fn expose_secret(&self) -> &SecretBytes<32> {
        &self.0
    }

    /// The secret reduced mod ℓ: what is shared. Never to be fed to an X25519 ladder.
    #[must_use]
    pub fn reduced(&self) -> SecretScalar {
        SecretScalar(Box::new(Scalar::from_bytes_mod_order(
            *self.0.expose_bytes(),
        )))
    }

    /// Finds the clamped integer whose reduction is `scalar` or −`scalar` and whose public key is `public_key`.
    ///
    /// Of the integers `scalar + j·ℓ` in [2^254, 2^255) at most one is 0 mod 8. A secret that was shared under a commitment of the
    /// other sign comes back negated, hence the second try. `None`: the shares were wrong, mixed, or too few.
    #[must_use]
    pub fn lifted_from(scalar: &SecretScalar, public_key: &[u8; 32]) -> Option<Self> {
        [lift(scalar), lift(&scalar.negated())]
            .into_iter()
            .flatten()
            .find(|candidate| &candidate.public_key() == public_key)
    }

    /// The X25519 public key: the u-coordinate of the secret times the base point.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        let reduced = self.reduced();
        EdwardsPoint::mul_base(&reduced.0)
            .to_montgomery()
            .to_bytes()
    }
}

impl X25519Secret {
    /// The shared secret with another's public key (RFC 7748 §6.1), 32 bytes; `None` when it is all zeros, as it is for points of small order.
    pub(crate) fn diffie_hellman(&self, public_key: &[u8; 32]) -> Option<SecretBytes<32>> {
        let mut shared = MontgomeryPoint(*public_key).mul_clamped(*self.0.expose_bytes());
        let secret = SecretBytes::filled_by(|bytes| bytes.copy_from_slice(shared.as_bytes()));
        shared.zeroize();
        (secret.expose_bytes() != &[0; 32]).then_some(secret)
    }
}

/// The one integer `scalar + j·ℓ` in [2^254, 2^255) that is 0 mod 8, if there is one.
fn lift(scalar: &SecretScalar) -> Option<X25519Secret> {
    // 2^255 / ℓ < 8, so j = 0 … 7 covers the interval.
    let mut integer = Zeroizing::new(*scalar.0.as_bytes());
    for _ in 0..8 {
        if *integer == clamp_integer(*integer) {
            return Some(X25519Secret::clamped(&integer));
        }
        add_order(&mut integer);
    }
    None
}

/// Adds ℓ to a 256-bit little-endian integer. The caller stays below 2^256.
fn add_order(integer: &mut [u8; 32]) {
    // ℓ = (ℓ − 1) + 1, and ℓ − 1 is the canonical form of −1.
    let order_minus_one = (-Scalar::ONE).to_bytes();
    let mut carry = 1;
    for (digit, addend) in integer.iter_mut().zip(order_minus_one) {
        let sum = u16::from(*digit) + u16::from(addend) + carry;
        *digit = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// A point of the prime-order subgroup, never the identity. Public.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Point(EdwardsPoint);

impl Point {
    /// Reads a compressed Edwards point (RFC 8032 §5.1.3).
    ///
    /// # Errors
    /// When the bytes are not a canonical encoding, or the point is the identity or outside the prime-order subgroup.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidPoint> {
        let point = CompressedEdwardsY(*bytes)
            .decompress()
            .filter(|point| point.compress().as_bytes() == bytes)
            .ok_or(InvalidPoint::NotCanonical)?;
        Self::of_prime_order(point)
    }

    /// Reads a Montgomery u-coordinate (RFC 7748 §5) as the one of its two points whose Edwards x-coordinate has the sign bit 0.
    ///
    /// # Errors
    /// When the bytes are not the canonical form of the u-coordinate of a point, or the point is not of prime order.
    pub fn from_x25519(public_key: &[u8; 32]) -> Result<Self, InvalidPoint> {
        let point = MontgomeryPoint(*public_key)
            .to_edwards(0)
            .filter(|point| point.to_montgomery().as_bytes() == public_key)
            .ok_or(InvalidPoint::NotCanonical)?;
        Self::of_prime_order(point)
    }

    fn of_prime_order(point: EdwardsPoint) -> Result<Self, InvalidPoint> {
        if point.is_identity() || !point.is_torsion_free() {
            return Err(InvalidPoint::NotPrimeOrder);
        }
        Ok(Self(point))
    }

    /// The compressed Edwards form, 32 bytes, with its sign bit.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.compress().to_bytes()
    }

    /// The Montgomery u-coordinate (RFC 7748 §4.1): as an X25519 public key.
    #[must_use]
    pub fn x25519_public_key(&self) -> [u8; 32] {
        self.0.to_montgomery().to_bytes()
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Point({})",
            data_encoding::HEXLOWER.encode(&self.to_bytes())
        )
    }
}

/// Bytes that are not a usable point.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidPoint {
    /// Not the one encoding of a curve point.
    #[error("not a canonical encoding of a point of the curve")]
    NotCanonical,
    /// The identity, or a point with a component of small order.
    #[error("not a point of prime order")]
    NotPrimeOrder,
}

/// What the dealer made: one scalar a share, and the k commitments to his polynomial.
#[derive(Debug)]
pub(crate) struct Dealt {
    pub(crate) scalars: Vec<(ShareIndex, SecretScalar)>,
    pub(crate) commitments: Vec<Point>,
}

/// Shares `secret` by a fresh random polynomial (Shamir 1979) and commits to its coefficients (Feldman 1987).
///
/// `None` when a coefficient was zero, which has a probability of 2^-252 a coefficient.
pub(crate) fn deal(secret: &SecretScalar, threshold: Threshold) -> Option<Dealt> {
    let (shares, verifiers) = feldman::split_secret::<VsssShare, Verifier>(
        threshold.k().into(),
        threshold.n().into(),
        &IdentifierPrimeField(*secret.0),
        Some(ValueGroup(ED25519_BASEPOINT_POINT)),
        UnwrapErr(SysRng),
    )
    .ok()?;
    let scalars = threshold
        .indices()
        .zip(wiped(shares).iter())
        .map(|(index, share)| (index, SecretScalar(Box::new(share.value.0))))
        .collect();
    // Element 0 of vsss-rs's set is the generator.
    let commitments = verifiers
        .iter()
        .skip(1)
        .map(|verifier| Point::from_bytes(&verifier.0.compress().to_bytes()).ok())
        .collect::<Option<Vec<_>>>()?;
    Some(Dealt {
        scalars,
        commitments,
    })
}

/// Whether `scalar` is the share that the polynomial behind `commitments` has at `index`.
pub(crate) fn lies_on_polynomial(
    index: ShareIndex,
    scalar: &SecretScalar,
    commitments: &[Point],
) -> bool {
    let mut set = vec![ValueGroup(ED25519_BASEPOINT_POINT)];
    set.extend(commitments.iter().map(|point| ValueGroup(point.0)));
    let set: VerifierSet = VerifierSet::from(set);
    let share = wiped(vec![vsss_share(index, scalar)]);
    share.iter().all(|share| set.verify_share(share).is_ok())
}

/// Interpolates the polynomial through `shares` at 0. Of too few or of mixed shares this is some other scalar.
///
/// `None` when an index occurs twice or fewer than two shares are given.
pub(crate) fn interpolate(shares: &[(ShareIndex, &SecretScalar)]) -> Option<SecretScalar> {
    let shares = wiped(
        shares
            .iter()
            .map(|(index, scalar)| vsss_share(*index, scalar))
            .collect(),
    );
    let secret = shares.combine().ok()?;
    Some(SecretScalar(Box::new(secret.0)))
}

/// Whether `scalar` times the base point is `commitment`.
pub(crate) fn opens_commitment(scalar: &SecretScalar, commitment: &Point) -> bool {
    EdwardsPoint::mul_base(&scalar.0) == commitment.0
}

fn vsss_share(index: ShareIndex, scalar: &SecretScalar) -> VsssShare {
    VsssShare {
        identifier: IdentifierPrimeField(Scalar::from(index.get())),
        value: IdentifierPrimeField(*scalar.0),
    }
}

/// Shares in vsss-rs's form that are wiped when dropped.
struct Wiped(Vec<VsssShare>);

fn wiped(shares: Vec<VsssShare>) -> Wiped {
    Wiped(shares)
}

impl std::ops::Deref for Wiped {
    type Target = Vec<VsssShare>;

    fn deref(&self) -> &Vec<VsssShare> {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        for share in &mut self.0 {
            share.value.0.zeroize();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::assert_not_impl;

    assert_not_impl!(SecretScalar: Clone, PartialEq, fmt::Display, serde::Serialize);
    assert_not_impl!(X25519Secret: Clone, PartialEq, fmt::Display, serde::Serialize);
    assert_not_impl!(Dealt: Clone);

    fn secret() -> X25519Secret {
        X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes())
    }

    fn borrow(shares: &[(ShareIndex, SecretScalar)]) -> Vec<(ShareIndex, &SecretScalar)> {
        shares
            .iter()
            .map(|(index, scalar)| (*index, scalar))
            .collect()
    }

    #[test]
    fn the_first_commitment_is_the_public_key() {
        let secret = secret();
        let dealt = deal(&secret.reduced(), Threshold::new(3, 5).unwrap()).unwrap();
        assert_eq!(dealt.commitments.len(), 3);
        assert_eq!(
            dealt.commitments[0].x25519_public_key(),
            secret.public_key()
        );
        assert!(opens_commitment(&secret.reduced(), &dealt.commitments[0]));
    }

    #[test]
    fn the_public_key_is_that_of_rfc_7748() {
        // RFC 7748 §6.1, Bob's key pair.
        let hex = |text: &str| -> [u8; 32] {
            data_encoding::HEXLOWER
                .decode(text.as_bytes())
                .unwrap()
                .try_into()
                .unwrap()
        };
        let bob = X25519Secret::clamped(&hex(
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        ));
        assert_eq!(
            bob.public_key(),
            hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_k_of_n_shares_rebuild_and_fewer_do_not(n in 2usize..8, seed in any::<[u8; 32]>(), pick in any::<prop::sample::Index>()) {
            let k = 2 + pick.index(n - 1);
            let secret = X25519Secret::clamped(&seed);
            let mut dealt = deal(&secret.reduced(), Threshold::new(k, n).unwrap()).unwrap();
            dealt.scalars.rotate_left(pick.index(n));
            let whole = interpolate(&borrow(&dealt.scalars[..k])).unwrap();
            let lifted = X25519Secret::lifted_from(&whole, &secret.public_key()).unwrap();
            prop_assert_eq!(lifted.expose_secret().expose_bytes(), secret.expose_secret().expose_bytes());
            if let Some(less) = interpolate(&borrow(&dealt.scalars[..k - 1])) {
                prop_assert!(!opens_commitment(&less, &dealt.commitments[0]));
                prop_assert!(X25519Secret::lifted_from(&less, &secret.public_key()).is_none());
            }
        }

        #[test]
        fn a_clamped_secret_comes_back_from_its_reduction_whatever_its_sign(seed in any::<[u8; 32]>()) {
            let secret = X25519Secret::clamped(&seed);
            for scalar in [secret.reduced(), secret.reduced().negated()] {
                let lifted = X25519Secret::lifted_from(&scalar, &secret.public_key()).unwrap();
                prop_assert_eq!(lifted.expose_secret().expose_bytes(), secret.expose_secret().expose_bytes());
            }
        }
    }

    #[test]
    fn edge_secrets_come_back() {
        let mut low = [0; 32];
        low[31] = 0x40;
        let mut high = [0xff; 32];
        high[0] = 0xf8;
        high[31] = 0x7f;
        for bytes in [low, high, [0; 32], [0xff; 32]] {
            let secret = X25519Secret::clamped(&bytes);
            let lifted =
                X25519Secret::lifted_from(&secret.reduced(), &secret.public_key()).unwrap();
            assert_eq!(
                lifted.expose_secret().expose_bytes(),
                secret.expose_secret().expose_bytes()
            );
        }
    }

    #[test]
    fn a_share_lies_on_its_own_polynomial_only_at_its_own_index() {
        let threshold = Threshold::new(2, 3).unwrap();
        let dealt = deal(&secret().reduced(), threshold).unwrap();
        let other = deal(&secret().reduced(), threshold).unwrap();
        for (index, scalar) in &dealt.scalars {
            assert!(lies_on_polynomial(*index, scalar, &dealt.commitments));
            assert!(!lies_on_polynomial(*index, scalar, &other.commitments));
            assert!(!lies_on_polynomial(
                ShareIndex::new(9).unwrap(),
                scalar,
                &dealt.commitments
            ));
        }
    }

    #[test]
    fn the_same_index_twice_does_not_interpolate() {
        let dealt = deal(&secret().reduced(), Threshold::new(2, 3).unwrap()).unwrap();
        let (index, scalar) = &dealt.scalars[0];
        assert!(interpolate(&[(*index, scalar), (*index, scalar)]).is_none());
    }

    #[test]
    fn scalars_and_points_have_one_encoding() {
        let order_minus_one = (-Scalar::ONE).to_bytes();
        assert!(SecretScalar::from_canonical_bytes(&order_minus_one).is_some());
        let mut order = order_minus_one;
        order[0] += 1;
        assert!(SecretScalar::from_canonical_bytes(&order).is_none());

        let base = ED25519_BASEPOINT_POINT.compress().to_bytes();
        assert_eq!(Point::from_bytes(&base).unwrap().to_bytes(), base);
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(
            Point::from_bytes(&identity),
            Err(InvalidPoint::NotPrimeOrder)
        );
        // y = 0: a point of order 4.
        assert_eq!(
            Point::from_bytes(&[0; 32]),
            Err(InvalidPoint::NotPrimeOrder)
        );
        // y = p + 1, a second encoding of y = 1.
        let mut twice = [0xff; 32];
        (twice[0], twice[31]) = (0xee, 0x7f);
        assert_eq!(Point::from_bytes(&twice), Err(InvalidPoint::NotCanonical));
        assert_eq!(
            Point::from_bytes(&[0xff; 32]),
            Err(InvalidPoint::NotCanonical)
        );
    }
}
