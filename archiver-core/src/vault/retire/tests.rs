//! Retirements on a disk in memory: the rest of the vault links as before, nothing in the file can be changed unseen, and a crash leaves the segment or
//! its file.

use std::ffi::OsStr;

use super::*;
use crate::identity::UtcTime;
use crate::vault::append::append;
use crate::vault::armor;
use crate::vault::crash::choices::{Choices, Random};
use crate::vault::crash::history::{History, NOON, at, sealed};
use crate::vault::crash::states::{Names, Uncertain};
use crate::vault::leaf::Place;
use crate::vault::memory_disk::{MemoryDisk, MemoryFolder};
use crate::vault::retired;
use crate::vault::retired::tests::with_its_check;
use crate::vault::segments::Listing;
use crate::vault::writable::WritableVault;

/// Every record begins a segment.
fn segments() -> MemoryFolder {
    let folder = MemoryDisk::default().folder();
    folder.put("segments.conf", b"archiver segments 1 size=1 day=no");
    folder
}

fn archive(folder: &MemoryFolder, time: i64) {
    let mut vault = WritableVault::segments(folder.clone());
    append(&mut vault, sealed(40), || at(time)).unwrap();
}

fn listing(folder: &MemoryFolder) -> Listing {
    Listing::of(folder.all_names())
}

fn bytes(folder: &MemoryFolder, segment: SegmentNumber) -> Vec<u8> {
    folder.bytes(segment.file_name().to_str().unwrap())
}

/// Puts something behind the last segment's end.
fn put_behind(folder: &MemoryFolder, tail: &[u8]) {
    let last = *listing(folder).segments.last().unwrap();
    let all = [bytes(folder, last), tail.to_vec()].concat();
    folder.put(last.file_name().to_str().unwrap(), &all);
}

fn concatenation(folder: &MemoryFolder) -> Vec<u8> {
    let segments = listing(folder).segments.into_iter();
    segments
        .flat_map(|segment| bytes(folder, segment))
        .collect()
}

fn time() -> UtcTime {
    at(NOON + 1_000_000)
}

/// What stands in place of the first segment when it is retired.
fn first_retired(folder: &MemoryFolder) -> RetiredSegment {
    let found = listing(folder);
    let number = found.segments[0];
    let mut chain = Chain::new();
    for earlier in found.retired.iter().filter(|earlier| **earlier < number) {
        chain.pass_retired(&retired::read(folder, *earlier).unwrap(), 0, |_, _| ());
    }
    let length = bytes(folder, number).len() as u64;
    let survey = survey(&concatenation(folder).as_slice(), length, chain).unwrap();
    survey.into_retired(|found| RetiredFacts {
        segment: number,
        bytes: found.bytes,
        sha256: found.sha256,
        at: time(),
        reason: "ten years are over".parse().unwrap(),
        without_header: found.without_header,
        torn: found.torn,
    })
}

pub(crate) fn retire_first(folder: &MemoryFolder) -> RetiredSegment {
    let retired = first_retired(folder);
    put_in_place(folder, &retired).unwrap();
    remove_segment(folder, retired.facts().segment).unwrap();
    retired
}

/// Each record of ours in the vault, retired ones included, and what is wrong with its link.
pub(crate) fn links(folder: &MemoryFolder) -> Vec<(Place, LeafHash, Option<Fault>)> {
    let (mut chain, mut links) = (Chain::new(), Vec::new());
    for number in listing(folder).retired_in_front() {
        chain.pass_retired(
            &retired::read(folder, number).unwrap(),
            0,
            |record, fault| {
                links.push((record.place, record.leaf, fault));
            },
        );
    }
    let vault = concatenation(folder);
    let vault = vault.as_slice();
    for span in Scanner::new(vault).map(Result::unwrap) {
        if span.kind == SpanKind::Record {
            let record = Stretch::of(&vault, span.offset..span.end());
            let (facts, ()) = read_record(record, span.length, |_| ()).unwrap();
            let standing = follow(&mut chain, &vault, &span, facts).unwrap().0;
            if let Standing::Linked(link) = standing {
                links.push((link.header.place, link.header.leaf, link.fault));
            }
        }
    }
    links
}

fn foreign() -> Vec<u8> {
    armor::render(None, b"made by gpg")
}

/// What may stand behind a segment's last record. `None` takes the record's own line feed away.
fn tails() -> Vec<Option<Vec<u8>>> {
    let torn = foreign()[..40].to_vec();
    let long = [b"x".repeat(200), b"\n".to_vec()].concat();
    let others = [&b""[..], b"garbage", b"\n \n", &torn, &foreign(), &long];
    let mut tails = vec![None];
    tails.extend(others.map(|tail| Some(tail.to_vec())));
    tails.push(Some([foreign(), torn].concat()));
    tails.push(Some(foreign().trim_ascii_end().to_vec()));
    tails
}

fn put_tail(folder: &MemoryFolder, tail: Option<&[u8]>) {
    if let Some(tail) = tail {
        put_behind(folder, tail);
    } else {
        let last = *listing(folder).segments.last().unwrap();
        let all = bytes(folder, last);
        let all = all.strip_suffix(b"\n").unwrap();
        folder.put(last.file_name().to_str().unwrap(), all);
    }
}

#[test]
fn the_rest_links_as_before_whatever_stood_at_the_segments_end() {
    for first in tails() {
        for second in tails() {
            let folder = segments();
            for tail in [&first, &second, &Some(Vec::new())] {
                archive(&folder, NOON);
                put_tail(&folder, tail.as_deref());
            }
            archive(&folder, NOON);
            let before = links(&folder);
            assert!(before.iter().all(|(.., fault)| fault.is_none()));
            for left in (1..4).rev() {
                retire_first(&folder);
                assert_eq!(listing(&folder).segments.len(), left);
                assert_eq!(links(&folder), before, "{first:?} {second:?}");
            }
        }
    }
}

#[test]
fn a_segment_without_a_record_of_ours_goes_on_with_the_gap_before_it() {
    for tail in tails() {
        let folder = segments();
        archive(&folder, NOON);
        put_tail(&folder, tail.as_deref());
        folder.put("VAULT-000002.asc", &[b"\n".to_vec(), foreign()].concat());
        archive(&folder, NOON + 1);
        archive(&folder, NOON + 2);
        let before = links(&folder);
        for records in [1, 0, 1] {
            let retired = retire_first(&folder);
            assert_eq!(retired.count(), records);
            assert_eq!(links(&folder), before, "{tail:?}");
        }
    }
}

#[test]
fn a_damaged_record_stays_damaged_and_the_rest_links() {
    let damages: [(&str, &str); 3] = [("\n=", " \n="), ("\n\n", "\n\n*"), ("seq=1", "seq=01")];
    for (from, to) in damages {
        let folder = segments();
        for n in 0..4 {
            archive(&folder, NOON + n);
        }
        let text = String::from_utf8(folder.bytes("VAULT-000002.asc")).unwrap();
        folder.put("VAULT-000002.asc", text.replace(from, to).as_bytes());
        let before = links(&folder);
        retire_first(&folder);
        let length = folder.bytes("VAULT-000002.asc").len() as u64;
        let mut chain = Chain::new();
        let first = retired::read(&folder, SegmentNumber::FIRST).unwrap();
        chain.pass_retired(&first, 0, |_, _| ());
        let found = survey(&concatenation(&folder).as_slice(), length, chain).unwrap();
        assert_eq!((found.damaged, found.problems.len()), (1, 1));
        retire_first(&folder);
        let after = links(&folder);
        let faults = |links: &[(Place, LeafHash, Option<Fault>)]| {
            let mut faults: Vec<bool> = links.iter().map(|(.., f)| f.is_some()).collect();
            faults.sort_unstable();
            faults
        };
        assert_eq!(faults(&after), faults(&before), "{from:?}");
    }
}

#[test]
fn nothing_that_the_file_says_of_records_can_be_changed_unseen() {
    let folder = segments();
    for n in 0..3 {
        archive(&folder, NOON + n);
    }
    put_behind(&folder, &b"torn ".repeat(20));
    archive(&folder, NOON + 4);
    for _ in 0..3 {
        retire_first(&folder);
    }
    let third = SegmentNumber::FIRST.next().and_then(SegmentNumber::next);
    let name = third.unwrap().retired_name();
    let name = name.to_str().unwrap();
    let text = String::from_utf8(folder.bytes(name)).unwrap();
    let honest = links(&folder);
    let record = text.lines().nth(6).unwrap();
    let (second, later) = (at(NOON + 2).to_string(), at(NOON + 3).to_string());
    let gap = text.lines().nth(7).unwrap();
    let state = gap.split(' ').nth(4).unwrap();
    let rest = gap.split(' ').nth(6).unwrap();
    let changes = [
        (second.clone(), later),
        (record[30..60].to_owned(), "A".repeat(30)),
        (record[150..180].to_owned(), "B".repeat(30)),
        (
            record.to_owned(),
            format!("damaged {second} {}", LeafHash([7; 32])),
        ),
        ("seq 2 to 2".to_owned(), "seq 3 to 3".to_owned()),
        (
            format!("prev {}", honest[1].1),
            format!("prev {}", LeafHash([7; 32])),
        ),
        (state.to_owned(), "7".repeat(64)),
        (rest.to_owned(), data_encoding::BASE64.encode(&[b'y'; 36])),
        ("lf no".to_owned(), "lf yes".to_owned()),
    ];
    for (from, to) in changes {
        assert!(text.contains(&from), "{from}");
        folder.put(name, &with_its_check(&text.replacen(&from, &to, 1)));
        let faults = links(&folder).into_iter().filter_map(|(.., fault)| fault);
        assert!(faults.count() > 0, "{from} {to}");
    }
    folder.put(name, text.as_bytes());
    assert_eq!(links(&folder), honest);
    folder.remove(OsStr::new(name)).unwrap();
    assert!(links(&folder).iter().any(|(.., fault)| fault.is_some()));
}

/// What is done to a segment's bytes.
type Damage = fn(&mut Vec<u8>);

#[test]
fn the_rest_is_as_wrong_as_before_whatever_was_cut_off_or_put_behind() {
    let junk = |bytes: &mut Vec<u8>| bytes.extend(b"hi\n");
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 90);
    let cut_front = |bytes: &mut Vec<u8>| drop(bytes.drain(..90));
    let nothing = |_: &mut Vec<u8>| ();
    let damages: [[Damage; 2]; 6] = [
        [junk, nothing],
        [cut, nothing],
        [cut, junk],
        [junk, cut_front],
        // The record that begins in the one segment ends in the other.
        [cut, cut_front],
        [nothing, cut_front],
    ];
    for (n, [first, second]) in damages.iter().enumerate() {
        let folder = segments();
        for n in 0..4 {
            archive(&folder, NOON + n);
        }
        for (name, damage) in [("VAULT-000001.asc", first), ("VAULT-000002.asc", second)] {
            let mut bytes = folder.bytes(name);
            damage(&mut bytes);
            folder.put(name, &bytes);
        }
        let before = links(&folder);
        let length = folder.bytes("VAULT-000001.asc").len() as u64;
        let found = survey(&concatenation(&folder).as_slice(), length, Chain::new()).unwrap();
        let (behind, retired) = (found.behind.unwrap(), retire_first(&folder));
        let mut chain = Chain::new();
        chain.pass_retired(&retired, 0, |_, _| ());
        let now = first_behind(&concatenation(&folder).as_slice(), 0, chain).unwrap();
        let now = now.unwrap();
        assert!(now.fault.is_some(), "{n}");
        assert_eq!((now.place, now.leaf), (behind.place, behind.leaf), "{n}");
        assert_eq!(now.fault, behind.fault, "{n}");
        let what = |(place, leaf, fault): &(Place, LeafHash, Option<Fault>)| {
            (*place, *leaf, fault.is_some())
        };
        let after: Vec<_> = links(&folder).iter().map(what).collect();
        assert_eq!(after, before.iter().map(what).collect::<Vec<_>>(), "{n}");
    }
}

#[test]
fn a_record_that_only_the_segment_hides_from_readers_is_told() {
    let folder = segments();
    for n in 0..3 {
        archive(&folder, NOON + n);
    }
    // Nothing ends the first segment's last line, so that the next begin line is none.
    let first = folder.bytes("VAULT-000001.asc");
    folder.put("VAULT-000001.asc", first.trim_ascii_end());
    let second = folder.bytes("VAULT-000002.asc");
    folder.put("VAULT-000002.asc", second.trim_ascii_start());
    let length = folder.bytes("VAULT-000001.asc").len() as u64;
    let whole = concatenation(&folder);
    let behind = survey(&whole.as_slice(), length, Chain::new())
        .unwrap()
        .behind;
    let mut chain = Chain::new();
    chain.pass_retired(&first_retired(&folder), length, |_, _| ());
    let later = first_behind(&whole.as_slice(), length, chain).unwrap();
    assert_eq!(behind.unwrap().place.seq, 2);
    assert_eq!(later.unwrap().place.seq, 1);
}

/// Takes the steps that a crash has left to be taken.
fn finish(folder: &MemoryFolder, expected: &RetiredSegment) {
    let found = listing(folder);
    if found.segments.first() == Some(&SegmentNumber::FIRST) {
        let again = first_retired(folder);
        assert_eq!(&again, expected);
        if found.retired.is_empty() {
            put_in_place(folder, &again).unwrap();
        }
        remove_segment(folder, SegmentNumber::FIRST).unwrap();
    }
}

#[test]
fn whenever_a_crash_comes_the_segment_stands_or_its_file_and_the_next_run_finishes() {
    const AT_EACH_MOMENT: usize = 400;
    let folder = segments();
    for n in 0..3 {
        archive(&folder, NOON + n);
    }
    put_behind(&folder, b"torn");
    let before: Names = folder
        .all_names()
        .into_iter()
        .map(|name| (name.clone(), folder.bytes(name.to_str().unwrap())))
        .collect();
    let segment = before[&SegmentNumber::FIRST.file_name()].clone();
    let honest = links(&folder);
    let (disk, folder) = History::disk_with(&before);
    let begun = disk.log().len();
    let expected = retire_first(&folder);
    let mut uncertain = Uncertain::default();
    let mut random = Random(17);
    let mut choices = Choices::random(Random(4));
    let mut kinds = [0; 3];
    for (n, op) in disk.log().iter().enumerate() {
        uncertain.take(op);
        for _ in 0..if n < begun { 0 } else { AT_EACH_MOMENT } {
            let state = uncertain.state(&mut choices, &mut random).remove(0);
            let (_, left) = History::disk_with(&state);
            let stands = listing(&left).segments[0] == SegmentNumber::FIRST;
            let is_retired = !listing(&left).retired.is_empty();
            assert!(stands || is_retired);
            if stands {
                assert_eq!(bytes(&left, SegmentNumber::FIRST), segment);
            }
            if is_retired {
                let file = retired::read(&left, SegmentNumber::FIRST).unwrap();
                assert_eq!(file, expected);
            }
            kinds[usize::from(is_retired) + usize::from(!stands)] += 1;
            assert!(listing(&left).foreign.is_empty());
            assert_eq!(links(&left), honest);
            finish(&left, &expected);
            assert_eq!(links(&left), honest);
            assert_eq!(listing(&left).segments.len(), 2);
        }
    }
    eprintln!("segment alone, both, file alone: {kinds:?} states");
    assert!(kinds.iter().all(|states| *states > 0));
}
