//! The hook, and `seal`, under a clock that `HOOK_NOW` sets, in seconds since 1970: for tests of clocks that jump. The shipped program has nothing of
//! the kind.

use std::process::ExitCode;

use archiver_core::identity::UtcTime;

fn main() -> ExitCode {
    archiver_encrypt::main_entry_at(given_time)
}

fn given_time() -> Option<UtcTime> {
    let seconds = std::env::var("HOOK_NOW").ok()?;
    UtcTime::from_unix(seconds.parse().ok()?)
}
