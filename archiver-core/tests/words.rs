//! The words of a share: the frozen vector, and over one sheet every single mistake that the format says is caught.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

use archiver_core::frame;
use archiver_core::share::Share;
use archiver_core::words::{
    NotRowsOfAShare, Row, RowLetter, RowRefused, Rows, RowsRefused, WORDS_IN_A_ROW,
    is_meant_as_words, rows_in, to_rows,
};
use proptest::prelude::*;

const LIST: &str = include_str!("../src/words/slip39-english.txt");
const VECTOR: &str = include_str!("../testdata/words.txt");

/// A sheet's words, row after row, as they stand in the vector.
type Sheet = Vec<Vec<&'static str>>;

fn sheets() -> Vec<Sheet> {
    let rows = VECTOR.lines().filter(|line| !line.starts_with("Share"));
    let rows: Sheet = rows.map(|row| row.split(' ').skip(1).collect()).collect();
    rows.chunks(11).map(<[_]>::to_vec).collect()
}

fn list() -> Vec<&'static str> {
    LIST.lines().collect()
}

fn share(number: usize) -> Share {
    let json: serde_json::Value =
        serde_json::from_str(include_str!("../testdata/classic-2-of-3.json")).unwrap();
    frame::from_qr_text(json["shares"][number]["qr_text"].as_str().unwrap()).unwrap()
}

fn letter(row: usize) -> RowLetter {
    RowLetter::all().nth(row).unwrap()
}

fn lettered(sheet: &[Vec<&str>]) -> Vec<String> {
    let rows = RowLetter::all().zip(sheet);
    rows.map(|(letter, words)| format!("{letter} {}", words.join(" ")))
        .collect()
}

fn frame_of(share: &Share) -> Vec<u8> {
    frame::encode(share).expose_bytes().to_vec()
}

fn refused(text: &str) -> NotRowsOfAShare {
    rows_in(text).unwrap_err()
}

#[test]
fn the_words_of_the_frozen_sheets_are_frozen() {
    for (number, sheet) in sheets().iter().enumerate() {
        let share = share(number);
        let rows: Vec<_> = to_rows(&share)
            .iter()
            .map(|row| format!("{} {}", row.letter(), row.expose_words().expose_text()))
            .collect();
        assert_eq!(rows, lettered(sheet));
        assert_eq!(
            frame_of(&rows_in(&rows.join("\n")).unwrap().share().unwrap()),
            frame_of(&share)
        );
    }
}

#[test]
fn every_single_wrong_word_is_caught_in_its_row() {
    let list = list();
    for (place, words) in sheets().remove(0).iter().enumerate() {
        for word in 0..WORDS_IN_A_ROW {
            for wrong in list.iter().filter(|wrong| **wrong != words[word]) {
                let mut words = words.clone();
                words[word] = wrong;
                let error = Row::read(letter(place), &words).unwrap_err();
                assert!(matches!(error, RowRefused::CheckFails { .. }));
                assert_eq!(error.letter(), letter(place));
            }
        }
    }
}

#[test]
fn every_swap_of_two_words_is_caught_in_a_row_that_it_touches() {
    let sheet = sheets().remove(0);
    let places: Vec<_> = (0..sheet.len())
        .flat_map(|row| (0..WORDS_IN_A_ROW).map(move |word| (row, word)))
        .collect();
    let mut swaps = 0;
    for (first, (row_a, word_a)) in places.iter().enumerate() {
        for (row_b, word_b) in &places[first + 1..] {
            let mut swapped = sheet.clone();
            let (a, b) = (sheet[*row_a][*word_a], sheet[*row_b][*word_b]);
            swapped[*row_a][*word_a] = b;
            swapped[*row_b][*word_b] = a;
            let result = rows_in(&lettered(&swapped).join("\n"));
            if a == b {
                assert!(result.is_ok());
                continue;
            }
            let NotRowsOfAShare::Rows { rows } = result.unwrap_err() else {
                unreachable!("the row's check finds it, not the frame's");
            };
            assert!(
                rows.iter()
                    .all(|row| [letter(*row_a), letter(*row_b)].contains(&row.letter()))
            );
            swaps += 1;
        }
    }
    assert!(swaps > 1400, "{swaps} swaps");
}

#[test]
fn every_row_under_another_letter_is_caught_and_the_right_letter_is_named() {
    for (place, words) in sheets().remove(0).iter().enumerate() {
        for other in (0..11).filter(|other| *other != place) {
            let error = Row::read(letter(other), words).unwrap_err();
            let expected = RowRefused::CheckFails {
                letter: letter(other),
                fits: Some(letter(place)),
            };
            assert_eq!(error, expected);
            assert!(
                error
                    .to_string()
                    .contains(&format!("it would fit as row {}", letter(place)))
            );
        }
    }
}

#[test]
fn every_swap_of_two_rows_is_caught_with_letters_and_without() {
    let sheet = sheets().remove(0);
    for a in 0..11 {
        for b in a + 1..11 {
            let mut swapped = sheet.clone();
            swapped.swap(a, b);
            for text in [lettered(&swapped).join("\n"), swapped.concat().join(" ")] {
                let NotRowsOfAShare::Rows { rows } = refused(&text) else {
                    unreachable!("the row's check finds it, not the frame's");
                };
                let letters: Vec<_> = rows.iter().map(RowRefused::letter).collect();
                assert_eq!(letters, [letter(a), letter(b)]);
            }
        }
    }
}

#[test]
fn every_single_unreadable_word_is_restored_and_marked() {
    for (place, words) in sheets().remove(0).iter().enumerate() {
        for word in 0..WORDS_IN_A_ROW {
            let mut torn = words.clone();
            torn[word] = "?";
            let row = Row::read(letter(place), &torn).unwrap();
            assert_eq!(row.restored(), Some(word + 1));
            assert_eq!(row.expose_words().expose_text(), words.join(" "));
        }
    }
}

#[test]
fn one_unreadable_word_in_every_row_still_gives_the_share() {
    for (number, sheet) in sheets().iter().enumerate() {
        let torn: Vec<Vec<&str>> = (0..)
            .zip(sheet)
            .map(|(row, words)| {
                (0..WORDS_IN_A_ROW)
                    .map(|word| {
                        if word == row % WORDS_IN_A_ROW {
                            "???"
                        } else {
                            words[word]
                        }
                    })
                    .collect()
            })
            .collect();
        let text = lettered(&torn).join("\n");
        assert_eq!(
            frame_of(&rows_in(&text).unwrap().share().unwrap()),
            frame_of(&share(number))
        );
    }
}

#[test]
fn a_wrong_word_beside_an_unreadable_one_is_caught_by_the_frame_and_the_row_named() {
    let list = list();
    let mut sheet = sheets().remove(0);
    sheet[3][1] = "?";
    let right = sheet[3][0];
    for wrong in list.iter().filter(|wrong| **wrong != right) {
        sheet[3][0] = wrong;
        let rows = rows_in(&lettered(&sheet).join("\n")).unwrap();
        let expected = RowsRefused::Changed {
            restored: vec![letter(3)],
        };
        assert_eq!(rows.share().unwrap_err(), expected);
    }
}

#[test]
fn two_unreadable_words_in_a_row_are_too_many() {
    let mut words = sheets().remove(0).remove(2);
    words[0] = "?";
    words[4] = "?";
    assert_eq!(
        Row::read(letter(2), &words).unwrap_err(),
        RowRefused::TwoUnreadable { letter: letter(2) }
    );
}

#[test]
fn missing_rows_and_wrong_rows_are_all_named() {
    let rows = lettered(&sheets()[0]);
    let some = [&rows[..2], &rows[3..5], &rows[6..10]].concat().join("\n");
    assert_eq!(
        rows_in(&some).unwrap().share().unwrap_err().to_string(),
        "incomplete: rows C, F and K missing"
    );

    let mut sheet = sheets().remove(0);
    sheet[1].pop();
    sheet[4][2] = "xylophone";
    sheet[7][0] = "wor";
    let error = refused(&lettered(&sheet).join("\n")).to_string();
    for part in [
        "row B: 5 words are needed, 4 found",
        "row E, word 3: it is not a word of the list",
        "row H, word 1: give at least its first four letters",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains("xylophone"));
}

#[test]
fn rows_are_read_in_any_order_in_two_columns_abbreviated_and_with_captions() {
    let sheet = &sheets()[0];
    let short: Vec<Vec<&str>> = sheet
        .iter()
        .map(|row| row.iter().map(|word| &word[..4]).collect())
        .collect();
    let rows = lettered(&short);
    let reversed: Vec<_> = rows.iter().rev().cloned().collect();
    let columns: Vec<_> = (0..6)
        .map(|row| {
            [rows.get(row), rows.get(row + 6)]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join("   ")
        })
        .collect();
    let marked: Vec<_> = rows
        .iter()
        .map(|row| format!("{}: {}", &row[..1], row[2..].to_uppercase()))
        .collect();
    let captioned = format!(
        "Sheet of Anna, any 3 open it\n\n{}\n\nsigned\n",
        rows.join("\r\n")
    );
    for text in [
        reversed.join("\n"),
        columns.join("\n"),
        marked.join("\n"),
        captioned,
        short.concat().join("\n"),
    ] {
        assert!(is_meant_as_words(&text));
        assert_eq!(
            frame_of(&rows_in(&text).unwrap().share().unwrap()),
            frame_of(&share(0)),
            "{text}"
        );
    }
}

#[test]
fn a_row_that_is_there_twice_is_named() {
    let text = [lettered(&sheets()[0]), lettered(&sheets()[1])]
        .concat()
        .join("\n");
    assert_eq!(
        refused(&text),
        NotRowsOfAShare::RowTwice { letter: letter(0) }
    );
}

#[test]
fn words_of_another_list_or_language_are_told_apart_from_a_mistake() {
    let bip39 =
        "abandon ability able about above absent absorb abstract absurd abuse access accident";
    let german = "das archiv der gesellschaft wird nur mit drei von fünf bögen geöffnet";
    let rows: Vec<_> = RowLetter::all()
        .map(|letter| format!("{letter} the quick brown fox jumps"))
        .collect();
    assert_eq!(refused(&rows.join("\n")), NotRowsOfAShare::OtherList);
    assert!(matches!(
        refused(bip39),
        NotRowsOfAShare::WrongCount { found: 12 }
    ));
    assert!(!is_meant_as_words(german));
    assert!(!is_meant_as_words("ARCHIVER-SHARE-1:AEAQCAACAEAABVT2"));
}

#[test]
fn rows_come_in_one_by_one_and_a_row_typed_again_replaces_the_first() {
    let sheet = &sheets()[0];
    let mut rows = Rows::new();
    for place in [10, 3, 0, 1, 2, 9, 8, 7, 6, 5] {
        assert!(
            rows.insert(Row::read(letter(place), &sheet[place]).unwrap())
                .is_none()
        );
    }
    assert_eq!(rows.missing(), [letter(4)]);
    assert_eq!(
        rows.share().unwrap_err(),
        RowsRefused::Missing {
            rows: vec![letter(4)]
        }
    );
    let mut torn = sheet[4].clone();
    torn[0] = "?";
    torn[1] = sheet[0][0];
    assert!(rows.insert(Row::read(letter(4), &torn).unwrap()).is_none());
    assert_eq!(
        rows.share().unwrap_err(),
        RowsRefused::Changed {
            restored: vec![letter(4)]
        }
    );
    assert!(
        rows.insert(Row::read(letter(4), &sheet[4]).unwrap())
            .is_some()
    );
    assert_eq!(frame_of(&rows.share().unwrap()), frame_of(&share(0)));
    assert!(!format!("{rows:?}").contains(sheet[4][0]));
}

/// The checksum of SLIP-39 (RS1024 with its customisation strings), which the words of a share must not pass.
fn passes_slip_39(words: &[&str], customisation: &str) -> bool {
    const GENERATOR: [u32; 10] = [
        0xe0_e040,
        0x1c1_c080,
        0x383_8100,
        0x707_0200,
        0xe0e_0009,
        0x1c0c_2412,
        0x3808_6c24,
        0x3090_fc48,
        0x21b1_f890,
        0x3f3_f120,
    ];
    let list = list();
    let number = |word: &&str| {
        u32::try_from(list.iter().position(|listed| listed == word).unwrap()).unwrap()
    };
    let numbers = words.iter().map(number);
    let checked = customisation.bytes().map(u32::from).chain(numbers);
    let sum = checked.fold(1_u32, |sum, value| {
        let shifted = (sum & 0xf_ffff) << 10 ^ value;
        (0..10)
            .filter(|bit| sum >> 20 >> bit & 1 == 1)
            .fold(shifted, |sum, bit| sum ^ GENERATOR[bit])
    });
    sum == 1
}

#[test]
fn the_slip_39_checksum_of_this_test_knows_a_slip_39_mnemonic() {
    let mnemonic = "duckling enlarge academic academic agency result length solution fridge kidney coal piece deal husband erode duke ajar critical decision keyboard";
    assert!(passes_slip_39(
        &mnemonic.split(' ').collect::<Vec<_>>(),
        "shamir"
    ));
}

#[test]
fn the_words_of_a_share_are_no_slip_39_mnemonic() {
    for sheet in sheets() {
        let words = sheet.concat();
        let carrying: Vec<_> = sheet.iter().flat_map(|row| &row[..4]).copied().collect();
        for words in [
            &words[..],
            &carrying,
            &words[..20],
            &words[..33],
            &carrying[..20],
            &carrying[..33],
        ] {
            assert!(
                !passes_slip_39(words, "shamir") && !passes_slip_39(words, "shamir_extendable")
            );
        }
    }
}

proptest! {
    #[test]
    fn no_text_whatsoever_makes_the_reader_panic(text in any::<String>(), words in prop::collection::vec("[a-k?]|acad|yoga|[a-z]{0,9}|[^ ]", 0..70)) {
        let _ = rows_in(&text);
        let _ = rows_in(&words.join(" "));
        let _ = rows_in(&words.join("\n"));
        let _ = is_meant_as_words(&text);
    }
}
