//! The real Postfix, on loopback only, as the page wires it to the archive: what it is given arrives in the vault, and whatever fails, nothing is lost.

mod claims;
mod client;
mod envelope;
mod ordeal;
mod server;

pub(crate) use server::{Postfix, Route};
