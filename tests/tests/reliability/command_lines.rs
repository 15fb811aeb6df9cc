//! Ten thousand command lines, most of them wrong: random combinations of flags and values, from a fixed seed. Each ends with 0 or 75; with 0 only when the mail is in a vault,
//! or on standard output when that was asked for, or when help or version alone was asked for.
//!
//! `setup`, `status` and `seal` as the first word are no delivery, and never come first here.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;

use custody_tests::{Archive, Dice, End, hook};

const LINES: usize = 10_000;
const WORKERS: usize = 4;
const SEED: u64 = 0xc0_ffee;
const MAIL: &[u8] = b"Subject: by any line\n\n";
/// A vault that is longer is begun anew.
const LONGEST_VAULT: usize = 100_000;

/// What stands in a folder and its folders, by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// One folder with a certificate, a vault, and a folder of segments. Any other name in it may become a vault too.
struct Desk {
    archive: Archive,
    certificate: Vec<u8>,
    vaults: [PathBuf; 2],
    dice: Dice,
}

impl Desk {
    fn new(worker: usize) -> Self {
        let archive = Archive::new();
        let vaults = [archive.path("VAULT"), archive.path("segments")];
        let desk = Self {
            certificate: fs::read(archive.certificate()).unwrap(),
            archive,
            vaults,
            dice: Dice::new(SEED + worker as u64),
        };
        desk.begin_anew();
        desk
    }

    fn begin_anew(&self) {
        for path in files_in(&self.archive.path("")).into_keys() {
            fs::remove_file(path).unwrap();
        }
        fs::write(self.archive.certificate(), &self.certificate).unwrap();
        fs::write(self.archive.path("mail"), MAIL).unwrap();
        fs::create_dir_all(&self.vaults[1]).unwrap();
        let rules = "archiver segments 1 size=1073741824 day=no\n";
        fs::write(self.vaults[1].join("segments.conf"), rules).unwrap();
        fs::write(self.archive.path("empty"), "").unwrap();
    }

    /// A line that would do, or nothing, with words put in, taken out, doubled and swapped.
    fn line(&mut self) -> Vec<OsString> {
        let vault = self.dice.choose(&self.vaults).clone();
        let mut line: Vec<OsString> = vec!["--cert".into(), self.archive.certificate().into()];
        match self.dice.below(8) {
            0 | 1 => line.clear(),
            2 => line.extend(["--output", "-"].map(OsString::from)),
            _ => line.extend(["--vault".into(), vault.into()]),
        }
        for _ in 0..self.dice.below(5) {
            let at = self.dice.below(line.len() + 1);
            match self.dice.below(8) {
                0 if at < line.len() => drop(line.remove(at)),
                1 if at < line.len() => line.insert(at, line[at].clone()),
                2 if at < line.len() => line.swap(0, at),
                _ => {
                    let words = self.words();
                    line.splice(at..at, words);
                }
            }
        }
        let is_command =
            |word: &OsString| ["setup", "status", "seal"].iter().any(|name| word == name);
        let first = line.iter().position(|word| !is_command(word));
        line.drain(..first.unwrap_or(line.len()));
        line
    }

    fn words(&mut self) -> Vec<OsString> {
        const FLAGS: [&str; 24] = [
            "--no-compress",
            "--strict-cert",
            "--allow-network-fs",
            "--confirm",
            "--log-message-id",
            "--help",
            "--version",
            "-h",
            "-V",
            "--",
            "-",
            "",
            "--cert",
            "--vault",
            "--fingerprint",
            "--syslog",
            "--output",
            "--seal-dir",
            "--nothing",
            "-x",
            "setup",
            "status",
            "seal",
            "--confirm=yes",
        ];
        const VALUED: [&str; 7] = [
            "--cert",
            "--vault",
            "--fingerprint",
            "--syslog",
            "--output",
            "--seal-dir",
            "--nothing",
        ];
        if self.dice.once_in(2) {
            return vec![(*self.dice.choose(&FLAGS)).into()];
        }
        let flag = OsString::from(*self.dice.choose(&VALUED));
        let value = self.value();
        if self.dice.once_in(3) {
            let mut word = flag;
            word.push("=");
            word.push(value);
            return vec![word];
        }
        vec![flag, value]
    }

    fn value(&mut self) -> OsString {
        let a_path = |name: &str| self.archive.path(name).into_os_string();
        let values = [
            self.archive.certificate().into_os_string(),
            a_path("VAULT"),
            a_path("segments"),
            a_path("empty"),
            a_path("nothing/there"),
            a_path("segments/"),
            OsStr::from_bytes(b"\xff\xfe").to_owned(),
            "-".into(),
            "--".into(),
            "off".into(),
            "/nowhere".into(),
            "/dev/null".into(),
            "/dev/full".into(),
            "/proc/self/mem".into(),
            "0".into(),
            "0123456789012345678901234567890123456789".into(),
            "A".repeat(64).into(),
            "x".repeat(5000).into(),
            "--confirm".into(),
            "a\nb\x1b[2J".into(),
        ];
        self.dice.choose(&values).clone()
    }

    fn run(&self, line: &[OsString]) -> Output {
        let mut hook: Command = hook();
        // A name without a folder stands for a file here.
        hook.args(line).current_dir(self.archive.path(""));
        hook.stdin(fs::File::open(self.archive.path("mail")).unwrap());
        hook.stdout(Stdio::piped()).stderr(Stdio::piped());
        hook.output().unwrap()
    }

    /// One line; in which way it ended.
    fn try_line(&mut self) -> &'static str {
        let line = self.line();
        let before = files_in(&self.archive.path(""));
        let output = self.run(&line);
        let after = files_in(&self.archive.path(""));
        let mut added = Vec::new();
        for (path, bytes) in &after {
            let before = before.get(path).map(Vec::as_slice).unwrap_or_default();
            let behind = bytes.strip_prefix(before);
            added.extend(behind.unwrap_or_else(|| panic!("{line:?} changed {}", path.display())));
        }
        let way = self.judge(&line, &output, &added);
        // Who names the certificate as the vault has no certificate any more.
        let is_spoilt = after.get(&self.archive.certificate()) != Some(&self.certificate);
        if is_spoilt || after.values().map(Vec::len).sum::<usize>() > LONGEST_VAULT {
            self.begin_anew();
        }
        way
    }

    fn judge(&self, line: &[OsString], output: &Output, added: &[u8]) -> &'static str {
        let end = End::of(output);
        let holds_mail = |bytes: &[u8]| {
            let records = self.archive.read(bytes).records;
            matches!(&records[..], [record] if record.mail.as_deref() == Ok(MAIL))
        };
        match end {
            End::Refused(said) => {
                assert!(
                    said.starts_with("4.3.0 archiver-encrypt: "),
                    "{line:?}: {said}"
                );
                assert!(added.is_empty(), "{line:?}: {said}");
                "refused"
            }
            End::Acknowledged(_) if !added.is_empty() => {
                assert!(holds_mail(added), "{line:?}");
                "delivered"
            }
            End::Acknowledged(_) if line.len() == 1 => {
                let asks = ["--help", "--version", "-h", "-V"];
                assert!(asks.iter().any(|word| line[0] == *word), "{line:?}");
                "help and version"
            }
            End::Acknowledged(_) => {
                assert!(holds_mail(&output.stdout), "{line:?}: {end:?}");
                "written to standard output"
            }
            _ => panic!("{line:?}: {end:?}"),
        }
    }
}

fn files_in(folder: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.append(&mut files_in(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn ten_thousand_command_lines_end_with_0_or_75_and_with_0_only_when_the_mail_is_archived() {
    let ways = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let ways = &ways;
            scope.spawn(move || {
                let mut desk = Desk::new(worker);
                for _ in 0..LINES / WORKERS {
                    let way = desk.try_line();
                    *ways.lock().unwrap().entry(way).or_insert(0) += 1;
                }
            });
        }
    });
    let ways = ways.into_inner().unwrap();
    eprintln!("{LINES} command lines (seed {SEED:#x}): {ways:?}");
    assert_eq!(ways.values().sum::<usize>(), LINES);
    assert!(ways["delivered"] > 0 && ways["refused"] > 0);
}
