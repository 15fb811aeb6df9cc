//! The plan of a ceremony: what is decided before the day, as TOML, or asked for at the prompt. A plan exists only when a ceremony can be held by it.

mod draft;
mod questions;
mod rules;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use archiver_core::seal::public_keys::{NotAServerName, ServerName};
use archiver_core::sharing::Profile;
use archiver_core::threshold::{InvalidThreshold, ShareIndex, Threshold};
use paper_templates::Paper;
use thiserror::Error;

use crate::exit::Exit;
use crate::failure::{Explained, shown};
use crate::regular_file::open_regular;

pub(crate) use self::draft::Draft;

/// No plan is larger.
const MOST_BYTES: u64 = 1 << 20;

/// A plan that holds.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) organisation: String,
    /// The archive key's user id, `Archiver <archiver@example.org>`.
    pub(crate) archive: String,
    pub(crate) profile: Profile,
    pub(crate) threshold: Threshold,
    pub(crate) paper: Paper,
    /// n custodians, in order of their shares.
    pub(crate) custodians: Vec<PlannedCustodian>,
    /// The servers that will archive, at least one.
    pub(crate) servers: Vec<PlannedServer>,
}

/// One custodian of a plan.
#[derive(Debug, Clone)]
pub(crate) struct PlannedCustodian {
    pub(crate) share: ShareIndex,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) envelope: String,
}

/// One server of a plan.
#[derive(Debug, Clone)]
pub(crate) struct PlannedServer {
    pub(crate) name: ServerName,
    /// For how many days it gets seal keys, the day of the ceremony first.
    pub(crate) days: u32,
}

/// A plan by which no ceremony can be held.
#[derive(Debug, Error)]
pub(crate) enum PlanError {
    #[error("the plan {path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("the plan {path} is larger than 1 MiB")]
    TooLarge { path: String },
    #[error("the plan {path} is not UTF-8 text")]
    NotUtf8 { path: String },
    #[error("the plan is not understood{}: {}", line.map(|line| format!(", line {line}")).unwrap_or_default(), reason.trim())]
    Toml { line: Option<usize>, reason: String },
    #[error("{field} is empty")]
    Empty { field: String },
    #[error("{field} is {length} characters long; at most {most} fit on the paper")]
    TooLong {
        field: String,
        length: usize,
        most: usize,
    },
    #[error("{field} holds the character {character:?}, which the sheets' fonts cannot print")]
    Unprintable { field: String, character: char },
    #[error("the archive {0:?} is not of the form \"Archiver <archiver@example.org>\"")]
    NotAUserId(String),
    #[error("the profile {0:?} is not known")]
    Profile(String),
    #[error("the paper {0:?} is not known")]
    Paper(String),
    #[error(transparent)]
    Threshold(#[from] InvalidThreshold),
    #[error("{0:?} is not a whole number")]
    NotANumber(String),
    #[error("there is no server")]
    NoServer,
    #[error(transparent)]
    ServerName(#[from] NotAServerName),
    #[error(
        "the server {server} has {days} days of seal keys; there must be at least 1 and at most {most}"
    )]
    Days {
        server: String,
        days: u32,
        most: u32,
    },
    #[error("the servers have {days} days of seal keys in all; at most {most} can be published")]
    TooManyDays { days: u64, most: u64 },
    #[error("the plan cannot be written as TOML: {0}")]
    Unwritable(#[from] toml::ser::Error),
    #[error("{whose} {first} and {second} have the same {field}, {value:?}")]
    SharedBy {
        whose: &'static str,
        field: &'static str,
        value: String,
        first: usize,
        second: usize,
    },
}

impl Explained for PlanError {
    fn hint(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::TooLarge { .. } => {
                "name an existing plan of at most 1 MiB with --plan FILE".to_owned()
            }
            Self::NotUtf8 { .. } => "save the plan as UTF-8 in your editor".to_owned(),
            Self::Toml { .. } => {
                "compare it with the plan that custodian ceremony --help shows".to_owned()
            }
            Self::Unwritable(_) => "leave out --save-plan".to_owned(),
            Self::Empty { field } => format!("fill in {field}"),
            Self::TooLong { field, .. } => format!("shorten {field}"),
            Self::Unprintable { .. } => {
                "write it with the letters of Western and Central European languages".to_owned()
            }
            Self::NotAUserId(_) => {
                "give the archive a name and an address, never a person's".to_owned()
            }
            Self::Profile(_) => "write profile = \"classic\"".to_owned(),
            Self::Paper(_) => "write paper = \"a4\" or paper = \"letter\"".to_owned(),
            Self::Threshold(_) | Self::NotANumber(_) => {
                "set threshold to at least 2 and at most the number of [[custodian]] entries"
                    .to_owned()
            }
            Self::NoServer => {
                "name at least one in a [[server]] entry, or leave all of them out for one named mail".to_owned()
            }
            Self::ServerName(_) => "the name stands in the seals and names a folder; take the host's".to_owned(),
            Self::Days { .. } | Self::TooManyDays { .. } => {
                "set days to as many as the archive will live, or leave it out for ten years".to_owned()
            }
            Self::SharedBy {
                whose: "servers", ..
            } => "give each server a name of its own, also without regard to upper and lower case".to_owned(),
            Self::SharedBy {
                field: "envelope", ..
            } => "give each custodian an envelope with its own serial".to_owned(),
            Self::SharedBy { .. } => {
                "no custodian may keep two shares; write namesakes apart".to_owned()
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::Input
    }
}

impl Plan {
    /// Reads a plan from a file.
    pub(crate) fn load(path: &Path) -> Result<Self, PlanError> {
        let unreadable = |source| PlanError::Unreadable {
            path: shown(path),
            source,
        };
        let mut bytes = Vec::new();
        let (file, _) = open_regular(path).map_err(unreadable)?;
        file.take(MOST_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(PlanError::TooLarge { path: shown(path) });
        }
        let text =
            String::from_utf8(bytes).map_err(|_| PlanError::NotUtf8 { path: shown(path) })?;
        Self::parse(&text)
    }

    /// Reads a plan and checks everything that can be checked before a key exists.
    pub(crate) fn parse(text: &str) -> Result<Self, PlanError> {
        Draft::from_toml(text)?.check()
    }
}

/// Where a custodian's sheet is written: `NNN-name.pdf`, the share's index and the name in ASCII.
pub(crate) fn sheet_file_name(custodian: &PlannedCustodian) -> PathBuf {
    let ascii = deunicode::deunicode(&custodian.name).to_ascii_lowercase();
    let words: Vec<&str> = ascii
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let name = if words.is_empty() {
        "custodian".to_owned()
    } else {
        words.join("-")
    };
    PathBuf::from(format!("{:03}-{name}.pdf", custodian.share.get()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const PLAN: &str = r#"
        organisation = "Example AG"
        archive = "Archiver <archiver@example.org>"
        profile = "classic"
        threshold = 2
        paper = "a4"

        [[custodian]]
        name = "Åsa Öberg"
        role = "Chief Financial Officer"
        envelope = "A-1001"

        [[custodian]]
        name = "Bo Berg"
        role = "Works Council"
        envelope = "A-1002"
    "#;

    fn changed(from: &str, to: &str) -> PlanError {
        assert!(PLAN.contains(from), "{from}");
        Plan::parse(&PLAN.replacen(from, to, 1)).unwrap_err()
    }

    #[test]
    fn a_whole_plan_is_read() {
        let plan = Plan::parse(PLAN).unwrap();
        assert_eq!(plan.threshold.to_string(), "2 of 2");
        assert_eq!(
            sheet_file_name(&plan.custodians[0]),
            PathBuf::from("001-asa-oberg.pdf")
        );
        assert_eq!(plan.custodians[1].share.get(), 2);
    }

    #[test]
    fn the_plan_in_the_help_is_one() {
        let plan = Plan::parse(include_str!("commands/ceremony/plan.toml")).unwrap();
        assert_eq!(plan.threshold.to_string(), "2 of 3");
        assert_eq!(plan.servers.len(), 1);
    }

    fn with_servers(servers: &str) -> Result<Vec<(String, u32)>, PlanError> {
        let plan = Plan::parse(&format!("{PLAN}{servers}"))?;
        let servers = plan.servers.iter();
        Ok(servers.map(|s| (s.name.to_string(), s.days)).collect())
    }

    #[test]
    fn a_plan_without_servers_has_one_for_ten_years() {
        assert_eq!(with_servers("").unwrap(), [("mail".to_owned(), 3653)]);
        let two = "[[server]]\nname = \"mx1\"\n[[server]]\nname = \"mx2\"\ndays = 400\n";
        let named = [("mx1".to_owned(), 3653), ("mx2".to_owned(), 400)];
        assert_eq!(with_servers(two).unwrap(), named);
    }

    #[test]
    fn servers_that_cannot_be_sealed_for_are_refused_with_the_reason() {
        let refused = |servers: &[&str]| {
            let tables = servers
                .iter()
                .map(|server| format!("[[server]]\n{server}\n"));
            with_servers(&tables.collect::<String>())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            refused(&["name = \"mx1\"", "name = \"MX1\""]),
            "servers 1 and 2 have the same name, \"MX1\""
        );
        assert!(refused(&["name = \"../x\""]).starts_with("\"../x\" is no server name"));
        assert_eq!(
            refused(&["name = \"mx1\"\ndays = 0"]),
            "the server mx1 has 0 days of seal keys; there must be at least 1 and at most 36525"
        );
        let century = |n| format!("name = \"mx{n}\"\ndays = 36525");
        let eleven: Vec<String> = (0..11).map(century).collect();
        assert_eq!(
            refused(&eleven.iter().map(String::as_str).collect::<Vec<_>>()),
            "the servers have 401775 days of seal keys in all; at most 365300 can be published"
        );
        assert!(refused(&["name = \"mx1\"\ndays = -1"]).contains("expected a whole number"));
        let none = Plan::parse(&format!("server = []\n{PLAN}")).unwrap_err();
        assert!(matches!(none, PlanError::NoServer), "{none}");
    }

    #[test]
    fn a_plan_that_cannot_be_held_is_refused_with_the_field_named() {
        assert_eq!(
            changed("threshold = 2", "threshold = 1").to_string(),
            "a threshold of 1 of 2 is refused: each sheet alone would open the archive"
        );
        assert_eq!(
            changed("threshold = 2", "threshold = 3").to_string(),
            "a threshold of 3 needs at least 3 custodians, but there are 2"
        );
        assert_eq!(
            changed("A-1002", "a-1001").to_string(),
            "custodians 1 and 2 have the same envelope, \"a-1001\""
        );
        assert_eq!(
            changed("Bo Berg", "Åsa Öberg").to_string(),
            "custodians 1 and 2 have the same name, \"Åsa Öberg\""
        );
        assert_eq!(
            changed("Works Council", " ").to_string(),
            "the role of custodian 2 is empty"
        );
        assert_eq!(
            changed("Bo Berg", "Бо Берг").to_string(),
            "the name of custodian 2 holds the character 'Б', which the sheets' fonts cannot print"
        );
        assert!(matches!(
            changed("archiver@example.org", "nobody"),
            PlanError::NotAUserId(_)
        ));
        assert!(matches!(changed("classic", "pq"), PlanError::Profile(_)));
        assert!(matches!(changed("\"a4\"", "\"a5\""), PlanError::Paper(_)));
        assert!(matches!(
            changed("paper =", "papers ="),
            PlanError::Toml { line: Some(6), .. }
        ));
        assert!(matches!(
            changed("Example AG", &"x".repeat(81)),
            PlanError::TooLong { .. }
        ));
    }
}
