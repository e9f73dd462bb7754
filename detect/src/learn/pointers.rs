//! Columns that turn out to hold another table's key, though neither schema nor name says so.
//!
//! Looked for only where it serves: among rows of one transaction. A column stays in the running as
//! long as it held the key of a row of the other table every time that both were written together.

use super::company::key_in;
use super::observe::Net;
use super::tables::{Pointer, Tables};
use model::Key;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows of one transaction that are looked at for pointers.
const MAX_ROWS: usize = 48;

/// Pairs of tables that are followed.
const MAX_PAIRS: usize = 10_000;

/// Different rows a column must have pointed to before it is believed.
const ENOUGH_ROWS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct ShownPointers {
    /// (table that points, table pointed to) -> column -> some of the keys it held.
    pairs: BTreeMap<(u16, u16), BTreeMap<u16, BTreeSet<Key>>>,
}

impl ShownPointers {
    pub(super) fn observe(
        &mut self,
        tables: &Tables,
        nets: &[Net],
        by_key: &HashMap<(u16, &Key), usize>,
    ) {
        let nets = &nets[..nets.len().min(MAX_ROWS)];
        let written: BTreeSet<u16> = nets.iter().map(|n| n.table).collect();
        for net in nets {
            for &to in written.iter().filter(|t| **t != net.table) {
                let pair = (net.table, to);
                let holds =
                    |column: u16| key_in(net, column).filter(|key| by_key.contains_key(&(to, key)));
                let room = self.pairs.len() < MAX_PAIRS;
                match self.pairs.get_mut(&pair) {
                    Some(columns) => columns.retain(|column, keys| match holds(*column) {
                        Some(key) => {
                            if keys.len() < ENOUGH_ROWS {
                                keys.insert(key);
                            }
                            true
                        }
                        None => false,
                    }),
                    None if room && tables.has_single_key(to) => {
                        let width = tables.all[usize::from(net.table)].columns.len() as u16;
                        let known = tables.pointers(net.table);
                        let columns = (0..width)
                            .filter(|c| !known.iter().any(|p| p.column == *c && p.to == to))
                            .filter_map(|c| Some((c, BTreeSet::from([holds(c)?]))))
                            .collect();
                        self.pairs.insert(pair, columns);
                    }
                    None => {}
                }
            }
        }
    }

    /// Those still in the running.
    pub(super) fn of(&self, table: u16) -> Vec<Pointer> {
        self.pairs
            .range((table, 0)..=(table, u16::MAX))
            .flat_map(|((_, to), columns)| {
                columns.keys().map(|column| Pointer {
                    column: *column,
                    to: *to,
                })
            })
            .collect()
    }

    pub(super) fn is_believed(&self, from: u16, column: u16, to: u16) -> bool {
        self.pairs
            .get(&(from, to))
            .and_then(|columns| columns.get(&column))
            .is_some_and(|keys| keys.len() >= ENOUGH_ROWS)
    }
}
