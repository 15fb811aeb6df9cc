//! OpenPGP, as far as the archive needs it. Sequoia is named in this module and its children only, and none of its
//! types leaves the crate.

pub mod archive_key;
pub mod certificate;
pub mod encrypt;
pub mod framing;
pub mod recipient;
pub mod session_key;
pub mod signature;

pub mod recipients;

pub mod decrypt;
