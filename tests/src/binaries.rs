//! Builds the real binaries once, through the cargo that runs the tests: the release binaries under `cargo test --release`.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

struct Binaries {
    custodian: PathBuf,
    hook: PathBuf,
}

/// The binary `custodian`.
#[must_use]
pub fn custodian() -> Command {
    Command::new(&built().custodian)
}

/// The binary `archiver-encrypt`.
#[must_use]
pub fn hook() -> Command {
    Command::new(&built().hook)
}

fn built() -> &'static Binaries {
    static BUILT: OnceLock<Binaries> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// Cargo itself says where the executables are, whatever `CARGO_TARGET_DIR` and the configuration make of it.
fn build() -> Binaries {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let output = Command::new(cargo)
        .args([
            "build",
            "--profile",
            profile,
            "--message-format=json",
            "--bin",
            "custodian",
            "--bin",
            "archiver-encrypt",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "the binaries do not build");
    let messages: Vec<serde_json::Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let executable = |name: &str| -> PathBuf {
        messages
            .iter()
            .filter(|message| message["target"]["name"] == name)
            .find_map(|message| message["executable"].as_str())
            .unwrap_or_else(|| panic!("cargo built no {name}"))
            .into()
    };
    Binaries {
        custodian: executable("custodian"),
        hook: executable("archiver-encrypt"),
    }
}
