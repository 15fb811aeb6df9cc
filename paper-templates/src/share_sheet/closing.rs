//! The lower third: the share in words and as text, for the day when no reader reads the code; then signatures and storage advice.

use zeroize::Zeroizing;

use super::share_text::ShareText;
use super::share_words::{ShareWords, WORDS, WordRow};
use crate::fonts::Face;
use crate::form;
use crate::page::{Page, Style};
use crate::paper::{NARROW, TEXT_WIDTH};
use crate::typeset::paragraph;

const FOLD_TO_HEADING: f32 = 8.5;
const HEADING_TO_WORDS: f32 = 7.0;
const WORD_ROW: f32 = 4.7;
const WORDS_TO_TEXT: f32 = 2.6;
const TEXT_ROW: f32 = 4.6;
const BETWEEN_COLUMNS: f32 = 6.0;
const COLUMN: f32 = (TEXT_WIDTH - BETWEEN_COLUMNS) / 2.0;
const BETWEEN_WORDS: f32 = 2.2;
/// Width of a row's letter, with the space behind it.
const LETTER_WIDTH: f32 = 5.5;
const BODY: f32 = 8.3;

const STRONG: Style = Style::new(Face::Semibold, BODY);
const PLAIN: Style = Style::new(Face::Regular, BODY);
const LETTER: Style = Style::grey(Face::Semibold, 9.0);
/// Set smaller where a sheet's words are long.
const WORD: Style = Style::new(Face::Regular, 9.5);
const CODE: Style = Style::new(Face::Mono, 9.0);

pub(super) fn set(page: &mut Page, words: &ShareWords<'_>, text: &ShareText<'_>) {
    let [_, fold] = page.paper.folds();
    let y = fold + FOLD_TO_HEADING;
    how_to_type(page, y);
    let y = word_rows(page, words, y + HEADING_TO_WORDS);
    text_rows(page, text, y + WORDS_TO_TEXT);
    form::sealing(page, "Custodian");
}

fn how_to_type(page: &mut Page, y: f32) {
    let left = page.paper.left();
    let (heading, blank) = (
        "If the code cannot be read, type the words.",
        PLAIN.width(" "),
    );
    page.text(left, y, STRONG, heading);
    let how = "Four letters of a word are enough, ? stands for one that cannot be read.";
    page.text(left + STRONG.width(heading) + blank, y, PLAIN, how);
}

/// Returns the baseline of the row after the last one.
fn word_rows(page: &mut Page, words: &ShareWords<'_>, top: f32) -> f32 {
    let columns = words.expose_columns();
    let size = columns
        .iter()
        .map(|rows| size(rows))
        .fold(WORD.size, f32::min);
    let mut x = page.paper.left();
    let mut bottom = top;
    for rows in columns {
        let stops = stops(&rows, WORD.sized(size));
        let mut y = top;
        for (letter, row) in rows {
            page.text(x, y, LETTER, letter.encode_utf8(&mut [0; 4]));
            for (word, stop) in row.iter().zip(&stops) {
                page.text(x + LETTER_WIDTH + stop, y, WORD.sized(size), word);
            }
            y += WORD_ROW;
        }
        bottom = bottom.max(y);
        x += COLUMN + BETWEEN_COLUMNS;
    }
    bottom
}

/// The type size at which a column's widest words fit beside each other, rounded down to a tenth of a point.
fn size(rows: &[WordRow<'_>]) -> f32 {
    let blanks: f32 = [BETWEEN_WORDS; WORDS - 1].iter().sum();
    let natural: f32 = widest(rows, WORD).iter().sum();
    let room = COLUMN - LETTER_WIDTH - blanks;
    (WORD.size * room / natural * 10.0).floor() / 10.0
}

/// Where the five words of each row begin, so that they stand below each other.
fn stops(rows: &[WordRow<'_>], style: Style) -> [f32; WORDS] {
    let mut stop = 0.0;
    widest(rows, style).map(|width| {
        let begins = stop;
        stop += width + BETWEEN_WORDS;
        begins
    })
}

/// Widths of the widest first word, second word …
fn widest(rows: &[WordRow<'_>], style: Style) -> [f32; WORDS] {
    std::array::from_fn(|place| {
        let words = rows.iter().filter_map(|(_, row)| row.get(place));
        words.map(|word| style.width(word)).fold(0.0, f32::max)
    })
}

fn text_rows(page: &mut Page, text: &ShareText<'_>, top: f32) {
    let how = format!(
        "Or type `{}:` and these rows; blanks do not matter.",
        text.prefix()
    );
    paragraph(page, page.paper.left(), top, NARROW, BODY, &how);
    let mut y = top;
    for row in text.expose_rows() {
        page.text(
            page.paper.second(),
            y,
            CODE,
            &Zeroizing::new(ShareText::grouped(row)),
        );
        y += TEXT_ROW;
    }
}
