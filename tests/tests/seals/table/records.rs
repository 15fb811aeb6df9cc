//! Records changed, deleted, reordered, replayed.

use std::fs;

use super::{HOUR, today_at};
use crate::attacker::{Attacker, Stored};
use crate::honest::{RECORDS, SEALED, SHAPES, Shape, TODAY, ceremony};
use crate::judge::{Reader, evidence, states};

#[test]
fn a_changed_mail_is_named_and_costs_its_own_day_only() {
    for shape in SHAPES {
        let honest = Attacker::today(shape);
        for record in 0..SEALED {
            for length in [0, 1, 2] {
                let mut attacker = Attacker::on(honest.site.copy());
                let stored = &mut attacker.records[record];
                // In the session key, in the middle, at the end; with a checksum that fits.
                let last = stored.message.len() - 1;
                stored.message[[60, last / 2, last][length]] ^= 1;
                stored.render();
                let verdict = attacker.verdict();
                let day = attacker.day_of(record);
                verdict.expect_broken(day, record);
                let later = &verdict.states()[day + 1..TODAY];
                assert!(later.iter().all(|state| state == "sealed"), "{later:?}");
            }
        }
    }
}

#[test]
fn every_byte_of_a_record_counts() {
    let attacker = Attacker::today(Shape::File);
    let honest = fs::read(attacker.site.vault()).unwrap();
    let seals = fs::read(attacker.site.seals()).unwrap();
    let start: usize = attacker.records[..4].iter().map(|r| r.bytes().len()).sum();
    let end = start + attacker.records[4].bytes().len();
    let text = String::from_utf8(honest.clone()).unwrap();
    let time = start + text[start..].find(" time=").unwrap();
    for at in start..end {
        let mut vault = honest.clone();
        vault[at] ^= 1;
        let now = ceremony().at(TODAY, 12 * HOUR);
        let verdict = states(&Reader::Honest.judge(&vault, evidence(&seals, now)));
        // With another date it also speaks against the day of which it claims to be.
        let before = if (time..time + 30).contains(&at) {
            1
        } else {
            2
        };
        assert_eq!(
            verdict[..before],
            ["sealed", "sealed"][..before],
            "byte {at}"
        );
        assert_eq!(verdict[2], "broken at sequence 4", "byte {at}");
    }
}

#[test]
fn a_changed_mail_with_all_links_computed_anew_is_named() {
    for shape in SHAPES {
        for record in 0..SEALED {
            let mut attacker = Attacker::today(shape);
            attacker.records[record].message = attacker.forge(0, today_at(0)).message;
            attacker.relink(record);
            attacker.reseal_today();
            let verdict = attacker.verdict();
            // A checkpoint stands before each record, so the record is found out exactly.
            verdict.expect_broken(attacker.day_of(record), record);
            let from = &verdict.states()[attacker.day_of(record)..TODAY];
            assert!(!from.iter().any(|state| state == "sealed"), "{from:?}");
        }
    }
}

#[test]
fn a_deleted_record_is_named() {
    for shape in SHAPES {
        for record in 0..SEALED {
            for relinks in [false, true] {
                let mut attacker = Attacker::today(shape);
                let day = attacker.day_of(record);
                attacker.records.remove(record);
                if relinks {
                    attacker.relink(record);
                    attacker.reseal_today();
                }
                let verdict = attacker.verdict();
                verdict.expect_broken(day, record);
                // The records behind it, each one place too early, have done nothing: no later day names one of them.
                let states = verdict.states();
                let mut broken = states.iter().filter(|state| state.starts_with("broken"));
                assert!(broken.all(|state| *state == states[day]), "{states:?}");
            }
        }
    }
}

#[test]
fn reordered_records_are_named_by_the_first_of_them() {
    for shape in SHAPES {
        // Two of one day, and two of different days.
        for (one, other, day) in [(3, 4, 2), (4, 6, 2), (2, 3, 0), (4, 8, 2)] {
            for relinks in [false, true] {
                let mut attacker = Attacker::today(shape);
                let (first, second) = (
                    attacker.records[one].clone(),
                    attacker.records[other].clone(),
                );
                let swap = |attacker: &mut Attacker, at: usize, with: &Stored| {
                    attacker.records[at].header = with.header;
                    attacker.records[at].message.clone_from(&with.message);
                    attacker.records[at].render();
                };
                swap(&mut attacker, one, &second);
                swap(&mut attacker, other, &first);
                if relinks {
                    attacker.relink(one);
                    attacker.reseal_today();
                }
                attacker.verdict().expect_broken(day, one);
            }
        }
    }
}

#[test]
fn a_replayed_record_is_named() {
    for shape in SHAPES {
        // At once, later on the same day, and on a later day.
        for (from, to, day) in [(4, 5, 2), (4, 6, 2), (4, 8, 3), (4, 10, 4)] {
            let mut attacker = Attacker::today(shape);
            let copy = attacker.records[from].clone();
            attacker.insert(to, copy);
            let verdict = attacker.verdict();
            // It is dated into day 2, and stands in a later one.
            let states = verdict.states();
            assert_eq!(
                states[day],
                format!("broken at sequence {to}"),
                "{states:?}"
            );
            assert_eq!(verdict.report["repeated_points"]["count"], 1);
        }
        // Behind everything.
        let mut attacker = Attacker::today(shape);
        let copy = attacker.records[4].clone();
        attacker.insert(RECORDS, copy);
        attacker.verdict().expect_broken(2, RECORDS);
    }
}

#[test]
fn a_replayed_mail_that_was_linked_anew_is_named() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        let copy = attacker.records[4].clone();
        attacker.insert(6, copy);
        attacker.relink(6);
        attacker.reseal_today();
        attacker.verdict().expect_broken(2, 6);
    }
}
