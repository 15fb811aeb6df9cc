//! What each item of a plan must be, whether it stands in a file or was typed at the prompt.

use std::collections::HashMap;

use archiver_core::seal::public_keys::ServerName;
use archiver_core::sharing::Profile;
use archiver_core::threshold::Threshold;
use paper_templates::{Paper, missing_glyph};

use super::draft::DraftServer;
use super::{PlanError, PlannedServer};

/// A hundred years of seal keys.
const MOST_DAYS: u32 = 36_525;
/// A hundred servers for ten years: more makes `seals.pub` larger than a reader takes it.
const MOST_DAYS_IN_ALL: u64 = 365_300;

pub(super) fn organisation(text: &str) -> Result<String, PlanError> {
    printable("organisation", text, 80)
}

pub(super) fn archive(text: &str) -> Result<String, PlanError> {
    let archive = printable("archive", text, 80)?;
    user_id(&archive)?;
    Ok(archive)
}

pub(super) fn profile(name: &str) -> Result<Profile, PlanError> {
    name.parse()
        .map_err(|_| PlanError::Profile(name.to_owned()))
}

pub(super) fn paper(name: &str) -> Result<Paper, PlanError> {
    match name {
        "a4" => Ok(Paper::A4),
        "letter" => Ok(Paper::Letter),
        other => Err(PlanError::Paper(other.to_owned())),
    }
}

/// A number of custodians, as typed: one for which a threshold exists.
pub(super) fn custodians(text: &str) -> Result<usize, PlanError> {
    let n = number(text)?;
    Threshold::new(2, n)?;
    Ok(n)
}

/// A threshold for `n` custodians, as typed.
pub(super) fn threshold(text: &str, n: usize) -> Result<usize, PlanError> {
    let k = number(text)?;
    Threshold::new(k, n)?;
    Ok(k)
}

fn number(text: &str) -> Result<usize, PlanError> {
    text.parse()
        .map_err(|_| PlanError::NotANumber(text.to_owned()))
}

/// The name of the custodian in this place, from 1.
pub(super) fn name(place: usize, text: &str) -> Result<String, PlanError> {
    printable(&format!("the name of custodian {place}"), text, 60)
}

pub(super) fn role(place: usize, text: &str) -> Result<String, PlanError> {
    printable(&format!("the role of custodian {place}"), text, 60)
}

pub(super) fn envelope(place: usize, text: &str) -> Result<String, PlanError> {
    printable(&format!("the envelope of custodian {place}"), text, 40)
}

/// The names of servers as typed, with blanks or commas between; nothing typed is the usual one.
pub(super) fn typed_servers(text: &str) -> Result<Vec<DraftServer>, PlanError> {
    let names = text.split([' ', ',', ';']).filter(|name| !name.is_empty());
    let mut typed: Vec<DraftServer> = names.map(DraftServer::named).collect();
    if typed.is_empty() {
        typed = DraftServer::only_one();
    }
    servers(&typed)?;
    Ok(typed)
}

/// At least one server, each with a name of its own (which will name a folder) and with so many days of keys as can be published.
pub(super) fn servers(drafts: &[DraftServer]) -> Result<Vec<PlannedServer>, PlanError> {
    if drafts.is_empty() {
        return Err(PlanError::NoServer);
    }
    let planned = drafts.iter().map(|draft| {
        Ok(PlannedServer {
            name: draft.name.parse::<ServerName>()?,
            days: days(draft)?,
        })
    });
    let planned = planned.collect::<Result<_, PlanError>>()?;
    distinct(
        "servers",
        "name",
        drafts.iter().map(|draft| draft.name.as_str()),
    )?;
    let in_all = drafts.iter().map(|draft| u64::from(draft.days())).sum();
    if in_all > MOST_DAYS_IN_ALL {
        return Err(PlanError::TooManyDays {
            days: in_all,
            most: MOST_DAYS_IN_ALL,
        });
    }
    Ok(planned)
}

fn days(draft: &DraftServer) -> Result<u32, PlanError> {
    let days = draft.days();
    if (1..=MOST_DAYS).contains(&days) {
        return Ok(days);
    }
    Err(PlanError::Days {
        server: draft.name.clone(),
        days,
        most: MOST_DAYS,
    })
}

/// No two custodians may have the same `field`.
pub(super) fn distinct_of_custodians<'a>(
    field: &'static str,
    values: impl Iterator<Item = &'a str>,
) -> Result<(), PlanError> {
    distinct("custodians", field, values)
}

fn distinct<'a>(
    whose: &'static str,
    field: &'static str,
    values: impl Iterator<Item = &'a str>,
) -> Result<(), PlanError> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (second, value) in (1..).zip(values) {
        let value = value.trim();
        if let Some(first) = seen.insert(value.to_lowercase(), second) {
            return Err(PlanError::SharedBy {
                whose,
                field,
                value: value.to_owned(),
                first,
                second,
            });
        }
    }
    Ok(())
}

fn printable(field: &str, text: &str, most: usize) -> Result<String, PlanError> {
    let field = || field.to_owned();
    if text.trim().is_empty() {
        return Err(PlanError::Empty { field: field() });
    }
    let length = text.chars().count();
    if length > most {
        return Err(PlanError::TooLong {
            field: field(),
            length,
            most,
        });
    }
    match missing_glyph(text) {
        Some(character) => Err(PlanError::Unprintable {
            field: field(),
            character,
        }),
        None => Ok(text.to_owned()),
    }
}

/// `Name <local@domain>`, as OpenPGP programs write and search user ids.
fn user_id(archive: &str) -> Result<(), PlanError> {
    let well_formed = || {
        let (name, rest) = archive.split_once(" <")?;
        let (local, domain) = rest.strip_suffix('>')?.split_once('@')?;
        let plain = |part: &str| !part.is_empty() && !part.contains(['<', '>', '@', ' ']);
        (!name.trim().is_empty() && !name.contains(['<', '>']) && plain(local) && plain(domain))
            .then_some(())
    };
    well_formed().ok_or_else(|| PlanError::NotAUserId(archive.to_owned()))
}
