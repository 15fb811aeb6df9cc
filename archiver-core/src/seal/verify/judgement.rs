//! From checked checkpoints and dated records to the verdict on each day.
//!
//! Days are judged in their order. Once a checkpoint of a day contradicts the log, no later checkpoint makes up for it: whoever signs
//! later may have rewritten everything before. What is wrong with the checkpoints of one day alone, while the log is as they say, is held
//! against that day only.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use super::evidence::Source;
use super::examiner::{Checked, Dated, Examiner, Outcome};
use super::{Break, DayVerdict, Finding, State, Verdict, Why};
use crate::seal::day::Day;

/// So long after midnight the final of the day before may be missing.
const GRACE_SECONDS: i64 = 2 * 60 * 60;

pub(super) fn of(mut examiner: Examiner<'_>) -> Verdict {
    let mut findings = std::mem::take(&mut examiner.findings);
    let days = examiner.keys.days();
    let today = Day::of(examiner.now);
    let mut judge = Judge {
        examiner: &examiner,
        checked: by_day(&examiner.checked),
        contradicted: None,
        sealed_so_far: 0,
        before: None,
    };
    let mut verdicts = Vec::new();
    let mut day = Some(*days.start());
    while let Some(at) = day.filter(|day| *day <= today && day <= days.end()) {
        verdicts.push(judge.day(at, &mut findings));
        day = at.plus(1);
    }
    findings.extend(skipped(&verdicts, &examiner));
    let unsealed = examiner
        .dated
        .range(*days.end()..)
        .skip_while(|(day, _)| *day == days.end());
    let unsealed: u64 = unsealed.map(|(_, dated)| dated.records).sum();
    if unsealed > 0 {
        findings.push(Finding::AfterTheLastKey(unsealed));
    }
    Verdict {
        days: verdicts,
        findings,
    }
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
    /// What contradicts the log, for this day and all later ones.
    contradicted: Option<Break>,
    /// The size of the last final before this day.
    sealed_so_far: u64,
    /// The final of the day before, if it stands.
    before: Option<&'a Checked>,
}

impl<'a> Judge<'a> {
    fn day(&mut self, day: Day, findings: &mut Vec<Finding>) -> DayVerdict {
        let mut dated = self.examiner.dated.get(&day).cloned().unwrap_or_default();
        let own = self.checked.remove(&day).unwrap_or_default();
        let finals: Vec<&Checked> = own.iter().copied().filter(|c| c.is_final()).collect();
        if self.contradicted.is_none() {
            let bad = own.iter().find(|c| c.outcome != Outcome::Holds);
            self.contradicted = bad.map(|bad| self.contradiction(bad));
        }
        if let Some(last) = finals.last() {
            // A record that was changed may claim any date, so it is its place among the sealed ones that says whose day it is.
            let own_fault = self.fault_in(self.sealed_so_far..last.size());
            dated.fault = own_fault.or(dated.fault);
            self.sealed_so_far = last.size();
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
        if finals.len() > 1 {
            findings.push(Finding::TwoFinals(day));
        }
        if finals.iter().any(|c| c.proven.source == Source::Elsewhere) {
            findings.push(Finding::OnlyElsewhere(day));
        }
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
        }
    }

    /// Checkpoints of the day that do not name the final of the day before, though that one stands.
    fn other_past(&self, day: Day, own: &[&'a Checked]) -> Option<Break> {
        let before = self.before?;
        let expected = Some(before.proven.hash);
        let continues = |c: &&Checked| c.proven.checkpoint.get().previous == expected;
        let (first, why) = (before.size(), Why::OtherPast(day));
        (!own.iter().all(continues)).then_some(Break { first, why })
    }

    /// Where the log is not what a checkpoint says.
    fn contradiction(&self, bad: &Checked) -> Break {
        let checkpoint = bad.proven.checkpoint.get();
        let (kind, day, size) = (checkpoint.kind, checkpoint.day, checkpoint.size);
        let log_ends = self.examiner.tree.size();
        if bad.outcome == Outcome::NotReached {
            return Break {
                first: log_ends,
                why: Why::CutOff { kind, day, size },
            };
        }
        let holds = |c: &&Checked| c.outcome == Outcome::Holds && c.day() <= day && c.size() < size;
        let first = self
            .examiner
            .checked
            .iter()
            .filter(holds)
            .map(Checked::size)
            .max()
            .unwrap_or(0);
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
        let later = self
            .examiner
            .dated
            .range((Bound::Excluded(day), Bound::Unbounded));
        let sealed_later = later
            .filter_map(|(_, dated)| dated.first_whole)
            .filter(|first| *first < size);
        let why = Why::DatedLater(day);
        sealed_later.min().map(|first| Break { first, why })
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
