//! Leaves of another log, checkpoints of another server and over another tree.

use std::fs;

use archiver_core::vault::leaf::LogId;

use super::{HOUR, today_at};
use crate::attacker::Attacker;
use crate::honest::{MAILS, RECORDS, SHAPES, Shape, Site, ceremony};

#[test]
fn a_record_of_another_log_among_sealed_ones_is_named() {
    let other = Attacker::on(Site::after(1, Shape::File, &MAILS));
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        // Real, from the archive's other server; then one that was made to fit here.
        let real = other.records[4].clone();
        let fitting = attacker.forge_of(LogId([0x77; 16]), 4, ceremony().at(2, 2 * HOUR));
        for foreign in [real, fitting] {
            attacker.records[4].text.clone_from(&foreign.text);
            attacker.verdict().expect_broken(2, 4);
            let mut attacker = Attacker::today(shape);
            let mut between = attacker.records[4].clone();
            between.text = foreign.text;
            attacker.insert(4, between);
            attacker.verdict().expect_broken(2, 4);
        }
    }
}

#[test]
fn a_record_of_another_log_behind_the_sealed_ones_is_named_with_its_place() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        let other = LogId([0x77; 16]);
        let mut foreign = attacker.forge_of(other, RECORDS, today_at(HOUR));
        foreign.header.place.seq = 0;
        foreign.render();
        attacker.insert(RECORDS, foreign);
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed"; 5]);
        verdict.expect_finding(&format!("a record of another log ({other}, its sequence 0) stands behind {RECORDS} records of this one"));
        assert!(!verdict.is_intact());
    }
}

#[test]
fn checkpoints_of_another_server_seal_nothing_here() {
    let other = Site::after(1, Shape::File, &MAILS);
    let _ = other.seal(today_at(10));
    for shape in SHAPES {
        let attacker = Attacker::today(shape);
        fs::copy(other.seals(), attacker.site.seals()).unwrap();
        let verdict = attacker.site.verdict();
        verdict.expect_states(&[
            "missing", "missing", "missing", "missing", "missing", "open",
        ]);
        assert!(!verdict.is_intact());
    }
}

#[test]
fn checkpoints_over_another_tree_are_named() {
    // A second host ran with a copy of the seal folder, and had one more mail on day 2.
    let mut mails = MAILS;
    mails[2] += 1;
    let twin = Site::after(0, Shape::File, &mails);
    let _ = twin.seal(today_at(10));
    for shape in SHAPES {
        let attacker = Attacker::today(shape);
        let own = fs::read(attacker.site.seals()).unwrap();
        let others = fs::read(twin.seals()).unwrap();
        fs::write(attacker.site.seals(), &others).unwrap();
        let verdict = attacker.site.verdict();
        assert!(
            verdict.states()[0].starts_with("broken at sequence 0"),
            "{}",
            verdict.text
        );
        fs::write(attacker.site.seals(), [own, others].concat()).unwrap();
        let verdict = attacker.site.verdict();
        verdict.expect_finding(&format!(
            "two different finals of {} are signed",
            ceremony().day(0)
        ));
    }
}
