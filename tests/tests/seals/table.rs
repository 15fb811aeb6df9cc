//! The table of attacks that the verdict must name, row by row, each on a vault that is one file and on one in segments.
//!
//! Records 0–2 are of day 0, none of day 1, 3–6 of day 2, 7–8 of day 3, 9–11 of day 4, 12–13 of today, when the attacker came.

use std::fs;

use archiver_core::identity::UtcTime;
use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;
use archiver_core::seal::verify::{Finding, Source};
use archiver_core::vault::armor;
use archiver_core::vault::leaf::LogId;

use crate::attacker::{Attacker, Stored};
use crate::honest::{MAILS, RECORDS, SEALED, SHAPES, Shape, Site, TODAY, ceremony};
use crate::judge::{Reader, evidence, states};

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

// --- Change, delete, reorder, replay a record.

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
        assert_eq!(verdict[2], "broken at record 4", "byte {at}");
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
                attacker.verdict().expect_broken(day, record);
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
            assert_eq!(states[day], format!("broken at record {to}"), "{states:?}");
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

// --- Change armor, comments or the bytes between records.

type Rewrite = fn(&str) -> String;

#[test]
fn armor_that_was_rewritten_is_named() {
    let edits: [(&str, Rewrite); 9] = [
        ("CR LF", |text| text.replace('\n', "\r\n")),
        ("a blank behind the begin line", |text| {
            text.replacen("MESSAGE-----\n", "MESSAGE----- \n", 1)
        }),
        ("a tab behind the end line", |text| {
            text.trim_end().to_owned() + "\t\n"
        }),
        ("another comment", |text| {
            text.replacen("\n\n", "\nComment: of mine\n\n", 1)
        }),
        ("a version line in front", |text| {
            text.replacen("\nComment", "\nVersion: 1\nComment", 1)
        }),
        ("longer lines", |text| {
            let mut lines: Vec<&str> = text.split('\n').collect();
            let joined = lines[3].to_owned() + lines[4];
            lines.splice(3..5, [joined.as_str()]);
            lines.join("\n")
        }),
        ("an empty line more", |text| {
            text.replacen("\n\n", "\n\n\n", 1)
        }),
        ("a blank in the empty line", |text| {
            text.replacen("\n\n", "\n \n", 1)
        }),
        ("no checksum", |text| {
            let at = text.rfind("\n=").unwrap();
            text[..at].to_owned() + &text[at + 6..]
        }),
    ];
    for shape in SHAPES {
        for (name, edit) in edits {
            let mut attacker = Attacker::today(shape);
            let stored = &mut attacker.records[4];
            let text = edit(std::str::from_utf8(&stored.text).unwrap());
            assert_ne!(text.as_bytes(), stored.text, "{name}");
            stored.text = text.into_bytes();
            println!("{name}");
            attacker.verdict().expect_broken(2, 4);
        }
    }
}

#[test]
fn a_changed_comment_is_named_whichever_field() {
    for shape in SHAPES {
        let honest = Attacker::today(shape);
        let (place, other) = (honest.records[4].header.place, honest.records[8].header);
        let fields = [
            (
                format!("log={}", place.log),
                format!("log={}", LogId([0x20; 16])),
            ),
            ("seq=4".to_owned(), "seq=5".to_owned()),
            (
                format!("time={}", place.time),
                format!("time={}", ceremony().at(2, 1)),
            ),
            (
                format!("prev={}", place.prev),
                format!("prev={}", other.place.prev),
            ),
            (
                format!("leaf={}", honest.records[4].header.leaf),
                format!("leaf={}", other.leaf),
            ),
            (
                "Comment: archiver 2".to_owned(),
                "Comment: archiver 3".to_owned(),
            ),
            (
                "Comment: archiver".to_owned(),
                "Comment: somebody".to_owned(),
            ),
            (
                "Comment: archiver".to_owned(),
                "comment: archiver".to_owned(),
            ),
            (" origin=".to_owned(), " origin=none".to_owned()),
        ];
        for (from, to) in fields {
            let mut attacker = Attacker::on(honest.site.copy());
            let stored = &mut attacker.records[4];
            let mut text = String::from_utf8(stored.text.clone()).unwrap();
            assert!(text.contains(&from));
            text = text.replacen(&from, &to, 1);
            if let Some((without, proof)) = text.split_once(" origin=none") {
                let (_, rest) = proof.split_once('\n').unwrap();
                text = format!("{without} origin=none\n{rest}");
            }
            println!("{from} to {to}");
            stored.text = text.into_bytes();
            attacker.verdict().expect_broken(2, 4);
        }
    }
}

#[test]
fn bytes_put_between_records_are_named_by_the_record_behind_them() {
    let torn = b"-----BEGIN PGP MESSAGE-----\n\nhQ\n".as_slice();
    let foreign = armor::render(None, b"made by somebody");
    for shape in SHAPES {
        for gap in [b"\n".as_slice(), b" \n", b"a note\n", torn, &foreign] {
            // In front of the vault, in the middle of a day, where a day begins.
            for record in [0, 4, 3, 9] {
                let mut attacker = Attacker::today(shape);
                attacker.records[record].gap.extend(gap);
                attacker
                    .verdict()
                    .expect_broken(attacker.day_of(record), record);
            }
        }
    }
}

#[test]
fn the_line_feed_that_begins_a_segment_counts() {
    for record in [3, 7, 9] {
        let mut attacker = Attacker::today(Shape::Segments);
        assert_eq!(attacker.records[record].gap, b"\n");
        attacker.records[record].gap.clear();
        attacker
            .verdict()
            .expect_broken(attacker.day_of(record), record);
    }
}

#[test]
fn bytes_behind_the_last_record_are_in_no_sealed_day_and_told() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        attacker.tail = b"a note\n".to_vec();
        let verdict = attacker.verdict();
        verdict.expect_intact();
        assert_eq!(
            (verdict.code, &verdict.report["vaults"][0]["stray"]["count"]),
            (1, &1.into())
        );
    }
}

// --- Cut the tail into a sealed day; roll the whole file back.

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
                    let expected = format!("record {kept}: the log ends before it");
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
    let attacker = Attacker::today(Shape::File);
    let text =
        |notes: Vec<&Note>| -> String { notes.into_iter().map(ToString::to_string).collect() };
    let day = ceremony().day(2);
    let rolled_back = text(
        attacker
            .notes
            .iter()
            .filter(|note| note.claimed.day <= day)
            .collect(),
    );
    let finals = attacker
        .notes
        .iter()
        .filter(|note| note.claimed.kind == Kind::Final);
    let kept = text(finals.collect());
    let vault: Vec<u8> = attacker.records[..7]
        .iter()
        .flat_map(Stored::bytes)
        .collect();
    let mut evidence = evidence(rolled_back.as_bytes(), today_at(HOUR));
    evidence.add(pieces(kept.as_bytes(), 0), Source::Elsewhere);
    let verdict = Reader::Honest.judge(&vault, evidence);
    let cut = "broken at record 7";
    assert_eq!(
        states(&verdict)[..5],
        ["sealed", "sealed", "sealed", cut, cut]
    );
    let is_only_there = |found: &&Finding| matches!(found, Finding::OnlyElsewhere(_));
    assert_eq!(verdict.findings.iter().filter(is_only_there).count(), 2);
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

// --- Insert a forged mail into a past day.

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

// --- Re-seal the past with today's key; a second final; a skipped day; a final dated in the future.

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

// --- A leaf of another log; a checkpoint over another tree.

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
        verdict.expect_finding(&format!("a record of another log ({other}, its number 0) stands behind {RECORDS} records of this one"));
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
            verdict.states()[0].starts_with("broken at record 0"),
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

// --- What cannot be known, and is said.

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

// --- What an attacker must not be able to bring about.

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

fn today_at(seconds: i64) -> UtcTime {
    ceremony().at(TODAY, seconds)
}
