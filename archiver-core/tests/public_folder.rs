//! A public folder whose parts do not belong together is refused, and the exchanged part is named. That a folder which was replaced as a whole is
//! found out by a true sheet is tested end to end, in `tests/tests/bad_input.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use archiver_core::frame;
use archiver_core::identity::UtcTime;
use archiver_core::manifest::{Description, Manifest, ManifestError};
use archiver_core::openpgp::archive_key::ArchiveKey;
use archiver_core::public_folder::{PublicFolder, PublicFolderError};
use archiver_core::quorum::Gathering;
use archiver_core::sharing::{Profile, Purpose, SharingPart};
use archiver_core::split::{Dealing, SharingTerms};
use archiver_core::threshold::Threshold;

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
