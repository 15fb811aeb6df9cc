//! Laws of the sharing: any k of n sheets rebuild, fewer never do, a changed character is noticed, sets never mix.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use archiver_core::field::X25519Secret;
use archiver_core::frame::{self, NotAShareText};
use archiver_core::identity::Fingerprint;
use archiver_core::quorum::Gathering;
use archiver_core::secret::{SecretBytes, SecretText};
use archiver_core::share::ShareRefused;
use archiver_core::sharing::{Profile, Purpose, SharingTerms};
use archiver_core::split::Dealing;
use archiver_core::threshold::Threshold;
use proptest::prelude::*;

fn secret() -> X25519Secret {
    X25519Secret::clamped(SecretBytes::random().unwrap().expose_bytes())
}

fn deal(secret: &X25519Secret, k: usize, n: usize, purpose: Purpose) -> Dealing {
    let terms = SharingTerms {
        profile: Profile::Classic,
        purpose,
        threshold: Threshold::new(k, n).unwrap(),
        primary: Fingerprint::V4([1; 20]),
        encryption: Fingerprint::V4([2; 20]),
        seal_keys_sha256: None,
    };
    Dealing::deal(secret, &terms).unwrap()
}

fn texts(dealing: &Dealing) -> Vec<SecretText> {
    dealing.shares().iter().map(frame::to_qr_text).collect()
}

/// k, n and an order in which n sheets come in.
fn sheets_in_some_order() -> impl Strategy<Value = (usize, Vec<usize>)> {
    (2usize..9).prop_flat_map(|n| (2..=n, Just((0..n).collect::<Vec<_>>()).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_k_sheets_in_any_order_rebuild_and_one_less_does_not((k, order) in sheets_in_some_order()) {
        let secret = secret();
        let dealing = deal(&secret, k, order.len(), Purpose::Archive);
        let texts = texts(&dealing);
        let mut gathering = Gathering::new(dealing.sharing().clone());
        for (count, sheet) in order.iter().take(k).enumerate() {
            prop_assert_eq!(gathering.missing(), k - count);
            gathering.add(frame::from_qr_text(texts[*sheet].expose_text()).unwrap()).unwrap();
        }
        let rebuilt = gathering.into_quorum().unwrap().rebuild().unwrap();
        prop_assert_eq!(rebuilt.x25519().expose_secret().expose_bytes(), secret.expose_secret().expose_bytes());

        let mut gathering = Gathering::new(dealing.sharing().clone());
        for sheet in order.iter().take(k - 1) {
            gathering.add(frame::from_qr_text(texts[*sheet].expose_text()).unwrap()).unwrap();
        }
        prop_assert_eq!(gathering.into_quorum().unwrap_err().missing, 1);
    }

    #[test]
    fn the_dealing_proves_itself_over_all_its_subsets((k, order) in sheets_in_some_order()) {
        let proof = deal(&secret(), k, order.len(), Purpose::Archive).prove().unwrap();
        prop_assert!(proof.exhaustive);
        prop_assert!(proof.rebuilt >= 1 && proof.refused >= 1);
    }

    #[test]
    fn no_text_whatsoever_makes_the_reader_panic(text in any::<String>()) {
        let _ = frame::from_qr_text(&text);
        let _ = frame::from_qr_text(&format!("ARCHIVER-SHARE-1:{text}"));
    }
}

#[test]
fn every_changed_character_of_a_sheets_text_is_noticed() {
    let dealing = deal(&secret(), 2, 3, Purpose::Archive);
    let text = frame::to_qr_text(&dealing.shares()[0]);
    let text = text.expose_text();
    for position in 0..text.len() {
        for replacement in "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .chars()
            .chain(['0', '1', '*'])
        {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[position] == replacement {
                continue;
            }
            changed[position] = replacement;
            let changed: String = changed.into_iter().collect();
            let error = frame::from_qr_text(&changed).unwrap_err();
            if position >= 17 && "01*".contains(replacement) {
                assert_eq!(
                    error,
                    NotAShareText::WrongCharacter {
                        position: position - 16
                    }
                );
            }
        }
    }
}

#[test]
fn a_typed_text_may_be_in_lower_case_and_in_groups() {
    let dealing = deal(&secret(), 2, 3, Purpose::Archive);
    let text = frame::to_qr_text(&dealing.shares()[2]);
    let typed: String = text
        .expose_text()
        .to_lowercase()
        .chars()
        .enumerate()
        .flat_map(|(place, letter)| (place % 5 == 0).then_some(' ').into_iter().chain([letter]))
        .chain(['\r', '\n'])
        .collect();
    assert_eq!(frame::from_qr_text(&typed).unwrap().index().get(), 3);
}

#[test]
fn a_shortened_or_lengthened_text_is_named_with_its_length() {
    let dealing = deal(&secret(), 2, 3, Purpose::Archive);
    let text = frame::to_qr_text(&dealing.shares()[0]);
    let shorter = &text.expose_text()[..100];
    assert_eq!(
        frame::from_qr_text(shorter).unwrap_err(),
        NotAShareText::WrongLength { found: 83 }
    );
    let longer = format!("{}A", text.expose_text());
    assert_eq!(
        frame::from_qr_text(&longer).unwrap_err(),
        NotAShareText::WrongLength { found: 91 }
    );
    assert_eq!(
        frame::from_qr_text("").unwrap_err(),
        NotAShareText::NotAShare
    );
}

#[test]
fn sheets_of_two_ceremonies_over_the_same_key_never_mix() {
    let secret = secret();
    let (first, second) = (
        deal(&secret, 2, 3, Purpose::Archive),
        deal(&secret, 2, 3, Purpose::Archive),
    );
    let mut gathering = Gathering::new(first.sharing().clone());
    let foreign = frame::from_qr_text(texts(&second)[1].expose_text()).unwrap();
    assert_eq!(
        gathering.add(foreign).unwrap_err(),
        ShareRefused::OtherSet {
            sheet: second.sharing().set_id(),
            archive: first.sharing().set_id(),
        }
    );
    assert_eq!(gathering.have(), 0);
}

#[test]
fn a_rehearsal_and_a_real_archive_refuse_each_others_sheets() {
    let secret = secret();
    let (real, practice) = (
        deal(&secret, 2, 2, Purpose::Archive),
        deal(&secret, 2, 2, Purpose::Rehearsal),
    );
    let mut real_gathering = Gathering::new(real.sharing().clone());
    let sheet = frame::from_qr_text(texts(&practice)[0].expose_text()).unwrap();
    assert_eq!(
        real_gathering.add(sheet).unwrap_err(),
        ShareRefused::RehearsalSheet
    );

    let mut practice_gathering = Gathering::new(practice.sharing().clone());
    let sheet = frame::from_qr_text(texts(&real)[0].expose_text()).unwrap();
    assert_eq!(
        practice_gathering.add(sheet).unwrap_err(),
        ShareRefused::RealSheetInRehearsal
    );
}

#[test]
fn the_same_sheet_counts_once() {
    let dealing = deal(&secret(), 2, 3, Purpose::Archive);
    let text = &texts(&dealing)[0];
    let mut gathering = Gathering::new(dealing.sharing().clone());
    let index = gathering
        .add(frame::from_qr_text(text.expose_text()).unwrap())
        .unwrap();
    let again = gathering
        .add(frame::from_qr_text(text.expose_text()).unwrap())
        .unwrap_err();
    assert_eq!(again, ShareRefused::SameSheet { index });
    assert_eq!(gathering.missing(), 1);
}

#[test]
fn many_custodians_are_proved_over_a_thousand_random_subsets() {
    let proof = deal(&secret(), 7, 20, Purpose::Archive).prove().unwrap();
    assert_eq!(
        (proof.rebuilt, proof.refused, proof.exhaustive),
        (1000, 1000, false)
    );
}
