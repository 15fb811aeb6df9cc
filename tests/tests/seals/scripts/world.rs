//! The vaults that the scripts are played on, and what must stand in one so that a day may be called sealed.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::sync::OnceLock;

use archiver_core::identity::UtcTime;
use archiver_core::seal::day::Day;
use archiver_core::seal::note::{Kind, Note};
use archiver_core::seal::notes::pieces;
use archiver_core::vault::header::Header;
use archiver_core::vault::leaf::LogId;
use archiver_core::vault::scan::{Scanner, SpanKind};

use crate::attacker::Attacker;
use crate::honest::{Shape, Site, TODAY, ceremony};

const HOUR: i64 = 3600;

/// An honest vault, and what somebody who came today can have ready.
#[derive(Debug)]
pub(super) struct World {
    pub(super) vault: Vec<u8>,
    pub(super) seals: Vec<u8>,
    notes: Vec<Note>,
    /// The stretch of the vault that belongs to each day that is over.
    days: Vec<Range<usize>>,
    /// Where the final of each of these days ends in the seals.
    finals: Vec<usize>,
    dated: BTreeMap<Day, usize>,
    /// Records that fit somewhere into the vault, with good leaves.
    pub(super) forged: Vec<Vec<u8>>,
    /// Checkpoints, signed with today's key.
    pub(super) signed: Vec<String>,
}

/// When the verdict is given.
pub(super) fn noon() -> UtcTime {
    ceremony().at(TODAY, 12 * HOUR)
}

pub(super) fn worlds() -> &'static [World] {
    static WORLDS: OnceLock<Vec<World>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        let mails: [&[usize]; 3] = [
            &[2, 0, 3, 1, 2, 1],
            &[1, 1, 1, 1, 1, 1],
            &[0, 3, 2, 0, 0, 2],
        ];
        let mut worlds: Vec<World> = mails
            .iter()
            .map(|mails| World::of(Site::after(0, Shape::File, mails)))
            .collect();
        worlds.push(World::of(with_foreign_spans()));
        worlds
    })
}

/// A vault into which somebody wrote by hand, and whose machine crashed.
fn with_foreign_spans() -> Site {
    let site = Site::new(0, Shape::File);
    for day in 0..=TODAY {
        let vault = fs::read(site.vault()).unwrap_or_default();
        let spans: [&[u8]; 3] = [b"-----BEGIN PGP MESSAGE-----\n\nhF4D", b"a note\n", b"\n"];
        fs::write(site.vault(), [vault.as_slice(), spans[day % 3]].concat()).unwrap();
        site.receive("a mail", ceremony().at(day, HOUR));
        site.receive("another mail", ceremony().at(day, 2 * HOUR));
    }
    site
}

impl World {
    fn of(site: Site) -> Self {
        let sealed = site.seal(ceremony().at(TODAY, 10 * HOUR));
        assert!(sealed.is_empty(), "{sealed:?}");
        let attacker = Attacker::on(site);
        let vault = fs::read(attacker.site.vault()).unwrap();
        let seals = fs::read(attacker.site.seals()).unwrap();
        let dated = dated(&vault);
        Self {
            days: days(&attacker),
            finals: finals(&attacker.notes),
            notes: attacker.notes.clone(),
            forged: forged(&attacker),
            signed: signed(attacker),
            vault,
            seals,
            dated,
        }
    }

    /// Whether a vault bears out that these days are sealed: what belongs to them stands there in one piece with their neighbours', in its order,
    /// from the vault's start where the first day is among them; and nothing else is dated into one of them.
    pub(super) fn bears_out(&self, vault: &[u8], believed: &[usize]) -> bool {
        let (dated, mut from) = (dated(vault), 0);
        let is_whole = believed.chunk_by(|day, next| day + 1 == *next).all(|run| {
            let (first, last) = (run[0], run[run.len() - 1]);
            let stretch = &self.vault[self.days[first].start..self.days[last].end];
            let found = if first == 0 {
                starts_with(vault, stretch).then_some(0)
            } else {
                find(&vault[from..], stretch)
            };
            from += found.unwrap_or_default() + stretch.len();
            from = from.min(vault.len());
            found.is_some()
        });
        is_whole
            && believed
                .iter()
                .all(|day| self.is_dated_as_before(&dated, *day))
    }

    fn is_dated_as_before(&self, dated: &BTreeMap<Day, usize>, day: usize) -> bool {
        let day = ceremony().day(day);
        dated.get(&day) == self.dated.get(&day)
    }

    /// How many days, from the first on, stand as they were, with all checkpoints up to their finals, and have got nothing more.
    pub(super) fn untouched_days(&self, vault: &[u8], seals: &[u8]) -> usize {
        let (mentioned, others) = (mentioned(vault), self.first_day_signed_elsewhere(seals));
        let stands = |day: &usize| {
            let (end, sealed) = (self.days[*day].end, self.finals[*day]);
            vault.starts_with(&self.vault[..end])
                && seals.starts_with(&self.seals[..sealed])
                && self.is_dated_as_before(&mentioned, *day)
                && others.is_none_or(|other| ceremony().day(*day) < other)
        };
        (0..TODAY).take_while(stands).count()
    }

    /// The scripts also splice from vaults that have the same keys: what is signed there for a day counts as much as what is signed here, as if the key had been
    /// in two hands.
    fn first_day_signed_elsewhere(&self, seals: &[u8]) -> Option<Day> {
        let notes = pieces(seals, 0).filter_map(|piece| piece.note.ok());
        let others = notes.filter(|note| !self.notes.contains(note));
        let archive = ceremony().archive.primary;
        let signed = others.filter(|note| note.verify(archive, ceremony().server(0)).is_ok());
        signed.map(|note| note.claimed.day).min()
    }
}

/// A reader takes a vault's last record for whole when nothing but its last line feed is missing (docs/format.md §7).
fn starts_with(vault: &[u8], stretch: &[u8]) -> bool {
    vault.starts_with(stretch) || stretch.strip_suffix(b"\n") == Some(vault)
}

fn find(vault: &[u8], stretch: &[u8]) -> Option<usize> {
    if stretch.is_empty() {
        return Some(0);
    }
    let whole = vault
        .windows(stretch.len())
        .position(|window| window == stretch);
    let without_end = stretch
        .strip_suffix(b"\n")
        .filter(|rest| vault.ends_with(rest));
    whole.or_else(|| without_end.map(|rest| vault.len() - rest.len()))
}

/// How many records of the log claim to be of each day: those with one header, which is of ours and well-formed.
fn dated(vault: &[u8]) -> BTreeMap<Day, usize> {
    let spans = Scanner::new(vault).map(Result::unwrap);
    let records = spans.filter(|span| span.kind == SpanKind::Record);
    let headers = records.filter_map(|span| {
        let start = usize::try_from(span.offset).unwrap();
        let mut lines = vault[start..].split(|byte| *byte == b'\n').skip(1);
        let header = header_in(lines.next()?)?;
        lines.next()?.is_empty().then_some(header)
    });
    counted(headers)
}

/// How many lines like the headers of such records there are at all.
fn mentioned(vault: &[u8]) -> BTreeMap<Day, usize> {
    counted(vault.split(|byte| *byte == b'\n').filter_map(header_in))
}

fn header_in(line: &[u8]) -> Option<Header> {
    let header: Header = std::str::from_utf8(line).ok()?.trim_end().parse().ok()?;
    (header.place.log == ceremony().log()).then_some(header)
}

fn counted(headers: impl Iterator<Item = Header>) -> BTreeMap<Day, usize> {
    let mut counts = BTreeMap::new();
    for header in headers {
        *counts.entry(Day::of(header.place.time)).or_default() += 1;
    }
    counts
}

fn days(attacker: &Attacker) -> Vec<Range<usize>> {
    let (mut start, mut end) = (0, 0);
    let day = |day: usize| {
        start = end;
        let of_day = (0..attacker.records.len()).filter(|record| attacker.day_of(*record) == day);
        end += of_day
            .map(|record| attacker.records[record].bytes().len())
            .sum::<usize>();
        start..end
    };
    (0..TODAY).map(day).collect()
}

fn finals(notes: &[Note]) -> Vec<usize> {
    let mut end = 0;
    let ends = notes.iter().map(|note| {
        end += note.to_string().len();
        (note.claimed.kind, end)
    });
    let finals = ends.filter(|(kind, _)| *kind == Kind::Final);
    finals.map(|(_, end)| end).collect()
}

fn forged(attacker: &Attacker) -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    for place in 0..=attacker.records.len() {
        for day in [place % TODAY, TODAY] {
            let time = ceremony().at(day, 20 * HOUR);
            forged.push(attacker.forge(place, time).text);
            forged.push(attacker.forge_of(LogId([0x77; 16]), place, time).text);
        }
    }
    forged
}

fn signed(mut attacker: Attacker) -> Vec<String> {
    let mut signed = Vec::new();
    for rewritten in [false, true] {
        if rewritten {
            attacker.records[1].message = attacker.forge(0, ceremony().at(0, 0)).message;
            attacker.relink(1);
        }
        for size in 0..=attacker.records.len() {
            for (day, kind) in [
                (TODAY, Kind::Interim),
                (TODAY, Kind::Final),
                (size % TODAY, Kind::Final),
            ] {
                signed.push(attacker.note(day, TODAY, kind, size).to_string());
            }
        }
    }
    signed
}
