//! The command line. Wrong arguments are a failed delivery like any other: clap never exits the process here.

use std::ffi::OsString;
use std::path::PathBuf;

use archiver_core::identity::Fingerprint;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};

use crate::syslog::Syslog;

/// What stands under the options: what this program does besides.
const OTHER_COMMANDS: &str = "\
Not a delivery, with exit codes of their own:
  archiver-encrypt setup --help    check an installation, prove it with a canary, print the recipes
  archiver-encrypt seal --help     seal the days that are over; install this server's seals
  archiver-encrypt status --help   how vault and certificate are, for people and for monitoring";

/// Encrypts one mail from standard input to the archive, and appends it to the vault.
///
/// Exit code 0: the record is on stable storage (with `--output -`: it was handed to standard output, no more). Exit code 75: it is
/// not, and the mail server should keep the mail and try again. There is no other exit code.
#[derive(Debug, Parser)]
#[command(name = "archiver-encrypt", version, args_override_self = false, after_help = OTHER_COMMANDS)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub(crate) struct Args {
    /// The archive's public certificate (archive.cert.asc of the ceremony), armored or binary
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,

    /// The vault to which the record is appended. A new one is made with mode 0600; folders are never made. A symbolic link
    /// is followed to an existing vault
    #[arg(long, value_name = "FILE", required_unless_present = "output")]
    pub(crate) vault: Option<PathBuf>,

    /// The seal folder that `archiver-encrypt seal install` made: what is archived is sealed then. When it cannot be, the mail is archived all the same, with a warning
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(crate) seal_dir: Option<PathBuf>,

    /// Use the certificate only if this is its fingerprint, or the fingerprint of its encryption subkey
    #[arg(long, value_name = "HEX")]
    pub(crate) fingerprint: Option<Fingerprint>,

    /// Store mails uncompressed
    #[arg(long)]
    pub(crate) no_compress: bool,

    /// Refuse an expired or revoked certificate. Without this, mails are archived all the same, with a warning
    #[arg(long)]
    pub(crate) strict_cert: bool,

    /// Allow a vault on NFS, SMB or another network file system, where locks and syncs may not hold
    #[arg(long)]
    pub(crate) allow_network_fs: bool,

    /// Say `archived seq=N log=ID` on standard output once the record is on stable storage. A caller who waits for this line does not
    /// take the exit code of an empty or broken program file, which a shell runs "successfully", for an archived mail
    #[arg(long, conflicts_with = "output")]
    pub(crate) confirm: bool,

    /// Where the system's log listens for its one line a delivery: a datagram socket, or `off`. Without this, /dev/log. That nobody
    /// listens there never matters
    #[arg(long, value_name = "SOCKET")]
    pub(crate) syslog: Option<Syslog>,

    /// Put the mail's Message-ID into the log line, so that a mail can be found in the vault by it
    #[arg(long)]
    pub(crate) log_message_id: bool,

    /// Write the record, without our header, to standard output instead of a vault: `-` is the only value. Exit code 0 then means only
    /// that it was handed over: a file is synced to disk, what comes of a pipe is up to its reader
    #[arg(long, value_name = "-", value_parser = ["-"], conflicts_with = "vault", allow_hyphen_values = true)]
    pub(crate) output: Option<String>,
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// To archive a mail.
    Delivery(Args),
    /// To print the help or the version; no delivery.
    Text(String),
}

impl Args {
    /// Reads the arguments, without the program's name. The error is one line.
    pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Asked, String> {
        let args: Vec<OsString> = args.collect();
        let is_alone = args.len() == 1;
        let program = OsString::from("archiver-encrypt");
        match Self::try_parse_from(std::iter::once(program).chain(args)) {
            Ok(args) => Ok(Asked::Delivery(args)),
            Err(e) => match e.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if is_alone => {
                    Ok(Asked::Text(e.to_string()))
                }
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Err(
                    "--help and --version must be the only argument; no mail was archived"
                        .to_owned(),
                ),
                _ => Err(one_line(&e.to_string())),
            },
        }
    }
}

/// The delivery's command line, for the manual.
pub(crate) fn command() -> clap::Command {
    Args::command()
}

/// A message of the argument parser, which it spreads over several lines.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Asked, String> {
        Args::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn certificate_and_vault_are_enough() {
        let Ok(Asked::Delivery(args)) = parse(&["--cert", "c", "--vault", "v"]) else {
            panic!("a delivery")
        };
        assert_eq!((args.cert, args.vault), ("c".into(), Some("v".into())));
        assert!(!args.no_compress && !args.strict_cert && !args.allow_network_fs);
    }

    #[test]
    fn help_and_version_are_texts_only_when_they_stand_alone() {
        for flag in ["--help", "-h", "--version", "-V"] {
            assert!(matches!(parse(&[flag]), Ok(Asked::Text(_))), "{flag}");
            let error = parse(&["--cert", "c", "--vault", "v", flag]).unwrap_err();
            assert!(error.contains("only argument"), "{error}");
        }
    }

    #[test]
    fn wrong_arguments_are_told_in_one_line() {
        let wrong: [&[&str]; 10] = [
            &[],
            &["--cert", "c"],
            &["--vault", "v"],
            &["--cert", "c", "--vault", "v", "extra"],
            &["--cert", "c", "--vault", "v", "--vault", "w"],
            &["--cert", "c", "--vault", "v", "--fingerprint", "12"],
            &["--cert", "c", "--vault", "v", "--output", "-"],
            &["--cert", "c", "--output", "file"],
            &["--cert", "c", "--output", "-", "--confirm"],
            &["--cert", "c", "--output", "-", "--seal-dir", "s"],
        ];
        for args in wrong {
            let error = parse(args).unwrap_err();
            assert!(
                !error.contains('\n') && !error.starts_with("error"),
                "{error}"
            );
        }
    }
}
