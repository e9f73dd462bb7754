//! What the judge must remember of other rows: the lawful state of rows that others hang on,
//! and how many lawful companions a row has.
//!
//! Memory, hash tables at their usual load: about 35 bytes for each row of a table that is
//! somebody's parent; about 50 bytes for each companion row and 35 for each row that has one.
//! Other rows cost nothing.

use crate::policy::{ABSENT, CompiledPolicy, CompiledTable, StateId};
use model::{Key, Row, ValueRef};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hasher};

/// A row's key in 16 bytes: the key itself where it has at most 15, else a 120-bit hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId(u128);

const INLINE: usize = 15;
const HASHED: u128 = 0xff << 120;

impl RowId {
    pub(crate) fn of(key: &Key) -> Self {
        Self::of_bytes(&key.0)
    }

    /// The row that these columns point to; `None` when one of them is NULL.
    pub(crate) fn pointed_to(row: &Row, columns: &[u16]) -> Option<Self> {
        Self::of_cells(columns, |column| {
            row.get(usize::from(column)).unwrap_or(ValueRef::Null)
        })
    }

    pub(crate) fn of_cells<'a>(
        columns: &[u16],
        cell: impl Fn(u16) -> ValueRef<'a>,
    ) -> Option<Self> {
        if let [column] = columns
            && let ValueRef::Integer(i) = cell(*column)
        {
            // The same bytes as `Key::of`, without its allocation.
            let mut bytes = [1; 9];
            bytes[1..].copy_from_slice(&((i as u64) ^ (1 << 63)).to_be_bytes());
            return Some(Self::of_bytes(&bytes));
        }
        Key::of(columns.iter().map(|c| cell(*c))).map(|key| Self::of(&key))
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.len() <= INLINE {
            let mut out = [0; 16];
            out[0] = bytes.len() as u8;
            out[1..=bytes.len()].copy_from_slice(bytes);
            return Self(u128::from_be_bytes(out));
        }
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u8(salt);
            hasher.write(bytes);
            u128::from(hasher.finish())
        };
        Self(HASHED | half(1) << 64 | half(2))
    }
}

/// A row that others may hang on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    /// Lawful state; for a forged row the state it shows.
    pub(crate) state: StateId,
    /// Lawful state before the batch `batch`.
    before: StateId,
    pub(crate) forged: bool,
    pub(crate) money_tainted: bool,
    /// Wraps after four thousand million batches; a row untouched for exactly as long is merely
    /// judged with the state it had before its last change.
    batch: u32,
}

#[derive(Debug, Default)]
struct Links {
    /// Number of lawful companions of a row.
    counts: HashMap<RowId, u32>,
    /// Companion row -> the row that it counts for.
    of: HashMap<RowId, RowId>,
}

#[derive(Debug)]
pub(crate) struct Relations {
    parents: Vec<HashMap<RowId, Parent>>,
    links: Vec<Links>,
    batch: u32,
}

impl Relations {
    pub(crate) fn new(policy: &CompiledPolicy) -> Self {
        Self {
            parents: policy.tables().iter().map(|_| HashMap::new()).collect(),
            links: policy
                .relations()
                .iter()
                .map(|_| Links::default())
                .collect(),
            batch: 0,
        }
    }

    pub(crate) fn begin_batch(&mut self) {
        self.batch = self.batch.wrapping_add(1);
    }

    /// The row lawfully stands there, new or changed.
    pub(crate) fn stands(&mut self, number: u16, table: &CompiledTable, id: RowId, row: &Row) {
        if table.is_parent {
            self.move_to(number, id, table.state_of(row));
        }
        self.link(table, id, row);
    }

    /// Puts a row into a lawful state; clears what was wrong with it.
    pub(crate) fn move_to(&mut self, number: u16, id: RowId, state: StateId) {
        let batch = self.batch;
        let fresh = |before| Parent {
            state,
            before,
            forged: false,
            money_tainted: false,
            batch,
        };
        match self.parents[usize::from(number)].entry(id) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                let before = if known.batch == batch {
                    known.before
                } else {
                    known.state
                };
                let money_tainted = known.money_tainted;
                *known = Parent {
                    money_tainted,
                    ..fresh(if known.forged { ABSENT } else { before })
                };
            }
            Entry::Vacant(place) => {
                place.insert(fresh(ABSENT));
            }
        }
    }

    /// Forgets that this batch touched the row.
    pub(crate) fn settle(&mut self, number: u16, id: RowId) {
        if let Some(row) = self.parents[usize::from(number)].get_mut(&id) {
            row.before = row.state;
        }
    }

    /// Takes back this batch's move of a row.
    pub(crate) fn move_back(&mut self, number: u16, id: RowId) {
        if let Some(row) = self.parents[usize::from(number)].get_mut(&id)
            && row.batch == self.batch
        {
            row.state = row.before;
        }
    }

    /// A forged row shows this state; nothing may count on it.
    pub(crate) fn forged(&mut self, number: u16, table: &CompiledTable, id: RowId, row: &Row) {
        if table.is_parent {
            self.move_to(number, id, table.state_of(row));
            if let Some(row) = self.parents[usize::from(number)].get_mut(&id) {
                row.forged = true;
            }
        }
        self.unlink(table, id);
    }

    pub(crate) fn taint_money(&mut self, number: u16, id: RowId, tainted: bool) {
        if let Some(row) = self.parents[usize::from(number)].get_mut(&id) {
            row.money_tainted = tainted;
        }
    }

    /// The row is lawfully gone, or a forged one has disappeared.
    pub(crate) fn gone(&mut self, number: u16, table: &CompiledTable, id: RowId) {
        if table.is_parent {
            self.parents[usize::from(number)].remove(&id);
        }
        self.unlink(table, id);
    }

    pub(crate) fn link(&mut self, table: &CompiledTable, id: RowId, row: &Row) {
        for &(relation, ref via) in &table.companion_in {
            let to = RowId::pointed_to(row, via);
            self.links[relation].point(id, to);
        }
    }

    pub(crate) fn unlink(&mut self, table: &CompiledTable, id: RowId) {
        for (relation, _) in &table.companion_in {
            self.links[*relation].point(id, None);
        }
    }

    pub(crate) fn parent(&self, number: u16, id: RowId) -> Option<&Parent> {
        self.parents.get(usize::from(number))?.get(&id)
    }

    /// The state from which this batch took the row, or its state when the batch left it alone.
    pub(crate) fn before(&self, parent: &Parent) -> StateId {
        if parent.batch == self.batch {
            parent.before
        } else {
            parent.state
        }
    }

    pub(crate) fn has_companion(&self, relation: usize, id: RowId) -> bool {
        self.links
            .get(relation)
            .is_some_and(|links| links.counts.contains_key(&id))
    }
}

impl Links {
    fn point(&mut self, companion: RowId, to: Option<RowId>) {
        let before = match to {
            Some(to) => self.of.insert(companion, to),
            None => self.of.remove(&companion),
        };
        if before == to {
            return;
        }
        if let Some(before) = before
            && let Entry::Occupied(mut count) = self.counts.entry(before)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if let Some(to) = to {
            *self.counts.entry(to).or_insert(0) += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pointer_and_the_key_it_points_to_are_one(i in any::<i64>(), text in ".{0,30}") {
            for value in [ValueRef::Integer(i), ValueRef::Text(text.as_bytes())] {
                let row = Row::from_values([ValueRef::Null, value]);
                let key = Key::of([value]).unwrap();
                prop_assert_eq!(RowId::pointed_to(&row, &[1]), Some(RowId::of(&key)));
                prop_assert_eq!(RowId::pointed_to(&row, &[0]), None);
            }
        }
    }

    #[test]
    fn long_keys_that_differ_at_the_end_differ() {
        let id = |text: &str| RowId::of(&Key::of([ValueRef::Text(text.as_bytes())]).unwrap());
        assert_ne!(
            id("a-very-long-order-number-1"),
            id("a-very-long-order-number-2")
        );
        assert_eq!(
            id("a-very-long-order-number-1"),
            id("a-very-long-order-number-1")
        );
    }
}
