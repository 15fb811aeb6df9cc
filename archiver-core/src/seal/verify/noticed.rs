//! Findings as they are noticed: all are counted, and of each kind the first ones are kept, so that no file can fill the memory or crowd out
//! what is found later.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};

use super::Finding;

/// Of each kind so many are listed.
const LISTED: u64 = 1000;

/// What was noticed so far.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    pub(super) listed: Vec<Finding>,
    pub(super) unlisted: u64,
    pub(super) anomalies: u64,
    of_kind: HashMap<Discriminant<Finding>, u64>,
}

impl Noticed {
    pub(super) fn push(&mut self, finding: Finding) {
        self.anomalies += u64::from(finding.is_anomaly());
        let count = self.of_kind.entry(discriminant(&finding)).or_default();
        *count += 1;
        if *count <= LISTED {
            self.listed.push(finding);
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}
