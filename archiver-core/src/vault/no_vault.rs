//! What can be no file of a vault, because nothing of a vault stands in it (docs/format.md §7.3, decision 0018).
//!
//! A record that is appended to a key, a log or a program spoils it. A vault's file has a begin line, or is what a crash left of its first record.

use std::io;

use thiserror::Error;

use crate::vault::armor::BEGIN_LINE;
use crate::vault::disk::ReadAt;
use crate::vault::end::End;
use crate::vault::tail::Tail;

/// A file to which no record is appended.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "{file} is no file of a vault: something stands in it, and nowhere a line `{BEGIN_LINE}`; it was left as it is; give --vault the path of the vault, or move {file} away"
)]
pub struct NoVaultFile {
    /// Its name.
    pub file: String,
}

/// Whether the last of these files can be no vault's. `tail` is what was found in them.
///
/// # Errors
/// What the system reports.
pub fn is_in_last_file<T: ReadAt>(vault: &End<T>, tail: &Tail) -> io::Result<bool> {
    let size = vault.size_of_last();
    let start = vault.total() - size;
    if size == 0 || tail.last_begin.is_some_and(|begin| begin >= start) {
        return Ok(false);
    }
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let mut beginning = vec![0; length.min(BEGIN_LINE.len())];
    vault.read_exact_at(&mut beginning, start)?;
    Ok(!may_be_left_of_a_record(&beginning))
}

/// What a crash leaves of a file's first record, if anything: zeros in place of its first sector, or its beginning. Behind another segment, and behind what a
/// caller with `>>` put in front, the record begins with an LF.
fn may_be_left_of_a_record(beginning: &[u8]) -> bool {
    matches!(beginning, [0 | b'\n', ..]) || BEGIN_LINE.as_bytes().starts_with(beginning)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn is_none(files: &[&[u8]]) -> bool {
        let (last, earlier) = files.split_last().unwrap();
        let mut end = End::of(*last).unwrap();
        for file in earlier.iter().rev() {
            end.put_in_front(*file).unwrap();
        }
        let tail = Tail::find(&end, end.total()).unwrap();
        is_in_last_file(&end, &tail).unwrap()
    }

    #[test]
    fn without_a_begin_line_a_file_is_none_of_a_vault() {
        let seed = [1, 7, 7, 0, 7];
        for other in [
            b"root:x:0:0:root:/root:/bin/bash\n".as_slice(),
            b"Nov 24 12:00:00 mx1 postfix/qmgr: -----BEGIN PGP MESSAGE-----\n",
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
            b"-----END PGP MESSAGE-----\n",
            b"- a list\n",
            &seed,
        ] {
            assert!(is_none(&[other]), "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn with_one_anywhere_it_may_be_a_vaults_and_so_may_what_a_crash_leaves_of_the_first_record() {
        let begin = format!("{BEGIN_LINE}\n");
        let behind_something = format!("From maildrop\n{begin}");
        let mut vaults: Vec<&[u8]> = vec![
            b"",
            b"\n",
            b"\nwhatever",
            b"\0\0\0 whatever",
            begin.as_bytes(),
            behind_something.as_bytes(),
        ];
        vaults.extend((1..begin.len()).map(|length| &begin.as_bytes()[..length]));
        for vault in vaults {
            assert!(!is_none(&[vault]), "{}", String::from_utf8_lossy(vault));
        }
    }

    #[test]
    fn of_segments_it_is_the_last_one_that_counts() {
        let begin = format!("{BEGIN_LINE}\n");
        let (whole, other) = (begin.as_bytes(), b"something else\n".as_slice());
        assert!(is_none(&[whole, other]));
        assert!(!is_none(&[other, whole]));
        assert!(!is_none(&[other, b""]));
        assert!(!is_none(&[whole, b"\nsomething else"]));
    }
}
