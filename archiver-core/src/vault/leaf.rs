//! The leaf of a record: one hash over everything that the record's place in its log binds (docs/format.md §7.1).
//!
//! It has the form of an RFC 6962 leaf hash. This file computes leaves; whether a stored leaf is the right one is for
//! readers to compare.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::identity::UtcTime;

const RFC6962_LEAF_PREFIX: u8 = 0;
const LEAF_VERSION: u8 = 1;
const KIND_RECORD: u8 = 1;

/// The name of a log: 16 random bytes, drawn when the first record with our header is appended to a vault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub [u8; 16]);

/// A leaf: the SHA-256 that stands for one record of a log, and the `prev` of the next.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeafHash(pub [u8; 32]);

impl LeafHash {
    /// What a log's first record has as its `prev`.
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
    /// Hashes both parts (for how to part a message see [`crate::openpgp::framing::split_message`]).
    #[must_use]
    pub fn of(session_keys: &[u8], rest: &[u8]) -> Self {
        Self {
            session_keys: Sha256::digest(session_keys).into(),
            rest: Sha256::digest(rest).into(),
        }
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
    /// The leaf of the record before, or [`LeafHash::BEFORE_THE_FIRST`].
    pub prev: LeafHash,
}

impl Place {
    /// The leaf of a record with this body at this place.
    ///
    /// `gap` is the SHA-256 of all bytes of the vault between the end of the log's record before (or the file's start) and
    /// this record's begin line.
    #[must_use]
    pub fn leaf(&self, body: &BodyDigests, gap: &[u8; 32]) -> LeafHash {
        let no_origin_proof = Sha256::digest([]);
        let hash = Sha256::new()
            .chain_update([RFC6962_LEAF_PREFIX, LEAF_VERSION, KIND_RECORD])
            .chain_update(self.log.0)
            .chain_update(self.seq.to_be_bytes())
            .chain_update(self.time.unix().to_be_bytes())
            .chain_update(self.prev.0)
            .chain_update(body.session_keys)
            .chain_update(body.rest)
            .chain_update(no_origin_proof)
            .chain_update(gap);
        LeafHash(hash.finalize().into())
    }
}

/// Text that is not the lower-case hex of a log id or a leaf.
#[derive(Debug, Error)]
#[error("expected {expected} lower-case hex digits")]
pub struct NotHex {
    expected: usize,
}

/// Reads exactly `2·N` lower-case hex digits.
fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    HEXLOWER
        .decode(text.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(NotHex { expected: 2 * N })
}

macro_rules! hex_text {
    ($($type:ident),+) => { $(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl FromStr for $type {
            type Err = NotHex;

            /// Reads lower-case hex, so that text and value map one to one.
            fn from_str(text: &str) -> Result<Self, NotHex> {
                from_hex(text).map(Self)
            }
        }
    )+ };
}

hex_text!(LogId, LeafHash);

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
        place.leaf(&body, &Sha256::digest([]).into())
    }

    fn second_leaf() -> LeafHash {
        let place = Place {
            log: LogId([0xa5; 16]),
            seq: u64::MAX,
            time: UtcTime::from_unix(-1).unwrap(),
            prev: first_leaf(),
        };
        let body = BodyDigests::of(b"", b"x");
        place.leaf(&body, &Sha256::digest(b"torn\n").into())
    }

    #[test]
    fn hex_has_one_form_and_one_length() {
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
    }
}
