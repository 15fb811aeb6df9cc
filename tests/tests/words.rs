//! The words that a sheet's page shows open the archive, typed into a text file as people type.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use custody_tests::{Ceremony, Ran, custodian, needs, run};

/// The text of a sheet's page as `pdftotext` finds it, or nothing where it is not installed.
fn printed_page(ceremony: &Ceremony, share: u8) -> Option<String> {
    if !needs("pdftotext") {
        return None;
    }
    let sheet = ceremony.sheet_pdf(share);
    let text = Command::new("pdftotext")
        .arg("-layout")
        .arg(sheet)
        .arg("-")
        .output()
        .unwrap();
    Some(String::from_utf8(text.stdout).unwrap())
}

/// What a person reads from the page: the rows.
fn printed_words(ceremony: &Ceremony, share: u8) -> Option<String> {
    let text = printed_page(ceremony, share)?;
    let (_, lower) = text.split_once("type the words.").unwrap();
    let rows = lower
        .lines()
        .skip(1)
        .take_while(|line| !line.contains("Or type"))
        .filter(|line| !line.trim().is_empty());
    let rows = rows.map(str::to_owned).collect::<Vec<_>>().join("\n");
    assert_eq!(
        rows.split_whitespace().count(),
        11 * 6,
        "{} rows",
        rows.lines().count()
    );
    Some(rows)
}

fn typed(ceremony: &Ceremony, name: &str, words: &str) -> PathBuf {
    let path = ceremony.path(name);
    fs::write(&path, words).unwrap();
    path
}

fn check(ceremony: &Ceremony, sheet: &Path) -> Ran {
    run(custodian()
        .args(["check", "--public"])
        .arg(ceremony.public())
        .arg(sheet))
}

#[test]
fn the_words_printed_on_two_sheets_open_the_archive() {
    let ceremony = Ceremony::hold();
    let Some(first) = printed_words(&ceremony, 1) else {
        return;
    };
    let third = printed_words(&ceremony, 3).unwrap();
    let mail = b"Subject: a\n\nbody\n";
    ceremony.archive(mail);

    let short: Vec<String> = third
        .split_whitespace()
        .map(|word| word.chars().take(4).collect())
        .collect();
    let sheets = [
        typed(&ceremony, "1.txt", &first),
        typed(&ceremony, "3.txt", &short.join(" ")),
    ];
    let _ = run(ceremony
        .command("open", &sheets, &ceremony.path("opened"))
        .arg(ceremony.vault()))
    .expect_code(0);

    assert_eq!(ceremony.opened_mails("opened"), [mail]);
}

#[test]
fn an_unreadable_word_is_restored_and_said_and_a_wrong_row_is_named() {
    let ceremony = Ceremony::hold();
    let Some(words) = printed_words(&ceremony, 2) else {
        return;
    };
    let tokens: Vec<&str> = words.split_whitespace().collect();
    let letter = tokens.iter().position(|token| *token == "C").unwrap();

    let mut torn = tokens.clone();
    torn[letter + 2] = "?";
    let ran = check(&ceremony, &typed(&ceremony, "torn.txt", &torn.join(" ")));
    let ran = ran.expect_code(0);
    assert!(
        ran.stderr.contains("row C, word 2 was unreadable"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("sheet 2, verified"), "{}", ran.stdout);

    let mut swapped = tokens.clone();
    swapped.swap(letter + 1, letter + 2);
    let ran = check(
        &ceremony,
        &typed(&ceremony, "swapped.txt", &swapped.join(" ")),
    )
    .expect_code(1);
    assert!(
        ran.stdout.contains("row C: one of its words is wrong"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("compare these rows with the sheet"),
        "{}",
        ran.stdout
    );
    assert!(
        !ran.stdout.contains(tokens[letter + 1]),
        "the words are not repeated"
    );

    let mut twice = tokens.clone();
    twice[letter + 1] = "?";
    twice[letter + 2] = "academic";
    let ran = check(&ceremony, &typed(&ceremony, "twice.txt", &twice.join(" "))).expect_code(1);
    assert!(ran.stdout.contains("compare row C first"), "{}", ran.stdout);
}

#[test]
fn the_text_of_a_whole_page_is_understood_also_beside_another_sheets_code() {
    let ceremony = Ceremony::hold();
    let Some(page) = printed_page(&ceremony, 1) else {
        return;
    };
    for (name, text, shares) in [
        ("page.txt", page.clone(), 1),
        ("own.txt", page.clone() + &ceremony.sheet_text(1), 1),
        ("other.txt", page.clone() + &ceremony.sheet_text(2), 2),
    ] {
        let ran = check(&ceremony, &typed(&ceremony, name, &text)).expect_code(0);
        let verified = format!("{shares} verified");
        assert!(ran.stdout.contains(&verified), "{name}: {}", ran.stdout);
    }
}

#[test]
fn words_of_a_wallet_are_no_share() {
    let ceremony = Ceremony::hold();
    let rows: Vec<String> = ('A'..='K')
        .map(|letter| format!("{letter} abandon ability able about above"))
        .collect();
    let ran = check(&ceremony, &typed(&ceremony, "wallet.txt", &rows.join("\n"))).expect_code(1);
    assert!(
        ran.stdout.contains("words of another list or language"),
        "{}",
        ran.stdout
    );
}
