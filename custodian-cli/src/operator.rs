//! The person at the machine: what is said to them while a command runs, and what they are asked.
//!
//! Commands talk to this trait only. Results do not pass here: a command returns them and `main` writes them to stdout.

pub(crate) mod indented;
#[cfg(test)]
pub(crate) mod scripted;

use archiver_core::secret::SecretText;
use indicatif::ProgressBar;
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::Explained;
use crate::terminal::HiddenTyping;

/// The person at the machine.
pub(crate) trait Operator {
    /// Says what is being done. Not shown with `--quiet`.
    fn say(&mut self, text: &str);

    /// Says what must be looked at. Always shown, and shown again after [`Self::clear`].
    fn warn(&mut self, text: &str);

    /// Answers what was typed. Always shown.
    fn reply(&mut self, text: &str);

    /// Whether there is somebody to ask.
    ///
    /// # Errors
    /// Without a terminal: names the flag that answers `question` beforehand.
    fn expect_somebody(&self, question: &str, flag: &'static str) -> Result<(), NoTerminal>;

    /// Asks for a yes or a no, until one of them is given: a slip, or the next line of a paste, is neither.
    ///
    /// # Errors
    /// Without a terminal, or at the end of its input: names the flag that answers beforehand.
    fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, NoTerminal>;

    /// Asks for a line that may be seen. White space around it is not part of the answer.
    ///
    /// # Errors
    /// Without a terminal: names the flag that answers beforehand.
    fn ask(&mut self, question: &str, flag: &'static str) -> Result<String, NoTerminal>;

    /// Asks for a secret with echo off.
    ///
    /// # Errors
    /// Without a terminal: names the flag that gives it otherwise.
    fn ask_secret(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal>;

    /// Asks for a line that a person or a scanner types, with echo off. An empty line that comes sooner than a person can answer is the end of what a
    /// scanner or a paste sent before, and is passed over.
    ///
    /// # Errors
    /// Without a terminal: names the flag that gives it otherwise.
    fn ask_scanner(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal>;

    /// Keeps off the screen what is typed, between questions too, until the returned value is dropped.
    fn hide_typing(&mut self) -> HiddenTyping;

    /// Shows something secret. It stands on the screen until [`Self::clear`], or until the process ends.
    fn show_secret(&mut self, text: &str);

    /// Empties the screen and what can be scrolled back to; warnings are shown again.
    fn clear(&mut self);

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
