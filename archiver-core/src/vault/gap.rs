//! The SHA-256 of a gap, which can be interrupted where a segment ends: what is hashed so far can be written down and gone on with, without
//! the bytes (docs/format.md §7.5).

use std::mem;

use sha2::block_api::compress256;

const BLOCK: usize = 64;
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// An unfinished SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GapHash {
    /// After all whole blocks.
    state: [u32; 8],
    bytes: u64,
    /// The bytes behind the last whole block; fewer than a block.
    rest: Vec<u8>,
}

impl Default for GapHash {
    fn default() -> Self {
        Self {
            state: INITIAL,
            bytes: 0,
            rest: Vec::new(),
        }
    }
}

impl GapHash {
    /// What was written down: a number of bytes, the state after their whole blocks, and the bytes behind these. `None` when these three cannot
    /// belong together.
    pub(crate) fn resumed(bytes: u64, state: [u8; 32], rest: Vec<u8>) -> Option<Self> {
        let words = state.as_chunks::<4>().0.iter();
        let mut resumed = Self {
            state: [0; 8],
            bytes,
            rest,
        };
        for (word, bytes) in resumed.state.iter_mut().zip(words) {
            *word = u32::from_be_bytes(*bytes);
        }
        let has_whole_block = bytes >= BLOCK as u64;
        let is_possible = resumed.rest.len() as u64 == bytes % BLOCK as u64
            && (has_whole_block || resumed.state == INITIAL);
        is_possible.then_some(resumed)
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.wrapping_add(bytes.len() as u64);
        let mut bytes = bytes;
        if !self.rest.is_empty() {
            let (first, later) = bytes.split_at(bytes.len().min(BLOCK - self.rest.len()));
            self.rest.extend_from_slice(first);
            bytes = later;
            if self.rest.len() == BLOCK {
                let block = mem::take(&mut self.rest);
                compress256(&mut self.state, block.as_chunks().0);
            }
        }
        let (blocks, rest) = bytes.as_chunks();
        compress256(&mut self.state, blocks);
        self.rest.extend_from_slice(rest);
    }

    /// The SHA-256 of all that was taken in.
    #[must_use]
    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.bytes.wrapping_mul(8);
        let behind = (self.rest.len() + 1 + mem::size_of_val(&bits)) % BLOCK;
        let mut padding = vec![0; 1 + (BLOCK - behind) % BLOCK];
        if let Some(first) = padding.first_mut() {
            *first = 0x80;
        }
        padding.extend_from_slice(&bits.to_be_bytes());
        self.update(&padding);
        self.state()
    }

    /// How many bytes were taken in.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn state(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *place = word.to_be_bytes();
        }
        bytes
    }

    pub(crate) fn rest(&self) -> &[u8] {
        &self.rest
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn resumed(hash: &GapHash) -> Option<GapHash> {
        GapHash::resumed(hash.bytes(), hash.state(), hash.rest().to_vec())
    }

    #[test]
    fn it_is_sha_256_wherever_it_is_interrupted() {
        let bytes: Vec<u8> = (0..300_u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
        for length in 0..bytes.len() {
            let expected: [u8; 32] = Sha256::digest(&bytes[..length]).into();
            for at in [0, 1, 55, 56, 63, 64, 65, 127, 128, 200] {
                let (before, behind) = bytes[..length].split_at(at.min(length));
                let mut hash = GapHash::default();
                hash.update(before);
                let mut hash = resumed(&hash).unwrap();
                hash.update(behind);
                assert_eq!(hash.bytes(), length as u64);
                assert_eq!(hash.finish(), expected, "{length} bytes, cut at {at}");
            }
        }
    }

    #[test]
    fn parts_that_cannot_belong_together_are_refused() {
        let mut hash = GapHash::default();
        hash.update(&[7; 70]);
        assert_eq!(resumed(&hash), Some(hash.clone()));
        assert_eq!(GapHash::resumed(71, hash.state(), vec![7; 6]), None);
        assert_eq!(GapHash::resumed(70, hash.state(), vec![7; 70]), None);
        assert_eq!(GapHash::resumed(6, hash.state(), vec![7; 6]), None);
    }
}
