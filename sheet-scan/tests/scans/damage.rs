//! What happens to a page between the printer and the file: one function per damage.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, Luma, imageops};

use crate::print::Dice;

/// Fewer greys between ink and paper.
pub(crate) fn low_contrast(page: &GrayImage, ink: u8, paper: u8) -> GrayImage {
    let range = f64::from(paper) - f64::from(ink);
    map(page, |_, _, v| {
        f64::from(ink) + f64::from(v) / 255.0 * range
    })
}

/// Light that falls off from one corner to the other, down to a share of it.
pub(crate) fn uneven_light(page: &GrayImage, darkest: f64) -> GrayImage {
    let (w, h) = (f64::from(page.width()), f64::from(page.height()));
    map(page, |x, y, v| {
        f64::from(v) * (1.0 - (1.0 - darkest) * (x / w + y / h) / 2.0)
    })
}

/// The edge of a shadow across the page.
pub(crate) fn shadow(page: &GrayImage, darkness: f64) -> GrayImage {
    let (w, h) = (f64::from(page.width()), f64::from(page.height()));
    map(page, |x, y, v| {
        let edge = (x - 0.2 * w - 0.3 * (y - 0.3 * h)) / (0.01 * w);
        f64::from(v) * (1.0 - darkness / (1.0 + (-edge).exp()))
    })
}

/// Ink that bleeds, blurring radius in pixels.
pub(crate) fn blur(page: &GrayImage, sigma: f32) -> GrayImage {
    imageops::blur(page, sigma)
}

/// Black and white specks on a share of all pixels.
pub(crate) fn salt_and_pepper(page: &GrayImage, share: f64, seed: u64) -> GrayImage {
    let mut dice = Dice::new(seed);
    map(page, |_, _, v| match dice.share() / share {
        hit if hit < 0.5 => 0.0,
        hit if hit < 1.0 => 255.0,
        _ => f64::from(v),
    })
}

/// Noise of a sensor.
pub(crate) fn grain(page: &GrayImage, strength: f64, seed: u64) -> GrayImage {
    let mut dice = Dice::new(seed);
    map(page, |_, _, v| {
        let noise = dice.share() + dice.share() + dice.share() - 1.5;
        f64::from(v) + noise * strength
    })
}

/// A coffee stain: a brown disc with a darker rim, at a place and with a radius in shares of the
/// page's width; 0 darkness changes nothing, 1 is opaque.
pub(crate) fn stain(
    page: &GrayImage,
    (cx, cy): (f64, f64),
    radius: f64,
    darkness: f64,
) -> GrayImage {
    let w = f64::from(page.width());
    map(page, |x, y, v| {
        let distance = (x / w - cx).hypot(y / w - cy) / radius;
        let strength = match distance {
            d if d > 1.0 => 0.0,
            d if d > 0.9 => darkness,
            _ => 0.6 * darkness,
        };
        f64::from(v) * (1.0 - strength) + 60.0 * strength
    })
}

/// A blot that hides everything below it.
pub(crate) fn blot(page: &GrayImage, (cx, cy): (f64, f64), radius: f64, shade: f64) -> GrayImage {
    let w = f64::from(page.width());
    map(page, |x, y, v| {
        if (x / w - cx).hypot(y / w - cy) < radius {
            shade
        } else {
            f64::from(v)
        }
    })
}

/// A stripe over the whole height that the printer left out, or a line of its drum.
pub(crate) fn stripe(page: &GrayImage, left: f64, width: f64, shade: f64) -> GrayImage {
    let w = f64::from(page.width());
    map(page, |x, _, v| {
        if (left..left + width).contains(&(x / w)) {
            shade
        } else {
            f64::from(v)
        }
    })
}

/// Folds: light and dark lines across, where the toner has come off.
pub(crate) fn folds(page: &GrayImage, seed: u64) -> GrayImage {
    let mut dice = Dice::new(seed);
    let w = f64::from(page.width());
    let lines: Vec<(f64, f64, f64)> = (0..9)
        .map(|_| (dice.share() * 3.0, dice.share() * w, dice.share() * w * 1.4))
        .collect();
    map(page, |x, y, v| {
        let near = lines.iter().any(|&(angle, px, py)| {
            ((x - px) * angle.sin() - (y - py) * angle.cos()).abs() < 0.0008 * w
        });
        if near {
            0.4 * f64::from(v) + 0.6 * 235.0
        } else {
            f64::from(v)
        }
    })
}

/// Black and white only, as a fax makes it.
pub(crate) fn fax(page: &GrayImage, threshold: u8) -> GrayImage {
    map(page, |_, _, v| if v < threshold { 0.0 } else { 255.0 })
}

/// Another resolution.
pub(crate) fn resampled(page: &GrayImage, factor: f64) -> GrayImage {
    let scale = |side: u32| (f64::from(side) * factor) as u32;
    let filter = imageops::FilterType::Triangle;
    imageops::resize(page, scale(page.width()), scale(page.height()), filter)
}

/// The page turned by some degrees on the scanner's white lid; its corners may be cut off.
pub(crate) fn skewed(page: &GrayImage, degrees: f64) -> GrayImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (
        f64::from(page.width()) / 2.0,
        f64::from(page.height()) / 2.0,
    );
    seen_through(page, 255, |x, y| {
        let (dx, dy) = (x - w, y - h);
        (dx * cos + dy * sin + w, dy * cos - dx * sin + h)
    })
}

/// A photo taken at a slant: the page narrows towards the top by a share, on a dark table.
pub(crate) fn photographed(page: &GrayImage, slant: f64) -> GrayImage {
    let (w, h) = (f64::from(page.width()), f64::from(page.height()));
    seen_through(page, 70, |x, y| {
        let depth = 1.0 - slant * (1.0 - y / h);
        let (x, y) = ((x - w / 2.0) / depth / 0.85, y / depth.sqrt());
        (x + w / 2.0, (y - 0.05 * h) / 0.9)
    })
}

/// Paper that lies in waves.
pub(crate) fn wavy(page: &GrayImage, height: f64) -> GrayImage {
    let w = f64::from(page.width());
    seen_through(page, 255, |x, y| {
        (
            x + height * w * (y / w * 9.0).sin(),
            y + height * w * (x / w * 7.0).sin(),
        )
    })
}

/// As a PNG image.
pub(crate) fn png(page: &GrayImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(page, page.width(), page.height(), ExtendedColorType::L8)
        .unwrap();
    bytes
}

/// As a JPEG image, quality from 1 to 100.
pub(crate) fn jpeg(page: &GrayImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(page)
        .unwrap();
    bytes
}

/// As a TIFF image, uncompressed.
pub(crate) fn tiff(page: &GrayImage) -> Vec<u8> {
    tiff_pages(&[page])
}

/// As a TIFF image of several pages.
pub(crate) fn tiff_pages(pages: &[&GrayImage]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
    for page in pages {
        encoder
            .write_image::<tiff::encoder::colortype::Gray8>(page.width(), page.height(), page)
            .unwrap();
    }
    bytes.into_inner()
}

fn map(page: &GrayImage, mut shade: impl FnMut(f64, f64, u8) -> f64) -> GrayImage {
    GrayImage::from_fn(page.width(), page.height(), |x, y| {
        let value = shade(f64::from(x), f64::from(y), page.get_pixel(x, y).0[0]);
        Luma([value.round().clamp(0.0, 255.0) as u8])
    })
}

/// Every pixel taken from where `source` says it comes from; `ground` where that is outside.
fn seen_through(
    page: &GrayImage,
    ground: u8,
    source: impl Fn(f64, f64) -> (f64, f64),
) -> GrayImage {
    GrayImage::from_fn(page.width(), page.height(), |x, y| {
        let (x, y) = source(f64::from(x), f64::from(y));
        let inside = x >= 0.0 && y >= 0.0;
        let sample = inside
            .then(|| imageops::interpolate_bilinear(page, x as f32, y as f32))
            .flatten();
        sample.unwrap_or(Luma([ground]))
    })
}
