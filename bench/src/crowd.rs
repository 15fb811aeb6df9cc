//! Many hooks at once on one vault, each syncing its own record, as when a queue is flushed. Counted afterwards: nothing may be lost.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::{ChildError, output};
use crate::corpus::synthetic;
use crate::hook::archive;
use crate::run::{Bench, RunError};
use crate::table::Row;

const AT_ONCE: usize = 64;
const MAIL: usize = 10 * 1024;
const TARGET: f64 = 700.0;

/// The row for 64 hooks at once.
pub(crate) fn rows(bench: &Bench<'_>) -> Result<Vec<Row>, RunError> {
    let vault = bench.path("CROWD");
    let mails = bench.scale.crowd_mails;
    let took = deliver(bench, mails, &vault)?;
    let found = whole_records(bench, &vault)?;
    if found != mails as u64 {
        return Err(RunError::Lost {
            archived: mails,
            found,
        });
    }
    #[allow(clippy::cast_precision_loss, reason = "shown without decimals")]
    let rate = mails as f64 / took.as_secs_f64();
    let row = Row::new(
        "64 hooks at once, 10 KB mails, synced, none lost",
        format!("{rate:.0} mails/s"),
    );
    Ok(vec![row.target("≥ 700 mails/s", rate >= TARGET)])
}

fn deliver(bench: &Bench<'_>, mails: usize, vault: &Path) -> Result<Duration, RunError> {
    let mail = synthetic::of_size(bench.scratch.path(), MAIL, 1)?;
    let mail = mail.first().map_or(Path::new(""), |mail| mail.as_path());
    let begun = AtomicUsize::new(0);
    let one_after_the_other = || -> Result<(), ChildError> {
        while begun.fetch_add(1, Ordering::Relaxed) < mails {
            archive(bench, mail, vault)?;
        }
        Ok(())
    };
    let start = Instant::now();
    thread::scope(|scope| {
        let hooks: Vec<_> = (0..AT_ONCE)
            .map(|_| scope.spawn(one_after_the_other))
            .collect();
        hooks.into_iter().try_for_each(|hook| match hook.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(start.elapsed())
}

/// Records whose leaf is right and which follow the one before, as `custodian inspect` counts them. It fails when there is anything else.
fn whole_records(bench: &Bench<'_>, vault: &Path) -> Result<u64, RunError> {
    let mut inspect = Command::new(&bench.binaries.custodian);
    let json = output(inspect.args(["--quiet", "--json", "inspect"]).arg(vault))?;
    let report: serde_json::Value = serde_json::from_slice(&json).unwrap_or_default();
    let count = |name: &str| report.pointer(name).and_then(serde_json::Value::as_u64);
    Ok(count("/vaults/0/logs/0/verified_by_leaf").unwrap_or(0))
}
