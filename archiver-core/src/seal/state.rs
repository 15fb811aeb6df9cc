//! What a server remembers of its log between two runs, so that it need not read the vault again: the file `state` in the seal folder
//! (docs/format.md §8.5).
//!
//! It is a cache. Each run adds a line; a line that is damaged or was cut off is passed over, and any line may be older or newer than the vault:
//! nothing here is believed before [`super::position`] has found its last record in the vault. Nothing is secret.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest as _, Sha256};

use super::day::Day;
use super::merkle::Tree;
use super::note::{NoteHash, OrNone};
use crate::identity::UtcTime;
use crate::vault::leaf::{LeafHash, LogId};

/// More than the longest line, that of a log of 2^64 − 1 records.
pub(super) const LONGEST_LINE: usize = 4096;

const TITLE: &str = "archiver-state 2";

/// The last record of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastLeaf {
    pub(super) leaf: LeafHash,
    pub(super) time: UtcTime,
}

/// The last final that was signed, or was found to stand when the server was installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastFinal {
    pub(super) day: Day,
    pub(super) hash: NoteHash,
}

impl LastFinal {
    /// The one of the later day.
    pub(super) fn later(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        one.into_iter().chain(other).max_by_key(|last| last.day)
    }

    /// When the day begins into which records may be dated again.
    pub(super) fn first_second_behind(self) -> Option<UtcTime> {
        self.day.plus(1).map(Day::first_second)
    }
}

impl fmt::Display for LastFinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.day, self.hash)
    }
}

impl FromStr for LastFinal {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        let (day, hash) = text.split_once('/').ok_or(NotAState)?;
        Ok(Self {
            day: day.parse().map_err(|_| NotAState)?,
            hash: hash.parse().map_err(|_| NotAState)?,
        })
    }
}

/// A log as it was after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) log: LogId,
    /// The tree over the log's leaves.
    pub(super) tree: Tree,
    /// None exactly when the tree is empty.
    pub(super) last: Option<LastLeaf>,
    /// The last note of the `.seals` file, with which this was found to agree.
    pub(super) note: Option<NoteHash>,
    /// The last final. The note may be a later, interim one.
    pub(super) last_final: Option<LastFinal>,
    /// Whether the log and its checkpoints agree, so that more of them may be signed.
    pub(super) may_seal: bool,
}

impl fmt::Display for State {
    /// The line, with its LF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.unchecked();
        writeln!(f, "{text} check={}", check(&text))
    }
}

impl State {
    /// The state of a log of which nothing is known.
    pub(super) fn beginning(log: LogId) -> Self {
        Self {
            log,
            tree: Tree::empty(),
            last: None,
            note: None,
            last_final: None,
            may_seal: true,
        }
    }

    /// Takes a record in.
    pub(super) fn push(&mut self, leaf: LeafHash, time: UtcTime) {
        self.tree.push(leaf);
        self.last = Some(LastLeaf { leaf, time });
    }

    fn unchecked(&self) -> String {
        let leaf = self.last.map(|last| last.leaf);
        let time = self.last.map(|last| last.time);
        let peaks: Vec<String> = self
            .tree
            .peaks()
            .iter()
            .map(|peak| BASE64.encode(peak))
            .collect();
        format!(
            "{TITLE} log={} size={} leaf={} time={} note={} final={} seal={} peaks={}",
            self.log,
            self.tree.size(),
            OrNone(leaf.as_ref()),
            OrNone(time.as_ref()),
            OrNone(self.note.as_ref()),
            OrNone(self.last_final.as_ref()),
            if self.may_seal { "yes" } else { "no" },
            peaks.join(","),
        )
    }
}

fn check(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

/// A line that is none of ours, or was damaged.
#[derive(Debug)]
pub(super) struct NotAState;

impl FromStr for State {
    type Err = NotAState;

    /// Reads exactly the line that [`fmt::Display`] writes, without its LF.
    fn from_str(line: &str) -> Result<Self, NotAState> {
        read(line)
            .filter(|state| format!("{state}") == format!("{line}\n"))
            .ok_or(NotAState)
    }
}

fn read(line: &str) -> Option<State> {
    let fields: Vec<&str> = line
        .strip_prefix(TITLE)?
        .strip_prefix(' ')?
        .split(' ')
        .collect();
    let [log, size, leaf, time, note, last_final, seal, peaks, _check] = fields.as_slice() else {
        return None;
    };
    let peaks = peaks
        .strip_prefix("peaks=")?
        .split(',')
        .filter(|peak| !peak.is_empty());
    let peaks = peaks.map(|peak| BASE64.decode(peak.as_bytes()).ok()?.try_into().ok());
    let tree = Tree::from_peaks(
        size.strip_prefix("size=")?.parse().ok()?,
        peaks.collect::<Option<_>>()?,
    )?;
    let leaf = or_none(leaf.strip_prefix("leaf=")?)?;
    let time = or_none(time.strip_prefix("time=")?)?;
    let last = leaf.zip(time).map(|(leaf, time)| LastLeaf { leaf, time });
    if last.is_some() != (tree.size() > 0) {
        return None;
    }
    Some(State {
        log: log.strip_prefix("log=")?.parse().ok()?,
        tree,
        last,
        note: or_none(note.strip_prefix("note=")?)?,
        last_final: or_none(last_final.strip_prefix("final=")?)?,
        may_seal: *seal == "seal=yes",
    })
}

/// `None` for what cannot be read.
#[expect(clippy::option_option, reason = "the inner one is the value `none`")]
fn or_none<T: FromStr>(text: &str) -> Option<Option<T>> {
    match text {
        "none" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

/// The states of one log in the end of a file, the newest first.
pub(super) fn newest_first(file: &[u8], log: LogId) -> impl Iterator<Item = State> {
    let lines = file.rsplit(|byte| *byte == b'\n');
    lines
        .filter(|line| line.len() < LONGEST_LINE)
        .filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok())
        .filter(move |state: &State| state.log == log)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const LOG: LogId = LogId([1; 16]);

    fn state(records: u8) -> State {
        let mut state = State::beginning(LOG);
        for number in 0..records {
            let time = UtcTime::from_unix(1_795_608_000 + i64::from(number)).unwrap();
            state.push(LeafHash([number; 32]), time);
        }
        state.note = (records > 1).then_some(NoteHash([7; 32]));
        state.last_final = (records > 2).then(|| LastFinal {
            day: "2026-11-24".parse().unwrap(),
            hash: NoteHash([8; 32]),
        });
        state.may_seal = records != 3;
        state
    }

    fn lines(records: impl IntoIterator<Item = u8>) -> String {
        records
            .into_iter()
            .map(|records| state(records).to_string())
            .collect()
    }

    #[test]
    fn a_state_survives_its_line() {
        for records in 0..20 {
            let line = state(records).to_string();
            assert_eq!(
                line.strip_suffix('\n').unwrap().parse::<State>().unwrap(),
                state(records)
            );
        }
    }

    #[test]
    fn every_changed_or_cut_byte_makes_a_line_none() {
        let line = lines([5]);
        let line = line.trim_end();
        for at in 0..line.len() {
            for byte in ["0", "A", " ", "="] {
                let mut changed = line.to_owned();
                changed.replace_range(at..=at, byte);
                assert!(
                    changed == line || changed.parse::<State>().is_err(),
                    "byte {at}"
                );
            }
            assert!(line[..at].parse::<State>().is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_newest_whole_line_of_the_log_comes_first() {
        let other = State::beginning(LogId([2; 16])).to_string();
        let file = format!(
            "t line without beginning\n{}{other}{}",
            lines([1, 2]),
            &lines([3])[..40]
        );
        let found: Vec<State> = newest_first(file.as_bytes(), LOG).collect();
        assert_eq!(found, [state(2), state(1)]);
        assert_eq!(newest_first(b"", LOG).count(), 0);
    }

    #[test]
    fn no_line_is_longer_than_what_is_read_of_one() {
        let full = Tree::from_peaks(u64::MAX, vec![[0xff; 32]; 64]).unwrap();
        let last = Some(LastLeaf {
            leaf: LeafHash([9; 32]),
            time: UtcTime::from_unix(0).unwrap(),
        });
        let state = State {
            tree: full,
            last,
            note: Some(NoteHash([7; 32])),
            last_final: state(5).last_final,
            ..state(0)
        };
        assert!(state.to_string().len() < LONGEST_LINE);
    }
}
