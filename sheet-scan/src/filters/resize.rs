//! Makes a page smaller by a whole number: readers find codes faster and, where a module has many
//! pixels, more often.

use zeroize::Zeroizing;

use crate::GreyPage;

/// A page of 1/`times` the width and height, every pixel the mean of `times` × `times`. What is
/// left over at the right and the bottom falls away; a page never gets smaller than one pixel.
pub(crate) fn reduced(page: &GreyPage, times: usize) -> GreyPage {
    let times = times.clamp(1, page.width().min(page.height()));
    let (width, height) = (page.width() / times, page.height() / times);
    let area = u32::try_from(times * times).unwrap_or(u32::MAX);
    let mut rows = page.rows();
    let mut sums = Zeroizing::new(vec![0u32; width]);
    GreyPage::painted(width, height, |_, target| {
        sums.fill(0);
        for row in rows.by_ref().take(times) {
            for (sum, pixels) in sums.iter_mut().zip(row.chunks_exact(times)) {
                *sum += pixels.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
            }
        }
        for (pixel, sum) in target.iter_mut().zip(sums.iter()) {
            *pixel = u8::try_from(sum / area).unwrap_or(u8::MAX);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(width: usize, height: usize) -> GreyPage {
        GreyPage::painted(width, height, |y, row| {
            for (x, pixel) in row.iter_mut().enumerate() {
                *pixel = u8::try_from(y * 10 + x).unwrap_or(u8::MAX);
            }
        })
    }

    #[test]
    fn every_pixel_is_the_mean_of_its_block() {
        let small = reduced(&numbered(5, 4), 2);
        assert_eq!((small.width(), small.height()), (2, 2));
        assert_eq!(small.expose_pixels(), [5, 7, 25, 27]);
    }

    #[test]
    fn a_page_never_vanishes() {
        assert_eq!(reduced(&numbered(3, 1), 7).expose_pixels().len(), 3);
        assert_eq!(reduced(&numbered(3, 3), 7).expose_pixels(), [11]);
    }
}
