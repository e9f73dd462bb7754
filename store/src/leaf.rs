//! Bytes of journal leaves until they are copied into the `record` log, and named progress marks.

use crate::error::sql;
use crate::page::{counted, stored};
use crate::{Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The C2SP tile format gives an entry's length in 16 bits.
pub const MAX_LEAF_BYTES: usize = 65_535;
/// Leaves in one read at most: 64 MiB when all are of full length.
pub const MAX_LEAVES_READ: u32 = 1_024;
/// Leaves deleted in one transaction at most, so that callers do not wait behind a prune.
const MAX_PRUNED: i64 = 4_096;

impl Store {
    /// Leaves from `sequence` on, in order, at most [`MAX_LEAVES_READ`]; pruned ones are missing.
    pub fn leaves_from(
        &self,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        self.read("read journal leaves", |db| {
            db.prepare_cached(
                "SELECT sequence, bytes FROM leaf WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2",
            )?
            .query_map(
                params![stored(sequence), limit.min(MAX_LEAVES_READ)],
                |row| Ok((counted(row.get(0)?), row.get(1)?)),
            )?
            .collect()
        })
    }

    /// How many leaves were ever stored: the sequence number of the next one. A journal with more
    /// entries than this is ahead of the store, so an old store was put back.
    pub fn leaf_count(&self) -> Result<u64, StoreError> {
        self.leaf_counter("SELECT next FROM leaf_count")
    }

    /// How many leaves the journal was said to hold.
    pub fn copied_leaves(&self) -> Result<u64, StoreError> {
        self.leaf_counter("SELECT copied FROM leaf_count")
    }

    /// Notes that the journal durably holds all leaves below `up_to`; never goes back.
    /// `Conflict` in `leaves` when so many were never stored.
    pub fn mark_copied(&self, up_to: u64) -> Result<(), StoreError> {
        self.write_quietly(move |db| {
            let next: i64 = db
                .query_row("SELECT next FROM leaf_count", [], |row| row.get(0))
                .map_err(sql("count the leaves"))?;
            if stored(up_to) > next {
                return Err(StoreError::Conflict {
                    collection: "leaves".to_owned(),
                    id: "copied".to_owned(),
                    expected: Some(up_to),
                    found: Some(counted(next)),
                });
            }
            db.execute(
                "UPDATE leaf_count SET copied = max(copied, ?1)",
                [stored(up_to)],
            )
            .map(drop)
            .map_err(sql("note the copied leaves"))
        })
    }

    /// Deletes copied leaves below `below`, oldest first, some thousands in a call; how many it
    /// deleted. Call again until it answers 0.
    pub fn prune_leaves(&self, below: u64) -> Result<u64, StoreError> {
        self.write_quietly(move |db| {
            db.execute(
                "DELETE FROM leaf WHERE sequence IN (
                     SELECT sequence FROM leaf
                     WHERE sequence < ?1 AND sequence < (SELECT copied FROM leaf_count)
                     ORDER BY sequence LIMIT ?2)",
                params![stored(below), MAX_PRUNED],
            )
            .map(|rows| rows as u64)
            .map_err(sql("prune copied leaves"))
        })
    }

    /// A progress mark; `None` before it was first set.
    pub fn position(&self, name: &str) -> Result<Option<u64>, StoreError> {
        self.read("read a progress mark", |db| {
            db.prepare_cached("SELECT position FROM progress WHERE name = ?1")?
                .query_row([name], |row| row.get(0).map(counted))
                .optional()
        })
    }

    fn leaf_counter(&self, query: &str) -> Result<u64, StoreError> {
        self.read("count the leaves", |db| {
            db.query_row(query, [], |row| row.get(0))
        })
        .map(counted)
    }
}

/// Sequence numbers of the first of `leaves` and of the one after the last.
pub(crate) fn append(db: &Connection, leaves: &[Vec<u8>]) -> Result<(u64, u64), StoreError> {
    let first: i64 = db
        .prepare_cached("SELECT next FROM leaf_count")
        .and_then(|mut count| count.query_row([], |row| row.get(0)))
        .map_err(sql("count the leaves"))?;
    if leaves.is_empty() {
        return Ok((counted(first), counted(first)));
    }
    let mut next = first;
    let mut insert = db
        .prepare_cached("INSERT INTO leaf (sequence, bytes) VALUES (?1, ?2)")
        .map_err(sql("store a leaf"))?;
    for bytes in leaves {
        insert
            .execute(params![next, bytes])
            .map_err(sql("store a leaf"))?;
        next += 1;
    }
    db.prepare_cached("UPDATE leaf_count SET next = ?1")
        .and_then(|mut update| update.execute([next]))
        .map_err(sql("count the leaves"))?;
    Ok((counted(first), counted(next)))
}

pub(crate) fn set_position(db: &Connection, name: &str, value: u64) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO progress (name, position) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position",
    )
    .and_then(|mut put| put.execute(params![name, stored(value)]))
    .map(drop)
    .map_err(sql("set a progress mark"))
}
