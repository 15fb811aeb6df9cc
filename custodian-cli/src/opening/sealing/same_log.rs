//! One log in two vaults: a copy, an older copy, two parts, or two pasts of one log.
//!
//! Records are compared by their numbers in the log, so that a part of a vault is not taken for another past.

use std::cmp::Ordering;

use archiver_core::vault::leaf::LeafHash;
use serde::Serialize;

/// A record by its number in the log.
pub(super) type Numbered = (u64, LeafHash);

/// The records of a log as one vault claims them.
pub(super) struct Telling {
    pub(super) log: String,
    pub(super) vault: String,
    pub(super) leaves: Vec<Numbered>,
}

/// A log that stands in two vaults.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SameLog {
    pub(crate) log: String,
    /// The vault that has more of it, or the first of the two.
    pub(crate) longer: String,
    pub(crate) records: u64,
    pub(crate) numbers: Numbers,
    pub(crate) other: String,
    pub(crate) records_of_other: u64,
    pub(crate) numbers_of_other: Numbers,
    /// How many of its records have numbers that the other has too.
    pub(crate) in_common: u64,
    /// The number in the log of the first record in which they differ; none when what both have is the same.
    pub(crate) differ_at: Option<u64>,
}

/// The lowest and the highest number in the log of a vault's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Numbers {
    pub(crate) lowest: u64,
    pub(crate) highest: u64,
}

impl SameLog {
    /// Both have the same records.
    pub(crate) fn are_the_same(&self) -> bool {
        self.differ_at.is_none() && self.records == self.in_common && self.has_all_of_other()
    }

    /// What the other has is how the longer one begins.
    pub(crate) fn other_is_the_beginning(&self) -> bool {
        let Numbers { lowest, highest } = self.numbers_of_other;
        let has_no_hole = (highest - lowest).checked_add(1) == Some(self.records_of_other);
        let begins_the_same = lowest == self.numbers.lowest;
        self.differ_at.is_none() && self.has_all_of_other() && begins_the_same && has_no_hole
    }

    fn has_all_of_other(&self) -> bool {
        self.records_of_other == self.in_common
    }
}

/// Compares each vault that holds a log with the one that holds most of it, and those that fit it with each other.
pub(super) fn same_logs(mut tellings: Vec<Telling>) -> Vec<SameLog> {
    for telling in &mut tellings {
        telling
            .leaves
            .sort_by_key(|(number, leaf)| (*number, leaf.0));
        telling.leaves.dedup();
    }
    tellings.retain(|telling| !telling.leaves.is_empty());
    // Stable: of vaults with the same log and length, the first comes first.
    tellings.sort_by_key(|telling| std::cmp::Reverse(telling.leaves.len()));
    tellings.sort_by(|one, other| one.log.cmp(&other.log));
    let groups = tellings.chunk_by(|one, next| one.log == next.log);
    groups.flat_map(of_one_log).collect()
}

fn of_one_log(group: &[Telling]) -> Vec<SameLog> {
    let [longest, others @ ..] = group else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut fitting: Vec<&Telling> = Vec::new();
    for other in others {
        let same = SameLog::of(longest, other);
        if same.differ_at.is_none() {
            // The longest may have nothing in common with either of two parts that contradict each other.
            let pairs = fitting.iter().map(|earlier| SameLog::of(earlier, other));
            found.extend(pairs.filter(|pair| pair.differ_at.is_some()));
            fitting.push(other);
        }
        found.push(same);
    }
    found
}

impl SameLog {
    fn of(longer: &Telling, other: &Telling) -> Self {
        let (in_common, differ_at) = compare(&longer.leaves, &other.leaves);
        Self {
            log: longer.log.clone(),
            longer: longer.vault.clone(),
            records: longer.leaves.len() as u64,
            numbers: numbers(&longer.leaves),
            other: other.vault.clone(),
            records_of_other: other.leaves.len() as u64,
            numbers_of_other: numbers(&other.leaves),
            in_common,
            differ_at,
        }
    }
}

fn numbers(leaves: &[Numbered]) -> Numbers {
    let number = |leaf: Option<&Numbered>| leaf.map_or(0, |(number, _)| *number);
    Numbers {
        lowest: number(leaves.first()),
        highest: number(leaves.last()),
    }
}

/// How many records have numbers that both have, and the first number for which they do not have the same.
fn compare(one: &[Numbered], other: &[Numbered]) -> (u64, Option<u64>) {
    let is_one_number = |a: &Numbered, b: &Numbered| a.0 == b.0;
    let mut ours = one.chunk_by(is_one_number).peekable();
    let mut theirs = other.chunk_by(is_one_number).peekable();
    let (mut in_common, mut differ_at) = (0, None);
    while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
        let number = |records: &[Numbered]| records.first().map(|(number, _)| *number);
        match number(our).cmp(&number(their)) {
            Ordering::Less => {
                ours.next();
            }
            Ordering::Greater => {
                theirs.next();
            }
            Ordering::Equal => {
                in_common += our.len() as u64;
                let differs_here = (our != their).then(|| number(our)).flatten();
                differ_at = differ_at.or(differs_here);
                ours.next();
                theirs.next();
            }
        }
    }
    (in_common, differ_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of a log from a number on.
    fn telling(log: &str, vault: &str, first: u64, leaves: &[u8]) -> Telling {
        let leaves = leaves.iter().map(|leaf| LeafHash([*leaf; 32]));
        Telling {
            log: log.to_owned(),
            vault: vault.to_owned(),
            leaves: (first..).zip(leaves).collect(),
        }
    }

    fn told(found: &[SameLog]) -> Vec<(&str, &str, u64, Option<u64>)> {
        let each = found.iter().map(|same| {
            let names = (same.longer.as_str(), same.other.as_str());
            (names.0, names.1, same.in_common, same.differ_at)
        });
        each.collect()
    }

    #[test]
    fn a_beginning_is_told_with_the_longer_one_and_two_pasts_with_the_place_where_they_part() {
        let found = same_logs(vec![
            telling("a", "old", 0, &[1, 2]),
            telling("b", "other", 0, &[1]),
            telling("a", "whole", 0, &[1, 2, 3]),
            telling("a", "forged", 0, &[1, 7, 8]),
            telling("b", "empty", 0, &[]),
        ]);
        let expected = [("whole", "forged", 3, Some(1)), ("whole", "old", 2, None)];
        assert_eq!(told(&found), expected);
        assert!(found[1].other_is_the_beginning() && !found[1].are_the_same());
    }

    #[test]
    fn parts_of_a_log_are_compared_by_the_numbers_that_both_have() {
        let parts = same_logs(vec![
            telling("a", "first", 0, &[1, 2, 3]),
            telling("a", "second", 3, &[4, 5]),
        ]);
        assert_eq!(told(&parts), [("first", "second", 0, None)]);
        let numbers = Numbers {
            lowest: 3,
            highest: 4,
        };
        assert_eq!(parts[0].numbers_of_other, numbers);
        assert!(!parts[0].other_is_the_beginning());

        let whole = &[1, 2, 3, 4, 5, 6, 7, 8, 9];
        let overlapping = |leaves: &[u8]| {
            let part = telling("a", "part", 8, leaves);
            same_logs(vec![telling("a", "whole", 0, whole), part])
        };
        let (same, other) = (overlapping(&[9, 10]), overlapping(&[77, 10]));
        assert_eq!(told(&same), [("whole", "part", 1, None)]);
        assert!(!same[0].other_is_the_beginning() && !same[0].are_the_same());
        assert_eq!(told(&other), [("whole", "part", 1, Some(8))]);
    }

    #[test]
    fn two_parts_that_contradict_each_other_are_told_although_both_fit_the_longest() {
        let found = same_logs(vec![
            telling("a", "first", 0, &[1, 2, 3]),
            telling("a", "second", 3, &[4, 5]),
            telling("a", "forged", 3, &[4, 77]),
        ]);
        let expected = [
            ("first", "second", 0, None),
            ("second", "forged", 2, Some(4)),
            ("first", "forged", 0, None),
        ];
        assert_eq!(told(&found), expected);
    }

    #[test]
    fn a_number_that_comes_twice_in_one_vault_is_another_past_when_its_records_are_others() {
        let against_once = |again: u8| {
            let mut twice = telling("a", "twice", 0, &[1, 2]);
            twice.leaves.push((1, LeafHash([again; 32])));
            same_logs(vec![telling("a", "once", 0, &[1, 2]), twice])
        };
        assert!(against_once(2)[0].are_the_same());
        assert_eq!(against_once(9)[0].differ_at, Some(1));
    }
}
