//! The seals of a real ceremony, installed by the real binary: compared with what is published, wiped where they came from, and cut off at
//! every step.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::identity::UtcTime;
use archiver_core::public_folder::{PublicFiles, PublicFolder};
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::seed_file;
use archiver_core::seal::server::Server;
use archiver_core::vault::leaf::LogId;
use custody_tests::{Ceremony, Signal, hook, run, signalled_after, steps_of};

/// The ceremony's `server/`, installed beside its vault.
fn install(ceremony: &Ceremony) -> Command {
    let mut install = hook();
    install.args(["seal", "install", "--from"]);
    install.arg(ceremony.path("out/server"));
    install.arg("--seal-dir").arg(ceremony.path("seal"));
    install.arg("--vault").arg(ceremony.vault());
    install
}

fn now() -> UtcTime {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UtcTime::from_unix(since_1970.as_secs().cast_signed()).unwrap()
}

fn seed_at(path: &Path) -> Option<Seed> {
    seed_file::decode(&fs::read(path).ok()?).ok()
}

fn public_folder(ceremony: &Ceremony) -> PublicFolder {
    let read = |name| fs::read(ceremony.public().join(name)).unwrap();
    let files = PublicFiles {
        manifest: &read("custody.json"),
        certificate: &read("archive.cert.asc"),
        signature: Some(&read("custody.json.asc")),
        seal_keys: Some(&read("seals.pub")),
    };
    PublicFolder::check(&files, now()).unwrap()
}

#[test]
fn the_ceremonys_seed_is_installed_as_published_and_is_gone_where_it_came_from() {
    let ceremony = Ceremony::hold();
    let public = public_folder(&ceremony);
    let keys = &public.seal_keys().unwrap().servers()[0];
    assert_eq!(keys.days().end().days_since(*keys.days().start()), 3652);
    let mut install = install(&ceremony);
    install.arg("--public").arg(ceremony.public());
    let ran = run(install.arg("--cert").arg(ceremony.certificate())).expect_code(0);
    let _ = ran
        .prints("The seals of the server mail are installed.")
        .prints(&format!("log               {}", keys.log()))
        .prints(&format!("encryption subkey {}", ceremony.subkey()))
        .prints("compared with the published keys")
        .prints("was overwritten and removed");
    let seed = seed_at(&ceremony.path("seal/seed")).unwrap();
    assert_eq!(keys.key_of(seed.day()), Some(seed.signing_key().public()));
    assert!(!ceremony.path("out/server/seed").exists());
    let _ = run(&mut install).expect_code(1).says("there is no seed in");
}

#[test]
fn another_seed_and_another_archives_folder_are_refused_and_nothing_is_touched() {
    let (ours, theirs) = (Ceremony::hold(), Ceremony::hold());
    let with = |flag: &str, value: PathBuf| {
        let mut install = install(&ours);
        install.arg(flag).arg(value);
        install
    };
    let _ = run(&mut with("--public", theirs.public()))
        .expect_code(1)
        .says("the server mail of the folder is not one of those in seals.pub");
    let _ = run(&mut with("--cert", theirs.certificate()))
        .expect_code(1)
        .says("is not the one that this server seals for");
    let missing = ours.path("missing");
    fs::create_dir(&missing).unwrap();
    let _ = run(&mut with("--public", missing))
        .expect_code(1)
        .says("does not fit together");

    let true_seed = fs::read(ours.path("out/server/seed")).unwrap();
    let exchanged = seed_at(&ours.path("out/server/seed")).unwrap();
    let exchanged = Seed::draw(exchanged.log(), exchanged.day()).unwrap();
    let exchanged = seed_file::encode(&exchanged);
    fs::write(ours.path("out/server/seed"), exchanged.expose_bytes()).unwrap();
    let _ = run(&mut with("--public", ours.public()))
        .expect_code(1)
        .says("does not give the key for")
        .says("damaged, or was exchanged");
    assert!(!ours.path("seal").exists());

    fs::write(ours.path("out/server/seed"), true_seed).unwrap();
    let _ = run(&mut with("--public", ours.public())).expect_code(0);
}

#[test]
fn changed_and_missing_seal_keys_are_told_when_the_public_folder_is_read() {
    let ceremony = Ceremony::hold();
    let file = ceremony.public().join("seals.pub");
    let text = fs::read_to_string(&file).unwrap();
    let check = || {
        let mut check = custody_tests::custodian();
        check.args(["check", "--public"]).arg(ceremony.public());
        run(check.arg(ceremony.sheet_file(1)))
    };
    fs::write(&file, text.replacen("days 3653", "days 3652", 1)).unwrap();
    let _ = check()
        .expect_code(4)
        .says("seals.pub is not the one of this ceremony")
        .says("take the public folder from another copy");
    fs::remove_file(&file).unwrap();
    let _ = check()
        .expect_code(0)
        .says("seals.pub is missing: the archive opens all the same");
    fs::write(&file, text).unwrap();
    let _ = check().expect_code(0);
}

#[test]
fn two_servers_have_a_folder_each_and_one_file_of_keys() {
    let folder = tempfile::tempdir().unwrap();
    let servers = "\n[[server]]\nname = \"mx1\"\n\n[[server]]\nname = \"mx2\"\ndays = 10\n";
    fs::write(
        folder.path().join("plan.toml"),
        format!("{}{servers}", custody_tests::PLAN),
    )
    .unwrap();
    let mut ceremony = custody_tests::custodian();
    ceremony.current_dir(folder.path());
    let _ = run(ceremony.args(["ceremony", "--yes", "--plan", "plan.toml", "--out", "out"]))
        .expect_code(0);
    for (name, days) in [("mx1", 3652), ("mx2", 9)] {
        let mut install = hook();
        install.current_dir(folder.path());
        install.args(["seal", "install", "--public", "out/public"]);
        install.arg("--from").arg(format!("out/server/{name}"));
        install.arg("--seal-dir").arg(name);
        install.args(["--vault", "VAULT"]);
        let _ = run(&mut install).expect_code(0);
        let server = fs::read_to_string(folder.path().join(name).join("server")).unwrap();
        let server: Server = server.parse().unwrap();
        assert_eq!(server.name().to_string(), name);
        assert_eq!(server.days().end().days_since(*server.days().start()), days);
    }
}

/// A server whose ceremony was three days ago, and its keys.
fn older_server(folder: &Path) -> (Server, ServerKeys) {
    let first = Day::of(now()).plus(-3).unwrap();
    let seed = Seed::draw(LogId([7; 16]), first).unwrap();
    let keys = seed.public_keys(100);
    let keys = ServerKeys::new("mail".parse().unwrap(), seed.log(), first, keys).unwrap();
    let fingerprint = "AB".repeat(20).parse().unwrap();
    let server = Server::new(fingerprint, fingerprint, &keys);
    fs::create_dir(folder.join("server")).unwrap();
    fs::write(folder.join("server/server"), server.to_string()).unwrap();
    let file = seed_file::encode(&seed);
    fs::write(folder.join("server/seed"), file.expose_bytes()).unwrap();
    (server, keys)
}

/// Kills an installation after each of its steps. Whatever is left, a seed is whole at one of the two places, and the same command goes on.
#[test]
fn an_installation_that_is_killed_anywhere_loses_no_seed_and_is_taken_up_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let path = |name: &str| root.join(name);
    let mut install = hook();
    install
        .args(["seal", "install", "--from"])
        .arg(path("server"));
    install.arg("--seal-dir").arg(path("seal"));
    install.arg("--vault").arg(path("VAULT"));
    let begin_anew = || {
        for name in ["server", "seal", ".seal.installing"] {
            let _ = fs::remove_dir_all(path(name));
        }
        let _ = fs::remove_file(path("VAULT.seals"));
        older_server(root)
    };
    begin_anew();
    let Some((ran, steps)) = steps_of(&install, root.to_str().unwrap()) else {
        return;
    };
    let _ = ran.expect_code(0);
    assert!(steps.len() >= 14, "{steps:?}");
    let (mut was_at_the_source, mut was_at_both, mut was_installed) = (0, 0, 0);
    for step in &steps {
        let (server, keys) = begin_anew();
        let _killed = signalled_after(&install, step, Signal::KILL);
        let (source, target) = (seed_at(&path("server/seed")), seed_at(&path("seal/seed")));
        match (source.is_some(), target.is_some()) {
            (true, false) => was_at_the_source += 1,
            (true, true) => was_at_both += 1,
            (false, true) => was_installed += 1,
            (false, false) => panic!("{step:?} lost the seed"),
        }
        let again = run(&mut install);
        let is_wiped = source.is_none() && !path("server/seed").exists();
        assert!(again.code == 0 || is_wiped, "{step:?}: {again:?}");
        assert_installed(root, &server, &keys, step);
    }
    let kinds = [was_at_the_source, was_at_both, was_installed];
    assert!(kinds[0] > 5 && kinds[1] > 0 && kinds[2] > 0, "{kinds:?}");
}

fn assert_installed(root: &Path, server: &Server, keys: &ServerKeys, step: &impl std::fmt::Debug) {
    let seed = seed_at(&root.join("seal/seed")).unwrap();
    let key = seed.signing_key().public();
    assert_eq!(keys.key_of(seed.day()), Some(key), "{step:?}");
    let text = fs::read_to_string(root.join("seal/server")).unwrap();
    assert_eq!(text, server.to_string(), "{step:?}");
    assert!(!root.join(".seal.installing").exists(), "{step:?}");
    let seals = fs::read_to_string(root.join("VAULT.seals")).unwrap();
    let finals = seals.matches("\nkind final\n").count();
    let days = seed.day().days_since(*keys.days().start());
    assert_eq!(i64::try_from(finals).unwrap(), days, "{step:?}");
}

#[test]
fn help_and_wrong_arguments_end_with_codes_of_their_own() {
    let run_with = |args: &[&str]| run(hook().arg("seal").args(args));
    let _ = run_with(&["install", "--help"])
        .expect_code(0)
        .prints("Interrupted, it is given again as it was.");
    let _ = run_with(&[]).expect_code(1);
    let _ = run_with(&["install"]).expect_code(1).says("--from");
    let _ = run_with(&["install", "--from", "nowhere", "--seal-dir", "seal"])
        .expect_code(1)
        .says("there is no seed in nowhere");
    let _ = run_with(&[
        "install",
        "--from",
        "x",
        "--seal-dir",
        "y",
        "--catch-up",
        "1.1.2027",
    ])
    .expect_code(1)
    .says("not a day such as 2026-11-24");
}
