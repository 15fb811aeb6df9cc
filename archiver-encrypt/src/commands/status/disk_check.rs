//! Room on the vault's disk, and for how long it lasts at the rate at which the vault has grown lately.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use archiver_core::counted::Counted;
use archiver_core::identity::UtcTime;
use rustix::fs::{StatVfs, fstatvfs};
use serde::Serialize;

use super::Args;
use super::report::size;
use super::state::{Findings, State};
use crate::vault_place::folder_of;
use crate::vault_reader::VaultReader;

const DAY: u64 = 86_400;

/// The rate is that of about this time.
const LATELY: u64 = 7 * DAY;

/// Nothing is told of the rate of a shorter time.
const SHORTEST: u64 = DAY;

/// The vault's disk.
#[derive(Debug, Serialize)]
pub(crate) struct Disk {
    pub(crate) bytes: u64,
    /// What an ordinary user may still use.
    pub(crate) free_bytes: u64,
    pub(crate) free_percent: u64,
    /// How long the free room lasts, if that can be told.
    pub(crate) days_left: Option<u64>,
}

/// The disk on which a file or folder lies.
pub(crate) fn of(file: impl AsFd) -> Option<Disk> {
    let disk: StatVfs = fstatvfs(file).ok()?;
    let bytes = disk.f_blocks.saturating_mul(disk.f_frsize);
    let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let free_percent = u128::from(free_bytes) * 100 / u128::from(bytes.max(1));
    Some(Disk {
        bytes,
        free_bytes,
        free_percent: u64::try_from(free_percent).unwrap_or(100),
        days_left: None,
    })
}

/// The disk on which a file would lie, if its folder is there.
pub(crate) fn beside(path: &Path) -> Option<Disk> {
    of(File::open(folder_of(path)).ok()?)
}

/// Says whether there is enough room, and fills in for how long.
pub(crate) fn judge(
    mut disk: Disk,
    args: &Args,
    bytes_a_day: Option<u64>,
    findings: &mut Findings,
) -> Disk {
    disk.days_left = bytes_a_day.map(|rate| disk.free_bytes / rate.max(1));
    let state = match (disk.free_bytes, disk.bytes) {
        (free, all) if args.crit_free.is_more_than(free, all) => State::Critical,
        (free, all) if args.warn_free.is_more_than(free, all) => State::Warning,
        _ => State::Ok,
    };
    let days = disk.days_left;
    let days = days.map(|days| format!(", enough for {} at the recent rate", long_time(days)));
    let (free, percent) = (size(disk.free_bytes), disk.free_percent);
    let told = format!(
        "{free} ({percent} %) are free on the vault's disk{}",
        days.unwrap_or_default()
    );
    let look = "; when it is full, all mail waits in the queue";
    findings.add(
        state,
        if state == State::Ok {
            told
        } else {
            told + look
        },
    );
    disk
}

/// Beyond a century a number of days says nothing.
fn long_time(days: u64) -> String {
    const YEARS: u64 = 100;
    if days > YEARS * 365 {
        format!("more than {YEARS} years")
    } else {
        Counted(days, "day").to_string()
    }
}

/// How fast the vault has grown in the last week, or since it was begun. Looks at one record at each distance from the end, each twice as far.
pub(crate) fn bytes_a_day(vault: &VaultReader, now: UtcTime) -> Option<u64> {
    let mut distance: u64 = 1 << 20;
    loop {
        let from = vault.size().saturating_sub(distance);
        let first = vault.records_from(from).next()?.ok()?;
        let age = u64::try_from(now.unix() - first.header.place.time.unix()).unwrap_or(0);
        if age >= LATELY || from == 0 {
            let grown = vault.size() - first.offset;
            let a_day = u128::from(grown) * u128::from(DAY) / u128::from(age.max(1));
            return u64::try_from(a_day).ok().filter(|_| age >= SHORTEST);
        }
        distance = distance.saturating_mul(2);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::vault_reader::testing::record_at;

    const NOW: i64 = 1_795_552_117;

    #[test]
    fn how_long_the_room_lasts_is_told_as_far_as_it_means_anything() {
        let told = [0, 1, 36_500, 36_501, 12_157_650].map(long_time);
        let ages = "more than 100 years";
        assert_eq!(told, ["0 days", "1 day", "36500 days", ages, ages]);
    }

    /// The rate of a vault with one record of 100 KB each day, the last one now.
    fn rate_after(days: u64) -> (u64, Option<u64>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("VAULT");
        let day_before = |ago: u64| NOW - i64::try_from(ago * DAY).unwrap();
        let records = (0..=days)
            .rev()
            .map(|ago| record_at(days - ago, day_before(ago), 73_000));
        let records: Vec<Vec<u8>> = records.collect();
        std::fs::write(&path, records.concat()).unwrap();
        let vault = VaultReader::open(&path).unwrap();
        let now = UtcTime::from_unix(NOW).unwrap();
        (
            records.concat().len() as u64 / (days + 1),
            bytes_a_day(&vault, now),
        )
    }

    #[test]
    fn the_rate_is_that_of_about_the_last_week() {
        for days in [7, 30, 100] {
            let (a_record, rate) = rate_after(days);
            let rate = rate.unwrap();
            assert!(
                (a_record..=a_record * 5 / 4).contains(&rate),
                "{days} days: {rate}"
            );
        }
    }

    #[test]
    fn of_a_vault_of_less_than_a_day_nothing_is_told() {
        assert_eq!(rate_after(0).1, None);
        assert!(rate_after(1).1.is_some());
    }
}
