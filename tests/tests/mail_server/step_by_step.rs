//! The page followed word for word: what the administrator who does so sees.

use std::fs;

use crate::machine::Machine;
use crate::page;
use crate::postfix::{Postfix, Route};
use crate::site::rotated;

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
    machine.install();
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
        "  origin proofs: not checked",
        "Seals: not verified",
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

    let vault = machine.path("/var/lib/archiver/VAULT");
    let vaults = [rotated(vault.parent().unwrap()), vault];
    let opened = machine.site.open(&vaults, 0);
    assert_eq!(opened.len(), 3);
    assert!(
        opened
            .iter()
            .all(|mail| mail.ends_with(b"Proves the way into the vault.\n"))
    );
}

#[test]
fn with_postfix_the_canary_is_seen_to_arrive_and_when_it_cannot_to_wait_and_then_to_arrive() {
    let Some(server) = Postfix::start(Route::StraightToTheHook) else {
        return;
    };
    let write_it = canary().lines().next().unwrap();
    let mut blocks = page::commands().into_iter();
    let send_it = blocks.find(|block| block.starts_with("# 5. "));
    let ran = server.run(&format!("{write_it}\n{}", send_it.unwrap()));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let says = |line: usize, words: &str| assert!(lines[line].contains(words), "{}", ran.stdout);
    assert_eq!(
        (lines[0], lines[lines.len() - 2]),
        ("1", "2"),
        "{}",
        ran.stdout
    );
    says(1, "-Queue ID-");
    says(
        3,
        "archiver-encrypt: certificate /etc/archiver/archive.cert.asc could not be read: ",
    );
    says(4, "archive@archive.invalid");
    says(lines.len() - 1, "Mail queue is empty");
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
    machine.install();
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

    let log = fs::read_to_string(machine.path("/var/log/archiver.log")).unwrap();
    for words in [
        ": Permission denied",
        "it could not be opened and locked: Permission denied",
    ] {
        assert!(log.contains(words), "{log}");
    }
    let vault = machine.path("/var/lib/archiver/VAULT");
    let opened = machine.site.open(&[vault], 0);
    let [by_root, by_alice] = opened.as_slice() else {
        panic!("{} mails", opened.len())
    };
    assert!(
        by_root.starts_with(b"From root "),
        "procmail -d puts a line in front"
    );
    assert_eq!(by_alice, b"Subject: to alice\n\nFor alice.\n");
}
