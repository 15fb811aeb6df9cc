//! Mails arrive: whole, once, and as they were handed over.

use std::fs;
use std::process::Command;
use std::thread;

use custody_tests::{rehearsal_mails, run};

use crate::page;
use crate::site::{Agent, Kind, Recipe, Site, rotated};

const MAILS: usize = 40;
const AT_ONCE: usize = 8;

/// The rehearsal's mails, and what makes delivery programs stumble.
fn mails() -> Vec<Vec<u8>> {
    let long = "A line of a long mail, with a number: ".repeat(100_000);
    let mut mails = rehearsal_mails();
    mails.extend([
        b"Subject: length\nContent-Length: 5\n\nMore than five bytes.\nFrom here on.\n".to_vec(),
        b"\n\nSubject: empty lines in front\n\nBody\n".to_vec(),
        format!("Subject: long\n\n{long}\n").into_bytes(),
    ]);
    mails
}

fn numbered(number: usize) -> Vec<u8> {
    let body = format!("line of mail {number:02}\n").repeat(1 + number * 200);
    format!("Subject: number {number:02}\n\n{body}").into_bytes()
}

#[test]
fn every_mail_comes_into_the_vault_once_as_it_was_handed_over() {
    let Some(site) = Site::new() else { return };
    let mut expected = Vec::new();
    for agent in Agent::ALL {
        let recipe = site.recipe(agent, Kind::OwnAddress);
        for mail in mails() {
            let ran = recipe.deliver(&mail).expect_code(0);
            assert_eq!(ran.stderr, "");
            expected.push(agent.hands_over(&mail));
        }
    }
    assert!(site.mails() == expected, "other mails than handed over");
    assert_eq!(site.log(), "");
    assert!(!site.mailbox().exists());
}

/// Eight at a time; half-way, the vault is rotated as the page says.
fn deliver_together(recipe: &Recipe, rotation: &str) {
    thread::scope(|scope| {
        for first in 0..AT_ONCE {
            scope.spawn(move || {
                for number in (first..MAILS).step_by(AT_ONCE) {
                    let _ = recipe.deliver(&numbered(number)).expect_code(0);
                    if number == MAILS / 2 {
                        let _ = run(Command::new("sh").args(["-ec", rotation])).expect_code(0);
                    }
                }
            });
        }
    });
}

#[test]
fn forty_mails_eight_at_a_time_through_a_rotation_all_arrive_once() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::OwnAddress);
        let commands = page::commands();
        let rotation = commands.iter().find(|block| block.starts_with("mv "));
        deliver_together(
            &recipe,
            &site.fill(rotation.expect("the page rotates a vault")),
        );
        let rotated = rotated(site.vault().parent().unwrap());
        let mut opened = site.open(&[rotated, site.vault()], 0);
        opened.sort();
        let expected: Vec<_> = (0..MAILS).map(numbered).collect();
        assert!(opened == expected, "{agent:?}: {} mails", opened.len());
    }
}

#[test]
fn in_front_of_a_delivery_the_mail_is_archived_and_delivered() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::InFront);
        let mail = b"Subject: to a user\n\nBoth ways.\n";
        let _ = recipe.deliver(mail).expect_code(0);
        assert_eq!(site.mails(), [mail]);
        let mailbox = fs::read_to_string(site.mailbox()).unwrap();
        assert!(mailbox.contains("Both ways."), "{mailbox}");
    }
}

/// What procmail archives when its options or the recipe's flags are others than the page's.
fn archived_by(site: &Site, recipe: &Recipe, mail: &str) -> String {
    let _ = fs::remove_file(site.vault());
    let _ = recipe.deliver(mail.as_bytes()).expect_code(0);
    String::from_utf8(site.mails().remove(0)).unwrap()
}

#[test]
fn what_procmail_changes_without_the_pages_options_is_what_the_page_says() {
    let Some(site) = Site::new() else { return };
    let mail = "From a@example.org  Mon Mar  2 09:00:00 2026\nContent-Length: 5\n\nLonger\n";
    let recipe = site.recipe(Agent::Procmail, Kind::OwnAddress);
    assert_eq!(archived_by(&site, &recipe, mail), mail);

    let without_y = recipe.with_options(|words| words.retain(|word| word != "-Y"));
    let counted = mail.replace("Length: 5", "Length: 7");
    assert_eq!(archived_by(&site, &without_y, mail), counted);

    let from = recipe.with_options(|words| {
        drop(words.splice(1..1, ["-f".to_owned(), "b@example.org".to_owned()]));
    });
    let archived = archived_by(&site, &from, mail);
    assert!(archived.starts_with("From b@example.org "), "{archived}");
    assert_eq!(
        archived.split_once('\n').unwrap().1,
        mail.split_once('\n').unwrap().1
    );

    let text = Agent::Procmail
        .recipe(Kind::OwnAddress)
        .replace(":0 rw", ":0 w");
    let not_raw = site.own_address(Agent::Procmail, &text);
    assert_eq!(archived_by(&site, &not_raw, mail), format!("{mail}\n"));
}
