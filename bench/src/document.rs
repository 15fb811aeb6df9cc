//! Puts the table into docs/performance.md, between two markers, and leaves the rest of the page alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

const BEGIN: &str = "<!-- bench: begin -->\n";
const END: &str = "<!-- bench: end -->\n";

/// The page could not be rewritten.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Reading or writing failed.
    #[error("{} could not be rewritten: {source}", .path.display())]
    Io {
        /// The page.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The markers are not there.
    #[error("{} has no lines `{}` and `{}` to write between", .0.display(), BEGIN.trim(), END.trim())]
    NoMarkers(PathBuf),
}

/// Replaces what stands between the markers of the page at `path`.
///
/// # Errors
/// When the page cannot be read or written, or has no markers.
pub fn rewrite(path: &Path, between: &str) -> Result<(), DocumentError> {
    let failed = |source| DocumentError::Io {
        path: path.to_owned(),
        source,
    };
    let page = fs::read_to_string(path).map_err(failed)?;
    let page = replaced(&page, between).ok_or(DocumentError::NoMarkers(path.to_owned()))?;
    fs::write(path, page).map_err(failed)
}

fn replaced(page: &str, between: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{between}\n{END}{after}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let page = format!("# Title\n{BEGIN}old\n{END}the rest\n");
        let once = replaced(&page, "new").unwrap();
        assert_eq!(once, format!("# Title\n{BEGIN}\nnew\n{END}the rest\n"));
        assert_eq!(replaced(&once, "new").unwrap(), once);
    }

    #[test]
    fn a_page_without_markers_is_not_touched() {
        assert_eq!(replaced("# Title\n", "new"), None);
    }
}
