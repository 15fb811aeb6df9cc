//! Custody of an OpenPGP archive key, and the vault that it opens.

pub mod field;
pub mod frame;
pub mod identity;
pub mod manifest;
pub mod quorum;
pub mod sealed_key;
pub mod secret;
pub mod share;
pub mod sharing;
pub mod split;
pub mod threshold;
