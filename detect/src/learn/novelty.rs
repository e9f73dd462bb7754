//! How much of a shop is still to be seen.

use super::observe::Net;
use model::policy::WriteKind;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Kinds of transactions that are told apart; with more of them nothing new is counted.
const MAX_KINDS: usize = 20_000;

/// With fewer transactions than this a shop is hardly known, however alike they are.
const FEW: u64 = 400;

/// Which rows of which tables a transaction wrote, and in which columns.
#[derive(Debug, Default)]
pub(super) struct Novelty {
    kinds: BTreeMap<u64, u64>,
    transactions: u64,
}

impl Novelty {
    pub(super) fn observe(&mut self, nets: &[Net]) {
        self.transactions += 1;
        let kind: BTreeSet<(u16, WriteKind, &[u16])> = nets
            .iter()
            .map(|net| (net.table, net.op, net.changed.as_slice()))
            .collect();
        let mut hasher = DefaultHasher::new();
        kind.hash(&mut hasher);
        let kind = hasher.finish();
        if self.kinds.len() < MAX_KINDS || self.kinds.contains_key(&kind) {
            *self.kinds.entry(kind).or_default() += 1;
        }
    }

    /// How many times as many cases to ask for, in percent. The share of transactions of kinds that
    /// were seen once estimates how probable a new kind is (Good and Turing).
    pub(super) fn caution(&self) -> u64 {
        let once = self.kinds.values().filter(|n| **n == 1).count() as u64;
        let new = (once * 5_000 / self.transactions.max(1)).saturating_sub(50);
        let few = if self.transactions < FEW { 50 } else { 0 };
        100 + new.min(150) + few
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Key;

    fn net(table: u16) -> Net {
        Net {
            table,
            op: WriteKind::Update,
            key: Key(vec![1]),
            old: None,
            new: None,
            changed: vec![1],
            unknown: Vec::new(),
            late: Vec::new(),
        }
    }

    #[test]
    fn a_shop_that_shows_new_kinds_asks_for_more_cases() {
        let (mut settled, mut young) = (Novelty::default(), Novelty::default());
        for n in 0..400 {
            settled.observe(&[net(n % 4)]);
            young.observe(&[net(n.min(380))]);
        }
        assert_eq!(settled.caution(), 100);
        assert_eq!(young.caution(), 250);
    }
}
