//! A Postfix on a [`Machine`] of its own, set up as the page says, with a port on loopback.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use custody_tests::{Ran, needs};

use super::client::{Envelope, offer};
use crate::machine::Machine;
use crate::page;
use crate::site::wait_for;

/// How the mails come from Postfix to the hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    StraightToTheHook,
    ThroughProcmail,
    ThroughMaildrop,
}

impl Route {
    /// The page's entry for master.cf.
    pub(crate) fn master(self) -> &'static str {
        let variant = match self {
            Self::StraightToTheHook => "",
            Self::ThroughProcmail => ", through procmail",
            Self::ThroughMaildrop => ", through maildrop",
        };
        page::recipe("master.cf", &format!("/etc/postfix/master.cf{variant}"))
    }
}

/// The page's lines for main.cf, with these in place of those that set the same, and behind them.
pub(crate) fn main_cf_with(lines: &str) -> String {
    let setting = |line: &str| line.split_once(" =").map(|(name, _)| name.to_owned());
    let others: Vec<_> = lines.lines().filter_map(setting).collect();
    let page = page::recipe("main.cf", "/etc/postfix/main.cf").lines();
    let kept = page.filter(|line| setting(line).is_none_or(|name| !others.contains(&name)));
    let all: Vec<_> = kept.chain(lines.lines()).collect();
    all.join("\n") + "\n"
}

/// A mail server without an archive, for `example.org`, whose users' mail is thrown away; aliases at `localhost` may start programs. Nothing of it
/// leaves the machine.
const WITHOUT_THE_ARCHIVE: &str = r#"
set -e
mkdir -p /var/lib/postfix /var/spool/postfix
chown postfix: /var/lib/postfix
cat > /etc/postfix/main.cf << 'END'
compatibility_level = 3.6
myhostname = mail.example.org
mydestination = localhost
alias_maps = texthash:/etc/postfix/aliases
local_recipient_maps =
default_privs = archiver
virtual_mailbox_domains = example.org
virtual_transport = discard
default_transport = error:nothing leaves this machine
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
in_flow_delay = 0
maillog_file = /var/log/mail.log
END
sed -E -e 's/^((\S+\s+){4})y/\1n/' -e "s/^smtp(\s+inet)/127.0.0.1:$PORT\1/" /usr/share/postfix/master.cf.dist > /etc/postfix/master.cf
touch /etc/postfix/aliases
postfix start 2> /dev/null
"#;

/// The vault's folder is a disk of its own.
const SMALL_DISK: &str =
    "mkdir /var/lib/archiver && mount -t tmpfs -o size=6m tmpfs /var/lib/archiver";

/// The running server. Its processes end with its machine.
pub(crate) struct Postfix {
    pub(crate) machine: Machine,
    pub(crate) port: u16,
}

impl Postfix {
    /// After the page's set-up, when Postfix is there.
    pub(crate) fn start(route: Route) -> Option<Self> {
        Self::start_with(&main_cf_with(""), route.master())
    }

    /// The same with other lines for main.cf and master.cf.
    pub(crate) fn start_with(main: &str, master: &str) -> Option<Self> {
        if !needs("postfix") {
            return None;
        }
        let machine = Machine::new()?;
        let port = free_port();
        let _ = machine.run(SMALL_DISK).expect_code(0);
        machine.install();
        let _ = machine
            .run(&format!("PORT={port}\n{WITHOUT_THE_ARCHIVE}"))
            .expect_code(0);
        let server = Self { machine, port };
        server.wire(main, master);
        Some(server)
    }

    /// Follows the page under "Postfix".
    fn wire(&self, main: &str, master: &str) {
        let home = self.machine.path("/root");
        let save = |name: &str, text: &str| {
            fs::write(home.join(name), self.machine.with_subkey(text)).unwrap();
        };
        save("archive.main.cf", main);
        save("archive.master.cf", master);
        let commands = page::commands_under("Postfix");
        let ran = self.run(&format!("set -e\n{commands}"));
        assert_eq!(ran.stdout, "");
        wait_for(|| self.log().contains("reload -- version").then_some(()));
    }

    /// Runs a script on the server, which must succeed.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Ran {
        self.machine.run(script).expect_code(0)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.machine.path("/var/log/mail.log")).unwrap_or_default()
    }

    /// Offers a mail to one address: what the log says, first, of how that went.
    pub(crate) fn outcome(&self, to: &str, mail: &[u8]) -> String {
        let from = "alice@example.org";
        assert_eq!(offer(self.port, Envelope { from, to: &[to] }, mail), 250);
        self.outcome_of(to)
    }

    /// What the log says, first, of how the delivery to an address went.
    pub(crate) fn outcome_of(&self, to: &str) -> String {
        let to = format!("to=<{to}>");
        wait_for(|| {
            let log = self.log();
            let line = log.lines().find(|line| line.contains(&to));
            line.and_then(|line| Some(line.split_once("status=")?.1.to_owned()))
        })
    }

    fn queue(&self, names: &[&str]) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for name in names {
            files_below(
                &self.machine.path("/var/spool/postfix").join(name),
                &mut files,
            );
        }
        files
    }

    /// Whether a mail is on its way.
    pub(crate) fn is_busy(&self) -> bool {
        !self.queue(&["maildrop", "incoming", "active"]).is_empty()
    }

    /// Waits until Postfix has tried to deliver each mail that it has.
    pub(crate) fn settle(&self) {
        let mut quiet = 0;
        wait_for(|| {
            quiet = if self.is_busy() { 0 } else { quiet + 1 };
            (quiet > 20).then_some(())
        });
    }

    /// The files of the mails that wait.
    pub(crate) fn waiting(&self) -> Vec<Vec<u8>> {
        let files = self.queue(&["maildrop", "incoming", "active", "deferred"]);
        files.iter().flat_map(fs::read).collect()
    }

    /// Has Postfix try again, and waits until nothing waits any more.
    pub(crate) fn flush(&self) {
        self.run("postqueue -f");
        wait_for(|| {
            let waiting = self.queue(&["maildrop", "incoming", "active", "deferred"]);
            waiting.is_empty().then_some(())
        });
    }

    /// Holds the vault's lock, as a hook does while it writes.
    pub(crate) fn lock_vault(&self) -> File {
        let vault = File::open(self.vault()).unwrap();
        vault.lock().unwrap();
        vault
    }

    fn vault(&self) -> PathBuf {
        self.machine.path("/var/lib/archiver/VAULT")
    }

    /// How many records the vault has, as anybody can count them.
    pub(crate) fn records(&self) -> usize {
        let vault = fs::read(self.vault()).unwrap_or_default();
        let begins = |line: &&[u8]| *line == b"-----BEGIN PGP MESSAGE-----";
        vault.split(|byte| *byte == b'\n').filter(begins).count()
    }

    /// The mails in the vault, which must be without any fault but records that were cut off, where those are expected.
    pub(crate) fn mails(&self, code: i32) -> Vec<Vec<u8>> {
        self.machine.site.open(&[self.vault()], code)
    }

    /// Fails the test when `mark` stands in a file of the machine outside Postfix's queue.
    #[track_caller]
    pub(crate) fn assert_no_plaintext(&self, mark: &[u8]) {
        let mut files = Vec::new();
        files_below(self.machine.disk(), &mut files);
        files_below(&self.machine.path("/var/lib/archiver"), &mut files);
        let queue = self.machine.disk().join("spool/postfix");
        for file in files.iter().filter(|file| !file.starts_with(&queue)) {
            // The programs are large, and no mail.
            let program = file.ends_with("archiver-encrypt") || file.ends_with("away");
            let bytes = fs::read(file).unwrap_or_default();
            let holds = !program && bytes.windows(mark.len()).any(|window| window == mark);
            assert!(!holds, "{} holds a mail", file.display());
        }
    }
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            files_below(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
