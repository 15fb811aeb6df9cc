//! Where checkpoints are read from: the `.seals` file beside a vault, and files with finals that left the server.
//!
//! Only regular files are opened, so that no pipe makes the audit wait, and no more is read than stood there at first.

use std::io::{self, ErrorKind, Read as _};
use std::panic;
use std::path::{Path, PathBuf};

use archiver_core::seal::note::Kind;
use archiver_core::seal::notes::{Piece, pieces, read_pieces};
use archiver_core::seal::public_keys::SealKeys;
use mail_parser::MessageParser;
use serde::Serialize;

use crate::opening::OpenError;
use crate::opening::beside::seals_path;
use crate::opening::shown::harmless;
use crate::regular_file::open_regular;

/// Of a `.seals` file so much is read: ten years of a checkpoint every quarter of an hour are a fifth of it.
const MOST_BYTES: u64 = 1 << 30;
/// Ten years of finals are 2 MiB.
const MOST_BYTES_OF_FINALS: u64 = 64 << 20;

/// What was found beside a vault.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// There is no such file.
    Nothing(PathBuf),
    /// All of it was read.
    Read,
    /// It is too long, and what is behind the first so many bytes was not read.
    Unread(u64),
}

/// Gives what stands in the `.seals` file of a vault to `each`.
pub(super) fn read_seals(vault: &Path, each: impl FnMut(Piece)) -> Result<Beside, OpenError> {
    let path = seals_path(vault);
    let unreadable = unreadable("the seals", &path);
    let (file, length) = match open_regular(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Beside::Nothing(path.clone())),
        opened => opened.map_err(&unreadable)?,
    };
    read_pieces(file.take(length.min(MOST_BYTES)), each).map_err(&unreadable)?;
    Ok(if length > MOST_BYTES {
        Beside::Unread(MOST_BYTES)
    } else {
        Beside::Read
    })
}

fn unreadable(what: &'static str, path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Checkpoints {
        what,
        path: path.to_owned(),
        source,
    }
}

/// What a file with finals that left the server held.
#[derive(Debug, Serialize)]
pub(crate) struct FinalsReport {
    pub(crate) file: String,
    /// Finals of this archive's logs; interim checkpoints may stand beside them.
    pub(crate) finals: u64,
    /// Checkpoints of other logs.
    pub(crate) others: u64,
}

/// Checkpoints that left the server: mailed, printed, kept by custodians.
pub(super) struct Kept {
    pub(super) report: FinalsReport,
    pub(super) pieces: Vec<Piece>,
}

impl Kept {
    /// Reads a file: what `archiver-encrypt seal --print-finals` printed, with whatever text around it, or the mail in which it came.
    pub(super) fn read(path: &Path, keys: &SealKeys) -> Result<Self, OpenError> {
        let unreadable = unreadable("the file with finals", path);
        let (file, length) = open_regular(path).map_err(&unreadable)?;
        if length > MOST_BYTES_OF_FINALS {
            return Err(unreadable(ErrorKind::FileTooLarge.into()));
        }
        let mut bytes = Vec::new();
        let read = file.take(MOST_BYTES_OF_FINALS).read_to_end(&mut bytes);
        read.map_err(&unreadable)?;
        let mut report = FinalsReport {
            file: harmless(&path.to_string_lossy()),
            finals: 0,
            others: 0,
        };
        let pieces = checkpoints_in(&bytes);
        for note in pieces.iter().filter_map(|piece| piece.note.as_ref().ok()) {
            let is_ours = keys.of_log(note.claimed.origin.log).is_some();
            report.others += u64::from(!is_ours);
            report.finals += u64::from(is_ours && note.claimed.kind == Kind::Final);
        }
        Ok(Self { report, pieces })
    }
}

fn checkpoints_in(file: &[u8]) -> Vec<Piece> {
    let as_it_is = notes_in(file);
    if as_it_is.is_empty() {
        notes_in_mail(file)
    } else {
        as_it_is
    }
}

/// The notes of a text, whose lines may end as they do in mails.
fn notes_in(text: &[u8]) -> Vec<Piece> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let lines: Vec<u8> = lines.flat_map(without_carriage_return).copied().collect();
    pieces(&lines, 0)
        .filter(|piece| piece.note.is_ok())
        .collect()
}

fn without_carriage_return(line: &[u8]) -> impl Iterator<Item = &u8> {
    match line.strip_suffix(b"\r\n") {
        Some(text) => text.iter().chain(b"\n"),
        None => line.iter().chain(b""),
    }
}

/// The notes of a mail whose text was encoded on its way.
fn notes_in_mail(file: &[u8]) -> Vec<Piece> {
    let parsed = panic::catch_unwind(|| {
        let mail = MessageParser::default().parse(file)?;
        let texts = mail.parts.iter().map(|part| notes_in(part.contents()));
        Some(texts.flatten().collect())
    });
    parsed.ok().flatten().unwrap_or_default()
}
