//! The ceremony as a whole, and reading its sheets back: printed pages as a scanner gives them, 300 dpi in grey.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::archive::{Archive, ArchiveError};
use crate::child::{is_installed, measure, output};
use crate::corpus;
use crate::run::{Bench, RunError};
use crate::samples::Samples;
use crate::table::{Row, milliseconds};

const RENDERER: &str = "pdftoppm";

/// Rows for the ceremony and for the sheets.
pub(crate) fn rows(bench: &Bench<'_>) -> Result<Vec<Row>, RunError> {
    let mut ceremonies = Vec::new();
    for round in 0..bench.scale.ceremonies.max(1) {
        let out = bench.path(&format!("ceremony-{round}"));
        ceremonies.push(Archive::hold(bench.binaries, &out)?.1);
    }
    let wall = Samples::of(ceremonies).wall();
    let ceremony = Row::new("ceremony, 3 of 5, wall", milliseconds(wall));
    let most = Duration::from_secs(3);
    Ok(vec![
        ceremony.target("≤ 3 s", wall.median <= most),
        sheets(bench)?,
    ])
}

fn sheets(bench: &Bench<'_>) -> Result<Row, RunError> {
    const WHAT: &str = "reading a page of 300 dpi, wall, the process's start included";
    if !is_installed(RENDERER) {
        return Ok(Row::skipped(WHAT, "pdftoppm is not installed"));
    }
    let pages = scans(bench)?;
    let samples = Samples::take(bench.scale.ceremonies, || {
        let mut check = bench.binaries.custodian();
        check
            .arg("check")
            .arg("--public")
            .arg(bench.archive.public());
        measure(check.args(&pages))
    })?;
    let each = samples.wall().each_of(pages.len());
    let a_second = 1.0 / each.median.as_secs_f64().max(1e-9);
    let shown = format!("{}, {a_second:.1} sheets/s", milliseconds(each));
    let most = Duration::from_millis(300);
    Ok(Row::new(WHAT, shown).target("≤ 0.3 s", each.median <= most))
}

fn scans(bench: &Bench<'_>) -> Result<Vec<PathBuf>, RunError> {
    for (number, pdf) in bench.archive.sheets()?.iter().enumerate() {
        render(pdf, &bench.path(&format!("scan-{number}")))?;
    }
    Ok(corpus::files(bench.scratch.path(), ".png")?)
}

fn render(pdf: &Path, picture: &Path) -> Result<(), ArchiveError> {
    let mut render = Command::new(RENDERER);
    render.args(["-r", "300", "-gray", "-png", "-singlefile"]);
    output(render.arg(pdf).arg(picture))?;
    Ok(())
}
