//! The words of a sheet as they are typed, row by row, in any order.
//!
//! Each row is answered at once: completed, for comparison with the sheet, or with the place of what is wrong. What the program would change, a mistyped word or one
//! that could not be read, it shows and takes only when the person says yes.

mod typed_row;

use archiver_core::secret::SecretText;
use archiver_core::share::Share;
use archiver_core::words::{Row, RowLetter, RowRefused, Rows, RowsRefused};
use zeroize::Zeroizing;

use self::typed_row::TypedRow;
use crate::operator::{NoTerminal, Operator};
use crate::sheets::verdict::SheetError;

const HOW: &str = "\
Rows come in any order when each begins with its letter. A right one is shown in full:
compare it with the sheet. An empty line gives up.";

/// Takes rows until the share is whole; `None` when the person gives up with an empty line while rows are missing.
pub(super) fn enter(
    first: SecretText,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<Option<Result<Share, SheetError>>, NoTerminal> {
    operator.reply(HOW);
    let mut rows = Rows::new();
    let mut line = first;
    // The row that was not taken, and is to be typed again.
    let mut again = None;
    loop {
        if line.expose_text().trim().is_empty() && gives_up(&rows, flag, operator)? {
            return Ok(given_up(&rows));
        }
        for row in TypedRow::all_in(line.expose_text()) {
            again = take(&row, again, &mut rows, flag, operator)?;
        }
        match rows.share() {
            Ok(share) => return Ok(Some(Ok(share))),
            Err(RowsRefused::Missing { .. }) => {}
            Err(error @ RowsRefused::Changed { .. }) => {
                operator.reply(&format!(
                    "  {error}. Type a wrong row again, with its letter."
                ));
            }
            Err(error) => return Ok(Some(Err(error.into()))),
        }
        line = operator.ask_scanner(&prompt(&rows, again), flag)?;
    }
}

/// Whether an empty line is meant: rows that were typed are not thrown away by a slip.
fn gives_up(
    rows: &Rows,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<bool, NoTerminal> {
    match RowLetter::all().count() - rows.missing().len() {
        0 => Ok(true),
        1 => operator.confirm("Give this sheet up, with the row that is entered?", flag),
        entered => operator.confirm(
            &format!("Give this sheet up, with the {entered} rows that are entered?"),
            flag,
        ),
    }
}

/// Rows that were all there and did not fit together are a refused sheet; else nothing came of it.
fn given_up(rows: &Rows) -> Option<Result<Share, SheetError>> {
    match rows.share() {
        Err(RowsRefused::Missing { .. }) => None,
        share => Some(share.map_err(SheetError::from)),
    }
}

fn prompt(rows: &Rows, again: Option<RowLetter>) -> String {
    if let Some(row) = again {
        return format!("Row {row} again");
    }
    match rows.missing().as_slice() {
        [] => "Row to type again".to_owned(),
        [only] => format!("Row {only}, the last one"),
        [next, ..] => format!("Row {next}"),
    }
}

/// Answers one row, and keeps it when it is right; else gives its letter, to be typed again. Without a letter the row that was typed wrong before is meant, or
/// the next missing one.
fn take(
    typed: &TypedRow<'_>,
    again: Option<RowLetter>,
    rows: &mut Rows,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<Option<RowLetter>, NoTerminal> {
    let meant = typed.letter.or(again);
    let Some(letter) = meant.or_else(|| rows.missing().first().copied()) else {
        operator
            .reply("  All rows are there: begin the row that is to be replaced with its letter.");
        return Ok(None);
    };
    let row = match Row::read(letter, &typed.words) {
        Ok(row) => offer_restored(row, flag, operator)?,
        Err(refused) => offer_correction(letter, typed, &refused, flag, operator)?,
    };
    let Some(row) = row else {
        return Ok(Some(letter));
    };
    let words = row.expose_words();
    let how = match rows.insert(row) {
        Some(_) => ", in place of the one before",
        None => "",
    };
    show(
        operator,
        format!("  {letter}  {}  fits{how}", words.expose_text()),
    );
    Ok(again.filter(|other| *other != letter))
}

/// A row with an unreadable word counts only when the person has compared the word that follows from the others.
fn offer_restored(
    row: Row,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<Option<Row>, NoTerminal> {
    let Some(place) = row.restored() else {
        return Ok(Some(row));
    };
    let letter = row.letter();
    let words = row.expose_words();
    let word = words
        .expose_text()
        .split(' ')
        .nth(place - 1)
        .unwrap_or_default();
    show(
        operator,
        format!("  Row {letter}: word {place}, which cannot be read, must be {word}."),
    );
    if operator.confirm("  Can the sheet say so?", flag)? {
        return Ok(Some(row));
    }
    operator.reply(&format!(
        "  Row {letter} is not taken: then another of its words is wrong. Type it again."
    ));
    Ok(None)
}

/// Names what is wrong; where one other word on the list would mend the row, asks whether it is the one on the sheet.
fn offer_correction(
    letter: RowLetter,
    typed: &TypedRow<'_>,
    refused: &RowRefused,
    flag: &'static str,
    operator: &mut dyn Operator,
) -> Result<Option<Row>, NoTerminal> {
    operator.reply(&format!("  {}", sentence(refused)));
    if let Some(correction) = typed.correction(letter, refused) {
        let (word, place) = (correction.word, correction.place);
        show(
            operator,
            format!("  Row {letter} would fit with {word} as word {place}."),
        );
        if operator.confirm("  Does the sheet say so?", flag)? {
            return Ok(Some(correction.row));
        }
    } else if let Some(words) = typed.completed() {
        show(
            operator,
            format!(
                "  {letter}  {}  does not fit: compare it with the sheet",
                words.as_str()
            ),
        );
    }
    operator.reply(&format!("  Type row {letter} again."));
    Ok(None)
}

/// Shows words, and wipes the line that held them.
fn show(operator: &mut dyn Operator, line: String) {
    operator.show_secret(&Zeroizing::new(line));
}

/// An error at the beginning of a line.
fn sentence(error: &RowRefused) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use archiver_core::field::X25519Secret;
    use archiver_core::identity::Fingerprint;
    use archiver_core::secret::SecretBytes;
    use archiver_core::sharing::{Profile, Purpose, SharingTerms};
    use archiver_core::split::Dealing;
    use archiver_core::threshold::Threshold;
    use archiver_core::words::to_rows;

    use super::*;
    use crate::operator::scripted::Scripted;

    /// The rows of a fresh share, each with its letter.
    fn sheet() -> Vec<String> {
        let secret = X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes());
        let terms = SharingTerms {
            profile: Profile::Classic,
            purpose: Purpose::Archive,
            threshold: Threshold::new(2, 3).unwrap(),
            primary: Fingerprint::V4([1; 20]),
            encryption: Fingerprint::V4([2; 20]),
            seal_keys_sha256: None,
        };
        let dealing = Dealing::deal(&secret, &terms).unwrap();
        let rows = to_rows(dealing.shares().first().unwrap());
        let text = |row: &Row| format!("{} {}", row.letter(), row.expose_words().expose_text());
        rows.iter().map(text).collect()
    }

    fn entered(lines: &[&str]) -> (Option<Result<Share, SheetError>>, Scripted) {
        let mut operator = Scripted::answering(&lines[1..]);
        let first = SecretText::new(lines[0].to_owned());
        let share = enter(first, "--sheet FILE", &mut operator).unwrap();
        (share, operator)
    }

    fn lines(rows: &[String]) -> Vec<&str> {
        rows.iter().map(String::as_str).collect()
    }

    /// A row with another word at a place from 1.
    fn with_word(row: &str, place: usize, word: &str) -> String {
        let mut tokens: Vec<&str> = row.split(' ').collect();
        tokens[place] = word;
        tokens.join(" ")
    }

    fn word(row: &str, place: usize) -> &str {
        row.split(' ').nth(place).unwrap()
    }

    #[test]
    fn rows_come_in_any_order_with_letters_and_in_order_without() {
        let rows = sheet();
        let mut backwards = lines(&rows);
        backwards.reverse();
        assert!(matches!(entered(&backwards).0, Some(Ok(_))));
        let bare: Vec<&str> = rows.iter().map(|row| &row[2..]).collect();
        assert!(matches!(entered(&bare).0, Some(Ok(_))));
        assert!(matches!(entered(&[&bare.join(" ")]).0, Some(Ok(_))));
        assert!(matches!(entered(&[&rows.join("  ")]).0, Some(Ok(_))));
    }

    #[test]
    fn four_letters_are_enough_and_the_completed_row_is_shown() {
        let rows = sheet();
        let short: Vec<String> = rows
            .iter()
            .map(|row| {
                let four = |word: &str| word.chars().take(4).collect::<String>();
                row.split(' ').map(four).collect::<Vec<_>>().join(" ")
            })
            .collect();
        let (share, operator) = entered(&lines(&short));
        assert!(matches!(share, Some(Ok(_))));
        for row in &rows {
            assert!(operator.showed(&row[2..]), "{row}");
        }
    }

    #[test]
    fn a_mistyped_word_is_named_and_mended_only_when_the_person_agrees() {
        let rows = sheet();
        let right = word(&rows[2], 2);
        let typed = with_word(&rows[2], 2, &format!("{right}q"));
        for answer in ["yes", "no"] {
            let mut script = vec![typed.as_str(), answer];
            if answer == "no" {
                script.push(&rows[2]);
            }
            let rest: Vec<&String> = rows.iter().filter(|row| !row.starts_with('C')).collect();
            script.extend(rest.into_iter().map(String::as_str));
            let (share, operator) = entered(&script);
            assert!(matches!(share, Some(Ok(_))));
            assert!(operator.showed("Row C, word 2: it is not a word of the list."));
            assert!(operator.showed(&format!("Row C would fit with {right} as word 2.")));
            assert_eq!(operator.showed("Type row C again."), answer == "no");
        }
    }

    #[test]
    fn a_wrong_word_of_the_list_is_shown_completed_and_the_row_typed_again() {
        let rows = sheet();
        let other = if word(&rows[0], 1) == "academic" {
            "acid"
        } else {
            "academic"
        };
        let typed = with_word(&rows[0], 1, other);
        let script: Vec<&str> = [typed.as_str()].into_iter().chain(lines(&rows)).collect();
        let (share, operator) = entered(&script);
        assert!(matches!(share, Some(Ok(_))));
        assert!(operator.showed("Row A: one of its words is wrong, its check word does not fit"));
        assert!(operator.showed(&format!("{}  does not fit", &typed[2..])));
    }

    #[test]
    fn an_unreadable_word_follows_from_the_others_when_the_person_has_compared_it() {
        let rows = sheet();
        let typed = with_word(&rows[4], 3, "?");
        let mut script = lines(&rows);
        script.splice(4..5, [typed.as_str(), "no", &typed, "yes"]);
        let (share, operator) = entered(&script);
        assert!(matches!(share, Some(Ok(_))));
        assert!(operator.showed("Row E is not taken: then another of its words is wrong."));
        let right = word(&rows[4], 3);
        assert!(operator.showed(&format!(
            "Row E: word 3, which cannot be read, must be {right}."
        )));
    }

    #[test]
    fn rows_of_two_sheets_fit_one_by_one_but_not_together_and_one_can_be_replaced() {
        let (rows, other) = (sheet(), sheet());
        let mut script = lines(&rows);
        script[7] = &other[7];
        script.push(&rows[7][2..]);
        script.push(&rows[7]);
        let (share, operator) = entered(&script);
        assert!(matches!(share, Some(Ok(_))));
        assert!(operator.showed("misread: each row fits, the whole does not"));
        assert!(
            operator.showed(
                "All rows are there: begin the row that is to be replaced with its letter."
            )
        );
        assert!(operator.showed("fits, in place of the one before"));
        script.truncate(rows.len());
        script.extend(["", "yes"]);
        let refused = entered(&script).0.unwrap().unwrap_err();
        assert!(refused.to_string().starts_with("misread: each row fits"));
    }

    #[test]
    fn a_row_that_was_wrong_is_asked_for_again_and_meant_without_its_letter() {
        let rows = sheet();
        let wrong = with_word(&rows[3], 1, "xylophone");
        let mut script = lines(&rows);
        script.splice(1..1, [wrong.as_str(), &rows[3][2..]]);
        let (share, operator) = entered(&script);
        assert!(matches!(share, Some(Ok(_))));
        assert!(operator.showed("Row D again"));
    }

    #[test]
    fn an_empty_line_that_was_a_slip_loses_no_row() {
        let rows = sheet();
        let mut script = lines(&rows);
        script.splice(5..5, ["", "no"]);
        assert!(matches!(entered(&script).0, Some(Ok(_))));
    }

    #[test]
    fn an_empty_line_before_the_last_row_gives_up_and_says_nothing_of_the_sheet() {
        let rows = sheet();
        let (share, operator) = entered(&[&rows[0], &rows[1], "", "yes"]);
        assert!(share.is_none());
        assert!(operator.showed("Row C"));
        assert!(operator.showed("Give this sheet up, with the 2 rows that are entered?"));
    }
}
