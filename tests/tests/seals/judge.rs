//! The verdict of the library, on bytes: the same readers as `custodian inspect`, without a process, so that thousands of vaults are judged in seconds.

use std::ops::Range;

use archiver_core::identity::UtcTime;
use archiver_core::seal::notes::pieces;
use archiver_core::seal::verify::{Evidence, Record, Source, State, Verdict};
use archiver_core::vault::chain::{Chain, Fault, Standing};
use archiver_core::vault::read::read_record;
use archiver_core::vault::scan::{Scanner, SpanKind};

use crate::honest::ceremony;

/// What a reader of vaults looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Everything.
    Honest,
    /// It believes the leaves in the headers, and computes none.
    BelievesLeaves,
    /// It takes a message in any armor for the same record.
    OverlooksArmor,
    /// It does not ask what was put between records.
    OverlooksGaps,
}

impl Reader {
    fn overlooks(self, fault: &Fault) -> bool {
        match self {
            Self::Honest => false,
            Self::BelievesLeaves => true,
            Self::OverlooksArmor => matches!(fault, Fault::Armor),
            Self::OverlooksGaps => matches!(fault, Fault::Gap),
        }
    }

    /// The verdict on the first server's log in a vault.
    pub(crate) fn judge(self, vault: &[u8], evidence: Evidence<'_>) -> Verdict {
        let mut examiner = evidence.examine();
        for mut record in records(vault) {
            record.fault = record.fault.filter(|fault| !self.overlooks(fault));
            examiner.record(&record);
        }
        examiner.finish()
    }
}

/// Checkpoints from beside the vault, for a verdict as of that time.
pub(crate) fn evidence(seals: &[u8], now: UtcTime) -> Evidence<'static> {
    let ceremony = ceremony();
    let archive = ceremony.archive;
    let keys = ceremony.server(0);
    let mut evidence = Evidence::new(keys, archive.primary, archive.encryption, now);
    evidence.add(pieces(seals, 0), Source::Vault);
    evidence
}

/// The states of the days, in short.
pub(crate) fn states(verdict: &Verdict) -> Vec<String> {
    let short = |state: &State| match state {
        State::Broken(found) => format!("broken at sequence {}", found.first),
        State::Sealed => "sealed".to_owned(),
        State::Open => "open".to_owned(),
        State::Missing => "missing".to_owned(),
    };
    verdict.days.iter().map(|day| short(&day.state)).collect()
}

/// The records of ours in a vault, each with what is wrong with it.
fn records(vault: &[u8]) -> Vec<Record> {
    let part = |range: Range<u64>| {
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
        &vault[start..end]
    };
    let (mut chain, mut records) = (Chain::new(), Vec::new());
    for span in Scanner::new(vault).map(Result::unwrap) {
        if span.kind != SpanKind::Record {
            continue;
        }
        let bytes = part(span.offset..span.end());
        let (facts, ()) = read_record(bytes, span.length, |_| ()).unwrap();
        let standing = chain.follow(&span, facts, |hash, gap| {
            hash.update(part(gap));
            Ok(())
        });
        if let Standing::Linked(link) = standing.unwrap() {
            records.push(Record::from(&link));
        }
    }
    records
}
