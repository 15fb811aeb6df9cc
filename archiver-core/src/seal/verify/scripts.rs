//! Random edits of somebody who broke in, on records and checkpoints, with all keys that he has: none of them changes a day that was sealed before
//! without the verdict showing it.

use super::model::{Ceremony, LOG, Stored, World};
use super::{State, Verdict};
use crate::seal::note::{Kind, Note};
use crate::vault::leaf::LogId;

/// How many scripts: enough to meet every pair of edits many times. More: `SEAL_SCRIPTS=1000000 cargo test --release -p archiver-core scripts`.
const SCRIPTS: u64 = 10_000;
const SHAPES: [&[usize]; 3] = [
    &[2, 0, 3, 1, 2, 1],
    &[1, 1, 1, 1, 1, 1],
    &[0, 3, 2, 0, 0, 2],
];

/// `SplitMix64`: the same edits on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which may be 0 when `end` is.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap().max(1);
        usize::try_from(self.roll() % end).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

struct Attack<'a> {
    ceremony: &'a Ceremony,
    /// His keys are those of this day and later.
    break_in: usize,
    today: usize,
    world: World,
    dice: Dice,
}

impl Attack<'_> {
    fn edit(&mut self) {
        match self.dice.below(16) {
            0 => self.change_a_record(),
            1 => self.delete_a_record(),
            2 => self.swap_records(),
            3 => self.insert_a_record(),
            4 => self.cut_the_tail(),
            5 | 6 => self.link_anew(),
            7 => self.append(),
            8 => self.delete_a_note(),
            9 => self.swap_or_repeat_notes(),
            10 => self.cut_the_notes(),
            11 => self.lie_in_a_note(),
            12..=14 => self.sign(),
            _ => self.seal_the_past_anew(),
        }
    }

    fn some_record(&mut self) -> Option<usize> {
        let records = self.world.records.len();
        (records > 0).then(|| self.dice.below(records))
    }

    fn change_a_record(&mut self) {
        let Some(at) = self.some_record() else { return };
        let (choice, mail) = (self.dice.below(5), self.dice.roll());
        let (day, seconds) = (self.dice.below(self.today + 1), self.dice.below(86_400));
        let time = self.ceremony.at(day, i64::try_from(seconds).unwrap());
        let stored = &mut self.world.records[at];
        match choice {
            0 => stored.mail = mail,
            1 => stored.gap = mail,
            2 => stored.place.time = time,
            3 => stored.place.seq ^= 1 << (mail % 4),
            _ => stored.leaf.0[0] ^= 1,
        }
    }

    fn delete_a_record(&mut self) {
        if let Some(at) = self.some_record() {
            self.world.records.remove(at);
        }
    }

    fn swap_records(&mut self) {
        if let (Some(a), Some(b)) = (self.some_record(), self.some_record()) {
            self.world.records.swap(a, b);
        }
    }

    /// A copy of another one, or a forged one, or one of another log.
    fn insert_a_record(&mut self) {
        let Some(from) = self.some_record() else {
            return;
        };
        let mut stored = self.world.records[from].clone();
        match self.dice.below(3) {
            0 => stored.mail = self.dice.roll(),
            1 => stored.place.log = LogId([0x77; 16]),
            _ => {}
        }
        let at = self.dice.below(self.world.records.len() + 1);
        self.world.records.insert(at, stored);
    }

    fn cut_the_tail(&mut self) {
        let kept = self.dice.below(self.world.records.len() + 1);
        self.world.records.truncate(kept);
    }

    fn link_anew(&mut self) {
        let from = if self.dice.one_in(2) {
            0
        } else {
            self.dice.below(self.world.records.len())
        };
        self.world.relink(from);
    }

    fn append(&mut self) {
        let (day, mail) = (self.dice.below(self.today + 1), self.dice.roll());
        self.world.append(self.ceremony.at(day, 80_000), mail, LOG);
    }

    fn some_note(&mut self) -> Option<usize> {
        let notes = self.world.notes.len();
        (notes > 0).then(|| self.dice.below(notes))
    }

    fn delete_a_note(&mut self) {
        if let Some(at) = self.some_note() {
            self.world.notes.remove(at);
        }
    }

    fn swap_or_repeat_notes(&mut self) {
        let (Some(a), Some(b)) = (self.some_note(), self.some_note()) else {
            return;
        };
        if self.dice.one_in(2) {
            self.world.notes.swap(a, b);
        } else {
            let copy = self.world.notes[a];
            self.world.notes.insert(b, copy);
        }
    }

    fn cut_the_notes(&mut self) {
        let kept = self.dice.below(self.world.notes.len() + 1);
        self.world.notes.truncate(kept);
    }

    /// Changes what a note claims and leaves its signature.
    fn lie_in_a_note(&mut self) {
        let Some(at) = self.some_note() else { return };
        let size = self.dice.below(self.world.records.len() + 1);
        let honest = self
            .world
            .note(self.ceremony, 0, self.break_in, Kind::Final, size)
            .claimed;
        let claimed = &mut self.world.notes[at].claimed;
        (claimed.size, claimed.root, claimed.last_time) =
            (honest.size, honest.root, honest.last_time);
    }

    /// Signs any records as of any day, with a key that he has: often that of the day, sometimes another.
    fn sign(&mut self) {
        let size = self.dice.below(self.world.records.len() + 1);
        let with = self.break_in + self.dice.below(self.today + 1 - self.break_in);
        let day = if self.dice.one_in(3) {
            self.dice.below(self.today + 1)
        } else {
            with
        };
        let kind = if self.dice.one_in(2) {
            Kind::Final
        } else {
            Kind::Interim
        };
        let note = self.world.note(self.ceremony, day, with, kind, size);
        let at = self.dice.below(self.world.notes.len() + 1);
        self.world.notes.insert(at, note);
    }

    /// Throws all seals away from a day on, and signs finals for those days over what stands there now.
    fn seal_the_past_anew(&mut self) {
        let from = self.dice.below(self.today);
        let first = self.ceremony.day(from);
        self.world.notes.retain(|note| note.claimed.day < first);
        for day in from..self.today {
            let end = self.ceremony.day(day).last_second();
            let size = self
                .world
                .records
                .iter()
                .filter(|stored| stored.place.time <= end)
                .count();
            let note = self.world.note(
                self.ceremony,
                day,
                day.max(self.break_in),
                Kind::Final,
                size,
            );
            self.world.notes.push(note);
        }
    }
}

/// Which days before the break-in are said to be sealed although they are not what they were.
fn undetected(attack: &Attack<'_>, original: &World, verdict: &Verdict) -> Vec<usize> {
    let of_day = |world: &World, day: usize| -> Vec<(usize, Stored)> {
        let day = attack.ceremony.day(day);
        let ours = world
            .records
            .iter()
            .filter(|stored| stored.place.log == LOG)
            .cloned();
        let numbered = ours.enumerate();
        numbered
            .filter(|(_, stored)| crate::seal::day::Day::of(stored.place.time) == day)
            .collect()
    };
    let is_sealed =
        |day: usize| verdict.on(attack.ceremony.day(day)).unwrap().state == State::Sealed;
    let is_changed = |day: usize| of_day(&attack.world, day) != of_day(original, day);
    (0..attack.break_in)
        .filter(|day| is_sealed(*day) && is_changed(*day))
        .collect()
}

#[test]
fn no_script_of_edits_changes_a_sealed_day_unseen() {
    let scripts = std::env::var("SEAL_SCRIPTS").map_or(SCRIPTS, |count| count.parse().unwrap());
    let ceremony = Ceremony::of(LOG, 8);
    let worlds = SHAPES.map(|shape| World::honest(&ceremony, shape));
    let (mut changed, mut named, mut untouched) = (0, 0, 0);
    for seed in 0..scripts {
        let mut dice = Dice(seed);
        let original = &worlds[dice.below(worlds.len())];
        let today = SHAPES[0].len() - 1;
        let (break_in, edits) = (1 + dice.below(today), 1 + dice.below(6));
        let mut attack = Attack {
            ceremony: &ceremony,
            break_in,
            today,
            world: original.clone(),
            dice,
        };
        (0..edits).for_each(|_| attack.edit());
        let verdict = attack
            .world
            .verdict_with(&ceremony, ceremony.at(today, 43_200), &[]);
        assert_eq!(
            undetected(&attack, original, &verdict),
            [0; 0],
            "script {seed}"
        );
        let before = |verdict: &Verdict| {
            verdict.days[..break_in]
                .iter()
                .all(|day| day.state == State::Sealed)
        };
        let is_touched =
            attack.world.records != original.records || notes_of_past(&attack, original);
        match (is_touched, before(&verdict)) {
            (true, false) => named += 1,
            (true, true) => changed += 1,
            (false, true) => untouched += 1,
            (false, false) => unreachable!("script {seed} changed nothing and is accused"),
        }
    }
    println!(
        "{scripts} scripts (seeds 0 …): {named} named in a day before the break-in, {changed} changed open days only, {untouched} changed nothing"
    );
    assert!(named > scripts / 3 && changed > scripts / 100 && untouched > scripts / 100);
}

/// Whether a checkpoint of a day before the break-in is gone or another.
fn notes_of_past(attack: &Attack<'_>, original: &World) -> bool {
    let first = attack.ceremony.day(attack.break_in);
    let mut past = original
        .notes
        .iter()
        .filter(|note| note.claimed.day < first);
    let stands = |note: &Note| attack.world.notes.contains(note);
    !past.all(stands)
}
