//! Recovery without this program: the scripts and the commands out of docs/recovery.md as they stand there, Python's standard library, gpg and sq.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use archiver_core::frame::from_qr_text;
use archiver_core::words::to_rows;
use custody_tests::{Ceremony, Gpg, Ran, custodian, needs, rehearsal_mails, run, run_with_stdin};
use sheet_scan::{Limits, read_codes, read_page, render_pdf};

const DOCUMENT: &str = include_str!("../../docs/recovery.md");
const EXAMPLE_FINGERPRINT: &str = "72787D59B28D73BDE05556B66A835F25F5F54617";

/// The document's Python programs, in its order.
const RECOVER: usize = 0;
const LINES: usize = 1;
const KEY: usize = 2;

fn python_block(number: usize) -> &'static str {
    let block = DOCUMENT.split("```python\n").nth(number + 1).unwrap();
    block.split("```").next().unwrap()
}

/// The commands under a heading, a line each: the lines that are indented, outside of the programs.
fn commands(heading: &str) -> Vec<String> {
    let prose: String = DOCUMENT.split("```").step_by(2).collect();
    let commands: Vec<_> = prose
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.ends_with(heading)))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("       "))
        .map(str::to_owned)
        .collect();
    assert!(!commands.is_empty(), "no commands under {heading}");
    commands
}

fn fingerprint_of(ceremony: &Ceremony) -> String {
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(ceremony.public().join("custody.json")).unwrap()).unwrap();
    manifest["sharing"]["primary_fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The words of a sheet, its rows led by their letters.
fn words(ceremony: &Ceremony, share: u8) -> String {
    let share = from_qr_text(&ceremony.sheet_text(share)).unwrap();
    let rows = to_rows(&share);
    let rows = rows.iter().map(|row| {
        let words = row.expose_words();
        format!("{} {}", row.letter(), words.expose_text())
    });
    rows.collect::<Vec<_>>().join("\n") + "\n"
}

/// The rows of words as they stand on the printed sheet, in two columns.
fn printed_words(ceremony: &Ceremony, share: u8) -> String {
    let sheet = run(Command::new("pdftotext")
        .arg("-layout")
        .arg(ceremony.sheet_pdf(share))
        .arg("-"))
    .expect_code(0);
    let below = sheet.stdout.split("type the words.").nth(1).unwrap();
    let rows = below.split("Or type").next().unwrap().lines().skip(1);
    rows.collect::<Vec<_>>().join("\n")
}

/// A folder with what the stranger has.
struct Desk<'a> {
    ceremony: &'a Ceremony,
    folder: PathBuf,
}

impl<'a> Desk<'a> {
    fn with(ceremony: &'a Ceremony, sheets: &[&str]) -> Self {
        let folder = ceremony.path("desk");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let desk = Self { ceremony, folder };
        desk.put("recover.py", python_block(RECOVER));
        desk.put("lines.py", python_block(LINES));
        desk.put("key.py", python_block(KEY));
        for (number, sheet) in (1..).zip(sheets) {
            desk.put(&format!("sheet-{number}.txt"), sheet);
        }
        desk
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    fn put_archive(&self) {
        for name in ["archive.sealed.asc", "archive.cert.asc"] {
            fs::copy(self.ceremony.public().join(name), self.folder.join(name)).unwrap();
        }
        fs::copy(self.ceremony.vault(), self.folder.join("VAULT")).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    /// The mails that the document's loop wrote.
    fn mails(&self) -> Vec<Vec<u8>> {
        let mail = |number: u32| fs::read(self.folder.join(format!("{number:08}.eml"))).ok();
        (1..).map_while(mail).collect()
    }

    /// Runs commands of the document in one shell, with the archive's fingerprint in the place of the example's.
    fn shell(&self, commands: &[String]) -> Ran {
        let commands = commands
            .join("\n")
            .replace(EXAMPLE_FINGERPRINT, &fingerprint_of(self.ceremony));
        run(Command::new("bash")
            .args(["-euc", &commands])
            .current_dir(&self.folder))
    }

    /// The script with these files, isolated from everything that the machine has installed for Python.
    fn recover(&self, wanted: &str, sheets: &[&str]) -> Ran {
        run(Command::new("python3")
            .args(["-I", "-S", "recover.py", wanted])
            .args(sheets)
            .current_dir(&self.folder))
    }

    fn passphrase(&self, sheets: &[&str]) -> Ran {
        self.recover(&fingerprint_of(self.ceremony), sheets)
    }
}

#[test]
fn the_document_alone_opens_the_vault_from_the_words_of_one_sheet_and_the_code_of_another() {
    if !needs("python3") || !needs("pdftotext") || Gpg::new().is_none() {
        return;
    }
    let ceremony = Ceremony::hold();
    let mails = rehearsal_mails();
    for mail in &mails {
        ceremony.archive(mail);
    }
    let code = ceremony.sheet_text(3).to_lowercase();
    let desk = Desk::with(&ceremony, &[&printed_words(&ceremony, 1), &code]);
    desk.put_archive();

    let list = |into: &str| {
        format!(
            r#"gpg --list-secret-keys --with-colons > keys-{into}; ls "$GNUPGHOME/private-keys-v1.d" > files-{into}"#
        )
    };
    let (before, after) = (list("before"), list("after"));
    let mut all = commands("2. The passphrase");
    all.extend(commands("3. The mails"));
    all.extend([before, r#"echo "$GNUPGHOME" > home"#.to_owned()]);
    for command in commands("Wipe what is left") {
        let deletes = command.contains("--delete-secret-keys");
        all.push(command);
        if deletes {
            all.push(after.clone());
        }
    }
    let _ = desk.shell(&all).expect_code(0);

    assert_eq!(desk.mails(), mails);
    let secret_keys = |listing: &str| {
        let listing = desk.read(listing);
        let secret = |line: &&str| line.starts_with("sec:") || line.starts_with("ssb:");
        listing.lines().filter(secret).count()
    };
    assert_eq!(secret_keys("keys-before"), 2);
    assert_eq!(desk.read("files-before").lines().count(), 2);
    assert_eq!(secret_keys("keys-after"), 0);
    assert_eq!(desk.read("files-after"), "");
    assert!(!PathBuf::from(desk.read("home").trim()).exists());
    for wiped in ["passphrase", "sheet-1.txt", "sheet-2.txt"] {
        assert!(!desk.has(wiped), "{wiped} is still there");
    }
}

#[test]
fn a_record_that_was_cut_off_becomes_no_mail_and_the_others_do() {
    if !needs("python3") || Gpg::new().is_none() {
        return;
    }
    let ceremony = Ceremony::hold();
    // Long and without repetitions, so that gpg writes a part of it before it notices.
    let numbers =
        (0..20_000_u64).map(|n| format!("{:x}\r\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let mail = format!("Subject: long\r\n\r\n{}", numbers.collect::<String>());
    for _ in 0..3 {
        ceremony.archive(mail.as_bytes());
    }
    let desk = Desk::with(&ceremony, &[&words(&ceremony, 1), &words(&ceremony, 2)]);
    desk.put_archive();
    let vault = desk.read("VAULT");
    let second = vault.match_indices("-----BEGIN").nth(1).unwrap().0;
    let third = vault.match_indices("-----BEGIN").nth(2).unwrap().0;
    let torn = second + (third - second) / 2;
    desk.put("VAULT", &format!("{}\n{}", &vault[..torn], &vault[third..]));

    let mut all = commands("2. The passphrase");
    all.extend(commands("3. The mails"));
    all.push("gpgconf --kill all; rm -r \"$GNUPGHOME\"".to_owned());
    let _ = desk.shell(&all).expect_code(0);
    let whole = [1, 2, 3].map(|number| desk.has(&format!("{number:08}.eml")));
    assert_eq!(whole, [true, false, true]);
    assert!(desk.has("00000002.part"), "gpg wrote nothing of it");
    assert_eq!(desk.read("00000003.eml"), mail);
}

#[test]
fn without_the_sealed_key_the_document_makes_a_key_of_the_sheets_and_the_certificate() {
    let Some(gpg) = Gpg::new() else { return };
    if !needs("python3") {
        return;
    }
    let ceremony = Ceremony::hold();
    let mail = b"Subject: without the sealed key\n\n";
    ceremony.archive(mail);
    let desk = Desk::with(&ceremony, &[&words(&ceremony, 2), &words(&ceremony, 3)]);
    desk.put_archive();
    fs::remove_file(desk.folder.join("archive.sealed.asc")).unwrap();

    let home = format!("export GNUPGHOME='{}'", gpg.home().display());
    let mut all = vec![home];
    all.extend(commands("When `archive.sealed.asc` is lost"));
    let _ = desk.shell(&all).expect_code(0);
    let opened = run(gpg.command(&["--decrypt"]).arg(desk.folder.join("VAULT")));
    assert_eq!(opened.expect_code(0).stdout.as_bytes(), mail);
    if needs("sq") {
        let opened = desk.shell(&[for_this_sq("sq decrypt --recipient-key key.pgp VAULT")]);
        assert_eq!(opened.expect_code(0).stdout.as_bytes(), mail);
    }
}

/// The command with the option as the installed version calls it.
fn for_this_sq(command: &str) -> String {
    let help = run(Command::new("sq").args(["decrypt", "--help"])).expect_code(0);
    if help.stdout.contains("--recipient-key") {
        command.to_owned()
    } else {
        command.replace("--recipient-key", "--recipient-file")
    }
}

/// Runs a command in a pseudo-terminal and answers its first question.
const IN_A_TERMINAL: &str = r#"
import os, pty, sys
answer, command = sys.argv[1], sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
said = b""
while b"password" not in said:
    said += os.read(terminal, 1000)
os.write(terminal, answer.encode() + b"\n")
try:
    while os.read(terminal, 1000):
        pass
except OSError:
    pass  # the command has closed the terminal
sys.exit(os.waitpid(child, 0)[1])
"#;

#[test]
fn sq_decrypts_a_record_with_the_sealed_key_and_the_passphrase() {
    if !needs("python3") || !needs("sq") {
        return;
    }
    let ceremony = Ceremony::hold();
    let mail = b"Subject: with sq\n\n";
    ceremony.archive(mail);
    let desk = Desk::with(&ceremony, &[&words(&ceremony, 1), &words(&ceremony, 2)]);
    desk.put_archive();
    fs::copy(ceremony.vault(), desk.folder.join("00000001.asc")).unwrap();
    let passphrase = desk
        .passphrase(&["sheet-1.txt", "sheet-2.txt"])
        .expect_code(0);

    let sq = commands("With sq instead of GnuPG");
    desk.put("in_a_terminal.py", IN_A_TERMINAL);
    let ran = run(Command::new("python3")
        .args(["in_a_terminal.py", passphrase.stdout.trim()])
        .args(for_this_sq(&sq[0]).split(' '))
        .current_dir(&desk.folder));
    let _ = ran.expect_code(0);
    assert_eq!(desk.mails(), [mail]);
}

#[test]
fn the_script_gives_one_passphrase_for_any_sheets_in_whatever_way_they_are_written() {
    if !needs("python3") {
        return;
    }
    let ceremony = Ceremony::hold();
    let (one, two) = (words(&ceremony, 1), words(&ceremony, 2));
    let four_letters: String = one
        .lines()
        .rev()
        .map(|line| {
            let mut row: Vec<_> = line
                .split(' ')
                .map(|word| &word[..word.len().min(4)])
                .collect();
            row[3] = "?";
            row.join(" ").to_lowercase() + "\n"
        })
        .collect();
    let in_two_columns = two.replace("\nB ", "   B: ").replace("\nD ", "   D: ");
    let grouped = ceremony.sheet_text(3).replacen(':', ":\r\n", 1);
    let desk = Desk::with(
        &ceremony,
        &[&one, &two, &four_letters, &in_two_columns, &grouped],
    );
    let passphrase = |sheets: &[&str]| desk.passphrase(sheets).expect_code(0);

    let expected = passphrase(&["sheet-1.txt", "sheet-2.txt"]).stdout;
    assert_eq!(expected.trim().len(), 64);
    let restored = passphrase(&["sheet-3.txt", "sheet-4.txt"]).says("row C: word 3 restored: ");
    assert_eq!(restored.stderr.lines().count(), 11);
    assert_eq!(restored.stdout, expected);
    let all = passphrase(&["sheet-5.txt", "sheet-4.txt", "sheet-1.txt"]);
    assert_eq!(all.stdout, expected);

    let spaced = fingerprint_of(&ceremony).to_lowercase().replace('7', "7 ");
    let ran = desk
        .recover(&spaced, &["sheet-1.txt", "sheet-5.txt"])
        .expect_code(0);
    assert_eq!(ran.stdout, expected);
}

#[test]
fn the_script_answers_every_mistake_by_its_place() {
    if !needs("python3") {
        return;
    }
    let (ceremony, other) = (Ceremony::hold(), Ceremony::hold());
    let (one, two) = (words(&ceremony, 1), words(&ceremony, 2));
    let code = ceremony.sheet_text(1);
    let row = |letter: &str| one.lines().find(|line| line.starts_with(letter)).unwrap();
    let with_row = |letter: &str, changed: &str| one.replace(row(letter), changed);
    let word = |letter: &str, place: usize| row(letter).split(' ').nth(place).unwrap();
    let with_word = |letter: &str, place: usize, changed: &str| {
        let mut words: Vec<_> = row(letter).split(' ').collect();
        words[place] = changed;
        with_row(letter, &words.join(" "))
    };
    let another_letter = if code.contains("EAQ") {
        code.replacen("EAQ", "EAR", 1)
    } else {
        code.clone()
    };
    let others_row = two.lines().find(|line| line.starts_with('F')).unwrap();
    let desk = Desk::with(&ceremony, &[&one, &two, &words(&other, 2)]);

    // One wrong word in a hundred makes a row that would fit in another place; then the next one is wrong enough.
    for (letter, place) in [("C", 2), ("K", 5)] {
        let wrong = ["academic", "acid", "acne", "acquire", "acrobat"].into_iter();
        let wrong = wrong.filter(|wrong| *wrong != word(letter, place));
        let mut answers = wrong.map(|wrong| {
            desk.put("sheet-4.txt", &with_word(letter, place, wrong));
            let ran = desk.passphrase(&["sheet-2.txt", "sheet-4.txt"]);
            ran.expect_code(1)
        });
        let ran = answers.find(|ran| !ran.stderr.contains(": this is row "));
        let expected = format!("sheet-4.txt, row {letter}: misread: compare its words");
        assert_eq!(ran.unwrap().says(&expected).stdout, "");
    }
    for (sheet, expected) in [
        (
            with_word("G", 1, "teh"),
            "sheet-4.txt, row G: word 1 is not on the list",
        ),
        (
            with_row("H", "H ? ? again again again"),
            "sheet-4.txt, row H: only one word of a row can be restored",
        ),
        (
            with_row("E", "E again again again again"),
            "sheet-4.txt, row E: 4 words instead of 5",
        ),
        (
            with_row("E", &row("F").replacen('F', "E", 1)),
            "sheet-4.txt, row E: this is row F",
        ),
        (
            with_row("E", row("F")),
            "sheet-4.txt: row F stands there twice",
        ),
        (with_row("E", ""), "sheet-4.txt: rows missing: E"),
        (
            with_row("F", others_row),
            "sheet-4.txt: misread: every row fits, the whole does not",
        ),
        (
            another_letter,
            "sheet-4.txt: misread: compare it with the sheet, sign by sign",
        ),
        (
            format!("{}0", &code[..106]),
            "sheet-4.txt: misread: the digits 0, 1, 8 and 9",
        ),
        (code[..106].to_owned(), "90 characters; here are 89"),
        (
            code.replacen("SHARE-1", "SHARE-2", 1),
            "sheet-4.txt: needs ARCHIVER-SHARE-1:",
        ),
        (two.clone(), "1 of the 2 different sheets that are needed"),
        (words(&other, 1), "sheet-2.txt is of "),
    ] {
        desk.put("sheet-4.txt", &sheet);
        let ran = desk
            .passphrase(&["sheet-2.txt", "sheet-4.txt"])
            .expect_code(1);
        assert_eq!(ran.says(expected).stdout, "");
    }
    let alone = desk.passphrase(&["sheet-1.txt"]).expect_code(1);
    let _ = alone.says("1 of the 2 different sheets that are needed");
    let missing = desk
        .passphrase(&["sheet-1.txt", "sheet-9.txt"])
        .expect_code(1);
    let _ = missing.says("No such file or directory: 'sheet-9.txt'");
    let _ = desk
        .recover("7278", &["sheet-1.txt"])
        .expect_code(1)
        .says("40 hexadecimal digits");
}

#[test]
fn the_printed_recovery_page_gives_the_script_back_and_its_line_checks_are_those_of_the_document() {
    if !needs("python3") || !needs("pdftotext") {
        return;
    }
    let ceremony = Ceremony::hold();
    let page = ceremony.path("out/record/recovery-page.pdf");
    let desk = Desk::with(&ceremony, &[]);

    // As it is read by a scanner: the codes on the last pages, by the document's command.
    let limits = Limits::default();
    let pages = render_pdf(&fs::read(&page).unwrap(), 200.0, &limits).unwrap();
    let codes = pages
        .iter()
        .rev()
        .take(2)
        .map(|page| read_page(page, &limits).unwrap());
    let codes: Vec<String> = codes
        .flatten()
        .map(|code| code.expose_text().to_owned())
        .collect();
    desk.put("codes.txt", &codes.join("\n"));
    let _ = desk
        .shell(&commands("Typing it from the recovery page"))
        .expect_code(0);
    assert_eq!(desk.read("recover.py"), python_block(RECOVER));

    // As it is typed: every line is printed with the number and the digits that lines.py gives.
    let text = run(Command::new("pdftotext").arg("-layout").arg(&page).arg("-")).expect_code(0);
    let printed: Vec<Vec<&str>> = text
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let checks = run(Command::new("python3")
        .arg("lines.py")
        .current_dir(&desk.folder))
    .expect_code(0);
    assert_eq!(
        checks.stdout.lines().count(),
        python_block(RECOVER).lines().count()
    );
    for (check, line) in checks.stdout.lines().zip(python_block(RECOVER).lines()) {
        let expected: Vec<&str> = check
            .split_whitespace()
            .chain(line.split_whitespace())
            .collect();
        assert!(printed.contains(&expected), "{check} {line}");
    }

    // Who has the codes of the sheets need not type the list.
    let (start, end) = python_block(RECOVER).split_once("WORDS = \"\"\"").unwrap();
    let (_, end) = end.split_once("\"\"\"").unwrap();
    desk.put("recover.py", &format!("{start}WORDS = \"\"\"\"\"\"{end}"));
    desk.put("sheet-1.txt", &ceremony.sheet_text(1));
    desk.put("sheet-2.txt", &ceremony.sheet_text(2));
    let _ = desk
        .passphrase(&["sheet-1.txt", "sheet-2.txt"])
        .expect_code(0);
    desk.put("sheet-1.txt", &words(&ceremony, 1));
    let ran = desk
        .passphrase(&["sheet-1.txt", "sheet-2.txt"])
        .expect_code(1);
    let _ = ran.says("the list of words is not as it was printed");
}

#[test]
fn a_rehearsals_sheets_are_told_and_never_mixed_with_real_ones() {
    if !needs("python3") {
        return;
    }
    let ceremony = Ceremony::hold();
    let out = ceremony.path("rehearsal");
    let _ = run(custodian().args(["rehearse", "--out"]).arg(&out)).expect_code(0);
    let mut sheets: Vec<_> = fs::read_dir(out.join("ceremony/sheets"))
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let mut rehearsed = || {
        let codes = read_codes(&sheets.pop().unwrap(), &Limits::default()).unwrap();
        codes[0].expose_text().to_owned()
    };
    let desk = Desk::with(
        &ceremony,
        &[&rehearsed(), &rehearsed(), &words(&ceremony, 1)],
    );
    let ran = desk
        .passphrase(&["sheet-1.txt", "sheet-2.txt"])
        .expect_code(0);
    let _ = ran.says("a rehearsal's sheets: they open no real archive");
    let ran = desk
        .passphrase(&["sheet-1.txt", "sheet-3.txt"])
        .expect_code(1);
    let _ = ran.says("sheet-3.txt: of a real archive; sheet-1.txt is of a rehearsal");
}

#[test]
fn the_documents_programs_are_python_3_6_in_ascii_with_nothing_but_the_standard_library() {
    if !needs("python3") {
        return;
    }
    let check = "import ast, sys; ast.parse(sys.stdin.read(), feature_version=(3, 6))";
    for program in [RECOVER, LINES, KEY].map(python_block) {
        assert!(program.is_ascii() && program.lines().all(|line| line.len() <= 88));
        let imports = program
            .lines()
            .filter_map(|line| line.strip_prefix("import "));
        for module in imports {
            assert!(
                ["base64", "hashlib", "hmac", "sys"].contains(&module),
                "{module}"
            );
        }
        let mut python = Command::new("python3");
        let _ = run_with_stdin(python.args(["-c", check]), program.as_bytes()).expect_code(0);
    }
}

/// Changes the number on a sheet, and its index to the second argument, and mends the check.
const FORGE: &str = r#"
import base64, hashlib, sys
digits = open(sys.argv[1]).read().strip().split(":")[1]
frame = bytearray(base64.b32decode(digits + "======"))
frame[5] = int(sys.argv[2])
frame[20] ^= 1
frame[52:] = hashlib.sha256(b"archiver v1 frame\0" + frame[:52]).digest()[:4]
print("ARCHIVER-SHARE-1:" + base64.b32encode(bytes(frame)).decode().rstrip("="))
"#;

#[test]
fn the_script_notices_a_forged_share_when_there_are_more_sheets_than_needed() {
    if !needs("python3") {
        return;
    }
    let ceremony = Ceremony::hold();
    let desk = Desk::with(
        &ceremony,
        &[&ceremony.sheet_text(1), &ceremony.sheet_text(2)],
    );
    desk.put("forge.py", FORGE);
    for (index, expected) in [
        (
            "3",
            "share 3: does not fit the shares [1, 2]; one is forged",
        ),
        (
            "1",
            "sheet-3.txt: not the share 1 of another sheet; one of the two is forged",
        ),
    ] {
        let forged = run(Command::new("python3")
            .args(["forge.py", "sheet-1.txt", index])
            .current_dir(&desk.folder));
        desk.put("sheet-3.txt", &forged.expect_code(0).stdout);
        let ran = desk.passphrase(&["sheet-1.txt", "sheet-2.txt", "sheet-3.txt"]);
        assert_eq!(ran.expect_code(1).says(expected).stdout, "");
    }
}
