//! Writers at work on a disk in memory, one call at a time, in every order.

use std::sync::Arc;
use std::thread;

use super::choices::Choices;
use super::states::Names;
use crate::identity::UtcTime;
use crate::openpgp::encrypt::SealedBody;
use crate::vault::append::append;
use crate::vault::disk::Folder;
use crate::vault::memory_disk::turns::Turns;
use crate::vault::memory_disk::{Faults, MemoryDisk, MemoryFolder, Op};
use crate::vault::writable::WritableVault;

/// The name of a vault that is one file.
pub(crate) const FILE: &str = "VAULT";

/// Noon of a day.
pub(crate) const NOON: i64 = 1_795_608_000;

/// What stands on the disk, and what is appended to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// A folder of segments, with these rules; otherwise one file.
    pub(crate) segments: Option<&'static str>,
    /// What stands there from the start.
    pub(crate) before: Names,
    /// How long the mails of each writer are.
    pub(crate) writers: Vec<Vec<usize>>,
    pub(crate) faults: Faults,
}

/// What the writers did.
pub(crate) struct Ran {
    pub(crate) log: Vec<Op>,
    /// How many operations of the log put there what stood there before.
    pub(crate) begun: usize,
    pub(crate) choices: Choices,
}

/// A mail, encrypted: nothing here decrypts it.
pub(crate) fn sealed(length: usize) -> SealedBody {
    let mail: Vec<u8> = (0..length)
        .map(|n| (n * n % 251).to_le_bytes()[0])
        .collect();
    SealedBody::of(vec![0xc1, 1, 7], &mail)
}

pub(crate) fn at(unix: i64) -> UtcTime {
    UtcTime::from_unix(unix).unwrap()
}

impl History {
    /// A vault on this folder.
    pub(crate) fn vault<F: Folder>(&self, folder: F) -> WritableVault<F> {
        match self.segments {
            Some(_) => WritableVault::segments(folder),
            None => WritableVault::file(folder, FILE.into()),
        }
    }

    /// A new disk with these files.
    pub(crate) fn disk_with(files: &Names) -> (MemoryDisk, MemoryFolder) {
        let disk = MemoryDisk::default();
        let folder = disk.folder();
        for (name, bytes) in files {
            folder.put(name.to_str().unwrap(), bytes);
        }
        (disk, folder)
    }

    /// Lets the writers work, in the order that the choices give. `disk_of` stands between the writers and their disk.
    pub(crate) fn run<F: Folder>(
        &self,
        choices: Choices,
        disk_of: impl Fn(MemoryFolder) -> F + Sync,
    ) -> Ran {
        let (disk, folder) = Self::disk_with(&self.before());
        let begun = disk.log().len();
        disk.set_faults(self.faults.clone());
        let turns = Arc::new(Turns::of(self.writers.len(), choices));
        disk.take_turns(&turns);
        thread::scope(|scope| {
            for (writer, mails) in self.writers.iter().enumerate() {
                let (disk, turns, disk_of) = (&disk, &turns, &disk_of);
                let folder = folder.of_writer(writer);
                scope.spawn(move || {
                    let mut vault = self.vault(disk_of(folder));
                    for mail in mails {
                        if let Ok(receipt) = append(&mut vault, sealed(*mail), || at(NOON)) {
                            disk.acknowledge(receipt.header.to_string().as_bytes());
                        }
                    }
                    drop(vault);
                    turns.is_done(writer);
                });
            }
        });
        let log = disk.log();
        drop((disk, folder));
        let turns = Arc::into_inner(turns).expect("all writers are done");
        let choices = turns.into_choices();
        Ran {
            log,
            begun,
            choices,
        }
    }

    fn before(&self) -> Names {
        let mut files = self.before.clone();
        if let Some(rules) = self.segments {
            files.insert("segments.conf".into(), rules.as_bytes().to_vec());
        }
        files
    }
}
