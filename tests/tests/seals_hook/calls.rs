//! Runs that are cut off at each of their system calls: no day is signed twice, and the next run finishes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use custody_tests::{Ran, hook, needs, run, run_with_stdin};

use crate::site::Site;

/// What the hook does to files, and a few calls besides.
const CALLS: [&str; 10] = [
    "openat",
    "write",
    "writev",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "unlink",
    "flock",
];

#[test]
fn killed_at_any_system_call_no_day_gets_a_second_final_and_the_next_mail_goes_on() {
    if !needs("strace") {
        return;
    }
    let site = Site::installed(2);
    let seed = fs::read(site.folder().join("seed")).unwrap();
    let mut killed = 0;
    for call in CALLS {
        for number in 1.. {
            for path in [
                site.ceremony.vault(),
                site.seals(),
                site.folder().join("state"),
            ] {
                let _ = fs::remove_file(path);
            }
            fs::write(site.folder().join("seed"), &seed).unwrap();
            let ran = killed_at(&site.hook(), call, number);
            let after = site.archive("after the crash");
            assert!(
                !after.stderr.contains("seal"),
                "{call} {number}: {}",
                after.stderr
            );
            assert_eq!(
                (site.finals(), site.key_day()),
                (vec![0, 1], 2),
                "{call} {number}"
            );
            let vault = fs::read_to_string(site.ceremony.vault()).unwrap();
            let records = vault.matches("-----END PGP MESSAGE-----").count();
            assert!(
                records > usize::from(ran.stdout.contains("archived")),
                "{call} {number}"
            );
            if ran.code == 0 {
                break;
            }
            killed += 1;
        }
    }
    println!("killed at {killed} system calls");
    assert!(killed > 40, "{killed}");
}

/// The vault, the seals and the seal folder before a run that is cut off.
struct Before {
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Before {
    fn of(site: &Site) -> Self {
        let folder = ["seed", "state", "seed.new"].map(|name| site.folder().join(name));
        let paths = [site.ceremony.vault(), site.seals()]
            .into_iter()
            .chain(folder);
        let files = paths.map(|path| (path.clone(), fs::read(path).ok()));
        Self {
            files: files.collect(),
        }
    }

    fn bring_back(&self) {
        for (path, bytes) in &self.files {
            let _ = fs::remove_file(path);
            if let Some(bytes) = bytes {
                fs::write(path, bytes).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
    }
}

/// A server with two days that are over, and a mail in its log that came in while there was no seed.
fn site_with_seals_due() -> Site {
    let site = Site::installed(2);
    let (seed, away) = (site.folder().join("seed"), site.folder().join("away"));
    fs::rename(&seed, &away).unwrap();
    let _ = site
        .archive("without a seed")
        .says("there is no file `seed`");
    fs::rename(&away, &seed).unwrap();
    site
}

/// Cuts `seal` off at each of its system calls, one after the other. `harm` is what strace does there.
fn cut_off_seal_everywhere(harm: &str) -> u32 {
    let site = site_with_seals_due();
    let before = Before::of(&site);
    let mut seal = hook();
    seal.args(["seal", "--vault"]).arg(site.ceremony.vault());
    seal.arg("--seal-dir").arg(site.folder());
    let mut cut_off = 0;
    for call in CALLS {
        for number in 1.. {
            before.bring_back();
            let ran = harmed_at(&seal, call, number, harm);
            let what = format!("{call} {number} {harm}");
            // Whatever stands there is whole and is once; a second final of a day, or another key, would fail in `finals`.
            let (finals, key_day) = (site.finals(), site.key_day());
            assert!(finals.len() <= 2 && key_day <= 2, "{what}");
            let over = i64::try_from(finals.len()).unwrap();
            assert!(
                (key_day..=key_day + 1).contains(&over),
                "{what}: {finals:?} {key_day}"
            );
            if ran.code == 0 {
                assert_eq!(
                    (over, key_day),
                    (2, 2),
                    "{what}: it said that all is sealed"
                );
            }
            let again = site.seal(&[]);
            assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{what}");
            assert_eq!((site.finals(), site.key_day()), (vec![0, 1], 2), "{what}");
            assert!(!site.folder().join("seed.new").exists(), "{what}");
            if !ran.was_harmed {
                break;
            }
            cut_off += 1;
        }
    }
    cut_off
}

#[test]
fn seal_that_is_killed_at_any_system_call_signs_no_day_twice_and_the_next_run_finishes() {
    if needs("strace") {
        let killed = cut_off_seal_everywhere("signal=KILL");
        println!("killed at {killed} system calls");
        assert!(killed > 30, "{killed}");
    }
}

#[test]
fn seal_at_whose_every_system_call_fails_signs_no_day_twice_and_the_next_run_finishes() {
    if needs("strace") {
        for error in ["EIO", "ENOSPC"] {
            let failed = cut_off_seal_everywhere(&format!("error={error}"));
            println!("{error} at {failed} system calls");
            assert!(failed > 30, "{error}: {failed}");
        }
    }
}

/// How a run ended at one of whose system calls something was done.
struct Harmed {
    code: i32,
    was_harmed: bool,
}

fn harmed_at(command: &Command, call: &str, number: u32, harm: &str) -> Harmed {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(log.path());
    strace.arg("-e").arg(format!("trace={call}"));
    strace
        .arg("-e")
        .arg(format!("inject={call}:{harm}:when={number}"));
    strace.arg(command.get_program()).args(command.get_args());
    let ran = run(&mut strace);
    let calls = fs::read_to_string(log.path()).unwrap();
    // An injected error is marked; a signal comes with the call of this number.
    let number = usize::try_from(number).unwrap();
    let was_harmed = calls.matches(&format!("{call}(")).count() >= number;
    Harmed {
        code: ran.code,
        was_harmed,
    }
}

fn killed_at(hook: &Command, call: &str, number: u32) -> Ran {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
    strace.arg(format!("trace={call}"));
    strace
        .arg("-e")
        .arg(format!("inject={call}:signal=KILL:when={number}"));
    strace.arg(hook.get_program()).args(hook.get_args());
    run_with_stdin(&mut strace, b"before the crash")
}
