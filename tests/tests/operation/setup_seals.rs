//! `archiver-encrypt setup --seal-dir`: that what the recipes hold seals what it archives, and what is wrong with a seal folder.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use custody_tests::{hook, run};

use crate::host::chmod;
use crate::setup::{Installed, assert_fails};

/// The user nobody.
const NOBODY: u32 = 65534;

/// An installation whose vault is proven, with the ceremony's seals installed in a folder beside.
fn sealed() -> Option<(Installed, PathBuf)> {
    let installed = Installed::new()?;
    let _ = installed.setup(&["--create"]).expect_code(0);
    let folder = installed.host.path("seals");
    let mut install = hook();
    install.args(["seal", "install", "--from"]);
    install.arg(installed.host.server_folder());
    install.arg("--seal-dir").arg(&folder);
    let _ = run(&mut install).expect_code(0);
    give_to(NOBODY, &folder);
    Some((installed, folder))
}

fn give_to(user: u32, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        chown(entry.unwrap().path(), Some(user), Some(user)).unwrap();
    }
    chown(folder, Some(user), Some(user)).unwrap();
}

fn setup(installed: &Installed, folder: &Path) -> custody_tests::Ran {
    installed.setup(&["--seal-dir", folder.to_str().unwrap()])
}

#[test]
fn a_canary_is_seen_to_be_sealed_and_the_recipes_hold_the_seal_folder() {
    let Some((installed, folder)) = sealed() else {
        return;
    };
    for _ in 0..2 {
        let shown = folder.display();
        let _ = setup(&installed, &folder)
            .expect_code(0)
            .prints(&format!(
                "ok    seal folder {shown} is that of the server mail, with keys until "
            ))
            .prints(&format!(
                "ok    {shown}/seed belongs to nobody, and to nobody else"
            ))
            .prints(&format!(
                "ok    seal folder {shown} lies apart from the vault"
            ))
            .prints("ok    the canary stands in the log that is sealed")
            .prints(&format!(
                "--vault {} --seal-dir {shown}",
                installed.host.vault().display()
            ))
            .prints(&format!(
                " seal --quiet --vault {} --seal-dir {shown}",
                installed.host.vault().display()
            ));
    }
    // The first run made the log, the second sealed it: another quarter of an hour is not waited for.
    let mut seal = hook();
    seal.args(["seal", "--vault"]).arg(installed.host.vault());
    give_to(0, &folder);
    let _ = run(seal.arg("--seal-dir").arg(&folder))
        .expect_code(0)
        .prints("sealed: 2 records of the log; no final seal stands beside the vault yet");
}

#[test]
fn a_seal_folder_that_cannot_be_used_fails_before_any_canary() {
    let Some((installed, folder)) = sealed() else {
        return;
    };
    let vault = fs::read(installed.host.vault()).unwrap();
    let seed = folder.join("seed");
    assert_fails(
        &setup(&installed, &installed.host.path("mistyped")),
        "it is no seal folder",
    );
    chmod(&seed, 0o640);
    assert_fails(
        &setup(&installed, &folder),
        "may be read by others than nobody",
    );
    chmod(&seed, 0o600);
    chown(&seed, Some(0), None).unwrap();
    assert_fails(
        &setup(&installed, &folder),
        "/seed does not belong to nobody; run: chown nobody ",
    );
    chown(&seed, Some(NOBODY), None).unwrap();
    chmod(&folder, 0o755);
    assert_fails(
        &setup(&installed, &folder),
        "may be read by others than nobody",
    );
    chmod(&folder, 0o700);
    fs::rename(&seed, folder.join("away")).unwrap();
    assert_fails(&setup(&installed, &folder), "/seed could not be looked at");
    fs::rename(folder.join("away"), &seed).unwrap();
    let server = fs::read_to_string(folder.join("server")).unwrap();
    let other = server.replace(&installed.host.subkey(), &"AB".repeat(20));
    fs::write(folder.join("server"), other).unwrap();
    assert_fails(
        &setup(&installed, &folder),
        "is that of an archive with the encryption subkey",
    );
    fs::write(folder.join("server"), server).unwrap();
    assert_eq!(fs::read(installed.host.vault()).unwrap(), vault);
    let _ = setup(&installed, &folder).expect_code(0);
}

#[test]
fn a_canary_that_was_archived_and_not_sealed_is_a_failure() {
    let Some((installed, folder)) = sealed() else {
        return;
    };
    let seed = folder.join("seed");
    let mut damaged = fs::read(&seed).unwrap();
    damaged[30] ^= 1;
    fs::write(&seed, damaged).unwrap();
    assert_fails(
        &setup(&installed, &folder),
        "the canary was archived, and not sealed as it must be: archiver-encrypt: warning: seals: nothing can be sealed",
    );
}

#[test]
fn a_seal_folder_in_the_vaults_folder_is_warned_of() {
    let Some((installed, elsewhere)) = sealed() else {
        return;
    };
    let folder = installed.host.vault_folder().join("seals");
    fs::rename(elsewhere, &folder).unwrap();
    let _ = setup(&installed, &folder)
        .expect_code(1)
        .prints("WARN  seal folder ")
        .prints("lies in the vault's folder; leave it out of every backup");
}
