//! From the bytes of a sheet's scan to the texts of the QR codes on it, and from the page of a PDF
//! document to pixels.
//!
//! A crate of its own because the decoders behind it are large and meet hostile input: nothing
//! else is in it. It opens no files, knows no shares and prints nothing.
//!
//! - To read a scan, PNG, JPEG, TIFF or PDF: [`read_codes`]; to follow it and to say which texts matter:
//!   [`read_codes_watched`] with a [`Watch`].
//! - To render a document and look at the pixels: [`render_pdf`], [`GreyPage`]; to read codes from
//!   them: [`read_page`].
//! - To tell what a file is: [`Kind::of`].
//!
//! # Hostile input
//!
//! The size of an image is checked against the [`Limits`] before anything of that size is
//! allocated. Panics of decoders are caught and become [`ScanError::Crashed`] or count as nothing
//! seen; the process's panic hook, wrapped at the first scan, does not print their messages, which
//! might quote a text. The readers of codes stop at the deadline. The PDF renderer cannot be
//! stopped: it is left behind in its thread. The images of a PDF are checked by their sizes before
//! it begins; what else a PDF makes the renderer allocate is not limited.
//!
//! # Several sheets on one page
//!
//! What was read is painted over before the next look, and the looks go on while anything is left
//! that resembles a code. What stays unread is told to the [`Watch`], as is every page without a
//! code. A sheet that no look shows as a code, torn or very pale, goes unnoticed beside others.
//!
//! # Secrets in memory
//!
//! Texts ([`CodeText`]), pixels ([`GreyPage`]) and every buffer of this crate's own are wiped when
//! dropped. What the decoders allocate inside is not: the JPEG decoder's copy of the file and its
//! rows, the PNG decoder's last rows, the TIFF decoder's last rows and JPEG strips, a fax page's
//! last row, the renderer's drawing layers and images, rxing's black and
//! white copy of the page and its bits and strings of a code, rqrr's bits of a code. Wiping them
//! is left to the end of the process, or to a machine that is switched off after the ceremony.

mod code_text;
mod colour;
mod contain;
mod decode;
mod filters;
mod harvest;
mod kind;
mod ladder;
mod limits;
mod page;
mod pdf;
mod place;
mod read;
mod readers;
mod source;
mod tiff_file;

pub use code_text::CodeText;
pub use kind::Kind;
pub use ladder::Step;
pub use limits::Limits;
pub use page::GreyPage;
pub use pdf::render_pdf;
pub use read::{ScanError, Watch, read_codes, read_codes_watched, read_page};
