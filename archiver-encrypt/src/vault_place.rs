//! The place of a vault: the folder that its path lies in, and what stands around it there, its seals and its recipient file.
//!
//! Refused as a vault: a path that names something else of an archive. A record that is appended to a certificate, to seals or to rules spoils them, and
//! one that is appended to a segment by its own name takes another lock than all other writers.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use archiver_core::seal::seal_folder::{SEED_FILE, SERVER_FILE, STATE_FILE};
use archiver_core::vault::segments::{RECIPIENT_END, SEALS_END, STEM, beside, taken_for};
use thiserror::Error;

/// Why a path names no vault.
#[derive(Debug, Error)]
pub(crate) enum NoVaultsPath {
    #[error(
        "vault {path}: {name} is the name of {taken_for}; give --vault the path of the vault itself"
    )]
    Name {
        path: String,
        name: String,
        taken_for: &'static str,
    },
    #[error("vault {path} is the same file as {other}; give --vault the path of a vault")]
    SameFile { path: String, other: String },
}

/// Requires that a path can be that of a vault. `cert` and `seal_dir` are what else was named: the vault is none of their files, not even by way of a
/// link.
pub(crate) fn require_vaults_path(
    vault: &Path,
    cert: Option<&Path>,
    seal_dir: Option<&Path>,
) -> Result<(), NoVaultsPath> {
    require_free_name(vault, vault)?;
    if fs::symlink_metadata(vault).is_ok_and(|found| found.is_symlink())
        && let Ok(target) = fs::canonicalize(vault)
    {
        require_free_name(vault, &target)?;
    }
    let seals = [SEED_FILE, SERVER_FILE, STATE_FILE];
    let seals = seal_dir
        .into_iter()
        .flat_map(|folder| seals.map(|name| folder.join(name)));
    let others = cert.map(Path::to_owned).into_iter().chain(seals);
    match others.into_iter().find(|other| is_same_file(vault, other)) {
        None => Ok(()),
        Some(other) => Err(NoVaultsPath::SameFile {
            path: vault.display().to_string(),
            other: other.display().to_string(),
        }),
    }
}

/// `path` is what was given, `leads_to` where it leads.
fn require_free_name(path: &Path, leads_to: &Path) -> Result<(), NoVaultsPath> {
    let name = leads_to.file_name().unwrap_or_default();
    match taken_for(name) {
        None => Ok(()),
        Some(taken_for) => Err(NoVaultsPath::Name {
            path: path.display().to_string(),
            name: name.to_string_lossy().into_owned(),
            taken_for,
        }),
    }
}

/// Whether two paths lead to one and the same file or folder, by whatever links.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    match (identity(one), identity(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// The folder that a path lies in; `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Where the seals of a vault stand.
pub(crate) fn seals_of(vault: &Path) -> PathBuf {
    around(vault, SEALS_END)
}

/// Where the recipient file of a vault stands.
pub(crate) fn recipient_file_of(vault: &Path) -> PathBuf {
    around(vault, RECIPIENT_END)
}

/// In a vault that is a folder, beside one that is a file.
fn around(vault: &Path, end: &str) -> PathBuf {
    if vault.is_dir() {
        return vault.join(beside(STEM.as_ref(), end));
    }
    let name = vault.file_name().unwrap_or_default();
    folder_of(vault).join(beside(name, end))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_folder_of_a_bare_name_is_the_current_one() {
        assert_eq!(folder_of(Path::new("VAULT")), Path::new("."));
        assert_eq!(folder_of(Path::new("a/VAULT")), Path::new("a"));
        assert_eq!(folder_of(Path::new("/VAULT")), Path::new("/"));
    }

    #[test]
    fn what_belongs_to_a_vault_stands_beside_a_file_and_in_a_folder() {
        for (vault, seals) in [
            ("/x/VAULT", "/x/VAULT.seals"),
            ("mails", "./mails.seals"),
            ("/proc", "/proc/VAULT.seals"),
        ] {
            assert_eq!(seals_of(Path::new(vault)), Path::new(seals));
        }
        let recipient = recipient_file_of(Path::new("/x/VAULT"));
        assert_eq!(recipient, Path::new("/x/VAULT.recipient"));
    }

    #[test]
    fn a_link_to_a_taken_name_is_refused_and_one_to_a_vault_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["mails", "VAULT.seals", "VAULT-000001.asc"] {
            fs::write(path(name), "").unwrap();
            symlink(name, path(&format!("to-{name}"))).unwrap();
        }
        let judge = |name: &str| require_vaults_path(&path(name), None, None);
        assert!(judge("to-mails").is_ok() && judge("missing").is_ok());
        for taken in ["to-VAULT.seals", "to-VAULT-000001.asc"] {
            let error = judge(taken).unwrap_err().to_string();
            assert!(error.contains(" is the name of "), "{error}");
        }
    }
}
