//! One mail at a time: a whole process of the hook, and of gpg, for mails of four sizes.
//!
//! The hook also makes the record durable; gpg only writes it. Processor time is compared, wall-clock time is told.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::child::{ChildError, Cost, measure};
use crate::corpus::synthetic;
use crate::gpg::Gpg;
use crate::run::{Bench, RunError};
use crate::samples::Samples;
use crate::table::{Row, mebibytes};

const KB: usize = 1024;
const MB: usize = 1024 * KB;

/// Different mails of each size.
const MAILS: usize = 10;

/// Rows for mails of 1 KB, 10 KB, 100 KB and 10 MB.
pub(crate) fn rows(bench: &Bench<'_>) -> Result<Vec<Row>, RunError> {
    let mut rows = Vec::new();
    for (name, size) in [
        ("1 KB", KB),
        ("10 KB", 10 * KB),
        ("100 KB", 100 * KB),
        ("10 MB", 10 * MB),
    ] {
        let big = size >= MB;
        let mails = synthetic::of_size(bench.scratch.path(), size, if big { 2 } else { MAILS })?;
        let pairs = if big {
            bench.scale.big_pairs
        } else {
            bench.scale.pairs
        };
        let (ours, gpg) = side_by_side(bench, &mails, pairs)?;
        let what = |quantity: &str| format!("hook, {name} mail, {quantity}");
        let cpu = Row::times(what("CPU"), ours.cpu(), gpg.as_ref().map(Samples::cpu));
        rows.push(match name {
            "10 KB" => cpu.at_least(4.0),
            "10 MB" => cpu.at_least(2.0),
            _ => cpu,
        });
        rows.push(Row::times(
            what("wall"),
            ours.wall(),
            gpg.as_ref().map(Samples::wall),
        ));
        let peak = Row::new(what("memory"), mebibytes(ours.peak()));
        let peak = match &gpg {
            Some(gpg) => peak.beside(mebibytes(gpg.peak())),
            None => peak,
        };
        rows.push(if big {
            peak.target("≤ 32 MiB", ours.peak() <= 32 * MB as u64)
        } else {
            peak
        });
    }
    rows.push(binary_size(bench)?);
    Ok(rows)
}

fn binary_size(bench: &Bench<'_>) -> Result<Row, RunError> {
    let size = std::fs::metadata(&bench.binaries.hook)?.len();
    let row = Row::new("hook, size of the program", mebibytes(size));
    Ok(row.target("≤ 6 MB", size <= 6_000_000))
}

fn side_by_side(
    bench: &Bench<'_>,
    mails: &[PathBuf],
    pairs: usize,
) -> Result<(Samples, Option<Samples>), RunError> {
    let (vault, gpgs) = (bench.path("VAULT"), bench.path("VAULT.gpg"));
    let mut turn = mails.iter().cycle();
    let mut ours = || {
        archive(
            bench,
            turn.next().map_or(Path::new(""), PathBuf::as_path),
            &vault,
        )
    };
    let Some(gpg) = &bench.gpg else {
        return Ok((Samples::take(pairs, ours)?, None));
    };
    let mut turn = mails.iter().cycle();
    let other = || {
        encrypt(
            gpg,
            turn.next().map_or(Path::new(""), PathBuf::as_path),
            &gpgs,
        )
    };
    // The first runs find nothing in the caches.
    ours()?;
    let (ours, gpg) = Samples::pairs(pairs, ours, other)?;
    Ok((ours, Some(gpg)))
}

/// Gives a mail to the hook.
pub(crate) fn archive(bench: &Bench<'_>, mail: &Path, vault: &Path) -> Result<Cost, ChildError> {
    let mut hook = bench.archive.hook(bench.binaries, vault);
    measure(hook.stdin(open(mail)?))
}

/// Gives a mail to `gpg … >> vault`.
pub(crate) fn encrypt(gpg: &Gpg, mail: &Path, vault: &Path) -> Result<Cost, ChildError> {
    let mut encrypt = gpg.encrypt();
    let mut options = OpenOptions::new();
    let end = options.append(true).create(true).open(vault);
    encrypt.stdin(open(mail)?);
    encrypt.stdout(end.map_err(|e| unusable(vault, e))?);
    measure(&mut encrypt)
}

fn open(mail: &Path) -> Result<File, ChildError> {
    File::open(mail).map_err(|e| unusable(mail, e))
}

fn unusable(path: &Path, source: io::Error) -> ChildError {
    ChildError::NotRun {
        program: format!("a command with the file {}", path.display()),
        source,
    }
}
