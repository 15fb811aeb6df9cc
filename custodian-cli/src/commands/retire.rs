//! `custodian retire`: removes a vault's first segment at the end of its retention.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::retired::{NotAReason, Reason, RetiredSegment};
use archiver_core::vault::segments::SegmentNumber;
use serde::Serialize;
use thiserror::Error;

use crate::archive_files::ArchiveFiles;
use crate::clock;
use crate::exit::Exit;
use crate::failure::{Explained, Failure, shown};
use crate::opening::inspect::inspect_vaults;
use crate::opening::retired::Removed;
use crate::opening::retiring::{BrokenBehind, Request, Retirement};
use crate::opening::sealing::{DayState, SealReport, Seals};
use crate::operator::Operator;
use crate::progress::Bar;
use crate::report::{Report, to_json};

/// So many unsealed days are named.
const NAMED: usize = 5;

/// Remove a vault's first segment at the end of its retention, so that it shows as removed and the seals still verify.
///
/// In its place stays VAULT-000001.retired, with time, reason, and the hashes of which the leaves of its records are made. No mail can be had from them.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "Example:
  custodian retire --reason \"ten years are over\" --dry-run SEGMENTS 1
  custodian retire --reason \"ten years are over\" SEGMENTS VAULT-000001.asc

SEGMENTS is a vault that is a folder. Give --public too when the vault is sealed: then each day of the segment must be.
The segment is removed for good, here; its copies are yours to remove. It is verified before. Hooks may go on archiving
meanwhile. Run it as root, or as the user who runs the hook.
The exit status is 1 when the segment is damaged, the next one does not continue it, or a day of it is not sealed; then it
stands.")]
pub(crate) struct Args {
    /// The public folder of the ceremony: then the seals over the segment's days must hold.
    #[arg(long, value_name = "DIR")]
    public: Option<PathBuf>,

    /// Why it is removed, in one line. It stands in the vault's folder from then on, for everybody who inspects it.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: Reason,

    /// Also when records of it are damaged or torn off, when the record behind it does not continue it, or when a day of it is not sealed. That stays visible for ever.
    #[arg(long)]
    damaged: bool,

    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,

    /// Do not ask before it is removed.
    #[arg(long)]
    yes: bool,

    /// Also on a network file system, where the lock may not hold.
    #[arg(long)]
    allow_network_fs: bool,

    /// The vault: a folder of segments.
    #[arg(value_name = "VAULT")]
    vault: PathBuf,

    /// The segment: its number, or the name of its file. Only the first one can be retired.
    #[arg(value_name = "SEGMENT")]
    segment: SegmentNumber,
}

fn reason(text: &str) -> Result<Reason, NotAReason> {
    text.parse()
}

/// Why nothing was removed, beside what is wrong with the segment.
#[derive(Debug, Error)]
pub(crate) enum NotRetired {
    #[error("nothing was removed: the answer was no")]
    Declined,
    #[error("the public folder has no seal keys: its seals.pub is missing")]
    NoSealKeys,
    #[error("the seals do not hold over the segment: {0}")]
    NotSealed(String),
}

impl Explained for NotRetired {
    fn hint(&self) -> String {
        match self {
            Self::Declined => "run it again when it may be removed",
            Self::NoSealKeys => "bring seals.pub back from another copy of the public folder, or leave out --public: then the seals are not verified before",
            Self::NotSealed(_) => {
                "let custodian inspect tell more; a day is sealed when it is over. With --damaged the segment is removed all the same"
            }
        }
        .to_owned()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoSealKeys => Exit::Input,
            Self::Declined => Exit::Usage,
            Self::NotSealed(_) => Exit::Anomalies,
        }
    }
}

impl Args {
    pub(crate) fn run(&self, operator: &mut dyn Operator) -> Result<Box<dyn Report>, Failure> {
        let now = clock::now()?;
        let retirement = Retirement::plan(Request {
            vault: &self.vault,
            segment: self.segment,
            reason: self.reason.clone(),
            now,
            even_damaged: self.damaged,
        })?;
        let unsealed = self.unsealed_days(retirement.retired(), now, operator)?;
        let report = RetireReport {
            vault: shown(&self.vault),
            segment: self.segment.file_name().to_string_lossy().into_owned(),
            stays: self.segment.retired_name().to_string_lossy().into_owned(),
            is_removed: !self.dry_run,
            was_interrupted: retirement.was_interrupted(),
            damaged: retirement.damaged(),
            broken_behind: retirement.broken_behind(),
            unsealed_days: unsealed,
            seals_verified: self.public.is_some(),
            removed: retirement.removed(),
        };
        if self.dry_run {
            return Ok(Box::new(report));
        }
        if !self.yes {
            operator.warn(&report.announcement());
            if !operator.confirm("Remove it for good?", "--yes")? {
                return Err(NotRetired::Declined.into());
            }
        }
        retirement.carry_out(self.allow_network_fs)?;
        Ok(Box::new(report))
    }

    /// The days of the segment that are not sealed. None without `--public`; refused without `--damaged`.
    fn unsealed_days(
        &self,
        retired: &RetiredSegment,
        now: UtcTime,
        operator: &mut dyn Operator,
    ) -> Result<Vec<String>, Failure> {
        let Some(folder) = &self.public else {
            return Ok(Vec::new());
        };
        let archive = ArchiveFiles::load(folder, now, operator)?;
        let seals = Seals::of(&archive.public, now).map_err(|_| NotRetired::NoSealKeys)?;
        let archive = seals.archive;
        let vaults = std::slice::from_ref(&self.vault);
        let bar = Bar::new(operator);
        let found = inspect_vaults(vaults, Some(archive), Ok(seals), &bar)?;
        let unsealed = unsealed(retired, found.seals.logs.as_deref().unwrap_or_default());
        if unsealed.is_empty() || self.damaged {
            return Ok(unsealed);
        }
        let named = unsealed.iter().take(NAMED).cloned().collect::<Vec<_>>();
        Err(NotRetired::NotSealed(named.join("; ")).into())
    }
}

/// Each day of the segment whose verdict is not that it is sealed, and each log of it without a verdict.
fn unsealed(retired: &RetiredSegment, verdict: &[SealReport]) -> Vec<String> {
    let days = retired
        .records()
        .map(|record| (record.place.log, Day::of(record.place.time)));
    let days: BTreeSet<(LogId, Day)> = days.collect();
    let not_sealed = |(log, day): &(LogId, Day)| {
        let (log, day) = (log.to_string(), day.to_string());
        let found = verdict.iter().find(|found| found.log == log);
        let Some(found) = found.filter(|found| found.vault.is_some()) else {
            return Some(format!("{day}: the log {log} has no seals here"));
        };
        let judged = found.days.iter().find(|judged| judged.day == day);
        match judged.map(|judged| (judged.state, &judged.reason)) {
            Some((DayState::Sealed, _)) => None,
            Some((DayState::Open, _)) => Some(format!("{day}: open")),
            Some((_, Some(reason))) => Some(format!("{day}: {reason}")),
            _ => Some(format!("{day}: no key seals this day")),
        }
    };
    days.iter().filter_map(not_sealed).collect()
}

/// What was removed, or would be.
#[derive(Debug, Serialize)]
struct RetireReport {
    vault: String,
    segment: String,
    /// The file in its place.
    stays: String,
    is_removed: bool,
    was_interrupted: bool,
    damaged: u64,
    /// The first record behind it, when that one does not continue it.
    broken_behind: Option<BrokenBehind>,
    unsealed_days: Vec<String>,
    seals_verified: bool,
    #[serde(flatten)]
    removed: Removed,
}

impl RetireReport {
    fn announcement(&self) -> String {
        let mut text = format!(
            "look at this once more before the segment is removed.\n{}, {}:\n",
            self.vault, self.segment
        );
        text.push_str(&self.content());
        text
    }

    fn content(&self) -> String {
        let Removed {
            at,
            reason,
            bytes,
            records,
            without_header,
            torn,
            ranges,
            ..
        } = &self.removed;
        let records = Counted(*records, "record");
        let mut text = format!("  {records}, {bytes} bytes\n");
        for range in ranges {
            let _ = writeln!(text, "  {range}");
        }
        let counted = [
            (
                *without_header,
                "other record",
                "without a header of ours; nothing of that stays",
            ),
            (*torn, "torn record", "of which nothing stays"),
            (
                self.damaged,
                "DAMAGED record",
                "as every verdict will say from now on",
            ),
        ];
        for (count, what, more) in counted.iter().filter(|(count, ..)| *count > 0) {
            let _ = writeln!(text, "  {}, {more}", Counted(*count, what));
        }
        if let Some(behind) = &self.broken_behind {
            let _ = writeln!(
                text,
                "  BROKEN BEHIND IT: {behind}; every verdict will say so from now on"
            );
        }
        for day in self.unsealed_days.iter().take(NAMED) {
            let _ = writeln!(text, "  NOT SEALED: {day}");
        }
        let _ = writeln!(text, "  time {at}, reason: {reason}");
        if self.was_interrupted {
            text.push_str("  (an earlier run was interrupted: its time and reason stand)\n");
        }
        text.push_str(if self.seals_verified && self.unsealed_days.is_empty() {
            "  every day of it is sealed\n"
        } else if self.seals_verified {
            ""
        } else {
            "  its seals were not verified (--public names the archive)\n"
        });
        text
    }
}

impl Report for RetireReport {
    fn text(&self) -> String {
        let Self {
            vault,
            segment,
            stays,
            ..
        } = self;
        let content = self.content();
        if self.is_removed {
            format!(
                "{segment} is removed from {vault}; {stays} stands in its place.\n{content}Copies of the segment elsewhere are yours to remove.\n"
            )
        } else {
            format!("{segment} would be removed from {vault}; nothing is changed.\n{content}")
        }
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }
}
