//! The vault's folder: there, owned by the user who runs the hook, and closed to others; made when that is asked for.
//!
//! That its disk is a local one, with locks and syncs that hold, is for the canary: the hook itself refuses others.

use std::fs::{self, DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown};
use std::path::Path;

use super::Args;
use super::checks::Check;
use super::user::User;

/// Looks at the folder in which the vault's file stands, or which is the vault.
pub(crate) fn vault(args: &Args, user: &User) -> Vec<Check> {
    let folder = if args.vault.is_dir() {
        Some(args.vault.as_path())
    } else {
        args.vault.parent()
    };
    let Some(folder) = folder else {
        return vec![Check::bad("the root folder cannot be a vault")];
    };
    let mut checks = Vec::new();
    if args.create && !folder.exists() {
        match make(folder, user) {
            Ok(()) => checks.push(Check::good(format!("folder {} was made", folder.display()))),
            Err(e) => {
                return vec![Check::bad(format!(
                    "folder {} could not be made: {e}",
                    folder.display()
                ))];
            }
        }
    }
    checks.push(match fs::metadata(folder) {
        Ok(metadata) => judge(folder, &metadata, user),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Check::bad(format!(
            "folder {} does not exist; make it by running this again with --create",
            folder.display()
        )),
        Err(e) => Check::bad(format!(
            "folder {} could not be looked at: {e}",
            folder.display()
        )),
    });
    checks
}

fn make(folder: &Path, user: &User) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)?;
    if user.is_root_acting {
        chown(folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

fn judge(folder: &Path, metadata: &Metadata, user: &User) -> Check {
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
