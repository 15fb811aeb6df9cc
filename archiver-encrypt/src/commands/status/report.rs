//! The result in words, with the first line as monitoring programs expect it, and as JSON.

use std::fmt::Write as _;

use archiver_core::counted::Counted;
use serde::Serialize;

use super::Args;
use super::certificate_check::Certificate;
use super::disk_check::Disk;
use super::seals_check::Seals;
use super::state::{Findings, State};
use super::vault_check::Vault;
use crate::commands::sizes::Room;

/// Everything that `status` has to say.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    format: &'static str,
    version: u8,
    state: State,
    vault: Option<Vault>,
    disk: Option<Disk>,
    certificate: Option<Certificate>,
    sealed: bool,
    /// Null when the hook is given no seal folder, or one that cannot be used.
    seals: Option<Seals>,
    findings: Findings,
}

impl Status {
    pub(crate) fn new(
        vault: Option<Vault>,
        disk: Option<Disk>,
        certificate: Option<Certificate>,
        seals: Option<Seals>,
        findings: Findings,
    ) -> Self {
        Self {
            format: "archiver status",
            version: 1,
            state: findings.worst(),
            vault,
            disk,
            certificate,
            sealed: seals.is_some(),
            seals,
            findings,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.state.exit_code()
    }

    pub(crate) fn json(&self) -> String {
        match serde_json::to_string_pretty(self) {
            Ok(json) => json + "\n",
            Err(e) => format!("{{\"state\":\"UNKNOWN\",\"problem\":\"{e}\"}}\n"),
        }
    }

    /// The summary with its figures, then one line for each finding.
    pub(crate) fn text(&self, args: &Args) -> String {
        let mut text = format!("ARCHIVER {} - {}", self.state, self.summary());
        let figures = self.figures(args);
        if !figures.is_empty() {
            let _ = write!(text, " | {}", figures.join(" "));
        }
        text.push('\n');
        for finding in self.findings.all() {
            let _ = writeln!(text, "{}: {}", finding.state, finding.text);
        }
        text
    }

    /// The first line without figures.
    pub(crate) fn summary_line(&self) -> String {
        format!("ARCHIVER {} - {}\n", self.state, self.summary())
    }

    /// What must be looked after, or else how things are.
    fn summary(&self) -> String {
        let mut parts: Vec<String> = self
            .findings
            .faults()
            .iter()
            .map(|f| f.text.clone())
            .collect();
        if let Some(vault) = &self.vault {
            let age = vault.age_seconds.map(duration);
            let age = age
                .map(|age| format!(", the last {age} ago"))
                .unwrap_or_default();
            parts.push(format!(
                "{}{age}, {}",
                Counted(vault.records, "record"),
                size(vault.bytes)
            ));
        }
        if let Some(disk) = &self.disk {
            parts.push(format!(
                "{} ({} %) free",
                size(disk.free_bytes),
                disk.free_percent
            ));
        }
        parts.join("; ")
    }

    /// `label=value;warn;crit;min;max`, with ranges such as `10:` for "at least 10".
    fn figures(&self, args: &Args) -> Vec<String> {
        let mut figures = Vec::new();
        if let Some(vault) = &self.vault {
            figures.push(format!("records={};;;0", vault.records));
            figures.push(format!("bytes={}B;;;0", vault.bytes));
            if let Some(age) = vault.age_seconds {
                let (warn, crit) = (args.warn_age.seconds, args.crit_age.seconds);
                figures.push(format!("age={age}s;{warn};{crit};0"));
            }
        }
        if let Some(disk) = &self.disk {
            let bytes = |room| match room {
                Room::Bytes(bytes) => bytes,
                Room::Percent(percent) => disk.bytes / 100 * u64::from(percent),
            };
            let (warn, crit) = (bytes(args.warn_free), bytes(args.crit_free));
            let (free, all) = (disk.free_bytes, disk.bytes);
            figures.push(format!("free={free}B;{warn}:;{crit}:;0;{all}"));
        }
        if let Some(days) = self.certificate.as_ref().and_then(|cert| cert.days_left) {
            figures.push(format!("certificate_days={days};{}:", args.warn_cert_days));
        }
        if let Some(seals) = &self.seals {
            figures.push(format!("seal_key_days={};90:;0:", seals.key_days_left));
        }
        figures
    }
}

/// A length of time in its largest two units that matter.
pub(crate) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{minutes} min"),
        7200..172_800 => format!("{hours} h"),
        _ => format!("{days} days"),
    }
}

/// Bytes with one digit behind the point.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TB", 1 << 40),
        ("GB", 1 << 30),
        ("MB", 1 << 20),
        ("KB", 1 << 10),
    ];
    let unit = UNITS.iter().find(|(_, unit)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(name, unit)| {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_well() {
        let times = [0, 119, 120, 7199, 7200, 172_799, 172_800].map(duration);
        assert_eq!(
            times,
            ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 days"]
        );
        let sizes = [0, 1023, 1024, 1_600_000, u64::MAX].map(size);
        assert_eq!(
            sizes,
            ["0 bytes", "1023 bytes", "1.0 KB", "1.5 MB", "16777215.9 TB"]
        );
    }
}
