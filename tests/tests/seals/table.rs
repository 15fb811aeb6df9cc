//! The table of attacks that the verdict must name, row by row, each on a vault that is one file and on one in segments.
//!
//! Records 0–2 are of day 0, none of day 1, 3–6 of day 2, 7–8 of day 3, 9–11 of day 4, 12–13 of today, when the attacker came.

use std::fs;

use archiver_core::identity::UtcTime;

use crate::attacker::Attacker;
use crate::honest::{RECORDS, SEALED, SHAPES, TODAY, ceremony};

mod armor;
mod cuts;
mod finals;
mod forged_mails;
mod limits;
mod other_logs;
mod records;

const HOUR: i64 = 3600;

/// Everything follows from this.
#[test]
fn an_honest_vault_is_sealed_but_for_today() {
    for shape in SHAPES {
        let attacker = Attacker::today(shape);
        assert_eq!(attacker.records.len(), RECORDS);
        assert_eq!(attacker.day_of(SEALED - 1) + 1, attacker.day_of(SEALED));
        let before = attacker.site.copy();
        let verdict = attacker.verdict();
        // He can write back what he read, and has changed nothing then.
        for (file, honest) in attacker.site.files().iter().zip(before.files()) {
            assert_eq!(fs::read(file).unwrap(), fs::read(honest).unwrap());
        }
        verdict.expect_intact();
        assert!(verdict.findings().is_empty());
        assert_eq!(verdict.code, 0, "{}", verdict.text);
    }
}

fn today_at(seconds: i64) -> UtcTime {
    ceremony().at(TODAY, seconds)
}
