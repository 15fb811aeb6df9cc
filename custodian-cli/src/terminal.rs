//! The operator at a terminal: messages on stderr, questions on the terminal, secrets with echo off.

use std::io::{self, IsTerminal as _, Write as _};

use archiver_core::secret::SecretText;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt;
use crate::operator::{NoTerminal, Operator};

/// An operator at stdin and stderr.
#[derive(Debug)]
pub(crate) struct Terminal {
    quiet: bool,
}

impl Terminal {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }
}

/// Writes a line to stderr. A closed stderr is no reason to stop.
pub(crate) fn message(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

impl Operator for Terminal {
    fn say(&mut self, text: &str) {
        if !self.quiet {
            message(text);
        }
    }

    fn warn(&mut self, text: &str) {
        message(&format!("warning: {text}"));
    }

    fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, NoTerminal> {
        need_terminal(question, flag)?;
        let _ = write!(io::stderr(), "{question} [yes/no] ");
        let mut answer = String::new();
        let read = io::stdin().read_line(&mut answer);
        Ok(read.is_ok() && answer.trim().eq_ignore_ascii_case("yes"))
    }

    fn ask_secret(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        need_terminal(prompt, flag)?;
        let _restoring = interrupt::restoring_terminal();
        match rpassword::prompt_password(format!("{prompt}: ")) {
            Ok(secret) => Ok(SecretText::new(secret)),
            // Ctrl-C: no signal comes of it while echo is off.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => interrupt::by_keyboard(),
            Err(_) => Err(NoTerminal {
                question: prompt.to_owned(),
                flag,
            }),
        }
    }

    fn progress(&self) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        );
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}

fn need_terminal(question: &str, flag: &'static str) -> Result<(), NoTerminal> {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    Err(NoTerminal {
        question: question.to_owned(),
        flag,
    })
}
