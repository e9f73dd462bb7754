//! RFC 6962 hashing, written anew for the verifier.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

pub fn leaf(entry: &[u8]) -> Hash {
    let mut state = Sha256::new();
    state.update(b"\x00");
    state.update(entry);
    state.finalize().into()
}

fn parent(left: &Hash, right: &Hash) -> Hash {
    let mut state = Sha256::new();
    state.update([&b"\x01"[..], left, right].concat());
    state.finalize().into()
}

/// SHA-256 of plain bytes.
pub fn plain(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The tree so far as a stack of complete subtrees, the largest first.
#[derive(Clone, Default)]
pub struct Tree {
    stack: Vec<(u32, Hash)>,
    pub leaves: u64,
}

impl Tree {
    /// `completed(height, hash)` hears of every subtree that this leaf completes.
    pub fn add(&mut self, leaf: Hash, mut completed: impl FnMut(u32, &Hash)) {
        completed(0, &leaf);
        let (mut height, mut hash) = (0, leaf);
        while let Some((_, left)) = self.stack.pop_if(|(left, _)| *left == height) {
            hash = parent(&left, &hash);
            height += 1;
            completed(height, &hash);
        }
        self.stack.push((height, hash));
        self.leaves += 1;
    }

    pub fn root(&self) -> Hash {
        let mut subtrees = self.stack.iter().rev();
        match subtrees.next() {
            None => plain(&[]),
            Some((_, last)) => subtrees.fold(*last, |right, (_, left)| parent(left, &right)),
        }
    }
}

/// The root that an audit path leads to (RFC 9162, 2.1.3.2); `None` when its length is wrong.
pub fn root_from_path(leaf: &Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut at, mut last) = (index, size.checked_sub(1)?);
    let mut hash = *leaf;
    for beside in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = parent(beside, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = parent(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}
