//! The mail server's page, docs/mail-server.md, with real procmail and real maildrop: the recipes and commands that are tried here are
//! taken out of the page, and only their paths are changed.
//!
//! A mail server is played by the tests: it hands a mail to procmail or maildrop, keeps it on exit code 75, and tries again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod appending;
mod delivery;
mod failures;
mod machine;
mod messages;
mod other_recipes;
mod page;
mod postfix;
mod site;
mod step_by_step;
