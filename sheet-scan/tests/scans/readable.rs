//! Clean prints and ordinary scans: all must read back.

use image::{GrayImage, imageops};
use sheet_scan::{CodeText, Limits, Step, Watch, read_codes, read_codes_watched};

use crate::damage as d;
use crate::print::{ON_THE_SHEET, Place, page, share_text, sheet};

fn texts(bytes: &[u8]) -> Vec<String> {
    let found = read_codes(bytes, &Limits::default()).unwrap();
    found
        .iter()
        .map(|text| text.expose_text().to_owned())
        .collect()
}

/// Spoils a sheet at 200 and at 300 dpi and reads it back.
fn reads_back(damage: impl Fn(&GrayImage) -> Vec<u8>) {
    for dpi in [200.0, 300.0] {
        let text = share_text(1);
        assert_eq!(texts(&damage(&sheet(dpi, &text))), [text], "at {dpi} dpi");
    }
}

#[test]
fn a_clean_print_reads_back() {
    reads_back(d::png);
}

#[test]
fn any_quarter_turn_reads_back() {
    reads_back(|page| d::png(&imageops::rotate90(page)));
    reads_back(|page| d::png(&imageops::rotate180(page)));
    reads_back(|page| d::png(&imageops::rotate270(page)));
}

#[test]
fn skew_to_ten_degrees_reads_back() {
    for degrees in [3.0, 7.0, 10.0, -10.0] {
        reads_back(|page| d::png(&d::skewed(page, degrees)));
    }
}

#[test]
fn jpeg_quality_20_reads_back() {
    reads_back(|page| d::jpeg(page, 20));
}

#[test]
fn low_contrast_reads_back() {
    reads_back(|page| d::png(&d::low_contrast(page, 100, 150)));
}

#[test]
fn uneven_light_reads_back() {
    reads_back(|page| d::png(&d::uneven_light(page, 0.2)));
    reads_back(|page| d::png(&d::shadow(page, 0.6)));
}

#[test]
fn a_coffee_stain_reads_back() {
    reads_back(|page| d::png(&d::stain(page, (0.30, 0.65), 0.09, 0.75)));
    reads_back(|page| d::png(&d::blot(page, (0.27, 0.63), 0.03, 60.0)));
}

#[test]
fn specks_read_back() {
    reads_back(|page| d::png(&d::salt_and_pepper(page, 0.05, 1)));
}

#[test]
fn slight_blur_reads_back() {
    reads_back(|page| d::png(&d::blur(page, 2.0)));
}

#[test]
fn ordinary_faults_together_read_back() {
    reads_back(|page| {
        let page = d::skewed(page, 4.0);
        let page = d::uneven_light(&d::low_contrast(&page, 40, 220), 0.5);
        d::jpeg(&d::blur(&d::grain(&page, 30.0, 2), 1.0), 40)
    });
}

#[test]
fn a_fax_and_a_photo_read_back() {
    reads_back(|page| d::png(&d::fax(page, 128)));
    reads_back(|page| d::jpeg(&d::photographed(page, 0.15), 80));
}

#[test]
fn a_colour_scan_with_transparent_ground_reads_back() {
    let text = share_text(2);
    let grey = sheet(200.0, &text);
    let colour = image::RgbaImage::from_fn(grey.width(), grey.height(), |x, y| {
        let ink = 255 - grey.get_pixel(x, y).0[0];
        [20, 0, 60, ink].into()
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    colour
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    assert_eq!(texts(bytes.get_ref()), [text]);
}

#[test]
fn two_codes_on_one_page_are_both_read() {
    let (one, two) = (share_text(3), share_text(4));
    let second = || Place {
        left: 115.0,
        top: 200.0,
        module: 1.1,
    };
    let both = page(200.0, &[(&one, ON_THE_SHEET), (&two, second())]);
    let mut found = texts(&d::png(&both));
    found.sort();
    let mut expected = [one, two];
    expected.sort();
    assert_eq!(found, expected);
}

/// Reads until a text is found that is wanted, and counts the steps.
struct Wanting<'text> {
    text: &'text str,
    steps: usize,
}

impl Watch for Wanting<'_> {
    fn step(&mut self, _: Step) {
        self.steps += 1;
    }

    fn wants(&mut self, text: &CodeText) -> bool {
        text.expose_text() == self.text
    }
}

#[test]
fn a_damaged_code_beside_a_clean_one_is_read_as_well() {
    let (clean, damaged) = (share_text(5), share_text(6));
    let second = Place {
        left: 115.0,
        top: 20.0,
        module: 1.1,
    };
    let both = page(300.0, &[(&damaged, ON_THE_SHEET), (&clean, second)]);
    let spoilt = d::png(&d::stain(&both, (0.18, 0.65), 0.09, 0.85));
    let mut watch = Wanting {
        text: &clean,
        steps: 0,
    };
    let found = read_codes_watched(&spoilt, &Limits::default(), &mut watch).unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        watch.steps > 1,
        "the damaged code took more than the first step"
    );
}

#[test]
fn the_same_code_twice_is_one_text() {
    let text = share_text(7);
    let second = Place {
        left: 115.0,
        top: 200.0,
        module: 1.1,
    };
    let twice = page(200.0, &[(&text, ON_THE_SHEET), (&text, second)]);
    assert_eq!(texts(&d::png(&twice)), [text]);
}

#[test]
fn a_foreign_code_is_returned_for_the_caller_to_name() {
    let foreign = "https://example.org/café";
    assert_eq!(texts(&d::png(&sheet(200.0, foreign))), [foreign]);
}

#[test]
fn a_search_goes_on_past_codes_that_are_not_wanted() {
    let text = share_text(6);
    let sticker = Place {
        left: 115.0,
        top: 20.0,
        module: 1.5,
    };
    let print = page(
        300.0,
        &[(&text, ON_THE_SHEET), ("EVIDENCE BAG 4711", sticker)],
    );
    let spoilt = d::png(&grainy_below(&print, 80.0, 400.0));
    let mut watch = Wanting {
        text: &text,
        steps: 0,
    };
    let found = read_codes_watched(&spoilt, &Limits::default(), &mut watch).unwrap();
    let found: Vec<_> = found.iter().map(CodeText::expose_text).collect();
    assert_eq!(found, ["EVIDENCE BAG 4711", &text]);
    assert!(watch.steps > 3, "the sheet took more than the first steps");
}

/// The page with noise from some height on.
fn grainy_below(page: &GrayImage, top: f64, strength: f64) -> GrayImage {
    let grainy = d::grain(page, strength, 3);
    let top = (top / 297.0 * f64::from(page.height())) as u32;
    GrayImage::from_fn(page.width(), page.height(), |x, y| {
        *(if y < top { page } else { &grainy }).get_pixel(x, y)
    })
}
