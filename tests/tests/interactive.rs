//! What the program asks, and how it takes the answers, in a real terminal; mistakes included.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use archiver_core::frame::from_qr_text;
use archiver_core::words::to_rows;
use custody_tests::{Ceremony, Window, custodian, run};

const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";
const CTRL_BACKSLASH: &str = "\x1c";

/// `open` or `rebuild` into `out`, without sheets.
fn without_sheets(ceremony: &Ceremony, command: &str, out: &str) -> Command {
    let none: [&str; 0] = [];
    let mut asking = ceremony.command(command, &none, &ceremony.path(out));
    if command == "open" {
        asking.arg(ceremony.vault());
    }
    asking
}

fn check_without_sheets(ceremony: &Ceremony) -> Command {
    let mut check = custodian();
    check.args(["check", "--public"]).arg(ceremony.public());
    check
}

/// A ceremony with one mail in its vault.
fn archive() -> Ceremony {
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: x\n\nx\n");
    ceremony
}

/// The rows of words of a sheet, each with its letter.
fn rows(ceremony: &Ceremony, share: u8) -> Vec<String> {
    let share = from_qr_text(&ceremony.sheet_text(share)).unwrap();
    let rows = to_rows(&share);
    let text = |row: &archiver_core::words::Row| {
        format!("{} {}", row.letter(), row.expose_words().expose_text())
    };
    rows.iter().map(text).collect()
}

/// The row with only so many letters of each word.
fn shortened(row: &str, letters: usize) -> String {
    let short = |word: &str| word.chars().take(letters).collect::<String>();
    let words: Vec<String> = row.split(' ').map(short).collect();
    words.join(" ")
}

/// The row with another word in a place from 1.
fn with_word(row: &str, place: usize, word: &str) -> String {
    let mut tokens: Vec<&str> = row.split(' ').collect();
    tokens[place] = word;
    tokens.join(" ")
}

/// No stretch of the text under a sheet's code is in what was shown.
#[track_caller]
fn assert_hidden(window: &Window, sheet_text: &str) {
    let shown = window.shown().to_uppercase();
    let (_, characters) = sheet_text.split_once(':').unwrap();
    for stretch in characters.as_bytes().windows(8) {
        let stretch = std::str::from_utf8(stretch).unwrap();
        assert!(!shown.contains(stretch), "{stretch}: {shown}");
    }
}

#[test]
fn two_scanned_sheets_open_the_vault_and_are_never_shown() {
    let ceremony = archive();
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    for (share, place) in [
        (1, "Next sheet, 0 of 2 verified: "),
        (3, "Next sheet, 1 of 2 verified: "),
    ] {
        window.sees(place);
        assert!(!window.echoes());
        window.types(&ceremony.sheet_text(share));
        window.sees(CLEAR);
    }
    window.sees("2 of 2: sheet 3, verified");
    window.sees("These sheets are enough.");
    assert_eq!(window.ends(), 0, "{window:?}");
    assert!(window.echoes());
    assert_hidden(&window, &ceremony.sheet_text(1));
    assert_hidden(&window, &ceremony.sheet_text(3));
    assert_eq!(ceremony.opened_mails("opened"), [b"Subject: x\n\nx\n"]);
}

#[test]
fn what_a_scanner_or_a_paste_puts_around_a_text_does_no_harm() {
    let ceremony = archive();
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");
    // A scanner that ends with CR LF, which a terminal takes for two ends of line.
    window.presses(&format!("{}\r\n", ceremony.sheet_text(1)));
    window.sees("Next sheet, 1 of 2 verified: ");
    let text = ceremony.sheet_text(2);
    let (first, rest) = text.split_at(60);
    let paste = format!("{}  \n\n \t{rest}", first.to_lowercase());
    window.presses(&format!("\x1b[200~{paste}\n\n\x1b[201~\r"));
    window.sees("2 of 2: sheet 2, verified");
    assert_eq!(window.ends(), 0, "{window:?}");
}

#[test]
fn the_next_scan_may_come_before_its_prompt_and_one_too_many_goes_nowhere() {
    let ceremony = archive();
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");
    let [one, two, three] = [1, 2, 3].map(|share| ceremony.sheet_text(share));
    window.presses(&format!("{one}\r{two}\r{three}\r"));
    window.sees("2 of 2: sheet 2, verified");
    assert_eq!(window.ends(), 0, "{window:?}");
    for text in [one, two, three] {
        assert_hidden(&window, &text);
    }
    assert_eq!(window.unread(), 0, "the shell gets the third sheet");
}

#[test]
fn sheets_are_answered_with_their_custodians_names() {
    let ceremony = archive();
    let mut open = without_sheets(&ceremony, "open", "opened");
    open.arg("--custodians")
        .arg(ceremony.path("out/record/custodians.json"));
    let mut window = Window::open(&open);
    window.sees("Next sheet, 0 of 2 verified: ");
    window.types(&ceremony.sheet_text(2));
    window.sees("1 of 2: sheet 2, Bo Berg, verified");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types(&ceremony.sheet_text(1));
    window.sees("2 of 2: sheet 1, Åsa Öberg, verified");
    assert_eq!(window.ends(), 0, "{window:?}");
}

#[test]
fn names_of_another_ceremony_are_refused_before_any_sheet_is_asked_for() {
    let (ceremony, other) = (archive(), Ceremony::hold());
    let names = other.path("out/record/custodians.json");
    let mut check = check_without_sheets(&ceremony);
    check
        .arg("--custodians")
        .arg(&names)
        .arg(ceremony.sheet_file(1));
    let _ = run(&mut check)
        .expect_code(4)
        .says("custodians.json belongs to another ceremony")
        .says("hint: name with --custodians the file record/custodians.json");
    let right = ceremony.path("out/record/custodians.json");
    let mut check = check_without_sheets(&ceremony);
    check
        .arg("--custodians")
        .arg(right)
        .arg(ceremony.sheet_file(2));
    let _ = run(&mut check)
        .expect_code(0)
        .prints("sheet 2, Bo Berg, verified");
}

#[test]
fn the_text_of_a_code_is_typed_in_rows_and_a_bad_row_again() {
    let ceremony = archive();
    let text = ceremony.sheet_text(1);
    let (_, characters) = text.split_once(':').unwrap();
    let row = |place: usize| {
        let row = &characters[place * 45..place * 45 + 45];
        let groups: Vec<&str> = (0..9).map(|group| &row[group * 5..group * 5 + 5]).collect();
        groups.join(" ")
    };
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");
    window.types(&row(0).to_lowercase());
    window.sees("45 of 90 characters; go on, or give up with an empty line: ");
    window.types(&row(1).replacen(char::is_alphabetic, "1", 1));
    window.sees(
        "of this line is not one of A–Z and 2–7 (0, 1, 8 and 9 do not occur); type this line again",
    );
    window.sees("45 of 90 characters; go on, or give up with an empty line: ");
    window.types(&format!("{} AAAAA", row(1)));
    window.sees("this line has 50 characters, only 45 are missing; type this line again");
    window.sees("45 of 90 characters; go on, or give up with an empty line: ");
    window.types(&row(1));
    window.sees("1 of 2: sheet 1, verified");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types("AEAQC AAAAA");
    window.sees("10 of 90 characters; go on, or give up with an empty line: ");
    window.presses_enter();
    window.sees("Given up: nothing of this entry is kept.");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types(&ceremony.sheet_text(2));
    assert_eq!(window.ends(), 0, "{window:?}");
    assert_hidden(&window, &text);
}

#[test]
fn words_are_typed_short_and_in_another_order_with_every_kind_of_mistake() {
    let ceremony = archive();
    let rows = rows(&ceremony, 3);
    let word = |row: usize, place: usize| rows[row].split(' ').nth(place).unwrap();
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");

    // Row K first, four letters of each word: shown in full.
    window.types(&shortened(&rows[10], 4));
    window.sees("A right one is shown in full:");
    window.sees(&format!("K  {}  fits", &rows[10][2..]));

    // Without a letter, the next missing row is meant; a slip is shown and mended when the person agrees.
    window.sees("Row A: ");
    let slip = format!("{}qx", shortened(word(0, 2), 4));
    window.types(&with_word(&rows[0], 2, &slip)[2..]);
    window.sees("Row A, word 2: it is not a word of the list.");
    window.sees(&format!(
        "Row A would fit with {} as word 2.\r\n  Does the sheet say so? [yes/no] ",
        word(0, 2)
    ));
    window.types("yes");
    window.sees(&format!("A  {}  fits", &rows[0][2..]));

    // A word that cannot be read.
    window.sees("Row B: ");
    window.types(&with_word(&rows[1], 5, "?"));
    window.sees(&format!(
        "Row B: word 5, which cannot be read, must be {}.\r\n  Can the sheet say so? [yes/no] ",
        word(1, 5)
    ));
    // The next line of a paste is no answer.
    window.types(&rows[2]);
    window.sees("?\r\nPlease type yes or no, in full. [yes/no] ");
    window.types("yes");
    window.sees("fits");

    // Two words changed for each other; then the row again.
    window.sees("Row C: ");
    let (first, second) = (word(2, 1), word(2, 2));
    let swapped = with_word(&with_word(&rows[2], 1, second), 2, first);
    window.types(&swapped);
    if first != second {
        window.sees("Row C: one of its words is wrong, its check word does not fit");
        window.sees(&format!(
            "C  {}  does not fit: compare it with the sheet",
            &swapped[2..]
        ));
        window.sees("Type row C again.");
        window.types(&rows[2]);
    }
    window.sees(&format!("C  {}  fits", &rows[2][2..]));

    for row in &rows[3..9] {
        window.types(&row.to_uppercase());
        window.sees(&format!("{}  {}  fits", &row[..1], &row[2..]));
    }
    window.sees("Row J, the last one: ");
    window.types(&rows[9][2..]);
    window.sees(CLEAR);
    window.sees("1 of 2: sheet 3, verified");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types(&ceremony.sheet_text(1));
    assert_eq!(window.ends(), 0, "{window:?}");

    // What was typed was never shown, only what it was completed to; and nothing of that after the screen was cleared.
    let shown = window.shown();
    assert!(!shown.contains(&slip), "{shown}");
    assert!(!shown.contains(&shortened(&rows[10], 4)), "{shown}");
    assert!(!shown.contains(&rows[4].to_uppercase()), "{shown}");
    let after = shown.split(CLEAR).nth(1).unwrap();
    for row in &rows {
        assert!(!after.contains(&row[2..]), "{after}");
    }
}

#[test]
fn a_scan_is_named_by_its_path_and_a_folder_stands_for_its_files() {
    let ceremony = archive();
    let scans = ceremony.path("scans of today");
    fs::create_dir(&scans).unwrap();
    fs::copy(ceremony.sheet_picture(1, 200.0), scans.join("one.png")).unwrap();
    let two = ceremony.sheet_picture(2, 200.0);
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");
    window.types("/no/such/scan.png");
    window.sees("Reading the file /no/such/scan.png");
    window.sees("/no/such/scan.png: REFUSED: cannot be read");
    window.sees("Next sheet, 0 of 2 verified: ");
    window.types(&format!("'{}'", scans.display()));
    window.sees("one.png: sheet 1, verified");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types(&two.display().to_string());
    window.sees("sheet 2, verified");
    assert_eq!(window.ends(), 0, "{window:?}");
}

#[test]
fn bad_sheets_are_named_and_the_session_goes_on_until_the_person_ends_it() {
    let (ceremony, other) = (archive(), Ceremony::hold());
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");
    window.types(&ceremony.sheet_text(1));
    window.sees("1 of 2: sheet 1, verified");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types(&ceremony.sheet_text(1));
    window.sees("entry 2: REFUSED: share 1 again; the same sheet counts once");
    window.sees("give the sheet of another custodian");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types(&other.sheet_text(2));
    window.sees("entry 3: REFUSED: belongs to another ceremony: the sheet says set ");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types("good morning");
    window.sees("Not understood: neither words, nor the text of a code, nor a file that is there.");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.presses_enter();
    window.sees("1 of 2 sheets verified: too few. End here all the same? [yes/no] ");
    window.types("no");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.types("done");
    window.sees("End here all the same? [yes/no] ");
    window.types("yes");
    window.sees("error: too few sheets: 1 verified, 1 more needed: this archive opens with 2 of 3");
    assert_eq!(window.ends(), 3, "{window:?}");
    assert!(window.echoes());
    assert!(!ceremony.path("opened").exists());
}

#[test]
fn check_goes_on_asking_until_told_and_reports_every_sheet() {
    let ceremony = archive();
    let mut window = Window::open(&check_without_sheets(&ceremony));
    window.sees("Sheet to check: ");
    window.types(&ceremony.sheet_text(1));
    window.sees("1 of 2: sheet 1, verified");
    window.sees("Next sheet to check, or an empty line: ");
    window.types(&format!("{}A", &ceremony.sheet_text(2)[..106]).replace("AEAQ", "AEAR"));
    window.sees("entry 2: REFUSED: ");
    for share in [2, 3] {
        window.sees("Next sheet to check, or an empty line: ");
        window.types(&ceremony.sheet_text(share));
    }
    window.sees("3, with 2 needed: sheet 3, verified");
    window.sees("Next sheet to check, or an empty line: ");
    window.presses_enter();
    window.sees("sheet 1, verified");
    window.sees("3 verified: enough to open the archive.");
    assert_eq!(window.ends(), 1, "{window:?}");
    assert!(window.echoes());
}

#[test]
fn a_rebuilt_key_is_locked_with_a_passphrase_that_is_asked_for_twice_and_not_shown() {
    let ceremony = archive();
    let mut window = Window::open(&without_sheets(&ceremony, "rebuild", "key.asc"));
    for (share, place) in [
        (1, "Next sheet, 0 of 2 verified: "),
        (2, "Next sheet, 1 of 2 verified: "),
    ] {
        window.sees(place);
        window.types(&ceremony.sheet_text(share));
    }
    window.sees("Passphrase to lock the rebuilt key: ");
    window.types("");
    window.sees("It is empty");
    // Both at once, before the second question: nothing of it is lost.
    window.presses("correct horse\rcorrect hrose\r");
    window.sees("The two passphrases differ: type them again.");
    window.sees("Passphrase to lock the rebuilt key: ");
    window.types("correct horse");
    window.sees("The same passphrase again: ");
    window.types("correct horse");
    window.sees("locked with the passphrase");
    assert_eq!(window.ends(), 0, "{window:?}");
    assert!(!window.shown().contains("horse"));
    assert!(ceremony.path("key.asc").exists());
}

#[test]
fn ctrl_c_at_every_prompt_ends_the_run_and_gives_the_terminal_back() {
    let ceremony = archive();
    let row = rows(&ceremony, 1)[0].clone();
    let unreadable = with_word(&row, 3, "?");
    let scripts: [&[(&str, &str)]; 5] = [
        &[("Next sheet, 0 of 2 verified: ", "")],
        &[
            ("Next sheet, 0 of 2 verified: ", "AEAQC AAAAA"),
            (
                "10 of 90 characters; go on, or give up with an empty line: ",
                "",
            ),
        ],
        &[("Next sheet, 0 of 2 verified: ", &row), ("Row B: ", "")],
        &[
            ("Next sheet, 0 of 2 verified: ", &unreadable),
            ("[yes/no] ", ""),
        ],
        &[("Next sheet, 0 of 2 verified: ", "done"), ("[yes/no] ", "")],
    ];
    for script in scripts {
        let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
        for (prompt, answer) in script {
            window.sees(prompt);
            if !answer.is_empty() {
                window.types(answer);
            }
        }
        assert!(!window.echoes());
        window.presses(CTRL_C);
        assert_eq!(window.ends(), 130, "{window:?}");
        window.sees("interrupted");
        assert!(window.echoes(), "{window:?}");
        let last = window.shown();
        let last = last.rsplit(CLEAR).next().unwrap();
        assert!(!last.contains(&row[2..]), "{last}");
    }
    assert!(!ceremony.path("opened").exists());
}

#[test]
fn no_key_stops_the_program_with_a_sheet_in_it_and_ctrl_d_ends_the_questions() {
    let ceremony = archive();
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("Next sheet, 0 of 2 verified: ");
    window.presses(CTRL_Z);
    window.presses(CTRL_BACKSLASH);
    window.types(&ceremony.sheet_text(1));
    window.sees("1 of 2: sheet 1, verified");
    window.sees("Next sheet, 1 of 2 verified: ");
    let question = "1 of 2 sheets verified: too few. End here all the same?";
    window.presses(CTRL_D);
    window.sees(question);
    window.types("no");
    window.sees("Next sheet, 1 of 2 verified: ");
    window.presses(CTRL_D);
    window.sees(question);
    window.types("yes");
    window.sees("error: too few sheets");
    assert_eq!(window.ends(), 3, "{window:?}");
    assert!(window.echoes());
}

#[test]
fn nothing_is_asked_for_from_the_background() {
    let ceremony = archive();
    let open = without_sheets(&ceremony, "open", "opened");
    let mut behind = Command::new("bash");
    behind
        .args(["-mc", "\"$@\" & wait", "bash"])
        .arg(open.get_program())
        .args(open.get_args());
    let mut window = Window::open(&behind);
    window.sees("error: nobody answered the question: which sheets?");
    assert_eq!(window.ends(), 0, "{window:?}");
    assert!(window.echoes());
}

#[test]
fn a_terminal_that_knows_no_escape_codes_gets_none_and_no_terminal_gets_colour() {
    let ceremony = archive();
    let row = rows(&ceremony, 1)[0].clone();
    let session = |environment: &[(&str, &str)]| {
        let open = without_sheets(&ceremony, "open", "opened");
        let mut window = Window::open_as(&open, environment);
        window.sees("Next sheet, 0 of 2 verified: ");
        window.types(&row);
        window.sees("Row B: ");
        window.presses_enter();
        window.sees("Give this sheet up, with the row that is entered?");
        window.types("yes");
        for (share, place) in [
            (1, "Next sheet, 0 of 2 verified: "),
            (2, "Next sheet, 1 of 2 verified: "),
        ] {
            window.sees(place);
            window.types(&ceremony.sheet_text(share));
        }
        assert_eq!(window.ends(), 0, "{window:?}");
        fs::remove_dir_all(ceremony.path("opened")).unwrap();
        window.shown()
    };
    let dumb = session(&[("TERM", "dumb")]);
    assert!(!dumb.contains('\x1b'), "{dumb:?}");
    assert!(dumb.contains("This window cannot be cleared"), "{dumb}");
    let plain = session(&[("TERM", "xterm"), ("NO_COLOR", "1")]);
    let mut codes = plain.split("\x1b[").skip(1);
    let is_colour = |code: &str| {
        code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';')
            .starts_with('m')
    };
    assert!(!codes.any(is_colour), "{plain:?}");
}

#[test]
fn warnings_outlast_the_cleared_screen() {
    let ceremony = archive();
    fs::remove_file(ceremony.public().join("custody.json.asc")).unwrap();
    let mut window = Window::open(&without_sheets(&ceremony, "open", "opened"));
    window.sees("warning: custody.json.asc is missing");
    window.sees("Next sheet, 0 of 2 verified: ");
    window.types(&ceremony.sheet_text(1));
    window.sees(CLEAR);
    window.sees("warning: custody.json.asc is missing");
    window.sees("1 of 2: sheet 1, verified");
}

#[test]
fn a_sheet_is_not_typed_where_it_would_be_seen_and_an_error_brings_no_escape_codes() {
    let ceremony = archive();
    let mut window = Window::open(check_without_sheets(&ceremony).arg("-"));
    window.sees("-: REFUSED: is the keyboard, where what is typed would be seen");
    assert_eq!(window.ends(), 1, "{window:?}");

    let names = ceremony.path("out/record/custodians.json");
    let json = fs::read_to_string(&names).unwrap();
    fs::write(&names, json.replace("\"salt\"", "\"\\u001b[31msalt\"")).unwrap();
    let mut check = check_without_sheets(&ceremony);
    let mut window = Window::open(check.arg("--custodians").arg(&names));
    window.sees("unknown field `\u{fffd}[31msalt`");
    assert_eq!(window.ends(), 4, "{window:?}");
}

#[test]
fn a_ceremony_is_held_from_answers_and_wrong_ones_are_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (out, saved) = (folder.path().join("out"), folder.path().join("plan.toml"));
    let mut window = Window::open(ceremony_into(&out).arg("--save-plan").arg(&saved));
    for (question, answer) in [
        (
            "Organisation, as it shall stand on every sheet: ",
            "Example AG",
        ),
        (
            "Archive, as in Archiver <archiver@example.org>; never a person: ",
            "archiver@example.org",
        ),
        ("is not of the form", "Archiver <archiver@example.org>"),
        ("Paper, a4 or letter: ", "a4"),
        ("How many custodians: ", "2"),
        ("How many of these 2 open the archive together: ", "1"),
        ("each sheet alone would open the archive", "2"),
        ("Custodian 1", "Anna Adler"),
        ("  Role: ", "CFO"),
        ("  Envelope serial: ", "A-1"),
        ("Custodian 2", "Bo Berg"),
        ("  Role: ", "Works Council"),
        ("  Envelope serial: ", "A-1"),
        ("custodians 1 and 2 have the same envelope, \"A-1\"", "A-2"),
        (
            "Mail servers that will archive, by name; Enter for one, named mail: ",
            "",
        ),
        ("  6  custodian 1   Anna Adler, CFO, envelope A-1", "1"),
        (
            "Organisation, as it shall stand on every sheet: ",
            "Example SE",
        ),
        ("  1  organisation  Example SE", ""),
        ("Make the archive key now? [yes/no] ", "y"),
        ("Please type yes or no, in full. [yes/no] ", "Yes"),
    ] {
        window.sees(question);
        window.types(answer);
    }
    window.sees("The archive key is made: any 2 of 2 sheets open the archive.");
    assert_eq!(window.ends(), 0, "{window:?}");
    let manifest = fs::read_to_string(out.join("public/custody.json")).unwrap();
    assert!(manifest.contains("Example SE"));

    let (none, not_used) = (folder.path().join("none"), folder.path().join("saved.toml"));
    let mut window = Window::open(ceremony_into(&none).arg("--save-plan").arg(&not_used));
    window.presses("A\rB <b@c>\ra4\r2\r2\rC\rD\rE\rF\rG\rH\r\r\r");
    window.sees("Make the archive key now? [yes/no] ");
    window.types("no");
    window.sees("the answers are saved: give them with --plan ");
    assert_eq!(window.ends(), 2, "{window:?}");
    assert!(!none.exists() && not_used.exists());

    let again = folder.path().join("again");
    let mut by_plan = custodian();
    by_plan.args(["ceremony", "--yes", "--plan"]).arg(&saved);
    let _ = run(by_plan.arg("--out").arg(&again)).expect_code(0);
}

#[test]
fn ctrl_c_among_the_questions_of_a_ceremony_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut window = Window::open(&ceremony_into(&out));
    window.sees("Organisation");
    window.types("Example AG");
    window.sees("Archive, ");
    window.presses(CTRL_C);
    assert_eq!(window.ends(), 130, "{window:?}");
    assert!(window.echoes());
    assert!(!out.exists());
}

#[test]
fn without_a_terminal_the_missing_sheets_and_plan_are_named_by_their_flags() {
    let ceremony = archive();
    for (mut command, flag) in [
        (without_sheets(&ceremony, "open", "opened"), "--sheet FILE"),
        (
            without_sheets(&ceremony, "rebuild", "key.asc"),
            "--sheet FILE",
        ),
        (check_without_sheets(&ceremony), "a SHEET"),
        (ceremony_into(&ceremony.path("second")), "--plan FILE"),
    ] {
        let _ = run(&mut command)
            .expect_code(2)
            .says("error: nobody answered the question: ")
            .says(&format!(
                "hint: use {flag}, or run the command at a terminal"
            ));
    }
    assert!(!ceremony.path("second").exists());
}

fn ceremony_into(out: &Path) -> Command {
    let mut ceremony = custodian();
    ceremony.arg("ceremony").arg("--out").arg(out);
    ceremony
}
