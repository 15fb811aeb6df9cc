//! Sheets at the prompt: one custodian at a time, scanned, typed, or named as a file.
//!
//! Nothing that is typed is shown, but the words of a row, completed, for comparison with the sheet; the screen is cleared after each sheet. A bad sheet is named
//! with its reason and the session goes on.

mod code;
mod recognise;
mod words;

use std::path::Path;

use archiver_core::share::Share;

use self::recognise::{Typed, recognise};
use super::verdict::{Origin, SheetError};
use super::{GatheredSheets, Telling};
use crate::failure::shown;
use crate::operator::{NoTerminal, Operator};

/// When the prompt has enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// As soon as there are k sheets.
    Quorum,
    /// When the person says so.
    Told,
}

const WAYS: &str = "\
Scan the sheet's code with a USB scanner, or type:
  the words, row by row: four letters of each are enough, ? stands for one that cannot be read;
  or the text of the code, in one line or several;
  or the name of a file that holds a scan.
What is typed stays hidden. An empty line ends.";

const UNCLEAR: &str =
    "  Not understood: neither words, nor the text of a code, nor a file that is there.";

/// Asks for sheets and answers each.
pub(super) fn ask(
    gathered: &mut GatheredSheets,
    until: Until,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<(), NoTerminal> {
    let _hidden = operator.hide_typing();
    let mut entries = 0;
    while until == Until::Told || gathered.missing() > 0 {
        operator.reply(&format!("\n{WAYS}"));
        let line = operator.ask_scanner(&prompt(gathered, until), flag)?;
        match recognise(line.expose_text()) {
            Typed::Nothing => {
                if may_end(gathered, until, flag, operator)? {
                    return Ok(());
                }
            }
            Typed::Unclear => operator.reply(UNCLEAR),
            Typed::File(path) => take_file(gathered, &path, operator),
            Typed::Code => {
                let entered = code::enter(line, flag, operator);
                take_entry(gathered, &mut entries, entered, operator)?;
            }
            Typed::Words => {
                let entered = words::enter(line, flag, operator);
                take_entry(gathered, &mut entries, entered, operator)?;
            }
        }
    }
    operator.reply("These sheets are enough.");
    Ok(())
}

fn prompt(gathered: &GatheredSheets, until: Until) -> String {
    match until {
        Until::Quorum => format!(
            "Next sheet, {} of {} verified",
            gathered.have(),
            gathered.needed
        ),
        Until::Told if gathered.verdicts.is_empty() => "Sheet to check".to_owned(),
        Until::Told => "Next sheet to check, or an empty line".to_owned(),
    }
}

/// Whether an empty line is meant as the end. Where it would end in vain, the person is asked.
fn may_end(
    gathered: &GatheredSheets,
    until: Until,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<bool, NoTerminal> {
    let question = match until {
        Until::Told if !gathered.verdicts.is_empty() => return Ok(true),
        Until::Told => "No sheet was checked. End here?".to_owned(),
        Until::Quorum => format!(
            "{} of {} sheets verified: too few. End here all the same?",
            gathered.have(),
            gathered.needed
        ),
    };
    operator.confirm(&question, flag)
}

fn take_file(gathered: &mut GatheredSheets, path: &Path, operator: &mut dyn Operator) {
    operator.clear();
    operator.reply(&format!("Reading the file {}", shown(path)));
    gathered.take_files(&[path], Telling::Answers, operator);
}

/// Clears the screen, whatever became of the entry, and answers it; `None` was given up.
fn take_entry(
    gathered: &mut GatheredSheets,
    entries: &mut usize,
    entered: Result<Option<Result<Share, SheetError>>, NoTerminal>,
    operator: &mut dyn Operator,
) -> Result<(), NoTerminal> {
    operator.clear();
    *entries += 1;
    match entered? {
        None => operator.reply("Given up: nothing of this entry is kept."),
        Some(share) => gathered.answer(Origin::Entry(*entries), share, Telling::Answers, operator),
    }
    Ok(())
}
