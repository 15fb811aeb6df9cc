//! The command line of `custodian`. What each command takes stands in its own file.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::exit;
use crate::failure::Failure;
use crate::hardening::Hardened;
use crate::operator::Operator;
use crate::report::Report;

/// Key ceremony, sheets and audit of an encrypted archive.
///
/// The archive's secret key is shared among custodians, k of n, on paper sheets. The mail server holds the public certificate only and appends each mail,
/// encrypted, to a vault. At an audit, k sheets open the vault.
#[derive(Debug, Parser)]
#[command(name = "custodian", disable_version_flag = true, after_help = exit::HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say only what must be looked at.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// Print version, commit and the SHA-256 of this binary.
    #[arg(long, short = 'V')]
    pub(crate) version: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ceremony(commands::ceremony::Args),
    Check(commands::check::Args),
    Rebuild(commands::rebuild::Args),
    Open(commands::open::Args),
    Inspect(commands::inspect::Args),
    Retire(commands::retire::Args),
    Rehearse(commands::rehearse::Args),
    Completions(commands::completions::Args),
    Man(commands::man::Args),
}

impl Command {
    /// Runs the command.
    pub(crate) fn run(
        &self,
        hardened: Hardened,
        operator: &mut dyn Operator,
    ) -> Result<Box<dyn Report>, Failure> {
        match self {
            Self::Ceremony(args) => args.run(hardened, operator),
            Self::Check(args) => args.run(operator),
            Self::Rebuild(args) => args.run(operator),
            Self::Open(args) => args.run(operator),
            Self::Inspect(args) => args.run(operator),
            Self::Retire(args) => args.run(operator),
            Self::Rehearse(args) => args.run(hardened, operator),
            Self::Completions(args) => Ok(args.run()),
            Self::Man(args) => args.run(),
        }
    }
}
