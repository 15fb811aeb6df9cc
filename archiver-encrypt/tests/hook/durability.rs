//! What exit 0 promises, watched from outside: strace shows the system calls of the real binary in their order, and lets those
//! that matter fail.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Command, Output};

use crate::archive::{Archive, assert_refused, deliver, redirected, skip, start};
use crate::watch::{Watch, WatchFlags};

/// All that writes, cuts, locks and syncs, and the end.
const CALLS: &str = "trace=flock,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,rename,\
    sync,syncfs,sync_file_range,fsync,fdatasync,exit_group";

/// A hook under strace with further options, not yet started. `None` where strace does not work.
fn under_strace(archive: &Archive, hook: &Command, options: &[&str]) -> Option<Command> {
    let trace = archive.path("trace");
    let strace = || {
        let mut strace = Command::new("strace");
        if !rustix::process::geteuid().is_root() {
            // The hook may not dump core, so only root may look into it; of a name space of its own is enough.
            strace = Command::new("unshare");
            strace.args(["--map-root-user", "strace"]);
        }
        strace.args(["-f", "-y", "-e", CALLS, "-o"]).arg(&trace);
        strace
    };
    let works = strace().arg("true").output();
    if !works.is_ok_and(|output| output.status.success()) {
        skip("strace is not installed, or may not trace here");
        return None;
    }
    let mut strace = strace();
    strace.args(options);
    strace.arg(hook.get_program()).args(hook.get_args());
    Some(strace)
}

/// Runs a hook with a mail under strace; its output, and the calls as [`short`] writes them.
fn traced(archive: &Archive, hook: &Command, options: &[&str]) -> Option<(Output, Vec<String>)> {
    let output = deliver(&mut under_strace(archive, hook, options)?, b"mail");
    let folder = fs::canonicalize(archive.path("")).unwrap();
    let trace = fs::read_to_string(archive.path("trace")).unwrap();
    let lines = trace.lines().filter(|line| !line.contains("+++"));
    let calls = lines.map(|line| short(line, folder.to_str().unwrap()));
    Some((output, calls.collect()))
}

/// `12 flock(4</tmp/hook/VAULT>, LOCK_UN) = 0` becomes `flock VAULT, LOCK_UN`; the folder itself is `.`, what is written is left out.
fn short(line: &str, folder: &str) -> String {
    let (_pid, call) = line.split_once(' ').unwrap();
    let (name, arguments) = call.trim_start().split_once('(').unwrap();
    let (arguments, _result) = arguments.rsplit_once(") ").unwrap();
    let Some((_number, path)) = arguments.split_once('<') else {
        return format!("{name} {arguments}");
    };
    let (path, behind) = path.split_once('>').unwrap();
    let path = match path.strip_prefix(folder) {
        Some("") => ".",
        Some(file) => file.trim_start_matches('/'),
        None => path,
    };
    let behind = if name == "flock" { behind } else { "" };
    format!("{name} {path}{behind}")
}

/// Of an existing vault. The lock is given back before the record is synced, so that others need not wait for the disk.
const SAFE_ORDER: [&str; 5] = [
    "flock VAULT, LOCK_EX|LOCK_NB",
    "writev VAULT",
    "flock VAULT, LOCK_UN",
    "fdatasync VAULT",
    "exit_group 0",
];

#[test]
fn the_record_is_synced_after_it_is_written_and_before_success_is_told() {
    let archive = Archive::new();
    archive.archive(b"first");
    let Some((output, calls)) = traced(&archive, &archive.hook(), &[]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(calls, SAFE_ORDER);
    assert_eq!(archive.mails(), [&b"first"[..], b"mail"]);
}

#[test]
fn of_a_new_vault_the_folder_is_synced_before_the_record_is_written() {
    let archive = Archive::new();
    // The certificate is verified, and its recipient file written.
    archive.archive(b"first");
    fs::remove_file(archive.vault()).unwrap();
    let Some((output, calls)) = traced(&archive, &archive.hook(), &[]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0));
    let mut expected = SAFE_ORDER.to_vec();
    expected.insert(1, "fsync .");
    assert_eq!(calls, expected);
    assert_eq!(archive.mails(), [b"mail"]);
}

#[test]
fn a_sync_that_fails_is_no_success() {
    for (call, reason, left_behind) in [
        ("fsync", "its folder could not be synced to disk", 0),
        ("fdatasync", "could not be synced to disk", 1),
    ] {
        let archive = Archive::new();
        let inject = format!("inject={call}:error=EIO");
        let Some((output, _)) = traced(&archive, &archive.hook(), &["-e", &inject]) else {
            return;
        };
        assert_refused(&output, reason);
        assert_refused(&output, "Input/output error");
        assert_eq!(archive.mails().len(), left_behind, "{call}");
    }
}

#[test]
fn a_write_that_fails_leaves_the_vault_as_it_was() {
    for error in ["ENOSPC", "EDQUOT", "EIO"] {
        let archive = Archive::new();
        archive.archive(b"first");
        let before = archive.vault_bytes();
        let inject = format!("inject=writev:error={error}");
        let Some((output, _)) = traced(&archive, &archive.hook(), &["-e", &inject]) else {
            return;
        };
        assert_refused(&output, "nothing of it was left behind");
        assert_eq!(archive.vault_bytes(), before, "{error}");
    }
}

#[test]
fn a_program_that_appends_without_the_lock_just_before_the_record_is_noticed() {
    let archive = Archive::new();
    archive.archive(b"first");
    let before = archive.vault_bytes();
    let options = ["-e", "inject=writev:delay_enter=1000000"];
    let Some(mut strace) = under_strace(&archive, &archive.hook(), &options) else {
        return;
    };
    let watch = Watch::on(&archive.vault(), WatchFlags::ACCESS);
    let mut hook = start(&mut strace);
    drop(hook.stdin.take().map(|mut stdin| stdin.write_all(b"mail")));
    // It reads the vault's end after it has asked for its length, and before it writes, which takes a second here.
    watch.wait();
    let mut vault = File::options().append(true).open(archive.vault()).unwrap();
    vault.write_all(b"half a line").unwrap();
    let output = hook.wait_with_output().unwrap();
    assert_refused(&output, "at the same moment without the lock");
    let now = archive.vault_bytes();
    let both = [&before, &b"half a line-----BEGIN PGP MESSAGE-----"[..]].concat();
    assert!(now.starts_with(&both), "nothing is taken back");
    assert_eq!(deliver(&mut archive.hook(), b"mail").status.code(), Some(0));
}

#[test]
fn a_write_that_a_signal_interrupts_is_begun_again() {
    let archive = Archive::new();
    let options = ["-e", "inject=writev:error=EINTR:when=1"];
    let Some((output, _)) = traced(&archive, &archive.hook(), &options) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(archive.mails(), [b"mail"]);
}

#[test]
fn a_record_for_a_file_on_standard_output_is_synced_too() {
    let archive = Archive::new();
    let redirection = format!("> {}", archive.path("out").to_str().unwrap());
    let hook = redirected(&archive.hook_to_stdout(), &redirection);
    let Some((output, calls)) = traced(&archive, &hook, &[]) else {
        return;
    };
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(calls, ["write out", "fsync out", "exit_group 0"]);
    let options = ["-e", "inject=fsync:error=EIO"];
    let (output, _) = traced(&archive, &hook, &options).unwrap();
    assert_refused(&output, "could not be written to standard output");
}
