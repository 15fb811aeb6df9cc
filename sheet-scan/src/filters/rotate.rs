//! Turns a page by any angle, and points with it.

use crate::GreyPage;
use crate::place::Point;

/// A turn of a page, clockwise, onto a white ground large enough for all of it.
pub(crate) struct Turn {
    sin: f32,
    cos: f32,
    /// The middle of the page, before and after.
    from: Point,
    to: Point,
}

impl Turn {
    /// The turn of this page by some degrees.
    pub(crate) fn new(page: &GreyPage, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (x, y) = (length(page.width()) / 2.0, length(page.height()) / 2.0);
        Self {
            sin,
            cos,
            from: Point { x, y },
            to: Point {
                x: x * cos.abs() + y * sin.abs(),
                y: x * sin.abs() + y * cos.abs(),
            },
        }
    }

    /// A page of the same size, turned.
    pub(crate) fn apply(&self, page: &GreyPage) -> GreyPage {
        let (width, height) = (pixels(self.to.x * 2.0), pixels(self.to.y * 2.0));
        GreyPage::painted(width, height, |y, row| {
            let y = length(y) + 0.5;
            for (x, target) in row.iter_mut().enumerate() {
                let source = self.back(Point {
                    x: length(x) + 0.5,
                    y,
                });
                *target = between_pixels(page, source.x - 0.5, source.y - 0.5);
            }
        })
    }

    /// Where a point of the page comes to.
    pub(crate) fn forth(&self, point: Point) -> Point {
        let (dx, dy) = (point.x - self.from.x, point.y - self.from.y);
        Point {
            x: dx * self.cos - dy * self.sin + self.to.x,
            y: dy * self.cos + dx * self.sin + self.to.y,
        }
    }

    /// Where a point of the turned page comes from.
    pub(crate) fn back(&self, point: Point) -> Point {
        let (dx, dy) = (point.x - self.to.x, point.y - self.to.y);
        Point {
            x: dx * self.cos + dy * self.sin + self.from.x,
            y: dy * self.cos - dx * self.sin + self.from.y,
        }
    }
}

/// The value at a point between four pixels; white outside.
fn between_pixels(page: &GreyPage, x: f32, y: f32) -> u8 {
    if x < 0.0 || y < 0.0 || x >= length(page.width()) - 1.0 || y >= length(page.height()) - 1.0 {
        return 255;
    }
    let (left, top) = (pixels(x.floor()), pixels(y.floor()));
    let (right_share, lower_share) = (x.fract(), y.fract());
    let mix = |row: &[u8]| {
        f32::from(row[left]) * (1.0 - right_share) + f32::from(row[left + 1]) * right_share
    };
    let (upper, lower) = (
        mix(page.row(top.cast_signed())),
        mix(page.row(top.cast_signed() + 1)),
    );
    grey(upper * (1.0 - lower_share) + lower * lower_share)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "pages have fewer than 2²⁴ pixels a side"
)]
fn length(pixels: usize) -> f32 {
    pixels as f32
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts saturate"
)]
fn pixels(length: f32) -> usize {
    length as usize
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts saturate"
)]
fn grey(value: f32) -> u8 {
    value.round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotated(page: &GreyPage, degrees: f32) -> GreyPage {
        Turn::new(page, degrees).apply(page)
    }

    /// A white page with a black square in its upper left quarter.
    fn marked() -> GreyPage {
        GreyPage::painted(60, 40, |y, row| {
            if (5..15).contains(&y) {
                row[5..15].fill(0);
            }
        })
    }

    #[test]
    fn a_quarter_turn_is_clockwise() {
        let turned = rotated(&marked(), 90.0);
        assert_eq!((turned.width(), turned.height()), (40, 60));
        let mark = Turn::new(&marked(), 90.0).forth(Point { x: 10.0, y: 10.0 });
        assert!(mark.distance(Point { x: 30.0, y: 10.0 }) < 0.1, "{mark:?}");
        assert_eq!(turned.row(10)[30], 0, "the mark is at the upper right");
        assert_eq!(turned.row(10)[10], 255);
    }

    #[test]
    fn turning_there_and_back_gives_the_page_again() {
        let back = rotated(&rotated(&marked(), 30.0), -30.0);
        let (dx, dy) = ((back.width() - 60) / 2, (back.height() - 40) / 2);
        for (x, y, ink) in [(10, 10, 0), (2, 10, 255), (10, 18, 255), (30, 20, 255)] {
            let pixel = back.row((y + dy).cast_signed())[x + dx];
            assert!(pixel.abs_diff(ink) < 30, "{pixel} at {x},{y}");
        }
    }

    #[test]
    fn a_turned_page_loses_no_corner() {
        let turned = rotated(&marked(), 45.0);
        assert_eq!((turned.width(), turned.height()), (70, 70));
    }
}
