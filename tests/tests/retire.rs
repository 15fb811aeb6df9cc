//! `custodian retire` with the real binaries: hooks at work at the same time, kills at every step, and what a person is told.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use custody_tests::{
    Archive, Ceremony, Ran, Signal, Step, custodian, needs_root, run, run_with_stdin,
    signalled_after, steps_of,
};
use serde_json::Value;

const REASON: &str = "ten years are over";

/// A folder of segments, of so many bytes each.
fn make_vault(archive: &Archive, name: &str, size: usize) -> PathBuf {
    let vault = archive.path(name);
    fs::create_dir(&vault).unwrap();
    let rules = format!("archiver segments 1 size={size} day=no\n");
    fs::write(vault.join("segments.conf"), rules).unwrap();
    vault
}

fn deliver(archive: &Archive, vault: &Path, mail: &str) {
    let ran = run_with_stdin(&mut archive.hook(vault), mail.as_bytes());
    let _ = ran.expect_code(0);
}

/// A vault of which each mail is a segment.
fn filled(archive: &Archive, name: &str, mails: usize) -> PathBuf {
    let vault = make_vault(archive, name, 1);
    for n in 0..mails {
        deliver(archive, &vault, &format!("Subject: {n}\n\n"));
    }
    vault
}

fn retire(vault: &Path, segment: &str) -> Command {
    let mut retire = custodian();
    retire.args(["retire", "--yes", "--reason", REASON]);
    retire.arg(vault).arg(segment);
    retire
}

fn inspect(vault: &Path) -> (i32, Value) {
    let ran = run(custodian().args(["--json", "inspect"]).arg(vault));
    let json = serde_json::from_str(&ran.stdout).unwrap();
    (ran.code, json)
}

/// The numbers of all records in a report, those that are gone first.
fn numbers(report: &Value) -> Vec<u64> {
    let vault = &report["vaults"][0];
    let number = |value: &Value| value.as_u64().unwrap();
    let mut numbers = Vec::new();
    for segment in vault["retired_segments"].as_array().unwrap() {
        assert!(segment["trouble"].is_null(), "{segment}");
        if segment["still_stands"] == true {
            continue;
        }
        for range in segment["removed"]["ranges"].as_array().unwrap() {
            numbers.extend(number(&range["first_seq"])..=number(&range["last_seq"]));
        }
    }
    for log in vault["logs"].as_array().unwrap() {
        numbers.extend(number(&log["lowest_seq"])..=number(&log["highest_seq"]));
    }
    numbers
}

fn names(vault: &Path) -> Vec<String> {
    let entries = fs::read_dir(vault).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("VAULT-"))
        .collect();
    names.sort();
    names
}

#[test]
fn hooks_go_on_while_segments_are_retired_and_nothing_else_is_lost() {
    const HOOKS: usize = 6;
    const MAILS: usize = 12;
    let archive = Archive::new();
    let vault = make_vault(&archive, "VAULT", 3_000);
    for n in 0..10 {
        deliver(&archive, &vault, &format!("Subject: {n}\n\n"));
    }
    let at_work = AtomicUsize::new(HOOKS);
    let retired = thread::scope(|scope| {
        for hook in 0..HOOKS {
            let (archive, vault, at_work) = (&archive, &vault, &at_work);
            scope.spawn(move || {
                for mail in 0..MAILS {
                    deliver(archive, vault, &format!("Subject: {hook} {mail}\n\n"));
                }
                at_work.fetch_sub(1, Ordering::Relaxed);
            });
        }
        let mut retired = 0;
        while at_work.load(Ordering::Relaxed) > 0 {
            let segment = (retired + 1).to_string();
            let ran = run(&mut retire(&vault, &segment));
            match ran.code {
                0 => retired += 1,
                // The last one is not retired, and the next one not begun yet.
                _ => {
                    let _ = ran.expect_code(4);
                }
            }
        }
        retired
    });
    assert!(retired >= 3, "{retired} segments were retired");
    let (code, report) = inspect(&vault);
    assert_eq!(code, 0, "{report}");
    let all = 10 + HOOKS * MAILS;
    assert_eq!(numbers(&report), (0..all as u64).collect::<Vec<_>>());
    let gone = report["vaults"][0]["retired_segments"].as_array().unwrap();
    assert_eq!(gone.len(), retired);
}

/// What a run that was ended left, and that the next one finishes it.
fn judge(vault: &Path, step: &Step) {
    let (code, report) = inspect(vault);
    assert_eq!(code, 0, "{step:?}\n{report}");
    assert_eq!(numbers(&report), [0, 1, 2], "{step:?}");
    let stands = vault.join("VAULT-000001.asc").exists();
    let again = run(&mut retire(vault, "1"));
    let _ = again.expect_code(if stands { 0 } else { 4 });
    let left = [
        "VAULT-000001.retired",
        "VAULT-000002.asc",
        "VAULT-000003.asc",
    ];
    assert_eq!(names(vault), left, "{step:?}");
    let (code, report) = inspect(vault);
    assert_eq!((code, numbers(&report)), (0, vec![0, 1, 2]), "{step:?}");
}

#[test]
fn a_kill_at_any_step_leaves_the_segment_or_its_file_and_the_next_run_finishes() {
    let archive = Archive::new();
    let whole = filled(&archive, "whole", 3);
    let Some((ran, steps)) = steps_of(&retire(&whole, "1"), "whole") else {
        return;
    };
    let _ = ran.expect_code(0);
    assert!(steps.len() >= 4, "{steps:?}");
    let template = filled(&archive, "template", 3);
    for signal in [Signal::KILL, Signal::TERM] {
        for (n, step) in steps.iter().enumerate() {
            let vault = archive.path(&format!("whole-{n}-{}", signal.as_raw()));
            fs::create_dir(&vault).unwrap();
            for entry in fs::read_dir(&template).unwrap() {
                let name = entry.unwrap().file_name();
                fs::copy(template.join(&name), vault.join(&name)).unwrap();
            }
            let _: Ran = signalled_after(&retire(&vault, "1"), step, signal);
            judge(&vault, step);
        }
    }
}

#[test]
fn it_is_told_what_would_go_and_what_is_gone() {
    let archive = Archive::new();
    let vault = filled(&archive, "VAULT", 3);
    let before = names(&vault);
    let dry = run(retire(&vault, "1").arg("--dry-run")).expect_code(0);
    let dry = dry.prints("VAULT-000001.asc would be removed");
    let _ = dry.prints("sequence 0 to 0").prints(REASON);
    assert_eq!(names(&vault), before);
    let mut asking = custodian();
    asking.args(["retire", "--reason", REASON]).arg(&vault);
    let asked = run(asking.arg("VAULT-000001.asc")).expect_code(2);
    let _ = asked.says("nobody answered").says("--yes");
    assert_eq!(names(&vault), before);
    let done = run(&mut retire(&vault, "VAULT-000001.asc")).expect_code(0);
    let _ = done.prints("VAULT-000001.retired stands in its place");
    let told = run(custodian().arg("inspect").arg(&vault)).expect_code(0);
    let told = told.prints("retired: VAULT-000001.asc, 1 record, on ");
    let _ = told.prints(REASON).prints("nobody can know");
    let again = run(&mut retire(&vault, "1")).expect_code(4);
    let _ = again.says("was retired already");
    let later = run(&mut retire(&vault, "3")).expect_code(4);
    let _ = later.says("VAULT-000002.asc stands before it");
    let _ = run(&mut retire(&vault, "2")).expect_code(0);
    let last = run(&mut retire(&vault, "3")).expect_code(4);
    let _ = last.says("no record of ours stands behind");
    let long = "x".repeat(100_000);
    for reason in ["", "two\nlines", " blank", "\u{1b}[2J", &long] {
        let mut retire = custodian();
        retire.args(["retire", "--yes", "--reason", reason]);
        let refused = run(retire.arg(&vault).arg("3")).expect_code(2);
        let refused = refused.says("a reason is one line of 1 to 200 characters");
        assert!(refused.stderr.len() < 500, "{}", refused.stderr);
    }
    let _ = run(&mut retire(&vault, "VAULT-3"))
        .expect_code(2)
        .says("VAULT-000001.asc");
}

/// What `inspect` finds broken, but for where it stands.
fn faults(vault: &Path) -> Vec<String> {
    let (code, report) = inspect(vault);
    assert_eq!(code, 1, "{report}");
    let listed = report["vaults"][0]["broken_links"]["listed"].as_array();
    let reasons = listed.unwrap().iter().map(|found| &found["reason"]);
    reasons
        .map(|why| why.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_segment_that_was_cut_off_or_added_to_goes_only_when_asked_for() {
    let archive = Archive::new();
    let damages: [fn(&mut Vec<u8>); 2] = [
        |bytes| bytes.truncate(bytes.len() - 300),
        |bytes| bytes.extend(b"hi\n"),
    ];
    for (n, damage) in damages.iter().enumerate() {
        let vault = filled(&archive, &format!("VAULT-{n}x"), 3);
        let segment = vault.join("VAULT-000001.asc");
        let mut bytes = fs::read(&segment).unwrap();
        damage(&mut bytes);
        fs::write(&segment, bytes).unwrap();
        let before = faults(&vault);
        assert_eq!(before.len(), 1, "{before:?}");
        let refused = run(&mut retire(&vault, "1")).expect_code(1);
        let refused = refused.says("behind the segment VAULT-000001.asc does not continue it");
        let _ = refused.says("back from a copy").says("--damaged");
        assert!(segment.exists());
        let done = run(retire(&vault, "1").arg("--damaged")).expect_code(0);
        let done = done.prints("BROKEN BEHIND IT: number 1 of log ");
        let _ = done.prints(&before[0]);
        assert!(!segment.exists());
        assert_eq!(faults(&vault), before);
        let _ = run(&mut retire(&vault, "2")).expect_code(1);
        let _ = run(retire(&vault, "2").arg("--damaged")).expect_code(0);
    }
}

#[test]
fn a_vault_that_was_never_sealed_is_retired_without_the_public_folder() {
    let archive = Ceremony::hold();
    let vault = archive.path("SEGMENTS");
    fs::create_dir(&vault).unwrap();
    fs::write(
        vault.join("segments.conf"),
        "archiver segments 1 size=1 day=no",
    )
    .unwrap();
    for _ in 0..3 {
        let mut hook = custody_tests::hook();
        hook.arg("--cert").arg(archive.certificate());
        let ran = run_with_stdin(hook.arg("--vault").arg(&vault), b"Subject: x\n\n");
        let _ = ran.expect_code(0);
    }
    for more in [&[][..], &["--damaged"]] {
        let mut retire = retire(&vault, "1");
        let asked = run(retire.arg("--public").arg(archive.public()).args(more));
        let refused = asked.expect_code(4).says("is of a server in the seals.pub");
        let _ = refused.says("leave out --public");
    }
    assert!(vault.join("VAULT-000001.asc").exists());
    let done = run(&mut retire(&vault, "1")).expect_code(0);
    let _ = done.prints("its seals were not verified");
    assert!(!vault.join("VAULT-000001.asc").exists());
}

#[test]
fn what_root_retires_belongs_to_the_hooks_user() {
    if !needs_root() {
        return;
    }
    let archive = Archive::new();
    let vault = filled(&archive, "VAULT", 2);
    chown(vault.join("VAULT-000001.asc"), Some(12_345), Some(23_456)).unwrap();
    let _ = run(&mut retire(&vault, "1")).expect_code(0);
    let file = fs::metadata(vault.join("VAULT-000001.retired")).unwrap();
    assert_eq!((file.uid(), file.gid()), (12_345, 23_456));
    assert_eq!(file.mode() & 0o777, 0o600);
}
