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
use super::note::{Note, Origin};
use super::position::{self, Forgotten, Position};
use super::seal_folder::{self, Remembered, SealFolderError};
use super::server::Server;
use super::state::{LastFinal, State, newest_first};
use crate::identity::UtcTime;
use crate::openpgp::encrypt::SealedBody;
use crate::vault::append::{AppendError, Log, Receipt, append_to_log, find_vaults_tail};
use crate::vault::disk::Folder;
use crate::vault::header::Header;
use crate::vault::leaf::{LeafHash, Place};
use crate::vault::tail::Tail;
use crate::vault::writable::{LockedVault, WritableVault};

pub use self::anomaly::Anomaly;
use self::day_end::{DayEnd, seals_file};
use self::last_seal::{Judge, LastSeal};

mod anomaly;
mod day_end;
mod last_seal;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says how much it looked at"
)]
mod crashes;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod retirements;
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

/// A server that seals its log. `D` is its seal folder.
#[derive(Debug)]
pub struct Sealer<D> {
    folder: D,
    server: Server,
    request: Request,
    anomalies: Vec<Anomaly>,
    run: Option<Run>,
    /// What is known of the log while `run` does not say it.
    known: Known,
    /// A bug on purpose: what is remembered is not compared with the vault.
    #[cfg(test)]
    believes_state: bool,
}

/// What is asked for beyond the usual.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    /// Checks a log that contradicted its checkpoints again, and signs what is unsealed.
    thorough: bool,
    /// Uses keys up to this day, however far ahead it is.
    catch_up: Option<Day>,
}

/// What is known of a log without its seals.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// How many records it has; otherwise why the vault could not be read for it.
    records: Result<u64, io::ErrorKind>,
    /// The last final that stands for certain: no record may be dated into its day, whatever else is wrong.
    last_final: Option<LastFinal>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            records: Ok(0),
            last_final: None,
        }
    }
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
        Ok(Self {
            folder,
            server,
            request: Request::default(),
            anomalies: Vec::new(),
            run: None,
            known: Known::default(),
            #[cfg(test)]
            believes_state: false,
        })
    }

    #[cfg(test)]
    fn believe_state(&mut self) {
        self.believes_state = true;
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
        if let Some(records) = self.remembers_another_disk(vault) {
            return Err(AppendError::NotMounted { records });
        }
        self.request = Request::default();
        append_to_log(vault, self, sealed, clock)
    }

    /// Signs what is due and whatever is not sealed yet, without a record. A log that contradicted its checkpoints is read again. With
    /// `catch_up`, keys are used up to that day even if it is more than a week ahead.
    ///
    /// # Errors
    /// When the vault cannot be locked, or is none. What is wrong with the seals is in [`Self::take_anomalies`].
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
        let found = find_vaults_tail(&mut vault);
        if found.is_ok() {
            self.prepare(&mut vault, clock());
            self.remember();
            <Self as Log<F>>::finish(self);
        }
        vault.unlock();
        found.map(drop).map_err(io::Error::other)
    }
}

impl<D: Folder> Sealer<D> {
    /// How many records are remembered of a vault of which there is nothing any more, not even its seals: the disk on which it stands is not mounted.
    fn remembers_another_disk<F: Folder>(&self, vault: &WritableVault<F>) -> Option<u64> {
        if !vault.is_gone() {
            return None;
        }
        let states = seal_folder::end_of_states(&self.folder);
        seal_folder::remembered(&states, self.server.log())
            .filter(Remembered::was_there)
            .map(|remembered| remembered.records)
    }
}

impl<D: Folder, F: Folder<File: Sync>> Log<F> for Sealer<D> {
    fn prepare(&mut self, vault: &mut LockedVault<'_, F>, now: UtcTime) {
        self.run = None;
        self.known = Known::default();
        let locked = self.folder.lock().map_err(Anomaly::SealFolder);
        if let Err(anomaly) = locked.and_then(|()| self.seal_what_is_due(vault, now)) {
            self.anomalies.push(anomaly);
        }
        if self.run.is_none() {
            self.known = self.known_without_the_seals(vault);
        }
    }

    fn next_place(&self, tail: &Tail, now: UtcTime) -> Result<Place, AppendError> {
        let log = self.server.log();
        let before = tail.last.as_ref().map(|last| last.header);
        let state = self.run.as_ref().map(|run| &run.state);
        let last = state.and_then(|state| state.last);
        let seq = match before.filter(|before| before.place.log == log) {
            Some(own) => own.place.seq.checked_add(1).ok_or(AppendError::LogIsFull)?,
            None => match state {
                Some(state) => state.tree.size(),
                None => self
                    .known
                    .records
                    .map_err(|e| AppendError::Read(e.into()))?,
            },
        };
        let own_leaf = last.map_or(LeafHash::BEFORE_THE_FIRST, |last| last.leaf);
        let prev = before.map_or(own_leaf, |before| before.leaf);
        let latest_before = before
            .map(|before| before.place.time)
            .max(last.map(|last| last.time));
        let bounds = self.run.as_ref();
        let earliest = bounds.and_then(|run| run.earliest);
        let earliest = earliest.max(
            self.known
                .last_final
                .and_then(LastFinal::first_second_behind),
        );
        let mut time = now.max(earliest.unwrap_or(now));
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
        if let Err(e) = self.remember_by(seal_folder::remember) {
            self.anomalies.push(Anomaly::NotRemembered(e));
        }
    }

    fn remember_surely(&self) -> io::Result<()> {
        self.remember_by(seal_folder::remember_surely)
    }

    fn remember_by(&self, write: impl FnOnce(&D, &State) -> io::Result<()>) -> io::Result<()> {
        let Some(run) = &self.run else { return Ok(()) };
        write(&self.folder, &run.state)
    }

    /// What a record's place depends on when nothing can be sealed and no record of ours stands last: it goes behind all that the vault or the remembered state knows
    /// of. Records that came in while nothing could be remembered, in a vault that was then moved away, are known to neither: their numbers are given
    /// again, and no seal covers them.
    fn known_without_the_seals<F: Folder>(&self, vault: &mut LockedVault<'_, F>) -> Known {
        let log = self.server.log();
        let lines = seal_folder::end_of_states(&self.folder);
        let remembered = newest_first(&lines, log).next();
        let size = remembered.as_ref().map_or(0, |state| state.tree.size());
        let claimed = position::claimed_size(vault, log);
        Known {
            records: claimed
                .map(|claimed| claimed.max(size))
                .map_err(|e| e.kind()),
            last_final: LastFinal::later(
                self.known.last_final,
                remembered.and_then(|state| state.last_final),
            ),
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
        let seed = seal_folder::seed(&self.folder, origin.log);
        let states = seal_folder::end_of_states(&self.folder);
        let last = self.last_seal(vault, origin, &states, seed.as_ref().ok())?;
        self.known.last_final = last.last_final;
        let found = self.position(vault, &states, last.note.as_ref())?;
        let may_seal = found.state.may_seal;
        let state = State {
            last_final: last.last_final,
            ..found.state
        };
        self.run = Some(Run {
            state,
            earliest: None,
            latest: None,
        });
        if let Some(contradiction) = found.contradiction {
            return Err(Anomaly::Contradiction(contradiction));
        }
        let seed = seed?;
        if !may_seal {
            return Err(Anomaly::NotSealing);
        }
        let mut day = DayEnd {
            sealer: self,
            vault,
            origin,
            now,
            seed,
            last_note: last.note,
            last_final: last.last_final,
            has_signed: false,
        };
        let outcome = day.all();
        if day.has_signed {
            self.remember();
        }
        outcome
    }

    /// What the seals end with; what else stands behind that is told.
    fn last_seal<F: Folder>(
        &mut self,
        vault: &LockedVault<'_, F>,
        origin: Origin,
        states: &[u8],
        seed: Option<&Seed>,
    ) -> Result<LastSeal, Anomaly> {
        let remembered = newest_first(states, origin.log).next();
        let judge = Judge {
            origin,
            days: self.server.days(),
            remembered: remembered.as_ref(),
            seed,
        };
        let last = judge
            .last_seal(&seals_file(vault))
            .map_err(Anomaly::ReadSeals)?;
        match last.passed_over {
            Some(strange) if last.note.is_none() && strange.claimed.origin != origin => {
                Err(Anomaly::OtherSeals)
            }
            Some(strange) => {
                let day = strange.claimed.day;
                self.anomalies.push(Anomaly::StrangeSeal(day));
                Ok(last)
            }
            None => Ok(last),
        }
    }

    fn position<F: Folder<File: Sync>>(
        &mut self,
        vault: &mut LockedVault<'_, F>,
        states: &[u8],
        note: Option<&Note>,
    ) -> Result<Position, Anomaly> {
        let log = self.server.log();
        let contradicted = || {
            newest_first(states, log)
                .next()
                .is_some_and(|state| !state.may_seal)
        };
        #[cfg(test)]
        if let Some(state) = newest_first(states, log)
            .next()
            .filter(|_| self.believes_state)
        {
            return Ok(state.into());
        }
        let anew = self.request.thorough && contradicted();
        let found = position::find(vault, log, newest_first(states, log), note, anew)
            .map_err(Anomaly::ReadVault)?;
        if let Some(Forgotten { remembered, found }) = found.forgotten {
            self.anomalies
                .push(Anomaly::Forgotten { remembered, found });
        }
        self.anomalies
            .extend(found.other_log.map(Anomaly::AnotherServer));
        Ok(found)
    }
}
