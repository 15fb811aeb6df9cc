//! What `custodian inspect` says of a vault: as text for people and as JSON, which must agree, and with its exit code.

use std::ffi::OsStr;
use std::io::Write as _;

use custody_tests::{Ran, custodian, run};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::honest::{Site, TODAY, ceremony};

/// The verdict on the first server's log.
#[derive(Debug)]
pub(crate) struct Verdict {
    seals: Value,
    /// The whole report as JSON.
    pub(crate) report: Value,
    pub(crate) text: String,
    pub(crate) code: i32,
}

impl Site {
    /// `custodian inspect --public`, on this server's vault.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::on(&[self])
    }

    /// The same, of a copy that was made at that time.
    pub(crate) fn verdict_as_copied(&self, time: &str) -> Verdict {
        Verdict::of(&[self], &["--copied", time].map(OsStr::new))
    }

    /// The same, with finals that left the server; and of a copy that was made at that time, if one is given.
    pub(crate) fn verdict_with_finals(&self, kept: &str, copied: Option<&str>) -> Verdict {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(kept.as_bytes()).unwrap();
        let copied = copied.map(|time| [OsStr::new("--copied"), OsStr::new(time)]);
        let finals = [OsStr::new("--finals"), file.path().as_os_str()];
        let options: Vec<&OsStr> = copied.into_iter().flatten().chain(finals).collect();
        Verdict::of(&[self], &options)
    }
}

impl Verdict {
    /// `custodian inspect --public`, on these servers' vaults.
    pub(crate) fn on(sites: &[&Site]) -> Self {
        Self::of(sites, &[])
    }

    fn of(sites: &[&Site], options: &[&OsStr]) -> Self {
        let json = inspect(sites, &[options, &[OsStr::new("--json")]].concat());
        let report: Value = serde_json::from_str(&json.stdout)
            .unwrap_or_else(|e| panic!("{e}\n{}\n{}", json.stdout, json.stderr));
        let log = ceremony().log().to_string();
        let logs = report["seals"].as_array().unwrap();
        let ours = logs.iter().find(|found| found["log"] == log.as_str());
        let text = inspect(sites, options);
        let verdict = Self {
            seals: ours.unwrap().clone(),
            code: json.code,
            text: text.stdout,
            report,
        };
        assert_eq!(text.code, verdict.code);
        verdict.is_coherent();
        verdict
    }

    /// Text, JSON and exit code say the same.
    fn is_coherent(&self) {
        let is_good = |state: &String| matches!(state.as_str(), "sealed" | "open");
        let is_intact = self.seals["intact"] == true;
        assert!(
            self.said().iter().all(is_good) || !is_intact,
            "{}",
            self.text
        );
        assert!(self.code == 1 || is_intact, "{}", self.text);
        for day in self.days() {
            let (name, reason) = (text_of(&day["day"]), day["reason"].as_str());
            let Some(reason) = reason.filter(|_| day["state"] == "broken") else {
                continue;
            };
            let line = format!("{name}  {}", reason.replacen("broken", "BROKEN", 1));
            assert!(self.text.contains(&line), "{line:?}\n{}", self.text);
        }
        for finding in self.findings().iter().take(10) {
            let line = format!("noticed: {finding}");
            assert!(self.text.contains(&line), "{line:?}\n{}", self.text);
        }
    }

    fn days(&self) -> &[Value] {
        self.seals["days"].as_array().unwrap()
    }

    fn said(&self) -> Vec<String> {
        let short = |day: &Value| match day["reason"].as_str() {
            Some(reason) => reason.split(':').next().unwrap().to_owned(),
            None => text_of(&day["state"]),
        };
        self.days().iter().map(short).collect()
    }

    /// Each day in short: `sealed`, `open`, `missing`, or `broken at sequence 4`. In the two hours in which yesterday's final may still come, a yesterday without
    /// one is called missing here too, so that the tests say the same at any time of the day.
    pub(crate) fn states(&self) -> Vec<String> {
        let mut states = self.said();
        let yesterday = states.get_mut(TODAY - 1).filter(|state| *state == "open");
        if let Some(state) = yesterday {
            "missing".clone_into(state);
        }
        states
    }

    /// Why a day is not sealed.
    pub(crate) fn reason(&self, day: usize) -> String {
        text_of(&self.days()[day]["reason"])
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        let listed = self.seals["findings"]["listed"].as_array().unwrap();
        listed.iter().map(text_of).collect()
    }

    #[track_caller]
    pub(crate) fn expect_finding(&self, part: &str) {
        let findings = self.findings();
        assert!(
            findings.iter().any(|finding| finding.contains(part)),
            "{part:?} is not among {findings:#?}"
        );
    }

    /// Whether nothing speaks against the log.
    pub(crate) fn is_intact(&self) -> bool {
        let is_said = self.seals["intact"].as_bool().unwrap();
        is_said && !self.states().contains(&"missing".to_owned())
    }

    /// The days up to `day` are sealed, and `day` itself is broken at that record.
    #[track_caller]
    pub(crate) fn expect_broken(&self, day: usize, record: usize) {
        let states = self.states();
        let before = states.iter().take(day);
        assert!(before.clone().all(|state| state == "sealed"), "{states:?}");
        assert_eq!(
            states[day],
            format!("broken at sequence {record}"),
            "{}",
            self.text
        );
    }

    /// The first days are in these states. A day that begins while the tests run is not looked at.
    #[track_caller]
    pub(crate) fn expect_states(&self, expected: &[&str]) {
        let states = self.states();
        assert_eq!(states[..expected.len()], *expected, "{}", self.text);
    }

    /// Everything is as it was: sealed, and open today.
    #[track_caller]
    pub(crate) fn expect_intact(&self) {
        self.expect_states(&["sealed", "sealed", "sealed", "sealed", "sealed", "open"]);
        assert!(self.is_intact(), "{}", self.text);
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn inspect(sites: &[&Site], options: &[&OsStr]) -> Ran {
    let mut custodian = custodian();
    custodian
        .args(["inspect", "--public"])
        .arg(sites[0].public())
        .args(options)
        .args(sites.iter().map(|site| site.vault()));
    run(&mut custodian)
}
