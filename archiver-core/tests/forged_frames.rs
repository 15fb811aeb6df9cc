//! Frames whose check value fits, but whose fields do not: not misread, but written by somebody else's program, or forged.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use archiver_core::field::X25519Secret;
use archiver_core::frame::{self, FrameError};
use archiver_core::identity::Fingerprint;
use archiver_core::secret::SecretBytes;
use archiver_core::share::{Share, ShareRefused, VerifiedShare};
use archiver_core::sharing::{Profile, Purpose, SharingTerms};
use archiver_core::split::Dealing;
use archiver_core::threshold::{ShareIndex, Threshold};
use sha2::{Digest as _, Sha256};

fn deal(purpose: Purpose) -> Dealing {
    let secret = X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes());
    let terms = SharingTerms {
        profile: Profile::Classic,
        purpose,
        threshold: Threshold::new(2, 3).unwrap(),
        primary: Fingerprint::V4([1; 20]),
        encryption: Fingerprint::V4([2; 20]),
        seal_keys_sha256: None,
    };
    Dealing::deal(&secret, &terms).unwrap()
}

/// The first share's frame with one change, and the check value that then fits.
fn forged(
    dealing: &Dealing,
    change: impl FnOnce(&mut [u8; frame::LENGTH]),
) -> Result<Share, FrameError> {
    let frame = frame::encode(&dealing.shares()[0]);
    let forged = SecretBytes::filled_by(|bytes| {
        *bytes = *frame.expose_bytes();
        change(bytes);
        let hash = Sha256::new()
            .chain_update(b"archiver v1 frame\0")
            .chain_update(&bytes[..52])
            .finalize();
        bytes[52..].copy_from_slice(&hash[..4]);
    });
    frame::decode(&forged)
}

#[test]
fn each_field_that_makes_no_sense_is_refused() {
    let dealing = deal(Purpose::Archive);
    let error =
        |offset: usize, value: u8| forged(&dealing, |bytes| bytes[offset] = value).unwrap_err();
    assert_eq!(error(0, 2), FrameError::UnknownVersion { version: 2 });
    assert_eq!(error(1, 2), FrameError::UnknownKind { kind: 2 });
    assert_eq!(error(2, 2), FrameError::UnknownProfile { code: 2 });
    assert_eq!(error(3, 2), FrameError::Malformed, "a reserved flag");
    assert_eq!(error(4, 1), FrameError::Malformed, "k = 1");
    assert_eq!(error(5, 0), FrameError::Malformed, "x = 0");
    assert_eq!(error(6, 1), FrameError::Malformed, "an outer threshold");
    assert_eq!(error(7, 1), FrameError::Malformed, "a group");
    assert_eq!(
        error(51, 0xff),
        FrameError::Malformed,
        "a scalar of ℓ or more"
    );
}

#[test]
fn a_share_with_another_value_does_not_lie_on_the_polynomial() {
    let dealing = deal(Purpose::Archive);
    let index = ShareIndex::new(1).unwrap();
    for offset in 20..51 {
        let share = forged(&dealing, |bytes| bytes[offset] ^= 1).unwrap();
        let refused = VerifiedShare::verify(share, dealing.sharing()).unwrap_err();
        assert_eq!(refused, ShareRefused::NotOnPolynomial { index });
    }
}

#[test]
fn a_share_under_another_index_does_not_lie_on_the_polynomial() {
    let dealing = deal(Purpose::Archive);
    let share = forged(&dealing, |bytes| bytes[5] = 2).unwrap();
    let refused = VerifiedShare::verify(share, dealing.sharing()).unwrap_err();
    assert_eq!(
        refused,
        ShareRefused::NotOnPolynomial {
            index: ShareIndex::new(2).unwrap()
        }
    );
}

#[test]
fn a_share_that_contradicts_the_manifest_of_its_own_set_is_refused() {
    let dealing = deal(Purpose::Archive);
    for (offset, value, index) in [(4, 3, 1), (5, 4, 4)] {
        let share = forged(&dealing, |bytes| bytes[offset] = value).unwrap();
        let refused = VerifiedShare::verify(share, dealing.sharing()).unwrap_err();
        let index = ShareIndex::new(index).unwrap();
        assert_eq!(refused, ShareRefused::ContradictsManifest { index });
    }
}

#[test]
fn taking_the_rehearsal_mark_off_a_sheet_does_not_make_it_real() {
    let dealing = deal(Purpose::Rehearsal);
    let frame = frame::encode(&dealing.shares()[0]);
    assert_eq!(frame.expose_bytes()[3], 1);
    assert_eq!(dealing.sharing().encode()[2], 1);
    let share = forged(&dealing, |bytes| bytes[3] = 0).unwrap();
    let real = deal(Purpose::Archive);
    let refused = VerifiedShare::verify(share, real.sharing()).unwrap_err();
    assert!(matches!(refused, ShareRefused::OtherSet { .. }));
}
