//! Whatever is not a scan fails by name, and nothing makes the readers panic or run on.

use std::time::{Duration, Instant};

use image::GrayImage;
use sheet_scan::{Kind, Limits, ScanError, Step, Watch, read_codes, read_codes_watched};

use crate::damage as d;
use crate::print::{Dice, ON_THE_SHEET, Place, page, share_text, sheet};

fn fails(bytes: &[u8]) -> ScanError {
    read_codes(bytes, &Limits::default()).unwrap_err()
}

#[test]
fn a_blank_page_has_no_code() {
    let blank = GrayImage::from_pixel(1654, 2339, [250].into());
    let error = fails(&d::png(&blank));
    assert!(matches!(error, ScanError::Blank), "{error}");
}

#[test]
fn a_page_of_words_has_no_code() {
    let error = fails(&d::png(&page(200.0, &[])));
    assert!(
        matches!(error, ScanError::NoCode { seen: false, .. }),
        "{error}"
    );
}

#[test]
fn a_code_spoilt_beyond_repair_is_seen_but_not_read() {
    let spoilt = d::blot(&sheet(200.0, &share_text(1)), (0.254, 0.602), 0.08, 128.0);
    let error = fails(&d::png(&spoilt));
    assert!(
        matches!(error, ScanError::NoCode { seen: true, .. }),
        "{error}"
    );
}

#[test]
fn what_is_no_image_is_named() {
    let cases: [(&[u8], Kind); 6] = [
        (b"", Kind::Empty),
        (b"SHARE 2 OF 5\nabandon ability\n", Kind::Text),
        (b"\x00\x01\x02garbage\xff\xfe", Kind::Unknown),
        (b"RIFF\0\0\0\0WEBPVP8 ", Kind::WebP),
        (b"GIF89a", Kind::Gif),
        (b"\x00\x00\x00\x18ftypheic", Kind::Heif),
    ];
    for (bytes, kind) in cases {
        let error = fails(bytes);
        assert!(
            matches!(error, ScanError::NotAnImage(named) if named == kind),
            "{error}"
        );
    }
    assert_eq!(
        fails(b"some words").to_string(),
        "this is a text file, not a PNG, JPEG or TIFF image or a PDF document"
    );
}

#[test]
fn a_truncated_png_is_damaged() {
    let whole = d::png(&sheet(100.0, "TEXT"));
    for length in [9, 20, 40, whole.len() / 2, whole.len() - 30] {
        let error = fails(&whole[..length]);
        assert!(
            matches!(
                error,
                ScanError::Damaged {
                    kind: Kind::Png,
                    ..
                }
            ),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_jpeg_without_a_picture_is_damaged() {
    let whole = d::jpeg(&sheet(100.0, "TEXT"), 80);
    for length in [3, 20, 100] {
        let error = fails(&whole[..length]);
        assert!(
            matches!(
                error,
                ScanError::Damaged {
                    kind: Kind::Jpeg,
                    ..
                }
            ),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_png_that_claims_a_giant_size_is_too_large_and_costs_nothing() {
    let mut bomb = d::png(&GrayImage::new(8, 8));
    for side in [100_000u32, u32::MAX / 2] {
        bomb[16..20].copy_from_slice(&side.to_be_bytes());
        bomb[20..24].copy_from_slice(&side.to_be_bytes());
        let started = Instant::now();
        let error = fails(&bomb);
        let side = u64::from(side);
        assert!(
            matches!(error, ScanError::TooLarge { width, height } if width == side && height == side),
            "{error}"
        );
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn a_jpeg_that_claims_a_giant_size_is_too_large() {
    let mut bomb = d::jpeg(&GrayImage::new(8, 8), 80);
    let frame = bomb
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    bomb[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let error = fails(&bomb);
    assert!(
        matches!(
            error,
            ScanError::TooLarge {
                width: 65_535,
                height: 65_535
            }
        ),
        "{error}"
    );
}

#[test]
fn a_page_full_of_finder_patterns_ends_in_time() {
    let mut trap = GrayImage::from_pixel(1800, 1800, [255].into());
    for (x, y, pixel) in trap.enumerate_pixels_mut() {
        let (x, y) = (x % 18 / 2, y % 18 / 2);
        let ring = x.abs_diff(3).max(y.abs_diff(3));
        if matches!(ring, 0 | 1 | 3) && x < 7 && y < 7 {
            *pixel = [0].into();
        }
    }
    let limits = limits_of(Duration::from_secs(2));
    let started = Instant::now();
    let error = read_codes(&d::png(&trap), &limits).unwrap_err();
    assert!(
        matches!(error, ScanError::OutOfTime { seconds: 2 }),
        "{error}"
    );
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_strip_of_any_length_ends_in_time_and_memory() {
    let strip = GrayImage::from_pixel(60_000, 150, [250].into());
    let strip = d::salt_and_pepper(&strip, 0.01, 1);
    let started = Instant::now();
    let error = fails(&d::png(&strip));
    assert!(matches!(error, ScanError::NoCode { .. }), "{error}");
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn without_time_nothing_is_read() {
    let error = read_codes(&d::png(&sheet(100.0, "TEXT")), &limits_of(Duration::ZERO)).unwrap_err();
    assert!(
        matches!(error, ScanError::OutOfTime { seconds: 0 }),
        "{error}"
    );
}

fn limits_of(time: Duration) -> Limits {
    let mut limits = Limits::default();
    limits.time = time;
    limits
}

#[test]
fn every_step_is_told() {
    struct Steps(Vec<Step>);
    impl Watch for Steps {
        fn step(&mut self, step: Step) {
            self.0.push(step);
        }
    }
    let mut steps = Steps(Vec::new());
    let words = d::png(&page(100.0, &[]));
    let error = read_codes_watched(&words, &Limits::default(), &mut steps).unwrap_err();
    let ScanError::NoCode { steps: tried, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(steps.0.len(), tried);
    for (step, number) in steps.0.iter().zip(1..) {
        assert_eq!((step.page, step.pages), (1, 1));
        assert_eq!((step.number, step.of), (number, tried));
    }
}

/// A small image with a code, so that many corruptions can be tried.
pub(crate) fn small() -> GrayImage {
    let place = Place {
        left: 15.0,
        top: 15.0,
        module: ON_THE_SHEET.module,
    };
    let print = page(100.0, &[("A SHORT TEXT", place)]);
    image::imageops::crop_imm(&print, 20, 20, 180, 180).to_image()
}

#[test]
fn corrupted_images_never_panic_out_and_never_run_on() {
    let originals = [d::png(&small()), d::jpeg(&small(), 70)];
    let limits = limits_of(Duration::from_secs(3));
    let mut dice = Dice::new(42);
    let mut read = 0;
    for round in 0..400 {
        let mut bytes = originals[round % 2].clone();
        for _ in 0..=dice.below(6) {
            let at = dice.below(bytes.len() as u64);
            bytes[at] = dice.throw() as u8;
        }
        if dice.below(4) == 0 {
            bytes.truncate(dice.below(bytes.len() as u64));
        }
        let started = Instant::now();
        read += usize::from(read_codes(&bytes, &limits).is_ok());
        assert!(started.elapsed() < Duration::from_secs(6), "round {round}");
    }
    assert!(read > 20, "some corruptions are harmless: {read}");
}

#[test]
fn errors_and_debug_never_tell_a_text() {
    let text = share_text(9);
    let found = read_codes(&d::png(&sheet(200.0, &text)), &Limits::default()).unwrap();
    assert_eq!(format!("{found:?}"), "[CodeText(<redacted>)]");
}
