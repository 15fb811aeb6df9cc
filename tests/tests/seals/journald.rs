//! The three attacks that broke the forward secure sealing of systemd's journal (F. Dörre, A. Ottenhues, "Secure Logging in between Theory and Practice",
//! ia.cr/2023/867), as the authors' own attacker carries them out, on our vaults.
//!
//! In all of them the attacker has the key of the present time, may write every byte, and wants a verification that says nothing.

use std::fs;

use archiver_core::seal::note::{Kind, Note};

use crate::attacker::Attacker;
use crate::honest::{SEALED, SHAPES, Shape, TODAY, ceremony};

const HOUR: i64 = 3600;

/// CVE-2023-31439. There, one field of a sealed entry is overwritten, and the tag that seals it is signed anew with the present key and says so: the
/// verification did not ask whether an entry that old may be sealed with a key that late.
#[test]
fn cve_2023_31439_a_sealed_entry_is_overwritten_and_its_tag_signed_with_the_present_key() {
    for shape in SHAPES {
        for record in 0..SEALED {
            let mut attacker = Attacker::today(shape);
            attacker.records[record].message = attacker.forge(0, ceremony().at(0, 0)).message;
            attacker.relink(record);
            let day = attacker.day_of(record);
            // Each checkpoint that covers the entry says now that it is of today, over what stands there now.
            let overwritten = attacker.notes.clone().into_iter().map(|note| {
                let size = usize::try_from(note.claimed.size).unwrap();
                if size <= record {
                    note
                } else {
                    attacker.note(TODAY, TODAY, Kind::Interim, size)
                }
            });
            attacker.notes = overwritten.collect();
            let verdict = attacker.verdict();
            let states = verdict.states();
            assert!(
                states[..day].iter().all(|state| state == "sealed"),
                "{states:?}"
            );
            assert_eq!(states[day], "missing", "record {record}\n{}", verdict.text);
            assert!(!verdict.is_intact());
        }
    }
}

/// The same, with tags that keep the date of what they seal.
#[test]
fn cve_2023_31439_with_tags_that_claim_the_day_of_the_entry() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        attacker.records[7].message = attacker.forge(0, ceremony().at(0, 0)).message;
        attacker.relink(7);
        let overwritten = attacker.notes.clone().into_iter().map(|note: Note| {
            let (size, day) = (
                note.claimed.size,
                note.claimed.day.days_since(ceremony().day(0)),
            );
            let (size, day) = (
                usize::try_from(size).unwrap(),
                usize::try_from(day).unwrap(),
            );
            if size <= 7 {
                note
            } else {
                attacker.note(day, TODAY, note.claimed.kind, size)
            }
        });
        attacker.notes = overwritten.collect();
        let verdict = attacker.verdict();
        verdict.expect_states(&["sealed", "sealed", "sealed", "missing", "missing", "open"]);
        verdict.expect_finding("is signed with a key that is not that day's");
    }
}

/// CVE-2023-31438. There, the log is cut behind any tag, and logging and sealing are resumed with the present key: epochs in which nothing was logged had
/// no tag, so a hole in their numbers meant nothing.
#[test]
fn cve_2023_31438_the_log_is_cut_behind_a_seal_and_resumed_with_the_present_key() {
    for shape in SHAPES {
        let honest = Attacker::today(shape);
        for kept in 0..honest.notes.len() {
            let note = honest.notes[kept];
            if note.claimed.day >= ceremony().day(TODAY) {
                continue;
            }
            let mut attacker = Attacker::on(honest.site.copy());
            attacker.notes.truncate(kept + 1);
            attacker
                .records
                .truncate(usize::try_from(note.claimed.size).unwrap());
            attacker.append(ceremony().at(TODAY, HOUR));
            attacker.sign(TODAY, Kind::Interim);
            let verdict = attacker.verdict();
            let day = usize::try_from(note.claimed.day.days_since(ceremony().day(0))).unwrap();
            // Behind an interim checkpoint that day itself has no final any more; behind a final, the next one has none.
            let first = if note.claimed.kind == Kind::Final {
                day + 1
            } else {
                day
            };
            let states = verdict.states();
            assert!(
                states[..first].iter().all(|state| state == "sealed"),
                "{states:?}"
            );
            assert!(
                states[first..TODAY].iter().all(|state| state == "missing"),
                "{states:?}"
            );
            let cuts_a_past_day = first < TODAY;
            assert_eq!(!verdict.is_intact(), cuts_a_past_day, "{}", verdict.text);
        }
    }
}

/// The same, behind the cut a history of many days that never was, sealed in one go: there, any number of epochs could be skipped.
#[test]
fn cve_2023_31438_an_empty_log_is_begun_anew_with_the_present_key() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        attacker.records.clear();
        attacker.notes.clear();
        for (day, hour) in [(0, 1), (2, 3), (4, 5)] {
            attacker.append(ceremony().at(day, hour * HOUR));
        }
        attacker.sign(TODAY, Kind::Interim);
        let verdict = attacker.verdict();
        verdict.expect_states(&[
            "missing", "missing", "missing", "missing", "missing", "open",
        ]);
    }
}

/// CVE-2023-31437. There, sealed entries stay where they are, and are hidden from readers that go another way through the file than the verification: the
/// tables that those follow were not compared with the entries. A vault has no such table. What a reader follows is the begin and end lines, the header and the
/// names of the files; a record is hidden by spoiling one of them, and its bytes stay.
#[test]
fn cve_2023_31437_a_sealed_record_is_hidden_from_readers_and_its_bytes_stay() {
    let begin = "-----BEGIN PGP MESSAGE-----\n";
    let end = "-----END PGP MESSAGE-----\n";
    let ways: [(&str, &str, String); 9] = [
        ("its begin line is indented", begin, format!(" {begin}")),
        (
            "its begin line is another one's",
            begin,
            begin.replace("MESSAGE", "SIGNATURE"),
        ),
        (
            "its begin line does not begin a line",
            begin,
            format!("> {begin}"),
        ),
        ("its end line is indented", end, format!(" {end}")),
        (
            "another record begins in its middle",
            "\n\n",
            format!("\n\n{begin}"),
        ),
        ("it ends before it begins", begin, format!("{begin}{end}")),
        (
            "its header is nobody's",
            "Comment: archiver",
            "Comment: anybody".to_owned(),
        ),
        (
            "its header has another spelling",
            "Comment: archiver 2",
            "Comment:  archiver 2".to_owned(),
        ),
        (
            "its header stands behind another one",
            "Comment:",
            "Hash: x\nComment:".to_owned(),
        ),
    ];
    for shape in SHAPES {
        for record in [0, 2, 5, 8, 11] {
            for (way, from, to) in &ways {
                let mut attacker = Attacker::today(shape);
                let stored = &mut attacker.records[record];
                let text = String::from_utf8(stored.text.clone()).unwrap();
                assert!(text.contains(from));
                stored.text = text.replacen(from, to, 1).into_bytes();
                println!("record {record}: {way}");
                attacker
                    .verdict()
                    .expect_broken(attacker.day_of(record), record);
            }
        }
    }
}

/// The same with the names of the files, as there with whole journal files.
#[test]
fn cve_2023_31437_a_sealed_segment_is_hidden_under_another_name() {
    for (segment, day, record) in [(0, 0, 0), (1, 2, 3), (3, 4, 9)] {
        for name in [
            "VAULT-000099.asc",
            "VAULT-000002.asc~",
            "vault-000002.asc",
            "VAULT-2.asc",
        ] {
            let attacker = Attacker::today(Shape::Segments);
            let file = &attacker.site.files()[segment];
            fs::rename(file, attacker.site.vault().join(name)).unwrap();
            attacker.site.verdict().expect_broken(day, record);
        }
        // An empty file under its name, so that no number is missing.
        let attacker = Attacker::today(Shape::Segments);
        fs::write(&attacker.site.files()[segment], "").unwrap();
        attacker.site.verdict().expect_broken(day, record);
    }
}

/// The same with two names exchanged.
#[test]
fn cve_2023_31437_two_sealed_segments_change_places() {
    let attacker = Attacker::today(Shape::Segments);
    let files = attacker.site.files();
    let [one, other] = [1, 2].map(|segment| fs::read(&files[segment]).unwrap());
    fs::write(&files[1], other).unwrap();
    fs::write(&files[2], one).unwrap();
    attacker.site.verdict().expect_broken(2, 3);
}
