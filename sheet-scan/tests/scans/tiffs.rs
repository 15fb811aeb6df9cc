//! TIFF files: every compression that scanners use, many pages, and damage.

use std::io::Cursor;
use std::time::{Duration, Instant};

use sheet_scan::{CodeText, Kind, Limits, ScanError, Step, Watch, read_codes, read_codes_watched};
use tiff::encoder::{Compression, TiffEncoder, colortype};

use crate::damage as d;
use crate::hostile::small;
use crate::print::{Dice, page, share_text, sheet};

/// The files of the folder `tiff`, which its README tells of.
const READ: &[(&str, &[u8])] = &[
    ("group4", include_bytes!("tiff/group4.tif")),
    ("backwards", include_bytes!("tiff/group4-backwards.tif")),
    ("inverted", include_bytes!("tiff/group4-inverted.tif")),
    ("strips", include_bytes!("tiff/group4-strips.tif")),
    ("group3", include_bytes!("tiff/group3.tif")),
    ("2d", include_bytes!("tiff/group3-two-dimensional.tif")),
    ("colour", include_bytes!("tiff/jpeg-colour.tif")),
    ("grey", include_bytes!("tiff/jpeg-grey.tif")),
    ("planes", include_bytes!("tiff/deflate-planes.tif")),
    ("bits", include_bytes!("tiff/bigtiff-deflate-bits.tif")),
];

fn texts(bytes: &[u8]) -> Result<Vec<String>, ScanError> {
    let found = read_codes(bytes, &Limits::default())?;
    Ok(found
        .iter()
        .map(|text| text.expose_text().to_owned())
        .collect())
}

#[test]
fn what_scanners_write_reads_back() {
    for (name, bytes) in READ {
        assert_eq!(texts(bytes).unwrap(), ["A SHORT TEXT"], "{name}");
    }
}

#[test]
fn every_lossless_compression_reads_back() {
    let text = share_text(60);
    let page = sheet(200.0, &text);
    for compression in [
        Compression::Uncompressed,
        Compression::Lzw,
        Compression::Packbits,
        Compression::Deflate(tiff::encoder::DeflateLevel::Fast),
    ] {
        let mut bytes = Cursor::new(Vec::new());
        TiffEncoder::new(&mut bytes)
            .unwrap()
            .with_compression(compression)
            .write_image::<colortype::Gray8>(page.width(), page.height(), &page)
            .unwrap();
        assert_eq!(texts(bytes.get_ref()).unwrap(), [text.as_str()]);
    }
}

#[test]
fn every_page_is_read_and_told() {
    #[derive(Default)]
    struct Told {
        steps: Vec<(usize, usize)>,
        failed: Vec<usize>,
    }
    impl Watch for Told {
        fn step(&mut self, step: Step) {
            self.steps.push((step.page, step.pages));
        }
        fn page_failed(&mut self, page: usize, _: &ScanError) {
            self.failed.push(page);
        }
    }
    let (one, two) = (share_text(61), share_text(62));
    let (first, words, last) = (sheet(150.0, &one), page(100.0, &[]), sheet(200.0, &two));
    let file = d::tiff_pages(&[&first, &words, &last]);
    let mut told = Told::default();
    let found = read_codes_watched(&file, &Limits::default(), &mut told).unwrap();
    let found: Vec<_> = found.iter().map(CodeText::expose_text).collect();
    assert_eq!(found, [one, two]);
    assert_eq!(told.failed, [2]);
    assert_eq!(told.steps.first(), Some(&(1, 3)));
    assert_eq!(told.steps.last(), Some(&(3, 3)));
}

#[test]
fn two_hundred_pages_are_read_and_no_more() {
    let (blank, text) = (
        image::GrayImage::from_pixel(80, 80, [255].into()),
        share_text(63),
    );
    let last = sheet(100.0, &text);
    let mut pages = vec![&blank; 199];
    pages.push(&last);
    assert_eq!(texts(&d::tiff_pages(&pages)).unwrap(), [text.as_str()]);
    pages.push(&last);
    let error = texts(&d::tiff_pages(&pages)).unwrap_err();
    assert!(
        matches!(error, ScanError::TooManyPages { most: 200 }),
        "{error}"
    );
}

#[test]
fn a_chain_of_pages_that_bites_its_tail_ends() {
    let mut file = d::tiff(&small());
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let entries = usize::from(u16::from_le_bytes([file[directory], file[directory + 1]]));
    let next = directory + 2 + 12 * entries;
    let itself = u32::try_from(directory).unwrap().to_le_bytes();
    file[next..next + 4].copy_from_slice(&itself);
    assert!(!matches!(texts(&file), Err(ScanError::TooManyPages { .. })));
}

#[test]
fn a_sort_that_is_not_read_is_named_with_what_to_do() {
    let error = texts(include_bytes!("tiff/palette.tif")).unwrap_err();
    assert!(
        matches!(
            error,
            ScanError::Unsupported {
                kind: Kind::Tiff,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().ends_with(": save it as PNG"), "{error}");
}

/// Overwrites a number of the first directory, where it stands in the entry itself.
fn claim(file: &mut [u8], tag: u16, value: u32) {
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let entry = file[directory + 2..]
        .chunks(12)
        .position(|entry| entry[..2] == tag.to_le_bytes())
        .unwrap();
    let start = directory + 2 + 12 * entry;
    // As one LONG.
    file[start + 2..start + 8].copy_from_slice(&[4, 0, 1, 0, 0, 0]);
    file[start + 8..start + 12].copy_from_slice(&value.to_le_bytes());
}

#[test]
fn a_file_that_claims_a_giant_size_is_too_large_and_costs_nothing() {
    for bytes in [READ[0].1.to_vec(), READ[7].1.to_vec(), d::tiff(&small())] {
        for side in [20_000, 2_000_000, u32::MAX] {
            let mut bomb = bytes.clone();
            claim(&mut bomb, 256, side);
            claim(&mut bomb, 257, side);
            let started = Instant::now();
            let error = texts(&bomb).unwrap_err();
            // A file whose strips do not fit its height is found damaged first.
            assert!(
                matches!(
                    error,
                    ScanError::TooLarge { .. }
                        | ScanError::Damaged {
                            kind: Kind::Tiff,
                            ..
                        }
                ),
                "{error}"
            );
            assert!(started.elapsed() < Duration::from_secs(1));
        }
    }
}

/// A picture one pixel wide with a strip for each row; all of the strips are the same, `length` bytes of `pattern`.
fn strips_over_each_other(compression: u16, strips: u32, length: u32, pattern: &[u8]) -> Vec<u8> {
    let numbers = 8 + 2 + 10 * 12 + 4;
    let entries = [
        (256_u16, 1, 1),
        (257, 1, strips),
        (258, 1, 1),
        (259, 1, compression.into()),
        (262, 1, 0),
        (266, 1, if compression == 4 { 2 } else { 1 }),
        (273, strips, numbers),
        (277, 1, 1),
        (278, 1, 1),
        (279, strips, numbers + 4 * strips),
    ];
    let mut file = b"II\x2a\0\x08\0\0\0\x0a\0".to_vec();
    for (tag, count, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(4_u16.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    let start = numbers + 8 * strips;
    file.extend(start.to_le_bytes().repeat(strips as usize));
    file.extend(length.to_le_bytes().repeat(strips as usize));
    file.extend(pattern.iter().cycle().take(length as usize));
    file
}

#[test]
fn a_hundred_thousand_strips_that_are_all_the_whole_file_are_damage_and_cost_nothing() {
    // Unchanged rows of a fax, and a JPEG image that begins again and again.
    let kinds: [(u16, &[u8]); 2] = [(4, b"\xff"), (7, b"\xff\xd8\xff\xd9")];
    for (compression, pattern) in kinds {
        let file = strips_over_each_other(compression, 100_000, 4_000_000, pattern);
        let started = Instant::now();
        let error = texts(&file).unwrap_err();
        let words = "its parts lie over each other";
        assert!(error.to_string().ends_with(words), "{compression}: {error}");
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn a_truncated_file_is_damaged() {
    for (name, whole) in READ {
        for length in [5, whole.len() / 4, whole.len() / 2] {
            let error = texts(&whole[..length]).unwrap_err();
            assert!(
                matches!(
                    error,
                    ScanError::Damaged {
                        kind: Kind::Tiff,
                        ..
                    }
                ),
                "{name}, {length}: {error}"
            );
        }
    }
}

#[test]
fn corrupted_files_never_panic_out_and_never_run_on() {
    let mut limits = Limits::default();
    limits.time = Duration::from_secs(3);
    let mut dice = Dice::new(64);
    let mut read = 0;
    for round in 0..400 {
        let mut bytes = READ[round % READ.len()].1.to_vec();
        for _ in 0..=dice.below(6) {
            let at = dice.below(bytes.len() as u64);
            bytes[at] = dice.throw() as u8;
        }
        let started = Instant::now();
        read += usize::from(read_codes(&bytes, &limits).is_ok());
        assert!(started.elapsed() < Duration::from_secs(6), "round {round}");
    }
    assert!(read > 20, "some corruptions are harmless: {read}");
}
