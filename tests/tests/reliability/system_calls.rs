//! A blow at every system call that the hook makes, from its start to its end: SIGKILL in the call's place, and each error that such a call can give.
//!
//! After each: exit code 0 only with the whole record in the vault and on stable storage; otherwise 75, or the end by a signal. What stood in the vault stands there still,
//! and the next hook delivers, whatever it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use custody_tests::{Archive, Dice, End, Ledger, run_with_stdin, vault_bytes};

use crate::trace::{Call, Traced, may_trace, trace};

/// A mail of many pieces makes hundreds of equal calls; of each name so many are struck, spread over all of them.
const OF_A_NAME: usize = 6;
const SEED: u64 = 0x5ca1_ab1e;
/// The first call that is ours: what comes before is the loader's and the language's start.
const FIRST_OF_OURS: &str = "prctl";

/// What a call can fail with.
fn errors(call: &str) -> &'static [&'static str] {
    match call {
        "mmap" | "mremap" | "munmap" | "mprotect" | "brk" | "madvise" => &["ENOMEM", "EAGAIN"],
        "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "copy_file_range"
        | "sendfile" | "fallocate" | "ftruncate" => &[
            "EINTR", "EIO", "ENOSPC", "EDQUOT", "EFBIG", "ENOMEM", "EPERM",
        ],
        "fsync" | "fdatasync" => &["EINTR", "EIO", "ENOSPC", "EDQUOT", "EROFS"],
        "open" | "openat" | "rename" | "renameat2" | "link" | "linkat" | "unlink" | "mkdir" => &[
            "EINTR", "EIO", "EACCES", "EPERM", "ENOENT", "ENOSPC", "EDQUOT", "EMFILE", "ENFILE",
            "ENOMEM", "EROFS", "ELOOP",
        ],
        "read" | "readv" | "pread64" | "preadv" | "getdents64" | "lseek" => {
            &["EINTR", "EIO", "EAGAIN", "ENOMEM", "EISDIR"]
        }
        "stat" | "fstat" | "lstat" | "newfstatat" | "statx" | "access" | "readlink" | "getcwd"
        | "statfs" | "fstatfs" => &["EINTR", "EIO", "EACCES", "ENOENT", "ELOOP", "ENOMEM"],
        "flock" | "fcntl" => &["EINTR", "EIO", "ENOLCK", "EAGAIN", "EMFILE"],
        "poll" | "ppoll" => &["EINTR", "ENOMEM"],
        "getrandom" => &["EINTR", "EAGAIN", "ENOSYS"],
        // Cannot fail.
        "exit_group" | "exit" => &[],
        _ => &["EINTR", "EIO", "ENOMEM", "EACCES", "ENOSYS"],
    }
}

/// These can be interrupted by a signal before they have done anything: an `EINTR` must not cost a delivery.
const INTERRUPTIBLE: [&str; 13] = [
    "fdatasync",
    "flock",
    "fstatfs",
    "fsync",
    "ftruncate",
    "openat",
    "poll",
    "pread64",
    "pwrite64",
    "read",
    "statfs",
    "write",
    "writev",
];

/// Names and contents.
type Files = BTreeMap<OsString, Vec<u8>>;

/// A vault, and a mail that is delivered into it.
struct Scene {
    name: &'static str,
    archive: Archive,
    in_segments: bool,
    /// The files in the vault's folder.
    before: Files,
    /// What the hooks confirmed that filled it.
    confirmed: Vec<(String, Vec<u8>)>,
    mail: PathBuf,
    /// Whether the loader and the language's start are struck too; they are the same whatever the vault.
    with_start: bool,
    /// Spread evenly over all that there are.
    most_blows: usize,
    tally: Mutex<Tally>,
    /// Where the hooks send their log lines. It is not read, and full soon.
    _log: UnixDatagram,
}

#[derive(Default)]
struct Tally {
    runs: usize,
    /// How many ended in each way.
    ends: BTreeMap<&'static str, usize>,
    /// The call was not made this time: addresses, and so the calls for memory, differ from run to run.
    missed: usize,
    refused_when_interrupted: BTreeSet<String>,
    complaints: Vec<String>,
}

/// One run that is struck.
#[derive(Debug)]
struct Strike {
    call: String,
    number: usize,
    what: String,
    is_ours: bool,
}

impl Scene {
    fn new(name: &'static str, mail: &[u8]) -> Self {
        let archive = Archive::new();
        fs::write(archive.path("mail"), mail).unwrap();
        Self {
            name,
            in_segments: false,
            before: Files::new(),
            confirmed: Vec::new(),
            mail: archive.path("mail"),
            with_start: false,
            most_blows: usize::MAX,
            _log: UnixDatagram::bind(archive.log()).unwrap(),
            archive,
            tally: Mutex::default(),
        }
    }

    /// The next record begins a new segment.
    fn in_segments(mut self) -> Self {
        self.in_segments = true;
        self
    }

    fn with_records(mut self, records: usize) -> Self {
        let folder = self.folder(0).join("vault");
        self.restore(&folder);
        for number in 0..records {
            let mail = format!("Subject: before {number}\n\n").into_bytes();
            let place = self.deliver(&self.vault_in(&folder), &mail);
            self.confirmed.push((place, mail));
        }
        self.before = files_in(&folder);
        self
    }

    /// Bytes at the end of the last file, or of a new one.
    fn with_tail(mut self, tail: &[u8]) -> Self {
        let new = ("VAULT".into(), Vec::new());
        let (name, mut bytes) = self.before.pop_last().unwrap_or(new);
        bytes.extend(tail);
        self.before.insert(name, bytes);
        self
    }

    fn with_start(mut self) -> Self {
        self.with_start = true;
        self
    }

    fn at_most(mut self, most_blows: usize) -> Self {
        self.most_blows = most_blows;
        self
    }

    /// A delivery that must succeed; its confirmation.
    fn deliver(&self, vault: &Path, mail: &[u8]) -> String {
        let ran = run_with_stdin(&mut self.archive.hook(vault), mail).expect_code(0);
        ran.stdout.trim_end().to_owned()
    }

    fn vault_in(&self, folder: &Path) -> PathBuf {
        if self.in_segments {
            folder.to_owned()
        } else {
            folder.join("VAULT")
        }
    }

    fn restore(&self, folder: &Path) {
        // A new vault is one for which the certificate was never verified.
        let recipient = folder.join("VAULT.recipient");
        if self.before.is_empty() && recipient.exists() {
            fs::remove_file(recipient).unwrap();
        }
        for name in files_in(folder).into_keys() {
            fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, bytes) in &self.before {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }

    /// A folder of its own for each worker, with its real path, as strace shows it.
    fn folder(&self, worker: usize) -> PathBuf {
        let folder = self.archive.path(&format!("worker-{worker}"));
        fs::create_dir_all(folder.join("vault")).unwrap();
        if self.in_segments {
            let rules = "archiver segments 1 size=1 day=no\n";
            fs::write(folder.join("vault/segments.conf"), rules).unwrap();
        }
        fs::canonicalize(folder).unwrap()
    }

    fn strike_everywhere(&self) {
        if !may_trace() {
            return;
        }
        let strikes = Mutex::new(self.strikes().into_iter());
        thread::scope(|scope| {
            for worker in 0..4 {
                let (folder, strikes) = (self.folder(worker), &strikes);
                let next = || strikes.lock().unwrap().next();
                scope.spawn(move || {
                    while let Some(strike) = next() {
                        self.strike(&folder, &strike);
                    }
                });
            }
        });
        self.report();
    }

    /// From a run that nobody strikes, which must itself stand the test.
    fn strikes(&self) -> Vec<Strike> {
        let folder = self.folder(0);
        let vault = self.vault_in(&folder.join("vault"));
        self.restore(&folder.join("vault"));
        let calm = trace(&self.archive.hook(&vault), &self.mail, &folder, &[]);
        assert!(calm.output.status.success());
        assert_eq!(self.unsynced(&calm, &folder.join("vault")), None);
        let ours = calm
            .calls
            .iter()
            .position(|call| call.name == FIRST_OF_OURS);
        let ours = ours.expect("the hook forbids core dumps first");
        let mut strikes = Vec::new();
        for (index, call) in calm.calls.iter().enumerate().skip(1) {
            let is_ours = index >= ours;
            let alike = calm.calls.iter().filter(|other| other.name == call.name);
            if !is_chosen(call, alike.count()) || !(is_ours || self.with_start) {
                continue;
            }
            let error = |error: &&str| format!("error={error}");
            let errors = errors(&call.name).iter().map(error);
            for what in errors.chain(["signal=KILL".to_owned()]) {
                strikes.push(Strike {
                    call: call.name.clone(),
                    number: call.number,
                    what,
                    is_ours,
                });
            }
        }
        let step = strikes.len().div_ceil(self.most_blows).max(1);
        strikes.into_iter().step_by(step).collect()
    }

    /// What of the file that the record went to was not on stable storage.
    fn unsynced(&self, traced: &Traced, folder: &Path) -> Option<&'static str> {
        let (name, _) = files_in(folder).pop_last()?;
        let was_empty = self.before.get(&name).is_none_or(Vec::is_empty);
        let before = self
            .before
            .keys()
            .next_back()
            .filter(|before| **before != name);
        let before = before.filter(|_| self.in_segments && !self.confirmed.is_empty());
        let end_of_segment = before.and_then(|before| {
            traced.begun_before_synced(&folder.join(before), &folder.join(&name))
        });
        let unsynced = traced.unsynced(&folder.join(name), was_empty);
        end_of_segment.or(unsynced)
    }

    fn strike(&self, folder: &Path, strike: &Strike) {
        let vaults = folder.join("vault");
        let vault = self.vault_in(&vaults);
        self.restore(&vaults);
        let inject = format!("{}:{}:when={}", strike.call, strike.what, strike.number);
        let struck = trace(&self.archive.hook(&vault), &self.mail, folder, &[inject]);
        let end = End::of(&struck.output);
        let way = match self.added(&files_in(&vaults)) {
            Some(added) => self.judge_end(strike, &struck, &end, &added, &vaults),
            None => Err("the vault was changed".to_owned()),
        };
        let next = self.judge_next(&vault, &end);
        let missed = !struck.calls.iter().any(Call::is_struck) && way != Ok("killed");
        self.count(strike, &end, way.and_then(|way| next.map(|()| way)), missed);
    }

    /// What stands behind the bytes that were there; nothing when those are not there as they were.
    fn added(&self, left: &Files) -> Option<Vec<u8>> {
        let mut added = Vec::new();
        for name in self.before.keys().filter(|name| !left.contains_key(*name)) {
            assert!(self.before[name].is_empty(), "{} is gone", name.display());
        }
        for (name, bytes) in left {
            let before = self.before.get(name).map(Vec::as_slice).unwrap_or_default();
            added.extend(bytes.strip_prefix(before)?);
        }
        Some(added)
    }

    /// In which way it ended, or what is wrong.
    fn judge_end(
        &self,
        strike: &Strike,
        struck: &Traced,
        end: &End,
        added: &[u8],
        folder: &Path,
    ) -> Result<&'static str, String> {
        let whole = self.archive.read(added).records.len();
        match end {
            End::Acknowledged(_) => match self.unsynced(struck, folder) {
                None if whole == 1 => Ok("delivered"),
                problem => Err(format!("0 with {whole} records, {problem:?}")),
            },
            End::Refused(said) => {
                let is_told = said.starts_with("4.3.0 archiver-encrypt: ");
                if !(is_told || strike.call.starts_with("write")) {
                    return Err("it does not say why".to_owned());
                }
                let is_clean = whole == 1 || added.is_empty();
                is_clean.then_some("refused").ok_or("torn".to_owned())
            }
            End::Signalled(9, _) if strike.what == "signal=KILL" => Ok("killed"),
            // Memory is exhausted, or the language's start failed.
            End::Signalled(..) => Ok("aborted"),
            End::Other(127, _) if !strike.is_ours => Ok("not started (the system's loader)"),
            End::Other(..) => Err("another exit code than 0 and 75".to_owned()),
        }
    }

    fn count(&self, strike: &Strike, end: &End, way: Result<&'static str, String>, missed: bool) {
        let mut tally = self.tally.lock().unwrap();
        tally.runs += 1;
        tally.missed += usize::from(missed);
        if strike.what == "error=EINTR" && way != Ok("delivered") && strike.is_ours {
            let _ = tally.refused_when_interrupted.insert(strike.call.clone());
        }
        match way {
            Ok(way) => *tally.ends.entry(way).or_default() += 1,
            Err(e) => tally.complaints.push(format!("{strike:?}: {end:?}: {e}")),
        }
    }

    /// The next hook delivers, and the ledger holds: what was there, what was acknowledged, and the next mail.
    fn judge_next(&self, vault: &Path, end: &End) -> Result<(), String> {
        let mut ledger = Ledger::default();
        for (place, mail) in &self.confirmed {
            ledger.send(mail);
            ledger.acknowledge(place, mail);
        }
        let mail = fs::read(&self.mail).unwrap();
        ledger.send(&mail);
        match end {
            End::Acknowledged(Some(place)) | End::Signalled(_, Some(place)) => {
                ledger.acknowledge(place, &mail);
            }
            _ => (),
        }
        let next = b"Subject: next\n\n";
        ledger.send(next);
        ledger.acknowledge(&self.deliver(vault, next), next);
        let contents = self.archive.read(&vault_bytes(vault));
        let complaints = ledger.judge(&[contents]).complaints;
        let is_clean = complaints.is_empty();
        is_clean.then_some(()).ok_or(format!("{complaints:?}"))
    }

    fn report(&self) {
        let tally = self.tally.lock().unwrap();
        let Tally {
            runs, ends, missed, ..
        } = &*tally;
        eprintln!(
            "{}: {runs} blows ({missed} met nothing): {ends:?}",
            self.name
        );
        let interrupted = &tally.refused_when_interrupted;
        eprintln!("{}: not delivered after EINTR: {interrupted:?}", self.name);
        assert!(tally.complaints.is_empty(), "{:#?}", tally.complaints);
        for call in INTERRUPTIBLE {
            assert!(!interrupted.contains(call), "{call}: EINTR cost a delivery");
        }
        assert!(ends["delivered"] > 0 && ends["refused"] > 0 && ends["killed"] > 0);
    }
}

fn is_chosen(call: &Call, alike: usize) -> bool {
    let step = alike.div_ceil(OF_A_NAME).max(1);
    (call.number - 1).is_multiple_of(step) || call.number == alike
}

/// The vault's files: the segments, or the one file.
fn files_in(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    // Not what is pinned of the certificate, and not what a killed hook has left of that.
    let is_vault = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("VAULT") && !name.contains(".recipient")
    };
    entries
        .map(|entry| (entry.file_name(), entry.path()))
        .filter(|(name, _)| is_vault(name))
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}

const MAIL: &[u8] = b"Subject: struck\n\nat every call\n";

#[test]
fn a_blow_at_any_call_with_a_new_vault_loses_nothing_and_ends_with_0_or_75() {
    Scene::new("a new vault, and the start", MAIL)
        .with_start()
        .strike_everywhere();
}

#[test]
fn a_blow_at_any_call_with_a_vault_of_records_and_a_torn_tail_loses_nothing() {
    Scene::new("records and a torn tail", MAIL)
        .with_records(3)
        .with_tail(b"-----BEGIN PGP MESSAGE-----\nComment: archiver 2 lo")
        .strike_everywhere();
}

#[test]
fn a_blow_at_any_call_with_an_empty_vault_that_a_killed_hook_made_loses_nothing() {
    Scene::new("an empty vault", MAIL)
        .with_tail(b"")
        .strike_everywhere();
}

#[test]
fn a_blow_at_any_call_while_a_new_segment_is_begun_loses_nothing() {
    Scene::new("a new segment", MAIL)
        .in_segments()
        .with_records(2)
        .strike_everywhere();
}

#[test]
fn a_blow_at_any_call_with_a_mail_too_long_for_memory_loses_nothing() {
    Scene::new(
        "a mail too long for memory",
        &Dice::new(SEED).bytes(9 << 20),
    )
    .with_records(1)
    .at_most(80)
    .strike_everywhere();
}
