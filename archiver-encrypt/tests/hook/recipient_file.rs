//! The recipient file: that it spares the verification of the certificate, and that nobody who could not write the certificate can use it
//! to divert mail.
//!
//! Whether it was believed is seen with a certificate whose own signature does not hold: who believes the file archives the mail, who
//! verifies refuses it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::PathBuf;
use std::process::Output;

use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::openpgp::recipient::PinnedRecipient;
use sequoia_openpgp::cert::Cert;
use sequoia_openpgp::serialize::SerializeInto as _;

use crate::archive::{Archive, assert_refused, deliver, key_builder, skip, text};

const DAY: i64 = 86_400;

fn path(archive: &Archive) -> PathBuf {
    archive.path("VAULT.recipient")
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_secs().try_into().unwrap()
}

fn at(unix: i64) -> UtcTime {
    UtcTime::from_unix(unix).unwrap()
}

/// The line that the hook would have written at that time, for this certificate file.
fn line(key: &Cert, file: &[u8], checked: i64) -> String {
    let sound = key.to_vec().unwrap();
    let cert = ArchiveCert::parse(&sound, None, at(checked)).unwrap();
    let pinned = PinnedRecipient::of(&cert, &sound, None, at(checked)).unwrap();
    let digest = |bytes| sha256(bytes);
    pinned.to_string().replace(&digest(&sound), &digest(file))
}

fn sha256(bytes: &[u8]) -> String {
    use sequoia_openpgp::types::HashAlgorithm;
    let hash = HashAlgorithm::SHA256.context().unwrap();
    let mut hash = hash.for_digest();
    hash.update(bytes);
    let digest = hash.into_digest().unwrap();
    sequoia_openpgp::fmt::hex::encode(digest).to_lowercase()
}

/// An archive whose certificate does not hold any more: one bit of its last signature is another. The recipient file is as the
/// hook wrote it a second ago, when all was well.
fn believed() -> (Archive, Vec<u8>) {
    let archive = Archive::new();
    let mut file = archive.key.to_vec().unwrap();
    *file.last_mut().unwrap() ^= 1;
    archive.write_certificate(&file);
    write(&archive, &line(&archive.key, &file, now() - 1));
    (archive, file)
}

/// Writes the recipient file anew.
fn write(archive: &Archive, text: &str) {
    fs::write(path(archive), text).unwrap();
    fs::set_permissions(path(archive), fs::Permissions::from_mode(0o600)).unwrap();
}

fn archive_a_mail(archive: &Archive) -> Output {
    deliver(&mut archive.hook(), b"mail")
}

/// The certificate was verified, and did not hold.
#[track_caller]
fn assert_not_believed(archive: &Archive, warning: &str) {
    let output = archive_a_mail(archive);
    assert_refused(&output, "certificate");
    assert_refused(&output, warning);
    assert!(!archive.vault().exists());
}

#[test]
fn the_certificate_is_verified_once_and_then_no_more() {
    let (archive, _) = believed();
    for count in 1..3 {
        let output = archive_a_mail(&archive);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        assert_eq!(archive.mails().len(), count);
    }
    fs::remove_file(path(&archive)).unwrap();
    fs::remove_file(archive.vault()).unwrap();
    assert_not_believed(&archive, "");
}

#[test]
fn the_hook_writes_what_it_then_believes_for_its_owner_alone() {
    let archive = Archive::new();
    archive.archive(b"first");
    let written = fs::read_to_string(path(&archive)).unwrap();
    let pinned: PinnedRecipient = written.parse().unwrap();
    let primary = Fingerprint::from_bytes(archive.key.fingerprint().as_bytes()).unwrap();
    assert_eq!(pinned.keys().0, primary);
    let mode = fs::metadata(path(&archive)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    archive.archive(b"second");
    assert_eq!(fs::read_to_string(path(&archive)).unwrap(), written);
    let names = archive.path("").read_dir().unwrap();
    assert_eq!(names.count(), 3, "certificate, vault, recipient file");
}

#[test]
fn a_key_that_the_certificate_does_not_have_is_never_used() {
    let (archive, file) = believed();
    let attacker = Archive::new();
    let ours = line(&archive.key, &file, now() - 1);
    let theirs = line(&attacker.key, &file, now() - 1);
    let field = |line: &str, name: &str| -> String {
        let field = line.split(' ').find(|field| field.starts_with(name));
        field.unwrap().to_owned()
    };
    let swapped = |name: &str| ours.replace(&field(&ours, name), &field(&theirs, name));
    for line in [theirs.clone(), swapped("subkey="), swapped("primary=")] {
        write(&archive, &line);
        assert_not_believed(&archive, "keys that the certificate does not have");
    }
}

#[test]
fn the_file_of_another_certificate_is_no_help() {
    let (archive, _) = believed();
    let other = Archive::new();
    other.archive(b"mail");
    fs::copy(path(&other), path(&archive)).unwrap();
    assert_not_believed(&archive, "");
}

#[test]
fn a_certificate_that_is_replaced_is_noticed_in_the_same_run() {
    let archive = Archive::new();
    archive.archive(b"to the first key");
    let other = Archive::new();
    archive.write_certificate(&other.key.to_vec().unwrap());
    let output = archive_a_mail(&archive);
    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    for part in [
        "mail is being diverted",
        &archive.key.fingerprint().to_hex(),
        &other.key.fingerprint().to_hex(),
    ] {
        assert!(stderr.contains(part), "{stderr}");
    }
    let vault = archive.vault_bytes();
    let last = crate::archive::records(&vault).last().unwrap();
    assert_eq!(other.open(last), b"mail");
    archive.archive(b"no more warnings");
}

#[test]
fn a_pinned_fingerprint_holds_whatever_the_file_says() {
    let (archive, file) = believed();
    let mine = archive.key.fingerprint().to_hex();
    let stranger = Archive::new().key.fingerprint().to_hex();
    for (asked, given) in [(&mine, &mine), (&stranger, &stranger), (&mine, &stranger)] {
        let line = line(&archive.key, &file, now() - 1);
        write(
            &archive,
            &line.replace("asked=none", &format!("asked={asked}")),
        );
        let output = deliver(archive.hook().args(["--fingerprint", given]), b"mail");
        let believed = asked == given && *given == mine;
        assert_eq!(output.status.code() == Some(0), believed, "{asked} {given}");
    }
}

#[test]
fn it_counts_for_a_day_and_a_clock_that_goes_back_ends_it() {
    let archive = Archive::new();
    for (checked, believed) in [
        (now() - DAY + 60, true),
        (now() - DAY - 1, false),
        (now() + 60, false),
        (now() - 300 * DAY, false),
    ] {
        let key = old_key();
        let _ = fs::remove_file(archive.vault());
        let mut broken = key.to_vec().unwrap();
        *broken.last_mut().unwrap() ^= 1;
        archive.write_certificate(&broken);
        write(&archive, &line(&key, &broken, checked));
        let output = archive_a_mail(&archive);
        assert_eq!(output.status.code() == Some(0), believed, "{checked}");
        assert!(!text(&output.stderr).contains("recipient file"));
    }
}

/// A key that existed at all times of these tests.
fn old_key() -> Cert {
    let made = std::time::SystemTime::now() - std::time::Duration::from_hours(24 * 700);
    let builder = key_builder()
        .set_creation_time(made)
        .add_storage_encryption_subkey();
    builder.generate().unwrap().0
}

#[test]
fn an_end_that_was_edited_or_lies_in_the_future_is_not_believed() {
    let (archive, file) = believed();
    let line = line(&archive.key, &file, now() - 1);
    let (start, _) = line.split_once(" until=").unwrap();
    for until in [now() + 2 * DAY, now() + 4000 * DAY] {
        write(&archive, &format!("{start} until={}\n", at(until)));
        assert_not_believed(&archive, "more than a day");
    }
    let edited = line.replace(" until=", " until=2999-");
    write(&archive, &edited);
    assert_not_believed(&archive, "not in the form");
}

#[test]
fn an_expired_certificate_warns_from_the_file_too_and_ends_with_the_day_it_expires() {
    let year = std::time::Duration::from_hours(365 * 24);
    let builder = key_builder()
        .set_creation_time(std::time::SystemTime::now() - 2 * year)
        .set_validity_period(year)
        .add_storage_encryption_subkey();
    let archive = Archive::of(builder.generate().unwrap().0);
    for _ in 0..2 {
        let output = archive_a_mail(&archive);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stderr).contains("expired since"));
    }
    let strict = deliver(archive.hook().arg("--strict-cert"), b"mail");
    assert_refused(&strict, "expired since");
}

#[test]
fn torn_and_senseless_files_are_not_believed() {
    let (archive, file) = believed();
    let line = line(&archive.key, &file, now() - 1);
    for text in [
        "",
        "\n",
        &line[..line.len() / 2],
        &line[..line.len() - 1],
        &format!("{line}{line}"),
        &format!("{line}\n"),
        &line.replace("recipient 1", "recipient 2"),
        &line.to_uppercase(),
        &"\0".repeat(line.len()),
        &"x".repeat(1 << 20),
    ] {
        write(&archive, text);
        assert_not_believed(&archive, "not in the form of a recipient file");
    }
    fs::write(path(&archive), b"\xff\xfe").unwrap();
    assert_not_believed(&archive, "not in the form of a recipient file");
}

#[test]
fn what_others_may_have_written_is_not_believed() {
    let (archive, _) = believed();
    for mode in [0o602, 0o620, 0o666] {
        fs::set_permissions(path(&archive), fs::Permissions::from_mode(mode)).unwrap();
        assert_not_believed(&archive, "others than its owner may write it");
    }
    fs::set_permissions(path(&archive), fs::Permissions::from_mode(0o600)).unwrap();
    for mode in [0o777, 0o770, 0o1777] {
        fs::set_permissions(archive.path(""), fs::Permissions::from_mode(mode)).unwrap();
        assert_not_believed(&archive, "others may write there");
    }
    fs::set_permissions(archive.path(""), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(archive_a_mail(&archive).status.code(), Some(0));
}

#[test]
fn a_file_or_folder_of_another_user_is_not_believed() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can give files to others");
    }
    let (archive, _) = believed();
    chown(path(&archive), Some(12_345), None).unwrap();
    assert_not_believed(&archive, "it belongs to another user");
    chown(path(&archive), Some(0), None).unwrap();
    chown(archive.path(""), Some(12_345), None).unwrap();
    assert_not_believed(&archive, "its folder belongs to another user");
}

#[test]
fn links_and_other_things_in_its_place_are_not_believed() {
    let (archive, _) = believed();
    let elsewhere = archive.path("elsewhere");
    fs::rename(path(&archive), &elsewhere).unwrap();
    symlink(&elsewhere, path(&archive)).unwrap();
    assert_not_believed(&archive, "it is a symbolic link");
    fs::remove_file(path(&archive)).unwrap();
    fs::hard_link(&elsewhere, path(&archive)).unwrap();
    assert_not_believed(&archive, "it has a second name");
    fs::remove_file(path(&archive)).unwrap();
    fs::create_dir(path(&archive)).unwrap();
    assert_not_believed(&archive, "it is not a regular file");
    fs::remove_dir(path(&archive)).unwrap();
    let mut mkfifo = std::process::Command::new("mkfifo");
    assert!(mkfifo.arg(path(&archive)).status().unwrap().success());
    assert_not_believed(&archive, "it is not a regular file");
}

#[test]
fn a_broken_file_costs_a_warning_and_is_replaced_and_a_link_is_not_followed() {
    let archive = Archive::new();
    let victim = archive.path("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, path(&archive)).unwrap();
    let output = archive_a_mail(&archive);
    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with("archiver-encrypt: warning: "),
        "{stderr}"
    );
    assert!(stderr.contains("find out who wrote that file"), "{stderr}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    archive.archive(b"without a word");
    assert!(!fs::symlink_metadata(path(&archive)).unwrap().is_symlink());
}

#[test]
fn where_it_cannot_be_written_mails_are_archived_all_the_same() {
    let archive = Archive::new();
    fs::create_dir(path(&archive)).unwrap();
    for _ in 0..2 {
        let output = archive_a_mail(&archive);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let shared = Archive::new();
    fs::set_permissions(shared.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    shared.archive(b"in a folder for everybody");
    assert!(!path(&shared).exists(), "nobody would believe it");
}

/// The name under which a new one is made.
fn new(archive: &Archive) -> PathBuf {
    archive.path("VAULT.recipient.new")
}

/// A mail is archived, and from then on the recipient file is believed, and nothing else is left.
#[track_caller]
fn assert_written_anew(archive: &Archive, what: &str) {
    for _ in 0..2 {
        assert_eq!(archive_a_mail(archive).status.code(), Some(0), "{what}");
    }
    let written = fs::read_to_string(path(archive)).unwrap();
    assert!(
        written.parse::<PinnedRecipient>().is_ok(),
        "{what}: {written}"
    );
    assert!(fs::symlink_metadata(new(archive)).is_err(), "{what}");
}

#[test]
fn what_a_crash_left_half_made_is_made_whole_by_the_next_run() {
    for left in ["", "archiver recipient 1 certificate=", &"x".repeat(5000)] {
        let archive = Archive::new();
        fs::write(new(&archive), left).unwrap();
        assert_written_anew(&archive, left);
    }
}

#[test]
fn what_somebody_put_in_the_place_of_the_new_file_is_neither_followed_nor_written_to() {
    type Put = fn(&Archive, &std::path::Path);
    let cases: [(&str, Put); 4] = [
        ("a link", |archive, victim| {
            symlink(victim, new(archive)).unwrap();
        }),
        ("a second name", |archive, victim| {
            fs::hard_link(victim, new(archive)).unwrap();
        }),
        ("a dangling link", |archive, _| {
            symlink(archive.path("nowhere"), new(archive)).unwrap();
        }),
        ("a FIFO", |archive, _| {
            let mut mkfifo = std::process::Command::new("mkfifo");
            assert!(mkfifo.arg(new(archive)).status().unwrap().success());
        }),
    ];
    for (what, put) in cases {
        let archive = Archive::new();
        let victim = archive.path("victim");
        fs::write(&victim, "untouched").unwrap();
        put(&archive, &victim);
        assert_written_anew(&archive, what);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched", "{what}");
        assert!(!archive.path("nowhere").exists());
    }
}

#[test]
fn a_new_file_that_others_may_write_or_own_is_not_used() {
    let archive = Archive::new();
    fs::write(new(&archive), "").unwrap();
    fs::set_permissions(new(&archive), fs::Permissions::from_mode(0o666)).unwrap();
    // Whoever holds it open must not be able to write into what the hook will believe.
    let mut held = fs::OpenOptions::new()
        .write(true)
        .open(new(&archive))
        .unwrap();
    assert_written_anew(&archive, "writable by others");
    std::io::Write::write_all(&mut held, b"of somebody").unwrap();
    assert_written_anew(&archive, "written to by whoever held it");
    if !rustix::process::geteuid().is_root() {
        return skip("only root can give files to others");
    }
    fs::remove_file(path(&archive)).unwrap();
    fs::write(new(&archive), "").unwrap();
    chown(new(&archive), Some(12_345), None).unwrap();
    assert_written_anew(&archive, "of another user");
}

#[test]
fn while_another_hook_makes_it_mails_are_archived_without_and_afterwards_with_it() {
    let archive = Archive::new();
    let other = fs::File::create(new(&archive)).unwrap();
    fs::set_permissions(new(&archive), fs::Permissions::from_mode(0o600)).unwrap();
    rustix::fs::flock(&other, rustix::fs::FlockOperation::LockExclusive).unwrap();
    assert_eq!(archive_a_mail(&archive).status.code(), Some(0));
    assert!(!path(&archive).exists());
    assert_eq!(
        fs::read(new(&archive)).unwrap(),
        b"",
        "it is not ours to write"
    );
    drop(other);
    assert_written_anew(&archive, "the other one is gone");
}

#[test]
fn many_hooks_at_once_write_it_whole() {
    for _ in 0..5 {
        let archive = Archive::new();
        let hooks: Vec<_> = (0..24)
            .map(|_| crate::archive::start(&mut archive.hook()))
            .collect();
        for hook in hooks {
            let output = crate::archive::finish(hook, b"mail");
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        }
        assert_written_anew(&archive, "at once");
        let names = archive.path("").read_dir().unwrap();
        assert_eq!(names.count(), 3, "certificate, vault, recipient file");
    }
}

#[test]
fn a_vault_that_is_a_folder_has_it_inside() {
    let archive = Archive::new();
    fs::create_dir(archive.vault()).unwrap();
    let rules = "archiver segments 1 size=1073741824 day=no\n";
    fs::write(archive.vault().join("segments.conf"), rules).unwrap();
    fs::set_permissions(archive.vault(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(archive_a_mail(&archive).status.code(), Some(0));
    assert!(archive.vault().join("VAULT.recipient").is_file());
}
