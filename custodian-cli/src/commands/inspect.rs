//! `custodian inspect`: what can be said of vaults without any sheet.

use std::fmt::Write as _;
use std::path::PathBuf;

use archiver_core::origin::ArchiveFingerprints;
use archiver_core::seal::verify::CANNOT_KNOW;
use archiver_core::sharing::SharingPart;

use crate::archive_files::ArchiveFiles;
use crate::clock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::opening::against::{Comparison, Outcome, RetiredElsewhere, Spot, Surplus, compare};
use crate::opening::inspect::{Finding, Findings, InspectReport, VaultReport, inspect_vaults};
use crate::opening::retired::{Removed, RemovedRange, RetiredReport};
use crate::opening::sealing::{DayReport, DayState, SealReport, Seals};
use crate::operator::Operator;
use crate::progress::Bar;
use crate::report::{Report, to_json};

/// So many findings of a kind are shown to people; `--json` has more.
const SHOWN: usize = 10;

/// Say what can be said of vaults without a key: records, claimed times, damage, repeated ephemeral points.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  custodian inspect --public public VAULT
  custodian inspect VAULT --against COPY

The second says whether a copy is the same, which of the two is longer, or where they first differ.
Nothing is decrypted, so nothing here says that a record will open. Times are what the records claim.
The exit status is 1 when something must be looked at.")]
pub(crate) struct Args {
    /// The public folder of the ceremony: finds records for other archives, and checks the origin proofs.
    #[arg(long, value_name = "DIR")]
    public: Option<PathBuf>,

    /// Only compare the vault, byte by byte, with this copy of it.
    #[arg(long, value_name = "COPY", conflicts_with = "public")]
    against: Option<PathBuf>,

    /// The vaults: files, or folders of segments.
    #[arg(value_name = "VAULT", required = true)]
    vaults: Vec<PathBuf>,
}

impl Args {
    pub(crate) fn run(&self, operator: &mut dyn Operator) -> Result<Box<dyn Report>, Failure> {
        if let Some(copy) = &self.against {
            return Ok(Box::new(compare(&self.vaults, copy)?));
        }
        let now = clock::now()?;
        let archive = match &self.public {
            Some(folder) => Some(ArchiveFiles::load(folder, now, operator)?),
            None => None,
        };
        let known = archive.as_ref();
        let fingerprints = known.map(|archive| fingerprints(archive.public.sharing()));
        let keys = known.and_then(|archive| archive.public.seal_keys().ok());
        let seals = keys.zip(fingerprints);
        let seals = seals.map(|(keys, archive)| Seals { keys, archive, now });
        let bar = Bar::new(operator);
        let report = inspect_vaults(&self.vaults, fingerprints, seals, &bar)?;
        Ok(Box::new(report))
    }
}

/// Which archive it is.
pub(super) fn fingerprints(sharing: &SharingPart) -> ArchiveFingerprints {
    ArchiveFingerprints {
        primary: sharing.primary_fingerprint(),
        encryption: sharing.encryption_fingerprint(),
    }
}

impl Report for InspectReport {
    fn text(&self) -> String {
        let mut text = String::new();
        for vault in &self.vaults {
            describe(vault, &mut text);
        }
        let repeated = &self.repeated_points;
        for point in repeated.listed.iter().take(SHOWN) {
            let _ = writeln!(
                text,
                "REPEATED POINT: record {} has the ephemeral point of record {}",
                point.record, point.first_seen_in
            );
        }
        more(repeated, &mut text);
        describe_seals(self.seals.as_deref(), &mut text);
        text.push_str(if self.anomalies() {
            "There is something to look at.\n"
        } else {
            "Nothing to look at.\n"
        });
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }

    fn exit(&self) -> Exit {
        if self.anomalies() {
            Exit::Anomalies
        } else {
            Exit::Done
        }
    }
}

impl Report for Comparison {
    fn text(&self) -> String {
        let Self { vault, copy, .. } = self;
        let mut text = match &self.compared_from {
            Some(segment) => format!("Compared from {segment} on; one of the two begins later.\n"),
            None => String::new(),
        };
        let _ = match &self.result {
            Outcome::Identical => {
                let bytes = self.same_bytes;
                writeln!(text, "IDENTICAL: {vault} and {copy}, {bytes} bytes")
            }
            Outcome::VaultIsLonger(more) => writeln!(text, "{}", longer(vault, copy, more)),
            Outcome::CopyIsLonger(more) => writeln!(text, "{}", longer(copy, vault, more)),
            Outcome::Differ { in_vault, in_copy } => writeln!(
                text,
                "THEY DIFFER, after {} bytes that are the same:\n  {}\n  {}\nInspect each of them to learn which one holds.",
                self.same_bytes,
                spot(in_vault),
                spot(in_copy)
            ),
        };
        for segment in &self.retired {
            let file = &segment.file;
            let _ = match segment.is_the_same {
                Some(true) => writeln!(
                    text,
                    "{file} was retired in one of the two; the other has the same"
                ),
                Some(false) => writeln!(
                    text,
                    "{file} was retired in one of the two; the other has ANOTHER ONE"
                ),
                None => writeln!(
                    text,
                    "{file} was retired in one of the two, and what stands in its place CANNOT BE USED"
                ),
            };
        }
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }

    fn exit(&self) -> Exit {
        let is_the_same = |segment: &RetiredElsewhere| segment.is_the_same == Some(true);
        match self.result {
            Outcome::Differ { .. } => Exit::Anomalies,
            _ if !self.retired.iter().all(is_the_same) => Exit::Anomalies,
            _ => Exit::Done,
        }
    }
}

fn longer(longer: &str, shorter: &str, more: &Surplus) -> String {
    let Surplus { bytes, records } = more;
    format!("{longer} is LONGER by {records} records ({bytes} bytes); {shorter} is its beginning")
}

fn spot(spot: &Spot) -> String {
    let record = spot.record.map_or_else(
        || "between records".to_owned(),
        |record| format!("in record {record}"),
    );
    format!("{}, byte {}, {record}", spot.file, spot.offset)
}

fn describe(vault: &VaultReport, text: &mut String) {
    let _ = writeln!(
        text,
        "{}: {} records, {} bytes",
        vault.path, vault.records, vault.bytes
    );
    if vault.records == 0 && vault.bytes > 0 {
        let _ = writeln!(text, "  NO RECORD was found: is this the vault?");
    }
    describe_segments(vault, text);
    for log in &vault.logs {
        let _ = writeln!(
            text,
            "  log {}: {} records, sequence {} to {}, claimed times {} to {}",
            log.log, log.records, log.lowest_seq, log.highest_seq, log.earliest, log.latest
        );
    }
    if vault.without_header > 0 {
        let _ = writeln!(
            text,
            "  {} records without a header of ours (made by gpg, say)",
            vault.without_header
        );
    }
    if !vault.logs.is_empty() {
        text.push_str(&origin_proofs(vault));
    }
    let kinds = [
        ("torn", &vault.torn),
        ("damaged", &vault.damaged),
        ("for another archive", &vault.foreign),
        ("stray bytes", &vault.stray),
        ("broken link", &vault.broken_links),
        ("wrong origin proof", &vault.wrong_origin_proofs),
    ];
    for (kind, findings) in kinds {
        for finding in findings.listed.iter().take(SHOWN) {
            let _ = writeln!(text, "  {}", line(kind, finding));
        }
        more(findings, text);
    }
}

fn describe_seals(seals: Option<&[SealReport]>, text: &mut String) {
    let Some(seals) = seals else {
        text.push_str(
            "Seals: not verified, without the public seal keys (--public DIR with its seals.pub)\n",
        );
        return;
    };
    for log in seals {
        let place = log.vault.as_deref().unwrap_or("NOT FOUND in these vaults");
        let SealReport {
            server, log: id, ..
        } = log;
        let _ = writeln!(text, "Seals of {server}, log {id}: {place}");
        for days in log.days.chunk_by(is_one_run) {
            let _ = writeln!(text, "  {}", run(days));
        }
        for finding in log.findings.listed.iter().take(SHOWN) {
            let _ = writeln!(text, "  noticed: {finding}");
        }
        more(&log.findings, text);
    }
    text.push_str("What the seals cannot say:\n");
    for limit in CANNOT_KNOW {
        let _ = writeln!(text, "  {limit}");
    }
}

/// Days that are told in one line: sealed ones, and missing ones.
fn is_one_run(one: &DayReport, next: &DayReport) -> bool {
    let is_same = one.state == next.state && (one.retired > 0) == (next.retired > 0);
    is_same && matches!(one.state, DayState::Sealed | DayState::Missing)
}

fn run(days: &[DayReport]) -> String {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return String::new();
    };
    let records: u64 = days.iter().map(|day| day.records).sum();
    let retired: u64 = days.iter().map(|day| day.retired).sum();
    let days = if days.len() == 1 {
        first.day.clone()
    } else {
        format!("{} to {}", first.day, last.day)
    };
    let state = match (first.state, &first.reason) {
        (DayState::Sealed, _) if retired > 0 => {
            format!("sealed (retired: {} removed)", in_words(retired))
        }
        (DayState::Sealed, _) => "sealed".to_owned(),
        (DayState::Open, _) => "open".to_owned(),
        (DayState::Broken, Some(why)) => why.replacen("broken", "BROKEN", 1),
        (DayState::Broken, None) => "BROKEN".to_owned(),
        (DayState::Missing, _) => "MISSING: no final stands".to_owned(),
    };
    format!("{days}  {state}, {records} records")
}

fn origin_proofs(vault: &VaultReport) -> String {
    match &vault.origin_proofs {
        Some(proofs) => format!(
            "  origin proofs: {} good, {} records of ours without one\n",
            proofs.good, proofs.without
        ),
        None => "  origin proofs: not checked (--public names the archive)\n".to_owned(),
    }
}

fn describe_segments(vault: &VaultReport, text: &mut String) {
    if let (Some(first), Some(last)) = (vault.segments.first(), vault.segments.last()) {
        let count = vault.segments.len();
        let _ = writeln!(text, "  {count} segments, {} to {}", first.file, last.file);
    }
    for numbers in vault.missing_segments.iter().take(SHOWN) {
        let _ = writeln!(
            text,
            "  MISSING SEGMENT: number {numbers}; look for it in another copy"
        );
    }
    text.push_str(&retired_segments(&vault.retired_segments));
    for name in vault.foreign_names.iter().take(SHOWN) {
        let _ = writeln!(text, "  not of the vault, and not looked at: {name}");
    }
}

/// What is told of retired segments, also by `open`.
pub(super) fn retired_segments(segments: &[RetiredReport]) -> String {
    let mut text = String::new();
    for segment in segments {
        let name = &segment.segment;
        match (&segment.removed, &segment.trouble) {
            (_, Some(trouble)) => {
                let _ = writeln!(
                    text,
                    "  RETIRED SEGMENT IN DOUBT: what stands for {name} cannot be used: {trouble}"
                );
            }
            (Some(removed), None) => {
                retired_segment(name, segment.still_stands, removed, &mut text)
            }
            (None, None) => {}
        }
    }
    let mut removed = segments.iter().filter(|segment| segment.removed.is_some());
    if removed.any(|segment| !segment.still_stands) {
        text.push_str("  Of retired segments the leaves are checked. Who removed them, and whether time and reason are true, nobody can know.\n");
    }
    text
}

fn retired_segment(name: &str, still_stands: bool, removed: &Removed, text: &mut String) {
    let (records, at) = (in_words(removed.records), removed.at);
    let what = if still_stands {
        "retirement interrupted, the segment still stands"
    } else {
        "retired"
    };
    let reason = &removed.reason;
    let _ = writeln!(text, "  {what}: {name}, {records}, on {at}: {reason}");
    for range in removed.ranges.iter().take(SHOWN) {
        let RemovedRange {
            log,
            first_seq,
            last_seq,
            earliest,
            latest,
        } = range;
        let _ = writeln!(
            text,
            "    log {log}: sequence {first_seq} to {last_seq}, times {earliest} to {latest}"
        );
    }
    let more = removed.ranges.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "    … and {more} more (--json lists them)");
    }
    if still_stands {
        text.push_str("    custodian retire, once more for this segment, finishes it\n");
    }
}

fn in_words(records: u64) -> String {
    if records == 1 {
        "1 record".to_owned()
    } else {
        format!("{records} records")
    }
}

fn line(kind: &str, finding: &Finding) -> String {
    let record = finding
        .record
        .map_or(String::new(), |record| format!("record {record}, "));
    let segment = finding
        .segment
        .as_ref()
        .map_or(String::new(), |segment| format!("{segment}, "));
    let reason = match finding.reason.as_str() {
        same if same == kind => String::new(),
        reason => format!(": {reason}"),
    };
    format!(
        "{kind}: {record}{segment}byte {}, {} bytes{reason}",
        finding.offset, finding.length
    )
}

fn more<T>(findings: &Findings<T>, text: &mut String) {
    let shown = findings.listed.len().min(SHOWN) as u64;
    if findings.count > shown {
        let _ = writeln!(
            text,
            "  … and {} more (--json lists them)",
            findings.count - shown
        );
    }
}
