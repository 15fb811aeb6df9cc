//! The real hook with `--seal-dir`, and `archiver-encrypt seal`: seal folders whose key is some days old, so that finals are due under the real clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod calls;
mod days;
mod lost;
mod site;
mod status;
mod wrong;
