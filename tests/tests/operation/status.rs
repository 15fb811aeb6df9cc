//! `archiver-encrypt status`: each state, with its exit code and its words.

use std::fs::{self, File};
use std::time::{Duration, Instant, UNIX_EPOCH};

use custody_tests::{Ran, hook, needs_root, run};
use rustix::fs::{FlockOperation, flock};

use crate::host::{Host, chmod};

/// So that the disk of the machine that runs the tests does not matter.
const ANY_DISK: [&str; 4] = ["--warn-free", "0%", "--crit-free", "0%"];

fn host_with_two_records() -> Host {
    let host = Host::new();
    host.archive(b"first");
    host.archive(b"second");
    host
}

fn status(host: &Host, options: &[&str]) -> Ran {
    host.status(&[&ANY_DISK, options].concat())
}

#[track_caller]
fn assert_state(ran: &Ran, code: i32, words: &str) {
    let state = ["OK", "WARNING", "CRITICAL", "UNKNOWN"][usize::try_from(code).unwrap()];
    let first = ran.stdout.lines().next().unwrap();
    assert_eq!(ran.code, code, "{}", ran.stdout);
    assert!(
        first.starts_with(&format!("ARCHIVER {state} - ")),
        "{first}"
    );
    assert!(first.contains(words), "{words:?} expected in: {first}");
    assert_eq!(ran.stderr, "");
}

#[test]
fn all_is_well_in_one_line_with_figures_and_a_line_for_each_thing() {
    let host = host_with_two_records();
    let ran = status(&host, &[]);
    assert_state(&ran, 0, "2 records, the last ");
    let mut lines = ran.stdout.lines();
    let (_, figures) = lines.next().unwrap().split_once(" | ").unwrap();
    let size = fs::metadata(host.vault()).unwrap().len();
    assert!(
        figures.starts_with(&format!("records=2;;;0 bytes={size}B;;;0 age=")),
        "{figures}"
    );
    for figure in figures.split(' ') {
        let (name, values) = figure.split_once('=').unwrap();
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_name && values.split(';').count() <= 5, "{figure}");
    }
    let rest: Vec<&str> = lines.collect();
    assert!(
        rest.len() >= 6 && rest.iter().all(|line| line.starts_with("OK: ")),
        "{rest:?}"
    );
    assert!(ran.stdout.contains("OK: the vault is not sealed"));
    assert!(ran.stdout.contains(&host.subkey()));
}

#[test]
fn the_same_as_json() {
    let host = host_with_two_records();
    let ran = status(&host, &["--json"]).expect_code(0);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["state"], "OK");
    assert_eq!(json["vault"]["records"], 2);
    assert_eq!(
        json["vault"]["bytes"],
        fs::metadata(host.vault()).unwrap().len()
    );
    assert_eq!(
        json["certificate"]["encryption_subkey"],
        host.subkey().as_str()
    );
    assert_eq!(json["sealed"], false);
    assert!(json["disk"]["free_bytes"].as_u64().unwrap() > 0);
    fs::remove_file(host.cert()).unwrap();
    let ran = status(&host, &["--json"]).expect_code(2);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&json["state"], &json["certificate"]),
        (&"CRITICAL".into(), &serde_json::Value::Null)
    );
}

#[test]
fn who_may_touch_vault_and_certificate_is_judged() {
    let host = host_with_two_records();
    for (mode, code, words) in [
        (0o640, 1, "may be read by others than its owner"),
        (0o604, 1, "may be read by others than its owner"),
        (0o620, 2, "may be written by others than its owner"),
        (0o602, 2, "may be written by others than its owner"),
        (0o600, 0, "2 records"),
    ] {
        chmod(&host.vault(), mode);
        assert_state(&status(&host, &[]), code, words);
    }
    chmod(&host.vault_folder(), 0o770);
    assert_state(&status(&host, &[]), 2, "who could delete the vault");
    chmod(&host.vault_folder(), 0o700);
    for (mode, words) in [
        (0o664, "may be written by its group"),
        (0o646, "may be written by everybody"),
    ] {
        chmod(&host.cert(), mode);
        assert_state(&status(&host, &[]), 2, words);
        let pinned = ["--fingerprint", &host.subkey()];
        assert_state(&status(&host, &pinned), 0, "");
    }
}

#[test]
fn a_certificate_with_which_no_mail_is_archived_is_critical() {
    let host = host_with_two_records();
    let other = "0".repeat(40);
    let ran = status(&host, &["--fingerprint", &other]);
    assert_state(&ran, 2, "no mail is archived: certificate ");
    fs::write(host.cert(), "no certificate").unwrap();
    assert_state(&status(&host, &[]), 2, "this is no OpenPGP certificate");
    fs::remove_file(host.cert()).unwrap();
    assert_state(&status(&host, &[]), 2, "could not be read");
}

#[test]
fn a_vault_to_which_no_mail_comes_is_told_by_its_age() {
    let host = host_with_two_records();
    let now = host.vault_text();
    let year = now.split(" time=").nth(1).unwrap()[..4].to_owned();
    let old = now.replace(&format!(" time={year}-"), " time=2001-");
    fs::write(host.vault(), old).unwrap();
    let words = "; look into the mail server's queue and log";
    assert_state(&status(&host, &[]), 2, words);
    assert_state(&status(&host, &["--crit-age", "99999d"]), 1, words);
    // It was written to just now, so that the date is in doubt.
    let doubt = ", though the vault was written to ";
    assert_state(&status(&host, &[]), 2, doubt);
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = fs::OpenOptions::new().append(true).open(host.vault());
    file.unwrap().set_modified(long_ago).unwrap();
    let told = status(&host, &[]);
    assert_state(&told, 2, words);
    assert_state(&told, 2, "the last mail was archived ");
    let patient = ["--warn-age", "99999d", "--crit-age", "99999d"];
    assert_state(&status(&host, &patient), 0, "2 records, the last ");
}

#[test]
fn a_disk_that_fills_is_told_by_its_free_room() {
    let host = host_with_two_records();
    let words = "are free on the vault's disk; when it is full, all mail waits in the queue";
    assert_state(
        &host.status(&["--warn-free", "100%", "--crit-free", "0"]),
        1,
        words,
    );
    assert_state(&host.status(&["--crit-free", "9999T"]), 2, words);
}

#[test]
fn a_vault_that_is_missing_or_empty_or_none_is_told() {
    let host = Host::new();
    assert_state(
        &status(&host, &[]),
        1,
        "does not exist yet; the first mail makes it",
    );
    fs::write(host.vault(), "").unwrap();
    chmod(&host.vault(), 0o600);
    assert_state(&status(&host, &[]), 1, "no record of ours stands in ");
    fs::remove_file(host.vault()).unwrap();
    fs::remove_dir(host.vault_folder()).unwrap();
    assert_state(
        &status(&host, &[]),
        2,
        "nor does its folder: no mail is archived",
    );
    fs::create_dir(host.vault_folder()).unwrap();
    std::os::unix::fs::symlink("/dev/null", host.vault()).unwrap();
    assert_state(&status(&host, &[]), 2, "is neither a file nor a folder");
}

#[test]
fn segments_that_are_missing_between_others_are_named() {
    let host = host_with_two_records();
    let bytes = fs::read(host.vault()).unwrap();
    let second = bytes
        .windows(10)
        .rposition(|bytes| bytes == b"-----BEGIN")
        .unwrap();
    fs::remove_file(host.vault()).unwrap();
    fs::create_dir(host.vault()).unwrap();
    chmod(&host.vault(), 0o700);
    let segment = |number: u32| host.vault().join(format!("VAULT-{number:06}.asc"));
    assert_state(
        &status(&host, &[]),
        2,
        "when its disk is not mounted, mount it",
    );
    fs::write(segment(3), &bytes[..second]).unwrap();
    fs::write(segment(4), &bytes[second..]).unwrap();
    let ran = status(&host, &[]);
    assert_state(&ran, 0, "2 records");
    assert!(
        ran.stdout
            .contains(" in 2 segments, 2 records in the last log"),
        "{}",
        ran.stdout
    );
    let retired = host.vault().join("VAULT-000003.retired");
    fs::write(&retired, "").unwrap();
    assert_state(
        &status(&host, &[]),
        1,
        "the retirement of VAULT-000003.asc was interrupted",
    );
    fs::remove_file(&retired).unwrap();
    fs::rename(segment(4), segment(7)).unwrap();
    assert_state(
        &status(&host, &[]),
        2,
        "the segments 4 to 6 are missing between others",
    );
}

#[test]
fn a_lock_that_is_not_given_back_is_critical_and_a_short_one_is_not() {
    let host = host_with_two_records();
    let other = File::open(host.vault()).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    let ran = status(&host, &[]);
    assert_state(
        &ran,
        2,
        "another program has held the vault's lock for more than 5 seconds",
    );
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            flock(&other, FlockOperation::Unlock).unwrap();
        });
        let begun = Instant::now();
        assert_state(&status(&host, &[]), 0, "2 records");
        assert!(begun.elapsed() > Duration::from_millis(400));
    });
}

#[test]
fn what_cannot_be_told_is_unknown() {
    let host = host_with_two_records();
    assert_state(
        &run(hook().args(["status", "--no-such-option"])),
        3,
        "unexpected argument",
    );
    assert_state(
        &status(&host, &["--warn-age", "soon"]),
        3,
        "expected a number and m, h or d",
    );
    assert_state(
        &status(&host, &["--warn-age", "3d", "--crit-age", "26h"]),
        3,
        "--crit-age is shorter than --warn-age",
    );
    let help = run(hook().args(["status", "--help"])).expect_code(0);
    assert!(help.stdout.contains("Exit codes:"));
    if needs_root() {
        let mut as_nobody = std::process::Command::new("setpriv");
        as_nobody.args(["--reuid=65534", "--clear-groups"]);
        let program = host.path("archiver-encrypt");
        fs::copy(hook().get_program(), &program).unwrap();
        as_nobody.arg(&program).arg("status");
        as_nobody.arg("--cert").arg(host.cert());
        as_nobody.arg("--vault").arg(host.vault()).args(ANY_DISK);
        assert_state(
            &run(&mut as_nobody),
            3,
            "could not be read: Permission denied",
        );
    }
}

#[test]
fn whoever_asks_for_json_gets_json_for_a_wrong_command_line_too() {
    for wrong in [
        &["status", "--json"][..],
        &["status", "--no-such-option", "--json"],
        &[
            "status",
            "--json",
            "--vault",
            "v",
            "--cert",
            "c",
            "--warn-age",
            "soon",
        ],
    ] {
        let ran = run(hook().args(wrong)).expect_code(3);
        let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(told["format"], "archiver status");
        assert_eq!(told["state"], "UNKNOWN");
        assert_eq!(told["findings"][0]["state"], "UNKNOWN");
        assert!(told["findings"][0]["text"].as_str().unwrap().len() > 10);
    }
}

#[test]
fn the_folder_of_a_vault_that_is_named_without_one_is_looked_at() {
    let host = host_with_two_records();
    let status = || {
        let mut status = hook();
        status.current_dir(host.vault_folder());
        status.args(["status", "--vault", "VAULT"]).args(ANY_DISK);
        run(status.arg("--cert").arg(host.cert()))
    };
    assert_state(&status(), 0, "2 records");
    chmod(&host.vault_folder(), 0o777);
    assert_state(
        &status(),
        2,
        "the vault's folder . may be written by others",
    );
    chmod(&host.vault_folder(), 0o700);
    fs::remove_file(host.vault()).unwrap();
    assert_state(
        &status(),
        1,
        "vault VAULT does not exist yet; the first mail makes it",
    );
}

#[test]
fn a_path_that_is_no_vaults_is_critical() {
    let host = host_with_two_records();
    for (name, words) in [
        (
            "lib/VAULT.seals",
            "VAULT.seals is the name of the seals of a vault",
        ),
        ("archive.cert.asc", "is the same file as "),
    ] {
        let mut status = hook();
        status
            .arg("status")
            .arg("--cert")
            .arg(host.cert())
            .args(ANY_DISK);
        let ran = run(status.arg("--vault").arg(host.path(name)));
        assert_state(&ran, 2, "no mail is archived: vault ");
        assert!(ran.stdout.contains(words), "{}", ran.stdout);
    }
}

#[test]
fn it_changes_nothing_and_needs_to_write_nothing() {
    let host = host_with_two_records();
    let names = || {
        let entries = fs::read_dir(host.vault_folder()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = (fs::read(host.vault()).unwrap(), names());
    let _ = status(&host, &[]).expect_code(0);
    assert_eq!((fs::read(host.vault()).unwrap(), names()), before);
}
