//! Files that a person names, or that stand beside those: only regular ones are read, so that no pipe makes the program wait without a word.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Opens a regular file, with its length. Looked at before it is opened: opening a pipe would wait for its writer.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, u64)> {
    if !fs::metadata(path)?.is_file() {
        let message = "it is not a regular file";
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}
