//! The upper third: whose archive, which share, who keeps it.

use super::ShareSheet;
use crate::fonts::Face;
use crate::form::{self, CELL_HEIGHT, Cell, HEX, VALUE};
use crate::page::{Page, Style};
use crate::paper::{GUTTER, NARROW, WIDE};
use crate::{PaperError, field};

const NOTICE_WORD: Style = Style::new(Face::Semibold, 8.3);
const NOTICE: Style = Style::new(Face::Regular, 8.3);
const CONFIDENTIAL_LINE: f32 = 38.5;
const TABLE_TOP: f32 = 44.5;

pub(super) fn set(page: &mut Page, sheet: &ShareSheet<'_>) -> Result<(), PaperError> {
    let share = format!("Share {} of {}", sheet.share_index, sheet.shares);
    let quorum = format!(" · any {} open the archive", sheet.threshold);
    form::letterhead(page, sheet.organisation, sheet.rehearsal, [&share, &quorum])?;
    confidential(page, sheet.threshold);
    table(page, sheet)
}

fn confidential(page: &mut Page, threshold: u8) {
    let left = page.paper.left();
    let (word, blank) = ("Confidential.", NOTICE.width(" "));
    page.text(left, CONFIDENTIAL_LINE, NOTICE_WORD, word);
    let notice = format!(
        "Whoever has {threshold} of these sheets reads the whole archive. Keep this sheet sealed; do not photograph or copy it."
    );
    page.text(
        left + NOTICE_WORD.width(word) + blank,
        CONFIDENTIAL_LINE,
        NOTICE,
        &notice,
    );
}

/// Four rows in the grid's two columns: the person on the left, the archive on the right.
fn table(page: &mut Page, sheet: &ShareSheet<'_>) -> Result<(), PaperError> {
    let fingerprint = field::fingerprint("key fingerprint", sheet.fingerprint)?;
    let set_id = field::set_id("set id", sheet.set_id)?;
    let left = page.paper.left();
    let second = page.paper.second();
    let half = (WIDE - GUTTER) / 2.0;
    let third = second + half + GUTTER;
    let cells = [
        (0.0, left, NARROW, "Custodian", sheet.custodian, VALUE),
        (1.0, left, NARROW, "Role", sheet.role, VALUE),
        (2.0, left, NARROW, "Envelope", sheet.envelope, VALUE),
        (3.0, left, NARROW, "Ceremony", sheet.ceremony_date, VALUE),
        (0.0, second, WIDE, "Archive", sheet.archive, VALUE),
        (1.0, second, WIDE, "Key fingerprint", &fingerprint, HEX),
        (2.0, second, WIDE, "Set id", set_id, HEX),
        (3.0, second, half, "Program", sheet.program, VALUE),
        (3.0, third, half, "Format", sheet.format, VALUE),
    ];
    for (row, x, width, label, value, style) in cells {
        Cell {
            x,
            width,
            label,
            value,
            style,
        }
        .set(page, TABLE_TOP + row * CELL_HEIGHT)?;
    }
    Ok(())
}
