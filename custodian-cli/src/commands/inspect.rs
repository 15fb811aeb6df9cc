//! `custodian inspect`: what can be said of vaults without any sheet.

use std::fmt::Write as _;
use std::path::PathBuf;

use archiver_core::counted::Counted;
use thiserror::Error;

use crate::archive_files::ArchiveFiles;
use crate::clock;
use crate::exit::Exit;
use crate::failure::{Explained, Failure};
use crate::opening::against::compare;
use crate::opening::inspect::{Finding, Findings, InspectReport, VaultReport, inspect_vaults};
use crate::opening::retired::{Removed, RetiredReport};
use crate::opening::sealing::{Copied, NotVerified, Seals};
use crate::operator::Operator;
use crate::progress::Bar;
use crate::report::{Report, to_json};

mod against;
mod seals;

/// So many findings of a kind are shown to people; `--json` has more.
const SHOWN: usize = 10;

/// Say what can be said of vaults without a key: records, claimed times, damage, repeated ephemeral points, and which days are sealed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  custodian inspect --public public VAULT
  custodian inspect VAULT --against COPY

The second says whether a copy is the same, which of the two is longer, or where they first differ; and the same of the seals
beside the two. It verifies none of them.
A vault or a copy in which no record is found is something to look at: a copy that failed looks like this.
The seals of a vault are looked for beside it: VAULT.seals, or that file in a folder of segments. With --finals FILE they are compared with finals that left the server, mailed or printed.
Nothing is decrypted, so nothing here says that a record will open. Times are what the records claim.
The exit status is 1 when something must be looked at.")]
pub(crate) struct Args {
    /// The public folder of the ceremony: finds records for other archives, checks the origin proofs, and verifies the seals.
    #[arg(long, value_name = "DIR")]
    public: Option<PathBuf>,

    /// Only compare the vault and its seals, byte by byte, with this copy of them.
    #[arg(long, value_name = "COPY", conflicts_with = "public")]
    against: Option<PathBuf>,

    /// Finals that left the server: what `archiver-encrypt seal --print-finals` printed, or a mail with it. May be repeated.
    #[arg(long, value_name = "FILE", requires = "public")]
    finals: Vec<PathBuf>,

    /// When the vaults were copied off their server, a day or a time in UTC: days that were to be sealed later are not missing then.
    #[arg(long, value_name = "TIME", requires = "public")]
    copied: Option<Copied>,

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
        let as_of = self.copied.map_or(Ok(now), |copied| copied.as_of(now))?;
        let archive = match &self.public {
            Some(folder) => Some(ArchiveFiles::load(folder, now, operator)?),
            None => None,
        };
        let known = archive.as_ref();
        let fingerprints = known.map(|archive| archive.public.sharing().fingerprints());
        let seals = known.map(|archive| Seals::of(&archive.public, now));
        let seals = seals.unwrap_or(Err(NotVerified::NoPublicFolder));
        let seals = seals.map(|seals| Seals {
            finals: &self.finals,
            ..seals.as_of(as_of)
        });
        if let (Err(why), false) = (&seals, self.finals.is_empty()) {
            return Err(FinalsForNothing(*why).into());
        }
        let bar = Bar::new(operator);
        let report = inspect_vaults(&self.vaults, fingerprints, seals, &bar)?;
        Ok(Box::new(report))
    }
}

/// Finals were named, and there is nothing to verify them with.
#[derive(Debug, Error)]
#[error("the finals cannot be compared: {0}")]
struct FinalsForNothing(NotVerified);

impl Explained for FinalsForNothing {
    fn hint(&self) -> String {
        "name the public folder of the archive whose finals these are, or leave --finals out"
            .to_owned()
    }

    fn exit(&self) -> Exit {
        Exit::Input
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
        seals::describe(&self.seals, &mut text);
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

fn describe(vault: &VaultReport, text: &mut String) {
    let _ = writeln!(
        text,
        "{}: {}, {} bytes",
        vault.path,
        Counted(vault.records, "record"),
        vault.bytes
    );
    if vault.is_without_records() {
        let _ = writeln!(text, "  NO RECORD was found: is this the vault?");
    }
    describe_segments(vault, text);
    for log in &vault.logs {
        let _ = writeln!(
            text,
            "  log {}: {}, sequence {} to {}, claimed times {} to {}",
            log.log,
            Counted(log.records, "record"),
            log.lowest_seq,
            log.highest_seq,
            log.earliest,
            log.latest
        );
    }
    if vault.without_header > 0 {
        let _ = writeln!(
            text,
            "  {} without a header of ours (made by gpg, say)",
            Counted(vault.without_header, "record")
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

fn origin_proofs(vault: &VaultReport) -> String {
    match &vault.origin_proofs {
        Some(proofs) => format!(
            "  origin proofs: {} good, {} of ours without one\n",
            proofs.good,
            Counted(proofs.without, "record")
        ),
        None => "  origin proofs: not checked (--public names the archive)\n".to_owned(),
    }
}

fn describe_segments(vault: &VaultReport, text: &mut String) {
    if let (Some(first), Some(last)) = (vault.segments.first(), vault.segments.last()) {
        let count = Counted(vault.segments.len() as u64, "segment");
        let _ = writeln!(text, "  {count}, {} to {}", first.file, last.file);
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
                retired_segment(name, segment.still_stands, removed, &mut text);
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
    let (records, at) = (Counted(removed.records, "record"), removed.at);
    let what = if still_stands {
        "retirement interrupted, the segment still stands"
    } else {
        "retired"
    };
    let reason = &removed.reason;
    let _ = writeln!(text, "  {what}: {name}, {records}, on {at}: {reason}");
    for range in removed.ranges.iter().take(SHOWN) {
        let _ = writeln!(text, "    {range}");
    }
    let more = removed.ranges.len().saturating_sub(SHOWN);
    if more > 0 {
        let _ = writeln!(text, "    … and {more} more (--json lists them)");
    }
    if still_stands {
        text.push_str("    custodian retire, once more for this segment, finishes it\n");
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
