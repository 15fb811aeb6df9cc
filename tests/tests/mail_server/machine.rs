//! The page followed word for word on a machine of its own: every command that it shows, run by root at the very paths that it names.
//!
//! The machine is this one, with `/etc`, `/home` and the folders under `/var` and `/usr/local/bin` hidden behind scratch copies, for one shell only.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use custody_tests::{Ran, Tmpfs, custodian, hook, run, tmpfs};

use crate::page;
use crate::site::{Agent, Kind, Site, rotated};

/// Room for the programs, unoptimised, and a copy of /etc.
const DISK_KILOBYTES: usize = 2_000_000;

const HIDE_THIS_MACHINE: &str = r#"
set -e
cp -a /etc "$DISK/etc"
mkdir "$DISK/bin" "$DISK/lib" "$DISK/log" "$DISK/home" "$DISK/mail"
chgrp mail "$DISK/mail"; chmod 2775 "$DISK/mail"
mount --bind "$DISK/etc" /etc
mount --bind "$DISK/bin" /usr/local/bin
mount --bind "$DISK/lib" /var/lib
mount --bind "$DISK/log" /var/log
mount --bind "$DISK/home" /home
mount --bind "$DISK/mail" /var/mail
rm -f /etc/procmailrc /etc/maildroprc
export PATH="$WORK/bin:$PATH"
cd "$WORK"
"#;

/// A machine on which the page's commands can be run.
struct Machine {
    site: Site,
    disk: Tmpfs,
}

impl Machine {
    /// A folder with what the administrator has been given, where mounting is permitted.
    fn new() -> Option<Self> {
        let machine = Self {
            disk: tmpfs(DISK_KILOBYTES)?,
            site: Site::new()?,
        };
        let disk = machine.disk.path();
        fs::set_permissions(disk, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(machine.work().join("bin")).unwrap();
        let put = |name: &str, text: String| fs::write(machine.work().join(name), text).unwrap();
        let text_of = |agent: Agent| machine.with_subkey(agent.recipe(Kind::OwnAddress));
        put("archive.procmailrc", text_of(Agent::Procmail));
        put("archive.mailfilter", text_of(Agent::Maildrop));
        put(
            "procmailrc",
            machine.with_subkey(Agent::Procmail.recipe(Kind::InFront)),
        );
        fs::copy(
            machine.site.certificate(),
            machine.work().join("archive.cert.asc"),
        )
        .unwrap();
        fs::copy(
            hook().get_program(),
            machine.work().join("archiver-encrypt"),
        )
        .unwrap();
        std::os::unix::fs::symlink(
            custodian().get_program(),
            machine.work().join("bin/custodian"),
        )
        .unwrap();
        Some(machine)
    }

    fn work(&self) -> PathBuf {
        self.disk.path().join("work")
    }

    fn with_subkey(&self, text: &str) -> String {
        text.replace("SUBKEY", &self.site.ceremony().subkey())
    }

    /// Runs the page's installation and then `script`, as root.
    fn run(&self, script: &str) -> Ran {
        let page: String = page::commands()
            .into_iter()
            .take_while(|block| !block.starts_with("printf"))
            .collect();
        let whole = format!("{HIDE_THIS_MACHINE}\n{page}\nset +e\n{script}");
        run(Command::new("unshare")
            .args(["--mount", "bash", "-c", &self.with_subkey(&whole)])
            .env("DISK", self.disk.path())
            .env("WORK", self.work()))
    }

    /// The vaults that the machine left.
    fn vaults(&self, names: &[&str]) -> Vec<PathBuf> {
        let folder = self.disk.path().join("lib/archiver");
        names.iter().map(|name| folder.join(name)).collect()
    }
}

/// The page's canary block.
fn canary() -> &'static str {
    let mut blocks = page::commands().into_iter();
    blocks
        .find(|block| block.starts_with("printf"))
        .expect("the page has a canary")
}

#[test]
fn an_administrator_who_follows_the_page_sees_what_it_says() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let rotation = page::commands()
        .into_iter()
        .find(|block| block.starts_with("mv "));
    let maildrop = "runuser -u archiver -- maildrop /etc/archiver/mailfilter < canary.eml; echo \"maildrop $?\"";
    let modes = "stat -c '%U %a %n' /usr/local/bin/archiver-encrypt /etc/archiver/archive.cert.asc /var/lib/archiver /var/lib/archiver/VAULT /var/log/archiver.log";
    let rotation = rotation.unwrap();
    // A second rotation on the same day leaves both vaults as they are.
    let again = format!("({rotation}) 2> /dev/null || true");
    let script = [canary(), modes, rotation, maildrop, &again].join("\n");
    let ran = machine.run(&script);
    let expected = [
        "archived seq=0 log=",
        "exit code 0",
        "exit code 75",
        "4.3.0 archiver-encrypt: certificate /etc/archiver/archive.cert.asc could not be read",
        "procmail: ",
        "2",
        "/var/lib/archiver/VAULT: 2 records, ",
        "  log ",
        "Nothing to look at.",
        "root 755 /usr/local/bin/archiver-encrypt",
        "root 644 /etc/archiver/archive.cert.asc",
        "archiver 700 /var/lib/archiver",
        "archiver 600 /var/lib/archiver/VAULT",
        "archiver 600 /var/log/archiver.log",
        "maildrop 0",
    ];
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines.len(),
        expected.len(),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
    for (line, begin) in lines.iter().zip(expected) {
        assert!(
            line.starts_with(begin),
            "{begin:?} expected:\n{}",
            ran.stdout
        );
    }
    // Which of the two it says depends on whether it had handed over the mail when the hook gave up.
    let says = ["Program failure (75) of", "Error while writing to"];
    assert!(
        says.iter().any(|said| lines[4].contains(said)),
        "{}",
        lines[4]
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));

    let mut vaults = machine.vaults(&["VAULT"]);
    vaults.insert(0, rotated(vaults[0].parent().unwrap()));
    let opened = machine.site.open(&vaults, 0);
    assert_eq!(opened.len(), 3);
    assert!(
        opened
            .iter()
            .all(|mail| mail.ends_with(b"Proves the way into the vault.\n"))
    );
}

/// Delivers to alice in the ways a mail server may: as root for her, and as her.
const DELIVER_TO_ALICE: &str = r#"
useradd --create-home alice
install -m 644 procmailrc /etc/procmailrc
printf 'Subject: to alice\n\nFor alice.\n' > mail.eml
for_alice() { runuser -u alice -- "$@"; }
deliver() {
    procmail -t -Y -d alice < mail.eml; as_root=$?
    for_alice procmail -t -Y < mail.eml; as_alice=$?
    mails=$(cat /var/mail/alice /home/alice/mine 2> /dev/null | grep -c 'For alice.')
    echo "$1: as root $as_root, as alice $as_alice, mails for alice $mails"
}
mv /usr/local/bin/archiver-encrypt /usr/local/bin/away; deliver "no hook"
mv /usr/local/bin/away /usr/local/bin/archiver-encrypt
chmod 600 /etc/archiver/archive.cert.asc; deliver "unreadable certificate"
chmod 644 /etc/archiver/archive.cert.asc
for_alice sh -c 'printf ":0:\nmine\n" > ~/.procmailrc'
chmod 500 /var/lib/archiver; deliver "no vault"
chmod 700 /var/lib/archiver; deliver "all well"

# The recipe that many pages recommend.
rm /var/mail/alice /home/alice/mine
printf ':0 cw\n| /usr/local/bin/archiver-encrypt --no-such-option\n\n:0 e\n{\n EXITCODE=75\n HOST\n}\n' > /etc/procmailrc
deliver "HOST" 2> /dev/null
echo "owner of the vault: $(stat -c %U /var/lib/archiver/VAULT)"
"#;

#[test]
fn in_front_of_everybody_the_hook_runs_as_archiver_and_nobody_gets_unarchived_mail() {
    let Some(machine) = Machine::new() else {
        return;
    };
    let ran = machine.run(DELIVER_TO_ALICE).expect_code(0);
    let seen: Vec<String> = [
        ("no hook", 75, 0),
        ("unreadable certificate", 75, 0),
        ("no vault", 75, 0),
        ("all well", 0, 2),
        ("HOST", 75, 2),
    ]
    .map(|(fault, code, mails)| {
        format!("{fault}: as root {code}, as alice {code}, mails for alice {mails}")
    })
    .to_vec();
    let expected = format!("{}\nowner of the vault: archiver\n", seen.join("\n"));
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);

    let log = fs::read_to_string(machine.disk.path().join("log/archiver.log")).unwrap();
    for words in [
        ": Permission denied",
        "it could not be opened and locked: Permission denied",
    ] {
        assert!(log.contains(words), "{log}");
    }
    let opened = machine.site.open(&machine.vaults(&["VAULT"]), 0);
    let [by_root, by_alice] = opened.as_slice() else {
        panic!("{} mails", opened.len())
    };
    assert!(
        by_root.starts_with(b"From root "),
        "procmail -d puts a line in front"
    );
    assert_eq!(by_alice, b"Subject: to alice\n\nFor alice.\n");
}
