//! From checked checkpoints and dated records to the verdict on each day.
//!
//! Days are judged in their order. Once a checkpoint of a day contradicts the log, no later checkpoint makes up for it: whoever signs
//! later may have rewritten everything before. What is wrong with the checkpoints of one day alone, while the log is as they say, is held
//! against that day only.
//!
//! The signature of an ordinary interim checkpoint is verified only when something depends on it: when its day has no final, when the log does not
//! bear it out, when it does not continue the final of the day before, or when it is to show how far the log still is as it was. One that says nothing but
//! what is true beside a standing final changes no verdict, whoever wrote it; and one that says anything else is found, because then it is verified.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use super::examiner::{Checked, Dated, Examiner, Outcome};
use super::noticed::Noticed;
use super::{Break, DayVerdict, Finding, State, Verdict, Why};
use crate::seal::day::Day;

/// So long after midnight the final of the day before may be missing.
const GRACE_SECONDS: i64 = 2 * 60 * 60;

pub(super) fn of(mut examiner: Examiner<'_>) -> Verdict {
    let mut noticed = std::mem::take(&mut examiner.noticed);
    let days = examiner.keys.days();
    let today = Day::of(examiner.now);
    let mut judge = Judge {
        examiner: &examiner,
        checked: by_day(&examiner.checked),
        first_whole_from: first_whole_from(&examiner.dated),
        contradicted: None,
        sealed_so_far: 0,
        before: None,
    };
    let mut verdicts = Vec::new();
    let mut day = Some(*days.start());
    while let Some(at) = day.filter(|day| *day <= today && day <= days.end()) {
        verdicts.push(judge.day(at, &mut noticed));
        day = at.plus(1);
    }
    noticed.extend(skipped(&verdicts, &examiner));
    let unsealed = examiner.after_the_last_key;
    if unsealed > 0 {
        noticed.push(Finding::AfterTheLastKey(unsealed));
    }
    Verdict {
        days: verdicts,
        findings: noticed.listed,
        unlisted: noticed.unlisted,
        anomalies: noticed.anomalies,
    }
}

/// For each day with records, the lowest number of a whole record of that day or a later one.
fn first_whole_from(dated: &BTreeMap<Day, Dated>) -> BTreeMap<Day, u64> {
    let mut lowest: Option<u64> = None;
    let mut from = BTreeMap::new();
    for (day, dated) in dated.iter().rev() {
        lowest = lowest.into_iter().chain(dated.first_whole).min();
        if let Some(lowest) = lowest {
            from.insert(*day, lowest);
        }
    }
    from
}

fn by_day(checked: &[Checked]) -> BTreeMap<Day, Vec<&Checked>> {
    let mut by_day: BTreeMap<Day, Vec<&Checked>> = BTreeMap::new();
    for check in checked {
        by_day.entry(check.day()).or_default().push(check);
    }
    by_day
}

struct Judge<'a> {
    examiner: &'a Examiner<'a>,
    /// The checkpoints of each day, in order of size.
    checked: BTreeMap<Day, Vec<&'a Checked>>,
    first_whole_from: BTreeMap<Day, u64>,
    /// What contradicts the log, for this day and all later ones.
    contradicted: Option<Break>,
    /// The size of the last final before this day.
    sealed_so_far: u64,
    /// The final of the day before, if it stands.
    before: Option<&'a Checked>,
}

impl<'a> Judge<'a> {
    fn day(&mut self, day: Day, noticed: &mut Noticed) -> DayVerdict {
        let mut dated = self.examiner.dated.get(&day).cloned().unwrap_or_default();
        let mut own = self.checked.remove(&day).unwrap_or_default();
        self.hear_only_signed(&mut own, noticed);
        let finals: Vec<&Checked> = own.iter().copied().filter(|c| c.is_final()).collect();
        let is_first = self.contradicted.is_none();
        if is_first {
            let bad = own.iter().find(|c| c.outcome != Outcome::Holds);
            self.contradicted = bad.map(|bad| self.contradiction(bad));
        }
        if let Some(last) = finals.last() {
            // A record that was changed may claim any date, so it is its place among the sealed ones that says whose day it is.
            let own_fault = self.fault_in(self.sealed_so_far..last.size());
            dated.fault = own_fault.or(dated.fault);
            self.sealed_so_far = last.size();
        }
        if let Some(found) = self.contradicted.as_ref().filter(|_| is_first) {
            // A record that was put in may be faultless, and the one behind it not: the checkpoint tells which was the first.
            dated.fault = dated.fault.filter(|fault| fault.first <= found.first);
        }
        let broken = self
            .contradicted
            .clone()
            .or_else(|| self.other_past(day, &own));
        let state = match (&dated.fault, broken, finals.as_slice()) {
            (Some(found), ..) => State::Broken(found.clone()),
            (None, Some(found), _) => State::Broken(found),
            (None, None, []) => self.without_final(day),
            (None, None, [only]) => self
                .misdated(day, &dated, only.size())
                .map_or(State::Sealed, State::Broken),
            (None, None, _) => {
                let first = dated.first.unwrap_or(self.examiner.tree.size());
                State::Broken(Break {
                    first,
                    why: Why::TwoFinals(day),
                })
            }
        };
        noticed.extend(of_finals(day, &finals));
        let kept_elsewhere = |c: &&Checked| c.testimony.is_in_vault() && c.testimony.is_elsewhere();
        let kept_elsewhere = finals.len() == 1 && finals.iter().any(kept_elsewhere);
        self.before = finals.last().copied();
        let Dated {
            records,
            retired,
            first,
            ..
        } = dated;
        DayVerdict {
            day,
            records,
            retired,
            first,
            state,
            kept_elsewhere,
        }
    }

    /// Leaves only those that may speak: what is signed, and what changes nothing.
    fn hear_only_signed(&self, own: &mut Vec<&'a Checked>, noticed: &mut Noticed) {
        let has_final = own.iter().any(|c| c.is_final());
        own.retain(|c| {
            let changes_nothing = has_final && c.outcome == Outcome::Holds && self.continues(c);
            let verified = if changes_nothing {
                Ok(())
            } else {
                c.testimony.verify(self.examiner.keys)
            };
            verified.map_err(|finding| noticed.push(finding)).is_ok()
        });
    }

    /// Whether a checkpoint names the final of the day before, if that one stands.
    fn continues(&self, checked: &Checked) -> bool {
        self.before.is_none_or(|before| {
            checked.testimony.claimed().previous == Some(before.testimony.hash)
        })
    }

    /// Checkpoints of the day that do not name the final of the day before, though that one stands.
    fn other_past(&self, day: Day, own: &[&'a Checked]) -> Option<Break> {
        let before = self.before?;
        let (first, why) = (before.size(), Why::OtherPast(day));
        (!own.iter().all(|c| self.continues(c))).then_some(Break { first, why })
    }

    /// Where the log is not what a checkpoint says.
    fn contradiction(&self, bad: &Checked) -> Break {
        let checkpoint = bad.testimony.claimed();
        let (kind, day, size) = (checkpoint.kind, checkpoint.day, checkpoint.size);
        let log_ends = self.examiner.tree.size();
        if bad.outcome == Outcome::NotReached {
            return Break {
                first: log_ends,
                why: Why::CutOff { kind, day, size },
            };
        }
        let holds = |c: &&Checked| c.outcome == Outcome::Holds && c.day() <= day && c.size() < size;
        // From the largest down; whoever rewrote the log can put one beside it that fits, but not sign it.
        let is_signed = |c: &&Checked| c.testimony.verify(self.examiner.keys).is_ok();
        let held = self.examiner.checked.iter().rev().filter(holds);
        let first = held.filter(is_signed).map(Checked::size).next();
        let first = first.unwrap_or(0);
        self.fault_in(first..size).unwrap_or(Break {
            first,
            why: Why::OtherRecords { kind, day, size },
        })
    }

    fn fault_in(&self, range: Range<u64>) -> Option<Break> {
        let faults = &self.examiner.faults;
        let at = faults.partition_point(|fault| fault.first < range.start);
        faults
            .get(at)
            .filter(|fault| fault.first < range.end)
            .cloned()
    }

    /// A final covers exactly the records dated up to the end of its day.
    fn misdated(&self, day: Day, dated: &Dated, size: u64) -> Option<Break> {
        if dated.last.is_some_and(|last| last >= size) {
            let first = dated.first.map_or(size, |first| first.max(size));
            return Some(Break {
                first,
                why: Why::BehindTheSeal(day),
            });
        }
        let mut later = self
            .first_whole_from
            .range((Bound::Excluded(day), Bound::Unbounded));
        let (_, first) = later.next().filter(|(_, first)| **first < size)?;
        Some(Break {
            first: *first,
            why: Why::DatedLater(day),
        })
    }

    fn without_final(&self, day: Day) -> State {
        let over_for = self.examiner.now.unix() - day.last_second().unix();
        if over_for <= GRACE_SECONDS {
            State::Open
        } else {
            State::Missing
        }
    }
}

/// What is to be told of the finals of one day.
fn of_finals(day: Day, finals: &[&Checked]) -> impl Iterator<Item = Finding> {
    let stands_here = finals.iter().any(|c| c.testimony.is_in_vault());
    let only_elsewhere = finals.iter().any(|c| !c.testimony.is_in_vault());
    let two = (finals.len() > 1).then_some(Finding::TwoFinals(day));
    let compared = only_elsewhere.then_some(if stands_here {
        Finding::OtherElsewhere(day)
    } else {
        Finding::OnlyElsewhere(day)
    });
    two.into_iter().chain(compared)
}

/// Days without a final before a day that has one.
fn skipped(days: &[DayVerdict], examiner: &Examiner<'_>) -> Vec<Finding> {
    let finals = examiner.checked.iter().filter(|c| c.is_final());
    let last = finals.map(Checked::day).max();
    let is_missing = |verdict: &&DayVerdict| verdict.state == State::Missing;
    days.iter()
        .filter(|verdict| last.is_some_and(|last| verdict.day < last))
        .filter(is_missing)
        .map(|verdict| Finding::Skipped(verdict.day))
        .collect()
}
