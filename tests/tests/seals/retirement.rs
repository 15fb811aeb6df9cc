//! Retiring segments of sealed vaults by the real program: what it asks of the seals before, and what the verdict tells afterwards.

use std::fs;
use std::path::Path;

use custody_tests::{Ceremony, Ran, custodian, run};

use crate::honest::{Shape, Site};

const FIRST: &str = "VAULT/VAULT-000001.asc";

fn retire(site: &Site, public: Option<&Path>, more: &[&str]) -> Ran {
    let mut retire = custodian();
    retire.args(["retire", "--yes", "--reason", "ten years are over"]);
    retire.args(more);
    if let Some(public) = public {
        retire.arg("--public").arg(public);
    }
    run(retire.arg(site.vault()).arg("1"))
}

#[test]
fn a_sealed_vault_loses_no_segment_without_its_public_folder() {
    let site = Site::honest(Shape::Segments);
    for more in [&[][..], &["--damaged"], &["--dry-run"]] {
        let refused = retire(&site, None, more).expect_code(4);
        let _ = refused.says("the vault is sealed").says("--public");
    }
    assert!(site.path(FIRST).exists());
    let done = retire(&site, Some(&site.public()), &[]).expect_code(0);
    let _ = done.prints("every day of it is sealed");
    site.verdict().expect_intact();
}

#[test]
fn with_another_archives_public_folder_nothing_is_removed() {
    let (site, other) = (Site::honest(Shape::Segments), Ceremony::hold());
    for more in [&[][..], &["--damaged"]] {
        let refused = retire(&site, Some(&other.public()), more).expect_code(4);
        let _ = refused
            .says("is another archive's")
            .says("also not with --damaged");
    }
    assert!(site.path(FIRST).exists());
}

#[test]
fn a_segment_whose_day_is_not_sealed_goes_with_damaged_and_its_line_tells_what_was_retired() {
    let site = Site::honest(Shape::Segments);
    fs::remove_file(site.seals()).unwrap();
    let refused = retire(&site, Some(&site.public()), &[]).expect_code(1);
    let _ = refused
        .says("the seals do not hold over the segment")
        .says("--damaged");
    let done = retire(&site, Some(&site.public()), &["--damaged"]).expect_code(0);
    let _ = done.prints("NOT SEALED: ");
    let verdict = site.verdict();
    assert_eq!(verdict.states()[0], "missing");
    let line = "MISSING: no final stands (retired: 3 records removed), 3 records";
    assert!(verdict.text.contains(line), "{}", verdict.text);
}

#[test]
fn the_line_of_an_open_day_tells_what_was_retired_of_it() {
    let site = Site::new(0, Shape::Segments);
    let rules = "archiver segments 1 size=1 day=no\n";
    fs::write(site.vault().join("segments.conf"), rules).unwrap();
    site.receive_today("one");
    site.receive_today("two");
    let done = retire(&site, Some(&site.public()), &["--damaged"]).expect_code(0);
    let _ = done.prints("NOT SEALED: ");
    let text = site.verdict().text;
    let line = "  open (retired: 1 record removed), 2 records";
    assert!(text.contains(line), "{text}");
}
