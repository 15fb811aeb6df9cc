//! Opening a vault of 10 KB mails: `custodian open` on one core and on two, against one gpg process a mail (the loop of the article of
//! 2005), and against one `gpg --decrypt-files` for all.
//!
//! All of them read the same records and write a file a mail. What gpg's agent spends is counted with gpg. Its key is unlocked, which is the
//! cheapest that gpg can have it; the article's script gave a passphrase to each process, and gpg then stretches it each time.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::measure;
use crate::corpus::synthetic;
use crate::gpg::Gpg;
use crate::hook::archive;
use crate::run::{Bench, RunError};
use crate::samples::{Samples, Spread};
use crate::table::{Row, mebibytes, ratio};

mod cores;
mod records;

use cores::on_cores;

const MAIL: usize = 10 * 1024;
const MOST_MEMORY: u64 = 256 << 20;
const MILLION: u32 = 1_000_000;

/// What a mail costs gpg.
struct GpgCosts {
    with_passphrase: Duration,
    one_by_one: Duration,
    together: Duration,
}

/// Rows for the opening.
pub(crate) fn rows(bench: &Bench<'_>) -> Result<Vec<Row>, RunError> {
    let vault = fill(bench)?;
    let sheets = bench.archive.quorum()?;
    let mut round = 0;
    let mut open = |cores: usize| {
        round += 1;
        let out = bench.path(&format!("opened-{round}"));
        // The folders stay until the end: ext4 does not reuse the inode of a file deleted a moment ago, and searching for others costs time.
        on_cores(cores, || {
            measure(&mut command(bench, &sheets, &vault, &out))
        })
    };
    let mut one = Vec::new();
    let mut two = Vec::new();
    for _ in 0..bench.scale.openings.max(1) {
        one.push(open(1)??);
        two.push(open(2)??);
    }
    let gpg = match &bench.gpg {
        Some(_) => Some(by_gpg(bench, &vault, &sheets)?),
        None => None,
    };
    Ok(table(
        bench,
        &Samples::of(one),
        &Samples::of(two),
        gpg.as_ref(),
    ))
}

fn table(bench: &Bench<'_>, one: &Samples, two: &Samples, gpg: Option<&GpgCosts>) -> Vec<Row> {
    let mails = bench.scale.opened_mails;
    let each = one.cpu().each_of(mails);
    let beside = |time: Option<Duration>| {
        time.map(|time| Spread {
            median: time,
            least: time,
        })
    };
    let against = |what: &str, time| Row::times(what, each, beside(time));
    let speed_up = ratio(one.wall().median, two.wall().median);
    let million = each.median * MILLION;
    vec![
        against(
            "opening, a 10 KB mail, CPU, against the gpg loop, key locked",
            gpg.map(|g| g.with_passphrase),
        ),
        against(
            "opening, a 10 KB mail, CPU, against the gpg loop, key unlocked",
            gpg.map(|g| g.one_by_one),
        )
        .at_least(40.0),
        against(
            "opening, a 10 KB mail, CPU, against gpg --decrypt-files",
            gpg.map(|g| g.together),
        )
        .at_least(10.0),
        Row::times(
            "opening, a 10 KB mail, wall, one core",
            one.wall().each_of(mails),
            None,
        ),
        Row::times(
            "opening, a 10 KB mail, wall, two cores",
            two.wall().each_of(mails),
            None,
        ),
        Row::new("opening, two cores against one", format!("{speed_up:.2} ×"))
            .target("≥ 1.7 ×", speed_up >= 1.7),
        Row::new("opening, memory", mebibytes(one.peak().max(two.peak())))
            .target("≤ 256 MiB", one.peak().max(two.peak()) <= MOST_MEMORY),
        Row::new(
            "opening 1,000,000 such mails, CPU (computed)",
            format!("{:.1} min", million.as_secs_f64() / 60.0),
        )
        .target("≤ 4 min", million <= Duration::from_mins(4)),
    ]
}

fn fill(bench: &Bench<'_>) -> Result<PathBuf, RunError> {
    let vault = bench.path("OPENING");
    let mails = synthetic::of_size(bench.scratch.path(), MAIL, bench.scale.opened_mails)?;
    for mail in &mails {
        archive(bench, mail, &vault)?;
    }
    Ok(vault)
}

fn command(
    bench: &Bench<'_>,
    sheets: &[PathBuf],
    vault: &Path,
    out: &Path,
) -> std::process::Command {
    let mut open = bench.binaries.custodian();
    open.arg("open").arg("--public").arg(bench.archive.public());
    for sheet in sheets {
        open.arg("--sheet").arg(sheet);
    }
    open.arg("--out").arg(out).arg(vault);
    open
}

fn by_gpg(bench: &Bench<'_>, vault: &Path, sheets: &[PathBuf]) -> Result<GpgCosts, RunError> {
    let folder = bench.path("records");
    let records = records::split(vault, &folder, bench.scale.opened_mails)?;
    let (sample, rest) = records.split_at(bench.scale.loop_mails.min(records.len() / 2));
    let few = sample.get(..sample.len() / 30 + 1).unwrap_or(sample);
    let passphrase = bench.path("passphrase");
    fs::write(&passphrase, "worth nothing\n")?;
    let with_passphrase = [OsStr::new("--passphrase-file"), passphrase.as_os_str()];
    let locked = Gpg::with_key(
        &rebuilt_key(bench, sheets, &with_passphrase)?,
        &with_passphrase,
    )?;
    let unlocked = Gpg::with_key(
        &rebuilt_key(bench, sheets, &[OsStr::new("--unlocked")])?,
        &[],
    )?;
    Ok(GpgCosts {
        with_passphrase: one_by_one(&locked, few, &with_passphrase)?,
        one_by_one: one_by_one(&unlocked, sample, &[])?,
        together: with_agent(&unlocked, rest.len(), || {
            let mut together = unlocked.command();
            Ok(measure(together.arg("--decrypt-files").args(rest))?.cpu)
        })?,
    })
}

/// The key as a file, as for an auditor who only has gpg.
fn rebuilt_key(
    bench: &Bench<'_>,
    sheets: &[PathBuf],
    locked: &[&OsStr],
) -> Result<PathBuf, RunError> {
    let key = bench.path(&format!("rebuilt-{}.key.asc", locked.len()));
    let mut rebuild = bench.binaries.custodian();
    rebuild.arg("rebuild").args(locked).arg("--public");
    rebuild.arg(bench.archive.public()).arg("--out").arg(&key);
    for sheet in sheets {
        rebuild.arg("--sheet").arg(sheet);
    }
    measure(&mut rebuild)?;
    Ok(key)
}

/// The loop: a process for each record.
fn one_by_one(gpg: &Gpg, records: &[PathBuf], passphrase: &[&OsStr]) -> Result<Duration, RunError> {
    with_agent(gpg, records.len(), || {
        let mut total = Duration::ZERO;
        for record in records {
            let mut decrypt = gpg.command();
            decrypt.args(passphrase).arg("--decrypt").arg(record);
            decrypt.stdout(File::create(record.with_extension("eml"))?);
            total += measure(&mut decrypt)?.cpu;
        }
        Ok(total)
    })
}

/// The time for one of `count` mails, with what the agent spent meanwhile.
fn with_agent(
    gpg: &Gpg,
    count: usize,
    work: impl FnOnce() -> Result<Duration, RunError>,
) -> Result<Duration, RunError> {
    let before = gpg.agent_cpu()?;
    let spent = work()?;
    let agent = gpg.agent_cpu()?.saturating_sub(before);
    Ok((spent + agent) / u32::try_from(count).unwrap_or(u32::MAX).max(1))
}
