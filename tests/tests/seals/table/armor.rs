//! Armor, comments, and the bytes between records, changed.

use archiver_core::vault::armor;
use archiver_core::vault::leaf::LogId;

use crate::attacker::Attacker;
use crate::honest::{SHAPES, Shape, ceremony};

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
