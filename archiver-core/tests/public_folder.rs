//! A public folder whose parts do not belong together is refused, and the exchanged part is named. That a folder which was replaced as a whole is
//! found out by a true sheet is tested end to end, in `tests/tests/bad_input.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use archiver_core::frame;
use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::manifest::{Description, Manifest, ManifestError};
use archiver_core::openpgp::archive_key::{ArchiveKey, NewArchiveKey};
use archiver_core::openpgp::certificate::Validity;
use archiver_core::public_folder::{NoSealKeys, PublicFiles, PublicFolder, PublicFolderError};
use archiver_core::quorum::Gathering;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::sharing::{Profile, Purpose, SharingPart, SharingTerms};
use archiver_core::split::Dealing;
use archiver_core::threshold::Threshold;
use archiver_core::vault::leaf::LogId;
use sequoia_openpgp::parse::Parse as _;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::{Cert, Packet};
use sha2::{Digest as _, Sha256};

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
    seal_keys: Option<Vec<u8>>,
}

impl Ceremony {
    fn files(&self) -> PublicFiles<'_> {
        PublicFiles {
            manifest: &self.manifest,
            certificate: &self.certificate,
            signature: Some(&self.signature),
            seal_keys: self.seal_keys.as_deref(),
        }
    }
}

fn ceremony() -> Ceremony {
    ceremony_with(
        ArchiveKey::generate_classic("Archiver <archiver@example.org>", now())
            .unwrap()
            .key,
    )
}

fn ceremony_with(key: ArchiveKey) -> Ceremony {
    let seal_keys = seal_keys_for(key.primary_fingerprint());
    ceremony_of(key, Some(seal_keys.to_text().into_bytes()))
}

fn seal_keys_for(archive: Fingerprint) -> SealKeys {
    let (log, day) = (LogId([1; 16]), "2026-11-24".parse().unwrap());
    let keys = Seed::draw(log, day).unwrap().public_keys(2);
    let server = ServerKeys::new("mail".parse().unwrap(), log, day, keys).unwrap();
    SealKeys::new(archive, vec![server]).unwrap()
}

fn ceremony_of(key: ArchiveKey, seal_keys: Option<Vec<u8>>) -> Ceremony {
    let terms = SharingTerms {
        profile: Profile::Classic,
        purpose: Purpose::Archive,
        threshold: Threshold::new(2, 3).unwrap(),
        primary: key.primary_fingerprint(),
        encryption: key.encryption_fingerprint(),
        seal_keys_sha256: seal_keys.as_ref().map(|file| Sha256::digest(file).into()),
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
        seal_keys,
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

fn check(files: &PublicFiles<'_>) -> Result<PublicFolder, PublicFolderError> {
    PublicFolder::check(files, now())
}

#[test]
fn a_ceremonys_own_folder_is_accepted_and_its_sheets_unseal_the_sealed_key() {
    let ceremony = ceremony();
    let folder = check(&ceremony.files()).unwrap();
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
    let foreign_certificate = check(&PublicFiles {
        certificate: &theirs.certificate,
        ..ours.files()
    })
    .unwrap_err();
    assert!(
        matches!(foreign_certificate, PublicFolderError::Certificate(_)),
        "{foreign_certificate}"
    );

    let foreign_signature = check(&PublicFiles {
        signature: Some(&theirs.signature),
        ..ours.files()
    })
    .unwrap_err();
    assert!(
        matches!(foreign_signature, PublicFolderError::Signature(_)),
        "{foreign_signature}"
    );

    let mut edited = String::from_utf8(ours.manifest.clone()).unwrap();
    edited = edited.replace("Example AG", "Example BG");
    let edited = check(&PublicFiles {
        manifest: edited.as_bytes(),
        ..ours.files()
    })
    .unwrap_err();
    assert!(
        matches!(edited, PublicFolderError::Signature(_)),
        "{edited}"
    );

    let damaged = check(&PublicFiles {
        manifest: b"{}",
        ..ours.files()
    })
    .unwrap_err();
    assert!(
        matches!(damaged, PublicFolderError::Manifest(ManifestError::Json(_))),
        "{damaged}"
    );
}

#[test]
fn seal_keys_are_those_that_the_sheets_vouch_for() {
    let ours = ceremony();
    let folder = check(&ours.files()).unwrap();
    let keys = folder.seal_keys().unwrap();
    assert_eq!(
        keys.to_text().as_bytes(),
        ours.seal_keys.as_deref().unwrap()
    );

    let with = |seal_keys| {
        check(&PublicFiles {
            seal_keys,
            ..ours.files()
        })
    };
    let missing = with(None).unwrap();
    assert_eq!(missing.seal_keys(), Err(NoSealKeys::Missing));

    let theirs = ceremony();
    let mut longer = ours.seal_keys.clone().unwrap();
    longer.push(b'\n');
    for changed in [theirs.seal_keys.as_deref().unwrap(), &longer, b""] {
        let error = with(Some(changed)).unwrap_err();
        assert!(
            matches!(error, PublicFolderError::ChangedSealKeys),
            "{error}"
        );
    }
}

#[test]
fn an_archive_without_seals_stays_valid_and_takes_no_seal_keys() {
    let key = ArchiveKey::generate_classic("Archiver <archiver@example.org>", now());
    let ours = ceremony_of(key.unwrap().key, None);
    let folder = check(&ours.files()).unwrap();
    assert_eq!(folder.seal_keys(), Err(NoSealKeys::NoneMade));
    let keys = seal_keys_for(folder.sharing().primary_fingerprint()).to_text();
    let error = check(&PublicFiles {
        seal_keys: Some(keys.as_bytes()),
        ..ours.files()
    });
    assert!(matches!(
        error.unwrap_err(),
        PublicFolderError::UnexpectedSealKeys
    ));
}

#[test]
fn seal_keys_that_a_ceremony_should_not_have_made_are_refused_by_its_readers() {
    let key = || ArchiveKey::generate_classic("Archiver <archiver@example.org>", now()).unwrap();
    let foreign = seal_keys_for(key().key.primary_fingerprint()).to_text();
    let ours = ceremony_of(key().key, Some(foreign.into_bytes()));
    let error = check(&ours.files()).unwrap_err();
    assert!(
        matches!(error, PublicFolderError::ForeignSealKeys { .. }),
        "{error}"
    );
    let ours = ceremony_of(key().key, Some(b"seals".to_vec()));
    let error = check(&ours.files()).unwrap_err();
    assert!(matches!(error, PublicFolderError::SealKeys(_)), "{error}");
}

#[test]
fn commitments_to_another_key_are_refused_even_when_signed() {
    let ours = ceremony();
    let sharing = ours.dealing.sharing();
    let reversed = sharing.commitments().iter().rev().copied().collect();
    let swapped = SharingPart::new(*sharing.terms(), reversed).unwrap();
    let manifest = manifest_of(swapped);
    let signature = ours.key.sign_detached(&manifest, now()).unwrap();
    let error = check(&PublicFiles {
        manifest: &manifest,
        signature: Some(&signature),
        ..ours.files()
    })
    .unwrap_err();
    assert!(
        matches!(error, PublicFolderError::ForeignCommitments),
        "{error}"
    );
}

#[test]
fn a_clock_that_stands_before_the_ceremony_does_not_lock_the_archive() {
    let ours = ceremony();
    let in_1970 = UtcTime::from_unix(86_400).unwrap();
    PublicFolder::check(&ours.files(), in_1970).unwrap();
}

#[test]
fn a_revoked_certificate_still_belongs_to_its_manifest() {
    let NewArchiveKey {
        key,
        revocation_certificate,
    } = ArchiveKey::generate_classic("Archiver <archiver@example.org>", now()).unwrap();
    let ours = ceremony_with(key);
    let revoked = revoke(&ours.certificate, revocation_certificate.expose_text());
    let folder = check(&PublicFiles {
        certificate: &revoked,
        ..ours.files()
    })
    .unwrap();
    assert_eq!(folder.certificate().validity(), Validity::Revoked);
}

/// Joins certificate and revocation, as `gpg --import` and `--export` do.
fn revoke(certificate: &[u8], revocation: &str) -> Vec<u8> {
    let revocation = Packet::from_bytes(revocation).unwrap();
    let (cert, _) = Cert::from_bytes(certificate)
        .unwrap()
        .insert_packets(revocation)
        .unwrap();
    cert.armored().to_vec().unwrap()
}
