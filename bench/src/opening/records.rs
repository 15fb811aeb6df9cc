//! A vault's records as separate files, for gpg, which reads only the first message of a file.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use archiver_core::vault::armor::{BEGIN_LINE, END_LINE};

/// Writes the first `most` records of a sound vault into the new folder `folder`, a file each.
///
/// # Errors
/// When reading or writing fails.
pub(super) fn split(vault: &Path, folder: &Path, most: usize) -> io::Result<Vec<PathBuf>> {
    fs::create_dir(folder)?;
    let mut paths = Vec::new();
    let mut record = None;
    for line in BufReader::new(File::open(vault)?).lines() {
        let line = line?;
        if line == BEGIN_LINE {
            if paths.len() == most {
                break;
            }
            let path = folder.join(format!("{:06}.asc", paths.len()));
            record = Some(BufWriter::new(File::create_new(&path)?));
            paths.push(path);
        }
        if let Some(file) = &mut record {
            writeln!(file, "{line}")?;
        }
        if line == END_LINE
            && let Some(mut whole) = record.take()
        {
            whole.flush()?;
        }
    }
    Ok(paths)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_records_together_are_the_vault() {
        let scratch = tempfile::tempdir().unwrap();
        let vault = scratch.path().join("VAULT");
        let record = format!("{BEGIN_LINE}\n\nAAAA\n{END_LINE}\n");
        fs::write(&vault, record.repeat(3)).unwrap();
        let paths = split(&vault, &scratch.path().join("records"), 2).unwrap();
        assert_eq!(paths.len(), 2);
        for path in paths {
            assert_eq!(fs::read_to_string(path).unwrap(), record);
        }
    }
}
