//! What the program says of itself: the examples of `--help` work as they stand, the shells take the completions, man the pages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use custody_tests::{Ceremony, Ran, custodian, hook, needs, run, run_with_stdin};

/// The commands, as `custodian --help` lists them.
fn commands() -> Vec<String> {
    let help = run(custodian().arg("--help")).expect_code(0).stdout;
    let listed = help.split("Commands:\n").nth(1).unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    // What goes on in the next line stands further to the right.
    let begun = listed.filter_map(|line| {
        line.strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
    });
    let names = begun.map(|line| line.split_whitespace().next().unwrap().to_owned());
    names.filter(|name| name != "help").collect()
}

/// The lines below "Example:" or "Examples:", up to a blank one.
fn examples(command: &str) -> Vec<String> {
    let help = run(custodian().args([command, "--help"]))
        .expect_code(0)
        .stdout;
    let after = help.split("\nExample").nth(1).unwrap_or_default();
    let lines = after.lines().skip(1).take_while(|line| !line.is_empty());
    lines.map(|line| line.trim().to_owned()).collect()
}

/// A folder with all that the examples name.
fn scene() -> Ceremony {
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: x\n\nx\n");
    let here = ceremony.path("");
    for (share, name) in [(1, "anna.png"), (2, "bo.png"), (1, "sheet-of-anna.png")] {
        fs::copy(ceremony.sheet_picture(share, 200.0), here.join(name)).unwrap();
    }
    fs::copy(ceremony.vault(), here.join("COPY")).unwrap();
    fill_segments(&ceremony, &here.join("SEGMENTS"));
    let copied = run(Command::new("cp")
        .arg("-r")
        .arg(ceremony.public())
        .arg(here.join("public")));
    let _ = copied.expect_code(0);
    ceremony
}

/// A vault of which every mail is a segment.
fn fill_segments(ceremony: &Ceremony, vault: &Path) {
    fs::create_dir(vault).unwrap();
    let rules = "archiver segments 1 size=1 day=no\n";
    fs::write(vault.join("segments.conf"), rules).unwrap();
    for _ in 0..3 {
        let mut hook = hook();
        hook.arg("--cert").arg(ceremony.certificate());
        let archived = run_with_stdin(hook.arg("--vault").arg(vault), b"Subject: x\n\nx\n");
        let _ = archived.expect_code(0);
    }
}

/// Runs a line as somebody types it at a terminal, who answers every question with `yes`.
fn at_a_terminal(line: &str, folder: &Path) -> Ran {
    let program = custodian().get_program().to_owned();
    let path = std::env::join_paths(
        std::iter::once(Path::new(&program).parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    terminal.env("PATH", path.unwrap()).env("MANPAGER", "cat");
    terminal.current_dir(folder);
    run_with_stdin(&mut terminal, b"yes\nyes\nyes\n")
}

/// They ask for all that is needed; tests/interactive.rs answers.
const ASKING: [&str; 2] = [
    "custodian ceremony --out ceremony",
    "custodian open --public public --out opened VAULT",
];

#[test]
fn every_command_has_an_example_and_each_works_as_it_stands() {
    if !needs("script") || !needs("man") {
        return;
    }
    let scene = scene();
    for command in commands() {
        let examples = examples(&command);
        assert!(!examples.is_empty(), "{command} has no example");
        for line in examples
            .iter()
            .filter(|line| !ASKING.contains(&line.as_str()))
        {
            let ran = at_a_terminal(line, &scene.path(""));
            assert_eq!(ran.code, 0, "{line}\n{}\n{}", ran.stdout, ran.stderr);
        }
    }
}

#[test]
fn completions_know_every_command_and_bash_takes_them() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(custodian().args(["completions", shell]))
            .expect_code(0)
            .stdout;
        for command in commands() {
            assert!(script.contains(&command), "{shell} does not know {command}");
        }
        let path = folder.path().join(shell);
        fs::write(&path, script).unwrap();
        if shell == "bash" {
            let _ = run(Command::new("bash").arg("-n").arg(&path)).expect_code(0);
        }
    }
    let unknown = run(custodian().args(["completions", "csh"]));
    let _ = unknown
        .expect_code(2)
        .says("possible values: bash, zsh, fish");
}

#[test]
fn bash_completes_a_command_and_an_option() {
    let script = "source <(\"$0\" completions bash)
        COMP_WORDS=(custodian reh) COMP_CWORD=1; _custodian custodian reh custodian; echo \"${COMPREPLY[*]}\"
        COMP_WORDS=(custodian open --pub) COMP_CWORD=2; _custodian custodian --pub open; echo \"${COMPREPLY[*]}\"";
    let completed = run(Command::new("bash")
        .args(["-c", script])
        .arg(custodian().get_program()));
    assert_eq!(completed.expect_code(0).stdout, "rehearse\n--public\n");
}

/// The hook's own page, and one for each command that its `--help` names.
fn pages_of_the_hook() -> Vec<String> {
    let help = run(hook().arg("--help")).expect_code(0).stdout;
    let (_, commands) = help.split_once("Not a delivery").unwrap();
    let commands = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  archiver-encrypt "));
    let named = commands.map(|line| line.split_once(' ').unwrap().0);
    let mut pages: Vec<String> = named
        .map(|name| format!("archiver-encrypt-{name}.1"))
        .collect();
    assert!(pages.len() >= 2, "{help}");
    // What stands below `seal` has a page of its own, too.
    pages.push("archiver-encrypt-seal-install.1".to_owned());
    pages.push("archiver-encrypt.1".to_owned());
    pages
}

#[test]
fn there_is_a_page_for_each_command_and_man_shows_it_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("pages");
    let _ = run(custodian().arg("man").arg(&pages)).expect_code(0);
    let mut expected: Vec<String> = commands()
        .iter()
        .map(|command| format!("custodian-{command}.1"))
        .chain(["custodian.1".to_owned()])
        .chain(pages_of_the_hook())
        .collect();
    expected.sort();
    let entries = fs::read_dir(&pages).unwrap().flatten();
    let mut found: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, expected);
    if !needs("man") {
        return;
    }
    for name in found {
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"])
            .arg(pages.join(&name));
        let shown = run(man.env("MANWIDTH", "100").env("LC_ALL", "C.UTF-8")).expect_code(0);
        assert_eq!(shown.stderr, "", "{name}");
        // man stretches lines with blanks.
        let text = shown
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains("Print help"), "{name}\n{text}");
    }
    let again = run(custodian().arg("man").arg(&pages)).expect_code(5);
    let _ = again.says("pages is not empty");
}
