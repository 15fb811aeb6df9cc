//! The verdict of the seals, end to end: vaults that were sealed day by day are attacked as files, and `custodian inspect` must name the day and the record.
//!
//! The attacker owns the server from one day on: he has every key from that day, the certificate, and all files. What he must not be able to do is to change
//! a day whose final stood before, or to cast doubt on one. Each row of the table in docs/format.md §8.6 is a test, and so are the three attacks
//! on systemd's sealed journal; [`scripts`] makes up thousands of others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says how much it looked at"
)]

mod attacker;
mod copies;
mod honest;
mod journald;
mod judge;
mod occasions;
mod retirement;
mod scripts;
mod table;
mod verdict;
