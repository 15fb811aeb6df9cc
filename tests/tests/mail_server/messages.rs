//! The messages in the page's table are the ones that the hook says. Those that need a fault of the recipe's surroundings are compared where
//! the fault is made.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use custody_tests::{Ran, hook, run_with_stdin};

use crate::page;
use crate::site::Site;

fn archive_with(site: &Site, args: &[&str]) -> Ran {
    let mut command: Command = hook();
    command.arg("--cert").arg(site.certificate());
    command.arg("--vault").arg(site.vault()).args(args);
    run_with_stdin(&mut command, b"Subject: x\n\n")
}

/// Each of the words stands on the page and, in this order, in what the hook said.
#[track_caller]
fn assert_on_the_page(ran: &Ran, words: &[&str]) {
    let mut rest = ran.stderr.as_str();
    for words in words {
        assert!(page::shows(words), "{words:?} is not on the page");
        let Some((_, behind)) = rest.split_once(words) else {
            panic!("{words:?} is not in {}", ran.stderr)
        };
        rest = behind;
    }
}

#[test]
fn the_hooks_messages_are_the_ones_on_the_page() {
    let Some(site) = Site::new() else { return };
    let refused = "4.3.0 archiver-encrypt:";
    let ran = archive_with(&site, &["--fingerprint", &"0".repeat(40)]).expect_code(75);
    assert_on_the_page(
        &ran,
        &[
            refused,
            ": the fingerprint ",
            " was asked for, but this is the certificate ",
        ],
    );
    let ran = archive_with(&site, &["--unknown"]).expect_code(75);
    assert_on_the_page(&ran, &[refused, "unexpected argument "]);

    fs::set_permissions(site.certificate(), Permissions::from_mode(0o666)).unwrap();
    let ran = archive_with(&site, &[]).expect_code(75);
    assert_on_the_page(
        &ran,
        &[
            refused,
            " may be written by everybody, who could divert all mail; run: chmod go-w ",
        ],
    );
    fs::set_permissions(site.certificate(), Permissions::from_mode(0o644)).unwrap();

    let ran = archive_with(&site, &["--confirm"])
        .expect_code(0)
        .prints("archived seq=0 log=");
    assert_eq!(ran.stderr, "");
    let mut vault = OpenOptions::new().append(true).open(site.vault()).unwrap();
    vault.write_all(b"-----BEGIN PGP MESS").unwrap();
    let ran = archive_with(&site, &[]).expect_code(0);
    assert_on_the_page(
        &ran,
        &[
            "archiver-encrypt: warning:",
            ": its last line was cut off, ",
        ],
    );
}
