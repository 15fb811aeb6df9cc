//! Vaults with every kind of damage, opened and inspected; each test looks at the files that come out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says loudly what it skips"
)]

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::against::{Outcome as Compared, SealsOutcome, Surplus, compare};
use super::inspect::{InspectReport, OriginProofs, inspect_vaults};
use super::testing::{Archive, Vault};
use super::*;
use crate::report::Report as _;

const MAIL: &[u8] =
    b"From: Bo <bo@example.org>\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n";

/// A folder with vaults, and what came out of opening them.
struct Run {
    folder: TempDir,
    result: Result<Summary, OpenError>,
}

impl Run {
    fn open(archive: &Archive, vaults: &[&Vault]) -> Self {
        Self::open_on(archive, vaults, 2)
    }

    fn open_on(archive: &Archive, vaults: &[&Vault], threads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = vaults
            .iter()
            .enumerate()
            .map(|(n, vault)| vault.save(folder.path(), &format!("vault-{n}.asc")))
            .collect();
        let opening = Opening {
            threads: NonZero::new(threads).unwrap(),
            ..Opening::with(&archive.key, Err(NotVerified::NoneMade))
        };
        let result = opening.open(&paths, &folder.path().join("out"), &NoProgress);
        Self { folder, result }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn summary(&self) -> &Summary {
        self.result.as_ref().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&fs::read(self.out().join("manifest.json")).unwrap()).unwrap()
    }

    fn rows(&self) -> Vec<Value> {
        self.json()["rows"].as_array().unwrap().clone()
    }

    /// `column` of every row.
    fn column(&self, column: &str) -> Vec<String> {
        let text = |row: &Value| match &row[column] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.rows().iter().map(text).collect()
    }

    fn mails(&self) -> Vec<Vec<u8>> {
        let files = self.column("file");
        let files = files.iter().filter(|file| !file.is_empty());
        files
            .map(|file| fs::read(self.out().join(file)).unwrap())
            .collect()
    }

    /// The rows tile the vaults, the hashes are right, and nothing half-written is left.
    fn check(&self) -> &Self {
        let mut ends: BTreeMap<String, u64> = BTreeMap::new();
        for row in self.rows() {
            let end = ends
                .entry(row["vault"].as_str().unwrap().to_owned())
                .or_default();
            assert_eq!(row["offset"].as_u64().unwrap(), *end);
            *end += row["length"].as_u64().unwrap();
        }
        for (path, end) in ends {
            assert_eq!(fs::metadata(path).unwrap().len(), end);
        }
        let sha256sum = Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "manifest.sha256"])
            .current_dir(self.out())
            .status()
            .unwrap();
        assert!(sha256sum.success());
        let hashes = fs::read_to_string(self.out().join("manifest.sha256")).unwrap();
        let files = tree(&self.out());
        assert_eq!(hashes.lines().count() + 1, files.len());
        assert!(files.keys().all(|name| !has_extension(name, "part")));
        self
    }
}

/// All files under a folder with their content.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = tree(&entry.path());
            files.extend(
                below
                    .into_iter()
                    .map(|(n, bytes)| (format!("{name}/{n}"), bytes)),
            );
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    files
}

fn inspect(vault: &Vault, archive: Option<&Archive>) -> InspectReport {
    let folder = tempfile::tempdir().unwrap();
    let path = vault.save(folder.path(), "vault.asc");
    let archive = archive.map(|archive| archive.cert.fingerprints());
    inspect_vaults(
        &[path],
        archive,
        Err(NotVerified::NoPublicFolder),
        &NoProgress,
    )
    .unwrap()
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension() == Some(extension.as_ref())
}

#[test]
fn a_clean_vault_opens_and_every_link_is_verified() {
    let archive = Archive::new();
    let long = vec![b'x'; 300_000];
    let mails: [&[u8]; 5] = [MAIL, b"", b"From \0\xff", &long, b"\r\n\n"];
    let mut vault = Vault::default();
    for mail in mails {
        vault.append(&archive, mail);
    }
    let run = Run::open(&archive, &[&vault]);
    assert_eq!(run.check().mails(), mails);
    let expected = Summary {
        records: 5,
        opened: 5,
        bytes: vault.bytes.len() as u64,
        seals: SealCounts {
            unsealed: 5,
            ..SealCounts::default()
        },
        ..Summary::default()
    };
    assert_eq!(run.summary(), &expected);
    assert!(!run.summary().anomalies());
    assert_eq!(run.column("link"), ["holds"; 5]);
    assert_eq!(run.column("place"), ["verified-by-leaf"; 5]);
    assert_eq!(run.column("seq"), ["0", "1", "2", "3", "4"]);
    assert_eq!(run.column("archived"), ["2026-11-24T20:28:37Z"; 5]);
    assert!(run.column("file")[0].starts_with("messages/000000/0000000001-seq0-"));
}

#[test]
fn files_are_their_owners_only() {
    let archive = Archive::new();
    let run = Run::open(&archive, &[Vault::default().append(&archive, MAIL)]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in tree(&run.out()).keys() {
        assert_eq!(mode(run.out().join(file)), 0o600, "{file}");
    }
    for folder in ["", "messages", "messages/000000"] {
        assert_eq!(mode(run.out().join(folder)), 0o700, "{folder}");
    }
}

#[test]
fn every_kind_of_damage_costs_only_itself() {
    let (archive, other) = (Archive::new(), Archive::new());
    let record = archive.record(MAIL);
    let middle = record.len() / 2;
    let mut hole = record.clone();
    hole.get_mut(middle..middle + 20).unwrap().fill(0);
    let mut flipped = record.clone();
    let at = flipped.get_mut(middle).unwrap();
    *at = if *at == b'A' { b'B' } else { b'A' };
    let mut changed = archive.seal(MAIL).message().in_memory().unwrap().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    let changed = archiver_core::vault::armor::render(None, &changed);

    let mut vault = Vault::default();
    vault.append(&archive, b"first");
    vault.put(&record[..middle]).put(b"\n");
    vault.put(&hole).put(&flipped).put(&changed);
    vault.put(&other.record(MAIL));
    vault.put(b"some other text\n").put(b" \n\n");
    vault.append(&archive, b"second");
    vault.put(b"\n \n").put(&record);
    vault.put(&record[..middle]);
    let run = Run::open(&archive, &[&vault]);

    let results = run.check().column("result");
    let expected = [
        "opened",
        "torn",
        "damaged",
        "damaged",
        "damaged",
        "foreign",
        "stray-bytes",
        "opened",
        "white-space",
        "opened-without-header",
        "torn",
    ];
    assert_eq!(results, expected);
    let reasons = run.column("reason");
    assert!(reasons[2].contains("is not base64"), "{}", reasons[2]);
    assert_eq!(reasons[3], "the armor's checksum does not match");
    assert_eq!(reasons[4], "its encrypted content was changed or damaged");
    assert!(reasons[5].starts_with("for another archive: encrypted to "));
    assert_eq!(run.mails(), [b"first", b"second" as &[u8], MAIL]);
    assert_eq!(run.column("link")[7], "holds");
    let summary = run.summary();
    assert_eq!((summary.opened, summary.without_header), (3, 1));
    assert_eq!((summary.torn, summary.damaged, summary.foreign), (2, 3, 1));
    assert_eq!((summary.stray, summary.broken_links), (1, 0));
    assert!(summary.anomalies());
    assert_eq!(run.json()["summary"]["damaged"], 3);
}

#[test]
fn a_removed_record_is_an_anomaly_although_all_others_open() {
    let archive = Archive::new();
    let mut vault = Vault::default();
    vault.append(&archive, b"1");
    let first = vault.bytes.len();
    vault.append(&archive, b"2");
    let second = vault.bytes.len();
    vault.append(&archive, b"3");
    vault.bytes.drain(first..second);
    let run = Run::open(&archive, &[&vault]);
    let link = &run.check().column("link")[1];
    assert_eq!(
        link,
        "broken: sequence 1 of the log should stand here, this claims to be 2"
    );
    assert!(run.summary().anomalies());
    assert_eq!(run.summary().opened, 2);
}

#[test]
fn carriage_returns_in_the_armor_change_nothing_of_the_mail() {
    let archive = Archive::new();
    let text = String::from_utf8(archive.record(MAIL)).unwrap();
    let run = Run::open(
        &archive,
        &[Vault::default().put(text.replace('\n', "\r\n").as_bytes())],
    );
    assert_eq!(run.check().mails(), [MAIL]);
}

#[test]
fn duplicates_are_marked_and_kept() {
    let archive = Archive::new();
    let mut first = Vault::default();
    first.append(&archive, MAIL).append(&archive, b"other");
    let mut second = Vault::default();
    second.append(&archive, MAIL);
    let run = Run::open(&archive, &[&first, &second]);
    assert_eq!(run.check().column("duplicate_of"), ["null", "null", "1"]);
    assert_eq!(run.mails().len(), 3);
    assert_eq!(run.summary().duplicates, 1);
    assert!(!run.summary().anomalies());
}

#[test]
fn hostile_header_fields_do_no_harm_in_the_tables() {
    let archive = Archive::new();
    let mail = "Subject: =cmd()|'/C calc'!A0\x1b[31m\u{202e}\u{200b},\"\r\n\r\n";
    let mut vault = Vault::default();
    vault.append(&archive, mail.as_bytes());
    let run = Run::open(&archive, &[&vault]);
    assert_eq!(
        run.check().column("subject"),
        ["=cmd()|'/C calc'!A0[31m,\""]
    );
    let csv = fs::read(run.out().join("manifest.csv")).unwrap();
    let text = std::str::from_utf8(csv.strip_prefix("\u{feff}".as_bytes()).unwrap()).unwrap();
    assert_eq!(text.matches("\r\n").count(), 2);
    assert_eq!(text.matches('\n').count(), 2);
    assert!(text.contains("\"'=cmd()|'/C calc'!A0[31m,\"\"\""), "{text}");
    assert!(!text.contains(['\x1b', '\u{202e}', '\u{200b}']));
    assert_eq!(run.mails(), [mail.as_bytes()]);
}

#[test]
fn the_csv_and_the_json_say_the_same() {
    let archive = Archive::new();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL).put(b"garbage");
    let run = Run::open(&archive, &[&vault]);
    let csv = fs::read(run.out().join("manifest.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(csv.strip_prefix("\u{feff}".as_bytes()).unwrap());
    let columns = reader.headers().unwrap().clone();
    for (record, row) in reader.records().map(Result::unwrap).zip(run.rows()) {
        assert_eq!(row.as_object().unwrap().len(), columns.len());
        for (column, cell) in columns.iter().zip(&record) {
            let json = match &row[column] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(json, cell, "{column}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let archive = Archive::new();
    let other = Archive::new();
    let mut vault = Vault::default();
    for n in 0..300_usize {
        vault.append(&archive, format!("Subject: {n}\n\n").repeat(n).as_bytes());
        match n % 50 {
            7 => vault.put(&other.record(b"x")),
            23 => vault.put(b"-----BEGIN PGP MESSAGE-----\ntorn\n"),
            31 => vault.put(b"stray\n"),
            _ => &mut vault,
        };
    }
    let runs = [1, 2, 5].map(|threads| Run::open_on(&archive, &[&vault], threads));
    let without_paths = |run: &Run| {
        let folder = run.folder.path().to_str().unwrap();
        let mut files = tree(&run.check().out());
        files.remove("manifest.sha256");
        for name in ["manifest.csv", "manifest.json"] {
            let text = String::from_utf8(files[name].clone()).unwrap();
            files.insert(name.to_owned(), text.replace(folder, "").into_bytes());
        }
        files
    };
    let [one, two, five] = runs.each_ref().map(without_paths);
    assert_eq!(one.len(), 300 + 2);
    assert!(one == two && two == five);
}

#[test]
fn folders_hold_ten_thousand_mails() {
    let names: Vec<String> = [1, 9_999, 10_000, 123_456_789]
        .map(|n| message::file_name(n, &archiver_core::vault::read::Claim::None, &[0xab; 32]))
        .to_vec();
    let expected = [
        "messages/000000/0000000001-noseq-abababababababab.eml",
        "messages/000000/0000009999-noseq-abababababababab.eml",
        "messages/000001/0000010000-noseq-abababababababab.eml",
        "messages/012345/0123456789-noseq-abababababababab.eml",
    ];
    assert_eq!(names, expected);
}

#[test]
fn an_empty_vault_opens_to_nothing_and_is_something_to_look_at() {
    let archive = Archive::new();
    let run = Run::open(&archive, &[&Vault::default()]);
    assert_eq!(run.check().summary(), &Summary::default());
    assert!(!run.summary().anomalies());
    for bytes in [&b""[..], b"\n \n", b"junk\n"] {
        let mut vault = Vault::default();
        let report = inspect(vault.put(bytes), None);
        assert!(report.anomalies());
        let text = report.text();
        assert!(text.contains("NO RECORD was found"), "{text}");
        assert!(!text.contains("Nothing to look at"), "{text}");
    }
}

#[test]
fn the_seals_of_a_copy_are_compared_too_whatever_the_shapes() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL);
    let original = vault.save(folder.path(), "VAULT");
    let copy = folder.path().join("COPY");
    fs::create_dir(&copy).unwrap();
    vault.save(&copy, "VAULT-000001.asc");
    let (ours, theirs) = (folder.path().join("VAULT.seals"), copy.join("VAULT.seals"));
    let compared = || {
        let report = compare(std::slice::from_ref(&original), &copy).unwrap();
        assert_eq!(report.result, Compared::Identical);
        let json: Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert!(!json["seals"]["result"].is_null());
        (report.exit(), report.text(), report.seals.result)
    };
    assert_eq!(compared().2, SealsOutcome::NoneStand);
    let long = "one note\n".repeat(200_000);
    fs::write(&ours, &long).unwrap();
    let (exit, text, result) = compared();
    assert_eq!(
        (exit, result),
        (Exit::Anomalies, SealsOutcome::MissingBesideCopy)
    );
    assert!(text.contains("SEALS MISSING: there is no "), "{text}");
    fs::write(&theirs, &long).unwrap();
    let (exit, _, result) = compared();
    assert_eq!((exit, result), (Exit::Done, SealsOutcome::Identical));
    fs::write(&theirs, &long[..long.len() - 9]).unwrap();
    let (exit, text, result) = compared();
    assert_eq!((exit, result), (Exit::Done, SealsOutcome::VaultIsLonger(9)));
    assert!(text.contains("VAULT.seals has 9 bytes more; "), "{text}");
    fs::write(&theirs, format!("{long}another note\n")).unwrap();
    assert_eq!(compared().2, SealsOutcome::CopyIsLonger(13));
    let mut changed = long.into_bytes();
    changed[1_500_000] ^= 1;
    fs::write(&theirs, changed).unwrap();
    let (exit, text, result) = compared();
    assert_eq!((exit, result), (Exit::Anomalies, SealsOutcome::Differ));
    assert!(
        text.contains("THE SEALS DIFFER from byte 1500000 on"),
        "{text}"
    );
    fs::remove_file(&ours).unwrap();
    assert_eq!(compared().2, SealsOutcome::MissingBesideVault);
    fs::create_dir(&ours).unwrap();
    let refused = compare(std::slice::from_ref(&original), &copy).unwrap_err();
    assert!(
        refused.to_string().ends_with("it is not a regular file"),
        "{refused}"
    );
}

#[test]
fn a_copy_without_records_is_told_as_such() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL);
    let original = vault.save(folder.path(), "VAULT");
    let copy = folder.path().join("copy");
    let told = |one: &Path, other: &Path| {
        let report = compare(&[one.to_owned()], other).unwrap();
        assert_eq!(report.exit(), Exit::Anomalies);
        report.text()
    };
    for bytes in [&b""[..], &vault.bytes[..1]] {
        fs::write(&copy, bytes).unwrap();
        for text in [told(&original, &copy), told(&copy, &original)] {
            assert!(text.contains("copy has NONE"), "{text}");
            assert!(!text.contains("is its beginning"), "{text}");
            assert!(text.contains("copy: is this the vault?"), "{text}");
        }
    }
    let another = folder.path().join("another");
    fs::write(&another, b"").unwrap();
    fs::write(&copy, b"").unwrap();
    let text = told(&another, &copy);
    assert!(text.contains("another: is this the vault?"), "{text}");
}

#[test]
fn vaults_that_are_none_are_refused_before_anything_is_written() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let good = Vault::default()
        .append(&archive, MAIL)
        .save(folder.path(), "v");
    let refused = |paths: &[&Path]| {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        let error = open_vaults(
            &paths,
            &archive.key,
            Err(NotVerified::NoneMade),
            &out,
            &NoProgress,
        )
        .unwrap_err();
        assert!(!out.exists());
        error.to_string()
    };
    let missing = folder.path().join("missing");
    assert!(refused(&[&good, &missing]).starts_with("there is no vault "));
    assert!(refused(&[folder.path()]).contains("holds no vault"));
    assert!(refused(&[Path::new("/dev/null")]).contains("is not a regular file"));
    assert!(refused(&[&good, &good]).contains("is named twice"));
}

#[test]
fn only_a_new_or_empty_output_folder_is_taken() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::default()
        .append(&archive, MAIL)
        .save(folder.path(), "v");
    let open = |out: &Path| {
        open_vaults(
            std::slice::from_ref(&vault),
            &archive.key,
            Err(NotVerified::NoneMade),
            out,
            &NoProgress,
        )
    };
    let refused = |out: &Path| open(out).unwrap_err().to_string();
    assert!(refused(folder.path()).ends_with("is not empty"));
    assert!(refused(&vault).ends_with("is not a folder"));
    assert!(refused(&folder.path().join("no/such")).contains("/such cannot be written"));
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    open(&empty).unwrap();
    assert!(refused(&empty).ends_with("is not empty"));
    let cut_off = folder.path().join("cut off");
    fs::create_dir_all(cut_off.join(".incomplete")).unwrap();
    assert!(refused(&cut_off).ends_with("in use by another run, or one was cut off there"));
}

/// A small file system in memory; `None` where it cannot be mounted.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_stops_the_run_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount("256k") else {
        let required = std::env::var("INTEROP").is_ok_and(|value| value == "require");
        assert!(!required, "INTEROP=require, but no tmpfs can be mounted");
        eprintln!("SKIPPED: no tmpfs can be mounted here, so no disk could be filled");
        return;
    };
    let archive = Archive::new();
    let mut vault = Vault::default();
    for n in 0..40_u8 {
        vault.append(&archive, &[n; 10_000]);
    }
    let folder = tempfile::tempdir().unwrap();
    let vault = vault.save(folder.path(), "v");
    let out = disk.0.path().join("out");
    let error = open_vaults(
        &[vault],
        &archive.key,
        Err(NotVerified::NoneMade),
        &out,
        &NoProgress,
    )
    .unwrap_err();
    let OpenError::Write { path, .. } = &error else {
        panic!("{error}")
    };
    assert!(path.starts_with(out.join(".incomplete/messages/000000")));
    assert!(!out.exists());
}

#[test]
fn large_mails_stream_through_a_file() {
    let archive = Archive::new();
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(3_000_000)
    .collect();
    let mail = [b"Subject: large\n\n", noise.as_slice()].concat();
    let mut vault = Vault::default();
    vault.append(&archive, &mail);
    let mut changed = archive.seal(&mail).message().in_memory().unwrap().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    vault.put(&archiver_core::vault::armor::render(None, &changed));
    let run = Run::open(&archive, &[&vault]);
    assert_eq!(run.check().column("result"), ["opened", "damaged"]);
    assert_eq!(run.column("subject"), ["large", ""]);
    assert!(run.mails() == [mail]);
}

#[test]
fn inspecting_finds_without_a_key_what_can_be_found() {
    let (archive, other) = (Archive::new(), Archive::new());
    let twice = archive.record(b"twice");
    let mut vault = Vault::default();
    vault.append(&archive, b"1");
    vault.put(&twice).put(&other.record(b"x")).put(&twice);
    vault.put(b"-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n");
    vault
        .append(&archive, b"2")
        .put(b"stray")
        .append(&archive, b"3");
    vault.bytes.truncate(vault.bytes.len() - 20);
    let report = inspect(&vault, Some(&archive));
    assert!(report.anomalies());
    let [found] = report.vaults.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!((found.records, found.without_header), (7, 4));
    assert_eq!((found.torn.count, found.stray.count), (1, 1));
    assert_eq!((found.damaged.count, found.foreign.count), (1, 1));
    assert_eq!(found.foreign.listed[0].record, Some(3));
    assert_eq!(found.broken_links.count, 0);
    let [log] = found.logs.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((log.records, log.verified_by_leaf), (2, 2));
    assert_eq!((log.lowest_seq, log.highest_seq), (0, 1));
    let repeated = &report.repeated_points.listed;
    assert_eq!((repeated[0].record, repeated[0].first_seen_in), (4, 2));
    assert_eq!(report.repeated_points.count, 1);
    assert!(
        serde_json::to_string(&report)
            .unwrap()
            .contains("\"earliest\":\"2026-")
    );
    let without_certificate = inspect(&vault, None);
    assert_eq!(without_certificate.vaults[0].foreign.count, 0);
}

#[test]
fn inspecting_counts_good_origin_proofs_and_names_wrong_ones() {
    let (archive, other) = (Archive::new(), Archive::new());
    let mut vault = Vault::default();
    for mail in [b"1", b"2", b"3"] {
        vault.append(&archive, mail);
    }
    vault.append(&other, b"for another archive");
    let proofs = |vault: &Vault, archive| inspect(vault, archive).vaults.pop().unwrap();
    let honest = proofs(&vault, Some(&archive));
    let counted = |good, without| Some(OriginProofs { good, without });
    assert_eq!(honest.origin_proofs, counted(3, 0));
    assert_eq!(honest.wrong_origin_proofs.count, 0);
    assert_eq!(honest.foreign.count, 1);
    assert_eq!(proofs(&vault, None).origin_proofs, None);

    let text = String::from_utf8(vault.bytes).unwrap();
    let origins: Vec<String> = text
        .split_ascii_whitespace()
        .filter(|field| field.starts_with("origin="))
        .map(str::to_owned)
        .collect();
    let text = text.replace(&origins[0], "origin=none");
    vault.bytes = text.replace(&origins[2], &origins[1]).into_bytes();
    let report = inspect(&vault, Some(&archive));
    assert!(report.anomalies());
    assert_eq!(report.vaults[0].origin_proofs, counted(1, 1));
    let [wrong] = report.vaults[0].wrong_origin_proofs.listed.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(wrong.record, Some(3));
    assert_eq!(wrong.reason, "the proof does not belong to this record");
}

/// Whether gpg is here; without it the test is skipped loudly, or fails when `INTEROP=require`.
fn gpg_is_missing() -> bool {
    let found = Command::new("gpg")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if found.is_ok() {
        return false;
    }
    assert_ne!(
        std::env::var("INTEROP").as_deref(),
        Ok("require"),
        "gpg is not installed"
    );
    eprintln!("SKIPPED: gpg is not installed, so no vault made by gpg was opened");
    true
}

#[test]
fn a_vault_made_by_gpg_opens() {
    if gpg_is_missing() {
        return;
    }
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let gpg = |arguments: &[&str], input: &[u8]| {
        let file = folder.path().join("input");
        fs::write(&file, input).unwrap();
        let output = Command::new("gpg")
            .arg("--homedir")
            .arg(folder.path())
            .args(["--batch", "--quiet", "--trust-model", "always"])
            .args(arguments)
            .stdin(fs::File::open(file).unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    gpg(&["--import"], &archive.certificate);
    let encrypt = [
        "--armor",
        "--encrypt",
        "--recipient",
        "archiver@example.org",
    ];
    let mut vault = Vault::default();
    let large = MAIL.repeat(20_000);
    let mails: [&[u8]; 3] = [MAIL, b"", &large];
    for mail in mails {
        vault.put(&gpg(&encrypt, mail));
    }
    for extra in [
        &["--cipher-algo", "3DES"][..],
        &["--cipher-algo", "CAST5"],
        &["--hidden-recipient", "archiver@example.org"],
        &["--compress-algo", "bzip2"],
        &["--no-emit-version", "--comment", "hello"],
    ] {
        let arguments = [extra, &encrypt].concat();
        vault.put(&gpg(&arguments, MAIL));
    }
    let run = Run::open(&archive, &[&vault]);
    assert_eq!(run.check().column("result"), ["opened-without-header"; 8]);
    assert!(!run.summary().anomalies());
    assert!(run.mails().starts_with(&mails.map(<[u8]>::to_vec)));
    assert!(run.mails().ends_with(&vec![MAIL.to_vec(); 5]));
    let _ = Command::new("gpgconf")
        .arg("--homedir")
        .arg(folder.path())
        .args(["--kill", "all"])
        .status();
}

/// The vault's bytes as segments, cut at these offsets.
fn in_segments(vault: &Vault, cuts: &[usize], folder: &Path) -> PathBuf {
    fs::create_dir(folder).unwrap();
    let ends = cuts.iter().copied().chain([vault.bytes.len()]);
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    for (number, (start, end)) in starts.zip(ends).enumerate() {
        let name = format!("VAULT-{:06}.asc", number + 1);
        fs::write(folder.join(name), &vault.bytes[start..end]).unwrap();
    }
    folder.to_owned()
}

#[test]
fn a_vault_in_segments_opens_and_is_inspected_like_one_file() {
    let archive = Archive::new();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL).append(&archive, b"two");
    let second = vault.bytes.len();
    vault
        .put(b"torn")
        .append(&archive, b"three")
        .append(&archive, b"four");
    let length = vault.bytes.len();
    // Between records, in the stray bytes, in the middle of a record, an empty segment, and one byte.
    for cuts in [
        &[second][..],
        &[second + 2],
        &[second / 2],
        &[9, 9, second],
        &[length - 1],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = vault.save(folder.path(), "one");
        let segments = in_segments(&vault, cuts, &folder.path().join("VAULT"));
        let open = |path: PathBuf, out: &str| {
            let out = folder.path().join(out);
            let summary = open_vaults(
                &[path],
                &archive.key,
                Err(NotVerified::NoneMade),
                &out,
                &NoProgress,
            )
            .unwrap();
            (summary, tree(&out.join("messages")))
        };
        assert_eq!(open(file, "a"), open(segments.clone(), "b"), "{cuts:?}");
        let report = inspect_vaults(
            &[segments],
            None,
            Err(NotVerified::NoPublicFolder),
            &NoProgress,
        )
        .unwrap();
        let vault = &report.vaults[0];
        assert_eq!(
            (vault.records, vault.stray.count, vault.broken_links.count),
            (4, 1, 0)
        );
        assert_eq!(vault.segments.len(), cuts.len() + 1);
    }
}

#[test]
fn findings_name_the_segment_and_the_byte_in_it() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL);
    let cut = vault.bytes.len();
    vault
        .append(&archive, b"two")
        .put(b"stray")
        .append(&archive, b"three");
    let segments = in_segments(&vault, &[cut], &folder.path().join("VAULT"));
    fs::write(segments.join("notes"), "of the admin").unwrap();
    fs::rename(
        segments.join("VAULT-000002.asc"),
        segments.join("VAULT-000004.asc"),
    )
    .unwrap();
    let report = inspect_vaults(
        &[segments],
        None,
        Err(NotVerified::NoPublicFolder),
        &NoProgress,
    )
    .unwrap();
    let found = &report.vaults[0];
    assert_eq!(found.missing_segments, ["2 to 3"]);
    assert_eq!(found.foreign_names, ["notes"]);
    let stray = &found.stray.listed[0];
    assert_eq!(stray.segment.as_deref(), Some("VAULT-000004.asc"));
    let mut windows = vault.bytes[cut..].windows(5);
    let stray_at = windows.position(|window| window == b"stray").unwrap();
    assert_eq!(stray.offset, stray_at as u64);
    assert!(report.anomalies());
}

#[test]
fn a_copy_is_the_same_or_shorter_or_longer_or_differs_at_a_byte_that_is_named() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL).append(&archive, b"two");
    let two = vault.bytes.len();
    vault.append(&archive, b"three");
    let original = vault.save(folder.path(), "VAULT");
    let against = |bytes: &[u8]| {
        let copy = folder.path().join("copy");
        fs::write(&copy, bytes).unwrap();
        compare(std::slice::from_ref(&original), &copy).unwrap()
    };
    let surplus = |bytes: usize, records| Surplus {
        bytes: bytes as u64,
        records,
    };
    let all = vault.bytes.len();
    assert_eq!(against(&vault.bytes).result, Compared::Identical);
    let shorter = against(&vault.bytes[..two]).result;
    assert_eq!(shorter, Compared::VaultIsLonger(surplus(all - two, 1)));
    let torn = against(&vault.bytes[..two - 9]).result;
    assert_eq!(torn, Compared::VaultIsLonger(surplus(all - two + 9, 2)));
    let longer = against(&[&vault.bytes[..], b"\n"].concat()).result;
    assert_eq!(longer, Compared::CopyIsLonger(surplus(1, 0)));
    let mut changed = vault.bytes.clone();
    changed[two + 70] ^= 1;
    let report = against(&changed);
    let Compared::Differ { in_vault, in_copy } = report.result else {
        panic!("{report:?}")
    };
    assert_eq!(
        (in_vault.offset, in_vault.record),
        (two as u64 + 70, Some(3))
    );
    assert_eq!((in_copy.offset, in_copy.record), (two as u64 + 70, Some(3)));
}

#[test]
fn a_copy_in_segments_is_compared_as_a_whole_and_without_segments_that_one_has_no_more() {
    let archive = Archive::new();
    let folder = tempfile::tempdir().unwrap();
    let mut vault = Vault::default();
    vault.append(&archive, MAIL);
    let cut = vault.bytes.len();
    vault.append(&archive, b"two");
    let at = |name: &str| folder.path().join(name);
    let (a, b) = (
        in_segments(&vault, &[cut], &at("a")),
        in_segments(&vault, &[cut], &at("b")),
    );
    let file = vault.save(folder.path(), "file");
    let result = |copy: &Path| compare(std::slice::from_ref(&a), copy).unwrap();
    assert_eq!(result(&b).result, Compared::Identical);
    assert_eq!(result(&file).result, Compared::Identical);
    fs::remove_file(b.join("VAULT-000001.asc")).unwrap();
    let later = result(&b);
    assert_eq!(later.result, Compared::Identical);
    assert_eq!(later.compared_from.as_deref(), Some("VAULT-000002.asc"));
    let error = compare(&[a.clone(), file], &b).unwrap_err().to_string();
    assert!(error.contains("2 were named"), "{error}");
}
