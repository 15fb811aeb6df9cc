//! Several measurements of one thing, and pairs of things measured in turn, so that what else goes on on the machine hits both.

use std::time::Duration;

use crate::child::{ChildError, Cost};

/// Measurements of one thing.
#[derive(Debug, Clone)]
pub struct Samples(Vec<Cost>);

impl Samples {
    /// What was measured already.
    #[must_use]
    pub fn of(costs: Vec<Cost>) -> Self {
        Self(costs)
    }

    /// Measures `times` times, at least once.
    ///
    /// # Errors
    /// The first that `measure` gives.
    pub fn take(
        times: usize,
        mut measure: impl FnMut() -> Result<Cost, ChildError>,
    ) -> Result<Self, ChildError> {
        let costs: Result<_, _> = (0..times.max(1)).map(|_| measure()).collect();
        costs.map(Self)
    }

    /// Measures two things in turn, `times` times each, every second time in the other order.
    ///
    /// # Errors
    /// The first that either gives.
    pub fn pairs(
        times: usize,
        mut one: impl FnMut() -> Result<Cost, ChildError>,
        mut other: impl FnMut() -> Result<Cost, ChildError>,
    ) -> Result<(Self, Self), ChildError> {
        let (mut ones, mut others) = (Vec::new(), Vec::new());
        for round in 0..times.max(1) {
            if round % 2 == 0 {
                ones.push(one()?);
                others.push(other()?);
            } else {
                others.push(other()?);
                ones.push(one()?);
            }
        }
        Ok((Self(ones), Self(others)))
    }

    /// The median of processor times, and the least.
    #[must_use]
    pub fn cpu(&self) -> Spread {
        self.spread(|cost| cost.cpu)
    }

    /// The median of wall-clock times, and the least.
    #[must_use]
    pub fn wall(&self) -> Spread {
        self.spread(|cost| cost.wall)
    }

    /// The most memory of all, in bytes.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.0.iter().map(|cost| cost.peak).max().unwrap_or(0)
    }

    fn spread(&self, of: impl Fn(&Cost) -> Duration) -> Spread {
        let mut times: Vec<Duration> = self.0.iter().map(of).collect();
        times.sort_unstable();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        Spread {
            median: at(times.len() / 2),
            least: at(0),
        }
    }
}

/// How long something takes: usually, and when nothing disturbs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The middle one of all times.
    pub median: Duration,
    /// The shortest.
    pub least: Duration,
}

impl Spread {
    /// The time for one of `count` things done together.
    #[must_use]
    pub fn each_of(self, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        Self {
            median: self.median / count,
            least: self.least / count,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn cost(milliseconds: u64) -> Cost {
        Cost {
            cpu: Duration::from_millis(milliseconds),
            wall: Duration::from_millis(2 * milliseconds),
            peak: milliseconds,
        }
    }

    #[test]
    fn median_least_and_peak_are_those_of_all_measurements() {
        let mut times = [5, 1, 9].into_iter();
        let samples = Samples::take(3, || Ok(cost(times.next().unwrap()))).unwrap();
        assert_eq!(samples.cpu().median, Duration::from_millis(5));
        assert_eq!(samples.cpu().least, Duration::from_millis(1));
        assert_eq!(samples.wall().median, Duration::from_millis(10));
        assert_eq!(samples.peak(), 9);
        let each = samples.wall().each_of(5);
        assert_eq!(each.median, Duration::from_millis(2));
    }

    #[test]
    fn pairs_are_measured_in_turn_and_the_order_changes() {
        let order = RefCell::new(String::new());
        let note = |name| {
            order.borrow_mut().push(name);
            Ok(cost(1))
        };
        Samples::pairs(3, || note('a'), || note('b')).unwrap();
        assert_eq!(order.into_inner(), "abbaab");
    }
}
