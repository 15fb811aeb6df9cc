//! Reads the records of a vault again, from any of them on: what a server does when it cannot believe what it remembers.
//!
//! Every leaf is computed anew; whether the links are as they must be is for the caller to judge.

use std::io;
use std::ops::ControlFlow;

use super::verify::Record;
use crate::vault::chain::{Chain, Standing};
use crate::vault::disk::{Folder, ReadAt};
use crate::vault::header::Header;
use crate::vault::read::read_record;
use crate::vault::scan::{Scanner, Span, SpanKind};
use crate::vault::stretch::Stretch;
use crate::vault::writable::LockedVault;

/// A record of ours, and where it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) header: Header,
    pub(super) end: u64,
}

/// Gives each record of ours behind `behind` to `each`, until that breaks off; without it, all of them, those of retired segments included.
pub(super) fn replay<F: Folder<File: Sync>>(
    vault: &LockedVault<'_, F>,
    behind: Option<Behind>,
    mut each: impl FnMut(&Record) -> ControlFlow<()>,
) -> io::Result<()> {
    match behind {
        Some(Behind { header, end }) => {
            let chain = Chain::behind(header, end);
            follow(vault.end(), chain, end, each)
        }
        None => match replay_retired(vault, &mut each)? {
            ControlFlow::Continue(chain) => follow(vault.end(), chain, 0, each),
            ControlFlow::Break(()) => Ok(()),
        },
    }
}

/// The records of the retired segments in front of the first one, and the chain that goes on behind them.
fn replay_retired<F: Folder>(
    vault: &LockedVault<'_, F>,
    each: &mut impl FnMut(&Record) -> ControlFlow<()>,
) -> io::Result<ControlFlow<(), Chain>> {
    let mut chain = Chain::new();
    for retired in vault.retired_in_front() {
        let mut goes_on = ControlFlow::Continue(());
        chain.pass_retired(&retired?, 0, |record, fault| {
            if goes_on.is_continue() {
                goes_on = each(&Record::retired(record, fault));
            }
        });
        if goes_on.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(chain))
}

/// The records that stand in the vault from `start` on.
fn follow(
    vault: &(impl ReadAt + Sync),
    mut chain: Chain,
    start: u64,
    mut each: impl FnMut(&Record) -> ControlFlow<()>,
) -> io::Result<()> {
    let size = vault.size()?;
    for span in Scanner::new(Stretch::of(vault, start..size)) {
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
        let record = Stretch::of(vault, span.offset..span.end());
        let (facts, ()) = read_record(record, length, |_| ())?;
        let standing = chain.follow(&span, facts, |hash, gap| {
            Stretch::of(vault, gap).for_each_piece(|piece| hash.update(piece))
        })?;
        if let Standing::Linked(link) = standing
            && each(&Record::from(&link)).is_break()
        {
            break;
        }
    }
    Ok(())
}
