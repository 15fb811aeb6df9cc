//! Arguments: whatever is wrong with them, the mail server keeps the mail.

use crate::archive::{Archive, assert_refused, deliver, hook, redirected, text};

#[test]
fn wrong_arguments_keep_the_mail_in_the_queue() {
    let archive = Archive::new();
    let cases: [(&[&str], &str); 7] = [
        (&["--unknown"], "--unknown"),
        (&["extra"], "extra"),
        (&["--help"], "only argument"),
        (&["--version"], "only argument"),
        (&["--fingerprint", "1234"], "40 or 64 hex digits"),
        (&["--vault", "other"], "cannot be used multiple times"),
        (&["--output", "-"], "cannot be used with"),
    ];
    for (args, reason) in cases {
        assert_refused(&deliver(archive.hook().args(args), b"mail"), reason);
    }
    assert_refused(&deliver(&mut hook(), b"mail"), "--cert");
    assert!(!archive.vault().exists());
}

#[test]
fn help_and_version_alone_are_no_delivery() {
    let version = deliver(hook().arg("--version"), b"");
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout), "archiver-encrypt 0.1.0\n");
    let help = deliver(hook().arg("--help"), b"");
    assert_eq!(help.status.code(), Some(0));
    for flag in [
        "--cert",
        "--vault",
        "--fingerprint",
        "--no-compress",
        "--strict-cert",
        "--confirm",
        "--allow-network-fs",
    ] {
        assert!(text(&help.stdout).contains(flag), "{flag}");
    }
}

#[test]
fn names_that_are_not_utf_8_are_names_like_others() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let archive = Archive::new();
    let vault = archive
        .path("x")
        .with_file_name(OsStr::from_bytes(b"V\xff"));
    let output = deliver(&mut archive.hook_into(&vault), b"mail");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(archive.open(&std::fs::read(vault).unwrap()), b"mail");
}

#[test]
fn an_archived_mail_is_confirmed_in_one_line_where_that_is_asked_for() {
    let archive = Archive::new();
    for seq in 0..2 {
        let output = deliver(archive.hook().arg("--confirm"), b"mail");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        let vault = archive.vault_bytes();
        let log = text(&vault).split(" log=").nth(1).unwrap();
        let expected = format!("archived seq={seq} log={}\n", &log[..32]);
        assert_eq!(text(&output.stdout), expected);
    }
    assert_eq!(archive.mails(), [b"mail"; 2]);
}

#[test]
fn what_is_not_archived_is_never_confirmed() {
    let archive = Archive::new();
    let folder = archive.path("missing");
    let output = deliver(
        archive.hook_into(&folder.join("VAULT")).arg("--confirm"),
        b"mail",
    );
    assert_refused(&output, "its folder does not exist");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_confirmation_that_nobody_reads_changes_nothing() {
    let archive = Archive::new();
    let mut confirmed = archive.hook();
    confirmed.arg("--confirm");
    for nowhere in [">&-", "> /dev/full"] {
        let output = deliver(&mut redirected(&confirmed, nowhere), b"mail");
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    }
    assert_eq!(archive.mails(), [b"mail"; 2]);
}
