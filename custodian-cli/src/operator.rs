//! The person at the machine: what is said to them while a command runs, and what they are asked.
//!
//! Commands talk to this trait only. Results do not pass here: a command returns them and `main` writes them to stdout.

use archiver_core::secret::SecretText;
use indicatif::ProgressBar;
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::Explained;

/// The person at the machine.
pub(crate) trait Operator {
    /// Says what is being done. Not shown with `--quiet`.
    fn say(&mut self, text: &str);

    /// Says what must be looked at. Always shown.
    fn warn(&mut self, text: &str);

    /// Asks for a yes. Anything else is a no.
    ///
    /// # Errors
    /// Without a terminal: names the flag that answers beforehand.
    fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, NoTerminal>;

    /// Asks for a secret with echo off.
    ///
    /// # Errors
    /// Without a terminal: names the flag that gives it otherwise.
    fn ask_secret(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal>;

    /// A progress bar; hidden with `--quiet` and without a terminal.
    fn progress(&self) -> ProgressBar;
}

/// A question that nobody answered: there is no terminal, or its input ended.
#[derive(Debug, Error)]
#[error("nobody answered the question: {question}")]
pub(crate) struct NoTerminal {
    pub(crate) question: String,
    pub(crate) flag: &'static str,
}

impl Explained for NoTerminal {
    fn hint(&self) -> String {
        format!("use {}, or run the command at a terminal", self.flag)
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
