//! The sharing part: what all sheets of one ceremony agree on, and the set id that names it.
//!
//! `docs/format.md` §1.1 and §3. Public data only. The set id stands on every sheet, so the sheets authenticate this part, and with it the
//! commitments by which they are verified; nothing here is believed because a file says so.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::field::Point;
use crate::identity::Fingerprint;
use crate::origin::ArchiveFingerprints;
use crate::threshold::Threshold;

const ENCODING_VERSION: u8 = 1;
const SET_LABEL: &[u8] = b"archiver v1 set\0";

/// Which kind of archive key is shared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A version 4 OpenPGP key with an X25519 encryption subkey, whose secret is shared; every OpenPGP program reads its messages.
    Classic,
}

impl Profile {
    /// The code in the binary formats.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Classic => 1,
        }
    }

    /// The profile with that code, if this program knows it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        (code == Self::Classic.code()).then_some(Self::Classic)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classic => f.write_str("classic"),
        }
    }
}

/// A profile that this program does not know.
#[derive(Debug, Error)]
#[error("unknown profile; this program knows: classic")]
pub struct UnknownProfile;

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        (name == "classic")
            .then_some(Self::Classic)
            .ok_or(UnknownProfile)
    }
}

/// Whether a ceremony made a real archive key or was only played through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The sheets open a real archive.
    Archive,
    /// The sheets were made for practice and open nothing else than the rehearsal's own vault.
    Rehearsal,
}

impl Purpose {
    /// The flags byte of the binary formats: bit 0 is set for a rehearsal.
    #[must_use]
    pub fn flags(self) -> u8 {
        u8::from(self == Self::Rehearsal)
    }

    /// The purpose with these flags; `None` when a reserved bit is set.
    #[must_use]
    pub fn from_flags(flags: u8) -> Option<Self> {
        match flags {
            0 => Some(Self::Archive),
            1 => Some(Self::Rehearsal),
            _ => None,
        }
    }
}

/// The first 12 bytes of the sharing part's hash. As text `7K2Q-ABCD-EFGH-IJKL-MNOP`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId([u8; 12]);

impl SetId {
    /// Length in bytes.
    pub const LENGTH: usize = 12;

    /// Takes the 12 bytes as they stand in a frame.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The 12 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = BASE32_NOPAD.encode(&self.0);
        for (position, letter) in text.chars().enumerate() {
            if position > 0 && position % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetId({self})")
    }
}

/// Text that is not a set id.
#[derive(Debug, Error)]
#[error("not a set id such as 7K2Q-ABCD-EFGH-IJKL-MNOP")]
pub struct NotASetId;

impl FromStr for SetId {
    type Err = NotASetId;

    /// Reads exactly the form that [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, NotASetId> {
        let letters = text.replace('-', "");
        let bytes = BASE32_NOPAD
            .decode(letters.as_bytes())
            .map_err(|_| NotASetId)?;
        let set_id = Self(bytes.try_into().map_err(|_| NotASetId)?);
        (set_id.to_string() == text)
            .then_some(set_id)
            .ok_or(NotASetId)
    }
}

/// What is decided before a secret is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharingTerms {
    /// The archive key's profile.
    pub profile: Profile,
    /// Real or rehearsal.
    pub purpose: Purpose,
    /// k of n.
    pub threshold: Threshold,
    /// The archive key's primary fingerprint.
    pub primary: Fingerprint,
    /// Its encryption subkey's fingerprint.
    pub encryption: Fingerprint,
    /// The SHA-256 of the archive's `seals.pub`; `None` for an archive without seals.
    pub seal_keys_sha256: Option<[u8; 32]>,
}

/// The sharing part. Public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharingPart {
    terms: SharingTerms,
    commitments: Vec<Point>,
}

/// A sharing part that contradicts itself.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{found} commitments, but a threshold of {threshold} needs exactly {threshold}")]
pub struct WrongCommitmentCount {
    /// How many commitments there are.
    pub found: usize,
    /// The threshold k.
    pub threshold: u8,
}

impl SharingPart {
    /// Joins the terms and the commitments C₀ … Cₖ₋₁.
    ///
    /// # Errors
    /// When there are not exactly k commitments.
    pub fn new(terms: SharingTerms, commitments: Vec<Point>) -> Result<Self, WrongCommitmentCount> {
        let threshold = terms.threshold.k();
        if commitments.len() != usize::from(threshold) {
            return Err(WrongCommitmentCount {
                found: commitments.len(),
                threshold,
            });
        }
        Ok(Self { terms, commitments })
    }

    /// What was decided before the secret was shared.
    #[must_use]
    pub fn terms(&self) -> &SharingTerms {
        &self.terms
    }

    /// The archive key's profile.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.terms.profile
    }

    /// Real or rehearsal.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.terms.purpose
    }

    /// k of n.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.terms.threshold
    }

    /// The primary key's fingerprint.
    #[must_use]
    pub fn primary_fingerprint(&self) -> Fingerprint {
        self.terms.primary
    }

    /// The encryption subkey's fingerprint.
    #[must_use]
    pub fn encryption_fingerprint(&self) -> Fingerprint {
        self.terms.encryption
    }

    /// Which archive it is: both fingerprints.
    #[must_use]
    pub fn fingerprints(&self) -> ArchiveFingerprints {
        ArchiveFingerprints {
            primary: self.primary_fingerprint(),
            encryption: self.encryption_fingerprint(),
        }
    }

    /// The SHA-256 of the archive's `seals.pub`, which the sheets so authenticate; `None` for an archive without seals.
    #[must_use]
    pub fn seal_keys_sha256(&self) -> Option<&[u8; 32]> {
        self.terms.seal_keys_sha256.as_ref()
    }

    /// C₀ … Cₖ₋₁.
    #[must_use]
    pub fn commitments(&self) -> &[Point] {
        &self.commitments
    }

    /// The X25519 public key that the constant commitment stands for: u(C₀), 32 bytes.
    #[must_use]
    pub fn x25519_public_key(&self) -> [u8; 32] {
        // `new` admits only k ≥ 2 commitments.
        self.commitments
            .first()
            .map_or([0; 32], Point::x25519_public_key)
    }

    /// The binary encoding of `docs/format.md` §3.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let terms = &self.terms;
        let mut bytes = vec![
            ENCODING_VERSION,
            terms.profile.code(),
            terms.purpose.flags(),
            terms.threshold.k(),
            terms.threshold.n(),
            0, // outer threshold
            0, // groups
        ];
        for fingerprint in [&terms.primary, &terms.encryption] {
            push_counted(&mut bytes, fingerprint.as_bytes());
        }
        bytes.push(terms.threshold.k());
        for commitment in &self.commitments {
            bytes.extend(commitment.to_bytes());
        }
        bytes.push(0); // m-share hashes
        let seal_keys = terms.seal_keys_sha256.as_ref();
        push_counted(&mut bytes, seal_keys.map_or(&[], |hash| hash.as_slice()));
        bytes
    }

    /// The name of this sharing, recomputed from its fields.
    #[must_use]
    pub fn set_id(&self) -> SetId {
        let hash = Sha256::new()
            .chain_update(SET_LABEL)
            .chain_update(self.encode())
            .finalize();
        let mut set_id = [0; SetId::LENGTH];
        set_id
            .iter_mut()
            .zip(hash)
            .for_each(|(to, from)| *to = from);
        SetId(set_id)
    }
}

fn push_counted(bytes: &mut Vec<u8>, field: &[u8]) {
    // A fingerprint has 20 or 32 bytes, a hash 32.
    bytes.push(u8::try_from(field.len()).unwrap_or(u8::MAX));
    bytes.extend(field);
}
