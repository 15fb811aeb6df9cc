//! An operator to whom everything that is said is indented: a part of a longer story.

use archiver_core::secret::SecretText;
use indicatif::ProgressBar;

use super::{NoTerminal, Operator};
use crate::terminal::HiddenTyping;

/// Says everything three columns to the right: the ceremony and the audit are chapters here.
pub(crate) struct Indented<'a>(pub(crate) &'a mut dyn Operator);

impl Operator for Indented<'_> {
    fn say(&mut self, text: &str) {
        self.0.say(&format!("   {text}"));
    }

    fn warn(&mut self, text: &str) {
        self.0.warn(text);
    }

    fn reply(&mut self, text: &str) {
        self.0.reply(text);
    }

    fn expect_somebody(&self, question: &str, flag: &'static str) -> Result<(), NoTerminal> {
        self.0.expect_somebody(question, flag)
    }

    fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, NoTerminal> {
        self.0.confirm(question, flag)
    }

    fn ask(&mut self, question: &str, flag: &'static str) -> Result<String, NoTerminal> {
        self.0.ask(question, flag)
    }

    fn ask_secret(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        self.0.ask_secret(prompt, flag)
    }

    fn ask_scanner(&mut self, prompt: &str, flag: &'static str) -> Result<SecretText, NoTerminal> {
        self.0.ask_scanner(prompt, flag)
    }

    fn hide_typing(&mut self) -> HiddenTyping {
        self.0.hide_typing()
    }

    fn show_secret(&mut self, text: &str) {
        self.0.show_secret(text);
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn progress(&self) -> ProgressBar {
        self.0.progress()
    }
}
