//! `archiver-encrypt setup`: checks an installation, proves it with a canary mail, and prints the recipes for the paths in use.
//!
//! It changes nothing but what it is asked to make (`--create`, `--segments`), and the canary's record. Running it again does no harm: there is one more
//! canary in the vault.

mod canary;
mod checks;
mod folder;
mod recipes;
mod seals;
mod user;

use std::ffi::OsString;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::PathBuf;

use archiver_core::identity::Fingerprint;
use archiver_core::vault::segments::SegmentRules;
use clap::Parser;
use clap::error::ErrorKind;

use self::checks::{Check, Verdict};
use self::recipes::Site;
use self::user::User;
use crate::args::one_line;
use crate::commands::sizes::Room;

/// All is well.
const PROVEN: u8 = 0;
/// It works, and there is something to look after.
const LOOK_AFTER: u8 = 1;
/// It does not work, or could not be proven.
pub(crate) const FAILED: u8 = 2;

const AFTER_HELP: &str = "\
Example:
  archiver-encrypt setup --cert /etc/archiver/archive.cert.asc --fingerprint SUBKEY --vault /var/lib/archiver/VAULT --create

Exit codes:
  0  the hook works as the recipes start it
  1  it works, and there is something to look after
  2  it does not work, or that could not be proven";

/// Check the hook's installation, prove it with a canary mail, and print the recipes for it.
///
/// The canary is delivered by the very command that the recipes hold, as the user who will run it, and must be found at the vault's end; and once more with a
/// certificate that is missing, which must be refused. Run it as root, or as that user.
#[derive(Debug, Parser)]
#[command(
    name = "archiver-encrypt-setup",
    bin_name = "archiver-encrypt setup",
    after_help = AFTER_HELP,
    max_term_width = 100
)]
pub(crate) struct Args {
    /// The archive's certificate, archive.cert.asc of the ceremony
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// The vault: a file in a folder of its own, or with --segments a folder
    #[arg(long, value_name = "PATH")]
    vault: PathBuf,

    /// The fingerprint of the archive's encryption subkey, from the ceremony record on paper. Without it, whoever can exchange the certificate can divert all
    /// mail
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<Fingerprint>,

    /// The seal folder that `archiver-encrypt seal install` made, as the user who runs the hook
    #[arg(long, value_name = "DIR")]
    seal_dir: Option<PathBuf>,

    /// Who runs the hook. As root, without this: archiver
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Make the vault's folder if it is missing: owned by the user, mode 0700
    #[arg(long)]
    create: bool,

    /// Make the vault a folder of segments, if it is not there yet. From time to time a new segment is begun, so that old ones can be stored elsewhere
    #[arg(long)]
    segments: bool,

    /// With --segments: how long a segment may become, such as 500M or 10G. Without this: 1G
    #[arg(long, value_name = "SIZE", requires = "segments", value_parser = segment_size)]
    segment_size: Option<NonZero<u64>>,

    /// With --segments: begin a new segment every day (UTC) as well
    #[arg(long, requires = "segments")]
    by_day: bool,
}

impl Args {
    /// The rules for a new folder of segments.
    fn rules(&self) -> SegmentRules {
        let usual = SegmentRules::default();
        SegmentRules {
            size: self.segment_size.unwrap_or(usual.size),
            by_day: self.by_day,
        }
    }

    /// The rules that must stand in a folder, when they matter to whoever runs this.
    fn rules_asked_for(&self) -> Option<SegmentRules> {
        (self.by_day || self.segment_size.is_some()).then(|| self.rules())
    }
}

/// At least as much as one mail is long; shorter segments would each hold one record.
fn segment_size(text: &str) -> Result<NonZero<u64>, String> {
    const SHORTEST: u64 = 1 << 20;
    match text.parse() {
        Ok(Room::Bytes(bytes)) if bytes >= SHORTEST => NonZero::new(bytes),
        _ => None,
    }
    .ok_or_else(|| "expected a number and M, G or T, of 1M or more: 500M, 10G".to_owned())
}

/// Runs the command and returns its exit code.
pub(crate) fn run(args: impl Iterator<Item = OsString>, out: &mut impl Write) -> u8 {
    let told = match Args::try_parse_from(args) {
        Ok(args) => set_up(&args, out),
        Err(e) if e.kind() == ErrorKind::DisplayHelp => write!(out, "{e}").map(|()| PROVEN),
        Err(e) => writeln!(out, "FAIL  {}", one_line(&e.to_string())).map(|()| FAILED),
    };
    // Nobody reads that the canary failed when stdout is closed.
    told.and_then(|code| out.flush().map(|()| code))
        .unwrap_or(FAILED)
}

fn set_up(args: &Args, out: &mut impl Write) -> io::Result<u8> {
    let mut told = Told {
        out,
        worst: Verdict::Good,
    };
    let (Some(user), Some(site)) = (find_user(args, &mut told)?, find_site(args, &mut told)?)
    else {
        return told.close();
    };
    told.all(checks::program(&site))?;
    told.all(checks::certificate(&site))?;
    told.all(folder::vault(args, &user))?;
    told.all(seals::folder(&site, &user))?;
    if told.worst < Verdict::Bad {
        told.all(canary::deliver(&site, &user))?;
        told.all(canary::refuse(&site, &user))?;
    }
    if told.worst < Verdict::Bad {
        write!(told.out, "\n{}", recipes::text(&site))?;
    }
    told.close()
}

fn find_user(args: &Args, told: &mut Told<'_, impl Write>) -> io::Result<Option<User>> {
    match User::who_runs_the_hook(args.user.as_deref()) {
        Ok(user) => Ok(Some(user)),
        Err(e) => told.all([Check::bad(e.to_string())]).map(|()| None),
    }
}

fn find_site(args: &Args, told: &mut Told<'_, impl Write>) -> io::Result<Option<Site>> {
    match Site::new(
        &args.cert,
        &args.vault,
        args.fingerprint,
        args.seal_dir.as_deref(),
    ) {
        Ok(site) => Ok(Some(site)),
        Err(e) => told.all([Check::bad(e.to_string())]).map(|()| None),
    }
}

/// What was told so far, a line each.
struct Told<'a, W> {
    out: &'a mut W,
    worst: Verdict,
}

impl<W: Write> Told<'_, W> {
    fn all(&mut self, checks: impl IntoIterator<Item = Check>) -> io::Result<()> {
        for check in checks {
            writeln!(self.out, "{check}")?;
            self.worst = self.worst.max(check.verdict);
        }
        Ok(())
    }

    /// The last line, and the exit code.
    fn close(self) -> io::Result<u8> {
        let (line, code) = match self.worst {
            Verdict::Good => ("The hook works as the recipes start it.", PROVEN),
            Verdict::Doubtful => (
                "The hook works. Look after the lines that begin with WARN.",
                LOOK_AFTER,
            ),
            Verdict::Bad => (
                "The hook does not work yet. Mend what FAIL says, and run this again.",
                FAILED,
            ),
        };
        writeln!(self.out, "\n{line}")?;
        Ok(code)
    }
}
