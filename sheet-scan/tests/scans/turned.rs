//! Sheets in any direction: a scanner's glass and a table have no upper side.

use crate::damage as d;
use crate::print::{Glass, share_text, sheet};
use sheet_scan::{Limits, read_codes};

fn reads(page: &[u8], text: &str) -> bool {
    read_codes(page, &Limits::default())
        .is_ok_and(|found| found.len() == 1 && found[0].expose_text() == text)
}

/// Six directions: one in every quarter, and every multiple of 15° in some quarter.
fn all_around() -> impl Iterator<Item = f64> {
    (0..6).map(|turn| f64::from(turn * 105 % 360))
}

#[test]
fn a_clean_page_reads_back_in_any_direction() {
    let text = share_text(40);
    let page = sheet(300.0, &text);
    for degrees in all_around() {
        let mut glass = Glass::new(300.0, (370.0, 370.0), 255);
        glass.lay(&page, (185.0, 185.0), degrees);
        assert!(reads(&d::png(&glass.0), &text), "{degrees}°");
    }
}

#[test]
fn a_photo_reads_back_in_any_direction() {
    let text = share_text(41);
    let page = sheet(150.0, &text);
    for degrees in all_around() {
        let mut table = Glass::new(150.0, (400.0, 400.0), 70);
        table.lay(&page, (200.0, 200.0), degrees);
        let photo = d::shadow(&d::photographed(&table.0, 0.15), 0.5);
        let photo = d::grain(&d::blur(&photo, 1.0), 30.0, degrees as u64);
        assert!(reads(&d::jpeg(&photo, 80), &text), "{degrees}°");
    }
}
