use super::site::{SEALS, Site, VAULT};
use super::*;
use crate::seal::Contradiction;
use crate::seal::keys::DayKey;
use crate::seal::merkle::Tree;
use crate::seal::note::{Checkpoint, Kind, NoteHash};
use crate::seal::seal_folder::{SEED_FILE, STATE_FILE};
use crate::seal::verify::Finding;
use crate::secret::SecretBytes;
use crate::vault::memory_disk::Faults;
use crate::vault::segments::Listing;

const KEYS: u32 = 200;
const HOUR: i64 = 3600;

fn only(anomalies: Vec<Anomaly>) -> Anomaly {
    let [anomaly] = <[Anomaly; 1]>::try_from(anomalies).unwrap();
    anomaly
}

fn kinds(site: &Site) -> Vec<(Kind, i64, u64)> {
    let first = site.day(0);
    let notes = site.notes();
    let short = |note: &Note| {
        (
            note.claimed.kind,
            note.claimed.day.days_since(first),
            note.claimed.size,
        )
    };
    notes.iter().map(short).collect()
}

#[test]
fn days_are_sealed_one_by_one_and_each_key_is_given_up() {
    let site = Site::new(KEYS);
    for day in 0..5 {
        for mail in 0..3 {
            let number = u8::try_from(3 * day + mail).unwrap();
            let receipt = site.archive(number, site.at(day, HOUR * mail));
            assert_eq!(receipt.header.place.seq, u64::from(number));
            assert_eq!(receipt.header.place.time, site.at(day, HOUR * mail));
        }
        assert_eq!(site.seed_day(), site.day(day));
    }
    let verdict = site.verdict(site.at(4, 12 * HOUR));
    assert!(verdict.is_intact() && verdict.findings.is_empty());
    assert_eq!(
        site.states(site.at(4, 12 * HOUR)),
        ["sealed", "sealed", "sealed", "sealed", "open"]
    );
}

#[test]
fn idle_days_get_finals_of_their_own_and_an_empty_log_has_empty_ones() {
    let site = Site::new(KEYS);
    assert!(site.seal(site.at(2, 10), None).is_empty());
    assert_eq!(kinds(&site), [(Kind::Final, 0, 0), (Kind::Final, 1, 0)]);
    site.archive(1, site.at(2, HOUR));
    site.archive(2, site.at(6, 0));
    let finals: Vec<_> = kinds(&site)
        .into_iter()
        .filter(|(kind, ..)| *kind == Kind::Final)
        .collect();
    let expected = [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 1)];
    assert_eq!(finals, expected.map(|(day, size)| (Kind::Final, day, size)));
    assert!(site.verdict(site.at(6, HOUR)).is_intact());
}

#[test]
fn an_interim_checkpoint_comes_after_256_records_or_a_quarter_of_an_hour() {
    let site = Site::new(KEYS);
    for mail in 0..=255 {
        site.archive(mail, site.at(0, 1));
    }
    // The first record is sealed at once by the second run; then it takes 256 more, or the time.
    assert_eq!(kinds(&site), [(Kind::Interim, 0, 1)]);
    site.archive(0, site.at(0, 2));
    assert_eq!(kinds(&site).len(), 1);
    site.archive(0, site.at(0, 2));
    assert_eq!(kinds(&site).last(), Some(&(Kind::Interim, 0, 257)));
    site.archive(0, site.at(0, 2 + 15 * 60));
    assert_eq!(kinds(&site).last(), Some(&(Kind::Interim, 0, 258)));
    assert_eq!(kinds(&site).len(), 3);
}

#[test]
fn a_final_is_on_the_disk_before_the_seed_is_given_up_and_the_vault_before_the_final() {
    let site = Site::new(KEYS);
    site.archive(1, site.at(0, 0));
    site.disk.take_calls();
    site.archive(2, site.at(1, 0));
    let calls: Vec<&str> = site.disk.take_calls();
    let changes = calls
        .into_iter()
        .filter(|call| !matches!(*call, "size" | "read" | "open"));
    let expected = [
        "lock",
        "lock", // the vault, the seal folder
        "sync",
        "create",
        "append",
        "sync",
        "sync folder", // the vault; the final
        "append",
        "sync",
        "sync folder", // what is remembered of it
        "remove",
        "create",
        "append",
        "sync",
        "rename",
        "sync folder", // the next seed
        "wipe",        // the used one
        "append",      // the record
        "append",      // what is remembered
        "unlock",
        "unlock",
        "sync",
    ];
    assert_eq!(changes.collect::<Vec<_>>(), expected);
}

#[test]
fn a_log_that_begins_behind_another_one_is_linked_to_it() {
    let site = Site::new(KEYS);
    let old = [1, 2].map(|mail| site.archive_unsealed(mail, site.at(0, 0)));
    let first = site.archive(3, site.at(0, 60));
    let place = first.header.place;
    assert_eq!(
        (place.log, place.seq, place.prev),
        (site::LOG, 0, old[1].header.leaf)
    );
    site.archive(4, site.at(1, 60));
    let verdict = site.verdict(site.at(1, HOUR));
    assert_eq!(verdict.findings, [Finding::BeforeTheSeals(2)]);
    assert!(verdict.is_intact());
}

#[test]
fn records_of_other_programs_and_of_a_hook_without_seals_are_sealed_with_the_next_one() {
    let site = Site::new(KEYS);
    site.archive(1, site.at(0, 0));
    let foreign = crate::vault::armor::render(None, b"of another program");
    site.vault.put(
        VAULT,
        &[site.vault.bytes(VAULT), foreign, b"torn".to_vec()].concat(),
    );
    site.archive_unsealed(2, site.at(0, 10));
    site.archive_unsealed(3, site.at(0, 20));
    assert_eq!(site.archive(4, site.at(0, 30)).header.place.seq, 3);
    site.archive(5, site.at(1, 0));
    assert!(site.verdict(site.at(1, 1)).is_intact());
    assert_eq!(kinds(&site).last(), Some(&(Kind::Final, 0, 4)));
}

// --- Clocks.

#[test]
fn a_clock_far_ahead_uses_no_keys_up_and_dates_records_to_the_end_of_the_keys_day() {
    let site = Site::new(KEYS);
    site.archive(1, site.at(0, HOUR));
    let (receipt, anomalies) = site.hook(2, site.at(8, 0));
    assert_eq!(receipt.header.place.time, site.day(0).last_second());
    assert!(matches!(only(anomalies), Anomaly::ClockFarAhead { .. }));
    assert_eq!(site.seed_day(), site.day(0));
    // Set right again, everything goes on; records keep the time that they have.
    let receipt = site.archive(3, site.at(0, 2 * HOUR));
    assert_eq!(receipt.header.place.time, site.day(0).last_second());
    site.archive(4, site.at(1, 0));
    assert!(site.verdict(site.at(1, 1)).is_intact());
}

#[test]
fn a_week_without_a_run_is_caught_up_by_itself_and_more_on_request() {
    let site = Site::new(KEYS);
    site.archive(1, site.at(0, 0));
    site.archive(2, site.at(7, 0));
    assert_eq!(site.seed_day(), site.day(7));
    let far = site.at(40, 0);
    assert!(matches!(
        only(site.seal(far, None)),
        Anomaly::ClockFarAhead { .. }
    ));
    assert!(matches!(
        only(site.seal(far, Some(site.day(39)))),
        Anomaly::ClockFarAhead { .. }
    ));
    assert!(site.seal(far, Some(site.day(40))).is_empty());
    assert_eq!(site.seed_day(), site.day(40));
    let verdict = site.verdict(far);
    assert!(verdict.is_intact());
    assert_eq!(verdict.days.len(), 41);
}

#[test]
fn a_clock_behind_the_key_dates_records_to_the_beginning_of_its_day() {
    let site = Site::new(KEYS);
    site.archive(1, site.at(3, 0));
    let receipt = site.archive(2, site.at(2, HOUR));
    assert_eq!(receipt.header.place.time, site.day(3).first_second());
    let (receipt, anomalies) = site.hook(3, site.at(1, 0));
    assert_eq!(receipt.header.place.time, site.day(3).first_second());
    assert!(matches!(only(anomalies), Anomaly::ClockBehind { .. }));
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

#[test]
fn after_the_last_key_mails_are_archived_unsealed_and_before_it_ends_it_is_told() {
    let site = Site::new(100);
    site.archive(1, site.at(0, 0));
    let warned = site.seal(site.at(10, 0), Some(site.day(10)));
    assert!(matches!(
        only(warned),
        Anomaly::KeysEndSoon { days: 89, .. }
    ));
    let (receipt, anomalies) = site.hook(2, site.at(99, 0));
    assert!(matches!(only(anomalies), Anomaly::ClockFarAhead { .. }));
    assert_eq!(receipt.header.place.seq, 1);
    let ended = site.seal(site.at(120, 0), Some(site.day(120)));
    assert!(matches!(only(ended), Anomaly::KeysEnded(day) if day == site.day(99)));
    let (receipt, anomalies) = site.hook(3, site.at(121, 0));
    assert_eq!(
        (receipt.header.place.seq, receipt.header.place.time),
        (2, site.at(121, 0))
    );
    assert!(matches!(only(anomalies), Anomaly::KeysEnded(_)));
    let verdict = site.verdict(site.at(121, 0));
    assert_eq!(verdict.findings, [Finding::AfterTheLastKey(1)]);
    assert!(
        site.states(site.at(121, 0))
            .iter()
            .all(|state| state == "sealed")
    );
}

// --- What is remembered.

#[test]
fn a_state_that_is_gone_damaged_older_newer_or_of_another_vault_changes_nothing() {
    let site = Site::new(KEYS);
    for mail in 0..6 {
        site.archive(
            mail,
            site.at(i64::from(mail) / 2, HOUR * i64::from(mail % 2)),
        );
    }
    let own = site.seals.bytes(STATE_FILE);
    let other = Site::new(KEYS);
    for mail in 50..60 {
        other.archive(mail, other.at(0, 0));
    }
    let lines: Vec<&[u8]> = own.split_inclusive(|byte| *byte == b'\n').collect();
    let mut replaced = vec![
        Vec::new(),
        b"garbage\n".to_vec(),
        other.seals.bytes(STATE_FILE),
        [lines[1], &own[..30]].concat(),
    ];
    replaced.extend((0..lines.len()).map(|count| lines[..count].concat()));
    let expected = site.copy();
    expected.archive(9, site.at(3, 0));
    for state in replaced {
        let copy = site.copy();
        copy.seals.put(STATE_FILE, &state);
        let (_, anomalies) = copy.hook(9, site.at(3, 0));
        assert!(
            anomalies
                .iter()
                .all(|anomaly| matches!(anomaly, Anomaly::Forgotten { .. })),
            "{anomalies:?}"
        );
        assert_eq!(copy.vault.bytes(SEALS), expected.vault.bytes(SEALS));
        assert_eq!(copy.vault.bytes(VAULT), expected.vault.bytes(VAULT));
        assert!(copy.verdict(site.at(3, HOUR)).is_intact());
    }
}

#[test]
fn only_what_was_added_is_read_again() {
    let site = Site::new(KEYS);
    for mail in 0..20 {
        site.archive(mail, site.at(0, 0));
    }
    let reads = |mail: u8| {
        site.disk.take_calls();
        site.archive(mail, site.at(0, 0));
        site.disk
            .take_calls()
            .into_iter()
            .filter(|call| *call == "read")
            .count()
    };
    let usual = reads(100);
    site.archive_unsealed(101, site.at(0, 0));
    let one_behind = reads(102);
    site.seals.put(STATE_FILE, b"");
    let all = reads(103);
    assert!(
        usual < one_behind && one_behind < all,
        "{usual} {one_behind} {all}"
    );
}

// --- Contradictions: nothing is signed, archiving goes on.

/// A server with two sealed days, on the third.
fn two_sealed_days() -> Site {
    let site = Site::new(KEYS);
    for mail in 0..5 {
        site.archive(
            mail,
            site.at(i64::from(mail) / 2, HOUR * i64::from(mail % 2)),
        );
    }
    site
}

fn contradiction(anomalies: Vec<Anomaly>) -> Contradiction {
    let found = anomalies.into_iter().find_map(|anomaly| match anomaly {
        Anomaly::Contradiction(found) => Some(found),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_vault_that_was_changed_is_not_sealed_once_it_is_read_again() {
    let site = two_sealed_days();
    let honest = site.vault.bytes(VAULT);
    // The attacker links everything anew; here by a log that was made with other mails.
    let other = Site::new(KEYS);
    for mail in 10..15 {
        other.archive(
            mail,
            site.at(i64::from(mail - 10) / 2, HOUR * i64::from((mail - 10) % 2)),
        );
    }
    site.vault.put(VAULT, &other.vault.bytes(VAULT));
    let seals = site.vault.bytes(SEALS);
    let (receipt, anomalies) = site.hook(20, site.at(2, 2 * HOUR));
    assert!(matches!(
        contradiction(anomalies),
        Contradiction::OtherRecords(_)
    ));
    assert_eq!(receipt.header.place.seq, 5);
    // So it stays, without reading the vault for every mail; the daily run reads it again.
    assert!(matches!(
        only(site.hook(21, site.at(3, 0)).1),
        Anomaly::NotSealing
    ));
    assert!(matches!(
        contradiction(site.seal(site.at(3, 0), None)),
        Contradiction::OtherRecords(_)
    ));
    assert_eq!(site.vault.bytes(SEALS), seals);
    assert_eq!(site.seed_day(), site.day(2));
    // Mended, it is sealed again.
    site.vault.put(VAULT, &honest);
    site.seal(site.at(3, HOUR), None);
    assert_eq!(site.seed_day(), site.day(3));
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

#[test]
fn a_record_that_does_not_hold_behind_the_last_checkpoint_is_not_sealed() {
    let site = two_sealed_days();
    let mut vault = site.vault.bytes(VAULT);
    let last = vault.len() - 100;
    vault[last] ^= 1;
    site.vault.put(VAULT, &vault);
    site.seals.put(STATE_FILE, b"");
    let found = contradiction(site.hook(9, site.at(2, 2 * HOUR)).1);
    assert!(
        matches!(found, Contradiction::Record { seq: 4, .. }),
        "{found}"
    );
}

#[test]
fn a_vault_that_was_moved_away_goes_on_in_its_numbers_and_is_not_sealed_until_it_is_back() {
    let site = two_sealed_days();
    let moved = site.vault.bytes(VAULT);
    site.vault.put(VAULT, b"");
    let seals = site.vault.bytes(SEALS);
    let (receipt, anomalies) = site.hook(9, site.at(2, HOUR));
    assert_eq!(receipt.header.place.seq, 5);
    let shorter = Contradiction::Shorter {
        found: 0,
        sealed: 5,
    };
    let sealed = site.notes().last().unwrap().claimed.size;
    assert_eq!(
        contradiction(anomalies),
        Contradiction::Shorter { found: 0, sealed },
        "{shorter}"
    );
    let (receipt, anomalies) = site.hook(10, site.at(2, HOUR));
    assert_eq!(receipt.header.place.seq, 6);
    assert!(matches!(only(anomalies), Anomaly::NotSealing));
    contradiction(site.seal(site.at(2, HOUR), None));
    assert_eq!(site.vault.bytes(SEALS), seals);
    let together = [moved, site.vault.bytes(VAULT)].concat();
    site.vault.put(VAULT, &together);
    assert!(site.seal(site.at(3, 0), None).is_empty());
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

#[test]
fn records_that_came_in_while_nothing_was_sealed_are_sealed_in_their_own_days() {
    let site = two_sealed_days();
    let seed = site.seals.bytes(SEED_FILE);
    site.seals.put(SEED_FILE, b"");
    for day in 3..6 {
        let (receipt, anomalies) = site.hook(u8::try_from(10 + day).unwrap(), site.at(day, 0));
        assert_eq!(receipt.header.place.time, site.at(day, 0));
        assert!(matches!(only(anomalies), Anomaly::NoSeed(_)));
    }
    site.seals.put(SEED_FILE, &seed);
    assert!(site.seal(site.at(6, 0), None).is_empty());
    assert_eq!(
        site.states(site.at(6, HOUR)),
        [
            "sealed", "sealed", "sealed", "sealed", "sealed", "sealed", "open"
        ]
    );
    let finals: Vec<_> = kinds(&site)
        .into_iter()
        .filter(|(kind, ..)| *kind == Kind::Final)
        .collect();
    assert_eq!(
        finals[2..],
        [
            (Kind::Final, 2, 5),
            (Kind::Final, 3, 6),
            (Kind::Final, 4, 7),
            (Kind::Final, 5, 8)
        ]
    );
}

/// Takes the seals away, which the next mail tells. Returns them.
fn lose_the_seals(site: &Site) -> Vec<u8> {
    let seals = site.vault.bytes(SEALS);
    site.vault.put(SEALS, b"");
    let (_, anomalies) = site.hook(9, site.at(2, HOUR));
    let Anomaly::SealsMissing { from, until } = only(anomalies) else {
        panic!("another anomaly")
    };
    assert_eq!((from, until), (site.day(0), site.day(1)));
    seals
}

/// Puts the lost seals back in front of what was signed meanwhile. Two days go by.
fn find_the_seals_again(site: &Site, seals: Vec<u8>) {
    site.vault
        .put(SEALS, &[seals, site.vault.bytes(SEALS)].concat());
    site.archive(10, site.at(3, 0));
    site.archive(11, site.at(4, 0));
}

#[test]
fn seals_that_are_gone_or_older_are_told_and_their_days_are_missing() {
    let site = two_sealed_days();
    let seals = lose_the_seals(&site);
    assert_eq!(
        site.states(site.at(2, 2 * HOUR)),
        ["missing", "missing", "open"]
    );
    // They count again. What was signed meanwhile continues them, as the server remembers the last final.
    find_the_seals_again(&site, seals);
    assert_eq!(
        site.states(site.at(4, HOUR)),
        ["sealed", "sealed", "sealed", "sealed", "open"]
    );
}

#[test]
fn finals_that_are_gone_and_forgotten_speak_against_the_first_day_behind_them_only() {
    let site = two_sealed_days();
    site.seals.put(STATE_FILE, b"");
    let seals = lose_the_seals(&site);
    find_the_seals_again(&site, seals);
    assert_eq!(
        site.states(site.at(4, HOUR)),
        ["sealed", "sealed", "broken at sequence 4", "sealed", "open"]
    );
}

#[test]
fn whoever_asks_for_seals_is_told_of_lost_finals_until_the_next_day_has_its_own() {
    let missing = |site: &Site, at| -> Vec<(Day, Day)> {
        let anomalies = site.seal(at, None).into_iter();
        let missing = anomalies.filter_map(|anomaly| match anomaly {
            Anomaly::SealsMissing { from, until } => Some((from, until)),
            _ => None,
        });
        missing.collect()
    };
    let site = two_sealed_days();
    assert_eq!(missing(&site, site.at(2, HOUR)), []);
    let seals = site.vault.bytes(SEALS);
    let both = (site.day(0), site.day(1));
    let mut finals = site.notes().into_iter();
    let first = finals.find(|note| note.claimed.kind == Kind::Final);
    let first = first.unwrap().to_string();
    for (left, expected) in [("", both), (first.as_str(), (site.day(1), site.day(1)))] {
        let copy = site.copy();
        copy.vault.put(SEALS, left.as_bytes());
        for hour in 2..5 {
            assert_eq!(missing(&copy, site.at(2, hour * HOUR)), [expected]);
            copy.hook(9, site.at(2, hour * HOUR + 60));
        }
        assert_eq!(missing(&copy, site.at(3, HOUR)), [expected]);
        assert_eq!(missing(&copy, site.at(3, 2 * HOUR)), []);
    }
    assert_eq!(missing(&site, site.at(2, 6 * HOUR)), []);
    assert!(site.vault.bytes(SEALS).starts_with(&seals));
}

#[test]
fn of_another_vault_it_is_said_that_it_has_none_of_the_records() {
    let site = two_sealed_days();
    site.vault.put(VAULT, b"");
    let (_, anomalies) = site.hook(9, site.at(2, HOUR));
    let told: Vec<String> = anomalies.iter().map(Anomaly::to_string).collect();
    let words = "of its log, and the vault has none of them: another vault was given";
    assert!(told.iter().any(|told| told.contains(words)), "{told:?}");
}

// --- Two hosts.

#[test]
fn the_seal_folder_of_another_vault_seals_nothing_and_its_log_goes_on() {
    let site = two_sealed_days();
    let other = Site::new(KEYS);
    other.archive(50, other.at(0, 0));
    let stranger = Site {
        seals: site.seals.clone(),
        ..other
    };
    let seals = stranger.vault.bytes(SEALS);
    let mut sealer = Sealer::open(stranger.seals.clone()).unwrap();
    let at = stranger.at(2, 0);
    sealer
        .append(&mut stranger.writable(), site::sealed(51), || at)
        .unwrap();
    assert_eq!(
        contradiction(sealer.take_anomalies()),
        Contradiction::AnotherVault
    );
    assert_eq!(
        contradiction(stranger.seal(at, None)),
        Contradiction::AnotherVault
    );
    assert_eq!(stranger.vault.bytes(SEALS), seals);
    // Its own vault, read again, is sealed as before.
    site.archive_unsealed(9, site.at(2, 2 * HOUR));
    site.seal(site.at(3, 0), None);
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

#[test]
fn seals_of_another_log_are_not_continued() {
    let site = Site::new(KEYS);
    let mut note = {
        let other = Site::new(KEYS);
        other.archive(1, other.at(1, 0));
        other.notes()[0]
    };
    note.claimed.origin.log = crate::vault::leaf::LogId([9; 16]);
    site.vault.put(SEALS, note.to_string().as_bytes());
    assert!(matches!(
        only(site.hook(1, site.at(0, 0)).1),
        Anomaly::OtherSeals
    ));
    assert_eq!(site.notes(), [note]);
}

#[test]
fn two_servers_in_one_vault_are_told_and_neither_gives_a_number_twice() {
    let one = Site::new(KEYS);
    let two = one.second_server(crate::vault::leaf::LogId([0x20; 16]));
    for mail in 0..12 {
        let (host, number) = (usize::from(mail % 2), u64::from(mail / 2));
        let at = one.at(i64::from(mail / 6), HOUR * i64::from(mail % 6));
        let (receipt, anomalies) = [&one, &two][host].hook(mail, at);
        assert_eq!(receipt.header.place.seq, number, "{anomalies:?}");
        assert_eq!(receipt.header.place.time, at);
        let is_told =
            |anomaly: &Anomaly| matches!(anomaly, Anomaly::AnotherServer(_) | Anomaly::OtherSeals);
        assert!(mail < 3 || anomalies.iter().any(is_told), "{anomalies:?}");
    }
    // Neither's first day counts as sealed, and the reason is named.
    let now = one.at(1, 12 * HOUR);
    for host in [&one, &two] {
        let verdict = host.verdict(now);
        let is_other_log = |finding: &Finding| matches!(finding, Finding::OtherLog { .. });
        assert!(verdict.findings.iter().any(is_other_log));
        assert!(!verdict.is_intact());
        assert_ne!(host.states(now)[0], "sealed");
    }
}

#[test]
fn without_its_seal_folders_lock_a_server_goes_on_in_its_numbers() {
    let one = Site::new(KEYS);
    let two = one.second_server(crate::vault::leaf::LogId([0x20; 16]));
    for mail in [0, 1, 2] {
        one.archive(mail, one.at(0, 0));
    }
    two.hook(3, one.at(0, 0));
    let mut held = one.seals.clone();
    held.lock().unwrap();
    let (receipt, anomalies) = one.hook(4, one.at(0, 0));
    held.unlock();
    assert!(matches!(only(anomalies), Anomaly::SealFolder(_)));
    assert_eq!(receipt.header.place.seq, 3);
    // When the vault was moved away meanwhile, what is remembered counts.
    one.vault.put(VAULT, b"");
    held.lock().unwrap();
    let (receipt, _) = one.hook(6, one.at(0, 0));
    assert!(receipt.header.place.seq >= 3, "{:?}", receipt.header.place);
}

#[test]
fn two_hosts_with_copies_of_one_seal_folder_in_one_vault_write_one_log_and_each_final_once() {
    let one = two_sealed_days();
    let two = one.second_host();
    // The second host's clock is some hours behind, so that it meets finals which are ahead of it.
    for mail in 20..40 {
        let (host, behind) = [(&one, 0), (&two, 5 * HOUR)][usize::from(mail % 2)];
        let seconds = i64::from(mail) * 7 * HOUR - 4 * HOUR - behind;
        host.archive(mail, one.at(0, seconds));
    }
    let now = one.at(12, 0);
    one.archive(40, now);
    let verdict = one.verdict(now);
    assert!(verdict.is_intact() && verdict.findings.is_empty());
    let mut finals: Vec<String> = one
        .notes()
        .iter()
        .filter(|note| note.claimed.kind == Kind::Final)
        .map(Note::to_string)
        .collect();
    finals.sort_unstable();
    finals.dedup();
    assert_eq!(finals.len(), 12);
    two.archive(41, now);
    assert_eq!([one.seed_day(), two.seed_day()], [one.day(12); 2]);
}

#[test]
fn one_seal_folder_on_two_hosts_shows_as_two_finals_of_a_day() {
    let (one, two) = (two_sealed_days(), two_sealed_days());
    one.archive(20, one.at(2, HOUR));
    two.archive(30, two.at(2, HOUR));
    for host in [&one, &two] {
        host.archive(40, host.at(3, 0));
    }
    let verdict = one.verdict_with(one.at(3, HOUR), two.pieces());
    assert!(verdict.findings.contains(&Finding::TwoFinals(one.day(2))));
    assert!(!verdict.is_intact());
}

#[test]
fn a_server_set_back_to_an_earlier_state_shows_by_the_finals_that_left_it() {
    let site = two_sealed_days();
    let snapshot = site.copy();
    site.archive(20, site.at(3, 0));
    let mailed = site.pieces();
    // The machine is set back to its snapshot, seed and all, and goes on with other mail.
    snapshot.archive(30, site.at(2, 2 * HOUR));
    snapshot.archive(31, site.at(3, 0));
    assert!(snapshot.verdict(site.at(3, HOUR)).is_intact());
    let verdict = snapshot.verdict_with(site.at(3, HOUR), mailed);
    assert!(verdict.findings.contains(&Finding::TwoFinals(site.day(2))));
}

#[test]
fn an_old_seed_beside_newer_seals_is_ratcheted_to_them_and_signs_no_day_again() {
    let site = two_sealed_days();
    let old = Site::new(KEYS).seals.bytes(SEED_FILE);
    let seals = site.vault.bytes(SEALS);
    site.seals.put(SEED_FILE, &old);
    site.archive(9, site.at(2, HOUR + 60));
    assert_eq!(site.seed_day(), site.day(2));
    assert!(site.vault.bytes(SEALS).starts_with(&seals));
    site.archive(10, site.at(3, 0));
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

// --- A disk that is not mounted.

#[test]
fn where_a_sealed_vault_and_its_seals_are_gone_no_other_vault_is_begun() {
    let site = two_sealed_days();
    let not_mounted = Site {
        seals: site.seals.clone(),
        ..Site::new(KEYS)
    };
    let archive = || {
        let mut sealer = Sealer::open(not_mounted.seals.clone()).unwrap();
        let at = site.at(2, 2 * HOUR);
        sealer.append(&mut not_mounted.writable(), site::sealed(9), || at)
    };
    for _ in 0..2 {
        let refused = archive().unwrap_err();
        assert!(matches!(refused, AppendError::NotMounted { records: 5 }));
        assert!(not_mounted.vault.names().unwrap().is_empty());
    }
    // Mounted again, all is as before.
    site.archive(9, site.at(2, 2 * HOUR));
    // An empty file says that it is meant so.
    not_mounted.vault.put(VAULT, b"");
    assert_eq!(archive().unwrap().header.place.seq, 6);
}

#[test]
fn the_first_mail_makes_a_vault_whose_seals_were_never_used() {
    let site = Site::new(KEYS);
    assert!(
        !site
            .seals
            .names()
            .unwrap()
            .iter()
            .any(|name| name == STATE_FILE)
    );
    site.archive(1, site.at(0, 0));
    assert!(site.has(1));
}

// --- Somebody else writes beside the vault.

/// A key that is nobody's.
fn strange_key(day: Day) -> DayKey {
    let secret = SecretBytes::filled_by(|bytes| bytes.fill(99));
    Seed::of(site::LOG, day, secret).signing_key()
}

/// The last note, changed and signed with a strange key.
fn forged(site: &Site, change: impl FnOnce(&mut Checkpoint)) -> Note {
    let mut claimed = site.notes().last().unwrap().claimed;
    change(&mut claimed);
    Note::sign(claimed, &strange_key(claimed.day))
}

fn append_to_seals(site: &Site, notes: &[Note]) {
    let notes = notes.iter().map(Note::to_string).collect::<String>();
    let seals = [site.vault.bytes(SEALS), notes.into_bytes()].concat();
    site.vault.put(SEALS, &seals);
}

/// Notes that somebody could append who can write beside the vault and has no key of ours. The third day is open.
fn strange_notes(site: &Site) -> Vec<(&'static str, Vec<Note>)> {
    let first_final = site.notes()[1];
    assert_eq!(
        (first_final.claimed.kind, first_final.claimed.day),
        (Kind::Final, site.day(0))
    );
    let another = |day: i64, kind: Kind| {
        forged(site, |claimed| {
            claimed.day = site.day(day);
            claimed.kind = kind;
            claimed.previous = Some(NoteHash([13; 32]));
        })
    };
    let longer = forged(site, |claimed| {
        claimed.day = site.day(1);
        claimed.size = 1 << 40;
    });
    let empty = forged(site, |claimed| {
        claimed.day = site.day(1);
        (claimed.size, claimed.root, claimed.last_time) = (0, Tree::empty().root(), None);
    });
    let many = (0..300)
        .map(|n| forged(site, |claimed| claimed.size = n + 10))
        .collect();
    vec![
        ("an old final of ours once more", vec![first_final]),
        (
            "another final of the day before",
            vec![another(1, Kind::Final)],
        ),
        (
            "another interim of the day before",
            vec![another(1, Kind::Interim)],
        ),
        ("another interim of today", vec![another(2, Kind::Interim)]),
        ("a final of today", vec![another(2, Kind::Final)]),
        ("a final of a day to come", vec![another(150, Kind::Final)]),
        (
            "a final behind the last key",
            vec![another(i64::from(KEYS) + 9, Kind::Final)],
        ),
        (
            "an interim of a day to come",
            vec![another(150, Kind::Interim)],
        ),
        ("a longer log", vec![longer]),
        ("an empty log", vec![empty]),
        ("more than is looked at", many),
    ]
}

#[test]
fn notes_that_others_append_are_told_and_passed_over_and_the_days_are_sealed_as_without_them() {
    let honest = two_sealed_days();
    for (what, notes) in strange_notes(&honest) {
        for remembers in [true, false] {
            let site = honest.copy();
            // With nothing remembered, a note of a day whose key is gone cannot be told from ours.
            let can_be_told = |note: &Note| note.claimed.day >= site.day(2);
            let is_known = remembers || (notes.iter().all(can_be_told) && notes.len() == 1);
            if !remembers {
                site.seals.put(STATE_FILE, b"");
            }
            append_to_seals(&site, &notes);
            let (_, anomalies) = site.hook(9, site.at(2, 2 * HOUR));
            if !is_known {
                continue;
            }
            let told = anomalies
                .iter()
                .any(|anomaly| matches!(anomaly, Anomaly::StrangeSeal(_)));
            assert!(told, "{what}, remembers {remembers}: {anomalies:?}");
            assert_eq!(site.seed_day(), site.day(2), "{what}: no key was used up");
            site.hook(10, site.at(3, 0));
            assert_eq!(
                site.states(site.at(3, HOUR)),
                ["sealed", "sealed", "sealed", "open"],
                "{what}, remembers {remembers}"
            );
            // Behind a seal of ours they are nothing any more.
            assert!(site.seal(site.at(3, HOUR), None).is_empty(), "{what}");
        }
    }
}

#[test]
fn finals_that_were_exchanged_for_others_are_not_continued() {
    let site = two_sealed_days();
    // In the place of the last day's final, with which the file ends, stands another one.
    let notes = site.notes();
    let last_final = notes
        .iter()
        .rposition(|note| note.claimed.kind == Kind::Final);
    let (kept, _) = notes.split_at(last_final.unwrap());
    let exchanged = forged(&site, |claimed| {
        claimed.day = site.day(1);
        claimed.kind = Kind::Final;
    });
    let kept: String = kept.iter().map(Note::to_string).collect();
    site.vault
        .put(SEALS, format!("{kept}{exchanged}").as_bytes());
    let (_, anomalies) = site.hook(9, site.at(2, 2 * HOUR));
    let strange =
        |anomaly: &Anomaly| matches!(anomaly, Anomaly::StrangeSeal(day) if *day == site.day(1));
    assert!(anomalies.iter().any(strange), "{anomalies:?}");
    site.hook(10, site.at(3, 0));
    let true_final = notes[last_final.unwrap()];
    let new_final = *site.notes().last().unwrap();
    assert_eq!(new_final.claimed.previous, Some(true_final.hash()));
}

#[test]
fn a_final_that_no_state_knows_counts_when_its_key_is_still_there() {
    let site = two_sealed_days();
    let state = site.seals.bytes(STATE_FILE);
    let seed = site.seals.bytes(SEED_FILE);
    site.archive(9, site.at(3, 0));
    // A crash right behind the final: the seed is the old one, and nothing of the final is remembered.
    site.seals.put(STATE_FILE, &state);
    site.seals.put(SEED_FILE, &seed);
    site.archive(10, site.at(3, 60));
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

// --- Used seeds.

#[test]
fn a_used_seed_stands_nowhere_on_the_disk_once_its_day_is_sealed() {
    let site = Site::new(KEYS);
    for day in 0..4 {
        let used = site.seals.bytes(SEED_FILE);
        site.archive(u8::try_from(day).unwrap(), site.at(day, HOUR));
        assert_eq!(site.disk.holds(&used), day == 0, "day {day}");
    }
}

#[test]
fn a_seed_that_an_interrupted_run_left_half_placed_is_overwritten_too() {
    let site = two_sealed_days();
    site.disk.set_faults(Faults {
        failing: vec!["rename"],
        ..Faults::default()
    });
    assert!(matches!(
        only(site.hook(9, site.at(3, 0)).1),
        Anomaly::WriteSeed(_)
    ));
    site.disk.set_faults(Faults::default());
    let leftover = site.seals.bytes("seed.new");
    assert_eq!(leftover.len(), site.seals.bytes(SEED_FILE).len());
    site.archive(10, site.at(4, 0));
    assert!(!site.disk.holds(&leftover));
}

#[test]
fn a_used_seed_that_cannot_be_overwritten_is_told_and_the_day_is_sealed() {
    let site = two_sealed_days();
    site.disk.set_faults(Faults {
        failing: vec!["wipe"],
        ..Faults::default()
    });
    let (_, anomalies) = site.hook(9, site.at(3, 0));
    assert!(matches!(only(anomalies), Anomaly::SeedNotOverwritten(_)));
    assert_eq!(site.seed_day(), site.day(3));
    assert!(site.verdict(site.at(3, HOUR)).is_intact());
}

// --- Disks that fail.

#[test]
fn a_failure_anywhere_in_sealing_archives_the_mail_and_the_next_run_makes_up_for_it() {
    for failing in ["create", "rename", "remove", "sync folder"] {
        let site = two_sealed_days();
        site.disk.set_faults(Faults {
            failing: vec![failing],
            ..Faults::default()
        });
        let (_, anomalies) = site.hook(9, site.at(3, 0));
        assert!(!anomalies.is_empty(), "{failing}");
        site.disk.set_faults(Faults::default());
        assert!(site.has(9));
        // Not even a clock that goes back behind the final brings a record into the sealed day.
        let receipt = site.archive(10, site.at(2, 23 * HOUR));
        assert!(receipt.header.place.time >= site.at(3, 0), "{failing}");
        site.archive(11, site.at(3, HOUR));
        let verdict = site.verdict(site.at(3, 2 * HOUR));
        assert!(
            verdict.is_intact(),
            "{failing}: {:?}",
            site.states(site.at(3, 2 * HOUR))
        );
        assert_eq!(site.seed_day(), site.day(3));
    }
}

/// A vault in segments, the last of which is empty, as a full disk leaves it right after it was begun.
fn two_sealed_days_in_segments() -> Site {
    let site = Site::in_segments(KEYS);
    for mail in 0..5 {
        site.archive(mail, site.at(i64::from(mail) / 2, 0));
    }
    let segments = Listing::of(site.vault.all_names()).segments;
    let next = segments.last().unwrap().next().unwrap().file_name();
    site.vault.put(next.to_str().unwrap(), b"");
    site
}

/// The site after a hook at each of whose calls, one after the other, the disk failed once.
fn with_a_failure_at_each_call(
    before: &Site,
    mail: u8,
    at: UtcTime,
) -> impl Iterator<Item = (String, bool, Site)> {
    let site = before.copy();
    let _ = site.disk.take_calls();
    assert!(site.try_hook(mail, at));
    let calls = site.disk.take_calls();
    (0..calls.len()).map(move |number| {
        let (site, call) = (before.copy(), calls[number]);
        site.disk.set_faults(Faults {
            failing: vec![call],
            spared: calls[..number]
                .iter()
                .filter(|other| **other == call)
                .count(),
            times: Some(1),
            ..Faults::default()
        });
        let is_archived = site.try_hook(mail, at);
        site.disk.set_faults(Faults::default());
        (format!("{call}, call {number}"), is_archived, site)
    })
}

#[test]
fn whichever_call_fails_the_log_does_not_fork_and_no_honest_day_is_broken() {
    let mut failed = 0;
    for before in [two_sealed_days(), two_sealed_days_in_segments()] {
        for (what, is_archived, site) in with_a_failure_at_each_call(&before, 9, before.at(3, 0)) {
            assert!(!is_archived || site.has(9), "{what}");
            site.hook(10, site.at(2, 23 * HOUR));
            site.hook(11, site.at(3, HOUR));
            let (now, records) = (site.at(3, 2 * HOUR), site.records());
            let sequences = records.iter().map(|record| record.place.seq);
            assert!(sequences.eq(0..records.len() as u64), "{what}");
            assert!(
                site.verdict(now).is_intact(),
                "{what}: {:?}",
                site.states(now)
            );
            assert_eq!(site.seed_day(), site.day(3), "{what}");
            failed += 1;
        }
    }
    assert!(failed > 60, "{failed}");
}

/// The clock goes back at the worst moment: when the seals cannot say what is sealed.
#[test]
fn whichever_call_fails_no_record_is_dated_into_a_sealed_day() {
    let mut archived = 0;
    for before in [two_sealed_days(), two_sealed_days_in_segments()] {
        assert!(before.seal(before.at(3, 0), None).is_empty());
        let sealed = before.records().len();
        let back = before.at(2, 23 * HOUR);
        for (what, is_archived, site) in with_a_failure_at_each_call(&before, 9, back) {
            for record in &site.records()[sealed..] {
                assert!(
                    record.place.time >= site.at(3, 0),
                    "{what}: {:?}",
                    record.place
                );
            }
            archived += u32::from(is_archived);
        }
    }
    assert!(archived > 20, "{archived}");
}
