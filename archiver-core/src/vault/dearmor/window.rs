//! A window on a record's raw bytes: filled from the source, given out line by line.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter};

use super::is_blank;

/// A piece of the record's raw bytes.
#[derive(Debug)]
pub(super) struct Window<R> {
    pub(super) source: R,
    pub(super) bytes: Vec<u8>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) at_end: bool,
    pub(super) at_line_start: bool,
    /// Whole lines before `start`.
    pub(super) lines: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R, size: usize) -> Self {
        Self {
            source,
            bytes: vec![0; size],
            start: 0,
            end: 0,
            at_end: false,
            at_line_start: true,
            lines: 0,
        }
    }

    /// Drops what was taken and reads until the window is full or the source is at its end.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while !self.at_end && self.end < self.bytes.len() {
            let free = self.bytes.get_mut(self.end..).unwrap_or_default();
            match self.source.read(free) {
                Ok(read) => {
                    self.at_end = read == 0;
                    self.end += read;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// The next line with its line end, when the window holds it whole.
    pub(super) fn line(&self) -> Option<&[u8]> {
        let rest = self.unread();
        match memchr(b'\n', rest) {
            Some(at) => rest.get(..=at),
            None => (self.at_end && !rest.is_empty()).then_some(rest),
        }
    }

    /// Whether filling the window can bring more of the line that starts at its unread part.
    pub(super) fn can_grow(&self) -> bool {
        !self.at_end && self.start > 0
    }

    pub(super) fn take(&mut self, length: usize) {
        let (taken, _) = self.unread().split_at(length);
        let ends_a_line = taken.last() == Some(&b'\n');
        self.start += length;
        self.at_line_start = ends_a_line;
        self.lines += u64::from(ends_a_line);
    }

    /// How many lines from `window` on have only characters that can stand in base64 text.
    pub(super) fn lines_before_damage(&self, window: usize) -> u64 {
        let taken = self.bytes.get(window..self.start).unwrap_or_default();
        let sound =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"+/\n".contains(byte) || is_blank(*byte);
        let upto = taken.iter().position(|b| !sound(b)).unwrap_or(taken.len());
        let (before, _) = taken.split_at(upto);
        memchr_iter(b'\n', before).count() as u64
    }
}
