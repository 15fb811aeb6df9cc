//! The pages of a key ceremony as PDF bytes.
//!
//! Which function for which page:
//!
//! - for each custodian's sheet, [`share_sheet()`]: one page, the share as a QR code and as text to type;
//! - for the envelopes around them, [`envelope_labels()`];
//! - for the sheet that can declare the archive key dead, [`revocation_sheet()`];
//! - for the minutes that everybody signs, [`ceremony_record()`];
//! - for whoever opens the archive without this program, [`recovery_page()`];
//! - before any of them, [`missing_glyph`] on every name of the plan, so that a character that cannot be
//!   printed is refused before a key exists.
//!
//! The crate takes plain data and returns bytes. It reads no clock, no file and no environment; the same
//! input gives the same bytes. It makes nothing fit by cutting: text that has no room is an error that
//! names the field ([`PaperError`]).
//!
//! Data flows downwards through the modules: a page function checks its fields (`field`), sets them in the
//! embedded `fonts` (`typeset`), puts marks on a page model (`page`) and hands that to `draw`, the one
//! module that names the PDF library. `code` is the one module that names the QR encoder.
//!
//! # What is wiped, and what is not
//!
//! A share sheet's text, its marks, its drawing operators, its PDF streams and the PDF itself are wiped
//! when they are dropped. What cannot be wiped from here: the copies that `qrcode` makes while it encodes,
//! and those that `printpdf` and `lopdf` make while they turn operators into a stream. A program that
//! makes real sheets runs with an allocator that clears memory when it is freed.

// What a caller gives and gets.
mod error;
mod paper;
mod secret_pdf;

// Checking fields and setting text.
mod field;
mod fonts;
mod typeset;

// The model of a page, and what is put on it.
mod code;
mod flow;
mod form;
mod page;
mod parts;

// The pages.
mod ceremony_record;
mod envelope_labels;
mod recovery_page;
mod revocation_sheet;
mod share_sheet;

// From the model to PDF.
mod draw;

pub use ceremony_record::{
    CeremonyRecord, CeremonyStep, RecordedCustodian, RecordedFile, RecordedServer, Verdict,
    ceremony_record,
};
pub use envelope_labels::{EnvelopeLabels, envelope_labels};
pub use error::PaperError;
pub use fonts::missing_glyph;
pub use paper::Paper;
pub use recovery_page::{RecoveryPage, recovery_page};
pub use revocation_sheet::{RevocationSheet, revocation_sheet};
pub use secret_pdf::SecretPdf;
pub use share_sheet::{ShareSheet, share_sheet};
