//! `custodian ceremony`: makes the archive key and everything that a ceremony leaves.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::sharing::Purpose;
use serde::Serialize;
use thiserror::Error;

use crate::ceremony::environment;
use crate::ceremony::hold::{Held, hold};
use crate::ceremony::minutes::Minutes;
use crate::ceremony::output::{OutputFile, OutputFolder};
use crate::clock;
use crate::exit::Exit;
use crate::failure::{Explained, Failure, shown};
use crate::hardening::Hardened;
use crate::operator::Operator;
use crate::plan::{Draft, Plan};
use crate::report::{Report, to_json};
use crate::secret_file::{check_is_free, write_secret_file};

const AFTER_HELP: &str = concat!(
    "Example:\n  custodian ceremony --out ceremony\n  custodian ceremony --plan plan.toml --out ceremony\n\nThe first asks for what the plan says. A plan, plan.toml:\n\n",
    include_str!("ceremony/plan.toml")
);

/// Hold a key ceremony: make the archive key, share it, and write sheets, record and public folder.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The plan of the ceremony (TOML). Without it, what it says is asked for at the terminal.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// Write the answers to this new file, as a plan. It names the custodians: keep it with the ceremony record.
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    save_plan: Option<PathBuf>,

    /// The folder to make: public/, sheets/, record/, revocation/, server/.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Do not ask; what was found or skipped is a warning and stands in the record.
    #[arg(long)]
    yes: bool,
}

/// The operator said no.
#[derive(Debug, Error)]
#[error("the ceremony was not begun")]
struct Declined {
    /// Where the answers to the questions were saved.
    saved_plan: Option<PathBuf>,
}

impl Explained for Declined {
    fn hint(&self) -> String {
        let what_is_there = self.saved_plan.as_deref().map(shown).map_or_else(
            || "nothing was made".to_owned(),
            |plan| {
                format!("no key was made, and the answers are saved: give them with --plan {plan}")
            },
        );
        format!(
            "{what_is_there}; run the command again and answer yes when plan, time and machine are right"
        )
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

impl Args {
    pub(crate) fn run(
        &self,
        hardened: Hardened,
        operator: &mut dyn Operator,
    ) -> Result<Box<dyn Report>, Failure> {
        let plan = match &self.plan {
            Some(path) => Plan::load(path)?,
            None => self.ask_plan(operator)?,
        };
        OutputFolder::check(&self.out)?;
        let started = clock::now()?;
        let mut minutes = Minutes::default();
        environment::observe(hardened, &mut minutes);
        minutes.warn_of_exceptions(operator);
        if !self.yes {
            operator.warn(&announcement(&plan, started));
            if !operator.confirm("Make the archive key now?", "--yes")? {
                let saved_plan = self.save_plan.clone();
                return Err(Declined { saved_plan }.into());
            }
        }
        let folder = OutputFolder::prepare(&self.out)?;
        let held = hold(&plan, Purpose::Archive, started, minutes, operator)?;
        folder.fill(&held.files)?;
        Ok(Box::new(CeremonyReport::new(&self.out, &held)))
    }

    /// Asks for the plan, when it is sure that the answers will be of use.
    fn ask_plan(&self, operator: &mut dyn Operator) -> Result<Plan, Failure> {
        operator.expect_somebody("what shall the ceremony make?", "--plan FILE")?;
        OutputFolder::check(&self.out)?;
        if let Some(file) = &self.save_plan {
            check_is_free(file)?;
        }
        let draft = Draft::ask(operator)?;
        if let Some(file) = &self.save_plan {
            write_secret_file(file, draft.to_toml()?.as_bytes())?;
        }
        Ok(draft.check()?)
    }
}

fn announcement(plan: &Plan, now: UtcTime) -> String {
    let mut text = format!(
        "look at this once more before the key is made.\n{}\n{}\nIt is {now} by this machine's clock.\nAny {} of these {} custodians will be able to open the archive together:\n",
        plan.organisation,
        plan.archive,
        plan.threshold.k(),
        plan.threshold.n()
    );
    for custodian in &plan.custodians {
        let _ = writeln!(
            text,
            "  {}  {}, {}, envelope {}",
            custodian.share, custodian.name, custodian.role, custodian.envelope
        );
    }
    text.push_str("Seal keys will be made for:\n");
    for server in &plan.servers {
        let _ = writeln!(
            text,
            "  the server {}, for {}",
            server.name,
            Counted(server.days.into(), "day")
        );
    }
    text
}

const NEXT_STEPS: &str = "
Next:
  1. Print each sheet at 100 %; its custodian compares fingerprint and set id with these, and signs it.
  2. Scan the printed sheet, run custodian check --public DIR SCAN, and wipe the scan.
  3. Seal the sheet in its envelope; record/envelope-labels.pdf has a label for it.
  4. Print revocation/revocation-sheet.pdf and seal it apart from the sheets.
  5. Print record/ceremony-record.pdf; everybody signs it. Print record/recovery-page.pdf. Keep record/ with both.
  6. Give public/archive.cert.asc to the mail server, and on paper the encryption subkey's fingerprint, which
     stands in the record. Keep copies of public/ in several places.
  7. Carry server/ (with several servers: each folder in it) to its server on a medium of its own, install it there with
     archiver-encrypt seal install, and note that in the record. Whoever copies it before can forge the seals of every day.
  8. Wipe sheets/, revocation/ and server/ from this machine.
";

/// What a ceremony made.
#[derive(Debug, Serialize)]
pub(crate) struct CeremonyReport {
    folder: String,
    set_id: String,
    fingerprint: String,
    threshold: u8,
    shares: u8,
    files: Vec<String>,
    exceptions: Vec<String>,
}

impl CeremonyReport {
    pub(crate) fn new(folder: &Path, held: &Held) -> Self {
        let name = |file: &OutputFile| format!("{}/{}", file.folder.name(), shown(&file.name));
        Self {
            folder: shown(folder),
            set_id: held.sharing.set_id().to_string(),
            fingerprint: held.sharing.primary_fingerprint().to_string(),
            threshold: held.sharing.threshold().k(),
            shares: held.sharing.threshold().n(),
            files: held.files.iter().map(name).collect(),
            exceptions: held.minutes.exceptions.clone(),
        }
    }
}

impl Report for CeremonyReport {
    fn text(&self) -> String {
        let mut text = format!(
            "The archive key is made: any {} of {} sheets open the archive.\n\nfingerprint  {}\nset id       {}\nfolder       {}\n\n",
            self.threshold, self.shares, self.fingerprint, self.set_id, self.folder
        );
        for file in &self.files {
            let _ = writeln!(text, "  {file}");
        }
        text.push_str(NEXT_STEPS);
        text
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }
}
