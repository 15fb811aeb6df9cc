//! `archiver-encrypt seal --vault … --seal-dir …`: the finals of the days that are over, and an interim seal over what is archived until now.
//!
//! Everything happens under the vault's lock, in the order of docs/format.md §8.5; interrupted wherever it may be, the next run, or the next mail, goes on.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use archiver_core::seal::writer::Anomaly;
use thiserror::Error;

use super::{DONE, NOT_DONE, say};
use crate::clock::Clock;
use crate::disk;
use crate::seal_folder::{self, SealFolderRefused};
use crate::seals_reader::LastSeals;
use crate::stop::StopSignals;
use crate::vault_place::{NoVaultsPath, require_vaults_path, seals_of};

/// It is sealed, and there is something to look after.
const LOOK_AFTER: u8 = 2;

pub(super) const AFTER_HELP: &str = "\
Example, for a timer:
  archiver-encrypt seal --vault /var/lib/archiver/VAULT --seal-dir /var/lib/archiver-seals/mail

Exit codes:
  0  all that is over is sealed
  1  not sealed, or not to the end: mend what is said
  2  sealed, and there is something to look after; with --print-finals also: there is none to print";

#[derive(Debug, clap::Args)]
#[group(id = "due")]
pub(super) struct Args {
    /// The vault: its file, or its folder of segments
    #[arg(long, value_name = "PATH", required = true)]
    vault: Option<PathBuf>,

    /// The seal folder that `archiver-encrypt seal install` made
    #[arg(long, value_name = "DIR", required = true)]
    seal_dir: Option<PathBuf>,

    /// Confirm that it is this day, when no day was sealed for more than a week: then the keys of all days before are used up
    #[arg(long, value_name = "YYYY-MM-DD")]
    catch_up: Option<Day>,

    /// Print, instead of the usual line, the final seals of the last so many sealed days, to be kept away from this machine
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    print_finals: Option<u16>,

    /// Say nothing when all is well
    #[arg(long, conflicts_with = "print_finals")]
    quiet: bool,

    /// Allow a vault on a network file system, as the hook's option of this name
    #[arg(long)]
    allow_network_fs: bool,
}

/// Why nothing was sealed.
#[derive(Debug, Error)]
enum NotSealed {
    #[error("--vault and --seal-dir are needed")]
    Arguments,
    #[error("the process could not be set up: {0}")]
    Process(io::Error),
    #[error("the system's clock cannot be read or is far off; set it")]
    Clock,
    #[error(
        "--catch-up says that it is {confirmed}, and this machine's clock says {today}; set the clock, or give the right day"
    )]
    OtherDay { confirmed: Day, today: Day },
    #[error(transparent)]
    NoVaultsPath(#[from] NoVaultsPath),
    #[error(transparent)]
    Folder(#[from] SealFolderRefused),
    #[error(
        "vault {0} does not exist, nor do its seals; give the path that the hook is given (the first mail makes the vault)"
    )]
    NoVault(String),
    #[error("vault {path}: {source}")]
    Vault { path: String, source: io::Error },
    #[error("the seals {path} could not be read: {source}")]
    Seals { path: String, source: io::Error },
}

/// How much a remark matters; the later, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Hint,
    LookAfter,
    NotSealed,
}

/// What is to be told beside the result.
struct Remark {
    weight: Weight,
    text: String,
}

/// Runs the command and returns its exit code.
pub(super) fn run(
    args: &Args,
    out: &mut impl Write,
    err: &mut impl Write,
    clock: Clock,
) -> io::Result<u8> {
    let sealed = args.paths().and_then(|(vault, folder)| {
        let remarks = seal(args, vault, folder, clock)?;
        Ok((remarks, last_seals(args, vault)?))
    });
    let (remarks, seals) = match sealed {
        Ok(sealed) => sealed,
        Err(e) => return say(err, &e.to_string()).map(|()| NOT_DONE),
    };
    for remark in &remarks {
        say(err, &remark.text)?;
    }
    let code = exit_code(&remarks);
    if let Some(days) = args.print_finals {
        let finals = seals.finals(days.into());
        if finals.is_empty() {
            say(
                err,
                "no final seal stands beside the vault, so that there is none to print",
            )?;
            return Ok(if code == DONE { LOOK_AFTER } else { code });
        }
        for note in finals {
            write!(out, "{note}")?;
        }
    } else if code != NOT_DONE && !args.quiet {
        writeln!(out, "{}", summary(&seals))?;
    }
    Ok(code)
}

fn seal(args: &Args, path: &Path, folder: &Path, clock: Clock) -> Result<Vec<Remark>, NotSealed> {
    let stop = prepare_process().map_err(NotSealed::Process)?;
    let now = clock().ok_or(NotSealed::Clock)?;
    args.check_day(now)?;
    require_vaults_path(path, None, Some(folder))?;
    // A mistyped path would use up the keys of days beside a vault that nobody looks at.
    if !path.exists() && !seals_of(path).exists() {
        return Err(NotSealed::NoVault(path.display().to_string()));
    }
    let mut sealer = seal_folder::open(folder, path, None, args.allow_network_fs)?;
    disk::vault_at(path, args.allow_network_fs, &stop)
        .and_then(|mut vault| sealer.seal(&mut vault, args.catch_up, || clock().unwrap_or(now)))
        .map_err(|source| NotSealed::Vault {
            path: path.display().to_string(),
            source,
        })?;
    let anomalies = sealer.take_anomalies();
    Ok(anomalies.iter().map(Remark::from).collect())
}

/// The seed is in memory, and must not be in a core dump.
fn prepare_process() -> io::Result<StopSignals> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    StopSignals::block()
}

fn last_seals(args: &Args, vault: &Path) -> Result<LastSeals, NotSealed> {
    LastSeals::read(vault, args.print_finals.unwrap_or(1).into()).map_err(|source| {
        NotSealed::Seals {
            path: seals_of(vault).display().to_string(),
            source,
        }
    })
}

impl From<&Anomaly> for Remark {
    fn from(anomaly: &Anomaly) -> Self {
        let weight = match anomaly {
            hint if hint.is_notice() => Weight::Hint,
            Anomaly::SealsMissing { .. }
            | Anomaly::Forgotten { .. }
            | Anomaly::AnotherServer(_)
            | Anomaly::StrangeSeal(_)
            | Anomaly::ClockBehind { .. }
            | Anomaly::SeedNotOverwritten(_)
            | Anomaly::NotRemembered(_) => Weight::LookAfter,
            _ => Weight::NotSealed,
        };
        Self {
            weight,
            text: anomaly.to_string(),
        }
    }
}

fn exit_code(remarks: &[Remark]) -> u8 {
    match remarks.iter().map(|remark| remark.weight).max() {
        Some(Weight::NotSealed) => NOT_DONE,
        Some(Weight::LookAfter) => LOOK_AFTER,
        Some(Weight::Hint) | None => DONE,
    }
}

fn summary(seals: &LastSeals) -> String {
    let records = seals.last().map_or(0, |note| note.claimed.size);
    let records = Counted(records, "record");
    match seals.last_final() {
        Some(last) => format!(
            "sealed: {records} of the log; the last day with its final seal is {}",
            last.claimed.day
        ),
        None => format!("sealed: {records} of the log; no final seal stands beside the vault yet"),
    }
}

impl Args {
    fn paths(&self) -> Result<(&Path, &Path), NotSealed> {
        let paths = self.vault.as_deref().zip(self.seal_dir.as_deref());
        paths.ok_or(NotSealed::Arguments)
    }

    /// Keys that a clock ahead uses up cannot be had again.
    fn check_day(&self, now: UtcTime) -> Result<(), NotSealed> {
        let today = Day::of(now);
        match self.catch_up {
            Some(confirmed) if confirmed != today => Err(NotSealed::OtherDay { confirmed, today }),
            _ => Ok(()),
        }
    }
}
