//! Custody of an OpenPGP archive key, and the vault that it opens.
//!
//! - To hold a ceremony: make an [`ArchiveKey`](openpgp::archive_key::ArchiveKey), share its secret with
//!   [`Dealing::deal`](split::Dealing::deal), write each share with [`frame::to_qr_text`] and [`words::to_rows`], and the rest with
//!   [`Manifest`](manifest::Manifest).
//! - To archive a mail: the [`vault`] module, which needs the public certificate only.
//! - To open the vault: read sheets with [`frame::from_qr_text`] or [`words::rows_in`], gather them in a [`Gathering`](quorum::Gathering), and
//!   rebuild the secret from the [`Quorum`](quorum::Quorum).
//!
//! Nothing in this library prints, prompts, or reads the clock. The modules stand in the order in which data flows through them;
//! every format is specified in `docs/format.md`.

// What everything is made of.
pub mod counted;
pub mod identity;
pub mod secret;
pub mod threshold;

// The sharing of a secret: dealer, shares, quorum.
pub mod field;
pub mod sharing;
pub mod split;

pub mod share;

pub mod quorum;

// What is written down: on sheets, and beside the public key.
pub mod frame;
pub mod manifest;
pub mod public_folder;
pub mod sealed_key;
pub mod words;

// The archive key as an OpenPGP key, and the messages in the vault.
pub mod openpgp;
pub mod origin;
pub mod vault;

// What makes a rewritten vault show.
pub mod seal;
