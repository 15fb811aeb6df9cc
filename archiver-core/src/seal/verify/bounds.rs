//! What the verdict costs: which signatures it verifies, how many findings it keeps, and how long ten years of checkpoints take.

use std::time::Instant;

use super::model::{ARCHIVE, Ceremony, LOG, SUBKEY, World, states};
use super::*;
use crate::seal::merkle::Tree;
use crate::seal::note::{Checkpoint, Note, Origin};
use crate::seal::notes::read_pieces;

/// The same note with one bit of its signature changed.
fn badly_signed(note: &Note) -> Note {
    let text = note.to_string();
    let (at, old) = text.char_indices().rev().nth(20).unwrap();
    let new = if old == 'A' { "B" } else { "A" };
    let mut changed = text.clone();
    changed.replace_range(at..=at, new);
    changed.parse().unwrap()
}

/// Two mails a day, with an interim checkpoint of each day; the third day is today.
fn three_days() -> (Ceremony, World) {
    let ceremony = Ceremony::of(LOG, 8);
    let world = World::honest(&ceremony, &[2, 2, 2]);
    (ceremony, world)
}

fn verdict(ceremony: &Ceremony, world: &World) -> Verdict {
    world.verdict_with(ceremony, ceremony.at(2, 43_200), &[])
}

fn is_badly_signed(finding: &Finding) -> bool {
    let why = NotSealed::Signature;
    matches!(finding, Finding::NotSealed { why: found, .. } if *found == why)
}

#[test]
fn an_interim_checkpoint_that_says_what_is_true_beside_a_final_needs_no_signature() {
    let (ceremony, mut world) = three_days();
    assert_eq!(world.notes[0].claimed.kind, Kind::Interim);
    world.notes[0] = badly_signed(&world.notes[0]);
    let verdict = verdict(&ceremony, &world);
    assert_eq!(states(&verdict), ["sealed", "sealed", "open"]);
    assert!(verdict.is_intact());
}

#[test]
fn a_final_and_an_interim_checkpoint_of_a_day_without_final_need_theirs() {
    for (spoilt, expected) in [(1, "missing"), (4, "open")] {
        let (ceremony, mut world) = three_days();
        world.notes[spoilt] = badly_signed(&world.notes[spoilt]);
        let verdict = verdict(&ceremony, &world);
        assert_eq!(states(&verdict)[spoilt / 2], expected);
        assert!(verdict.findings.iter().any(is_badly_signed));
        assert!(!verdict.is_intact());
    }
}

#[test]
fn an_interim_checkpoint_that_contradicts_counts_only_when_it_is_signed() {
    let (ceremony, world) = three_days();
    let mut lie = world.notes[2].claimed;
    assert_eq!((lie.kind, lie.size), (Kind::Interim, 4));
    lie.root = world.notes[0].claimed.root;
    let lie = Note::sign(lie, &ceremony.keys[1]);
    for (note, expected) in [(lie, "broken at 2"), (badly_signed(&lie), "sealed")] {
        let mut world = world.clone();
        world.notes.push(note);
        let verdict = verdict(&ceremony, &world);
        assert_eq!(states(&verdict)[..2], ["sealed", expected]);
        assert!(!verdict.is_intact());
    }
}

#[test]
fn an_unsigned_checkpoint_that_fits_a_rewritten_log_hides_nothing_of_the_break() {
    let (ceremony, mut world) = three_days();
    world.records[0].mail = 666;
    world.relink(0);
    let rewritten = world.note(&ceremony, 0, 0, Kind::Interim, 1);
    world.notes.push(badly_signed(&rewritten));
    assert_eq!(states(&verdict(&ceremony, &world))[0], "broken at 0");
}

#[test]
fn no_file_fills_the_memory_with_findings_or_crowds_out_what_is_found_later() {
    let (ceremony, mut world) = three_days();
    world.notes.remove(1);
    let mut evidence = Evidence::new(&ceremony.server, ARCHIVE, SUBKEY, ceremony.at(2, 43_200));
    for _ in 0..5000 {
        evidence.add(crate::seal::notes::pieces(b"garbage\n", 0), Source::Vault);
    }
    evidence.add(world.pieces(), Source::Vault);
    let mut examiner = evidence.examine();
    world
        .walk()
        .iter()
        .for_each(|record| examiner.record(record));
    let verdict = examiner.finish();
    assert_eq!((verdict.findings.len(), verdict.unlisted), (1001, 4000));
    assert!(
        verdict
            .findings
            .contains(&Finding::Skipped(ceremony.day(0)))
    );
    assert_eq!(verdict.anomalies, 1);
}

#[test]
fn records_of_days_that_no_key_is_for_fill_no_memory() {
    let (ceremony, mut world) = three_days();
    for day in 3..500 {
        world.append(ceremony.at(day, 0), 7, LOG);
    }
    let mut evidence = Evidence::new(&ceremony.server, ARCHIVE, SUBKEY, ceremony.at(2, 43_200));
    evidence.add(world.pieces(), Source::Vault);
    let mut examiner = evidence.examine();
    for record in &mut world.walk() {
        record.fault = Some(Fault::Leaf);
        examiner.record(record);
    }
    assert_eq!(examiner.dated.len(), 4);
    assert!(examiner.faults.len() <= world.notes.len());
    let verdict = examiner.finish();
    assert!(
        states(&verdict)
            .iter()
            .all(|state| state.starts_with("broken"))
    );
}

/// A log with a record every quarter of an hour, and a checkpoint behind each: the `.seals` file, and the records.
fn quarters_of_hours(ceremony: &Ceremony, days: usize) -> (String, Vec<Record>) {
    let template = World::honest(ceremony, &[1]).walk().remove(0);
    let (mut text, mut records) = (String::new(), Vec::new());
    let (mut tree, mut previous) = (Tree::empty(), None);
    for day in 0..days {
        for quarter in 0..96 {
            let mut record = template.clone();
            record.place.seq = tree.size();
            record.place.time = ceremony.at(day, 900 * quarter);
            let number = tree.size().to_be_bytes();
            record.leaf.0[..8].copy_from_slice(&number);
            tree.push(record.leaf);
            let is_last = quarter == 95;
            let kind = if is_last { Kind::Final } else { Kind::Interim };
            let (archive, log) = (ARCHIVE, LOG);
            let checkpoint = Checkpoint {
                origin: Origin { archive, log },
                size: tree.size(),
                root: tree.root(),
                kind,
                day: ceremony.day(day),
                previous,
                last_time: Some(record.place.time),
                subkey: SUBKEY,
            };
            let note = Note::sign(checkpoint, &ceremony.keys[day]);
            text.push_str(&note.to_string());
            previous = if is_last { Some(note.hash()) } else { previous };
            records.push(record);
        }
    }
    (text, records)
}

/// Ten years of them: `SEAL_DAYS=3653 cargo test --release -p archiver-core quarter_of_an_hour -- --nocapture`.
#[test]
fn a_checkpoint_every_quarter_of_an_hour_costs_about_a_signature_a_day() {
    let days = std::env::var("SEAL_DAYS").map_or(20, |days| days.parse().unwrap());
    let ceremony = Ceremony::of(LOG, u32::try_from(days).unwrap() + 1);
    let (file, records) = quarters_of_hours(&ceremony, days);
    let begun = Instant::now();
    let mut evidence = Evidence::new(&ceremony.server, ARCHIVE, SUBKEY, ceremony.at(days, 60));
    let read = read_pieces(file.as_bytes(), |piece| {
        evidence.add_piece(piece, Source::Vault);
    });
    read.unwrap();
    let mut examiner = evidence.examine();
    for record in &records {
        examiner.record(record);
    }
    let verdict = examiner.finish();
    println!(
        "{} checkpoints in {} bytes: judged in {:?}",
        records.len(),
        file.len(),
        begun.elapsed()
    );
    assert!(verdict.is_intact());
    let sealed = states(&verdict)
        .iter()
        .filter(|state| *state == "sealed")
        .count();
    assert_eq!(sealed, days);
}
