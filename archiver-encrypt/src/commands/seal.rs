//! `archiver-encrypt seal …`: what is done with a server's seals beside the deliveries.

mod due;
mod install;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::ErrorKind;
use clap::{Args as _, CommandFactory as _, Parser, Subcommand};

pub(crate) use self::install::NOT_DONE;
use crate::args::one_line;
use crate::clock::Clock;

/// All is done.
const DONE: u8 = 0;

/// Seal the days that are over, and what is archived until now.
///
/// For a timer right after midnight UTC, and as often besides as you like: what is sealed already is not sealed again. Nobody can
/// rewrite a day any more once its final seal is written, because its key is gone then. Run it as the user who runs the hook.
#[derive(Debug, Parser)]
#[command(
    name = "archiver-encrypt-seal",
    bin_name = "archiver-encrypt seal",
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = due::AFTER_HELP,
    max_term_width = 100
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    due: due::Args,
}

#[derive(Debug, Subcommand)]
enum Action {
    Install(install::Args),
}

/// The command lines, for the manual.
pub(crate) fn command_lines() -> [clap::Command; 2] {
    let install = install::Args::augment_args(clap::Command::new("archiver-encrypt-seal-install"));
    [
        Args::command(),
        install.bin_name("archiver-encrypt seal install"),
    ]
}

/// Runs the command and returns its exit code.
pub(crate) fn run(
    args: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    err: &mut impl Write,
    clock: Clock,
) -> u8 {
    let told = match Args::try_parse_from(args) {
        Ok(Args {
            action: Some(Action::Install(args)),
            ..
        }) => install::run(&args, out, err),
        Ok(Args { due, .. }) => due::run(&due, out, err, clock),
        Err(e) if e.kind() == ErrorKind::DisplayHelp => write!(out, "{e}").map(|()| DONE),
        Err(e) => say(err, &one_line(&e.to_string())).map(|()| NOT_DONE),
    };
    told.and_then(|code| out.flush().map(|()| code))
        .unwrap_or(NOT_DONE)
}

/// One line: paths and other programs' texts may have control characters.
fn say(err: &mut impl Write, problem: &str) -> io::Result<()> {
    let problem = problem.replace(char::is_control, " ");
    writeln!(err, "archiver-encrypt seal: {problem}")
}
