//! The recovery page: how k sheets open the archive without this program, in thirty years and by a stranger.
//!
//! The program of `docs/recovery.md`, in lines to type and as QR codes, with the steps around it. It holds
//! no secret and is for everybody: the more copies, the better. Its commands and its program come out of
//! the document itself.

mod codes;
mod document;
mod listing;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::flow::{Cell, Flow};
use crate::fonts::Face;
use crate::form;
use crate::page::{Page, Style};
use crate::{Paper, PaperError, draw, field};

const FIRST_SECTION: f32 = 39.0;

const TEXT: Style = Style::new(Face::Regular, 9.0);
const HEX: Style = Style::new(Face::Mono, 8.0);

/// What stands on the recovery page besides the program.
#[derive(Debug)]
pub struct RecoveryPage<'a> {
    /// Who owns the archive.
    pub organisation: &'a str,
    /// The archive's OpenPGP user id.
    pub archive: &'a str,
    /// The threshold k, at least 2.
    pub threshold: u8,
    /// The number of shares n.
    pub shares: u8,
    /// The primary key's fingerprint: 40 hexadecimal digits, not grouped.
    pub fingerprint: &'a str,
    /// The set id: 20 base32 characters in five groups.
    pub set_id: &'a str,
    /// The day of the ceremony, `2026-11-24`.
    pub ceremony_date: &'a str,
    /// The program and its version.
    pub program: &'a str,
    /// Whether this is a rehearsal's page.
    pub rehearsal: bool,
}

/// Makes the recovery page, several pages in fact. Its steps and its program are those of the `classic` profile.
///
/// # Errors
///
/// [`PaperError`] names the field that is empty, malformed, holds a character that the fonts lack, or has
/// no room.
pub fn recovery_page(page: &RecoveryPage<'_>, paper: Paper) -> Result<Vec<u8>, PaperError> {
    let title = format!("Recovery page, set {}", page.set_id);
    let pages = pages(page, paper)?;
    // Moved out of the wiping buffer: the page is no secret.
    draw::pdf(&pages, &title).map(|mut bytes| std::mem::take(&mut *bytes))
}

fn pages(page: &RecoveryPage<'_>, paper: Paper) -> Result<Vec<Page>, PaperError> {
    let set_id = field::set_id("set id", page.set_id)?;
    let mut first = Page::new(paper, page.rehearsal);
    form::letterhead(
        &mut first,
        page.organisation,
        page.rehearsal,
        ["Recovery", " · the archive without its program"],
    )?;
    let foot = format!("Recovery page · set {set_id} · no secret");
    let mut flow = Flow::new(first, FIRST_SECTION, page.rehearsal, foot);
    archive(&mut flow, page, set_id)?;
    purpose(&mut flow, page.threshold);
    steps(&mut flow, page)?;
    flow.heading("The program, in lines to type");
    listing::program(&mut flow, document::script())?;
    arithmetic(&mut flow);
    flow.new_page();
    codes::set(&mut flow, document::script())?;
    Ok(flow.finish())
}

fn archive(flow: &mut Flow, page: &RecoveryPage<'_>, set_id: &str) -> Result<(), PaperError> {
    field::threshold(page.threshold, page.shares)?;
    let text =
        |name: &str, value| field::printable(name, value).map(|value| Cell::new(TEXT, value));
    flow.fact("Archive", &text("archive", page.archive)?);
    let fingerprint = field::fingerprint("key fingerprint", page.fingerprint)?;
    flow.fact("Key fingerprint", &Cell::new(HEX, fingerprint));
    flow.fact("Set id", &Cell::new(HEX, set_id));
    let sharing = format!(
        "{} sheets, any {} open the archive",
        page.shares, page.threshold
    );
    flow.fact("Sharing", &Cell::new(TEXT, sharing));
    flow.fact("Ceremony", &text("ceremony", page.ceremony_date)?);
    flow.fact("Made by", &text("program", page.program)?);
    Ok(())
}

fn purpose(flow: &mut Flow, threshold: u8) {
    flow.heading("What this is for");
    flow.paragraph(&format!(
        "The custodians’ sheets open the archive with the program `custodian`. Should that not run any more, any {threshold} \
         sheets, `archive.sealed.asc`, the vault and the program on these pages do: it needs Python 3.6 or later with \
         nothing but its standard library, and then GnuPG or another OpenPGP program. No secret stands on these pages. Keep \
         a copy wherever something of the archive is kept."
    ));
}

fn steps(flow: &mut Flow, page: &RecoveryPage<'_>) -> Result<(), PaperError> {
    let step = |flow: &mut Flow, text: &str, heading: &str| {
        flow.paragraph(text);
        let with_fingerprint =
            |line: &&str| line.replace(document::EXAMPLE_FINGERPRINT, page.fingerprint);
        let lines: Vec<String> = document::commands(heading)
            .iter()
            .map(with_fingerprint)
            .collect();
        listing::commands(flow, &lines)
    };
    flow.heading("Steps");
    step(
        flow,
        "1. On a machine without a network, in a folder that holds nothing else, get the program into a file `recover.py`: read the \
         codes on the last pages with any QR reader into `codes.txt`, one a line, in any order, and then, in `bash`:",
        "Typing it from the recovery page",
    )?;
    typing(flow)?;
    step(
        flow,
        &format!(
            "2. Write each of {} or more sheets into a text file of its own, `sheet-1.txt`, `sheet-2.txt` …: the text of its code, or its \
             rows of words, each led by its letter. Four letters of a word are enough; one word of a row may be `?`. Then:",
            page.threshold
        ),
        "2. The passphrase",
    )?;
    step(
        flow,
        "3. Unlock the key and decrypt the vault, record by record. What stays a `.part` was cut off or changed, and is not to be trusted:",
        "3. The mails",
    )?;
    step(
        flow,
        "4. When all is done, wipe what is left:",
        "Wipe what is left",
    )
}

fn typing(flow: &mut Flow) -> Result<(), PaperError> {
    let digest = HEXLOWER.encode(&Sha256::digest(document::script()));
    flow.paragraph(&format!(
        "Or type its lines, indented as they are, without the number and the four digits before each: an hour and a half. Whoever has the \
         codes of the sheets leaves out the words between the last quotes, a third of the work. These three lines, in a file beside it, \
         print the number and the digits of every line as it was typed. The SHA-256 of the whole file begins with `{}`.",
        digest.get(..16).unwrap_or_default()
    ));
    let lines: Vec<&str> = document::checker().lines().collect();
    listing::commands(flow, &lines)
}

fn arithmetic(flow: &mut Flow) {
    flow.heading("What the program computes");
    for text in [
        "A code holds 56 bytes in base32 (RFC 4648): version, kind, profile, flags (1 = rehearsal), threshold, x, two zero bytes (1 byte each); set id (12 bytes); \
         y (32 bytes, least significant first); the first 4 bytes of SHA-256 over `archiver v1 frame`, a zero byte and the bytes before.",
        "In words, byte 0 is left out and is 1; row A is bytes 1 to 5, row B 6 to 10, and so on. The numbers of four words, 10 bits each, are five bytes. The fifth word \
         checks them, in GF(1024) with a¹⁰ = a³ + 1: the sum of the five numbers times a, a², a³, a⁴ and 1 is a to the power 32 for row A, 33 for row B …",
        "From k sheets, modulo ℓ = 2²⁵² + 27742317777372353535851937790883648493: s = ∑ y · ∏ x′ / (x′ − x), each product over the x′ of the other sheets.",
        "The passphrase is HKDF-SHA-512 (RFC 5869) without salt of the byte 1 and s (32 bytes, least significant first), with the info `archiver v1 key passphrase`, a zero byte and the \
         20 bytes of the key fingerprint: 32 bytes, as 64 lower-case hexadecimal digits. The X25519 secret itself is the number s + j·ℓ (j = 0, 1 …) between 2²⁵⁴ and 2²⁵⁵ that is divisible by 8.",
    ] {
        flow.paragraph(text);
    }
}
