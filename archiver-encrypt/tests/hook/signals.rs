//! SIGTERM, SIGINT and SIGHUP before the record is written: exit 75, and the vault as it was.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::fs::{FlockOperation, flock};

use crate::archive::{Archive, assert_refused, start};
use crate::watch::{Watch, WatchFlags, wait_until};

/// The hook as it runs where these signals are not ignored; whoever started the tests may ignore them, as `nohup … &` does.
fn with_default_signals(hook: &Command) -> Command {
    let mut env = Command::new("env");
    env.env_remove("RUST_BACKTRACE")
        .arg("--default-signal=HUP,INT,TERM");
    env.arg(hook.get_program()).args(hook.get_args());
    env
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

fn wait_until_signals_are_blocked(child: &Child) {
    const SIGTERM: u64 = 1 << (15 - 1);
    let status = format!("/proc/{}/status", child.id());
    wait_until("the hook blocks signals", || {
        let status = fs::read_to_string(&status).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        let blocked = u64::from_str_radix(blocked.unwrap().trim(), 16).unwrap();
        blocked & SIGTERM != 0
    });
}

#[test]
fn a_signal_while_the_mail_is_awaited_ends_the_hook_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let archive = Archive::new();
        let mut child = start(&mut with_default_signals(&archive.hook()));
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"half a ma")
            .unwrap();
        wait_until_signals_are_blocked(&child);
        kill(pid(&child), signal).unwrap();
        let stdin = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_refused(&output, &format!("stopped by {signal}"));
        assert!(!archive.vault().exists());
    }
}

#[test]
fn a_signal_while_the_lock_is_awaited_leaves_the_vault_as_it_was() {
    let archive = Archive::new();
    archive.archive(b"first");
    let before = archive.vault_bytes();
    let other = File::open(archive.vault()).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    let watch = Watch::on(&archive.vault(), WatchFlags::OPEN);
    let mut child = start(&mut with_default_signals(&archive.hook()));
    drop(child.stdin.take().map(|mut stdin| stdin.write_all(b"mail")));
    // It has the vault open only while it waits for the lock, or after it has it.
    watch.wait();
    kill(pid(&child), Signal::SIGTERM).unwrap();
    assert_refused(&child.wait_with_output().unwrap(), "stopped by SIGTERM");
    assert_eq!(archive.vault_bytes(), before);
}

#[test]
fn a_vault_that_is_rotated_away_while_the_hook_waits_gets_no_record() {
    let archive = Archive::new();
    archive.archive(b"first");
    let before = archive.vault_bytes();
    let other = File::open(archive.vault()).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    let watch = Watch::on(&archive.vault(), WatchFlags::OPEN);
    let mut child = start(&mut with_default_signals(&archive.hook()));
    drop(
        child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(b"second")),
    );
    // It has the vault open only while it waits for the lock, or after it has it.
    watch.wait();
    fs::rename(archive.vault(), archive.path("VAULT.1")).unwrap();
    drop(other);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(fs::read(archive.path("VAULT.1")).unwrap(), before);
    assert_eq!(archive.mails(), [b"second"]);
}
