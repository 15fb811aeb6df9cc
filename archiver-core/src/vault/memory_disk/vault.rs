//! A vault on a disk in memory, for tests that append to one and look at its bytes.

use super::{MemoryDisk, MemoryFolder};
use crate::identity::UtcTime;
use crate::openpgp::encrypt::SealedBody;
use crate::vault::append::{AppendError, Receipt, append};
use crate::vault::writable::WritableVault;

/// A vault that is one file on a disk of its own.
#[derive(Debug)]
pub(crate) struct MemoryVault {
    pub(crate) disk: MemoryDisk,
    folder: MemoryFolder,
}

const VAULT: &str = "VAULT";

impl MemoryVault {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let vault = Self::default();
        vault.folder.put(VAULT, bytes);
        vault
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.folder.bytes(VAULT)
    }

    /// Appends a record of ours.
    pub(crate) fn append(&self, sealed: SealedBody, at: UtcTime) -> Result<Receipt, AppendError> {
        let mut vault = WritableVault::file(self.folder.clone(), VAULT.into());
        append(&mut vault, sealed, || at)
    }

    /// Appends bytes of another program.
    pub(crate) fn put(&self, bytes: &[u8]) {
        self.folder.put(VAULT, &[&self.bytes(), bytes].concat());
    }
}

impl Default for MemoryVault {
    fn default() -> Self {
        let disk = MemoryDisk::default();
        let folder = disk.folder();
        Self { disk, folder }
    }
}
