//! The vault against crashes: histories of writers on a disk in memory, every state that a crash may leave behind at any moment of
//! them, and what must hold in each.

pub(crate) mod choices;
pub(crate) mod states;

mod bugs;
mod faults;
pub(crate) mod history;
mod honesty;
pub(crate) mod judge;
mod tests;
