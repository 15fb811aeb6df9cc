//! Several sheets on one page: every one is read, or it is said that one was not.

use image::{GrayImage, imageops};
use sheet_scan::{CodeText, Limits, Watch, read_codes_watched};

use crate::damage as d;
use crate::print::{Glass, ON_THE_SHEET, Place, page, share_text, sheet};

/// Keeps what is told of codes that were not read.
#[derive(Default)]
struct Unread(Vec<(usize, usize)>);

impl Watch for Unread {
    fn left_unread(&mut self, page: usize, codes: usize) {
        self.0.push((page, codes));
    }
}

/// The texts in alphabetical order, and how many codes were seen and not read.
fn read(page: &[u8]) -> (Vec<String>, usize) {
    let mut unread = Unread::default();
    let found = read_codes_watched(page, &Limits::default(), &mut unread).unwrap();
    let mut texts: Vec<_> = found
        .iter()
        .map(|text| text.expose_text().to_owned())
        .collect();
    texts.sort();
    (texts, unread.0.iter().map(|&(_, codes)| codes).sum())
}

fn shares(numbers: std::ops::Range<u32>) -> Vec<String> {
    let mut texts: Vec<_> = numbers.map(share_text).collect();
    texts.sort();
    texts
}

/// A sheet folded in three, with its code on the outside.
fn folded(dpi: f64, number: u32) -> GrayImage {
    let sheet = sheet(dpi, &share_text(number));
    let dots = dpi / 25.4;
    let (top, height) = ((85.0 * dots) as u32, (99.0 * dots) as u32);
    imageops::crop_imm(&sheet, 0, top, sheet.width(), height).to_image()
}

/// The same, folded once more beside the code.
fn folded_twice(dpi: f64, number: u32) -> GrayImage {
    let sheet = folded(dpi, number);
    imageops::crop_imm(&sheet, 0, 0, sheet.width() / 2, sheet.height()).to_image()
}

const A3: (f64, f64) = (420.0, 297.0);

#[test]
fn two_sheets_on_the_glass_of_an_a3_scanner_are_both_read() {
    let mut glass = Glass::new(300.0, A3, 255);
    glass.lay(&folded(300.0, 20), (60.0, 150.0), 90.0);
    glass.lay(&folded(300.0, 21), (260.0, 120.0), 183.0);
    assert_eq!(read(&d::png(&glass.0)), (shares(20..22), 0));
}

#[test]
fn three_sheets_on_a_photo_are_all_read() {
    let mut table = Glass::new(200.0, (500.0, 400.0), 70);
    table.lay(&folded(200.0, 22), (130.0, 90.0), 12.0);
    table.lay(&folded(200.0, 23), (370.0, 140.0), 265.0);
    table.lay(&folded(200.0, 24), (140.0, 290.0), 171.0);
    let photo = d::grain(&d::shadow(&d::photographed(&table.0, 0.1), 0.4), 30.0, 1);
    assert_eq!(read(&d::jpeg(&photo, 80)), (shares(22..25), 0));
}

#[test]
fn four_sheets_in_all_directions_one_of_them_noisy_are_all_read() {
    let mut glass = Glass::new(300.0, A3, 255);
    let noisy = d::grain(&d::blur(&folded_twice(300.0, 28), 2.0), 300.0, 4);
    glass.lay(&folded_twice(300.0, 25), (70.0, 60.0), 0.0);
    glass.lay(&folded_twice(300.0, 26), (70.0, 200.0), 95.0);
    glass.lay(&folded_twice(300.0, 27), (250.0, 70.0), 173.0);
    glass.lay(&noisy, (300.0, 220.0), 350.0);
    assert_eq!(read(&d::png(&glass.0)), (shares(25..29), 0));
}

#[test]
fn a_sheet_that_cannot_be_read_beside_one_that_can_is_told() {
    for spoil in [
        |sheet: &GrayImage| d::blot(sheet, (0.254, 0.2), 0.08, 128.0),
        |sheet: &GrayImage| d::blot(sheet, (0.125, 0.07), 0.04, 128.0),
    ] {
        let mut glass = Glass::new(200.0, A3, 255);
        glass.lay(&folded(200.0, 29), (110.0, 60.0), 2.0);
        glass.lay(&spoil(&folded(200.0, 30)), (300.0, 200.0), 0.0);
        assert_eq!(read(&d::png(&glass.0)), (shares(29..30), 1));
    }
}

#[test]
fn the_same_sheet_twice_is_one_text_and_nothing_is_missing() {
    let mut glass = Glass::new(200.0, A3, 255);
    glass.lay(&folded(200.0, 31), (110.0, 60.0), 0.0);
    glass.lay(&folded(200.0, 31), (300.0, 200.0), 75.0);
    assert_eq!(read(&d::png(&glass.0)), (shares(31..32), 0));
}

#[test]
fn a_web_address_on_the_envelope_beside_a_sheet_is_read_as_well() {
    let address = "https://example.org/track/4711";
    let stamp = Place {
        left: 100.0,
        top: 20.0,
        module: 0.6,
    };
    let envelope = page(300.0, &[(address, stamp)]);
    let mut glass = Glass::new(300.0, A3, 255);
    glass.lay(&envelope, (110.0, 150.0), 180.0);
    glass.lay(&folded(300.0, 32), (310.0, 150.0), 268.0);
    let mut expected = vec![address.to_owned(), share_text(32)];
    expected.sort();
    assert_eq!(read(&d::png(&glass.0)), (expected, 0));
}

#[test]
fn every_step_looks_only_for_what_is_left() {
    struct Steps(usize);
    impl Watch for Steps {
        fn step(&mut self, _: sheet_scan::Step) {
            self.0 += 1;
        }
        fn wants(&mut self, text: &CodeText) -> bool {
            text.expose_text().len() > 100
        }
    }
    let small = Place {
        left: 130.0,
        top: 30.0,
        module: 0.75,
    };
    let text = share_text(33);
    let both = page(300.0, &[(&text, ON_THE_SHEET), ("A LABEL", small)]);
    let mut steps = Steps(0);
    let found = read_codes_watched(&d::png(&both), &Limits::default(), &mut steps).unwrap();
    assert_eq!((found.len(), steps.0), (2, 3));
}
