//! Whether an armor is laid out as our own: 64 columns, LF, no blanks (docs/format.md §7.1).

/// Our armor has this many base64 characters a line.
const COLUMNS: usize = 64;

/// Watches whether an armor is laid out as ours.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) canonical: bool,
    /// Characters of the current line so far.
    column: usize,
    /// A line shorter than the others was seen; it must be the last.
    short: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            canonical: true,
            column: 0,
            short: false,
        }
    }
}

impl Layout {
    pub(super) fn exact_line(&mut self, line: &[u8], text: &[u8]) {
        self.canonical &= line.strip_suffix(b"\n") == Some(text);
    }

    pub(super) fn data(&mut self, piece: &[u8], content: &[u8]) {
        let ends = piece.ends_with(b"\n");
        self.column += content.len();
        self.canonical &= piece.len() == content.len() + usize::from(ends);
        self.canonical &= !self.short && self.column <= COLUMNS;
        if ends {
            self.canonical &= self.column > 0;
            self.short = self.column < COLUMNS;
            self.column = 0;
        }
    }

    pub(super) fn end_of_data(&mut self, checksum_line: &[u8]) {
        self.canonical &= checksum_line.len() == 6 && checksum_line.ends_with(b"\n");
    }
}
