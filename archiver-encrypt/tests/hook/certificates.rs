//! The certificate's file: what is wrong with it is said, and what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime};

use sequoia_openpgp::serialize::SerializeInto as _;

use crate::archive::{Archive, assert_refused, deliver, key_builder, text};

#[track_caller]
fn assert_certificate_refused(certificate: &[u8], reason: &str) {
    let archive = Archive::new();
    archive.write_certificate(certificate);
    let output = deliver(&mut archive.hook(), b"mail");
    assert_refused(&output, reason);
    assert!(text(&output.stderr).contains("the file archive.cert.asc of the ceremony"));
    assert!(!archive.vault().exists());
}

#[test]
fn files_that_are_no_certificate_are_refused_by_name() {
    let key = Archive::new().key;
    let signing = key_builder().add_signing_subkey().generate().unwrap().0;
    let certificate = key.armored().to_vec().unwrap();
    assert_certificate_refused(b"", "no OpenPGP certificate");
    assert_certificate_refused(b"hello\n", "no OpenPGP certificate");
    assert_certificate_refused(
        &certificate[..certificate.len() / 2],
        "no OpenPGP certificate",
    );
    assert_certificate_refused(
        &[certificate.clone(), certificate].concat(),
        "more than one",
    );
    assert_certificate_refused(&vec![b' '; 2_000_000], "longer than");
    assert_certificate_refused(&key.as_tsk().armored().to_vec().unwrap(), "secret key");
    assert_certificate_refused(&signing.armored().to_vec().unwrap(), "no encryption subkey");
}

#[test]
fn a_missing_certificate_and_one_that_is_no_file_are_refused() {
    let archive = Archive::new();
    fs::remove_file(archive.cert()).unwrap();
    assert_refused(&deliver(&mut archive.hook(), b"mail"), "could not be read");
    fs::create_dir(archive.cert()).unwrap();
    assert_refused(&deliver(&mut archive.hook(), b"mail"), "is not a file");
}

#[test]
fn a_binary_certificate_serves_too() {
    let archive = Archive::new();
    archive.write_certificate(&archive.key.to_vec().unwrap());
    archive.archive(b"mail");
    assert_eq!(archive.mails(), [b"mail"]);
}

#[test]
fn the_pinned_fingerprint_must_be_the_certificates_or_its_subkeys() {
    let archive = Archive::new();
    let subkey = archive.key.keys().subkeys().next().unwrap();
    for right in [archive.key.fingerprint(), subkey.key().fingerprint()] {
        let mut hook = archive.hook();
        hook.arg("--fingerprint").arg(right.to_hex().to_lowercase());
        assert_eq!(deliver(&mut hook, b"mail").status.code(), Some(0));
    }
    let wrong = Archive::new().key.fingerprint().to_hex();
    let output = deliver(archive.hook().args(["--fingerprint", &wrong]), b"mail");
    assert_refused(&output, &format!("the fingerprint {wrong} was asked for"));
    assert_refused(&output, "mend --fingerprint");
    assert_eq!(archive.mails().len(), 2);
}

#[test]
fn of_two_encryption_subkeys_one_must_be_pinned() {
    let builder = key_builder()
        .add_storage_encryption_subkey()
        .add_transport_encryption_subkey();
    let archive = Archive::of(builder.generate().unwrap().0);
    let output = deliver(&mut archive.hook(), b"mail");
    assert_refused(&output, "choose one with --fingerprint");
    for subkey in archive.key.keys().subkeys() {
        let fingerprint = subkey.key().fingerprint().to_hex();
        assert!(text(&output.stderr).contains(&fingerprint));
        deliver(
            archive.hook().args(["--fingerprint", &fingerprint]),
            b"mail",
        );
    }
    assert_eq!(archive.mails(), [b"mail", b"mail"]);
}

#[test]
fn an_expired_certificate_archives_with_a_warning_and_strictly_not() {
    let year = Duration::from_hours(365 * 24);
    let builder = key_builder()
        .set_creation_time(SystemTime::now() - 2 * year)
        .set_validity_period(year)
        .add_storage_encryption_subkey();
    let archive = Archive::of(builder.generate().unwrap().0);
    let output = deliver(&mut archive.hook(), b"mail");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).starts_with("archiver-encrypt: warning: "));
    assert!(text(&output.stderr).contains("expired since"));
    assert_eq!(archive.mails(), [b"mail"]);
    assert_refused(
        &deliver(archive.hook().arg("--strict-cert"), b"mail"),
        "expired since",
    );
    assert_eq!(archive.mails().len(), 1);
}

#[test]
fn a_failure_comes_before_all_warnings() {
    let archive = Archive::new();
    fs::set_permissions(archive.cert(), fs::Permissions::from_mode(0o664)).unwrap();
    let output = deliver(&mut archive.hook_into("/proc/none/VAULT".as_ref()), b"mail");
    assert_refused(&output, "warning: ");
}

#[test]
fn a_certificate_that_everybody_may_write_serves_only_when_pinned() {
    let archive = Archive::new();
    fs::set_permissions(archive.cert(), fs::Permissions::from_mode(0o666)).unwrap();
    assert_refused(
        &deliver(&mut archive.hook(), b"mail"),
        "may be written by everybody",
    );
    let fingerprint = archive.key.fingerprint().to_hex();
    let output = deliver(
        archive.hook().args(["--fingerprint", &fingerprint]),
        b"mail",
    );
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn a_certificate_that_its_group_may_write_brings_a_warning() {
    let archive = Archive::new();
    fs::set_permissions(archive.cert(), fs::Permissions::from_mode(0o664)).unwrap();
    let output = deliver(&mut archive.hook(), b"mail");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("warning: "));
}
