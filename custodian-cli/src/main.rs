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
mod opening;
mod operator;
mod plan;
mod progress;
mod rehearsal;
mod report;
mod secret_file;
mod sheets;
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
    let hardened = hardening::harden();
    let cli = Cli::parse();
    if cli.version {
        return print(&version::text()).into();
    }
    let Some(command) = &cli.command else {
        let _ = Cli::command().print_help();
        return Exit::Usage.into();
    };
    let mut operator = Terminal::new(cli.quiet);
    match command.run(hardened, &mut operator) {
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
        report.json()
    } else {
        Ok(report.text())
    };
    match shown {
        Ok(text) => match print(&text) {
            Exit::Done => report.exit(),
            failed => failed,
        },
        Err(_) => Exit::Internal,
    }
}

fn print(text: &str) -> Exit {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Output,
    }
}

fn explain(failure: &Failure) -> Exit {
    message(&format!("error: {}", failure.message));
    message(&format!("hint: {}", failure.hint));
    failure.exit
}
