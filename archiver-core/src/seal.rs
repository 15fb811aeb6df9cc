//! Seals: what makes a rewritten past show, although whoever rewrites it may own the mail server (docs/format.md §8).
//!
//! Each UTC day of a log has a signing key of its own, which is erased when the day's last checkpoint, its *final*, stands. Nobody who
//! breaks in later can sign for that day again. The public keys of all days are published at the ceremony, so the verdict needs no secret.
//!
//! Modules in the order in which data flows through them. Nothing here prints, reads the clock, or opens files by name.

pub mod day;

mod ed25519;

pub mod keys;

pub mod public_keys;

pub mod seed_file;

pub mod server;

pub mod merkle;

pub mod note;

pub mod notes;

pub mod seal_folder;

mod state;

mod seals_file;

mod replay;

mod position;

pub mod writer;

pub use self::position::Contradiction;

pub mod verify;

pub mod installation;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod vectors;
