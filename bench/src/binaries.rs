//! The programs under test, as they are shipped: built for release by the cargo that runs the bench, unless others are named.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use thiserror::Error;

use crate::child::{ChildError, output};

/// The programs under test.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// `archiver-encrypt`.
    pub hook: PathBuf,
    /// `custodian`.
    pub custodian: PathBuf,
}

/// The programs could not be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// cargo failed.
    #[error(transparent)]
    Cargo(#[from] ChildError),
    /// cargo does not say where the program is.
    #[error("cargo did not say where it built {0}; name the file with --hook and --custodian")]
    Unknown(&'static str),
}

impl Binaries {
    /// Builds both for release, and asks cargo where they are.
    ///
    /// # Errors
    /// When they do not build.
    pub fn build() -> Result<Self, BuildError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let messages = output(
            Command::new(cargo)
                .args(["build", "--release", "--locked", "--message-format=json"])
                .args(["--bin", "custodian", "--bin", "archiver-encrypt"])
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
                .stderr(Stdio::inherit()),
        )?;
        Ok(Self {
            hook: executable(&messages, "archiver-encrypt")?,
            custodian: executable(&messages, "custodian")?,
        })
    }

    /// A `custodian` command that says nothing but errors.
    #[must_use]
    pub fn custodian(&self) -> Command {
        let mut command = Command::new(&self.custodian);
        command.arg("--quiet");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

fn executable(messages: &[u8], name: &'static str) -> Result<PathBuf, BuildError> {
    let messages = messages.split(|byte| *byte == b'\n');
    let mut parsed =
        messages.filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    parsed
        .find_map(|message| {
            let built = message.pointer("/target/name")?.as_str()? == name;
            let path = message.get("executable")?.as_str()?;
            built.then(|| path.into())
        })
        .ok_or(BuildError::Unknown(name))
}
