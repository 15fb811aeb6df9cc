//! Each of the page's three ways into the vault: 300 mails over ten connections at once, then fault after fault under load.
//!
//! After each fault, every mail that Postfix took is in the vault or still in its queue, nothing has bounced, and no plaintext lies outside the queue. When the
//! fault is mended, all come into the vault. Only where a process was killed may a mail come twice.

use std::collections::BTreeMap;
use std::fs;
use std::thread::{self, sleep};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::client::send_together;
use super::server::{Postfix, Route};
use crate::site::wait_for;

const MAILS: usize = 300;
/// Before and after the fault is there, each.
const MAILS_A_FAULT: usize = 150;
const CONNECTIONS: usize = 10;
const MARK: &str = "Kept from all eyes:";

struct Fault {
    name: &'static str,
    cause: Cause,
    mend: &'static str,
    /// Whether a mail may come into the vault twice: somebody was killed before he could say that he had it.
    twice: bool,
}

enum Cause {
    Script(&'static str),
    /// Hooks are killed at whatever they are doing.
    KillHooks,
    /// Postfix is killed while hooks are at work; they go on.
    KillPostfix,
}

const FAULTS: [Fault; 6] = [
    Fault {
        name: "the vault's disk is full",
        cause: Cause::Script("cat /dev/zero > /var/lib/archiver/filler 2> /dev/null"),
        mend: "rm /var/lib/archiver/filler",
        twice: false,
    },
    Fault {
        name: "the hook is missing",
        cause: Cause::Script("mv /usr/local/bin/archiver-encrypt /usr/local/bin/away"),
        mend: "mv /usr/local/bin/away /usr/local/bin/archiver-encrypt",
        twice: false,
    },
    Fault {
        name: "the hook is an empty file",
        cause: Cause::Script(
            "mv /usr/local/bin/archiver-encrypt /usr/local/bin/away
             install -m 755 /dev/null /usr/local/bin/archiver-encrypt",
        ),
        mend: "mv /usr/local/bin/away /usr/local/bin/archiver-encrypt",
        twice: false,
    },
    Fault {
        name: "the certificate is unreadable",
        cause: Cause::Script("chmod 600 /etc/archiver/archive.cert.asc"),
        mend: "chmod 644 /etc/archiver/archive.cert.asc",
        twice: false,
    },
    Fault {
        name: "hooks are killed",
        cause: Cause::KillHooks,
        mend: "",
        twice: true,
    },
    Fault {
        name: "Postfix is killed and started again",
        cause: Cause::KillPostfix,
        mend: "",
        twice: true,
    },
];

/// A mail of 200 bytes to 20 KB, with lines that make mail programs stumble.
fn numbered(number: usize) -> Vec<u8> {
    let line = format!("{MARK} mail {number:04}, and a line of its text.\n");
    let body = line.repeat(1 + (number * 37) % 400);
    format!(
        "From: alice@example.org\nTo: bob@example.org\nDate: Mon, 02 Mar 2026 09:00:00 +0000\nMessage-ID: <{number}@example.org>\n\
         Subject: number {number:04}\n\n.\n..two dots\nFrom here on: \u{e5}\n{body}"
    )
    .into_bytes()
}

/// The mails of one ordeal, and what became of them.
struct Ordeal {
    route: Route,
    server: Postfix,
    sent: Vec<Vec<u8>>,
    /// How many more records there are than mails.
    more: usize,
}

impl Ordeal {
    fn next(&mut self, count: usize) -> Vec<Vec<u8>> {
        let first = self.sent.len();
        let mails: Vec<_> = (first..first + count).map(numbered).collect();
        self.sent.extend_from_slice(&mails);
        mails
    }

    fn all_well(&mut self) {
        let mails = self.next(MAILS);
        send_together(self.server.port, &mails, CONNECTIONS);
        self.server.settle();
        assert_eq!(self.server.waiting().len(), 0, "{}", self.server.log());
        assert_eq!(self.server.records(), MAILS);
        eprintln!("{:?}: {MAILS} mails, {MAILS} records", self.route);
    }

    fn fault(&mut self, fault: &Fault) {
        let mut killed = self.under_load(&fault.cause);
        killed += self.in_force(&fault.cause);
        self.server.settle();
        let (waiting, records) = (self.server.waiting().len(), self.server.records());
        let sent = self.sent.len() + self.more;
        assert!(waiting + records >= sent, "{}: mail is lost", fault.name);
        self.server.assert_no_plaintext(MARK.as_bytes());
        self.assert_nothing_bounced(fault.name);

        self.server.run(fault.mend);
        self.server.flush();
        let more = self.server.records() - sent;
        assert!(fault.twice || more == 0, "{}: {more} too many", fault.name);
        self.more += more;
        eprintln!(
            "{:?}, {}: {} mails, {waiting} waited in the queue and came when it was mended; {killed} hooks killed, {more} records too many",
            self.route,
            fault.name,
            2 * MAILS_A_FAULT
        );
    }

    /// The fault comes while mails come in: how many hooks were killed.
    fn under_load(&mut self, cause: &Cause) -> usize {
        let (mails, server) = (self.next(MAILS_A_FAULT), &self.server);
        thread::scope(|scope| {
            let port = server.port;
            let locked = matches!(cause, Cause::KillPostfix).then(|| server.lock_vault());
            let sending = scope.spawn(move || send_together(port, &mails, CONNECTIONS));
            match cause {
                Cause::Script(script) => {
                    sleep(Duration::from_millis(100));
                    let _ = server.machine.run(script);
                    0
                }
                Cause::KillHooks => kill_hooks(server, || sending.is_finished()),
                Cause::KillPostfix => {
                    wait_for(|| (hooks(server).len() >= CONNECTIONS / 2).then_some(()));
                    let _ = server.machine.run("postfix abort 2> /dev/null");
                    server.run("postfix start 2> /dev/null");
                    drop(locked);
                    0
                }
            }
        })
    }

    /// More mails, while the fault is there: how many hooks were killed.
    fn in_force(&mut self, cause: &Cause) -> usize {
        let mails = self.next(MAILS_A_FAULT);
        let locked = matches!(cause, Cause::KillHooks).then(|| self.server.lock_vault());
        send_together(self.server.port, &mails, CONNECTIONS);
        let killed = match cause {
            Cause::KillHooks => kill_hooks(&self.server, || !self.server.is_busy()),
            Cause::Script(_) | Cause::KillPostfix => 0,
        };
        drop(locked);
        if !matches!(cause, Cause::KillPostfix) {
            self.server.settle();
            // On a full disk, a small record may still find room.
            assert!(self.server.waiting().len() >= mails.len() / 2);
        }
        killed
    }

    #[track_caller]
    fn assert_nothing_bounced(&self, fault: &str) {
        let log = self.server.log();
        for word in ["status=bounced", "status=expired", "non-delivery"] {
            let line = log.lines().find(|line| line.contains(word));
            assert_eq!(line, None, "{fault}");
        }
    }

    /// Every mail is in the vault, as it was sent behind what Postfix puts in front, and as often as the records say.
    fn opens(&self) {
        let mut times: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for mail in self.server.mails(i32::from(self.has_torn_records())) {
            let start = mail.windows(6).position(|window| window == b"From: ");
            let (added, mail) = mail.split_at(start.unwrap());
            assert!(added.starts_with(
                b"Return-Path: <alice@example.org>\nX-Original-To: archive@archive.invalid\nReceived: from client.example.org "
            ));
            *times.entry(mail.to_vec()).or_default() += 1;
        }
        let records: usize = times.values().sum();
        assert!(
            times.into_keys().eq(self.in_order()),
            "other mails than sent"
        );
        assert_eq!(records, self.sent.len() + self.more);
    }

    fn in_order(&self) -> Vec<Vec<u8>> {
        let mut sent = self.sent.clone();
        sent.sort();
        sent
    }

    /// A hook that is killed while it writes leaves a torn record.
    fn has_torn_records(&self) -> bool {
        let log = self.server.log()
            + &fs::read_to_string(self.server.machine.path("/var/log/archiver.log"))
                .unwrap_or_default();
        log.contains("its last line was cut off")
    }
}

/// Kills hooks of this server at whatever they are doing, until it is over.
fn kill_hooks(server: &Postfix, over: impl Fn() -> bool) -> usize {
    let (mut killed, mut round) = (0, 0_u64);
    while !over() {
        for hook in hooks(server) {
            killed += usize::from(kill_process(hook, Signal::KILL).is_ok());
        }
        sleep(Duration::from_millis(1 + round * 7 % 20));
        round += 1;
    }
    killed
}

fn hooks(server: &Postfix) -> Vec<Pid> {
    let mut found = Vec::new();
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let name = process.file_name().into_string().unwrap_or_default();
        if line.starts_with(b"/usr/local/bin/archiver-encrypt\0") && server.machine.runs(&name) {
            found.extend(name.parse().ok().and_then(Pid::from_raw));
        }
    }
    found
}

fn ordeal(route: Route) {
    let Some(server) = Postfix::start(route) else {
        return;
    };
    let mut ordeal = Ordeal {
        route,
        server,
        sent: Vec::new(),
        more: 0,
    };
    ordeal.all_well();
    for fault in &FAULTS {
        ordeal.fault(fault);
    }
    ordeal.opens();
}

#[test]
fn straight_to_the_hook_every_mail_is_in_the_vault_or_in_the_queue() {
    ordeal(Route::StraightToTheHook);
}

#[test]
fn through_procmail_every_mail_is_in_the_vault_or_in_the_queue() {
    ordeal(Route::ThroughProcmail);
}

#[test]
fn through_maildrop_every_mail_is_in_the_vault_or_in_the_queue() {
    ordeal(Route::ThroughMaildrop);
}
