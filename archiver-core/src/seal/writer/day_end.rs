//! What is due under the lock: the finals of the days that are over, each with its key given up behind it, and the interim checkpoint of the present
//! one. (docs/format.md §8.5.)

use std::io;

use super::{Anomaly, Run, Sealer};
use crate::identity::UtcTime;
use crate::seal::day::Day;
use crate::seal::keys::Seed;
use crate::seal::merkle::Tree;
use crate::seal::note::{Checkpoint, Kind, Note, Origin};
use crate::seal::seal_folder::SeedNotGone;
use crate::seal::seals_file::SealsFile;
use crate::seal::state::{LastFinal, State};
use crate::seal::{position, seal_folder};
use crate::vault::disk::{DiskFile as _, Folder};
use crate::vault::writable::LockedVault;

/// A jump of the clock over more days than this does not use their keys up.
const MOST_DAYS_AHEAD: i64 = 7;
const INTERIM_RECORDS: u64 = 256;
const INTERIM_SECONDS: i64 = 15 * 60;
const WARN_DAYS: i64 = 90;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The `.seals` file beside the vault.
pub(super) fn seals_file<'a, F: Folder>(vault: &'a LockedVault<'_, F>) -> SealsFile<'a, F> {
    SealsFile {
        folder: vault.folder(),
        name: vault.seals_name(),
    }
}

fn in_state(error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("the file `state` of the seal folder could not be written: {error}"),
    )
}

/// The work that the days that are over, and the present one, still want.
pub(super) struct DayEnd<'s, 'v, 'f, D, F: Folder> {
    pub(super) sealer: &'s mut Sealer<D>,
    pub(super) vault: &'v mut LockedVault<'f, F>,
    pub(super) origin: Origin,
    pub(super) now: UtcTime,
    pub(super) seed: Seed,
    pub(super) last_note: Option<Note>,
    pub(super) last_final: Option<LastFinal>,
    pub(super) has_signed: bool,
}

impl<D: Folder, F: Folder<File: Sync>> DayEnd<'_, '_, '_, D, F> {
    /// All of it; what came first is done even when a later step fails.
    pub(super) fn all(&mut self) -> Result<(), Anomaly> {
        self.require_last_final()?;
        self.finish_what_was_begun()?;
        let today = Day::of(self.now);
        let is_allowed = self.sealer.request.catch_up.is_some_and(|day| today <= day);
        let ahead = today.days_since(self.seed.day());
        if ahead > MOST_DAYS_AHEAD && !is_allowed && self.has_key() {
            let day = self.seed.day();
            self.bound(|run| {
                run.earliest = Some(day.first_second());
                run.latest = Some(day.last_second());
            });
            return Err(Anomaly::ClockFarAhead { day, today });
        }
        while self.has_key() && self.seed.day() < today {
            self.end_day()?;
        }
        let earliest = self.seed.day().first_second();
        self.bound(|run| run.earliest = Some(earliest));
        if !self.has_key() {
            return Err(Anomaly::KeysEnded(*self.sealer.server.days().end()));
        }
        self.interim()?;
        self.warn(earliest)
    }

    fn bound(&mut self, set: impl FnOnce(&mut Run)) {
        if let Some(run) = &mut self.sealer.run {
            set(run);
        }
    }

    fn has_key(&self) -> bool {
        self.seed.day() <= *self.sealer.server.days().end()
    }

    fn warn(&self, earliest: UtcTime) -> Result<(), Anomaly> {
        let last_day = *self.sealer.server.days().end();
        if earliest.unix() - self.now.unix() > DAY_SECONDS {
            return Err(Anomaly::ClockBehind {
                day: self.seed.day(),
                now: self.now,
            });
        }
        let days = last_day.days_since(self.seed.day());
        if days < WARN_DAYS {
            return Err(Anomaly::KeysEndSoon { days, last_day });
        }
        Ok(())
    }

    /// Every day before the seed's has its final. A delivery looks at the last note only, and so tells it until there is a new one; whoever asks for
    /// seals is told as long as the last of these finals is not there.
    fn require_last_final(&mut self) -> Result<(), Anomaly> {
        let first = *self.sealer.server.days().start();
        let until = self.seed.day().plus(-1).filter(|until| *until >= first);
        let Some(until) = until else { return Ok(()) };
        let next = match self.last_note.map(|note| note.claimed) {
            _ if self.sealer.request.thorough => self.day_behind_the_finals(until)?,
            None => Some(first),
            Some(last) if last.day >= until => None,
            Some(last) if last.kind == Kind::Final => last.day.plus(1),
            Some(last) => Some(last.day),
        };
        if let Some(from) = next.filter(|from| *from <= until) {
            let missing = Anomaly::SealsMissing { from, until };
            self.sealer.anomalies.push(missing);
        }
        Ok(())
    }

    /// The day behind the last one, up to this day, whose final is in the seals. Another final than the remembered one does not count.
    fn day_behind_the_finals(&self, until: Day) -> Result<Option<Day>, Anomaly> {
        let known = self.last_final.filter(|last| last.day == until);
        let is_wanted = |note: &Note| {
            note.claimed.kind == Kind::Final
                && note.claimed.origin == self.origin
                && note.claimed.day == until
                && known.is_none_or(|last| last.hash == note.hash())
        };
        let notes = seals_file(self.vault)
            .back_to(is_wanted)
            .map_err(Anomaly::ReadSeals)?;
        if notes.iter().any(is_wanted) {
            return Ok(until.plus(1));
        }
        let finals = notes.iter().map(|note| note.claimed).filter(|note| {
            note.kind == Kind::Final && note.origin == self.origin && note.day < until
        });
        let last = finals.map(|note| note.day).max();
        let first = *self.sealer.server.days().start();
        Ok(last.map_or(Some(first), |last| last.plus(1)))
    }

    /// The final of the seed's day, or of a later one, stands: the run before was interrupted, or an old seed was put back. Nothing is signed
    /// again; the same note is written once more, because it is not known whether it is on stable storage. Notes of these days count only when they
    /// verify.
    fn finish_what_was_begun(&mut self) -> Result<(), Anomaly> {
        let Some(note) = self.last_note else {
            return Ok(());
        };
        let day = note.claimed.day;
        let is_interim = note.claimed.kind == Kind::Interim;
        if day < self.seed.day() || (is_interim && day == self.seed.day()) {
            return Ok(());
        }
        let seed = self.seed_of(day).ok_or(Anomaly::KeysEnded(day))?;
        if is_interim {
            return self.advance_to(seed);
        }
        self.not_before_the_day_after(day);
        // First what give_up would fail at: otherwise the note would be written once more with every mail.
        self.remember_the_final()?;
        self.store(&note)?;
        self.give_up(seed)
    }

    /// The seed of a later day, if the log has a key for it.
    fn seed_of(&self, day: Day) -> Option<Seed> {
        if day > *self.sealer.server.days().end() {
            return None;
        }
        let mut seed = self.seed.again();
        while seed.day() < day {
            seed = seed.next()?;
        }
        Some(seed)
    }

    fn end_day(&mut self) -> Result<(), Anomaly> {
        let day = self.seed.day();
        let state = self.log_until(day)?;
        self.not_before_the_day_after(day);
        self.sign(Kind::Final, &state)?;
        self.give_up(self.seed.again())
    }

    /// The final of the seed's day stands. That it does is remembered before the seed is given up: afterwards nobody here could verify it.
    fn give_up(&mut self, seed: Seed) -> Result<(), Anomaly> {
        let day = seed.day();
        let next = seed.next().ok_or(Anomaly::KeysEnded(day))?;
        self.remember_the_final()?;
        self.has_signed = false;
        self.advance_to(next)
    }

    fn remember_the_final(&self) -> Result<(), Anomaly> {
        let remembered = self.sealer.remember_surely();
        remembered.map_err(|e| Anomaly::WriteSeed(in_state(&e)))
    }

    /// Once a final may stand, no record may be dated into its day, wherever the clock goes.
    fn not_before_the_day_after(&mut self, day: Day) {
        let next = day.plus(1).map(Day::first_second);
        self.bound(|run| run.earliest = next.or(run.earliest));
    }

    /// The log up to the end of a day: all of it, unless records of later days came in while nothing could be sealed.
    fn log_until(&mut self, day: Day) -> Result<State, Anomaly> {
        let state = self.state()?;
        if state.last.is_none_or(|last| Day::of(last.time) <= day) {
            return Ok(state.clone());
        }
        position::until(self.vault, self.origin.log, day).map_err(Anomaly::ReadVault)
    }

    fn interim(&mut self) -> Result<(), Anomaly> {
        let state = self.state()?.clone();
        let Some(last) = state.last else {
            return Ok(());
        };
        let sealed = self.last_note.map_or(0, |note| note.claimed.size);
        let unsealed = state.tree.size().saturating_sub(sealed);
        let sealed_until = self.last_note.and_then(|note| note.claimed.last_time);
        let is_old =
            sealed_until.is_none_or(|time| self.now.unix() - time.unix() >= INTERIM_SECONDS);
        let is_due = unsealed >= INTERIM_RECORDS || is_old || self.sealer.request.thorough;
        if unsealed == 0 || !is_due || Day::of(last.time) > self.seed.day() {
            return Ok(());
        }
        self.sign(Kind::Interim, &state)
    }

    fn state(&self) -> Result<&State, Anomaly> {
        let run = self.sealer.run.as_ref();
        run.map(|run| &run.state).ok_or(Anomaly::NotSealing)
    }

    /// Signs a checkpoint with the seed's key, over what is on stable storage.
    fn sign(&mut self, kind: Kind, state: &State) -> Result<(), Anomaly> {
        self.vault.last_file().sync().map_err(Anomaly::SyncVault)?;
        let checkpoint = self.checkpoint(kind, &state.tree, state.last.map(|last| last.time));
        let note = Note::sign(checkpoint, &self.seed.signing_key());
        self.store(&note)?;
        self.last_note = Some(note);
        self.has_signed = true;
        if kind == Kind::Final {
            let (day, hash) = (self.seed.day(), note.hash());
            self.last_final = Some(LastFinal { day, hash });
        }
        let last_final = self.last_final;
        self.bound(|run| {
            run.state.note = Some(note.hash());
            run.state.last_final = last_final;
        });
        Ok(())
    }

    fn checkpoint(&self, kind: Kind, tree: &Tree, last_time: Option<UtcTime>) -> Checkpoint {
        Checkpoint {
            origin: self.origin,
            size: tree.size(),
            root: tree.root(),
            kind,
            day: self.seed.day(),
            previous: self.last_final.map(|last| last.hash),
            last_time,
            subkey: self.sealer.server.subkey(),
        }
    }

    fn store(&self, note: &Note) -> Result<(), Anomaly> {
        seals_file(self.vault)
            .append(note)
            .map_err(Anomaly::WriteSeals)
    }

    fn advance_to(&mut self, seed: Seed) -> Result<(), Anomaly> {
        match seal_folder::write_seed(&self.sealer.folder, &seed) {
            Err(SeedNotGone::NotReplaced(e)) => return Err(Anomaly::WriteSeed(e)),
            // The next one stands; what is due goes on.
            Err(SeedNotGone::NotOverwritten(e)) => {
                self.sealer.anomalies.push(Anomaly::SeedNotOverwritten(e));
            }
            Ok(()) => (),
        }
        self.seed = seed;
        Ok(())
    }
}
