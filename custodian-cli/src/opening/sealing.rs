//! The verdict of the seals on the logs of vaults: finds the checkpoints beside each vault, and meets its records in the pass that reads them.
//!
//! Every log of `seals.pub` is looked for in every vault. A log of which nothing is found in as many vaults as could hold one is judged as an
//! empty vault: each past day without a final is missing.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use archiver_core::identity::UtcTime;
use archiver_core::origin::ArchiveFingerprints;
use archiver_core::seal::notes::{Piece, pieces};
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::seal::verify::{DayVerdict, Evidence, Examiner, Record, Source, State, Verdict};
use serde::Serialize;

use super::OpenError;
use super::inspect::Findings;
use super::source::{self, VaultSource};

/// Ten years of a checkpoint every quarter of an hour are a third of it.
const MOST_BYTES: u64 = 512 << 20;

/// What the verdict is made from, beside the vaults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seals<'a> {
    pub(crate) keys: &'a SealKeys,
    pub(crate) archive: ArchiveFingerprints,
    pub(crate) now: UtcTime,
}

/// The verdict on one log in one vault.
#[derive(Debug, Serialize)]
pub(crate) struct SealReport {
    pub(crate) server: String,
    pub(crate) log: String,
    /// None when nothing of the log was found in any vault.
    pub(crate) vault: Option<String>,
    pub(crate) days: Vec<DayReport>,
    pub(crate) findings: Findings<String>,
    pub(crate) intact: bool,
}

/// The verdict on one day.
#[derive(Debug, Serialize)]
pub(crate) struct DayReport {
    pub(crate) day: String,
    pub(crate) records: u64,
    /// How many of them were removed with their segments.
    pub(crate) retired: u64,
    /// The number in the log of the first of them.
    pub(crate) first: Option<u64>,
    pub(crate) state: DayState,
    /// Why it is broken or missing.
    pub(crate) reason: Option<String>,
}

/// What became of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DayState {
    Sealed,
    Open,
    Broken,
    Missing,
}

/// The walks over all logs in all vaults.
pub(super) struct Walks<'a> {
    each: Vec<Walk<'a>>,
    vaults: usize,
    servers: usize,
}

struct Walk<'a> {
    vault: usize,
    path: String,
    keys: &'a ServerKeys,
    /// Whether a record or a checkpoint of the log was found in the vault.
    found: bool,
    examiner: Examiner<'a>,
}

impl<'a> Walks<'a> {
    /// Reads the checkpoints beside the vaults.
    pub(super) fn begin(seals: &Seals<'a>, sources: &[VaultSource]) -> Result<Self, OpenError> {
        let mut walks = Vec::new();
        for (vault, source) in sources.iter().enumerate() {
            let file = read_seals(&seals_path(source.path()))?;
            for keys in seals.keys.servers() {
                walks.push(Walk::begin(seals, keys, vault, source.path(), &file));
            }
        }
        Ok(Self {
            each: walks,
            vaults: sources.len(),
            servers: seals.keys.servers().len(),
        })
    }

    /// The next record of ours in a vault, also one of a retired segment.
    pub(super) fn record(&mut self, vault: usize, record: &Record) {
        for walk in self.each.iter_mut().filter(|walk| walk.vault == vault) {
            walk.found |= walk.keys.log() == record.place.log;
            walk.examiner.record(record);
        }
    }

    /// The verdicts.
    pub(super) fn finish(self) -> Vec<SealReport> {
        let (found, others): (Vec<_>, Vec<_>) = self.each.into_iter().partition(|walk| walk.found);
        let mut reports: Vec<SealReport> = found.into_iter().map(Walk::finish).collect();
        let mut logs: Vec<&str> = reports.iter().map(|report| report.log.as_str()).collect();
        logs.sort_unstable();
        logs.dedup();
        if logs.len() < self.servers.min(self.vaults) {
            let lost = others.into_iter().filter(|walk| walk.vault == 0);
            let lost: Vec<SealReport> = lost
                .filter(|walk| !logs.contains(&walk.keys.log().to_string().as_str()))
                .map(|walk| SealReport {
                    vault: None,
                    ..walk.finish()
                })
                .collect();
            reports.extend(lost);
        }
        reports
    }
}

impl<'a> Walk<'a> {
    fn begin(
        seals: &Seals<'a>,
        keys: &'a ServerKeys,
        vault: usize,
        path: &Path,
        file: &[u8],
    ) -> Self {
        let ArchiveFingerprints {
            primary,
            encryption,
        } = seals.archive;
        let mut evidence = Evidence::new(keys, primary, encryption, seals.now);
        let mut found = false;
        // A note of another server of this archive is judged in that one's walk.
        let ours = pieces(file, 0).filter(|piece| !is_of_another(seals.keys, keys, piece));
        let ours = ours.inspect(|piece| found |= names(keys, piece));
        evidence.add(ours, Source::Vault);
        Self {
            vault,
            path: super::shown::harmless(&path.to_string_lossy()),
            keys,
            found,
            examiner: evidence.examine(),
        }
    }

    fn finish(self) -> SealReport {
        let verdict = self.examiner.finish();
        SealReport {
            server: self.keys.name().to_string(),
            log: self.keys.log().to_string(),
            vault: Some(self.path),
            intact: verdict.is_intact(),
            findings: findings(&verdict),
            days: verdict.days.iter().map(DayReport::of).collect(),
        }
    }
}

fn names(keys: &ServerKeys, piece: &Piece) -> bool {
    let note = piece.note.as_ref();
    note.is_ok_and(|note| note.claimed.origin.log == keys.log())
}

fn is_of_another(all: &SealKeys, keys: &ServerKeys, piece: &Piece) -> bool {
    let mut others = all
        .servers()
        .iter()
        .filter(|other| other.log() != keys.log());
    others.any(|other| names(other, piece))
}

fn findings(verdict: &Verdict) -> Findings<String> {
    let mut findings = Findings::default();
    for finding in &verdict.findings {
        findings.add(finding.to_string());
    }
    findings
}

impl DayReport {
    fn of(verdict: &DayVerdict) -> Self {
        let (state, reason) = match &verdict.state {
            State::Sealed => (DayState::Sealed, None),
            State::Open => (DayState::Open, None),
            broken @ State::Broken(_) => (DayState::Broken, Some(broken.to_string())),
            missing @ State::Missing => (DayState::Missing, Some(missing.to_string())),
        };
        Self {
            day: verdict.day.to_string(),
            records: verdict.records,
            retired: verdict.retired,
            first: verdict.first,
            state,
            reason,
        }
    }
}

/// Where the checkpoints of a vault stand: in the folder of segments, or beside the file.
fn seals_path(vault: &Path) -> PathBuf {
    if vault.is_dir() {
        return vault.join("VAULT.seals");
    }
    let mut name = OsString::from(vault);
    name.push(".seals");
    name.into()
}

/// The file; nothing when there is none.
fn read_seals(path: &Path) -> Result<Vec<u8>, OpenError> {
    let unreadable = source::unreadable(path);
    match std::fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Ok(file) if file.len() > MOST_BYTES => {
            return Err(unreadable(io::ErrorKind::FileTooLarge.into()).into());
        }
        known => known.map_err(&unreadable)?,
    };
    Ok(std::fs::read(path).map_err(&unreadable)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use archiver_core::identity::Fingerprint;
    use archiver_core::seal::day::Day;
    use archiver_core::seal::keys::Seed;
    use archiver_core::seal::merkle::Tree;
    use archiver_core::seal::note::{Checkpoint, Kind, Note, Origin};
    use archiver_core::vault::leaf::LogId;

    use super::*;
    use crate::opening::NoProgress;
    use crate::opening::inspect::{InspectReport, inspect_vaults};

    const ARCHIVE: ArchiveFingerprints = ArchiveFingerprints {
        primary: Fingerprint::V4([0xa1; 20]),
        encryption: Fingerprint::V4([0x5b; 20]),
    };
    const LOG: LogId = LogId([0x10; 16]);

    fn first_day() -> Day {
        "2026-11-24".parse().unwrap()
    }

    /// The finals of two days without mail, and the keys of ten days.
    fn two_empty_days() -> (Vec<String>, SealKeys) {
        let mut seed = Seed::draw(LOG, first_day()).unwrap();
        let keys = seed.public_keys(10);
        let server = ServerKeys::new("mx1".parse().unwrap(), LOG, first_day(), keys).unwrap();
        let keys = SealKeys::new(ARCHIVE.primary, vec![server]).unwrap();
        let (mut notes, mut previous) = (Vec::new(), None);
        for _ in 0..2 {
            let checkpoint = Checkpoint {
                origin: Origin {
                    archive: ARCHIVE.primary,
                    log: LOG,
                },
                size: 0,
                root: Tree::empty().root(),
                kind: Kind::Final,
                day: seed.day(),
                previous,
                last_time: None,
                subkey: ARCHIVE.encryption,
            };
            let note = Note::sign(checkpoint, &seed.signing_key());
            previous = Some(note.hash());
            notes.push(note.to_string());
            seed = seed.next().unwrap();
        }
        (notes, keys)
    }

    /// Inspects an empty vault at noon of the third day.
    fn inspect(keys: &SealKeys, notes: Option<&str>) -> InspectReport {
        let folder = tempfile::tempdir().unwrap();
        let vault = folder.path().join("VAULT");
        std::fs::write(&vault, "").unwrap();
        if let Some(notes) = notes {
            std::fs::write(folder.path().join("VAULT.seals"), notes).unwrap();
        }
        let noon = first_day().plus(2).unwrap().first_second().unix() + 43_200;
        let seals = Seals {
            keys,
            archive: ARCHIVE,
            now: UtcTime::from_unix(noon).unwrap(),
        };
        inspect_vaults(&[vault], Some(ARCHIVE), Some(seals), &NoProgress).unwrap()
    }

    fn states(report: &InspectReport) -> Vec<DayState> {
        let logs = report.seals.iter().flatten();
        logs.flat_map(|log| log.days.iter().map(|day| day.state))
            .collect()
    }

    #[test]
    fn days_with_their_finals_are_sealed_and_today_is_open() {
        let (notes, keys) = two_empty_days();
        let report = inspect(&keys, Some(&notes.concat()));
        let expected = [DayState::Sealed, DayState::Sealed, DayState::Open];
        assert_eq!(states(&report), expected);
        assert!(!report.anomalies());
    }

    #[test]
    fn without_the_seals_every_past_day_is_missing() {
        let (_, keys) = two_empty_days();
        let report = inspect(&keys, None);
        let expected = [DayState::Missing, DayState::Missing, DayState::Open];
        assert_eq!(states(&report), expected);
        assert!(report.anomalies());
    }

    #[test]
    fn a_last_final_that_was_cut_off_is_missed() {
        let (notes, keys) = two_empty_days();
        let report = inspect(&keys, notes.first().map(String::as_str));
        let expected = [DayState::Sealed, DayState::Missing, DayState::Open];
        assert_eq!(states(&report), expected);
        assert!(report.anomalies());
    }

    #[test]
    fn seals_of_other_keys_are_named_and_seal_nothing() {
        let ((notes, _), (_, keys)) = (two_empty_days(), two_empty_days());
        let report = inspect(&keys, Some(&notes.concat()));
        assert!(!states(&report).contains(&DayState::Sealed));
        let logs = report.seals.as_deref().unwrap_or_default();
        assert!(logs.iter().all(|log| log.findings.count == 2));
        assert!(report.anomalies());
    }
}
