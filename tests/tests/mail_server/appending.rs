//! The weaker form, `>>`: what it keeps, and what it lacks.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::thread;

use custody_tests::{custodian, rehearsal_mails, run};

use crate::site::{Agent, Kind, Site};

fn numbered(agent: Agent, number: usize) -> Vec<u8> {
    format!(
        "Subject: {agent:?} {number}\n\n{}",
        "body\n".repeat(number * 100)
    )
    .into_bytes()
}

#[test]
fn appended_records_open_and_are_said_to_be_without_our_header() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::Appending);
        let mails = rehearsal_mails();
        // maildrop's `to` drops a mail without a single byte.
        let mails: Vec<_> = mails.iter().filter(|mail| !mail.is_empty()).collect();
        for mail in &mails {
            let _ = recipe.deliver(mail).expect_code(0);
        }
        let expected: Vec<_> = mails.iter().map(|mail| agent.hands_over(mail)).collect();
        assert!(site.mails() == expected, "other mails than handed over");
        let inspected = run(custodian().arg("inspect").arg(site.vault())).expect_code(0);
        let _ = inspected.prints("records without a header of ours");
        assert!(!site.mailbox().exists());
    }
}

#[test]
fn a_program_that_is_missing_killed_or_empty_keeps_the_mail_in_the_queue() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::Appending);
        let mail = b"Subject: kept\n\nkept by the mail server\n";
        for script in ["kill -KILL $$", "exit 75", "exit 0", "cat > /dev/null"] {
            site.replace_hook(script);
            assert_eq!(recipe.deliver(mail).code, 75, "{agent:?}: {script}");
        }
        fs::write(site.hook(), "").unwrap();
        assert_eq!(recipe.deliver(mail).code, 75, "{agent:?}: empty");
        fs::remove_file(site.hook()).unwrap();
        assert_eq!(recipe.deliver(mail).code, 75, "{agent:?}: missing");
        site.assert_no_plaintext("kept by");
        site.restore_hook();
        let _ = recipe.deliver(mail).expect_code(0);
        assert_eq!(site.mails(), [mail]);
    }
}

#[test]
fn behind_a_torn_record_the_next_one_is_found() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::Appending);
        let _ = recipe.deliver(b"Subject: first\n\n").expect_code(0);
        let vault = fs::read(site.vault()).unwrap();
        let mut file = OpenOptions::new().append(true).open(site.vault()).unwrap();
        file.write_all(&vault[..200]).unwrap();
        let _ = recipe.deliver(b"Subject: second\n\n").expect_code(0);
        let mails = site.open(&[site.vault()], 1);
        assert_eq!(mails, [&b"Subject: first\n\n"[..], b"Subject: second\n\n"]);
    }
}

#[test]
fn all_forms_write_to_one_vault_at_the_same_time() {
    let Some(site) = Site::new() else { return };
    let recipes = [
        (
            Agent::Procmail,
            site.recipe(Agent::Procmail, Kind::Appending),
        ),
        (
            Agent::Maildrop,
            site.recipe(Agent::Maildrop, Kind::Appending),
        ),
    ];
    let (certificate, vault) = (site.certificate(), site.vault());
    thread::scope(|scope| {
        for (agent, recipe) in &recipes {
            for half in 0..2 {
                scope.spawn(move || {
                    for number in (half..10).step_by(2) {
                        let _ = recipe.deliver(&numbered(*agent, number)).expect_code(0);
                    }
                });
            }
        }
        scope.spawn(|| {
            for number in 0..10 {
                let mut hook = custody_tests::hook();
                hook.arg("--cert")
                    .arg(&certificate)
                    .arg("--vault")
                    .arg(&vault);
                let mail = format!("Subject: hook {number}\n\n");
                let _ = custody_tests::run_with_stdin(&mut hook, mail.as_bytes()).expect_code(0);
            }
        });
    });
    let mut opened = site.mails();
    opened.sort();
    let by = |agent| (0..10).map(move |number| numbered(agent, number));
    let mut expected: Vec<_> = Agent::ALL.into_iter().flat_map(by).collect();
    expected.extend((0..10).map(|number| format!("Subject: hook {number}\n\n").into_bytes()));
    expected.sort();
    assert!(opened == expected, "{} mails", opened.len());
}

/// The agents write the file themselves.
const WRITTEN_BY_PROCMAIL: &str = "EXITCODE=75
:0 frw
| /usr/local/bin/archiver-encrypt --cert /etc/archiver/archive.cert.asc --output -

:0 a:
/var/lib/archiver/VAULT
";
const WRITTEN_BY_MAILDROP: &str = "SHELL=\"/bin/sh\"
EXITCODE=75
xfilter \"/usr/local/bin/archiver-encrypt --cert /etc/archiver/archive.cert.asc --output -\"
EXITCODE=0
to \"/var/lib/archiver/VAULT\"
";

#[test]
fn what_procmail_and_maildrop_write_themselves_opens_and_only_maildrops_lines_are_stray() {
    let mails = [
        &b"Subject: one\n\nFrom here\n"[..],
        b"Subject: two\n\n",
        b"From a\nSubject: 3\n\n",
    ];
    for (agent, recipe, code) in [
        (Agent::Procmail, WRITTEN_BY_PROCMAIL, 0),
        (Agent::Maildrop, WRITTEN_BY_MAILDROP, 1),
    ] {
        let Some(site) = Site::new() else { return };
        let recipe = site.own_address(agent, recipe);
        for mail in mails {
            let delivered = if agent == Agent::Procmail { 75 } else { 0 };
            let _ = recipe.deliver(mail).expect_code(delivered);
        }
        let inspected = run(custodian().arg("inspect").arg(site.vault())).expect_code(code);
        assert_eq!(inspected.stdout.contains("stray bytes"), code == 1);
        assert_eq!(site.open(&[site.vault()], code), mails);
    }
}
