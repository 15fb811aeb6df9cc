//! The servers' seal keys: a first seed drawn for each, the public keys of all its days, and the folder that is carried to it.
//!
//! With a first seed every day of its server can be sealed, so whoever copies it can forge them all. It leaves the ceremony in the server's folder alone.

use std::path::PathBuf;

use archiver_core::identity::{Fingerprint, UtcTime};
use archiver_core::seal::day::Day;
use archiver_core::seal::keys::Seed;
use archiver_core::seal::public_keys::{SealKeys, SealKeysError, ServerKeys};
use archiver_core::seal::seal_folder::{SEED_FILE, SERVER_FILE};
use archiver_core::seal::seed_file::{self, SEED_FILE_BYTES};
use archiver_core::seal::server::Server;
use archiver_core::secret::{SecretBytes, random_bytes};
use archiver_core::vault::leaf::LogId;

use super::files::push;
use super::hold::CeremonyError;
use super::minutes::Minutes;
use super::output::{Folder, OutputFile};
use crate::operator::Operator;
use crate::plan::{Plan, PlannedServer};

/// The seals of an archive: the public keys, and each server's first seed as it will be written, in the same order.
#[derive(Debug)]
pub(super) struct Seals {
    pub(super) keys: SealKeys,
    seeds: Vec<SecretBytes<SEED_FILE_BYTES>>,
}

/// Draws a log and a first seed for each server, and makes the public keys, from the day of the ceremony on.
pub(super) fn make_seals(
    plan: &Plan,
    archive: Fingerprint,
    started: UtcTime,
    minutes: &mut Minutes,
    operator: &mut dyn Operator,
) -> Result<Seals, CeremonyError> {
    operator.say("Making the seal keys, one for each server and day …");
    let (mut servers, mut seeds) = (Vec::new(), Vec::new());
    for planned in &plan.servers {
        let seed = Seed::draw(LogId(random_bytes()?), Day::of(started))?;
        servers.push(keys_of(&seed, planned)?);
        seeds.push(seed_file::encode(&seed));
    }
    let keys = SealKeys::new(archive, servers)?;
    let seals = Seals { keys, seeds };
    seals.prove(&plan.servers, minutes)?;
    Ok(seals)
}

fn keys_of(first_seed: &Seed, server: &PlannedServer) -> Result<ServerKeys, SealKeysError> {
    let keys = first_seed.public_keys(server.days);
    ServerKeys::new(
        server.name.clone(),
        first_seed.log(),
        first_seed.day(),
        keys,
    )
}

impl Seals {
    /// Makes all keys once more, from the bytes of the seeds that will be written, and compares them with the bytes that will be published.
    fn prove(&self, servers: &[PlannedServer], minutes: &mut Minutes) -> Result<(), CeremonyError> {
        let published = SealKeys::parse(self.keys.to_text().as_bytes())?;
        let mut again = Vec::new();
        for (server, seed) in servers.iter().zip(&self.seeds) {
            let seed = seed_file::decode(seed.expose_bytes())?;
            again.push(keys_of(&seed, server)?);
        }
        if again != published.servers() {
            return Err(CeremonyError::SealKeysDiffer);
        }
        let days: u64 = servers.iter().map(|server| u64::from(server.days)).sum();
        let each_day = format!("{days} public keys, one for each server and day");
        minutes.met(
            "Seal keys made, and made once more from the seeds as they are written",
            each_day.clone(),
            each_day,
        );
        Ok(())
    }

    /// Adds each server's folder to the files that will be written.
    pub(super) fn push_folders(&self, subkey: Fingerprint, files: &mut Vec<OutputFile>) {
        for (keys, seed) in self.keys.servers().iter().zip(&self.seeds) {
            let folder = self.folder_of(keys);
            let server = Server::new(self.keys.archive(), subkey, keys).to_string();
            for (name, contents) in [
                (SEED_FILE, seed.expose_bytes().to_vec()),
                (SERVER_FILE, server.into_bytes()),
            ] {
                push(files, Folder::Server, folder.join(name), contents);
            }
        }
    }

    /// Where in `server/` a server's files stand: each server has a folder of its own when there are several.
    fn folder_of(&self, keys: &ServerKeys) -> PathBuf {
        match self.keys.servers() {
            [_only] => PathBuf::new(),
            _ => PathBuf::from(keys.name().to_string()),
        }
    }
}
