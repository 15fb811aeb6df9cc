//! The leaf of a record: one hash over everything that the record's place in its log binds (docs/format.md §7.1).
//!
//! It has the form of an RFC 6962 leaf hash. This file computes leaves; whether a stored leaf is the right one is for
//! readers to compare.

use data_encoding::{BASE64, Encoding, HEXLOWER};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::identity::UtcTime;
use crate::origin::OriginProof;

const RFC6962_LEAF_PREFIX: u8 = 0;
/// The version of header and leaf.
const VERSION: u8 = 2;
const KIND_RECORD: u8 = 1;

/// The name of a log: 16 random bytes, drawn when the first record with our header is appended to a vault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub [u8; 16]);

/// A leaf: the SHA-256 that stands for one record of a log, and the `prev` of the next.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeafHash(pub [u8; 32]);

impl LeafHash {
    /// The `prev` of the first record of ours in a vault.
    pub const BEFORE_THE_FIRST: Self = Self([0; 32]);
}

/// SHA-256 of the two parts of a binary message: its session-key packets with their headers, and everything after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyDigests {
    /// SHA-256 of the session-key packets.
    pub session_keys: [u8; 32],
    /// SHA-256 of the remaining packets.
    pub rest: [u8; 32],
}

impl BodyDigests {
    /// Hashes the session-key packets; the rest is hashed already.
    #[must_use]
    pub fn with_rest(session_keys: &[u8], rest: [u8; 32]) -> Self {
        Self {
            session_keys: Sha256::digest(session_keys).into(),
            rest,
        }
    }

    /// Hashes both parts (for how to part a message see [`crate::openpgp::framing::split_message`]).
    #[must_use]
    pub fn of(session_keys: &[u8], rest: &[u8]) -> Self {
        Self::with_rest(session_keys, Sha256::digest(rest).into())
    }
}

/// All that a leaf binds beside the record's place: four SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafParts {
    /// Of the message.
    pub body: BodyDigests,
    /// Of the origin proof.
    pub origin: [u8; 32],
    /// Of the gap.
    pub gap: [u8; 32],
}

impl LeafParts {
    /// How many bytes they are together.
    pub(crate) const LENGTH: usize = 4 * 32;

    /// The parts of a record with this message and this origin proof, behind a gap with this SHA-256.
    pub(crate) fn of(body: &BodyDigests, origin: Option<&OriginProof>, gap: &[u8; 32]) -> Self {
        let origin = origin.map_or(&[][..], |proof| &proof.0);
        Self {
            body: *body,
            origin: Sha256::digest(origin).into(),
            gap: *gap,
        }
    }

    /// In the order in which the leaf takes them.
    pub(crate) fn bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let BodyDigests { session_keys, rest } = self.body;
        let parts = [session_keys, rest, self.origin, self.gap];
        for (place, part) in bytes.as_chunks_mut().0.iter_mut().zip(parts) {
            *place = part;
        }
        bytes
    }

    pub(crate) fn of_bytes(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let [session_keys, rest, origin, gap] = bytes.as_chunks().0 else {
            return None;
        };
        Some(Self {
            body: BodyDigests {
                session_keys: *session_keys,
                rest: *rest,
            },
            origin: *origin,
            gap: *gap,
        })
    }
}

/// Where a record stands: its log, its number there, its time, and the leaf before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub log: LogId,
    /// The record's number in the log, from 0.
    pub seq: u64,
    /// When the record was appended.
    pub time: UtcTime,
    /// The leaf of the record of ours that stands before it in the vault, whichever its log; [`LeafHash::BEFORE_THE_FIRST`] when
    /// there is none.
    pub prev: LeafHash,
}

impl Place {
    /// The leaf of a record with this body and this origin proof at this place.
    ///
    /// `gap` is the SHA-256 of all bytes of the vault between the end of the record of ours before (or the vault's start) and
    /// this record's begin line.
    #[must_use]
    pub fn leaf(
        &self,
        body: &BodyDigests,
        origin: Option<&OriginProof>,
        gap: &[u8; 32],
    ) -> LeafHash {
        self.leaf_of(&LeafParts::of(body, origin, gap))
    }

    /// The leaf of a record at this place of which only these hashes are known.
    #[must_use]
    pub fn leaf_of(&self, parts: &LeafParts) -> LeafHash {
        let hash = Sha256::new()
            .chain_update([RFC6962_LEAF_PREFIX])
            .chain_update(self.bytes(&parts.body))
            .chain_update(parts.origin)
            .chain_update(parts.gap);
        LeafHash(hash.finalize().into())
    }

    /// What leaf and origin proof both bind: version and kind, the place, and the body at it.
    pub(crate) fn bytes(&self, body: &BodyDigests) -> Vec<u8> {
        [
            &[VERSION, KIND_RECORD][..],
            &self.log.0,
            &self.seq.to_be_bytes(),
            &self.time.unix().to_be_bytes(),
            &self.prev.0,
            &body.session_keys,
            &body.rest,
        ]
        .concat()
    }
}

/// Text that is not the one form of a log id, a leaf or an origin proof.
#[derive(Debug, Error)]
#[error("expected {length} characters of {alphabet}")]
pub struct NotItsText {
    length: usize,
    alphabet: &'static str,
}

/// Gives a newtype around bytes one text form, so that text and value map one to one.
macro_rules! one_text_form {
    ($type:ident, $encoding:expr, $alphabet:literal) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$encoding.encode(&self.0))
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::vault::leaf::NotItsText;

            #[doc = concat!("Reads exactly ", $alphabet, ".")]
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::vault::leaf::from_text(text, &$encoding, $alphabet).map(Self)
            }
        }
    };
}
pub(crate) use one_text_form;

/// Decodes exactly `N` bytes. data-encoding takes no blanks, no missing padding and no loose bits.
pub(crate) fn from_text<const N: usize>(
    text: &str,
    encoding: &Encoding,
    alphabet: &'static str,
) -> Result<[u8; N], NotItsText> {
    let bytes = encoding.decode(text.as_bytes()).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(NotItsText {
            length: encoding.encode_len(N),
            alphabet,
        })
}

one_text_form!(LogId, HEXLOWER, "lower-case hex");
one_text_form!(LeafHash, BASE64, "padded base64");

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Frozen vector: `testdata/leaf.txt`, made by `testdata/leaf.py` (Python's hashlib), never by this code.
    #[test]
    fn the_leaf_is_the_one_that_python_computes() {
        let vector = include_str!("../../testdata/leaf.txt");
        let expected: Vec<LeafHash> = vector
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.parse().unwrap())
            .collect();
        assert_eq!(expected, [first_leaf(), second_leaf()]);
    }

    fn first_leaf() -> LeafHash {
        let place = Place {
            log: LogId(std::array::from_fn(|i| u8::try_from(i).unwrap())),
            seq: 0,
            time: UtcTime::from_unix(1_795_552_117).unwrap(),
            prev: LeafHash::BEFORE_THE_FIRST,
        };
        let body = BodyDigests::of(b"session-key packets", b"remaining packets");
        place.leaf(&body, None, &Sha256::digest([]).into())
    }

    fn second_leaf() -> LeafHash {
        let place = Place {
            log: LogId([0xa5; 16]),
            seq: u64::MAX,
            time: UtcTime::from_unix(-1).unwrap(),
            prev: first_leaf(),
        };
        let body = BodyDigests::of(b"", b"x");
        let origin = OriginProof(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        place.leaf(&body, Some(&origin), &Sha256::digest(b"torn\n").into())
    }

    #[test]
    fn a_log_id_and_a_leaf_have_one_text_form() {
        let id = LogId([0xab; 16]);
        assert_eq!(id.to_string().parse::<LogId>().unwrap(), id);
        for other in [
            "",
            "ab",
            &"AB".repeat(16),
            &"ab".repeat(17),
            &"xy".repeat(16),
        ] {
            assert!(other.parse::<LogId>().is_err(), "{other}");
        }
        let leaf = LeafHash([0xab; 32]);
        let text = leaf.to_string();
        assert_eq!(text, "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=");
        assert_eq!(text.parse::<LeafHash>().unwrap(), leaf);
        for other in [
            text.replace("6s=", "6t="),
            text.replace('=', ""),
            format!(" {text}"),
            "ab".repeat(32),
        ] {
            assert!(other.parse::<LeafHash>().is_err(), "{other}");
        }
    }
}
