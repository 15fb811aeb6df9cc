//! How many shares there are, how many open the archive, and which one a share is. Only valid values exist.

use std::fmt;
use std::num::NonZeroU8;

use thiserror::Error;

/// k of n: any `k` of `n` shares open the archive, fewer tell nothing. 2 ≤ k ≤ n ≤ 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    k: u8,
    n: u8,
}

impl Threshold {
    /// Takes k and n.
    ///
    /// # Errors
    /// When k is below 2 (each sheet alone would be the key) or above n, or n is above 255.
    pub fn new(k: usize, n: usize) -> Result<Self, InvalidThreshold> {
        if k < 2 {
            return Err(InvalidThreshold::TooFewToOpen { k, n });
        }
        let (Ok(small_k), Ok(small_n)) = (u8::try_from(k), u8::try_from(n)) else {
            return Err(InvalidThreshold::TooManyShares { n: n.max(k) });
        };
        if k > n {
            return Err(InvalidThreshold::MoreThanShares { k, n });
        }
        Ok(Self {
            k: small_k,
            n: small_n,
        })
    }

    /// k: how many shares open the archive.
    #[must_use]
    pub fn k(self) -> u8 {
        self.k
    }

    /// n: how many shares there are.
    #[must_use]
    pub fn n(self) -> u8 {
        self.n
    }

    /// All share indices, 1 … n.
    pub fn indices(self) -> impl Iterator<Item = ShareIndex> {
        (1..=self.n).filter_map(ShareIndex::new)
    }

    /// Whether `index` is one of 1 … n.
    #[must_use]
    pub fn has(self, index: ShareIndex) -> bool {
        index.get() <= self.n
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.k, self.n)
    }
}

/// A threshold that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidThreshold {
    /// k is 0 or 1.
    #[error("a threshold of {k} of {n} is refused: each sheet alone would open the archive")]
    TooFewToOpen {
        /// The threshold asked for.
        k: usize,
        /// The number of shares asked for.
        n: usize,
    },
    /// k is above n.
    #[error("a threshold of {k} needs at least {k} custodians, but there are {n}")]
    MoreThanShares {
        /// The threshold asked for.
        k: usize,
        /// The number of shares asked for.
        n: usize,
    },
    /// n is above 255.
    #[error("{n} shares are too many: at most 255 can be made")]
    TooManyShares {
        /// The number of shares asked for.
        n: usize,
    },
}

/// The index x of a share, 1 … 255: the place at which the dealer's polynomial was evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareIndex(NonZeroU8);

impl ShareIndex {
    /// Takes an index; `None` for 0, where the secret itself lies.
    #[must_use]
    pub fn new(index: u8) -> Option<Self> {
        NonZeroU8::new(index).map(Self)
    }

    /// The index as a number.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Display for ShareIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_thresholds_exist() {
        for (k, n) in [(2, 2), (2, 3), (3, 5), (255, 255)] {
            let threshold = Threshold::new(k, n).unwrap();
            assert_eq!((threshold.k() as usize, threshold.n() as usize), (k, n));
            assert_eq!(threshold.indices().count(), n);
        }
        assert_eq!(
            Threshold::new(1, 3),
            Err(InvalidThreshold::TooFewToOpen { k: 1, n: 3 })
        );
        assert_eq!(
            Threshold::new(0, 0),
            Err(InvalidThreshold::TooFewToOpen { k: 0, n: 0 })
        );
        assert_eq!(
            Threshold::new(4, 3),
            Err(InvalidThreshold::MoreThanShares { k: 4, n: 3 })
        );
        assert_eq!(
            Threshold::new(2, 256),
            Err(InvalidThreshold::TooManyShares { n: 256 })
        );
    }
}
