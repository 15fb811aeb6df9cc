//! The harness, tried on seeded faults: the system lies to the real hook, or a hook lies to the mail server, and each lie must be noticed by what the other tests of this folder
//! rely on: the trace, the ledger, and the reading of the vault. A check that notices nothing would pass every hook.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use custody_tests::{Archive, End, Ledger, run_with_stdin, vault_bytes};

use crate::trace::{Traced, may_trace, trace, tracer};

const MAIL: &[u8] = b"Subject: all of it\n\na mail and all of its bytes\n";

/// An archive, its vault by its real path, as strace shows it, and a ledger.
struct Stage {
    archive: Archive,
    vault: PathBuf,
    ledger: Ledger,
}

impl Stage {
    fn new() -> Self {
        let archive = Archive::new();
        fs::write(archive.path("mail"), MAIL).unwrap();
        let vault = fs::canonicalize(archive.path("")).unwrap().join("VAULT");
        Self {
            archive,
            vault,
            ledger: Ledger::default(),
        }
    }

    fn with_records(records: usize) -> Self {
        let mut stage = Self::new();
        for number in 0..records {
            let mail = format!("Subject: {number}\n\n").into_bytes();
            let ran = run_with_stdin(&mut stage.archive.hook(&stage.vault), &mail).expect_code(0);
            stage.ledger.send(&mail);
            stage.ledger.acknowledge(ran.stdout.trim_end(), &mail);
        }
        stage
    }

    /// The hook under a lie.
    fn trace<'a>(&self, lie: impl Into<Option<&'a str>>) -> Traced {
        let lies: Vec<String> = lie.into().into_iter().map(str::to_owned).collect();
        let mail = self.archive.path("mail");
        let hook = self.archive.hook(&self.vault);
        trace(&hook, &mail, &self.archive.path(""), &lies)
    }

    /// What the ledger has to complain about in a vault of these bytes.
    fn complaints(&self, vault: &[u8]) -> String {
        let judgement = self.ledger.judge(&[self.archive.read(vault)]);
        judgement.complaints.join("\n")
    }
}

#[track_caller]
fn assert_acknowledged(traced: &Traced) {
    let end = End::of(&traced.output);
    assert!(matches!(end, End::Acknowledged(Some(_))), "{end:?}");
}

// Syncs that lie. The hook cannot know; the trace must.

#[test]
fn a_sync_of_the_record_that_lies_is_seen_in_the_trace() {
    if !may_trace() {
        return;
    }
    let stage = Stage::with_records(1);
    let traced = stage.trace("fdatasync:retval=0");
    assert_acknowledged(&traced);
    let seen = traced.unsynced(&stage.vault, false);
    assert_eq!(seen, Some("the record was not synced after it was written"));
}

#[test]
fn a_sync_of_the_folder_that_lies_is_seen_in_the_trace() {
    if !may_trace() {
        return;
    }
    let stage = Stage::new();
    let traced = stage.trace("fsync:retval=0");
    assert_acknowledged(&traced);
    let seen = traced.unsynced(&stage.vault, true);
    assert_eq!(seen, Some("the folder of a new file was not synced"));
}

#[test]
fn a_sync_of_the_segment_in_front_that_lies_is_seen_in_the_trace() {
    if !may_trace() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(&stage.vault).unwrap();
    let rules = "archiver segments 1 size=1 day=no\n";
    fs::write(stage.vault.join("segments.conf"), rules).unwrap();
    let segment = |number| stage.vault.join(format!("VAULT-00000{number}.asc"));
    for (number, lie) in [(1, None), (2, None), (3, Some("fdatasync:retval=0:when=1"))] {
        let traced = stage.trace(lie);
        assert_acknowledged(&traced);
        let seen = traced.begun_before_synced(&segment(number - 1), &segment(number));
        assert_eq!(seen.is_some(), number != 2, "{number}: {seen:?}");
    }
}

#[test]
fn a_sync_that_fails_is_never_acknowledged() {
    if !may_trace() {
        return;
    }
    for error in ["EIO", "ENOSPC", "EDQUOT", "EROFS"] {
        let stage = Stage::with_records(1);
        let traced = stage.trace(format!("fdatasync:error={error}").as_str());
        let end = End::of(&traced.output);
        assert!(matches!(end, End::Refused(_)), "{error}: {end:?}");
    }
}

// Other calls that lie.

#[test]
fn a_lock_that_lies_to_sixteen_hooks_is_seen_by_the_ledger_and_one_that_holds_is_not() {
    if !may_trace() {
        return;
    }
    let honest = (0..2).map(|_| sixteen_at_once(None)).collect::<String>();
    assert_eq!(honest, "", "the harness itself is at fault");
    let caught = (0..20).any(|_| !sixteen_at_once(Some("flock:retval=0")).is_empty());
    assert!(
        caught,
        "twenty times sixteen hooks without a lock, and nothing was seen"
    );
}

/// Sixteen hooks under strace, on a vault that none of them finds; the ledger's complaints.
fn sixteen_at_once(lie: Option<&str>) -> String {
    let mut stage = Stage::new();
    let mails: Vec<Vec<u8>> = (0..16).map(|n| format!("{n}\n").into_bytes()).collect();
    let ends: Vec<End> = thread::scope(|scope| {
        let stage = &stage;
        let hooks: Vec<_> = mails
            .iter()
            .enumerate()
            .map(|(number, mail)| scope.spawn(move || run_under(stage, number, mail, lie)))
            .collect();
        hooks.into_iter().map(|hook| hook.join().unwrap()).collect()
    });
    for (mail, end) in mails.iter().zip(ends) {
        stage.ledger.send(mail);
        if let End::Acknowledged(Some(place)) = end {
            stage.ledger.acknowledge(&place, mail);
        }
    }
    stage.complaints(&vault_bytes(&stage.vault))
}

fn run_under(stage: &Stage, number: usize, mail: &[u8], lie: Option<&str>) -> End {
    let file = stage.archive.path(&format!("mail-{number}"));
    fs::write(&file, mail).unwrap();
    let trace = stage.archive.path(&format!("trace-{number}"));
    let lies: Vec<String> = lie.into_iter().map(str::to_owned).collect();
    let mut strace = tracer(&trace, &lies);
    let hook = stage.archive.hook(&stage.vault);
    strace.arg(hook.get_program()).args(hook.get_args());
    strace.stdin(fs::File::open(file).unwrap());
    End::of(&strace.output().unwrap())
}

#[test]
fn a_taking_back_that_lies_is_seen_in_the_vault_and_repaired_by_the_next_hook() {
    if !may_trace() {
        return;
    }
    for (lie, left_behind) in [(None, 0), (Some("ftruncate:retval=0"), 100)] {
        let mut stage = Stage::with_records(1);
        let before = fs::read(&stage.vault).unwrap();
        let lies: Vec<String> = lie.into_iter().map(str::to_owned).collect();
        let mut strace = tracer(&stage.archive.path("trace"), &lies);
        // Room for a hundred bytes more.
        let limit = format!("--fsize={}", before.len() + 100);
        let hook = stage.archive.hook(&stage.vault);
        strace.arg("prlimit").arg(limit).arg(hook.get_program());
        strace.args(hook.get_args()).stdin(Stdio::null());
        strace.stdin(fs::File::open(stage.archive.path("mail")).unwrap());
        let end = End::of(&strace.output().unwrap());
        assert!(matches!(end, End::Refused(_)), "{end:?}");
        let after = fs::read(&stage.vault).unwrap();
        assert_eq!(after.len() - before.len(), left_behind, "{lie:?}");

        stage.ledger.send(MAIL);
        let next = run_with_stdin(&mut stage.archive.hook(&stage.vault), MAIL).expect_code(0);
        stage.ledger.acknowledge(next.stdout.trim_end(), MAIL);
        let contents = stage.archive.read(&fs::read(&stage.vault).unwrap());
        assert_eq!(contents.torn, left_behind / 100);
        stage.ledger.judge(&[contents]).expect_clean("the next");
    }
}

#[test]
fn a_write_that_lies_is_noticed_by_the_hook_itself() {
    if !may_trace() {
        return;
    }
    let stage = Stage::with_records(1);
    let before = fs::read(&stage.vault).unwrap().len();
    let _ = run_with_stdin(&mut stage.archive.hook(&stage.vault), MAIL).expect_code(0);
    // So long is the next record, and so much it is told to have written.
    let length = fs::read(&stage.vault).unwrap().len() - before;
    let traced = stage.trace(format!("writev:retval={length}").as_str());
    let end = End::of(&traced.output);
    assert!(matches!(end, End::Refused(_)), "{end:?}");
}

// Hooks that lie: shell scripts around the real one, which is "$@"; its vault is $V.

/// Delivers three mails through a script, and gives the ledger's complaints.
fn complaints_about(script: &str) -> String {
    let mut stage = Stage::with_records(1);
    for number in 0..3 {
        let mail = format!("Subject: {number}\n\naaaa\n").into_bytes();
        stage.ledger.send(&mail);
        let mut shell = Command::new("sh");
        let hook = stage.archive.hook(&stage.vault);
        shell.args(["-c", script, "sh"]).env("V", &stage.vault);
        shell.arg(hook.get_program()).args(hook.get_args());
        let ran = run_with_stdin(&mut shell, &mail).expect_code(0);
        stage.ledger.acknowledge(ran.stdout.trim_end(), &mail);
    }
    stage.complaints(&vault_bytes(&stage.vault))
}

#[track_caller]
fn assert_noticed(script: &str, as_what: &str) {
    let complaints = complaints_about(script);
    assert!(complaints.contains(as_what), "{script}: {complaints}");
}

#[test]
fn an_honest_hook_is_not_complained_about() {
    assert_eq!(complaints_about("\"$@\""), "");
}

#[test]
fn a_hook_that_archives_nothing_is_noticed() {
    let word = "archived seq=$(wc -c < $V) log=00000000000000000000000000000000";
    assert_noticed(&format!("cat > /dev/null; echo {word}$$"), "lost: ");
}

#[test]
fn a_hook_that_changes_a_byte_is_noticed() {
    assert_noticed("tr a b | \"$@\"", "is no mail that was handed over");
}

#[test]
fn a_hook_that_drops_the_mails_end_is_noticed() {
    assert_noticed("head -c 13 | \"$@\"", "is another mail than acknowledged");
}

#[test]
fn a_hook_after_which_the_records_end_goes_missing_is_noticed() {
    assert_noticed("\"$@\"; truncate -s -60 $V", "lost: ");
}

#[test]
fn a_hook_that_begins_the_vault_anew_is_noticed() {
    assert_noticed("rm $V; \"$@\"", "lost: ");
}

#[test]
fn a_hook_that_writes_something_else_too_is_noticed() {
    assert_noticed("\"$@\"; echo hello >> $V", "foreign bytes");
}

#[test]
fn a_hook_that_confirms_the_same_place_twice_is_noticed() {
    let script = "test -e $V.word || \"$@\" > $V.word; cat > /dev/null; cat $V.word";
    assert_noticed(script, "told the same place");
}

// Vaults with a fault in them.

/// The records of a vault of `n`.
fn pieces(stage: &Stage) -> Vec<Vec<u8>> {
    let vault = fs::read_to_string(&stage.vault).unwrap();
    let begin = "-----BEGIN PGP MESSAGE-----\n";
    let pieces = vault.split(begin).skip(1);
    pieces
        .map(|piece| format!("{begin}{piece}").into_bytes())
        .collect()
}

#[test]
fn records_that_are_missing_doubled_swapped_mixed_or_run_into_a_torn_one_are_noticed() {
    let stage = Stage::with_records(3);
    let records = pieces(&stage);
    let [a, b, c] = records.as_slice() else {
        panic!("three records")
    };
    assert_eq!(stage.complaints(&[&a[..], b, c].concat()), "");
    let (half, rest) = b.split_at(b.len() / 2);
    let faults: [(&str, Vec<&[u8]>); 7] = [
        ("the last is missing", vec![a, b]),
        ("the first is missing", vec![b, c]),
        ("one is missing inside", vec![a, c]),
        ("one is there twice", vec![a, b, b, c]),
        ("two are swapped", vec![a, c, b]),
        ("two are mixed", vec![a, half, c, rest]),
        ("a torn tail was not ended", vec![a, &a[..300], b, c]),
    ];
    for (fault, vault) in faults {
        assert_ne!(stage.complaints(&vault.concat()), "", "{fault}");
    }
}

#[test]
fn a_changed_byte_anywhere_in_a_record_is_noticed() {
    let stage = Stage::with_records(2);
    let vault = fs::read(&stage.vault).unwrap();
    for at in (0..vault.len()).step_by(7) {
        let mut changed = vault.clone();
        changed[at] ^= 1;
        assert_ne!(stage.complaints(&changed), "", "byte {at}");
    }
}
