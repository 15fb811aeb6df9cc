//! Signals at every step: strace stops the real binary right after a system call, a signal is sent, and it goes on.
//!
//! The signal goes to the whole process, as a terminal's does.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::outside::needs;
use crate::run::{Ran, with_default_signals};

/// What a program does to files: a signal before or after each of these may find something half done.
const CALLS: &str = "mkdir,openat,write,fsync,syncfs,rename,renameat2,rmdir";

/// A system call of a program on a file: the how manieth of its name in its thread.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    call: String,
    number: usize,
    about: String,
}

impl Step {
    /// Whether it makes, renames or removes a name; the others fill and sync what has one.
    #[must_use]
    pub fn gives_a_name(&self) -> bool {
        ["mkdir", "rename", "renameat2", "rmdir"].contains(&self.call.as_str())
    }
}

/// Lets a command run to its end under strace: how it ended, and its steps on files whose path contains `about`. `None` where strace does not work.
#[must_use]
pub fn steps_of(command: &Command, about: &str) -> Option<(Ran, Vec<Step>)> {
    if !needs("strace") {
        return None;
    }
    let traced = Traced::start(command, &[]);
    let (ran, trace) = traced.end();
    let mut counts = HashMap::new();
    let mut steps = Vec::new();
    for line in trace.lines() {
        let Some((thread, call, rest)) = parse(line) else {
            continue;
        };
        let number = counts.entry((thread, call)).or_insert(0);
        *number += 1;
        let step = Step {
            call: call.to_owned(),
            number: *number,
            about: about.to_owned(),
        };
        let opens_for_reading = call == "openat" && !rest.contains("O_CREAT");
        if rest.contains(about) && !opens_for_reading && !steps.contains(&step) {
            steps.push(step);
        }
    }
    Some((ran, steps))
}

/// Runs a command under strace, and sends `signal` to the process when it stands right after `step`.
#[must_use]
pub fn signalled_after(command: &Command, step: &Step, signal: Signal) -> Ran {
    let inject = format!("inject={}:signal=SIGSTOP:when={}", step.call, step.number);
    let mut traced = Traced::start(command, &["-e", &inject]);
    let (mut sent, mut continued) = (false, 0);
    let deadline = Instant::now() + Duration::from_mins(2);
    while traced.strace.try_wait().expect("strace").is_none() {
        assert!(Instant::now() < deadline, "{command:?} hangs at {step:?}");
        let stopped = traced.stopped(&step.about);
        if stopped.len() > continued {
            if !sent && stopped[continued..].iter().any(|(_, is_there)| *is_there) {
                kill_process(traced.pid(), signal).expect("the process is there");
                sent = true;
            }
            for (pid, _) in &stopped[continued..] {
                let _ = kill_process(*pid, Signal::CONT);
            }
            continued = stopped.len();
        }
        sleep(Duration::from_millis(3));
    }
    traced.end().0
}

struct Traced {
    strace: Child,
    folder: TempDir,
}

impl Traced {
    fn start(command: &Command, options: &[&str]) -> Self {
        let folder = TempDir::with_prefix("trace-").expect("a scratch folder");
        let mut strace = with_default_signals("strace".as_ref());
        strace.args([
            "-f",
            "-y",
            "-s",
            "0",
            "-e",
            &format!("trace=execve,{CALLS}"),
        ]);
        strace.args(options).arg("-o").arg(trace_in(folder.path()));
        strace.arg(command.get_program()).args(command.get_args());
        if let Some(here) = command.get_current_dir() {
            strace.current_dir(here);
        }
        strace.stdin(Stdio::null());
        strace.stdout(Stdio::piped()).stderr(Stdio::piped());
        let strace = strace.spawn().expect("strace starts");
        Self { strace, folder }
    }

    fn trace(&self) -> String {
        let trace = fs::read(trace_in(self.folder.path())).unwrap_or_default();
        String::from_utf8_lossy(&trace).into_owned()
    }

    /// The first line is of the program itself.
    fn pid(&self) -> Pid {
        let trace = self.trace();
        pid_of(trace.split_whitespace().next().expect("a line"))
    }

    /// Who was stopped, each time, and whether right after a call on a file whose path contains `about`: other threads make as many calls of the same name, the
    /// first of them before `main` is reached.
    fn stopped(&self, about: &str) -> Vec<(Pid, bool)> {
        let trace = self.trace();
        let mut last_calls = HashMap::new();
        let mut stops = Vec::new();
        for line in trace.lines() {
            let thread = line.split_whitespace().next().unwrap_or_default();
            if let Some((_, _, rest)) = parse(line) {
                last_calls.insert(thread, rest.contains(about));
            } else if line.ends_with("--- SIGSTOP {si_signo=SIGSTOP, si_code=SI_KERNEL} ---") {
                let is_there = last_calls.get(thread).copied().unwrap_or_default();
                stops.push((pid_of(thread), is_there));
            }
        }
        stops
    }

    fn end(self) -> (Ran, String) {
        let folder = self.folder;
        let output = self.strace.wait_with_output().expect("strace ends");
        let trace = fs::read(trace_in(folder.path())).unwrap_or_default();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        (ran, String::from_utf8_lossy(&trace).into_owned())
    }
}

fn trace_in(folder: &Path) -> PathBuf {
    folder.join("trace")
}

fn pid_of(word: &str) -> Pid {
    let number = word.parse().expect("a number");
    Pid::from_raw(number).expect("a process")
}

/// `12 mkdir("x", 0700) = 0` as thread, call, and the rest. What a thread resumes was counted when it began.
fn parse(line: &str) -> Option<(&str, &str, &str)> {
    let (thread, call) = line.split_once(char::is_whitespace)?;
    let (name, rest) = call.trim_start().split_once('(')?;
    CALLS
        .split(',')
        .any(|known| known == name)
        .then_some((thread, name, rest))
}
