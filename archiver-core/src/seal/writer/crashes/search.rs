//! The states that crashes may leave of a whole server, by the model of [`crate::vault::crash::states`].
//!
//! At each moment: what is there when only the programs are killed, what is left when nothing unsynced is, and so many states at random. On some of them the
//! server that starts again crashes too.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::bugs::{Bug, Machine};
use super::judge::{Told, wrong_at_once};
use super::{HOUR, Life};
use crate::seal::writer::site::{Content, Site};
use crate::vault::crash::choices::{Choices, Random};
use crate::vault::crash::judge::garbage;
use crate::vault::crash::states::Uncertain;

/// So many of a moment's states are made at random.
const AT_RANDOM: usize = 10;
/// One of so many states is that of a server which crashes once more while it starts again.
const ONE_IN: u64 = 40;
const AT_RANDOM_AGAIN: usize = 2;

pub(super) struct Search {
    random: Random,
    bug: Option<Bug>,
    /// The states that were looked at, by their hashes.
    seen: HashSet<u64>,
    pub(super) states: usize,
    pub(super) moments: usize,
    pub(super) second_crashes: usize,
    pub(super) wrong: Vec<String>,
}

impl Search {
    pub(super) fn new(seed: u64, bug: Option<Bug>) -> Self {
        Self {
            random: Random(seed),
            bug,
            seen: HashSet::new(),
            states: 0,
            moments: 0,
            second_crashes: 0,
            wrong: Vec::new(),
        }
    }

    /// Looks through a life, until something is wrong.
    pub(super) fn through(&mut self, life: &Life) {
        let site = life.site();
        let begun = site.disk.log().len();
        let machine = Machine::new(&site, self.bug);
        (life.live)(&machine);
        self.wrong.extend(machine.wrong());
        self.every_moment(life, &site, begun, Told::default(), AT_RANDOM);
    }

    fn every_moment(
        &mut self,
        life: &Life,
        site: &Site,
        begun: usize,
        mut told: Told,
        at_random: usize,
    ) {
        let mut uncertain = Uncertain::default();
        for (number, op) in site.disk.log().iter().enumerate() {
            uncertain.take(op);
            told.take(op, &site.keys);
            if number + 1 >= begun && self.wrong.is_empty() {
                self.moments += 1;
                for content in self.left(&uncertain, at_random) {
                    let found = self.look_at(life, site, &content, &told);
                    let found = found.map(|found| format!("after {number} {op:?}: {found}"));
                    self.wrong.extend(found);
                }
            }
        }
    }

    fn left(&mut self, uncertain: &Uncertain, at_random: usize) -> Vec<Content> {
        let least = uncertain.state(&mut Choices::every(), &mut self.random);
        let mut states = vec![uncertain.as_it_is(), least];
        let mut choices = Choices::random(Random(self.random.number()));
        for _ in 0..at_random {
            states.push(uncertain.state(&mut choices, &mut self.random));
        }
        states
    }

    /// What is wrong in a state, or when a server has started on it again.
    fn look_at(
        &mut self,
        life: &Life,
        site: &Site,
        content: &Content,
        told: &Told,
    ) -> Option<String> {
        let mut hasher = DefaultHasher::new();
        (content, told).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return None;
        }
        self.states += 1;
        let mut content = content.clone();
        if let Some(name) = garbage(&content[0]).map(OsStr::to_owned) {
            // Somebody moves it away, and makes an empty file in its place.
            content[0].insert(name, Vec::new());
        }
        let again = Site::of(&content, &site.keys);
        if let Some(wrong) = wrong_at_once(&again) {
            return Some(wrong);
        }
        let begun = again.disk.log().len();
        let machine = Machine::new(&again, self.bug);
        let mut anomalies = machine.archive(200, life.last_day, 12 * HOUR);
        anomalies.extend(machine.seal(life.last_day + 1, 10, true));
        let wrong = told.wrong_at_the_end(&again, life.last_day + 1);
        if let Some(wrong) = wrong {
            return Some(format!("{wrong}; told: {anomalies:?}"));
        }
        if told.is_first_crash() && self.random.number().is_multiple_of(ONE_IN) {
            let before = self.states;
            self.every_moment(
                life,
                &again,
                begun,
                told.of_the_next_crash(),
                AT_RANDOM_AGAIN,
            );
            self.second_crashes += self.states - before;
        }
        None
    }
}
