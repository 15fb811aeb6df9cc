//! Pages filled from top to bottom: headings, facts, tables, codes and blocks.
//!
//! A flow knows nothing of a ceremony. It cuts nothing: what has no room goes to the next page, a row of a
//! table whole where it fits on one. At the foot of each page stand a line of the caller's and the page's
//! number.

use crate::code::Code;
use crate::fonts::Face;
use crate::form::{HEADING, LABEL};
use crate::page::{Page, Style};
use crate::paper::TEXT_WIDTH;
use crate::typeset::{self, leading, wrap};
use crate::{Paper, PaperError};

const TOP: f32 = 22.0;
const BOTTOM_MARGIN: f32 = 20.0;
const FOOT_FROM_BOTTOM: f32 = 12.0;
const BEFORE_HEADING: f32 = 8.0;
const CELL_GAP: f32 = 4.0;
const BODY: f32 = 9.0;
/// Distance between two baselines.
const LINE: f32 = 4.23;
const FACT_LABEL: Style = Style::grey(Face::Regular, 8.0);
const FACT_LABEL_WIDTH: f32 = 42.0;

/// A text and how it is set.
pub(crate) struct Cell {
    pub(crate) style: Style,
    pub(crate) text: String,
}

impl Cell {
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        Self {
            style,
            text: text.into(),
        }
    }
}

/// A table's column: its title and its width with the gap after it.
pub(crate) type Column = (&'static str, f32);

/// Pages that are being filled.
pub(crate) struct Flow {
    paper: Paper,
    rehearsal: bool,
    foot: String,
    pages: Vec<Page>,
    page: Page,
    y: f32,
}

impl Flow {
    /// Continues the page `first` below `y`.
    pub(crate) fn new(first: Page, y: f32, rehearsal: bool, foot: String) -> Self {
        Self {
            paper: first.paper,
            rehearsal,
            foot,
            pages: Vec::new(),
            page: first,
            y,
        }
    }

    /// A heading that stays on one page with a few lines of what follows.
    pub(crate) fn heading(&mut self, text: &str) {
        self.heading_and(text, 3.0 * LINE);
    }

    /// A heading over blocks of equal height: with all of them on one page when they fit there, else with
    /// the first.
    pub(crate) fn heading_with_blocks(&mut self, text: &str, height: f32, blocks: usize) {
        let all = times(height, blocks);
        let fits = 4.0 * LINE + all <= self.room_on_a_page();
        self.heading_and(text, if fits { all } else { height } + 2.0 * LINE);
    }

    fn heading_and(&mut self, text: &str, kept: f32) {
        if self.y > TOP {
            self.y += BEFORE_HEADING;
        }
        self.reserve(2.0 * LINE + kept);
        self.page.text(self.paper.left(), self.y, HEADING, text);
        self.y += leading(HEADING.size) + 1.5;
    }

    /// Half an empty line.
    pub(crate) fn space(&mut self) {
        self.y += LINE / 2.0;
    }

    /// A fixed text in which `` `…` `` marks mono words. It is kept whole.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let left = self.paper.left();
        self.reserve(3.0 * LINE);
        self.y = typeset::paragraph(&mut self.page, left, self.y, TEXT_WIDTH, BODY, text) + 1.0;
    }

    /// A text of the caller's in as many lines as it needs.
    pub(crate) fn text(&mut self, cell: &Cell) {
        let left = self.paper.left();
        self.lines(left, &wrap(&cell.text, cell.style, TEXT_WIDTH), cell.style);
    }

    /// A label and a value beside it.
    pub(crate) fn fact(&mut self, label: &str, value: &Cell) {
        self.reserve(LINE);
        let left = self.paper.left();
        self.page.text(left, self.y, FACT_LABEL, label);
        let lines = wrap(&value.text, value.style, TEXT_WIDTH - FACT_LABEL_WIDTH);
        self.lines(left + FACT_LABEL_WIDTH, &lines, value.style);
    }

    fn lines(&mut self, x: f32, lines: &[String], style: Style) {
        for line in lines {
            self.reserve(LINE);
            self.page.text(x, self.y, style, line);
            self.y += LINE;
        }
        self.y += 0.8;
    }

    /// A table whose titles stand again on every page that it reaches.
    pub(crate) fn table(&mut self, columns: &[Column], rows: &[Vec<Cell>]) {
        self.titles(columns);
        for row in rows {
            let wrapped: Vec<_> = columns
                .iter()
                .zip(row)
                .map(|((_, width), cell)| wrap(&cell.text, cell.style, width - CELL_GAP))
                .collect();
            let height = wrapped
                .iter()
                .map(|lines| times(LINE, lines.len()))
                .fold(LINE, f32::max);
            if height <= self.room_on_a_page() {
                self.reserve_in_table(columns, height);
            }
            self.row(columns, row, &wrapped);
        }
    }

    fn titles(&mut self, columns: &[Column]) {
        let mut x = self.paper.left();
        for (title, width) in columns {
            self.page.text(x, self.y, LABEL, title);
            x += width;
        }
        self.page.rule(self.paper.left(), self.y + 1.6, TEXT_WIDTH);
        self.y += LINE + 2.4;
    }

    fn row(&mut self, columns: &[Column], row: &[Cell], wrapped: &[Vec<String>]) {
        let most = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        for position in 0..most {
            self.reserve_in_table(columns, LINE);
            let mut x = self.paper.left();
            for (((_, width), cell), lines) in columns.iter().zip(row).zip(wrapped) {
                if let Some(line) = lines.get(position) {
                    self.page.text(x, self.y, cell.style, line);
                }
                x += width;
            }
            self.y += LINE;
        }
        self.y += 1.6;
    }

    fn reserve_in_table(&mut self, columns: &[Column], height: f32) {
        if self.reserve(height) {
            self.titles(columns);
        }
    }

    /// Codes of one size, two beside each other.
    pub(crate) fn codes(&mut self, codes: Vec<Code>) {
        let mut row = Vec::new();
        for code in codes {
            row.push(code);
            if row.len() == 2 {
                self.code_row(std::mem::take(&mut row));
            }
        }
        if !row.is_empty() {
            self.code_row(row);
        }
    }

    fn code_row(&mut self, row: Vec<Code>) {
        let side = row.iter().map(Code::side).fold(0.0, f32::max);
        let quiet = row.iter().map(Code::quiet_zone).fold(0.0, f32::max);
        self.reserve(side + 2.0 * quiet);
        self.y += quiet - LINE / 2.0;
        let mut x = self.paper.left();
        for code in row {
            self.page.code(x, self.y, code);
            x = self.paper.right() - side;
        }
        self.y += side + quiet + LINE / 2.0;
    }

    /// A part of given height that draws itself below the `y` it is given.
    pub(crate) fn block(
        &mut self,
        height: f32,
        draw: impl FnOnce(&mut Page, f32) -> Result<(), PaperError>,
    ) -> Result<(), PaperError> {
        self.reserve(height);
        draw(&mut self.page, self.y)?;
        self.y += height;
        Ok(())
    }

    /// What follows begins on a page of its own.
    pub(crate) fn new_page(&mut self) {
        let full = std::mem::replace(&mut self.page, Page::new(self.paper, self.rehearsal));
        self.pages.push(full);
        self.y = TOP;
    }

    /// The pages, numbered.
    pub(crate) fn finish(mut self) -> Vec<Page> {
        self.pages.push(self.page);
        let total = self.pages.len();
        for (number, page) in (1..).zip(&mut self.pages) {
            let y = page.paper.height() - FOOT_FROM_BOTTOM;
            page.text_before(
                page.paper.right(),
                y,
                LABEL,
                &format!("Page {number} of {total}"),
            );
            page.text(page.paper.left(), y, LABEL, &self.foot);
        }
        self.pages
    }

    fn room_on_a_page(&self) -> f32 {
        self.paper.height() - BOTTOM_MARGIN - TOP - 2.0 * LINE
    }

    /// Starts a new page when less than `height` is left. Says whether it did.
    fn reserve(&mut self, height: f32) -> bool {
        if self.y + height <= self.paper.height() - BOTTOM_MARGIN {
            return false;
        }
        self.new_page();
        true
    }
}

fn times(height: f32, lines: usize) -> f32 {
    height * f32::from(u16::try_from(lines).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Mark;

    const TEXT: Style = Style::new(Face::Regular, BODY);

    fn flow() -> Flow {
        Flow::new(
            Page::new(Paper::Letter, false),
            40.0,
            false,
            "Record".to_owned(),
        )
    }

    fn texts(page: &Page) -> Vec<(f32, &str)> {
        let text = |mark| match mark {
            &Mark::Text { y, ref text, .. } => Some((y, text.as_str())),
            _ => None,
        };
        page.marks.iter().filter_map(text).collect()
    }

    #[test]
    fn every_page_has_its_number_and_nothing_runs_over_the_foot() {
        let mut flow = flow();
        flow.table(
            &[("Name", 174.0)],
            &(0..150)
                .map(|i| vec![Cell::new(TEXT, format!("row {i}"))])
                .collect::<Vec<_>>(),
        );
        let pages = flow.finish();
        let total = pages.len();
        assert!(total >= 3);
        for (number, page) in (1..).zip(&pages) {
            let texts = texts(page);
            assert!(
                texts
                    .iter()
                    .any(|(_, text)| *text == format!("Page {number} of {total}"))
            );
            assert!(
                texts.iter().any(|(_, text)| *text == "Name"),
                "titles stand on page {number}"
            );
            let foot = Paper::Letter.height() - FOOT_FROM_BOTTOM;
            assert!(texts.iter().all(|(y, _)| *y < foot - 5.0 || *y >= foot));
        }
        let rows = pages
            .iter()
            .flat_map(texts)
            .filter(|(_, text)| text.starts_with("row "))
            .count();
        assert_eq!(rows, 150);
    }

    #[test]
    fn a_row_longer_than_a_page_is_continued_and_not_cut() {
        let mut flow = flow();
        let long = "expected ".repeat(3000);
        flow.table(
            &[("Step", 20.0), ("Observed", 154.0)],
            &[vec![Cell::new(TEXT, "1"), Cell::new(TEXT, long)]],
        );
        let pages = flow.finish();
        let words: usize = pages
            .iter()
            .flat_map(texts)
            .map(|(_, text)| text.matches("expected").count())
            .sum();
        assert_eq!(words, 3000);
    }
}
