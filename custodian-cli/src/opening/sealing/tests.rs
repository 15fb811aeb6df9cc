//! What `inspect` and `open` say of seals, with real checkpoints beside real vaults, at noon of the third day.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::process::Command;

use archiver_core::identity::Fingerprint;
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::Seed;
use archiver_core::vault::leaf::LogId;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::opening::inspect::{InspectReport, inspect_vaults};
use crate::opening::testing::{Archive, LOG, Sealer, Vault};
use crate::opening::{NoProgress, SealCounts, Summary, open_vaults};
use crate::report::Report as _;

const ARCHIVE: ArchiveFingerprints = ArchiveFingerprints {
    primary: Fingerprint::V4([0xa1; 20]),
    encryption: Fingerprint::V4([0x5b; 20]),
};

/// A folder with vaults and their seals.
struct Scene {
    folder: TempDir,
    sealer: Sealer,
    finals: Vec<PathBuf>,
}

impl Scene {
    fn of(archive: ArchiveFingerprints) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            sealer: Sealer::of(archive),
            finals: Vec::new(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Two days without mail, which have their finals.
    fn two_empty_days() -> Self {
        let scene = Self::of(ARCHIVE);
        scene.put("VAULT", "");
        let finals = scene.sealer.finals(&[], 2);
        scene.put("VAULT.seals", finals.concat());
        scene
    }

    fn seals(&self) -> Seals<'_> {
        Seals {
            finals: &self.finals,
            ..self.sealer.seals()
        }
    }

    fn try_inspect(&self, vaults: &[&str]) -> Result<InspectReport, OpenError> {
        let vaults: Vec<PathBuf> = vaults.iter().map(|name| self.path(name)).collect();
        let seals = self.seals();
        inspect_vaults(&vaults, Some(seals.archive), Ok(seals), &NoProgress)
    }

    fn inspect(&self) -> InspectReport {
        self.try_inspect(&["VAULT"]).unwrap()
    }

    /// Opens the vault; the summary, and the column `seal`.
    fn open(&self, archive: &Archive) -> (Summary, Vec<String>) {
        let (vaults, out) = ([self.path("VAULT")], self.path("out"));
        let seals = Ok(self.seals());
        let summary = open_vaults(&vaults, &archive.key, seals, &out, &NoProgress).unwrap();
        let manifest = fs::read(out.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let rows = manifest["rows"].as_array().unwrap().iter();
        let seals = rows.map(|row| row["seal"].as_str().unwrap_or_default().to_owned());
        (summary, seals.collect())
    }
}

fn first_day() -> Day {
    "2026-11-24".parse().unwrap()
}

fn states(report: &InspectReport) -> Vec<DayState> {
    let logs = report.seals.logs.iter().flatten();
    logs.flat_map(|log| log.days.iter().map(|day| day.state))
        .collect()
}

const SEALED: [DayState; 3] = [DayState::Sealed, DayState::Sealed, DayState::Open];

#[test]
fn days_with_their_finals_are_sealed_and_today_is_open() {
    let report = Scene::two_empty_days().inspect();
    assert_eq!(states(&report), SEALED);
    assert!(!report.seals.anomalies());
    // A vault without a record is something to look at, whatever its seals say.
    assert!(report.anomalies());
}

#[test]
fn without_the_seals_every_past_day_is_missing_and_the_file_is_named() {
    let scene = Scene::two_empty_days();
    fs::remove_file(scene.path("VAULT.seals")).unwrap();
    let report = scene.inspect();
    let expected = [DayState::Missing, DayState::Missing, DayState::Open];
    assert_eq!(states(&report), expected);
    assert!(report.anomalies());
    assert!(
        report.text().contains("there is no file "),
        "{}",
        report.text()
    );
}

#[test]
fn a_last_final_that_was_cut_off_is_missed() {
    let scene = Scene::two_empty_days();
    scene.put("VAULT.seals", scene.sealer.finals(&[], 1).concat());
    let report = scene.inspect();
    let expected = [DayState::Sealed, DayState::Missing, DayState::Open];
    assert_eq!(states(&report), expected);
    assert!(report.anomalies());
}

#[test]
fn seals_of_other_keys_are_named_and_seal_nothing() {
    let scene = Scene::two_empty_days();
    let others = Sealer::of(ARCHIVE).finals(&[], 2);
    scene.put("VAULT.seals", others.concat());
    let report = scene.inspect();
    assert!(!states(&report).contains(&DayState::Sealed));
    let logs = report.seals.logs.as_deref().unwrap_or_default();
    assert!(logs.iter().all(|log| log.findings.count == 2));
    assert!(report.anomalies());
}

/// As mail programs wrap and encode lines that are long or not ASCII.
fn quoted_printable(text: &str) -> String {
    let mut encoded = String::new();
    for line in text.lines() {
        let escaped = line.replace('=', "=3D").replace('\u{2014}', "=E2=80=94");
        let mut column = 0;
        for c in escaped.chars() {
            if column >= 60 && c != '=' && !encoded.ends_with(['=', '3', 'E', '8', '9']) {
                encoded.push_str("=\r\n");
                column = 0;
            }
            encoded.push(c);
            column += 1;
        }
        encoded.push_str("\r\n");
    }
    encoded
}

#[test]
fn finals_that_were_mailed_are_found_in_the_mail_and_compared() {
    let mut scene = Scene::two_empty_days();
    let finals = scene.sealer.finals(&[], 2).concat();
    let head = "From: archiver <a@example.org>\r\nSubject: finals\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
    let encoded = quoted_printable(&finals);
    let mails = [
        format!("{head}Content-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"),
        format!("{head}\r\n{}", finals.replace('\n', "\r\n")),
        format!("Keep this:\n\n{finals}\nCron\n"),
    ];
    for mail in mails {
        scene.finals = vec![scene.put("finals.eml", &mail)];
        let report = scene.inspect();
        let text = report.text();
        assert!(!report.seals.anomalies(), "{text}");
        assert!(
            text.contains("finals.eml: 2 finals of these logs"),
            "{mail}\n{text}"
        );
        assert!(
            text.contains(
                "the finals of 2 days, 2026-11-24 to 2026-11-25, are those that were kept elsewhere"
            ),
            "{text}"
        );
    }
}

#[test]
fn a_final_that_stands_only_elsewhere_and_one_that_is_another_are_named() {
    let mut scene = Scene::two_empty_days();
    let finals = scene.sealer.finals(&[], 2);
    scene.finals = vec![scene.put("finals", finals.concat())];
    scene.put("VAULT.seals", &finals[0]);
    let report = scene.inspect();
    assert_eq!(states(&report), SEALED);
    assert!(report.anomalies());
    let only = "the final of 2026-11-25 is missing in the vault's seals; only the copy kept elsewhere has it";
    assert!(report.text().contains(only), "{}", report.text());

    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault.append(&archive, b"a mail");
    scene.put("VAULT", &vault.bytes);
    scene.put(
        "VAULT.seals",
        scene.sealer.finals(&vault.leaves, 2).concat(),
    );
    let report = scene.inspect();
    assert!(states(&report).contains(&DayState::Broken));
    let text = report.text();
    assert!(
        text.contains("the final of 2026-11-24 in the vault's seals is another one"),
        "{text}"
    );
}

#[test]
fn a_file_without_finals_of_these_logs_is_told() {
    let mut scene = Scene::two_empty_days();
    scene.finals = vec![scene.put("minutes.txt", "nothing of that kind")];
    let report = scene.inspect();
    assert!(report.anomalies() && report.text().contains("NO FINAL was found in it"));
    scene.finals = vec![scene.path("not there")];
    let error = scene.try_inspect(&["VAULT"]).unwrap_err().to_string();
    assert!(error.starts_with("the file with finals "), "{error}");
}

#[test]
fn a_pipe_in_the_place_of_the_seals_is_refused_and_nobody_waits() {
    let scene = Scene::two_empty_days();
    fs::remove_file(scene.path("VAULT.seals")).unwrap();
    let made = Command::new("mkfifo")
        .arg(scene.path("VAULT.seals"))
        .status();
    assert!(made.unwrap().success());
    let error = scene.try_inspect(&["VAULT"]).unwrap_err().to_string();
    assert!(error.ends_with("it is not a regular file"), "{error}");
}

#[test]
fn servers_whose_logs_were_not_looked_at_are_named() {
    let mut scene = Scene::two_empty_days();
    let other = LogId([9; 16]);
    let keys = Seed::draw(other, first_day()).unwrap().public_keys(10);
    let mut servers = scene.sealer.keys.servers().to_vec();
    let name = "mx2".parse().unwrap();
    servers.push(ServerKeys::new(name, other, first_day(), keys).unwrap());
    scene.sealer.keys = SealKeys::new(ARCHIVE.primary, servers).unwrap();
    let report = scene.inspect();
    assert_eq!(states(&report), SEALED);
    let expected = ServerNamed {
        server: "mx2".to_owned(),
        log: other.to_string(),
    };
    assert_eq!(report.seals.servers_not_looked_at, [expected]);
    assert!(report.text().contains("Not looked at: mx2, log 09090909"));
    // With a vault for each of them, it is missed.
    scene.put("OTHER", "");
    let report = scene.try_inspect(&["VAULT", "OTHER"]).unwrap();
    assert!(report.seals.servers_not_looked_at.is_empty());
    assert!(report.text().contains("NOT FOUND in these vaults"));
}

#[test]
fn a_log_in_two_vaults_is_a_copy_or_two_pasts() {
    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault.append(&archive, b"first");
    let first = vault.bytes.clone();
    vault.append(&archive, b"second");
    let scene = Scene::of(archive.cert.fingerprints());
    for name in ["VAULT", "COPY", "OLD", "FORK"] {
        let finals = scene.sealer.finals(&vault.leaves, 2);
        scene.put(&format!("{name}.seals"), finals.concat());
        scene.put(name, &vault.bytes);
    }
    let same = |names: &[&str]| {
        let report = scene.try_inspect(names).unwrap();
        let [same] = report.seals.same_log.as_slice() else {
            panic!("{}", report.text())
        };
        assert_eq!(same.log, LOG.to_string());
        (same.records_of_other, same.differ_at, report.text())
    };
    let (records, differ_at, text) = same(&["VAULT", "COPY"]);
    assert_eq!((records, differ_at), (2, None));
    assert!(text.contains("hold the same 2 records"), "{text}");
    scene.put("OLD", &first);
    let (records, differ_at, text) = same(&["OLD", "VAULT"]);
    assert_eq!((records, differ_at), (1, None));
    assert!(text.contains("VAULT is longer; "), "{text}");
    let mut fork = Vault::default();
    fork.append(&archive, b"first");
    scene.put("FORK", &fork.bytes);
    let (_, differ_at, text) = same(&["VAULT", "FORK"]);
    assert_eq!(differ_at, Some(0));
    assert!(text.contains("ONE LOG, TWO PASTS"), "{text}");
}

#[test]
fn two_parts_of_a_log_are_no_two_pasts() {
    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault.append(&archive, b"first").append(&archive, b"second");
    let first = vault.bytes.clone();
    vault.append(&archive, b"third");
    let scene = Scene::of(archive.cert.fingerprints());
    scene.put("FIRST", &first);
    scene.put("SECOND", &vault.bytes[first.len()..]);
    for seals in ["FIRST.seals", "SECOND.seals"] {
        scene.put(seals, scene.sealer.finals(&vault.leaves, 2).concat());
    }
    let report = scene.try_inspect(&["SECOND", "FIRST"]).unwrap();
    let text = report.text();
    assert_eq!(report.seals.same_log[0].differ_at, None);
    assert!(text.contains("Two parts of one log, "), "{text}");
    assert!(text.contains("FIRST holds 0 to 1, "), "{text}");
    assert!(text.contains("SECOND 2 to 2"), "{text}");
    assert!(!text.contains("TWO PASTS"), "{text}");
}

#[test]
fn an_archive_without_seal_keys_is_told_with_the_reason() {
    let scene = Scene::two_empty_days();
    let inspect = |why| {
        let vaults = [scene.path("VAULT")];
        inspect_vaults(&vaults, None, Err(why), &NoProgress).unwrap()
    };
    let none = inspect(NotVerified::NoneMade);
    assert!(!none.seals.anomalies());
    assert!(
        none.text()
            .contains("nothing can be sealed, because its ceremony made none")
    );
    let json: Value = serde_json::from_str(&none.json().unwrap()).unwrap();
    assert_eq!(json["seals"], Value::Null);
    let reason = json["seals_not_verified"].as_str().unwrap();
    assert!(reason.starts_with("this archive has no seal keys"));
    let missing = inspect(NotVerified::KeysMissing);
    assert!(missing.seals.anomalies() && missing.text().contains("seals.pub is missing"));
}

#[test]
fn opened_mails_are_told_with_what_the_seals_say_of_their_days() {
    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault
        .append(&archive, b"first")
        .put(&archive.record(b"by gpg"));
    vault.append(&archive, b"second");
    let scene = Scene::of(archive.cert.fingerprints());
    scene.put("VAULT", &vault.bytes);
    scene.put(
        "VAULT.seals",
        scene.sealer.finals(&vault.leaves, 2).concat(),
    );
    let (summary, seals) = scene.open(&archive);
    assert_eq!(seals, ["sealed", "unsealed", "sealed"]);
    assert!(!summary.anomalies());
    let expected = SealCounts {
        sealed: 2,
        unsealed: 1,
        ..SealCounts::default()
    };
    assert_eq!(summary.seals, expected);
}

#[test]
fn opened_mails_of_a_broken_or_missing_day_are_something_to_look_at() {
    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault.append(&archive, b"first");
    let sealed = vault.leaves.clone();
    // Put in behind the seal, by somebody who has the certificate.
    vault.append(&archive, b"forged");
    for (finals, expected) in [(sealed.as_slice(), "broken"), (&[][..], "missing")] {
        let scene = Scene::of(archive.cert.fingerprints());
        scene.put("VAULT", &vault.bytes);
        if !finals.is_empty() {
            scene.put("VAULT.seals", scene.sealer.finals(finals, 2).concat());
        }
        let (summary, seals) = scene.open(&archive);
        assert_eq!(seals, [expected, expected]);
        assert!(summary.anomalies() && summary.opened == 2);
        assert_eq!(summary.seals.broken + summary.seals.missing, 2);
    }
}

#[test]
fn sealed_days_whose_mails_are_gone_are_something_to_look_at_though_every_mail_opens() {
    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault.append(&archive, b"first");
    let kept = vault.bytes.clone();
    vault.append(&archive, b"last");
    let scene = Scene::of(archive.cert.fingerprints());
    scene.put("VAULT", &kept);
    let finals = [
        scene.sealer.finals(&vault.leaves[..1], 1).concat(),
        scene.sealer.finals(&vault.leaves, 2)[1..].concat(),
    ];
    scene.put("VAULT.seals", finals.concat());
    let (summary, seals) = scene.open(&archive);
    assert_eq!((summary.opened, summary.records), (1, 1));
    assert_eq!(seals, ["sealed"]);
    // The second day, and today with it.
    assert_eq!((summary.seals.broken, summary.seal_days.broken), (0, 2));
    assert!(summary.anomalies());
}

#[test]
fn what_cannot_be_verified_is_told_and_opens_all_the_same() {
    let (archive, mut vault) = (Archive::new(), Vault::default());
    vault.append(&archive, b"first");
    let scene = Scene::of(archive.cert.fingerprints());
    let vaults = [scene.put("VAULT", &vault.bytes)];
    for (why, unsealed, unverified) in [
        (NotVerified::NoneMade, 1, 0),
        (NotVerified::KeysMissing, 0, 1),
    ] {
        let out = scene.path(&format!("out-{unsealed}"));
        let summary = open_vaults(&vaults, &archive.key, Err(why), &out, &NoProgress).unwrap();
        assert_eq!(
            (summary.seals.unsealed, summary.seals.unverified),
            (unsealed, unverified)
        );
        // Seal keys for which the sheets vouch, and which are not there, are something to look at; `inspect` says so too.
        assert_eq!(summary.anomalies(), why == NotVerified::KeysMissing);
    }
}
