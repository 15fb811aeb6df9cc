//! How far the opening is, as a bar on the terminal.

use indicatif::ProgressBar;

use crate::opening::Progress;
use crate::operator::Operator;

/// A progress bar over the vaults' bytes.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar at the operator's terminal; hidden where there is none.
    pub(crate) fn new(operator: &dyn Operator) -> Self {
        Self(operator.progress())
    }
}

impl Progress for Bar {
    fn begin(&self, bytes: u64) {
        self.0.set_length(bytes);
    }

    fn advance(&self, bytes: u64, _records: u64) {
        self.0.inc(bytes);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
