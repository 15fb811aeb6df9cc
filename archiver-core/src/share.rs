//! One share: as read from a sheet, and as verified against a sharing part.

use thiserror::Error;

use crate::field::{SecretScalar, lies_on_polynomial};
use crate::sharing::{Profile, Purpose, SetId, SharingPart};
use crate::threshold::ShareIndex;

/// A share as it stands on a sheet: complete and undamaged, but not yet known to belong to any archive.
#[derive(Debug)]
pub struct Share {
    pub(crate) profile: Profile,
    pub(crate) purpose: Purpose,
    pub(crate) k: u8,
    pub(crate) index: ShareIndex,
    pub(crate) set_id: SetId,
    pub(crate) scalar: SecretScalar,
}

impl Share {
    /// Which share it claims to be.
    #[must_use]
    pub fn index(&self) -> ShareIndex {
        self.index
    }

    /// The set it claims to belong to.
    #[must_use]
    pub fn set_id(&self) -> SetId {
        self.set_id
    }

    /// Real or rehearsal, as claimed.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }
}

/// A share that lies on the polynomial of a sharing part. Made only by [`VerifiedShare::verify`].
#[derive(Debug)]
pub struct VerifiedShare {
    index: ShareIndex,
    scalar: SecretScalar,
}

impl VerifiedShare {
    /// Verifies `share` against `sharing`: the same purpose, set, profile and threshold, an index in 1 … n, and
    /// y·B = Σ Cⱼ·xʲ (Feldman 1987).
    ///
    /// # Errors
    /// Says in which respect the share does not belong; the most telling reason comes first.
    pub fn verify(share: Share, sharing: &SharingPart) -> Result<Self, ShareRefused> {
        match (share.purpose, sharing.purpose()) {
            (Purpose::Rehearsal, Purpose::Archive) => return Err(ShareRefused::RehearsalSheet),
            (Purpose::Archive, Purpose::Rehearsal) => {
                return Err(ShareRefused::RealSheetInRehearsal);
            }
            _ => {}
        }
        if share.set_id != sharing.set_id() {
            return Err(ShareRefused::OtherSet {
                sheet: share.set_id,
                archive: sharing.set_id(),
            });
        }
        let threshold = sharing.threshold();
        if share.profile != sharing.profile()
            || share.k != threshold.k()
            || !threshold.has(share.index)
        {
            return Err(ShareRefused::ContradictsManifest { index: share.index });
        }
        if !lies_on_polynomial(share.index, &share.scalar, sharing.commitments()) {
            return Err(ShareRefused::NotOnPolynomial { index: share.index });
        }
        Ok(Self {
            index: share.index,
            scalar: share.scalar,
        })
    }

    /// Which share it is.
    #[must_use]
    pub fn index(&self) -> ShareIndex {
        self.index
    }

    pub(crate) fn scalar(&self) -> &SecretScalar {
        &self.scalar
    }
}

/// Why a sheet does not serve here. Begins with what the sheet is, so that the caller can put the sheet's name in front.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ShareRefused {
    /// A rehearsal's sheet with a real archive.
    #[error("made in a rehearsal; it opens no real archive")]
    RehearsalSheet,
    /// A real sheet with a rehearsal's archive.
    #[error("a sheet of a real archive; it has no place in a rehearsal")]
    RealSheetInRehearsal,
    /// Another ceremony's sheet, or a manifest that was exchanged.
    #[error(
        "belongs to another ceremony: the sheet says set {sheet}, the public folder is set {archive}"
    )]
    OtherSet {
        /// The set on the sheet.
        sheet: SetId,
        /// The set that the manifest's own fields give.
        archive: SetId,
    },
    /// The right set id with fields that contradict it.
    #[error("share {index} contradicts the manifest of its own set; it is not genuine")]
    ContradictsManifest {
        /// The share's claimed index.
        index: ShareIndex,
    },
    /// The right set and index with a wrong secret.
    #[error(
        "share {index} does not fit the commitments of its set; it was changed or is not genuine"
    )]
    NotOnPolynomial {
        /// The share's claimed index.
        index: ShareIndex,
    },
    /// The same share was given before.
    #[error("share {index} again; the same sheet counts once")]
    SameSheet {
        /// The share's index.
        index: ShareIndex,
    },
}
