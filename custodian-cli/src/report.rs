//! A command's result: text for people, or JSON with `--json`. Written to stdout by `main`, nowhere else.

use serde::Serialize;

use crate::exit::Exit;

/// A result that can be shown.
pub(crate) trait Report {
    /// For people: whole lines, no colour.
    fn text(&self) -> String;

    /// For programs.
    fn json(&self) -> serde_json::Result<String>;

    /// How the program ends.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// The usual [`Report::json`].
pub(crate) fn to_json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut json = serde_json::to_string_pretty(value)?;
    json.push('\n');
    Ok(json)
}
