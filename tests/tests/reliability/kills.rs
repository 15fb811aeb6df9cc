//! Hooks that are killed, frozen and asked to stop at random moments, many at once, while a ledger says what the mail server was told.
//!
//! `KILLS=100000 cargo test --release -p custody-tests --test reliability kills -- --nocapture --test-threads=1` does each of these tests so often.

use crate::siege::{Blow, Meanwhile, Siege};

/// Enough to meet every moment of a hook's life several times in `cargo test`.
const MANY: usize = 1000;
const SOME: usize = 200;

#[test]
fn after_a_thousand_kills_every_acknowledged_mail_is_in_the_vault() {
    let tally = Siege::of_a_file(Blow::Kill).run(MANY);
    assert!(tally.blows >= MANY, "{tally}");
}

#[test]
fn hooks_that_are_frozen_and_go_on_or_die_lose_nothing() {
    let _ = Siege::of_a_file(Blow::Freeze).run(SOME);
}

#[test]
fn hooks_that_are_asked_to_stop_end_with_0_or_75_and_lose_nothing() {
    let _ = Siege::of_a_file(Blow::AskToStop).run(SOME);
}

#[test]
fn a_vault_that_is_moved_aside_again_and_again_loses_nothing() {
    let _ = Siege::of_a_file(Blow::Kill)
        .with(Meanwhile::MoveAside)
        .run(SOME);
}

#[test]
fn a_copy_that_is_taken_meanwhile_is_a_vault_that_holds_all_that_was_acknowledged_before() {
    let tally = Siege::of_a_file(Blow::Kill).with(Meanwhile::Copy).run(SOME);
    assert!(tally.copies > 0, "{tally}");
}

#[test]
fn a_vault_in_segments_loses_nothing_while_new_ones_are_begun() {
    let tally = Siege::of_segments(Blow::Kill).run(2 * SOME);
    assert!(tally.segments > 10, "{tally}");
}

#[test]
fn a_copy_of_segments_that_is_taken_meanwhile_is_a_vault_too() {
    let tally = Siege::of_segments(Blow::Kill)
        .with(Meanwhile::Copy)
        .run(SOME);
    assert!(tally.copies > 0, "{tally}");
}
