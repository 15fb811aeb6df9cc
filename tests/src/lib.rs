//! What the end-to-end tests share: the real binaries, scratch ceremonies, and outside programs.
//!
//! The binaries are built once, through the cargo that runs the tests, so that what is tested is what is shipped. A test that needs an outside program says
//! loudly that it was skipped when the program is missing, and fails instead when `INTEROP=require` is set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "test support fails by panicking, and reports a skipped test on stderr"
)]

mod archive;
mod binaries;
mod ceremony;
mod dice;
mod forgery;
mod ledger;
mod outside;
mod run;
mod seal_folder;
mod stopped;
mod window;

pub use archive::{Archive, Contents, Record, vault_bytes};
pub use binaries::{custodian, hook};
pub use ceremony::{Ceremony, PLAN, rehearsal_mails};
pub use dice::Dice;
pub use forgery::{Forged, forge_public_folder};
pub use ledger::{End, Judgement, Ledger};
pub use outside::{Gpg, Tmpfs, may_mount, needs, needs_root, tmpfs};
pub use run::{Ran, run, run_with_stdin, with_default_signals};
pub use rustix::process::Signal;
pub use seal_folder::{SEALED_ARCHIVE, make_seal_folder, sealed_delivery, today};
pub use stopped::{Step, signalled_after, steps_of};
pub use window::Window;
