//! The dealer's work: from a secret to one share a custodian, and the proof that the shares do what they should.

use itertools::Itertools as _;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use thiserror::Error;

use crate::field::{self, SecretScalar, X25519Secret, interpolate, opens_commitment};
use crate::share::Share;
use crate::sharing::{SharingPart, SharingTerms};
use crate::threshold::ShareIndex;

/// How many subsets are tried where there are more.
const MOST_SUBSETS: usize = 1000;

/// A dealt secret: the public sharing part, and the n secret shares.
#[derive(Debug)]
pub struct Dealing {
    sharing: SharingPart,
    shares: Vec<Share>,
}

/// A secret that could not be shared.
#[derive(Debug, Error)]
pub enum SplitError {
    /// The random polynomial was unusable.
    #[error("the random polynomial was unusable; this has a probability of 2^-252")]
    UnusablePolynomial,
}

impl Dealing {
    /// Shares `secret` afresh under `terms`.
    ///
    /// # Errors
    /// When the random polynomial has a zero coefficient, which does not happen.
    pub fn deal(secret: &X25519Secret, terms: &SharingTerms) -> Result<Self, SplitError> {
        let dealt = field::deal(&secret.reduced(), terms.threshold)
            .ok_or(SplitError::UnusablePolynomial)?;
        let sharing = SharingPart::new(*terms, dealt.commitments)
            .map_err(|_| SplitError::UnusablePolynomial)?;
        let set_id = sharing.set_id();
        let shares = dealt
            .scalars
            .into_iter()
            .map(|(index, scalar)| Share {
                profile: terms.profile,
                purpose: terms.purpose,
                k: terms.threshold.k(),
                index,
                set_id,
                scalar,
            })
            .collect();
        Ok(Self { sharing, shares })
    }

    /// The public part.
    #[must_use]
    pub fn sharing(&self) -> &SharingPart {
        &self.sharing
    }

    /// The n shares, by index. Secret.
    #[must_use]
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Rebuilds the secret from every k-subset of the shares, or from 1,000 random ones where there are more, and checks that as many (k−1)-subsets do not give it.
    ///
    /// # Errors
    /// Names the first subset that gives a wrong secret, or that gives the secret although it is too small.
    pub fn prove(&self) -> Result<SubsetProof, FaultyDealing> {
        let k = usize::from(self.sharing.threshold().k());
        let enough = self.subsets(k);
        for subset in &enough.subsets {
            if !self.gives_the_secret(subset) {
                return Err(FaultyDealing::WrongSecret {
                    shares: self.name(subset),
                });
            }
        }
        let too_few = self.subsets(k - 1);
        for subset in &too_few.subsets {
            if self.gives_the_secret(subset) {
                return Err(FaultyDealing::TooFewSuffice {
                    shares: self.name(subset),
                });
            }
        }
        Ok(SubsetProof {
            rebuilt: enough.subsets.len(),
            refused: too_few.subsets.len(),
            exhaustive: enough.exhaustive,
        })
    }

    fn subsets(&self, size: usize) -> Subsets {
        let n = self.shares.len();
        let all: Vec<_> = (0..n).combinations(size).take(MOST_SUBSETS + 1).collect();
        if all.len() <= MOST_SUBSETS {
            return Subsets {
                subsets: all,
                exhaustive: true,
            };
        }
        let draw = |_| rand::seq::index::sample(&mut UnwrapErr(SysRng), n, size).into_vec();
        Subsets {
            subsets: (0..MOST_SUBSETS).map(draw).collect(),
            exhaustive: false,
        }
    }

    fn gives_the_secret(&self, subset: &[usize]) -> bool {
        let shares: Vec<(ShareIndex, &SecretScalar)> = subset
            .iter()
            .filter_map(|position| self.shares.get(*position))
            .map(|share| (share.index, &share.scalar))
            .collect();
        // Of a single share nothing is interpolated: it stands for itself.
        let whole = match shares.as_slice() {
            [(_, only)] => return self.is_the_secret(only),
            several => interpolate(several),
        };
        whole.is_some_and(|whole| self.is_the_secret(&whole))
    }

    fn is_the_secret(&self, scalar: &SecretScalar) -> bool {
        let opens = self
            .sharing
            .commitments()
            .first()
            .is_some_and(|first| opens_commitment(scalar, first));
        opens && X25519Secret::lifted_from(scalar, &self.sharing.x25519_public_key()).is_some()
    }

    fn name(&self, subset: &[usize]) -> String {
        subset
            .iter()
            .filter_map(|position| self.shares.get(*position))
            .map(|share| share.index)
            .join(", ")
    }
}

struct Subsets {
    subsets: Vec<Vec<usize>>,
    exhaustive: bool,
}

/// What [`Dealing::prove`] tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubsetProof {
    /// How many k-subsets gave the secret.
    pub rebuilt: usize,
    /// How many (k−1)-subsets did not.
    pub refused: usize,
    /// Whether all k-subsets were tried, not a random 1,000.
    pub exhaustive: bool,
}

/// Shares that do not do what they should. The dealing must be thrown away.
#[derive(Debug, Error)]
pub enum FaultyDealing {
    /// k shares give something else.
    #[error("shares {shares} do not give the archive key")]
    WrongSecret {
        /// The indices.
        shares: String,
    },
    /// Fewer than k shares give the secret.
    #[error("shares {shares} give the archive key although they are too few")]
    TooFewSuffice {
        /// The indices.
        shares: String,
    },
}
