//! `custodian`: the key ceremony, the sheets, the audit.
//!
//! The same executable is the mail server's hook when it is started under the name `archiver-encrypt`: so a rehearsal runs the real hook, as a separate process,
//! without a second binary.

mod archive_files;
mod ceremony;
mod cli;
mod clock;
mod commands;

mod exit;
mod failure;
mod hardening;
mod interrupt;
mod new_files;
mod opening;
mod operator;
mod plan;
mod progress;
mod regular_file;
mod rehearsal;
mod report;
mod secret_file;
mod sheets;
mod staging;
mod terminal;
mod version;

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::Report;
use crate::terminal::{Terminal, message};

fn main() -> ExitCode {
    if called_as_hook() {
        return archiver_encrypt::main_entry();
    }
    archiver_encrypt::disk::hold_many_files();
    let hardened = hardening::harden();
    if let Err(error) = interrupt::watch() {
        return explain(&unwatched(&error)).into();
    }
    let cli = Cli::parse();
    if cli.version {
        return print(&version::text())
            .map_or_else(|error| unprintable(&error), |()| Exit::Done)
            .into();
    }
    let Some(command) = &cli.command else {
        message(&Cli::command().render_help().to_string());
        return Exit::Usage.into();
    };
    let mut operator = Terminal::new(cli.quiet);
    let outcome = command.run(hardened, &mut operator);
    // What is being removed makes a command fail: that is no error to be told.
    interrupt::let_it_end();
    match outcome {
        Ok(report) => show(report.as_ref(), cli.json).into(),
        Err(failure) => explain(&failure).into(),
    }
}

/// Whether the first argument, the name by which this program was started, is the hook's.
fn called_as_hook() -> bool {
    let name = std::env::args_os().next();
    name.as_deref().map(Path::new).and_then(Path::file_name) == Some("archiver-encrypt".as_ref())
}

fn show(report: &dyn Report, json: bool) -> Exit {
    let shown = if json {
        report.json().map_err(io::Error::from)
    } else {
        Ok(report.text())
    };
    match shown.and_then(|text| print(&text)) {
        Ok(()) => report.exit(),
        Err(error) => unprintable(&error),
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// The work is done, but its result cannot be told.
fn unprintable(error: &io::Error) -> Exit {
    explain(&Failure {
        message: format!("the result could not be written to stdout: {error}"),
        hint: "what the command was asked to write into files is complete".to_owned(),
        exit: Exit::Output,
    })
}

fn unwatched(error: &io::Error) -> Failure {
    Failure {
        message: format!("this system lets no signals be watched for: {error}"),
        hint: "nothing was begun; end other programs and run again".to_owned(),
        exit: Exit::Internal,
    }
}

fn explain(failure: &Failure) -> Exit {
    message(&format!("error: {}", failure.message));
    message(&format!("hint: {}", failure.hint));
    failure.exit
}
