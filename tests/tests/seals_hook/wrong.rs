//! What can be wrong with the seals: it is told, and the mail is archived all the same, or waits where it must.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use archiver_core::vault::leaf::LogId;
use custody_tests::{hook, needs_root, run, run_with_stdin, today};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::site::{Site, seal_folder};

#[test]
fn a_mail_is_archived_whatever_is_wrong_with_the_seals_and_it_is_told() {
    let site = Site::installed(1);
    let with_folder = |folder: &Path| {
        let mut hook = hook();
        hook.args(["--syslog", "off", "--cert"])
            .arg(site.ceremony.certificate());
        hook.arg("--vault")
            .arg(site.ceremony.vault())
            .arg("--seal-dir")
            .arg(folder);
        run_with_stdin(&mut hook, b"mail")
            .expect_code(0)
            .says("the mail is archived all the same")
    };
    let _ = with_folder(&site.ceremony.path("mistyped")).says("it is no seal folder");
    let _ = with_folder(&site.ceremony.vault()).says("is the vault itself");
    let other = site.ceremony.path("other");
    seal_folder(&other, LogId([8; 16]), 0, &"AB".repeat(20));
    let _ = with_folder(&other).says("is that of an archive with the encryption subkey");
    fs::rename(site.folder().join("seed"), site.folder().join("away")).unwrap();
    let _ = site.archive("mail").says("there is no file `seed`");
    fs::rename(site.folder().join("away"), site.folder().join("seed")).unwrap();
    fs::set_permissions(
        site.folder().join("seed"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    for _ in 0..2 {
        let _ = site.archive("mail").says("run: chmod go-rwx");
        let _ = site.seal(&[]).expect_code(1).says("run: chmod go-rwx");
    }
    assert_eq!(site.key_day(), 0, "nothing is sealed with such a seed");
    let seed = site.folder().join("seed");
    fs::set_permissions(&seed, fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&seed, Some(12_345), None).unwrap();
        let _ = site.archive("mail").says("belongs to another user");
        chown(&seed, Some(0), None).unwrap();
    }
    assert_eq!(
        (site.archive("mail").stderr.as_str(), site.key_day()),
        ("", 1)
    );
}

#[test]
fn where_the_disk_of_a_sealed_vault_is_not_mounted_mail_waits_until_it_is_or_somebody_says_otherwise()
 {
    let site = Site::installed(0);
    site.archive("first");
    site.archive("second");
    let away = |path: &Path| PathBuf::from(format!("{}.away", path.display()));
    let (vault, seals) = (site.ceremony.vault(), site.seals());
    for path in [&vault, &seals] {
        fs::rename(path, away(path)).unwrap();
    }
    for _ in 0..2 {
        let ran = run_with_stdin(&mut site.hook(), b"mail").expect_code(75);
        let _ = ran
            .says("neither it nor its seals are there, and this server remembers 2 records of it")
            .says("make an empty file in its place");
        assert!(!vault.exists() && !seals.exists());
    }
    let _ = site
        .seal(&[])
        .expect_code(1)
        .says("does not exist, nor do its seals");
    let mut status = hook();
    status.args(["status", "--warn-free", "0%", "--crit-free", "0%", "--cert"]);
    status
        .arg(site.ceremony.certificate())
        .arg("--vault")
        .arg(&vault);
    let _ = run(status.arg("--seal-dir").arg(site.folder()))
        .expect_code(2)
        .prints("this server remembers 2 records of it; mount its disk");
    for path in [&vault, &seals] {
        fs::rename(away(path), path).unwrap();
    }
    assert_eq!(site.archive("mounted again").stderr, "");
    for path in [&vault, &seals] {
        fs::rename(path, away(path)).unwrap();
    }
    fs::write(&vault, "").unwrap();
    let ran = site.archive("moved away on purpose");
    assert!(ran.stdout.contains("seq=3 "), "{}", ran.stdout);
}

#[test]
fn notes_that_somebody_appends_to_the_seals_are_told_and_stop_nothing() {
    let site = Site::installed(2);
    site.archive("first");
    let seals = fs::read_to_string(site.seals()).unwrap();
    let (first, _) = seals.split_at(seals.find("\narchiver/").unwrap() + 1);
    fs::write(site.seals(), format!("{seals}{first}")).unwrap();
    let day = *site.keys.days().start();
    let _ = site.archive("second").says(&format!(
        "stands one of {day} beside the vault that it did not write there"
    ));
    let ran = site.seal(&[]);
    assert!(ran.stdout.starts_with("sealed: 2 records "), "{ran:?}");
    assert_eq!(site.archive("third").stderr, "");
    let last = *site.notes().last().unwrap();
    let last_final = site.notes()[1];
    assert_eq!(last.claimed.previous, Some(last_final.hash()));
}

#[test]
fn a_segment_folder_that_is_its_own_seal_folder_is_refused_at_once() {
    let site = Site::installed(0);
    let vault = site.folder();
    let rules = "archiver segments 1 size=1500 day=no\n";
    fs::write(vault.join("segments.conf"), rules).unwrap();
    let mut hook = hook();
    hook.args(["--syslog", "off", "--cert"])
        .arg(site.ceremony.certificate());
    hook.arg("--vault")
        .arg(&vault)
        .arg("--seal-dir")
        .arg(&vault);
    let begun = std::time::Instant::now();
    let _ = run_with_stdin(&mut hook, b"mail")
        .expect_code(0)
        .says("is the vault itself");
    assert!(begun.elapsed().as_secs() < 2);
}

#[test]
fn status_tells_how_the_seals_are_and_what_is_wrong_with_them() {
    let site = Site::installed(3);
    site.archive("mail");
    let status = |folder: Option<&Path>| {
        let mut status = hook();
        status.args(["status", "--warn-free", "0%", "--crit-free", "0%", "--cert"]);
        status
            .arg(site.ceremony.certificate())
            .args(["--fingerprint", &site.ceremony.subkey()]);
        status.arg("--vault").arg(site.ceremony.vault());
        run(folder.into_iter().fold(&mut status, |status, folder| {
            status.arg("--seal-dir").arg(folder)
        }))
    };
    let with = || status(Some(&site.folder()));
    let yesterday = today().plus(-1).unwrap();
    let _ = with()
        .prints(&format!(
            "OK: the last day with its final seal is {yesterday}"
        ))
        .prints("OK: there are seal keys until ")
        .prints("OK: the seed may be read by its owner only, and is that of ")
        .prints("seal_key_days=396;90:;0:");
    let _ = status(None).prints("WARNING: seals stand in ");
    let _ = status(Some(&site.ceremony.path("mistyped")))
        .expect_code(2)
        .prints("mails are archived without seals: seal folder ");

    let vault = fs::read(site.ceremony.vault()).unwrap();
    site.archive("second");
    fs::write(site.ceremony.vault(), &vault).unwrap();
    let _ = with()
        .expect_code(2)
        .prints("this server remembers 2 records of its log, and the vault has 1: it was cut");
    let seals = fs::read_to_string(site.seals()).unwrap();
    let (first, _) = seals.split_at(seals.find("\narchiver/").unwrap() + 1);
    fs::write(site.seals(), first).unwrap();
    let _ = with()
        .expect_code(2)
        .prints("and the seal keys of later days are used up already: final seals are gone");
    fs::remove_file(site.folder().join("seed")).unwrap();
    let _ = with()
        .expect_code(2)
        .prints("nothing can be sealed, because there is no file `seed`");
}

#[test]
fn a_lost_state_is_made_anew_and_an_old_copy_of_the_seed_signs_nothing_twice() {
    let site = Site::installed(2);
    let old_seed = fs::read(site.folder().join("seed")).unwrap();
    site.archive("first");
    let old_state = fs::read(site.folder().join("state")).unwrap();
    site.archive("second");
    for state in [None, Some(old_state.as_slice()), Some(b"nonsense\n")] {
        match state {
            Some(state) => fs::write(site.folder().join("state"), state).unwrap(),
            None => fs::remove_file(site.folder().join("state")).unwrap(),
        }
        assert_eq!(site.archive("more").stderr, "");
    }
    fs::write(site.folder().join("seed"), old_seed).unwrap();
    assert_eq!(site.archive("with the old seed").stderr, "");
    assert_eq!((site.finals(), site.key_day()), (vec![0, 1], 2));
    assert!(
        site.seal(&[])
            .expect_code(0)
            .stdout
            .starts_with("sealed: 6 records ")
    );
}

#[test]
fn seals_that_are_gone_or_older_or_another_servers_are_named() {
    let site = Site::installed(2);
    site.archive("first");
    let seals = fs::read(site.seals()).unwrap();
    fs::write(site.seals(), &seals[..seals.len() / 3]).unwrap();
    let _ = site
        .archive("older seals")
        .says("not in the seals beside the vault, and no key can make them again");
    fs::write(site.seals(), &seals).unwrap();
    let _ = site.seal(&[]);
    assert!(
        site.seal(&[])
            .expect_code(0)
            .stdout
            .contains("sealed: 2 records")
    );

    let torn = [fs::read(site.seals()).unwrap().as_slice(), &seals[..100]].concat();
    fs::write(site.seals(), torn).unwrap();
    assert_eq!(site.archive("torn seals").stderr, "");

    let second = site.ceremony.path("second");
    seal_folder(&second, LogId([9; 16]), 1, &site.ceremony.subkey());
    let mut seal = hook();
    seal.args(["seal", "--vault"])
        .arg(site.ceremony.vault())
        .arg("--seal-dir")
        .arg(&second);
    let _ = run(&mut seal)
        .expect_code(1)
        .says("are those of another log");
}

#[test]
fn a_vault_that_was_cut_behind_its_seals_is_named_and_sealed_no_further() {
    let site = Site::installed(1);
    site.archive("first");
    let first = fs::read(site.ceremony.vault()).unwrap();
    site.archive("second");
    let _ = site.seal(&[]).expect_code(0);
    fs::write(site.ceremony.vault(), first).unwrap();
    let _ = site.archive("third").says("contradicts its seals");
    let _ = site.archive("fourth").says("nothing is sealed");
    let _ = site.seal(&[]).expect_code(1).says("contradicts its seals");
}

/// Root, above all: what root leaves behind the hook could not write.
#[test]
fn seal_by_another_user_than_the_seal_folders_owner_leaves_nothing_behind() {
    if !needs_root() {
        return;
    }
    let site = Site::installed(1);
    fs::create_dir(site.ceremony.vault()).unwrap();
    let rules = "archiver segments 1 size=1000 day=no\n";
    fs::write(site.ceremony.vault().join("segments.conf"), rules).unwrap();
    chown(site.folder(), Some(12_345), None).unwrap();
    let _ = site
        .seal(&[])
        .expect_code(1)
        .says("belongs to '#12345', and what this leaves in it must be that user's");
    let left = fs::read_dir(site.ceremony.vault()).unwrap().count();
    assert_eq!(left, 1, "only segments.conf stands there");
    let _ = site
        .archive("by hand")
        .says("belongs to '#12345'")
        .says("the mail is archived all the same");
    assert!(!site.folder().join("state").exists());
}

#[test]
fn pipes_in_place_of_seals_and_segments_are_told_and_waited_for_by_nobody() {
    let site = Site::installed(1);
    site.archive("mail");
    let mode = Mode::from_raw_mode(0o600);
    let status = || {
        let mut status = hook();
        status
            .args(["status", "--cert"])
            .arg(site.ceremony.certificate());
        status.arg("--vault").arg(site.ceremony.vault());
        let mut timeout = Command::new("timeout");
        timeout
            .arg("20")
            .arg(status.get_program())
            .args(status.get_args());
        timeout.arg("--seal-dir").arg(site.folder());
        run(&mut timeout)
    };
    fs::remove_file(site.seals()).unwrap();
    mknodat(CWD, site.seals(), FileType::Fifo, mode, 0).unwrap();
    assert!([1, 2, 3].contains(&status().code));
    let mut seal = Command::new("timeout");
    seal.args(["-k", "1", "20"]).arg(hook().get_program());
    seal.args(["seal", "--vault"]).arg(site.ceremony.vault());
    let ran = run(seal.arg("--seal-dir").arg(site.folder())).expect_code(1);
    assert!(ran.stderr.contains("FIFO"), "{}", ran.stderr);
    fs::remove_file(site.ceremony.vault()).unwrap();
    mknodat(CWD, site.ceremony.vault(), FileType::Fifo, mode, 0).unwrap();
    assert!([2, 3].contains(&status().code));
}

#[test]
fn while_state_cannot_be_written_no_key_is_given_up_and_no_final_is_written_twice() {
    let site = Site::installed(2);
    let state = site.folder().join("state");
    fs::create_dir(&state).unwrap();
    for mail in ["first", "second", "third"] {
        let _ = site
            .archive(mail)
            .says("its key could not be given up: the file `state` of the seal folder");
        assert_eq!(
            (site.finals(), site.key_day(), site.notes().len()),
            (vec![0], 0, 1)
        );
    }
    let _ = site.seal(&[]).expect_code(1);
    fs::remove_dir(&state).unwrap();
    assert_eq!(site.archive("and on").stderr, "");
    assert_eq!((site.finals(), site.key_day()), (vec![0, 1], 2));
}
