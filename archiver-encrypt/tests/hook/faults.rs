//! Disks that are full, paths that lead elsewhere, streams that nobody reads: the vault stays as it was, and the mail stays in
//! the queue.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};

use crate::archive::{
    Archive, assert_is_one_log, assert_refused, deliver, records, redirected, skip, text,
};

/// Bytes that do not compress, so that the record is as long.
fn noise(length: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn a_vault_whose_folder_is_missing_is_refused_and_the_folder_not_made() {
    let archive = Archive::new();
    let folder = archive.path("missing");
    let output = deliver(&mut archive.hook_into(&folder.join("VAULT")), b"mail");
    assert_refused(&output, "its folder does not exist");
    assert!(!folder.exists());
}

#[test]
fn what_is_no_file_is_refused_by_its_kind() {
    let archive = Archive::new();
    let (fifo, socket) = (archive.path("fifo"), archive.path("socket"));
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let _listener = UnixListener::bind(&socket).unwrap();
    let kinds = [
        (fifo.as_path(), "FIFO"),
        (&socket, "socket"),
        (Path::new("/dev/full"), "device"),
    ];
    for (path, kind) in kinds {
        let output = deliver(&mut archive.hook_into(path), b"mail");
        assert_refused(
            &output,
            &format!("it is a {kind}; give --vault the path of a file"),
        );
    }
}

#[test]
fn a_link_is_followed_to_a_vault_and_refused_when_it_leads_nowhere() {
    let archive = Archive::new();
    let link = archive.path("link");
    symlink(archive.vault(), &link).unwrap();
    let output = deliver(&mut archive.hook_into(&link), b"mail");
    assert_refused(&output, "symbolic link that leads nowhere");
    assert!(!archive.vault().exists());
    archive.archive(b"first");
    deliver(&mut archive.hook_into(&link), b"second");
    assert_eq!(archive.mails(), [&b"first"[..], b"second"]);
}

#[test]
fn a_folder_that_takes_no_files_is_an_ordinary_error() {
    let archive = Archive::new();
    let output = deliver(&mut archive.hook_into("/proc/VAULT".as_ref()), b"mail");
    assert_refused(&output, "vault /proc/VAULT: ");
}

#[test]
fn a_file_size_limit_leaves_the_vault_as_it_was() {
    let archive = Archive::new();
    archive.archive(b"first");
    let before = archive.vault_bytes();
    let limit = format!("--fsize={}", before.len() + 4000);
    let mut limited = Command::new("prlimit");
    limited.arg(limit).arg(archive.hook().get_program());
    limited.args(archive.hook().get_args());
    assert_refused(&deliver(&mut limited, &noise(20_000)), "file size limit");
    assert_eq!(archive.vault_bytes(), before);
    assert_eq!(deliver(&mut limited, b"short").status.code(), Some(0));
    assert_eq!(archive.mails(), [&b"first"[..], b"short"]);
}

#[test]
fn a_file_size_limit_that_is_reached_already_is_an_error_and_no_signal() {
    let archive = Archive::new();
    archive.archive(b"first");
    let before = archive.vault_bytes();
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--fsize={}", before.len()));
    limited
        .arg(archive.hook().get_program())
        .args(archive.hook().get_args());
    assert_refused(&deliver(&mut limited, b"mail"), "could not be written");
    assert_eq!(archive.vault_bytes(), before);
}

/// Runs a shell script in mount name space of its own, where it may mount. `$HOOK` is the hook with its certificate, `$DIR`
/// a folder to mount on, `$OUT` a folder that outlives the script. `None` where this is not allowed.
fn in_own_mounts(archive: &Archive, script: &str) -> Option<Output> {
    let dir = archive.path("mounted");
    fs::create_dir_all(&dir).unwrap();
    let hook = archive.hook_into(&dir.join("VAULT"));
    let words = std::iter::once(hook.get_program()).chain(hook.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    let run = |script: &str| {
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "--map-root-user", "sh", "-c", script]);
        shell
            .env("HOOK", words.join(" "))
            .env("DIR", &dir)
            .env("OUT", archive.path(""));
        shell.output()
    };
    match run("mount -t tmpfs none \"$DIR\"") {
        Ok(output) if output.status.success() => Some(run(script).unwrap()),
        _ => {
            skip("this system lets a test not mount a tmpfs of its own");
            None
        }
    }
}

#[test]
fn a_full_disk_leaves_the_vault_as_it_was() {
    let archive = Archive::new();
    fs::write(archive.path("noise"), noise(100_000)).unwrap();
    let script = r#"
        mount -t tmpfs -o size=64k none "$DIR" || exit 1
        echo first | $HOOK || exit 2
        cp "$DIR/VAULT" "$OUT/before"
        $HOOK < "$OUT/noise"
        code=$?
        cmp "$DIR/VAULT" "$OUT/before" || exit 3
        echo second | $HOOK || exit 4
        cp "$DIR/VAULT" "$OUT/VAULT"
        exit $code
    "#;
    let Some(output) = in_own_mounts(&archive, script) else {
        return;
    };
    assert_refused(&output, "bytes found room, and they were taken back");
    assert_eq!(archive.mails(), [b"first\n".to_vec(), b"second\n".to_vec()]);
}

#[test]
fn a_disk_that_is_full_to_the_last_byte_is_named() {
    let archive = Archive::new();
    let script = r#"
        mount -t tmpfs -o size=16k none "$DIR" || exit 1
        cat /dev/zero > "$DIR/full" 2> /dev/null
        echo mail | $HOOK
    "#;
    let Some(output) = in_own_mounts(&archive, script) else {
        return;
    };
    assert_refused(&output, "No space left on device");
}

#[test]
fn a_read_only_file_system_is_an_ordinary_error() {
    let archive = Archive::new();
    let script = r#"
        mount -t tmpfs -o ro none "$DIR" || exit 1
        echo mail | $HOOK
    "#;
    let Some(output) = in_own_mounts(&archive, script) else {
        return;
    };
    assert_refused(&output, "Read-only file system");
}

#[test]
fn closed_output_streams_change_nothing() {
    let archive = Archive::new();
    for closed in [">&-", "2>&-", ">&- 2>&-", "> /dev/full 2>&1"] {
        let mut shell = redirected(&archive.hook(), closed);
        assert_eq!(
            deliver(&mut shell, b"mail").status.code(),
            Some(0),
            "{closed}"
        );
        shell.arg("--unknown");
        assert_eq!(
            deliver(&mut shell, b"mail").status.code(),
            Some(75),
            "{closed}"
        );
    }
    assert_eq!(archive.mails(), [b"mail"; 4]);
}

#[test]
fn a_mail_from_a_closed_stream_or_a_device_is_refused_and_an_empty_one_is_not() {
    let archive = Archive::new();
    for nothing in ["<&-", "< /dev/null", "< /dev/zero"] {
        let output = deliver(&mut redirected(&archive.hook(), nothing), b"mail");
        assert_refused(&output, "standard input is closed or a device");
        assert!(!archive.vault().exists(), "{nothing}");
    }
    archive.archive(b"");
    assert_eq!(archive.mails(), [b""]);
}

#[test]
fn a_record_for_a_closed_stream_or_a_device_is_refused() {
    let archive = Archive::new();
    for nothing in [">&-", "> /dev/null", "> /dev/full"] {
        let output = deliver(&mut redirected(&archive.hook_to_stdout(), nothing), b"mail");
        assert_refused(&output, "standard output is closed or a device");
    }
    let help = redirected(
        Command::new(archive.hook().get_program()).arg("--help"),
        ">&-",
    )
    .status();
    assert_eq!(help.unwrap().code(), Some(0));
}

#[test]
fn a_record_on_standard_output_may_be_appended_to_a_file() {
    let archive = Archive::new();
    let out = archive.path("out");
    let redirection = format!(">> {}", out.to_str().unwrap());
    for mail in [&b"first"[..], b"second"] {
        let mut shell = redirected(&archive.hook_to_stdout(), &redirection);
        assert_eq!(deliver(&mut shell, mail).status.code(), Some(0));
    }
    let written = fs::read(out).unwrap();
    let mails: Vec<_> = records(&written)
        .map(|record| archive.open(record))
        .collect();
    assert_eq!(mails, [&b"first"[..], b"second"]);
}

#[test]
fn a_clock_far_behind_the_record_before_is_told_and_the_mail_archived() {
    let archive = Archive::new();
    archive.archive(b"first");
    let vault = archive.vault_bytes();
    let time = text(&vault).split(" time=").nth(1).unwrap();
    let later = text(&vault).replacen(&format!(" time={}", &time[..4]), " time=9998", 1);
    fs::write(archive.vault(), later).unwrap();
    let output = deliver(&mut archive.hook(), b"second");
    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with("archiver-encrypt: warning: "),
        "{stderr}"
    );
    assert!(
        stderr.contains("but the record before claims 9998-"),
        "{stderr}"
    );
    assert!(text(&archive.vault_bytes()).contains(" seq=1 time=9998-"));
}

#[test]
fn a_torn_tail_is_repaired_and_told() {
    let archive = Archive::new();
    archive.archive(b"first");
    let mut torn = archive.vault_bytes();
    torn.extend_from_within(..200);
    fs::write(archive.vault(), &torn).unwrap();
    let output = deliver(&mut archive.hook(), b"second");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("its last line was cut off"));
    let vault = archive.vault_bytes();
    let (before, record) = vault.split_at(torn.len());
    assert_eq!(before, torn);
    let record = record.strip_prefix(b"\n").unwrap();
    assert_eq!(archive.open(record), b"second");
}

#[test]
fn records_of_gpg_and_ours_stand_in_one_vault() {
    let archive = Archive::new();
    archive.archive(b"ours");
    let ours = archive.vault_bytes();
    let lines = text(&ours).split_inclusive('\n');
    let foreign: String = lines.filter(|line| !line.starts_with("Comment")).collect();
    fs::write(
        archive.vault(),
        [ours.clone(), foreign.into_bytes()].concat(),
    )
    .unwrap();
    archive.archive(b"ours again");
    let vault = archive.vault_bytes();
    let all: Vec<&[u8]> = records(&vault).collect();
    let mails: Vec<_> = all.iter().map(|record| archive.open(record)).collect();
    assert_eq!(mails, [&b"ours"[..], b"ours", b"ours again"]);
    let line = |record: &[u8]| text(record).lines().nth(1).unwrap().to_owned();
    let field = |record, at: usize| line(record).split(' ').nth(at).unwrap().to_owned();
    let leaf_of_first = field(all[0], 7).replace("leaf=", "prev=");
    assert!(line(all[2]).contains(" seq=1 "));
    assert_eq!(field(all[2], 6), leaf_of_first);
    assert_is_one_log(&ours);
}
