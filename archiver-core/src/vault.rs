//! The vault: a file of armored OpenPGP messages, one per mail, each of ours with one header that links it to the one
//! before (docs/format.md §7).
//!
//! Modules in the order in which data flows through them: first when a mail is archived, then when the vault is read. Nothing
//! here opens files, prints or reads the clock.

pub mod leaf;

pub mod header;

pub mod armor;

pub mod file;

pub mod append;

mod tail;

pub mod scan;

pub mod dearmor;

pub mod read;

pub mod chain;

pub(crate) mod crc24;
