//! Appends one sealed mail to a vault, so that after any failure the vault is what it was before, and success means that
//! the record is on stable storage (docs/format.md §7.3).
//!
//! The order of work is the point of this file. Before the lock: everything that does not depend on the record's place. Under the lock:
//! the end of the vault is read, the header made, the record written in one piece, and taken back if that fails. After the
//! lock: the record is synced, because waiting for the disk under the lock makes writers several times slower and adds
//! no safety, since success is only reported after one's own sync. Nothing that stands in a vault is ever deleted.

use std::io;

use thiserror::Error;

use crate::identity::UtcTime;
use crate::openpgp::encrypt::{Message, SealedBody};
use crate::origin::Unbound;
use crate::secret::{NoRandomness, random_bytes};
use crate::vault::armor::{self, Body};
use crate::vault::disk::{DiskFile, Folder};
use crate::vault::header::Header;
use crate::vault::leaf::{BodyDigests, LeafHash, LogId, Place};
use crate::vault::segments::SegmentNumber;
use crate::vault::tail::Tail;
use crate::vault::writable::{LockedVault, WritableVault};

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

/// Why a record is not in the vault, or not surely so.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The encrypted mail could not be read back from where it was kept.
    #[error("the encrypted mail could not be read back from where it was kept: {0}")]
    Message(#[source] io::Error),
    /// The file could not be opened, or its lock was not to be had.
    #[error("it could not be opened and locked: {0}")]
    Lock(#[source] io::Error),
    /// The vault's end could not be read.
    #[error("its end could not be read: {0}")]
    Read(#[source] io::Error),
    /// The folder of a new vault could not be synced.
    #[error(
        "its folder could not be synced to disk (the user who runs the hook must be able to read it): {0}"
    )]
    SyncFolder(#[source] io::Error),
    /// A new segment could not be begun, and nothing was written.
    #[error("no new segment could be begun behind the last one: {0}")]
    Segment(#[source] io::Error),
    /// No random log id.
    #[error("no log id could be drawn: {0}")]
    LogId(#[from] NoRandomness),
    /// The log has 2^64 records: its last header is forged.
    #[error(
        "its last record claims the highest sequence number there is; move this vault aside and start a new one"
    )]
    LogIsFull,
    /// The write failed; the vault is as before.
    #[error("the record could not be written, and nothing of it was left behind: {0}")]
    Write(#[source] io::Error),
    /// The write stopped half-way; the vault is as before.
    #[error(
        "only {written} of the record's {wanted} bytes found room, and they were taken back: the disk, a quota or a file size limit is full"
    )]
    NoRoom {
        /// Bytes that were written.
        written: u64,
        /// Bytes of the record.
        wanted: u64,
    },
    /// The write failed and could not be undone.
    #[error(
        "the record could not be written whole ({cause}), and what was written could not be taken back ({io}); the next run repairs that"
    )]
    NotTakenBack {
        /// Why it could not be written.
        cause: Box<AppendError>,
        /// Why it could not be taken back.
        io: io::Error,
    },
    /// The record was written whole, but bytes of another program came with it.
    #[error(
        "the record was written, but perhaps not on a line of its own ({0}), so that it counts as not archived; nothing was taken back"
    )]
    Mixed(#[source] io::Error),
    /// The record was written, but is perhaps not on stable storage.
    #[error("the record was written, but could not be synced to disk: {0}")]
    Sync(#[source] io::Error),
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
    /// Under the lock, before the vault's end is looked at.
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
    log.prepare(vault, now);
    let tail = find_tail(vault).map_err(AppendError::Read)?;
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
pub(crate) fn find_tail<F: Folder>(vault: &mut LockedVault<'_, F>) -> io::Result<Tail> {
    loop {
        let tail = Tail::find(vault.end(), vault.end().total())?;
        let is_sure = tail.last.as_ref().is_some_and(|last| last.start > 0);
        if is_sure || !vault.reach_back()? {
            return Ok(tail);
        }
    }
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

/// Writes head and body, and returns their length.
fn write_or_take_back(
    file: &mut impl DiskFile,
    size: u64,
    head: &[u8],
    body: Body<'_>,
) -> Result<u64, AppendError> {
    let message = body.message();
    let wanted = head.len() as u64 + body.length();
    let cause = match write(file, head, body) {
        Ok(written) if written == wanted => return Ok(wanted),
        Ok(written) => AppendError::NoRoom { written, wanted },
        Err(e) => AppendError::Write(e),
    };
    match take_back(file, size, head, message) {
        Ok(()) => Err(cause),
        Err(io) => Err(AppendError::NotTakenBack {
            cause: Box::new(cause),
            io,
        }),
    }
}

/// Writes a record piece by piece, a usual one in one piece, until one does not find room. Returns how many bytes did.
fn write(file: &mut impl DiskFile, head: &[u8], mut body: Body<'_>) -> io::Result<u64> {
    let (mut head, mut written) = (head, 0);
    loop {
        let piece = body.piece();
        let found_room = file.append(&[head, piece])?;
        written += found_room as u64;
        if found_room < head.len() + piece.len() || !body.advance()? {
            return Ok(written);
        }
        head = &[];
    }
}

/// A program that ignores the lock (`gpg >> VAULT`) may have appended between our look at the tail and our write: then our
/// begin line may stand in the middle of its line, where no reader finds it. Which came first is not to be told, so nothing is
/// taken back, and the mail is archived again.
fn require_nothing_else_was_written(file: &impl DiskFile, expected: u64) -> io::Result<()> {
    if file.size()? == expected {
        return Ok(());
    }
    Err(io::Error::other(
        "another program wrote to the vault at the same moment without the lock",
    ))
}

/// Cuts the file back to `size`, but only when all bytes behind `size` are the beginning of our record: a program that
/// ignores the lock may have appended a mail meanwhile. What it appends between this look and the cut is lost with our
/// bytes; only the lock closes that window.
fn take_back(
    file: &mut impl DiskFile,
    size: u64,
    head: &[u8],
    message: &Message,
) -> io::Result<()> {
    let end = file.size()?;
    if end <= size {
        return Ok(());
    }
    let mut body = Body::of(message)?;
    let mut ours = size + beginning_of(head, file, size, end)?;
    while ours < end {
        ours += beginning_of(body.piece(), file, ours, end)?;
        if ours < end && !body.advance()? {
            return Err(not_ours());
        }
    }
    file.truncate(size)?;
    file.sync()
}

/// The length of what stands in the file between `at` and `end` of `expected`, which must be the same bytes.
fn beginning_of(expected: &[u8], file: &impl DiskFile, at: u64, end: u64) -> io::Result<u64> {
    let there = usize::try_from(end - at).unwrap_or(usize::MAX);
    let (expected, _) = expected.split_at(expected.len().min(there));
    let mut found = vec![0; expected.len()];
    file.read_exact_at(&mut found, at)?;
    if found == expected {
        Ok(expected.len() as u64)
    } else {
        Err(not_ours())
    }
}

fn not_ours() -> io::Error {
    io::Error::other("another program wrote behind it without the lock")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::io::Errno;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::openpgp::archive_key::ArchiveKey;
    use crate::openpgp::certificate::ArchiveCert;
    use crate::openpgp::encrypt::{Compression, Spool, in_memory, seal};
    use crate::openpgp::framing::split_message;
    use crate::origin::{self, OriginError};
    use crate::vault::memory_disk::{Faults, MemoryVault};

    const NOON: i64 = 1_795_608_000;

    /// Of a program that takes no lock, and is not done with its line.
    const UNLOCKED: &[u8] = b"-----BEGIN PGP MESSAGE-----\nof gpg, which takes no lock";

    fn at(unix: i64) -> UtcTime {
        UtcTime::from_unix(unix).unwrap()
    }

    fn sealed() -> SealedBody {
        let mail = b"the encrypted mail, longer than one line of the armor";
        SealedBody::of(vec![0xc1, 3, 7, 7, 7], mail)
    }

    fn append_at(vault: &MemoryVault, unix: i64) -> Result<Receipt, AppendError> {
        vault.append(sealed(), at(unix))
    }

    /// The calls since the last time that do something.
    fn calls(vault: &MemoryVault) -> Vec<&'static str> {
        let mut calls = vault.disk.take_calls();
        calls.retain(|call| !["size", "read"].contains(call));
        calls
    }

    fn failing(call: &'static str) -> Faults {
        Faults {
            failing: vec![call],
            ..Faults::default()
        }
    }

    fn full_after(room: usize, error: Option<Errno>) -> Faults {
        Faults {
            append: Some((room, error)),
            ..Faults::default()
        }
    }

    /// A vault with one record of ours, and its receipt.
    fn one_record() -> (MemoryVault, Receipt) {
        let vault = MemoryVault::default();
        let receipt = append_at(&vault, NOON).unwrap();
        vault.disk.take_calls();
        (vault, receipt)
    }

    fn record_length() -> usize {
        one_record().0.bytes().len()
    }

    fn expected_leaf(header: &Header, gap: &[u8]) -> LeafHash {
        header.place.leaf(
            sealed().digests(),
            header.origin.as_ref(),
            &Sha256::digest(gap).into(),
        )
    }

    #[test]
    fn a_new_vault_starts_a_log_and_is_the_canonical_record() {
        let (vault, receipt) = one_record();
        let Header { place, leaf, .. } = receipt.header;
        assert_eq!((place.seq, place.time), (0, at(NOON)));
        assert_eq!(place.prev, LeafHash::BEFORE_THE_FIRST);
        assert_eq!(leaf, expected_leaf(&receipt.header, b""));
        let canonical = armor::render(
            Some(&receipt.header),
            sealed().message().in_memory().unwrap(),
        );
        assert_eq!(vault.bytes(), canonical);
    }

    #[test]
    fn every_record_proves_its_origin_at_its_own_place() {
        let key = ArchiveKey::generate_classic("Archiver", at(NOON))
            .unwrap()
            .key;
        let certificate = key.certificate_armored().unwrap();
        let cert = ArchiveCert::parse(&certificate, None, at(NOON)).unwrap();
        let vault = MemoryVault::default();
        for _ in 0..3 {
            let sealed = seal(
                &(&cert).into(),
                &b"mail"[..],
                Compression::Zlib,
                &mut in_memory,
            )
            .unwrap();
            let message = sealed.message().in_memory().unwrap().to_vec();
            let (session_keys, rest) = split_message(&message);
            let (session_keys, rest) = (session_keys.to_vec(), Sha256::digest(rest).into());
            let header = vault.append(sealed, at(NOON)).unwrap().header;
            let proof = header.origin.unwrap();
            let archive = cert.fingerprints();
            let verified = |place| origin::verify(&archive, place, &session_keys, &rest, &proof);
            assert_eq!(verified(&header.place), Ok(()));
            let elsewhere = Place {
                seq: header.place.seq + 1,
                ..header.place
            };
            assert_eq!(verified(&elsewhere), Err(OriginError::Wrong));
        }
    }

    #[test]
    fn two_new_vaults_have_different_logs() {
        let (a, b) = (one_record().1, one_record().1);
        assert_ne!(a.header.place.log, b.header.place.log);
    }

    #[test]
    fn the_disk_is_asked_in_the_one_safe_order() {
        let vault = MemoryVault::default();
        append_at(&vault, NOON).unwrap();
        assert_eq!(
            calls(&vault),
            ["lock", "sync folder", "append", "unlock", "sync"]
        );
        append_at(&vault, NOON).unwrap();
        assert_eq!(calls(&vault), ["lock", "append", "unlock", "sync"]);
    }

    #[test]
    fn a_log_goes_on_and_its_time_never_goes_back() {
        let (vault, first) = one_record();
        let second = append_at(&vault, NOON - 3600).unwrap();
        let third = append_at(&vault, NOON + 1).unwrap();
        let places = [first, second, third].map(|receipt| receipt.header.place);
        assert_eq!(places.map(|p| p.seq), [0, 1, 2]);
        assert_eq!(places.map(|p| p.time), [at(NOON), at(NOON), at(NOON + 1)]);
        assert_eq!(places[1].prev, first.header.leaf);
        assert_eq!(places[2].prev, second.header.leaf);
        assert!(places.iter().all(|p| p.log == places[0].log));
        assert_eq!(third.header.leaf, expected_leaf(&third.header, b""));
        assert_eq!(
            usize::try_from(third.offset).unwrap(),
            second_end(&vault.bytes())
        );
    }

    /// Where the third of three records begins.
    fn second_end(vault: &[u8]) -> usize {
        memchr::memmem::rfind(vault, armor::BEGIN_LINE.as_bytes()).unwrap()
    }

    #[test]
    fn a_write_that_fails_at_any_byte_leaves_the_vault_as_it_was() {
        let length = record_length();
        let errors = [
            Errno::NOSPC,
            Errno::FBIG,
            Errno::IO,
            Errno::INTR,
            Errno::DQUOT,
        ];
        for trouble in errors.map(Some).into_iter().chain([None]) {
            for room in 0..length {
                let (vault, _) = one_record();
                let before = vault.bytes();
                vault.disk.set_faults(full_after(room, trouble));
                let error = append_at(&vault, NOON).unwrap_err();
                assert_eq!(vault.bytes(), before, "{trouble:?} at {room}: {error}");
                let undone: &[&str] = &["lock", "append", "truncate", "sync", "unlock"];
                let untouched: &[&str] = &["lock", "append", "unlock"];
                assert_eq!(calls(&vault), if room == 0 { untouched } else { undone });
            }
        }
    }

    /// Gives its bytes back, but not at the first try behind `from`.
    #[derive(Debug)]
    struct Flaky {
        bytes: Vec<u8>,
        from: u64,
        has_failed: AtomicBool,
    }

    impl Spool for Flaky {
        fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
            Spool::append(&mut self.bytes, bytes)
        }

        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            if offset >= self.from && !self.has_failed.swap(true, Ordering::Relaxed) {
                return Err(Errno::IO.into());
            }
            Spool::read_exact_at(&self.bytes, buffer, offset)
        }
    }

    /// An encrypted mail that is longer than three pieces of its record, nearly all of it in a spool.
    fn long(from: u64) -> SealedBody {
        let bytes: Vec<u8> = (0..5_000_000_u32)
            .flat_map(u32::to_le_bytes)
            .take(5_000_000)
            .collect();
        let spool = Flaky {
            bytes: Vec::new(),
            from,
            has_failed: AtomicBool::new(false),
        };
        SealedBody::of_message(Message::spooled(&bytes, 1000, Box::new(spool)))
    }

    #[test]
    fn a_long_record_comes_out_of_its_spool_and_is_the_canonical_one() {
        let vault = MemoryVault::default();
        let receipt = vault.append(long(u64::MAX), at(NOON)).unwrap();
        let mut expected = Vec::new();
        let header = Some(&receipt.header);
        armor::write(header, long(u64::MAX).message(), &mut expected).unwrap();
        assert!(vault.bytes() == expected);
        assert_eq!(
            calls(&vault)
                .iter()
                .filter(|call| **call == "append")
                .count(),
            4
        );
    }

    #[test]
    fn a_long_record_that_stops_at_any_of_its_pieces_is_taken_back() {
        let before = one_record().0.bytes();
        for from in [2_000_000, 4_000_000] {
            let vault = MemoryVault::of(&before);
            let error = vault.append(long(from), at(NOON)).unwrap_err();
            assert!(matches!(error, AppendError::Write(_)), "{error}");
            assert!(vault.bytes() == before);
        }
        for room in [1, 100_000, 2_000_000] {
            let vault = MemoryVault::of(&before);
            vault.disk.set_faults(full_after(room, None));
            let error = vault.append(long(u64::MAX), at(NOON)).unwrap_err();
            assert!(matches!(error, AppendError::NoRoom { .. }), "{error}");
            assert!(vault.bytes() == before);
        }
    }

    #[test]
    fn the_same_holds_for_a_new_vault_and_behind_a_torn_tail() {
        for before in [&b""[..], b"torn"] {
            for room in 0..record_length() {
                let vault = MemoryVault::of(before);
                vault.disk.set_faults(full_after(room, Some(Errno::NOSPC)));
                append_at(&vault, NOON).unwrap_err();
                assert_eq!(vault.bytes(), before);
            }
        }
    }

    #[test]
    fn a_write_that_cannot_be_taken_back_is_no_success_and_the_next_run_repairs_it() {
        for call in ["truncate", "sync"] {
            for room in 1..record_length() - 1 {
                let (vault, first) = one_record();
                vault.disk.set_faults(Faults {
                    failing: vec![call],
                    ..full_after(room, Some(Errno::IO))
                });
                let error = append_at(&vault, NOON).unwrap_err();
                assert!(matches!(error, AppendError::NotTakenBack { .. }), "{error}");
                let before = vault.bytes();
                vault.disk.set_faults(Faults::default());
                let second = append_at(&vault, NOON).unwrap();
                assert!(vault.bytes().starts_with(&before));
                assert_eq!(second.header.place.seq, 1);
                assert_eq!(second.header.place.prev, first.header.leaf);
            }
        }
    }

    #[test]
    fn a_failed_sync_is_no_success() {
        let (vault, _) = one_record();
        vault.disk.set_faults(failing("sync"));
        assert!(matches!(append_at(&vault, NOON), Err(AppendError::Sync(_))));
    }

    #[test]
    fn without_lock_or_without_the_folders_sync_nothing_is_written() {
        for call in ["lock", "sync folder"] {
            let vault = MemoryVault::default();
            vault.disk.set_faults(failing(call));
            append_at(&vault, NOON).unwrap_err();
            assert!(vault.bytes().is_empty() && !calls(&vault).contains(&"append"));
        }
    }

    #[test]
    fn a_torn_tail_is_ended_and_belongs_to_the_gap() {
        let (vault, first) = one_record();
        let torn = b"-----BEGIN PGP MESSAGE-----\n\nhQEM";
        vault.put(torn);
        let second = append_at(&vault, NOON).unwrap();
        assert!(second.found_torn_tail);
        assert_eq!(second.header.place.prev, first.header.leaf);
        let gap = [torn, &b"\n"[..]].concat();
        assert_eq!(second.header.leaf, expected_leaf(&second.header, &gap));
        let begin = usize::try_from(second.offset).unwrap();
        assert!(vault.bytes()[begin..].starts_with(armor::BEGIN_LINE.as_bytes()));
        let third = append_at(&vault, NOON).unwrap();
        assert!(!third.found_torn_tail);
        assert_eq!(third.header.place.prev, second.header.leaf);
    }

    #[test]
    fn a_vault_filled_by_gpg_starts_a_log_whose_gap_is_the_whole_file() {
        let foreign = armor::render(None, b"made by another program");
        let vault = MemoryVault::of(&foreign);
        let first = append_at(&vault, NOON).unwrap();
        assert_eq!(first.header.place.seq, 0);
        assert_eq!(first.header.leaf, expected_leaf(&first.header, &foreign));
        vault.put(&foreign);
        let second = append_at(&vault, NOON).unwrap();
        assert_eq!(second.header.place.prev, first.header.leaf);
        assert_eq!(second.header.leaf, expected_leaf(&second.header, &foreign));
    }

    #[test]
    fn what_another_program_wrote_behind_a_failed_write_is_not_cut_off() {
        let (vault, _) = one_record();
        vault.disk.set_faults(Faults {
            intruder_behind: UNLOCKED,
            ..full_after(100, None)
        });
        let error = append_at(&vault, NOON).unwrap_err();
        assert!(matches!(error, AppendError::NotTakenBack { .. }), "{error}");
        assert!(vault.bytes().ends_with(UNLOCKED));
    }

    #[test]
    fn a_record_that_another_program_overtook_or_followed_is_no_success_and_nothing_is_cut_off() {
        let record = record_length();
        for (before, behind) in [(UNLOCKED, &b""[..]), (b"", UNLOCKED), (b"x", b"y")] {
            let (vault, first) = one_record();
            let old = vault.bytes();
            vault.disk.set_faults(Faults {
                intruder_before: before,
                intruder_behind: behind,
                ..Faults::default()
            });
            let error = append_at(&vault, NOON).unwrap_err();
            assert!(matches!(error, AppendError::Mixed(_)), "{error}");
            assert_eq!(calls(&vault), ["lock", "append", "unlock"]);
            assert!(vault.bytes().starts_with(&[&old, before].concat()));
            assert!(vault.bytes().ends_with(behind));
            let all = old.len() + before.len() + record + behind.len();
            assert_eq!(vault.bytes().len(), all);

            vault.disk.set_faults(Faults::default());
            let again = append_at(&vault, NOON).unwrap();
            let overtaken = !before.is_empty();
            assert_eq!(again.header.place.seq, if overtaken { 1 } else { 2 });
            assert_eq!(again.header.place.prev == first.header.leaf, overtaken);
        }
    }

    #[test]
    fn a_clock_more_than_a_day_behind_the_record_before_is_told() {
        const DAY: i64 = 86_400;
        for (now, is_far) in [(NOON - DAY - 1, true), (NOON - DAY, false), (NOON, false)] {
            let receipt = append_at(&one_record().0, now).unwrap();
            assert_eq!(
                (receipt.now, receipt.header.place.time),
                (at(now), at(NOON))
            );
            assert_eq!(receipt.clock_is_far_behind(), is_far);
        }
        assert!(!one_record().1.clock_is_far_behind());
    }

    #[test]
    fn a_forged_last_number_is_named() {
        let (vault, receipt) = one_record();
        let mut header = receipt.header;
        header.place.seq = u64::MAX;
        let forged = armor::render(Some(&header), sealed().message().in_memory().unwrap());
        let vault = MemoryVault::of(&[vault.bytes(), forged].concat());
        assert!(matches!(
            append_at(&vault, NOON),
            Err(AppendError::LogIsFull)
        ));
    }
}
