//! Measures the programs beside gpg, on the same mails, in one run on one machine; and says what the targets are.
//!
//! Everything is measured from outside, as whole processes: what a mail server or an auditor would pay. The keys are thrown away with the
//! scratch folder. The modules stand in the order in which a run goes through them.

// What is measured with.
pub mod binaries;
pub mod child;
pub mod samples;

// What is measured on.
pub mod archive;
pub mod corpus;
pub mod gpg;

// What is measured.
mod crowd;
mod hook;
mod opening;
mod paper;
mod vault_size;

// What comes of it.
pub mod document;
pub mod machine;
pub mod run;
pub mod table;
