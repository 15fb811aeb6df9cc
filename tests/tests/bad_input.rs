//! Bad input gets a clear error that names the sheet, file or record and says what to do; nothing is half written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;

use custody_tests::{Ceremony, PLAN, Ran, custodian, hook, run, run_with_stdin, tmpfs};

fn ceremony_by(plan: &str) -> (tempfile::TempDir, Ran) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan.toml"), plan).unwrap();
    let ran = run(custodian()
        .args(["ceremony", "--yes", "--plan"])
        .arg(folder.path().join("plan.toml"))
        .arg("--out")
        .arg(folder.path().join("out")));
    (folder, ran)
}

fn check(public: &Path, sheet: &Path) -> Ran {
    run(custodian()
        .args(["check", "--public"])
        .arg(public)
        .arg(sheet))
}

fn open_with(ceremony: &Ceremony, sheets: &[&Path]) -> Ran {
    run(ceremony
        .command("open", sheets, &ceremony.path("opened"))
        .arg(ceremony.vault()))
}

#[test]
fn a_plan_that_cannot_be_held_makes_nothing() {
    let cases = [
        (
            "threshold = 2",
            "threshold = 1",
            "each sheet alone would open the archive",
        ),
        (
            "threshold = 2",
            "threshold = 4",
            "needs at least 4 custodians, but there are 3",
        ),
        (
            "A-1002",
            "A-1001",
            "custodians 1 and 2 have the same envelope, \"A-1001\"",
        ),
        (
            "Bo Berg",
            "Бо",
            "the name of custodian 2 holds the character 'Б'",
        ),
        ("classic", "pq", "the profile \"pq\" is not known"),
    ];
    for (from, to, message) in cases {
        let (folder, ran) = ceremony_by(&PLAN.replacen(from, to, 1));
        let _ = ran.expect_code(4).says(message).says("hint: ");
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn two_hundred_and_fifty_six_custodians_are_too_many() {
    let entry =
        |i: usize| format!("[[custodian]]\nname = \"C{i}\"\nrole = \"r\"\nenvelope = \"E{i}\"\n");
    let head = PLAN.split("[[custodian]]").next().unwrap();
    let plan = format!("{head}{}", (0..256).map(entry).collect::<String>());
    let (_folder, ran) = ceremony_by(&plan);
    let _ = ran
        .expect_code(4)
        .says("256 shares are too many: at most 255");
}

#[test]
fn a_folder_that_cannot_take_the_ceremony_is_named_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan.toml"), PLAN).unwrap();
    let ceremony_into = |out: &Path| {
        run(custodian()
            .args(["ceremony", "--yes", "--plan"])
            .arg(folder.path().join("plan.toml"))
            .arg("--out")
            .arg(out))
    };
    let _ = ceremony_into(folder.path())
        .expect_code(5)
        .says("is not empty");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let _ = ceremony_into(&folder.path().join("no/such/out"))
        .expect_code(5)
        .says("cannot be written");
    let _ = ceremony_into(Path::new("/proc/out"))
        .expect_code(5)
        .says("/proc/out cannot be written");
}

#[test]
fn too_few_sheets_are_counted_and_the_same_sheet_counts_once() {
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: x\n\nx\n");
    let (one, two) = (ceremony.sheet_file(1), ceremony.sheet_picture(1, 200.0));
    let _ = open_with(&ceremony, &[&one])
        .expect_code(3)
        .says("too few sheets: 1 verified, 1 more needed: this archive opens with 2 of 3")
        .says("hint: give 1 more with --sheet FILE");
    let _ = open_with(&ceremony, &[&one, &two])
        .expect_code(3)
        .says("share 1 again; the same sheet counts once")
        .says("1 more needed");
    assert!(!ceremony.path("opened").exists());
}

#[test]
fn a_bad_sheet_does_not_spoil_the_good_ones() {
    let (ceremony, other) = (Ceremony::hold(), Ceremony::hold());
    ceremony.archive(b"Subject: x\n\nx\n");
    let foreign = other.sheet_file(1);
    let _ = open_with(
        &ceremony,
        &[&foreign, &ceremony.sheet_file(1), &ceremony.sheet_file(2)],
    )
    .expect_code(0)
    .says("belongs to another ceremony");
}

#[test]
fn each_bad_sheet_is_named_with_its_reason() {
    let (ceremony, other) = (Ceremony::hold(), Ceremony::hold());
    let public = ceremony.public();
    let refused = |sheet: &Path, reason: &str| {
        let name = sheet.display().to_string();
        let _ = check(&public, sheet)
            .expect_code(1)
            .says(&name)
            .says(reason);
    };
    refused(
        &other.sheet_picture(1, 200.0),
        "belongs to another ceremony: the sheet says set ",
    );

    let text = ceremony.sheet_text(1);
    let changed = ceremony.path("changed.txt");
    let letter = if &text[60..61] == "A" { "B" } else { "A" };
    fs::write(&changed, format!("{}{letter}{}", &text[..60], &text[61..])).unwrap();
    refused(&changed, "misread or changed: its check value does not fit");

    fs::write(&changed, format!("{}1{}", &text[..60], &text[61..])).unwrap();
    refused(
        &changed,
        "misread: character 44 after the colon is not one of A–Z and 2–7",
    );

    fs::write(&changed, &text[..100]).unwrap();
    refused(&changed, "83 characters after the colon, a share has 90");

    fs::write(&changed, "Dear Anna, please find the sheet attached.").unwrap();
    refused(&changed, "not a share");

    fs::write(&changed, [0xff, 0x00, 0x12]).unwrap();
    refused(&changed, "this is a file of an unknown kind");

    refused(&ceremony.path("missing.png"), "cannot be read");
    refused(&blank_picture(&ceremony), "no QR code was found on it");
}

/// A white page.
fn blank_picture(ceremony: &Ceremony) -> std::path::PathBuf {
    let white = sheet_scan::GreyPage::new(600, 800, vec![255; 600 * 800].into()).unwrap();
    let path = ceremony.path("blank.png");
    fs::write(&path, white.to_png().unwrap().as_slice()).unwrap();
    path
}

#[test]
fn a_public_folder_that_was_replaced_is_found_out_by_a_true_sheet() {
    let (ceremony, attacker) = (Ceremony::hold(), Ceremony::hold());
    // The whole folder: it agrees with itself.
    let ran = check(&attacker.public(), &ceremony.sheet_file(1)).expect_code(1);
    let _ = ran
        .says("belongs to another ceremony")
        .says("or the public folder was replaced");

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
    let _ = ran.says("belongs to another ceremony");
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
fn a_result_that_cannot_be_told_is_an_error_that_says_what_stands() {
    let ceremony = Ceremony::hold();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = custodian()
        .args(["check", "--public"])
        .arg(ceremony.public())
        .arg(ceremony.sheet_file(1))
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("error: the result could not be written to stdout"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_written_is_said_before_any_sheet_is_read() {
    let ceremony = Ceremony::hold();
    let missing = ceremony.path("no-such-sheet.png");
    let existing = ceremony.path("plan.toml");
    let rebuild = run(ceremony
        .command("rebuild", &[&missing], &existing)
        .arg("--unlocked"));
    let _ = rebuild.expect_code(5).says("plan.toml exists already");
    let open =
        |out: &Path, vault: &Path| run(ceremony.command("open", &[&missing], out).arg(vault));
    let _ = open(&ceremony.path("opened"), &ceremony.path("no-vault"))
        .expect_code(4)
        .says("there is no vault");
    let _ = open(&ceremony.path("out"), &existing)
        .expect_code(5)
        .says("is not empty");
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
fn a_vault_of_another_archive_is_named_as_such() {
    let (ceremony, other) = (Ceremony::hold(), Ceremony::hold());
    other.archive(b"Subject: secret\n\nsecret\n");
    let ran = ceremony.open(&other.vault(), "opened").expect_code(1);
    assert!(ceremony.opened_mails("opened").is_empty());
    let csv = fs::read_to_string(ceremony.path("opened/manifest.csv")).unwrap();
    assert!(csv.contains("foreign"), "{csv}\n{}", ran.stdout);
}

#[test]
fn a_full_disk_while_opening_leaves_nothing_that_looks_finished() {
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
    let _ = ran.expect_code(5).says("hint: ");
    assert!(!out.join("manifest.csv").exists() && !out.join("manifest.sha256").exists());
    let mut folders = vec![out];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                assert_ne!(entry.path().extension(), Some("part".as_ref()));
                assert_eq!(fs::metadata(entry.path()).unwrap().len(), 60_014);
            }
        }
    }
}

#[test]
fn nothing_prompts_without_a_terminal_and_the_error_names_the_flag() {
    let ceremony = Ceremony::hold();
    let ran = run(custodian()
        .args(["ceremony", "--plan"])
        .arg(ceremony.path("plan.toml"))
        .arg("--out")
        .arg(ceremony.path("second")));
    let _ = ran
        .expect_code(2)
        .says("nobody answered the question")
        .says("hint: use --yes");
    assert!(!ceremony.path("second").exists());
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let ran = run(&mut ceremony.command("rebuild", &sheets, &ceremony.path("key.asc")));
    let _ = ran.expect_code(2).says("hint: use --passphrase-file FILE");
    assert!(!ceremony.path("key.asc").exists());
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
