//! A plan as it is written, in TOML or from answers, before it is known to hold.

use archiver_core::seal::keys::DEFAULT_DAYS;
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
    #[serde(default = "DraftServer::only_one", rename = "server")]
    pub(super) servers: Vec<DraftServer>,
}

/// One custodian of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftCustodian {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) envelope: String,
}

/// One server of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftServer {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) days: Option<u32>,
}

impl DraftServer {
    /// The servers of a plan that names none.
    pub(super) fn only_one() -> Vec<Self> {
        vec![Self::named("mail")]
    }

    /// A server with seal keys for as many days as is usual.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            days: None,
        }
    }

    pub(super) fn days(&self) -> u32 {
        self.days.unwrap_or(DEFAULT_DAYS)
    }
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
        rules::distinct_of_custodians(
            "envelope",
            self.custodians.iter().map(|c| c.envelope.as_str()),
        )?;
        rules::distinct_of_custodians("name", self.custodians.iter().map(|c| c.name.as_str()))?;
        let servers = rules::servers(&self.servers)?;
        Ok(Plan {
            organisation: self.organisation,
            archive: self.archive,
            profile,
            threshold,
            paper,
            custodians: planned(threshold, self.custodians),
            servers,
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
        reason: ["usize", "u32"]
            .iter()
            .fold(error.message().to_owned(), |reason, number| {
                reason.replace(number, "a whole number")
            }),
    }
}
