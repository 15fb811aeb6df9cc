//! A plan as it is written, in TOML or from answers, before it is known to hold.

use archiver_core::threshold::{ShareIndex, Threshold};
use serde::{Deserialize, Serialize};

use super::{Plan, PlanError, PlannedCustodian, rules};

/// What a plan says, unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    pub(super) organisation: String,
    pub(super) archive: String,
    pub(super) profile: String,
    pub(super) threshold: usize,
    pub(super) paper: String,
    #[serde(default, rename = "custodian")]
    pub(super) custodians: Vec<DraftCustodian>,
}

/// One custodian of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftCustodian {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) envelope: String,
}

impl Draft {
    /// Reads a draft from a plan file's text.
    pub(super) fn from_toml(text: &str) -> Result<Self, PlanError> {
        toml::from_str(text).map_err(|error| not_understood(text, &error))
    }

    /// The text of a plan file that says the same.
    pub(crate) fn to_toml(&self) -> Result<String, PlanError> {
        Ok(toml::to_string(self)?)
    }

    /// Checks everything that can be checked before a key exists.
    pub(crate) fn check(self) -> Result<Plan, PlanError> {
        let threshold = Threshold::new(self.threshold, self.custodians.len())?;
        let profile = rules::profile(&self.profile)?;
        let paper = rules::paper(&self.paper)?;
        rules::organisation(&self.organisation)?;
        rules::archive(&self.archive)?;
        for (place, custodian) in (1..).zip(&self.custodians) {
            rules::name(place, &custodian.name)?;
            rules::role(place, &custodian.role)?;
            rules::envelope(place, &custodian.envelope)?;
        }
        rules::distinct(
            "envelope",
            self.custodians.iter().map(|c| c.envelope.as_str()),
        )?;
        rules::distinct("name", self.custodians.iter().map(|c| c.name.as_str()))?;
        Ok(Plan {
            organisation: self.organisation,
            archive: self.archive,
            profile,
            threshold,
            paper,
            custodians: planned(threshold, self.custodians),
        })
    }
}

fn planned(threshold: Threshold, custodians: Vec<DraftCustodian>) -> Vec<PlannedCustodian> {
    let planned = |(share, custodian): (ShareIndex, DraftCustodian)| PlannedCustodian {
        share,
        name: custodian.name,
        role: custodian.role,
        envelope: custodian.envelope,
    };
    threshold.indices().zip(custodians).map(planned).collect()
}

fn not_understood(text: &str, error: &toml::de::Error) -> PlanError {
    let before = error.span().and_then(|span| text.get(..span.start));
    PlanError::Toml {
        line: before.map(|before| before.matches('\n').count() + 1),
        reason: error.message().replace("usize", "a whole number"),
    }
}
