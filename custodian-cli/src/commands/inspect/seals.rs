//! The verdict of the seals in words, for the reader of `inspect`.

use std::fmt::Write as _;

use archiver_core::counted::Counted;

use super::{SHOWN, more};
use crate::opening::sealing::{DayReport, DayState, Numbers, SameLog, SealReport, SealsReport};

pub(super) fn describe(seals: &SealsReport, text: &mut String) {
    if let Some(why) = seals.not_verified {
        let _ = writeln!(text, "Seals: {why}");
    }
    let Some(logs) = &seals.logs else { return };
    if let Some(as_of) = &seals.as_of {
        let _ = writeln!(text, "The seals are judged as of {as_of}.");
    }
    for log in logs {
        describe_log(log, text);
    }
    for server in &seals.servers_not_looked_at {
        let _ = writeln!(
            text,
            "Not looked at: {}, log {}: nothing of it stands in these vaults",
            server.server, server.log
        );
    }
    for file in &seals.finals {
        let said = match (file.finals, file.others) {
            (0, 0) => "NO FINAL was found in it: is this the file?".to_owned(),
            (0, others) => format!(
                "NO FINAL of these logs; {} of other logs",
                checkpoints(others)
            ),
            (finals, 0) => format!("{} of these logs", Counted(finals, "final")),
            (finals, others) => format!(
                "{} of these logs, {} of other logs",
                Counted(finals, "final"),
                checkpoints(others)
            ),
        };
        let _ = writeln!(text, "Kept elsewhere: {}: {said}", file.file);
    }
    for same in &seals.same_log {
        let _ = writeln!(text, "{}", same_log(same));
    }
    text.push_str("What the seals cannot say:\n");
    for limit in seals.cannot_say {
        let _ = writeln!(text, "  {limit}");
    }
}

fn checkpoints(number: u64) -> Counted<'static> {
    Counted(number, "checkpoint")
}

fn describe_log(log: &SealReport, text: &mut String) {
    let place = log.vault.as_deref().unwrap_or("NOT FOUND in these vaults");
    let SealReport {
        server, log: id, ..
    } = log;
    let _ = writeln!(text, "Seals of {server}, log {id}: {place}");
    for days in log.days.chunk_by(is_one_run) {
        let _ = writeln!(text, "  {}", run(days));
    }
    if let Some(last) = last_before_a_missing_end(&log.days) {
        let _ = writeln!(
            text,
            "  nothing is sealed behind {last}: if the vault was copied soon after, say when (--copied)"
        );
    }
    let mut kept = log.days.iter().filter(|day| day.kept_elsewhere);
    if let Some(first) = kept.next() {
        let (last, count) = kept.fold((first, 1), |(_, count), day| (day, count + 1));
        let _ = writeln!(
            text,
            "  the finals of {}, {} to {}, are those that were kept elsewhere",
            Counted(count, "day"),
            first.day,
            last.day
        );
    }
    for finding in log.findings.listed.iter().take(SHOWN) {
        let _ = writeln!(text, "  noticed: {finding}");
    }
    more(&log.findings, text);
}

/// The last day before the days at the end of the log that are without their seal.
fn last_before_a_missing_end(days: &[DayReport]) -> Option<&str> {
    let over = days.iter().rposition(|day| day.state != DayState::Open)?;
    let sealed = days[..=over]
        .iter()
        .rposition(|day| day.state != DayState::Missing)?;
    (sealed < over).then(|| days[sealed].day.as_str())
}

fn same_log(same: &SameLog) -> String {
    let SameLog {
        log,
        longer,
        records,
        other,
        records_of_other,
        ..
    } = same;
    let parts = || {
        format!(
            "{longer} holds {}, {other} {}",
            held(*records, same.numbers),
            held(*records_of_other, same.numbers_of_other)
        )
    };
    let of_all = Counted(*records, "record");
    if let Some(record) = same.differ_at {
        format!(
            "ONE LOG, TWO PASTS: log {log} stands in {longer} and in {other}, and they differ from its record {record} on"
        )
    } else if same.in_common == 0 {
        format!("Two parts of one log, {log}: {}", parts())
    } else if same.are_the_same() {
        format!("One log twice: {longer} and {other} hold the same {of_all} of log {log}")
    } else if same.other_is_the_beginning() {
        let lacking = records - records_of_other;
        format!(
            "One log twice: {longer} is longer; {other} is the beginning of it, and lacks the last {lacking} of {of_all} of log {log}"
        )
    } else {
        format!(
            "Two parts of one log, {log}: {}; what both have is the same",
            parts()
        )
    }
}

/// Which numbers of a log a vault holds.
fn held(records: u64, numbers: Numbers) -> String {
    let Numbers { lowest, highest } = numbers;
    if (highest - lowest).checked_add(1) == Some(records) {
        format!("{lowest} to {highest}")
    } else {
        format!("{} of {lowest} to {highest}", Counted(records, "record"))
    }
}

/// Days that are told in one line: sealed ones, and missing ones.
fn is_one_run(one: &DayReport, next: &DayReport) -> bool {
    let is_same = one.state == next.state && (one.retired > 0) == (next.retired > 0);
    is_same && matches!(one.state, DayState::Sealed | DayState::Missing)
}

fn run(days: &[DayReport]) -> String {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return String::new();
    };
    let records: u64 = days.iter().map(|day| day.records).sum();
    let retired: u64 = days.iter().map(|day| day.retired).sum();
    let days = if days.len() == 1 {
        first.day.clone()
    } else {
        format!("{} to {}", first.day, last.day)
    };
    let state = match (first.state, &first.reason) {
        (DayState::Sealed, _) => "sealed".to_owned(),
        (DayState::Open, _) => "open".to_owned(),
        (DayState::Broken, Some(why)) => why.replacen("broken", "BROKEN", 1),
        (DayState::Broken, None) => "BROKEN".to_owned(),
        (DayState::Missing, _) => "MISSING: no final stands".to_owned(),
    };
    let removed = match retired {
        0 => String::new(),
        retired => format!(" (retired: {} removed)", Counted(retired, "record")),
    };
    format!("{days}  {state}{removed}, {}", Counted(records, "record"))
}
