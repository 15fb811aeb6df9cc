//! What the origin proofs of a vault's records are worth, when it is known for which archive they are.

use archiver_core::origin::{ArchiveFingerprints, OriginError, verify_record};
use archiver_core::vault::read::{Claim, RecordFacts};
use serde::Serialize;

/// Records with our header, by their origin proofs; those with a wrong one are among the findings.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OriginProofs {
    pub(crate) good: u64,
    pub(crate) without: u64,
}

impl OriginProofs {
    /// Counts one; a wrong one is given back as an error.
    pub(super) fn count(&mut self, origin: Origin) -> Result<(), OriginError> {
        match origin {
            Origin::Good => self.good += 1,
            Origin::Without => self.without += 1,
            Origin::Wrong(e) => return Err(e),
        }
        Ok(())
    }
}

/// What became of a record's origin proof.
pub(super) enum Origin {
    Good,
    Without,
    Wrong(OriginError),
}

impl Origin {
    /// Checks a record's proof; `None` when the record has no header of ours, or is damaged.
    pub(super) fn of(
        archive: &ArchiveFingerprints,
        facts: &RecordFacts,
        session_keys: &[u8],
    ) -> Option<Self> {
        let (Claim::Header(header), Ok(message)) = (&facts.claim, &facts.message) else {
            return None;
        };
        let Some(proof) = &header.origin else {
            return Some(Self::Without);
        };
        Some(
            match verify_record(archive, &header.place, session_keys, message, proof) {
                Ok(()) => Self::Good,
                Err(e) => Self::Wrong(e),
            },
        )
    }
}
