//! The hook on the mail server: reads one mail on stdin, encrypts it to the archive's public certificate, and appends it to the
//! vault. It holds no secret.
//!
//! The contract: exit 0 means that the record is on stable storage and readable by GnuPG; everything else is exit 75
//! (`EX_TEMPFAIL`), and the mail stays in the mail server's queue. Duplicates are possible, loss never, and the plaintext is never on
//! disk. With `--output -`, exit 0 has a weaker meaning: the record was handed to standard output, and synced only if that is a file;
//! whoever reads it there must keep it. `--help` and `--version`, each as the only argument, are no delivery, and exit 0.
//!
//! `--confirm` adds a line on stdout to exit 0, for callers who start the hook through a shell.
//!
//! A library, so that `custodian rehearse` can start its own executable as the hook; `main.rs` is one line.

mod args;
mod certificate_file;
mod delivery;
mod disk;
mod reply;
mod stop;
mod streams;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{self, UnwindSafe};
use std::process::ExitCode;

use crate::args::{Args, Asked};
use crate::reply::{DELIVERED, TRY_AGAIN_LATER};
pub use crate::stop::StopSignals;
use crate::streams::{RecordOutput, StoppableInput};

/// The whole hook, as a process: signals and panics set up, arguments and streams taken from the environment.
///
/// To be called once, first thing, by a `main` that then exits with what it returns.
#[must_use]
pub fn main_entry() -> ExitCode {
    panic::set_hook(Box::new(|info| reply::say_panic(info, &mut io::stderr())));
    ExitCode::from(guarded(process))
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

fn process() -> io::Result<u8> {
    // A core dump would be a plaintext on disk.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    let stop = StopSignals::block()?;
    let mail = StoppableInput::stdin(&stop)?;
    let mut out = RecordOutput::stdout()?;
    let args = std::env::args_os().skip(1);
    Ok(run(args, mail, &mut out, &mut io::stderr(), &stop))
}

/// The manual page of `archiver-encrypt`, as roff.
///
/// # Errors
/// Never, as far as memory lasts.
pub fn man_page() -> io::Result<Vec<u8>> {
    args::man_page()
}

/// One run: `args` without the program's name. Returns the exit code, which is 0 or 75.
///
/// Nobody needs to read `out` and `err`: errors on them are ignored, except with `--output -`.
pub fn run(
    args: impl Iterator<Item = OsString>,
    mail: impl Read,
    out: &mut impl Write,
    err: &mut impl Write,
    stop: &StopSignals,
) -> u8 {
    let args = match Args::parse(args) {
        Ok(Asked::Delivery(args)) => args,
        Ok(Asked::Text(text)) => {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            return DELIVERED;
        }
        Err(problem) => return reply::refuse(&problem, err),
    };
    let mut notices = Vec::new();
    let code = match delivery::deliver(&args, mail, out, stop, &mut notices) {
        Ok(()) => DELIVERED,
        Err(e) => reply::refuse(&e.to_string(), err),
    };
    reply::warn(&notices, err);
    code
}

#[cfg(test)]
#[allow(clippy::panic, reason = "the test is about a panic")]
mod tests {
    use super::*;

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
