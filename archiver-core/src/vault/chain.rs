//! Follows the logs through a vault, record by record: does each header's leaf come out, and does the record stand where
//! it says?
//!
//! A link that holds says that the record, its place and all bytes since the record before are as they were when it was
//! appended, unless somebody rewrote everything from here to the vault's end. A log that begins behind another one binds that
//! one's last record in the same way. Records of other programs belong to no log; they
//! are bound by the gap of our next record.

use std::io;
use std::mem;
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::identity::UtcTime;
use crate::vault::gap::GapHash;
use crate::vault::header::{Header, HeaderError};
use crate::vault::leaf::{LeafHash, LogId, Place};
use crate::vault::read::{Claim, MessageFacts, RecordFacts};
use crate::vault::retired::{RetiredRecord, RetiredSegment};
use crate::vault::scan::Span;

/// Where a whole record stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has no header of ours.
    NoHeader,
    /// It has one that cannot be read.
    MalformedHeader(Option<HeaderError>),
    /// It has one, and this is what became of its claims.
    Linked(Link),
}

/// A header's claims, compared with the vault.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// The header.
    pub header: Header,
    /// Whether its leaf comes out of the record, so that its log, number, time and `prev` are those with which this message was
    /// appended. (After [`Fault::Gap`]: with other bytes before it.)
    pub leaf_matches: bool,
    /// What is wrong with the link to the record before, or with the leaf.
    pub fault: Option<Fault>,
}

/// Why a link does not hold.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Numbers are missing or come twice.
    #[error("sequence {expected} of the log should stand here, this claims to be {found}")]
    Sequence {
        /// The number after the record before.
        expected: u64,
        /// The number that the header claims.
        found: u64,
    },
    /// Another log begins, which was not appended behind the record before: vaults were joined, or the log was started anew.
    #[error("another log ({log}) begins here")]
    OtherLog {
        /// The other log.
        log: LogId,
    },
    /// The record was appended behind another record than the one before.
    #[error("it was appended behind another record than the one that stands before it")]
    Prev,
    /// The record claims to be older than the one before.
    #[error("it claims a time before that of the record before it, {before}")]
    Time {
        /// The record before.
        before: UtcTime,
    },
    /// Bytes that do not belong there stand before the record.
    #[error("bytes were put in front of it after it was appended")]
    Gap,
    /// The leaf does not come out.
    #[error("the record, its header or the bytes before it were changed")]
    Leaf,
    /// The armor is damaged, so that no leaf can be computed.
    #[error("it is damaged, so its place cannot be verified")]
    Damaged,
    /// The armor was rewritten: the message is the same, the bytes are not.
    #[error("its armor was rewritten")]
    Armor,
    /// Its segment was retired, and it was damaged before.
    #[error("it was damaged already when its segment was retired")]
    RetiredDamaged,
}

/// The state of the walk through one vault.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    last: Option<Before>,
    /// What of the next record's gap stood in retired segments.
    retired_gap: GapHash,
    /// Where the last record of ours ends, or the last retired segment; the gap of the next one goes on there.
    end: u64,
}

/// What the next record's place depends on.
#[derive(Clone, Copy, Debug)]
struct Before {
    place: Place,
    leaf: LeafHash,
}

impl Chain {
    /// A walk that starts at a vault's first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A walk that goes on behind a record of ours, which ends at `end`.
    pub(crate) fn behind(record: Header, end: u64) -> Self {
        let Header { place, leaf, .. } = record;
        Self {
            last: Some(Before { place, leaf }),
            retired_gap: GapHash::default(),
            end,
        }
    }

    /// Follows the records of a retired segment, in whose place the vault goes on at `at`, and gives each of them to `each` with what
    /// is wrong with its link.
    pub fn pass_retired(
        &mut self,
        segment: &RetiredSegment,
        at: u64,
        mut each: impl FnMut(&RetiredRecord, Option<Fault>),
    ) {
        for record in segment.records() {
            let RetiredRecord { place, leaf, .. } = record;
            let damaged = record.was_damaged.then_some(Fault::RetiredDamaged);
            let fault = self.misplaced(&Before { place, leaf }).or(damaged);
            self.last = Some(Before { place, leaf });
            each(&record, fault);
        }
        self.retired_gap = segment.gap().clone();
        self.end = at + u64::from(segment.lacks_last_line_feed());
    }

    /// What of the next record's gap stood in retired segments.
    pub(crate) fn gap_so_far(&self) -> &GapHash {
        &self.retired_gap
    }

    /// What of the gap behind the last record of ours stood in retired segments, and where it goes on.
    pub(crate) fn into_gap(self) -> (GapHash, u64) {
        (self.retired_gap, self.end)
    }

    /// Judges the next whole record. `hash_gap` takes a range of the vault into a hash; it is asked only when there are
    /// bytes between two records of ours.
    ///
    /// # Errors
    /// Those of `hash_gap`.
    pub fn follow(
        &mut self,
        span: &Span,
        facts: RecordFacts,
        hash_gap: impl FnOnce(&mut GapHash, Range<u64>) -> io::Result<()>,
    ) -> io::Result<Standing> {
        let header = match facts.claim {
            Claim::None => return Ok(Standing::NoHeader),
            Claim::Malformed(e) => return Ok(Standing::MalformedHeader(e)),
            Claim::Header(header) => header,
        };
        let gap = self.end..span.offset;
        let before_the_gap = mem::take(&mut self.retired_gap);
        self.end = span.end();
        let Header { place, leaf, .. } = header;
        let now = Before { place, leaf };
        let misplaced = self.misplaced(&now);
        self.last = Some(now);
        let (leaf_matches, broken) = match facts.message {
            Err(_) => (false, Some(Fault::Damaged)),
            Ok(message) => {
                let gap = gap_of(before_the_gap, gap, hash_gap)?;
                check_leaf(&header, &message, gap)
            }
        };
        Ok(Standing::Linked(Link {
            header,
            leaf_matches,
            fault: misplaced.or(broken),
        }))
    }

    /// What is wrong with the place that a header claims, after the record before.
    fn misplaced(&self, now: &Before) -> Option<Fault> {
        let place = now.place;
        let (expected, prev, earliest) = match &self.last {
            None => (Some(0), LeafHash::BEFORE_THE_FIRST, None),
            Some(before) if before.place.log != place.log => return beginning(now, before),
            Some(Before {
                place: before,
                leaf,
            }) => (before.seq.checked_add(1), *leaf, Some(before.time)),
        };
        let found = place.seq;
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            return Some(Fault::Sequence { expected, found });
        }
        if place.prev != prev {
            return Some(Fault::Prev);
        }
        earliest
            .filter(|before| place.time < *before)
            .map(|before| Fault::Time { before })
    }
}

/// What is wrong with a log that begins behind a record of another one. Its first record has that record's leaf as its
/// `prev`, when it was appended there.
fn beginning(first: &Before, before: &Before) -> Option<Fault> {
    let Place { log, seq, prev, .. } = first.place;
    match (seq, prev) {
        (0, prev) if prev == before.leaf => None,
        (0, prev) if prev != LeafHash::BEFORE_THE_FIRST => Some(Fault::Prev),
        _ => Some(Fault::OtherLog { log }),
    }
}

/// The SHA-256 of a gap that may have begun in retired segments; `None` when there are no bytes in it.
fn gap_of(
    before: GapHash,
    range: Range<u64>,
    hash_gap: impl FnOnce(&mut GapHash, Range<u64>) -> io::Result<()>,
) -> io::Result<Option<[u8; 32]>> {
    let mut gap = before;
    if !range.is_empty() {
        hash_gap(&mut gap, range)?;
    }
    Ok((gap.bytes() > 0).then(|| gap.finish()))
}

fn check_leaf(
    header: &Header,
    message: &MessageFacts,
    gap: Option<[u8; 32]>,
) -> (bool, Option<Fault>) {
    let Header {
        place,
        leaf,
        origin,
    } = header;
    let matches = |gap: [u8; 32]| place.leaf(&message.digests, origin.as_ref(), &gap) == *leaf;
    let nothing: [u8; 32] = Sha256::digest([]).into();
    if matches(gap.unwrap_or(nothing)) {
        (true, (!message.canonical).then_some(Fault::Armor))
    } else if gap.is_some() && matches(nothing) {
        (true, Some(Fault::Gap))
    } else {
        (false, Some(Fault::Leaf))
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests {
    use super::*;
    use crate::openpgp::encrypt::SealedBody;
    use crate::vault::armor;
    use crate::vault::memory_disk::MemoryVault;
    use crate::vault::read::read_record;
    use crate::vault::scan::{Scanner, SpanKind};

    fn sealed(text: &[u8]) -> SealedBody {
        SealedBody::of(vec![0xc1, 1, 7], text)
    }

    fn at(unix: i64) -> UtcTime {
        UtcTime::from_unix(unix).unwrap()
    }

    /// Records of one new log, one string each.
    fn records(count: u8) -> Vec<Vec<u8>> {
        let file = MemoryVault::default();
        (0..count)
            .map(|n| {
                let before = file.bytes().len();
                file.append(sealed(&[n; 100]), at(i64::from(n))).unwrap();
                file.bytes().split_off(before)
            })
            .collect()
    }

    /// A record that claims this place, directly behind the one before, with the leaf that comes out of it.
    fn record_at(place: Place, text: &[u8]) -> Vec<u8> {
        let (sealed, origin) = (sealed(text), None);
        let leaf = place.leaf(
            sealed.digests(),
            origin.as_ref(),
            &Sha256::digest([]).into(),
        );
        let header = Header {
            place,
            leaf,
            origin,
        };
        armor::render(Some(&header), sealed.message().in_memory().unwrap())
    }

    fn walk(vault: &[u8]) -> Vec<Standing> {
        let mut chain = Chain::new();
        let spans = Scanner::new(vault).map(Result::unwrap);
        let records = spans.filter(|span| span.kind == SpanKind::Record);
        records
            .map(|span| {
                let range = |a: u64, b: u64| {
                    &vault[usize::try_from(a).unwrap()..usize::try_from(b).unwrap()]
                };
                let record = range(span.offset, span.end());
                let (facts, ()) = read_record(record, span.length, |_| ()).unwrap();
                let hash = |hash: &mut GapHash, gap: Range<u64>| {
                    hash.update(range(gap.start, gap.end));
                    Ok(())
                };
                chain.follow(&span, facts, hash).unwrap()
            })
            .collect()
    }

    /// Whether the leaf matches, and the fault, of each record.
    fn links(vault: &[u8]) -> Vec<(bool, Option<Fault>)> {
        let link = |standing| match standing {
            Standing::Linked(link) => (link.leaf_matches, link.fault),
            other => panic!("{other:?}"),
        };
        walk(vault).into_iter().map(link).collect()
    }

    const HOLDS: (bool, Option<Fault>) = (true, None);

    #[test]
    fn every_link_of_an_untouched_vault_holds() {
        assert_eq!(links(&records(5).concat()), [HOLDS; 5]);
    }

    #[test]
    fn links_hold_across_torn_tails_and_foreign_records() {
        let foreign = armor::render(None, b"made by gpg");
        let file = MemoryVault::of(&foreign);
        let mut expected = vec![Standing::NoHeader];
        for torn in [&foreign[..40], b"garbage", b"", &foreign] {
            let receipt = file.append(sealed(b"x"), at(9)).unwrap();
            expected.push(Standing::Linked(Link {
                header: receipt.header,
                leaf_matches: true,
                fault: None,
            }));
            file.put(torn);
        }
        expected.push(Standing::NoHeader);
        assert_eq!(walk(&file.bytes()), expected);
    }

    #[test]
    fn links_hold_behind_a_record_that_lost_only_its_last_lf() {
        for end in ["", " \t", "\r"] {
            let records = records(2).concat();
            let file = MemoryVault::of(records.strip_suffix(b"\n").unwrap());
            file.put(end.as_bytes());
            file.append(sealed(b"x"), at(9)).unwrap();
            file.append(sealed(b"y"), at(9)).unwrap();
            // Other bytes in the end line are not ours; the LF alone restores the record.
            let second = (true, (!end.is_empty()).then_some(Fault::Armor));
            assert_eq!(
                links(&file.bytes()),
                [HOLDS, second, HOLDS, HOLDS],
                "{end:?}"
            );
        }
    }

    #[test]
    fn links_hold_behind_a_foreign_record_that_lost_its_last_lf() {
        let file = MemoryVault::of(&records(1).concat());
        let foreign = armor::render(None, b"made by gpg");
        file.put(foreign.trim_ascii_end());
        file.append(sealed(b"x"), at(9)).unwrap();
        let standings = walk(&file.bytes());
        let Standing::Linked(link) = &standings[2] else {
            panic!("{standings:?}")
        };
        assert_eq!((link.leaf_matches, link.fault.clone()), HOLDS);
    }

    #[test]
    fn a_removed_and_a_moved_record_are_noticed() {
        let [a, b, c] = <[Vec<u8>; 3]>::try_from(records(3)).unwrap();
        let missing = |expected, found| (true, Some(Fault::Sequence { expected, found }));
        assert_eq!(
            links(&[a.clone(), c.clone()].concat()),
            [HOLDS, missing(1, 2)]
        );
        assert_eq!(
            links(&[b.clone(), c.clone()].concat()),
            [missing(0, 1), HOLDS]
        );
        let swapped = [missing(0, 1), missing(2, 0), missing(1, 2)];
        assert_eq!(links(&[b, a, c].concat()), swapped);
    }

    #[test]
    fn a_record_that_comes_twice_is_noticed() {
        let [a, b] = <[Vec<u8>; 2]>::try_from(records(2)).unwrap();
        let twice = (
            true,
            Some(Fault::Sequence {
                expected: 1,
                found: 0,
            }),
        );
        assert_eq!(links(&[a.clone(), a, b].concat()), [HOLDS, twice, HOLDS]);
    }

    #[test]
    fn bytes_put_between_records_are_noticed() {
        let [a, b] = <[Vec<u8>; 2]>::try_from(records(2)).unwrap();
        let vault = [a, b"\n".to_vec(), b].concat();
        assert_eq!(links(&vault), [HOLDS, (true, Some(Fault::Gap))]);
    }

    #[test]
    fn a_changed_message_is_noticed_where_it_stands() {
        let honest = records(3);
        let Standing::Linked(link) = &walk(&honest.concat())[1] else {
            panic!("no link")
        };
        let forged = armor::render(
            Some(&link.header),
            sealed(b"other").message().in_memory().unwrap(),
        );
        let vault = [honest[0].clone(), forged, honest[2].clone()].concat();
        assert_eq!(links(&vault), [HOLDS, (false, Some(Fault::Leaf)), HOLDS]);
    }

    #[test]
    fn a_replaced_record_with_a_leaf_of_its_own_breaks_the_next_link() {
        let honest = records(3);
        let Standing::Linked(link) = &walk(&honest.concat())[1] else {
            panic!("no link")
        };
        let forged = record_at(link.header.place, b"other");
        let vault = [honest[0].clone(), forged, honest[2].clone()].concat();
        assert_eq!(links(&vault), [HOLDS, HOLDS, (true, Some(Fault::Prev))]);
    }

    #[test]
    fn damage_costs_only_the_damaged_record() {
        let mut records = records(3);
        let middle = records[1].len() / 2;
        records[1][middle + 100] = b'*';
        let damaged = (false, Some(Fault::Damaged));
        assert_eq!(links(&records.concat()), [HOLDS, damaged, HOLDS]);
    }

    #[test]
    fn rewritten_armor_is_noticed_although_the_message_is_the_same() {
        let mut records = records(2);
        let text = String::from_utf8(records[0].clone()).unwrap();
        records[0] = text.replace("\n=", " \n=").into_bytes();
        assert_eq!(
            links(&records.concat()),
            [(true, Some(Fault::Armor)), HOLDS]
        );
    }

    #[test]
    fn a_second_log_and_a_clock_that_went_back_are_noticed() {
        let joined = links(&[records(2).concat(), records(2).concat()].concat());
        let [first, second, (true, Some(Fault::OtherLog { .. })), fourth] = joined.as_slice()
        else {
            panic!("{joined:?}")
        };
        assert_eq!([first, second, fourth], [&HOLDS; 3]);

        let before = records(1);
        let Standing::Linked(link) = &walk(&before[0])[0] else {
            panic!("no link")
        };
        let place = Place {
            seq: 1,
            time: at(-1),
            prev: link.header.leaf,
            ..link.header.place
        };
        let older = record_at(place, b"x");
        let fault = Fault::Time { before: at(0) };
        let vault = [before[0].clone(), older].concat();
        assert_eq!(links(&vault), [HOLDS, (true, Some(fault))]);
    }

    #[test]
    fn a_log_that_was_begun_behind_another_one_binds_its_last_record() {
        let before = records(2).concat();
        let Standing::Linked(link) = &walk(&before)[1] else {
            panic!("no link")
        };
        let leaf_before = link.header.leaf;
        let begun = |seq, prev| {
            let place = Place {
                log: LogId([9; 16]),
                seq,
                time: at(-5), // the other log's own clock
                prev,
            };
            links(&[before.clone(), record_at(place, b"x")].concat())[2].clone()
        };
        let other_log = Fault::OtherLog {
            log: LogId([9; 16]),
        };
        assert_eq!(begun(0, leaf_before), HOLDS);
        assert_eq!(begun(0, LeafHash([1; 32])), (true, Some(Fault::Prev)));
        assert_eq!(begun(1, leaf_before), (true, Some(other_log.clone())));
        let joined = begun(0, LeafHash::BEFORE_THE_FIRST);
        assert_eq!(joined, (true, Some(other_log)));
    }

    #[test]
    fn a_malformed_header_is_named_and_the_next_record_misses_it() {
        let records = records(2);
        let text = String::from_utf8(records[0].clone()).unwrap();
        let vault = [
            text.replace("seq=0", "seq=00").into_bytes(),
            records[1].clone(),
        ]
        .concat();
        let standings = walk(&vault);
        let wrong = Standing::MalformedHeader(Some(HeaderError::Value("seq")));
        assert_eq!(standings[0], wrong);
        let Standing::Linked(Link {
            fault:
                Some(Fault::Sequence {
                    expected: 0,
                    found: 1,
                }),
            ..
        }) = standings[1]
        else {
            panic!("{standings:?}")
        };
    }
}
