//! The seals: whether the days that are over have their finals, and whether what the server remembers fits the vault.
//!
//! What stands beside the vault is claimed; whether the signatures hold is for `custodian inspect`, which has the public keys.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use archiver_core::seal::seal_folder::{NoSeed, Remembered, SEED_FILE, STATE_FILE, remembered};
use archiver_core::seal::server::Server;
use archiver_core::seal::writer::Anomaly;
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::LogId;
use serde::Serialize;

use super::Args;
use super::state::{Findings, State};
use super::writing_check;
use crate::seal_folder;
use crate::seals_reader::LastSeals;
use crate::vault_place::{folder_of, seals_of};
use crate::vault_reader::VaultReader;

/// A final is due at midnight UTC; from then on it may be so late.
const PATIENCE_SECONDS: i64 = 2 * 60 * 60;
const WARN_DAYS: i64 = 90;

const UNSEALED: &str = "nothing can be sealed";

/// The seals, as the files beside the vault claim.
#[derive(Debug, Serialize)]
pub(crate) struct Seals {
    pub(crate) seal_dir: String,
    pub(crate) server: String,
    pub(crate) log: String,
    pub(crate) last_final: Option<String>,
    pub(crate) sealed_records: u64,
    pub(crate) last_day: String,
    pub(crate) key_days_left: i64,
}

/// Looks at the seals, if the hook is given a seal folder.
pub(crate) fn look(
    args: &Args,
    subkey: Option<&str>,
    now: UtcTime,
    findings: &mut Findings,
) -> Option<Seals> {
    let Some(folder) = &args.seal_dir else {
        judge_unsealed(&args.vault, findings);
        return None;
    };
    let facts = facts(args, folder, now);
    let (facts, server, last_seals, remembered) = match facts {
        Ok(facts) => facts,
        Err(problem) => {
            findings.add(
                State::Critical,
                format!("mails are archived without seals: {problem}"),
            );
            return None;
        }
    };
    if subkey.is_some_and(|subkey| subkey != server.subkey().to_string()) {
        let text = "mails are archived without seals: the seal folder is that of another archive than the certificate";
        findings.add(State::Critical, text);
    }
    let key_day = judge_seed(folder, server.log(), findings);
    judge_writing(&args.vault, folder, findings);
    judge_finals(&server, &last_seals, key_day, now, findings);
    judge_keys(&server, facts.key_days_left, findings);
    judge_log(&args.vault, &server, remembered, findings);
    Some(facts)
}

type Facts = (Seals, Server, LastSeals, Option<Remembered>);

fn facts(args: &Args, path: &Path, now: UtcTime) -> Result<Facts, String> {
    let server = seal_folder::server(path, &args.vault, None).map_err(|e| e.to_string())?;
    let seals = LastSeals::read(&args.vault, 1);
    let unreadable = |e| format!("{} could not be read: {e}", seals_of(&args.vault).display());
    let seals = seals.map_err(unreadable)?;
    let facts = Seals {
        seal_dir: path.display().to_string(),
        server: server.name().to_string(),
        log: server.log().to_string(),
        last_final: seals.last_final().map(|note| note.claimed.day.to_string()),
        sealed_records: seals.last().map_or(0, |note| note.claimed.size),
        last_day: server.days().end().to_string(),
        key_days_left: server.days().end().days_since(Day::of(now)),
    };
    let states = fs::read(path.join(STATE_FILE)).unwrap_or_default();
    let remembered = remembered(&states, server.log());
    Ok((facts, server, seals, remembered))
}

fn judge_unsealed(vault: &Path, findings: &mut Findings) {
    let seals = seals_of(vault);
    if seals.exists() {
        let text = format!(
            "seals stand in {}, and this was not told the seal folder; give --seal-dir, here and to the hook",
            seals.display()
        );
        return findings.add(State::Warning, text);
    }
    findings.add(State::Ok, "the vault is not sealed");
}

/// The seed's day, as far as it is one.
fn judge_seed(folder: &Path, log: LogId, findings: &mut Findings) -> Option<Day> {
    let name = folder.display().to_string();
    match seal_folder::seed_is_exposed(folder) {
        Ok(false) => return judge_seeds_head(folder, log, findings),
        Ok(true) => findings.add(
            State::Critical,
            format!(
                "nothing is sealed: the seed {name}/seed may be read by others than its owner, who could forge the seals of the days to come; run: chmod go-rwx {name}/seed, and tell the auditor since when"
            ),
        ),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            findings.add(State::Critical, Anomaly::from(NoSeed::Missing).to_string());
        }
        Err(e) => findings.add(
            State::Critical,
            format!("nothing can be sealed: {name}/seed: {e}"),
        ),
    }
    None
}

/// What the hook would say of the seed, as far as that is seen without its secret.
fn judge_seeds_head(folder: &Path, log: LogId, findings: &mut Findings) -> Option<Day> {
    let looked = writing_check::file(&folder.join(SEED_FILE));
    if !writing_check::tell(looked, UNSEALED, findings) {
        return None;
    }
    match seal_folder::seed_head(folder, log) {
        Ok(head) => {
            let day = head.day;
            let text = format!("the seed may be read by its owner only, and is that of {day}");
            findings.add(State::Ok, text);
            Some(day)
        }
        Err(no_seed) => {
            findings.add(State::Critical, Anomaly::from(no_seed).to_string());
            None
        }
    }
}

/// The seals are appended to, and each day has a new seed.
fn judge_writing(vault: &Path, folder: &Path, findings: &mut Findings) {
    let seals = seals_of(vault);
    let looked = if seals.exists() {
        writing_check::file(&seals)
    } else if vault.exists() {
        writing_check::folder(folder_of(&seals))
    } else {
        Ok(())
    };
    let state = folder.join(STATE_FILE);
    let looked = looked.and_then(|()| writing_check::folder(folder));
    let looked = looked.and_then(|()| {
        if state.exists() {
            writing_check::file(&state)
        } else {
            Ok(())
        }
    });
    writing_check::tell(looked, UNSEALED, findings);
}

fn judge_finals(
    server: &Server,
    seals: &LastSeals,
    key_day: Option<Day>,
    now: UtcTime,
    findings: &mut Findings,
) {
    if seals
        .last()
        .is_some_and(|note| note.claimed.origin.log != server.log())
    {
        let text = "the seals beside the vault are those of another log: this is another server's vault, or another server's seal folder";
        return findings.add(State::Critical, text);
    }
    let last = seals.last_final().map(|note| note.claimed.day);
    let until = last.map_or_else(
        || "no final seal stands beside the vault yet".to_owned(),
        |day| format!("the last day with its final seal is {day}"),
    );
    let today = Day::of(now);
    let before_the_key = key_day.and_then(|day| day.plus(-1));
    let before_the_key = before_the_key.filter(|day| day >= server.days().start());
    let (state, text) = match last {
        Some(day) if day >= today => (
            State::Warning,
            format!(
                "the final seal of {day} stands, and today is {today}: the clock was ahead, or is behind now"
            ),
        ),
        _ if before_the_key.is_some_and(|day| last < Some(day)) => (
            State::Critical,
            format!(
                "{until}, and the seal keys of later days are used up already: final seals are gone; put the file with the seals back from its newest copy. archiver-encrypt seal tells which days they are"
            ),
        ),
        _ if due_day(server, now).is_some_and(|due| last < Some(due)) => (
            State::Critical,
            format!(
                "{until}, and days are over that have none; look for what archiver-encrypt seal says, and whether its timer runs"
            ),
        ),
        _ => (State::Ok, until),
    };
    findings.add(state, text);
}

/// The last day whose final must stand by now; `None` when there is none yet.
fn due_day(server: &Server, now: UtcTime) -> Option<Day> {
    let patient = UtcTime::from_unix(now.unix() - PATIENCE_SECONDS)?;
    let due = Day::of(patient).plus(-1)?.min(*server.days().end());
    (due >= *server.days().start()).then_some(due)
}

fn judge_keys(server: &Server, days: i64, findings: &mut Findings) {
    let end = *server.days().end();
    let (state, text) = match days {
        ..0 => (
            State::Critical,
            format!(
                "the last seal key was that of {end}: nothing is sealed any more; plan a new ceremony"
            ),
        ),
        0..WARN_DAYS => (
            State::Warning,
            format!("the last seal key is that of {end}; plan a new ceremony"),
        ),
        _ => (State::Ok, format!("there are seal keys until {end}")),
    };
    findings.add(state, text);
}

/// The hook begins no second vault where its disk is missing.
fn judge_missing(vault: &Path, remembered: Option<Remembered>, findings: &mut Findings) {
    if let Some(remembered) = remembered.filter(Remembered::was_there) {
        let (path, records) = (vault.display(), Counted(remembered.records, "record"));
        let text = format!(
            "no mail is archived: neither {path} nor its seals are there, and this server remembers {records} of it; mount its disk, or, if it was moved away on purpose, make an empty file in its place"
        );
        findings.add(State::Critical, text);
    }
}

/// Whether the vault's end is what the server remembers.
fn judge_log(
    vault: &Path,
    server: &Server,
    remembered: Option<Remembered>,
    findings: &mut Findings,
) {
    if !vault.exists() && !seals_of(vault).exists() {
        return judge_missing(vault, remembered, findings);
    }
    let last = VaultReader::open(vault).and_then(|vault| vault.last_record());
    let Ok(last) = last else { return };
    let Some(found) = last else {
        return judge_other_vault(remembered, findings);
    };
    let Header { place, leaf, .. } = found.header;
    if place.log != server.log() {
        let text = "the last record is of another log, and not sealed: in order until the first mail after the seals were installed; otherwise the hook's recipe lacks --seal-dir, or has another";
        return findings.add(State::Warning, text);
    }
    let Some(remembered) = remembered else { return };
    if !remembered.may_seal {
        let text = "the log contradicted its seals, and nothing is sealed since; compare the vault with a copy, and run archiver-encrypt seal when it is mended";
        findings.add(State::Critical, text);
    }
    let records = place.seq.saturating_add(1);
    if remembered.records > records {
        let remembered = Counted(remembered.records, "record");
        let text = format!(
            "this server remembers {remembered} of its log, and the vault has {records}: it was cut, or brought back from a copy"
        );
        findings.add(State::Critical, text);
    } else if remembered.records == records && remembered.last != Some(leaf) {
        let text = "the vault's last record is not the one that this server remembers in its place: the vault was replaced, or brought back from a copy";
        findings.add(State::Critical, text);
    }
}

/// No record stands in the vault.
fn judge_other_vault(remembered: Option<Remembered>, findings: &mut Findings) {
    if let Some(remembered) = remembered.filter(|remembered| remembered.records > 0) {
        let remembered = Counted(remembered.records, "record");
        let text = format!(
            "this server remembers {remembered} of its log, and the vault has none of them: it is another one, or was begun anew, moved away or replaced; with seals, a vault is rotated by segments"
        );
        findings.add(State::Critical, text);
    }
}
