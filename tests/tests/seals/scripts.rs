//! Random edits of a vault's bytes and of its checkpoints': no script of them changes a byte of a day that was sealed before, and leaves that day sealed.
//!
//! What a day is, is judged from the bytes alone, without the readers under test: the stretch of the vault from behind the last record of the
//! day before to the end of its own last record must stand there, and at its place. A script is its number: the same edits at the same places in
//! every run, on records that are encrypted anew. More scripts:
//! `SEAL_SCRIPTS=1000000 cargo test --release -p custody-tests --test seals scripts -- --nocapture`.

mod edits;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::ops::AddAssign;
use std::thread;

use archiver_core::seal::verify::{State, Verdict};
use custody_tests::Dice;

use crate::honest::{Shape, Site, TODAY};
use crate::judge::{Reader, evidence, states};
use edits::Edited;
use world::{World, noon, worlds};

const SCRIPTS: u64 = 12_000;
/// Of a reader that overlooks something.
const SCRIPTS_FOR_THE_WEAK: u64 = 3_000;
/// Of the real program.
const SCRIPTS_FOR_THE_PROGRAM: u64 = 150;

/// Which states a reader takes for a sealed day.
type Belief = fn(&State) -> bool;

/// What came of scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Count {
    /// Nothing was changed in the end.
    unchanged: u64,
    /// Only what stands behind the last sealed day, or the checkpoints of today.
    open_only: u64,
    /// Sealed days or their checkpoints were changed, and all of these days are still called sealed: the changes undid or missed them.
    harmless: u64,
    /// A sealed day was changed, and named.
    named: u64,
    /// A sealed day was changed, and is called sealed. The scripts' numbers.
    undetected: Vec<u64>,
    /// What was done, and how often.
    edits: BTreeMap<&'static str, u64>,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.unchanged += other.unchanged;
        self.open_only += other.open_only;
        self.harmless += other.harmless;
        self.named += other.named;
        self.undetected.extend(other.undetected);
        for (edit, count) in other.edits {
            *self.edits.entry(edit).or_default() += count;
        }
    }
}

/// Plays script number `seed`.
fn play(seed: u64) -> (&'static World, Edited) {
    let mut dice = Dice::new(seed);
    let world = dice.choose(worlds());
    let mut edited = Edited::of(world);
    for _ in 0..=dice.below(4) {
        edited.edit(&mut dice);
    }
    (world, edited)
}

fn judge(reader: Reader, edited: &Edited) -> Verdict {
    reader.judge(&edited.vault, evidence(&edited.seals, noon()))
}

/// Plays scripts for a reader, who takes days for sealed whose state says so to him.
fn play_all(scripts: u64, reader: Reader, belief: Belief) -> Count {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let threads = u64::try_from(threads).unwrap();
    let mut all = Count::default();
    thread::scope(|scope| {
        let parts = (0..threads).map(|part| {
            scope.spawn(move || {
                let mut count = Count::default();
                (part..scripts)
                    .step_by(usize::try_from(threads).unwrap())
                    .for_each(|seed| count.take(seed, reader, belief));
                count
            })
        });
        for part in parts.collect::<Vec<_>>() {
            all += part.join().unwrap();
        }
    });
    all.undetected.sort_unstable();
    all
}

impl Count {
    fn take(&mut self, seed: u64, reader: Reader, belief: Belief) {
        let (world, edited) = play(seed);
        for edit in &edited.done {
            *self.edits.entry(edit).or_default() += 1;
        }
        let verdict = judge(reader, &edited);
        let past = || verdict.days.iter().take(TODAY);
        let believed: Vec<usize> = past()
            .enumerate()
            .filter(|(_, day)| belief(&day.state))
            .map(|(day, _)| day)
            .collect();
        if reader == Reader::Honest {
            let doubted = world.untouched_days(&edited.vault, &edited.seals);
            let doubted = (0..doubted).find(|day| !believed.contains(day));
            assert_eq!(
                doubted, None,
                "script {seed}: an untouched day is not called sealed"
            );
        }
        if !world.bears_out(&edited.vault, &believed) {
            self.undetected.push(seed);
        } else if (&edited.vault, &edited.seals) == (&world.vault, &world.seals) {
            self.unchanged += 1;
        } else if world.untouched_days(&edited.vault, &edited.seals) == TODAY {
            self.open_only += 1;
        } else if believed.len() == TODAY {
            self.harmless += 1;
        } else {
            self.named += 1;
        }
    }
}

fn is_sealed(state: &State) -> bool {
    *state == State::Sealed
}

#[test]
fn no_script_of_edits_changes_a_byte_of_a_sealed_day_unseen() {
    let scripts = std::env::var("SEAL_SCRIPTS").map_or(SCRIPTS, |count| count.parse().unwrap());
    let count = play_all(scripts, Reader::Honest, is_sealed);
    println!(
        "{scripts} scripts (numbers 0 …): {} named, {} changed open days only, {} left all sealed days whole, {} changed nothing, {} undetected\n{:?}",
        count.named,
        count.open_only,
        count.harmless,
        count.unchanged,
        count.undetected.len(),
        count.edits
    );
    assert_eq!(count.undetected, [0; 0]);
    assert!(
        count.named > scripts / 2 && count.open_only > scripts / 50,
        "{count:?}"
    );
    assert!(
        count.edits.values().all(|times| *times > scripts / 200),
        "{:?}",
        count.edits
    );
}

/// The scripts find what a weaker verification would miss, so that their silence says something.
#[test]
fn the_scripts_get_past_readers_that_overlook_something() {
    let believes_missing: Belief = |state| matches!(state, State::Sealed | State::Missing);
    let weak: [(&str, Reader, Belief); 4] = [
        (
            "believes the leaves in the headers",
            Reader::BelievesLeaves,
            is_sealed,
        ),
        (
            "overlooks rewritten armor",
            Reader::OverlooksArmor,
            is_sealed,
        ),
        (
            "overlooks bytes between records",
            Reader::OverlooksGaps,
            is_sealed,
        ),
        (
            "does not mind days without a final",
            Reader::Honest,
            believes_missing,
        ),
    ];
    for (name, reader, belief) in weak {
        let undetected = play_all(SCRIPTS_FOR_THE_WEAK, reader, belief)
            .undetected
            .len();
        println!(
            "a reader that {name}: {undetected} of {SCRIPTS_FOR_THE_WEAK} scripts go undetected"
        );
        assert!(undetected > 0, "no script gets past a reader that {name}");
    }
}

#[test]
fn the_program_says_of_scripts_what_the_library_says() {
    let site = Site::new(0, Shape::File);
    for seed in 0..SCRIPTS_FOR_THE_PROGRAM {
        let (_, edited) = play(seed);
        fs::write(site.vault(), &edited.vault).unwrap();
        fs::write(site.seals(), &edited.seals).unwrap();
        let (program, library) = (site.verdict(), judge(Reader::Honest, &edited));
        let expected = states(&library);
        assert_eq!(
            program.states()[..=TODAY],
            expected[..=TODAY],
            "script {seed}"
        );
        let findings: Vec<String> = library.findings.iter().map(ToString::to_string).collect();
        let shared = findings
            .iter()
            .filter(|finding| !finding.contains("is of another log"));
        for finding in shared {
            program.expect_finding(finding);
        }
    }
}
