//! Which program this is: version, commit, and the SHA-256 of the running binary, so that minutes can name it exactly.

use std::fs::File;
use std::io;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// Name and version, as it stands on the sheets.
pub(crate) const PROGRAM: &str = concat!("custodian ", env!("CARGO_PKG_VERSION"));

/// The commit that the binary was built from, or `unknown`.
pub(crate) const COMMIT: &str = env!("CUSTODIAN_COMMIT");

/// The SHA-256 of the running binary, 64 hex digits; `unknown` when it cannot be read.
pub(crate) fn binary_sha256() -> String {
    hash_of_binary().unwrap_or_else(|_| "unknown".to_owned())
}

fn hash_of_binary() -> io::Result<String> {
    let mut binary = File::open("/proc/self/exe")?;
    let mut hash = Sha256::new();
    io::copy(&mut binary, &mut HashWriter(&mut hash))?;
    Ok(HEXLOWER.encode(&hash.finalize()))
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What `--version` prints.
pub(crate) fn text() -> String {
    format!(
        "{PROGRAM}\ncommit {COMMIT}\nSHA-256 of this binary {}\n",
        binary_sha256()
    )
}
