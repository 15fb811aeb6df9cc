//! Clocks that jump, under the real hook: every mail is archived, what is wrong with the clock is told, and days that are not concerned stay sealed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use archiver_core::identity::UtcTime;
use archiver_core::seal::notes::pieces;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::seed_file;
use archiver_core::seal::verify::{Evidence, Finding, Record, Source, Verdict};
use archiver_core::vault::chain::{Chain, Standing};
use archiver_core::vault::gap::GapHash;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::read::read_record;
use archiver_core::vault::scan::{Scanner, SpanKind};
use custody_tests::{
    Ceremony, Ran, SEALED_ARCHIVE, make_seal_folder, run, run_with_stdin, sealed_delivery, today,
    vault_bytes,
};

const HOUR: i64 = 3600;
const NOON: i64 = 12 * HOUR;

/// A server whose first day, day 0, is some days after the ceremony.
struct Site {
    ceremony: Ceremony,
    keys: ServerKeys,
}

impl Site {
    fn with_keys_for(days: u32) -> Self {
        let ceremony = Ceremony::hold();
        let (folder, first_day) = (ceremony.path("seal"), today().plus(10).unwrap());
        let subkey = ceremony.subkey();
        let keys = make_seal_folder(&folder, LogId([7; 16]), first_day, days, &subkey);
        Self { ceremony, keys }
    }

    fn folder(&self) -> PathBuf {
        self.ceremony.path("seal")
    }

    fn at(&self, day: i64, seconds: i64) -> UtcTime {
        let day = self.keys.days().start().plus(day).unwrap();
        UtcTime::from_unix(day.first_second().unix() + seconds).unwrap()
    }

    fn program(now: UtcTime) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_hook-at"));
        program.env("HOOK_NOW", now.unix().to_string());
        program
    }

    fn hook(&self, now: UtcTime) -> Command {
        sealed_delivery(Self::program(now), &self.ceremony, &self.folder())
    }

    /// The mail is archived, whatever time it is.
    #[track_caller]
    fn archive(&self, day: i64, seconds: i64) -> Ran {
        let ran = run_with_stdin(&mut self.hook(self.at(day, seconds)), b"mail").expect_code(0);
        let _ = ran.stdout.strip_prefix("archived seq=").unwrap();
        ran
    }

    /// The mail is archived, and nothing is wrong.
    #[track_caller]
    fn archive_in_order(&self, day: i64, seconds: i64) {
        assert_eq!(self.archive(day, seconds).stderr, "");
    }

    fn seal(&self, day: i64, seconds: i64) -> Ran {
        let mut seal = Self::program(self.at(day, seconds));
        seal.args(["seal", "--vault"]).arg(self.ceremony.vault());
        run(seal.arg("--seal-dir").arg(self.folder()))
    }

    fn key_day(&self) -> i64 {
        let seed = seed_file::decode(&fs::read(self.folder().join("seed")).unwrap()).unwrap();
        seed.day().days_since(*self.keys.days().start())
    }

    /// The records as a reader finds them.
    fn records(&self) -> Vec<Record> {
        let vault = vault_bytes(&self.ceremony.vault());
        let range = |range: Range<u64>| {
            &vault[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
        };
        let mut chain = Chain::new();
        let mut records = Vec::new();
        for span in Scanner::new(vault.as_slice()).map(Result::unwrap) {
            assert_eq!(span.kind, SpanKind::Record);
            let record = range(span.offset..span.end());
            let (facts, ()) = read_record(record, span.length, |_| ()).unwrap();
            let hash = |hash: &mut GapHash, gap: Range<u64>| {
                hash.update(range(gap));
                Ok(())
            };
            match chain.follow(&span, facts, hash).unwrap() {
                Standing::Linked(link) => records.push(Record::from(&link)),
                other => panic!("{other:?}"),
            }
        }
        records
    }

    fn verdict(&self, now: UtcTime) -> Verdict {
        let subkey = self.ceremony.subkey().parse().unwrap();
        let mut evidence = Evidence::new(&self.keys, SEALED_ARCHIVE, subkey, now);
        let notes = fs::read(self.ceremony.path("VAULT.seals")).unwrap_or_default();
        evidence.add(pieces(&notes, 0), Source::Vault);
        let mut examiner = evidence.examine();
        self.records()
            .iter()
            .for_each(|record| examiner.record(record));
        examiner.finish()
    }

    /// At this time every day before is sealed, and no record is out of its place.
    #[track_caller]
    fn is_sealed_until(&self, day: i64, seconds: i64) {
        let verdict = self.verdict(self.at(day, seconds));
        let states: Vec<String> = verdict
            .days
            .iter()
            .map(|day| day.state.to_string())
            .collect();
        let sealed = states.iter().filter(|state| *state == "sealed").count();
        assert!(verdict.is_intact(), "{states:?} {:?}", verdict.findings);
        assert_eq!(i64::try_from(sealed).unwrap(), day, "{states:?}");
    }

    /// The times of the records, as days and seconds.
    fn times(&self) -> Vec<(i64, i64)> {
        let start = self.at(0, 0).unix();
        let times = self.records().into_iter();
        times
            .map(|record| record.place.time.unix() - start)
            .map(|time| (time.div_euclid(24 * HOUR), time.rem_euclid(24 * HOUR)))
            .collect()
    }
}

#[test]
fn a_clock_that_goes_back_by_more_than_a_day_is_told_and_no_record_goes_back() {
    let site = Site::with_keys_for(400);
    site.archive_in_order(0, NOON);
    site.archive_in_order(1, NOON);
    let _ = site.archive(0, 11 * HOUR).says("clock");
    site.archive_in_order(1, NOON + HOUR);
    assert_eq!(
        site.times(),
        [(0, NOON), (1, NOON), (1, NOON), (1, NOON + HOUR)]
    );
    site.archive_in_order(2, 0);
    site.is_sealed_until(2, HOUR);
}

#[test]
fn a_clock_three_days_ahead_uses_three_keys_up_and_the_days_between_stay_sealed() {
    let site = Site::with_keys_for(400);
    site.archive_in_order(0, NOON);
    site.archive_in_order(3, NOON);
    assert_eq!(site.key_day(), 3);
    // Set right, the clock is behind the key.
    let _ = site.archive(0, NOON + HOUR).says("more than a day before");
    let _ = site
        .seal(1, 0)
        .expect_code(2)
        .says("more than a day before");
    site.archive_in_order(3, NOON + HOUR);
    assert_eq!(
        site.times(),
        [(0, NOON), (3, NOON), (3, NOON), (3, NOON + HOUR)]
    );
    let _ = site.seal(4, 0).expect_code(0);
    site.is_sealed_until(4, HOUR);
}

#[test]
fn a_clock_far_ahead_uses_no_key_up_and_all_goes_on_when_it_is_set_right() {
    for ahead in [8, 399, 400, 10_000] {
        let site = Site::with_keys_for(400);
        site.archive_in_order(0, NOON);
        let _ = site.archive(ahead, NOON).says("more than a week after");
        let _ = site.seal(ahead, NOON).expect_code(1).says("--catch-up");
        assert_eq!(site.key_day(), 0, "{ahead}");
        site.archive_in_order(0, NOON + HOUR);
        let last = (0, 24 * HOUR - 1);
        assert_eq!(site.times(), [(0, NOON), last, last]);
        site.archive_in_order(1, 0);
        site.is_sealed_until(1, HOUR);
    }
}

#[test]
fn the_last_second_and_the_first_one_are_of_two_days() {
    let site = Site::with_keys_for(400);
    site.archive_in_order(0, 24 * HOUR - 1);
    site.archive_in_order(1, 0);
    let _ = site.seal(1, 0).expect_code(0);
    let _ = site.seal(1, 24 * HOUR - 1).expect_code(0);
    assert_eq!(site.key_day(), 1);
    let _ = site.seal(2, 0).expect_code(0);
    site.archive_in_order(2, 0);
    assert_eq!(site.times(), [(0, 24 * HOUR - 1), (1, 0), (2, 0)]);
    site.is_sealed_until(2, 0);
}

#[test]
fn hooks_with_two_clocks_at_midnight_write_each_final_once() {
    let site = Site::with_keys_for(400);
    site.archive_in_order(0, NOON);
    let hooks = (0..24).map(|number| {
        let now = [site.at(0, 24 * HOUR - 2), site.at(1, 2)][number % 2];
        let mut hook = site.hook(now);
        hook.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut hook = hook.spawn().unwrap();
        hook.stdin.take().unwrap().write_all(b"mail").unwrap();
        hook
    });
    let hooks: Vec<_> = hooks.collect();
    for hook in hooks {
        let ended = hook.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!((ended.status.code(), said.as_ref()), (Some(0), ""));
    }
    assert_eq!(site.records().len(), 25);
    site.archive_in_order(2, 0);
    site.is_sealed_until(2, HOUR);
}

#[test]
fn after_the_last_key_mails_are_archived_without_seals_and_it_is_told() {
    let site = Site::with_keys_for(3);
    for day in 0..3 {
        site.archive_in_order(day, NOON);
    }
    for hour in [0, 1] {
        let _ = site
            .archive(3, hour * HOUR)
            .says("the last seal key was that of");
    }
    let _ = site
        .seal(3, 2 * HOUR)
        .expect_code(1)
        .says("nothing is sealed any more, until a new ceremony makes new keys");
    let verdict = site.verdict(site.at(3, 3 * HOUR));
    let states = verdict.days.iter().map(|day| day.state.to_string());
    assert_eq!(states.collect::<Vec<_>>(), ["sealed"; 3]);
    assert_eq!(verdict.findings, [Finding::AfterTheLastKey(2)]);
}

#[test]
fn a_clock_that_begins_anew_in_1970_keeps_nothing_from_being_archived() {
    let site = Site::with_keys_for(400);
    site.archive_in_order(0, NOON);
    site.archive_in_order(1, NOON);
    let day_of_1970 = -site.at(0, 0).unix().div_euclid(24 * HOUR);
    let _ = site.archive(day_of_1970, HOUR).says("clock");
    site.archive_in_order(1, NOON + HOUR);
    let _ = site.seal(2, 0).expect_code(0);
    site.is_sealed_until(2, HOUR);
}

#[test]
fn the_shipped_hook_goes_by_the_systems_clock_alone() {
    let site = Site::with_keys_for(400);
    let mut hook = custody_tests::hook();
    hook.env("HOOK_NOW", site.at(5, 0).unix().to_string());
    hook.args(["--confirm", "--syslog", "off", "--cert"])
        .arg(site.ceremony.certificate());
    hook.arg("--vault").arg(site.ceremony.vault());
    let _ = run_with_stdin(&mut hook, b"mail").expect_code(0);
    let [(day, _)] = site.times()[..] else {
        panic!("one mail, one record");
    };
    assert!(day < 0, "{day}");
}
