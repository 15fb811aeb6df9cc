//! The past sealed anew with today's key; second, skipped, repeated and future finals.

use std::fs;

use archiver_core::seal::note::{Kind, Note};

use super::today_at;
use crate::attacker::Attacker;
use crate::honest::{SHAPES, Shape, TODAY, ceremony};

#[test]
fn a_past_day_sealed_anew_with_todays_key_is_not_sealed() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        attacker.records[4].message = attacker.forge(0, today_at(0)).message;
        attacker.relink(4);
        attacker.drop_notes_from(2);
        for (day, size) in [(2, 7), (3, 9), (4, 12)] {
            let note = attacker.note(day, TODAY, Kind::Final, size);
            attacker.notes.push(note);
        }
        attacker.sign(TODAY, Kind::Interim);
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed", "sealed", "missing", "missing", "missing", "open"]);
        for day in 2..TODAY {
            let day = ceremony().day(day);
            verdict.expect_finding(&format!(
                "the final checkpoint of {day} is signed with a key that is not that day's"
            ));
        }
        assert!(!verdict.is_intact());
    }
}

#[test]
fn finals_relabelled_as_those_of_an_earlier_day_are_not_believed() {
    // The signature of a real final under the date of another day.
    let attacker = Attacker::today(Shape::File);
    let (day, later) = (ceremony().day(2).to_string(), ceremony().day(3).to_string());
    let mut seals = fs::read_to_string(attacker.site.seals()).unwrap();
    let at = seals.find(&format!("kind final\nday {day}")).unwrap();
    seals.replace_range(at..at + 25, &format!("kind final\nday {later}\n")[..25]);
    fs::write(attacker.site.seals(), seals).unwrap();
    let verdict = attacker.site.verdict();
    assert_eq!(verdict.states()[2], "missing");
    assert!(!verdict.is_intact());
}

#[test]
fn a_second_final_of_a_day_is_named() {
    for shape in SHAPES {
        // He came yesterday, before midnight, and has that day's key.
        let mut attacker = Attacker::today(shape).since(TODAY - 1);
        let second = attacker.note(TODAY - 1, TODAY - 1, Kind::Final, 11);
        attacker.notes.push(second);
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed", "sealed", "sealed", "sealed"]);
        assert!(
            verdict.states()[4].starts_with("broken"),
            "{}",
            verdict.text
        );
        verdict.expect_finding(&format!(
            "two different finals of {} are signed",
            ceremony().day(4)
        ));
    }
}

#[test]
fn a_final_that_comes_twice_word_for_word_is_no_second_one() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        let again = attacker.notes.clone();
        attacker.notes.extend(again);
        let verdict = attacker.verdict();
        verdict.expect_intact();
        assert!(verdict.findings().is_empty());
    }
}

#[test]
fn a_skipped_day_is_missing() {
    for shape in SHAPES {
        for day in 0..TODAY {
            let mut attacker = Attacker::today(shape);
            let skipped = ceremony().day(day);
            attacker
                .notes
                .retain(|note| note.claimed.kind == Kind::Interim || note.claimed.day != skipped);
            let verdict = attacker.verdict();
            for (other, state) in verdict.states().iter().enumerate().take(TODAY) {
                assert_eq!(
                    state,
                    if other == day { "missing" } else { "sealed" },
                    "{other}"
                );
            }
            if day < TODAY - 1 {
                verdict.expect_finding(&format!("{skipped} was skipped"));
            }
            assert!(!verdict.is_intact());
        }
    }
}

#[test]
fn a_final_dated_in_the_future_is_named_and_seals_nothing() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        for kind in [Kind::Final, Kind::Interim] {
            attacker.sign(TODAY + 2, kind);
        }
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed", "sealed", "sealed", "sealed", "sealed", "open"]);
        let day = ceremony().day(TODAY + 2);
        for kind in ["final", "interim"] {
            verdict.expect_finding(&format!(
                "the {kind} checkpoint of {day} is signed before its time"
            ));
        }
        assert!(!verdict.is_intact());
    }
}

#[test]
fn checkpoints_that_continue_another_past_speak_against_their_own_day_only() {
    let mut attacker = Attacker::today(Shape::File).since(3);
    let first = attacker
        .notes
        .iter()
        .find(|note| note.claimed.kind == Kind::Final)
        .unwrap()
        .hash();
    let at = attacker
        .notes
        .iter()
        .position(|note| note.claimed.day == ceremony().day(3))
        .unwrap();
    let mut other = attacker.notes[at].claimed;
    other.previous = Some(first);
    attacker.notes[at] = Note::sign(other, &ceremony().key(3));
    let verdict = attacker.verdict();
    verdict.expect_broken(3, 7);
    assert_eq!(verdict.states()[4], "sealed");
}
