//! GnuPG with a home of its own, used as people use it: to encrypt, the key ring and `--trust-model always`, which costs it less than
//! `--recipient-file`; to decrypt, its agent.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use thiserror::Error;

use crate::child::{ChildError, is_installed, output};

/// A gpg home with one key, public or secret.
#[derive(Debug)]
pub struct Gpg {
    home: TempDir,
    key: String,
}

/// gpg could not be prepared.
#[derive(Debug, Error)]
pub enum GpgError {
    /// gpg failed.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// Its home could not be made.
    #[error("gpg's home could not be made: {0}")]
    Home(#[from] io::Error),
    /// It does not list the key.
    #[error("gpg does not list the key that it imported")]
    NoKey,
}

/// Whether gpg is installed.
#[must_use]
pub fn is_there() -> bool {
    is_installed("gpg") && is_installed("gpgconf")
}

/// The first line of `gpg --version`.
///
/// # Errors
/// When gpg cannot be started.
pub fn version() -> Result<String, ChildError> {
    let text = output(Command::new("gpg").arg("--version"))?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

impl Gpg {
    /// A new home, with the key from a file; `options` say how to unlock it.
    ///
    /// # Errors
    /// When gpg fails or its home cannot be made.
    pub fn with_key(file: &Path, options: &[&OsStr]) -> Result<Self, GpgError> {
        // In the system's folder for temporary files: the agent's socket needs a short path.
        let home = TempDir::with_prefix("bench-gpg-")?;
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700))?;
        output(batch(home.path()).args(options).arg("--import").arg(file))?;
        let keys = output(batch(home.path()).args(["--with-colons", "--list-keys"]))?;
        let keys = String::from_utf8_lossy(&keys);
        let fingerprint = keys.lines().find(|line| line.starts_with("fpr:"));
        let fingerprint = fingerprint.and_then(|line| line.split(':').nth(9));
        let key = fingerprint.ok_or(GpgError::NoKey)?.to_owned();
        Ok(Self { home, key })
    }

    /// `gpg --batch …` in this home.
    #[must_use]
    pub fn command(&self) -> Command {
        batch(self.home.path())
    }

    /// `gpg --armor --encrypt` of stdin to stdout.
    #[must_use]
    pub fn encrypt(&self) -> Command {
        let mut gpg = self.command();
        gpg.args(["--trust-model", "always", "--armor", "--recipient"]);
        gpg.arg(&self.key).arg("--encrypt");
        gpg
    }

    /// What the agent has spent so far: it does the work with the secret key, and is no child of gpg's.
    ///
    /// # Errors
    /// When the agent cannot be asked.
    pub fn agent_cpu(&self) -> Result<Duration, GpgError> {
        let mut ask = Command::new("gpg-connect-agent");
        ask.arg("--homedir").arg(self.home.path());
        let said = output(ask.args(["getinfo pid", "/bye"]))?;
        let said = String::from_utf8_lossy(&said);
        let pid = said.lines().find_map(|line| line.strip_prefix("D "));
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.unwrap_or("self").trim()))?;
        Ok(cpu_in(&stat))
    }
}

impl Drop for Gpg {
    /// The agent that gpg started ends with its home.
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "all"])
            .output();
    }
}

fn batch(home: &Path) -> Command {
    let mut gpg = Command::new("gpg");
    gpg.env_remove("GPG_AGENT_INFO").stdin(Stdio::null());
    gpg.arg("--homedir").arg(home);
    gpg.args(["--batch", "--no-tty", "--quiet"]);
    gpg.args(["--pinentry-mode", "loopback"]);
    gpg
}

/// User and system time in a line of /proc/PID/stat (proc(5): fields 14 and 15, in ticks).
fn cpu_in(stat: &str) -> Duration {
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_ascii_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_millis(ticks * 1000 / per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_a_name_with_blanks_and_brackets() {
        let stat = "42 (a) b) S 1 1 1 0 -1 4194560 100 0 0 0 7 3 0 0 20 0 1 0 5 6 7";
        let tick = 1000 / rustix::param::clock_ticks_per_second();
        assert_eq!(cpu_in(stat), Duration::from_millis(10 * tick));
    }
}
