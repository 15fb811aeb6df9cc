//! SIGTERM, SIGINT and SIGHUP before the record is written: exit 75, and the vault as it was.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::fs::{FlockOperation, flock, inotify};

use crate::archive::{Archive, assert_refused, start};

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

/// Waits until `done`, for ten seconds at most.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        sleep(Duration::from_millis(5));
    }
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

/// Notices that somebody opens a vault. (The hook's own /proc/PID/fd is closed to its user, because it may not dump core.)
struct Watch(OwnedFd);

impl Watch {
    fn on(vault: &Path) -> Self {
        let flags = inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC;
        let watch = inotify::init(flags).unwrap();
        inotify::add_watch(&watch, vault, inotify::WatchFlags::OPEN).unwrap();
        Self(watch)
    }

    /// Waits until the hook has the vault open, which it has only while it waits for the lock or after it has it.
    fn wait_until_the_hook_wants_the_lock(&self) {
        let mut event = [0_u8; 1024];
        wait_until("the hook opens the vault", || {
            rustix::io::read(&self.0, &mut event).is_ok()
        });
    }
}

#[test]
fn a_signal_while_the_mail_is_awaited_ends_the_hook_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let archive = Archive::new();
        let mut child = start(&mut archive.hook());
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
    let watch = Watch::on(&archive.vault());
    let mut child = start(&mut archive.hook());
    drop(child.stdin.take().map(|mut stdin| stdin.write_all(b"mail")));
    watch.wait_until_the_hook_wants_the_lock();
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
    let watch = Watch::on(&archive.vault());
    let mut child = start(&mut archive.hook());
    drop(
        child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(b"second")),
    );
    watch.wait_until_the_hook_wants_the_lock();
    fs::rename(archive.vault(), archive.path("VAULT.1")).unwrap();
    drop(other);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(fs::read(archive.path("VAULT.1")).unwrap(), before);
    assert_eq!(archive.mails(), [b"second"]);
}
