//! Kills and power cuts at every moment of a server's life, with its vault, its seals, its seed and what it remembers on one disk; and bugs that are put in on
//! purpose, to see that each is caught.
//!
//! A life is lived once on a disk that writes everything down. At each moment, states that a crash may leave are made ([`search`]), a server starts again on
//! each of them, perhaps to crash once more, and is judged when it has come to the end ([`judge`]).

mod bugs;
mod judge;
mod search;

use std::time::Instant;

use self::bugs::{Bug, Machine};
use self::search::Search;
use super::site::Site;

const KEYS: u32 = 200;
const HOUR: i64 = 3600;

/// What a server does, on a new disk.
#[derive(Clone, Copy)]
struct Life {
    name: &'static str,
    in_segments: bool,
    /// The day that has begun when it ends. All days before have their final then.
    last_day: i64,
    live: fn(&Machine),
}

impl Life {
    fn site(&self) -> Site {
        if self.in_segments {
            Site::in_segments(KEYS)
        } else {
            Site::new(KEYS)
        }
    }
}

/// Three mails on the first day, an idle day, two mails on the third, and the timer at the fourth midnight.
fn mails_and_an_idle_day(machine: &Machine) {
    machine.archive(0, 0, 0);
    machine.archive_and_be_killed(1, 0, HOUR);
    machine.archive_and_be_killed(2, 0, 2 * HOUR);
    machine.archive(3, 2, 3 * HOUR);
    machine.archive_and_be_killed(4, 2, 4 * HOUR);
    machine.seal(3, 10, false);
}

/// Switched off for longer than the keys go on by themselves: the mails before it is confirmed are dated to the old day.
fn switched_off_and_caught_up(machine: &Machine) {
    machine.archive(0, 0, HOUR);
    machine.archive_and_be_killed(1, 9, HOUR);
    machine.archive(2, 9, 2 * HOUR);
    machine.seal(9, 3 * HOUR, true);
    machine.archive(3, 9, 4 * HOUR);
}

/// Two mails a day, so that in segments one is begun around each midnight, and the timer with interim checkpoints.
fn busy_midnights(machine: &Machine) {
    for day in 0..3_u8 {
        let (number, hours) = (3 * day, i64::from(day));
        machine.archive(number, hours, 0);
        machine.archive_and_be_killed(number + 1, hours, HOUR);
        machine.seal(hours, 2 * HOUR, false);
        machine.archive(number + 2, hours, 24 * HOUR - 1);
    }
    machine.seal(3, 0, false);
}

fn life(name: &'static str, last_day: i64, live: fn(&Machine)) -> Life {
    Life {
        name,
        in_segments: false,
        last_day,
        live,
    }
}

fn lives() -> Vec<Life> {
    let lives = [
        life("mails and an idle day", 3, mails_and_an_idle_day),
        life("switched off", 9, switched_off_and_caught_up),
        life("busy midnights", 3, busy_midnights),
    ];
    let in_segments = lives.map(|life| Life {
        in_segments: true,
        ..life
    });
    [lives, in_segments].concat()
}

#[test]
fn a_crash_at_any_moment_costs_no_acknowledged_mail_and_no_seal() {
    let begin = Instant::now();
    let mut states = 0;
    for (seed, life) in (1..).zip(lives()) {
        let mut search = Search::new(seed, None);
        search.through(&life);
        assert_eq!(search.wrong, [""; 0], "{} (seed {seed})", life.name);
        let form = if life.in_segments {
            "segments"
        } else {
            "a file"
        };
        println!(
            "seed {seed}: {} in {form}: {} states of {} moments, {} after a second crash",
            life.name, search.states, search.moments, search.second_crashes
        );
        states += search.states;
    }
    println!("{states} states in {:?}", begin.elapsed());
    assert!(states > 4_000, "only {states} states");
}

/// The bug is caught in a life, for this reason; without it, nothing was found in the same lives.
#[track_caller]
fn is_caught(bug: Bug, reasons: &[&str]) {
    for (seed, life) in (1..).zip(lives()) {
        let mut search = Search::new(seed, Some(bug));
        search.through(&life);
        let is_named = |wrong: &String| reasons.iter().any(|reason| wrong.contains(reason));
        if search.wrong.iter().any(is_named) {
            return;
        }
        assert_eq!(search.wrong, [""; 0], "{bug:?} shows in another way");
    }
    panic!("{bug:?} is not caught");
}

#[test]
fn a_final_that_is_not_synced_is_caught() {
    is_caught(Bug::FinalNotSynced, &["seed is given up, and the final"]);
}

#[test]
fn a_seed_advanced_before_the_final_is_synced_is_caught() {
    is_caught(
        Bug::SeedAdvancedBeforeTheFinalIsSynced,
        &["seed is given up, and the final"],
    );
}

#[test]
fn a_final_signed_before_the_vault_is_synced_is_caught() {
    is_caught(
        Bug::FinalSignedBeforeTheVaultIsSynced,
        &["broken", "contradicts"],
    );
}

#[test]
fn a_seed_renamed_before_it_is_synced_is_caught() {
    is_caught(Bug::SeedRenamedBeforeItIsSynced, &["seed is not whole"]);
}

#[test]
fn a_folder_of_the_seals_that_is_not_synced_is_caught() {
    is_caught(
        Bug::FolderOfTheSealsNotSynced,
        &["seed is given up, and the final"],
    );
}

#[test]
fn a_folder_of_the_seed_that_is_not_synced_is_caught() {
    is_caught(Bug::FolderOfTheSeedNotSynced, &["seed is not whole"]);
}

#[test]
fn an_old_seed_overwritten_before_the_new_one_stands_is_caught() {
    is_caught(
        Bug::OldSeedOverwrittenBeforeTheNewOneStands,
        &["seed is not whole"],
    );
}

#[test]
fn an_old_seed_overwritten_before_the_new_ones_name_is_synced_is_caught() {
    is_caught(
        Bug::OldSeedOverwrittenBeforeTheNameIsSynced,
        &["seed is not whole"],
    );
}

#[test]
fn a_used_seed_that_is_left_on_the_disk_is_caught() {
    is_caught(Bug::UsedSeedNotOverwritten, &["a used seed is still"]);
}

#[test]
fn finals_signed_without_a_look_at_those_that_stand_are_caught() {
    // The next final continues none, so that the verdict trusts neither it nor those before.
    is_caught(Bug::FinalsNotLookedAt, &["broken at sequence"]);
}

#[test]
fn a_state_that_is_believed_unchecked_is_caught() {
    is_caught(Bug::StateBelievedUnchecked, &["broken"]);
}
