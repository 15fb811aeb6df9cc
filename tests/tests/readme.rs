//! The README says what the program does: its transcript is run, its commands exist.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::VecDeque;

use custody_tests::{custodian, run};

const README: &str = include_str!("../../README.md");

/// The lines of the console block whose first line is `command`.
fn transcript(command: &str) -> Vec<&'static str> {
    let block = README
        .split("```console\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .find(|block| block.starts_with(command))
        .unwrap_or_else(|| panic!("no transcript of {command}"));
    block.lines().skip(1).collect()
}

/// Compares line by line; `[...]` stands for any number of lines.
fn assert_matches(expected: &[&str], actual: &str) {
    let mut actual: VecDeque<&str> = actual.lines().collect();
    let mut skipping = false;
    for line in expected {
        if *line == "[...]" {
            skipping = true;
            continue;
        }
        let place = actual.iter().position(|found| found == line);
        match place {
            Some(place) if place == 0 || skipping => drop(actual.drain(..=place)),
            _ => panic!(
                "expected {line:?}, the program says:\n{}",
                Vec::from(actual).join("\n")
            ),
        }
        skipping = false;
    }
    assert!(
        skipping || actual.is_empty(),
        "the program says more: {actual:?}"
    );
}

#[test]
fn the_rehearsal_says_what_the_readme_shows() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(custodian()
        .args(["rehearse", "--out", "rehearsal"])
        .current_dir(folder.path()))
    .expect_code(0);
    assert_matches(
        &transcript("$ custodian rehearse"),
        &format!("{}{}", ran.stderr, ran.stdout),
    );
}

#[test]
fn every_command_that_the_readme_names_has_help_with_an_example() {
    for command in [
        "ceremony", "check", "rebuild", "open", "inspect", "rehearse",
    ] {
        assert!(
            README.contains(&format!("custodian {command}")),
            "{command}"
        );
        let _ = run(custodian().args([command, "--help"]))
            .expect_code(0)
            .prints("Example:");
    }
}
