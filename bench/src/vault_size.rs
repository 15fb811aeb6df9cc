//! The whole corpus into a vault, by the hook and by gpg: how large the vaults get, and what a real mail costs on average.

use std::fs;
use std::time::Duration;

use crate::hook::{archive, encrypt};
use crate::run::{Bench, RunError};
use crate::samples::Spread;
use crate::table::Row;

/// Rows for the vault's size and the mean cost of a mail.
pub(crate) fn rows(bench: &Bench<'_>) -> Result<Vec<Row>, RunError> {
    let (vault, gpgs) = (bench.path("CORPUS"), bench.path("CORPUS.gpg"));
    let (mut ours, mut others) = (Duration::ZERO, Duration::ZERO);
    for mail in &bench.corpus.mails {
        ours += archive(bench, mail, &vault)?.cpu;
        if let Some(gpg) = &bench.gpg {
            others += encrypt(gpg, mail, &gpgs)?.cpu;
        }
    }
    let raw = bench.corpus.bytes;
    let count = bench.corpus.mails.len();
    let share = share(fs::metadata(&vault)?.len(), raw);
    let mut size = Row::new(
        format!("vault size against raw, {count} mails"),
        format!("{share:.3}"),
    )
    .target("≤ 0.65", share <= 0.65);
    if bench.gpg.is_some() {
        size = size.beside(format!(
            "{:.3}",
            self::share(fs::metadata(&gpgs)?.len(), raw)
        ));
    }
    let cpu = Row::times(
        "hook, corpus mail, mean CPU",
        mean(ours, count),
        bench.gpg.as_ref().map(|_| mean(others, count)),
    );
    Ok(vec![size, cpu])
}

#[allow(clippy::cast_precision_loss, reason = "shown with three decimals")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn mean(total: Duration, count: usize) -> Spread {
    let sum = Spread {
        median: total,
        least: total,
    };
    sum.each_of(count)
}
