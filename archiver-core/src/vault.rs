//! The vault: a plain concatenation of ASCII-armored OpenPGP messages, one per mail (docs/format.md, section 7).

pub mod crc24;
pub mod dearmor;
pub mod scan;
