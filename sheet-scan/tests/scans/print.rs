//! Prints test pages: A4 with QR codes and rows of words around them, as a laser printer and a
//! perfect scanner would give them.

use image::{GrayImage, imageops};
use qrcode::{Color, EcLevel, QrCode};

/// A text as long as a share's: 120 bytes in base32, which makes a code of version 10 at level Q.
pub(crate) fn share_text(number: u32) -> String {
    let mut dice = Dice::new(u64::from(number) + 77);
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    (0..192)
        .map(|_| char::from(letters[dice.below(32)]))
        .collect()
}

/// Where a code is printed: its upper left module, and the side of a module, in millimetres.
pub(crate) struct Place {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) module: f64,
}

/// Where a sheet has its code.
pub(crate) const ON_THE_SHEET: Place = Place {
    left: 22.0,
    top: 95.0,
    module: 1.1,
};

/// An A4 page with the codes of these texts, at some resolution in dots per inch.
pub(crate) fn page(dpi: f64, codes: &[(&str, Place)]) -> GrayImage {
    let dots = dpi / 25.4;
    let mut page =
        GrayImage::from_pixel((210.0 * dots) as u32, (297.0 * dots) as u32, [255].into());
    print_words(&mut page, dots);
    for (text, place) in codes {
        print_code(&mut page, dots, text, place);
    }
    page
}

/// A sheet with one code.
pub(crate) fn sheet(dpi: f64, text: &str) -> GrayImage {
    page(dpi, &[(text, ON_THE_SHEET)])
}

/// A scanner's glass or a table, on which sheets lie.
pub(crate) struct Glass(pub(crate) GrayImage, f64);

impl Glass {
    /// At some resolution in dots per inch, so many millimetres wide and high, of one shade.
    pub(crate) fn new(dpi: f64, (width, height): (f64, f64), shade: u8) -> Self {
        let dots = dpi / 25.4;
        let (width, height) = ((width * dots) as u32, (height * dots) as u32);
        Self(GrayImage::from_pixel(width, height, [shade].into()), dots)
    }

    /// Lays a sheet down, its middle at some place in millimetres, turned clockwise.
    pub(crate) fn lay(&mut self, sheet: &GrayImage, middle: (f64, f64), degrees: f64) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (left, top) = (middle.0 * self.1, middle.1 * self.1);
        let half = |side: u32| f64::from(side) / 2.0;
        for (x, y, pixel) in self.0.enumerate_pixels_mut() {
            let (dx, dy) = (f64::from(x) - left, f64::from(y) - top);
            let column = dx * cos + dy * sin + half(sheet.width());
            let row = dy * cos - dx * sin + half(sheet.height());
            if column >= 0.0 && row >= 0.0 {
                let sample = imageops::interpolate_bilinear(sheet, column as f32, row as f32);
                *pixel = sample.unwrap_or(*pixel);
            }
        }
    }
}

/// Rows of dark specks the size of letters, all over the page.
fn print_words(page: &mut GrayImage, dots: f64) {
    let mut dice = Dice::new(5);
    let (letter, line) = (1.4 * dots, 5.5 * dots);
    for row in 3..50 {
        for column in 12..135 {
            if dice.below(6) == 0 {
                continue;
            }
            let (x, y) = (f64::from(column) * letter, f64::from(row) * line);
            for _ in 0..3 {
                let (dx, dy) = (dice.share() * 0.8 * dots, dice.share() * 2.0 * dots);
                let upright = dice.below(2) == 0;
                let (w, h) = if upright { (0.25, 1.0) } else { (0.9, 0.25) };
                fill(page, (x + dx, y + dy), (w * dots, h * dots), 0);
            }
        }
    }
}

fn print_code(page: &mut GrayImage, dots: f64, text: &str, place: &Place) {
    let code = QrCode::with_error_correction_level(text, EcLevel::Q).unwrap();
    let (side, module) = (code.width(), place.module * dots);
    let corner = |x: f64, y: f64| {
        (
            place.left * dots + x * module,
            place.top * dots + y * module,
        )
    };
    let quiet = (side as f64 + 8.0) * module;
    fill(page, corner(-4.0, -4.0), (quiet, quiet), 255);
    for (number, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = ((number % side) as f64, (number / side) as f64);
            fill(page, corner(x, y), (module, module), 0);
        }
    }
}

/// Fills a rectangle; pixels that it covers partly are mixed.
fn fill(page: &mut GrayImage, (x, y): (f64, f64), (width, height): (f64, f64), shade: u8) {
    let cover = |pixel: u32, from: f64, length: f64| {
        let (start, end) = (
            f64::from(pixel).max(from),
            f64::from(pixel + 1).min(from + length),
        );
        (end - start).clamp(0.0, 1.0)
    };
    let (right, bottom) = ((x + width).ceil() as u32, (y + height).ceil() as u32);
    for py in y as u32..bottom.min(page.height()) {
        for px in x as u32..right.min(page.width()) {
            let covered = cover(px, x, width) * cover(py, y, height);
            let pixel = &mut page.get_pixel_mut(px, py).0[0];
            *pixel =
                (f64::from(*pixel) * (1.0 - covered) + f64::from(shade) * covered).round() as u8;
        }
    }
}

/// Numbers that look random and are the same in every run (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> usize {
        (self.throw() % bound) as usize
    }

    /// Between 0 and 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.throw() as f64 / u64::MAX as f64
    }
}
