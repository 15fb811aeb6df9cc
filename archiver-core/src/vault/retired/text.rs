//! The file's text, written and read. There is exactly one text for the same content; every other is refused, with the line at which it is not.

use std::fmt;
use std::io::{self, Write};
use std::str::{FromStr, Split};

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{LONGEST_RETIRED, Left, RetiredFacts, RetiredSegment, Run, Runs};
use crate::identity::UtcTime;
use crate::vault::gap::GapHash;
use crate::vault::leaf::{LeafParts, Place};
use crate::vault::segments::SegmentNumber;

const TITLE: &str = "archiver retired 1";
const ANY_VERSION: &str = "archiver retired ";
const LABEL: &[u8] = b"archiver v1 retired\0";
const NOTHING: &str = "none";

/// Why a `.retired` file is not one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RetiredRefused {
    /// It is too long.
    #[error("it has more than {LONGEST_RETIRED} bytes")]
    TooLong,
    /// It is another kind of file.
    #[error("it does not begin with the line {TITLE:?}")]
    OtherFormat,
    /// A newer program wrote it.
    #[error("it is of a version that this program does not know; take a newer program")]
    OtherVersion,
    /// A line is not what stands there.
    #[error("its line {line} is missing or is no line `{expected} …` in its one form")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// Its parts contradict each other.
    #[error("it says {said} records, and has {found}")]
    Count {
        /// What its line `records` says.
        said: u64,
        /// How many lines there are.
        found: u64,
    },
    /// It was renamed.
    #[error("it stands for segment {0}, and has another one's name")]
    OtherSegment(u32),
    /// The check does not come out.
    #[error("its check does not come out: it was damaged or changed")]
    Check,
}

impl RetiredSegment {
    /// Writes the file's text.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut hashing = Hashing {
            out,
            hash: Sha256::new_with_prefix(LABEL),
        };
        self.write_unchecked(&mut hashing)?;
        let check = HEXLOWER.encode(&hashing.hash.finalize());
        writeln!(out, "check {check}")
    }

    fn write_unchecked(&self, out: &mut impl Write) -> io::Result<()> {
        let RetiredFacts {
            segment,
            bytes,
            sha256,
            at,
            reason,
            without_header,
            torn,
        } = &self.facts;
        let (segment, sha256) = (segment.get(), HEXLOWER.encode(sha256));
        let records = self.count();
        writeln!(
            out,
            "{TITLE}\nsegment {segment} bytes {bytes} sha256 {sha256}\nretired {at}\nreason {reason}\nrecords {records} without-header {without_header} torn {torn}"
        )?;
        for run in &self.runs {
            write_run(run, out)?;
        }
        let (bytes, state) = (self.gap.bytes(), HEXLOWER.encode(&self.gap.state()));
        let rest = Bytes(self.gap.rest());
        let lf = if self.lacks_last_line_feed {
            "yes"
        } else {
            "no"
        };
        writeln!(out, "gap bytes {bytes} state {state} rest {rest} lf {lf}")
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`RetiredRefused`]
    pub fn parse(bytes: &[u8]) -> Result<Self, RetiredRefused> {
        if bytes.len() > LONGEST_RETIRED {
            return Err(RetiredRefused::TooLong);
        }
        match bytes.strip_prefix(TITLE.as_bytes()) {
            Some([b'\n', ..]) => {}
            _ if bytes.starts_with(ANY_VERSION.as_bytes()) => {
                return Err(RetiredRefused::OtherVersion);
            }
            _ => return Err(RetiredRefused::OtherFormat),
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
            RetiredRefused::Line {
                line: 1 + memchr::memchr_iter(b'\n', before).count(),
                expected: "in UTF-8",
            }
        })?;
        let segment = Lines::of(text).segment()?;
        segment.require_its_one_text(bytes)?;
        Ok(segment)
    }

    /// Reads the file that stands in place of this segment.
    ///
    /// # Errors
    /// [`RetiredRefused`], also when it is another segment's.
    pub fn parse_in_place_of(segment: SegmentNumber, bytes: &[u8]) -> Result<Self, RetiredRefused> {
        let parsed = Self::parse(bytes)?;
        let found = parsed.facts.segment;
        if found == segment {
            Ok(parsed)
        } else {
            Err(RetiredRefused::OtherSegment(found.get()))
        }
    }

    fn require_its_one_text(&self, bytes: &[u8]) -> Result<(), RetiredRefused> {
        let mut same = Comparing(bytes);
        let written = self.write_to(&mut same);
        if written.is_ok() && same.0.is_empty() {
            Ok(())
        } else {
            Err(RetiredRefused::Check)
        }
    }
}

fn write_run(run: &Run, out: &mut impl Write) -> io::Result<()> {
    let (log, first, prev) = (run.log, run.first, run.prev);
    let last = run.last().unwrap_or(first);
    writeln!(out, "log {log} seq {first} to {last} prev {prev}")?;
    for left in &run.records {
        match left {
            Left::Whole(time, parts) => writeln!(out, "{time} {}", BASE64.encode(&parts.bytes()))?,
            Left::Damaged(time, leaf) => writeln!(out, "damaged {time} {leaf}")?,
        }
    }
    Ok(())
}

/// Bytes as base64, or that there are none.
struct Bytes<'a>(&'a [u8]);

impl fmt::Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(NOTHING);
        }
        f.write_str(&BASE64.encode(self.0))
    }
}

/// Hashes what it passes on.
struct Hashing<'a, W> {
    out: &'a mut W,
    hash: Sha256,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Fails at the first byte that is not the expected one.
struct Comparing<'a>(&'a [u8]);

impl Write for Comparing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .strip_prefix(bytes)
            .ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that are still to be read.
struct Lines<'a> {
    rest: Split<'a, char>,
    next: Option<&'a str>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let mut rest = text.split('\n');
        let next = rest.next();
        Self {
            rest,
            next,
            number: 1,
        }
    }

    fn wrong(&self, expected: &'static str) -> RetiredRefused {
        let line = self.number;
        RetiredRefused::Line { line, expected }
    }

    /// Goes on behind a line that was understood.
    fn advance(&mut self) {
        self.next = self.rest.next();
        self.number += 1;
    }

    fn fields(&self) -> Fields<'a> {
        Fields(self.next)
    }

    /// Takes the next line, with what `read` makes of it.
    fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&mut Fields<'a>) -> Option<T>,
    ) -> Result<T, RetiredRefused> {
        let mut fields = self.fields();
        let value = read(&mut fields).filter(|_| fields.0.is_none());
        let value = value.ok_or_else(|| self.wrong(expected))?;
        self.advance();
        Ok(value)
    }

    fn segment(mut self) -> Result<RetiredSegment, RetiredRefused> {
        self.advance();
        let (segment, bytes, sha256) = self.take("segment", |fields| {
            let number = fields.value("segment")?;
            let bytes = fields.value("bytes")?;
            Some((number, bytes, hex(fields.text("sha256")?)?))
        })?;
        let at: UtcTime = self.take("retired", |fields| fields.value("retired"))?;
        let reason = self.take("reason", |fields| {
            fields.word("reason")?;
            fields.0.take()?.parse().ok()
        })?;
        let (said, without_header, torn) = self.take("records", |fields| {
            let records: u64 = fields.value("records")?;
            Some((
                records,
                fields.value("without-header")?,
                fields.value("torn")?,
            ))
        })?;
        let runs = self.runs()?;
        let (gap, lacks_last_line_feed) = self.take("gap", gap)?;
        self.take("check", |fields| fields.text("check").map(drop))?;
        if self.next != Some("") || self.rest.next().is_some() {
            return Err(self.wrong("check"));
        }
        let facts = RetiredFacts {
            segment,
            bytes,
            sha256,
            at,
            reason,
            without_header,
            torn,
        };
        let segment = runs.into_segment(facts, gap, lacks_last_line_feed);
        let found = segment.count();
        if said == found {
            Ok(segment)
        } else {
            Err(RetiredRefused::Count { said, found })
        }
    }

    /// The runs are put together anew, so that one that is cut in two comes out as another text.
    fn runs(&mut self) -> Result<Runs, RetiredRefused> {
        let mut runs = Runs::default();
        while self.fields().word("log").is_some() {
            let (log, seqs, mut prev) = self.take("log", |fields| {
                let (log, first) = (fields.value("log")?, fields.value::<u64>("seq")?);
                Some((log, first..=fields.value("to")?, fields.value("prev")?))
            })?;
            for seq in seqs {
                let left = self.take("time and hashes of a record", left)?;
                let time = left.time();
                let place = Place {
                    log,
                    seq,
                    time,
                    prev,
                };
                prev = left.leaf(&place);
                runs.push(&place, left, prev);
            }
        }
        Ok(runs)
    }
}

/// The fields of a line that are still to be read; `None` behind the last one.
struct Fields<'a>(Option<&'a str>);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let text = self.0?;
        let (field, rest) = match text.split_once(' ') {
            Some((field, rest)) => (field, Some(rest)),
            None => (text, None),
        };
        self.0 = rest;
        Some(field)
    }

    /// A field that says what comes next.
    fn word(&mut self, word: &str) -> Option<()> {
        (self.next()? == word).then_some(())
    }

    /// The field behind a word.
    fn text(&mut self, word: &str) -> Option<&'a str> {
        self.word(word)?;
        self.next()
    }

    fn value<T: FromStr>(&mut self, word: &str) -> Option<T> {
        self.text(word)?.parse().ok()
    }
}

fn left(fields: &mut Fields<'_>) -> Option<Left> {
    let first = fields.next()?;
    if first == "damaged" {
        let (time, leaf) = (fields.next()?, fields.next()?);
        return Some(Left::Damaged(time.parse().ok()?, leaf.parse().ok()?));
    }
    let parts = BASE64.decode(fields.next()?.as_bytes()).ok()?;
    let parts = LeafParts::of_bytes(&parts.try_into().ok()?)?;
    Some(Left::Whole(first.parse().ok()?, parts))
}

fn gap(fields: &mut Fields<'_>) -> Option<(GapHash, bool)> {
    fields.word("gap")?;
    let (bytes, state) = (fields.value("bytes")?, hex(fields.text("state")?)?);
    let rest = match fields.text("rest")? {
        NOTHING => Vec::new(),
        text => BASE64.decode(text.as_bytes()).ok()?,
    };
    let lacks_last_line_feed = fields.text("lf")? == "yes";
    Some((GapHash::resumed(bytes, state, rest)?, lacks_last_line_feed))
}

fn hex(text: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}
