//! The operator at a terminal: messages on stderr, answers from the keyboard.
//!
//! Escape codes empty the screen and move the progress bar; where `TERM` says that the terminal knows none, none are written. No colour.

mod keyboard;

use std::convert::Infallible;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use archiver_core::secret::SecretText;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt::{Half, HalfMade};
use crate::operator::{NoTerminal, Operator};

pub(crate) use keyboard::HiddenTyping;

/// Cursor home, erase the screen, erase what was scrolled off it (xterm's `ED 3`, the Linux console's too).
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";

/// Nobody reads a prompt and answers it with an empty line in less.
const SOONER_THAN_A_PERSON: Duration = Duration::from_millis(300);

/// An operator at stdin and stderr.
#[derive(Debug)]
pub(crate) struct Terminal {
    quiet: bool,
    knows_escapes: bool,
    warnings: Vec<String>,
    /// Clears the screen when it is dropped, and when a signal ends the process.
    secret_on_screen: Option<HalfMade>,
}

impl Terminal {
    pub(crate) fn new(quiet: bool) -> Self {
        let kind = std::env::var_os("TERM").unwrap_or_default();
        Self {
            quiet,
            knows_escapes: !kind.is_empty() && kind != "dumb",
            warnings: Vec::new(),
            secret_on_screen: None,
        }
    }

    /// Asks and waits for a line that is an answer; others are passed over. `None` is the end of the input: Ctrl-D.
    fn line(
        &self,
        question: &str,
        mark: &str,
        flag: &'static str,
        is_answer: impl Fn(&str) -> bool,
    ) -> Result<Option<SecretText>, NoTerminal> {
        self.expect_somebody(question, flag)?;
        show(&format!("{question}{mark} "));
        loop {
            match keyboard::read_line() {
                Ok(Some(line)) if !is_answer(line.expose_text()) => {}
                Ok(end_or_line) => return Ok(end_or_line),
                Err(_) => return Err(unanswered(question, flag)),
            }
        }
    }

    /// A line that is kept off the screen; not asked for where that cannot be done.
    fn hidden_line(
        &mut self,
        prompt: &str,
        flag: &'static str,
        is_answer: impl Fn(&str) -> bool,
    ) -> Result<Option<SecretText>, NoTerminal> {
        let _hidden = self.hide_typing();
        if !keyboard::is_hidden() {
            return Err(unanswered(prompt, flag));
        }
        let line = self.line(prompt, ":", flag, is_answer);
        end_hidden_line("");
        line
    }
}

fn unanswered(question: &str, flag: &'static str) -> NoTerminal {
    NoTerminal {
        question: question.to_owned(),
        flag,
    }
}

fn yes_or_no(answer: &str) -> Option<bool> {
    match answer.trim().to_ascii_lowercase().as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Writes a line, or lines, to stderr; control characters, which a damaged file may have brought into an error, replaced. A closed stderr is no reason to stop.
pub(crate) fn message(text: &str) {
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(is_control) {
        let _ = writeln!(io::stderr(), "{}", text.replace(is_control, "\u{fffd}"));
    } else {
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// Empties the screen and what can be scrolled back to.
pub(crate) fn clear_screen() {
    show(CLEAR);
}

fn show(text: &str) {
    let _ = write!(io::stderr(), "{text}");
}

/// What a person typed ends a line of the screen only where it is shown.
fn end_hidden_line(understood: &str) {
    if keyboard::is_hidden() {
        message(understood);
    }
}

impl Operator for Terminal {
    fn say(&mut self, text: &str) {
        if !self.quiet {
            message(text);
        }
    }

    fn warn(&mut self, text: &str) {
        let warning = format!("warning: {text}");
        message(&warning);
        self.warnings.push(warning);
    }

    fn reply(&mut self, text: &str) {
        message(text);
    }

    fn expect_somebody(&self, question: &str, flag: &'static str) -> Result<(), NoTerminal> {
        let at_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        if at_terminal && keyboard::is_in_front() {
            return Ok(());
        }
        Err(unanswered(question, flag))
    }

    fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, NoTerminal> {
        let mut question = question;
        loop {
            let answer = self.line(question, " [yes/no]", flag, |_| true)?;
            let answer = answer.ok_or_else(|| unanswered(question, flag))?;
            let answer = yes_or_no(answer.expose_text());
            end_hidden_line(answer.map_or("?", |yes| if yes { "yes" } else { "no" }));
            if let Some(yes) = answer {
                return Ok(yes);
            }
            question = "Please type yes or no, in full.";
        }
    }

    fn ask(&mut self, question: &str, flag: &'static str) -> Result<String, NoTerminal> {
        let answer = self.line(question, ":", flag, |_| true)?;
        let answer = answer.ok_or_else(|| unanswered(question, flag))?;
        Ok(answer.expose_text().trim().to_owned())
    }

    fn ask_secret(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        let secret = self.hidden_line(prompt, flag, |_| true)?;
        secret.ok_or_else(|| unanswered(prompt, flag))
    }

    fn ask_scanner(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        let asked = Instant::now();
        let line = self.hidden_line(prompt, flag, |line| {
            !line.trim().is_empty() || asked.elapsed() >= SOONER_THAN_A_PERSON
        })?;
        // Ctrl-D asks for the end as an empty line does: sheets that are verified are not lost by it.
        Ok(line.unwrap_or_else(|| SecretText::new(String::new())))
    }

    fn hide_typing(&mut self) -> HiddenTyping {
        HiddenTyping::begin()
    }

    fn show_secret(&mut self, text: &str) {
        if self.knows_escapes && self.secret_on_screen.is_none() {
            let made = HalfMade::make(|| Ok::<_, Infallible>((Half::Screen, ())));
            self.secret_on_screen = made.ok().map(|(half_done, ())| half_done);
        }
        message(text);
    }

    fn clear(&mut self) {
        if !self.knows_escapes {
            message(
                "This window cannot be cleared: see that nobody scrolls back in it, and close it afterwards.",
            );
            return;
        }
        if self.secret_on_screen.take().is_none() {
            clear_screen();
        }
        for warning in &self.warnings {
            message(warning);
        }
    }

    fn progress(&self) -> ProgressBar {
        if self.quiet || !self.knows_escapes || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
        );
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }
}
