//! Long mails and long vaults: nothing is lost, whatever the length, and memory does not grow with it.
//!
//! Built without optimisation this would take very long, so that `cargo test` takes shorter mails and fewer of them. The whole of it,
//! 2 GiB and one byte, a line of 1 GB, 100,000 mails: `cargo test --release -p custody-tests --test big_mails -- --nocapture`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells how much it has done"
)]

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use custody_tests::{Ceremony, Gpg, hook, run};

const WHOLE: bool = !cfg!(debug_assertions);

const MIB: u64 = 1 << 20;
const LONG_MAIL: u64 = if WHOLE { 2048 * MIB + 1 } else { 64 * MIB + 1 };
const LONG_LINE: u64 = if WHOLE { 1_000_000_000 } else { 80_000_000 };
const MANY_MAILS: u32 = if WHOLE { 100_000 } else { 1_000 };

/// Text of any length, made up as it is read: blocks of 1 MiB that differ in their first line.
struct Text {
    block: Vec<u8>,
    number: u64,
    at: usize,
    left: u64,
}

impl Text {
    fn of(length: u64) -> Self {
        let lines = (0_u32..).flat_map(|n| {
            let word = n.wrapping_mul(2_654_435_761);
            format!("line {n:08} of a long mail, with a word {word:x} of its own\r\n").into_bytes()
        });
        Self {
            block: lines.take(usize::try_from(MIB).unwrap()).collect(),
            number: 0,
            at: 0,
            left: length,
        }
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            self.number += 1;
            self.at = 0;
            let number = format!("block {:010}", self.number);
            self.block[..number.len()].copy_from_slice(number.as_bytes());
        }
        let read = self.block[self.at..].take(self.left).read(buffer)?;
        self.at += read;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Runs a command that must succeed with this on its standard input; its peak memory in MiB.
///
/// What `wait4` tells would be no less than the memory of this test: the kernel counts what a process was before it became the program.
fn peak(command: &mut Command, mut input: impl Read + Send) -> u64 {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    thread::scope(|scope| {
        scope.spawn(move || io::copy(&mut input, &mut stdin).unwrap());
        while child.try_wait().unwrap().is_none() {
            let status = fs::read_to_string(&status).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(kib.unwrap_or(0));
            thread::sleep(Duration::from_millis(1));
        }
    });
    let ended = child.wait().unwrap();
    assert!(ended.success(), "{command:?}: {ended}");
    peak / 1024
}

fn hook_of(ceremony: &Ceremony) -> Command {
    let mut hook = hook();
    hook.arg("--cert").arg(ceremony.certificate());
    hook.arg("--vault").arg(ceremony.vault());
    hook
}

/// Opens the vault with its sheets; the peak memory in MiB.
fn open(ceremony: &Ceremony) -> u64 {
    let sheets = [ceremony.sheet_file(1), ceremony.sheet_file(3)];
    let mut open = ceremony.command("open", &sheets, &ceremony.path("opened"));
    open.arg(ceremony.vault()).stdout(Stdio::null());
    peak(&mut open, io::empty())
}

fn opened_files(ceremony: &Ceremony) -> Vec<PathBuf> {
    let folders = fs::read_dir(ceremony.path("opened/messages")).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Both must give the same bytes.
#[track_caller]
fn assert_same(mut ours: impl Read, mut expected: impl Read) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    loop {
        a.clear();
        b.clear();
        let read = ours.by_ref().take(MIB).read_to_end(&mut a).unwrap();
        expected.by_ref().take(MIB).read_to_end(&mut b).unwrap();
        assert!(a == b, "they differ");
        if read == 0 {
            return;
        }
    }
}

/// What gpg makes of the vault's only record, with the rebuilt key.
#[track_caller]
fn assert_gpg_decrypts(ceremony: &Ceremony, expected: impl Read) {
    let Some(gpg) = Gpg::new() else { return };
    let key = ceremony.path("key.asc");
    let sheets = [ceremony.sheet_file(2), ceremony.sheet_file(3)];
    let rebuilt = run(ceremony.command("rebuild", &sheets, &key).arg("--unlocked"));
    let _ = rebuilt.expect_code(0);
    let _ = run(gpg.command(&["--import"]).arg(key)).expect_code(0);
    let mut decrypt = gpg.command(&["--decrypt"]);
    let mut decrypt = decrypt
        .arg(ceremony.vault())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert_same(decrypt.stdout.take().unwrap(), expected);
    assert!(decrypt.wait().unwrap().success());
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn a_mail_beyond_two_gib_goes_in_and_comes_out_in_little_memory() {
    let ceremony = Ceremony::hold();
    let hooks_peak = peak(&mut hook_of(&ceremony), Text::of(LONG_MAIL));
    let opening_peak = open(&ceremony);
    eprintln!(
        "a mail of {LONG_MAIL} bytes: a record of {} bytes; the hook took {hooks_peak} MiB of memory, the opening {opening_peak} MiB",
        size(&ceremony.vault()),
    );
    assert!(hooks_peak <= 64 && opening_peak <= 256);
    let opened = opened_files(&ceremony);
    assert_eq!(opened.len(), 1);
    assert_same(File::open(&opened[0]).unwrap(), Text::of(LONG_MAIL));
    assert_gpg_decrypts(&ceremony, Text::of(LONG_MAIL));
}

#[test]
fn one_line_of_one_letter_is_never_refused_for_being_too_dense() {
    let ceremony = Ceremony::hold();
    let line = || io::repeat(b'a').take(LONG_LINE);
    let hooks_peak = peak(&mut hook_of(&ceremony), line());
    let record = size(&ceremony.vault());
    let opening_peak = open(&ceremony);
    eprintln!(
        "a line of {LONG_LINE} bytes: a record of {record} bytes; the hook took {hooks_peak} MiB of memory, the opening {opening_peak} MiB"
    );
    assert!(record < LONG_LINE / 20 && record > LONG_LINE / 100);
    assert!(hooks_peak <= 64 && opening_peak <= 256);
    assert_same(File::open(&opened_files(&ceremony)[0]).unwrap(), line());
    assert_gpg_decrypts(&ceremony, line());
}

#[test]
fn a_mail_of_ten_megabytes_takes_half_the_memory_that_it_may() {
    let ceremony = Ceremony::hold();
    let mut hook = hook_of(&ceremony);
    hook.arg("--no-compress");
    let peak = peak(&mut hook, Text::of(10_000_000));
    eprintln!("a mail of 10 MB: the hook took {peak} MiB of memory");
    assert!(peak <= 32);
    open(&ceremony);
    let opened = File::open(&opened_files(&ceremony)[0]).unwrap();
    assert_same(opened, Text::of(10_000_000));
}

#[test]
fn a_vault_of_very_many_mails_opens_whole_and_in_order() {
    let ceremony = Ceremony::hold();
    let mail = |n: u32| {
        format!("Subject: mail {n}\r\n\r\nbody {n}\r\n")
            .repeat(20)
            .into_bytes()
    };
    for n in 0..MANY_MAILS {
        peak(&mut hook_of(&ceremony), mail(n).as_slice());
    }
    let opening_peak = open(&ceremony);
    eprintln!("{MANY_MAILS} mails: the opening took {opening_peak} MiB of memory");
    assert!(opening_peak <= 256);
    let opened = opened_files(&ceremony);
    assert_eq!(opened.len(), usize::try_from(MANY_MAILS).unwrap());
    for (file, n) in opened.iter().zip(0..) {
        assert!(fs::read(file).unwrap() == mail(n), "{}", file.display());
    }
}
