//! A public folder is believed only as far as a sheet confirms it; each exchanged part is named.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use archiver_core::field::{Point, X25519Secret};
use archiver_core::frame;
use archiver_core::identity::UtcTime;
use archiver_core::manifest::{Description, Manifest, ManifestError};
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::public_folder::{PublicFolder, PublicFolderError};
use archiver_core::quorum::Gathering;
use archiver_core::share::ShareRefused;
use archiver_core::sharing::{Profile, Purpose, SharingPart};
use archiver_core::split::{Dealing, SharingTerms};
use archiver_core::threshold::Threshold;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;

fn now() -> UtcTime {
    UtcTime::from_unix(1_795_552_117).unwrap()
}

/// A ceremony's results: what is published, and the dealing behind it.
struct Ceremony {
    key: ArchiveKey,
    dealing: Dealing,
    manifest: Vec<u8>,
    certificate: Vec<u8>,
    signature: Vec<u8>,
}

fn ceremony() -> Ceremony {
    let key = ArchiveKey::generate_classic("Archiver <archiver@example.org>", now())
        .unwrap()
        .key;
    let terms = SharingTerms {
        profile: Profile::Classic,
        purpose: Purpose::Archive,
        threshold: Threshold::new(2, 3).unwrap(),
        primary: key.primary_fingerprint(),
        encryption: key.encryption_fingerprint(),
    };
    let dealing = Dealing::deal(&key.x25519_secret().unwrap(), &terms).unwrap();
    let manifest = manifest_of(dealing.sharing().clone());
    let certificate = key.certificate_armored().unwrap();
    let signature = key.sign_detached(&manifest, now()).unwrap();
    Ceremony {
        key,
        dealing,
        manifest,
        certificate,
        signature,
    }
}

fn manifest_of(sharing: SharingPart) -> Vec<u8> {
    let description = Description {
        organisation: "Example AG".to_owned(),
        archive: "Archiver <archiver@example.org>".to_owned(),
        ceremony_time: now(),
        program: "custodian 0.1.0".to_owned(),
        custodians_sha256: [0; 32],
    };
    Manifest {
        sharing,
        description,
    }
    .to_json()
    .unwrap()
}

fn check(
    manifest: &[u8],
    certificate: &[u8],
    signature: &[u8],
) -> Result<PublicFolder, PublicFolderError> {
    PublicFolder::check(manifest, certificate, Some(signature), now())
}

#[test]
fn a_ceremonys_own_folder_is_accepted_and_its_sheets_unseal_the_sealed_key() {
    let ceremony = ceremony();
    let folder = check(
        &ceremony.manifest,
        &ceremony.certificate,
        &ceremony.signature,
    )
    .unwrap();
    let mut gathering = Gathering::new(folder.sharing().clone());
    for share in &ceremony.dealing.shares()[1..] {
        let text = frame::to_qr_text(share);
        gathering
            .add(frame::from_qr_text(text.expose_text()).unwrap())
            .unwrap();
    }
    let secret = gathering.into_quorum().unwrap().rebuild().unwrap();
    let passphrase = secret.sealed_key_passphrase();
    let sealed = ceremony.key.locked_armored(&passphrase).unwrap();
    let unsealed = ArchiveKey::unseal(&sealed, &passphrase).unwrap();
    assert_eq!(
        unsealed.primary_fingerprint(),
        ceremony.key.primary_fingerprint()
    );
}

#[test]
fn each_exchanged_part_is_named() {
    let (ours, theirs) = (ceremony(), ceremony());
    let foreign_certificate =
        check(&ours.manifest, &theirs.certificate, &ours.signature).unwrap_err();
    assert!(
        matches!(foreign_certificate, PublicFolderError::Certificate(_)),
        "{foreign_certificate}"
    );

    let foreign_signature =
        check(&ours.manifest, &ours.certificate, &theirs.signature).unwrap_err();
    assert!(
        matches!(foreign_signature, PublicFolderError::Signature(_)),
        "{foreign_signature}"
    );

    let mut edited = String::from_utf8(ours.manifest.clone()).unwrap();
    edited = edited.replace("Example AG", "Example BG");
    let edited = check(edited.as_bytes(), &ours.certificate, &ours.signature).unwrap_err();
    assert!(
        matches!(edited, PublicFolderError::Signature(_)),
        "{edited}"
    );

    let damaged = check(b"{}", &ours.certificate, &ours.signature).unwrap_err();
    assert!(
        matches!(damaged, PublicFolderError::Manifest(ManifestError::Json(_))),
        "{damaged}"
    );
}

#[test]
fn commitments_to_another_key_are_refused_even_when_signed() {
    let ours = ceremony();
    let sharing = ours.dealing.sharing();
    let swapped = SharingPart::new(
        Profile::Classic,
        Purpose::Archive,
        sharing.threshold(),
        sharing.primary_fingerprint(),
        sharing.encryption_fingerprint(),
        sharing.commitments().iter().rev().copied().collect(),
    )
    .unwrap();
    let manifest = manifest_of(swapped);
    let signature = ours.key.sign_detached(&manifest, now()).unwrap();
    let error = check(&manifest, &ours.certificate, &signature).unwrap_err();
    assert!(
        matches!(error, PublicFolderError::ForeignCommitments),
        "{error}"
    );
}

/// Commitments under the attacker's key that a true share of index x satisfies: C'_0 = a·B, C'_1 = (Y_x − C'_0)/x. The attacker needs
/// public values only.
fn forge(truth: &SharingPart, x: u8, attacker: &ArchiveKey) -> SharingPart {
    let point = |p: &Point| CompressedEdwardsY(p.to_bytes()).decompress().unwrap();
    let commitments = truth.commitments();
    let share_times_base = point(&commitments[0]) + point(&commitments[1]) * Scalar::from(x);
    let secret: X25519Secret = attacker.x25519_secret().unwrap();
    let scalar = Scalar::from_canonical_bytes(*secret.reduced().to_bytes().expose_bytes()).unwrap();
    let constant = EdwardsPoint::mul_base(&scalar);
    let slope = (share_times_base - constant) * Scalar::from(x).invert();
    SharingPart::new(
        Profile::Classic,
        Purpose::Archive,
        truth.threshold(),
        attacker.primary_fingerprint(),
        attacker.encryption_fingerprint(),
        [constant, slope]
            .iter()
            .map(|p| Point::from_bytes(&p.compress().to_bytes()).unwrap())
            .collect(),
    )
    .unwrap()
}

/// Feldman's equation alone, y·B = C_0 + x·C_1, on a frame's bytes.
fn satisfies(frame: &[u8; frame::LENGTH], commitments: &[Point]) -> bool {
    let point = |p: &Point| CompressedEdwardsY(p.to_bytes()).decompress().unwrap();
    let y = Scalar::from_canonical_bytes(frame[20..52].try_into().unwrap()).unwrap();
    let x = Scalar::from(frame[5]);
    EdwardsPoint::mul_base(&y) == point(&commitments[0]) + point(&commitments[1]) * x
}

#[test]
fn a_replaced_folder_is_refused_by_a_true_sheet_although_its_algebra_comes_out_right() {
    let ours = ceremony();
    let attacker = ArchiveKey::generate_classic("Archiver <archiver@example.org>", now())
        .unwrap()
        .key;
    let forged = forge(ours.dealing.sharing(), 1, &attacker);
    let manifest = manifest_of(forged);
    let signature = attacker.sign_detached(&manifest, now()).unwrap();
    // The replaced folder agrees with itself: nothing in it gives the attack away.
    let folder = check(
        &manifest,
        &attacker.certificate_armored().unwrap(),
        &signature,
    )
    .unwrap();

    let true_share = frame::encode(&ours.dealing.shares()[0]);
    assert!(satisfies(
        true_share.expose_bytes(),
        folder.sharing().commitments()
    ));

    let mut gathering = Gathering::new(folder.sharing().clone());
    let text = frame::to_qr_text(&ours.dealing.shares()[0]);
    let refused = gathering
        .add(frame::from_qr_text(text.expose_text()).unwrap())
        .unwrap_err();
    assert_eq!(
        refused,
        ShareRefused::OtherSet {
            sheet: ours.dealing.sharing().set_id(),
            archive: folder.sharing().set_id(),
        }
    );

    // Writing the sheets' set id into the forged manifest does not help: it is recomputed.
    let lie = String::from_utf8(manifest).unwrap().replace(
        &folder.sharing().set_id().to_string(),
        &ours.dealing.sharing().set_id().to_string(),
    );
    let signature = attacker.sign_detached(lie.as_bytes(), now()).unwrap();
    let error = check(
        lie.as_bytes(),
        &attacker.certificate_armored().unwrap(),
        &signature,
    )
    .unwrap_err();
    assert!(
        matches!(
            error,
            PublicFolderError::Manifest(ManifestError::SetId { .. })
        ),
        "{error}"
    );
}
