//! Setting text: one that must fit its place, and paragraphs that wrap.
//!
//! Text is never cut and never set smaller than a floor that can be read on paper.

use crate::PaperError;
use crate::field;
use crate::fonts::Face;
use crate::page::{Page, Style};

/// Smallest type size for a name, in points.
pub(crate) const FLOOR: f32 = 7.5;
/// Space between two baselines, as a multiple of the type size in millimetres.
const LEADING: f32 = 0.47;
/// The same inside a name that takes two lines.
const TIGHT_LEADING: f32 = 0.41;

/// Distance between two baselines in millimetres for a type size in points.
pub(crate) fn leading(size: f32) -> f32 {
    size * LEADING
}

/// A text that fits: in one line, or in two of the smallest size.
pub(crate) struct Fitted {
    pub(crate) style: Style,
    pub(crate) lines: Vec<String>,
}

impl Fitted {
    /// Sets the lines; the first one's baseline is `y`.
    pub(crate) fn set(&self, page: &mut Page, x: f32, y: f32) {
        let mut baseline = y;
        for line in &self.lines {
            page.text(x, baseline, self.style, line);
            baseline += self.style.size * TIGHT_LEADING;
        }
    }
}

/// Shrinks `text` from its style's size to [`FLOOR`] so that it is at most `width` millimetres wide; then
/// tries two lines; then names the field.
pub(crate) fn fit(field: &str, text: &str, style: Style, width: f32) -> Result<Fitted, PaperError> {
    let natural = style.width(text);
    if natural <= width {
        return Ok(Fitted {
            style,
            lines: vec![text.to_owned()],
        });
    }
    // Rounded down to a tenth of a point, so that the line stays inside its place.
    let size = (style.size * width / natural * 10.0).floor() / 10.0;
    if size >= FLOOR {
        return Ok(Fitted {
            style: style.sized(size),
            lines: vec![text.to_owned()],
        });
    }
    let style = style.sized(FLOOR);
    let lines = wrap(text, style, width);
    let fits = lines.len() <= 2 && lines.iter().all(|line| style.width(line) <= width);
    if fits {
        Ok(Fitted { style, lines })
    } else {
        Err(field::too_long(field))
    }
}

/// Breaks a text into lines of at most `width` millimetres: at blanks, else after `-`, `/`, `@`, else
/// anywhere.
pub(crate) fn wrap(text: &str, style: Style, width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        if style.width(&format!("{line}{}", piece.trim_end())) <= width {
            line.push_str(piece);
            continue;
        }
        push_line(&mut lines, &mut line);
        for character in piece.chars() {
            if style.width(&line) + style.width(character.encode_utf8(&mut [0; 4])) > width {
                push_line(&mut lines, &mut line);
            }
            line.push(character);
        }
    }
    push_line(&mut lines, &mut line);
    lines
}

fn push_line(lines: &mut Vec<String>, line: &mut String) {
    let text = line.trim();
    if !text.is_empty() {
        lines.push(text.to_owned());
    }
    line.clear();
}

/// The text cut after each place where a line may end.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([' ', '-', '/', '@'])
}

/// Sets a paragraph in which `` `…` `` marks words in the mono face. Returns the baseline of the line after it.
pub(crate) fn paragraph(page: &mut Page, x: f32, y: f32, width: f32, size: f32, text: &str) -> f32 {
    let mut baseline = y;
    let mut line: Vec<Word<'_>> = Vec::new();
    let mut taken = 0.0;
    for word in words(text) {
        if !line.is_empty() && taken + word.blank(size) + word.width(size) > width {
            set_line(page, x, baseline, size, &line);
            line.clear();
            baseline += leading(size);
        }
        taken = if line.is_empty() {
            0.0
        } else {
            taken + word.blank(size)
        } + word.width(size);
        line.push(word);
    }
    set_line(page, x, baseline, size, &line);
    baseline + leading(size)
}

/// Text between two blanks, and the face of the blank before it.
struct Word<'a> {
    mono_blank: bool,
    runs: Vec<Run<'a>>,
}

/// A part of a word in one face.
#[derive(Clone, Copy)]
struct Run<'a> {
    mono: bool,
    text: &'a str,
}

impl Word<'_> {
    fn blank(&self, size: f32) -> f32 {
        style(self.mono_blank, size).width(" ")
    }

    fn width(&self, size: f32) -> f32 {
        self.runs
            .iter()
            .map(|run| style(run.mono, size).width(run.text))
            .sum()
    }
}

/// Mono looks larger than its size beside the other face.
fn style(mono: bool, size: f32) -> Style {
    if mono {
        Style::new(Face::Mono, size * 0.92)
    } else {
        Style::new(Face::Regular, size)
    }
}

fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut mono = false;
    text.split(' ').map(move |word| {
        let mono_blank = mono;
        let mut runs = Vec::new();
        for (position, part) in word.split('`').enumerate() {
            mono ^= position > 0;
            if !part.is_empty() {
                runs.push(Run { mono, text: part });
            }
        }
        Word { mono_blank, runs }
    })
}

/// Sets one line; neighbours in one face become one text.
fn set_line(page: &mut Page, x: f32, y: f32, size: f32, line: &[Word<'_>]) {
    let mut start = x;
    let mut pending = (false, String::new());
    for (position, word) in line.iter().enumerate() {
        let blank = (position > 0).then_some(Run {
            mono: word.mono_blank,
            text: " ",
        });
        for run in blank.iter().chain(&word.runs) {
            if run.mono != pending.0 {
                start = flush(page, start, y, size, &pending);
                pending = (run.mono, String::new());
            }
            pending.1.push_str(run.text);
        }
    }
    flush(page, start, y, size, &pending);
}

/// Puts a text of one face on the page. Returns where the next one starts.
fn flush(page: &mut Page, x: f32, y: f32, size: f32, (mono, text): &(bool, String)) -> f32 {
    if !text.trim().is_empty() {
        page.text(x, y, style(*mono, size), text);
    }
    x + style(*mono, size).width(text)
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;
    use crate::Paper;
    use crate::page::Mark;

    const NAME: Style = Style::new(Face::Regular, 10.0);

    #[test]
    fn a_short_text_keeps_its_size() {
        let fitted = fit("name", "Ada", NAME, 60.0).unwrap();
        assert_eq!(fitted.lines, ["Ada"]);
        assert!((fitted.style.size - 10.0).abs() < f32::EPSILON);
    }

    #[test]
    fn a_longer_text_shrinks_and_stays_inside_its_place() {
        let fitted = fit(
            "name",
            "Katharina Elisabeth Lindqvist-Østergaard",
            NAME,
            60.0,
        )
        .unwrap();
        let [line] = fitted.lines.as_slice() else {
            panic!("one line")
        };
        assert!(fitted.style.size >= FLOOR && fitted.style.size < 10.0);
        assert!(fitted.style.width(line) <= 60.0);
    }

    #[test]
    fn a_long_text_becomes_two_lines_of_the_smallest_size() {
        let name = "Dr. Maximiliane-Alexandra Freifrau von und zu Hohenlohe-Lang";
        let fitted = fit("name", name, NAME, 60.0).unwrap();
        assert_eq!(
            fitted.lines,
            [
                "Dr. Maximiliane-Alexandra Freifrau von und zu",
                "Hohenlohe-Lang"
            ]
        );
    }

    #[test]
    fn a_text_that_needs_three_lines_is_refused_by_name() {
        let error = fit("custodian", &"long name ".repeat(12), NAME, 60.0)
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "custodian is too long for its place on the page"
        );
    }

    #[test]
    fn wrapping_loses_nothing_and_never_overflows() {
        let text = "a path/of/several/parts and one word-that-is-hyphenated plus \
                    9D4B1A7C02E85F3361B7C0AA54D21F98E3706C5B9D4B1A7C02E85F3361B7C0AA54D21F98E3706C5B";
        let lines = wrap(text, NAME, 40.0);
        assert!(
            lines.iter().all(|line| NAME.width(line) <= 40.0),
            "{lines:?}"
        );
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn a_paragraph_sets_marked_words_in_mono_beside_each_other() {
        let mut page = Page::new(Paper::A4, false);
        paragraph(
            &mut page,
            20.0,
            20.0,
            100.0,
            8.0,
            "info `key passphrase`, then",
        );
        let set: Vec<_> = page
            .marks
            .iter()
            .map(|mark| match mark {
                Mark::Text { x, style, text, .. } => (*x, style.face, text.as_str()),
                _ => panic!("only text"),
            })
            .collect();
        let texts: Vec<_> = set.iter().map(|(_, face, text)| (*face, *text)).collect();
        assert_eq!(
            texts,
            [
                (Face::Regular, "info "),
                (Face::Mono, "key passphrase"),
                (Face::Regular, ", then")
            ]
        );
        assert!(set.is_sorted_by(|left, right| left.0 < right.0));
    }
}
