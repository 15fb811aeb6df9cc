//! `custodian open`: k sheets, the vaults, and every mail into a file of its own.

use std::fmt::Write as _;
use std::path::PathBuf;

use archiver_core::counted::Counted;
use archiver_core::openpgp::decrypt::{DecryptionKey, KeyError};
use serde::Serialize;

use super::inspect::retired_segments;
use super::rebuild::RebuildError;
use crate::archive_files::ArchiveFiles;
use crate::clock;
use crate::exit::Exit;
use crate::failure::{Explained, Failure, shown};
use crate::opening::sealing::{Copied, Seals};
use crate::opening::{SealCounts, SealDays, Summary, check_before_the_sheets, open_vaults};
use crate::operator::Operator;
use crate::progress::Bar;
use crate::report::{Report, to_json};
use crate::sheets::{GatheredSheets, Source, Telling, Until, custodians_of};

/// Open vaults with k sheets: every mail into a file of its own, every byte into a manifest.
///
/// The key exists in this program's memory for the run and is never written.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  custodian open --public public --out opened VAULT
  custodian open --public public --sheet anna.png --sheet bo.png --out opened VAULT
  (cd opened && sha256sum --check --quiet manifest.sha256)

The first asks for the sheets, one custodian at a time: scanned with a USB scanner, typed, or named as files.
The seals are verified where seal keys are in the public folder; the column seal of the manifest says what they say of each mail's day.
The exit status is 1 when a record was torn, damaged, for another archive, or out of its log's order, when a day of the log is broken or missing, whether a mail of it was opened or not, or when the archive has seal keys and they are missing.")]
pub(crate) struct Args {
    /// The public folder of the ceremony.
    #[arg(long, value_name = "DIR")]
    public: PathBuf,

    /// A sheet: a scan (PNG, JPEG, TIFF, PDF), a text file, a folder of them, or - for stdin. Once for each sheet.
    /// Without any, they are asked for at the terminal.
    #[arg(long = "sheet", value_name = "FILE")]
    sheets: Vec<PathBuf>,

    /// The ceremony's custodians.json: sheets are then answered with their custodians' names.
    #[arg(long, value_name = "FILE")]
    custodians: Option<PathBuf>,

    /// When the vaults were copied off their server, a day or a time in UTC: days that were to be sealed later are not missing then.
    #[arg(long, value_name = "TIME")]
    copied: Option<Copied>,

    /// The folder to make: messages/, manifest.csv, manifest.json, manifest.sha256.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// The vaults, files or folders of segments, in the order in which they were filled.
    #[arg(value_name = "VAULT", required = true)]
    vaults: Vec<PathBuf>,
}

impl Explained for KeyError {
    fn hint(&self) -> String {
        "take the public folder from another copy, such as the one kept with the ceremony record"
            .to_owned()
    }

    fn exit(&self) -> Exit {
        Exit::Input
    }
}

impl Args {
    pub(crate) fn run(&self, operator: &mut dyn Operator) -> Result<Box<dyn Report>, Failure> {
        let sheets = Source::of(&self.sheets, Until::Quorum, "--sheet FILE", operator)?;
        let now = clock::now()?;
        let as_of = self.copied.map_or(Ok(now), |copied| copied.as_of(now))?;
        let archive = ArchiveFiles::load(&self.public, now, operator)?;
        let custodians = custodians_of(self.custodians.as_deref(), archive.public.manifest())?;
        check_before_the_sheets(&self.vaults, &self.out)?;
        let gathered = GatheredSheets::new(archive.public.sharing(), custodians).gather(
            sheets,
            Telling::News,
            operator,
        )?;
        let rebuilt = gathered
            .into_quorum()?
            .rebuild()
            .map_err(RebuildError::from)?;
        operator.say("The key is rebuilt in memory and fits the archive's certificate.");
        let key = DecryptionKey::from_x25519(archive.public.certificate(), rebuilt.x25519())?;
        let bar = Bar::new(operator);
        let seals = Seals::of(&archive.public, now).map(|seals| seals.as_of(as_of));
        let summary = open_vaults(&self.vaults, &key, seals, &self.out, &bar)?;
        Ok(Box::new(OpenReport {
            folder: shown(&self.out),
            summary,
        }))
    }
}

#[derive(Debug, Serialize)]
struct OpenReport {
    folder: String,
    #[serde(flatten)]
    summary: Summary,
}

impl Report for OpenReport {
    fn text(&self) -> String {
        let found = &self.summary;
        let mut text = format!(
            "{} of {} records opened into {}\n",
            found.opened, found.records, self.folder
        );
        if found.records == 0 {
            text.push_str("NO RECORD was found: is this the vault?\n");
        }
        let counted = [
            (
                found.without_header,
                "opened without a header of ours (made by gpg, say)",
            ),
            (found.duplicates, "byte for byte like an earlier mail"),
        ];
        let anomalies = [
            (found.torn, "TORN: the record's end is missing"),
            (found.damaged, "DAMAGED: the record cannot be opened"),
            (found.foreign, "FOREIGN: the record is for another archive"),
            (
                found.stray,
                "STRAY BYTES: stretches that belong to no record",
            ),
            (
                found.broken_links,
                "BROKEN LINKS: records that do not follow the one before",
            ),
        ];
        for (count, what) in counted
            .into_iter()
            .chain(anomalies)
            .filter(|(count, _)| *count > 0)
        {
            let _ = writeln!(text, "  {count:>6}  {what}");
        }
        text.push_str(&retired_segments(&found.retired_segments));
        describe_seals(&found.seals, &mut text);
        describe_days(&found.seal_days, &mut text);
        let _ = writeln!(
            text,
            "manifest.csv and manifest.json account for all {} bytes; the column result says what each record is, and where, and the column seal what the seals say of its day.",
            found.bytes
        );
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }

    fn exit(&self) -> Exit {
        if self.summary.anomalies() {
            Exit::Anomalies
        } else {
            Exit::Done
        }
    }
}

/// What the seals say of the opened mails, for somebody who was not there when they were made.
fn describe_seals(seals: &SealCounts, text: &mut String) {
    let said = [
        (
            seals.sealed,
            "stand in sealed days: unchanged since the end of their day",
        ),
        (
            seals.open,
            "stand in days that are not sealed yet: today's, or yesterday's until two in the morning (UTC)",
        ),
        (
            seals.broken,
            "stand in BROKEN days: something was changed, removed or put in, or only a part of the log is here; custodian inspect says where",
        ),
        (
            seals.missing,
            "stand in days whose seal is MISSING: never sealed, or taken away, or to come when the vault was copied (--copied)",
        ),
        (
            seals.unsealed,
            "have no seal: nobody can say whether they were there when they say",
        ),
        (
            seals.unverified,
            "could not be verified: seals.pub is missing from the public folder",
        ),
    ];
    for (count, what) in said.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "  {count:>6}  {what}");
    }
}

/// What the seals say of days, also of those of which nothing was opened.
fn describe_days(days: &SealDays, text: &mut String) {
    let said = [
        (
            days.broken,
            "of the log BROKEN: records may be missing here; custodian inspect names them",
        ),
        (
            days.missing,
            "of the log without their seal; custodian inspect names them, and --copied says when the copy was made",
        ),
    ];
    for (count, what) in said.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "  SEALS: {} {what}", Counted(count, "day"));
    }
    if days.noticed > 0 {
        text.push_str("  SEALS: something else was noticed; custodian inspect says what\n");
    }
}
