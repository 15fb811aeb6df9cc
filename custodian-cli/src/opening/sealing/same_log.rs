//! One log in two vaults: a copy, an older copy, or two pasts of one log.

use archiver_core::vault::leaf::LeafHash;
use serde::Serialize;

/// The records of a log as one vault claims them.
pub(super) struct Telling {
    pub(super) log: String,
    pub(super) vault: String,
    pub(super) leaves: Vec<LeafHash>,
}

/// A log that stands in two vaults.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SameLog {
    pub(crate) log: String,
    /// The vault that has more of it, or the first of the two.
    pub(crate) longer: String,
    pub(crate) records: u64,
    pub(crate) other: String,
    pub(crate) records_of_other: u64,
    /// The number in the log of the first record in which they differ; none when one is the beginning of the other.
    pub(crate) differ_at: Option<u64>,
}

/// Compares each vault that holds a log with the one that holds most of it.
pub(super) fn same_logs(mut tellings: Vec<Telling>) -> Vec<SameLog> {
    tellings.retain(|telling| !telling.leaves.is_empty());
    // Stable: of vaults with the same log and length, the first comes first.
    tellings.sort_by_key(|telling| std::cmp::Reverse(telling.leaves.len()));
    tellings.sort_by(|one, other| one.log.cmp(&other.log));
    let groups = tellings.chunk_by(|one, next| one.log == next.log);
    groups
        .flat_map(|group| {
            let (longest, others) = (group.first(), group.get(1..).unwrap_or_default());
            let longest = longest.into_iter();
            longest.flat_map(|longest| others.iter().map(|other| compare(longest, other)))
        })
        .collect()
}

fn compare(longest: &Telling, other: &Telling) -> SameLog {
    let pairs = longest.leaves.iter().zip(&other.leaves);
    let same = pairs.take_while(|(one, other)| one == other).count();
    SameLog {
        log: longest.log.clone(),
        longer: longest.vault.clone(),
        records: longest.leaves.len() as u64,
        other: other.vault.clone(),
        records_of_other: other.leaves.len() as u64,
        differ_at: (same < other.leaves.len()).then_some(same as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(log: &str, vault: &str, leaves: &[u8]) -> Telling {
        Telling {
            log: log.to_owned(),
            vault: vault.to_owned(),
            leaves: leaves.iter().map(|leaf| LeafHash([*leaf; 32])).collect(),
        }
    }

    #[test]
    fn a_beginning_is_told_with_the_longer_one_and_two_pasts_with_the_place_where_they_part() {
        let found = same_logs(vec![
            telling("a", "old", &[1, 2]),
            telling("b", "other", &[1]),
            telling("a", "whole", &[1, 2, 3]),
            telling("a", "forged", &[1, 7, 8]),
            telling("b", "empty", &[]),
        ]);
        let told: Vec<_> = found
            .iter()
            .map(|same| (same.longer.as_str(), same.other.as_str(), same.differ_at))
            .collect();
        assert_eq!(told, [("whole", "forged", Some(1)), ("whole", "old", None)]);
    }
}
