//! Many mail servers at once, each with one mail at a time, whose hooks are struck down. A mail is tried again until it is acknowledged, as a mail server does;
//! in the end nobody is struck any more, and every mail must have arrived.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use custody_tests::{Archive, Contents, Dice, End, Ledger, Signal, vault_bytes};
use rustix::process::{Pid, kill_process};

const WRITERS: usize = 6;
/// A vault is judged after so many blows, and a new one begun: it is held in memory, and the disk is not endless.
const ROUND: usize = 1000;
/// In a long siege it is told after so many blows how it stands.
const TOLD: usize = 10 * ROUND;
/// Each is judged as a whole.
const COPIES: usize = 8;
/// Fixed, so that the mails and the choices are the same in each run; the moments never are.
const SEED: u64 = 0x0a7c_417e;
/// A mail of 4 kB makes a record of 2 to 6 kB.
const RULES: &str = "archiver segments 1 size=20000 day=no\n";
/// In each mail, to look for plaintext.
const MARK: &str = "besieged and unharmed";

/// What is done to a hook at a random moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// SIGKILL.
    Kill,
    /// SIGSTOP; a moment later SIGCONT or SIGKILL.
    Freeze,
    /// SIGTERM, SIGINT or SIGHUP.
    AskToStop,
}

/// What is done to the vault while hooks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    Nothing,
    /// `mv VAULT VAULT-n`, as a rotation by hand does.
    MoveAside,
    /// `cp -r` of the vault's folder.
    Copy,
}

/// An attack that is still to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Siege {
    blow: Blow,
    meanwhile: Meanwhile,
    in_segments: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) started: usize,
    /// Blows that met a living hook: it ended by the signal, or (asked, frozen) otherwise than it would have.
    pub(crate) blows: usize,
    refused: usize,
    acknowledged: usize,
    unacknowledged: usize,
    torn: usize,
    pub(crate) copies: usize,
    pub(crate) segments: usize,
}

impl Siege {
    pub(crate) fn of_a_file(blow: Blow) -> Self {
        Self {
            blow,
            meanwhile: Meanwhile::Nothing,
            in_segments: false,
        }
    }

    /// Segments so small that a new one is begun every few mails.
    pub(crate) fn of_segments(blow: Blow) -> Self {
        Self {
            in_segments: true,
            ..Self::of_a_file(blow)
        }
    }

    pub(crate) fn with(self, meanwhile: Meanwhile) -> Self {
        Self { meanwhile, ..self }
    }

    /// A signal that asks is an order to stop, and a new vault that is moved aside in the moment in which its folder is synced is refused: the mail waits. Otherwise
    /// a hook that nobody strikes has no reason to refuse a mail.
    fn may_be_refused(self) -> bool {
        self.blow == Blow::AskToStop || self.meanwhile == Meanwhile::MoveAside
    }

    /// Strikes `blows` hooks, or as many as the variable KILLS says. Fails the test when anything is lost.
    pub(crate) fn run(self, blows: usize) -> Tally {
        let blows =
            std::env::var("KILLS").map_or(blows, |number| number.parse().expect("a number"));
        let mut tally = Tally::default();
        let archive = Archive::new();
        while tally.blows < blows {
            let round = Round::new(
                self,
                &archive,
                (blows - tally.blows).min(ROUND),
                tally.started,
            );
            round.fight();
            round.judge(&mut tally);
            if tally.blows < blows && tally.blows % TOLD < ROUND {
                eprintln!("  so far: {tally}");
            }
        }
        eprintln!("{self:?} (seed {SEED:#x}): {tally}");
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            started,
            blows,
            refused,
            acknowledged,
            unacknowledged,
            torn,
            copies,
            segments,
        } = self;
        write!(
            f,
            "{started} hooks started, {blows} struck, {refused} refused, {acknowledged} mails acknowledged and found, 0 lost, \
             {unacknowledged} records twice, {torn} torn, {copies} copies judged, {segments} segments"
        )
    }
}

/// One vault's part of a siege.
struct Round<'a> {
    siege: Siege,
    archive: &'a Archive,
    folder: tempfile::TempDir,
    ledger: Mutex<Ledger>,
    blows_wanted: usize,
    blows: AtomicUsize,
    started: AtomicUsize,
    refused: AtomicUsize,
    first_mail: usize,
    mails: AtomicUsize,
    /// How long a hook lives that nobody strikes, in microseconds.
    life: AtomicU64,
    over: AtomicBool,
    /// Copies of the vault's folder, each with the ledger from before it was begun.
    copies: Mutex<Vec<(PathBuf, Ledger)>>,
}

impl<'a> Round<'a> {
    fn new(siege: Siege, archive: &'a Archive, blows_wanted: usize, first_mail: usize) -> Self {
        let folder = tempfile::TempDir::with_prefix("siege-").unwrap();
        let vaults = folder.path().join("vaults");
        fs::create_dir(&vaults).unwrap();
        if siege.in_segments {
            fs::write(vaults.join("segments.conf"), RULES).unwrap();
        }
        fs::create_dir(folder.path().join("queue")).unwrap();
        Self {
            siege,
            archive,
            folder,
            ledger: Mutex::default(),
            blows_wanted,
            blows: AtomicUsize::new(0),
            started: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            first_mail,
            mails: AtomicUsize::new(first_mail),
            life: AtomicU64::new(10_000),
            over: AtomicBool::new(false),
            copies: Mutex::default(),
        }
    }

    fn vaults(&self) -> PathBuf {
        self.folder.path().join("vaults")
    }

    /// What the hooks are told: a file, or the folder of segments.
    fn vault(&self) -> PathBuf {
        let vaults = self.vaults();
        if self.siege.in_segments {
            vaults
        } else {
            vaults.join("VAULT")
        }
    }

    fn fight(&self) {
        thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| scope.spawn(move || self.deliver_mails(writer)))
                .collect();
            match self.siege.meanwhile {
                Meanwhile::Nothing => (),
                Meanwhile::MoveAside => drop(scope.spawn(|| self.move_aside())),
                Meanwhile::Copy => drop(scope.spawn(|| self.copy())),
            }
            for writer in writers {
                writer.join().unwrap();
            }
            self.over.store(true, Ordering::Relaxed);
        });
    }

    fn is_calm(&self) -> bool {
        self.blows.load(Ordering::Relaxed) >= self.blows_wanted
    }

    /// One mail server: the next mail only when this one is acknowledged.
    fn deliver_mails(&self, writer: usize) {
        let queued = self.folder.path().join(format!("queue/{writer}"));
        let mut dice = Dice::new(SEED + (self.first_mail * WRITERS + writer) as u64);
        while !self.is_calm() {
            let mail = mail(self.mails.fetch_add(1, Ordering::Relaxed));
            fs::write(&queued, &mail).unwrap();
            self.ledger.lock().unwrap().send(&mail);
            while !self.deliver(&queued, &mail, &mut dice) {}
        }
    }

    /// One try. Whether the mail server may forget the mail.
    fn deliver(&self, queued: &Path, mail: &[u8], dice: &mut Dice) -> bool {
        let mut hook = self.archive.hook(&self.vault());
        hook.stdin(File::open(queued).unwrap());
        hook.stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let child = hook.spawn().unwrap();
        self.started.fetch_add(1, Ordering::Relaxed);
        let struck = !self.is_calm() && !dice.once_in(5);
        if struck {
            self.wait_for_a_moment(dice);
            self.siege.blow.strike(child.id(), dice);
        }
        let end = End::of(&child.wait_with_output().unwrap());
        if !struck {
            self.remember_life(begun.elapsed());
        }
        self.enter(&end, struck, mail)
    }

    /// A random moment of a hook's life, or the one in which a record is being written: the vault grows.
    fn wait_for_a_moment(&self, dice: &mut Dice) {
        let life = Duration::from_micros(self.life.load(Ordering::Relaxed));
        if !dice.once_in(4) {
            return thread::sleep(life.mul_f64(f64::from(dice.percent()) / 100.0));
        }
        let size = || fs::metadata(self.vault()).map_or(0, |found| found.len());
        let (begun, before) = (Instant::now(), size());
        while begun.elapsed() < life && size() <= before {
            thread::yield_now();
        }
    }

    fn remember_life(&self, lived: Duration) {
        let lived = u64::try_from(lived.as_micros()).unwrap();
        let known = self.life.load(Ordering::Relaxed);
        self.life.store((7 * known + lived) / 8, Ordering::Relaxed);
    }

    /// Writes an end into the ledger. Whether it acknowledged the mail.
    fn enter(&self, end: &End, struck: bool, mail: &[u8]) -> bool {
        let mut ledger = self.ledger.lock().unwrap();
        match end {
            End::Acknowledged(Some(place)) => {
                if struck && self.siege.blow == Blow::Freeze {
                    self.blows.fetch_add(1, Ordering::Relaxed);
                }
                ledger.acknowledge(place, mail);
                return true;
            }
            // Its word counts, though the mail server, who looks at the exit code, tries again.
            End::Signalled(_, Some(place)) => ledger.acknowledge(place, mail),
            End::Signalled(_, None) => (),
            End::Refused(said) if said.starts_with("4.3.0 archiver-encrypt: ") => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                if !self.siege.may_be_refused() {
                    ledger.complain(format!("refused without a reason of ours: {said}"));
                }
            }
            other => ledger.complain(format!("the hook ended so: {other:?}")),
        }
        if struck {
            self.blows.fetch_add(1, Ordering::Relaxed);
        } else if !self.siege.may_be_refused() {
            ledger.complain(format!("nobody struck it, and it ended so: {end:?}"));
        }
        false
    }

    fn move_aside(&self) {
        let mut moved = 0;
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(30));
            let aside = self.vaults().join(format!("VAULT-{moved}"));
            if fs::rename(self.vault(), aside).is_ok() {
                moved += 1;
            }
        }
    }

    fn copy(&self) {
        while !self.over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(200));
            let before = self.ledger.lock().unwrap().clone();
            let mut copies = self.copies.lock().unwrap();
            if copies.len() == COPIES {
                return;
            }
            let copy = self.folder.path().join(format!("copy-{}", copies.len()));
            let mut cp = Command::new("cp");
            let ended = cp.arg("-r").arg(self.vaults()).arg(&copy).status().unwrap();
            assert!(ended.success());
            copies.push((copy, before));
        }
    }

    fn judge(self, tally: &mut Tally) {
        let vaults = vaults_in(&self.vaults());
        let contents: Vec<Contents> = vaults.values().map(|v| self.archive.read(v)).collect();
        let mut ledger = self.ledger.into_inner().unwrap();
        for (copy, before) in self.copies.into_inner().unwrap() {
            judge_copy(self.archive, &copy, before, &ledger, &vaults);
            tally.copies += 1;
        }
        if files_in(&self.folder.path().join("vaults")).any(|bytes| holds_plaintext(&bytes)) {
            ledger.complain("a mail lies there in plaintext".to_owned());
        }
        let judgement = ledger.judge(&contents);
        judgement.expect_clean(&format!("{:?}", self.siege));
        let mails = self.mails.load(Ordering::Relaxed) - self.first_mail;
        assert!(judgement.acknowledged >= mails, "{mails}: {judgement}");
        if self.siege.in_segments {
            tally.segments += segments_in(&self.folder.path().join("vaults"));
        }
        tally.started += self.started.load(Ordering::Relaxed);
        tally.blows += self.blows.load(Ordering::Relaxed);
        tally.refused += self.refused.load(Ordering::Relaxed);
        tally.acknowledged += judgement.acknowledged;
        tally.unacknowledged += judgement.unacknowledged;
        tally.torn += judgement.torn;
    }
}

/// The copy begins as the vault does, ends where the copying met it, and holds all that was acknowledged before the copying began.
fn judge_copy(
    archive: &Archive,
    copy: &Path,
    mut before: Ledger,
    after: &Ledger,
    vaults: &BTreeMap<String, Vec<u8>>,
) {
    let copied = vaults_in(copy);
    for (name, bytes) in &copied {
        let is_prefix = vaults[name].starts_with(bytes);
        assert!(is_prefix, "{name}: the copy is another vault");
    }
    before.send_all_of(after);
    let contents: Vec<Contents> = copied.values().map(|v| archive.read(v)).collect();
    before.judge(&contents).expect_clean("a copy");
}

/// The vaults in a folder by name: the folder itself when it holds segments.
fn vaults_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut vaults = BTreeMap::new();
    if folder.join("segments.conf").exists() {
        vaults.insert(String::new(), vault_bytes(folder));
        return vaults;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("VAULT") && !name.contains(".recipient") {
            vaults.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    vaults
}

fn segments_in(folder: &Path) -> usize {
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    names
        .filter(|name| name.as_encoded_bytes().ends_with(b".asc"))
        .count()
}

fn files_in(folder: &Path) -> impl Iterator<Item = Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap())
}

fn holds_plaintext(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).contains(MARK)
}

/// Mostly small, as mails are; now and then one whose record takes the disk so long that a kill tears it.
fn mail(number: usize) -> Vec<u8> {
    let mut dice = Dice::new(SEED ^ ((number as u64) << 20));
    let mut mail = format!("Subject: {number}\r\n\r\n{MARK}\r\n").into_bytes();
    let length = match dice.below(16) {
        0 => 1 << 20,
        1..4 => 64 << 10,
        _ => 4 << 10,
    };
    let length = dice.below(length);
    mail.extend(dice.bytes(length));
    mail
}

impl Blow {
    fn strike(self, process: u32, dice: &mut Dice) {
        // Not yet waited for, so the number is still its own.
        let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
        let send = |signal| kill_process(pid, signal).unwrap();
        match self {
            Self::Kill => send(Signal::KILL),
            Self::Freeze => {
                send(Signal::STOP);
                thread::sleep(Duration::from_micros(dice.below(3000) as u64));
                send(*dice.choose(&[Signal::CONT, Signal::KILL]));
            }
            Self::AskToStop => send(*dice.choose(&[Signal::TERM, Signal::INT, Signal::HUP])),
        }
    }
}
