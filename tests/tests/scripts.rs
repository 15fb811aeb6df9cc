//! The commands of docs/ceremony.md and docs/audit.md do what the pages say, typed as they stand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use custody_tests::{Ceremony, PLAN, Ran, custodian, rehearsal_mails, run};

/// Lines that need a printer, or change the machine.
const FOR_A_PERSON: [&str; 3] = ["sudo ", "ulimit ", "lp "];

/// The lines of the page's `sh` blocks, in order.
fn commands(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(page);
    let text = fs::read_to_string(path).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
    assert!(lines.len() > 5, "{page} has {} commands", lines.len());
    lines
        .into_iter()
        .filter(|line| !FOR_A_PERSON.iter().any(|start| line.starts_with(start)))
        .collect()
}

/// Types a line that must succeed.
fn type_in(root: &Path, line: &str) -> String {
    typed(root, line).expect_code(0).stdout
}

/// Types a line, with the page's folders below `root`.
fn typed(root: &Path, line: &str) -> Ran {
    let root_text = root.to_str().unwrap();
    let line = line
        .replace("/run/", &format!("{root_text}/run/"))
        .replace("/media/", &format!("{root_text}/media/"));
    let binaries = Path::new(custodian().get_program())
        .parent()
        .unwrap()
        .to_owned();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    run(Command::new("sh")
        .args(["-ec", &line])
        .env("PATH", path)
        .current_dir(root))
}

fn make_folders(root: &Path, folders: &[&str]) {
    for folder in folders {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
}

#[test]
fn the_ceremonys_commands_hold_a_ceremony() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    make_folders(
        root,
        &["run/ceremony", "media/usb-1", "media/usb-2", "media/usb-3"],
    );
    fs::write(root.join("plan.toml"), PLAN).unwrap();
    let mut checked = false;
    for line in commands("ceremony.md") {
        if line.contains("scan-1.png") {
            scan_first_sheet(root);
        }
        // Nobody is there to answer what the program finds on this machine.
        let typed = if line.starts_with("custodian ceremony") {
            format!("{line} --yes")
        } else {
            line.clone()
        };
        let said = type_in(root, &typed);
        checked |= line.starts_with("custodian check") && said.contains("sheet 1, verified");
    }
    assert!(checked);
    assert!(root.join("media/usb-1/public/archive.cert.asc").exists());
    assert!(root.join("media/usb-2/record/ceremony-record.pdf").exists());
    assert!(root.join("media/usb-3/server/seed").exists());
}

fn scan_first_sheet(root: &Path) {
    let sheets = fs::read_dir(root.join("run/ceremony/out/sheets")).unwrap();
    let first = sheets.map(|sheet| sheet.unwrap().path()).min().unwrap();
    let pages = sheet_scan::render_pdf(
        &fs::read(first).unwrap(),
        300.0,
        &sheet_scan::Limits::default(),
    )
    .unwrap();
    fs::write(
        root.join("run/ceremony/scan-1.png"),
        pages[0].to_png().unwrap().as_slice(),
    )
    .unwrap();
}

/// The media that are brought to an audit: the vault, and the public folder.
fn bring_media(ceremony: &Ceremony, root: &Path) {
    make_folders(root, &["run/audit/scans", "media/vault", "media/public"]);
    fs::copy(ceremony.vault(), root.join("media/vault/VAULT")).unwrap();
    for file in fs::read_dir(ceremony.public()).unwrap() {
        let file = file.unwrap();
        let copy = root.join("media/public").join(file.file_name());
        fs::copy(file.path(), copy).unwrap();
    }
}

#[test]
fn the_audits_commands_open_the_archive() {
    let ceremony = Ceremony::hold();
    let mails = rehearsal_mails();
    for mail in &mails {
        ceremony.archive(mail);
    }
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    bring_media(&ceremony, root);
    for share in [1, 3] {
        fs::copy(
            ceremony.sheet_picture(share, 200.0),
            root.join(format!("run/audit/scans/{share}.png")),
        )
        .unwrap();
    }
    let said: String = commands("audit.md")
        .iter()
        .map(|line| type_in(root, line))
        .collect();
    assert!(
        said.contains(&format!("{0} of {0} records opened", mails.len())),
        "{said}"
    );
    assert!(
        said.contains(" open, ") && said.contains("have no seal"),
        "{said}"
    );
}

/// On the day of the ceremony no day is over: there is no final yet, and a mail without one is told.
#[test]
fn the_audits_command_with_finals_looks_for_them_in_the_file() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit.md");
    let page = fs::read_to_string(page).unwrap();
    let mut lines = page.lines().map(str::trim);
    let line = lines
        .find(|line| line.starts_with("custodian inspect") && line.contains("--finals"))
        .unwrap();
    let ceremony = Ceremony::hold();
    ceremony.archive(b"Subject: x\n\nx\n");
    let scratch = tempfile::tempdir().unwrap();
    bring_media(&ceremony, scratch.path());
    fs::write(
        scratch.path().join("finals.eml"),
        "Subject: minutes\n\nnone\n",
    )
    .unwrap();
    let _ = typed(scratch.path(), line)
        .expect_code(1)
        .prints("finals.eml: NO FINAL was found in it");
}
