//! The sealing server: it gives records their places in a sealed log, and signs the checkpoints that are due (docs/format.md §8.5).
//!
//! All of it happens under the vault's lock, before a record is written. Whatever goes wrong with the seals is an [`Anomaly`] for the caller to
//! tell, and archiving goes on: a mail is never refused because it cannot be sealed.
//!
//! The order is the point. A checkpoint covers only what is on stable storage. A final is on stable storage before the seed of its day is
//! given up, and the next seed is before anything is signed with it.

use std::io;

use super::day::Day;
use super::keys::Seed;
use super::merkle::Tree;
use super::note::{Checkpoint, Kind, Note, NoteHash, Origin};
use super::position::{self, Position};
use super::seal_folder::{self, SealFolderError};
use super::seals_file::SealsFile;
use super::server::Server;
use super::state::{State, newest_first};
use crate::identity::UtcTime;
use crate::openpgp::encrypt::SealedBody;
use crate::vault::append::{AppendError, Log, Receipt, append_to_log};
use crate::vault::disk::{DiskFile as _, Folder};
use crate::vault::header::Header;
use crate::vault::leaf::{LeafHash, Place};
use crate::vault::tail::Tail;
use crate::vault::writable::{LockedVault, WritableVault};

pub use self::anomaly::Anomaly;

mod anomaly;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod crashes;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod site;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod tests;

/// A jump of the clock over more days than this does not use their keys up.
const MOST_DAYS_AHEAD: i64 = 7;
const INTERIM_RECORDS: u64 = 256;
const INTERIM_SECONDS: i64 = 15 * 60;
const WARN_DAYS: i64 = 90;
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A server that seals its log. `D` is its seal folder.
#[derive(Debug)]
pub struct Sealer<D> {
    folder: D,
    server: Server,
    request: Request,
    anomalies: Vec<Anomaly>,
    run: Option<Run>,
}

/// What is asked for beyond the usual.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    /// Checks a log that contradicted its checkpoints again, and signs what is unsealed.
    thorough: bool,
    /// Uses keys up to this day, however far ahead it is.
    catch_up: Option<Day>,
}

/// What was found out under the lock.
#[derive(Debug)]
struct Run {
    state: State,
    /// A record's time is not before this, and not after the other.
    earliest: Option<UtcTime>,
    latest: Option<UtcTime>,
}

impl<D: Folder> Sealer<D> {
    /// The server whose seal folder this is.
    ///
    /// # Errors
    /// When its file `server` is missing, unreadable or damaged: then it is not known which log to write.
    pub fn open(folder: D) -> Result<Self, SealFolderError> {
        let server = seal_folder::server(&folder)?;
        let (request, anomalies, run) = (Request::default(), Vec::new(), None);
        Ok(Self {
            folder,
            server,
            request,
            anomalies,
            run,
        })
    }

    /// Who it is.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What went wrong with the seals since the last call.
    pub fn take_anomalies(&mut self) -> Vec<Anomaly> {
        std::mem::take(&mut self.anomalies)
    }

    /// Appends a sealed mail as a record of the sealed log; otherwise as [`append`](crate::vault::append::append).
    ///
    /// # Errors
    /// Those of [`append`](crate::vault::append::append). What is wrong with the seals is in [`Self::take_anomalies`].
    pub fn append<F: Folder<File: Sync>>(
        &mut self,
        vault: &mut WritableVault<F>,
        sealed: SealedBody,
        clock: impl FnOnce() -> UtcTime,
    ) -> Result<Receipt, AppendError> {
        self.request = Request::default();
        append_to_log(vault, self, sealed, clock)
    }

    /// Signs what is due and whatever is not sealed yet, without a record. A log that contradicted its checkpoints is read again. With
    /// `catch_up`, keys are used up to that day even if it is more than a week ahead.
    ///
    /// # Errors
    /// When the vault cannot be locked. What is wrong with the seals is in [`Self::take_anomalies`].
    pub fn seal<F: Folder<File: Sync>>(
        &mut self,
        vault: &mut WritableVault<F>,
        catch_up: Option<Day>,
        clock: impl FnOnce() -> UtcTime,
    ) -> io::Result<()> {
        self.request = Request {
            thorough: true,
            catch_up,
        };
        let mut vault = vault.lock()?;
        self.prepare(&mut vault, clock());
        self.remember();
        <Self as Log<F>>::finish(self);
        vault.unlock();
        Ok(())
    }
}

impl<D: Folder, F: Folder<File: Sync>> Log<F> for Sealer<D> {
    fn prepare(&mut self, vault: &mut LockedVault<'_, F>, now: UtcTime) {
        self.run = None;
        let locked = self.folder.lock().map_err(Anomaly::SealFolder);
        if let Err(anomaly) = locked.and_then(|()| self.seal_what_is_due(vault, now)) {
            self.anomalies.push(anomaly);
        }
    }

    fn next_place(&self, tail: &Tail, now: UtcTime) -> Result<Place, AppendError> {
        let log = self.server.log();
        let before = tail.last.as_ref().map(|last| last.header);
        let state = self.run.as_ref().map(|run| &run.state);
        let last = state.and_then(|state| state.last);
        let seq = match before.filter(|before| before.place.log == log) {
            Some(own) => own.place.seq.checked_add(1).ok_or(AppendError::LogIsFull)?,
            None => state.map_or(0, |state| state.tree.size()),
        };
        let own_leaf = last.map_or(LeafHash::BEFORE_THE_FIRST, |last| last.leaf);
        let prev = before.map_or(own_leaf, |before| before.leaf);
        let latest_before = before
            .map(|before| before.place.time)
            .max(last.map(|last| last.time));
        let bounds = self.run.as_ref();
        let mut time = now.max(bounds.and_then(|run| run.earliest).unwrap_or(now));
        if let Some(latest) = bounds.and_then(|run| run.latest) {
            time = time.min(latest);
        }
        time = time.max(latest_before.unwrap_or(time));
        Ok(Place {
            log,
            seq,
            time,
            prev,
        })
    }

    fn appended(&mut self, header: &Header) {
        if let Some(run) = &mut self.run {
            run.state.push(header.leaf, header.place.time);
            self.remember();
        }
    }

    fn finish(&mut self) {
        self.folder.unlock();
    }
}

impl<D: Folder> Sealer<D> {
    fn remember(&mut self) {
        let Some(run) = &self.run else { return };
        if let Err(e) = seal_folder::remember(&self.folder, &run.state) {
            self.anomalies.push(Anomaly::NotRemembered(e));
        }
    }

    /// Leaves in `self.run` what the record's place depends on, as far as it gets.
    fn seal_what_is_due<F: Folder<File: Sync>>(
        &mut self,
        vault: &mut LockedVault<'_, F>,
        now: UtcTime,
    ) -> Result<(), Anomaly> {
        let origin = Origin {
            archive: self.server.archive(),
            log: self.server.log(),
        };
        let last_note = seals_file(vault).last_note().map_err(Anomaly::ReadSeals)?;
        if last_note.is_some_and(|note| note.claimed.origin != origin) {
            return Err(Anomaly::OtherSeals);
        }
        let found = self.position(vault, last_note.as_ref())?;
        let may_seal = found.state.may_seal;
        self.run = Some(Run {
            state: found.state,
            earliest: None,
            latest: None,
        });
        if let Some(contradiction) = found.contradiction {
            return Err(Anomaly::Contradiction(contradiction));
        }
        let seed = seal_folder::seed(&self.folder, origin.log)?;
        if !may_seal {
            return Err(Anomaly::NotSealing);
        }
        let mut day = DayEnd {
            sealer: self,
            vault,
            origin,
            now,
            seed,
            last_note,
            has_signed: false,
        };
        let outcome = day.all();
        if day.has_signed {
            self.remember();
        }
        outcome
    }

    fn position<F: Folder<File: Sync>>(
        &mut self,
        vault: &mut LockedVault<'_, F>,
        note: Option<&Note>,
    ) -> Result<Position, Anomaly> {
        let log = self.server.log();
        let lines = seal_folder::end_of_states(&self.folder);
        let contradicted = || {
            newest_first(&lines, log)
                .next()
                .is_some_and(|state| !state.may_seal)
        };
        let anew = self.request.thorough && contradicted();
        let found = position::find(vault, log, newest_first(&lines, log), note, anew)
            .map_err(Anomaly::ReadVault)?;
        if let Some(remembered) = found.forgotten {
            let found = found.state.tree.size();
            self.anomalies
                .push(Anomaly::Forgotten { remembered, found });
        }
        Ok(found)
    }
}

fn seals_file<'a, F: Folder>(vault: &'a LockedVault<'_, F>) -> SealsFile<'a, F> {
    SealsFile {
        folder: vault.folder(),
        name: vault.seals_name(),
    }
}

/// The work that the days that are over, and the present one, still want.
struct DayEnd<'s, 'v, 'f, D, F: Folder> {
    sealer: &'s mut Sealer<D>,
    vault: &'v mut LockedVault<'f, F>,
    origin: Origin,
    now: UtcTime,
    seed: Seed,
    last_note: Option<Note>,
    has_signed: bool,
}

impl<D: Folder, F: Folder<File: Sync>> DayEnd<'_, '_, '_, D, F> {
    fn all(&mut self) -> Result<(), Anomaly> {
        self.require_last_final();
        self.finish_what_was_begun()?;
        let today = Day::of(self.now);
        let is_allowed = self.sealer.request.catch_up.is_some_and(|day| today <= day);
        let ahead = today.days_since(self.seed.day());
        if ahead > MOST_DAYS_AHEAD && !is_allowed && self.has_key() {
            let day = self.seed.day();
            self.bound(|run| {
                (run.earliest, run.latest) = (Some(day.first_second()), Some(day.last_second()))
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

    /// Every day before the seed's has its final.
    fn require_last_final(&mut self) {
        let (day, first) = (self.seed.day(), *self.sealer.server.days().start());
        let last = self.last_note.map(|note| note.claimed.day);
        if day > first && last.is_none_or(|last| day.days_since(last) > 1) {
            self.sealer.anomalies.push(Anomaly::SealsMissing {
                day,
                last: last.unwrap_or(first),
            });
        }
    }

    /// The final of the seed's day, or of a later one, stands: the run before was interrupted, or an old seed was put back. Nothing is signed
    /// again; the same note is written once more, because it is not known whether it is on stable storage.
    fn finish_what_was_begun(&mut self) -> Result<(), Anomaly> {
        let Some(note) = self.last_note else {
            return Ok(());
        };
        let day = note.claimed.day;
        let is_interim = note.claimed.kind == Kind::Interim;
        if day < self.seed.day() || (is_interim && day == self.seed.day()) {
            return Ok(());
        }
        let seed = self.seed_of(day).ok_or(Anomaly::ForgedSeal(day))?;
        note.verify_with(&seed.signing_key().public())
            .map_err(|_| Anomaly::ForgedSeal(day))?;
        if is_interim {
            return self.advance_to(seed);
        }
        self.not_before_the_day_after(day);
        self.store(&note)?;
        self.advance_to(seed.next().ok_or(Anomaly::ForgedSeal(day))?)
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
        let next = self.seed.again().next().ok_or(Anomaly::KeysEnded(day))?;
        self.advance_to(next)
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
        self.bound(|run| run.state.note = Some(note.hash()));
        Ok(())
    }

    fn checkpoint(&self, kind: Kind, tree: &Tree, last_time: Option<UtcTime>) -> Checkpoint {
        Checkpoint {
            origin: self.origin,
            size: tree.size(),
            root: tree.root(),
            kind,
            day: self.seed.day(),
            previous: self.previous_final(),
            last_time,
            subkey: self.sealer.server.subkey(),
        }
    }

    fn previous_final(&self) -> Option<NoteHash> {
        let note = self.last_note?;
        match note.claimed.kind {
            Kind::Final => Some(note.hash()),
            Kind::Interim => note.claimed.previous,
        }
    }

    fn store(&self, note: &Note) -> Result<(), Anomaly> {
        seals_file(self.vault)
            .append(note)
            .map_err(Anomaly::WriteSeals)
    }

    fn advance_to(&mut self, seed: Seed) -> Result<(), Anomaly> {
        seal_folder::write_seed(&self.sealer.folder, &seed).map_err(Anomaly::WriteSeed)?;
        self.seed = seed;
        Ok(())
    }
}
