//! GnuPG both ways: it reads what we write, we read what it writes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::Write as _;
use std::process::Command;

use archiver_core::frame::from_qr_text;
use archiver_core::manifest::Manifest;
use archiver_core::quorum::Gathering;
use custody_tests::{Ceremony, Gpg, rehearsal_mails, run, run_with_stdin};

/// Splits a vault into its records as docs/format.md says that awk can.
fn split_with_awk(ceremony: &Ceremony) -> Vec<std::path::PathBuf> {
    let folder = ceremony.path("records");
    fs::create_dir(&folder).unwrap();
    let program = r#"/^-----BEGIN PGP MESSAGE-----/ { n++ } { print > sprintf("%06d.asc", n) }"#;
    let ran = run(Command::new("awk")
        .arg(program)
        .arg(ceremony.vault())
        .current_dir(&folder));
    let _ = ran.expect_code(0);
    let mut records: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    records.sort();
    records
}

fn rebuild(ceremony: &Ceremony) -> std::path::PathBuf {
    let (key, passphrase) = (ceremony.path("key.asc"), ceremony.path("passphrase"));
    fs::write(&passphrase, "correct horse\n").unwrap();
    let sheets = [ceremony.sheet_file(2), ceremony.sheet_file(3)];
    let ran = run(ceremony
        .command("rebuild", &sheets, &key)
        .arg("--passphrase-file")
        .arg(passphrase));
    let _ = ran.expect_code(0);
    key
}

fn decrypt(gpg: &Gpg, passphrase: &str, record: &std::path::Path) -> Vec<u8> {
    let output = gpg
        .command(&["--passphrase", passphrase, "--decrypt"])
        .arg(record)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn gpg_imports_the_rebuilt_key_and_decrypts_every_record_of_our_vault() {
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    let mails = rehearsal_mails();
    for mail in &mails {
        ceremony.archive(mail);
    }
    let key = rebuild(&ceremony);
    let mut import = gpg.command(&["--passphrase", "correct horse", "--import"]);
    let _ = run(import.arg(key)).expect_code(0);
    let records = split_with_awk(&ceremony);
    assert_eq!(records.len(), mails.len());
    for (record, mail) in records.iter().zip(&mails) {
        assert_eq!(
            &decrypt(&gpg, "correct horse", record),
            mail,
            "{}",
            record.display()
        );
    }
}

#[test]
fn a_vault_that_gpg_filled_opens() {
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    let mut import = gpg.command(&["--import"]);
    let _ = run(import.arg(ceremony.certificate())).expect_code(0);
    let mut vault = fs::File::create(ceremony.vault()).unwrap();
    let mails = rehearsal_mails();
    for mail in &mails {
        let ran = run_with_stdin(
            &mut gpg.command(&[
                "--trust-model",
                "always",
                "--encrypt",
                "-r",
                "Archiver",
                "-a",
            ]),
            mail,
        )
        .expect_code(0);
        vault.write_all(ran.stdout.as_bytes()).unwrap();
    }
    // Then the hook takes over the same vault.
    ceremony.archive(b"Subject: after gpg\n\n");
    let _ = ceremony.open(&ceremony.vault(), "opened").expect_code(0);
    let mut expected = mails;
    expected.push(b"Subject: after gpg\n\n".to_vec());
    assert_eq!(ceremony.opened_mails("opened"), expected);
}

#[test]
fn the_sealed_key_imports_with_the_passphrase_that_the_shares_give() {
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: sealed\n\n");
    let manifest =
        Manifest::parse(&fs::read(ceremony.public().join("custody.json")).unwrap()).unwrap();
    let mut gathering = Gathering::new(manifest.sharing);
    for share in [1, 3] {
        gathering
            .add(from_qr_text(&ceremony.sheet_text(share)).unwrap())
            .unwrap();
    }
    let passphrase = gathering
        .into_quorum()
        .unwrap()
        .rebuild()
        .unwrap()
        .sealed_key_passphrase();
    let sealed = ceremony.public().join("archive.sealed.asc");
    let mut import = gpg.command(&["--passphrase", passphrase.expose_text(), "--import"]);
    let _ = run(import.arg(sealed)).expect_code(0);
    assert_eq!(
        decrypt(&gpg, passphrase.expose_text(), &ceremony.vault()),
        b"Subject: sealed\n\n"
    );
}

#[test]
fn gpg_verifies_the_manifests_signature_and_takes_the_revocation() {
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    let public = ceremony.public();
    let _ = run(gpg.command(&["--import"]).arg(ceremony.certificate())).expect_code(0);
    let mut verify = gpg.command(&["--verify"]);
    let _ = run(verify
        .arg(public.join("custody.json.asc"))
        .arg(public.join("custody.json")))
    .expect_code(0);

    let _ = run(gpg
        .command(&["--import"])
        .arg(ceremony.path("out/revocation/revocation.asc")))
    .expect_code(0);
    let listed = gpg.run(&["--list-keys", "--with-colons"]).expect_code(0);
    assert!(
        listed.stdout.lines().any(|line| line.starts_with("pub:r:")),
        "{}",
        listed.stdout
    );
}

#[test]
fn an_unlocked_rebuild_must_be_asked_for_and_imports_without_a_passphrase() {
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: open\n\n");
    let key = ceremony.path("open.asc");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let ran = run(ceremony.command("rebuild", &sheets, &key).arg("--unlocked"));
    let _ = ran.expect_code(0).prints("NOT LOCKED");
    let _ = run(gpg.command(&["--import"]).arg(key)).expect_code(0);
    assert_eq!(decrypt(&gpg, "", &ceremony.vault()), b"Subject: open\n\n");
}

#[test]
fn without_the_sealed_key_the_sheets_and_the_certificate_still_decrypt() {
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: lost\n\n");
    fs::remove_file(ceremony.public().join("archive.sealed.asc")).unwrap();
    let key = rebuild(&ceremony);
    let mut import = gpg.command(&["--passphrase", "correct horse", "--import"]);
    let _ = run(import.arg(key)).expect_code(0);
    assert_eq!(
        decrypt(&gpg, "correct horse", &ceremony.vault()),
        b"Subject: lost\n\n"
    );
}
