//! Whole transactions that are handed over at once; no row stands in them twice.

use super::transaction::Transaction;
use crate::source::FeedBatch;
use model::Key;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A batch ends behind the transaction that reaches one of these.
const MAX_ROWS: usize = 8_192;
const MAX_BYTES: usize = 4 << 20;
const MAX_TRANSACTIONS: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Batch {
    batch: FeedBatch,
    /// Hashes of the rows in it; two rows of one hash only end it early.
    rows: HashSet<u64>,
    hasher: RandomState,
    bytes: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.batch.transactions.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.batch.observed.len() >= MAX_ROWS
            || self.bytes >= MAX_BYTES
            || self.batch.transactions.len() >= MAX_TRANSACTIONS
    }

    /// Whether none of its rows stands in the batch, and the batch does not grow without measure.
    pub(super) fn takes(&self, transaction: &Transaction) -> bool {
        self.is_empty()
            || (self.batch.observed.len() + transaction.rows.len() <= 2 * MAX_ROWS
                && self.bytes + transaction.bytes <= 2 * MAX_BYTES
                && transaction
                    .rows
                    .iter()
                    .all(|row| !self.rows.contains(&self.hash(row.table, &row.key))))
    }

    pub(super) fn add(&mut self, transaction: Transaction) {
        let number = self.batch.transactions.len() as u32;
        for mut row in transaction.rows {
            self.rows.insert(self.hash(row.table, &row.key));
            row.transaction = number;
            self.batch.observed.push(row);
        }
        self.bytes += transaction.bytes;
        self.batch.unreadable.extend(transaction.unreadable);
        self.batch.position = transaction.source.position;
        self.batch.commits += 1;
        self.batch.transactions.push(transaction.source);
    }

    pub(super) fn finish(self) -> FeedBatch {
        self.batch
    }

    fn hash(&self, table: u16, key: &Key) -> u64 {
        self.hasher.hash_one((table, key))
    }
}
