//! Gathering sheets until there are enough, and what enough of them give.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::field::{X25519Secret, interpolate, opens_commitment};
use crate::identity::Fingerprint;
use crate::sealed_key;
use crate::secret::SecretText;
use crate::share::{Share, ShareRefused, VerifiedShare};
use crate::sharing::SharingPart;
use crate::threshold::{ShareIndex, Threshold};

/// Sheets come in one by one; each is verified as it comes, and a bad one does not spoil the others.
#[derive(Debug)]
pub struct Gathering {
    sharing: SharingPart,
    shares: BTreeMap<ShareIndex, VerifiedShare>,
}

impl Gathering {
    /// Begins to gather sheets of this sharing.
    #[must_use]
    pub fn new(sharing: SharingPart) -> Self {
        Self {
            sharing,
            shares: BTreeMap::new(),
        }
    }

    /// Verifies a share and keeps it.
    ///
    /// # Errors
    /// When the share does not belong, or the same share is there already. What was gathered stays.
    pub fn add(&mut self, share: Share) -> Result<ShareIndex, ShareRefused> {
        let verified = VerifiedShare::verify(share, &self.sharing)?;
        let index = verified.index();
        if self.shares.contains_key(&index) {
            return Err(ShareRefused::SameSheet { index });
        }
        self.shares.insert(index, verified);
        Ok(index)
    }

    /// How many different sheets were verified.
    #[must_use]
    pub fn have(&self) -> usize {
        self.shares.len()
    }

    /// How many sheets are still missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        usize::from(self.sharing.threshold().k()).saturating_sub(self.have())
    }

    /// Closes the gathering.
    ///
    /// # Errors
    /// When fewer than k sheets were verified.
    pub fn into_quorum(self) -> Result<Quorum, NotEnoughSheets> {
        if self.missing() > 0 {
            return Err(NotEnoughSheets {
                have: self.have(),
                missing: self.missing(),
                threshold: self.sharing.threshold(),
            });
        }
        Ok(Quorum {
            sharing: self.sharing,
            shares: self.shares.into_values().collect(),
        })
    }
}

/// Fewer than k sheets were verified.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{have} verified, {missing} more needed: this archive opens with {threshold}")]
pub struct NotEnoughSheets {
    /// How many different sheets were verified.
    pub have: usize,
    /// How many more are needed.
    pub missing: usize,
    /// k of n.
    pub threshold: Threshold,
}

/// At least k verified shares of one sharing: enough to rebuild the key.
#[derive(Debug)]
pub struct Quorum {
    sharing: SharingPart,
    shares: Vec<VerifiedShare>,
}

impl Quorum {
    /// The indices of the shares, ascending.
    pub fn indices(&self) -> impl Iterator<Item = ShareIndex> {
        self.shares.iter().map(VerifiedShare::index)
    }

    /// Rebuilds the archive key's secret from k of the shares, and checks it against the constant commitment and the public key that it stands for.
    /// More than k shares were each verified against the same polynomial, so it does not matter which k are taken.
    ///
    /// # Errors
    /// When the result is not the secret behind the public key; with verified shares this means that the sharing part itself is not genuine.
    pub fn rebuild(&self) -> Result<RebuiltSecret, NotTheKey> {
        let k = usize::from(self.sharing.threshold().k());
        let shares: Vec<_> = self
            .shares
            .iter()
            .take(k)
            .map(|share| (share.index(), share.scalar()))
            .collect();
        let scalar = interpolate(&shares).ok_or(NotTheKey)?;
        let genuine = self
            .sharing
            .commitments()
            .first()
            .is_some_and(|commitment| opens_commitment(&scalar, commitment));
        if !genuine {
            return Err(NotTheKey);
        }
        let x25519 = X25519Secret::lifted_from(&scalar, &self.sharing.x25519_public_key())
            .ok_or(NotTheKey)?;
        Ok(RebuiltSecret {
            x25519,
            primary: self.sharing.primary_fingerprint(),
        })
    }
}

/// What the verified shares give is not the archive's key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the sheets do not give the archive's key: the manifest is not genuine")]
pub struct NotTheKey;

/// The archive key's shared secret, rebuilt. It exists in memory only.
#[derive(Debug)]
pub struct RebuiltSecret {
    x25519: X25519Secret,
    primary: Fingerprint,
}

impl RebuiltSecret {
    /// The secret of the encryption subkey.
    #[must_use]
    pub fn x25519(&self) -> &X25519Secret {
        &self.x25519
    }

    /// The passphrase of the sealed key, `archive.sealed.asc`.
    #[must_use]
    pub fn sealed_key_passphrase(&self) -> SecretText {
        sealed_key::passphrase(&self.x25519, &self.primary)
    }
}
