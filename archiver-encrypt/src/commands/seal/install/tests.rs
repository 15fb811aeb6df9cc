//! Installations on days that the test chooses. With a real ceremony, and cut off at every step, they are tested end to end.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use archiver_core::identity::Fingerprint;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::note::Note;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::seal_folder::SEED_FILE;
use archiver_core::seal::seed_file;
use archiver_core::seal::server::Server;
use archiver_core::vault::leaf::LogId;
use tempfile::TempDir;

use super::*;

const FIRST_DAY: &str = "2026-12-30";

/// A server's folder as a ceremony makes it, and where it shall go.
struct Scene {
    folder: TempDir,
    server: Server,
    keys: ServerKeys,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("server")).unwrap();
        let seed = Seed::draw(LogId([7; 16]), day(0)).unwrap();
        let keys = seed.public_keys(100);
        let keys = ServerKeys::new("mail".parse().unwrap(), seed.log(), day(0), keys).unwrap();
        let archive = Fingerprint::V4([1; 20]);
        let server = Server::new(archive, Fingerprint::V4([2; 20]), &keys);
        let scene = Self {
            folder,
            server,
            keys,
        };
        let file = seed_file::encode(&seed);
        fs::write(scene.path("server/seed"), file.expose_bytes()).unwrap();
        fs::write(scene.path("server/server"), scene.server.to_string()).unwrap();
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn args(&self) -> Args {
        Args {
            from: self.path("server"),
            seal_dir: self.path("seal"),
            vault: Some(self.path("VAULT")),
            public: None,
            cert: None,
            catch_up: None,
        }
    }

    fn seed(&self, folder: &str) -> Seed {
        let file = fs::read(self.path(folder).join(SEED_FILE)).unwrap();
        seed_file::decode(&file).unwrap()
    }

    /// The finals beside the vault: one for each day, each verified.
    fn finals(&self) -> i64 {
        let text = fs::read_to_string(self.path("VAULT.seals")).unwrap_or_default();
        let count = i64::try_from(text.matches("\nkind final\n").count()).unwrap();
        let mut rest = text.as_str();
        for number in 0..count {
            let end = rest.find("\n\u{2014} ").unwrap();
            let end = end + 1 + rest[end + 1..].find('\n').unwrap() + 1;
            let note: Note = rest[..end].parse().unwrap();
            let sealed = note.verify(self.server.archive(), &self.keys).unwrap();
            assert_eq!((sealed.get().day, sealed.get().size), (day(number), 0));
            rest = &rest[end..];
        }
        assert_eq!(rest, "");
        count
    }
}

fn day(number: i64) -> Day {
    let first: Day = FIRST_DAY.parse().unwrap();
    first.plus(number).unwrap()
}

fn at(number: i64) -> UtcTime {
    UtcTime::from_unix(day(number).first_second().unix() + 3600).unwrap()
}

fn refused(args: &Args, now: UtcTime) -> InstallError {
    match take_over(args, now) {
        Err(e) => e,
        Ok(_) => panic!("it was installed"),
    }
}

#[test]
fn on_the_day_of_the_ceremony_the_seed_moves_as_it_is() {
    let scene = Scene::new();
    let (report, source) = take_over(&scene.args(), at(0)).unwrap();
    source.wipe().unwrap();
    assert_eq!(scene.seed("seal").day(), day(0));
    assert_eq!(scene.finals(), 0);
    let mode = |name| fs::metadata(scene.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        ["seal", "seal/seed", "seal/server"].map(mode),
        [0o700, 0o600, 0o600]
    );
    assert!(!scene.path("server/seed").exists() && !scene.path(".seal.installing").exists());
    let text = format!("{report}{}", report.after_wiping());
    for told in [
        "log               0707",
        "first sealed day  2026-12-30 (0 days",
        "NOT compared",
        "SSD",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn days_that_have_passed_are_sealed_as_empty_and_their_seeds_are_gone() {
    let scene = Scene::new();
    let (_, source) = take_over(&scene.args(), at(6)).unwrap();
    source.wipe().unwrap();
    assert_eq!(scene.finals(), 6);
    let seed = scene.seed("seal");
    assert_eq!(Some(seed.signing_key().public()), scene.keys.key_of(day(6)));
    assert!(matches!(
        refused(&scene.args(), at(6)),
        InstallError::NoSeed(_)
    ));
}

#[test]
fn days_that_have_passed_need_the_vault_whose_seals_say_so() {
    let scene = Scene::new();
    let without = Args {
        vault: None,
        ..scene.args()
    };
    assert!(matches!(
        refused(&without, at(1)),
        InstallError::VaultNeeded { .. }
    ));
    assert!(!scene.path("seal").exists());
    let _ = take_over(&without, at(0)).unwrap();
}

#[test]
fn the_finals_of_a_vault_in_segments_stand_in_its_folder() {
    let scene = Scene::new();
    fs::create_dir(scene.path("VAULT")).unwrap();
    let _ = take_over(&scene.args(), at(2)).unwrap();
    fs::rename(scene.path("VAULT/VAULT.seals"), scene.path("VAULT.seals")).unwrap();
    assert_eq!(scene.finals(), 2);
}

#[test]
fn finals_are_not_written_twice_and_a_torn_one_is_ended() {
    let scene = Scene::new();
    let made = install(&scene.server, scene.seed("server"), day(2)).unwrap();
    finals::append(&scene.path("VAULT"), &made.finals).unwrap();
    assert_eq!(scene.finals(), 2);
    let _ = take_over(&scene.args(), at(4)).unwrap();
    assert_eq!(scene.finals(), 4);

    let torn = Scene::new();
    let whole = install(&torn.server, torn.seed("server"), day(1))
        .unwrap()
        .finals[0]
        .to_string();
    let begun = &whole[..whole.len() - 20];
    fs::write(torn.path("VAULT.seals"), begun).unwrap();
    let _ = take_over(&torn.args(), at(1)).unwrap();
    let seals = fs::read_to_string(torn.path("VAULT.seals")).unwrap();
    assert_eq!(seals, format!("{begun}\n{whole}"));
}

#[test]
fn an_interrupted_run_is_taken_up_also_on_a_later_day() {
    let scene = Scene::new();
    drop(take_over(&scene.args(), at(3)).unwrap());
    let (report, source) = take_over(&scene.args(), at(5)).unwrap();
    assert!(report.to_string().contains("first sealed day  2027-01-02"));
    drop(source);
    fs::write(scene.path("server/seed"), [0; 61]).unwrap();
    let (_, source) = take_over(&scene.args(), at(5)).unwrap();
    source.wipe().unwrap();
    assert!(!scene.path("server/seed").exists());
    assert_eq!((scene.seed("seal").day(), scene.finals()), (day(3), 3));
}

#[test]
fn what_an_interrupted_run_left_beside_the_place_is_removed() {
    let scene = Scene::new();
    fs::create_dir(scene.path(".seal.installing")).unwrap();
    fs::copy(
        scene.path("server/seed"),
        scene.path(".seal.installing/seed"),
    )
    .unwrap();
    let _ = take_over(&scene.args(), at(0)).unwrap();
    assert!(scene.path("seal/server").exists() && !scene.path(".seal.installing").exists());
}

#[test]
fn what_no_interrupted_run_left_beside_the_place_is_refused_and_kept() {
    let other = Scene::new();
    let _ = take_over(&other.args(), at(0)).unwrap();
    let (folder, seed) = (other.path("seal"), other.path("seal/seed"));
    let whole = fs::read(&seed).unwrap();
    for put in [
        "link to a seal folder",
        "link to a seed",
        "second name of a seed",
        "letter",
    ] {
        let scene = Scene::new();
        let (place, inside) = (
            scene.path(".seal.installing"),
            scene.path(".seal.installing/seed"),
        );
        if put == "link to a seal folder" {
            symlink(&folder, &place).unwrap();
        } else {
            fs::create_dir(&place).unwrap();
        }
        match put {
            "link to a seed" => symlink(&seed, inside).unwrap(),
            "second name of a seed" => fs::hard_link(&seed, inside).unwrap(),
            "letter" => fs::write(place.join("letter"), b"of somebody").unwrap(),
            _ => (),
        }
        let refused = take_over(&scene.args(), at(0)).unwrap_err().to_string();
        assert!(
            refused.contains("something stands there"),
            "{put}: {refused}"
        );
        assert!(fs::symlink_metadata(place).is_ok(), "{put}");
        assert!(fs::read(&seed).unwrap() == whole, "{put}");
        assert!(scene.path("server/seed").exists(), "{put}");
    }
}

#[test]
fn another_seal_folder_is_never_touched() {
    let (scene, other) = (Scene::new(), Scene::new());
    let _ = take_over(&other.args(), at(0)).unwrap();
    fs::rename(other.path("seal"), scene.path("seal")).unwrap();
    let before = fs::read(scene.path("seal/seed")).unwrap();
    assert!(matches!(
        refused(&scene.args(), at(0)),
        InstallError::Taken(_)
    ));
    assert_eq!(fs::read(scene.path("seal/seed")).unwrap(), before);

    fs::remove_file(scene.path("seal/seed")).unwrap();
    assert!(matches!(
        refused(&scene.args(), at(0)),
        InstallError::Taken(_)
    ));
    assert_eq!(scene.seed("server").day(), day(0));
}

#[test]
fn a_folder_is_not_installed_over_itself_by_whatever_path() {
    let scene = Scene::new();
    std::os::unix::fs::symlink(scene.path("server"), scene.path("seal")).unwrap();
    let itself = Args {
        seal_dir: scene.path("server"),
        ..scene.args()
    };
    for args in [itself, scene.args()] {
        assert!(matches!(refused(&args, at(0)), InstallError::SamePlace(_)));
    }
    assert_eq!(scene.seed("server").day(), day(0));
}

#[test]
fn a_clock_that_may_be_wrong_uses_no_keys_up() {
    let scene = Scene::new();
    let early = refused(&scene.args(), at(-1));
    assert!(matches!(early, InstallError::NotInstallable(_)), "{early}");
    let ahead = refused(&scene.args(), at(8));
    assert!(
        ahead
            .to_string()
            .ends_with("confirm it with --catch-up 2027-01-07"),
        "{ahead}"
    );
    let confirmed = |number| Args {
        catch_up: Some(day(number)),
        ..scene.args()
    };
    let other = refused(&confirmed(9), at(8));
    assert!(matches!(other, InstallError::OtherDay { .. }), "{other}");
    let late = refused(&confirmed(100), at(100));
    assert!(
        late.to_string()
            .contains("last seal key was for 2027-04-08"),
        "{late}"
    );
    assert!(!scene.path("seal").exists() && !scene.path("VAULT.seals").exists());
    let _ = take_over(&confirmed(8), at(8)).unwrap();
    assert_eq!(scene.finals(), 8);
}

#[test]
fn damaged_and_mixed_files_are_named_and_nothing_is_written() {
    let scene = Scene::new();
    let seed = fs::read(scene.path("server/seed")).unwrap();
    let other = Seed::draw(LogId([8; 16]), day(0)).unwrap();
    let used = scene.seed("server").next().unwrap();
    for (file, reason) in [
        (seed[..60].to_vec(), "server/seed is no seed file"),
        (vec![1; 61], "server/seed is damaged"),
        (vec![0; 61], "was overwritten by a run that was cut off"),
        (
            seed_file::encode(&other).expose_bytes().to_vec(),
            "two different servers",
        ),
        (
            seed_file::encode(&used).expose_bytes().to_vec(),
            "in use already",
        ),
    ] {
        fs::write(scene.path("server/seed"), file).unwrap();
        let error = refused(&scene.args(), at(1)).to_string();
        assert!(error.contains(reason), "{error}");
    }
    fs::write(scene.path("server/seed"), seed).unwrap();
    fs::write(scene.path("server/server"), "archiver server 2\n").unwrap();
    let error = refused(&scene.args(), at(1)).to_string();
    assert!(
        error.contains("server/server does not begin with"),
        "{error}"
    );
    assert!(!scene.path("seal").exists() && !scene.path("VAULT.seals").exists());
}

#[test]
fn one_run_keeps_another_out() {
    let scene = Scene::new();
    let first = Source::open(&scene.path("server")).unwrap();
    assert!(matches!(
        refused(&scene.args(), at(0)),
        InstallError::Busy(_)
    ));
    drop(first);
    let _ = take_over(&scene.args(), at(0)).unwrap();
}

#[test]
fn a_seed_that_cannot_be_wiped_is_told_with_its_place() {
    let scene = Scene::new();
    let source = Source::open(&scene.path("server")).unwrap();
    fs::rename(scene.path("server/seed"), scene.path("elsewhere")).unwrap();
    let error = source.wipe().unwrap_err().to_string();
    assert!(error.contains("server/seed could not be wiped"), "{error}");
    assert_eq!(fs::read(scene.path("elsewhere")).unwrap(), [0; 61]);
}

#[test]
fn a_seal_folder_in_the_folder_of_another_user_is_refused() {
    // Of all folders, only one of another user's is sure to be there, and only for some users.
    let folder = tempfile::tempdir().unwrap();
    if rustix::process::geteuid().as_raw() != 0 {
        let error = target::require_own(std::path::Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("sudo -u root"), "{error}");
        return;
    }
    std::os::unix::fs::chown(folder.path(), Some(1), None).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let error = Target::at(&folder.path().join("seal")).unwrap_err();
    assert!(error.to_string().contains("sudo -u daemon"), "{error}");
}
