//! Attacks on the real hook: it is killed, frozen, asked to stop, starved, lied to, and called wrongly. Whatever is done to it, a mail that it acknowledged
//! is in the vault, and it ends with exit code 0 or 75. docs/reliability.md says what was tried, with the figures.
//!
//! Everything here goes through the command line and the vault's bytes. Counts are printed: `cargo test -p custody-tests --test reliability -- --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and prints what it counted"
)]

mod command_lines;
mod kills;
mod lies;
mod siege;
mod surroundings;
mod system_calls;
mod trace;
