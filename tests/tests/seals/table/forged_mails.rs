//! Mails forged into a past day.

use super::HOUR;
use crate::attacker::Attacker;
use crate::honest::{RECORDS, SHAPES, TODAY, ceremony};

#[test]
fn a_mail_forged_into_a_past_day_is_named() {
    for shape in SHAPES {
        // At a day's beginning, in its middle, at its end behind its final.
        for (place, day, seconds) in [
            (3, 2, 10),
            (4, 2, 2 * HOUR),
            (7, 2, 23 * HOUR),
            (12, 4, 23 * HOUR),
        ] {
            for relinks in [false, true] {
                let mut attacker = Attacker::today(shape);
                let forged = attacker.forge(place, ceremony().at(day, seconds));
                attacker.insert(place, forged);
                if relinks {
                    attacker.relink(place + 1);
                    attacker.reseal_today();
                }
                attacker.verdict().expect_broken(day, place);
            }
        }
    }
}

#[test]
fn a_mail_forged_into_a_day_that_had_none_is_named() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        let forged = attacker.forge(3, ceremony().at(1, HOUR));
        attacker.insert(3, forged);
        attacker.relink(4);
        attacker.reseal_today();
        attacker.verdict().expect_broken(1, 3);
    }
}

#[test]
fn a_mail_appended_today_and_dated_into_a_sealed_day_is_named() {
    for shape in SHAPES {
        for day in 0..TODAY {
            let mut attacker = Attacker::today(shape);
            attacker.append(ceremony().at(day, 23 * HOUR));
            attacker.reseal_today();
            attacker.verdict().expect_broken(day, RECORDS);
        }
    }
}

#[test]
fn a_record_moved_from_a_sealed_day_into_another_is_named_in_its_own() {
    for shape in SHAPES {
        for day in [3, 4, TODAY] {
            let mut attacker = Attacker::today(shape);
            attacker.records[6].header.place.time = ceremony().at(day, 1);
            attacker.records[6].render();
            attacker.verdict().expect_broken(2, 6);
        }
    }
}
