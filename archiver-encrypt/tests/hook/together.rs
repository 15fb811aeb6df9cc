//! Many hooks at once, on a vault that none of them finds: nothing is lost, nothing interleaved.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::thread;

use archiver_core::vault::chain::{Chain, Standing};
use archiver_core::vault::gap::GapHash;
use archiver_core::vault::read::read_record;
use archiver_core::vault::scan::{Scanner, SpanKind};
use archiver_core::vault::segments::Listing;

use crate::archive::{Archive, deliver, finish, start, text};

/// Begins a new segment after every few records.
const TINY: &str = "archiver segments 1 size=3000 day=no\n";

fn make_segments(folder: &Path) {
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("segments.conf"), TINY).unwrap();
}

/// The number of segments, and all their bytes.
fn segments_in(folder: &Path) -> (usize, Vec<u8>) {
    let names = fs::read_dir(folder).unwrap();
    let listing = Listing::of(names.map(|entry| entry.unwrap().file_name()));
    assert!(
        listing.missing().is_empty() && listing.foreign.is_empty(),
        "{listing:?}"
    );
    let files = listing
        .segments
        .iter()
        .map(|number| folder.join(number.file_name()));
    let bytes: Vec<_> = files.map(|file| fs::read(file).unwrap()).collect();
    (bytes.len(), bytes.concat())
}

/// All whole records of a vault, which must be one unbroken log, but for a torn record at its end.
fn records_of_one_log(vault: &[u8]) -> Vec<&[u8]> {
    let range = |range: Range<u64>| {
        let index = |offset| usize::try_from(offset).unwrap();
        &vault[index(range.start)..index(range.end)]
    };
    let (mut chain, mut records) = (Chain::new(), Vec::new());
    for span in Scanner::new(vault).map(Result::unwrap) {
        let bytes = range(span.offset..span.end());
        if span.kind == SpanKind::Record {
            let (facts, ()) = read_record(bytes, span.length, |_| ()).unwrap();
            let hash = |hash: &mut GapHash, gap| {
                hash.update(range(gap));
                Ok(())
            };
            let standing = chain.follow(&span, facts, hash).unwrap();
            let Standing::Linked(link) = standing else {
                panic!("{standing:?}")
            };
            assert_eq!((link.leaf_matches, link.fault), (true, None));
            records.push(bytes);
        } else {
            let is_the_end = span.end() == vault.len() as u64;
            assert!(bytes == b"\n" || is_the_end, "{span:?}");
        }
    }
    records
}

#[test]
fn sixty_four_hooks_at_once_lose_and_interleave_nothing_while_segments_begin() {
    let archive = Archive::new();
    make_segments(&archive.vault());
    let mails: BTreeSet<Vec<u8>> = (0..64_usize)
        .map(|n| format!("Subject: {n}\n\n").repeat(1 + 9 * n).into_bytes())
        .collect();
    let hooks: Vec<_> = mails
        .iter()
        .map(|mail| (start(&mut archive.hook()), mail))
        .collect();
    for (hook, mail) in hooks {
        let output = finish(hook, mail);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    }
    let (segments, vault) = segments_in(&archive.vault());
    assert!(segments >= 8, "{segments} segments");
    let records = records_of_one_log(&vault);
    assert_eq!(records.len(), mails.len());
    let archived: BTreeSet<Vec<u8>> = records.iter().map(|record| archive.open(record)).collect();
    assert!(archived == mails);
}

#[test]
fn a_copy_taken_while_hooks_run_is_a_valid_vault_and_the_beginning_of_the_original() {
    let archive = Archive::new();
    let vault = archive.vault();
    make_segments(&vault);
    archive.archive(b"first");
    thread::scope(|scope| {
        for hook in 0..4 {
            let archive = &archive;
            scope.spawn(move || {
                for mail in 0..8 {
                    let mail = format!("Subject: {hook} {mail}\n\n").repeat(30);
                    let output = deliver(&mut archive.hook(), mail.as_bytes());
                    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
                }
            });
        }
        for copy in 0..8 {
            let copy = archive.path(&format!("copy-{copy}"));
            let copied = Command::new("cp").arg("-r").arg(&vault).arg(&copy).status();
            assert!(copied.unwrap().success());
        }
    });
    let (_, whole) = segments_in(&vault);
    assert_eq!(records_of_one_log(&whole).len(), 33);
    for copy in 0..8 {
        let (_, copied) = segments_in(&archive.path(&format!("copy-{copy}")));
        assert!(whole.starts_with(&copied));
        assert!(!records_of_one_log(&copied).is_empty());
    }
}

#[test]
fn malformed_rules_for_segments_keep_the_mail_in_the_queue() {
    let archive = Archive::new();
    make_segments(&archive.vault());
    fs::write(archive.path("VAULT/segments.conf"), "size=1G\n").unwrap();
    let output = deliver(&mut archive.hook(), b"mail");
    crate::archive::assert_refused(&output, "segments.conf is not one line of the form");
}

#[test]
fn forty_hooks_at_once_all_land_in_one_unbroken_log() {
    let archive = Archive::new();
    let mails: BTreeSet<Vec<u8>> = (0..40_usize)
        .map(|n| {
            format!("Subject: mail {n}\n\n")
                .repeat(1 + 40 * n)
                .into_bytes()
        })
        .collect();
    let hooks: Vec<_> = mails
        .iter()
        .map(|mail| (start(&mut archive.hook()), mail))
        .collect();
    for (hook, mail) in hooks {
        let output = finish(hook, mail);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    }
    let archived = archive.mails();
    assert_eq!(archived.len(), mails.len());
    assert!(BTreeSet::from_iter(archived) == mails);
}
