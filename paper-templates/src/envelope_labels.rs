//! The labels for the envelopes: whose sheet is inside; and one for the revocation sheet, one for the record. No secret.
//!
//! Eight to a page, in the grid of ready-made label sheets of two by four; on plain paper, to be cut along the lines.

use crate::ceremony_record::RecordedCustodian;
use crate::fonts::Face;
use crate::form::{self, Cell, VALUE};
use crate::page::{Page, Style};
use crate::paper::NARROW;
use crate::typeset::{fit, leading};
use crate::{Paper, PaperError, draw, field};

const ON_A_PAGE: usize = 8;
/// From a label's edges to its text.
const INSET: f32 = 8.0;
const GUTTER: f32 = 4.0;
const TITLE_LINE: f32 = 12.2;
const CELLS_TOP: f32 = 14.6;
const CELL: f32 = 10.8;
/// Below a line to write on.
const LABEL_HEIGHT: f32 = 4.2;

const OWNER: Style = Style::new(Face::Semibold, 8.3);
const TITLE: Style = Style::new(Face::Semibold, 13.0);
const SMALL: Style = Style::new(Face::Regular, 7.5);

/// What stands on the labels of one ceremony's envelopes.
#[derive(Debug)]
pub struct EnvelopeLabels<'a> {
    /// Who owns the archive.
    pub organisation: &'a str,
    /// The number of shares n.
    pub shares: u8,
    /// The set id: 20 base32 characters in five groups.
    pub set_id: &'a str,
    /// The day of the ceremony, `2026-11-24`.
    pub ceremony_date: &'a str,
    /// One label for each; two more are added.
    pub custodians: &'a [RecordedCustodian<'a>],
    /// Whether these are a rehearsal's labels.
    pub rehearsal: bool,
}

/// Makes the labels, eight to a page.
///
/// # Errors
///
/// [`PaperError`] names the field that is empty, malformed, holds a character that the fonts lack, or has
/// no room.
pub fn envelope_labels(labels: &EnvelopeLabels<'_>, paper: Paper) -> Result<Vec<u8>, PaperError> {
    let title = format!("Envelope labels, set {}", labels.set_id);
    let pages = pages(labels, paper)?;
    // Moved out of the wiping buffer: a label is no secret.
    draw::pdf(&pages, &title).map(|mut bytes| std::mem::take(&mut *bytes))
}

fn pages(labels: &EnvelopeLabels<'_>, paper: Paper) -> Result<Vec<Page>, PaperError> {
    field::set_id("set id", labels.set_id)?;
    let shares = labels.custodians.iter().map(Inside::Share);
    let inside: Vec<Inside<'_>> = shares.chain([Inside::Revocation, Inside::Record]).collect();
    inside
        .chunks(ON_A_PAGE)
        .map(|on_a_page| page(labels, on_a_page, paper))
        .collect()
}

/// What is in an envelope.
enum Inside<'a> {
    Share(&'a RecordedCustodian<'a>),
    Revocation,
    Record,
}

impl Inside<'_> {
    fn title(&self, labels: &EnvelopeLabels<'_>) -> String {
        match self {
            Self::Share(custodian) => {
                format!("Share {} of {}", custodian.share_index, labels.shares)
            }
            Self::Revocation => "Revocation sheet".to_owned(),
            Self::Record => "Ceremony record".to_owned(),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Share(_) => "To be opened at an audit only, by the custodian, before witnesses.",
            Self::Revocation => {
                "Declares the key invalid, reads no mail. Keep apart from the shares."
            }
            Self::Record => "No secret, but not to be published: it names the custodians.",
        }
    }
}

fn page(
    labels: &EnvelopeLabels<'_>,
    inside: &[Inside<'_>],
    paper: Paper,
) -> Result<Page, PaperError> {
    let mut page = Page::new(paper, labels.rehearsal);
    page.cutting_lines();
    for (inside, place) in inside.iter().zip(places(paper)) {
        label(&mut page, &place, labels, inside)?;
    }
    Ok(page)
}

/// The places on a page, row by row.
fn places(paper: Paper) -> impl Iterator<Item = Place> {
    let (width, height) = (paper.width() / 2.0, paper.height() / 4.0);
    let place = move |row: f32, column: f32| Place {
        x: column * width + INSET,
        y: row * height + INSET,
        width: width - 2.0 * INSET,
        height: height - 2.0 * INSET,
    };
    [0.0, 1.0, 2.0, 3.0]
        .into_iter()
        .flat_map(move |row| [0.0, 1.0].map(|column| place(row, column)))
}

/// Where a label's text stands.
struct Place {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

fn label(
    page: &mut Page,
    place: &Place,
    labels: &EnvelopeLabels<'_>,
    inside: &Inside<'_>,
) -> Result<(), PaperError> {
    let organisation = field::printable("organisation", labels.organisation)?;
    fit("organisation", organisation, OWNER, place.width)?.set(page, place.x, place.y + 3.0);
    page.text(place.x, place.y + TITLE_LINE, TITLE, &inside.title(labels));
    if labels.rehearsal {
        let right = place.x + place.width;
        page.text_before(
            right,
            place.y + TITLE_LINE,
            OWNER,
            "REHEARSAL — opens nothing",
        );
    }
    match inside {
        Inside::Share(custodian) => kept_by(page, place, custodian)?,
        Inside::Revocation | Inside::Record => kept_by_somebody(page, place),
    }
    let (serial_row, second) = (place.y + CELLS_TOP + 2.0 * CELL, place.x + NARROW + GUTTER);
    let ceremony = Cell {
        x: second,
        width: place.width - NARROW - GUTTER,
        label: "Ceremony",
        value: labels.ceremony_date,
        style: VALUE,
    };
    ceremony.set(page, serial_row)?;
    let bottom = place.y + place.height;
    let set = format!("Set {}", labels.set_id);
    page.text(place.x, bottom - leading(SMALL.size), SMALL, &set);
    page.text(place.x, bottom, SMALL, inside.advice());
    Ok(())
}

/// Each value has the width that it has on the sheet, or more: what fits there fits here.
fn kept_by(
    page: &mut Page,
    place: &Place,
    custodian: &RecordedCustodian<'_>,
) -> Result<(), PaperError> {
    let cells = [
        (0.0, place.width, "Custodian", custodian.name),
        (1.0, place.width, "Role", custodian.role),
        (2.0, NARROW, "Envelope serial", custodian.envelope),
    ];
    for (row, width, label, value) in cells {
        let cell = Cell {
            x: place.x,
            width,
            label,
            value,
            style: VALUE,
        };
        cell.set(page, place.y + CELLS_TOP + row * CELL)?;
    }
    Ok(())
}

/// Lines to write on.
fn kept_by_somebody(page: &mut Page, place: &Place) {
    let top = place.y + CELLS_TOP;
    form::blank(
        page,
        place.x,
        top + CELL - LABEL_HEIGHT,
        place.width,
        "Kept by",
    );
    form::blank(
        page,
        place.x,
        top + 3.0 * CELL - LABEL_HEIGHT,
        NARROW,
        "Envelope serial",
    );
}
