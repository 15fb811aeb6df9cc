//! Sheets, printed, spoilt and scanned, must read back; everything else must fail by name.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking, and draws on pages of known size"
)]

mod bounds;
mod corpus;
mod damage;
mod hostile;
mod measure;
mod pdf;
mod print;
mod readable;
mod several;
mod tiffs;
mod turned;
