//! The canary: a mail that is delivered by the very command that the recipes hold, in a process of its own, as the user who will run it.
//!
//! The hook's exit code and word are believed only when the record stands in the vault; and an installation is proven only when the hook was also seen to
//! keep a mail in the queue.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use super::checks::Check;
use super::recipes::Site;
use super::seals;
use super::user::User;
use crate::reply::{DELIVERED, TRY_AGAIN_LATER};
use crate::vault_reader::{VaultReadError, VaultReader};

const MAIL: &[u8] = b"From: canary@localhost\nTo: archive@localhost\nSubject: canary of archiver-encrypt setup\n\nProves the way into the vault.\n";

/// What is put behind a certificate's path to have one that is missing.
const MISSING: &str = ".missing-on-purpose";

/// Delivers a canary, and looks for its record in the vault.
pub(crate) fn deliver(site: &Site, user: &User) -> Vec<Check> {
    let before = VaultReader::open(site.vault().as_ref()).map_or(0, |vault| vault.size());
    let output = match run(&site.command(), user) {
        Ok(output) => output,
        Err(e) => return vec![not_started(site, &e)],
    };
    let confirmed = String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned();
    if output.status.code() != Some(DELIVERED.into()) || !confirmed.starts_with("archived seq=") {
        return vec![Check::bad(format!(
            "the canary was not archived ({}): {}",
            output.status,
            stderr(&output)
        ))];
    }
    vec![
        Check::good(format!(
            "a canary was archived as {} by: {}",
            user.name,
            site.command().join(" ")
        )),
        found(site, &confirmed, before),
    ]
    .into_iter()
    .chain(seals::of_canary(site, &confirmed, &stderr(&output)))
    .collect()
}

/// Delivers a canary with a certificate that is missing; the hook must refuse it.
pub(crate) fn refuse(site: &Site, user: &User) -> Vec<Check> {
    let missing = |word: String| {
        if word == site.cert() {
            word + MISSING
        } else {
            word
        }
    };
    let words: Vec<String> = site.command().into_iter().map(missing).collect();
    let output = match run(&words, user) {
        Ok(output) => output,
        Err(e) => return vec![not_started(site, &e)],
    };
    let is_refused = output.status.code() == Some(TRY_AGAIN_LATER.into())
        && output.stdout.is_empty()
        && output.stderr.starts_with(b"4.3.0 ");
    vec![if is_refused {
        Check::good(
            "a canary without a certificate was refused with exit code 75, so that the mail server keeps such a mail",
        )
    } else {
        Check::bad(format!(
            "a canary without a certificate was not refused as it must be ({}): {}",
            output.status,
            stderr(&output)
        ))
    }]
}

/// Looks for the record that the hook named among those that came since.
fn found(site: &Site, confirmed: &str, before: u64) -> Check {
    let is_it = || -> Result<bool, VaultReadError> {
        for record in VaultReader::open(site.vault().as_ref())?.records_from(before) {
            let place = record?.header.place;
            if format!("archived seq={} log={}", place.seq, place.log) == confirmed {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match is_it() {
        Ok(true) => Check::good(format!(
            "its record stands at the end of {}: {confirmed}",
            site.vault()
        )),
        Ok(false) => Check::bad(format!(
            "the hook said {confirmed}, but no such record stands at the end of {}",
            site.vault()
        )),
        Err(e) => Check::bad(e.to_string()),
    }
}

/// Without an environment, as Postfix starts programs almost without one.
fn run(words: &[String], user: &User) -> io::Result<Output> {
    let (program, args) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hook = Command::new(program);
    hook.args(args).env_clear().current_dir("/");
    hook.stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if user.is_root_acting {
        hook.uid(user.uid).gid(user.gid);
    }
    let mut hook = hook.spawn()?;
    if let Some(mut stdin) = hook.stdin.take() {
        // A hook that fails early closes its stdin; its exit code tells.
        let _ = stdin.write_all(MAIL);
    }
    hook.wait_with_output()
}

fn not_started(site: &Site, error: &io::Error) -> Check {
    Check::bad(format!("{} could not be started: {error}", site.hook()))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr)
        .trim_end()
        .to_owned()
}
