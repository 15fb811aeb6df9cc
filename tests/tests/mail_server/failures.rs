//! Whatever fails: exit code 75, the mail nowhere in plaintext, the vault as before, and the mail in the vault once the fault is mended
//! and the mail server tries again.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use custody_tests::{run, tmpfs};

use crate::page;
use crate::site::{Agent, Kind, Recipe, Site, wait_for};

const MARK: &str = "kept by the mail server";

/// A fault, and how it is mended.
struct Fault {
    name: &'static str,
    cause: fn(&Site),
    mend: fn(&Site),
    /// What the log says, where there is a hook to say it; these words stand on the page.
    log: &'static [&'static str],
}

const FAULTS: [Fault; 9] = [
    Fault {
        name: "the hook is missing",
        cause: |site| fs::remove_file(site.hook()).unwrap(),
        mend: Site::restore_hook,
        log: &[],
    },
    Fault {
        name: "the hook is not executable",
        cause: |site| {
            site.replace_hook("echo archived seq=1");
            fs::remove_file(site.hook()).unwrap();
            // Not the hook itself: procmail has a shell read it then, and there is much in it to be taken for a command.
            fs::copy("/bin/true", site.hook()).unwrap();
            fs::set_permissions(site.hook(), Permissions::from_mode(0o644)).unwrap();
        },
        mend: Site::restore_hook,
        log: &[],
    },
    Fault {
        name: "the hook is an empty file",
        cause: |site| write_program(site, &[]),
        mend: Site::restore_hook,
        log: &[],
    },
    Fault {
        name: "the hook is a file of zero bytes, as after a power cut",
        cause: |site| write_program(site, &[0; 5000]),
        mend: Site::restore_hook,
        log: &[],
    },
    Fault {
        name: "the hook is killed",
        cause: |site| site.replace_hook("kill -KILL $$"),
        mend: Site::restore_hook,
        log: &[],
    },
    Fault {
        name: "the certificate is missing",
        cause: |site| fs::rename(site.certificate(), site.path("away")).unwrap(),
        mend: |site| fs::rename(site.path("away"), site.certificate()).unwrap(),
        log: &[
            "certificate ",
            " could not be read: ",
            "; check --cert, and that the user who runs the hook may read it",
        ],
    },
    Fault {
        name: "the certificate is a folder",
        cause: |site| {
            fs::rename(site.certificate(), site.path("away")).unwrap();
            fs::create_dir(site.certificate()).unwrap();
        },
        mend: |site| {
            fs::remove_dir(site.certificate()).unwrap();
            fs::rename(site.path("away"), site.certificate()).unwrap();
        },
        log: &["certificate ", " is not a file; "],
    },
    Fault {
        name: "the certificate is no certificate",
        cause: |site| {
            fs::rename(site.certificate(), site.path("away")).unwrap();
            fs::write(site.certificate(), "nothing").unwrap();
        },
        mend: |site| fs::rename(site.path("away"), site.certificate()).unwrap(),
        log: &["put the file archive.cert.asc of the ceremony there"],
    },
    Fault {
        name: "the vault's folder is missing",
        cause: |site| fs::rename(site.vault().parent().unwrap(), site.path("moved")).unwrap(),
        mend: |site| fs::rename(site.path("moved"), site.vault().parent().unwrap()).unwrap(),
        log: &[
            "vault ",
            ": it could not be opened and locked: its folder does not exist; make it, ",
        ],
    },
];

fn write_program(site: &Site, bytes: &[u8]) {
    site.replace_hook("");
    fs::write(site.hook(), bytes).unwrap();
}

fn marked(number: usize) -> Vec<u8> {
    format!("Subject: {number}\n\n{MARK}\n").into_bytes()
}

/// Too long for a pipe: the agent is still writing when the hook ends.
fn marked_and_long() -> Vec<u8> {
    format!("Subject: long\n\n{}", format!("{MARK}\n").repeat(50_000)).into_bytes()
}

#[track_caller]
fn assert_kept(site: &Site, recipe: &Recipe, mail: &[u8], fault: &str) -> String {
    let ran = recipe.deliver(mail);
    assert_eq!(ran.code, 75, "{fault}: {}", ran.stderr);
    site.assert_no_plaintext(MARK);
    ran.stderr
}

#[test]
fn with_any_fault_the_mail_waits_in_the_queue_and_arrives_once_when_it_is_mended() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::OwnAddress);
        let mut expected = vec![marked(99)];
        let _ = recipe.deliver(&marked(99)).expect_code(0);
        for (number, fault) in FAULTS.iter().enumerate() {
            let before = fs::read(site.vault()).unwrap();
            (fault.cause)(&site);
            assert_kept(&site, &recipe, &marked(number), fault.name);
            assert_kept(&site, &recipe, &marked_and_long(), fault.name);
            let log = site.log();
            for words in fault.log {
                assert!(log.contains(words), "{agent:?}, {}: {log}", fault.name);
                assert!(page::shows(words), "{words} is not on the page");
            }
            (fault.mend)(&site);
            assert_eq!(fs::read(site.vault()).unwrap(), before, "{}", fault.name);
            let _ = recipe.deliver(&marked(number)).expect_code(0);
            expected.push(marked(number));
        }
        assert_eq!(site.mails(), expected);
    }
}

#[test]
fn in_front_of_a_delivery_nobody_gets_a_mail_that_is_not_archived() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::InFront);
        for fault in &FAULTS {
            (fault.cause)(&site);
            assert_kept(&site, &recipe, &marked(0), fault.name);
            assert_kept(&site, &recipe, &marked_and_long(), fault.name);
            (fault.mend)(&site);
        }
        assert!(!site.mailbox().exists());
        assert!(!site.vault().exists());
    }
}

#[test]
fn on_a_full_disk_the_vault_stays_as_it_was_and_the_mail_waits() {
    for agent in Agent::ALL {
        let Some(disk) = tmpfs(64) else { return };
        let Some(site) = Site::new().map(|site| site.with_vaults_in(disk.path())) else {
            return;
        };
        let recipe = site.recipe(agent, Kind::OwnAddress);
        let _ = recipe.deliver(&marked(1)).expect_code(0);
        let before = fs::read(site.vault()).unwrap();
        // Fills the disk but for a page, so that a record finds room for its beginning only.
        let filler = disk.path().join("filler");
        let mut file = File::create(&filler).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        file.set_len(file.metadata().unwrap().len() - 4096).unwrap();
        let numbers: Vec<String> = (0..20_000_u64)
            .map(|n| (n * n * 2_654_435_761).to_string())
            .collect();
        let noise = numbers.join(" ");
        let mail = format!("Subject: full\n\n{MARK}\n{noise}\n").into_bytes();

        assert_kept(&site, &recipe, &mail, "the disk is full");
        assert_eq!(fs::read(site.vault()).unwrap(), before);
        let words = " bytes found room, and they were taken back";
        assert!(
            site.log().contains(words) && page::shows(words),
            "{}",
            site.log()
        );

        fs::remove_file(filler).unwrap();
        let small = marked(2);
        let _ = recipe.deliver(&small).expect_code(0);
        assert_eq!(site.mails(), [marked(1), small]);
    }
}

/// The process that was started as `program`. The hook's `/proc/…/exe` is for root's eyes only.
fn process_of(program: &Path) -> Option<String> {
    let mut processes = fs::read_dir("/proc").unwrap().flatten();
    let is_program = |line: Vec<u8>| {
        line.split(|byte| *byte == 0).next() == Some(program.as_os_str().as_bytes())
    };
    processes
        .find(|process| fs::read(process.path().join("cmdline")).is_ok_and(is_program))
        .map(|process| process.file_name().to_str().unwrap().to_owned())
}

#[test]
fn a_hook_that_is_killed_while_it_waits_for_the_vault_leaves_the_mail_in_the_queue() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::OwnAddress);
        let _ = recipe.deliver(&marked(1)).expect_code(0);
        let vault = File::open(site.vault()).unwrap();
        vault.lock().unwrap();

        let mut child = recipe.command().stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&marked(2)).unwrap();
        let process = wait_for(|| process_of(&site.hook()));
        let _ = run(Command::new("kill").args(["-KILL", &process])).expect_code(0);
        assert_eq!(child.wait().unwrap().code(), Some(75), "{agent:?}");
        site.assert_no_plaintext(MARK);

        vault.unlock().unwrap();
        let _ = recipe.deliver(&marked(2)).expect_code(0);
        assert_eq!(site.mails(), [marked(1), marked(2)]);
    }
}

#[test]
fn a_recipe_file_that_cannot_be_used_keeps_the_mail_in_the_queue() {
    for agent in Agent::ALL {
        let Some(site) = Site::new() else { return };
        let recipe = site.recipe(agent, Kind::OwnAddress);
        fs::set_permissions(recipe.file(), Permissions::from_mode(0o666)).unwrap();
        assert_kept(&site, &recipe, &marked(1), "others may write the recipe");
        fs::remove_file(recipe.file()).unwrap();
        assert_kept(&site, &recipe, &marked(1), "the recipe is missing");
        assert!(!site.vault().exists());
    }
    assert!(page::shows(
        "`-t` makes procmail's own failures 75 instead of 73"
    ));
    let Some(site) = Site::new() else { return };
    let recipe = site.recipe(Agent::Procmail, Kind::OwnAddress);
    fs::remove_file(recipe.file()).unwrap();
    let without_t = recipe.with_options(|words| words.retain(|word| word != "-t"));
    assert_eq!(without_t.deliver(&marked(1)).code, 73);
}

#[test]
fn a_log_that_cannot_be_written_stops_maildrop_and_not_procmail() {
    let Some(site) = Site::new() else { return };
    fs::create_dir(site.path("log")).unwrap();
    let recipe = |agent| site.recipe(agent, Kind::OwnAddress);
    let _ = recipe(Agent::Procmail).deliver(&marked(1)).expect_code(0);
    assert_kept(&site, &recipe(Agent::Maildrop), &marked(2), "no log");
    assert_eq!(site.mails(), [marked(1)]);
}
