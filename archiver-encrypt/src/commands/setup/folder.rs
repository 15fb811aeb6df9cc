//! The vault's folder: there, owned by the user who runs the hook, and closed to others; made when that is asked for, in segments too.
//!
//! That its disk is a local one, with locks and syncs that hold, is for the canary: the hook itself refuses others.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown, lchown,
};
use std::path::Path;

use archiver_core::vault::segments::{RULES_FILE, SegmentRules};

use super::Args;
use super::checks::{Check, Verdict};
use super::user::User;
use crate::vault_place::{folder_of, require_vaults_path};

/// Looks at the folder in which the vault's file stands, and at the vault when it is a folder itself; makes what is asked for and missing.
pub(crate) fn vault(args: &Args, user: &User) -> Vec<Check> {
    let Some(parent) = args.vault.parent() else {
        return vec![Check::bad("the root folder cannot be a vault")];
    };
    let others = (Some(args.cert.as_path()), args.seal_dir.as_deref());
    if let Err(e) = require_vaults_path(&args.vault, others.0, others.1) {
        return vec![Check::bad(e.to_string())];
    }
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
        checks.extend(judge_mount_point(parent));
    }
    checks
}

/// Without its disk, a mount point is an empty folder in which a new vault would begin.
fn judge_mount_point(folder: &Path) -> Option<Check> {
    let disk_of = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let is_mount_point = disk_of(folder) != disk_of(&folder.join(".."));
    is_mount_point.then(|| {
        let path = folder.display();
        Check::doubtful(format!(
            "folder {path} is where a disk is mounted: when that disk is missing once, a new vault would begin below it; make a folder on the disk, and put the vault there: {path}/mail/VAULT"
        ))
    })
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
    if user.is_root_acting {
        lchown(folder, Some(user.uid), Some(user.gid))?;
    }
    File::open(folder_of(folder))?.sync_all()
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
    if user.is_root_acting {
        // The open file, not whatever the folder's owner has put at its name.
        fchown(&file, Some(user.uid), Some(user.gid))?;
    }
    file.sync_all()?;
    File::open(folder_of(path))?.sync_all()
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
    let file = match fs::read(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    };
    let stand = match file {
        Ok(file) => SegmentRules::of_file(file.as_deref())
            .map_err(|e| format!("vault {}: {e}", folder.display())),
        Err(e) => Err(format!("{} could not be read: {e}", path.display())),
    };
    let path = path.display();
    match (stand, asked) {
        (Err(problem), _) => Check::bad(problem),
        (Ok(stand), Some(asked)) if stand != asked => Check::doubtful(format!(
            "the rules for segments are `{stand}`; to change them, write `{asked}` into {path}"
        )),
        (Ok(stand), _) => Check::good(format!("the rules for segments are `{stand}`")),
    }
}
