//! Is the search honest? Each fault that is seeded into the writers must be found out, and nothing must be found without one.

use super::bugs::{Bug, Seeded};
use super::history::{FILE, History, NOON, at, sealed};
use super::tests::{
    Orders, Search, file_with, new_file, segments, torn_vaults, vault_of, with_failing,
};
use crate::vault::append::{AppendError, append};
use crate::vault::memory_disk::Faults;

/// The fault is found out, for this reason, and without it nothing is.
#[track_caller]
fn is_found_out(bug: Bug, history: &History, reason: &str) {
    let mut search = Search::new(7, Orders::Every);
    search.through(history, Bug::None).unwrap();
    let mut search = Search::new(7, Orders::Every);
    let found = search.through(history, bug);
    let found = found.expect_err("the fault is not found out");
    assert!(found.contains(reason), "{bug:?}: {found}");
}

const LOST: &str = "of 1 acknowledged records 0 are there";
const TWICE: &str = "without a damaged byte";

#[test]
fn a_writer_that_never_syncs_is_found_out() {
    is_found_out(Bug::NoSync, &new_file(&[&[40]]), LOST);
}

#[test]
fn a_writer_that_syncs_before_it_writes_is_found_out() {
    is_found_out(Bug::SyncBeforeTheWrite, &new_file(&[&[40]]), LOST);
}

#[test]
fn a_writer_that_tells_success_before_it_syncs_is_found_out() {
    is_found_out(Bug::SuccessBeforeTheSync, &new_file(&[&[40]]), LOST);
}

#[test]
fn a_writer_that_tries_a_failed_sync_again_and_calls_it_good_is_found_out() {
    let history = with_failing(new_file(&[&[40], &[40]]), "sync");
    // The first sync of the first writer fails; what the second try says is no help.
    let history = History {
        faults: Faults {
            times: Some(1),
            ..history.faults
        },
        ..history
    };
    is_found_out(Bug::FailedSyncTriedAgain, &history, LOST);
}

#[test]
fn a_writer_that_does_not_sync_the_folder_of_a_new_vault_is_found_out() {
    is_found_out(Bug::NoSyncOfTheFolder, &new_file(&[&[40]]), LOST);
}

#[test]
fn a_writer_that_does_not_sync_the_folder_after_rotation_is_found_out() {
    let mut history = segments(&[&[900]]);
    history
        .before
        .insert("VAULT-000001.asc".into(), vault_of(&[900]));
    is_found_out(Bug::NoSyncOfTheFolder, &history, LOST);
}

#[test]
fn a_writer_that_leaves_the_old_segment_unsynced_is_found_out() {
    let history = segments(&[&[900], &[40]]);
    is_found_out(Bug::NoSyncOfTheOldSegment, &history, "damage");
}

#[test]
fn a_writer_that_drops_the_lock_before_it_writes_is_found_out() {
    let history = file_with(vault_of(&[40]), &[&[40], &[40]]);
    is_found_out(Bug::LockDroppedBeforeTheWrite, &history, TWICE);
}

#[test]
fn a_writer_that_makes_its_header_before_it_has_the_lock_is_found_out() {
    let history = file_with(vault_of(&[40]), &[&[40], &[40]]);
    is_found_out(Bug::HeaderMadeBeforeTheLock, &history, TWICE);
}

#[test]
fn a_writer_that_rotates_without_the_lock_is_found_out() {
    let mut history = segments(&[&[40], &[40]]);
    history
        .before
        .insert("VAULT-000001.asc".into(), vault_of(&[900]));
    is_found_out(Bug::RotationWithoutLock, &history, TWICE);
}

#[test]
fn a_writer_that_does_not_end_a_torn_tail_is_found_out() {
    let torn = torn_vaults().swap_remove(2);
    is_found_out(Bug::TornTailNotEnded, &file_with(torn, &[&[40]]), LOST);
}

/// Appends to a vault of one record on a disk with faults; how the vault's end differs from before.
fn after_a_failed_append(bug: Bug, faults: Faults) -> (AppendError, Vec<u8>) {
    let history = file_with(vault_of(&[40]), &[]);
    let (disk, folder) = History::disk_with(&history.before);
    let before = folder.bytes(FILE);
    disk.set_faults(faults);
    let mut vault = history.vault(Seeded::new(folder.clone(), bug));
    let error = append(&mut vault, sealed(300), || at(NOON)).unwrap_err();
    (error, folder.bytes(FILE).split_off(before.len()))
}

#[test]
fn a_writer_that_leaves_a_failed_write_behind_is_found_out() {
    let faults = Faults {
        append: Some((100, None)),
        ..Faults::default()
    };
    let honest = after_a_failed_append(Bug::None, faults.clone());
    assert!(matches!(honest, (AppendError::NoRoom { .. }, left) if left.is_empty()));
    let seeded = after_a_failed_append(Bug::FailedWriteNotTakenBack, faults);
    assert!(matches!(seeded, (AppendError::NoRoom { .. }, left) if left.len() == 100));
}

#[test]
fn a_writer_that_takes_back_what_another_program_wrote_is_found_out() {
    const GPG: &[u8] = b"a record of gpg, which takes no lock";
    let faults = Faults {
        append: Some((100, None)),
        intruder_behind: GPG,
        ..Faults::default()
    };
    let honest = after_a_failed_append(Bug::None, faults.clone());
    assert!(matches!(honest, (AppendError::NotTakenBack { .. }, left) if left.ends_with(GPG)));
    let seeded = after_a_failed_append(Bug::OtherProgramsBytesTakenBack, faults);
    assert!(
        seeded.1.is_empty(),
        "the faulty writer cuts the other's record off"
    );
}
