//! The file's one text, frozen, and everything else refused.

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

/// Made by `testdata/retired.py`, never by this code.
const VECTOR: &[u8] = include_bytes!("../../../testdata/VAULT-000007.retired");

fn text(segment: &RetiredSegment) -> Vec<u8> {
    let mut text = Vec::new();
    segment.write_to(&mut text).unwrap();
    text
}

/// A changed file with a check that fits.
pub(in crate::vault) fn with_its_check(text: &str) -> Vec<u8> {
    let (content, _) = text.rsplit_once("check ").unwrap();
    let check = Sha256::new_with_prefix(b"archiver v1 retired\0")
        .chain_update(content)
        .finalize();
    let check = data_encoding::HEXLOWER.encode(&check);
    format!("{content}check {check}\n").into_bytes()
}

#[test]
fn the_file_is_the_one_that_python_makes() {
    let segment = RetiredSegment::parse(VECTOR).unwrap();
    assert_eq!(text(&segment), VECTOR);
    let facts = segment.facts();
    assert_eq!((facts.segment.get(), facts.bytes), (7, 4_711));
    assert_eq!(facts.reason.to_string(), "zehn Jahre sind um: § 147 AO");
    assert_eq!((facts.without_header, facts.torn), (1, 2));
    assert_eq!(segment.gap().bytes(), 70);
    let records: Vec<RetiredRecord> = segment.records().collect();
    let leaves: Vec<String> = records.iter().map(|r| r.leaf.to_string()).collect();
    let expected = include_str!("../../../testdata/retired-leaves.txt");
    assert_eq!(leaves, expected.lines().collect::<Vec<_>>());
    let damaged: Vec<bool> = records.iter().map(|record| record.was_damaged).collect();
    assert_eq!(damaged, [false, false, true, false]);
    let seqs: Vec<(u64, u64)> = segment.ranges().map(|r| (r.first, r.last)).collect();
    assert_eq!(seqs, [(41, 43), (0, 0)]);
}

#[test]
fn any_changed_byte_is_refused() {
    for at in 0..VECTOR.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = VECTOR.to_vec();
            changed[at] ^= change;
            assert!(RetiredSegment::parse(&changed).is_err(), "byte {at}");
        }
    }
    for length in 0..VECTOR.len() {
        assert!(RetiredSegment::parse(&VECTOR[..length]).is_err());
    }
    assert!(RetiredSegment::parse(&[VECTOR, b"\n"].concat()).is_err());
}

#[test]
fn another_text_for_the_same_content_is_refused_though_its_check_fits() {
    let vector = std::str::from_utf8(VECTOR).unwrap();
    assert_eq!(with_its_check(vector), VECTOR);
    let last = "check ";
    for (from, to) in [
        ("segment 7", "segment 07"),
        ("segment 7", "segment VAULT-000007.asc"),
        ("segment 7", "segment 0"),
        ("bytes 4711", "bytes +4711"),
        ("records 4", "records 5"),
        ("torn 2", "torn 2 "),
        ("lf no", "lf maybe"),
        ("seq 41 to 43", "seq 43 to 41"),
        ("seq 41 to 43", "seq 41 to 18446744073709551615"),
        ("reason zehn", "reason  zehn"),
        ("reason zehn", "reason \u{202e}zehn"),
        ("gap bytes 70", "gap bytes 070"),
        ("gap bytes 70", "gap bytes 6"),
        ("gap bytes 70", "gap bytes 71"),
        (last, "\ncheck "),
    ] {
        assert!(vector.contains(from), "{from}");
        let changed = with_its_check(&vector.replacen(from, to, 1));
        assert!(RetiredSegment::parse(&changed).is_err(), "{from} {to}");
    }
}

#[test]
fn a_run_that_is_cut_in_two_is_refused() {
    let segment = RetiredSegment::parse(VECTOR).unwrap();
    let mut cut = segment.clone();
    let second = cut.runs[0].records.split_off(1);
    let first_leaf = segment.records().next().unwrap().leaf;
    let run = Run {
        first: 42,
        prev: first_leaf,
        records: second,
        ..cut.runs[0].clone()
    };
    cut.runs.insert(1, run);
    assert_eq!(
        RetiredSegment::parse(&text(&cut)),
        Err(RetiredRefused::Check)
    );
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let vector = std::str::from_utf8(VECTOR).unwrap();
    let refused = |from: &str, to: &str| {
        let changed = with_its_check(&vector.replacen(from, to, 1));
        RetiredSegment::parse(&changed).unwrap_err().to_string()
    };
    let says = |text: String, expected: &str| assert!(text.contains(expected), "{text}");
    says(refused("retired 1\n", "retired 2\n"), "newer program");
    says(
        refused("archiver retired", "archiver seals"),
        "does not begin",
    );
    says(refused("retired 20", "retired 19x"), "line 3");
    says(
        refused("records 4", "records 5"),
        "says 5 records, and has 4",
    );
    says(refused("damaged ", "broken "), "line 9");
    let mut no_text = VECTOR.to_vec();
    no_text[30] = 0xff;
    let error = RetiredSegment::parse(&no_text).unwrap_err().to_string();
    says(error, "line 2");
}

#[test]
fn a_reason_is_one_harmless_line() {
    for good in [
        "x",
        "Aufbewahrung endet: § 147 AO (10 Jahre)",
        &"ü".repeat(200),
    ] {
        assert_eq!(good.parse::<Reason>().unwrap().to_string(), good);
    }
    for bad in [
        "",
        " ",
        " x",
        "x ",
        "x\n",
        "a\nb",
        "a\tb",
        "a\u{1b}[2J",
        "a\u{2028}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{85}b",
        &"x".repeat(201),
    ] {
        assert_eq!(bad.parse::<Reason>(), Err(NotAReason), "{bad:?}");
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<Vec<u8>> = VECTOR
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let garbage = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![4 => prop::sample::select(lines), 1 => garbage]
}

proptest! {
    #[test]
    fn garbage_is_refused_or_reads_back_to_itself(
        pieces in prop::collection::vec(piece(), 0..14),
    ) {
        let bytes = pieces.concat();
        if let Ok(segment) = RetiredSegment::parse(&bytes) {
            prop_assert_eq!(text(&segment), bytes.as_slice());
        }
        let titled = [b"archiver retired 1\n", bytes.as_slice()].concat();
        if let Ok(segment) = RetiredSegment::parse(&titled) {
            prop_assert_eq!(text(&segment), titled);
        }
    }

    #[test]
    fn a_run_of_any_length_is_refused_without_its_lines(first in any::<u64>(), last in any::<u64>()) {
        let vector = std::str::from_utf8(VECTOR).unwrap();
        let changed = vector.replacen("seq 41 to 43", &format!("seq {first} to {last}"), 1);
        let is_the_same = (first, last) == (41, 43);
        prop_assert_eq!(RetiredSegment::parse(&with_its_check(&changed)).is_ok(), is_the_same);
    }
}
