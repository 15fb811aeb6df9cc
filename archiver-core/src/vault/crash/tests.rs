//! The histories: what writers do, and where it may crash. Together the searches look at more than a million different states.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use rustix::io::Errno;

use super::bugs::{Bug, Seeded};
use super::choices::{Choices, Random};
use super::history::{FILE, History, NOON, Ran, at, sealed};
use super::judge::Told;
use super::states::{Names, Uncertain};
use crate::vault::append::append;
use crate::vault::memory_disk::{Faults, MemoryFolder};

/// Up to so many uncertain sectors every state is looked at; with more, so many at random.
const EVERY_STATE_UP_TO: usize = 4;
const AT_RANDOM: usize = 1500;

/// Looks at the states of histories, each different one once.
pub(super) struct Search {
    random: Random,
    orders: Orders,
    /// The states, and the beginnings of logs, that were looked at, by their hashes.
    seen: HashSet<u64>,
    ways: u64,
    states: u64,
}

/// In which orders the writers' calls are tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Orders {
    Every,
    AtRandom(u64),
}

impl Search {
    pub(super) fn new(seed: u64, orders: Orders) -> Self {
        Self {
            random: Random(seed),
            orders,
            seen: HashSet::new(),
            ways: 0,
            states: 0,
        }
    }

    /// Looks through a history; with a fault in the writers, until it is found out.
    pub(super) fn through(&mut self, history: &History, bug: Bug) -> Result<(), String> {
        let mut choices = match self.orders {
            Orders::Every => Choices::every(),
            Orders::AtRandom(_) => Choices::random(Random(self.random.number())),
        };
        for way in 1.. {
            let ran = match bug {
                Bug::None => history.run(choices, |folder: MemoryFolder| folder),
                bug => history.run(choices, |folder| Seeded::new(folder, bug)),
            };
            self.ways += 1;
            self.through_log(history, &ran)?;
            choices = ran.choices;
            let enough = matches!(self.orders, Orders::AtRandom(limit) if way == limit);
            if !choices.next() || enough {
                break;
            }
        }
        Ok(())
    }

    /// Looks at every moment of what was done.
    fn through_log(&mut self, history: &History, ran: &Ran) -> Result<(), String> {
        let mut told = Told::before(&history.before);
        let mut uncertain = Uncertain::default();
        let mut so_far = DefaultHasher::new();
        for (n, op) in ran.log.iter().enumerate() {
            told.take(op);
            uncertain.take(op);
            op.hash(&mut so_far);
            let is_new = self.seen.insert(so_far.finish());
            if n + 1 >= ran.begun && is_new {
                self.at_a_moment(history, &told, &uncertain)
                    .map_err(|e| format!("{e}\nafter {:#?}", &ran.log[ran.begun..=n]))?;
            }
        }
        Ok(())
    }

    fn at_a_moment(
        &mut self,
        history: &History,
        told: &Told,
        uncertain: &Uncertain,
    ) -> Result<(), String> {
        let every = uncertain.sectors() <= EVERY_STATE_UP_TO;
        let mut choices = if every {
            Choices::every()
        } else {
            Choices::random(Random(self.random.number()))
        };
        for n in 0.. {
            let state = uncertain.state(&mut choices, &mut self.random);
            for files in &state {
                self.look_at(history, told, files)?;
            }
            if !choices.next() || (!every && n == AT_RANDOM) {
                break;
            }
        }
        Ok(())
    }

    fn look_at(&mut self, history: &History, told: &Told, files: &Names) -> Result<(), String> {
        let mut hasher = DefaultHasher::new();
        (files, told.acknowledged()).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return Ok(());
        }
        self.states += 1;
        told.judge(history, files)
    }
}

/// A vault with so many records of these lengths.
pub(super) fn vault_of(lengths: &[usize]) -> Vec<u8> {
    let (_, folder) = History::disk_with(&Names::new());
    let mut vault = History::default().vault(folder.clone());
    for length in lengths {
        append(&mut vault, sealed(*length), || at(NOON)).unwrap();
    }
    folder.bytes(FILE)
}

pub(super) fn file_with(bytes: Vec<u8>, writers: &[&[usize]]) -> History {
    History {
        before: Names::from([(FILE.into(), bytes)]),
        writers: writers.iter().map(|mails| mails.to_vec()).collect(),
        ..History::default()
    }
}

pub(super) fn new_file(writers: &[&[usize]]) -> History {
    History {
        before: Names::new(),
        ..file_with(Vec::new(), writers)
    }
}

/// Segments that hold two short records each.
pub(super) fn segments(writers: &[&[usize]]) -> History {
    History {
        segments: Some("archiver segments 1 size=1000 day=no"),
        ..new_file(writers)
    }
}

/// A disk whose syncs fail for the first writer.
pub(super) fn with_failing(history: History, call: &'static str) -> History {
    let faults = Faults {
        of_writer: Some(0),
        failing: vec![call],
        ..Faults::default()
    };
    History { faults, ..history }
}

/// A disk that is full for the first writer after so many bytes.
fn with_full_disk(history: History, room: usize) -> History {
    let faults = Faults {
        of_writer: Some(0),
        append: Some((room, Some(Errno::NOSPC))),
        ..Faults::default()
    };
    History { faults, ..history }
}

/// Vaults whose last write was cut off, in every way that matters.
pub(super) fn torn_vaults() -> Vec<Vec<u8>> {
    let (short, long) = (vault_of(&[40]), vault_of(&[40, 700]));
    let cuts = [1, 2, 20, 300, 700, long.len() - short.len() - 5];
    let mut torn: Vec<_> = cuts.map(|cut| long[..long.len() - cut].to_vec()).into();
    torn.push([short.as_slice(), &[0; 600]].concat());
    torn.push([&[0; 20], short.as_slice()].concat());
    torn.push(b"\ngarbage without end".to_vec());
    torn
}

fn search(seed: u64, orders: Orders, histories: &[History]) -> Search {
    let start = Instant::now();
    let mut search = Search::new(seed, orders);
    for history in histories {
        if let Err(e) = search.through(history, Bug::None) {
            panic!("seed {seed}: {e}");
        }
    }
    eprintln!(
        "seed {seed}: {} states of {} histories in {} orders, {:?}",
        search.states,
        histories.len(),
        search.ways,
        start.elapsed()
    );
    search
}

/// The least number of states for all searches together is the sum of these.
fn expect_states(search: &Search, least: u64) {
    assert!(search.states >= least, "only {} states", search.states);
}

#[test]
fn one_writer_loses_nothing_in_any_crash() {
    let histories = [
        new_file(&[&[40, 300, 40]]),
        new_file(&[&[700, 2000]]),
        file_with(vault_of(&[40]), &[&[1200, 40, 300]]),
        segments(&[&[40, 40, 40, 700, 40, 40]]),
    ];
    let found = search(1, Orders::Every, &histories);
    expect_states(&found, 2_000);
}

#[test]
fn two_writers_lose_nothing_in_any_order_and_any_crash() {
    let histories = [
        new_file(&[&[40], &[700]]),
        file_with(vault_of(&[40]), &[&[40, 900], &[300, 40]]),
        segments(&[&[40, 40], &[300, 40]]),
    ];
    let found = search(2, Orders::Every, &histories);
    expect_states(&found, 450_000);
}

#[test]
fn three_writers_lose_nothing_in_any_crash() {
    let histories = [
        file_with(vault_of(&[40]), &[&[400, 900], &[300, 400], &[700, 600]]),
        segments(&[&[40, 400], &[300, 400], &[40, 40]]),
    ];
    let found = search(3, Orders::AtRandom(300), &histories);
    expect_states(&found, 190_000);
}

#[test]
fn a_torn_tail_is_repaired_by_writers_that_crash_themselves() {
    let torn = torn_vaults().into_iter();
    let histories: Vec<_> = torn
        .map(|vault| file_with(vault, &[&[700, 40], &[40]]))
        .collect();
    let found = search(4, Orders::Every, &histories);
    expect_states(&found, 110_000);
}

#[test]
fn writes_that_fail_and_are_taken_back_cost_nobody_else_anything() {
    let others = || file_with(vault_of(&[40]), &[&[900], &[40, 600]]);
    let mut histories: Vec<_> = [1, 300, 513, 1100]
        .map(|room| with_full_disk(others(), room))
        .into();
    for call in ["truncate", "sync"] {
        histories.push(with_failing(with_full_disk(others(), 600), call));
        if let Some(last) = histories.last_mut() {
            last.faults.append = Some((600, Some(Errno::NOSPC)));
        }
    }
    let found = search(5, Orders::Every, &histories);
    expect_states(&found, 8_000);
}

#[test]
fn a_sync_that_fails_is_success_for_nobody_who_wrote_before() {
    let histories = [
        with_failing(file_with(vault_of(&[40]), &[&[900], &[40, 600]]), "sync"),
        with_failing(segments(&[&[40, 40], &[300, 40]]), "sync"),
    ];
    let found = search(6, Orders::AtRandom(1500), &histories);
    expect_states(&found, 250_000);
}
