//! `archiver-encrypt status`: how vault, disk and certificate are, for people and for monitoring programs.
//!
//! It needs no secret, decrypts nothing and reads only the vault's end, and of the seed what is no secret, so it may run every minute. What it says of records is what they claim; whether
//! that is true is for `custodian inspect`. Exit codes and first line are those of a monitoring plugin (Nagios, Icinga and others).

mod certificate_check;
mod disk_check;
mod report;
mod seals_check;
mod state;
mod vault_check;
mod writing_check;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use archiver_core::identity::Fingerprint;
use clap::Parser;
use clap::error::ErrorKind;

use self::state::Findings;
pub(crate) use self::state::State;
use crate::args::one_line;
use crate::clock::system_clock;
use crate::commands::sizes::{Age, Room};

const AFTER_HELP: &str = "\
Example:
  archiver-encrypt status --cert /etc/archiver/archive.cert.asc --vault /var/lib/archiver/VAULT --warn-free 20G --crit-free 5G

Exit codes:
  0  OK: nothing to look after
  1  WARNING: look after it in the next days
  2  CRITICAL: mail is, or soon will be, waiting in the queue, or could be diverted
  3  UNKNOWN: it could not be told";

/// Tell how vault, disk and certificate are, without any secret.
///
/// The first line and the exit code are those that monitoring programs expect. Run it as the user who runs the hook, or as root.
#[derive(Debug, Parser)]
#[command(
    name = "archiver-encrypt-status",
    bin_name = "archiver-encrypt status",
    after_help = AFTER_HELP,
    max_term_width = 100
)]
pub(crate) struct Args {
    /// The vault: its file, or its folder of segments
    #[arg(long, value_name = "PATH")]
    vault: PathBuf,

    /// The certificate that the hook encrypts to
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// The fingerprint that the hook is given, if it is: then another certificate is critical, and who may write the file does not matter
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<Fingerprint>,

    /// The seal folder that the hook is given, if it is
    #[arg(long, value_name = "DIR")]
    seal_dir: Option<PathBuf>,

    /// Warn when the last mail was archived longer ago than this: 90m, 26h, 3d
    #[arg(long, value_name = "AGE", default_value = "26h")]
    warn_age: Age,

    /// The same, critical; not shorter
    #[arg(long, value_name = "AGE", default_value = "3d")]
    crit_age: Age,

    /// Warn when the vault's disk has less free than this: 10%, or 500M, 20G
    #[arg(long, value_name = "ROOM", default_value = "10%")]
    warn_free: Room,

    /// The same, critical
    #[arg(long, value_name = "ROOM", default_value = "3%")]
    crit_free: Room,

    /// Warn when the certificate expires in fewer days than this
    #[arg(long, value_name = "DAYS", default_value_t = 60)]
    warn_cert_days: u32,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command and returns its exit code.
pub(crate) fn run(args: impl Iterator<Item = OsString>, out: &mut impl Write) -> u8 {
    let args: Vec<OsString> = args.collect();
    // Also when the rest of the line is wrong: whoever asks for JSON reads nothing else.
    let wants_json = args.iter().any(|arg| arg == "--json");
    let (text, code) = match Args::try_parse_from(args) {
        Ok(args) if args.crit_age < args.warn_age => {
            let problem = "--crit-age is shorter than --warn-age; give a longer one, or both";
            unknown(problem, wants_json)
        }
        Ok(args) => answer(&args),
        Err(e) if e.kind() == ErrorKind::DisplayHelp => (e.to_string(), 0),
        Err(e) => unknown(&one_line(&e.to_string()), wants_json),
    };
    // Nobody who reads the result learns it from an exit code alone.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => State::Unknown.exit_code(),
    }
}

fn answer(args: &Args) -> (String, u8) {
    let Some(now) = system_clock() else {
        let problem = "this machine's clock cannot be read or is far off; set it";
        return unknown(problem, args.json);
    };
    let mut findings = Findings::default();
    let (vault, disk) = vault_check::look(args, now, &mut findings);
    let certificate = certificate_check::look(args, now, &mut findings);
    let subkey = certificate
        .as_ref()
        .map(|cert| cert.encryption_subkey.as_str());
    let seals = seals_check::look(args, subkey, now, &mut findings);
    let status = report::Status::new(vault, disk, certificate, seals, findings);
    let text = if args.json {
        status.json()
    } else {
        status.text(args)
    };
    (text, status.exit_code())
}

/// Nothing was looked at.
fn unknown(problem: &str, wants_json: bool) -> (String, u8) {
    let mut findings = Findings::default();
    findings.add(State::Unknown, problem);
    let status = report::Status::new(None, None, None, None, findings);
    let text = if wants_json {
        status.json()
    } else {
        status.summary_line()
    };
    (text, status.exit_code())
}
