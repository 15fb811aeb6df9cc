//! Every mail comes back byte for byte, from Sequoia and from gpg.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::archive::{Archive, deliver, records, skip, text};
use sequoia_openpgp::serialize::SerializeInto as _;

/// A megabyte without repetitions.
fn noise() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..1 << 20).map(|_| next()).collect()
}

fn odd_mails() -> Vec<Vec<u8>> {
    let all_bytes: Vec<u8> = (0..=255).collect();
    let megabyte = noise();
    let three_megabytes =
        b"Subject: long\n\nThe mail is longer than the first buffer.\n".repeat(60_000);
    let nine_megabytes = megabyte.repeat(9);
    let armor =
        b"-----BEGIN PGP MESSAGE-----\nComment: archiver 2\n\nAAAA\n-----END PGP MESSAGE-----\n";
    vec![
        b"".to_vec(),
        b"\0".to_vec(),
        b"\n".to_vec(),
        b"no newline at the end".to_vec(),
        b"Subject: CRLF\r\n\r\nbody\r\n".to_vec(),
        b"From sender@example.org Tue Nov 24 20:28:37 2026\nSubject: mbox\n\n>From here\n".to_vec(),
        b"Subject: NUL\n\n\0\0\0".to_vec(),
        b"Subject: gr\xfc\xdfe\n\n\xff\xfe".to_vec(),
        all_bytes,
        armor.to_vec(),
        b"Subject: text\n\nThe same line again and again.\n".repeat(500),
        megabyte,
        three_megabytes,
        nine_megabytes,
    ]
}

fn filled() -> (Archive, Vec<Vec<u8>>) {
    let archive = Archive::new();
    let mails = odd_mails();
    for mail in &mails {
        archive.archive(mail);
    }
    (archive, mails)
}

#[test]
fn odd_mails_come_back_byte_for_byte() {
    let (archive, mails) = filled();
    assert!(archive.mails() == mails);
}

#[test]
fn a_new_vault_is_readable_by_its_owner_only() {
    let archive = Archive::new();
    archive.archive(b"mail");
    let mode = fs::metadata(archive.vault()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn text_takes_less_room_compressed() {
    let mail = b"Subject: text\n\nA line like other lines, with few surprises.\n".repeat(50);
    let length = |flags: &[&str]| {
        let archive = Archive::new();
        deliver(archive.hook().args(flags), &mail);
        assert!(archive.mails() == [mail.clone()]);
        archive.vault_bytes().len()
    };
    assert!(length(&[]) * 2 < length(&["--no-compress"]));
}

#[test]
fn a_record_on_standard_output_has_no_header_of_ours_and_touches_no_vault() {
    let archive = Archive::new();
    let output = deliver(&mut archive.hook_to_stdout(), b"to be kept elsewhere");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains("archiver"));
    assert_eq!(archive.open(&output.stdout), b"to be kept elsewhere");
    assert!(!archive.vault().exists());
}

#[test]
fn gpg_decrypts_every_record() {
    let (archive, mails) = filled();
    let home = archive.path("gpg");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = || {
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(&home).args(["--batch", "--quiet"]);
        gpg
    };
    if gpg().arg("--version").output().is_err() {
        return skip("gpg is not installed");
    }
    let secret_key = archive.key.as_tsk().armored().to_vec().unwrap();
    let imported = deliver(gpg().arg("--import"), &secret_key);
    assert!(imported.status.success(), "{}", text(&imported.stderr));
    let vault = archive.vault_bytes();
    let record_file = archive.path("record.asc");
    for (record, mail) in records(&vault).zip(&mails) {
        fs::write(&record_file, record).unwrap();
        let output = gpg().arg("--decrypt").arg(&record_file).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(output.stdout == *mail, "{} bytes", mail.len());
    }
    let _ = Command::new("gpgconf")
        .arg("--homedir")
        .arg(&home)
        .args(["--kill", "all"])
        .status();
}

#[test]
fn sq_decrypts_a_short_and_a_long_mail() {
    let archive = Archive::new();
    let mails = [b"short".to_vec(), noise().repeat(9)];
    for mail in &mails {
        archive.archive(mail);
    }
    let (key, record_file) = (archive.path("key.asc"), archive.path("record.asc"));
    fs::write(&key, archive.key.as_tsk().armored().to_vec().unwrap()).unwrap();
    if Command::new("sq").arg("version").output().is_err() {
        return skip("sq is not installed");
    }
    let vault = archive.vault_bytes();
    for (record, mail) in records(&vault).zip(&mails) {
        fs::write(&record_file, record).unwrap();
        let mut sq = Command::new("sq");
        sq.args(["decrypt", "--recipient-key"]).arg(&key);
        let output = sq.arg(&record_file).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(output.stdout == *mail, "{} bytes", mail.len());
    }
}
