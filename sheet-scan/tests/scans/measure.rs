//! Measurements, run by hand: `cargo test --release -p sheet-scan -- --ignored --nocapture measure`.

#![allow(clippy::print_stdout, reason = "measurements are for reading")]

use std::time::Instant;

use image::GrayImage;
use sheet_scan::{Limits, read_codes};

use crate::corpus::corpus;
use crate::damage::{jpeg, png};
use crate::print::{Glass, page, share_text, sheet};

#[test]
#[ignore = "a measurement"]
fn measure_a_clean_page() {
    for dpi in [200.0, 300.0, 600.0] {
        let text = share_text(1);
        let print = sheet(dpi, &text);
        for (name, bytes) in [("PNG", png(&print)), ("JPEG", jpeg(&print, 80))] {
            time(&format!("clean page, {dpi} dpi, {name}"), &bytes);
        }
    }
    time(
        "page of words, 300 dpi, nothing to read",
        &png(&page(300.0, &[])),
    );
    time(
        "blank page, 300 dpi",
        &png(&GrayImage::from_pixel(2480, 3508, [255].into())),
    );
}

/// The best of three.
fn time(name: &str, bytes: &[u8]) {
    let best = (0..3).map(|_| {
        let started = Instant::now();
        let found = read_codes(bytes, &Limits::default()).map_or(0, |found| found.len());
        (started.elapsed().as_millis(), found)
    });
    let (milliseconds, found) = best.min().unwrap_or_default();
    println!("{milliseconds:6} ms, {found} codes: {name}");
}

/// What share of the damage corpus is read, and what each public reader reads alone.
#[test]
#[ignore = "a measurement"]
fn measure_the_damage_corpus() {
    let (mut all, mut ours, mut rqrr, mut rxing) = (0, 0, 0, 0);
    let mut slowest = (0, String::new());
    for scan in corpus() {
        let started = Instant::now();
        let found = read_codes(&scan.bytes, &Limits::default()).unwrap_or_default();
        slowest = slowest.max((started.elapsed().as_millis(), scan.name.clone()));
        let read = found.iter().any(|text| text.expose_text() == scan.text);
        let page = image::load_from_memory(&scan.bytes).unwrap().into_luma8();
        all += 1;
        ours += u32::from(read);
        rqrr += u32::from(rqrr_alone(&page).contains(&scan.text));
        rxing += u32::from(rxing_alone(&page).contains(&scan.text));
        if !read {
            println!("unread: {}", scan.name);
        }
    }
    println!("{ours} of {all} read; rqrr alone {rqrr}, rxing alone {rxing}");
    println!("slowest: {} ms, {}", slowest.0, slowest.1);
}

fn rqrr_alone(page: &GrayImage) -> Vec<String> {
    let read = || {
        let mut prepared = rqrr::PreparedImage::prepare(page.clone());
        let grids = prepared.detect_grids();
        grids
            .iter()
            .filter_map(|grid| Some(grid.decode().ok()?.1))
            .collect()
    };
    std::panic::catch_unwind(read).unwrap_or_default()
}

fn rxing_alone(page: &GrayImage) -> Vec<String> {
    let (width, height) = page.dimensions();
    let code = rxing::BarcodeFormat::QR_CODE;
    let read = || rxing::helpers::detect_in_luma_slice(page, width, height, Some(code));
    let found = std::panic::catch_unwind(read).ok().and_then(Result::ok);
    found
        .iter()
        .map(|found| found.getText().to_owned())
        .collect()
}

/// How often a damaged sheet beside a clean one is missed without a word.
#[test]
#[ignore = "a measurement"]
fn measure_damaged_sheets_beside_a_clean_one() {
    let clean = sheet(200.0, &share_text(1000));
    let (mut both, mut told, mut silent) = (0, 0, 0);
    for scan in corpus() {
        let damaged = image::load_from_memory(&scan.bytes).unwrap().into_luma8();
        let mut glass = Glass::new(200.0, (440.0, 310.0), 255);
        let scale = f64::from(damaged.width()) / f64::from(clean.width());
        glass.lay(&clean, (110.0, 155.0), 0.0);
        glass.lay(
            &crate::damage::resampled(&damaged, 1.0 / scale),
            (325.0, 155.0),
            0.0,
        );
        let mut watch = Told::default();
        let bytes = png(&glass.0);
        let found = sheet_scan::read_codes_watched(&bytes, &Limits::default(), &mut watch);
        if found.is_ok_and(|found| found.len() == 2) {
            both += 1;
        } else if watch.unread.is_empty() {
            silent += 1;
            println!("missed: {}", scan.name);
        } else {
            told += 1;
        }
    }
    println!("{both} read, {told} told, {silent} missed");
}

/// What is seen on the files of a folder: `SCANS=DIR cargo test …`.
#[test]
#[ignore = "a measurement"]
fn measure_a_folder_of_files() {
    let Ok(folder) = std::env::var("SCANS") else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let mut told = Told::default();
        let started = Instant::now();
        let found = sheet_scan::read_codes_watched(&bytes, &Limits::default(), &mut told);
        let took = started.elapsed().as_millis();
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let outcome = found.map_or_else(
            |error| error.to_string(),
            |found| format!("{} codes", found.len()),
        );
        println!(
            "{took:6} ms, {} steps, {:?} unread: {outcome}: {name}",
            told.steps, told.unread
        );
    }
}

#[derive(Default)]
struct Told {
    steps: usize,
    unread: Vec<(usize, usize)>,
}

impl sheet_scan::Watch for Told {
    fn step(&mut self, _: sheet_scan::Step) {
        self.steps += 1;
    }

    fn left_unread(&mut self, page: usize, codes: usize) {
        self.unread.push((page, codes));
    }
}
