//! The frozen vectors of `testdata/`, made by `testdata/reference.py`, which shares no code with this library.
//!
//! A vector is never edited. A changed format has a new version and a new vector.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

use archiver_core::field::{Point, X25519Secret};
use archiver_core::frame;
use archiver_core::quorum::{Gathering, RebuiltSecret};
use archiver_core::sealed_key;
use archiver_core::secret::SecretBytes;
use archiver_core::sharing::{Profile, Purpose, SharingPart, SharingTerms};
use archiver_core::threshold::Threshold;
use data_encoding::HEXLOWER;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    seal_keys_sha256: Option<String>,
    x25519_secret: String,
    x25519_public_key: String,
    primary_fingerprint: String,
    encryption_fingerprint: String,
    threshold: usize,
    commitments: Vec<String>,
    sharing_part: String,
    set_id: String,
    shares: Vec<VectorShare>,
    sealed_key_passphrase: String,
}

#[derive(Deserialize)]
struct VectorShare {
    x: u8,
    frame: String,
    qr_text: String,
}

/// The sharing of an archive without seals.
fn vector() -> Vector {
    serde_json::from_str(include_str!("../testdata/classic-2-of-3.json")).unwrap()
}

/// The same sharing of an archive with seals: another set id, the same secret.
fn sealed_vector() -> Vector {
    serde_json::from_str(include_str!("../testdata/classic-2-of-3-seals.json")).unwrap()
}

fn hex<const N: usize>(text: &str) -> [u8; N] {
    HEXLOWER
        .decode(text.as_bytes())
        .unwrap()
        .try_into()
        .unwrap()
}

fn sharing_of(vector: &Vector) -> SharingPart {
    let terms = SharingTerms {
        profile: Profile::Classic,
        purpose: Purpose::Archive,
        threshold: Threshold::new(vector.threshold, vector.shares.len()).unwrap(),
        primary: vector.primary_fingerprint.parse().unwrap(),
        encryption: vector.encryption_fingerprint.parse().unwrap(),
        seal_keys_sha256: vector.seal_keys_sha256.as_deref().map(hex),
    };
    let commitments = vector.commitments.iter();
    let commitments = commitments.map(|c| Point::from_bytes(&hex(c)).unwrap());
    SharingPart::new(terms, commitments.collect()).unwrap()
}

fn rebuild(vector: &Vector, shares: &[usize]) -> RebuiltSecret {
    let mut gathering = Gathering::new(sharing_of(vector));
    for share in shares {
        let share = frame::from_qr_text(&vector.shares[*share].qr_text).unwrap();
        gathering.add(share).unwrap();
    }
    gathering.into_quorum().unwrap().rebuild().unwrap()
}

#[test]
fn the_sharing_part_and_its_set_id_are_frozen() {
    assert!(vector().seal_keys_sha256.is_none() && sealed_vector().seal_keys_sha256.is_some());
    assert_ne!(vector().set_id, sealed_vector().set_id);
    for vector in [vector(), sealed_vector()] {
        let sharing = sharing_of(&vector);
        assert_eq!(HEXLOWER.encode(&sharing.encode()), vector.sharing_part);
        assert_eq!(sharing.set_id().to_string(), vector.set_id);
        assert_eq!(
            HEXLOWER.encode(&sharing.x25519_public_key()),
            vector.x25519_public_key
        );
    }
}

#[test]
fn the_share_frames_and_their_texts_are_frozen() {
    for expected in [vector(), sealed_vector()]
        .into_iter()
        .flat_map(|v| v.shares)
    {
        let share = frame::from_qr_text(&expected.qr_text).unwrap();
        assert_eq!(share.index().get(), expected.x);
        assert_eq!(
            HEXLOWER.encode(frame::encode(&share).expose_bytes()),
            expected.frame
        );
        assert_eq!(frame::to_qr_text(&share).expose_text(), expected.qr_text);
        let bytes = SecretBytes::filled_by(|bytes| *bytes = hex(&expected.frame));
        assert_eq!(frame::decode(&bytes).unwrap().index(), share.index());
    }
}

#[test]
fn every_pair_of_the_vectors_sheets_rebuilds_its_secret() {
    let vectors = [vector(), sealed_vector()];
    let pairs = [[0, 1], [0, 2], [1, 2], [2, 0]];
    for (vector, pair) in vectors.iter().flat_map(|v| pairs.map(|pair| (v, pair))) {
        let secret = rebuild(vector, &pair);
        let bytes = secret.x25519().expose_secret().expose_bytes();
        assert_eq!(HEXLOWER.encode(bytes), vector.x25519_secret);
        assert_eq!(
            secret.sealed_key_passphrase().expose_text(),
            vector.sealed_key_passphrase
        );
    }
}

#[test]
fn the_sealed_keys_passphrase_is_frozen() {
    let vector = vector();
    let secret = X25519Secret::clamped(&hex(&vector.x25519_secret));
    let passphrase = sealed_key::passphrase(&secret, &vector.primary_fingerprint.parse().unwrap());
    assert_eq!(passphrase.expose_text(), vector.sealed_key_passphrase);
}
