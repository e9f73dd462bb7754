//! RFC 6962 hashing for the writer and the reader: leaves, nodes, the growing right edge, proofs.

use crate::{Hash, Result};
use sha2::{Digest, Sha256};

/// Tile rows hold the hashes of every eighth level of the tree.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The right edge of a growing tree: one hash for each set bit of its size.
#[derive(Clone, Default)]
pub struct Frontier {
    size: u64,
    /// The complete subtree of height `i` at the right edge; valid where bit `i` of `size` is set.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The edge of a tree of `size` leaves out of its complete subtrees `(height, position)`.
    pub fn load(size: u64, subtree: &mut dyn FnMut(u32, u64) -> Result<Hash>) -> Result<Self> {
        let mut peaks = vec![[0; 32]; (u64::BITS - size.leading_zeros()) as usize];
        for (height, peak) in peaks.iter_mut().enumerate() {
            if size >> height & 1 == 1 {
                *peak = subtree(height as u32, (size >> height) - 1)?;
            }
        }
        Ok(Frontier { size, peaks })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `completed` is told every finished subtree whose height is a multiple of
    /// the tile height, the leaf itself included: these are the rows of the tiles.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(usize, &Hash)) {
        let mut hash = leaf;
        let mut height = 0;
        completed(0, &hash);
        while self.size >> height & 1 == 1 {
            hash = node_hash(&self.peaks[height], &hash);
            height += 1;
            if height % TILE_HEIGHT as usize == 0 {
                completed(height / TILE_HEIGHT as usize, &hash);
            }
        }
        if height == self.peaks.len() {
            self.peaks.push(hash);
        } else {
            self.peaks[height] = hash;
        }
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut root: Option<Hash> = None;
        for (height, peak) in self.peaks.iter().enumerate() {
            if self.size >> height & 1 == 1 {
                root = Some(root.map_or(*peak, |right| node_hash(peak, &right)));
            }
        }
        root.unwrap_or_else(empty_root)
    }
}

/// Hashes a row of neighbouring subtrees, a power of two of them, up to their common parent.
pub fn fold_row(mut row: Vec<Hash>) -> Hash {
    debug_assert!(row.len().is_power_of_two());
    while row.len() > 1 {
        for i in 0..row.len() / 2 {
            row[i] = node_hash(&row[2 * i], &row[2 * i + 1]);
        }
        row.truncate(row.len() / 2);
    }
    row[0]
}

/// The hash of the leaves `[from, to)` as RFC 6962 splits them.
pub fn range_hash(
    from: u64,
    to: u64,
    subtree: &mut dyn FnMut(u32, u64) -> Result<Hash>,
) -> Result<Hash> {
    let count = to - from;
    if count == 0 {
        return Ok(empty_root());
    }
    if count.is_power_of_two() {
        let height = count.trailing_zeros();
        return subtree(height, from >> height);
    }
    let middle = from + split(count);
    let left = range_hash(from, middle, subtree)?;
    Ok(node_hash(&left, &range_hash(middle, to, subtree)?))
}

/// RFC 6962, 2.1.1: the hashes beside the way from leaf `index` up to the root of `size` leaves.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    subtree: &mut dyn FnMut(u32, u64) -> Result<Hash>,
) -> Result<Vec<Hash>> {
    let (mut from, mut to) = (0, size);
    let mut proof = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            proof.push(range_hash(middle, to, subtree)?);
            to = middle;
        } else {
            proof.push(range_hash(from, middle, subtree)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// RFC 6962, 2.1.2: that the tree of `old` leaves is the beginning of the tree of `new` ones.
pub fn consistency_proof(
    old: u64,
    new: u64,
    subtree: &mut dyn FnMut(u32, u64) -> Result<Hash>,
) -> Result<Vec<Hash>> {
    if old == 0 || old == new {
        return Ok(Vec::new());
    }
    let (mut from, mut to) = (0, new);
    let mut proof = Vec::new();
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(range_hash(middle, to, subtree)?);
            to = middle;
        } else {
            proof.push(range_hash(from, middle, subtree)?);
            from = middle;
        }
    }
    if from != 0 {
        proof.push(range_hash(from, to, subtree)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}
