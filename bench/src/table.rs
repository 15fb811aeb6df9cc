//! The table: rows of what was measured, with the target beside it, as aligned Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::samples::Spread;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// Our figure.
    pub ours: String,
    /// gpg's figure for the same.
    pub gpg: String,
    /// How many times more gpg takes.
    pub ratio: Option<f64>,
    /// The target, and whether it is met.
    pub target: Option<Target>,
}

/// A figure to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The figure.
    pub text: String,
    /// Whether it was reached.
    pub met: bool,
}

const NOTHING: &str = "–";
const HEAD: [&str; 6] = ["what", "ours", "gpg", "ratio", "target", "met"];

impl Row {
    /// A row with our figure alone.
    #[must_use]
    pub fn new(what: impl Into<String>, ours: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ours: ours.into(),
            gpg: NOTHING.to_owned(),
            ratio: None,
            target: None,
        }
    }

    /// A row that says why there is no figure.
    #[must_use]
    pub fn skipped(what: impl Into<String>, reason: &str) -> Self {
        Self::new(what, format!("skipped: {reason}"))
    }

    /// Two times beside each other; the ratio is that of the medians.
    #[must_use]
    pub fn times(what: impl Into<String>, ours: Spread, gpg: Option<Spread>) -> Self {
        let mut row = Self::new(what, milliseconds(ours));
        if let Some(gpg) = gpg {
            row.gpg = milliseconds(gpg);
            row.ratio = Some(ratio(gpg.median, ours.median));
        }
        row
    }

    /// With gpg's figure.
    #[must_use]
    pub fn beside(mut self, gpg: impl Into<String>) -> Self {
        self.gpg = gpg.into();
        self
    }

    /// With a target for the ratio, when there is one to compare.
    #[must_use]
    pub fn at_least(self, times: f64) -> Self {
        match self.ratio {
            Some(ratio) => self.target(format!("≥ {times} ×"), ratio >= times),
            None => self,
        }
    }

    /// With a target.
    #[must_use]
    pub fn target(mut self, text: impl Into<String>, met: bool) -> Self {
        let text = text.into();
        self.target = Some(Target { text, met });
        self
    }

    fn cells(&self) -> [String; 6] {
        let nothing = || NOTHING.to_owned();
        let target = self.target.as_ref();
        [
            self.what.clone(),
            self.ours.clone(),
            self.gpg.clone(),
            self.ratio.map_or_else(nothing, times),
            target.map_or_else(nothing, |t| t.text.clone()),
            target.map_or_else(nothing, |t| if t.met { "yes" } else { "no" }.to_owned()),
        ]
    }
}

/// The rows as a Markdown table whose columns are aligned in plain text too.
#[must_use]
pub fn render(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let widths: [usize; 6] = std::array::from_fn(|column| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    let mut text = String::new();
    for line in &lines {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
    }
    text
}

/// `a` in units of `b`.
#[must_use]
pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64().max(1e-9)
}

fn times(ratio: f64) -> String {
    let decimals = if ratio < 100.0 { 2 } else { 0 };
    format!("{ratio:.decimals$} ×")
}

/// A time of few or many milliseconds, with the least in brackets.
#[must_use]
pub fn milliseconds(spread: Spread) -> String {
    format!("{} ({})", in_ms(spread.median), in_ms(spread.least)) + " ms"
}

fn in_ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    let decimals = if ms < 10.0 { 3 } else { 1 };
    format!("{ms:.decimals$}")
}

/// Bytes in MiB.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "shown with one decimal")]
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn spread(microseconds: u64) -> Spread {
        Spread {
            median: Duration::from_micros(microseconds),
            least: Duration::from_micros(microseconds / 2),
        }
    }

    #[test]
    fn a_pair_of_times_is_shown_with_its_ratio_and_judged_by_it() {
        let row = Row::times("hook", spread(1_500), Some(spread(4_500))).at_least(2.5);
        assert_eq!(row.ours, "1.500 (0.750) ms");
        assert!((row.ratio.unwrap() - 3.0).abs() < 1e-9);
        assert!(row.clone().target.unwrap().met);
        assert!(!row.at_least(4.0).target.unwrap().met);
    }

    #[test]
    fn without_gpg_no_ratio_is_judged() {
        let row = Row::times("hook", spread(1_500), None).at_least(4.0);
        assert_eq!((row.ratio, row.target), (None, None));
    }

    #[test]
    fn all_lines_of_the_table_have_the_same_width() {
        let rows = [
            Row::times("hook, 10 KB mail", spread(90_000), Some(spread(10))).at_least(4.0),
            Row::skipped("sheets", "pdftoppm is not installed"),
        ];
        let text = render(&rows);
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert_eq!(widths.len(), 4);
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
