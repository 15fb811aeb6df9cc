//! The real hook with `--seal-dir`, and `archiver-encrypt seal`: seal folders whose key is some days old, so that finals are due under the real clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::seed_file;
use archiver_core::vault::leaf::LogId;
use custody_tests::{
    Ceremony, Ran, SEALED_ARCHIVE, hook, make_seal_folder, needs, run, run_with_stdin,
    sealed_delivery, today,
};

/// A mail server whose seals were installed some days ago, and which was switched off since.
struct Site {
    ceremony: Ceremony,
    keys: ServerKeys,
}

impl Site {
    fn installed(days_ago: i64) -> Self {
        let ceremony = Ceremony::hold();
        let keys = seal_folder(
            &ceremony.path("seal"),
            LogId([7; 16]),
            days_ago,
            &ceremony.subkey(),
        );
        Self { ceremony, keys }
    }

    fn folder(&self) -> PathBuf {
        self.ceremony.path("seal")
    }

    fn seals(&self) -> PathBuf {
        self.ceremony.path("VAULT.seals")
    }

    fn hook(&self) -> Command {
        sealed_delivery(hook(), &self.ceremony, &self.folder())
    }

    /// The mail is archived, whatever is said about its seal.
    #[track_caller]
    fn archive(&self, mail: &str) -> Ran {
        run_with_stdin(&mut self.hook(), mail.as_bytes()).expect_code(0)
    }

    fn seal(&self, options: &[&str]) -> Ran {
        let mut seal = hook();
        seal.args(["seal", "--vault"]).arg(self.ceremony.vault());
        run(seal.arg("--seal-dir").arg(self.folder()).args(options))
    }

    fn notes(&self) -> Vec<Note> {
        let file = fs::read(self.seals()).unwrap_or_default();
        pieces(&file, 0)
            .filter_map(|piece| piece.note.ok())
            .collect()
    }

    /// The finals' days, counted from the first key; each verifies, and none has a second one.
    #[track_caller]
    fn finals(&self) -> Vec<i64> {
        let mut texts = BTreeSet::new();
        let mut days = Vec::new();
        for note in self.notes() {
            assert!(note.verify(SEALED_ARCHIVE, &self.keys).is_ok());
            let is_new = texts.insert(note.to_string());
            if is_new && note.claimed.kind == Kind::Final {
                days.push(note.claimed.day.days_since(*self.keys.days().start()));
            }
        }
        days
    }

    fn key_day(&self) -> i64 {
        let seed = seed_file::decode(&fs::read(self.folder().join("seed")).unwrap()).unwrap();
        seed.day().days_since(*self.keys.days().start())
    }
}

/// Makes a seal folder with keys for 400 days, the first of which was some days ago.
fn seal_folder(path: &Path, log: LogId, days_ago: i64, subkey: &str) -> ServerKeys {
    let first_day = today().plus(-days_ago).unwrap();
    make_seal_folder(path, log, first_day, 400, subkey)
}

#[test]
fn the_first_mail_after_idle_days_writes_their_finals_and_gives_the_keys_up() {
    let site = Site::installed(3);
    let ran = site.archive("first");
    assert_eq!(ran.stderr, "");
    assert_eq!(
        ran.stdout,
        format!("archived seq=0 log={}\n", LogId([7; 16]))
    );
    assert_eq!((site.finals(), site.key_day()), (vec![0, 1, 2], 3));
    let seed = fs::metadata(site.folder().join("seed")).unwrap();
    assert_eq!(seed.permissions().mode() & 0o777, 0o600);
    let ran = site.archive("second");
    assert_eq!(
        (ran.stdout.contains("seq=1 "), ran.stderr.as_str()),
        (true, "")
    );
    assert_eq!(site.finals(), [0, 1, 2]);
}

#[test]
fn seal_says_in_one_line_what_is_sealed_and_does_it_once() {
    let site = Site::installed(0);
    let _ = site
        .seal(&[])
        .expect_code(1)
        .says("does not exist, nor do its seals");
    assert!(!site.ceremony.vault().exists() && !site.seals().exists());
    site.archive("mail");
    let ran = site.seal(&[]).expect_code(0);
    assert_eq!(
        ran.stdout,
        "sealed: 1 record of the log; no day has its final seal yet\n"
    );
    let sealed = fs::read(site.seals()).unwrap();
    let _ = site.seal(&[]).expect_code(0);
    let ran = site.seal(&["--quiet"]).expect_code(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert_eq!(fs::read(site.seals()).unwrap(), sealed);
}

#[test]
fn the_finals_that_are_printed_are_those_beside_the_vault() {
    let site = Site::installed(4);
    site.archive("mail");
    let printed = |days: &str| site.seal(&["--print-finals", days]).expect_code(0).stdout;
    let finals = site
        .notes()
        .into_iter()
        .filter(|note| note.claimed.kind == Kind::Final);
    let finals: Vec<String> = finals.map(|note| note.to_string()).collect();
    assert_eq!(printed("2"), finals[2..].concat());
    assert_eq!(printed("90"), finals.concat());
}

#[test]
fn more_than_a_week_is_sealed_only_when_the_day_is_confirmed() {
    let site = Site::installed(9);
    let _ = site.archive("mail").says("which is more than a week after");
    let _ = site.seal(&[]).expect_code(1).says("--catch-up");
    assert_eq!((site.finals(), site.key_day()), (vec![], 0));
    let wrong = today().plus(1).unwrap().to_string();
    let _ = site
        .seal(&["--catch-up", &wrong])
        .expect_code(1)
        .says("this machine's clock says");
    assert_eq!(site.key_day(), 0);
    let right = today().to_string();
    let _ = site.seal(&["--catch-up", &right]).expect_code(0);
    assert_eq!((site.finals(), site.key_day()), ((0..9).collect(), 9));
    assert_eq!(site.archive("mail").stderr, "");
}

#[test]
fn a_mail_is_archived_whatever_is_wrong_with_the_seals_and_it_is_told() {
    let site = Site::installed(1);
    let with_folder = |folder: &Path| {
        let mut hook = hook();
        hook.args(["--syslog", "off", "--cert"])
            .arg(site.ceremony.certificate());
        hook.arg("--vault")
            .arg(site.ceremony.vault())
            .arg("--seal-dir")
            .arg(folder);
        run_with_stdin(&mut hook, b"mail")
            .expect_code(0)
            .says("the mail is archived all the same")
    };
    let _ = with_folder(&site.ceremony.path("mistyped")).says("it is no seal folder");
    let _ = with_folder(&site.ceremony.vault()).says("is the vault itself");
    let other = site.ceremony.path("other");
    seal_folder(&other, LogId([8; 16]), 0, &"AB".repeat(20));
    let _ = with_folder(&other).says("is that of an archive with the encryption subkey");
    fs::rename(site.folder().join("seed"), site.folder().join("away")).unwrap();
    let _ = site.archive("mail").says("there is no file `seed`");
    fs::rename(site.folder().join("away"), site.folder().join("seed")).unwrap();
    fs::set_permissions(
        site.folder().join("seed"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    for _ in 0..2 {
        let _ = site.archive("mail").says("run: chmod go-rwx");
        let _ = site.seal(&[]).expect_code(1).says("run: chmod go-rwx");
    }
    assert_eq!(site.key_day(), 0, "nothing is sealed with such a seed");
    let seed = site.folder().join("seed");
    fs::set_permissions(&seed, fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&seed, Some(12_345), None).unwrap();
        let _ = site.archive("mail").says("belongs to another user");
        chown(&seed, Some(0), None).unwrap();
    }
    assert_eq!(
        (site.archive("mail").stderr.as_str(), site.key_day()),
        ("", 1)
    );
}

#[test]
fn where_the_disk_of_a_sealed_vault_is_not_mounted_mail_waits_until_it_is_or_somebody_says_otherwise()
 {
    let site = Site::installed(0);
    site.archive("first");
    site.archive("second");
    let away = |path: &Path| PathBuf::from(format!("{}.away", path.display()));
    let (vault, seals) = (site.ceremony.vault(), site.seals());
    for path in [&vault, &seals] {
        fs::rename(path, away(path)).unwrap();
    }
    for _ in 0..2 {
        let ran = run_with_stdin(&mut site.hook(), b"mail").expect_code(75);
        let _ = ran
            .says("neither it nor its seals are there, and this server remembers 2 records of it")
            .says("make an empty file in its place");
        assert!(!vault.exists() && !seals.exists());
    }
    let _ = site
        .seal(&[])
        .expect_code(1)
        .says("does not exist, nor do its seals");
    let mut status = hook();
    status.args(["status", "--warn-free", "0%", "--crit-free", "0%", "--cert"]);
    status
        .arg(site.ceremony.certificate())
        .arg("--vault")
        .arg(&vault);
    let _ = run(status.arg("--seal-dir").arg(site.folder()))
        .expect_code(2)
        .prints("this server remembers 2 records of it; mount its disk");
    for path in [&vault, &seals] {
        fs::rename(away(path), path).unwrap();
    }
    assert_eq!(site.archive("mounted again").stderr, "");
    for path in [&vault, &seals] {
        fs::rename(path, away(path)).unwrap();
    }
    fs::write(&vault, "").unwrap();
    let ran = site.archive("moved away on purpose");
    assert!(ran.stdout.contains("seq=3 "), "{}", ran.stdout);
}

#[test]
fn notes_that_somebody_appends_to_the_seals_are_told_and_stop_nothing() {
    let site = Site::installed(2);
    site.archive("first");
    let seals = fs::read_to_string(site.seals()).unwrap();
    let (first, _) = seals.split_at(seals.find("\narchiver/").unwrap() + 1);
    fs::write(site.seals(), format!("{seals}{first}")).unwrap();
    let day = *site.keys.days().start();
    let _ = site.archive("second").says(&format!(
        "stands one of {day} beside the vault that it did not write there"
    ));
    let ran = site.seal(&[]);
    assert!(ran.stdout.starts_with("sealed: 2 records "), "{ran:?}");
    assert_eq!(site.archive("third").stderr, "");
    let last = *site.notes().last().unwrap();
    let last_final = site.notes()[1];
    assert_eq!(last.claimed.previous, Some(last_final.hash()));
}

#[test]
fn a_segment_folder_that_is_its_own_seal_folder_is_refused_at_once() {
    let site = Site::installed(0);
    let vault = site.folder();
    let rules = "archiver segments 1 size=1500 day=no\n";
    fs::write(vault.join("segments.conf"), rules).unwrap();
    let mut hook = hook();
    hook.args(["--syslog", "off", "--cert"])
        .arg(site.ceremony.certificate());
    hook.arg("--vault")
        .arg(&vault)
        .arg("--seal-dir")
        .arg(&vault);
    let begun = std::time::Instant::now();
    let _ = run_with_stdin(&mut hook, b"mail")
        .expect_code(0)
        .says("is the vault itself");
    assert!(begun.elapsed().as_secs() < 2);
}

#[test]
fn a_vault_in_segments_is_sealed_across_them() {
    let site = Site::installed(2);
    let vault = site.ceremony.vault();
    fs::create_dir(&vault).unwrap();
    let rules = "archiver segments 1 size=1500 day=no\n";
    fs::write(vault.join("segments.conf"), rules).unwrap();
    let notes = || {
        let file = fs::read(vault.join("VAULT.seals")).unwrap();
        let notes = pieces(&file, 0).map(|piece| piece.note.unwrap());
        notes.collect::<Vec<Note>>()
    };
    for mail in 0..9 {
        assert_eq!(site.archive("mail").stderr, "", "{mail}");
    }
    assert!(vault.join("VAULT-000003.asc").exists());
    let ran = site.seal(&[]).expect_code(0);
    assert!(
        ran.stdout.starts_with("sealed: 9 records "),
        "{}",
        ran.stdout
    );
    fs::remove_file(site.folder().join("state")).unwrap();
    assert_eq!(site.archive("read again").stderr, "");
    let ran = site.seal(&[]).expect_code(0);
    assert!(
        ran.stdout.starts_with("sealed: 10 records "),
        "{}",
        ran.stdout
    );
    let notes = notes();
    assert!(
        notes
            .iter()
            .all(|note| note.verify(SEALED_ARCHIVE, &site.keys).is_ok())
    );
    let finals = notes.iter().filter(|note| note.claimed.kind == Kind::Final);
    assert_eq!((finals.count(), site.key_day()), (2, 2));
}

#[test]
fn status_tells_how_the_seals_are_and_what_is_wrong_with_them() {
    let site = Site::installed(3);
    site.archive("mail");
    let status = |folder: Option<&Path>| {
        let mut status = hook();
        status.args(["status", "--warn-free", "0%", "--crit-free", "0%", "--cert"]);
        status
            .arg(site.ceremony.certificate())
            .args(["--fingerprint", &site.ceremony.subkey()]);
        status.arg("--vault").arg(site.ceremony.vault());
        run(folder.into_iter().fold(&mut status, |status, folder| {
            status.arg("--seal-dir").arg(folder)
        }))
    };
    let with = || status(Some(&site.folder()));
    let yesterday = today().plus(-1).unwrap();
    let _ = with()
        .prints(&format!(
            "OK: the last day with its final seal is {yesterday}"
        ))
        .prints("OK: there are seal keys until ")
        .prints("OK: the seed may be read by its owner only")
        .prints("seal_key_days=396;90:;0:");
    let _ = status(None).prints("WARNING: seals stand in ");
    let _ = status(Some(&site.ceremony.path("mistyped")))
        .expect_code(2)
        .prints("mails are archived without seals: seal folder ");

    let vault = fs::read(site.ceremony.vault()).unwrap();
    site.archive("second");
    fs::write(site.ceremony.vault(), &vault).unwrap();
    let _ = with()
        .expect_code(2)
        .prints("this server remembers 2 records of its log, and the vault has 1 ");
    let seals = fs::read_to_string(site.seals()).unwrap();
    let (first, _) = seals.split_at(seals.find("\narchiver/").unwrap() + 1);
    fs::write(site.seals(), first).unwrap();
    let _ = with()
        .expect_code(2)
        .prints("and more are over; look for what archiver-encrypt seal says");
    fs::remove_file(site.folder().join("seed")).unwrap();
    let _ = with().expect_code(2).prints("nothing can be sealed: ");
}

#[test]
fn sixty_four_hooks_at_once_write_one_chain_and_each_final_once() {
    let site = Site::installed(2);
    let start = |_| {
        let mail = fs::File::open(site.ceremony.certificate()).unwrap();
        site.hook()
            .stdin(mail)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let hooks: Vec<_> = (0..64).map(start).collect();
    let mut confirmed = BTreeSet::new();
    for hook in hooks {
        let output = hook.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr.as_slice()),
            (Some(0), &b""[..])
        );
        confirmed.insert(String::from_utf8(output.stdout).unwrap());
    }
    let expected = (0..64).map(|seq| format!("archived seq={seq} log={}\n", LogId([7; 16])));
    assert_eq!(confirmed, expected.collect());
    assert_eq!((site.finals(), site.key_day()), (vec![0, 1], 2));
    let ran = site.seal(&[]).expect_code(0);
    assert!(
        ran.stdout.starts_with("sealed: 64 records "),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_lost_state_is_made_anew_and_an_old_copy_of_the_seed_signs_nothing_twice() {
    let site = Site::installed(2);
    let old_seed = fs::read(site.folder().join("seed")).unwrap();
    site.archive("first");
    let old_state = fs::read(site.folder().join("state")).unwrap();
    site.archive("second");
    for state in [None, Some(old_state.as_slice()), Some(b"nonsense\n")] {
        match state {
            Some(state) => fs::write(site.folder().join("state"), state).unwrap(),
            None => fs::remove_file(site.folder().join("state")).unwrap(),
        }
        assert_eq!(site.archive("more").stderr, "");
    }
    fs::write(site.folder().join("seed"), old_seed).unwrap();
    assert_eq!(site.archive("with the old seed").stderr, "");
    assert_eq!((site.finals(), site.key_day()), (vec![0, 1], 2));
    assert!(
        site.seal(&[])
            .expect_code(0)
            .stdout
            .starts_with("sealed: 6 records ")
    );
}

#[test]
fn seals_that_are_gone_or_older_or_another_servers_are_named() {
    let site = Site::installed(2);
    site.archive("first");
    let seals = fs::read(site.seals()).unwrap();
    fs::write(site.seals(), &seals[..seals.len() / 3]).unwrap();
    let _ = site
        .archive("older seals")
        .says("seals in between are gone");
    fs::write(site.seals(), &seals).unwrap();
    let _ = site.seal(&[]);
    assert!(
        site.seal(&[])
            .expect_code(0)
            .stdout
            .contains("sealed: 2 records")
    );

    let torn = [fs::read(site.seals()).unwrap().as_slice(), &seals[..100]].concat();
    fs::write(site.seals(), torn).unwrap();
    assert_eq!(site.archive("torn seals").stderr, "");

    let second = site.ceremony.path("second");
    seal_folder(&second, LogId([9; 16]), 1, &site.ceremony.subkey());
    let mut seal = hook();
    seal.args(["seal", "--vault"])
        .arg(site.ceremony.vault())
        .arg("--seal-dir")
        .arg(&second);
    let _ = run(&mut seal)
        .expect_code(1)
        .says("are those of another log");
}

#[test]
fn a_vault_that_was_cut_behind_its_seals_is_named_and_sealed_no_further() {
    let site = Site::installed(1);
    site.archive("first");
    let first = fs::read(site.ceremony.vault()).unwrap();
    site.archive("second");
    let _ = site.seal(&[]).expect_code(0);
    fs::write(site.ceremony.vault(), first).unwrap();
    let _ = site.archive("third").says("contradicts its seals");
    let _ = site.archive("fourth").says("nothing is sealed");
    let _ = site.seal(&[]).expect_code(1).says("contradicts its seals");
}

/// What the hook does to files, and a few calls besides.
const CALLS: [&str; 10] = [
    "openat",
    "write",
    "writev",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "unlink",
    "flock",
];

#[test]
fn killed_at_any_system_call_no_day_gets_a_second_final_and_the_next_mail_goes_on() {
    if !needs("strace") {
        return;
    }
    let site = Site::installed(2);
    let seed = fs::read(site.folder().join("seed")).unwrap();
    let mut killed = 0;
    for call in CALLS {
        for number in 1.. {
            for path in [
                site.ceremony.vault(),
                site.seals(),
                site.folder().join("state"),
            ] {
                let _ = fs::remove_file(path);
            }
            fs::write(site.folder().join("seed"), &seed).unwrap();
            let ran = killed_at(&site.hook(), call, number);
            let after = site.archive("after the crash");
            assert!(
                !after.stderr.contains("seal"),
                "{call} {number}: {}",
                after.stderr
            );
            assert_eq!(
                (site.finals(), site.key_day()),
                (vec![0, 1], 2),
                "{call} {number}"
            );
            let vault = fs::read_to_string(site.ceremony.vault()).unwrap();
            let records = vault.matches("-----END PGP MESSAGE-----").count();
            assert!(
                records > usize::from(ran.stdout.contains("archived")),
                "{call} {number}"
            );
            if ran.code == 0 {
                break;
            }
            killed += 1;
        }
    }
    println!("killed at {killed} system calls");
    assert!(killed > 40, "{killed}");
}

/// The vault, the seals and the seal folder before a run that is cut off.
struct Before {
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Before {
    fn of(site: &Site) -> Self {
        let folder = ["seed", "state", "seed.new"].map(|name| site.folder().join(name));
        let paths = [site.ceremony.vault(), site.seals()]
            .into_iter()
            .chain(folder);
        let files = paths.map(|path| (path.clone(), fs::read(path).ok()));
        Self {
            files: files.collect(),
        }
    }

    fn bring_back(&self) {
        for (path, bytes) in &self.files {
            let _ = fs::remove_file(path);
            if let Some(bytes) = bytes {
                fs::write(path, bytes).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
    }
}

/// A server with two days that are over, and a mail in its log that came in while there was no seed.
fn site_with_seals_due() -> Site {
    let site = Site::installed(2);
    let (seed, away) = (site.folder().join("seed"), site.folder().join("away"));
    fs::rename(&seed, &away).unwrap();
    let _ = site
        .archive("without a seed")
        .says("there is no file `seed`");
    fs::rename(&away, &seed).unwrap();
    site
}

/// Cuts `seal` off at each of its system calls, one after the other. `harm` is what strace does there.
fn cut_off_seal_everywhere(harm: &str) -> u32 {
    let site = site_with_seals_due();
    let before = Before::of(&site);
    let mut seal = hook();
    seal.args(["seal", "--vault"]).arg(site.ceremony.vault());
    seal.arg("--seal-dir").arg(site.folder());
    let mut cut_off = 0;
    for call in CALLS {
        for number in 1.. {
            before.bring_back();
            let ran = harmed_at(&seal, call, number, harm);
            let what = format!("{call} {number} {harm}");
            // Whatever stands there is whole and is once; a second final of a day, or another key, would fail in `finals`.
            let (finals, key_day) = (site.finals(), site.key_day());
            assert!(finals.len() <= 2 && key_day <= 2, "{what}");
            let over = i64::try_from(finals.len()).unwrap();
            assert!(
                (key_day..=key_day + 1).contains(&over),
                "{what}: {finals:?} {key_day}"
            );
            if ran.code == 0 {
                assert_eq!(
                    (over, key_day),
                    (2, 2),
                    "{what}: it said that all is sealed"
                );
            }
            let again = site.seal(&[]);
            assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{what}");
            assert_eq!((site.finals(), site.key_day()), (vec![0, 1], 2), "{what}");
            assert!(!site.folder().join("seed.new").exists(), "{what}");
            if !ran.was_harmed {
                break;
            }
            cut_off += 1;
        }
    }
    cut_off
}

#[test]
fn seal_that_is_killed_at_any_system_call_signs_no_day_twice_and_the_next_run_finishes() {
    if needs("strace") {
        let killed = cut_off_seal_everywhere("signal=KILL");
        println!("killed at {killed} system calls");
        assert!(killed > 30, "{killed}");
    }
}

#[test]
fn seal_at_whose_every_system_call_fails_signs_no_day_twice_and_the_next_run_finishes() {
    if needs("strace") {
        for error in ["EIO", "ENOSPC"] {
            let failed = cut_off_seal_everywhere(&format!("error={error}"));
            println!("{error} at {failed} system calls");
            assert!(failed > 30, "{error}: {failed}");
        }
    }
}

/// How a run ended at one of whose system calls something was done.
struct Harmed {
    code: i32,
    was_harmed: bool,
}

fn harmed_at(command: &Command, call: &str, number: u32, harm: &str) -> Harmed {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(log.path());
    strace.arg("-e").arg(format!("trace={call}"));
    strace
        .arg("-e")
        .arg(format!("inject={call}:{harm}:when={number}"));
    strace.arg(command.get_program()).args(command.get_args());
    let ran = run(&mut strace);
    let calls = fs::read_to_string(log.path()).unwrap();
    // An injected error is marked; a signal comes with the call of this number.
    let number = usize::try_from(number).unwrap();
    let was_harmed = calls.matches(&format!("{call}(")).count() >= number;
    Harmed {
        code: ran.code,
        was_harmed,
    }
}

fn killed_at(hook: &Command, call: &str, number: u32) -> Ran {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
    strace.arg(format!("trace={call}"));
    strace
        .arg("-e")
        .arg(format!("inject={call}:signal=KILL:when={number}"));
    strace.arg(hook.get_program()).args(hook.get_args());
    run_with_stdin(&mut strace, b"before the crash")
}
