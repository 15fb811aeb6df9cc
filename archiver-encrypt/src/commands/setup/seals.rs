//! The seal folder: there, usable, the user's alone, and for this archive; and whether the canary was archived into its log, without a warning.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use archiver_core::identity::Fingerprint;
use archiver_core::openpgp::certificate::ArchiveCert;
use archiver_core::seal::seal_folder::SEED_FILE;
use archiver_core::seal::server::Server;

use super::checks::Check;
use super::recipes::Site;
use super::user::User;
use crate::certificate_file;
use crate::clock::system_clock;
use crate::seal_folder::{self, SealFolderRefused};
use crate::vault_place::folder_of;

/// Looks at the seal folder, if one is asked for.
pub(crate) fn folder(site: &Site, user: &User) -> Vec<Check> {
    let Some(path) = site.seal_dir() else {
        return Vec::new();
    };
    match server(site, path) {
        Ok(server) => vec![
            Check::good(format!(
                "seal folder {path} is that of the server {}, with keys until {}",
                server.name(),
                server.days().end()
            )),
            judge(path, "", user),
            judge(path, SEED_FILE, user),
            judge_place(site, path),
        ],
        Err(e) => vec![Check::bad(e.to_string())],
    }
}

/// What the canary showed. `warnings` is what the hook said besides.
pub(crate) fn of_canary(site: &Site, confirmed: &str, warnings: &str) -> Vec<Check> {
    let Some(path) = site.seal_dir() else {
        return Vec::new();
    };
    let log = server(site, path).map(|server| server.log().to_string());
    let is_in_log = log.is_ok_and(|log| confirmed.ends_with(&format!("log={log}")));
    if is_in_log && warnings.is_empty() {
        return vec![Check::good("the canary stands in the log that is sealed")];
    }
    vec![Check::bad(format!(
        "the canary was archived, and not sealed as it must be: {warnings}"
    ))]
}

fn server(site: &Site, path: &str) -> Result<Server, SealFolderRefused> {
    seal_folder::server(path.as_ref(), site.vault().as_ref(), subkey(site))
}

/// The certificate's; what is wrong with that is told elsewhere.
fn subkey(site: &Site) -> Option<Fingerprint> {
    let (bytes, _) = certificate_file::read_file(site.cert().as_ref()).ok()?;
    let cert = ArchiveCert::parse(&bytes, site.fingerprint(), system_clock()?).ok()?;
    Some(cert.encryption_fingerprint())
}

fn judge(folder: &str, name: &str, user: &User) -> Check {
    const OTHERS: u32 = 0o077;
    let path = Path::new(folder).join(name);
    let shown = path.display();
    let owner = &user.name;
    match fs::metadata(&path) {
        Err(e) => Check::bad(format!("{shown} could not be looked at: {e}")),
        Ok(found) if found.uid() != user.uid => Check::bad(format!(
            "{shown} does not belong to {owner}; run: chown {owner} {shown}"
        )),
        Ok(found) if found.mode() & OTHERS != 0 => Check::bad(format!(
            "{shown} may be read by others than {owner}, who can forge today's seals; run: chmod go-rwx {shown}"
        )),
        Ok(_) => Check::good(format!("{shown} belongs to {owner}, and to nobody else")),
    }
}

/// A copy of the vault's folder would be a copy of the seed.
fn judge_place(site: &Site, folder: &str) -> Check {
    let vaults_folder = folder_of(site.vault().as_ref());
    if Path::new(folder).starts_with(vaults_folder) {
        return Check::doubtful(format!(
            "seal folder {folder} lies in the vault's folder; leave it out of every backup and snapshot of that, or move it elsewhere"
        ));
    }
    Check::good(format!(
        "seal folder {folder} lies apart from the vault; leave it out of every backup and snapshot"
    ))
}
