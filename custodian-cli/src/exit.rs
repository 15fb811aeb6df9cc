//! The exit codes, all of them. Scripts rely on these numbers.

use std::process::ExitCode;

/// How a run of `custodian` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Done, and something was found that a person must look at: a damaged, foreign or undecryptable record, a day
    /// whose seal is broken or missing; in `check`, a refused sheet.
    Anomalies,
    /// The command line is wrong, or a question was asked without a terminal.
    Usage,
    /// Too few sheets could be verified.
    Sheets,
    /// A file that was to be read cannot be used: plan, public folder, vault.
    Input,
    /// A file or folder could not be written.
    Output,
    /// Something that must not happen: a self-check failed, the operating system gave no randomness.
    Internal,
}

impl Exit {
    /// The number that a script sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Anomalies => 1,
            Self::Usage => 2,
            Self::Sheets => 3,
            Self::Input => 4,
            Self::Output => 5,
            Self::Internal => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table for `--help`.
pub(crate) const HELP: &str = "Exit status:
  0  done
  1  done, with something to look at: a damaged or foreign record, a day whose seal
     is broken or missing; in check, a refused sheet
  2  wrong command line, or a question without a terminal
  3  too few sheets could be verified
  4  a plan, public folder or vault cannot be used
  5  a file or folder could not be written
  6  a self-check failed
  129, 130, 143  interrupted by SIGHUP, SIGINT (Ctrl-C), SIGTERM; nothing half done is left";
