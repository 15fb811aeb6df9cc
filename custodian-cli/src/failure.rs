//! What a person sees when a command fails: what is wrong, what to do next, and the exit code.

use std::error::Error;
use std::path::Path;

use crate::exit::Exit;

/// An error of a command that knows what to do next. Implemented beside each error enum.
pub(crate) trait Explained: Error {
    /// What to do next, one sentence in lower case without a full stop.
    fn hint(&self) -> String;

    /// How the program ends.
    fn exit(&self) -> Exit;
}

/// A failed command, ready to be shown.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) exit: Exit,
}

impl<E: Explained> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            message: error.to_string(),
            hint: error.hint(),
            exit: error.exit(),
        }
    }
}

/// A path as it may be shown on a terminal: control characters replaced.
pub(crate) fn shown(path: &Path) -> String {
    shown_text(&path.display().to_string())
}

/// A text from a file, a name say, as it may be shown on a terminal.
pub(crate) fn shown_text(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
