//! The Merkle tree over a log's leaves (RFC 9162 §2.1, which is RFC 6962's): its root while it grows, and proofs that a leaf is in it or
//! that it grew out of a smaller one.
//!
//! A record's leaf is used as the leaf hash itself (docs/format.md §7.1, §8.4). What a leaf stands for is no business of this file.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::vault::leaf::LeafHash;

const NODE_PREFIX: u8 = 1;

/// The root hash of a tree. As text base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Root(pub [u8; 32]);

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

/// Text that is not the base64 of a hash.
#[derive(Debug, Error)]
#[error("not the base64 of a SHA-256")]
pub struct NotAHash;

impl FromStr for Root {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        hash_of_base64(text).map(Self)
    }
}

pub(super) fn hash_of_base64(text: &str) -> Result<[u8; 32], NotAHash> {
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| NotAHash)?;
    bytes.try_into().map_err(|_| NotAHash)
}

/// A tree that only grows, as the roots of its perfect subtrees (a *compact range*): enough to append and to tell the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Largest subtree first; one for each bit that is set in `size`.
    peaks: Vec<[u8; 32]>,
}

impl Tree {
    /// The tree without leaves.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The tree with these subtrees; `None` when they are not as many as a tree of `size` leaves has.
    #[must_use]
    pub fn from_peaks(size: u64, peaks: Vec<[u8; 32]>) -> Option<Self> {
        (u32::try_from(peaks.len()) == Ok(size.count_ones())).then_some(Self { size, peaks })
    }

    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, the largest first.
    #[must_use]
    pub fn peaks(&self) -> &[[u8; 32]] {
        &self.peaks
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: LeafHash) {
        let mut node = leaf.0;
        // One subtree of each size: those that are full now join, as in a binary counter.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            node = parent(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root hash; of the empty tree the SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Root {
        let mut peaks = self.peaks.iter().rev().copied();
        let Some(smallest) = peaks.next() else {
            return Root(Sha256::digest([]).into());
        };
        Root(peaks.fold(smallest, |right, left| parent(&left, &right)))
    }
}

impl FromIterator<LeafHash> for Tree {
    fn from_iter<I: IntoIterator<Item = LeafHash>>(leaves: I) -> Self {
        let mut tree = Self::empty();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

fn parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new().chain_update([NODE_PREFIX]);
    hash.chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// The proof that leaf number `index` is in the tree over `leaves` (RFC 9162 §2.1.3.1); `None` when there is no such leaf.
#[must_use]
pub fn inclusion_proof(leaves: &[LeafHash], index: u64) -> Option<Vec<[u8; 32]>> {
    let mut index = usize::try_from(index)
        .ok()
        .filter(|index| *index < leaves.len())?;
    let (mut rest, mut proof) = (leaves, Vec::new());
    while rest.len() > 1 {
        let (left, right) = rest.split_at(largest_power_below(rest.len()));
        let other = if index < left.len() {
            rest = left;
            right
        } else {
            index -= left.len();
            rest = right;
            left
        };
        proof.push(root_of(other));
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that `leaf` is number `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn verify_inclusion(
    leaf: LeafHash,
    index: u64,
    size: u64,
    proof: &[[u8; 32]],
    root: Root,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf.0;
    for other in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = parent(other, &hash);
            let levels = at.trailing_zeros();
            (at, last) = (shifted(at, levels), shifted(last, levels));
        } else {
            hash = parent(&hash, other);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == root.0
}

/// The proof that the tree over `leaves` grew out of the tree over its first `from` ones (RFC 9162 §2.1.4.1); `None` when there are not so
/// many, or none.
#[must_use]
pub fn consistency_proof(leaves: &[LeafHash], from: u64) -> Option<Vec<[u8; 32]>> {
    let mut from = usize::try_from(from)
        .ok()
        .filter(|from| (1..=leaves.len()).contains(from))?;
    let (mut rest, mut proof, mut is_whole_old_tree) = (leaves, Vec::new(), true);
    while from < rest.len() {
        let (left, right) = rest.split_at(largest_power_below(rest.len()));
        if from <= left.len() {
            proof.push(root_of(right));
            rest = left;
        } else {
            proof.push(root_of(left));
            (rest, from, is_whole_old_tree) = (right, from - left.len(), false);
        }
    }
    if !is_whole_old_tree {
        proof.push(root_of(rest));
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that the tree of `size` leaves with root `new` grew out of the one of `from` leaves with root `old` (RFC 9162
/// §2.1.4.2). Out of the empty tree every tree grows, without a proof.
#[must_use]
pub fn verify_consistency(from: u64, old: Root, size: u64, new: Root, proof: &[[u8; 32]]) -> bool {
    if from == 0 || from == size {
        let is_empty = Tree::empty().root() == old;
        return proof.is_empty() && if from == size { old == new } else { is_empty };
    }
    let (first, rest) = match proof {
        rest if from.is_power_of_two() => (&old.0, rest),
        [first, rest @ ..] => (first, rest),
        [] => return false,
    };
    if from > size {
        return false;
    }
    let levels = (from - 1).trailing_ones();
    let (mut at, mut last) = ((from - 1) >> levels, (size - 1) >> levels);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for other in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = parent(other, &old_hash);
            new_hash = parent(other, &new_hash);
            let levels = at.trailing_zeros();
            (at, last) = (shifted(at, levels), shifted(last, levels));
        } else {
            new_hash = parent(&new_hash, other);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old_hash == old.0 && new_hash == new.0
}

/// `number >> levels`, and 0 for 64 levels and more.
fn shifted(number: u64, levels: u32) -> u64 {
    number.checked_shr(levels).unwrap_or(0)
}

fn root_of(leaves: &[LeafHash]) -> [u8; 32] {
    leaves.iter().copied().collect::<Tree>().root().0
}

/// The largest power of two that is less than `count`, which is at least 2.
fn largest_power_below(count: usize) -> usize {
    1 << (count - 1).ilog2()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seal::vectors::{Vectors, hash};

    fn leaves(count: u64) -> Vec<LeafHash> {
        let leaf = |i: u64| LeafHash(Sha256::digest(i.to_be_bytes()).into());
        (0..count).map(leaf).collect()
    }

    fn tree(leaves: &[LeafHash]) -> Tree {
        leaves.iter().copied().collect()
    }

    #[test]
    fn roots_and_proofs_are_those_that_python_computes() {
        let vectors = Vectors::read();
        let leaves: Vec<LeafHash> = vectors
            .leaves
            .iter()
            .map(|leaf| LeafHash(hash(leaf)))
            .collect();
        for (size, root) in vectors.roots.iter().enumerate() {
            assert_eq!(
                tree(&leaves[..size]).root(),
                Root(hash(root)),
                "size {size}"
            );
        }
        assert_eq!(
            (vectors.inclusion.len(), vectors.consistency.len()),
            (36, 36)
        );
        for case in vectors.inclusion {
            let proof = inclusion_proof(&leaves[..case.size], case.index).unwrap();
            assert_eq!(
                proof,
                case.proof.iter().map(|h| hash(h)).collect::<Vec<_>>()
            );
        }
        for case in vectors.consistency {
            let proof = consistency_proof(&leaves[..case.to], case.from).unwrap();
            assert_eq!(
                proof,
                case.proof.iter().map(|h| hash(h)).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn every_inclusion_proof_verifies_and_none_for_another_leaf_index_size_or_root() {
        for size in 1..=33 {
            let leaves = leaves(size);
            let root = tree(&leaves).root();
            for index in 0..size {
                let proof = inclusion_proof(&leaves, index).unwrap();
                let leaf = leaves[usize::try_from(index).unwrap()];
                for other in 0..size + 2 {
                    let verifies = verify_inclusion(leaf, other, size, &proof, root);
                    assert_eq!(verifies, other == index, "{index} as {other} of {size}");
                }
                let other_leaf = LeafHash([9; 32]);
                assert!(!verify_inclusion(other_leaf, index, size, &proof, root));
                assert!(!verify_inclusion(leaf, index, size, &proof, Root([9; 32])));
                let longer = [proof.clone(), vec![[0; 32]]].concat();
                assert!(!verify_inclusion(leaf, index, size, &longer, root));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!verify_inclusion(leaf, index, size, shorter, root));
                }
            }
            assert_eq!(inclusion_proof(&leaves, size), None);
        }
    }

    #[test]
    fn every_consistency_proof_verifies_and_none_for_other_trees() {
        for size in 1..=33 {
            let leaves = leaves(size);
            let new = tree(&leaves).root();
            for from in 1..=size {
                let old = tree(&leaves[..usize::try_from(from).unwrap()]).root();
                let proof = consistency_proof(&leaves, from).unwrap();
                assert!(
                    verify_consistency(from, old, size, new, &proof),
                    "{from} of {size}"
                );
                let wrong = Root([9; 32]);
                assert!(!verify_consistency(from, wrong, size, new, &proof));
                assert!(!verify_consistency(from, old, size, wrong, &proof));
                for other in (0..size + 2).filter(|other| *other != from) {
                    assert!(
                        !verify_consistency(other, old, size, new, &proof),
                        "{other} for {from} of {size}"
                    );
                }
                let longer = [proof.clone(), vec![[0; 32]]].concat();
                assert!(!verify_consistency(from, old, size, new, &longer));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!verify_consistency(from, old, size, new, shorter));
                }
            }
            assert_eq!(consistency_proof(&leaves, 0), None);
            assert_eq!(consistency_proof(&leaves, size + 1), None);
            assert!(verify_consistency(0, Tree::empty().root(), size, new, &[]));
        }
    }

    #[test]
    fn a_tree_comes_back_from_its_peaks_and_not_from_more_or_fewer() {
        let grown = tree(&leaves(11));
        let peaks = grown.peaks().to_vec();
        assert_eq!(Tree::from_peaks(11, peaks.clone()), Some(grown));
        assert_eq!(Tree::from_peaks(12, peaks), None);
        assert_eq!(Tree::from_peaks(0, Vec::new()), Some(Tree::empty()));
    }

    proptest! {
        #[test]
        fn hostile_numbers_and_proofs_never_panic(
            index in any::<u64>(), size in any::<u64>(), steps in 0_usize..80
        ) {
            let proof = vec![[7; 32]; steps];
            let root = Root([1; 32]);
            prop_assert!(!verify_inclusion(LeafHash([2; 32]), index, size, &proof, root));
            prop_assert!(!verify_consistency(index, Root([3; 32]), size, root, &proof));
        }
    }
}
