//! The share frame: the bytes that stand on a sheet (`docs/format.md` §4). Ours, frozen by test vectors, never a dependency's serialization.

mod qr;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::field::SecretScalar;
use crate::secret::SecretBytes;
use crate::share::Share;
use crate::sharing::{Profile, Purpose, SetId};
use crate::threshold::ShareIndex;

pub use qr::{NotAShareText, from_qr_text, is_meant_as_share, to_qr_text};

/// Length of a `classic` frame in bytes.
pub const LENGTH: usize = 56;

pub(crate) const VERSION: u8 = 1;
const KIND_SHARE: u8 = 1;
const CHECKED: usize = LENGTH - CHECK_LENGTH;
const CHECK_LENGTH: usize = 4;
const CHECK_LABEL: &[u8] = b"archiver v1 frame\0";

/// Encodes a share. The result is a secret.
#[must_use]
pub fn encode(share: &Share) -> SecretBytes<LENGTH> {
    let scalar = share.scalar.to_bytes();
    let head = [
        VERSION,
        KIND_SHARE,
        share.profile.code(),
        share.purpose.flags(),
        share.k,
        share.index.get(),
        0, // outer threshold
        0, // group index
    ];
    SecretBytes::filled_by(|frame| {
        let fields = head
            .iter()
            .chain(share.set_id.as_bytes())
            .chain(scalar.expose_bytes());
        frame
            .iter_mut()
            .zip(fields)
            .for_each(|(to, from)| *to = *from);
        let check = check_of(&frame[..CHECKED]);
        frame[CHECKED..].copy_from_slice(&check);
    })
}

/// Decodes a frame. Whether the share belongs to an archive is for [`crate::share::VerifiedShare`] to say.
///
/// # Errors
/// When a byte was changed (the check does not fit), or the frame is of a version, kind or profile that this program does not know.
pub fn decode(frame: &SecretBytes<LENGTH>) -> Result<Share, FrameError> {
    let bytes = frame.expose_bytes();
    let [
        version,
        kind,
        profile,
        flags,
        k,
        index,
        outer_threshold,
        group,
        ..,
    ] = *bytes;
    if check_of(&bytes[..CHECKED]) != bytes[CHECKED..] {
        return Err(FrameError::Changed);
    }
    if version != VERSION {
        return Err(FrameError::UnknownVersion { version });
    }
    if kind != KIND_SHARE {
        return Err(FrameError::UnknownKind { kind });
    }
    let profile =
        Profile::from_code(profile).ok_or(FrameError::UnknownProfile { code: profile })?;
    let purpose = Purpose::from_flags(flags).ok_or(FrameError::Malformed)?;
    if (outer_threshold, group) != (0, 0) || k < 2 {
        return Err(FrameError::Malformed);
    }
    let mut set_id = [0; SetId::LENGTH];
    set_id.copy_from_slice(&bytes[8..20]);
    let scalar = SecretBytes::<32>::filled_by(|scalar| scalar.copy_from_slice(&bytes[20..52]));
    Ok(Share {
        profile,
        purpose,
        k,
        index: ShareIndex::new(index).ok_or(FrameError::Malformed)?,
        set_id: SetId::from_bytes(set_id),
        scalar: SecretScalar::from_canonical_bytes(scalar.expose_bytes())
            .ok_or(FrameError::Malformed)?,
    })
}

/// The first 4 bytes of the labelled SHA-256.
fn check_of(checked: &[u8]) -> [u8; CHECK_LENGTH] {
    let [a, b, c, d, ..] = <[u8; 32]>::from(
        Sha256::new()
            .chain_update(CHECK_LABEL)
            .chain_update(checked)
            .finalize(),
    );
    [a, b, c, d]
}

/// Bytes that are no share frame of this program. Never says what the bytes are.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// The check does not fit.
    #[error("misread or changed: its check value does not fit")]
    Changed,
    /// Of another version.
    #[error("made by a newer program: share frame version {version}, this program reads version 1")]
    UnknownVersion {
        /// The version byte.
        version: u8,
    },
    /// Not a share.
    #[error("not a share (kind {kind})")]
    UnknownKind {
        /// The kind byte.
        kind: u8,
    },
    /// Of a profile that this program does not know.
    #[error("of a profile that this program does not know (code {code})")]
    UnknownProfile {
        /// The profile byte.
        code: u8,
    },
    /// The check fits, but the fields make no sense: not written by a correct program.
    #[error("not written by a correct program: its check value fits, its fields are impossible")]
    Malformed,
}
