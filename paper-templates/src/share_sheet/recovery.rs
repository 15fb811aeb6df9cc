//! The middle third: the code, and how a stranger opens the archive without this program.
//!
//! The steps say what `docs/format.md` says of the share frame (§ 4), of interpolation (§ 2) and of the
//! sealed key (§ 6) of the `classic` profile, and nothing else; when the one changes, so does the other.

use super::ShareSheet;
use super::share_text::ShareText;
use crate::code::{Code, Level};
use crate::fonts::Face;
use crate::form::{HEADING, LABEL};
use crate::page::{Page, Style};
use crate::paper::{NARROW, WIDE};
use crate::typeset::{leading, paragraph};
use crate::{Paper, PaperError};

/// From the upper fold to the code; more than the quiet zone.
const FOLD_TO_CODE: f32 = 8.0;
const BODY: f32 = 8.3;
const NUMBER_WIDTH: f32 = 5.0;
const BETWEEN_STEPS: f32 = 1.2;

const NUMBER: Style = Style::new(Face::Semibold, BODY);

pub(super) fn set(
    page: &mut Page,
    sheet: &ShareSheet<'_>,
    text: &ShareText<'_>,
) -> Result<(), PaperError> {
    let code = Code::new("share text", text.expose_whole(), Level::Quartile, NARROW)?;
    let (left, top) = (page.paper.left(), code_top(page.paper));
    let caption = top + code.side() + code.quiet_zone() + 2.0;
    page.text(
        left,
        caption,
        LABEL,
        "QR code, level Q: the text in the last rows below",
    );
    page.code(left, top, code);
    steps(page, sheet, text.prefix(), top);
    Ok(())
}

fn code_top(paper: Paper) -> f32 {
    let [fold, _] = paper.folds();
    fold + FOLD_TO_CODE
}

fn steps(page: &mut Page, sheet: &ShareSheet<'_>, prefix: &str, top: f32) {
    let x = page.paper.second();
    let mut y = top + 3.0;
    page.text(x, y, HEADING, "To open the archive, now or in thirty years");
    y += leading(HEADING.size) + 1.0;
    for (number, step) in (1..).zip(step_texts(sheet, prefix)) {
        page.text(x, y, NUMBER, &format!("{number}"));
        y = paragraph(page, x + NUMBER_WIDTH, y, WIDE - NUMBER_WIDTH, BODY, &step) + BETWEEN_STEPS;
    }
}

fn step_texts(sheet: &ShareSheet<'_>, prefix: &str) -> [String; 5] {
    let k = sheet.threshold;
    [
        format!(
            "Bring together any {k} of the {} sheets with the set id above; fewer reveal nothing. \
             Where the program still runs, `custodian open` does the rest.",
            sheet.shares
        ),
        format!(
            "Read each code with any QR reader, or type its text, last below. After `{prefix}:` comes base32 (RFC 4648) \
             of these bytes: version, kind, profile, flags, threshold, x, two for groups (1 byte each); set id (12); \
             y (32, little-endian); check (4)."
        ),
        format!(
            "Modulo ℓ = 2²⁵² + 27742317777372353535851937790883648493, compute from {k} sheets \
             s = ∑ y · ∏ x′ / (x′ − x), each product over the x′ of the other sheets: Shamir’s scheme, \
             Lagrange interpolation at 0."
        ),
        "HKDF-SHA-512 (RFC 5869) with no salt, with the byte 01 and s (32 bytes, little-endian) as input and \
         `archiver v1 key passphrase`, the byte 00 and the bytes of the key fingerprint as info, gives 32 bytes. \
         Written as 64 lower-case hexadecimal digits they are the passphrase of `archive.sealed.asc`."
            .to_owned(),
        "Import that file into GnuPG or another OpenPGP program and decrypt the vault, message by message. A short program for \
         all this stands on the recovery page of this ceremony and in `docs/recovery.md` of the archiver custody toolkit."
            .to_owned(),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn no_fold_goes_through_the_code_or_its_quiet_zone() {
        for paper in [Paper::A4, Paper::Letter] {
            let code = Code::new("share", &"A".repeat(107), Level::Quartile, NARROW).unwrap();
            let top = code_top(paper) - code.quiet_zone();
            let bottom = code_top(paper) + code.side() + code.quiet_zone();
            let [upper, lower] = paper.folds();
            assert!(upper < top && bottom < lower, "{paper:?}");
        }
    }
}
