//! What the seals cannot show, and what an attacker must not bring about.

use archiver_core::seal::note::Kind;

use super::today_at;
use crate::attacker::Attacker;
use crate::honest::{SHAPES, Site, TODAY};

#[test]
fn a_change_within_the_open_day_is_not_detectable_and_it_is_said() {
    for shape in SHAPES {
        let honest = Attacker::today(shape);
        let kept = *honest.notes.last().unwrap();
        let mut attacker = Attacker::on(honest.site.copy());
        attacker.records[12].message = attacker.forge(0, today_at(0)).message;
        attacker.relink(12);
        attacker.reseal_today();
        let verdict = attacker.verdict();
        verdict.expect_intact();
        assert_eq!(verdict.code, 0, "{}", verdict.text);
        let said = "whether records of an open day were changed since its last checkpoint by somebody who controls the server";
        assert!(verdict.text.contains(said));
        // A checkpoint of today that had left the server shows it.
        attacker.notes.push(kept);
        attacker.verdict().expect_broken(TODAY, 12);
    }
}

#[test]
fn mail_that_was_never_archived_is_not_detectable_and_it_is_said() {
    for shape in SHAPES {
        let site = Site::after(0, shape, &[3, 0, 2, 2, 3]);
        site.receive_today("the only mail of today");
        let verdict = site.verdict();
        verdict.expect_intact();
        let said = "whether mail was kept from the archive, or changed before it reached it";
        assert!(verdict.text.contains(said));
    }
}

#[test]
fn somebody_with_todays_key_cannot_cast_doubt_on_a_day_before() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        // Checkpoints of today over records of the past that never were, or were fewer, or in another order.
        let mut records = attacker.records.clone();
        records.swap(3, 4);
        std::mem::swap(&mut attacker.records, &mut records);
        for size in [0, 1, 5, 12, 14] {
            let lie = attacker.note(TODAY, TODAY, Kind::Interim, size);
            attacker.notes.push(lie);
        }
        attacker.records = records;
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed"; TODAY]);
        assert!(
            verdict.states()[TODAY].starts_with("broken"),
            "{}",
            verdict.text
        );
    }
}
