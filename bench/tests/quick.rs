//! A tiny run with the real programs: whether every row is there and makes sense. Times are not judged; these are development builds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use custody_bench::binaries::Binaries;
use custody_bench::run::{Scale, Setup, run};
use custody_bench::table::{Row, render};

const TINY: Scale = Scale {
    pairs: 1,
    big_pairs: 1,
    corpus_mails: 5,
    opened_mails: 6,
    openings: 1,
    loop_mails: 3,
    crowd_mails: 70,
    ceremonies: 1,
};

fn tiny_run() -> (Vec<Row>, String) {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        binaries: Binaries {
            hook: custody_tests::hook().get_program().into(),
            custodian: custody_tests::custodian().get_program().into(),
        },
        folder: folder.path().to_owned(),
        download: false,
        scale: TINY,
    };
    let mut said = String::new();
    let rows = run(&setup, |text| said.push_str(text)).unwrap();
    (rows, said)
}

#[test]
fn a_run_has_a_row_for_everything_and_says_that_the_real_mails_are_missing() {
    let gpg = custody_tests::needs("gpg");
    let pages = custody_tests::needs("pdftoppm");
    let (rows, said) = tiny_run();
    for what in [
        "hook, 1 KB mail, CPU",
        "hook, 10 KB mail, wall",
        "hook, 100 KB mail, memory",
        "hook, 10 MB mail, CPU",
        "vault size against raw, 5 mails",
        "64 hooks at once",
        "opening, a 10 KB mail, CPU, against the gpg loop, key unlocked",
        "opening, a 10 KB mail, CPU, against gpg --decrypt-files",
        "opening, memory",
        "ceremony, 3 of 5",
        "reading a page",
    ] {
        let found = rows.iter().filter(|row| row.what.starts_with(what));
        assert_eq!(found.count(), 1, "{what}:\n{}", render(&rows));
    }
    assert!(said.contains("the real mails are not used"), "{said}");
    let skipped = rows.iter().any(|row| row.ours.contains("skipped"));
    assert_eq!(skipped, !pages);
    let compared = rows.iter().filter(|row| row.ratio.is_some()).count();
    assert_eq!(compared, if gpg { 12 } else { 0 }, "{}", render(&rows));
}
