//! Where records come to stand, and what of the vault they bind.

use sha2::{Digest as _, Sha256};

use super::*;
use crate::openpgp::archive_key::ArchiveKey;
use crate::openpgp::certificate::ArchiveCert;
use crate::openpgp::encrypt::{Compression, in_memory, seal};
use crate::openpgp::framing::split_message;
use crate::origin::{self, OriginError};
use crate::vault::memory_disk::MemoryVault;

mod faults;

const NOON: i64 = 1_795_608_000;

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
fn a_file_that_holds_something_else_is_refused_and_left_as_it_is() {
    for other in [
        b"of a program, with all its lines\n".as_slice(),
        b"\x01seed",
    ] {
        let vault = MemoryVault::of(other);
        let error = append_at(&vault, NOON).unwrap_err();
        assert!(matches!(error, AppendError::NoVault(_)), "{error}");
        assert_eq!(vault.bytes(), other);
        assert_eq!(calls(&vault), ["lock", "unlock"]);
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
