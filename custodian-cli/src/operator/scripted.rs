//! An operator that answers from a script, for unit tests: what is said is kept, what is asked gets the next answer.

use std::collections::VecDeque;

use archiver_core::secret::SecretText;
use indicatif::ProgressBar;

use super::{NoTerminal, Operator};
use crate::terminal::HiddenTyping;

/// Answers in order; when they run out, nobody is there.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    answers: VecDeque<String>,
    /// Everything that was said and asked, a line each; a cleared screen is `<clear>`.
    pub(crate) shown: Vec<String>,
}

impl Scripted {
    pub(crate) fn answering(answers: &[&str]) -> Self {
        Self {
            answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
            shown: Vec::new(),
        }
    }

    /// Whether a line that holds `text` was shown.
    pub(crate) fn showed(&self, text: &str) -> bool {
        self.shown.iter().any(|line| line.contains(text))
    }

    fn next(&mut self, question: &str, flag: &'static str) -> Result<String, NoTerminal> {
        self.shown.push(question.to_owned());
        self.answers.pop_front().ok_or_else(|| NoTerminal {
            question: question.to_owned(),
            flag,
        })
    }
}

impl Operator for Scripted {
    fn say(&mut self, text: &str) {
        self.shown.push(text.to_owned());
    }

    fn warn(&mut self, text: &str) {
        self.shown.push(format!("warning: {text}"));
    }

    fn reply(&mut self, text: &str) {
        self.shown.push(text.to_owned());
    }

    fn expect_somebody(&self, _question: &str, _flag: &'static str) -> Result<(), NoTerminal> {
        Ok(())
    }

    fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, NoTerminal> {
        Ok(self.next(question, flag)? == "yes")
    }

    fn ask(&mut self, question: &str, flag: &'static str) -> Result<String, NoTerminal> {
        self.next(question, flag)
    }

    fn ask_secret(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        self.next(prompt, flag).map(SecretText::new)
    }

    fn ask_scanner(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        self.next(prompt, flag).map(SecretText::new)
    }

    fn hide_typing(&mut self) -> HiddenTyping {
        HiddenTyping::nothing()
    }

    fn show_secret(&mut self, text: &str) {
        self.shown.push(text.to_owned());
    }

    fn clear(&mut self) {
        self.shown.push("<clear>".to_owned());
    }

    fn progress(&self) -> ProgressBar {
        ProgressBar::hidden()
    }
}
