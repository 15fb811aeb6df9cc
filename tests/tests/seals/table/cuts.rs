//! A tail cut into a sealed day, a segment taken away, a vault rolled back whole.

use std::fs;

use archiver_core::seal::note::Kind;

use super::{HOUR, today_at};
use crate::attacker::Attacker;
use crate::honest::{MAILS, SEALED, SHAPES, Shape, Site, TODAY, ceremony};

#[test]
fn a_tail_cut_into_a_sealed_day_is_named_whatever_is_signed_afterwards() {
    for shape in SHAPES {
        for kept in 0..SEALED {
            for reseals in [false, true] {
                let mut attacker = Attacker::today(shape);
                let day = attacker.day_of(kept);
                attacker.records.truncate(kept);
                if reseals {
                    attacker.append(today_at(HOUR));
                    attacker.reseal_today();
                }
                let verdict = attacker.verdict();
                verdict.expect_broken(day, kept);
                if !reseals {
                    let expected = format!("sequence {kept}: the log ends before it");
                    assert!(
                        verdict.reason(day).contains(&expected),
                        "{}",
                        verdict.reason(day)
                    );
                }
            }
        }
    }
}

#[test]
fn a_tail_cut_in_the_middle_of_a_record_is_named() {
    for shape in SHAPES {
        for kept in [0, 2, 5, 10] {
            let mut attacker = Attacker::today(shape);
            let cut = attacker.records[kept].bytes();
            let day = attacker.day_of(kept);
            attacker.records.truncate(kept);
            attacker.tail = cut[..cut.len() / 2].to_vec();
            attacker.verdict().expect_broken(day, kept);
        }
    }
}

#[test]
fn a_vault_rolled_back_with_its_seals_has_missing_days() {
    for shape in SHAPES {
        let then = Site::after(0, shape, &MAILS[..3]);
        let _ = then.seal(ceremony().at(3, 10));
        then.verdict()
            .expect_states(&["sealed", "sealed", "sealed", "missing", "missing", "open"]);
        // With today's mails behind, sealed with today's key.
        let mut attacker = Attacker::on(then);
        attacker.append(today_at(HOUR));
        attacker.sign(TODAY, Kind::Interim);
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed", "sealed", "sealed", "missing", "missing", "open"]);
        assert!(verdict.reason(3).contains("no final stands for this day"));
    }
}

#[test]
fn a_vault_that_is_gone_with_its_seals_has_missing_days() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        attacker.records.clear();
        attacker.notes.clear();
        let verdict = attacker.verdict();
        verdict.expect_states(&[
            "missing", "missing", "missing", "missing", "missing", "open",
        ]);
        assert_eq!(verdict.code, 1);
    }
}

#[test]
fn finals_that_left_the_server_tell_where_a_rolled_back_vault_was_cut() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        let finals = attacker.notes.iter();
        let finals = finals.filter(|note| note.claimed.kind == Kind::Final);
        let kept: String = finals.map(ToString::to_string).collect();
        let verdict = attacker.verdict_with_finals(&kept);
        verdict.expect_intact();
        assert_eq!(verdict.code, 0, "{}", verdict.text);

        attacker.records.truncate(7);
        let day = ceremony().day(2);
        attacker.notes.retain(|note| note.claimed.day <= day);
        let verdict = attacker.verdict_with_finals(&kept);
        let cut = "broken at sequence 7";
        verdict.expect_states(&["sealed", "sealed", "sealed", cut, cut]);
        for day in [3, 4] {
            let day = ceremony().day(day);
            verdict.expect_finding(&format!(
                "the final of {day} is missing in the vault's seals"
            ));
        }
        assert_eq!(verdict.report["finals"][0]["finals"], 5);
        // As a copy of then it is whole, and finals of later days say nothing of it.
        let then = ceremony().at(3, 60).to_string();
        let verdict = attacker.site.verdict_with_finals(&kept, Some(&then));
        verdict.expect_states(&["sealed", "sealed", "sealed", "open"]);
        assert!(verdict.findings().is_empty() && verdict.is_intact());
        assert_eq!(verdict.code, 0, "{}", verdict.text);
        let verdict = attacker.verdict_with_finals(&kept);
        assert_eq!(verdict.code, 1, "{}", verdict.text);
    }
}

#[test]
fn a_log_without_its_beginning_is_told_as_such() {
    for shape in SHAPES {
        for missing in [1, 3, 5] {
            let mut attacker = Attacker::today(shape);
            attacker.records.drain(..missing);
            let verdict = attacker.verdict();
            let told = if missing == 1 {
                "the log's first record is not here".to_owned()
            } else {
                format!("the log's first {missing} records are not here")
            };
            assert!(verdict.text.contains(&told), "{}", verdict.text);
            assert!(
                verdict.states()[..TODAY]
                    .iter()
                    .all(|state| *state == "broken at sequence 0")
            );
        }
    }
}

#[test]
fn a_segment_that_was_taken_away_is_named() {
    // Segments 1 to 5 hold the records of days 0, 2, 3, 4, and of today.
    for (segment, day, record) in [(0, 0, 0), (1, 2, 3), (2, 3, 7), (3, 4, 9)] {
        let attacker = Attacker::today(Shape::Segments);
        let file = &attacker.site.files()[segment];
        fs::remove_file(file).unwrap();
        let verdict = attacker.site.verdict();
        verdict.expect_broken(day, record);
        if segment > 0 {
            assert!(verdict.text.contains("MISSING SEGMENT"), "{}", verdict.text);
        }
    }
    // All of them from a day on.
    let attacker = Attacker::today(Shape::Segments);
    for file in &attacker.site.files()[2..] {
        fs::remove_file(file).unwrap();
    }
    attacker.site.verdict().expect_broken(3, 7);
}
