//! `custodian retire`: removes a vault's first segment at the end of its retention.

use std::fmt::Write as _;
use std::path::PathBuf;

use archiver_core::counted::Counted;
use archiver_core::vault::retired::{NotAReason, Reason};
use archiver_core::vault::segments::SegmentNumber;
use serde::Serialize;
use thiserror::Error;

use crate::clock;
use crate::exit::Exit;
use crate::failure::{Explained, Failure, shown};
use crate::opening::retired::Removed;
use crate::opening::retiring::{BrokenBehind, Request, Retirement};
use crate::operator::Operator;
use crate::report::{Report, to_json};

mod sealed;

use sealed::{NAMED, Question};

/// Remove a vault's first segment at the end of its retention, so that it shows as removed and the seals still verify.
///
/// In its place stays VAULT-000001.retired, with time, reason, and the hashes of which the leaves of its records are made. No mail can be had from them.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = "Example:
  custodian retire --reason \"ten years are over\" --dry-run SEGMENTS 1
  custodian retire --reason \"ten years are over\" SEGMENTS VAULT-000001.asc

SEGMENTS is a vault that is a folder. When it is sealed, give --public too: each day of the segment must be sealed, and the
public folder must be that of its archive.
The segment is removed for good, here; its copies are yours to remove. It is verified before. Hooks may go on archiving
meanwhile. Run it as root, or as the user who runs the hook.
The exit status is 1 when the segment is damaged, the next one does not continue it, or a day of it is not sealed; then it
stands.")]
pub(crate) struct Args {
    /// The public folder of the ceremony, needed when the vault is sealed: the seals over the segment's days must hold.
    #[arg(long, value_name = "DIR")]
    public: Option<PathBuf>,

    /// Why it is removed, in one line of at most 200 characters. It stands in the vault's folder from then on, for everybody who inspects it.
    #[arg(long, value_name = "TEXT")]
    reason: String,

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

/// Why nothing was removed, beside what is wrong with the segment or its seals.
#[derive(Debug, Error)]
pub(crate) enum NotRetired {
    #[error("nothing was removed: the answer was no")]
    Declined,
    /// It is not repeated: it may be anything.
    #[error("the text behind --reason cannot be used: {0}")]
    Reason(NotAReason),
}

impl Explained for NotRetired {
    fn hint(&self) -> String {
        match self {
            Self::Declined => "run it again when it may be removed",
            Self::Reason(_) => "say it shorter, in one line; what is longer belongs in the minutes",
        }
        .to_owned()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Declined | Self::Reason(_) => Exit::Usage,
        }
    }
}

impl Args {
    pub(crate) fn run(&self, operator: &mut dyn Operator) -> Result<Box<dyn Report>, Failure> {
        let reason: Reason = self.reason.parse().map_err(NotRetired::Reason)?;
        let now = clock::now()?;
        let retirement = Retirement::plan(Request {
            vault: &self.vault,
            segment: self.segment,
            reason,
            now,
            even_damaged: self.damaged,
        })?;
        let question = Question {
            vault: &self.vault,
            retired: retirement.retired(),
            public: self.public.as_deref(),
            now,
            even_unsealed: self.damaged,
        };
        let unsealed = question.unsealed_days(operator)?;
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
