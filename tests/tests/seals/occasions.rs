//! What happens to honest servers: other programs' records and torn tails, crashes between a final and the next seed, jumping clocks, a state file that is not
//! theirs, two hosts. None of it is taken for an attack, and none of it hides one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;
use archiver_core::seal::writer::Anomaly;
use custody_tests::{hook, run_with_stdin};
use sha2::{Digest as _, Sha256};

use crate::attacker::Attacker;
use crate::honest::{MAILS, SHAPES, Shape, Site, TODAY, ceremony};
use crate::verdict::Verdict;

const HOUR: i64 = 3600;

// --- Foreign spans: records of other programs, and torn tails.

/// A record without our header, as gpg would have appended it; the hook itself makes one.
fn foreign_record(site: &Site) -> Vec<u8> {
    let mut hook = hook();
    hook.args(["--syslog", "off", "--output", "-", "--cert"])
        .arg(site.certificate());
    run_with_stdin(&mut hook, b"Subject: by hand\n\n")
        .expect_code(0)
        .stdout
        .into_bytes()
}

fn append(file: &Path, bytes: &[u8]) {
    let content = fs::read(file).unwrap();
    fs::write(file, [content.as_slice(), bytes].concat()).unwrap();
}

/// A server to whose vault somebody appended by hand on day 2, and whose machine crashed that day; then days 3, 4 and today.
fn with_foreign_spans(shape: Shape) -> (Site, Vec<Vec<u8>>) {
    let site = Site::after(0, shape, &[3, 0, 2]);
    let by_hand = foreign_record(&site);
    append(site.files().last().unwrap(), &by_hand);
    site.receive("behind the foreign record", ceremony().at(2, 3 * HOUR));
    let torn = by_hand[..by_hand.len() / 3].to_vec();
    append(site.files().last().unwrap(), &torn);
    // On day 3: in segments, the torn tail ends one file and the record that binds it begins the next.
    site.receive("behind the torn tail", ceremony().at(3, HOUR));
    site.receive("and another one", ceremony().at(4, HOUR));
    site.receive_today("of today");
    (site, vec![by_hand, torn])
}

#[test]
fn a_copy_is_judged_as_of_when_it_was_made() {
    for shape in SHAPES {
        let site = Site::after(0, shape, &MAILS[..3]);
        let _ = site.seal(ceremony().at(3, 10));
        let now = site.verdict();
        now.expect_states(&["sealed", "sealed", "sealed", "missing", "missing", "open"]);
        let last = ceremony().day(2);
        let hint = format!(
            "nothing is sealed behind {last}: if the vault was copied soon after, say when (--copied)"
        );
        assert!(now.text.contains(&hint), "{}", now.text);
        let (day, time) = (ceremony().day(3), ceremony().at(3, 60));
        for copied in [day.to_string(), time.to_string()] {
            let then = site.verdict_as_copied(&copied);
            then.expect_states(&["sealed", "sealed", "sealed", "open"]);
            assert!(then.is_intact() && then.code == 0, "{}", then.text);
        }
        let as_of = site.verdict_as_copied(&time.to_string());
        assert_eq!(as_of.report["seals_as_of"], time.to_string());
        // Too late, and what was to be sealed meanwhile is missing.
        site.verdict_as_copied(&ceremony().day(4).to_string())
            .expect_states(&["sealed", "sealed", "sealed", "missing"]);
    }
}

#[test]
fn foreign_spans_are_sealed_with_the_record_behind_them() {
    for shape in SHAPES {
        let (site, _) = with_foreign_spans(shape);
        let verdict = site.verdict();
        verdict.expect_intact();
        let vault = &verdict.report["vaults"][0];
        assert_eq!(
            (&vault["without_header"], &vault["torn"]["count"]),
            (&1.into(), &1.into())
        );
    }
}

#[test]
fn a_changed_foreign_span_is_named_by_the_record_behind_it() {
    for shape in SHAPES {
        let (site, spans) = with_foreign_spans(shape);
        for (span, (day, record)) in spans.iter().zip([(2, 5), (3, 6)]) {
            let changed = [&span[..40], b"*", &span[41..]].concat();
            for (what, with) in [
                ("changed", changed.as_slice()),
                ("taken away", b""),
                ("doubled", &[span.as_slice(), span].concat()),
            ] {
                let site = site.copy();
                // The torn one is the beginning of the whole one: the last place is its own.
                let replaced = site
                    .files()
                    .iter()
                    .rev()
                    .any(|file| replace_last(file, span, with));
                assert!(replaced);
                println!("{shape:?}, record {record}: {what}");
                site.verdict().expect_broken(day, record);
            }
        }
    }
}

fn replace_last(file: &Path, what: &[u8], with: &[u8]) -> bool {
    let content = fs::read(file).unwrap();
    let found = content
        .windows(what.len())
        .rposition(|window| window == what);
    if let Some(at) = found {
        let rest = &content[at + what.len()..];
        fs::write(file, [&content[..at], with, rest].concat()).unwrap();
    }
    found.is_some()
}

#[test]
fn a_sealed_record_that_is_turned_into_a_foreign_span_is_named() {
    for shape in SHAPES {
        let mut attacker = Attacker::today(shape);
        let stored = &mut attacker.records[5];
        stored.text = archiver_core::vault::armor::render(None, &stored.message);
        attacker.verdict().expect_broken(2, 5);
    }
}

// --- Crashes between a final and the next seed.

fn notes(site: &Site) -> Vec<Note> {
    let seals = fs::read(site.seals()).unwrap();
    let notes = pieces(&seals, 0).filter_map(|piece| piece.note.ok());
    notes.collect()
}

#[test]
fn a_crash_between_a_final_and_the_next_seed_gives_no_second_final() {
    for shape in SHAPES {
        let site = Site::after(0, shape, &MAILS[..3]);
        let seed = site.seal_folder().join("seed");
        let before = fs::read(&seed).unwrap();
        assert!(site.seal(ceremony().at(3, 10)).is_empty());
        let sealed = fs::read(site.seals()).unwrap();
        // The final reached the disk in part, or whole, and the seed did not.
        let last = sealed.len() - notes(&site).last().unwrap().to_string().len();
        for written in [last, last + 1, last + 100, sealed.len() - 1, sealed.len()] {
            let site = site.copy();
            fs::write(site.seals(), &sealed[..written]).unwrap();
            fs::write(site.seal_folder().join("seed"), &before).unwrap();
            site.receive("after the crash", ceremony().at(3, HOUR));
            site.receive("the day after", ceremony().at(4, HOUR));
            site.receive_today("of today");
            let finals = notes(&site)
                .into_iter()
                .filter(|note| note.claimed.kind == Kind::Final);
            let finals: BTreeSet<String> = finals.map(|note| note.to_string()).collect();
            assert_eq!(finals.len(), TODAY, "written to byte {written}");
            site.verdict().expect_intact();
        }
    }
}

#[test]
fn a_seal_folder_put_back_from_an_old_copy_signs_nothing_twice() {
    for shape in SHAPES {
        let site = Site::after(0, shape, &MAILS[..2]);
        let old = ["seed", "state"].map(|name| fs::read(site.seal_folder().join(name)).unwrap());
        for day in 2..TODAY {
            site.receive("a mail", ceremony().at(day, HOUR));
        }
        for (name, bytes) in ["seed", "state"].iter().zip(old) {
            fs::write(site.seal_folder().join(name), bytes).unwrap();
        }
        site.receive_today("of today");
        let _ = site.seal_today().expect_code(0);
        site.verdict().expect_intact();
    }
}

// --- Clocks.

#[test]
fn a_clock_that_jumps_ahead_and_back_leaves_sealed_days() {
    for shape in SHAPES {
        let site = Site::after(0, shape, &[2]);
        // On day 1 it says day 3 for an hour; the finals of days 0 to 2 are written, and their keys are gone.
        site.receive("ahead", ceremony().at(3, HOUR));
        let told = site.receive_whatever("set right", ceremony().at(1, 2 * HOUR));
        assert!(
            matches!(told[..], [Anomaly::ClockBehind { .. }]),
            "{told:?}"
        );
        site.receive("less than a day behind", ceremony().at(2, 2 * HOUR));
        site.receive("caught up with", ceremony().at(3, 3 * HOUR));
        site.receive_today("of today");
        let verdict = site.verdict();
        verdict.expect_intact();
        assert_eq!(verdict.code, 0, "{}", verdict.text);
        // What came in on days 1 and 2 is dated to the day of the key that sealed it.
        let attacker = Attacker::on(site);
        let days: Vec<usize> = (0..7).map(|record| attacker.day_of(record)).collect();
        assert_eq!(days, [0, 0, 3, 3, 3, 3, TODAY]);
    }
}

#[test]
fn a_clock_that_jumps_ahead_by_months_uses_no_keys_up() {
    for shape in SHAPES {
        let site = Site::after(0, shape, &[2, 1]);
        let told = site.receive_whatever("far ahead", ceremony().at(100, HOUR));
        assert!(
            matches!(told[..], [Anomaly::ClockFarAhead { .. }]),
            "{told:?}"
        );
        for day in 2..TODAY {
            site.receive("set right", ceremony().at(day, HOUR));
        }
        site.receive_today("of today");
        let verdict = site.verdict();
        verdict.expect_intact();
        assert_eq!(verdict.code, 0, "{}", verdict.text);
    }
}

#[test]
fn a_clock_that_is_ahead_of_ours_is_named_and_casts_no_doubt_on_the_past() {
    for shape in SHAPES {
        let site = Site::honest(shape);
        site.receive("three days ahead", ceremony().at(TODAY + 3, HOUR));
        let verdict = site.verdict();
        verdict.expect_states(&["sealed", "sealed", "sealed", "sealed", "sealed", "open"]);
        let (day, time) = (ceremony().day(TODAY + 2), ceremony().at(TODAY + 3, HOUR));
        verdict.expect_finding(&format!(
            "the final checkpoint of {day} is signed before its time"
        ));
        verdict.expect_finding(&format!(
            "the record with sequence 14 is dated {time}, which has not come yet"
        ));
        assert!(!verdict.is_intact());
    }
}

// --- The state file.

#[test]
fn a_state_file_that_is_gone_older_damaged_or_anothers_changes_nothing() {
    let other = Site::after(1, Shape::File, &MAILS);
    for shape in SHAPES {
        let old = fs::read(
            Site::after(0, shape, &MAILS[..2])
                .seal_folder()
                .join("state"),
        )
        .unwrap();
        let honest = Site::honest(shape);
        let last = fs::read(honest.seal_folder().join("state")).unwrap();
        let others = fs::read(other.seal_folder().join("state")).unwrap();
        let nonsense = b"archiver-state 1 log=nonsense\n\0\xff".to_vec();
        let cut = last[..last.len() / 2].to_vec();
        for state in [vec![], old, others, nonsense, cut] {
            let site = honest.copy();
            fs::write(site.seal_folder().join("state"), state).unwrap();
            site.receive_today("with another state");
            let _ = site.seal_today().expect_code(0);
            let verdict = site.verdict();
            verdict.expect_intact();
            assert_eq!(verdict.code, 0, "{}", verdict.text);
        }
    }
}

/// Whoever may write the state file may read the seed too. He makes the server itself sign a tree that never was, and gains nothing: it is named.
#[test]
fn a_state_file_that_was_made_up_spoils_today_and_no_day_before() {
    for shape in SHAPES {
        let site = Site::honest(shape);
        let path = site.seal_folder().join("state");
        let states = fs::read_to_string(&path).unwrap();
        let (text, _) = states
            .lines()
            .last()
            .unwrap()
            .split_once(" check=")
            .unwrap();
        let at = text.find("peaks=").unwrap() + 6;
        let other = if text[at..].starts_with('A') {
            "B"
        } else {
            "A"
        };
        let forged = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        let mut check = String::new();
        for byte in Sha256::digest(&forged) {
            write!(check, "{byte:02x}").unwrap();
        }
        fs::write(&path, format!("{forged} check={check}\n")).unwrap();
        site.receive_today("onto a tree that never was");
        let _ = site.seal_today();
        let verdict = site.verdict();
        verdict.expect_states(&["sealed"; 5]);
        assert!(
            verdict.states()[TODAY].starts_with("broken"),
            "{}",
            verdict.text
        );
    }
}

// --- Records from before the seals.

/// A server that archived without seals for a day.
fn sealed_since_day_1(shape: Shape) -> Site {
    let site = Site::new(0, shape);
    for hour in 1..4 {
        site.receive_unsealed("before the seals", ceremony().at(0, hour * HOUR));
    }
    for day in 1..TODAY {
        site.receive("sealed", ceremony().at(day, HOUR));
    }
    site.receive_today("of today");
    site
}

#[test]
fn records_from_before_the_seals_are_bound_by_the_first_sealed_one() {
    for shape in SHAPES {
        let site = sealed_since_day_1(shape);
        let verdict = site.verdict();
        verdict.expect_intact();
        verdict.expect_finding("before the first sealed record: 3 records of another log");
        assert_eq!(verdict.code, 0, "{}", verdict.text);
        // Changed, they no longer come out to their leaves.
        for record in 0..3 {
            let mut attacker = Attacker::on(site.copy());
            let last = attacker.records[record].message.len() - 1;
            attacker.records[record].message[last] ^= 1;
            attacker.records[record].render();
            let verdict = attacker.verdict();
            let broken = &verdict.report["vaults"][0]["broken_links"];
            assert_eq!(
                (verdict.code, &broken["listed"][0]["record"]),
                (1, &(record + 1).into())
            );
        }
    }
}

#[test]
fn a_record_taken_away_from_before_the_seals_is_named_by_the_first_sealed_one() {
    for shape in SHAPES {
        let mut attacker = Attacker::on(sealed_since_day_1(shape));
        attacker.records.remove(2);
        attacker.verdict().expect_broken(1, 0);
    }
}

// --- Two hosts.

#[test]
fn two_hosts_have_logs_and_seals_of_their_own() {
    for shape in SHAPES {
        let (one, two) = (Site::honest(shape), Site::after(1, shape, &[1, 2, 0, 4, 1]));
        two.receive_today("of today");
        let verdict = Verdict::on(&[&one, &two]);
        verdict.expect_intact();
        assert_eq!((verdict.code, intact(&verdict)), (0, vec![true, true]));
        // Somebody changed the second one's vault: it is the second one's verdict.
        let mut attacker = Attacker::on(two);
        attacker.records[1].gap.push(b'\n');
        attacker.save();
        let verdict = Verdict::on(&[&one, &attacker.site]);
        verdict.expect_intact();
        assert_eq!((verdict.code, intact(&verdict)), (1, vec![true, false]));
    }
}

fn intact(verdict: &Verdict) -> Vec<bool> {
    let logs = verdict.report["seals"].as_array().unwrap();
    logs.iter()
        .map(|log| log["intact"].as_bool().unwrap())
        .collect()
}

#[test]
fn two_hosts_whose_seals_were_exchanged_have_no_seals() {
    for shape in SHAPES {
        let (one, two) = (Site::honest(shape), Site::after(1, shape, &MAILS));
        two.receive_today("of today");
        let [ours, theirs] = [&one, &two].map(|site| fs::read(site.seals()).unwrap());
        fs::write(one.seals(), theirs).unwrap();
        fs::write(two.seals(), ours).unwrap();
        let verdict = Verdict::on(&[&one, &two]);
        assert_eq!(verdict.code, 1);
        let logs = verdict.report["seals"].as_array().unwrap();
        assert!(
            logs.iter().all(|log| log["intact"] == false),
            "{}",
            verdict.text
        );
    }
}
