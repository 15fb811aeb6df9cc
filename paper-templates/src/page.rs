//! The model of a drawn page: a list of marks, in millimetres from the top left corner.
//!
//! A page knows nothing of PDF. Whatever text it holds is wiped when it is dropped.

use zeroize::Zeroizing;

use crate::Paper;
use crate::code::Code;
use crate::fonts::Face;

/// Black, or the one grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Black,
    Grey,
}

/// How a text is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) face: Face,
    /// Type size in points.
    pub(crate) size: f32,
    pub(crate) ink: Ink,
}

impl Style {
    pub(crate) const fn new(face: Face, size: f32) -> Self {
        Self {
            face,
            size,
            ink: Ink::Black,
        }
    }

    pub(crate) const fn grey(face: Face, size: f32) -> Self {
        Self {
            face,
            size,
            ink: Ink::Grey,
        }
    }

    pub(crate) const fn sized(self, size: f32) -> Self {
        Self { size, ..self }
    }

    /// Width of a text in millimetres.
    pub(crate) fn width(self, text: &str) -> f32 {
        self.face.width(text, self.size)
    }
}

/// Something on a page.
pub(crate) enum Mark {
    /// One line of text; `y` is its baseline.
    Text {
        x: f32,
        y: f32,
        style: Style,
        text: Zeroizing<String>,
    },
    /// A filled rectangle; `x`, `y` is its upper left corner.
    Bar {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
    /// A QR code; `x`, `y` is the upper left corner of its modules, around which the quiet zone lies.
    Code { x: f32, y: f32, code: Code },
    /// REHEARSAL across the whole page.
    Overprint,
}

/// A page that is being filled.
pub(crate) struct Page {
    pub(crate) paper: Paper,
    pub(crate) marks: Vec<Mark>,
}

/// Thickness of every line, in millimetres.
const HAIRLINE: f32 = 0.22;

impl Page {
    /// An empty page; a rehearsal's page carries the overprint beneath everything else.
    pub(crate) fn new(paper: Paper, rehearsal: bool) -> Self {
        let marks = if rehearsal {
            vec![Mark::Overprint]
        } else {
            Vec::new()
        };
        Self { paper, marks }
    }

    pub(crate) fn text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        self.marks.push(Mark::Text {
            x,
            y,
            style,
            text: Zeroizing::new(text.to_owned()),
        });
    }

    /// Text that ends at `right`.
    pub(crate) fn text_before(&mut self, right: f32, y: f32, style: Style, text: &str) {
        self.text(right - style.width(text), y, style, text);
    }

    /// A grey line that separates.
    pub(crate) fn rule(&mut self, x: f32, y: f32, width: f32) {
        self.marks.push(Mark::Bar {
            x,
            y,
            width,
            height: HAIRLINE,
            ink: Ink::Grey,
        });
    }

    /// A black line to write on.
    pub(crate) fn writing_line(&mut self, x: f32, y: f32, width: f32) {
        self.marks.push(Mark::Bar {
            x,
            y,
            width,
            height: HAIRLINE,
            ink: Ink::Black,
        });
    }

    pub(crate) fn code(&mut self, x: f32, y: f32, code: Code) {
        self.marks.push(Mark::Code { x, y, code });
    }

    /// Grey lines along which the paper is cut into two by four.
    pub(crate) fn cutting_lines(&mut self) {
        let (width, height) = (self.paper.width(), self.paper.height());
        for row in [1.0, 2.0, 3.0] {
            self.rule(0.0, height * row / 4.0, width);
        }
        self.marks.push(Mark::Bar {
            x: width / 2.0,
            y: 0.0,
            width: HAIRLINE,
            height,
            ink: Ink::Grey,
        });
    }

    /// Ticks at both edges of the paper where it is folded into thirds.
    pub(crate) fn fold_marks(&mut self) {
        const FROM_EDGE: f32 = 6.0;
        const LENGTH: f32 = 5.0;
        for fold in self.paper.folds() {
            let y = fold - HAIRLINE / 2.0;
            self.rule(FROM_EDGE, y, LENGTH);
            self.rule(self.paper.width() - FROM_EDGE - LENGTH, y, LENGTH);
        }
    }
}
