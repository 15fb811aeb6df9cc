//! The table of attacks that the verdict must name, each after a break-in on the day [`BREAK_IN`], and what it must not mistake for one.

use super::model::{ARCHIVE, Ceremony, LOG, SUBKEY, World, states};
use super::*;
use crate::seal::day::Day;
use crate::seal::note::{NotSealed, Note};
use crate::seal::notes::pieces;
use crate::vault::leaf::LeafHash;

/// Mails on each day. Records 0–2 are of day 0, none of day 1, 3–6 of day 2, 7–8 of day 3, 9–11 of day 4, 12–13 of today.
const MAILS: [usize; 6] = [3, 0, 4, 2, 3, 2];
const TODAY: usize = 5;
/// The finals of days 0 … 4 stood and their keys were gone.
const BREAK_IN: usize = 5;

struct Case {
    ceremony: Ceremony,
    world: World,
    original: World,
}

impl Case {
    fn new() -> Self {
        let ceremony = Ceremony::of(LOG, 8);
        let world = World::honest(&ceremony, &MAILS);
        let original = world.clone();
        Self {
            ceremony,
            world,
            original,
        }
    }

    fn day(&self, number: usize) -> Day {
        self.ceremony.day(number)
    }

    fn now(&self) -> UtcTime {
        self.ceremony.at(TODAY, 12 * 3600)
    }

    fn verdict(&self) -> Verdict {
        self.world.verdict_with(&self.ceremony, self.now(), &[])
    }

    fn states(&self) -> Vec<String> {
        states(&self.verdict())
    }

    fn broken(&self, day: usize) -> Break {
        match self.verdict().on(self.day(day)).unwrap().state.clone() {
            State::Broken(found) => found,
            other => unreachable!("day {day} is {other}"),
        }
    }

    /// Takes away today's checkpoints and signs others over what stands there now, as the attacker can.
    fn reseal_today(&mut self) {
        let today = self.day(TODAY);
        self.world.notes.retain(|note| note.claimed.day < today);
        self.world
            .seal(&self.ceremony, TODAY, BREAK_IN, Kind::Interim);
    }
}

#[test]
fn an_honest_log_is_sealed_but_for_today() {
    let case = Case::new();
    let verdict = case.verdict();
    assert_eq!(
        states(&verdict),
        ["sealed", "sealed", "sealed", "sealed", "sealed", "open"]
    );
    assert!(verdict.is_intact() && verdict.findings.is_empty());
    let counted: Vec<_> = verdict
        .days
        .iter()
        .map(|day| (day.records, day.first))
        .collect();
    assert_eq!(
        counted,
        [
            (3, Some(0)),
            (0, None),
            (4, Some(3)),
            (2, Some(7)),
            (3, Some(9)),
            (2, Some(12))
        ]
    );
}

#[test]
fn an_archive_without_a_single_mail_is_sealed_by_its_empty_finals() {
    let ceremony = Ceremony::of(LOG, 8);
    let world = World::honest(&ceremony, &[0, 0, 0]);
    let verdict = world.verdict_with(&ceremony, ceremony.at(2, 0), &[]);
    assert_eq!(states(&verdict), ["sealed", "sealed", "open"]);
}

#[test]
fn a_changed_record_is_named_with_its_day_and_costs_only_that_day() {
    let mut case = Case::new();
    case.world.records[4].mail = 666;
    assert_eq!(
        case.states(),
        [
            "sealed",
            "sealed",
            "broken at 4",
            "sealed",
            "sealed",
            "open"
        ]
    );
    assert_eq!(case.broken(2).why, Why::Record(Fault::Leaf));
}

#[test]
fn changed_bytes_between_records_are_named() {
    let mut case = Case::new();
    case.world.records[4].gap = 1;
    assert_eq!(case.states()[2], "broken at 4");
}

#[test]
fn a_changed_record_whose_links_were_computed_anew_is_named_by_the_checkpoint_behind_it() {
    let mut case = Case::new();
    case.world.records[4].mail = 666;
    case.world.relink(4);
    case.reseal_today();
    // The interim checkpoint over 3 records, the final of day 0, still holds; the one over 5 does not.
    assert_eq!(
        case.states(),
        [
            "sealed",
            "sealed",
            "broken at 3",
            "broken at 3",
            "broken at 3",
            "broken at 3"
        ]
    );
    let (kind, day, size) = (Kind::Interim, case.day(2), 5);
    assert_eq!(case.broken(2).why, Why::OtherRecords { kind, day, size });
}

#[test]
fn a_deleted_record_is_named() {
    for relinked in [false, true] {
        for deleted in 0..12 {
            let mut case = Case::new();
            let time = case.world.records.remove(deleted).place.time;
            if relinked {
                case.world.relink(deleted);
                case.reseal_today();
            }
            let verdict = case.verdict();
            let day = Day::of(time);
            let before = verdict.days.iter().take_while(|verdict| verdict.day < day);
            assert!(
                before
                    .into_iter()
                    .all(|verdict| verdict.state == State::Sealed)
            );
            let State::Broken(found) = &verdict.on(day).unwrap().state else {
                unreachable!("{deleted}")
            };
            assert!(
                found.first <= u64::try_from(deleted).unwrap(),
                "{deleted}: {found:?}"
            );
        }
    }
}

#[test]
fn reordered_records_are_named() {
    for relinked in [false, true] {
        let mut case = Case::new();
        case.world.records.swap(4, 5);
        if relinked {
            case.world.relink(4);
            case.reseal_today();
        }
        assert_eq!(
            case.states()[2],
            if relinked {
                "broken at 3"
            } else {
                "broken at 4"
            }
        );
    }
}

#[test]
fn a_replayed_record_is_named() {
    let mut case = Case::new();
    let copy = case.world.records[4].clone();
    case.world.records.insert(6, copy.clone());
    assert_eq!(case.states()[2], "broken at 6");
    let mut case = Case::new();
    case.world.records.push(copy);
    // Behind everything, it is dated into a sealed day.
    assert_eq!(case.states()[2], "broken at 14");
}

#[test]
fn a_tail_cut_into_a_sealed_day_is_named_whatever_is_signed_afterwards() {
    for kept in 0..12 {
        let mut case = Case::new();
        case.world.records.truncate(kept);
        case.reseal_today();
        let verdict = case.verdict();
        let broken = verdict
            .days
            .iter()
            .find(|day| matches!(day.state, State::Broken(_)))
            .unwrap();
        let State::Broken(found) = &broken.state else {
            unreachable!()
        };
        assert_eq!(found.first, u64::try_from(kept).unwrap());
        assert!(matches!(found.why, Why::CutOff { .. }), "{}", found.why);
        assert!(broken.day < case.day(BREAK_IN));
    }
}

#[test]
fn a_log_that_was_rolled_back_as_a_whole_has_missing_days() {
    let mut case = Case::new();
    case.world.records.truncate(7);
    let day = case.day(3);
    case.world.notes.retain(|note| note.claimed.day < day);
    assert_eq!(
        case.states(),
        ["sealed", "sealed", "sealed", "missing", "missing", "open"]
    );
    assert!(!case.verdict().is_intact());
    // A final that left the machine shows more: how many records there were.
    let kept: Vec<Note> = case
        .original
        .notes
        .iter()
        .filter(|note| note.claimed.kind == Kind::Final)
        .copied()
        .collect();
    let verdict = case.world.verdict_with(&case.ceremony, case.now(), &kept);
    assert_eq!(
        states(&verdict),
        [
            "sealed",
            "sealed",
            "sealed",
            "broken at 7",
            "broken at 7",
            "broken at 7"
        ]
    );
    assert!(
        verdict
            .findings
            .contains(&Finding::OnlyElsewhere(case.day(4)))
    );
}

#[test]
fn a_rolled_back_log_that_goes_on_with_todays_key_has_skipped_days() {
    let mut case = Case::new();
    case.world.records.truncate(7);
    let day = case.day(3);
    case.world.notes.retain(|note| note.claimed.day < day);
    case.world.append(case.ceremony.at(TODAY, 0), 666, LOG);
    case.world
        .seal(&case.ceremony, TODAY, BREAK_IN, Kind::Final);
    let tomorrow = case.ceremony.at(TODAY + 1, 3 * 3600);
    let verdict = case.world.verdict_with(&case.ceremony, tomorrow, &[]);
    assert_eq!(
        states(&verdict)[2..],
        ["sealed", "missing", "missing", "sealed", "open"]
    );
    let skipped = [3, 4].map(|day| Finding::Skipped(case.day(day)));
    assert_eq!(verdict.findings, skipped);
}

#[test]
fn a_mail_forged_into_a_past_day_is_named() {
    // In the middle of the day, at its end, and behind everything; linked anew.
    for (place, day) in [(4, 2), (7, 2), (12, 4)] {
        let mut case = Case::new();
        let mut forged = case.world.records[place - 1].clone();
        forged.mail = 666;
        case.world.records.insert(place, forged);
        case.world.relink(place);
        case.reseal_today();
        let found = case.broken(day);
        assert!(found.first <= u64::try_from(place).unwrap(), "{found:?}");
        let states = case.states();
        assert!(
            states[..day].iter().all(|state| state == "sealed"),
            "{states:?}"
        );
    }
}

#[test]
fn a_forged_mail_without_a_fault_of_its_own_is_named_and_not_the_one_behind_it() {
    // Linked to the record before it; what stands behind it still says what it said. A checkpoint was signed over each of the numbers.
    let ceremony = Ceremony::of(LOG, 8);
    let mut world = World::honest(&ceremony, &[3, 1]);
    for size in 1..3 {
        let note = world.note(&ceremony, 0, 0, Kind::Interim, size);
        world.notes.push(note);
    }
    for place in 0..3 {
        let mut attacked = world.clone();
        let mut forged = attacked.records[place].clone();
        forged.mail = 666;
        attacked.records.insert(place, forged);
        let behind = attacked.records.split_off(place + 1);
        attacked.relink(place);
        attacked.records.extend(behind);
        let verdict = attacked.verdict_with(&ceremony, ceremony.at(1, 7200), &[]);
        let expected = format!("broken at {place}");
        assert_eq!(states(&verdict)[0], expected);
    }
}

#[test]
fn a_mail_dated_into_a_sealed_day_behind_its_seal_is_named() {
    let mut case = Case::new();
    case.world.records.truncate(12);
    let yesterday = case.world.records[11].place.time;
    case.world.append(yesterday, 666, LOG);
    case.reseal_today();
    assert_eq!(
        case.states(),
        [
            "sealed",
            "sealed",
            "sealed",
            "sealed",
            "broken at 12",
            "open"
        ]
    );
    assert_eq!(case.broken(4).why, Why::BehindTheSeal(case.day(4)));
}

#[test]
fn a_record_moved_from_a_sealed_day_to_a_later_one_is_named() {
    let mut case = Case::new();
    case.world.records[6].place.time = case.ceremony.at(3, 0);
    let states = case.states();
    assert_eq!(states[2..4], ["broken at 6", "broken at 6"]);
}

#[test]
fn a_record_with_a_forged_date_is_named_in_the_day_whose_seal_covers_it() {
    for claimed in [0, 1, 3, 4, 5] {
        let mut case = Case::new();
        case.world.records[4].place.time = case.ceremony.at(claimed, 0);
        let state = &case.states()[2];
        assert!(
            state.starts_with("broken at"),
            "as of day {claimed}: {state}"
        );
    }
}

#[test]
fn forged_dates_do_not_make_up_for_one_another() {
    // One sealed record less in the past, one forged record more.
    let mut case = Case::new();
    case.world.records[6].place.time = case.now();
    let time = case.ceremony.at(4, 80_000);
    case.world.append(time, 666, LOG);
    let states = case.states();
    assert_eq!(
        (states[2].as_str(), states[4].as_str()),
        ("broken at 6", "broken at 14")
    );
}

#[test]
fn a_final_over_a_record_of_the_next_day_is_named() {
    let ceremony = Ceremony::of(LOG, 8);
    let mut world = World::honest(&ceremony, &[2, 0]);
    world.notes.clear();
    world.append(ceremony.at(1, 0), 9, LOG);
    world.seal(&ceremony, 0, 0, Kind::Final);
    let verdict = world.verdict_with(&ceremony, ceremony.at(1, 60), &[]);
    let (first, why) = (2, Why::DatedLater(ceremony.day(0)));
    assert_eq!(verdict.days[0].state, State::Broken(Break { first, why }));
}

#[test]
fn a_past_day_resealed_with_todays_key_is_named() {
    let mut case = Case::new();
    case.world.records[4].mail = 666;
    case.world.relink(4);
    for day in 2..TODAY {
        let sealed = case.day(day);
        case.world.notes.retain(|note| note.claimed.day != sealed);
        let size = [7, 9, 12][day - 2];
        let note = case
            .world
            .note(&case.ceremony, day, BREAK_IN, Kind::Final, size);
        case.world.notes.push(note);
    }
    case.reseal_today();
    assert_eq!(
        case.states(),
        ["sealed", "sealed", "missing", "missing", "missing", "open"]
    );
    let why = NotSealed::OtherKey;
    let named = |finding: &&Finding| matches!(finding, Finding::NotSealed { why: found, .. } if *found == why);
    assert_eq!(case.verdict().findings.iter().filter(named).count(), 3);
}

#[test]
fn a_second_final_of_a_day_is_named_and_an_identical_one_is_not() {
    let mut case = Case::new();
    let again: Vec<Note> = case.world.notes.clone();
    case.world.notes.extend(again);
    assert!(case.verdict().is_intact());
    // Two days later, the attacker signs another past for the day of the break-in.
    case.world
        .seal(&case.ceremony, TODAY, BREAK_IN, Kind::Final);
    let another = case
        .world
        .note(&case.ceremony, TODAY, BREAK_IN, Kind::Final, 12);
    let now = case.ceremony.at(TODAY + 1, 3 * 3600);
    for (here, elsewhere) in [(vec![another], vec![]), (vec![], vec![another])] {
        let mut world = case.world.clone();
        world.notes.extend(here);
        let verdict = world.verdict_with(&case.ceremony, now, &elsewhere);
        assert_eq!(states(&verdict)[TODAY], "broken at 12");
        assert!(
            verdict
                .findings
                .contains(&Finding::TwoFinals(case.day(TODAY)))
        );
    }
}

#[test]
fn a_skipped_day_is_named() {
    for day in 0..TODAY {
        let mut case = Case::new();
        let skipped = case.day(day);
        let is_its_final =
            |note: &Note| note.claimed.day == skipped && note.claimed.kind == Kind::Final;
        case.world.notes.retain(|note| !is_its_final(note));
        let verdict = case.verdict();
        assert_eq!(verdict.on(skipped).unwrap().state, State::Missing);
        let expected = if day + 1 < TODAY {
            vec![Finding::Skipped(skipped)]
        } else {
            vec![]
        };
        assert_eq!(verdict.findings, expected);
        assert!(!verdict.is_intact());
    }
}

#[test]
fn a_checkpoint_dated_in_the_future_is_named_and_seals_nothing() {
    let mut case = Case::new();
    case.world.seal(&case.ceremony, TODAY, TODAY, Kind::Final);
    case.world
        .seal(&case.ceremony, TODAY + 1, TODAY + 1, Kind::Final);
    case.world
        .seal(&case.ceremony, TODAY + 1, TODAY + 1, Kind::Interim);
    let verdict = case.verdict();
    let future = |day, kind| Finding::Future {
        kind,
        day: case.day(day),
    };
    assert_eq!(
        verdict.findings,
        [
            future(TODAY, Kind::Final),
            future(TODAY + 1, Kind::Final),
            future(TODAY + 1, Kind::Interim)
        ]
    );
    assert_eq!(states(&verdict)[TODAY], "open");
}

#[test]
fn a_record_of_another_log_is_named_with_its_place() {
    let other = LogId([0x20; 16]);
    let mut case = Case::new();
    case.world.append(case.now(), 666, other);
    let expected = Finding::OtherLog {
        log: other,
        seq: 0,
        behind: 14,
    };
    assert_eq!(case.verdict().findings, [expected]);
    // Among sealed records it also breaks the link of the next one.
    let mut case = Case::new();
    let mut forged = case.world.records[4].clone();
    forged.place.log = other;
    case.world.records.insert(4, forged);
    assert_eq!(case.states()[2], "broken at 4");
}

#[test]
fn checkpoints_of_another_log_or_over_another_tree_are_named() {
    // Another host's log, all of it real: its seals are no seals of this log.
    let mut case = Case::new();
    let other = Ceremony::of(LogId([0x20; 16]), 8);
    let foreign = World::honest(&other, &MAILS);
    case.world.notes = foreign.notes.clone();
    let verdict = case.verdict();
    assert!(
        states(&verdict)[..TODAY]
            .iter()
            .all(|state| state == "missing")
    );
    assert!(verdict.findings.iter().all(|found| matches!(
        found,
        Finding::NotSealed {
            why: NotSealed::OtherLog,
            ..
        }
    )));
    // The same keys on two hosts: each signs a tree of its own.
    let mut case = Case::new();
    let twin = World::honest(&case.ceremony, &[3, 0, 5, 2, 3, 2]);
    case.world.notes = twin.notes.clone();
    assert_eq!(case.states()[..3], ["sealed", "sealed", "broken at 7"]);
    // And together they are two finals of a day.
    case.world.notes.extend(case.original.notes.clone());
    assert!(
        case.verdict()
            .findings
            .contains(&Finding::TwoFinals(case.day(2)))
    );
}

#[test]
fn checkpoints_that_do_not_continue_the_final_of_the_day_before_are_named() {
    let mut case = Case::new();
    let at = case
        .world
        .notes
        .iter()
        .position(|note| note.claimed.day == case.day(3))
        .unwrap();
    let mut other_past = case.world.notes[at].claimed;
    other_past.previous = Some(case.world.notes[0].hash());
    case.world.notes[at] = Note::sign(other_past, &case.ceremony.keys[3]);
    assert_eq!(
        case.broken(3),
        Break {
            first: 7,
            why: Why::OtherPast(case.day(3))
        }
    );
}

#[test]
fn a_server_that_sealed_for_another_subkey_is_named() {
    let mut case = Case::new();
    let at = case.world.notes.len() - 1;
    let mut diverted = case.world.notes[at].claimed;
    diverted.subkey = ARCHIVE;
    case.world.notes[at] = Note::sign(diverted, &case.ceremony.keys[TODAY]);
    assert_eq!(
        case.verdict().findings,
        [Finding::OtherSubkey(case.day(TODAY))]
    );
}

#[test]
fn a_change_within_the_open_day_is_not_detectable_and_the_verdict_says_so() {
    let mut case = Case::new();
    case.world.records[12].mail = 666;
    case.world.relink(12);
    case.reseal_today();
    assert!(case.verdict().is_intact());
    assert!(CANNOT_KNOW[1].contains("open day"));
    // But a checkpoint of today that left the machine before shows it.
    let kept = [*case.original.notes.last().unwrap()];
    let verdict = case.world.verdict_with(&case.ceremony, case.now(), &kept);
    assert_eq!(states(&verdict)[TODAY], "broken at 12");
}

#[test]
fn mail_that_never_reached_the_log_is_not_detectable_and_the_verdict_says_so() {
    let ceremony = Ceremony::of(LOG, 8);
    let without = World::honest(&ceremony, &[3, 0, 3, 2, 3, 2]);
    assert!(
        without
            .verdict_with(&ceremony, ceremony.at(TODAY, 0), &[])
            .is_intact()
    );
    assert!(CANNOT_KNOW[0].contains("kept from the archive"));
}

// --- The three attacks on the sealed journal of systemd (Dörre and Ottenhues, ia.cr/2023/867).

/// There, entries of a sealed file were hidden from some views, while the verification looked at others.
#[test]
fn journald_attack_hidden_entries_cve_2023_31437() {
    for hidden in 0..12 {
        let mut case = Case::new();
        // The verdict sees what a reader sees: a record that is not found is not in its tree either.
        case.world.records.remove(hidden);
        assert!(!case.verdict().is_intact(), "record {hidden}");
    }
}

/// There, a sealed file could be truncated and sealing resumed, because nothing said that more had been sealed.
#[test]
fn journald_attack_truncated_and_resumed_cve_2023_31438() {
    for kept in 0..12 {
        let mut case = Case::new();
        case.world.records.truncate(kept);
        let cut = Day::of(case.original.records[kept].place.time);
        // The attacker drops the seals that would show the cut, and goes on with his own key from the day of the break-in.
        case.world.notes.retain(|note| {
            usize::try_from(note.claimed.size).unwrap() <= kept && note.claimed.day <= cut
        });
        case.world.append(case.ceremony.at(TODAY, 60), 666, LOG);
        case.reseal_today();
        let verdict = case.verdict();
        let state = &verdict.on(cut).unwrap().state;
        assert_eq!(*state, State::Missing, "kept {kept}");
    }
}

/// There, a later key sealed entries dated in the past: the verification did not ask whether key and date belong together.
#[test]
fn journald_attack_past_rewritten_under_a_later_key_cve_2023_31439() {
    for changed in 0..12 {
        let mut case = Case::new();
        case.world.records[changed].mail = 666;
        case.world.relink(changed);
        let day = Day::of(case.world.records[changed].place.time);
        // All seals from that day on are thrown away; today's key seals the whole past in their place.
        case.world.notes.retain(|note| note.claimed.day < day);
        case.world
            .seal(&case.ceremony, TODAY, BREAK_IN, Kind::Interim);
        let state = case.verdict().on(day).unwrap().state.clone();
        assert_eq!(state, State::Missing, "record {changed}");
    }
}

// --- What must not be mistaken for an attack, and what an attacker must not be able to bring about.

#[test]
fn somebody_with_todays_key_cannot_cast_doubt_on_days_before() {
    let mut case = Case::new();
    let mut lie = case
        .world
        .note(&case.ceremony, TODAY, BREAK_IN, Kind::Interim, 5)
        .claimed;
    lie.root = case.original.notes.last().unwrap().claimed.root;
    case.world
        .notes
        .push(Note::sign(lie, &case.ceremony.keys[BREAK_IN]));
    assert_eq!(
        case.states(),
        [
            "sealed",
            "sealed",
            "sealed",
            "sealed",
            "sealed",
            "broken at 3"
        ]
    );
}

#[test]
fn yesterday_is_open_until_two_hours_after_midnight() {
    let mut case = Case::new();
    let yesterday = case.day(TODAY - 1);
    case.world.notes.retain(|note| note.claimed.day < yesterday);
    case.world.records.truncate(12);
    for (seconds, expected) in [(0, "open"), (7199, "open"), (7200, "missing")] {
        let verdict =
            case.world
                .verdict_with(&case.ceremony, case.ceremony.at(TODAY, seconds), &[]);
        assert_eq!(states(&verdict)[TODAY - 1], expected, "{seconds} s");
    }
}

#[test]
fn records_from_before_sealing_began_are_bound_by_the_first_links() {
    let ceremony = Ceremony::of(LOG, 8);
    let old = LogId([0x20; 16]);
    let mut world = World {
        records: Vec::new(),
        notes: Vec::new(),
    };
    for mail in 0..3 {
        world.append(ceremony.at(0, 0), mail, old);
    }
    world.append(ceremony.at(0, 60), 3, LOG);
    world.seal(&ceremony, 0, 0, Kind::Final);
    let now = ceremony.at(1, 0);
    let verdict = world.verdict_with(&ceremony, now, &[]);
    assert_eq!(states(&verdict), ["sealed", "open"]);
    assert_eq!(verdict.findings, [Finding::BeforeTheSeals(3)]);
    assert!(verdict.is_intact());
    // Rewritten, they no longer fit the sealed link.
    world.records[2].leaf = LeafHash([6; 32]);
    assert_eq!(
        states(&world.verdict_with(&ceremony, now, &[]))[0],
        "broken at 0"
    );
}

#[test]
fn records_removed_at_the_end_of_their_retention_leave_the_seals_standing() {
    let case = Case::new();
    for retired in 0..14 {
        let mut evidence = Evidence::new(&case.ceremony.server, ARCHIVE, SUBKEY, case.now());
        evidence.add(case.world.pieces(), Source::Vault);
        let mut examiner = evidence.examine();
        for (number, record) in case.world.walk().iter().enumerate() {
            let mut record = record.clone();
            record.is_retired = number < retired;
            examiner.record(&record);
        }
        let verdict = examiner.finish();
        let told: u64 = verdict.days.iter().map(|day| day.retired).sum();
        assert_eq!(told, retired as u64);
        assert!(verdict.is_intact(), "{retired}: {:?}", states(&verdict));
    }
}

#[test]
fn what_lies_outside_of_the_keys_is_named() {
    let ceremony = Ceremony::of(LOG, 2);
    let mut world = World::honest(&ceremony, &[1, 1, 0]);
    world.append(ceremony.at(3, 0), 9, LOG);
    let verdict = world.verdict_with(&ceremony, ceremony.at(3, 60), &[]);
    assert_eq!(states(&verdict), ["sealed", "sealed"]);
    assert_eq!(verdict.findings, [Finding::AfterTheLastKey(1)]);

    let mut early = World {
        records: Vec::new(),
        notes: Vec::new(),
    };
    let before = UtcTime::from_unix(ceremony.at(0, -1).unix()).unwrap();
    early.append(before, 9, LOG);
    let verdict = early.verdict_with(&ceremony, ceremony.at(0, 60), &[]);
    assert_eq!(
        verdict.findings,
        [Finding::BeforeTheFirstKey {
            seq: 0,
            time: before
        }]
    );

    let mut late = World {
        records: Vec::new(),
        notes: Vec::new(),
    };
    let time = ceremony.at(1, 0);
    late.append(time, 9, LOG);
    let verdict = late.verdict_with(&ceremony, ceremony.at(0, 60), &[]);
    assert_eq!(verdict.findings, [Finding::FutureRecord { seq: 0, time }]);
}

#[test]
fn a_torn_note_is_told_and_no_anomaly_and_a_damaged_final_is_missing() {
    let case = Case::new();
    let text: String = case.world.notes.iter().map(ToString::to_string).collect();
    let verdict = |file: &str| {
        let mut evidence = Evidence::new(&case.ceremony.server, ARCHIVE, SUBKEY, case.now());
        evidence.add(pieces(file.as_bytes(), 0), Source::Vault);
        let mut examiner = evidence.examine();
        case.world
            .walk()
            .iter()
            .for_each(|record| examiner.record(record));
        examiner.finish()
    };
    let torn = verdict(&format!("{text}archiver/A1A1"));
    assert!(torn.is_intact() && matches!(torn.findings.as_slice(), [Finding::Unreadable { .. }]));
    let damaged = verdict(&text.replacen("kind final", "kind finale", 2));
    assert_eq!(states(&damaged)[..3], ["missing", "missing", "sealed"]);
}

#[test]
fn every_word_of_a_verdict_names_day_and_record() {
    let mut case = Case::new();
    case.world.records.truncate(5);
    let verdict = case.verdict();
    let shown = verdict.on(case.day(2)).unwrap().state.to_string();
    assert_eq!(
        shown,
        "broken at sequence 5: the log ends before it, and the final checkpoint of 2026-11-26 seals 7 records"
    );
}
