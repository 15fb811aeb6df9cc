//! The ceremony record: the minutes that the dealer, the custodians and two witnesses sign.
//!
//! It says who was there and when, which program ran, every step with what was expected and what was
//! observed, and every exception in a section of its own. It holds no secret: names and fingerprints,
//! but no share.

mod manifest;
mod servers;
mod signatures;

use crate::flow::{Cell, Flow};
use crate::fonts::Face;
use crate::form;
use crate::page::{Page, Style};
use crate::{Paper, PaperError, draw, field};

const FIRST_SECTION: f32 = 34.0;

const TEXT: Style = Style::new(Face::Regular, 9.0);
const STRONG: Style = Style::new(Face::Semibold, 9.0);
const HEX: Style = Style::new(Face::Mono, 8.0);
const DIGEST: Style = Style::new(Face::Mono, 7.5);

/// What stands in the ceremony record.
#[derive(Debug)]
pub struct CeremonyRecord<'a> {
    /// Who owns the archive.
    pub organisation: &'a str,
    /// The archive's OpenPGP user id.
    pub archive: &'a str,
    /// When the ceremony began, UTC: `2026-11-24T09:00:00Z`.
    pub started: &'a str,
    /// When it ended, UTC.
    pub ended: &'a str,
    /// The program and its version.
    pub program: &'a str,
    /// The commit from which the program was built.
    pub commit: &'a str,
    /// SHA-256 of the running binary: 64 hexadecimal digits.
    pub binary_sha256: &'a str,
    /// The key profile: `classic`.
    pub profile: &'a str,
    /// The threshold k, at least 2.
    pub threshold: u8,
    /// The number of shares n.
    pub shares: u8,
    /// The primary key's fingerprint: 40 or 64 hexadecimal digits, not grouped.
    pub primary_fingerprint: &'a str,
    /// The encryption subkey's fingerprint, likewise.
    pub subkey_fingerprint: &'a str,
    /// The set id: 20 base32 characters in five groups.
    pub set_id: &'a str,
    /// The commitments C 0, C 1 … in this order: 64 hexadecimal digits each.
    pub commitments: &'a [&'a str],
    /// The custodians, one for each share, in order of share.
    pub custodians: &'a [RecordedCustodian<'a>],
    /// The servers whose seal keys were made. None: the record says nothing of seals.
    pub servers: &'a [RecordedServer<'a>],
    /// Every step in the order in which it was done.
    pub steps: &'a [CeremonyStep<'a>],
    /// What was not as it should be: "network up", "swap on", "sheets not read back".
    pub exceptions: &'a [&'a str],
    /// The bytes of the manifest `custody.json`. Printed as QR codes when it has at most 2,200 bytes.
    pub manifest: &'a [u8],
    /// The files written.
    pub files: &'a [RecordedFile<'a>],
    /// Whether this was a rehearsal.
    pub rehearsal: bool,
}

/// A custodian in the record.
#[derive(Debug)]
pub struct RecordedCustodian<'a> {
    /// The index of the custodian's share.
    pub share_index: u8,
    /// The custodian's name.
    pub name: &'a str,
    /// The custodian's role.
    pub role: &'a str,
    /// The serial of the envelope.
    pub envelope: &'a str,
}

/// A server in the record.
#[derive(Debug)]
pub struct RecordedServer<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its log id: 32 hexadecimal digits.
    pub log: &'a str,
    /// The days with a seal key: `2026-11-24 to 2036-11-23`.
    pub days: &'a str,
}

/// A step of the ceremony.
#[derive(Debug)]
pub struct CeremonyStep<'a> {
    /// What was done.
    pub action: &'a str,
    /// What was expected.
    pub expected: &'a str,
    /// What was observed.
    pub observed: &'a str,
    /// How the two compare.
    pub verdict: Verdict,
}

/// Whether a step went as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// What was observed is what was expected.
    Met,
    /// It is not.
    NotMet,
    /// Nothing was observed; an exception should say why.
    NotChecked,
}

/// A file that the ceremony wrote.
#[derive(Debug)]
pub struct RecordedFile<'a> {
    /// Its path below the ceremony's folder.
    pub path: &'a str,
    /// SHA-256 of its bytes: 64 hexadecimal digits.
    pub sha256: &'a str,
}

/// Makes the ceremony record, as many pages as it needs.
///
/// # Errors
///
/// [`PaperError`] names the field that is empty, malformed, or holds a character that the fonts lack.
/// Long texts wrap and flow to the next page; only the organisation must fit its two lines.
pub fn ceremony_record(record: &CeremonyRecord<'_>, paper: Paper) -> Result<Vec<u8>, PaperError> {
    let title = format!("Record of the key ceremony, set {}", record.set_id);
    let pages = pages(record, paper)?;
    // Moved out of the wiping buffer: the record is no secret.
    draw::pdf(&pages, &title).map(|mut bytes| std::mem::take(&mut *bytes))
}

fn pages(record: &CeremonyRecord<'_>, paper: Paper) -> Result<Vec<Page>, PaperError> {
    let set_id = field::set_id("set id", record.set_id)?;
    let mut first = Page::new(paper, record.rehearsal);
    form::letterhead(
        &mut first,
        record.organisation,
        record.rehearsal,
        ["Record", " of the key ceremony"],
    )?;
    let foot = format!("Record of the key ceremony · set {set_id}");
    let mut flow = Flow::new(first, FIRST_SECTION, record.rehearsal, foot);
    ceremony(&mut flow, record)?;
    key(&mut flow, record, set_id)?;
    custodians(&mut flow, record)?;
    servers::set(&mut flow, record.servers)?;
    steps(&mut flow, record)?;
    exceptions(&mut flow, record)?;
    files(&mut flow, record)?;
    manifest::set(&mut flow, record.manifest)?;
    servers::set_installed(&mut flow, record.servers)?;
    signatures::set(&mut flow, record.custodians)?;
    Ok(flow.finish())
}

fn ceremony(flow: &mut Flow, record: &CeremonyRecord<'_>) -> Result<(), PaperError> {
    flow.heading("Ceremony");
    let facts = [
        ("Archive", record.archive),
        ("Started (UTC)", record.started),
        ("Ended (UTC)", record.ended),
        ("Program", record.program),
        ("Built from commit", record.commit),
    ];
    for (label, value) in facts {
        flow.fact(label, &text(&label.to_lowercase(), value)?);
    }
    let digest = field::hex_32_bytes("SHA-256 of the program", record.binary_sha256)?;
    flow.fact("SHA-256 of the program", &Cell::new(HEX, digest));
    Ok(())
}

fn key(flow: &mut Flow, record: &CeremonyRecord<'_>, set_id: &str) -> Result<(), PaperError> {
    flow.heading("Key and shares");
    field::threshold(record.threshold, record.shares)?;
    let sharing = format!(
        "{} shares, any {} open the archive",
        record.shares, record.threshold
    );
    flow.fact("Sharing", &Cell::new(TEXT, sharing));
    flow.fact("Profile", &text("profile", record.profile)?);
    flow.fact("Set id", &Cell::new(HEX, set_id));
    let primary = field::fingerprint("primary fingerprint", record.primary_fingerprint)?;
    flow.fact("Primary key", &Cell::new(HEX, primary));
    let subkey = field::fingerprint("subkey fingerprint", record.subkey_fingerprint)?;
    flow.fact("Encryption subkey", &Cell::new(HEX, subkey));
    for (number, commitment) in record.commitments.iter().enumerate() {
        let digits = field::hex_32_bytes(&format!("commitment {number}"), commitment)?;
        flow.fact(&format!("Commitment C {number}"), &Cell::new(HEX, digits));
    }
    Ok(())
}

fn custodians(flow: &mut Flow, record: &CeremonyRecord<'_>) -> Result<(), PaperError> {
    let indices = record
        .custodians
        .iter()
        .map(|custodian| custodian.share_index);
    if !indices.eq(1..=record.shares) {
        return Err(field::malformed(
            "custodians",
            "one for each share, in order of share",
        ));
    }
    let row = |custodian: &RecordedCustodian<'_>| {
        let name = |part: &str| format!("custodian {}, {part}", custodian.share_index);
        Ok(vec![
            Cell::new(TEXT, custodian.share_index.to_string()),
            text(&name("name"), custodian.name)?,
            text(&name("role"), custodian.role)?,
            text(&name("envelope"), custodian.envelope)?,
        ])
    };
    let rows = record
        .custodians
        .iter()
        .map(row)
        .collect::<Result<Vec<_>, PaperError>>()?;
    flow.heading("Custodians");
    flow.table(
        &[
            ("Share", 12.0),
            ("Name", 60.0),
            ("Role", 60.0),
            ("Envelope", 42.0),
        ],
        &rows,
    );
    Ok(())
}

fn steps(flow: &mut Flow, record: &CeremonyRecord<'_>) -> Result<(), PaperError> {
    let row = |(number, step): (u32, &CeremonyStep<'_>)| {
        let name = |part: &str| format!("step {number}, {part}");
        let (style, sign, verdict) = match step.verdict {
            Verdict::Met => (TEXT, "✓", "met"),
            Verdict::NotMet => (STRONG, "✗", "not met"),
            Verdict::NotChecked => (STRONG, "–", "not checked"),
        };
        Ok(vec![
            Cell::new(TEXT, number.to_string()),
            text(&name("action"), step.action)?,
            text(&name("expected"), step.expected)?,
            text(&name("observed"), step.observed)?,
            Cell::new(HEX, sign),
            Cell::new(style, verdict),
        ])
    };
    let rows = (1..)
        .zip(record.steps)
        .map(row)
        .collect::<Result<Vec<_>, PaperError>>()?;
    let columns = [
        ("", 8.0),
        ("Step", 49.0),
        ("Expected", 44.0),
        ("Observed", 44.0),
        ("Verdict", 5.0),
        ("", 24.0),
    ];
    flow.heading("Steps");
    flow.table(&columns, &rows);
    Ok(())
}

fn exceptions(flow: &mut Flow, record: &CeremonyRecord<'_>) -> Result<(), PaperError> {
    flow.heading("Exceptions and warnings");
    if record.exceptions.is_empty() {
        flow.paragraph("None.");
    }
    for (number, exception) in (1..).zip(record.exceptions) {
        let mut cell = text(&format!("exception {number}"), exception)?;
        cell.text = format!("{number}.  {}", cell.text);
        flow.text(&cell);
    }
    Ok(())
}

fn files(flow: &mut Flow, record: &CeremonyRecord<'_>) -> Result<(), PaperError> {
    let row = |file: &RecordedFile<'_>| {
        let path = text("file", file.path)?;
        let digest = field::hex_32_bytes(&format!("SHA-256 of {}", file.path), file.sha256)?;
        Ok(vec![path, Cell::new(DIGEST, digest)])
    };
    let rows = record
        .files
        .iter()
        .map(row)
        .collect::<Result<Vec<_>, PaperError>>()?;
    flow.heading("Files written");
    flow.table(&[("File", 54.0), ("SHA-256", 120.0)], &rows);
    Ok(())
}

fn text(field: &str, value: &str) -> Result<Cell, PaperError> {
    field::printable(field, value).map(|value| Cell::new(TEXT, value))
}
