//! Turns a page by any angle.

use crate::GreyPage;

/// The page turned clockwise by some degrees, on a white ground large enough for all of it.
pub(crate) fn rotated(page: &GreyPage, degrees: f32) -> GreyPage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (length(page.width()), length(page.height()));
    let new_width = width * cos.abs() + height * sin.abs();
    let new_height = width * sin.abs() + height * cos.abs();
    GreyPage::painted(pixels(new_width), pixels(new_height), |y, row| {
        let dy = length(y) + 0.5 - new_height / 2.0;
        for (x, target) in row.iter_mut().enumerate() {
            let dx = length(x) + 0.5 - new_width / 2.0;
            let source_x = dx * cos + dy * sin + width / 2.0 - 0.5;
            let source_y = dy * cos - dx * sin + height / 2.0 - 0.5;
            *target = between_pixels(page, source_x, source_y);
        }
    })
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
