//! Outside programs: gpg with a home of its own, a small file system.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::run::{Ran, run};

/// Whether an outside program can be used; loud when not, and a failure when `INTEROP=require` is set.
#[must_use]
pub fn needs(program: &str) -> bool {
    let found = is_on_path(program);
    if !found {
        skipped(&format!("{program} is not installed"));
    }
    found
}

/// Looks without starting it: procmail, asked for its version, would wait for a mail and deliver it.
fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn skipped(reason: &str) {
    let required = std::env::var("INTEROP").is_ok_and(|value| value == "require");
    assert!(!required, "INTEROP=require, but {reason}");
    eprintln!("\n*** SKIPPED: {reason} ***\n");
}

/// GnuPG with an empty home of its own.
#[derive(Debug)]
pub struct Gpg {
    home: TempDir,
}

impl Gpg {
    /// A fresh home, when gpg is there.
    #[must_use]
    pub fn new() -> Option<Self> {
        needs("gpg").then(|| {
            let home = TempDir::with_prefix("gpg-").expect("a scratch folder");
            fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700))
                .expect("a private folder");
            Self { home }
        })
    }

    /// Its home folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// `gpg --batch …` in this home.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut gpg = Command::new("gpg");
        gpg.env("GNUPGHOME", self.home.path())
            .env_remove("GPG_AGENT_INFO")
            .args([
                "--batch",
                "--no-tty",
                "--quiet",
                "--pinentry-mode",
                "loopback",
            ])
            .args(args);
        gpg
    }

    /// Runs gpg.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args))
    }
}

impl Drop for Gpg {
    /// The agent that gpg started ends with its home.
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .env("GNUPGHOME", self.home.path())
            .args(["--kill", "all"])
            .output();
    }
}

/// A small file system of its own, for full disks.
#[derive(Debug)]
pub struct Tmpfs {
    folder: TempDir,
}

impl Tmpfs {
    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).output();
    }
}

/// Mounts a file system of `kilobytes`, where that is permitted.
#[must_use]
pub fn tmpfs(kilobytes: usize) -> Option<Tmpfs> {
    let folder = TempDir::with_prefix("small-disk-").expect("a scratch folder");
    let options = format!("size={kilobytes}k");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
        .arg(PathBuf::from(folder.path()))
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        skipped("a tmpfs cannot be mounted (needs root)");
        return None;
    }
    Some(Tmpfs { folder })
}

/// Whether a test may mount in a mount name space of its own; loud when not, and a failure when `INTEROP=require` is set.
#[must_use]
pub fn may_mount() -> bool {
    let script = "mount -t tmpfs none /mnt";
    let mounted = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        skipped("this system lets a test not mount a file system of its own");
    }
    mounted
}

/// Whether the tests run as root; loud when not, and a failure when `INTEROP=require` is set.
#[must_use]
pub fn needs_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        skipped("this test needs root");
    }
    is_root
}
