//! What comes into the archive of a mail, and what does not.

use std::fs;

use super::client::{Envelope, TO_BOB, offer};
use super::server::{Postfix, Route, main_cf_with};
use crate::page;

const MAIL: &str = "From: alice@example.org\nTo: bob@example.org\nDate: Mon, 02 Mar 2026 09:00:00 +0000\nMessage-ID: <1@example.org>\nSubject: x\n\nText\n";

fn archived(server: &Postfix) -> Vec<String> {
    server.settle();
    let mails = server.mails(0).into_iter();
    mails.map(|mail| String::from_utf8(mail).unwrap()).collect()
}

/// The lines in front of the mail as it was sent.
#[track_caller]
fn added<'a>(archived: &'a str, sent: &str) -> Vec<&'a str> {
    let added = archived
        .strip_suffix(sent)
        .expect("the mail as it was sent");
    added.lines().collect()
}

#[test]
fn postfix_puts_lines_in_front_takes_bcc_out_and_names_a_single_recipient_only() {
    let Some(server) = Postfix::start(Route::StraightToTheHook) else {
        return;
    };
    assert!(page::shows(
        "takes out `Bcc:`, `Return-Path:` and `Content-Length:`"
    ));
    let taken_out = "Bcc: carol@example.org\nReturn-Path: <x@example.org>\nContent-Length: 3\n";
    let to_two = Envelope {
        from: "",
        to: &["bob@example.org", "carol@example.org"],
    };
    assert_eq!(
        offer(server.port, to_two, format!("{taken_out}{MAIL}").as_bytes()),
        250
    );
    server.settle();
    assert_eq!(offer(server.port, TO_BOB, MAIL.as_bytes()), 250);

    let [of_two, of_one] = &archived(&server)[..] else {
        panic!("not two mails")
    };
    assert!(page::shows("`Return-Path: <>`"));
    let lines = added(of_two, MAIL);
    assert_eq!(
        lines[..2],
        ["Return-Path: <>", "X-Original-To: archive@archive.invalid"]
    );
    assert!(lines[2].starts_with("Received: from client.example.org "));
    assert!(!of_two.contains("carol"), "{of_two}");
    let lines = added(of_one, MAIL);
    assert_eq!(lines[0], "Return-Path: <alice@example.org>");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("for <bob@example.org>; ")),
        "{of_one}"
    );
}

#[test]
fn one_copy_is_made_whatever_names_the_archive_and_none_of_what_postfix_writes_itself() {
    let archive = "static:archive@archive.invalid";
    let main = main_cf_with(&format!(
        "sender_bcc_maps = {archive}\nrecipient_bcc_maps = {archive}\n\
         transport_maps = inline:{{ {{ archive.invalid = archive: }}, {{ bounces.invalid = bounces: }} }}\n"
    ));
    let bounces = "bounces unix - n n - 1 pipe\n  user=archiver argv=/bin/false\n";
    let master = format!("{}{bounces}", Route::StraightToTheHook.master());
    let Some(server) = Postfix::start_with(&main, &master) else {
        return;
    };
    let to_two = Envelope {
        from: "alice@example.org",
        to: &["bob@example.org", "nobody@bounces.invalid"],
    };
    assert_eq!(offer(server.port, to_two, MAIL.as_bytes()), 250);
    // The bounce that Postfix writes to the sender.
    assert!(server.outcome_of("alice@example.org").starts_with("sent"));
    assert!(page::shows("Postfix writes itself, such as bounces"));
    let archived = archived(&server);
    assert_eq!(archived.len(), 1, "{archived:?}");
    let _ = added(&archived[0], MAIL);
}

#[test]
fn with_the_recipients_each_gets_a_record_of_his_own_and_its_name_stands_in_it() {
    let recipients = page::recipe("main.cf", "/etc/postfix/main.cf, with the recipients");
    let main = main_cf_with(&format!("always_bcc =\n{recipients}")).replace("always_bcc =\n", "");
    let Some(server) = Postfix::start_with(&main, Route::StraightToTheHook.master()) else {
        return;
    };
    let table = page::recipe("regexp", "/etc/postfix/archive_recipients");
    fs::write(
        server.machine.path("/etc/postfix/archive_recipients"),
        table,
    )
    .unwrap();
    let to = [
        "bob@example.org",
        "carol+tag@example.org",
        "\"two words\"@example.org",
    ];
    let from = "alice@example.org";
    assert_eq!(
        offer(server.port, Envelope { from, to: &to }, MAIL.as_bytes()),
        250
    );

    let archived = archived(&server);
    let mut names: Vec<_> = archived.iter().map(|mail| added(mail, MAIL)[1]).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "X-Original-To: \"\\\"two words\\\"=example.org\"@archive.invalid",
            "X-Original-To: bob=example.org@archive.invalid",
            "X-Original-To: carol+tag=example.org@archive.invalid",
        ]
    );
}
