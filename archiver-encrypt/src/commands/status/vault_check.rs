//! The vault: how much it holds, when the last mail came, who may touch it, and whether another program holds its lock.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant, UNIX_EPOCH};

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use archiver_core::vault::segments::Listing;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use super::Args;
use super::disk_check::{self, Disk};
use super::report::{duration, size};
use super::state::{Findings, State};
use super::writing_check::{self, is_known_to_us};
use crate::commands::sizes::Age;
use crate::vault_place::{folder_of, require_vaults_path};
use crate::vault_reader::{VaultReadError, VaultReader};

/// A writer holds the lock for well under a millisecond, with a mail of gigabytes for some seconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Between a record's time and the writing of its bytes lies less, when the clock is right.
const HOUR: u64 = 60 * 60;

const NO_MAIL: &str = "no mail is archived";

/// The vault, as its end claims.
#[derive(Debug, Serialize)]
pub(crate) struct Vault {
    pub(crate) path: String,
    /// How many segments, when it is a folder.
    pub(crate) segments: Option<u64>,
    pub(crate) bytes: u64,
    /// Records of the last log.
    pub(crate) records: u64,
    pub(crate) log: Option<String>,
    pub(crate) last_record: Option<String>,
    pub(crate) age_seconds: Option<u64>,
}

/// Looks at the vault and its disk.
pub(crate) fn look(
    args: &Args,
    now: UtcTime,
    findings: &mut Findings,
) -> (Option<Vault>, Option<Disk>) {
    if let Err(e) = require_vaults_path(&args.vault, Some(&args.cert), args.seal_dir.as_deref()) {
        findings.add(State::Critical, format!("no mail is archived: {e}"));
        return (None, None);
    }
    let vault = match VaultReader::open(&args.vault) {
        Ok(vault) => vault,
        Err(e) => {
            let disk = disk_check::beside(&args.vault);
            judge_unread(&e, &args.vault, disk.is_some(), findings);
            return (
                None,
                disk.map(|disk| disk_check::judge(disk, args, None, findings)),
            );
        }
    };
    let facts = match facts(&vault, &args.vault, now) {
        Ok(facts) => facts,
        Err(e) => {
            findings.add(State::Unknown, e.to_string());
            return (None, None);
        }
    };
    judge_age(&facts, args, seconds_since_written(&vault, now), findings);
    judge_content(&vault, &args.vault, findings);
    judge_segments(&vault, &args.vault, findings);
    let looked = writing_check::vault(&vault, &args.vault);
    let is_writable = writing_check::tell(looked, NO_MAIL, findings);
    judge_folder(&args.vault, findings);
    // Of a file that is perhaps not ours nobody is told to change the mode.
    let is_ours = facts.last_record.is_some();
    judge_permissions(&vault, &args.vault, is_writable, is_ours, findings);
    judge_lock(&vault, &args.vault, findings);
    let rate = disk_check::bytes_a_day(&vault, now);
    let disk = disk_check::of(vault.locked_file());
    let disk = disk.map(|disk| disk_check::judge(disk, args, rate, findings));
    (Some(facts), disk)
}

/// A vault that is missing is made by the first mail, if its folder is there.
fn judge_unread(error: &VaultReadError, path: &Path, has_folder: bool, findings: &mut Findings) {
    if matches!(error, VaultReadError::Missing(_)) && has_folder {
        let looked = writing_check::missing_vault(path);
        if !writing_check::tell(looked, NO_MAIL, findings) {
            return;
        }
    }
    match error {
        VaultReadError::Missing(_) if has_folder => {
            let text = format!("{error} yet; the first mail makes it");
            findings.add(State::Warning, text);
        }
        VaultReadError::Missing(_) => {
            let text = format!("{error}, nor does its folder: no mail is archived");
            findings.add(State::Critical, text);
        }
        VaultReadError::Kind(_) => findings.add(State::Critical, error.to_string()),
        VaultReadError::Read(..) if is_known_to_us(path) => {
            findings.add(State::Critical, format!("{NO_MAIL}: {error}"));
        }
        VaultReadError::Read(..) => findings.add(State::Unknown, error.to_string()),
    }
}

fn facts(vault: &VaultReader, path: &Path, now: UtcTime) -> Result<Vault, VaultReadError> {
    let last = vault.last_record()?.map(|found| found.header.place);
    let age = |time: UtcTime| u64::try_from(now.unix() - time.unix()).unwrap_or(0);
    Ok(Vault {
        path: path.display().to_string(),
        segments: vault.names().map(|names| names.segments.len() as u64),
        bytes: vault.size(),
        records: last.map_or(0, |last| last.seq.saturating_add(1)),
        log: last.map(|last| last.log.to_string()),
        last_record: last.map(|last| last.time.to_string()),
        age_seconds: last.map(|last| age(last.time)),
    })
}

/// How long ago something was written to the vault's last file.
fn seconds_since_written(vault: &VaultReader, now: UtcTime) -> Option<u64> {
    let since_1970 = vault.last_written()?.duration_since(UNIX_EPOCH).ok()?;
    let now = u64::try_from(now.unix()).ok()?;
    Some(now.saturating_sub(since_1970.as_secs()))
}

fn judge_age(vault: &Vault, args: &Args, written: Option<u64>, findings: &mut Findings) {
    let Some(seconds) = vault.age_seconds else {
        findings.add(
            State::Warning,
            format!("no record of ours stands in {} yet", vault.path),
        );
        return;
    };
    let age = Age { seconds };
    let state = match age {
        _ if age > args.crit_age => State::Critical,
        _ if age > args.warn_age => State::Warning,
        _ => State::Ok,
    };
    let told = match written {
        Some(written) if state != State::Ok && seconds - written.min(seconds) > HOUR => format!(
            "the last record is dated {} ago, though the vault was written to {} ago: check the clock",
            duration(seconds),
            duration(written)
        ),
        _ => format!("the last mail was archived {} ago", duration(seconds)),
    };
    let look = "; look into the mail server's queue and log";
    findings.add(
        state,
        if state == State::Ok {
            told
        } else {
            told + look
        },
    );
    let segments = vault
        .segments
        .map(|number| format!(" in {}", Counted(number, "segment")));
    let (records, bytes) = (Counted(vault.records, "record"), size(vault.bytes));
    let segments = segments.unwrap_or_default();
    findings.add(
        State::Ok,
        format!(
            "{} holds {bytes}{segments}, {records} in the last log",
            vault.path
        ),
    );
}

/// The hook appends to no file that holds something else.
fn judge_content(vault: &VaultReader, path: &Path, findings: &mut Findings) {
    let problem = match vault.no_vault_file() {
        Ok(None) => return,
        Ok(Some(no_vault)) => no_vault.to_string(),
        Err(e) => return findings.add(State::Unknown, e.to_string()),
    };
    let text = format!("{NO_MAIL}: vault {}: {problem}", path.display());
    findings.add(State::Critical, text);
}

/// Segments are removed from the front only.
fn judge_segments(vault: &VaultReader, path: &Path, findings: &mut Findings) {
    let judged = vault.names().map(Listing::require_vault);
    if let Some(Err(problem)) = judged {
        let text = format!("no mail is archived: vault {}: {problem}", path.display());
        findings.add(State::Critical, text);
    }
    let missing = vault.names().map(Listing::missing).unwrap_or_default();
    for gap in missing {
        let (from, to) = (gap.start(), gap.end());
        let text = format!(
            "the segments {from} to {to} are missing between others; look for them in the copies, and let custodian inspect tell what is gone"
        );
        findings.add(State::Critical, text);
    }
    let half_retired = vault.names().into_iter().flat_map(Listing::half_retired);
    for segment in half_retired {
        let segment = segment.file_name();
        let text = format!(
            "the retirement of {} was interrupted: run custodian retire once more, as before",
            segment.display()
        );
        findings.add(State::Warning, text);
    }
}

const OTHERS_WRITE: u32 = 0o022;
const OTHERS_READ: u32 = 0o044;

/// In such a folder nobody removes the files of others.
const STICKY: u32 = 0o1000;

/// Whoever may write there may delete the vault.
fn judge_folder(path: &Path, findings: &mut Findings) {
    let folder = folder_of(path);
    let folder_mode = fs::metadata(folder).map_or(0, |metadata| metadata.mode());
    if folder_mode & OTHERS_WRITE != 0 && folder_mode & STICKY == 0 {
        let folder = folder.display();
        let text = format!(
            "the vault's folder {folder} may be written by others than its owner, who could delete the vault; run: chmod go-w {folder}"
        );
        findings.add(State::Critical, text);
    }
}

/// The mails are encrypted, so that reading is no catastrophe; writing is, as whoever may do it may delete them.
fn judge_permissions(
    vault: &VaultReader,
    path: &Path,
    is_writable: bool,
    is_ours: bool,
    findings: &mut Findings,
) {
    let path = path.display();
    let remedy = if is_ours {
        format!("; run: chmod go-rwx {path}")
    } else {
        String::new()
    };
    let (state, text) = match vault.metadata().mode() {
        mode if mode & OTHERS_WRITE != 0 => (
            State::Critical,
            format!("{path} may be written by others than its owner{remedy}"),
        ),
        mode if mode & OTHERS_READ != 0 => (
            State::Warning,
            format!("{path} may be read by others than its owner{remedy}"),
        ),
        _ if !is_writable => return,
        _ => (
            State::Ok,
            format!("{path} may be read and written by its owner only"),
        ),
    };
    findings.add(state, text);
}

/// Takes the lock for a moment, shared, as no hook is kept waiting by more than that.
fn judge_lock(vault: &VaultReader, path: &Path, findings: &mut Findings) {
    let deadline = Instant::now() + LOCK_PATIENCE;
    loop {
        match flock(vault.locked_file(), FlockOperation::NonBlockingLockShared) {
            Ok(()) => break,
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < deadline => sleep(LOCK_PAUSE),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let patience = LOCK_PATIENCE.as_secs();
                let text = format!(
                    "another program has held the vault's lock for more than {patience} seconds, and mail waits for it; look for it with: fuser -v {}",
                    path.display()
                );
                return findings.add(State::Critical, text);
            }
            Err(e) => {
                let text = format!(
                    "whether another program holds the vault's lock could not be told: {e}"
                );
                return findings.add(State::Unknown, text);
            }
        }
    }
    let _ = flock(vault.locked_file(), FlockOperation::Unlock);
    findings.add(State::Ok, "no program holds the vault's lock");
}
