//! The vault's folder: there, owned by the user who runs the hook, and closed to others; made when that is asked for, in segments too.
//!
//! That its disk is a local one, with locks and syncs that hold, is for the canary: the hook itself refuses others.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::Path;

use archiver_core::vault::segments::{RULES_FILE, SegmentRules};

use super::Args;
use super::checks::{Check, Verdict};
use super::user::User;

/// Looks at the folder in which the vault's file stands, and at the vault when it is a folder itself; makes what is asked for and missing.
pub(crate) fn vault(args: &Args, user: &User) -> Vec<Check> {
    let Some(parent) = args.vault.parent() else {
        return vec![Check::bad("the root folder cannot be a vault")];
    };
    let mut checks = Vec::new();
    if args.create && !parent.exists() {
        checks.push(made(parent, make(parent, user)));
    }
    if args.segments && args.vault.is_file() {
        let path = args.vault.display();
        return vec![Check::bad(format!(
            "vault {path} is a file already; give a folder of segments another path, and both to the audit"
        ))];
    }
    let is_new = args.segments && !args.vault.exists() && parent.is_dir();
    if is_new {
        checks.push(made(&args.vault, make(&args.vault, user)));
    }
    if args.vault.is_dir() {
        let folder = judge(&args.vault, user);
        if args.segments && folder.verdict < Verdict::Bad {
            checks.extend(missing_rules(args, user));
        }
        checks.push(folder);
        checks.push(judge_rules(&args.vault, args.rules_asked_for()));
    } else {
        checks.push(judge(parent, user));
    }
    checks
}

fn made(folder: &Path, outcome: io::Result<()>) -> Check {
    let folder = folder.display();
    match outcome {
        Ok(()) => Check::good(format!("folder {folder} was made")),
        Err(e) => Check::bad(format!("folder {folder} could not be made: {e}")),
    }
}

fn make(folder: &Path, user: &User) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)?;
    give(folder, user)?;
    sync_folder_of(folder)
}

/// Writes the rules into a folder that has none. A hook that comes before them takes the usual ones.
fn missing_rules(args: &Args, user: &User) -> Option<Check> {
    let path = args.vault.join(RULES_FILE);
    let (shown, rules) = (path.display(), args.rules());
    match write_rules(&path, &rules, user) {
        Ok(()) => Some(Check::good(format!("{shown} was written"))),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => None,
        Err(e) => Some(Check::bad(format!("{shown} could not be written: {e}"))),
    }
}

fn write_rules(path: &Path, rules: &SegmentRules, user: &User) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{rules}")?;
    file.sync_all()?;
    give(path, user)?;
    sync_folder_of(path)
}

fn give(path: &Path, user: &User) -> io::Result<()> {
    if user.is_root_acting {
        chown(path, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn judge(folder: &Path, user: &User) -> Check {
    let path = folder.display();
    match fs::metadata(folder) {
        Ok(metadata) => judge_owner(folder, &metadata, user),
        Err(e) if e.kind() == ErrorKind::NotFound => Check::bad(format!(
            "folder {path} does not exist; make it by running this again with --create"
        )),
        Err(e) => Check::bad(format!("folder {path} could not be looked at: {e}")),
    }
}

fn judge_owner(folder: &Path, metadata: &Metadata, user: &User) -> Check {
    const OTHERS: u32 = 0o077;
    const OTHERS_WRITE: u32 = 0o022;
    let (path, name) = (folder.display(), &user.name);
    match metadata.mode() {
        _ if !metadata.is_dir() => Check::bad(format!("{path} is no folder")),
        _ if metadata.uid() != user.uid => Check::bad(format!(
            "folder {path} does not belong to {name}; run: chown {name} {path}"
        )),
        mode if mode & OTHERS_WRITE != 0 => Check::bad(format!(
            "folder {path} may be written by others than {name}, who could delete the vault; run: chmod 700 {path}"
        )),
        mode if mode & OTHERS != 0 => Check::doubtful(format!(
            "folder {path} may be read by others than {name}; run: chmod 700 {path}"
        )),
        _ => Check::good(format!(
            "folder {path} belongs to {name}, and to nobody else"
        )),
    }
}

/// What the rules are. Rules that stand there are never changed here.
fn judge_rules(folder: &Path, asked: Option<SegmentRules>) -> Check {
    let path = folder.join(RULES_FILE);
    let path = path.display();
    let stand = match fs::read_to_string(folder.join(RULES_FILE)) {
        Ok(text) => text.parse().map_err(|e| format!("{path}: {e}")),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(SegmentRules::default()),
        Err(e) => Err(format!("{path} could not be read: {e}")),
    };
    match (stand, asked) {
        (Err(problem), _) => Check::bad(problem),
        (Ok(stand), Some(asked)) if stand != asked => Check::doubtful(format!(
            "the rules for segments are `{stand}`; to change them, write `{asked}` into {path}"
        )),
        (Ok(stand), _) => Check::good(format!("the rules for segments are `{stand}`")),
    }
}
