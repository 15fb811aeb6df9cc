//! What must hold of a server after a crash: in what it left, and when it was started again.

use std::collections::BTreeMap;

use crate::seal::day::Day;
use crate::seal::note::{Kind, Note};
use crate::seal::notes::pieces;
use crate::seal::public_keys::ServerKeys;
use crate::seal::seal_folder::SEED_FILE;
use crate::seal::seed_file;
use crate::seal::writer::site::{LOG, Site};
use crate::vault::memory_disk::Op;

/// The number of the vault's folder on the disk.
const VAULT_FOLDER: usize = 0;

/// What happened up to a crash.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Told {
    /// The mails of which somebody was told that they are safe.
    acknowledged: Vec<u8>,
    /// The finals in each file that are not synced yet, those whose file's name may not be, and those that are on stable storage.
    waiting: BTreeMap<usize, Vec<(Day, String)>>,
    unnamed: Vec<(Day, String)>,
    synced: BTreeMap<Day, String>,
    has_crashed_before: bool,
}

impl Told {
    pub(super) fn take(&mut self, op: &Op, keys: &ServerKeys) {
        match op {
            Op::Acknowledged(mail) => self.acknowledged.extend(mail.first()),
            Op::Append { file, bytes } => {
                let finals = finals(bytes, keys);
                self.waiting.entry(*file).or_default().extend(finals);
            }
            Op::Sync { file } => {
                let synced = self.waiting.remove(file).unwrap_or_default();
                self.unnamed.extend(synced);
            }
            Op::SyncFolder {
                folder: VAULT_FOLDER,
            } => self.synced.extend(self.unnamed.drain(..)),
            _ => (),
        }
    }

    pub(super) fn is_first_crash(&self) -> bool {
        !self.has_crashed_before
    }

    /// The files have other numbers after it.
    pub(super) fn of_the_next_crash(&self) -> Self {
        Self {
            waiting: BTreeMap::new(),
            unnamed: Vec::new(),
            has_crashed_before: true,
            ..self.clone()
        }
    }

    /// When the server was started again, and the timer has run on `day`.
    pub(super) fn wrong_at_the_end(&self, again: &Site, day: i64) -> Option<String> {
        let lost = self.acknowledged.iter().find(|mail| !again.has(**mail));
        if let Some(lost) = lost {
            return Some(format!("mail {lost} was acknowledged and is gone"));
        }
        let now = again.at(day, 3600);
        let verdict = again.verdict(now);
        let mut expected = vec!["sealed"; usize::try_from(day).unwrap_or_default()];
        expected.push("open");
        let states = again.states(now);
        if !verdict.is_intact() || states != expected {
            return Some(format!("{states:?} {:?}", verdict.findings));
        }
        if again.seed_day() != again.day(day) {
            return Some(format!("the key of {} is still there", again.seed_day()));
        }
        let known = self.synced.iter().map(|(day, text)| (*day, text.clone()));
        different_finals(known.chain(all_finals(again)))
    }
}

/// In what the crash left, before anybody starts again: there is a whole seed, and it was given up for a later one only when its final was on stable
/// storage.
pub(super) fn wrong_at_once(left: &Site) -> Option<String> {
    let Ok(seed) = seed_file::decode(&left.seals.bytes(SEED_FILE)) else {
        return Some("the seed is not whole".to_owned());
    };
    let there: Vec<Day> = all_finals(left).into_iter().map(|(day, _)| day).collect();
    let mut day = *left.keys.days().start();
    while day < seed.day() {
        if !there.contains(&day) {
            return Some(format!(
                "the seed is given up, and the final of {day} is not there"
            ));
        }
        day = day.plus(1)?;
    }
    None
}

/// Whether two different finals of a day were signed.
fn different_finals(finals: impl Iterator<Item = (Day, String)>) -> Option<String> {
    let mut by_day = BTreeMap::new();
    for (day, text) in finals {
        let first = by_day.entry(day).or_insert_with(|| text.clone());
        if *first != text {
            return Some(format!("two different finals of {day}:\n{first}{text}"));
        }
    }
    None
}

fn all_finals(site: &Site) -> Vec<(Day, String)> {
    finals(
        &site.vault.bytes(crate::seal::writer::site::SEALS),
        &site.keys,
    )
}

fn finals(bytes: &[u8], keys: &ServerKeys) -> Vec<(Day, String)> {
    let notes = pieces(bytes, 0).filter_map(|piece| piece.note.ok());
    let is_final = |note: &Note| {
        note.claimed.kind == Kind::Final && note.claimed.origin.log == LOG && is_ours(note, keys)
    };
    let finals = notes.filter(is_final);
    finals
        .map(|note| (note.claimed.day, note.to_string()))
        .collect()
}

fn is_ours(note: &Note, keys: &ServerKeys) -> bool {
    note.verify(note.claimed.origin.archive, keys).is_ok()
}
