//! Operating the hook, with the real programs: its line in the system's log, `status`, `setup`, and the Debian packages on a machine of their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod host;
mod log;
mod package;
mod setup;
mod setup_seals;
mod status;
mod status_writing;
