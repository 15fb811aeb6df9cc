//! One file a command: its arguments, its run, its report.

pub(crate) mod ceremony;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod open;
pub(crate) mod rebuild;
pub(crate) mod rehearse;
pub(crate) mod retire;
