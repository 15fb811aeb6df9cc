//! Waiting for locks, and what a path leads to.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use archiver_core::vault::disk::DiskFile as _;
use rustix::fs::{FlockOperation, flock};

use super::*;

fn disk_folder<'a>(path: &Path, allow_network_fs: bool, stop: &'a StopSignals) -> DiskFolder<'a> {
    DiskFolder {
        path: path.to_owned(),
        allow_network_fs,
        stop: Some(stop),
        patience: LOCK_PATIENCE,
        locked: None,
    }
}

fn locked_by_another() -> (tempfile::TempDir, File) {
    let folder = tempfile::tempdir().unwrap();
    let other = File::create(folder.path().join("VAULT")).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    (folder, other)
}

#[test]
fn patience_with_a_held_lock_has_an_end() {
    let (folder, _other) = locked_by_another();
    let stop = StopSignals::block().unwrap();
    let disk = DiskFolder {
        patience: Duration::from_millis(30),
        ..disk_folder(folder.path(), false, &stop)
    };
    let error = disk.open_locked("VAULT".as_ref()).unwrap_err().to_string();
    assert!(error.contains("has held its lock"), "{error}");
}

#[test]
fn a_lock_that_is_given_back_is_taken() {
    let (folder, other) = locked_by_another();
    let stop = StopSignals::block().unwrap();
    let disk = disk_folder(folder.path(), false, &stop);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            drop(other);
        });
        disk.open_locked("VAULT".as_ref()).unwrap().unlock();
    });
    let third = File::open(folder.path().join("VAULT")).unwrap();
    flock(&third, FlockOperation::NonBlockingLockExclusive).unwrap();
}

#[test]
fn a_file_that_lost_its_name_is_overwritten_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed");
    let stop = StopSignals::block().unwrap();
    let disk = disk_folder(folder.path(), false, &stop);
    for length in [0, 61, 4096, 9000] {
        let mut file = disk.create_new("seed".as_ref()).unwrap();
        let secret = vec![7; length];
        assert_eq!(file.append(&[&secret]).unwrap(), length);
        let onlooker = File::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        file.wipe().unwrap();
        let mut found = vec![1; length];
        onlooker.read_exact_at(&mut found, 0).unwrap();
        assert_eq!(found, vec![0; length]);
        assert_eq!(onlooker.metadata().unwrap().len(), length as u64);
    }
}

#[test]
fn network_file_systems_are_known_by_their_magic_numbers() {
    let mut file_system = statfs(".").unwrap();
    for (magic, name) in [
        (0x6969, Some("NFS")),
        (0xff53_4d42, Some("CIFS")),
        (0xef53, None),
    ] {
        file_system.f_type = magic;
        assert_eq!(network_file_system(&file_system), name);
    }
    file_system.f_type = i64::from(i32::from_be_bytes([0xfe, 0x53, 0x4d, 0x42]));
    assert_eq!(network_file_system(&file_system), Some("SMB2"));
}

#[test]
fn a_network_file_system_is_refused_unless_it_is_allowed() {
    let mut nfs = statfs(".").unwrap();
    nfs.f_type = 0x6969;
    let stop = StopSignals::block().unwrap();
    let refused = |allow| {
        disk_folder(Path::new("."), allow, &stop)
            .refuse_network(&nfs)
            .is_err()
    };
    assert!(refused(false) && !refused(true));
}

#[test]
fn a_path_leads_to_a_folder_of_segments_only_when_it_is_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let stop = StopSignals::block().unwrap();
    let at = |name: &str| {
        vault_at(&folder.path().join(name), false, &stop).map(|vault| format!("{vault:?}"))
    };
    fs::create_dir(folder.path().join("segments")).unwrap();
    assert!(at("segments").unwrap().contains("Segments"));
    assert!(at("segments/").unwrap().contains("Segments"));
    assert!(at("VAULT").unwrap().contains("File(\"VAULT\")"));
    let error = at("missing/").unwrap_err().to_string();
    assert!(error.contains("it is no folder"), "{error}");
}

#[test]
fn a_file_with_another_name_is_not_opened_as_an_unshared_one() {
    let scratch = tempfile::tempdir().unwrap();
    let (seed, new) = (scratch.path().join("seed"), scratch.path().join("seed.new"));
    let folder = DiskFolder::of_seals(scratch.path(), true);
    let open = || folder.open_unshared("seed.new".as_ref());
    assert_eq!(open().unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(&seed, b"secret").unwrap();
    std::os::unix::fs::symlink("seed", &new).unwrap();
    assert!(open().is_err());
    fs::remove_file(&new).unwrap();
    fs::hard_link(&seed, &new).unwrap();
    assert!(open().is_err());
    fs::remove_file(&new).unwrap();
    fs::write(&new, b"half").unwrap();
    open().unwrap().wipe().unwrap();
    assert_eq!(fs::read(&new).unwrap(), [0; 4]);
    assert_eq!(fs::read(&seed).unwrap(), b"secret");
}
