//! The mails of a rehearsal: those that the program carries, or a folder's.

use std::fs;
use std::io;
use std::path::Path;

/// One practice mail, byte for byte.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

macro_rules! carried {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_bytes!(concat!("../../rehearsal-mails/", $name)) as &[u8])),+]
    };
}

/// Varied on purpose: 8-bit, multipart, CRLF, a From line, NUL bytes, empty, no final newline, armor inside, long, hostile.
const CARRIED: [(&str, &[u8]); 14] = carried![
    "01-plain.eml",
    "02-eight-bit-utf-8.eml",
    "03-eight-bit-latin-1.eml",
    "04-multipart-with-attachment.eml",
    "05-html-alternative.eml",
    "06-crlf-line-ends.eml",
    "07-from-line.eml",
    "08-nul-bytes.eml",
    "09-empty-body.eml",
    "10-empty-file.eml",
    "11-no-final-newline.eml",
    "12-armor-inside.eml",
    "13-long-line.eml",
    "14-hostile-headers.eml",
];

/// The mails that the program carries.
pub(crate) fn carried() -> Vec<Mail> {
    CARRIED
        .iter()
        .map(|(name, bytes)| Mail {
            name: (*name).to_owned(),
            bytes: bytes.to_vec(),
        })
        .collect()
}

/// The files of a folder, in order of their names; sub-folders are left out.
pub(crate) fn from_folder(folder: &Path) -> io::Result<Vec<Mail>> {
    let mut mails = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            mails.push(Mail {
                name,
                bytes: fs::read(&path)?,
            });
        }
    }
    mails.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(mails)
}
