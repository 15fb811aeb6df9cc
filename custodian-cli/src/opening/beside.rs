//! What stands beside a vault: where its seals are, whatever the vault's shape.

use std::fs;
use std::path::{Path, PathBuf};

use archiver_core::vault::segments::{SEALS_END, STEM, beside};

/// Where the checkpoints of a vault stand: in the folder of segments, or beside the file.
pub(crate) fn seals_path(vault: &Path) -> PathBuf {
    if vault.is_dir() {
        vault.join(beside(STEM.as_ref(), SEALS_END))
    } else {
        beside(vault.as_os_str(), SEALS_END).into()
    }
}

/// The place of a vault's seals, when something stands there.
pub(crate) fn standing_seals(vault: &Path) -> Option<PathBuf> {
    let path = seals_path(vault);
    fs::symlink_metadata(&path).is_ok().then_some(path)
}
