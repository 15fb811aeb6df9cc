//! Days that pass as they should: their finals come, once, and their keys go.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;
use archiver_core::vault::leaf::LogId;
use custody_tests::{SEALED_ARCHIVE, custodian, hook, needs, run, run_with_stdin, today};

use crate::site::Site;

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
        "sealed: 1 record of the log; no final seal stands beside the vault yet\n"
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

/// As docs/mail-server.md says, "From a file to segments".
#[test]
fn a_sealed_file_becomes_the_first_segment_of_a_folder_and_its_log_goes_on() {
    let site = Site::installed(2);
    for mail in ["first", "second"] {
        assert_eq!(site.archive(mail).stderr, "");
    }
    let _ = site.seal(&[]).expect_code(0);
    let vault = site.ceremony.vault();
    let before = fs::read(&vault).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mail-server.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, behind) = page.split_once("### From a file to segments").unwrap();
    let (section, _) = behind.split_once("\n## ").unwrap();
    let commands = section.lines().filter_map(|line| line.strip_prefix("    "));
    let user = |command: &str| {
        command
            .replace("-o archiver -g archiver ", "")
            .replace("chown archiver:", ":")
    };
    let commands: Vec<String> = commands.skip(1).map(user).collect();
    let mut shell = Command::new("sh");
    shell.current_dir(vault.parent().unwrap());
    let _ = run(shell.args(["-e", "-c", &commands.join("\n")])).expect_code(0);
    assert_eq!(fs::read(vault.join("VAULT-000001.asc")).unwrap(), before);
    let ran = site.archive("third");
    assert_eq!(
        (ran.stderr.as_str(), ran.stdout.contains("seq=2 ")),
        ("", true)
    );
    let _ = site.seal(&[]).expect_code(0).prints("sealed: 3 records ");
    let mut inspect = custodian();
    let _ = run(inspect.arg("inspect").arg(&vault))
        .expect_code(0)
        .prints("3 records");
}

/// As after years of a segment a day: more segments than files that a process may hold open at first.
#[test]
fn a_vault_of_very_many_segments_is_archived_to_sealed_and_read() {
    if !needs("prlimit") {
        return;
    }
    let site = Site::installed(1);
    let vault = site.ceremony.vault();
    fs::create_dir(&vault).unwrap();
    fs::write(
        vault.join("segments.conf"),
        "archiver segments 1 size=1 day=no\n",
    )
    .unwrap();
    for mail in 0..100 {
        assert_eq!(site.archive("mail").stderr, "", "{mail}");
    }
    assert!(vault.join("VAULT-000100.asc").exists());
    let with_few_files = |command: &Command| {
        let mut prlimit = Command::new("prlimit");
        prlimit.arg("--nofile=64:1024").arg(command.get_program());
        prlimit.args(command.get_args());
        run_with_stdin(&mut prlimit, b"mail")
    };
    // It is all read again.
    fs::remove_file(site.folder().join("state")).unwrap();
    let ran = with_few_files(&site.hook()).expect_code(0);
    assert_eq!(ran.stderr, "");
    let mut seal = hook();
    seal.args(["seal", "--vault"]).arg(&vault);
    seal.arg("--seal-dir").arg(site.folder());
    fs::remove_file(site.folder().join("state")).unwrap();
    let _ = with_few_files(&seal)
        .expect_code(0)
        .prints("sealed: 101 records ");
    let mut inspect = custodian();
    inspect.arg("inspect").arg(&vault);
    let _ = with_few_files(&inspect)
        .expect_code(0)
        .prints("101 records");
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
