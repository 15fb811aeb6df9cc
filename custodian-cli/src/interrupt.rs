//! SIGINT, SIGTERM and SIGHUP: what is half done is undone, and the process ends.
//!
//! The signals are blocked in every thread and taken by one of their own, so that no system call is ever cut short. What a run has half made
//! stands in one list: a file or a folder to remove, a terminal to set right. Whoever has the list's lock holds the signals off; three things are done under
//! it: to make something and enter it, to give a result its final name, and to create any file at all. So a signal falls before
//! or after them, and what is being removed cannot grow meanwhile. Decision 0008.
//!
//! SIGQUIT keeps its meaning: it ends the process at once, and leaves what a killed run leaves.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use rustix::termios::{OptionalActions, Termios, tcsetattr};

use crate::failure::shown;
use crate::terminal::{clear_screen, message};

const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// Something half done, and so how it is undone.
#[derive(Debug)]
pub(crate) enum Half {
    /// A file, to be removed.
    File(PathBuf),
    /// A folder, to be removed with all that is in it.
    Folder(PathBuf),
    /// A folder with all that is in it, and then the new folder around it, unless something else has come into that.
    FolderInNew { inner: PathBuf, new: PathBuf },
    /// A terminal whose settings are changed meanwhile. What was typed and not read is thrown away with them.
    Terminal(OwnedFd, Box<Termios>),
    /// A screen with a secret on it, to be cleared.
    Screen,
}

#[derive(Debug)]
struct Run {
    half_done: Vec<(u64, Half)>,
    entries: u64,
    /// What has its final name.
    complete: Vec<PathBuf>,
}

static RUN: Mutex<Run> = Mutex::new(Run {
    half_done: Vec::new(),
    entries: 0,
    complete: Vec::new(),
});

/// Blocks the signals and starts the thread that takes them. To be called before any other thread is started.
///
/// A signal that is ignored already, as SIGHUP under nohup, stays ignored.
///
/// # Errors
/// What the system reports.
pub(crate) fn watch() -> io::Result<()> {
    let ignored = ignored_signals();
    let taken = |signal: &Signal| ignored & (1 << (*signal as u32 - 1)) == 0;
    let signals: SigSet = SIGNALS.into_iter().filter(taken).collect();
    signals.thread_block()?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            if let Ok(signal) = signals.wait() {
                end_by(signal);
            }
        })?;
    Ok(())
}

fn end_by(signal: Signal) -> ! {
    let mut run = hold();
    let farewell = run.undo_all();
    let fresh_line = if io::stderr().is_terminal() { "\n" } else { "" };
    message(&format!("{fresh_line}{farewell}"));
    process::exit(128 + signal as i32)
}

/// Does something that must be either done or not begun when the process ends.
///
/// `what` must not itself make, complete or drop anything half made: it would wait for itself.
pub(crate) fn holding_off<T>(what: impl FnOnce() -> T) -> T {
    let _held = hold();
    what()
}

/// Returns unless a signal is just ending the process.
pub(crate) fn let_it_end() {
    drop(hold());
}

/// Something half made: it is removed when this is dropped, and when a signal comes.
#[derive(Debug)]
#[must_use]
pub(crate) struct HalfMade {
    entry: u64,
}

impl HalfMade {
    /// Makes something, and enters what `make` says that it made; nothing, when that fails.
    pub(crate) fn make<T, E>(make: impl FnOnce() -> Result<(Half, T), E>) -> Result<(Self, T), E> {
        let mut run = hold();
        let (half, result) = make()?;
        Ok((run.enter(half), result))
    }

    /// Completes it: when `complete` succeeds, `result` stands under its final name, and this is not removed any more.
    pub(crate) fn complete<E>(
        self,
        result: &Path,
        complete: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut run = hold();
        let outcome = complete();
        if outcome.is_ok() {
            run.leave(self.entry);
            run.complete.push(result.to_owned());
        }
        drop(run);
        outcome
    }
}

impl Drop for HalfMade {
    fn drop(&mut self) {
        let mut run = hold();
        if let Some(half) = run.leave(self.entry) {
            // Its name says that it is not whole, should even this fail.
            let _ = half.undo();
        }
    }
}

fn hold() -> MutexGuard<'static, Run> {
    RUN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Run {
    fn enter(&mut self, half: Half) -> HalfMade {
        self.entries += 1;
        self.half_done.push((self.entries, half));
        HalfMade {
            entry: self.entries,
        }
    }

    fn leave(&mut self, entry: u64) -> Option<Half> {
        let place = self
            .half_done
            .iter()
            .position(|(other, _)| *other == entry)?;
        Some(self.half_done.remove(place).1)
    }

    /// Undoes everything, the last first, and says what is left.
    fn undo_all(&mut self) -> String {
        let (mut removed, mut left) = (Vec::new(), Vec::new());
        while let Some((_, half)) = self.half_done.pop() {
            match (half.undo(), half.path()) {
                (Ok(()), Some(path)) => removed.push(path.to_owned()),
                (Err(error), Some(path)) => left.push(format!("{} ({error})", shown(path))),
                (_, None) => {}
            }
        }
        let stands = |path: &&PathBuf| !removed.iter().any(|gone| path.starts_with(gone));
        let complete: Vec<&PathBuf> = self.complete.iter().filter(stands).collect();
        farewell(&removed, &left, &complete)
    }
}

fn farewell(removed: &[PathBuf], left: &[String], complete: &[&PathBuf]) -> String {
    let mut clauses = vec!["interrupted".to_owned()];
    let was_removed = |path: &PathBuf| format!("{} was incomplete and is removed", shown(path));
    clauses.extend(removed.iter().map(was_removed));
    clauses.extend(
        complete
            .iter()
            .map(|path| format!("{} is complete", shown(path))),
    );
    if left.is_empty() && complete.is_empty() {
        clauses.push("nothing was left behind".to_owned());
    }
    let mut lines = vec![clauses.join("; ")];
    lines.extend(left.iter().map(|path| {
        format!("hint: {path} is incomplete, may hold secrets and could not be removed: wipe it")
    }));
    lines.join("\n")
}

impl Half {
    fn undo(&self) -> io::Result<()> {
        match self {
            Self::File(path) => gone(fs::remove_file(path)),
            Self::Folder(path) => gone(fs::remove_dir_all(path)),
            Self::FolderInNew { inner, new } => {
                gone(fs::remove_dir_all(inner))?;
                gone(fs::remove_dir(new))
            }
            // A share that was typed, half or whole, must not reach the shell.
            Self::Terminal(terminal, settings) => {
                Ok(tcsetattr(terminal, OptionalActions::Flush, settings)?)
            }
            Self::Screen => {
                clear_screen();
                Ok(())
            }
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Folder(path) | Self::FolderInNew { new: path, .. } => {
                Some(path)
            }
            Self::Terminal(..) | Self::Screen => None,
        }
    }
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// One bit a signal, as /proc shows it.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs::File;

    use super::*;

    fn half_file(path: &Path) -> io::Result<HalfMade> {
        let make = || File::create_new(path).map(|_| (Half::File(path.to_owned()), ()));
        HalfMade::make(make).map(|(half, ())| half)
    }

    #[test]
    fn what_is_not_completed_is_removed_and_what_is_completed_stands() {
        let folder = tempfile::tempdir().unwrap();
        let (half, name) = (folder.path().join("half"), folder.path().join("name"));
        drop(half_file(&half).unwrap());
        assert!(!half.exists());

        let file = half_file(&half).unwrap();
        let failed = file.complete(&name, || Err(io::Error::other("no space")));
        assert!(failed.is_err() && !half.exists());

        let file = half_file(&half).unwrap();
        file.complete(&name, || fs::rename(&half, &name)).unwrap();
        assert!(name.exists());
    }

    #[test]
    fn what_another_made_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("of another run");
        fs::write(&path, "x").unwrap();
        assert!(half_file(&path).is_err());
        assert!(path.exists());
    }

    #[test]
    fn everything_is_undone_the_last_first_and_what_is_left_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["whole/out/inner", "new/inner"] {
            fs::create_dir_all(path(name)).unwrap();
            fs::write(path(name).join("mail"), "x").unwrap();
        }
        fs::write(path("new/of another run"), "x").unwrap();
        let in_new = |name: &str| Half::FolderInNew {
            inner: path(name).join("inner"),
            new: path(name),
        };
        let mut run = Run {
            half_done: vec![
                (1, in_new("new")),
                (2, Half::Folder(path("whole"))),
                (3, in_new("whole/out")),
                (4, Half::File(path("gone already"))),
            ],
            entries: 4,
            complete: vec![path("done"), path("whole/inside")],
        };
        let said = run.undo_all();
        assert!(!path("whole").exists() && !path("new/inner").exists());
        assert!(path("new/of another run").exists());
        let removed =
            |name: &str| format!("; {} was incomplete and is removed", shown(&path(name)));
        let [first, then] = ["whole/out", "whole"].map(|name| said.find(&removed(name)).unwrap());
        assert!(first < then);
        let end = format!(
            "; {} is complete\nhint: {} (Directory not empty (os error 39)) is incomplete",
            shown(&path("done")),
            shown(&path("new"))
        );
        assert!(said.contains(&end) && !said.contains("inside"), "{said}");
    }

    #[test]
    fn a_run_that_had_made_nothing_says_so() {
        assert_eq!(
            farewell(&[], &[], &[]),
            "interrupted; nothing was left behind"
        );
    }
}
