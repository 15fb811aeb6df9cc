//! Meets the records of a vault in their order, and compares the tree over their leaves with each checkpoint's root when it is as large.
//!
//! The tree is made of the leaves that the records claim. Where it has a checkpoint's root, these claims are proven, and a record that does not come
//! out to its own leaf is the only one that was changed: it costs its own day, not all later ones.

use std::collections::BTreeMap;

use super::evidence::Testimony;
use super::noticed::Noticed;
use super::{Break, Finding, Verdict, Why, judgement};
use crate::identity::UtcTime;
use crate::seal::day::Day;
use crate::seal::merkle::Tree;
use crate::seal::note::Kind;
use crate::seal::public_keys::ServerKeys;
use crate::vault::chain::{Fault, Link};
use crate::vault::leaf::{LeafHash, Place};
use crate::vault::retired::RetiredRecord;

/// A record of ours as it stands in the vault.
#[derive(Clone, Debug)]
pub struct Record {
    /// The place that it claims.
    pub place: Place,
    /// The leaf that it claims.
    pub leaf: LeafHash,
    /// What is wrong with it or with its link.
    pub fault: Option<Fault>,
    /// Its segment was retired: the record itself is gone.
    pub is_retired: bool,
}

impl Record {
    /// A record of a retired segment, and what is wrong with its link.
    #[must_use]
    pub fn retired(record: &RetiredRecord, fault: Option<Fault>) -> Self {
        Self {
            place: record.place,
            leaf: record.leaf,
            fault,
            is_retired: true,
        }
    }
}

impl From<&Link> for Record {
    fn from(link: &Link) -> Self {
        let (place, leaf) = (link.header.place, link.header.leaf);
        Self {
            place,
            leaf,
            fault: link.fault.clone(),
            is_retired: false,
        }
    }
}

/// Whether the log bears a checkpoint out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The log is not as long.
    NotReached,
    Holds,
    Contradicts,
}

/// A checkpoint, and what became of it.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) testimony: Testimony,
    pub(super) outcome: Outcome,
}

impl Checked {
    pub(super) fn size(&self) -> u64 {
        self.testimony.claimed().size
    }

    pub(super) fn day(&self) -> Day {
        self.testimony.claimed().day
    }

    pub(super) fn is_final(&self) -> bool {
        self.testimony.claimed().kind == Kind::Final
    }
}

/// The records that claim to be of one day, by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Dated {
    pub(super) records: u64,
    pub(super) retired: u64,
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
    /// The first one without a fault, whose date can be believed.
    pub(super) first_whole: Option<u64>,
    pub(super) fault: Option<Break>,
}

impl Dated {
    fn add(&mut self, number: u64, is_retired: bool, fault: Option<Break>) {
        self.records += 1;
        self.retired += u64::from(is_retired);
        self.first = self.first.or(Some(number));
        self.last = Some(number);
        match fault {
            None => self.first_whole = self.first_whole.or(Some(number)),
            found => self.fault = self.fault.take().or(found),
        }
    }
}

/// A walk over the records of one log.
#[derive(Debug)]
pub struct Examiner<'a> {
    pub(super) keys: &'a ServerKeys,
    pub(super) now: UtcTime,
    /// In order of size, a final before interim ones.
    pub(super) checked: Vec<Checked>,
    next_check: usize,
    pub(super) tree: Tree,
    before_the_log: u64,
    /// By the days that they claim, from the first key to today; whatever comes later is one more day.
    pub(super) dated: BTreeMap<Day, Dated>,
    pub(super) after_the_last_key: u64,
    /// In order of the records, the first one behind each checkpoint: nobody asks for more, and a vault full of faults fills no memory.
    pub(super) faults: Vec<Break>,
    /// The size of the last checkpoint that was compared.
    last_compared: u64,
    /// How far the sequence that the last record claims is from its place.
    displaced: i128,
    pub(super) noticed: Noticed,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(
        keys: &'a ServerKeys,
        now: UtcTime,
        mut testimonies: Vec<Testimony>,
        noticed: Noticed,
    ) -> Self {
        testimonies.sort_by_key(|testimony| {
            let checkpoint = testimony.claimed();
            (checkpoint.size, checkpoint.kind == Kind::Interim)
        });
        let checked = testimonies.into_iter().map(|testimony| Checked {
            testimony,
            outcome: Outcome::NotReached,
        });
        let mut examiner = Self {
            keys,
            now,
            checked: checked.collect(),
            next_check: 0,
            tree: Tree::empty(),
            before_the_log: 0,
            dated: BTreeMap::new(),
            after_the_last_key: 0,
            faults: Vec::new(),
            last_compared: 0,
            displaced: 0,
            noticed,
        };
        examiner.compare(None);
        examiner
    }

    /// The next record of ours in the vault, whichever its log; also one that was removed at the end of its retention.
    pub fn record(&mut self, record: &Record) {
        let (place, number) = (record.place, self.tree.size());
        if place.log != self.keys.log() {
            self.record_of_another_log(place, number);
            return;
        }
        self.date(record, number);
        self.tree.push(record.leaf);
        self.compare(Some(place.time));
    }

    fn record_of_another_log(&mut self, place: Place, behind: u64) {
        if behind == 0 {
            self.before_the_log += 1;
        } else {
            let (log, seq) = (place.log, place.seq);
            self.noticed.push(Finding::OtherLog { log, seq, behind });
        }
    }

    fn date(&mut self, record: &Record, number: u64) {
        let Place { seq, time, .. } = record.place;
        let day = Day::of(time);
        let misnumbered = self.misnumbered(seq, number);
        let fault = match (&record.fault, misnumbered) {
            // The link in front of the first record only says that it is not the log's first one.
            (
                Some(Fault::Sequence { .. } | Fault::OtherLog { .. }),
                Some(why @ Why::NoBeginning(_)),
            ) => Some(why),
            (Some(fault), _) => Some(Why::Record(fault.clone())),
            (None, misnumbered) => misnumbered,
        };
        let found = fault.map(|why| Break { first: number, why });
        let last_fault = self.faults.last().map(|last| last.first);
        if last_fault.is_none_or(|last| last < self.last_compared) {
            self.faults.extend(found.clone());
        }
        let (days, today) = (self.keys.days(), Day::of(self.now));
        if day < *days.start() {
            self.noticed.push(Finding::BeforeTheFirstKey { seq, time });
            return;
        }
        self.after_the_last_key += u64::from(day > *days.end());
        let counted_as = day.min(today.plus(1).unwrap_or(today));
        let dated = self.dated.entry(counted_as).or_default();
        dated.add(number, record.is_retired, found);
        if day > today {
            self.noticed.push(Finding::FutureRecord { seq, time });
        }
    }

    /// What is wrong with a record's sequence at this place. Where records are missing or too many, that is held against the first record behind them: those
    /// behind that one stand as far from their places, and have done nothing.
    fn misnumbered(&mut self, seq: u64, number: u64) -> Option<Why> {
        let displaced = i128::from(seq) - i128::from(number);
        let before = std::mem::replace(&mut self.displaced, displaced);
        let is_new = displaced != 0 && displaced != before;
        is_new.then_some(if number == 0 {
            Why::NoBeginning(seq)
        } else {
            Why::Number(seq)
        })
    }

    /// Compares the checkpoints of the tree's size. The last record's time is known unless there is none.
    fn compare(&mut self, last_time: Option<UtcTime>) {
        let is_due = |check: &Checked| check.size() == self.tree.size();
        if !self.checked.get(self.next_check).is_some_and(is_due) {
            return;
        }
        let root = self.tree.root();
        while let Some(check) = self.checked.get_mut(self.next_check) {
            let checkpoint = check.testimony.claimed();
            if checkpoint.size != self.tree.size() {
                break;
            }
            self.last_compared = checkpoint.size;
            let same_time = last_time.is_none() || last_time == checkpoint.last_time;
            let holds = checkpoint.root == root && same_time;
            check.outcome = if holds {
                Outcome::Holds
            } else {
                Outcome::Contradicts
            };
            self.next_check += 1;
        }
    }

    /// That was the last record.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        if self.before_the_log > 0 {
            self.noticed
                .push(Finding::BeforeTheSeals(self.before_the_log));
        }
        judgement::of(self)
    }
}
