//! Seal folders as `seal install` leaves them, for a server whose first day is any day.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::public_keys::ServerKeys;
use archiver_core::seal::seed_file;
use archiver_core::seal::server::Server;
use archiver_core::vault::leaf::LogId;

use crate::Ceremony;

/// The primary key of the archive for which the servers seal.
pub const SEALED_ARCHIVE: Fingerprint = Fingerprint::V4([0xa1; 20]);

/// The day on which the test runs.
#[must_use]
pub fn today() -> Day {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Day::of(UtcTime::from_unix(since_1970.as_secs().cast_signed()).unwrap())
}

/// A delivery by `hook` into a ceremony's vault, sealed with this seal folder.
#[must_use]
pub fn sealed_delivery(mut hook: Command, ceremony: &Ceremony, folder: &Path) -> Command {
    hook.args(["--confirm", "--syslog", "off", "--cert"])
        .arg(ceremony.certificate());
    hook.arg("--vault").arg(ceremony.vault());
    hook.arg("--seal-dir").arg(folder);
    hook
}

/// Makes a seal folder with keys for `days` days from `first_day` on, the key of the first in it.
#[must_use]
pub fn make_seal_folder(
    path: &Path,
    log: LogId,
    first_day: Day,
    days: u32,
    subkey: &str,
) -> ServerKeys {
    let seed = Seed::draw(log, first_day).unwrap();
    let keys = seed.public_keys(days);
    let keys = ServerKeys::new("mx1".parse().unwrap(), log, first_day, keys).unwrap();
    let server = Server::new(SEALED_ARCHIVE, subkey.parse().unwrap(), &keys);
    fs::create_dir(path).unwrap();
    fs::write(path.join("server"), server.to_string()).unwrap();
    let seed_path = path.join("seed");
    fs::write(&seed_path, seed_file::encode(&seed).expose_bytes()).unwrap();
    fs::set_permissions(&seed_path, fs::Permissions::from_mode(0o600)).unwrap();
    keys
}
