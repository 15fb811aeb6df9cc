//! Sealed vaults on the real disk whose first segments are retired, inspected and opened afterwards.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use archiver_core::origin::ArchiveFingerprints;
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::public_keys::{SealKeys, ServerKeys};
use archiver_core::seal::seal_folder;
use archiver_core::seal::server::Server;
use archiver_core::seal::writer::Sealer;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::writable::WritableVault;
use tempfile::TempDir;

use super::*;
use crate::opening::against::{MissingInFront, Outcome, compare};
use crate::opening::inspect::{InspectReport, inspect_vaults};
use crate::opening::sealing::{DayState, Seals};
use crate::opening::testing::Archive;
use crate::opening::{NoProgress, Opening, Summary};
use crate::report::Report as _;

const LOG: LogId = LogId([0x10; 16]);
const DAYS: i64 = 4;

/// A mail server with a sealed vault, each day a segment, and two mails a day.
struct Site {
    folder: TempDir,
    vault: PathBuf,
    archive: Archive,
    keys: SealKeys,
}

fn first_day() -> Day {
    "2026-11-25".parse().unwrap()
}

fn at(day: i64, hour: i64) -> UtcTime {
    let first = first_day().plus(day).unwrap().first_second();
    UtcTime::from_unix(first.unix() + hour * 3600).unwrap()
}

impl Site {
    fn new() -> Self {
        let (folder, archive) = (tempfile::tempdir().unwrap(), Archive::new());
        let seed = Seed::draw(LOG, first_day()).unwrap();
        let (name, public) = ("mx1".parse().unwrap(), seed.public_keys(400));
        let server = ServerKeys::new(name, LOG, first_day(), public).unwrap();
        let ArchiveFingerprints {
            primary,
            encryption,
        } = archive.cert.fingerprints();
        let site = Self {
            keys: SealKeys::new(primary, vec![server.clone()]).unwrap(),
            vault: folder.path().join("VAULT"),
            folder,
            archive,
        };
        fs::create_dir(site.path("seals")).unwrap();
        fs::create_dir(&site.vault).unwrap();
        let rules = "archiver segments 1 size=1000000 day=yes";
        fs::write(site.vault.join("segments.conf"), rules).unwrap();
        let server = Server::new(primary, encryption, &server);
        let seals = DiskFolder::of_segments(&site.path("seals"), true);
        seal_folder::make(&seals, &server, &seed).unwrap();
        for day in 0..DAYS {
            site.hook(at(day, 1));
            site.hook(at(day, 2));
        }
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.vault.join(name)
    }

    fn hook(&self, at: UtcTime) {
        let folder = |path: &Path| DiskFolder::of_segments(path, true);
        let mut vault = WritableVault::segments(folder(&self.vault));
        let mut sealer = Sealer::open(folder(&self.path("seals"))).unwrap();
        let mail = self.archive.seal(format!("Subject: {at}\n\n").as_bytes());
        sealer.append(&mut vault, mail, || at).unwrap();
        let anomalies = sealer.take_anomalies();
        assert!(anomalies.is_empty(), "{anomalies:?}");
    }

    fn request(&self, segment: &str) -> Request<'_> {
        Request {
            vault: &self.vault,
            segment: segment.parse().unwrap(),
            reason: "ten years are over".parse().unwrap(),
            now: at(DAYS, 0),
            even_damaged: false,
        }
    }

    fn retire(&self, segment: &str) -> Result<(), RetireError> {
        Retirement::plan(self.request(segment))?.carry_out(true)
    }

    fn seals(&self) -> Seals<'_> {
        Seals {
            keys: &self.keys,
            archive: self.archive.cert.fingerprints(),
            now: at(DAYS - 1, 3),
            clock: at(DAYS - 1, 3),
            finals: &[],
        }
    }

    fn inspect(&self) -> InspectReport {
        let seals = self.seals();
        let archive = seals.archive;
        inspect_vaults(
            std::slice::from_ref(&self.vault),
            Some(archive),
            Ok(seals),
            &NoProgress,
        )
        .unwrap()
    }

    fn open(&self, out: &str) -> Summary {
        let opening = Opening::with(&self.archive.key, Ok(self.seals()));
        opening
            .open(
                std::slice::from_ref(&self.vault),
                &self.path(out),
                &NoProgress,
            )
            .unwrap()
    }
}

/// The state of each day, and how many records of it are retired.
fn days(report: &InspectReport) -> Vec<(DayState, u64)> {
    let logs = report.seals.logs.iter().flatten();
    logs.flat_map(|log| log.days.iter().map(|day| (day.state, day.retired)))
        .collect()
}

#[test]
fn the_seals_verify_by_leaves_and_the_rest_opens() {
    let site = Site::new();
    assert!(!site.inspect().anomalies());
    for (retired, segment) in (1..).zip(["1", "VAULT-000002.asc", "3"]) {
        site.retire(segment).unwrap();
        let report = site.inspect();
        assert!(!report.anomalies(), "{report:?}");
        let expected = (0..DAYS).map(|day| {
            let state = if day == DAYS - 1 {
                DayState::Open
            } else {
                DayState::Sealed
            };
            (state, if day < retired { 2 } else { 0 })
        });
        assert_eq!(days(&report), expected.collect::<Vec<_>>());
        let vault = &report.vaults[0];
        let last = vault.retired_segments.last().unwrap();
        let removed = last.removed.as_ref().unwrap();
        assert_eq!(removed.reason, "ten years are over");
        assert_eq!(removed.ranges[0].last_seq, 2 * retired.unsigned_abs() - 1);
        let opened = site.open(&format!("out-{retired}"));
        assert!(!opened.anomalies());
        assert_eq!(opened.opened, 2 * (DAYS - retired).unsigned_abs());
        assert_eq!(opened.retired_segments, vault.retired_segments);
        let sealed = 2 * (DAYS - 1 - retired).unsigned_abs();
        assert_eq!((opened.seals.sealed, opened.seals.open), (sealed, 2));
    }
    assert!(matches!(
        site.retire("4"),
        Err(RetireError::NothingBehind(_))
    ));
    site.hook(at(DAYS - 1, 4));
    assert!(!site.inspect().anomalies());
}

#[test]
fn a_missing_or_lying_file_breaks_the_verdict() {
    let site = Site::new();
    site.retire("1").unwrap();
    site.retire("2").unwrap();
    let (one, two) = (
        site.file("VAULT-000001.retired"),
        site.file("VAULT-000002.retired"),
    );
    let honest = fs::read(&one).unwrap();
    let another = fs::read_to_string(&two).unwrap();
    let another = another.replace("segment 2 ", "segment 1 ");
    for lie in [
        None,
        Some(b"garbage".to_vec()),
        Some(honest[1..].to_vec()),
        Some(fs::read(&two).unwrap()),
        Some(another.into_bytes()),
    ] {
        match &lie {
            Some(lie) => fs::write(&one, lie).unwrap(),
            None => fs::remove_file(&one).unwrap(),
        }
        let report = site.inspect();
        assert!(report.anomalies());
        assert!(report.vaults[0].broken_links.count > 0);
        assert_eq!(days(&report)[0].0, DayState::Broken);
        assert_eq!(
            report.vaults[0]
                .retired_segments
                .iter()
                .any(|r| r.trouble.is_some()),
            lie.is_some()
        );
    }
    fs::write(&one, honest).unwrap();
    assert!(!site.inspect().anomalies());
}

#[test]
fn a_pipe_in_place_of_the_file_is_told_and_not_waited_for() {
    let site = Site::new();
    site.retire("1").unwrap();
    let file = site.file("VAULT-000001.retired");
    fs::remove_file(&file).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &file, fifo, 0o600.into(), 0).unwrap();
    let report = site.inspect();
    let told = &report.vaults[0].retired_segments[0].trouble;
    let told = told.as_ref().unwrap();
    assert!(told.contains("it is not a regular file"), "{told}");
}

#[test]
fn a_segment_that_is_gone_without_a_trace_is_missing_beside_a_copy() {
    let site = Site::new();
    let copy = site.path("COPY");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&site.vault).unwrap() {
        let name = entry.unwrap().file_name();
        fs::copy(site.vault.join(&name), copy.join(&name)).unwrap();
    }
    fs::remove_file(site.file("VAULT-000001.asc")).unwrap();
    for (vault, other) in [(&site.vault, &copy), (&copy, &site.vault)] {
        let compared = compare(std::slice::from_ref(vault), other).unwrap();
        let missing = MissingInFront {
            file: "VAULT-000001.asc".to_owned(),
            lacked_by: site.vault.to_str().unwrap().to_owned(),
        };
        assert_eq!(compared.missing, [missing]);
        assert_eq!(compared.exit(), Exit::Anomalies);
    }
}

/// The folder is the hook user's, and root retires: what root gives away must be what root wrote.
#[test]
fn a_file_that_was_put_in_place_of_the_retired_one_is_not_given_away() {
    for put in ["link", "another file", "second name"] {
        let site = Site::new();
        let segment = fs::read(site.file("VAULT-000001.asc")).unwrap();
        site.retire("1").unwrap();
        fs::write(site.file("VAULT-000001.asc"), &segment).unwrap();
        let again = Retirement::plan(site.request("1")).unwrap();
        assert!(again.was_interrupted());
        let (place, precious) = (site.file("VAULT-000001.retired"), site.path("precious"));
        let text = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        fs::write(
            &precious,
            if put == "another file" {
                b"root's"
            } else {
                &text[..]
            },
        )
        .unwrap();
        let mode = |mode| fs::Permissions::from_mode(mode);
        fs::set_permissions(&precious, mode(0o400)).unwrap();
        match put {
            "link" => symlink(&precious, &place).unwrap(),
            "another file" => drop(fs::copy(&precious, &place).unwrap()),
            _ => fs::hard_link(&precious, &place).unwrap(),
        }
        assert!(
            matches!(again.carry_out(true), Err(RetireError::Write { .. })),
            "{put}"
        );
        assert!(site.file("VAULT-000001.asc").exists(), "{put}");
        assert_eq!(
            fs::metadata(&precious).unwrap().mode() & 0o777,
            0o400,
            "{put}"
        );
    }
}

#[test]
fn an_interrupted_retirement_is_told_and_finished_with_its_own_reason() {
    let site = Site::new();
    let segment = fs::read(site.file("VAULT-000001.asc")).unwrap();
    let copy = site.path("COPY");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&site.vault).unwrap() {
        let name = entry.unwrap().file_name();
        fs::copy(site.vault.join(&name), copy.join(&name)).unwrap();
    }
    site.retire("1").unwrap();
    fs::write(site.file("VAULT-000001.asc"), &segment).unwrap();
    let report = site.inspect();
    assert!(!report.anomalies());
    assert!(report.vaults[0].retired_segments[0].still_stands);
    assert_eq!(days(&report)[0], (DayState::Sealed, 0));
    let request = Request {
        reason: "another one".parse().unwrap(),
        ..site.request("1")
    };
    let again = Retirement::plan(request).unwrap();
    assert!(again.was_interrupted());
    again.carry_out(true).unwrap();
    assert_eq!(days(&site.inspect())[0], (DayState::Sealed, 2));
    assert_eq!(again.removed().reason, "ten years are over");
    // A copy that still has it is compared from the first common segment on.
    let compared = compare(std::slice::from_ref(&site.vault), &copy).unwrap();
    assert_eq!(compared.result, Outcome::Identical);
    assert!(compared.missing.is_empty());
    assert_eq!(compared.compared_from.clone().unwrap(), "VAULT-000002.asc");
    assert_eq!(compared.retired[0].is_the_same, Some(true));
    let changed = copy.join("VAULT-000001.asc");
    fs::write(&changed, [segment.as_slice(), b"\n"].concat()).unwrap();
    let compared = compare(std::slice::from_ref(&site.vault), &copy).unwrap();
    assert_eq!(compared.retired[0].is_the_same, Some(false));
}

#[test]
fn a_file_that_does_not_describe_the_segment_beside_it_is_not_believed() {
    let site = Site::new();
    let segment = fs::read(site.file("VAULT-000001.asc")).unwrap();
    site.retire("1").unwrap();
    let other = [segment.as_slice(), b"\n"].concat();
    fs::write(site.file("VAULT-000001.asc"), other).unwrap();
    let report = site.inspect();
    assert!(report.anomalies());
    assert!(report.vaults[0].retired_segments[0].trouble.is_some());
    let refused = Retirement::plan(site.request("1")).unwrap_err();
    assert!(
        matches!(refused, RetireError::OtherFile { .. }),
        "{refused}"
    );
    assert!(site.file("VAULT-000001.asc").exists());
}

#[test]
fn what_may_not_be_removed_is_refused_and_stands() {
    let site = Site::new();
    site.retire("1").unwrap();
    let refused = |segment: &str| site.retire(segment).unwrap_err();
    assert!(matches!(refused("1"), RetireError::AlreadyRetired(_)));
    assert!(matches!(refused("3"), RetireError::NotTheFirst { .. }));
    assert!(matches!(refused("9"), RetireError::NoSuchSegment(..)));
    let file = site.path("one-file");
    fs::write(&file, "").unwrap();
    let request = Request {
        vault: &file,
        ..site.request("1")
    };
    assert!(matches!(
        Retirement::plan(request),
        Err(RetireError::NotInSegments(_))
    ));
    let planned = Retirement::plan(site.request("2")).unwrap();
    let second = site.file("VAULT-000002.asc");
    let text = fs::read(&second).unwrap();
    fs::write(&second, [text.as_slice(), b"x"].concat()).unwrap();
    assert!(matches!(
        planned.carry_out(true),
        Err(RetireError::Changed(_))
    ));
    assert!(second.exists() && !site.file("VAULT-000002.retired").exists());
}

#[test]
fn a_damaged_segment_goes_only_when_asked_for_and_stays_broken() {
    let site = Site::new();
    let first = site.file("VAULT-000001.asc");
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.replacen("\n=", " \n=", 1)).unwrap();
    let refused = Retirement::plan(site.request("1")).unwrap_err();
    assert!(
        refused.to_string().contains("1 record of VAULT-000001.asc"),
        "{refused}"
    );
    assert_eq!(refused.exit(), Exit::Anomalies);
    let request = Request {
        even_damaged: true,
        ..site.request("1")
    };
    let planned = Retirement::plan(request).unwrap();
    assert_eq!(planned.damaged(), 1);
    planned.carry_out(true).unwrap();
    let report = site.inspect();
    assert_eq!(days(&report)[0], (DayState::Broken, 2));
    assert_eq!(days(&report)[1], (DayState::Sealed, 0));
    let text = report.text();
    let line = "was retired (retired: 2 records removed), 2 records";
    assert!(text.contains(line), "{text}");
    assert!(report.anomalies());
    assert!(site.open("out").anomalies());
}

/// What the verdict says of each day, but for what is told of damaged records when they are gone.
fn verdict(report: &InspectReport) -> Vec<(DayState, u64, Option<String>)> {
    let logs = report.seals.logs.iter().flatten();
    let days = logs.flat_map(|log| &log.days);
    days.map(|day| {
        let why = day.reason.as_ref().map(|why| {
            let is_of_the_record = why.contains("damaged") || why.contains("its armor");
            let place = why.split(':').next().filter(|_| is_of_the_record);
            place.unwrap_or(why).to_owned()
        });
        (day.state, day.records, why)
    })
    .collect()
}

/// What is done to a segment's bytes.
type Damage = fn(&mut Vec<u8>);

#[test]
fn a_segment_whose_end_is_damaged_goes_when_asked_for_and_the_verdict_is_what_it_was() {
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 300);
    let junk = |bytes: &mut Vec<u8>| bytes.extend(b"hi\n");
    let hole = |bytes: &mut Vec<u8>| bytes[600..700].fill(0);
    let cut_front = |bytes: &mut Vec<u8>| drop(bytes.drain(..300));
    let nothing = |_: &mut Vec<u8>| ();
    let damages: [[Damage; 2]; 7] = [
        [cut, nothing],
        [junk, nothing],
        [cut, junk],
        [hole, cut_front],
        [cut, cut_front],
        [nothing, cut_front],
        [nothing, hole],
    ];
    for (n, damage) in damages.iter().enumerate() {
        let site = Site::new();
        for (name, damage) in ["VAULT-000001.asc", "VAULT-000002.asc"].iter().zip(damage) {
            let mut bytes = fs::read(site.file(name)).unwrap();
            damage(&mut bytes);
            fs::write(site.file(name), bytes).unwrap();
        }
        let before = verdict(&site.inspect());
        let refused = Retirement::plan(site.request("1")).unwrap_err();
        assert_eq!(refused.exit(), Exit::Anomalies, "{n}: {refused}");
        let hint = refused.hint();
        assert!(hint.contains("a copy") && hint.contains("--damaged"), "{n}");
        let request = Request {
            even_damaged: true,
            ..site.request("1")
        };
        let planned = Retirement::plan(request).unwrap();
        assert!(planned.broken_behind().is_some(), "{n}");
        planned.carry_out(true).unwrap();
        let report = site.inspect();
        assert!(report.anomalies(), "{n}");
        assert_eq!(verdict(&report), before, "{n}");
        site.hook(at(DAYS - 1, 4));
        assert!(!site.file("VAULT-000001.asc").exists());
    }
}

#[test]
fn a_record_that_ends_in_the_next_segment_holds_both_until_they_are_mended() {
    let site = Site::new();
    let (first, second) = (site.file("VAULT-000001.asc"), site.file("VAULT-000002.asc"));
    let text = fs::read_to_string(&first).unwrap();
    fs::write(&first, text.trim_end()).unwrap();
    let text = fs::read_to_string(&second).unwrap();
    fs::write(&second, text.trim_start()).unwrap();
    let request = Request {
        even_damaged: true,
        ..site.request("1")
    };
    let refused = Retirement::plan(request).unwrap_err();
    assert!(matches!(refused, RetireError::Entangled(_)), "{refused}");
}
