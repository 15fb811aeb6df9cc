//! Kills and power cuts at every moment of a server's life, and bugs that are put in on purpose to see that they are caught.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Arc, Mutex};

use super::Sealer;
use super::site::{Content, Site, VAULT, sealed};
use crate::seal::note::Kind;
use crate::seal::seal_folder::STATE_FILE;
use crate::vault::disk::{DiskFile, Folder, ReadAt};
use crate::vault::memory_disk::{MemoryFile, MemoryFolder, Op};
use crate::vault::writable::WritableVault;

const KEYS: u32 = 200;
const HOUR: i64 = 3600;

/// What a crash leaves of what was not yet synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    All,
    Half,
    Nothing,
}

/// The disk after the first operations, with what was left of the unsynced data and names.
fn after_crash(log: &[Op], data: Left, names: Left) -> Content {
    let mut files: BTreeMap<usize, (Vec<u8>, Vec<u8>)> = BTreeMap::new();
    let mut folders: [(BTreeMap<OsString, usize>, BTreeMap<OsString, usize>); 2] =
        Default::default();
    for op in log {
        match op.clone() {
            Op::Create { folder, name, file } => {
                files.insert(file, Default::default());
                folders[folder].0.insert(name, file);
            }
            Op::Rename { folder, from, to } => {
                let file = folders[folder].0.remove(&from).unwrap();
                folders[folder].0.insert(to, file);
            }
            Op::Remove { folder, name } => drop(folders[folder].0.remove(&name)),
            Op::SyncFolder { folder } => folders[folder].1 = folders[folder].0.clone(),
            Op::Append { file, bytes } => files.get_mut(&file).unwrap().0.extend(bytes),
            Op::Truncate { file, size } => files
                .get_mut(&file)
                .unwrap()
                .0
                .truncate(usize::try_from(size).unwrap()),
            Op::Sync { file } => {
                let content = files.get_mut(&file).unwrap();
                content.1 = content.0.clone();
            }
            Op::FailedSync { .. } | Op::Acknowledged(_) => {}
        }
    }
    let bytes = |file: &usize| {
        let (now, synced) = &files[file];
        let behind = now.strip_prefix(synced.as_slice()).unwrap_or_default();
        match data {
            Left::All => now.clone(),
            Left::Half => [synced, &behind[..behind.len() / 2]].concat(),
            Left::Nothing => synced.clone(),
        }
    };
    let names_left = |(now, synced): &(BTreeMap<_, _>, _)| {
        if names == Left::All {
            now.clone()
        } else {
            BTreeMap::clone(synced)
        }
    };
    let content = |names: BTreeMap<OsString, usize>| {
        names
            .into_iter()
            .map(|(name, file)| (name, bytes(&file)))
            .collect()
    };
    folders
        .iter()
        .map(|folder| content(names_left(folder)))
        .collect()
}

/// What is wrong with a server that starts again on what a crash has left.
fn wrong_after(content: &Content, site: &Site, acknowledged: &[u8]) -> Option<String> {
    let again = Site::of(content, &site.keys);
    let (_, mut anomalies) = again.hook(200, again.at(3, 12 * HOUR));
    anomalies.extend(again.seal(again.at(4, 10), None));
    let now = again.at(4, HOUR);
    let verdict = again.verdict(now);
    let states = again.states(now);
    let lost = acknowledged.iter().find(|mail| !again.has(**mail));
    if let Some(lost) = lost {
        return Some(format!("mail {lost} was acknowledged and is gone"));
    }
    if !verdict.is_intact() || states != ["sealed", "sealed", "sealed", "sealed", "open"] {
        return Some(format!("{states:?} {:?} {anomalies:?}", verdict.findings));
    }
    if again.seed_day() != again.day(4) {
        return Some(format!("the key of {} is still there", again.seed_day()));
    }
    let finals = again
        .notes()
        .into_iter()
        .filter(|note| note.claimed.kind == Kind::Final);
    let mut finals: Vec<String> = finals.map(|note| note.to_string()).collect();
    finals.sort_unstable();
    finals.dedup();
    (finals.len() != 4).then(|| format!("{} different finals", finals.len()))
}

/// Every state that a crash may leave behind, at any moment of `life`. Returns how many there were, and what was wrong.
fn crash_everywhere(site: &Site, life: impl FnOnce(&Site)) -> (usize, Vec<String>) {
    let begin = site.disk.log().len();
    life(site);
    let log = site.disk.log();
    let (mut count, mut wrong) = (0, Vec::new());
    for end in begin..=log.len() {
        let done = &log[..end];
        let acknowledged = done.iter().filter_map(|op| match op {
            Op::Acknowledged(mail) => mail.first().copied(),
            _ => None,
        });
        let acknowledged: Vec<u8> = acknowledged.collect();
        for data in [Left::All, Left::Half, Left::Nothing] {
            for names in [Left::All, Left::Nothing] {
                let content = after_crash(done, data, names);
                let found = wrong_after(&content, site, &acknowledged);
                wrong.extend(found.map(|found| format!("{end} {data:?} {names:?}: {found}")));
                count += 1;
            }
        }
    }
    (count, wrong)
}

/// Three mails on the first day, an idle day, two mails on the third, and the timer at the fourth midnight.
/// Some of the hooks are killed when they have given the lock back, before their own sync.
fn life(site: &Site, bug: Option<Bug>) {
    let shared = Arc::default();
    let on_disk = |folder: &MemoryFolder| Buggy {
        folder: folder.clone(),
        bug,
        shared: Arc::clone(&shared),
    };
    let (folder, seals) = (on_disk(&site.vault), on_disk(&site.seals));
    let vault = || WritableVault::file(folder.clone(), VAULT.into());
    let hook = |mail: u8, day, is_killed: bool| {
        shared.lock().unwrap().is_killed = is_killed;
        let mut sealer = Sealer::open(seals.clone()).unwrap();
        let at = site.at(day, HOUR * i64::from(mail));
        sealer.append(&mut vault(), sealed(mail), || at).unwrap();
        if !is_killed {
            site.disk.acknowledge(&[mail]);
        }
    };
    for (mail, day, is_killed) in [
        (0, 0, false),
        (1, 0, true),
        (2, 0, true),
        (3, 2, false),
        (4, 2, true),
    ] {
        hook(mail, day, is_killed);
    }
    let mut sealer = Sealer::open(seals.clone()).unwrap();
    sealer.seal(&mut vault(), None, || site.at(3, 10)).unwrap();
}

#[test]
fn a_crash_at_any_moment_costs_no_acknowledged_mail_and_no_seal() {
    let site = Site::new(KEYS);
    let (count, wrong) = crash_everywhere(&site, |site| life(site, None));
    assert_eq!(wrong, [""; 0]);
    assert!(count > 300, "{count} states");
}

// --- Bugs on purpose: a disk that does not do what one part of the program asks of it has the effect of a program that does not ask.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// The `.seals` file is never synced.
    FinalNotSynced,
    /// It is synced when the seal folder is unlocked, after the seed was given up.
    SeedBeforeFinal,
    /// The vault is not synced under the lock, before a checkpoint is signed.
    CheckpointOverUnsyncedLeaves,
    /// The new seed takes its name before its bytes are synced.
    SeedNotSynced,
    /// What stands in the `.seals` file is not looked at, nor what is remembered of it.
    FinalsNotLookedAt,
}

#[derive(Clone, Debug)]
struct Buggy {
    folder: MemoryFolder,
    bug: Option<Bug>,
    /// Shared by the two folders: the vault is locked; finals that wait for their sync.
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_locked: bool,
    /// The hook does not live to sync its record.
    is_killed: bool,
    waiting: Vec<MemoryFile>,
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
        self.shared.lock().unwrap().is_locked = is_locked;
    }
}

impl Folder for Buggy {
    type File = BuggyFile;

    fn lock(&mut self) -> io::Result<()> {
        self.folder.lock()
    }

    fn unlock(&mut self) {
        for mut file in self.shared.lock().unwrap().waiting.drain(..) {
            file.sync().unwrap();
        }
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

    fn open_secret(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.open_secret(name)?))
    }

    fn create_new(&self, name: &OsStr) -> io::Result<BuggyFile> {
        Ok(self.wrap(name, self.folder.create_new(name)?))
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_name(&self, name: &OsStr) -> io::Result<()> {
        self.folder.sync_name(name)
    }
}

impl ReadAt for BuggyFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)?;
        // Whoever reads more than the last byte looks for notes, or for what is remembered of them.
        if self.of.bug == Some(Bug::FinalsNotLookedAt)
            && (self.name == super::site::SEALS || self.name == STATE_FILE)
            && buffer.len() > 1
        {
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
        let is_seals = self.name == super::site::SEALS;
        let (is_vault, is_seed) = (self.name == VAULT, self.name == "seed.new");
        let mut shared = self.of.shared.lock().unwrap();
        match self.of.bug {
            _ if is_vault && shared.is_killed && !shared.is_locked => Ok(()),
            Some(Bug::FinalNotSynced) if is_seals => Ok(()),
            Some(Bug::SeedNotSynced) if is_seed => Ok(()),
            Some(Bug::CheckpointOverUnsyncedLeaves) if is_vault && shared.is_locked => Ok(()),
            Some(Bug::SeedBeforeFinal) if is_seals => {
                shared.waiting.push(self.of.folder.open(&self.name)?);
                Ok(())
            }
            _ => self.file.sync(),
        }
    }

    fn unlock(&mut self) {
        self.of.set_locked(false);
        self.file.unlock();
    }
}

fn caught(bug: Bug) -> Vec<String> {
    crash_everywhere(&Site::new(KEYS), |site| life(site, Some(bug))).1
}

#[test]
fn a_final_that_is_not_synced_is_caught() {
    assert!(
        caught(Bug::FinalNotSynced)
            .iter()
            .any(|wrong| wrong.contains("missing"))
    );
}

#[test]
fn a_seed_given_up_before_the_final_is_synced_is_caught() {
    assert!(
        caught(Bug::SeedBeforeFinal)
            .iter()
            .any(|wrong| wrong.contains("missing"))
    );
}

#[test]
fn a_checkpoint_over_leaves_that_are_not_synced_is_caught() {
    assert!(
        caught(Bug::CheckpointOverUnsyncedLeaves)
            .iter()
            .any(|wrong| wrong.contains("broken"))
    );
}

#[test]
fn a_seed_that_is_not_synced_before_it_takes_its_name_is_caught() {
    let found = std::panic::catch_unwind(|| caught(Bug::SeedNotSynced));
    assert!(found.is_err() || !found.unwrap().is_empty());
}

#[test]
fn finals_signed_without_a_look_at_those_that_stand_are_caught() {
    assert!(
        caught(Bug::FinalsNotLookedAt)
            .iter()
            .any(|wrong| wrong.contains("do not continue")
                || wrong.contains("broken")
                || wrong.contains("finals"))
    );
}
