//! Appends one sealed mail to a vault, so that after any failure the vault is what it was before, and success means that
//! the record is on stable storage (docs/format.md §7.3).
//!
//! The order of work is the point of this file. Before the lock: everything that does not depend on the record's place. Under the lock:
//! the end of the vault is read, the header made, the record written in one piece, and taken back if that fails. After the
//! lock: the record is synced, because waiting for the disk under the lock makes writers several times slower and adds
//! no safety, since success is only reported after one's own sync. Nothing that stands in a vault is ever deleted.

use crate::identity::UtcTime;
use crate::openpgp::encrypt::SealedBody;
use crate::origin::Unbound;
use crate::secret::random_bytes;
use crate::vault::armor::{self, Body};
use crate::vault::disk::{DiskFile as _, Folder};
use crate::vault::header::Header;
use crate::vault::leaf::{BodyDigests, LeafHash, LogId, Place};
use crate::vault::no_vault::{self, NoVaultFile};
use crate::vault::segments::SegmentNumber;
use crate::vault::tail::Tail;
use crate::vault::writable::{LockedVault, WritableVault};

pub use self::error::AppendError;
use self::write::{require_nothing_else_was_written, write_or_take_back};

mod error;
mod write;

/// Where a record came to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The record's header.
    pub header: Header,
    /// The segment in which it stands; `None` for a vault that is one file.
    pub segment: Option<SegmentNumber>,
    /// Where the record's begin line stands in the file.
    pub offset: u64,
    /// The vault's last line was cut off; it was ended, and the record begins on a new line.
    pub found_torn_tail: bool,
    /// What the clock said. The header's time is later where the record before claims a later one.
    pub now: UtcTime,
}

impl Receipt {
    /// Whether the clock stands more than a day behind the record's time: it is wrong now, or was when an earlier
    /// record was appended.
    #[must_use]
    pub fn clock_is_far_behind(&self) -> bool {
        const DAY: i64 = 24 * 60 * 60;
        self.header.place.time.unix() - self.now.unix() > DAY
    }
}

/// Appends a sealed mail as a record with our header, and returns when it is on stable storage. The mail is used up, whatever happens: its
/// origin proof must not be made a second time.
///
/// `clock` is read under the lock; a record's time is never less than that of the record before.
///
/// # Errors
/// [`AppendError`]. After any of them the caller must not say that the mail is archived. After all of them but
/// [`AppendError::NotTakenBack`], [`AppendError::Mixed`] and [`AppendError::Sync`] the vault is byte for byte what it was before (a new
/// file of it may stand there, empty).
pub fn append<F: Folder>(
    vault: &mut WritableVault<F>,
    sealed: SealedBody,
    clock: impl FnOnce() -> UtcTime,
) -> Result<Receipt, AppendError> {
    append_to_log(vault, &mut Unsealed, sealed, clock)
}

/// Who says which place a record gets.
pub(crate) trait Log<F: Folder> {
    /// Under the lock, when it is known that there is a vault, before the record gets its place.
    fn prepare(&mut self, vault: &mut LockedVault<'_, F>, now: UtcTime);

    /// The place behind this end of the vault.
    fn next_place(&self, tail: &Tail, now: UtcTime) -> Result<Place, AppendError>;

    /// Under the lock, when the record stands whole.
    fn appended(&mut self, header: &Header);

    /// Under the lock, as the last thing, whether there is a record or not.
    fn finish(&mut self);
}

pub(crate) fn append_to_log<F: Folder>(
    vault: &mut WritableVault<F>,
    log: &mut impl Log<F>,
    sealed: SealedBody,
    clock: impl FnOnce() -> UtcTime,
) -> Result<Receipt, AppendError> {
    let (message, digests, origin) = sealed.into_parts();
    let body = Body::of(&message).map_err(AppendError::Message)?;
    let mut vault = vault.lock().map_err(AppendError::Lock)?;
    let written = append_under_lock(&mut vault, log, body, &digests, origin, clock);
    <_ as Log<F>>::finish(log);
    let mut file = vault.unlock();
    let receipt = written?;
    file.sync().map_err(AppendError::Sync)?;
    Ok(receipt)
}

fn append_under_lock<F: Folder>(
    vault: &mut LockedVault<'_, F>,
    log: &mut impl Log<F>,
    body: Body<'_>,
    digests: &BodyDigests,
    origin: Option<Unbound>,
    clock: impl FnOnce() -> UtcTime,
) -> Result<Receipt, AppendError> {
    let now = clock();
    let mut tail = find_vaults_tail(vault)?;
    let known = vault.end().total();
    log.prepare(vault, now);
    if vault.end().total() != known {
        // Offsets are others when files in front were taken in.
        tail = find_tail(vault).map_err(AppendError::Read)?;
    }
    let place = log.next_place(&tail, now)?;
    let offset = make_room(vault, &tail, place.time)?;
    let newline = newline(vault, &tail);
    let gap = tail.gap_digest(vault.end(), newline);
    let gap = gap.map_err(AppendError::Read)?;
    let origin = origin.map(|origin| origin.bind(&place));
    let header = Header {
        place,
        leaf: place.leaf(digests, origin.as_ref(), &gap),
        origin,
    };
    let head = format!("{newline}{}", armor::head(Some(&header)));
    let file = vault.last_file();
    let written = write_or_take_back(file, offset, head.as_bytes(), body)?;
    require_nothing_else_was_written(file, offset + written).map_err(AppendError::Mixed)?;
    log.appended(&header);
    Ok(Receipt {
        header,
        segment: vault.segment(),
        offset: offset + newline.len() as u64,
        found_torn_tail: tail.is_torn,
        now,
    })
}

/// Reaches back until the last record of ours is found. One that begins a file does not count yet: the file before may end in the
/// middle of a line.
pub(crate) fn find_tail<F: Folder>(vault: &mut LockedVault<'_, F>) -> std::io::Result<Tail> {
    loop {
        let tail = Tail::find(vault.end(), vault.end().total())?;
        let is_sure = tail.last.as_ref().is_some_and(|last| last.start > 0);
        if is_sure || vault.reach_back()?.is_none() {
            return Ok(tail);
        }
    }
}

/// The same, of what may be a vault only.
pub(crate) fn find_vaults_tail<F: Folder>(
    vault: &mut LockedVault<'_, F>,
) -> Result<Tail, AppendError> {
    let tail = find_tail(vault).map_err(AppendError::Read)?;
    if no_vault::is_in_last_file(vault.end(), &tail).map_err(AppendError::Read)? {
        let file = vault.last_name().to_string_lossy().into_owned();
        return Err(NoVaultFile { file }.into());
    }
    Ok(tail)
}

/// Sees to the file into which the record goes, and returns how many bytes it has.
fn make_room<F: Folder>(
    vault: &mut LockedVault<'_, F>,
    tail: &Tail,
    time: UtcTime,
) -> Result<u64, AppendError> {
    let last_file = vault.end().total() - vault.end().size_of_last();
    let last = tail.last.as_ref().filter(|last| last.start >= last_file);
    let last = last.map(|last| last.header.place.time);
    if vault.wants_new_segment(last, time) {
        vault.begin_segment().map_err(AppendError::Segment)?;
    }
    let size = vault.end().size_of_last();
    if size == 0 {
        // Whoever finds the file empty, not only whoever made it: later writers find records and rely on this.
        vault.sync_name().map_err(AppendError::SyncFolder)?;
    }
    Ok(size)
}

/// Whichever log the vault has.
struct Unsealed;

impl<F: Folder> Log<F> for Unsealed {
    fn prepare(&mut self, _: &mut LockedVault<'_, F>, _: UtcTime) {}

    fn next_place(&self, tail: &Tail, now: UtcTime) -> Result<Place, AppendError> {
        next_place(tail, now)
    }

    fn appended(&mut self, _: &Header) {}

    fn finish(&mut self) {}
}

/// What stands in front of the begin line: the LF that a torn tail lacks. A segment behind others always begins with an LF, so that
/// its first record begins a line whatever becomes of the segment before.
fn newline<F: Folder>(vault: &LockedVault<'_, F>, tail: &Tail) -> &'static str {
    if tail.is_torn || vault.begins_behind_another() {
        "\n"
    } else {
        ""
    }
}

/// Continues the log of the last record of ours, or begins one.
fn next_place(tail: &Tail, now: UtcTime) -> Result<Place, AppendError> {
    let Some(last) = &tail.last else {
        return Ok(Place {
            log: LogId(random_bytes()?),
            seq: 0,
            time: now,
            prev: LeafHash::BEFORE_THE_FIRST,
        });
    };
    let Header { place, leaf, .. } = last.header;
    Ok(Place {
        log: place.log,
        seq: place.seq.checked_add(1).ok_or(AppendError::LogIsFull)?,
        time: now.max(place.time),
        prev: leaf,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
