//! How good a finding is, and the worst of several.

use std::fmt;

use serde::Serialize;

/// What a monitoring program knows; the later, the worse. Its exit codes are those of the Monitoring Plugins' guidelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum State {
    Ok,
    Unknown,
    Warning,
    Critical,
}

impl State {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) state: State,
    /// One line; `|` would begin a monitoring plugin's figures.
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn new(state: State, text: impl Into<String>) -> Self {
        let text = text
            .into()
            .replace(|c: char| c.is_control() || c == '|', " ");
        Self { state, text }
    }
}

/// Everything that was looked at, in that order.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn add(&mut self, state: State, text: impl Into<String>) {
        self.push(Finding::new(state, text));
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(crate) fn worst(&self) -> State {
        let states = self.0.iter().map(|finding| finding.state);
        states.max().unwrap_or(State::Unknown)
    }

    pub(crate) fn all(&self) -> &[Finding] {
        &self.0
    }

    /// What is not OK, the worst first.
    pub(crate) fn faults(&self) -> Vec<&Finding> {
        let faults = self.0.iter().filter(|finding| finding.state != State::Ok);
        let mut faults: Vec<&Finding> = faults.collect();
        faults.sort_by_key(|finding| std::cmp::Reverse(finding.state));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_comes_first() {
        let mut findings = Findings::default();
        assert_eq!(findings.worst(), State::Unknown, "nothing was looked at");
        for (state, text) in [
            (State::Ok, "a"),
            (State::Warning, "b"),
            (State::Critical, "c"),
            (State::Unknown, "d"),
            (State::Warning, "e"),
        ] {
            findings.add(state, text);
        }
        assert_eq!(findings.worst(), State::Critical);
        let texts: Vec<&str> = findings.faults().iter().map(|f| f.text.as_str()).collect();
        assert_eq!(texts, ["c", "b", "e", "d"]);
    }

    #[test]
    fn a_path_does_not_forge_a_line_or_figures() {
        let finding = Finding::new(State::Ok, "vault /a\nOK|x=1");
        assert_eq!(finding.text, "vault /a OK x=1");
    }
}
