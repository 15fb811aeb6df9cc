//! The hook on the mail server: reads one mail on stdin, encrypts it to the archive's public certificate, and appends it to the
//! vault. It holds no secret.
//!
//! The contract: exit 0 means that the record is on stable storage and readable by GnuPG; everything else is exit 75
//! (`EX_TEMPFAIL`), and the mail stays in the mail server's queue. Duplicates are possible, loss never, and the plaintext is never on
//! disk. With `--output -`, exit 0 has a weaker meaning: the record was handed to standard output, and synced only if that is a file;
//! whoever reads it there must keep it. `--help` and `--version`, each as the only argument, are no delivery, and exit 0.
//!
//! `--confirm` adds a line on stdout to exit 0, for callers who start the hook through a shell. Each delivery leaves a line in the system's log, if
//! anybody listens there.
//!
//! `setup`, `seal` and `status` as the first word are no delivery: they check an installation, install its seals, and watch it, and have exit codes of their own.
//!
//! A library, so that `custodian rehearse` can start its own executable as the hook; `main.rs` is one line.

mod args;
mod certificate_file;
mod clock;
mod commands;
mod delivery;
mod delivery_log;
pub mod disk;
mod manual;
mod owner;
mod recipient_file;
mod reply;
mod seal_folder;
mod seals_reader;
mod seen_mail;
mod spool;
mod stop;
mod streams;
mod syslog;
mod vault_place;
mod vault_reader;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{self, UnwindSafe};
use std::process::ExitCode;

use crate::args::{Args, Asked};
pub use crate::clock::{Clock, system_clock};
use crate::commands::Command;
use crate::delivery_log::DeliveryLog;
use crate::reply::{DELIVERED, TRY_AGAIN_LATER};
use crate::seen_mail::{MailFacts, SeenMail};
use crate::stop::StopSignals;
use crate::streams::{RecordOutput, StoppableInput};
use crate::syslog::Syslog;

/// The whole program, as a process: signals and panics set up, arguments and streams taken from the environment.
///
/// To be called once, first thing, by a `main` that then exits with what it returns.
#[must_use]
pub fn main_entry() -> ExitCode {
    main_entry_at(system_clock)
}

/// The same under another clock, which deliveries and `seal` go by. For tests of clocks that jump: no argument and no variable of the shipped program
/// leads here.
#[must_use]
pub fn main_entry_at(clock: Clock) -> ExitCode {
    disk::hold_many_files();
    let mut args = std::env::args_os().skip(1).peekable();
    if let Some(command) = args.peek().and_then(|word| Command::named(word)) {
        return command.run(args, clock);
    }
    tell_panics(Syslog::default());
    ExitCode::from(guarded(|| process(args, clock)))
}

/// Once it is known where the system's log listens, that is where a fault is told.
fn tell_panics(syslog: Syslog) {
    panic::set_hook(Box::new(move |info| {
        reply::say_panic(info, &mut io::stderr(), &syslog);
    }));
}

/// A fault of this program must look to the mail server like every other failure.
fn guarded(run: impl FnOnce() -> io::Result<u8> + UnwindSafe) -> u8 {
    match panic::catch_unwind(run) {
        Ok(Ok(code)) => code,
        Ok(Err(e)) => {
            let problem = format!("the process could not be set up: {e}");
            reply::refuse(&problem, &mut io::stderr())
        }
        Err(_already_told) => TRY_AGAIN_LATER,
    }
}

fn process(args: impl Iterator<Item = OsString>, clock: Clock) -> io::Result<u8> {
    // A core dump would be a plaintext on disk.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    let stop = StopSignals::block()?;
    let mail = StoppableInput::stdin(&stop)?;
    let mut out = RecordOutput::stdout()?;
    Ok(run(args, mail, &mut out, &mut io::stderr(), &stop, clock))
}

/// A manual page of this program.
#[derive(Debug)]
pub struct ManPage {
    /// Its file's name, such as `archiver-encrypt-status.1`.
    pub name: String,
    /// Its text, as roff.
    pub text: Vec<u8>,
}

/// The manual pages of `archiver-encrypt`, made from the same text as `--help`: the delivery's, and one for each command.
///
/// # Errors
/// Never, as far as memory lasts.
pub fn man_pages() -> io::Result<Vec<ManPage>> {
    let mut pages = vec![args::command()];
    pages.extend(commands::command_lines());
    pages.into_iter().map(manual::page).collect()
}

/// One delivery: `args` without the program's name. Returns the exit code, which is 0 or 75.
///
/// Nobody needs to read `out` and `err`: errors on them are ignored, except with `--output -`.
fn run(
    args: impl Iterator<Item = OsString>,
    mail: impl Read,
    out: &mut impl Write,
    err: &mut impl Write,
    stop: &StopSignals,
    clock: Clock,
) -> u8 {
    let args = match Args::parse(args) {
        Ok(Asked::Delivery(args)) => args,
        Ok(Asked::Text(text)) => {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            return DELIVERED;
        }
        Err(problem) => {
            DeliveryLog::begin(Syslog::default()).refused(&problem, &MailFacts::default());
            return reply::refuse(&problem, err);
        }
    };
    let syslog = args.syslog.clone().unwrap_or_default();
    tell_panics(syslog.clone());
    let log = DeliveryLog::begin(syslog);
    let mut mail = SeenMail::new(mail, args.log_message_id);
    let mut notices = Vec::new();
    let code = match delivery::deliver(&args, &mut mail, out, stop, clock, &mut notices) {
        Ok(record) => {
            log.archived(record.as_ref(), &mail.facts());
            DELIVERED
        }
        Err(e) => {
            log.refused(&e.to_string(), &mail.facts());
            reply::refuse(&e.to_string(), err)
        }
    };
    let is_archived = code == DELIVERED;
    log.warn(&notices, is_archived);
    reply::warn(&notices, is_archived, err);
    code
}

#[cfg(test)]
#[allow(
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the tests are about panics, and fail by one"
)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_leaves_a_line_in_the_systems_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let collector = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
        tell_panics(Syslog::Socket(path));
        assert_eq!(guarded(|| panic!("a fault of a test")), TRY_AGAIN_LATER);
        let _ = panic::take_hook();
        let mut told = String::new();
        // Other tests may panic on purpose meanwhile.
        while !told.contains("a fault of a test") {
            let mut line = [0; 2048];
            let length = collector.recv(&mut line).expect("a line");
            told = String::from_utf8_lossy(&line[..length]).into_owned();
        }
        assert!(told.starts_with("<19>archiver-encrypt["), "{told}");
        assert!(
            told.contains("]: not archived: a fault in this program"),
            "{told}"
        );
    }

    #[test]
    fn a_panic_and_a_failed_set_up_are_temporary_failures() {
        assert_eq!(guarded(|| panic!("a fault")), TRY_AGAIN_LATER);
        assert_eq!(
            guarded(|| Err(io::Error::other("no signalfd"))),
            TRY_AGAIN_LATER
        );
        assert_eq!(guarded(|| Ok(DELIVERED)), DELIVERED);
    }
}
