//! `archiver-encrypt setup`: what it proves, what it prints, and what it refuses to call proven.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use custody_tests::{Ran, hook, needs, needs_root, run, run_with_stdin};

use crate::host::{Host, chmod};

/// A host on which the program lies as it is installed: owned by root, for everybody to run.
pub(crate) struct Installed {
    pub(crate) host: Host,
    pub(crate) program: PathBuf,
}

impl Installed {
    pub(crate) fn new() -> Option<Self> {
        if !needs_root() {
            return None;
        }
        let host = Host::new();
        let program = host.path("archiver-encrypt");
        fs::copy(hook().get_program(), &program).unwrap();
        chmod(&program, 0o755);
        fs::remove_dir(host.vault_folder()).unwrap();
        Some(Self { host, program })
    }

    /// `setup` for this host, with the user nobody.
    pub(crate) fn setup(&self, options: &[&str]) -> Ran {
        let subkey = self.host.subkey();
        self.setup_without_fingerprint(&[&["--fingerprint", &subkey], options].concat())
    }

    fn setup_without_fingerprint(&self, options: &[&str]) -> Ran {
        let mut setup = Command::new(&self.program);
        setup.arg("setup").arg("--cert").arg(self.host.cert());
        setup.arg("--vault").arg(self.host.vault());
        if !options.contains(&"--user") {
            setup.args(["--user", "nobody"]);
        }
        run(setup.args(options))
    }

    fn records(&self) -> usize {
        let vault = fs::read_to_string(self.host.vault()).unwrap_or_default();
        vault.matches("-----BEGIN PGP MESSAGE-----").count()
    }
}

#[track_caller]
pub(crate) fn assert_fails(ran: &Ran, words: &str) {
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    let failed = ran.stdout.lines().find(|line| line.starts_with("FAIL  "));
    assert!(
        failed.unwrap().contains(words),
        "{words:?} expected:\n{}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains("procmail"),
        "no recipe for what does not work"
    );
}

/// The recipe under a heading that begins so.
fn recipe(ran: &Ran, heading: &str) -> String {
    let start = format!("--- {heading}");
    let (_, behind) = ran.stdout.split_once(&start).expect("the heading");
    let (_, recipe) = behind.split_once("\n\n").unwrap();
    recipe
        .split("\n\n---")
        .next()
        .unwrap()
        .split("\n\nHow the mail")
        .next()
        .unwrap()
        .to_owned()
        + "\n"
}

#[test]
fn a_new_installation_is_made_and_proven_and_running_it_again_does_no_harm() {
    let Some(installed) = Installed::new() else {
        return;
    };
    assert_fails(
        &installed.setup(&[]),
        "make it by running this again with --create",
    );
    for records in 1..=2 {
        let ran = installed.setup(&["--create"]).expect_code(0);
        let checks = ran.stdout.lines().take_while(|line| !line.is_empty());
        assert!(
            checks.clone().count() >= 8 && checks.clone().all(|line| line.starts_with("ok    "))
        );
        assert!(
            ran.stdout
                .ends_with("The hook works as the recipes start it.\n")
        );
        assert_eq!(installed.records(), records);
    }
    let (folder, vault) = (installed.host.vault_folder(), installed.host.vault());
    let nobody = fs::metadata(&folder).unwrap().uid();
    assert_ne!(nobody, 0);
    for (path, mode) in [(folder, 0o40700), (vault, 0o100_600)] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!((metadata.uid(), metadata.mode()), (nobody, mode));
    }
}

#[test]
fn the_recipes_hold_the_command_that_was_proven_and_work() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let ran = installed.setup(&["--create"]).expect_code(0);
    let (_, proven) = ran.stdout.split_once(" by: ").unwrap();
    let proven = proven.lines().next().unwrap();
    assert!(
        ran.stdout.matches("/archiver-encrypt --confirm").count() >= 3,
        "{}",
        ran.stdout
    );
    for recipe in ran
        .stdout
        .split("\n--- ")
        .skip(1)
        .filter(|recipe| recipe.contains("--confirm"))
    {
        assert_holds(recipe, proven);
    }
    for agent in ["procmail", "maildrop"] {
        let recipe = recipe(&ran, agent);
        if !needs(agent) {
            continue;
        }
        let file = installed.host.path(agent);
        let log = installed.host.path("log");
        fs::write(
            &file,
            recipe.replace("/var/log/archiver.log", log.to_str().unwrap()),
        )
        .unwrap();
        chmod(&file, 0o600);
        let before = installed.records();
        let _ =
            run_with_stdin(&mut delivery_agent(agent, &file), b"Subject: x\n\nx\n").expect_code(0);
        assert_eq!(installed.records(), before + 1, "{agent}");
    }
}

/// The command stands in the recipe, perhaps in several lines, and nothing else of the page's paths does.
#[track_caller]
fn assert_holds(recipe: &str, command: &str) {
    let words = recipe.split_whitespace().filter(|word| *word != "\\");
    let words: Vec<&str> = words.collect();
    assert!(words.join(" ").contains(command), "{recipe}");
    for left in [
        "SUBKEY",
        "/usr/local/bin",
        "/etc/archiver/archive.cert.asc",
        "/var/lib/archiver",
    ] {
        assert!(!recipe.contains(left), "{left} is left in {recipe}");
    }
}

fn delivery_agent(agent: &str, recipe: &Path) -> Command {
    let mut command = Command::new(agent);
    if agent == "procmail" {
        command.args(["-t", "-Y", "-m"]);
    }
    command.arg(recipe);
    command
}

#[test]
fn a_folder_of_segments_is_made_with_its_rules_and_used() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let options = ["--create", "--segments", "--segment-size", "2M", "--by-day"];
    let _ = installed.setup(&options).expect_code(0);
    let folder = installed.host.vault();
    let rules = fs::read_to_string(folder.join("segments.conf")).unwrap();
    assert_eq!(rules, "archiver segments 1 size=2097152 day=yes\n");
    assert_eq!(fs::metadata(&folder).unwrap().mode(), 0o40700);
    assert!(folder.join("VAULT-000001.asc").is_file());
    for again in [&options[..], &["--segments"], &[]] {
        let ran = installed.setup(again).expect_code(0);
        assert!(ran.stdout.contains(
            "ok    the rules for segments are `archiver segments 1 size=2097152 day=yes`"
        ));
    }
    let other = installed
        .setup(&["--segments", "--segment-size", "5M"])
        .expect_code(1);
    assert!(other.stdout.contains("WARN  the rules for segments are"));
    let status = installed
        .host
        .status(&["--warn-free", "0", "--crit-free", "0"]);
    assert!(
        status
            .expect_code(0)
            .stdout
            .contains("in 1 segment, 5 records")
    );
}

#[test]
fn a_vault_at_the_top_of_a_mounted_disk_is_warned_of_and_one_in_a_folder_on_it_is_not() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let disk = installed.host.vault_folder();
    fs::create_dir(&disk).unwrap();
    let on_the_disk = |vault: &str| {
        let script = "mount -t tmpfs none \"$1\" && chmod 700 \"$1\" && chown nobody \"$1\" && shift && exec \"$@\"";
        let mut setup = Command::new("unshare");
        setup.args(["--mount", "sh", "-c", script, "sh"]).arg(&disk);
        setup.arg(&installed.program).args(["setup", "--create"]);
        setup
            .args(["--user", "nobody", "--cert"])
            .arg(installed.host.cert());
        setup.args(["--fingerprint", &installed.host.subkey()]);
        run(setup.arg("--vault").arg(disk.join(vault)))
    };
    let _ = on_the_disk("VAULT")
        .expect_code(1)
        .prints("WARN  folder ")
        .prints("a disk is mounted");
    let _ = on_the_disk("mail/VAULT").expect_code(0);
}

#[test]
fn a_path_that_is_no_vaults_is_named_and_nothing_is_made_there() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let _ = installed.setup(&["--create"]).expect_code(0);
    let setup = |vault: &Path| {
        let mut setup = Command::new(&installed.program);
        setup.args(["setup", "--user", "nobody", "--segments", "--create"]);
        setup.arg("--cert").arg(installed.host.cert());
        run(setup.arg("--vault").arg(vault))
    };
    assert_fails(&setup(&installed.host.cert()), "is the same file as ");
    for name in [
        "VAULT.seals",
        "VAULT.recipient",
        "segments.conf",
        "VAULT-000001.asc",
    ] {
        let path = installed.host.vault_folder().join(name);
        let was_there = path.exists();
        assert_fails(&setup(&path), " is the name of ");
        assert_eq!(path.exists(), was_there, "{name}");
    }
}

#[test]
fn without_the_fingerprint_from_paper_it_works_with_a_warning() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let ran = installed
        .setup_without_fingerprint(&["--create"])
        .expect_code(1);
    assert!(ran.stdout.contains("WARN  certificate "), "{}", ran.stdout);
    assert!(ran.stdout.contains(&installed.host.subkey()));
    assert!(!ran.stdout.contains("--fingerprint SUBKEY"));
}

#[test]
fn what_is_wrong_is_named_before_any_mail_is_delivered() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let host = &installed.host;
    assert_fails(
        &installed.setup(&["--user", "no-such-user"]),
        "there is no user no-such-user",
    );
    assert_fails(
        &installed.setup(&["--user", "root"]),
        "must not run as root",
    );
    let other = "0".repeat(40);
    let pinned = installed.setup_without_fingerprint(&["--create", "--fingerprint", &other]);
    assert_fails(&pinned, "was asked for, but this is the certificate");
    let relative = run(Command::new(&installed.program)
        .args(["setup", "--user", "nobody", "--cert", "c", "--vault", "V"]));
    assert_fails(&relative, "a recipe can only hold a whole path");
    let blank = run(Command::new(&installed.program)
        .args(["setup", "--user", "nobody", "--vault", "/V; rm", "--cert"])
        .arg(host.cert()));
    assert_fails(&blank, "a recipe can only hold a whole path");
    assert_fails(
        &run(Command::new(&installed.program).arg("setup")),
        "--cert",
    );
    assert_fails(
        &installed.setup(&["--segments", "--segment-size", "9"]),
        "of 1M or more",
    );

    chmod(&host.vault_folder(), 0o755);
    std::os::unix::fs::chown(host.vault_folder(), Some(0), None).unwrap();
    assert_fails(
        &installed.setup(&[]),
        "does not belong to nobody; run: chown nobody ",
    );
    std::os::unix::fs::chown(host.vault_folder(), Some(65534), None).unwrap();
    chmod(&host.vault_folder(), 0o770);
    assert_fails(
        &installed.setup(&[]),
        "may be written by others than nobody",
    );
    chmod(&host.vault_folder(), 0o700);
    chmod(&host.cert(), 0o666);
    assert_fails(&installed.setup(&[]), "run: chmod go-w ");
    chmod(&host.cert(), 0o644);
    chmod(&host.path(""), 0o777);
    assert_fails(
        &installed.setup(&[]),
        "may be exchanged by whoever may write ",
    );
    chmod(&host.path(""), 0o755);
    assert_eq!(installed.records(), 0);
}

#[test]
fn a_canary_that_does_not_arrive_is_a_failure() {
    let Some(installed) = Installed::new() else {
        return;
    };
    let host = &installed.host;
    let _ = installed.setup(&["--create"]).expect_code(0);
    chmod(&host.cert(), 0o600);
    assert_fails(
        &installed.setup(&[]),
        "the canary was not archived (exit status: 75): 4.3.0 archiver-encrypt: certificate ",
    );
    chmod(&host.cert(), 0o644);
    fs::remove_file(host.vault()).unwrap();
    std::os::unix::fs::symlink("/dev/null", host.vault()).unwrap();
    assert_fails(&installed.setup(&[]), "the canary was not archived");
}
