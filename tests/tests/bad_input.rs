//! Bad input whose story is too long for a case of the testkit: a replaced public folder, a forged one, damaged vaults.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

use custody_tests::{Ceremony, Ran, custodian, hook, run, run_with_stdin, tmpfs};

fn check(public: &Path, sheet: &Path) -> Ran {
    run(custodian()
        .args(["check", "--public"])
        .arg(public)
        .arg(sheet))
}

#[test]
fn a_public_folder_that_was_replaced_is_found_out_by_a_true_sheet() {
    let (ceremony, attacker) = (Ceremony::hold(), Ceremony::hold());
    // The whole folder: it agrees with itself.
    let ran = check(&attacker.public(), &ceremony.sheet_file(1)).expect_code(1);
    let _ = ran
        .prints("belongs to another ceremony")
        .prints("or the public folder was replaced");

    // One file of it: it does not.
    for file in ["archive.cert.asc", "custody.json", "custody.json.asc"] {
        let mixed = ceremony.path(&format!("mixed-{file}"));
        fs::create_dir(&mixed).unwrap();
        for entry in fs::read_dir(ceremony.public()).unwrap().flatten() {
            fs::copy(entry.path(), mixed.join(entry.file_name())).unwrap();
        }
        fs::copy(attacker.public().join(file), mixed.join(file)).unwrap();
        let ran = check(&mixed, &ceremony.sheet_file(1)).expect_code(4);
        let _ = ran
            .says("does not fit together")
            .says("treat this as an attack");
    }
}

#[test]
fn a_refused_sheet_is_told_once() {
    let ceremony = Ceremony::hold();
    let sheet = ceremony.path("junk.txt");
    fs::write(&sheet, "junk\n").unwrap();
    let ran = check(&ceremony.public(), &sheet).expect_code(1);
    assert_eq!(
        (ran.stdout.matches("REFUSED").count(), ran.stderr.as_str()),
        (1, "")
    );
}

#[test]
fn forged_commitments_that_a_true_sheet_satisfies_do_not_pass() {
    let ceremony = Ceremony::hold();
    let manifest = fs::read(ceremony.public().join("custody.json")).unwrap();
    let forged = custody_tests::forge_public_folder(&manifest, 1);
    let folder = ceremony.path("forged");
    fs::create_dir(&folder).unwrap();
    for (name, bytes) in &forged.files {
        fs::write(folder.join(name), bytes).unwrap();
    }
    assert!(
        forged.satisfied_by(&ceremony.sheet_text(1)),
        "the attack itself must work"
    );
    let ran = check(&folder, &ceremony.sheet_file(1)).expect_code(1);
    let _ = ran.prints("belongs to another ceremony");
}

#[test]
fn a_vault_with_every_kind_of_damage_gives_up_its_whole_records() {
    let ceremony = Ceremony::hold();
    for name in ["first", "second", "third", "fourth"] {
        ceremony.archive(format!("Subject: {name}\n\n{name}\n").as_bytes());
    }
    let vault = fs::read_to_string(ceremony.vault()).unwrap();
    let records: Vec<&str> = vault
        .split_inclusive("-----END PGP MESSAGE-----\n")
        .collect();
    let (torn, holed) = (&records[1][..300], records[2]);
    let mut damaged = records[0].as_bytes().to_vec();
    damaged.extend(torn.as_bytes());
    damaged.push(b'\n');
    let mut hole = holed.as_bytes().to_vec();
    hole[350..400].fill(0);
    damaged.extend(hole);
    damaged.extend(b"some other text\n");
    damaged.extend(records[3].as_bytes());
    let path = ceremony.path("DAMAGED");
    fs::write(&path, damaged).unwrap();

    let ran = ceremony.open(&path, "opened").expect_code(1);
    assert_eq!(
        ceremony.opened_mails("opened"),
        [
            b"Subject: first\n\nfirst\n".to_vec(),
            b"Subject: fourth\n\nfourth\n".to_vec()
        ]
    );
    let csv = fs::read_to_string(ceremony.path("opened/manifest.csv")).unwrap();
    let torn_at = records[0].len();
    let hole_at = torn_at + torn.len() + 1;
    let text_at = hole_at + holed.len();
    for (what, place) in [
        ("torn", torn_at),
        ("damaged", hole_at),
        ("stray-bytes", text_at),
    ] {
        let named = |line: &str| {
            line.contains(what) && line.split(',').any(|cell| cell == place.to_string())
        };
        assert!(
            csv.lines().any(named),
            "{what} at {place}\n{csv}\n{}",
            ran.stdout
        );
    }
    for place in [torn_at, hole_at, text_at] {
        let inspected = run(custodian()
            .args(["inspect", "--public"])
            .arg(ceremony.public())
            .arg(&path));
        let _ = inspected.expect_code(1).prints(&format!("byte {place}, "));
    }
}

#[test]
fn a_changed_record_is_damage_and_its_neighbours_open() {
    let ceremony = Ceremony::hold();
    for name in ["first", "second", "third"] {
        ceremony.archive(format!("Subject: {name}\n\n{name}\n").as_bytes());
    }
    let vault = fs::read_to_string(ceremony.vault()).unwrap();
    let mut records: Vec<String> = vault
        .split_inclusive("-----END PGP MESSAGE-----\n")
        .map(str::to_owned)
        .collect();
    let place = records[1].find("\n\n").unwrap() + 80;
    let letter = if &records[1][place..=place] == "A" {
        "B"
    } else {
        "A"
    };
    records[1].replace_range(place..=place, letter);
    fs::write(ceremony.vault(), records.concat()).unwrap();
    let _ = ceremony.open(&ceremony.vault(), "opened").expect_code(1);
    assert_eq!(ceremony.opened_mails("opened").len(), 2);
}

#[test]
fn a_full_disk_after_some_mails_leaves_nothing() {
    let Some(disk) = tmpfs(256) else { return };
    let ceremony = Ceremony::hold();
    for _ in 0..20 {
        ceremony.archive(&[b"Subject: big\n\n".as_slice(), &vec![b'x'; 60_000]].concat());
    }
    let out = disk.path().join("opened");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let ran = run(ceremony
        .command("open", &sheets, &out)
        .arg(ceremony.vault()));
    let _ = ran
        .expect_code(5)
        .says("No space left on device")
        .says("nothing was left behind")
        .says("hint: ");
    assert!(!out.exists());
}

#[test]
fn the_mail_server_never_gets_a_secret_key() {
    let ceremony = Ceremony::hold();
    let ran = run_with_stdin(
        hook()
            .arg("--cert")
            .arg(ceremony.public().join("archive.sealed.asc"))
            .arg("--vault")
            .arg(ceremony.vault()),
        b"mail",
    );
    let _ = ran
        .expect_code(75)
        .says("4.3.0 archiver-encrypt: ")
        .says("secret key");
    assert!(!ceremony.vault().exists());
}

#[test]
fn a_vault_without_a_record_is_something_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let junk = folder.path().join("junk");
    fs::write(&junk, "some other text\n").unwrap();
    let segments = folder.path().join("segments");
    fs::create_dir(&segments).unwrap();
    fs::write(segments.join("VAULT-000001.asc"), "").unwrap();
    for vault in [&empty, &junk, &segments] {
        let ran = run(custodian().arg("inspect").arg(vault)).expect_code(1);
        let ran = ran.prints("NO RECORD was found: is this the vault?");
        let _ = ran.prints("There is something to look at.");
    }
}
