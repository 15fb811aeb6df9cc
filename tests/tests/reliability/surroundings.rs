//! Hostile surroundings: streams, limits, environments, masks, disks, and vaults that are something else. In each the hook ends with 0 or 75, with 0 only when the
//! mail is in the vault, and when the surroundings are in order again, the next mail is delivered.
//!
//! Where a limit leaves no room for a process at all, the system ends it by a signal, or its loader with 127, before the hook's own code begins: such ends are counted
//! apart, and only limits may have them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use custody_tests::{Archive, Dice, End, Ledger, may_mount, run, run_with_stdin};

const FIRST: &[u8] = b"Subject: first\n\nwhen all was well\n";
const MAIL: &[u8] = b"Subject: hard times\n\n";
const NEXT: &[u8] = b"Subject: next\n\nall is well again\n";

/// How the ends came out, by kind.
#[derive(Default)]
struct Counts(BTreeMap<&'static str, usize>);

impl Counts {
    fn count(&mut self, way: &'static str) {
        *self.0.entry(way).or_default() += 1;
    }

    fn of(&self, way: &str) -> usize {
        self.0.get(way).copied().unwrap_or_default()
    }
}

/// A vault in a folder of its own, with one record or none.
struct Trial {
    archive: Archive,
    vault: PathBuf,
    ledger: Ledger,
}

impl Trial {
    fn new(with_record: bool) -> Self {
        let archive = Archive::new();
        let vault = archive.path("VAULT");
        let mut trial = Self {
            archive,
            vault,
            ledger: Ledger::default(),
        };
        trial.ledger.send(MAIL);
        if with_record {
            trial.deliver(FIRST);
        }
        trial
    }

    fn deliver(&mut self, mail: &[u8]) {
        self.ledger.send(mail);
        let ran = run_with_stdin(&mut self.archive.hook(&self.vault), mail).expect_code(0);
        self.ledger.acknowledge(ran.stdout.trim_end(), mail);
    }

    /// A shell script in whose words `"$@"` is the hook.
    fn in_shell(&self, script: &str) -> Command {
        let hook = self.archive.hook(&self.vault);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg("sh");
        shell.arg(hook.get_program()).args(hook.get_args());
        shell
    }

    fn records(&self) -> usize {
        let bytes = fs::read(&self.vault).unwrap_or_default();
        self.archive.read(&bytes).records.len()
    }

    /// Runs the hook where something is wrong, and the next where nothing is.
    fn undergo(mut self, name: &str, script: &str) -> &'static str {
        let before = self.records();
        let end = end_of(&mut self.in_shell(script), MAIL);
        let added = self.records() - before;
        let way = match end {
            End::Acknowledged(place) => {
                assert_eq!(added, 1, "{name}: 0, and {added} records");
                if let Some(place) = place {
                    self.ledger.acknowledge(&place, MAIL);
                }
                "delivered"
            }
            End::Refused(_) => {
                assert_eq!(added, 0, "{name}: a record that nobody was told of");
                "refused"
            }
            End::Signalled(..) | End::Other(126 | 127, _) => "no room for a process",
            End::Other(..) => panic!("{name}: {end:?}"),
        };
        self.deliver(NEXT);
        let contents = self.archive.read(&fs::read(&self.vault).unwrap());
        self.ledger.judge(&[contents]).expect_clean(name);
        way
    }
}

fn end_of(command: &mut Command, mail: &[u8]) -> End {
    use std::io::Write as _;
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    // It may end without having read.
    let _ = child.stdin.take().unwrap().write_all(mail);
    End::of(&child.wait_with_output().unwrap())
}

fn undergo_all(title: &str, scripts: impl IntoIterator<Item = String>) -> Counts {
    let mut counts = Counts::default();
    for script in scripts {
        for with_record in [false, true] {
            counts.count(Trial::new(with_record).undergo(&script, &script));
        }
    }
    eprintln!("{title}: {:?}", counts.0);
    counts
}

#[test]
fn closed_full_and_wrong_streams_end_with_0_or_75() {
    let nobody_listens = [
        "exec \"$@\" 2>/dev/full",
        "exec \"$@\" >/dev/full",
        "exec \"$@\" >/dev/full 2>&1",
        "exec \"$@\" 2>&-",
        "exec \"$@\" >&-",
        "exec \"$@\" >&- 2>&-",
        "exec \"$@\" 2</dev/null",
        "exec \"$@\" 3<&- 4<&- 5<&-",
        "code=$({ { \"$@\"; echo $? >&9; } | true; } 9>&1); exit $code",
        "code=$({ { \"$@\" 2>&1 >/dev/null; echo $? >&9; } | true; } 9>&1); exit $code",
    ];
    let counts = undergo_all("outputs", nobody_listens.map(str::to_owned));
    assert_eq!(counts.of("delivered"), 2 * nobody_listens.len());
    let no_mail = [
        "exec \"$@\" <&-",
        "exec \"$@\" <&- >&- 2>&-",
        "exec \"$@\" </dev/null",
        "exec \"$@\" </dev/zero",
        "exec \"$@\" </",
        "exec \"$@\" 0>/dev/null",
    ];
    let counts = undergo_all("inputs", no_mail.map(str::to_owned));
    assert_eq!(counts.of("refused"), 2 * no_mail.len());
}

#[test]
fn limits_of_files_memory_stack_and_descriptors_end_with_0_or_75_or_before_the_hook_begins() {
    let files = (0..24).map(|number| format!("ulimit -n {number}; exec \"$@\""));
    let memory = (0..60).map(|step| format!("ulimit -v {}; exec \"$@\"", 500 + 1500 * step));
    let data = (0..20).map(|step| format!("ulimit -d {}; exec \"$@\"", 200 * step));
    let stack = (0..12).map(|step| format!("ulimit -s {}; exec \"$@\"", 8 << step));
    let size = (0..8).map(|blocks| format!("ulimit -f {blocks}; exec \"$@\""));
    let others = [
        "ulimit -l 0",
        "ulimit -c unlimited",
        "ulimit -t 1",
        "ulimit -p 0",
        "ulimit -r 0",
    ];
    let others = others.map(|limit| format!("{limit}; exec \"$@\""));
    let limits = files.chain(memory).chain(data).chain(stack);
    let counts = undergo_all("limits", limits.chain(size).chain(others));
    assert!(counts.of("delivered") > 0 && counts.of("refused") > 0);
}

#[test]
fn a_hostile_environment_changes_nothing() {
    let environments = [
        "env -i \"$@\"",
        "unset HOME PATH TMPDIR; exec \"$@\"",
        "HOME=/nowhere TMPDIR=/nowhere PATH= exec \"$@\"",
        "RUST_BACKTRACE=full RUST_LIB_BACKTRACE=1 RUST_LOG=trace exec \"$@\"",
        "RUST_MIN_STACK=1 exec \"$@\"",
        "LD_PRELOAD=/nowhere.so LD_LIBRARY_PATH=/nowhere LD_AUDIT=/nowhere.so exec \"$@\"",
        "LD_BIND_NOW=1 LD_DEBUG=libs exec \"$@\"",
        "TZ=:/dev/zero LANG=xx_YY.nothing LC_ALL=$(printf '\\377\\376') exec \"$@\"",
        "TZ=../../../etc/passwd LANGUAGE=x:y:z exec \"$@\"",
        "MALLOC_PERTURB_=170 MALLOC_CHECK_=3 MALLOC_ARENA_MAX=1 MALLOC_TOP_PAD_=0 exec \"$@\"",
        "GLIBC_TUNABLES=glibc.malloc.check=3:glibc.rtld.nns=1 exec \"$@\"",
        "COLUMNS=0 LINES=-1 TERM= CLICOLOR_FORCE=1 NO_COLOR=1 exec \"$@\"",
        "export X=$(head -c 100000 /dev/zero | tr '\\0' x); exec \"$@\"",
        "umask 000; exec \"$@\"",
        "umask 777; exec \"$@\"",
        "trap '' PIPE TERM INT HUP XFSZ CHLD; exec \"$@\"",
        "nohup \"$@\"",
        "nice -n 19 \"$@\"",
        "setsid -w \"$@\"",
        "cd /proc/self; exec \"$@\"",
        "cd \"$(mktemp -d)\"; rmdir \"$PWD\"; exec \"$@\"",
    ];
    let counts = undergo_all("environments", environments.map(str::to_owned));
    assert_eq!(counts.of("delivered"), 2 * environments.len());
}

#[test]
fn of_a_disk_of_any_size_the_hook_takes_what_has_room_and_leaves_nothing_half_done() {
    if !may_mount() {
        return;
    }
    let (mut counts, mail) = (Counts::default(), Dice::new(1).bytes(20_000));
    for kilobytes in (4..80).step_by(4) {
        counts.count(on_a_disk(&format!("size={kilobytes}k"), "true", &mail));
    }
    for inodes in 1..4 {
        counts.count(on_a_disk(&format!("nr_inodes={inodes}"), "true", &mail));
    }
    let read_only = on_a_disk("size=1m", "mount -o remount,ro .", &mail);
    assert_eq!(read_only, "refused");
    eprintln!("disks: {:?}", counts.0);
    assert!(counts.of("delivered") > 0 && counts.of("refused") > 0);
}

/// Delivers into a disk of its own: first a small mail, which may find no room either, then `mail`.
fn on_a_disk(options: &str, then: &str, mail: &[u8]) -> &'static str {
    let archive = Archive::new();
    let disk = archive.path("disk");
    fs::create_dir(&disk).unwrap();
    let vault = disk.join("VAULT");
    let out = archive.path("out");
    fs::create_dir(&out).unwrap();
    let script = format!(
        "mount -t tmpfs -o {options} none '{disk}' && cd '{disk}' || exit 1
         printf first | \"$@\" > '{out}/first.word'
         cp VAULT '{out}/before' 2>/dev/null; {then} || exit 1
         \"$@\"; code=$?; cp VAULT '{out}/after' 2>/dev/null; exit $code",
        disk = disk.display(),
        out = out.display(),
    );
    let hook = archive.hook(&vault);
    let mut own_mounts = Command::new("unshare");
    own_mounts.args(["--mount", "--map-root-user", "sh", "-c", &script, "sh"]);
    own_mounts.arg(hook.get_program()).args(hook.get_args());
    let end = end_of(&mut own_mounts, mail);
    let read = |name: &str| fs::read(out.join(name)).unwrap_or_default();
    let mut ledger = Ledger::default();
    ledger.send(b"first");
    ledger.send(mail);
    let first = String::from_utf8(read("first.word")).unwrap();
    if !first.is_empty() {
        ledger.acknowledge(first.trim_end(), b"first");
    }
    let way = match end {
        End::Acknowledged(Some(place)) => {
            ledger.acknowledge(&place, mail);
            "delivered"
        }
        End::Refused(_) => {
            assert!(
                read("after") == read("before"),
                "{options}: the vault was changed"
            );
            "refused"
        }
        end => panic!("{options}: {end:?}"),
    };
    let judgement = ledger.judge(&[archive.read(&read("after"))]);
    judgement.expect_clean(options);
    way
}

/// What a symbolic link at the vault's path may lead to.
const WRONG_TARGETS: [&str; 6] = [
    "/dev/null",
    "/dev/full",
    "/dev/stdout",
    "/nowhere/VAULT",
    "/proc/self/mem",
    "/proc/sys/kernel/hostname",
];

#[track_caller]
fn assert_refused(vault: &Path, make: impl FnOnce(&Path)) {
    let archive = Archive::new();
    let vault = archive.path("").join(vault);
    make(&vault);
    let end = end_of(&mut archive.hook(&vault), MAIL);
    let name = vault.display();
    assert!(matches!(end, End::Refused(_)), "{name}: {end:?}");
}

#[test]
fn a_vault_that_is_something_else_is_refused() {
    let vault = Path::new("VAULT");
    for target in WRONG_TARGETS {
        assert_refused(vault, |vault| symlink(target, vault).unwrap());
    }
    assert_refused(vault, |vault| symlink(vault, vault).unwrap());
    assert_refused(vault, |vault| drop(UnixListener::bind(vault).unwrap()));
    assert_refused(vault, |vault| {
        let _ = run(Command::new("mkfifo").arg(vault)).expect_code(0);
    });
    let program = PathBuf::from(custody_tests::hook().get_program());
    for path in [
        PathBuf::from("/proc"),
        PathBuf::from("/nowhere/VAULT"),
        PathBuf::from("x".repeat(300)),
        PathBuf::from("x/".repeat(3000)),
        PathBuf::from("archive.cert.asc/VAULT"),
        program,
    ] {
        assert_refused(&path, |_| ());
    }
    let archive = Archive::new();
    let end = end_of(&mut archive.hook(Path::new("")), MAIL);
    assert!(matches!(end, End::Refused(_)), "an empty name: {end:?}");
}

#[test]
fn a_vault_that_holds_something_else_is_refused_and_kept() {
    let end_lines = "-----END PGP MESSAGE-----\n".repeat(1000);
    let program = fs::read(custody_tests::hook().get_program()).unwrap();
    let random = [b"x".to_vec(), Dice::new(2).bytes(1 << 20)].concat();
    for before in [
        b"no vault\0at all".as_slice(),
        end_lines.as_bytes(),
        &random,
        &[1; 61],
        &program,
    ] {
        let trial = Trial::new(false);
        fs::write(&trial.vault, before).unwrap();
        for _ in 0..2 {
            let end = end_of(&mut trial.archive.hook(&trial.vault), MAIL);
            let End::Refused(reason) = &end else {
                panic!("{end:?}")
            };
            assert!(reason.contains("VAULT is no file of a vault"), "{reason}");
            assert!(reason.contains("move VAULT away"), "{reason}");
            assert!(fs::read(&trial.vault).unwrap() == before);
        }
    }
}

#[test]
fn what_a_crash_may_leave_of_a_vault_is_kept_and_the_mail_is_archived_behind_it() {
    let hole = vec![0; 8 << 20];
    let begin_lines = "-----BEGIN PGP MESSAGE-----\n".repeat(1000);
    for before in [
        hole.as_slice(),
        b"\n",
        b"-----BEGIN PGP",
        begin_lines.as_bytes(),
    ] {
        let trial = Trial::new(false);
        fs::write(&trial.vault, before).unwrap();
        let end = end_of(&mut trial.archive.hook(&trial.vault), MAIL);
        assert!(matches!(end, End::Acknowledged(Some(_))), "{end:?}");
        let after = fs::read(&trial.vault).unwrap();
        assert!(after.starts_with(before));
        let records = trial.archive.read(&after).records;
        assert!(
            records
                .iter()
                .any(|record| record.mail.as_deref() == Ok(MAIL))
        );
    }
}
