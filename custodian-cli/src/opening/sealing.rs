//! The verdict of the seals on the logs of vaults: reads the checkpoints beside each vault and those kept elsewhere, and meets the vaults' records in the
//! pass that reads them.
//!
//! Every log of `seals.pub` is looked for in every vault. A log of which nothing is found in as many vaults as could hold one is judged as an
//! empty vault: each past day without a final is missing.

use std::mem;
use std::path::{Path, PathBuf};

use archiver_core::identity::UtcTime;
use archiver_core::origin::ArchiveFingerprints;
use archiver_core::public_folder::PublicFolder;
use archiver_core::seal::notes::Piece;
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::seal::verify::{CANNOT_KNOW, Evidence, Examiner, Record, Source, Verdict};

use super::OpenError;
use super::inspect::Findings;
use super::retired::Passed;
use super::shown::harmless;

mod copied;
mod files;
mod report;
mod same_log;
#[cfg(test)]
mod tests;

pub(crate) use copied::Copied;
use files::{Beside, Kept};
pub(crate) use report::{DayReport, DayState, NotVerified, SealReport, SealsReport, ServerNamed};
use same_log::{Numbered, Telling};
pub(crate) use same_log::{Numbers, SameLog};

/// What the verdict is made from, beside the vaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seals<'a> {
    pub(crate) keys: &'a SealKeys,
    pub(crate) archive: ArchiveFingerprints,
    /// As of when they are judged: now, or when the vault was copied.
    pub(crate) now: UtcTime,
    /// What the clock says: finals kept elsewhere may be later than the copy.
    pub(crate) clock: UtcTime,
    /// Files with finals that left the servers.
    pub(crate) finals: &'a [PathBuf],
}

impl<'a> Seals<'a> {
    /// Those of an archive, judged as of `now`.
    pub(crate) fn of(public: &'a PublicFolder, now: UtcTime) -> Result<Self, NotVerified> {
        Ok(Self {
            keys: public.seal_keys()?,
            archive: public.sharing().fingerprints(),
            now,
            clock: now,
            finals: &[],
        })
    }

    /// The same, judged as of when the vault was copied.
    pub(crate) fn as_of(self, copied: UtcTime) -> Self {
        Self {
            now: copied,
            ..self
        }
    }
}

/// The walks over all logs in all vaults.
pub(super) struct Walks<'a> {
    each: Vec<Walk<'a>>,
    vaults: usize,
    servers: &'a [ServerKeys],
    kept: Vec<Kept>,
    as_of: UtcTime,
}

struct Walk<'a> {
    vault: usize,
    path: String,
    keys: &'a ServerKeys,
    /// Whether a record or a checkpoint of the log was found in the vault.
    found: bool,
    /// What is to be told of the `.seals` file, and whether it is all right all the same.
    told: Option<(String, bool)>,
    /// The leaves of the log by their numbers, when there are several vaults that may hold it.
    leaves: Vec<Numbered>,
    examiner: Examiner<'a>,
}

impl<'a> Walks<'a> {
    /// Reads the checkpoints beside the vaults. That must come before the vaults' lengths are looked at: a checkpoint never covers a record that does not
    /// stand yet, so a vault to which mails are being archived is then at least as long as its seals say.
    pub(super) fn begin(seals: &Seals<'a>, vaults: &[PathBuf]) -> Result<Self, OpenError> {
        let kept = seals.finals.iter();
        let kept: Result<Vec<Kept>, OpenError> =
            kept.map(|path| Kept::read(path, seals.keys)).collect();
        let mut walks = Self {
            each: Vec::new(),
            vaults: vaults.len(),
            servers: seals.keys.servers(),
            kept: kept?,
            as_of: seals.now,
        };
        for (number, path) in vaults.iter().enumerate() {
            let logs = Logs::beside(seals, path, &walks.kept)?;
            walks.each.extend(logs.into_walks(number, path));
        }
        Ok(walks)
    }

    /// The next record of ours in a vault, also one of a retired segment.
    pub(super) fn record(&mut self, vault: usize, record: &Record) {
        let has_others = self.vaults > 1;
        for walk in self.each.iter_mut().filter(|walk| walk.vault == vault) {
            if walk.keys.log() == record.place.log {
                walk.found = true;
                let numbered = (record.place.seq, record.leaf);
                walk.leaves.extend(has_others.then_some(numbered));
            }
            walk.examiner.record(record);
        }
    }

    /// The records of a retired segment, in its place.
    pub(super) fn retired(&mut self, vault: usize, passed: &Passed) {
        for record in &passed.records {
            self.record(vault, record);
        }
    }

    /// The verdicts.
    pub(super) fn finish(self) -> SealsReport {
        let (mut found, others): (Vec<_>, Vec<_>) =
            self.each.into_iter().partition(|walk| walk.found);
        let same_log = same_log::same_logs(found.iter_mut().map(Walk::telling).collect());
        let mut logs: Vec<SealReport> = found.into_iter().map(Walk::finish).collect();
        let is_unknown =
            |keys: &ServerKeys| !logs.iter().any(|log| log.log == keys.log().to_string());
        let unknown: Vec<&ServerKeys> = self
            .servers
            .iter()
            .filter(|keys| is_unknown(keys))
            .collect();
        let known = self.servers.len() - unknown.len();
        let mut servers_not_looked_at = Vec::new();
        if known < self.servers.len().min(self.vaults) {
            let lost = others.into_iter().filter(|walk| walk.vault == 0);
            let lost = lost.filter(|walk| unknown.iter().any(|keys| keys.log() == walk.keys.log()));
            logs.extend(lost.map(Walk::finish_lost));
        } else {
            servers_not_looked_at.extend(unknown.into_iter().map(|keys| ServerNamed {
                server: keys.name().to_string(),
                log: keys.log().to_string(),
            }));
        }
        SealsReport {
            logs: Some(logs),
            as_of: Some(self.as_of.to_string()),
            not_verified: None,
            finals: self.kept.into_iter().map(|kept| kept.report).collect(),
            servers_not_looked_at,
            same_log,
            cannot_say: &CANNOT_KNOW,
        }
    }
}

/// The checkpoints of all logs that were found for one vault.
struct Logs<'a> {
    each: Vec<(&'a ServerKeys, Evidence<'a>, bool)>,
    told: Option<(String, bool)>,
}

impl<'a> Logs<'a> {
    fn beside(seals: &Seals<'a>, vault: &Path, kept: &[Kept]) -> Result<Self, OpenError> {
        let ArchiveFingerprints {
            primary,
            encryption,
        } = seals.archive;
        let evidence = |keys| {
            Evidence::new(keys, primary, encryption, seals.now).with_elsewhere_until(seals.clock)
        };
        let servers = seals.keys.servers().iter();
        let mut logs = Self {
            each: servers.map(|keys| (keys, evidence(keys), false)).collect(),
            told: None,
        };
        let beside = files::read_seals(vault, |piece| logs.take_from_vault(piece))?;
        logs.told = told(beside);
        for piece in kept.iter().flat_map(|kept| &kept.pieces) {
            logs.take_from_elsewhere(piece);
        }
        Ok(logs)
    }

    /// A checkpoint of one server of this archive is judged in that one's walk; whatever else stands there, in all of them.
    fn take_from_vault(&mut self, piece: Piece) {
        if let Some((_, evidence, found)) = self.of(&piece) {
            *found = true;
            evidence.add_piece(piece, Source::Vault);
        } else {
            for (_, evidence, _) in &mut self.each {
                evidence.add_piece(piece.clone(), Source::Vault);
            }
        }
    }

    fn take_from_elsewhere(&mut self, piece: &Piece) {
        if let Some((_, evidence, _)) = self.of(piece) {
            evidence.add_piece(piece.clone(), Source::Elsewhere);
        }
    }

    fn of(&mut self, piece: &Piece) -> Option<&mut (&'a ServerKeys, Evidence<'a>, bool)> {
        let log = piece.note.as_ref().ok()?.claimed.origin.log;
        self.each.iter_mut().find(|(keys, ..)| keys.log() == log)
    }

    fn into_walks(self, vault: usize, path: &Path) -> impl Iterator<Item = Walk<'a>> {
        let (path, told) = (harmless(&path.to_string_lossy()), self.told);
        let walk = move |(keys, evidence, found): (_, Evidence<'a>, _)| Walk {
            vault,
            path: path.clone(),
            keys,
            found,
            told: told.clone(),
            leaves: Vec::new(),
            examiner: evidence.examine(),
        };
        self.each.into_iter().map(walk)
    }
}

fn told(beside: Beside) -> Option<(String, bool)> {
    match beside {
        Beside::Read => None,
        Beside::Nothing(path) => {
            let path = harmless(&path.to_string_lossy());
            Some((format!("there is no file {path} with its seals"), true))
        }
        Beside::Unread(bytes) => Some((
            format!(
                "of the seals only the first {bytes} bytes were read; what stands behind them is not in this verdict"
            ),
            false,
        )),
    }
}

impl Walk<'_> {
    fn telling(&mut self) -> Telling {
        Telling {
            log: self.keys.log().to_string(),
            vault: self.path.clone(),
            leaves: mem::take(&mut self.leaves),
        }
    }

    fn finish(self) -> SealReport {
        let verdict = self.examiner.finish();
        let mut findings = findings(&verdict);
        let is_all_read = self.told.as_ref().is_none_or(|(_, is_right)| *is_right);
        if let Some((told, _)) = self.told {
            findings.add(told);
        }
        SealReport {
            server: self.keys.name().to_string(),
            log: self.keys.log().to_string(),
            vault: Some(self.path),
            number: Some(self.vault),
            intact: verdict.is_intact() && is_all_read,
            findings,
            days: verdict.days.iter().map(DayReport::of).collect(),
        }
    }

    fn finish_lost(self) -> SealReport {
        SealReport {
            vault: None,
            number: None,
            ..self.finish()
        }
    }
}

fn findings(verdict: &Verdict) -> Findings<String> {
    let mut findings = Findings::default();
    for finding in &verdict.findings {
        findings.add(finding.to_string());
    }
    findings.count += verdict.unlisted;
    findings
}
