//! `archiver-encrypt status --seal-dir` where nothing can be sealed: it says what the hook says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use custody_tests::Ran;

use crate::site::Site;

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_critical(site: &Site, words: &str) -> Ran {
    site.status()
        .expect_code(2)
        .prints(&format!("CRITICAL: nothing can be sealed{words}"))
}

#[test]
fn a_seed_that_is_none_any_more_is_told_in_the_hooks_words() {
    let site = Site::installed(0);
    site.archive("mail");
    let _ = site.status().expect_code(0);
    let seed = site.folder().join("seed");
    let whole = fs::read(&seed).unwrap();
    let longer = [whole.as_slice(), b"\n"].concat();
    let mut of_another_log = whole.clone();
    of_another_log[1] ^= 1;
    for (bytes, words) in [
        (&[][..], "is no seed file: it has 0 bytes instead of 61"),
        (&longer, "is no seed file: it has 62 bytes instead of 61"),
        (&[0; 61], "has version 0"),
    ] {
        fs::write(&seed, bytes).unwrap();
        let words = format!(", because the file `seed` {words}");
        let _ = assert_critical(&site, &words).prints("only a new ceremony makes new seal keys");
        let _ = site.archive("mail").says(&words);
    }
    fs::write(&seed, of_another_log).unwrap();
    let words = ", because the file `seed` is of another log than the file `server`";
    let _ = assert_critical(&site, words);
    fs::remove_file(&seed).unwrap();
    let _ = assert_critical(&site, ", because there is no file `seed`");
    fs::create_dir(&seed).unwrap();
    chmod(&seed, 0o700);
    let _ = assert_critical(&site, ": ").prints("it is a folder, and a file belongs there");
    let _ = site
        .archive("mail")
        .says("the file `seed` cannot be used: it is a folder, and a file belongs there");
}

#[test]
fn files_of_the_seals_that_their_owner_may_not_write_are_told() {
    let site = Site::installed(0);
    site.archive("mail");
    let _ = site.seal(&[]).expect_code(0);
    for (path, closed, open) in [
        (site.seals(), 0o400, 0o600),
        (site.folder().join("seed"), 0o400, 0o600),
        (site.folder(), 0o500, 0o700),
    ] {
        chmod(&path, closed);
        let _ = assert_critical(&site, ": ");
        chmod(&path, open);
        let _ = site.status().expect_code(0);
    }
}
