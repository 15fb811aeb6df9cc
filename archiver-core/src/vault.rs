//! The vault: armored OpenPGP messages in a file, or in the segments of a folder, one per mail, each of ours with one header that
//! links it to the one before (docs/format.md §7).
//!
//! Modules in the order in which data flows through them: first when a mail is archived, then when the vault is read. Nothing
//! here opens files, prints or reads the clock.

pub mod leaf;

pub mod gap;

pub mod header;

pub mod armor;

pub mod disk;

pub mod segments;

pub mod end;

pub mod retired;

pub mod writable;

pub mod append;

pub mod tail;

pub mod no_vault;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says how much it looked at"
)]
pub(crate) mod crash;
#[cfg(test)]
pub(crate) mod memory_disk;

pub(crate) mod stretch;

pub mod scan;

pub mod dearmor;

pub mod read;

pub mod chain;

pub mod retire;

pub(crate) mod crc24;
