//! Integral images: the sum of any box of pixels from four numbers.

use zeroize::Zeroizing;

use crate::GreyPage;

/// For every corner between pixels, the sum of all pixels above and to the left of it. Sums wrap
/// around 2³²; the sum of one box is still right, as long as the box has less than 16 million pixels.
pub(super) struct Integral {
    width: usize,
    height: usize,
    sums: Zeroizing<Vec<u32>>,
}

impl Integral {
    pub(super) fn of(page: &GreyPage) -> Self {
        let (width, height) = (page.width(), page.height());
        let stride = width + 1;
        let mut sums = Zeroizing::new(vec![0u32; stride * (height + 1)]);
        for (y, pixels) in page.rows().enumerate() {
            let (above, below) = sums.split_at_mut((y + 1) * stride);
            let above = above.iter().skip(y * stride + 1);
            let mut row_sum = 0u32;
            for ((sum, &above), &pixel) in below.iter_mut().skip(1).zip(above).zip(pixels) {
                row_sum = row_sum.wrapping_add(u32::from(pixel));
                *sum = above.wrapping_add(row_sum);
            }
        }
        Self {
            width,
            height,
            sums,
        }
    }

    /// For every pixel of a row the mean of the box around it, which the page's edges cut off.
    pub(super) fn means_around(&self, y: usize, radius: usize) -> impl Iterator<Item = u32> {
        let (top, bottom) = (y.saturating_sub(radius), (y + radius + 1).min(self.height));
        let (above, below) = (self.corners(top), self.corners(bottom));
        let box_height = u32::try_from(bottom - top).unwrap_or(u32::MAX);
        (0..self.width).map(move |x| {
            let (left, right) = (x.saturating_sub(radius), (x + radius + 1).min(self.width));
            let sum = below[right]
                .wrapping_sub(below[left])
                .wrapping_sub(above[right])
                .wrapping_add(above[left]);
            let box_width = u32::try_from(right - left).unwrap_or(u32::MAX);
            sum / (box_width * box_height).max(1)
        })
    }

    fn corners(&self, y: usize) -> &[u32] {
        let stride = self.width + 1;
        &self.sums[y * stride..(y + 1) * stride]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slow_mean(page: &GreyPage, (x, y): (usize, usize), radius: usize) -> u32 {
        let columns = x.saturating_sub(radius)..(x + radius + 1).min(page.width());
        let rows = y.saturating_sub(radius)..(y + radius + 1).min(page.height());
        let pixels: Vec<u32> = page
            .rows()
            .skip(rows.start)
            .take(rows.len())
            .flat_map(|row| row[columns.clone()].iter().map(|&pixel| u32::from(pixel)))
            .collect();
        pixels.iter().sum::<u32>() / u32::try_from(pixels.len()).unwrap_or(1)
    }

    #[test]
    fn means_are_those_of_the_boxes_also_at_the_edges() {
        let page = GreyPage::painted(13, 9, |y, row| {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = u8::try_from((x * 31 + y * 57 + x * y) % 256).unwrap_or(0);
            }
        });
        let sums = Integral::of(&page);
        for radius in [0, 1, 3, 100] {
            for y in 0..9 {
                for (x, mean) in sums.means_around(y, radius).enumerate() {
                    assert_eq!(
                        mean,
                        slow_mean(&page, (x, y), radius),
                        "{x},{y} radius {radius}"
                    );
                }
            }
        }
    }

    #[test]
    fn sums_may_wrap_around_as_long_as_a_box_does_not() {
        // 255 × 5000 × 4000 is more than 2³².
        let page = GreyPage::painted(5000, 4000, |_, row| row.fill(255));
        assert!(
            Integral::of(&page)
                .means_around(3990, 40)
                .all(|mean| mean == 255)
        );
    }
}
