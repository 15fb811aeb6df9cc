//! The largest scans that are read, and what is larger.

use std::time::{Duration, Instant};

use image::GrayImage;
use sheet_scan::{Kind, Limits, ScanError, Step, Watch, read_codes, read_codes_watched};

use crate::damage as d;
use crate::pdf::{Content, document};
use crate::print::{Glass, share_text, sheet};

#[test]
fn a_page_of_120_megapixels_is_read_in_time() {
    let text = share_text(50);
    let mut glass = Glass::new(600.0, (508.0, 423.4), 250);
    glass.lay(&sheet(600.0, &text), (300.0, 200.0), 93.0);
    let (width, height) = glass.0.dimensions();
    assert!(width * height >= 120_000_000, "{width} × {height}");
    let png = d::png(&glass.0);
    drop(glass);
    let started = Instant::now();
    let found = read_codes(&png, &Limits::default()).unwrap();
    assert_eq!(found[0].expose_text(), text);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn an_image_that_claims_more_than_is_allowed_is_refused_before_anything_is_made_room_for() {
    let mut bomb = d::png(&GrayImage::new(8, 8));
    let mut claim = |width: u32, height: u32, depth: u8, colour: u8| {
        bomb[16..20].copy_from_slice(&width.to_be_bytes());
        bomb[20..24].copy_from_slice(&height.to_be_bytes());
        bomb[24..26].copy_from_slice(&[depth, colour]);
        let crc = crc_32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        let mut limits = Limits::default();
        limits.pixels = 120_000_000;
        let started = Instant::now();
        let refused = read_codes(&bomb, &limits).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(2));
        refused
    };
    // More pixels than are allowed; as many, but of eight bytes each; as many, without any data.
    assert!(matches!(
        claim(11_000, 11_000, 8, 0),
        ScanError::TooLarge {
            width: 11_000,
            height: 11_000
        }
    ));
    assert!(matches!(
        claim(12_000, 10_000, 16, 6),
        ScanError::TooLarge { .. }
    ));
    assert!(matches!(
        claim(12_000, 10_000, 8, 0),
        ScanError::Damaged { .. }
    ));
}

/// The check sum of a chunk of a PNG image (PNG specification, annex D).
fn crc_32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| bit(crc))
    })
}

/// Keeps the pages that were told of.
#[derive(Default)]
struct Pages {
    blank: usize,
    stepped: Vec<(usize, usize)>,
}

impl Watch for Pages {
    fn step(&mut self, step: Step) {
        self.stepped.push((step.page, step.pages));
    }

    fn page_failed(&mut self, _: usize, why: &ScanError) {
        self.blank += usize::from(matches!(why, ScanError::Blank));
    }
}

#[test]
fn a_document_of_200_pages_is_read_to_the_last() {
    let text = share_text(51);
    let mut pages: Vec<_> = (0..199).map(|_| Content::Nothing).collect();
    pages.push(Content::Drawn(&text));
    let mut told = Pages::default();
    let found = read_codes_watched(&document(&pages), &Limits::default(), &mut told).unwrap();
    assert_eq!(found[0].expose_text(), text);
    assert_eq!(told.blank, 199);
    assert!(told.stepped.iter().all(|&step| step == (200, 200)));
    pages.push(Content::Nothing);
    let refused = read_codes(&document(&pages), &Limits::default()).unwrap_err();
    assert!(
        matches!(refused, ScanError::TooManyPages { most: 200 }),
        "{refused}"
    );
}

/// A PDF document whose page shows an image that claims to be giant, in a few bytes.
fn bomb(side: u32, filter: &str, data: &[u8]) -> Vec<u8> {
    document(&[Content::Image {
        width: side,
        height: side,
        form: &format!("/ColorSpace /DeviceGray /BitsPerComponent 8 {filter}"),
        data,
    }])
}

#[test]
fn a_document_with_a_giant_image_in_few_bytes_is_refused_in_time() {
    for (side, filter, data) in [
        (100_000, "", &[0; 64][..]),
        (2_000_000_000, "", &[0; 64]),
        (100_000, "/Filter /RunLengthDecode", &[0x81; 64]),
        (
            100_000,
            "/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 100000 /Rows 100000 >>",
            &[0xff; 4096],
        ),
    ] {
        let started = Instant::now();
        let error = read_codes(&bomb(side, filter, data), &Limits::default()).unwrap_err();
        assert!(
            matches!(error, ScanError::TooLarge { .. }),
            "{side}{filter}: {error}"
        );
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{:?}",
            started.elapsed()
        );
    }
}

#[test]
fn a_file_that_ends_too_soon_is_named_whatever_its_kind() {
    let page = sheet(100.0, &share_text(52));
    for (kind, whole) in [(Kind::Png, d::png(&page)), (Kind::Tiff, d::tiff(&page))] {
        for length in [30, whole.len() / 3, whole.len() / 2, whole.len() - 200] {
            let error = read_codes(&whole[..length], &Limits::default()).unwrap_err();
            assert!(
                matches!(error, ScanError::Damaged { kind: named, .. } if named == kind),
                "{kind}, {length} of {}: {error}",
                whole.len()
            );
        }
    }
}

#[test]
fn a_document_that_ends_too_soon_shows_what_is_left_of_it() {
    let whole = document(&[Content::Nothing]);
    for length in [30, whole.len() / 3, whole.len() / 2, whole.len() - 20] {
        let error = read_codes(&whole[..length], &Limits::default()).unwrap_err();
        assert!(
            matches!(
                error,
                ScanError::Blank
                    | ScanError::Damaged {
                        kind: Kind::Pdf,
                        ..
                    }
            ),
            "{length}: {error}"
        );
    }
}
