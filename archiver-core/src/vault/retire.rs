//! Removes a vault's first segment at the end of its retention (docs/format.md §7.5): looks at what stands in it, makes the file that stays in its
//! place, and takes the two steps on the disk.
//!
//! The order is the point. The file is whole and on stable storage under its name before the segment is removed, so that a crash leaves the segment, or
//! the file, or both; then the next run takes the second step. Whether the segment may be removed is for the caller to judge, from what is told here.

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says how much it looked at"
)]
pub(crate) mod tests;

use std::io;
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::chain::{Chain, Fault, Link, Standing};
use super::disk::{Folder, ReadAt, replace};
use super::gap::GapHash;
use super::leaf::{LeafHash, LeafParts, Place};
use super::read::{MessageFacts, RecordFacts, read_record};
use super::retired::{LONGEST_RETIRED, Left, RetiredFacts, RetiredSegment, Runs};
use super::scan::{Scanner, Span, SpanKind};
use super::segments::SegmentNumber;
use super::stretch::Stretch;

/// So many problems are kept; all are counted.
const LISTED: usize = 100;

/// What was found in a segment.
#[derive(Debug)]
pub struct Survey {
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Its whole records without a header of ours.
    pub without_header: u64,
    /// Its torn records.
    pub torn: u64,
    /// What is wrong with its records; the first hundred.
    pub problems: Vec<Problem>,
    /// How many records something is wrong with.
    pub damaged: u64,
    /// The first record of ours behind it, as it stands now.
    pub behind: Option<NextRecord>,
    runs: Runs,
    gap: GapHash,
    lacks_last_line_feed: bool,
}

/// A record that is not as it was appended, or not where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it begins, from the segment's start.
    pub offset: u64,
    /// What is wrong.
    pub why: Wrong,
}

/// What is wrong with a record.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Wrong {
    /// With its link or its leaf.
    #[error(transparent)]
    Link(#[from] Fault),
    /// Its header cannot be read.
    #[error("its header is malformed")]
    Header,
}

/// Looks at the first `length` bytes of `vault`, which are the segment, and at what stands behind them. `chain` stands behind what was retired before.
///
/// A damaged record may begin in the segment and end in the next one: then the segment is where it stands.
///
/// # Errors
/// What the system reports.
pub fn survey(vault: &(impl ReadAt + Sync), length: u64, chain: Chain) -> io::Result<Survey> {
    let mut surveyor = Surveyor {
        vault,
        chain,
        survey: Survey {
            bytes: length,
            sha256: sha256(vault, 0..length)?,
            without_header: 0,
            torn: 0,
            problems: Vec::new(),
            damaged: 0,
            behind: None,
            runs: Runs::default(),
            gap: GapHash::default(),
            lacks_last_line_feed: false,
        },
    };
    // The next segment's line feed may end the last record, so that both are read as one.
    let mut spans = Scanner::new(Stretch::of(vault, 0..vault.size()?)).peekable();
    let begins_in_it = |span: &io::Result<Span>| span.as_ref().is_ok_and(|s| s.offset < length);
    while let Some(span) = spans.next_if(begins_in_it) {
        surveyor.span(&span?)?;
    }
    surveyor.finish(spans)
}

struct Surveyor<'a, T> {
    vault: &'a T,
    chain: Chain,
    survey: Survey,
}

impl<T: ReadAt + Sync> Surveyor<'_, T> {
    fn span(&mut self, span: &Span) -> io::Result<()> {
        match span.kind {
            SpanKind::Stray => Ok(()),
            SpanKind::Torn => {
                self.survey.torn += 1;
                Ok(())
            }
            SpanKind::Record => self.record(span),
        }
    }

    fn record(&mut self, span: &Span) -> io::Result<()> {
        let record = Stretch::of(self.vault, span.offset..span.end());
        let (facts, ()) = read_record(record, span.length, |_| ())?;
        let message = facts.message.as_ref().ok().copied();
        let (standing, gap) = follow(&mut self.chain, self.vault, span, facts)?;
        match standing {
            Standing::NoHeader => self.survey.without_header += 1,
            Standing::MalformedHeader(_) => {
                self.survey.without_header += 1;
                self.survey.note(span.offset, Wrong::Header);
            }
            Standing::Linked(link) => self.linked(span, link, message, &gap),
        }
        Ok(())
    }

    fn linked(&mut self, span: &Span, link: Link, message: Option<MessageFacts>, gap: &[u8; 32]) {
        let place = link.header.place;
        let parts = message
            .map(|message| LeafParts::of(&message.digests, link.header.origin.as_ref(), gap))
            .filter(|parts| place.leaf_of(parts) == link.header.leaf);
        let is_as_written = message.is_some_and(|message| message.canonical);
        let left = match parts.filter(|_| is_as_written) {
            Some(parts) => Left::Whole(place.time, parts),
            None => Left::Damaged(place.time, link.header.leaf),
        };
        self.survey.runs.push(&place, left, link.header.leaf);
        if let Some(fault) = link.fault {
            self.survey.note(span.offset, fault.into());
        }
    }

    fn finish(mut self, behind: impl Iterator<Item = io::Result<Span>>) -> io::Result<Survey> {
        let length = self.survey.bytes;
        let (mut gap, end) = self.chain.clone().into_gap();
        take_in(&mut gap, self.vault, end.min(length)..length)?;
        self.survey.gap = gap;
        self.survey.lacks_last_line_feed = end == length + 1;
        self.survey.behind = first_of_ours(self.vault, behind, self.chain)?;
        Ok(self.survey)
    }
}

/// Judges a record, and gives the SHA-256 of its gap.
fn follow(
    chain: &mut Chain,
    vault: &impl ReadAt,
    span: &Span,
    facts: RecordFacts,
) -> io::Result<(Standing, [u8; 32])> {
    let mut gap = chain.gap_so_far().clone();
    let standing = chain.follow(span, facts, |hash, range| {
        take_in(hash, vault, range)?;
        gap = hash.clone();
        Ok(())
    })?;
    Ok((standing, gap.finish()))
}

impl Survey {
    fn note(&mut self, offset: u64, why: Wrong) {
        self.damaged += 1;
        if self.problems.len() < LISTED {
            self.problems.push(Problem { offset, why });
        }
    }

    /// What is to stay in its place. `facts` says what only the caller knows: number, time and reason.
    #[must_use]
    pub fn into_retired(self, facts: impl FnOnce(&Self) -> RetiredFacts) -> RetiredSegment {
        let facts = facts(&self);
        self.runs
            .into_segment(facts, self.gap, self.lacks_last_line_feed)
    }
}

/// The first record of ours behind a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRecord {
    /// The place that it claims.
    pub place: Place,
    /// Its leaf.
    pub leaf: LeafHash,
    /// What is wrong with its link.
    pub fault: Option<Fault>,
    /// Where it ends in the vault.
    pub end: u64,
}

/// The first record of ours behind the first `length` bytes, where `chain` stands; `None` when there is none.
///
/// # Errors
/// What the system reports.
pub fn first_behind(
    vault: &(impl ReadAt + Sync),
    length: u64,
    chain: Chain,
) -> io::Result<Option<NextRecord>> {
    let behind = length..vault.size()?;
    let spans = Scanner::new(Stretch::of(vault, behind)).map(|span| {
        span.map(|span| Span {
            offset: length + span.offset,
            ..span
        })
    });
    first_of_ours(vault, spans, chain)
}

fn first_of_ours(
    vault: &(impl ReadAt + Sync),
    spans: impl Iterator<Item = io::Result<Span>>,
    mut chain: Chain,
) -> io::Result<Option<NextRecord>> {
    for span in spans {
        let span = span?;
        if span.kind != SpanKind::Record {
            continue;
        }
        let record = Stretch::of(vault, span.offset..span.end());
        let (facts, ()) = read_record(record, span.length, |_| ())?;
        if let (Standing::Linked(link), _) = follow(&mut chain, vault, &span, facts)? {
            return Ok(Some(NextRecord {
                place: link.header.place,
                leaf: link.header.leaf,
                fault: link.fault,
                end: span.end(),
            }));
        }
    }
    Ok(None)
}

/// The first step: puts the file in the segment's place, beside it still. To be called under the writers' lock.
///
/// # Errors
/// What the system reports; a file that would be longer than a reader takes ([`LONGEST_RETIRED`]) is an error too. The segment stands then.
pub fn put_in_place(folder: &impl Folder, retired: &RetiredSegment) -> io::Result<()> {
    let mut text = Vec::new();
    retired.write_to(&mut text)?;
    if text.len() > LONGEST_RETIRED || RetiredSegment::parse(&text).as_ref() != Ok(retired) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "what was written of the segment does not read back: it has too many records for one file, or this program has a fault",
        ));
    }
    let name = retired.facts().segment.retired_name();
    replace(folder, &name, &text)
}

/// The second step: removes the segment, whose file stands. To be called under the writers' lock.
///
/// # Errors
/// What the system reports. The segment may or may not stand then.
pub fn remove_segment(folder: &impl Folder, segment: SegmentNumber) -> io::Result<()> {
    let stays = segment.retired_name();
    // An interrupted run may have left the file's name unsynced.
    folder.sync_name(&stays)?;
    folder.remove(&segment.file_name())?;
    folder.sync_name(&stays)
}

/// SHA-256 of a part of the vault.
///
/// # Errors
/// What the system reports.
pub fn sha256(vault: &impl ReadAt, range: Range<u64>) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    Stretch::of(vault, range).for_each_piece(|piece| hash.update(piece))?;
    Ok(hash.finalize().into())
}

fn take_in(hash: &mut GapHash, vault: &impl ReadAt, range: Range<u64>) -> io::Result<()> {
    Stretch::of(vault, range).for_each_piece(|piece| hash.update(piece))
}
