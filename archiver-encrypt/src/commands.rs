//! The commands beside the delivery, told by the first word. Their parsers are made only when one is asked for: a delivery pays nothing for them.
//!
//! They have exit codes of their own, which a mail server must never see; so nothing here reads a mail from standard input.

mod seal;
mod setup;
mod sizes;
mod status;

use std::ffi::{OsStr, OsString};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::clock::Clock;

/// A command beside the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Seal,
    Setup,
    Status,
}

impl Command {
    /// The command with this name.
    pub(crate) fn named(word: &OsStr) -> Option<Self> {
        match word.to_str()? {
            "seal" => Some(Self::Seal),
            "setup" => Some(Self::Setup),
            "status" => Some(Self::Status),
            _ => None,
        }
    }

    /// Runs the command. `args` begins with its name.
    pub(crate) fn run(self, args: impl Iterator<Item = OsString>, clock: Clock) -> ExitCode {
        let run = || match self {
            Self::Seal => seal::run(args, &mut io::stdout(), &mut io::stderr(), clock),
            Self::Setup => setup::run(args, &mut io::stdout()),
            Self::Status => status::run(args, &mut io::stdout()),
        };
        let code = panic::catch_unwind(AssertUnwindSafe(run));
        ExitCode::from(code.unwrap_or(self.code_of_a_fault()))
    }

    /// What a fault of this program ends with: never with success.
    fn code_of_a_fault(self) -> u8 {
        match self {
            Self::Seal => seal::NOT_DONE,
            Self::Setup => setup::FAILED,
            Self::Status => status::State::Unknown.exit_code(),
        }
    }
}

/// The commands' command lines, for the manual.
pub(crate) fn command_lines() -> [clap::Command; 4] {
    let [seal, seal_install] = seal::command_lines();
    [
        seal,
        seal_install,
        setup::Args::command(),
        status::Args::command(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_lines_are_consistent() {
        for command in command_lines() {
            command.debug_assert();
        }
    }

    #[test]
    fn a_delivery_is_no_command() {
        for word in ["--cert", "", "STATUS", "stat", "--status"] {
            assert_eq!(Command::named(word.as_ref()), None, "{word}");
        }
        assert_eq!(Command::named("status".as_ref()), Some(Command::Status));
    }
}
