//! `custodian check`: verifies sheets one by one and reveals nothing.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use serde::Serialize;

use crate::archive_files::ArchiveFiles;
use crate::clock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::report::{Report, to_json};
use crate::sheets::{GatheredSheets, Source, Telling, Until, Verdict, custodians_of};

/// Verify sheets against the public folder, one by one. Nothing secret is shown or kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  custodian check --public public sheet-of-anna.png

A SHEET is a scan (PNG, JPEG, TIFF, PDF), a text file with the words or the text under the code, a folder of such files, or - for stdin.
The exit status is 1 when a sheet was refused.")]
pub(crate) struct Args {
    /// The public folder of the ceremony.
    #[arg(long, value_name = "DIR")]
    public: PathBuf,

    /// The ceremony's custodians.json: sheets are then answered with their custodians' names.
    #[arg(long, value_name = "FILE")]
    custodians: Option<PathBuf>,

    /// The sheets to verify. Without any, they are asked for at the terminal.
    #[arg(value_name = "SHEET")]
    sheets: Vec<PathBuf>,
}

impl Args {
    /// The report has every verdict. They are told as they are given only to somebody at a terminal on which the report does not come out.
    pub(crate) fn run(&self, operator: &mut dyn Operator) -> Result<Box<dyn Report>, Failure> {
        let sheets = Source::of(&self.sheets, Until::Told, "a SHEET", operator)?;
        let archive = ArchiveFiles::load(&self.public, clock::now()?, operator)?;
        let custodians = custodians_of(self.custodians.as_deref(), archive.public.manifest())?;
        let sharing = archive.public.sharing();
        let telling = if io::stdout().is_terminal() || !io::stderr().is_terminal() {
            Telling::Nothing
        } else {
            Telling::News
        };
        let gathered =
            GatheredSheets::new(sharing, custodians).gather(sheets, telling, operator)?;
        Ok(Box::new(CheckReport {
            set_id: sharing.set_id().to_string(),
            verified: gathered.have(),
            needed: sharing.threshold().k(),
            shares: sharing.threshold().n(),
            missing: gathered.missing(),
            sheets: gathered.verdicts,
        }))
    }
}

#[derive(Debug, Serialize)]
struct CheckReport {
    set_id: String,
    verified: usize,
    needed: u8,
    shares: u8,
    missing: usize,
    sheets: Vec<Verdict>,
}

impl Report for CheckReport {
    fn text(&self) -> String {
        let mut text = format!("Set {}, {} of {}\n", self.set_id, self.needed, self.shares);
        for verdict in &self.sheets {
            let _ = writeln!(text, "{}", verdict.text());
        }
        let _ = match self.missing {
            0 => writeln!(
                text,
                "{} verified: enough to open the archive.",
                self.verified
            ),
            missing => writeln!(
                text,
                "{} verified; {missing} more would be needed to open the archive.",
                self.verified
            ),
        };
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }

    fn exit(&self) -> Exit {
        if self.sheets.iter().any(|verdict| verdict.refused.is_some()) {
            Exit::Anomalies
        } else {
            Exit::Done
        }
    }
}
