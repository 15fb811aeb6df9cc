//! `custodian rehearse`: plays the whole story on practice mails, in a new folder.

use std::path::PathBuf;

use serde::Serialize;

use crate::clock;
use crate::failure::{Failure, shown};
use crate::hardening::Hardened;
use crate::operator::Operator;
use crate::plan::Plan;
use crate::rehearsal::mails;
use crate::rehearsal::story::{RehearsalError, own_plan, play};
use crate::report::{Report, to_json};

/// Play the whole story on practice mails: ceremony, sheets, hook, seals, vault, audit. Everything is marked REHEARSAL.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  custodian rehearse --out rehearsal")]
pub(crate) struct Args {
    /// The folder to make; by default a new one here, named after the time.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Rehearse with this plan (TOML, as for a ceremony) instead of the program's own.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// Take the mails from this folder, one file each, instead of the program's own.
    #[arg(long, value_name = "DIR")]
    mails: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(
        &self,
        hardened: Hardened,
        operator: &mut dyn Operator,
    ) -> Result<Box<dyn Report>, Failure> {
        let plan = match &self.plan {
            None => own_plan()?,
            Some(path) => Plan::load(path)?,
        };
        let mails = match &self.mails {
            None => mails::carried(),
            Some(folder) => mails::from_folder(folder).map_err(|source| RehearsalError::Mails {
                folder: shown(folder),
                source,
            })?,
        };
        if mails.is_empty() {
            let folder = self.mails.as_deref().map(shown).unwrap_or_default();
            return Err(RehearsalError::NoMails(folder).into());
        }
        let out = match &self.out {
            Some(out) => out.clone(),
            None => PathBuf::from(format!(
                "rehearsal-{}",
                clock::now()?.to_string().replace(':', "")
            )),
        };
        let told = play(&out, &plan, &mails, hardened, operator)?;
        Ok(Box::new(RehearsalReport {
            folder: shown(&out),
            set_id: told.set_id,
            mails: told.mails,
            vault_bytes: told.vault_bytes,
        }))
    }
}

#[derive(Debug, Serialize)]
struct RehearsalReport {
    folder: String,
    set_id: String,
    mails: usize,
    vault_bytes: u64,
}

impl Report for RehearsalReport {
    fn text(&self) -> String {
        format!(
            "The rehearsal succeeded. Look into {folder}:\n\
             \x20 ceremony/sheets/                 the sheets, one a custodian\n\
             \x20 ceremony/record/                 the ceremony record\n\
             \x20 ceremony/public/                 what the mail server and the auditor get\n\
             \x20 VAULT, VAULT.seals               {mails} mails, encrypted, {bytes} bytes, and their seals\n\
             \x20 scans/                           the sheets as pictures\n\
             \x20 opened/messages/, manifest.csv   what came out\n",
            folder = self.folder,
            mails = self.mails,
            bytes = self.vault_bytes,
        )
    }

    fn json(&self) -> serde_json::Result<String> {
        to_json(self)
    }
}
