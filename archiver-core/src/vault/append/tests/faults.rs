//! Disks that fail, and programs that take no lock: the vault is as before, or the writer says that it is not.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

use super::*;
use crate::openpgp::encrypt::{Message, Spool};
use crate::vault::memory_disk::Faults;

/// Of a program that takes no lock, and is not done with its line.
const UNLOCKED: &[u8] = b"-----BEGIN PGP MESSAGE-----\nof gpg, which takes no lock";

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

#[test]
fn a_write_that_fails_at_any_byte_leaves_the_vault_as_it_was() {
    let length = record_length();
    for trouble in Faults::of_a_write() {
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
