//! The key ceremony, from plan to paper: everything is made and proved in memory, and written only when all of it holds.
//!
//! The story is in [`hold`]; what was expected and observed at each step goes into the [`minutes`], which become the ceremony record.

pub(crate) mod environment;
mod files;
pub(crate) mod hold;
pub(crate) mod minutes;
pub(crate) mod output;
mod pages;
mod prove;
mod seals;
