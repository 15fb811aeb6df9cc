//! SIGINT, SIGTERM and SIGHUP at every step of what writes files: afterwards the whole result is there, or nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use custody_tests::{
    Ceremony, Ran, Signal, Step, custodian, needs, run, signalled_after, steps_of,
    with_default_signals,
};

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// Sends a signal after each step of `command`, which writes `out`; `at_most` steps, those that give names among them.
fn interrupt_everywhere(
    out: &Path,
    command: impl Fn() -> Command,
    at_most: usize,
    is_whole: impl Fn() -> bool,
) {
    let Some((ran, steps)) = steps_of(&command(), out.to_str().unwrap()) else {
        return;
    };
    let _ = ran.expect_code(0);
    assert!(is_whole(), "the check itself must hold");
    remove(out);
    let before = names_beside(out);
    let steps = chosen(&steps, at_most);
    let mut interrupted = 0;
    for (step, (signal, code)) in steps.iter().zip(SIGNALS.into_iter().cycle()) {
        let ran = signalled_after(&command(), step, signal);
        assert_whole_or_nothing(out, &ran, code, &is_whole, step);
        interrupted += usize::from(ran.code == code);
        remove(out);
        assert_eq!(names_beside(out), before, "{step:?}\n{}", ran.stderr);
    }
    assert!(interrupted > steps.len() / 2, "{interrupted} of {steps:?}");
}

fn assert_whole_or_nothing(
    out: &Path,
    ran: &Ran,
    code: i32,
    is_whole: impl Fn() -> bool,
    step: &Step,
) {
    let stderr = &ran.stderr;
    assert!(ran.code == 0 || ran.code == code, "{step:?}: {ran:?}");
    if !out.exists() {
        assert_eq!(ran.code, code, "{step:?}\n{stderr}");
        assert!(
            stderr.contains("nothing was left behind"),
            "{step:?}\n{stderr}"
        );
        return;
    }
    let name = out.to_str().unwrap();
    assert!(is_whole(), "{step:?} left {name} in pieces\n{stderr}");
    let says_so = stderr.contains(&format!("interrupted; {name} is complete"));
    assert!(ran.code == 0 || says_so, "{step:?}\n{stderr}");
}

/// All steps that give or take names, and of the others as many as there is time for.
fn chosen(steps: &[Step], at_most: usize) -> Vec<Step> {
    let (names, others): (Vec<&Step>, Vec<&Step>) =
        steps.iter().partition(|step| step.gives_a_name());
    let left = at_most.saturating_sub(names.len()).max(1);
    let each = others.len().div_ceil(left).max(1);
    let chosen = names.into_iter().take(at_most);
    chosen
        .chain(others.into_iter().step_by(each))
        .cloned()
        .collect()
}

fn names_beside(out: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(out.parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn remove(out: &Path) {
    let _ = fs::remove_dir_all(out);
    let _ = fs::remove_file(out);
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_ceremony_is_whole_or_was_never_held() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plan.toml"), custody_tests::PLAN).unwrap();
    let out = folder.path().join("out");
    let ceremony = || {
        let mut ceremony = custodian();
        ceremony.args(["ceremony", "--yes", "--plan"]);
        ceremony.arg(folder.path().join("plan.toml"));
        ceremony.arg("--out").arg(&out);
        ceremony
    };
    interrupt_everywhere(&out, ceremony, 20, || {
        let folders = ["public", "record", "revocation", "server", "sheets"].map(String::from);
        names_in(&out) == BTreeSet::from(folders)
            && names_in(&out.join("public")).len() == 5
            && names_in(&out.join("server")).len() == 2
            && names_in(&out.join("sheets")).len() == 3
    });
}

#[test]
fn opened_mails_are_all_there_or_none_is() {
    let ceremony = Ceremony::hold();
    for n in 0..70 {
        ceremony.archive(format!("Subject: {n}\n\n{n}\n").as_bytes());
    }
    let out = ceremony.path("opened");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let open = || {
        let mut open = ceremony.command("open", &sheets, &out);
        open.arg(ceremony.vault());
        open
    };
    interrupt_everywhere(&out, open, 24, || {
        let names = [
            "manifest.csv",
            "manifest.json",
            "manifest.sha256",
            "messages",
        ];
        names_in(&out) == BTreeSet::from(names.map(String::from))
            && ceremony.opened_mails("opened").len() == 70
    });
}

#[test]
fn an_existing_folder_is_empty_again() {
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: x\n\nx\n");
    let out = ceremony.path("mounted");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let open = || {
        fs::create_dir_all(&out).unwrap();
        let mut open = ceremony.command("open", &sheets, &out);
        open.arg(ceremony.vault());
        open
    };
    let Some((_, steps)) = steps_of(&open(), out.to_str().unwrap()) else {
        return;
    };
    for step in chosen(&steps, 8) {
        remove(&out);
        let ran = signalled_after(&open(), &step, Signal::INT);
        let left = names_in(&out).len();
        assert!(
            left == 0 || left == 4,
            "{step:?} left {left}\n{}",
            ran.stderr
        );
        assert!(ran.code == 130 || left == 4, "{ran:?}");
    }
}

#[test]
fn a_rebuilt_key_is_whole_or_not_there() {
    let ceremony = Ceremony::hold();
    let out = ceremony.path("key.asc");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let rebuild = || {
        let mut rebuild = ceremony.command("rebuild", &sheets, &out);
        rebuild.arg("--unlocked");
        rebuild
    };
    interrupt_everywhere(&out, rebuild, 20, || {
        let key = fs::read_to_string(&out).unwrap_or_default();
        key.ends_with("-----END PGP PRIVATE KEY BLOCK-----\n")
    });
}

#[test]
fn a_rehearsal_leaves_its_folder_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("rehearsal");
    let rehearse = || {
        let mut rehearse = custodian();
        rehearse.args(["rehearse", "--out"]).arg(&out);
        rehearse
    };
    interrupt_everywhere(&out, rehearse, 20, || {
        names_in(&out).len() == 8 && out.join("opened/manifest.sha256").exists()
    });
}

#[test]
fn a_signal_that_the_caller_ignores_is_ignored() {
    let ceremony = Ceremony::hold();
    let out = ceremony.path("key.asc");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let mut rebuild = ceremony.command("rebuild", &sheets, &out);
    rebuild.arg("--unlocked");
    let mut nohup = Command::new("nohup");
    nohup.arg(rebuild.get_program()).args(rebuild.get_args());
    let Some((_, steps)) = steps_of(&nohup, out.to_str().unwrap()) else {
        return;
    };
    remove(&out);
    let ran = signalled_after(&nohup, &steps[0], Signal::HUP);
    let _ = ran.expect_code(0);
    assert!(out.exists());
}

#[test]
fn what_a_killed_run_left_is_named_by_the_next_with_what_to_do() {
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: x\n\nx\n");
    let out = ceremony.path("opened");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let mut open = ceremony.command("open", &sheets, &out);
    open.arg(ceremony.vault());
    let Some((_, steps)) = steps_of(&open, out.to_str().unwrap()) else {
        return;
    };
    remove(&out);
    let _killed = signalled_after(&open, &steps[4], Signal::KILL);
    assert_eq!(names_in(&out), BTreeSet::from([".incomplete".to_owned()]));
    let _ = run(&mut open)
        .expect_code(5)
        .says("opened is in use by another run, or one was cut off there")
        .says("wipe the whole folder ");
}

/// Runs `custodian rebuild` in a pseudo-terminal up to its prompt for a passphrase, types half of one, and ends it: by a signal, or by a key.
const AT_A_PROMPT: &str = r#"
import os, pty, signal, sys, termios, time
how, program, *args = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(program, [program, *args])
echoes = lambda: bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
assert echoes(), "a terminal echoes at first"
said = b""
while b"Passphrase" not in said or echoes():
    said += os.read(terminal, 1000) if b"Passphrase" not in said else b""
    time.sleep(0.01)
os.write(terminal, b"half a pass")
if how == "key":
    os.write(terminal, b"\x03")
else:
    os.killpg(os.tcgetpgrp(terminal), signal.Signals[how])
said = b""
try:
    while more := os.read(terminal, 1000):
        said += more
except OSError:
    pass  # how a pseudo-terminal says that nobody is left
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(said.decode())
sys.exit(code)
"#;

#[test]
fn at_a_prompt_a_signal_and_the_key_for_it_end_the_run_and_echo_is_on_again() {
    if !needs("python3") {
        return;
    }
    let ceremony = Ceremony::hold();
    let out = ceremony.path("key.asc");
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(2)];
    let rebuild = ceremony.command("rebuild", &sheets, &out);
    for (how, code) in [("key", 130), ("SIGINT", 130), ("SIGTERM", 143)] {
        // stty shares the terminal and outlives the program: it sees what is left.
        let mut python = with_default_signals("python3".as_ref());
        python.args(["-c", AT_A_PROMPT, how, "/bin/sh", "-c"]);
        python
            .arg("trap : INT TERM; \"$@\"; code=$?; stty -a; exit $code")
            .arg("sh");
        python.arg(rebuild.get_program()).args(rebuild.get_args());
        let ran = run(&mut python).expect_code(code);
        let _ = ran
            .prints("interrupted; nothing was left behind")
            .prints(" echo ");
        assert!(!out.exists());
    }
}
