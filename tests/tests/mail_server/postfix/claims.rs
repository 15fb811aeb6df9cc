//! What the page says of Postfix's settings, and of recipes that are not ours.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::client::{Envelope, TO_BOB, offer};
use super::server::{Postfix, Route, main_cf_with};
use crate::page;

const MAIL: &[u8] = b"Subject: lost?\n\nIn plaintext?\n";
const EVADING: &[u8] =
    b"Delivered-To: archive@archive.invalid\nDelivered-To: archive@localhost\nSubject: x\n\n";

/// The hook without the page's check.
const BARE: &str = "user=archiver argv=/usr/local/bin/archiver-encrypt --cert /etc/archiver/archive.cert.asc --vault /var/lib/archiver/VAULT\n";

/// A server with the hook as a transport in other ways than the page's.
fn other_wiring() -> Option<Postfix> {
    let main = "transport_maps = inline:{ { bare.invalid = bare: }, { soft.invalid = soft: }, { loop.invalid = loop: }, { archive.invalid = archive: } }\nloop_destination_recipient_limit = 1\n";
    let master = format!(
        "bare unix - n n - 10 pipe\n  {BARE}soft unix - n n - 10 pipe\n  -o soft_bounce=yes {BARE}loop unix - n n - 10 pipe\n  flags=D {BARE}{}",
        Route::StraightToTheHook.master()
    );
    Postfix::start_with(main, &master)
}

/// The page's wiring, with other settings behind it.
fn page_with(lines: &str) -> Option<Postfix> {
    Postfix::start_with(&main_cf_with(lines), Route::StraightToTheHook.master())
}

fn replace_hook(server: &Postfix, script: &str) {
    let hook = server.machine.path("/usr/local/bin/archiver-encrypt");
    fs::remove_file(&hook).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn straight_to_the_hook_without_a_check_an_empty_program_loses_mail_and_most_exit_codes_bounce() {
    let Some(server) = other_wiring() else { return };
    assert!(page::shows(
        "| Postfix: `argv=/usr/local/bin/archiver-encrypt …` without the check |"
    ));
    replace_hook(&server, "");
    assert!(
        server
            .outcome("empty@bare.invalid", MAIL)
            .starts_with("sent")
    );
    assert!(
        server
            .outcome("empty@archive.invalid", MAIL)
            .starts_with("deferred")
    );
    assert_eq!(server.records(), 0);

    assert!(page::shows("on every exit code but 0, 71 and 75"));
    for code in [1, 2, 64, 71, 73, 75, 77, 101, 126, 127, 255] {
        replace_hook(&server, &format!("#!/bin/sh\nexit {code}\n"));
        let bare = server.outcome(&format!("code{code}@bare.invalid"), MAIL);
        let kept = [71, 75].contains(&code);
        assert_eq!(bare.starts_with("deferred"), kept, "{code}: {bare}");
        assert_eq!(bare.starts_with("bounced"), !kept, "{code}: {bare}");
        let soft = server.outcome(&format!("code{code}@soft.invalid"), MAIL);
        assert!(
            ["deferred", "SOFTBOUNCE"]
                .iter()
                .any(|word| soft.starts_with(word)),
            "{soft}"
        );
    }
    replace_hook(&server, "#!/bin/sh\nkill -KILL $$\n");
    assert!(
        server
            .outcome("killed@bare.invalid", MAIL)
            .starts_with("deferred")
    );
    fs::remove_file(server.machine.path("/usr/local/bin/archiver-encrypt")).unwrap();
    assert!(
        server
            .outcome("missing@bare.invalid", MAIL)
            .starts_with("deferred")
    );
}

#[test]
fn a_forged_delivered_to_evades_the_archive_where_postfix_looks_at_that_line() {
    let Some(server) = other_wiring() else { return };
    assert!(page::shows("| Postfix: `flags=D` |"));
    let evading = [b"Delivered-To: archive@loop.invalid\n", EVADING].concat();
    let outcome = server.outcome("archive@loop.invalid", &evading);
    assert!(
        outcome.starts_with("bounced (mail forwarding loop"),
        "{outcome}"
    );
    let outcome = server.outcome("archive@archive.invalid", EVADING);
    assert!(outcome.starts_with("sent"), "{outcome}");
}

#[test]
fn through_an_alias_a_forged_line_evades_the_archive_and_the_vault_stops_growing() {
    let limits = "message_size_limit = 2000\nmailbox_size_limit = 3000\nalways_bcc =\n";
    let Some(server) = page_with(limits) else {
        return;
    };
    assert!(page::shows("| Postfix: an alias, `archive: \"\\|…\"` |"));
    let command = BARE.trim_end().split_once("argv=").unwrap().1;
    let aliases: String = [
        "archive", "more1", "more2", "more3", "more4", "more5", "more6",
    ]
    .map(|name| format!("{name} \"|{command}\"\n"))
    .concat();
    fs::write(server.machine.path("/etc/postfix/aliases"), aliases).unwrap();
    let evaded = server.outcome("archive@localhost", EVADING);
    assert!(
        evaded.starts_with("bounced (mail forwarding loop"),
        "{evaded}"
    );

    for number in 1..=6 {
        let _ = server.outcome(&format!("more{number}@localhost"), MAIL);
    }
    server.settle();
    let vault = fs::metadata(server.machine.path("/var/lib/archiver/VAULT")).unwrap();
    assert!(
        vault.len() <= 3000 && server.records() < 6,
        "{}",
        server.log()
    );
    assert!(
        server.log().contains("a file size limit is full"),
        "{}",
        server.log()
    );
}

#[test]
fn a_mail_that_waits_too_long_is_dropped_and_nobody_is_told() {
    let lines = "maximal_queue_lifetime = 3s\ndelay_warning_time = 1s\n";
    let Some(server) = page_with(lines) else {
        return;
    };
    assert!(page::shows("it drops the archive's copy and tells nobody"));
    server.run("chmod 600 /etc/archiver/archive.cert.asc");
    assert_eq!(offer(server.port, TO_BOB, MAIL), 250);
    let outcome = server.outcome_of("archive@archive.invalid");
    assert!(outcome.starts_with("deferred (archiver-encrypt: certificate /etc/archiver/archive.cert.asc could not be read: "), "{outcome}");

    let commands = page::commands();
    let waits = commands.iter().find(|block| block.contains("postqueue -j"));
    let waits = waits.expect("the page counts what waits");
    assert_eq!(server.run(waits).stdout, "1\n");
    server.run("sleep 2; postqueue -f; sleep 2");
    server.flush();
    let log = server.log();
    assert!(log.contains("status=expired, returned to sender"), "{log}");
    assert!(
        !log.contains("to=<alice@example.org>") && !log.contains("notification"),
        "{log}"
    );
    assert_eq!(server.records(), 0);
}

#[test]
fn a_hook_that_takes_too_long_and_a_mail_that_is_too_big_lose_nothing() {
    let lines = "archive_time_limit = 2s\nmessage_size_limit = 5000\nalways_bcc =\n";
    let Some(server) = page_with(lines) else {
        return;
    };
    assert!(
        server
            .outcome("archive@archive.invalid", MAIL)
            .starts_with("sent")
    );
    let locked = server.lock_vault();
    let from = "alice@example.org";
    let to = Envelope {
        from,
        to: &["late@archive.invalid"],
    };
    assert_eq!(offer(server.port, to, MAIL), 250);
    let outcome = server.outcome_of("late@archive.invalid");
    assert!(
        outcome.starts_with("SOFTBOUNCE (Command time limit exceeded"),
        "{outcome}"
    );
    drop(locked);
    server.flush();
    assert_eq!(server.records(), 2);

    // A warning of the hook stands in Postfix's log.
    server.run("printf -- '-----BEGIN PGP MESS' >> /var/lib/archiver/VAULT");
    let outcome = server.outcome("warned@archive.invalid", MAIL);
    let words = "sent (delivered via archive service (archiver-encrypt: warning: vault ";
    assert!(outcome.starts_with(words), "{outcome}");

    let big = "A line of a mail that is too big\n".repeat(200);
    assert_eq!(offer(server.port, TO_BOB, big.as_bytes()), 552);
    server.settle();
    assert_eq!((server.records(), server.waiting().len()), (3, 0));
}
