//! One line a delivery: what stands in it, what never does, and that nobody ever waits for it.

use std::fs;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::{Duration, Instant};

use crate::host::{Collector, Host, field};

const MAIL: &[u8] = b"From: alice@example.org\nTo: bob@example.org\nSubject: the merger\nMessage-ID: <77@mx.example.org>\n\nNot a word to anybody.\n";

fn host() -> (Host, Collector, String) {
    let host = Host::new();
    let collector = Collector::new(&host);
    let socket = collector.path.to_str().unwrap().to_owned();
    (host, collector, socket)
}

#[test]
fn an_archived_mail_leaves_one_line_that_leads_to_its_record() {
    let (host, collector, socket) = host();
    for seq in ["0", "1"] {
        let _ = host.deliver(&["--syslog", &socket], MAIL).expect_code(0);
        let line = collector.line();
        assert!(
            line.starts_with(&format!("<22>archiver-encrypt: archived seq={seq} log=")),
            "{line}"
        );
        let header = format!(" log={} seq={seq} ", field(&line, "log"));
        let vault = host.vault_text();
        let record = vault.lines().find(|record| record.contains(&header));
        assert_eq!(field(record.unwrap(), "leaf"), field(&line, "leaf"));
        assert_eq!(field(&line, "bytes"), MAIL.len().to_string());
        let ms: u64 = field(&line, "ms").parse().unwrap();
        assert!(ms < 60_000);
    }
}

#[test]
fn nothing_of_a_mail_stands_in_the_log_but_its_message_id_where_that_is_asked_for() {
    let (host, collector, socket) = host();
    let _ = host.deliver(&["--syslog", &socket], MAIL).expect_code(0);
    let line = collector.line();
    for word in [
        "alice",
        "bob",
        "example",
        "merger",
        "77@",
        "message-id",
        "word",
    ] {
        assert!(!line.contains(word), "{word} stands in {line}");
    }
    let options = ["--syslog", &socket, "--log-message-id"];
    let _ = host.deliver(&options, MAIL).expect_code(0);
    let line = collector.line();
    assert!(line.ends_with(" message-id=<77@mx.example.org>"), "{line}");
    for word in ["alice", "bob", "merger", "word"] {
        assert!(!line.contains(word), "{word} stands in {line}");
    }
}

#[test]
fn a_mail_forges_no_line_by_its_message_id() {
    let (host, collector, socket) = host();
    let mail = b"Message-ID: <1>\x00\x1b[1m archived seq=9 log=f\r\n\r\nx";
    let options = ["--syslog", &socket, "--log-message-id"];
    let _ = host.deliver(&options, mail).expect_code(0);
    let line = collector.line();
    assert!(
        line.ends_with(" message-id=<1>??[1m?archived?seq=9?log=f"),
        "{line}"
    );
}

#[test]
fn a_refused_mail_is_an_error_with_its_reason_and_a_doubt_is_a_warning() {
    let (host, collector, socket) = host();
    fs::write(host.vault(), "-----BEGIN PGP MESS").unwrap();
    let _ = host.deliver(&["--syslog", &socket], MAIL).expect_code(0);
    let lines = collector.lines();
    let [archived, warning] = lines.as_slice() else {
        panic!("{lines:?}")
    };
    assert!(archived.starts_with("<22>"), "{archived}");
    assert!(
        warning.starts_with("<20>archiver-encrypt: warning: vault "),
        "{warning}"
    );

    fs::remove_file(host.cert()).unwrap();
    let refused = host.deliver(&["--syslog", &socket], MAIL).expect_code(75);
    let line = collector.line();
    assert!(
        line.starts_with("<19>archiver-encrypt: not archived bytes=0 ms="),
        "{line}"
    );
    let reason = refused
        .stderr
        .trim_end()
        .strip_prefix("4.3.0 archiver-encrypt: ")
        .unwrap();
    assert!(line.ends_with(&format!(": {reason}")), "{line}");
}

#[test]
fn a_collector_that_does_not_keep_up_is_not_waited_for() {
    let (host, _collector, socket) = host();
    let sender = UnixDatagram::unbound().unwrap();
    sender.set_nonblocking(true).unwrap();
    while sender.send_to(b"nobody reads this", &socket).is_ok() {}
    let begun = Instant::now();
    let ran = host.deliver(&["--syslog", &socket], MAIL).expect_code(0);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(ran.stderr, "");
}

#[test]
fn without_a_collector_mail_is_archived_all_the_same_and_nothing_is_said() {
    let host = Host::new();
    let stream = host.path("stream");
    let _listener = UnixListener::bind(&stream).unwrap();
    let file = host.cert();
    let too_long = format!("/{}", "x".repeat(4000));
    for nobody in [
        "/nowhere/log",
        stream.to_str().unwrap(),
        file.to_str().unwrap(),
        &too_long,
        "off",
        "",
    ] {
        let ran = host.deliver(&["--syslog", nobody], MAIL).expect_code(0);
        assert_eq!(
            (ran.stdout, ran.stderr),
            (String::new(), String::new()),
            "{nobody}"
        );
    }
    let records = host.vault_text().matches("-----BEGIN").count();
    assert_eq!(records, 6);
}
