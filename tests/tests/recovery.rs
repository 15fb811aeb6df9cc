//! Recovery without this program: the script out of docs/recovery.md, Python's standard library, and gpg.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::process::Command;

use custody_tests::{Ceremony, Gpg, needs, run};

const DOCUMENT: &str = include_str!("../../docs/recovery.md");

fn script() -> &'static str {
    DOCUMENT
        .split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap()
}

/// The document's indented commands from the one that holds `first` to the one that is `last`.
fn shell_lines(first: &str, last: &str) -> String {
    let lines = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("       "));
    let mut lines = lines.skip_while(|line| !line.contains(first));
    let mut taken = Vec::new();
    for line in &mut lines {
        taken.push(line);
        if line == last {
            break;
        }
    }
    taken.join("\n")
}

fn fingerprint_of(ceremony: &Ceremony) -> String {
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(ceremony.public().join("custody.json")).unwrap()).unwrap();
    manifest["sharing"]["primary_fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn recover(ceremony: &Ceremony, sheets: &str) -> custody_tests::Ran {
    fs::write(ceremony.path("recover.py"), script()).unwrap();
    fs::write(ceremony.path("sheets.txt"), sheets).unwrap();
    run(Command::new("python3")
        .arg(ceremony.path("recover.py"))
        .arg(ceremony.path("sheets.txt"))
        .arg(fingerprint_of(ceremony)))
}

#[test]
fn the_documents_script_and_gpg_open_the_vault_from_two_sheets() {
    if !needs("python3") {
        return;
    }
    let Some(gpg) = Gpg::new() else { return };
    let ceremony = Ceremony::hold();
    let mails = [
        b"Subject: in thirty years\n\n".to_vec(),
        b"Subject: and one more\n\n".to_vec(),
    ];
    for mail in &mails {
        ceremony.archive(mail);
    }
    let sheets = format!(
        "{}\n{}\n",
        ceremony.sheet_text(3),
        ceremony.sheet_text(1).to_lowercase()
    );
    let passphrase = recover(&ceremony, &sheets).expect_code(0).stdout;

    fs::write(ceremony.path("passphrase"), &passphrase).unwrap();
    fs::copy(
        ceremony.public().join("archive.sealed.asc"),
        ceremony.path("archive.sealed.asc"),
    )
    .unwrap();
    let ran = run(Command::new("bash")
        .args(["-euc", &shell_lines("--import", "done")])
        .env("GNUPGHOME", gpg.home())
        .current_dir(ceremony.path("")));
    let _ = ran.expect_code(0);
    for (number, mail) in mails.iter().enumerate() {
        let opened = fs::read(ceremony.path(&format!("{:08}.eml", number + 1))).unwrap();
        assert_eq!(&opened, mail);
    }
}

#[test]
fn the_documents_script_refuses_what_it_must() {
    if !needs("python3") {
        return;
    }
    let (ceremony, other) = (Ceremony::hold(), Ceremony::hold());
    let one = ceremony.sheet_text(1);
    let _ = recover(&ceremony, &one)
        .expect_code(1)
        .says("1 different sheets, 2 are needed");
    let mixed = format!("{one}\n{}\n", other.sheet_text(2));
    let _ = recover(&ceremony, &mixed)
        .expect_code(1)
        .says("do not belong together");
    let letter = if one.ends_with('A') { "Q" } else { "A" };
    let misread = format!("{}{letter}{}", &one[..50], &one[51..]);
    let zero = format!("{}0{}", &one[..50], &one[51..]);
    let _ = recover(&ceremony, &zero)
        .expect_code(1)
        .says("misread: the digits 0, 1, 8 and 9");
    let changed = if misread == one {
        one.replacen("AEAQ", "AEAR", 1)
    } else {
        misread
    };
    let _ = recover(&ceremony, &changed).expect_code(1).says("misread");
}
