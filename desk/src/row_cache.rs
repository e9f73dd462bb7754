//! The rows seen last, in the clear, so that a busy row is not read back from the journal.
//!
//! Two generations: rows go into the young one; when that is full and the old one durable, it
//! becomes the old one and the old one is dropped. Rows not durable yet are thus always here.

use model::{Key, Row};
use std::collections::HashMap;

/// Rows of the young generation; at 600 bytes a row both generations hold about 80 MB at most.
const YOUNG_ROWS: usize = 32_768;
/// Rows longer than this do not count as busy and are dropped at the next turn.
const YOUNG_BYTES: usize = 24 << 20;

#[derive(Debug, Default)]
pub(crate) struct RowCache {
    young: HashMap<(u16, Key), Row>,
    old: HashMap<(u16, Key), Row>,
    young_bytes: usize,
    /// The rows of the old generation stand in entries below this one.
    old_below: u64,
}

impl RowCache {
    pub fn get(&self, table: u16, key: &Key) -> Option<Row> {
        let slot = (table, key.clone());
        self.young
            .get(&slot)
            .or_else(|| self.old.get(&slot))
            .cloned()
    }

    /// As [`Self::get`], but the row goes out: for a row that is about to be put anew. If that
    /// does not happen, the journal still has it.
    pub fn take(&mut self, table: u16, key: &Key) -> Option<Row> {
        let slot = (table, key.clone());
        // Out of both: an older row must not come to light when the newer one is gone.
        let older = self.old.remove(&slot);
        let Some(row) = self.young.remove(&slot) else {
            return older;
        };
        self.young_bytes -= row.as_bytes().len() + key.0.len();
        Some(row)
    }

    pub fn put(&mut self, table: u16, key: Key, row: Row) {
        let key_bytes = key.0.len();
        self.young_bytes += row.as_bytes().len() + key_bytes;
        if let Some(before) = self.young.insert((table, key), row) {
            self.young_bytes -= before.as_bytes().len() + key_bytes;
        }
    }

    pub fn forget(&mut self, table: u16, key: &Key) {
        drop(self.take(table, key));
    }

    /// Drops the old generation when the young one is full. `written` entries were appended so
    /// far, of which `durable` can be read back from the journal.
    pub fn turn(&mut self, written: u64, durable: u64) {
        let full = self.young.len() >= YOUNG_ROWS || self.young_bytes >= YOUNG_BYTES;
        if full && self.old_below <= durable {
            self.old = std::mem::take(&mut self.young);
            self.old_below = written;
            self.young_bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ValueRef;

    #[test]
    fn a_row_is_there_until_two_turns_after_it_was_durable() {
        let key = |i| Key::of([ValueRef::Integer(i)]).unwrap();
        let row = |i| Row::from_values([ValueRef::Integer(i)]);
        let mut cache = RowCache::default();
        cache.put(0, key(-1), row(-1));
        for turn in 0..2 {
            for i in 0..YOUNG_ROWS as i64 {
                cache.put(0, key(i), row(i));
            }
            assert_eq!(cache.get(0, &key(-1)), Some(row(-1)), "turn {turn}");
            if turn == 0 {
                cache.turn(10, 0);
            }
        }
        // What stands in entries that are not durable yet stays.
        cache.turn(20, 9);
        assert_eq!(cache.get(0, &key(-1)), Some(row(-1)));
        cache.turn(20, 10);
        assert_eq!(cache.get(0, &key(-1)), None);
        assert_eq!(cache.get(0, &key(7)), Some(row(7)));
        cache.forget(0, &key(7));
        assert_eq!(cache.get(0, &key(7)), None);
    }
}
