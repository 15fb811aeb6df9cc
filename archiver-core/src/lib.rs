//! Custody of an OpenPGP archive key, and the vault that it opens.

pub mod identity;
pub mod openpgp;
pub mod secret;
pub mod vault;
