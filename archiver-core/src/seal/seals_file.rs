//! The `.seals` file beside a vault, as its writer sees it: the last notes, and one more.

use std::ffi::OsString;
use std::io::{self, ErrorKind};

use super::note::{MOST_BYTES, Note};
use super::notes::pieces;
use crate::vault::disk::{DiskFile, Folder, ReadAt};

/// Where the last note is looked for: usually it is the last thing in the file, and sometimes interrupted runs have left something behind it.
const ENDS: [u64; 2] = [2 * MOST_BYTES as u64, 64 * 1024];

/// The file, which need not exist yet.
#[derive(Debug)]
pub(super) struct SealsFile<'a, F> {
    pub(super) folder: &'a F,
    pub(super) name: OsString,
}

impl<F: Folder> SealsFile<'_, F> {
    /// The whole notes in the file's end, in its order; and then those in a longer end, when they are asked for. Nobody has verified them.
    pub(super) fn ends(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<Note>>>> {
        let ends = self.open()?.into_iter().flat_map(|(file, size)| {
            let ends = ENDS.into_iter();
            ends.map(move |length| notes_in_end(&file, size, length))
        });
        Ok(ends)
    }

    /// The notes in the file's end, as much of it as it takes until one of them is the wanted one; all of them when none is.
    pub(super) fn back_to(&self, is_wanted: impl Fn(&Note) -> bool) -> io::Result<Vec<Note>> {
        let Some((file, size)) = self.open()? else {
            return Ok(Vec::new());
        };
        let [_, mut length] = ENDS;
        loop {
            let notes = notes_in_end(&file, size, length)?;
            if length >= size || notes.iter().any(&is_wanted) {
                return Ok(notes);
            }
            length = length.saturating_mul(8);
        }
    }

    /// With its size, if it is there.
    fn open(&self) -> io::Result<Option<(F::File, u64)>> {
        let file = match self.folder.open_to_read(&self.name) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let size = file.size()?;
        Ok(Some((file, size)))
    }

    /// Appends a note, on a line of its own also behind one that was cut off, and returns when it is on stable storage.
    pub(super) fn append(&self, note: &Note) -> io::Result<()> {
        let mut file = match self.folder.open(&self.name) {
            Err(e) if e.kind() == ErrorKind::NotFound => self.folder.create_new(&self.name)?,
            opened => opened?,
        };
        append_line(&mut file, &note.to_string())?;
        file.sync()?;
        self.folder.sync_name(&self.name)
    }
}

fn notes_in_end(file: &impl ReadAt, size: u64, length: u64) -> io::Result<Vec<Note>> {
    let start = size.saturating_sub(length);
    let mut end = vec![0; usize::try_from(size - start).map_err(io::Error::other)?];
    file.read_exact_at(&mut end, start)?;
    let notes = pieces(&end, start).filter_map(|piece| piece.note.ok());
    Ok(notes.collect())
}

/// Appends lines, after an LF when the last one was cut off.
pub(super) fn append_line(file: &mut impl DiskFile, lines: &str) -> io::Result<()> {
    let size = file.size()?;
    let mut last = *b"\n";
    if size > 0 {
        file.read_exact_at(&mut last, size - 1)?;
    }
    let newline: &[u8] = if last == *b"\n" { b"" } else { b"\n" };
    let written = file.append(&[newline, lines.as_bytes()])?;
    if written < newline.len() + lines.len() {
        return Err(ErrorKind::StorageFull.into());
    }
    Ok(())
}
