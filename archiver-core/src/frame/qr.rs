//! The text in a sheet's QR code: a prefix and the frame in base32, all in the code's alphanumeric set (`docs/format.md` §4.1).

use data_encoding::{BASE32_NOPAD, DecodeKind};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{FrameError, LENGTH, decode, encode};
use crate::secret::{SecretBytes, SecretText};
use crate::share::Share;

const PREFIX: &str = "ARCHIVER-SHARE-1:";
const PREFIX_OF_ANY_VERSION: &str = "ARCHIVER-SHARE-";
/// Base32 digits of a frame: 8 for every 5 bytes, rounded up.
const DIGITS: usize = (LENGTH * 8).div_ceil(5);
/// More than any share's text with blanks in it; longer input is not looked at.
const MOST_BYTES: usize = 4096;

/// The text for a share's QR code, 107 characters. A secret.
#[must_use]
pub fn to_qr_text(share: &Share) -> SecretText {
    let mut text = String::with_capacity(PREFIX.len() + DIGITS);
    text.push_str(PREFIX);
    BASE32_NOPAD.encode_append(encode(share).expose_bytes(), &mut text);
    SecretText::new(text)
}

/// Whether a text is meant as a share's, of this version or another, whole or not: what tells a sheet's code from others on the same page.
#[must_use]
pub fn is_meant_as_share(text: &str) -> bool {
    let start = text
        .trim_start()
        .as_bytes()
        .get(..PREFIX_OF_ANY_VERSION.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX_OF_ANY_VERSION.as_bytes()))
}

/// Reads the text of a share's QR code, scanned or typed: lower case is accepted, white space is ignored everywhere.
///
/// # Errors
/// When the text is not a share's, has a wrong character or length, or its frame was changed. The error names places, never the text.
pub fn from_qr_text(text: &str) -> Result<Share, NotAShareText> {
    if text.len() > MOST_BYTES {
        return Err(NotAShareText::NotAShare);
    }
    let typed = Zeroizing::new(text.to_ascii_uppercase());
    let mut compact = Zeroizing::new(String::with_capacity(typed.len()));
    compact.extend(typed.chars().filter(|c| !c.is_whitespace()));
    let Some(digits) = compact.strip_prefix(PREFIX) else {
        return Err(wrong_prefix(&compact));
    };
    let frame = decode_digits(digits)?;
    Ok(decode(&frame)?)
}

fn wrong_prefix(text: &str) -> NotAShareText {
    let other_version = text
        .strip_prefix(PREFIX_OF_ANY_VERSION)
        .and_then(|rest| rest.split_once(':'));
    match other_version.and_then(|(version, _)| version.parse().ok()) {
        Some(version) => NotAShareText::Frame(FrameError::UnknownVersion { version }),
        None => NotAShareText::NotAShare,
    }
}

fn decode_digits(digits: &str) -> Result<SecretBytes<LENGTH>, NotAShareText> {
    if let Some(position) = digits
        .chars()
        .position(|c| !matches!(c, 'A'..='Z' | '2'..='7'))
    {
        return Err(NotAShareText::WrongCharacter {
            position: position + 1,
        });
    }
    if digits.len() != DIGITS {
        return Err(NotAShareText::WrongLength {
            found: digits.len(),
        });
    }
    let mut result = Ok(LENGTH);
    let frame = SecretBytes::filled_by(|frame| {
        result = BASE32_NOPAD
            .decode_mut(digits.as_bytes(), frame)
            .map_err(|partial| partial.error);
    });
    match result {
        Ok(LENGTH) => Ok(frame),
        Err(error) if error.kind == DecodeKind::Trailing => Err(FrameError::Changed.into()),
        _ => Err(NotAShareText::WrongLength {
            found: digits.len(),
        }),
    }
}

/// Text that does not hold a share.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotAShareText {
    /// No share's prefix.
    #[error("not a share: its text does not begin with ARCHIVER-SHARE-1:")]
    NotAShare,
    /// A character that base32 does not have.
    #[error("misread: character {position} after the colon is not one of A–Z and 2–7")]
    WrongCharacter {
        /// The place after the colon, from 1, blanks not counted.
        position: usize,
    },
    /// Characters are missing or too many.
    #[error("incomplete or too long: {found} characters after the colon, a share has 90")]
    WrongLength {
        /// How many characters there are after the colon, blanks not counted.
        found: usize,
    },
    /// The text is a share's, its frame is not usable.
    #[error(transparent)]
    Frame(#[from] FrameError),
}
