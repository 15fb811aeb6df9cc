//! The lower third: the share as text to type, then signatures and storage advice.
//!
//! The white between them is kept for the share in words: with the text set at 10 points, twelve rows of
//! five words in two columns at 7.7 points fit above the signatures on both papers.

use zeroize::Zeroizing;

use super::share_text::ShareText;
use crate::fonts::Face;
use crate::form::{self, HEADING};
use crate::page::{Page, Style};
use crate::paper::NARROW;
use crate::typeset::{leading, paragraph};

const FOLD_TO_ROWS: f32 = 11.0;
const ROW: f32 = 6.4;
const LETTER_WIDTH: f32 = 8.0;
const BODY: f32 = 8.3;

const LETTER: Style = Style::grey(Face::Semibold, 9.5);
const CODE: Style = Style::new(Face::Mono, 12.0);

pub(super) fn set(page: &mut Page, text: &ShareText<'_>) {
    let [_, fold] = page.paper.folds();
    let top = fold + FOLD_TO_ROWS;
    how_to_type(page, text.prefix(), top);
    rows(page, text, top);
    form::sealing(page, "Custodian");
}

fn how_to_type(page: &mut Page, prefix: &str, top: f32) {
    let x = page.paper.left();
    page.text(x, top, HEADING, "If the code cannot be read");
    let how = format!(
        "Type `{prefix}:` and the rows in the order of their letters. Blanks do not matter. \
         The digits 0, 1, 8 and 9 do not occur in the rows."
    );
    paragraph(
        page,
        x,
        top + leading(HEADING.size) + 1.0,
        NARROW,
        BODY,
        &how,
    );
}

fn rows(page: &mut Page, text: &ShareText<'_>, top: f32) {
    let x = page.paper.second();
    let mut y = top;
    for (letter, row) in text.expose_rows() {
        page.text(x, y, LETTER, letter.encode_utf8(&mut [0; 4]));
        page.text(
            x + LETTER_WIDTH,
            y,
            CODE,
            &Zeroizing::new(ShareText::grouped(row)),
        );
        y += ROW;
    }
}
