//! Many hooks at once, on a vault that none of them finds: nothing is lost, nothing interleaved.

use std::collections::BTreeSet;

use crate::archive::{Archive, finish, start, text};

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
