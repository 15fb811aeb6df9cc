//! Filters that look at a pixel and its eight neighbours.

use crate::GreyPage;

/// The mean of nine: takes the edge off noise and JPEG blocks.
pub(crate) fn blurred(page: &GreyPage) -> GreyPage {
    from_nine(page, |nine| {
        let sum: u16 = nine.iter().map(|&pixel| u16::from(pixel)).sum();
        u8::try_from(sum / 9).unwrap_or(u8::MAX)
    })
}

/// The median of nine: removes single specks and keeps edges.
#[allow(clippy::many_single_char_names, reason = "nine equals")]
pub(crate) fn median(page: &GreyPage) -> GreyPage {
    from_nine(page, |nine| {
        let [a, b, c, d, e, f, g, h, i] = nine;
        let (a, b, c) = sorted(a, b, c);
        let (d, e, f) = sorted(d, e, f);
        let (g, h, i) = sorted(g, h, i);
        // The median of nine lies among: the largest of the smallest, the middle of the middles,
        // the smallest of the largest.
        let (_, middle, _) = sorted(a.max(d).max(g), sorted(b, e, h).1, c.min(f).min(i));
        middle
    })
}

fn sorted(a: u8, b: u8, c: u8) -> (u8, u8, u8) {
    let (low, high) = (a.min(b), a.max(b));
    (low.min(c), low.max(high.min(c)), high.max(c))
}

/// Paints every pixel from its 3 × 3 neighbourhood; at the edges, the edge is repeated.
fn from_nine(page: &GreyPage, paint: impl Fn([u8; 9]) -> u8) -> GreyPage {
    let last = page.width() - 1;
    page.repainted(|y, row| {
        let y = y.cast_signed();
        let (above, here, below) = (page.row(y - 1), page.row(y), page.row(y + 1));
        for (x, target) in row.iter_mut().enumerate() {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(last));
            *target = paint([
                above[left],
                above[x],
                above[right],
                here[left],
                here[x],
                here[right],
                below[left],
                below[x],
                below[right],
            ]);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_black_with_a_speck() -> GreyPage {
        GreyPage::painted(20, 9, |y, row| {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = if x < 10 || (x, y) == (15, 4) { 0 } else { 255 };
            }
        })
    }

    #[test]
    fn the_median_removes_a_speck_and_keeps_the_edge() {
        let clean = median(&half_black_with_a_speck());
        for row in clean.rows() {
            for (x, &pixel) in row.iter().enumerate() {
                assert_eq!(pixel, if x < 10 { 0 } else { 255 }, "at {x}");
            }
        }
    }

    #[test]
    fn the_median_is_the_fifth_of_nine_sorted() {
        let mut state = 7u32;
        for _ in 0..2000 {
            let mut nine = [0u8; 9];
            for value in &mut nine {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *value = state.to_be_bytes()[0] % 6;
            }
            let page =
                GreyPage::painted(3, 3, |y, row| row.copy_from_slice(&nine[y * 3..y * 3 + 3]));
            nine.sort_unstable();
            assert_eq!(median(&page).row(1)[1], nine[4]);
        }
    }

    #[test]
    fn blurring_spreads_a_speck_over_nine_pixels() {
        let blurred = blurred(&half_black_with_a_speck());
        assert_eq!(blurred.row(4)[13..18], [255, 226, 226, 226, 255]);
        assert_eq!(blurred.row(0)[0], 0);
        assert_eq!(blurred.row(0)[19], 255);
    }
}
