//! A server with a bug: a disk that does not do what one part of the program asks of it has the effect of a program that does not ask.

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Arc, Mutex};

use crate::seal::seal_folder::{SEED_FILE, STATE_FILE};
use crate::seal::writer::site::{SEALS, Site, sealed};
use crate::seal::writer::{Anomaly, Sealer};
use crate::vault::disk::{DiskFile, Folder, ReadAt};
use crate::vault::memory_disk::{MemoryFile, MemoryFolder};

const NEW_SEED: &str = "seed.new";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// The `.seals` file is never synced.
    FinalNotSynced,
    /// It is synced when the seal folder is unlocked, after the seed was given up.
    SeedAdvancedBeforeTheFinalIsSynced,
    /// The vault is not synced under the lock, before a checkpoint is signed.
    FinalSignedBeforeTheVaultIsSynced,
    /// The new seed takes its name before its bytes are synced.
    SeedRenamedBeforeItIsSynced,
    FolderOfTheSealsNotSynced,
    FolderOfTheSeedNotSynced,
    OldSeedOverwrittenBeforeTheNewOneStands,
    OldSeedOverwrittenBeforeTheNameIsSynced,
    UsedSeedNotOverwritten,
    /// What stands in the `.seals` file is not looked at, nor what is remembered of it.
    FinalsNotLookedAt,
    /// What the server remembers of its log is not compared with the vault.
    StateBelievedUnchecked,
}

/// A server at work on a disk, perhaps with a bug.
pub(super) struct Machine<'s> {
    site: &'s Site,
    bug: Option<Bug>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The vault is locked.
    is_locked: bool,
    /// The hook does not live to sync its record.
    is_killed: bool,
    /// Finals that wait for their sync.
    waiting: Vec<MemoryFile>,
}

impl<'s> Machine<'s> {
    pub(super) fn new(site: &'s Site, bug: Option<Bug>) -> Self {
        let shared = Arc::default();
        Self { site, bug, shared }
    }

    /// A mail is archived, and the mail server is told so.
    pub(super) fn archive(&self, mail: u8, day: i64, seconds: i64) -> Vec<Anomaly> {
        let anomalies = self.hook(mail, day, seconds);
        self.site.disk.acknowledge(&[mail]);
        anomalies
    }

    /// The hook is killed when it has given the lock back, before its own sync.
    pub(super) fn archive_and_be_killed(&self, mail: u8, day: i64, seconds: i64) {
        self.shared.lock().unwrap().is_killed = true;
        self.hook(mail, day, seconds);
        self.shared.lock().unwrap().is_killed = false;
    }

    fn hook(&self, mail: u8, day: i64, seconds: i64) -> Vec<Anomaly> {
        let mut sealer = self.sealer();
        let mut vault = self.site.writable_on(self.folder(Role::Vault));
        let at = self.site.at(day, seconds);
        sealer.append(&mut vault, sealed(mail), || at).unwrap();
        sealer.take_anomalies()
    }

    /// The timer; perhaps the day is confirmed.
    pub(super) fn seal(&self, day: i64, seconds: i64, catch_up: bool) -> Vec<Anomaly> {
        let mut sealer = self.sealer();
        let mut vault = self.site.writable_on(self.folder(Role::Vault));
        let at = self.site.at(day, seconds);
        let catch_up = catch_up.then(|| self.site.day(day));
        sealer.seal(&mut vault, catch_up, || at).unwrap();
        sealer.take_anomalies()
    }

    /// What is wrong without any crash.
    pub(super) fn wrong(&self) -> Option<String> {
        let mut used = crate::seal::writer::site::first_seed();
        while used.day() < self.site.seed_day() {
            let file = crate::seal::seed_file::encode(&used);
            if self.site.disk.holds(file.expose_bytes()) {
                return Some(format!("a used seed is still on the disk: {}", used.day()));
            }
            used = used.next()?;
        }
        None
    }

    fn sealer(&self) -> Sealer<Buggy> {
        let mut sealer = Sealer::open(self.folder(Role::SealFolder)).unwrap();
        if self.bug == Some(Bug::StateBelievedUnchecked) {
            sealer.believe_state();
        }
        sealer
    }

    fn folder(&self, role: Role) -> Buggy {
        let folder = match role {
            Role::Vault => self.site.vault.clone(),
            Role::SealFolder => self.site.seals.clone(),
        };
        Buggy {
            folder,
            role,
            bug: self.bug,
            shared: Arc::clone(&self.shared),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Vault,
    SealFolder,
}

#[derive(Clone, Debug)]
struct Buggy {
    folder: MemoryFolder,
    role: Role,
    bug: Option<Bug>,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct BuggyFile {
    file: MemoryFile,
    name: OsString,
    of: Buggy,
}

impl Buggy {
    fn wrap(&self, name: &OsStr, file: MemoryFile) -> BuggyFile {
        BuggyFile {
            file,
            name: name.to_owned(),
            of: self.clone(),
        }
    }

    fn set_locked(&self, is_locked: bool) {
        if self.role == Role::Vault {
            self.shared.lock().unwrap().is_locked = is_locked;
        }
    }

    fn overwrite_seed(&self, name: &str) -> io::Result<()> {
        self.folder.open(name.as_ref())?.wipe()
    }
}

impl Folder for Buggy {
    type File = BuggyFile;

    fn lock(&mut self) -> io::Result<()> {
        self.folder.lock()?;
        self.set_locked(true);
        Ok(())
    }

    fn unlock(&mut self) {
        for mut file in self.shared.lock().unwrap().waiting.drain(..) {
            file.sync().unwrap();
        }
        self.set_locked(false);
        self.folder.unlock();
    }

    fn open_locked(&self, name: &OsStr) -> io::Result<BuggyFile> {
        let file = self.folder.open_locked(name)?;
        self.set_locked(true);
        Ok(self.wrap(name, file))
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        self.folder.names()
    }

    fn open(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.open(name)?))
    }

    fn open_to_read(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.open_to_read(name)?))
    }

    fn open_unshared(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.open_unshared(name)?))
    }

    fn open_secret(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.open_secret(name)?))
    }

    fn create_new(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.create_new(name)?))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let is_seed = from == NEW_SEED;
        match self.bug {
            Some(Bug::OldSeedOverwrittenBeforeTheNewOneStands) if is_seed => {
                self.overwrite_seed(SEED_FILE)?;
                self.folder.rename(from, to)
            }
            Some(Bug::OldSeedOverwrittenBeforeTheNameIsSynced) if is_seed => {
                let old = self.folder.open(to)?;
                self.folder.rename(from, to)?;
                old.wipe()
            }
            _ => self.folder.rename(from, to),
        }
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_name(&self, name: &OsStr) -> io::Result<()> {
        match self.bug {
            Some(Bug::FolderOfTheSealsNotSynced) if name == SEALS => Ok(()),
            Some(Bug::FolderOfTheSeedNotSynced) if name == SEED_FILE => Ok(()),
            _ => self.folder.sync_name(name),
        }
    }
}

impl ReadAt for BuggyFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)?;
        // Whoever reads more than the last byte looks for notes, or for what is remembered of them.
        let is_unseen = self.of.bug == Some(Bug::FinalsNotLookedAt)
            && (self.name == SEALS || self.name == STATE_FILE);
        if is_unseen && buffer.len() > 1 {
            buffer.fill(b'\n');
        }
        Ok(())
    }
}

impl DiskFile for BuggyFile {
    fn append(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        self.file.append(pieces)
    }

    fn truncate(&mut self, size: u64) -> io::Result<()> {
        self.file.truncate(size)
    }

    fn sync(&mut self) -> io::Result<()> {
        let is_seals = self.name == SEALS;
        let is_vault = self.of.role == Role::Vault && !is_seals;
        let mut shared = self.of.shared.lock().unwrap();
        match self.of.bug {
            _ if is_vault && shared.is_killed && !shared.is_locked => Ok(()),
            Some(Bug::FinalNotSynced) if is_seals => Ok(()),
            Some(Bug::SeedRenamedBeforeItIsSynced) if self.name == NEW_SEED => Ok(()),
            Some(Bug::FinalSignedBeforeTheVaultIsSynced) if is_vault && shared.is_locked => Ok(()),
            Some(Bug::SeedAdvancedBeforeTheFinalIsSynced) if is_seals => {
                shared.waiting.push(self.of.folder.open(&self.name)?);
                Ok(())
            }
            _ => self.file.sync(),
        }
    }

    fn wipe(self) -> io::Result<()> {
        match self.of.bug {
            Some(Bug::UsedSeedNotOverwritten) => Ok(()),
            _ => self.file.wipe(),
        }
    }

    fn unlock(&mut self) {
        self.of.set_locked(false);
        self.file.unlock();
    }
}
