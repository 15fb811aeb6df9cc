//! On what the figures were taken: they mean little without it.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use archiver_core::identity::UtcTime;

use crate::binaries::Binaries;
use crate::child::output;
use crate::gpg;

/// From this load on, other programs take time away that should be ours.
const IDLE: f64 = 0.5;

/// The machine, its programs, and how busy it was when the run began.
#[derive(Debug, Clone)]
pub struct Machine {
    day: String,
    processor: String,
    cores: usize,
    kernel: String,
    programs: Vec<String>,
    load: f64,
}

impl Machine {
    /// Looks at the machine. What cannot be found out is left out.
    #[must_use]
    pub fn look(binaries: &Binaries) -> Self {
        let custodian = output(Command::new(&binaries.custodian).arg("--version"));
        let custodian = custodian.map(|text| first_line(&String::from_utf8_lossy(&text)));
        let programs = [custodian.ok(), gpg::version().ok()];
        Self {
            day: today(),
            processor: processor(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease"),
            programs: programs.into_iter().flatten().collect(),
            load: load(),
        }
    }

    /// Whether nothing else was going on.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.load <= IDLE
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} cores of {}, Linux {}.",
            self.day, self.cores, self.processor, self.kernel
        )?;
        writeln!(f, "{}.", self.programs.join("; "))?;
        write!(f, "Load average at the start: {:.2}", self.load)?;
        f.write_str(if self.is_idle() {
            ".\n"
        } else {
            ": **machine not idle**; ratios of processor time hold, wall-clock times do not.\n"
        })
    }
}

fn today() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let seconds = since_1970.and_then(|time| i64::try_from(time.as_secs()).ok());
    let now = seconds.and_then(UtcTime::from_unix);
    let text = now.map_or_else(String::new, |now| now.to_string());
    text.split('T').next().unwrap_or_default().to_owned()
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split(": ").nth(1));
    name.unwrap_or("an unknown processor").to_owned()
}

fn load() -> f64 {
    let text = read("/proc/loadavg");
    let first = text.split(' ').next();
    first.and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
