//! Reads the records of a vault again, from any of them on: what a server does when it cannot believe what it remembers.
//!
//! Every leaf is computed anew; whether the links are as they must be is for the caller to judge.

use std::io::{self, Read};
use std::ops::{ControlFlow, Range};

use sha2::{Digest as _, Sha256};

use crate::vault::chain::{Chain, Link, Standing};
use crate::vault::disk::ReadAt;
use crate::vault::header::Header;
use crate::vault::read::read_record;
use crate::vault::scan::{Scanner, Span, SpanKind};

/// A record of ours, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) header: Header,
    pub(super) end: u64,
}

/// Gives each record of ours behind `behind` (or from the vault's first byte on) to `each`, until that breaks off.
pub(super) fn replay(
    vault: &(impl ReadAt + Sync),
    behind: Option<Behind>,
    mut each: impl FnMut(&Link) -> ControlFlow<()>,
) -> io::Result<()> {
    let size = vault.size()?;
    let start = behind.map_or(0, |behind| behind.end);
    let mut chain = behind.map_or_else(Chain::new, |Behind { header, end }| {
        Chain::behind(header, end)
    });
    for span in Scanner::new(Stretch {
        vault,
        rest: start..size,
    }) {
        let Span {
            offset,
            length,
            kind,
        } = span?;
        let span = Span {
            offset: start + offset,
            length,
            kind,
        };
        if kind != SpanKind::Record {
            continue;
        }
        let record = Stretch {
            vault,
            rest: span.offset..span.end(),
        };
        let (facts, ()) = read_record(record, length, |_| ())?;
        let standing = chain.follow(&span, facts, |gap| hash(vault, gap))?;
        if let Standing::Linked(link) = standing
            && each(&link).is_break()
        {
            break;
        }
    }
    Ok(())
}

fn hash(vault: &impl ReadAt, range: Range<u64>) -> io::Result<[u8; 32]> {
    let (mut stretch, mut hash, mut buffer) = (
        Stretch { vault, rest: range },
        Sha256::new(),
        vec![0; 64 * 1024],
    );
    loop {
        match stretch.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// A part of the vault, as a reader.
struct Stretch<'a, T> {
    vault: &'a T,
    rest: Range<u64>,
}

impl<T: ReadAt> Read for Stretch<'_, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
        let read = left.min(buffer.len());
        let (now, _) = buffer.split_at_mut(read);
        self.vault.read_exact_at(now, self.rest.start)?;
        self.rest.start += read as u64;
        Ok(read)
    }
}
