//! What is done to a page before the readers look at it: one function per filter, each from a page
//! to a new page. No filter knows about codes.

mod integral;
mod local;
mod resize;
mod rotate;

pub(crate) use local::{blurred, median};
pub(crate) use resize::reduced;
pub(crate) use rotate::Turn;

use crate::GreyPage;
use integral::Integral;

/// Evens out light and shadow: every pixel relative to the mean of its surroundings, a box of this
/// radius. Paper becomes light grey whether it lay in the light or in the shadow.
pub(crate) fn flattened(page: &GreyPage, radius: usize) -> GreyPage {
    against_surroundings(page, radius, |pixel, mean| {
        let relative = u32::from(pixel) * 200 / mean.max(1);
        u8::try_from(relative).unwrap_or(u8::MAX)
    })
}

/// Black where a pixel is clearly darker than the mean of its surroundings, a box of this radius;
/// white elsewhere.
pub(crate) fn thresholded(page: &GreyPage, radius: usize) -> GreyPage {
    against_surroundings(page, radius, |pixel, mean| {
        let clearly_darker = u32::from(pixel) * 100 < mean * 92;
        if clearly_darker { 0 } else { 255 }
    })
}

/// Whether there is nothing on a page, neither ink nor the edge of a shadow: wherever one looks, it
/// is as light as its surroundings. Single specks do not count.
pub(crate) fn is_blank(page: &GreyPage) -> bool {
    const PAPER: std::ops::RangeInclusive<u8> = 190..=210;
    let times = (page.width().min(page.height()) / 400).clamp(1, 8);
    let small = reduced(page, times);
    let flat = flattened(&small, small.width() / 8);
    flat.expose_pixels()
        .iter()
        .all(|shade| PAPER.contains(shade))
}

/// Paints every pixel from itself and the mean of the box around it.
fn against_surroundings(page: &GreyPage, radius: usize, judge: impl Fn(u8, u32) -> u8) -> GreyPage {
    let sums = Integral::of(page);
    let mut rows = page.rows();
    page.repainted(|y, row| {
        let means = sums.means_around(y, radius);
        let pixels = rows.next().unwrap_or_default();
        for ((target, &pixel), mean) in row.iter_mut().zip(pixels).zip(means) {
            *target = judge(pixel, mean);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black and white stripes, 8 pixels wide, in a light that falls from 100 % to 20 %.
    fn stripes_in_falling_light() -> GreyPage {
        GreyPage::painted(400, 20, |_, row| {
            for (x, pixel) in row.iter_mut().enumerate() {
                let ink = if stripe_is_black(x) { 40 } else { 250 };
                *pixel = u8::try_from(ink * (500 - x) / 500).unwrap_or(u8::MAX);
            }
        })
    }

    fn stripe_is_black(x: usize) -> bool {
        (x / 8).is_multiple_of(2)
    }

    #[test]
    fn flattening_makes_all_paper_lighter_than_all_ink() {
        let flat = flattened(&stripes_in_falling_light(), 16);
        for (x, &pixel) in flat.row(10).iter().enumerate() {
            assert_eq!(pixel < 128, stripe_is_black(x), "{pixel} at {x}");
        }
    }

    #[test]
    fn thresholding_finds_the_ink_in_any_light() {
        let sharp = thresholded(&stripes_in_falling_light(), 16);
        for (x, &pixel) in sharp.row(10).iter().enumerate() {
            assert_eq!(pixel, if stripe_is_black(x) { 0 } else { 255 }, "at {x}");
        }
    }

    #[test]
    fn paper_in_any_light_is_blank_and_pale_ink_is_not() {
        let paper = |ink: bool| {
            GreyPage::painted(900, 1200, |y, row| {
                for (x, pixel) in row.iter_mut().enumerate() {
                    let light = 250 - x / 10;
                    let grain = (x * 7 + y * 13) % 11;
                    let mark = ink && (400..420).contains(&x) && (400..420).contains(&y);
                    let shade = (light - grain) * if mark { 85 } else { 100 } / 100;
                    *pixel = u8::try_from(shade).unwrap_or(u8::MAX);
                }
            })
        };
        assert!(is_blank(&paper(false)));
        assert!(!is_blank(&paper(true)));
    }

    #[test]
    fn even_paper_stays_paper() {
        let paper = GreyPage::painted(50, 50, |_, row| row.fill(180));
        assert!(
            thresholded(&paper, 5)
                .expose_pixels()
                .iter()
                .all(|&pixel| pixel == 255)
        );
        assert!(
            flattened(&paper, 5)
                .expose_pixels()
                .iter()
                .all(|&pixel| pixel == 200)
        );
    }

    #[test]
    fn a_black_page_does_not_divide_by_zero() {
        let black = GreyPage::painted(9, 9, |_, row| row.fill(0));
        assert!(
            flattened(&black, 3)
                .expose_pixels()
                .iter()
                .all(|&pixel| pixel == 0)
        );
        assert_eq!(thresholded(&black, 3).expose_pixels()[0], 255);
    }
}
