//! The sheet with the revocation certificate: the text that declares the archive key dead.
//!
//! One page: what it does and when to use it, the certificate as a QR code where it fits, and the
//! certificate in numbered lines. It opens nothing, but whoever has it can make others refuse the key, so
//! it is treated as a secret.

use std::fmt;

use zeroize::Zeroizing;

use crate::code::{Code, Level};
use crate::fonts::Face;
use crate::form::{self, CELL_HEIGHT, Cell, HEADING, HEX, LABEL, VALUE};
use crate::page::{Page, Style};
use crate::paper::{GUTTER, NARROW, TEXT_WIDTH, WIDE};
use crate::typeset::{leading, paragraph};
use crate::{Paper, PaperError, SecretPdf, draw, field};

const TABLE_TOP: f32 = 40.0;
const BODY_TOP: f32 = 72.0;
const BODY: f32 = 9.0;
/// Largest certificate that goes into one code, in bytes, and that code's side.
const LARGEST_CODED: usize = 600;
const LARGEST_SIDE: f32 = 90.0;
const LONGEST_LINE: usize = 76;

const CODE_LINE: Style = Style::new(Face::Mono, 9.5);
const LINE_NUMBER: Style = Style::grey(Face::Mono, 7.0);
const NUMBER_WIDTH: f32 = 8.0;

/// What stands on the revocation sheet.
pub struct RevocationSheet<'a> {
    /// Who owns the archive.
    pub organisation: &'a str,
    /// The archive's OpenPGP user id.
    pub archive: &'a str,
    /// The primary key's fingerprint: 40 or 64 hexadecimal digits, not grouped.
    pub fingerprint: &'a str,
    /// The day of the ceremony, `2026-11-24`.
    pub ceremony_date: &'a str,
    /// The program and its version.
    pub program: &'a str,
    /// The revocation certificate in ASCII armor (RFC 4880 § 6.2), lines of at most 76 characters.
    pub certificate: &'a str,
    /// Whether this is a rehearsal's sheet.
    pub rehearsal: bool,
}

impl fmt::Debug for RevocationSheet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationSheet")
            .field("fingerprint", &self.fingerprint)
            .field("certificate", &"<redacted>")
            .finish_non_exhaustive()
    }
}

/// Makes the revocation sheet. A certificate of at most 600 bytes also stands there as a QR code (byte
/// mode, level M); a longer one stands there as text only.
///
/// # Errors
///
/// [`PaperError`] names the field that is empty, malformed, holds a character that the fonts lack, or has
/// no room.
pub fn revocation_sheet(
    sheet: &RevocationSheet<'_>,
    paper: Paper,
) -> Result<SecretPdf, PaperError> {
    let page = page(sheet, paper)?;
    let title = format!("Revocation certificate of {}", sheet.fingerprint);
    draw::pdf(&[page], &title).map(SecretPdf::new)
}

fn page(sheet: &RevocationSheet<'_>, paper: Paper) -> Result<Page, PaperError> {
    let mut page = Page::new(paper, sheet.rehearsal);
    let headline = ["Revocation", " · declares the archive key dead"];
    form::letterhead(&mut page, sheet.organisation, sheet.rehearsal, headline)?;
    table(&mut page, sheet)?;
    let lines = armor_lines(sheet.certificate)?;
    let bottom = advice_and_code(&mut page, sheet.certificate)?;
    certificate(&mut page, &lines, bottom)?;
    form::sealing(&mut page, "Keeper");
    Ok(page)
}

fn table(page: &mut Page, sheet: &RevocationSheet<'_>) -> Result<(), PaperError> {
    let fingerprint = field::fingerprint("key fingerprint", sheet.fingerprint)?;
    let (left, second) = (page.paper.left(), page.paper.second());
    let cells = [
        (0.0, left, NARROW, "Ceremony", sheet.ceremony_date, VALUE),
        (1.0, left, NARROW, "Program", sheet.program, VALUE),
        (0.0, second, WIDE, "Archive", sheet.archive, VALUE),
        (1.0, second, WIDE, "Key fingerprint", &fingerprint, HEX),
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

fn armor_lines(certificate: &str) -> Result<Vec<&str>, PaperError> {
    const FIELD: &str = "revocation certificate";
    let printable =
        |line: &&str| line.len() <= LONGEST_LINE && line.chars().all(|c| matches!(c, ' '..='~'));
    let lines: Vec<&str> = certificate.trim_end().lines().collect();
    if lines
        .first()
        .is_some_and(|line| line.starts_with("-----BEGIN PGP "))
        && lines.iter().all(printable)
    {
        Ok(lines)
    } else {
        Err(field::malformed(
            FIELD,
            "OpenPGP armor in lines of at most 76 ASCII characters",
        ))
    }
}

/// Sets the advice, beside the code where there is one. Returns where the next part can start.
fn advice_and_code(page: &mut Page, certificate: &str) -> Result<f32, PaperError> {
    let left = page.paper.left();
    if certificate.len() > LARGEST_CODED {
        return Ok(advice(page, left, TEXT_WIDTH, "Type the lines"));
    }
    let code = Code::at_most(
        "revocation certificate",
        certificate,
        Level::Medium,
        LARGEST_SIDE,
    )?;
    let side = code.side();
    let caption = BODY_TOP + side + code.quiet_zone() + 2.0;
    let x = left + side + GUTTER;
    page.text(
        left,
        caption,
        LABEL,
        "QR code, level M: the certificate below",
    );
    page.code(left, BODY_TOP, code);
    let after_advice = advice(
        page,
        x,
        page.paper.right() - x,
        "Read the code or type the lines",
    );
    Ok(after_advice.max(caption))
}

fn advice(page: &mut Page, x: f32, width: f32, read: &str) -> f32 {
    let how_to_use = format!(
        "{read} into a file `revocation.asc`. Run `gpg --import revocation.asc` where the archive’s certificate is kept, \
         export the certificate, and give it to all who use it. Give the mail server a new key first: no mail must be \
         lost in between."
    );
    let parts = [
        (
            "What it does",
            "OpenPGP programs that import this certificate refuse to encrypt to the archive key from then on; \
             archiver-encrypt warns, and archives on, so that no mail is lost. It opens nothing: archived mail stays as it is, and the sheets still open it. It cannot be taken back.",
        ),
        (
            "When to use it",
            "When enough sheets to open the archive may be in wrong hands, when the key may have been seen, or \
             when a new archive has replaced this one. Decide it as you would decide to open the archive.",
        ),
        ("How to use it", &how_to_use),
        (
            "How to keep it",
            "Sealed, and apart from the sheets. Whoever finds it can stop the archive from being used, but cannot read it.",
        ),
    ];
    let mut y = BODY_TOP + 3.0;
    for (heading, text) in parts {
        page.text(x, y, HEADING, heading);
        y = paragraph(page, x, y + leading(HEADING.size), width, BODY, text) + 2.0;
    }
    y
}

fn certificate(page: &mut Page, lines: &[&str], top: f32) -> Result<(), PaperError> {
    let left = page.paper.left();
    let mut y = top + 8.0;
    page.text(left, y, HEADING, "The certificate");
    y += 6.5;
    for (number, line) in (1..).zip(lines) {
        if y > page.paper.height() - form::SEALING_HEIGHT {
            return Err(field::too_long("revocation certificate"));
        }
        page.text(left, y, LINE_NUMBER, &format!("{number:>2}"));
        page.text(
            left + NUMBER_WIDTH,
            y,
            CODE_LINE,
            &Zeroizing::new((*line).to_owned()),
        );
        y += leading(CODE_LINE.size);
    }
    Ok(())
}
