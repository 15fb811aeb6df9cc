//! The recipes that the page warns of do what it says they do.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use custody_tests::run;

use crate::page;
use crate::site::{Agent, Kind, Recipe, Site, wait_for};

const HOOK: &str = "/usr/local/bin/archiver-encrypt --cert /etc/archiver/archive.cert.asc --vault /var/lib/archiver/VAULT";
const MAIL: &[u8] = b"Subject: lost?\n\nIn plaintext?\n";

/// A site whose hook always fails, and a recipe in front of a mailbox.
fn failing(agent: Agent, recipe: &str) -> Option<(Site, Recipe)> {
    let site = Site::new()?;
    site.replace_hook("cat > /dev/null; exit 75");
    let recipe = site.with_mailbox(agent, &recipe.replace("HOOK", HOOK));
    Some((site, recipe))
}

fn is_in_mailbox(site: &Site) -> bool {
    fs::read(site.mailbox()).is_ok_and(|mailbox| !mailbox.is_empty())
}

#[test]
fn procmail_loses_the_copy_of_a_recipe_that_does_not_wait() {
    assert!(page::shows("| `:0 c` and the hook |"));
    let Some((site, recipe)) = failing(Agent::Procmail, ":0 c\n| HOOK\n") else {
        return;
    };
    assert_eq!(recipe.deliver(MAIL).code, 0);
    assert!(is_in_mailbox(&site) && !site.vault().exists());
}

#[test]
fn procmail_goes_on_to_the_mailbox_when_a_waiting_recipe_fails() {
    assert!(page::shows("| `:0 w` and the hook |"));
    let Some((site, recipe)) = failing(Agent::Procmail, ":0 w\n| HOOK\n") else {
        return;
    };
    assert_eq!(recipe.deliver(MAIL).code, 0);
    assert!(is_in_mailbox(&site) && !site.vault().exists());
}

#[test]
fn an_exit_code_alone_takes_an_empty_program_for_an_archived_mail() {
    assert!(page::shows(
        "| `:0 cw`, then `:0 e` with `EXITCODE=75` and `HOST` |"
    ));
    let recipe = ":0 cw\n| HOOK\n\n:0 e\n{\n EXITCODE=75\n HOST\n}\n";
    let Some((site, recipe)) = failing(Agent::Procmail, recipe) else {
        return;
    };
    assert_eq!(recipe.deliver(MAIL).code, 75);
    assert!(!is_in_mailbox(&site));
    fs::write(site.hook(), "").unwrap();
    // When the empty program ends before procmail has written the mail, procmail notices.
    let taken_for_success = (0..200).any(|_| recipe.deliver(MAIL).code == 0);
    assert!(taken_for_success && is_in_mailbox(&site) && !site.vault().exists());
}

#[test]
fn procmail_without_m_passes_over_a_recipe_file_that_is_missing_or_writable_for_others() {
    assert!(page::shows("| `procmail FILE` without `-m` |"));
    let Some(site) = Site::new() else { return };
    let text = Agent::Procmail.recipe(Kind::OwnAddress);
    let recipe = site.with_mailbox(Agent::Procmail, text);
    let writable = fs::Permissions::from_mode(0o666);
    fs::set_permissions(recipe.file(), writable).unwrap();
    for _ in 0..2 {
        assert_eq!(recipe.deliver(MAIL).code, 0);
        assert!(is_in_mailbox(&site) && !site.vault().exists());
        fs::remove_file(site.mailbox()).unwrap();
        let _ = fs::remove_file(recipe.file());
    }
}

#[test]
fn of_the_signals_to_procmail_only_term_keeps_the_mail() {
    assert!(page::shows(
        "Do not send procmail a signal other than TERM."
    ));
    let Some(site) = Site::new() else { return };
    let recipe = site.recipe(Agent::Procmail, Kind::OwnAddress);
    let started = site.path("started");
    let script = format!("cat > /dev/null; touch {}; sleep 1", started.display());
    site.replace_hook(&script);
    for (signal, code) in [("TERM", 75), ("HUP", 73), ("INT", 73), ("QUIT", 0)] {
        let mut procmail = minding_signals(&recipe.command())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        procmail.stdin.take().unwrap().write_all(MAIL).unwrap();
        wait_for(|| fs::remove_file(&started).ok());
        let id = procmail.id().to_string();
        let _ = run(Command::new("kill").args(["-s", signal, &id])).expect_code(0);
        assert_eq!(procmail.wait().unwrap().code(), Some(code), "{signal}");
    }
    assert!(!site.vault().exists());
}

/// The same command with all signals at their defaults: under nohup, or behind a script, some are ignored.
fn minding_signals(command: &Command) -> Command {
    let mut minding = Command::new("env");
    minding
        .arg("--default-signal")
        .arg(command.get_program())
        .args(command.get_args());
    minding
}

#[test]
fn maildrops_cc_notes_the_failure_and_delivers() {
    assert!(page::shows(r#"maildrop: `cc "\| archiver-encrypt …"`"#));
    let Some((site, recipe)) = failing(Agent::Maildrop, "SHELL=\"/bin/sh\"\ncc \"| HOOK\"\n")
    else {
        return;
    };
    assert_eq!(recipe.deliver(MAIL).code, 75);
    assert!(is_in_mailbox(&site) && !site.vault().exists());
}

#[test]
fn maildrops_to_lets_the_shells_exit_codes_through() {
    assert!(page::shows(r#"maildrop: `to "\| archiver-encrypt …"`"#));
    let Some((site, recipe)) = failing(Agent::Maildrop, "SHELL=\"/bin/sh\"\nto \"| HOOK\"\n")
    else {
        return;
    };
    site.replace_hook("cat > /dev/null; kill -KILL $$");
    assert!([137, 255].contains(&recipe.deliver(MAIL).code));
    fs::remove_file(site.hook()).unwrap();
    assert_eq!(recipe.deliver(MAIL).code, 127);
}
