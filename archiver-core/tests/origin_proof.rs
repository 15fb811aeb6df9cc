//! The origin proof, from outside: it holds for its own record, for nothing else, and whoever can only append cannot make one
//! for the ephemeral key of somebody else's mail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use archiver_core::field::X25519Secret;
use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::openpgp::framing::split_message;
use archiver_core::openpgp::session_key::{KdfParameters, Recipient, wrap};
use archiver_core::origin::{ArchiveFingerprints, OriginError, OriginProof, verify, verify_record};
use archiver_core::secret::SecretBytes;
use archiver_core::vault::armor;
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::{BodyDigests, LeafHash, LogId, Place};
use archiver_core::vault::read::read_record;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::Scalar;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256, Sha512};

/// SHA-256 of the packets behind the session-key packet.
const REST: [u8; 32] = [3; 32];

/// Where the packet holds the ephemeral point's u-coordinate.
const EPHEMERAL: Range<usize> = 15..47;

fn archive() -> ArchiveFingerprints {
    ArchiveFingerprints {
        primary: Fingerprint::V4([1; 20]),
        encryption: Fingerprint::V4([2; 20]),
    }
}

fn place(seq: u64) -> Place {
    Place {
        log: LogId([4; 16]),
        seq,
        time: UtcTime::from_unix(1_795_552_117).unwrap(),
        prev: LeafHash([5; 32]),
    }
}

fn archive_secret() -> X25519Secret {
    X25519Secret::clamped(&[9; 32])
}

/// A session-key packet, and the proof for it at place 7.
fn proven() -> (Vec<u8>, OriginProof) {
    let kdf = KdfParameters::from_numbers(8, 7).unwrap();
    let recipient = Recipient::new(archive(), &archive_secret().public_key(), kdf).unwrap();
    let session_key = SecretBytes::random().unwrap();
    let (packet, ephemeral) = wrap(&recipient, &session_key).unwrap();
    let body = BodyDigests::with_rest(&packet, REST);
    let proof = ephemeral.prepare(&body).unwrap().bind(&place(7));
    (packet, proof)
}

fn check(packet: &[u8], proof: &OriginProof) -> Result<(), OriginError> {
    verify(&archive(), &place(7), packet, &REST, proof)
}

fn flipped<const N: usize>(bytes: [u8; N]) -> impl Iterator<Item = [u8; N]> {
    (0..8 * N).map(move |bit| {
        let mut other = bytes;
        other[bit / 8] ^= 1 << (bit % 8);
        other
    })
}

#[test]
fn a_proof_holds_for_its_own_record() {
    for _ in 0..16 {
        let (packet, proof) = proven();
        assert_eq!(check(&packet, &proof), Ok(()));
    }
}

/// A record whose writer knows the ephemeral secret of its first session-key packet, and proves it for all of the record's bytes. Another packet, and
/// behind it the session-key packet of an old mail, stand in front of the content.
#[test]
fn a_second_session_key_packet_behind_another_packet_leaves_no_good_origin() {
    let (stolen, _) = proven();
    let content = [0xd2, 3, 1, 9, 9];
    let marker = [0xca, 3, b'P', b'G', b'P'];
    let padding = [0xd5, 4, 0, 1, 2, 3];
    let private = [0xfc, 2, 7, 7];
    let old_marker = [0xa8, 3, b'P', b'G', b'P'];
    let outcome = |between: &[&[u8]]| {
        let kdf = KdfParameters::from_numbers(8, 7).unwrap();
        let recipient = Recipient::new(archive(), &archive_secret().public_key(), kdf).unwrap();
        let session_key = SecretBytes::random().unwrap();
        let (mut message, ephemeral) = wrap(&recipient, &session_key).unwrap();
        message.extend(between.concat());
        message.extend(content);
        let (session_keys, rest) = split_message(&message);
        let body = BodyDigests::of(session_keys, rest);
        let header = Header {
            place: place(7),
            leaf: LeafHash([0; 32]),
            origin: Some(ephemeral.prepare(&body).unwrap().bind(&place(7))),
        };
        let record = armor::render(Some(&header), &message);
        let (facts, session_keys) =
            read_record(record.as_slice(), record.len() as u64, |message| {
                message.session_keys().to_vec()
            })
            .unwrap();
        let (message, proof) = (facts.message.unwrap(), header.origin.unwrap());
        verify_record(&archive(), &place(7), &session_keys, &message, &proof)
    };
    assert_eq!(outcome(&[]), Ok(()));
    let session_keys = outcome(&[&stolen]);
    assert_eq!(session_keys, Err(OriginError::SessionKeyPacket));
    for packet in [&marker[..], &padding, &private, &old_marker] {
        let hidden = outcome(&[packet, &stolen]);
        assert_eq!(hidden, Err(OriginError::HiddenPackets), "{packet:?}");
        let alone = outcome(&[packet]);
        assert_eq!(alone, Err(OriginError::HiddenPackets), "{packet:?}");
    }
}

#[test]
fn every_flipped_bit_of_proof_and_packet_is_refused() {
    let (packet, proof) = proven();
    for other in flipped(proof.0) {
        assert!(check(&packet, &OriginProof(other)).is_err(), "{other:?}");
    }
    for other in flipped::<96>(packet.try_into().unwrap()) {
        assert!(check(&other, &proof).is_err(), "{other:?}");
    }
}

#[test]
fn every_flipped_bit_of_place_archive_and_rest_is_refused() {
    let (packet, proof) = proven();
    let refused = |archive: ArchiveFingerprints, place: Place, rest: [u8; 32]| {
        verify(&archive, &place, &packet, &rest, &proof).is_err()
    };
    let (ours, here) = (archive(), place(7));
    for primary in flipped([1; 20]).map(Fingerprint::V4) {
        assert!(refused(ArchiveFingerprints { primary, ..ours }, here, REST));
    }
    for encryption in flipped([2; 20]).map(Fingerprint::V4) {
        let other = ArchiveFingerprints { encryption, ..ours };
        assert!(refused(other, here, REST));
    }
    for log in flipped(here.log.0).map(LogId) {
        assert!(refused(ours, Place { log, ..here }, REST));
    }
    for prev in flipped(here.prev.0).map(LeafHash) {
        assert!(refused(ours, Place { prev, ..here }, REST));
    }
    for seq in flipped(here.seq.to_be_bytes()).map(u64::from_be_bytes) {
        assert!(refused(ours, Place { seq, ..here }, REST));
    }
    let times = flipped(here.time.unix().to_be_bytes()).map(i64::from_be_bytes);
    for time in times.filter_map(UtcTime::from_unix) {
        assert!(refused(ours, Place { time, ..here }, REST));
    }
    for rest in flipped(REST) {
        assert!(refused(ours, here, rest));
    }
}

proptest! {
    #[test]
    fn bytes_that_nobody_proved_are_refused(bytes in prop::array::uniform::<_, 80>(any::<u8>())) {
        let (packet, _) = proven();
        prop_assert!(check(&packet, &OriginProof(bytes)).is_err());
    }
}

// What an attacker has: the old record, its place and its proof, and all arithmetic of the curve.

/// The second base, which everybody can compute.
fn second_base() -> EdwardsPoint {
    let tag = b"archiver-v1-origin-with-edwards25519_XMD:SHA-512_ELL2_RO_";
    EdwardsPoint::hash_to_curve::<Sha512>(&[b"second base"], &[tag])
}

fn point_in(packet: &[u8]) -> EdwardsPoint {
    let u: [u8; 32] = packet[EPHEMERAL].try_into().unwrap();
    MontgomeryPoint(u).to_edwards(0).unwrap()
}

/// The packet with another ephemeral point.
fn with_point(packet: &[u8], point: EdwardsPoint) -> Vec<u8> {
    let mut other = packet.to_vec();
    other[EPHEMERAL].copy_from_slice(point.to_montgomery().as_bytes());
    other
}

/// A proof's parts: R̄, challenge, answer.
fn parts(proof: &OriginProof) -> (EdwardsPoint, Scalar, Scalar) {
    let twin = CompressedEdwardsY(proof.0[..32].try_into().unwrap());
    let challenge = u128::from_le_bytes(proof.0[32..48].try_into().unwrap());
    let answer = Scalar::from_canonical_bytes(proof.0[48..].try_into().unwrap());
    (
        twin.decompress().unwrap(),
        Scalar::from(challenge),
        answer.unwrap(),
    )
}

fn assembled(twin: EdwardsPoint, challenge: Scalar, answer: Scalar) -> OriginProof {
    let mut bytes = twin.compress().to_bytes().to_vec();
    bytes.extend(&challenge.as_bytes()[..16]);
    bytes.extend(answer.as_bytes());
    OriginProof(bytes.try_into().unwrap())
}

/// The challenge as docs/format.md §7.4 has it, for the points R, R̄, A, Ā.
fn challenge(points: &[EdwardsPoint; 4], packet: &[u8]) -> Scalar {
    let place = place(7);
    let mut hash = Sha512::new()
        .chain_update(b"archiver v1 origin\0")
        .chain_update([20; 1])
        .chain_update([1; 20])
        .chain_update([20; 1])
        .chain_update([2; 20]);
    for point in points {
        hash.update(point.compress().as_bytes());
    }
    let hash = hash
        .chain_update([2, 1])
        .chain_update(place.log.0)
        .chain_update(place.seq.to_be_bytes())
        .chain_update(place.time.unix().to_be_bytes())
        .chain_update(place.prev.0)
        .chain_update(Sha256::digest(packet))
        .chain_update(REST)
        .finalize();
    Scalar::from(u128::from_le_bytes(hash[..16].try_into().unwrap()))
}

/// A blinded point R* = R + ρ·B that a packet can name, and ρ.
fn blinded(point: EdwardsPoint) -> (EdwardsPoint, Scalar) {
    let mut blinds = (1_u64..)
        .map(Scalar::from)
        .map(|rho| (point + rho * B, rho));
    blinds
        .find(|(point, _)| point.compress().as_bytes()[31] >> 7 == 0)
        .unwrap()
}

/// Why the proof exists: without it, the shared secret of the old mail falls out of the blinded one.
#[test]
fn the_answer_to_a_blinded_point_opens_the_old_mail() {
    let (packet, _) = proven();
    let old = point_in(&packet);
    let (other, rho) = blinded(old);
    let d = Scalar::from_bytes_mod_order(*archive_secret().expose_secret().expose_bytes());
    let what_custodians_answer = d * other;
    assert_eq!(what_custodians_answer - rho * (d * B), d * old);
}

#[test]
fn a_blinded_point_cannot_take_the_old_proof_with_it() {
    let (packet, proof) = proven();
    let (point, rho) = blinded(point_in(&packet));
    let forged = with_point(&packet, point);
    assert_eq!(check(&forged, &proof), Err(OriginError::Wrong));

    // Shifted along: both equations hold, and only the challenge tells that the points are others.
    let (twin, c, answer) = parts(&proof);
    let (shifted_twin, shifted_answer) = (twin + rho * second_base(), answer + c * rho);
    let commitments = |point, twin, answer| {
        let nonce: EdwardsPoint = answer * B - c * point;
        (nonce, answer * second_base() - c * twin)
    };
    assert_eq!(
        commitments(point, shifted_twin, shifted_answer),
        commitments(point_in(&packet), twin, answer)
    );
    let shifted = assembled(shifted_twin, c, shifted_answer);
    assert_eq!(check(&forged, &shifted), Err(OriginError::Wrong));
}

#[test]
fn a_blinded_point_cannot_be_proven_by_choosing_the_answer_first_or_by_knowing_the_blind_alone() {
    let (packet, proof) = proven();
    let (point, rho) = blinded(point_in(&packet));
    let forged = with_point(&packet, point);
    let (twin, ..) = parts(&proof);
    let twin = twin + rho * second_base();
    let (c, answer) = (Scalar::from(11_u8), Scalar::from(12_u8));
    let chosen_first = assembled(twin, c, answer);
    assert_eq!(check(&forged, &chosen_first), Err(OriginError::Wrong));

    let t = Scalar::from(13_u8);
    let c = challenge(&[point, twin, t * B, t * second_base()], &forged);
    let knowing_the_blind = assembled(twin, c, t + c * rho);
    assert_eq!(check(&forged, &knowing_the_blind), Err(OriginError::Wrong));
}

#[test]
fn a_record_cannot_be_put_to_another_place_with_its_proof() {
    let (packet, proof) = proven();
    let elsewhere = verify(&archive(), &place(8), &packet, &REST, &proof);
    assert_eq!(elsewhere, Err(OriginError::Wrong));
}

/// Whoever knows r can have both equations hold although a point has a small-order component: he tries nonces until the challenge
/// is a multiple of 8. So such points must be refused by themselves.
#[test]
fn a_point_with_a_small_order_component_is_refused_although_the_equations_hold() {
    let (packet, _) = proven();
    let r = Scalar::from(1000_u64);
    let clean = [r * B, r * second_base()];
    for torsion in EIGHT_TORSION.into_iter().skip(1) {
        let cases = [
            (clean[0] + torsion, clean[1], OriginError::EphemeralPoint),
            (clean[0], clean[1] + torsion, OriginError::Malformed),
        ];
        for (point, twin, error) in cases {
            let (forged, proof) = ground(&packet, point, twin, r);
            assert_eq!(check(&forged, &proof), Err(error));
        }
    }
    let (honest, proof) = ground(&packet, clean[0], clean[1], r);
    assert_eq!(check(&honest, &proof), Ok(()), "the control");
}

/// A packet with this point, and a proof by somebody who knows r whose challenge is a multiple of 8.
fn ground(
    packet: &[u8],
    point: EdwardsPoint,
    twin: EdwardsPoint,
    r: Scalar,
) -> (Vec<u8>, OriginProof) {
    let is_negative = point.compress().as_bytes()[31] >> 7 == 1;
    let (point, twin, r) = if is_negative {
        (-point, -twin, -r)
    } else {
        (point, twin, r)
    };
    let packet = with_point(packet, point);
    for t in (1_u64..).map(Scalar::from) {
        let c = challenge(&[point, twin, t * B, t * second_base()], &packet);
        if c.as_bytes()[0].is_multiple_of(8) {
            let answer = t + c * r;
            assert_eq!(answer * B - c * point, t * B);
            assert_eq!(answer * second_base() - c * twin, t * second_base());
            return (packet, assembled(twin, c, answer));
        }
    }
    unreachable!("one challenge in eight")
}

/// By hand: `cargo test --release -p archiver-core --test origin_proof -- --ignored --nocapture measure`.
#[test]
#[ignore = "a measurement"]
fn measure_what_a_proof_costs() {
    let kdf = KdfParameters::from_numbers(8, 7).unwrap();
    let public = archive_secret().public_key();
    let session_key = SecretBytes::random().unwrap();
    let (packet, proof) = proven();
    let body = BodyDigests::with_rest(&packet, REST);
    let recipient = || Recipient::new(archive(), &public, kdf).unwrap();
    let wrapped = || wrap(&recipient(), &session_key).unwrap();
    let (mut keys, mut unbound) = (Vec::new(), Vec::new());
    time("recipient from its numbers", || {
        black_box(recipient());
    });
    time("session-key packet", || keys.push(wrapped().1));
    time("proof, before the lock", || {
        let key = keys.pop().unwrap();
        unbound.push(key.prepare(&body).unwrap());
    });
    time("proof, under the lock", || {
        black_box(unbound.pop().unwrap().bind(&place(7)));
    });
    time("verification", || check(&packet, &proof).unwrap());
}

/// The best and the median of many rounds.
#[allow(clippy::print_stdout, reason = "a measurement is for reading")]
fn time(what: &str, mut work: impl FnMut()) {
    let rounds = (0..2000).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    let mut rounds: Vec<Duration> = rounds.collect();
    rounds.sort_unstable();
    println!("{what}: best {:?}, median {:?}", rounds[0], rounds[1000]);
}
