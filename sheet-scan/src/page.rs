//! A page as grey pixels, wiped when dropped; every filter takes one and gives a new one.
//!
//! A page always has at least one pixel and exactly width × height of them.

use std::fmt;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use zeroize::Zeroizing;

use crate::place::Area;

/// A page of grey pixels, 0 black and 255 white, rows from top to bottom. It may show a share, so
/// it is a secret: wiped when dropped, and Debug tells its size only.
pub struct GreyPage {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<u8>>,
}

impl GreyPage {
    /// A page from its pixels, row by row; none if their number is not width × height, or zero.
    #[must_use]
    pub fn new(width: usize, height: usize, pixels: Zeroizing<Vec<u8>>) -> Option<Self> {
        let fits = width.checked_mul(height) == Some(pixels.len()) && !pixels.is_empty();
        fits.then_some(Self {
            width,
            height,
            pixels,
        })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels row by row, a secret.
    #[must_use]
    pub fn expose_pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The page as a PNG image, a secret as well; none if it is wider or higher than PNG allows.
    #[must_use]
    pub fn to_png(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (width, height) = (
            u32::try_from(self.width).ok()?,
            u32::try_from(self.height).ok()?,
        );
        // Room for the worst case, so that the growing image never leaves copies behind.
        let room = self.pixels.len() + self.pixels.len() / 100 + self.height + 4096;
        let mut png = Zeroizing::new(Vec::with_capacity(room));
        PngEncoder::new(&mut *png)
            .write_image(&self.pixels, width, height, ExtendedColorType::L8)
            .ok()?;
        Some(png)
    }

    /// The rows from top to bottom.
    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.width)
    }

    /// One row; beyond the edges, the row at the edge.
    pub(crate) fn row(&self, y: isize) -> &[u8] {
        let y = usize::try_from(y).unwrap_or(0).min(self.height - 1);
        self.pixels
            .get(y * self.width..(y + 1) * self.width)
            .unwrap_or_default()
    }

    /// The same pixels once more.
    pub(crate) fn copy(&self) -> Self {
        Self {
            pixels: self.pixels.clone(),
            ..*self
        }
    }

    /// Paints over an area.
    pub(crate) fn whiten(&mut self, area: &Area) {
        for (y, row) in self.pixels.chunks_exact_mut(self.width).enumerate() {
            let Some((left, right)) = area.span(centre(y)) else {
                continue;
            };
            for (x, pixel) in row.iter_mut().enumerate() {
                if (left..=right).contains(&centre(x)) {
                    *pixel = 255;
                }
            }
        }
    }

    /// A page of the same size, every pixel made by `paint` from its row number and the new row.
    pub(crate) fn repainted(&self, paint: impl FnMut(usize, &mut [u8])) -> Self {
        Self::painted(self.width, self.height, paint)
    }

    /// A page whose rows are painted one after the other; sizes of zero count as one.
    pub(crate) fn painted(
        width: usize,
        height: usize,
        mut paint: impl FnMut(usize, &mut [u8]),
    ) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let mut pixels = Zeroizing::new(vec![255; width * height]);
        for (y, row) in pixels.chunks_exact_mut(width).enumerate() {
            paint(y, row);
        }
        Self {
            width,
            height,
            pixels,
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "pages have fewer than 2²⁴ pixels a side"
)]
fn centre(pixel: usize) -> f32 {
    pixel as f32 + 0.5
}

impl fmt::Debug for GreyPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GreyPage({} × {}, <redacted>)", self.width, self.height)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_exactly_its_pixels() {
        assert!(GreyPage::new(2, 2, Zeroizing::new(vec![0; 4])).is_some());
        assert!(GreyPage::new(2, 2, Zeroizing::new(vec![0; 5])).is_none());
        assert!(GreyPage::new(0, 0, Zeroizing::new(vec![])).is_none());
        assert!(GreyPage::new(usize::MAX, 2, Zeroizing::new(vec![0; 4])).is_none());
    }

    #[test]
    fn debug_does_not_tell_the_pixels() {
        let page = GreyPage::new(2, 1, Zeroizing::new(vec![7, 8])).unwrap();
        assert_eq!(format!("{page:?}"), "GreyPage(2 × 1, <redacted>)");
    }

    #[test]
    fn rows_beyond_the_edges_repeat_the_edge() {
        let page = GreyPage::new(1, 2, Zeroizing::new(vec![7, 8])).unwrap();
        let rows: Vec<u8> = (-2..4).map(|y| page.row(y)[0]).collect();
        assert_eq!(rows, [7, 7, 7, 8, 8, 8]);
    }

    #[test]
    fn a_page_survives_the_way_through_png_even_if_it_does_not_compress() {
        let mut noise = 1u32;
        let page = GreyPage::painted(300, 200, |_, row| {
            for pixel in row {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *pixel = noise.to_be_bytes()[0];
            }
        });
        let png = page.to_png().unwrap();
        assert!(png.capacity() < 2 * 300 * 200, "the image outgrew its room");
        let decoded = image::load_from_memory(&png).unwrap().into_luma8();
        assert_eq!(decoded.as_raw().as_slice(), page.expose_pixels());
    }
}
