//! What is remembered of one guarded table, and what differs from it.
//!
//! Of each row only a 64-bit hash is kept, under a key drawn at random for each process, so that
//! nobody can make two rows that look the same to it. 24 bytes a row, and the tree's shape.

use super::read::{Scanned, each_row, null_key, scan_by_key};
use super::schema::Access;
use super::shape::{Shape, Walk, read_pages, read_shape};
use super::tree::{Images, Range, Tree, join};
use super::{ScanReport, UnreadableRow};
use crate::ConnectError;
use crate::error::ReceiverError;
use model::{Key, Observed, Row, ValueRef};
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Where differences go. Full when more rows changed than a batch may hold.
#[derive(Debug)]
pub(super) struct Differences {
    pub(super) observed: Vec<Observed>,
    pub(super) unreadable: Vec<UnreadableRow>,
    /// Hashes of rows that are gone under their key; one with the same hash may be there elsewhere.
    gone: HashMap<(u16, Key), u64>,
    most: usize,
    pub(super) full: bool,
}

impl Differences {
    pub(super) fn new(most: usize) -> Self {
        Self {
            observed: Vec::new(),
            unreadable: Vec::new(),
            gone: HashMap::new(),
            most,
            full: false,
        }
    }
    fn push(&mut self, observed: Observed) {
        if self.observed.len() >= self.most {
            self.full = true;
        } else {
            self.observed.push(observed);
        }
    }
    fn unreadable(&mut self, row: UnreadableRow) {
        if self.unreadable.len() >= self.most {
            self.full = true;
        } else {
            self.unreadable.push(row);
        }
    }

    /// A key may be gone from one row and there in another: rows exchanged their keys, or one was
    /// deleted and put back. What counts is that it is there; if it looks as before, nothing changed.
    pub(super) fn settle_keys(&mut self, hasher: &RandomState) {
        if self.gone.is_empty() {
            return;
        }
        let place = |o: &Observed| (o.table, o.key.clone());
        let images = self.observed.iter().filter(|o| o.row.is_some());
        let there: HashSet<(u16, Key)> = images
            .map(place)
            .filter(|place| self.gone.contains_key(place))
            .collect();
        let gone = &self.gone;
        self.observed.retain(|o| match &o.row {
            None => !there.contains(&place(o)),
            Some(row) => gone.get(&place(o)) != Some(&hasher.hash_one(row.as_bytes())),
        });
    }
}

/// Where a whole look at the table goes.
pub(super) enum Take<'a> {
    All(
        &'a mut ScanReport,
        &'a mut dyn FnMut(Observed) -> Result<(), ReceiverError>,
    ),
    Differences(&'a mut Differences),
}

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) access: Access,
    /// Read the tree's shape, for following the log's pages.
    follows_pages: bool,
    memory: Memory,
    pub(super) usable: Option<u32>,
}

#[derive(Debug)]
enum Memory {
    Rows {
        tree: Tree,
        seen: BTreeMap<i64, Seen>,
    },
    Keys {
        pages: HashSet<u32>,
        seen: BTreeMap<Vec<u8>, u64>,
        without_key: u64,
        again: bool,
        /// A change was compared whose commit may not have been visible yet.
        once_more: bool,
    },
}

/// A row as it was seen last: its hash, and its key where that is not the rowid (`None`: NULL).
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    hash: u64,
    key: Option<Box<[u8]>>,
}

impl Watch {
    pub(super) fn new(access: Access, follows_pages: bool) -> Self {
        let memory = if access.rowid.is_some() {
            Memory::Rows {
                tree: Tree::default(),
                seen: BTreeMap::new(),
            }
        } else {
            Memory::Keys {
                pages: HashSet::new(),
                seen: BTreeMap::new(),
                without_key: 0,
                again: false,
                once_more: false,
            }
        };
        Self {
            access,
            follows_pages,
            memory,
            usable: None,
        }
    }

    /// Looks at every row and remembers all of it anew.
    pub(super) fn take(
        &mut self,
        db: &Connection,
        hasher: &RandomState,
        mut to: Take<'_>,
    ) -> Result<(), ConnectError> {
        match self.access.rowid.clone() {
            Some(rowid) => {
                self.take_rows(db, hasher, &rowid, &mut to)?;
                match to {
                    Take::All(report, each) if !self.access.key_is_rowid => {
                        scan_by_key(db, &self.access, report, &mut |key, row| {
                            each(observed(&self.access, key, row))
                        })
                    }
                    _ => Ok(()),
                }
            }
            None => self.take_keys(db, hasher, &mut to),
        }
    }

    fn take_rows(
        &mut self,
        db: &Connection,
        hasher: &RandomState,
        rowid: &str,
        to: &mut Take<'_>,
    ) -> Result<(), ConnectError> {
        let Memory::Rows { tree, seen } = &mut self.memory else {
            return Ok(());
        };
        let access = &self.access;
        let name = &access.table.schema.name;
        let shape = if self.follows_pages {
            read_shape(db, name)?
        } else {
            Shape::default()
        };
        let mut walk = Walk::default();
        let mut before = std::mem::take(seen).into_iter().peekable();
        let mut now = Vec::new();
        each_row(
            db,
            access,
            &access.by_rowid(rowid),
            Some((i64::MIN, i64::MAX)),
            &mut |found| {
                let (rowid, new) = remember(access, hasher, &found);
                if self.follows_pages {
                    walk.step(&shape, rowid);
                }
                match to {
                    Take::All(report, each) if access.key_is_rowid => {
                        report.rows += 1;
                        if let Some(key) = found.key {
                            each(observed(access, key, found.row))
                                .map_err(ConnectError::Receiver)?;
                        }
                    }
                    Take::All(..) => {}
                    Take::Differences(out) => {
                        while let Some((gone, old)) = before.next_if(|(old, _)| *old < rowid) {
                            deleted(access, gone, &old, out);
                        }
                        let old = before.next_if(|(old, _)| *old == rowid).map(|(_, old)| old);
                        compare(access, old.as_ref(), &new, &found, out);
                    }
                }
                now.push((rowid, new));
                Ok(())
            },
        )?;
        if let Take::Differences(out) = to {
            before.for_each(|(gone, old)| deleted(access, gone, &old, out));
        }
        *seen = now.into_iter().collect();
        if self.follows_pages {
            self.usable = shape.usable;
            *tree = shape.finish(walk).ok_or_else(|| ConnectError::Shape {
                table: name.clone(),
                detail: "its leaves do not hold as many rows as it has".to_owned(),
            })?;
        }
        Ok(())
    }

    fn take_keys(
        &mut self,
        db: &Connection,
        hasher: &RandomState,
        to: &mut Take<'_>,
    ) -> Result<(), ConnectError> {
        let Memory::Keys {
            pages,
            seen,
            without_key,
            ..
        } = &mut self.memory
        else {
            return Ok(());
        };
        let access = &self.access;
        let number = access.number;
        let mut before = std::mem::take(seen).into_iter().peekable();
        let mut now = Vec::new();
        let mut report = ScanReport::default();
        let gone = |key: Vec<u8>, out: &mut Differences| {
            out.push(Observed::state(number, Key(key), None));
        };
        scan_by_key(db, access, &mut report, &mut |key, row| {
            let hash = hasher.hash_one(row.as_bytes());
            match to {
                Take::All(_, each) => each(observed(access, key, row))?,
                Take::Differences(out) => {
                    while let Some((old, _)) = before.next_if(|(old, _)| *old < key.0) {
                        gone(old, out);
                    }
                    let old = before.next_if(|(old, _)| *old == key.0);
                    if old.is_none_or(|(_, old)| old != hash) {
                        out.push(observed(access, key, row));
                    }
                }
            }
            now.push((key.0.clone(), hash));
            Ok(())
        })?;
        match to {
            Take::All(whole, _) => {
                whole.rows += report.rows;
                whole.unreadable_rows += report.unreadable_rows;
                whole.unreadable.append(&mut report.unreadable);
            }
            Take::Differences(out) => {
                before.for_each(|(old, _)| gone(old, out));
                // Rows without key and rowid have no name: they are told again when their number changed.
                if report.unreadable_rows != *without_key {
                    report
                        .unreadable
                        .into_iter()
                        .for_each(|row| out.unreadable(row));
                }
            }
        }
        *without_key = report.unreadable_rows;
        *seen = now.into_iter().collect();
        if self.follows_pages {
            *pages = read_pages(db, &access.table.schema.name)?;
        }
        Ok(())
    }

    /// Takes up changed pages; gives the ranges to look at. `Err`: the pages do not fit the tree.
    pub(super) fn absorb(&mut self, images: &Images, usable: u32) -> Result<Vec<Range>, String> {
        match &mut self.memory {
            Memory::Rows { tree, .. } => tree.absorb(images, usable),
            Memory::Keys { pages, again, .. } => {
                *again |= images.keys().any(|page| pages.contains(page));
                Ok(Vec::new())
            }
        }
    }

    /// Looks at the rows in these ranges again. A table without rowids is compared as a whole,
    /// when one of its pages changed, and once more when that is `settled`: visible for sure.
    pub(super) fn look(
        &mut self,
        db: &Connection,
        hasher: &RandomState,
        ranges: Vec<Range>,
        settled: bool,
        out: &mut Differences,
    ) -> Result<(), ConnectError> {
        let access = &self.access;
        match &mut self.memory {
            Memory::Rows { seen, .. } => {
                let Some(rowid) = &access.rowid else {
                    return Ok(());
                };
                let sql = access.by_rowid(rowid);
                for range in join(ranges) {
                    look_at(db, access, hasher, &sql, range, seen, out)?;
                }
                Ok(())
            }
            Memory::Keys {
                again, once_more, ..
            } => {
                let hit = std::mem::take(again);
                let due = hit || *once_more;
                *once_more = hit || *once_more && !settled;
                if due {
                    self.take_keys(db, hasher, &mut Take::Differences(out))
                } else {
                    Ok(())
                }
            }
        }
    }
}

fn look_at(
    db: &Connection,
    access: &Access,
    hasher: &RandomState,
    sql: &str,
    (first, last): Range,
    seen: &mut BTreeMap<i64, Seen>,
    out: &mut Differences,
) -> Result<(), ConnectError> {
    let mut present = Vec::new();
    each_row(db, access, sql, Some((first, last)), &mut |found| {
        let (rowid, new) = remember(access, hasher, &found);
        compare(access, seen.get(&rowid), &new, &found, out);
        present.push((rowid, new));
        Ok(())
    })?;
    let old: Vec<i64> = seen.range(first..=last).map(|(rowid, _)| *rowid).collect();
    for rowid in old {
        if present
            .binary_search_by_key(&rowid, |(rowid, _)| *rowid)
            .is_err()
            && let Some(old) = seen.remove(&rowid)
        {
            deleted(access, rowid, &old, out);
        }
    }
    seen.extend(present);
    Ok(())
}

fn remember(access: &Access, hasher: &RandomState, found: &Scanned<'_>) -> (i64, Seen) {
    let key = if access.key_is_rowid {
        None
    } else {
        found.key.map(|key| key.0.clone().into_boxed_slice())
    };
    // `by_rowid` never gives a row without one.
    (
        found.rowid.unwrap_or_default(),
        Seen {
            hash: hasher.hash_one(found.row.as_bytes()),
            key,
        },
    )
}

fn observed(access: &Access, key: &Key, row: &Row) -> Observed {
    Observed::state(access.number, key.clone(), Some(row.clone()))
}

fn deleted(access: &Access, rowid: i64, old: &Seen, out: &mut Differences) {
    let key = match &old.key {
        Some(key) => Some(Key(key.to_vec())),
        None if access.key_is_rowid => Key::of([ValueRef::Integer(rowid)]),
        // It had no key, so nobody was told that it was there.
        None => None,
    };
    if let Some(key) = key {
        if !access.key_is_rowid {
            out.gone.insert((access.number, key.clone()), old.hash);
        }
        out.push(Observed::state(access.number, key, None));
    }
}

fn compare(
    access: &Access,
    old: Option<&Seen>,
    new: &Seen,
    found: &Scanned<'_>,
    out: &mut Differences,
) {
    if old == Some(new) {
        return;
    }
    if let Some(old) = old.filter(|old| old.key != new.key) {
        deleted(access, found.rowid.unwrap_or_default(), old, out);
    }
    match found.key {
        Some(key) => out.push(observed(access, key, found.row)),
        None => out.unreadable(null_key(access.number, found.rowid)),
    }
}
