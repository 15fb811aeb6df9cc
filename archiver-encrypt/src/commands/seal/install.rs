//! `archiver-encrypt seal install`: takes the server's folder of the ceremony over, and wipes the first seed where it came from.
//!
//! Interrupted wherever it may be, the seed is whole at one of the two places, and the same command, given again, goes on: the empty finals of the
//! days before are on stable storage first, then the seal folder, whole, and only then the source is overwritten. It writes over no seal folder,
//! and uses no key up for a day that may be a wrong clock's.

mod error;
mod finals;
mod published;
mod report;
mod source;
mod target;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;

use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use archiver_core::seal::installation::{Installation, install};

use self::error::InstallError;
use self::report::Report;
use self::source::Source;
use self::target::Target;
use super::{DONE, say};
use crate::clock::system_clock;
use crate::vault_place::require_vaults_path;

/// Nothing was installed, or not to the end.
pub(crate) const NOT_DONE: u8 = 1;
/// It is installed, and the first seed is still where it came from.
const NOT_WIPED: u8 = 2;

/// A clock that is further ahead than this must be confirmed.
const MOST_DAYS_AHEAD: i64 = 7;

const AFTER_HELP: &str = "\
Example, as the user who runs the hook:
  archiver-encrypt seal install --from /media/server/server --public /media/public --vault /var/lib/archiver/VAULT --seal-dir /var/lib/archiver-seals/mail

Interrupted, it is given again as it was.

Exit codes:
  0  installed, and the source is wiped
  1  not installed, or not to the end: mend what is said, and run it again
  2  installed, but the source could not be wiped: destroy the medium";

/// Install the seals of this server: the folder that the ceremony made for it.
///
/// The seed of the ceremony is taken forward to today, so that nobody can forge the days before; then it is overwritten and removed where it came from. Run it as
/// the user who runs the hook.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The server's folder of the ceremony, on a medium that can be written: its seed is wiped
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// The seal folder to make, in a folder of this user's. It must not be in any backup or snapshot
    #[arg(long, value_name = "DIR")]
    seal_dir: PathBuf,

    /// The vault that will be sealed. Needed when days have passed since the ceremony: the seals beside it say that they were empty
    #[arg(long, value_name = "PATH")]
    vault: Option<PathBuf>,

    /// The public folder of the ceremony, to compare the seal keys with what is published
    #[arg(long, value_name = "DIR")]
    public: Option<PathBuf>,

    /// The certificate that the hook encrypts to, to compare it with the server's archive
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,

    /// Confirm that it is this day, when more than 7 days have passed since the ceremony
    #[arg(long, value_name = "YYYY-MM-DD")]
    catch_up: Option<Day>,
}

/// Runs the command and returns its exit code.
pub(super) fn run(args: &Args, out: &mut impl Write, err: &mut impl Write) -> io::Result<u8> {
    let hidden = hide_memory();
    let installed =
        hidden.and_then(|()| take_over(args, system_clock().ok_or(InstallError::Clock)?));
    let (report, source) = match installed {
        Ok(installed) => installed,
        Err(e) => return say(err, &e.to_string()).map(|()| NOT_DONE),
    };
    let wiped = source.wipe();
    write!(out, "{report}")?;
    match wiped {
        Ok(()) => write!(out, "{}", report.after_wiping()).map(|()| DONE),
        Err(e) => say(err, &e.to_string()).map(|()| NOT_WIPED),
    }
}

/// A core dump would be a copy of the seed.
fn hide_memory() -> Result<(), InstallError> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| InstallError::Process(e.into()))
}

/// Everything but the wiping: when it returns, the seal folder is whole and on stable storage.
fn take_over(args: &Args, now: UtcTime) -> Result<(Report, Source), InstallError> {
    if let Some(vault) = &args.vault {
        require_vaults_path(vault, args.cert.as_deref(), Some(&args.seal_dir))?;
    }
    let source = Source::open(&args.from)?;
    let server = source.server();
    let published = args.public.as_deref();
    let published = published.map(|folder| published::keys(folder, server, now));
    let published = published.transpose()?;
    if let Some(file) = &args.cert {
        published::check_certificate(file, server, now)?;
    }
    let target = Target::at(&args.seal_dir)?;
    let first_sealed = if let Some(day) = target.day_of_an_earlier_run(&source)? {
        day
    } else {
        let day = args.confirmed_day(*server.days().start(), now)?;
        let overwritten = || InstallError::Overwritten(args.from.display().to_string());
        let first_seed = source.seed()?.ok_or_else(overwritten)?;
        let made = install(server, first_seed, day)?;
        published::compare(published.as_ref(), &made.seed)?;
        put_in_place(args, &target, &source, &made)?;
        day
    };
    let report = Report::new(args, server, now, first_sealed, published.is_some());
    Ok((report, source))
}

/// In this order: a final is on stable storage before the seed that could have signed another is given up.
fn put_in_place(
    args: &Args,
    target: &Target,
    source: &Source,
    made: &Installation,
) -> Result<(), InstallError> {
    if !made.finals.is_empty() {
        let first = *source.server().days().start();
        let vault = args.vault.as_deref();
        let vault = vault.ok_or(InstallError::VaultNeeded { first })?;
        finals::append(vault, &made.finals)?;
    }
    target.make(source.server(), &made.seed)
}

impl Args {
    /// Today, when that can be believed: keys that a clock ahead uses up cannot be had again.
    fn confirmed_day(&self, first: Day, now: UtcTime) -> Result<Day, InstallError> {
        let today = Day::of(now);
        let days = today.days_since(first);
        match self.catch_up {
            Some(confirmed) if confirmed != today => {
                Err(InstallError::OtherDay { confirmed, today })
            }
            None if days > MOST_DAYS_AHEAD => Err(InstallError::FarAhead { today, days }),
            _ => Ok(today),
        }
    }
}
