//! The rehearsal: the whole story with real parts, on practice mails. Everything it makes is marked and never opens a real archive.

mod hook;
pub(crate) mod mails;
pub(crate) mod story;
