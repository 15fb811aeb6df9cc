//! The story end to end: ceremony, sheets as pictures, mails through the hook, the vault opened, every mail as it went in.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use custody_tests::{Ceremony, custodian, hook, needs, rehearsal_mails, run, run_with_stdin};

#[test]
fn mails_come_out_of_the_vault_as_they_went_in() {
    let ceremony = Ceremony::hold();
    let mails = rehearsal_mails();
    for mail in &mails {
        ceremony.archive(mail);
    }
    let opened = ceremony.path("opened");
    let sheets = [
        ceremony.sheet_picture(2, 200.0),
        ceremony.sheet_picture(3, 300.0),
    ];
    let ran = run(ceremony
        .command("open", &sheets, &opened)
        .arg(ceremony.vault()));
    let _ = ran.expect_code(0).says("2 of 2");
    assert_eq!(ceremony.opened_mails("opened"), mails);

    let sums = run(Command::new("sha256sum")
        .args(["-c", "--quiet", "manifest.sha256"])
        .current_dir(&opened));
    let _ = sums.expect_code(0);
    let csv = fs::read(opened.join("manifest.csv")).unwrap();
    assert!(csv.starts_with(b"\xef\xbb\xbf"));
    assert_eq!(
        csv.windows(2).filter(|pair| *pair == b"\r\n").count(),
        mails.len() + 1
    );
}

#[test]
fn a_ceremony_leaves_exactly_its_files_with_tight_modes() {
    let ceremony = Ceremony::hold();
    let list = |folder: &str| -> Vec<(String, u32)> {
        let mut entries: Vec<_> = fs::read_dir(ceremony.path(folder))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        entries.sort();
        entries
    };
    let file = |name: &str, mode| (name.to_owned(), mode);
    assert_eq!(
        list("out"),
        [
            file("public", 0o755),
            file("record", 0o700),
            file("revocation", 0o700),
            file("server", 0o700),
            file("sheets", 0o700)
        ]
    );
    assert_eq!(
        list("out/sheets"),
        [
            file("001-asa-oberg.pdf", 0o600),
            file("002-bo-berg.pdf", 0o600),
            file("003-chen-cao.pdf", 0o600)
        ]
    );
    assert_eq!(
        list("out/public"),
        [
            file("archive.cert.asc", 0o644),
            file("archive.sealed.asc", 0o644),
            file("custody.json", 0o644),
            file("custody.json.asc", 0o644),
            file("seals.pub", 0o644)
        ]
    );
    assert_eq!(
        list("out/server"),
        [file("seed", 0o600), file("server", 0o600)]
    );
    assert_eq!(
        list("out/record"),
        [
            file("ceremony-record.pdf", 0o600),
            file("custodians.json", 0o600),
            file("envelope-labels.pdf", 0o600),
            file("recovery-page.pdf", 0o600)
        ]
    );
    assert_eq!(
        list("out/revocation"),
        [
            file("revocation-sheet.pdf", 0o600),
            file("revocation.asc", 0o600)
        ]
    );
}

#[test]
fn check_verifies_pictures_text_files_and_stdin_and_reveals_nothing() {
    let ceremony = Ceremony::hold();
    let text = ceremony.sheet_text(2);
    let ran = run_with_stdin(
        custodian()
            .args(["check", "--public"])
            .arg(ceremony.public())
            .arg(ceremony.sheet_picture(1, 300.0))
            .arg("-")
            .arg(ceremony.sheet_file(3)),
        text.as_bytes(),
    )
    .expect_code(0)
    .prints("sheet 1, verified")
    .prints("sheet 2, verified")
    .prints("sheet 3, verified");
    let secret_part = &text[60..];
    assert!(!ran.stdout.contains(secret_part) && !ran.stderr.contains(secret_part));
}

#[test]
fn sheets_rendered_by_another_program_are_read() {
    if !needs("pdftoppm") {
        return;
    }
    let ceremony = Ceremony::hold();
    let picture = ceremony.path("by-poppler");
    let ran = run(Command::new("pdftoppm")
        .args(["-r", "300", "-png", "-singlefile"])
        .arg(ceremony.sheet_pdf(1))
        .arg(&picture));
    let _ = ran.expect_code(0);
    let ran = run(custodian()
        .args(["check", "--public"])
        .arg(ceremony.public())
        .arg(picture.with_extension("png")));
    let _ = ran.expect_code(0).prints("sheet 1, verified");
}

#[test]
fn results_are_json_when_asked_for() {
    let ceremony = Ceremony::hold();
    let ran = run(custodian()
        .args(["--json", "--quiet", "check", "--public"])
        .arg(ceremony.public())
        .arg(ceremony.sheet_file(1)))
    .expect_code(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["sheets"][0]["share"], 1);
    assert_eq!(json["missing"], 1);
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_rehearsal_plays_through_and_its_sheets_open_no_real_archive() {
    let ceremony = Ceremony::hold();
    let out = ceremony.path("rehearsal");
    let _ = run(custodian().args(["rehearse", "--out"]).arg(&out))
        .expect_code(0)
        .says("1. The ceremony")
        .says("byte for byte")
        .prints("The rehearsal succeeded.");
    let scan = fs::read_dir(out.join("scans"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let ran = run(custodian()
        .args(["check", "--public"])
        .arg(ceremony.public())
        .arg(scan));
    let _ = ran
        .expect_code(1)
        .prints("made in a rehearsal; it opens no real archive");
}

#[test]
fn the_program_names_itself_exactly() {
    let ran = run(custodian().arg("--version"))
        .expect_code(0)
        .prints("custodian 0.1.0\ncommit ");
    let custodian = custodian();
    let sums = run(Command::new("sha256sum").arg(custodian.get_program())).expect_code(0);
    let sum = sums.stdout.split(' ').next().unwrap();
    assert!(ran.stdout.contains(sum), "{}", ran.stdout);
    let _ = run(hook().arg("--version"))
        .expect_code(0)
        .prints("archiver-encrypt 0.1.0");
}
