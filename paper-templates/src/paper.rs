//! The paper: its size, the grid on it, and where it is folded.
//!
//! All lengths are millimetres, measured from the top left corner.

/// Width of the text on every page, whatever the paper.
pub(crate) const TEXT_WIDTH: f32 = 174.0;
/// Width of the grid's narrow column, which is also the side of a share's QR code.
pub(crate) const NARROW: f32 = 60.0;
/// Space between the grid's two columns.
pub(crate) const GUTTER: f32 = 10.0;
/// Width of the grid's wide column.
pub(crate) const WIDE: f32 = TEXT_WIDTH - NARROW - GUTTER;

/// The paper on which a page is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// 210 × 297 mm (ISO 216).
    A4,
    /// 8½ × 11 inches, 215.9 × 279.4 mm (ANSI A).
    Letter,
}

impl Paper {
    pub(crate) fn width(self) -> f32 {
        match self {
            Paper::A4 => 210.0,
            Paper::Letter => 215.9,
        }
    }

    pub(crate) fn height(self) -> f32 {
        match self {
            Paper::A4 => 297.0,
            Paper::Letter => 279.4,
        }
    }

    /// Left edge of the text and of the narrow column.
    pub(crate) fn left(self) -> f32 {
        (self.width() - TEXT_WIDTH) / 2.0
    }

    /// Left edge of the wide column.
    pub(crate) fn second(self) -> f32 {
        self.left() + NARROW + GUTTER
    }

    /// Right edge of the text.
    pub(crate) fn right(self) -> f32 {
        self.left() + TEXT_WIDTH
    }

    /// The two folds of a letter fold, from the top.
    pub(crate) fn folds(self) -> [f32; 2] {
        [self.height() / 3.0, self.height() * 2.0 / 3.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_stands_in_the_middle_of_both_papers() {
        for paper in [Paper::A4, Paper::Letter] {
            let right_margin = paper.width() - paper.right();
            assert!((paper.left() - right_margin).abs() < 0.001);
            assert!((paper.second() + WIDE - paper.right()).abs() < 0.001);
            assert!(paper.left() >= 18.0, "printers need a margin");
        }
    }
}
