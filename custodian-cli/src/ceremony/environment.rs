//! What can be seen of the ceremony machine. Nothing here stops a ceremony; what is found stands in the record.

use std::fs;
use std::path::Path;

use super::minutes::Minutes;
use crate::hardening::Hardened;

/// Looks at the machine and writes what it finds into the minutes.
pub(crate) fn observe(hardened: Hardened, minutes: &mut Minutes) {
    let network = interfaces_up();
    minutes.observe(
        "Network of the ceremony machine",
        "no interface up",
        if network.is_empty() {
            None
        } else {
            Some(format!("up: {}", network.join(", ")))
        },
        "a network interface is up; a real ceremony is held on a machine without a network",
    );
    minutes.observe(
        "Swap of the ceremony machine",
        "off",
        swap_is_on().then(|| "on".to_owned()),
        "swap is on; secrets could reach the disk",
    );
    minutes.observe(
        "Secrets kept out of swap by the program",
        "memory locked",
        (!hardened.memory_locked).then(|| "not permitted".to_owned()),
        "the program's memory could not be locked (raise the limit with ulimit -l unlimited)",
    );
    minutes.observe(
        "Core dumps and debuggers",
        "barred",
        (!hardened.no_core_dump).then(|| "not barred".to_owned()),
        "core dumps could not be barred",
    );
    minutes.observe(
        "Session",
        "at the machine",
        std::env::var_os("SSH_CONNECTION").map(|_| "over the network (ssh)".to_owned()),
        "the operator sits at another machine",
    );
}

/// The names of network interfaces that are up, loopback left out.
fn interfaces_up() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/sys/class/net") else {
        return vec!["unknown".to_owned()];
    };
    let mut up: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.file_name() != "lo" && is_up(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    up.sort();
    up
}

fn is_up(interface: &Path) -> bool {
    let state = fs::read_to_string(interface.join("operstate")).unwrap_or_default();
    matches!(state.trim(), "up" | "unknown")
}

fn swap_is_on() -> bool {
    // The first line is a heading.
    fs::read_to_string("/proc/swaps").map_or(true, |swaps| swaps.lines().count() > 1)
}
