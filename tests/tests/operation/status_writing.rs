//! `archiver-encrypt status` where the hook refuses every mail: never OK, also when root asks.

use std::fs;
use std::path::Path;
use std::process::Command;

use custody_tests::{Ran, run};

use crate::host::{Host, chmod};

const SMALL: &str = "archiver segments 1 size=500 day=no\n";

fn status(host: &Host) -> Ran {
    host.status(&["--warn-free", "0%", "--crit-free", "0%"])
}

#[track_caller]
fn assert_critical(host: &Host, words: &str) {
    let ran = status(host).expect_code(2);
    let first = ran.stdout.lines().next().unwrap();
    let begin = format!("ARCHIVER CRITICAL - no mail is archived: {words}");
    assert!(first.starts_with(&begin), "{words:?} expected in: {first}");
    let lie = "may be read and written by its owner only";
    assert!(!ran.stdout.contains(lie), "{}", ran.stdout);
}

fn segments(rules: &str) -> Host {
    let host = Host::new();
    fs::create_dir(host.vault()).unwrap();
    chmod(&host.vault(), 0o700);
    fs::write(host.vault().join("segments.conf"), rules).unwrap();
    host.archive(b"first");
    host.archive(b"second");
    let ran = status(&host).expect_code(0);
    assert!(ran.stdout.contains("2 records in the last log"));
    host
}

#[test]
fn a_vault_that_its_owner_may_not_write_is_critical() {
    let host = Host::new();
    host.archive(b"first");
    let vault = host.vault();
    for mode in [0o400, 0o000] {
        chmod(&vault, mode);
        let words = format!(
            "{} may not be read and written by its owner; run: chmod u+rw ",
            vault.display()
        );
        assert_critical(&host, &words);
    }
    chmod(&vault, 0o600);
    let _ = status(&host).expect_code(0);
}

#[test]
fn a_segment_that_its_owner_may_not_write_is_critical() {
    let host = segments(SMALL);
    let last = host.vault().join("VAULT-000002.asc");
    assert!(last.exists());
    chmod(&last, 0o400);
    assert_critical(&host, &format!("{} may not be read", last.display()));
    chmod(&last, 0o600);
    let empty = host.vault().join("VAULT-000003.asc");
    fs::write(&empty, "").unwrap();
    chmod(&empty, 0o600);
    let _ = status(&host).expect_code(0);
    chmod(&last, 0o400);
    assert_critical(&host, &format!("{} may not be read", last.display()));
}

#[test]
fn rules_that_the_hook_does_not_take_are_critical() {
    let host = segments(SMALL);
    let rules = host.vault().join("segments.conf");
    fs::write(&rules, "size=1G\n").unwrap();
    let ran = status(&host).expect_code(2);
    let _ = ran.prints("its segments.conf is not one line of the form ");
    fs::remove_file(&rules).unwrap();
    let _ = status(&host).expect_code(0);
}

#[test]
fn a_folder_in_which_no_file_can_be_made_is_critical_where_one_is_to_be_made() {
    let host = segments(SMALL);
    chmod(&host.vault(), 0o500);
    assert_critical(&host, "no file can be made in the folder ");
    let host = Host::new();
    chmod(&host.vault_folder(), 0o500);
    assert_critical(&host, "no file can be made in the folder ");
    std::os::unix::fs::symlink("/nowhere/VAULT", host.vault()).unwrap();
    chmod(&host.vault_folder(), 0o700);
    let ran = status(&host).expect_code(2);
    let _ = ran.prints("it is a symbolic link that leads nowhere");
}

#[test]
fn a_file_that_holds_something_else_is_critical_and_its_mode_is_nobodys_business() {
    let host = Host::new();
    fs::write(host.vault(), "root:x:0:0:root:/root:/bin/bash\n").unwrap();
    for mode in [0o600, 0o644, 0o666] {
        chmod(&host.vault(), mode);
        let ran = status(&host).expect_code(2);
        assert!(!ran.stdout.contains("chmod"), "{}", ran.stdout);
        let _ = ran
            .prints("CRITICAL: no mail is archived: vault ")
            .prints("VAULT is no file of a vault");
    }
}

#[test]
fn a_vault_that_is_marked_as_immutable_is_critical() {
    let host = Host::new();
    host.archive(b"first");
    if !chattr("+i", &host.vault()) {
        return;
    }
    let ran = status(&host);
    assert!(chattr("-i", &host.vault()));
    let _ = ran
        .expect_code(2)
        .prints("no mail is archived: ")
        .prints("look with lsattr");
}

/// Whether it could be done: it takes root, and a file system that has such marks.
fn chattr(mark: &str, path: &Path) -> bool {
    let done = Command::new("chattr").arg(mark).arg(path).output();
    let done = done.is_ok_and(|output| output.status.success());
    if !done {
        eprintln!("SKIPPED: no chattr {mark} here");
    }
    done
}

#[test]
fn who_may_not_look_says_so_and_the_owner_is_told_what_is_wrong() {
    if !custody_tests::needs_root() {
        return;
    }
    let host = Host::new();
    host.archive(b"first");
    chmod(&host.vault_folder(), 0o755);
    chmod(&host.vault(), 0o644);
    let program = host.path("archiver-encrypt");
    fs::copy(custody_tests::hook().get_program(), &program).unwrap();
    let as_user = |user: u32| {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg("--clear-groups");
        command.arg(&program).args(["status", "--warn-free", "0%"]);
        command
            .args(["--crit-free", "0%", "--cert"])
            .arg(host.cert());
        run(command.arg("--vault").arg(host.vault()))
    };
    let ran = as_user(65_534).expect_code(1);
    let _ = ran.prints("UNKNOWN: whether the hook can write to ");
    std::os::unix::fs::chown(host.vault(), Some(65_534), None).unwrap();
    chmod(&host.vault(), 0o000);
    let ran = as_user(65_534).expect_code(2);
    let _ = ran.prints("CRITICAL: no mail is archived: vault ");
}
