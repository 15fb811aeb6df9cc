//! What pages share: the letterhead, labelled values, lines to write on, and the foot of a sealed sheet.
//!
//! A value stands below its label, as on a printed form. Values are checked here and never cut.

use crate::fonts::Face;
use crate::page::{Page, Style};
use crate::paper::{GUTTER, TEXT_WIDTH};
use crate::typeset::fit;
use crate::{PaperError, field};

pub(crate) const ORGANISATION: Style = Style::new(Face::Semibold, 11.0);
pub(crate) const HEADING: Style = Style::new(Face::Semibold, 9.5);
pub(crate) const LABEL: Style = Style::grey(Face::Regular, 7.0);
pub(crate) const VALUE: Style = Style::new(Face::Regular, 10.0);
pub(crate) const HEX: Style = Style::new(Face::Mono, 9.0);
const STRONG: Style = Style::new(Face::Semibold, 24.0);
const LIGHT: Style = Style::new(Face::Regular, 24.0);

const NOTICE_LINE: f32 = 11.0;
const ORGANISATION_LINE: f32 = 18.0;
const HEADLINE: f32 = 31.0;
const SIGNATURES_FROM_BOTTOM: f32 = 33.0;
const SIGNATURE_ROW: f32 = 12.0;
const ADVICE_FROM_BOTTOM: f32 = 10.5;
/// Height of the foot of a sealed sheet, with room to write above its first line.
pub(crate) const SEALING_HEIGHT: f32 = SIGNATURES_FROM_BOTTOM + 12.0;
/// Height of a labelled value, with room for two lines of the smallest size.
pub(crate) const CELL_HEIGHT: f32 = 11.0;

/// The organisation and the page's headline; on a rehearsal's page, what it is worth.
pub(crate) fn letterhead(
    page: &mut Page,
    organisation: &str,
    rehearsal: bool,
    [strong, light]: [&str; 2],
) -> Result<(), PaperError> {
    let left = page.paper.left();
    if rehearsal {
        page.text(left, NOTICE_LINE, ORGANISATION, "REHEARSAL — opens nothing");
    }
    let organisation = field::printable("organisation", organisation)?;
    fit("organisation", organisation, ORGANISATION, TEXT_WIDTH)?.set(page, left, ORGANISATION_LINE);
    page.text(left, HEADLINE, STRONG, strong);
    page.text(left + STRONG.width(strong), HEADLINE, LIGHT, light);
    Ok(())
}

/// A labelled value in a column.
pub(crate) struct Cell<'a> {
    pub(crate) x: f32,
    pub(crate) width: f32,
    pub(crate) label: &'a str,
    pub(crate) value: &'a str,
    pub(crate) style: Style,
}

impl Cell<'_> {
    /// Sets the cell below `y`. The label, in lower case, is the field's name in an error.
    pub(crate) fn set(&self, page: &mut Page, y: f32) -> Result<(), PaperError> {
        let name = self.label.to_lowercase();
        let fitted = fit(
            &name,
            field::printable(&name, self.value)?,
            self.style,
            self.width,
        )?;
        let baseline = if fitted.lines.len() == 1 {
            y + 8.0
        } else {
            y + 6.7
        };
        page.rule(self.x, y, self.width);
        page.text(self.x, y + 3.4, LABEL, self.label);
        fitted.set(page, self.x, baseline);
        Ok(())
    }
}

/// A line to write on at `y`, and below it what to write.
pub(crate) fn blank(page: &mut Page, x: f32, y: f32, width: f32, label: &str) {
    page.writing_line(x, y, width);
    page.text(x, y + 3.4, LABEL, label);
}

/// The foot of a sheet that goes into an envelope: who signs, what is noted, how it is stored.
pub(crate) fn sealing(page: &mut Page, keeper: &str) {
    let width = (TEXT_WIDTH - 2.0 * GUTTER) / 3.0;
    let mut y = page.paper.height() - SIGNATURES_FROM_BOTTOM;
    for labels in [
        [keeper, "Witness", "Witness"],
        ["Envelope serial", "Date sealed", "Place"],
    ] {
        let mut x = page.paper.left();
        for label in labels {
            blank(page, x, y, width, label);
            x += width + GUTTER;
        }
        y += SIGNATURE_ROW;
    }
    let advice = "Print on acid-free paper with black toner, at 100 % scale, on one side. Keep dry and dark, flat or folded \
                  twice. Do not laminate, do not photocopy.";
    page.text(
        page.paper.left(),
        page.paper.height() - ADVICE_FROM_BOTTOM,
        LABEL,
        advice,
    );
}
