//! The rows seen last, in the clear, so that a busy row is not read back from the journal.
//!
//! Two generations: rows go into the young one; when that is full and durable, it becomes the old
//! one and the old one is dropped. Rows whose entries are not durable yet are thus always here.

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
}

impl RowCache {
    pub fn get(&self, table: u16, key: &Key) -> Option<Row> {
        let slot = (table, key.clone());
        self.young
            .get(&slot)
            .or_else(|| self.old.get(&slot))
            .cloned()
    }

    pub fn put(&mut self, table: u16, key: &Key, row: &Row) {
        self.young_bytes += row.as_bytes().len() + key.0.len();
        self.young.insert((table, key.clone()), row.clone());
    }

    pub fn forget(&mut self, table: u16, key: &Key) {
        let slot = (table, key.clone());
        self.young.remove(&slot);
        self.old.remove(&slot);
    }

    /// Everything put so far can be read back from the journal.
    pub fn settled(&mut self) {
        if self.young.len() >= YOUNG_ROWS || self.young_bytes >= YOUNG_BYTES {
            self.old = std::mem::take(&mut self.young);
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
        cache.put(0, &key(-1), &row(-1));
        for turn in 0..2 {
            for i in 0..YOUNG_ROWS as i64 {
                cache.put(0, &key(i), &row(i));
            }
            assert_eq!(cache.get(0, &key(-1)), Some(row(-1)), "turn {turn}");
            if turn == 0 {
                cache.settled();
            }
        }
        cache.settled();
        assert_eq!(cache.get(0, &key(-1)), None);
        assert_eq!(cache.get(0, &key(7)), Some(row(7)));
        cache.forget(0, &key(7));
        assert_eq!(cache.get(0, &key(7)), None);
    }
}
