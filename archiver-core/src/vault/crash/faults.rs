//! Writes that fail at every byte of a record, alone and with what would undo them failing too: the vault is as before, or the writer says that it is not
//! and the next one repairs it.

use rustix::io::Errno;

use super::history::{History, NOON, at, sealed};
use super::states::Names;
use super::tests::{file_with, segments, vault_of};
use crate::vault::append::{AppendError, Receipt, append};
use crate::vault::memory_disk::{Faults, MemoryFolder};

/// With this mail, a record is 4 kB long.
const MAIL: usize = 2800;

fn record_length() -> usize {
    vault_of(&[MAIL]).len()
}

/// A vault that is one file, and segments whose last one is full: both with the file to which the next record goes.
fn vaults() -> [(History, &'static str); 2] {
    let file = file_with(vault_of(&[40]), &[]);
    let mut full = segments(&[]);
    full.before.insert(
        "segments.conf".into(),
        full.segments.unwrap_or_default().into(),
    );
    full.before
        .insert("VAULT-000001.asc".into(), vault_of(&[900]));
    [(file, "VAULT"), (full, "VAULT-000002.asc")]
}

/// Appends a record on a disk with faults.
fn append_with(history: &History, faults: Faults) -> (Result<Receipt, AppendError>, MemoryFolder) {
    let (disk, folder) = History::disk_with(&history.before);
    disk.set_faults(faults);
    let result = append(&mut history.vault(folder.clone()), sealed(MAIL), || {
        at(NOON)
    });
    disk.set_faults(Faults::default());
    (result, folder)
}

fn content(folder: &MemoryFolder) -> Names {
    let names = folder.all_names().into_iter();
    let content = names.map(|name| (name.clone(), folder.bytes(name.to_str().unwrap())));
    content.filter(|(_, bytes)| !bytes.is_empty()).collect()
}

fn failing_at(room: usize, error: Option<Errno>, failing: &[&'static str]) -> Faults {
    Faults {
        append: Some((room, error)),
        failing: failing.to_vec(),
        ..Faults::default()
    }
}

#[test]
fn a_write_that_fails_at_any_byte_leaves_the_vault_as_it_was() {
    let length = record_length();
    assert!((4000..4400).contains(&length), "{length}");
    for (history, _) in vaults() {
        for error in Faults::of_a_write() {
            for room in 0..length {
                let (result, folder) = append_with(&history, failing_at(room, error, &[]));
                let failed = result.unwrap_err();
                assert_eq!(
                    content(&folder),
                    history.before,
                    "{error:?} at {room}: {failed}"
                );
            }
        }
    }
}

#[test]
fn a_write_that_cannot_be_taken_back_says_so_and_the_next_record_stands_on_a_line_of_its_own() {
    let length = record_length();
    for (history, name) in vaults() {
        for failing in ["truncate", "sync"] {
            // A sync that fails stops the rotation, before anything is written.
            let history = if failing == "sync" {
                vaults()[0].0.clone()
            } else {
                history.clone()
            };
            let name = if failing == "sync" { "VAULT" } else { name };
            for room in 1..length {
                let faults = failing_at(room, Some(Errno::IO), &[failing]);
                let (result, folder) = append_with(&history, faults);
                let failed = result.unwrap_err();
                assert!(
                    matches!(failed, AppendError::NotTakenBack { .. }),
                    "{failed}"
                );
                let left = folder.bytes(name);
                let receipt = append(&mut history.vault(folder.clone()), sealed(7), || at(NOON));
                let receipt = receipt.unwrap();
                let now = folder.bytes(name);
                assert!(now.starts_with(&left));
                let start = usize::try_from(receipt.offset).unwrap();
                assert!(start == 0 || now[start - 1] == b'\n', "{failing} at {room}");
                assert!(
                    now[start..].starts_with(b"-----BEGIN PGP MESSAGE-----\nComment: archiver")
                );
            }
        }
    }
}

#[test]
fn a_rotation_that_fails_at_any_call_leaves_the_vault_as_it_was_and_the_next_one_does_it() {
    let [_, (history, name)] = vaults();
    for failing in [
        "lock",
        "names",
        "open",
        "size",
        "read",
        "create",
        "sync",
        "sync folder",
        "append",
    ] {
        let faults = Faults {
            failing: vec![failing],
            ..Faults::default()
        };
        let (result, folder) = append_with(&history, faults);
        result.unwrap_err();
        assert_eq!(content(&folder), history.before, "{failing}");
        let again = append(&mut history.vault(folder.clone()), sealed(7), || at(NOON));
        assert_eq!(again.unwrap().header.place.seq, 1, "{failing}");
        assert!(folder.bytes(name).starts_with(b"\n-----BEGIN"), "{failing}");
    }
}
