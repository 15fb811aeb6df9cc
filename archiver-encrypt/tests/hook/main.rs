//! The hook as a mail server starts it: the real binary, real files, real signals.
//!
//! Tests that need gpg, strace or a mount of their own say so loudly where these are missing, and fail there when `INTEROP=require`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

mod archive;
mod certificates;
mod command_line;
mod durability;
mod faults;
mod mails;
mod recipient_file;
mod signals;
mod together;
mod vault_path;
mod watch;
