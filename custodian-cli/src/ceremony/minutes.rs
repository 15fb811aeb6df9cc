//! The minutes of a ceremony: each step with what was expected and what was observed, and the exceptions.

use crate::operator::Operator;

/// One step, done and compared.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) action: String,
    pub(crate) expected: String,
    pub(crate) observed: String,
    pub(crate) met: bool,
}

/// The minutes so far.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    pub(crate) steps: Vec<Step>,
    pub(crate) exceptions: Vec<String>,
}

impl Minutes {
    /// A step whose expectation was met; a step that is not met ends the ceremony with an error instead.
    pub(crate) fn met(
        &mut self,
        action: &str,
        expected: impl Into<String>,
        observed: impl Into<String>,
    ) {
        self.steps.push(Step {
            action: action.to_owned(),
            expected: expected.into(),
            observed: observed.into(),
            met: true,
        });
    }

    /// Something that is looked at: as expected, or `deviation`, which then is an exception too.
    pub(crate) fn observe(
        &mut self,
        action: &str,
        expected: &str,
        deviation: Option<String>,
        exception: &str,
    ) {
        let met = deviation.is_none();
        if !met {
            self.exceptions.push(exception.to_owned());
        }
        self.steps.push(Step {
            action: action.to_owned(),
            expected: expected.to_owned(),
            observed: deviation.unwrap_or_else(|| expected.to_owned()),
            met,
        });
    }

    /// Something that this ceremony left out.
    pub(crate) fn left_out(&mut self, what: &str) {
        self.exceptions.push(what.to_owned());
    }

    /// Tells the operator the exceptions.
    pub(crate) fn warn_of_exceptions(&self, operator: &mut dyn Operator) {
        for exception in &self.exceptions {
            operator.warn(exception);
        }
    }
}
