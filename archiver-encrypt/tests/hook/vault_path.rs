//! What `--vault` names must be a vault: no other file of the archive, and no folder that only happens to stand there.

use std::fs;
use std::os::unix::fs::symlink;

use crate::archive::{Archive, assert_refused, deliver};

#[test]
fn the_certificates_own_file_is_no_vault_by_whatever_link_it_is_named() {
    let archive = Archive::new();
    let before = fs::read(archive.cert()).unwrap();
    symlink(archive.cert(), archive.path("link")).unwrap();
    symlink(archive.path("link"), archive.path("link-to-the-link")).unwrap();
    fs::hard_link(archive.cert(), archive.path("second-name")).unwrap();
    symlink(archive.path(""), archive.path("folder")).unwrap();
    for name in [
        "archive.cert.asc",
        "link",
        "link-to-the-link",
        "second-name",
        "folder/archive.cert.asc",
        "folder/./archive.cert.asc",
    ] {
        let vault = archive.path(name);
        let output = deliver(&mut archive.hook_into(&vault), b"mail");
        assert_refused(&output, "is the same file as ");
        assert_eq!(fs::read(archive.cert()).unwrap(), before, "{name}");
    }
}

#[test]
fn names_that_stand_for_something_else_are_no_vaults_whether_they_exist_or_not() {
    let archive = Archive::new();
    archive.archive(b"mail");
    for name in [
        "VAULT.recipient",
        "VAULT.recipient.new",
        "other.recipient",
        "VAULT.seals",
        "VAULT.seals.new",
        "VAULT-000007.retired",
        "segments.conf",
        "VAULT-000007.asc",
    ] {
        let path = archive.path(name);
        let before = fs::read(&path).ok();
        let output = deliver(&mut archive.hook_into(&path), b"mail");
        assert_refused(&output, &format!("{name} is the name of "));
        assert_eq!(fs::read(&path).ok(), before, "{name}");
        let link = archive.path("harmless");
        fs::write(&path, before.unwrap_or_default()).unwrap();
        symlink(name, &link).unwrap();
        let output = deliver(&mut archive.hook_into(&link), b"mail");
        assert_refused(&output, &format!("{name} is the name of "));
        fs::remove_file(&link).unwrap();
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn the_files_of_the_seal_folder_are_no_vaults() {
    let archive = Archive::new();
    let folder = archive.path("seals");
    fs::create_dir(&folder).unwrap();
    for name in ["seed", "server", "state"] {
        fs::write(folder.join(name), "as before").unwrap();
        let mut hook = archive.hook_into(&folder.join(name));
        let output = deliver(hook.arg("--seal-dir").arg(&folder), b"mail");
        assert_refused(&output, "is the same file as ");
        assert_eq!(fs::read(folder.join(name)).unwrap(), b"as before");
    }
}

#[test]
fn a_seed_that_nobody_named_is_no_vault_either() {
    let archive = Archive::new();
    let seed = archive.path("seed");
    fs::write(&seed, [1; 61]).unwrap();
    let output = deliver(&mut archive.hook_into(&seed), b"mail");
    assert_refused(&output, "seed is no file of a vault");
    assert_eq!(fs::read(&seed).unwrap(), [1; 61]);
}

#[test]
fn an_empty_folder_is_no_vault_until_something_in_it_says_so() {
    let archive = Archive::new();
    let folder = archive.path("mount-point");
    fs::create_dir(&folder).unwrap();
    for _ in 0..2 {
        let output = deliver(&mut archive.hook_into(&folder), b"mail");
        assert_refused(&output, "when its disk is not mounted, mount it");
        assert_eq!(folder.read_dir().unwrap().count(), 0);
    }
    for (number, name) in ["segments.conf", "VAULT-000003.retired", "VAULT-000001.asc"]
        .into_iter()
        .enumerate()
    {
        let folder = archive.path(&format!("segments-{number}"));
        fs::create_dir(&folder).unwrap();
        let rules = if name == "segments.conf" {
            "archiver segments 1 size=1073741824 day=no\n"
        } else {
            ""
        };
        fs::write(folder.join(name), rules).unwrap();
        let output = deliver(&mut archive.hook_into(&folder), b"mail");
        assert_eq!(output.status.code(), Some(0), "{name}");
    }
}
