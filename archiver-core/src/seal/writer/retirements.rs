//! A sealing server whose first segments were retired.

use std::ffi::OsStr;

use super::site::Site;
use super::*;
use crate::seal::seal_folder::STATE_FILE;
use crate::seal::verify::{Record, Verdict};
use crate::vault::append::append;
use crate::vault::memory_disk::MemoryFolder;
use crate::vault::retire::tests::{links, retire_first};

const HOUR: i64 = 3600;

/// Three days with two mails each; every mail is a segment.
fn three_days() -> Site {
    let site = Site::new(200);
    let rules = b"archiver segments 1 size=1 day=no";
    site.vault.put("segments.conf", rules);
    for mail in 0..6_u8 {
        let (day, hour) = (i64::from(mail / 2), i64::from(mail % 2));
        let anomalies = hook(&site, mail, site.at(day, hour * HOUR));
        assert!(anomalies.is_empty(), "{anomalies:?}");
    }
    site
}

fn vault(site: &Site) -> WritableVault<MemoryFolder> {
    WritableVault::segments(site.vault.clone())
}

fn hook(site: &Site, mail: u8, at: UtcTime) -> Vec<Anomaly> {
    let mut sealer = Sealer::open(site.seals.clone()).unwrap();
    let mail = super::site::sealed(mail);
    sealer.append(&mut vault(site), mail, || at).unwrap();
    sealer.take_anomalies()
}

fn verdict(site: &Site, now: UtcTime) -> Verdict {
    let records = links(&site.vault).into_iter();
    site.verdict_on(
        now,
        records.map(|(place, leaf, fault)| Record {
            place,
            leaf,
            fault,
            is_retired: false,
        }),
    )
}

#[test]
fn a_server_that_remembers_nothing_reads_retired_leaves_and_goes_on_sealing() {
    for retired in 1..=5 {
        let site = three_days();
        for _ in 0..retired {
            retire_first(&site.vault);
        }
        site.seals.put(STATE_FILE, b"");
        let anomalies = hook(&site, 9, site.at(3, 0));
        assert!(anomalies.is_empty(), "{anomalies:?}");
        let verdict = verdict(&site, site.at(3, HOUR));
        assert!(verdict.is_intact(), "{verdict:?}");
        assert_eq!(links(&site.vault).len(), 7);
    }
}

#[test]
fn finals_of_days_that_were_overrun_count_retired_leaves() {
    let site = three_days();
    for day in 2..5 {
        let at = site.at(day, 2 * HOUR);
        append(&mut vault(&site), super::site::sealed(20), || at).unwrap();
    }
    for _ in 0..7 {
        retire_first(&site.vault);
    }
    let anomalies = hook(&site, 9, site.at(5, 0));
    assert!(anomalies.is_empty(), "{anomalies:?}");
    assert!(verdict(&site, site.at(5, HOUR)).is_intact());
}

#[test]
fn without_the_files_or_with_lying_ones_nothing_more_is_sealed_and_mail_is_archived() {
    let honest = three_days();
    for _ in 0..2 {
        retire_first(&honest.vault);
    }
    let (first, second) = ("VAULT-000001.retired", "VAULT-000002.retired");
    let (one, two) = (honest.vault.bytes(first), honest.vault.bytes(second));
    let lies: [(&str, Option<Vec<u8>>); 4] = [
        (first, None),
        (second, None),
        (first, Some(two)),
        (second, Some(one[..one.len() - 1].to_vec())),
    ];
    for (name, lie) in lies {
        let site = honest.copy();
        match lie {
            Some(bytes) => site.vault.put(name, &bytes),
            None => site.vault.remove(OsStr::new(name)).unwrap(),
        }
        site.seals.put(STATE_FILE, b"");
        let notes = site.notes().len();
        let anomalies = hook(&site, 9, site.at(3, 0));
        assert!(!anomalies.is_empty(), "{name}");
        assert_eq!(site.notes().len(), notes, "{name}");
    }
}
