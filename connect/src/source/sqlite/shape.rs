//! The first shape of a table's b-tree, through SQLite's own `dbstat` table: pages, their place
//! in the tree, how many rows each leaf holds, which pages each long row spills over.
//!
//! `dbstat` does not tell rowids; the first scan counts them off along the leaves.

use super::tree::Tree;
use crate::ConnectError;
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};

#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) tree: Tree,
    /// In the order of their rows.
    leaves: Vec<Leaf>,
    /// In the order of their rows.
    long_rows: Vec<LongRow>,
    /// Page size without reserved bytes, where a full overflow page tells it.
    pub(super) usable: Option<u32>,
}

#[derive(Debug)]
struct Leaf {
    page: u32,
    parent: u32,
    rows: u32,
}

#[derive(Debug)]
struct LongRow {
    leaf: usize,
    cell: u32,
    pages: Vec<u32>,
}

pub(super) fn read_shape(db: &Connection, table: &str) -> Result<Shape, ConnectError> {
    let failed = |source| ConnectError::Sql {
        doing: format!("reading the tree of {table}"),
        source,
    };
    let unclear = |detail: String| ConnectError::Shape {
        table: table.to_owned(),
        detail,
    };
    let mut statement = db
        .prepare_cached(
            "SELECT pageno, path, pagetype, ncell, payload FROM dbstat('main') WHERE name = ?1 AND aggregate = FALSE",
        )
        .map_err(failed)?;
    let mut rows = statement.query([table]).map_err(failed)?;
    let mut shape = Shape::default();
    let mut pages: HashMap<String, u32> = HashMap::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let read = || -> rusqlite::Result<(u32, String, String, u32, u32)> {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        };
        let (page, path, kind, cells, payload) = read().map_err(failed)?;
        if kind == "overflow" {
            shape
                .overflow(page, &path, payload)
                .ok_or_else(|| unclear(format!("overflow page {path}")))?;
            continue;
        }
        let parent = match path.trim_end_matches('/').rsplit_once('/') {
            None => 0,
            Some((above, _)) => *pages
                .get(&format!("{above}/"))
                .ok_or_else(|| unclear(format!("page {path} hangs nowhere")))?,
        };
        match kind.as_str() {
            "leaf" => shape.leaves.push(Leaf {
                page,
                parent,
                rows: cells,
            }),
            "internal" => shape.tree.put_interior(page, parent),
            other => return Err(unclear(format!("page {page} is {other}"))),
        }
        if parent == 0 {
            shape.tree.root = page;
        } else {
            shape.tree.put_child(parent, page);
        }
        pages.insert(path, page);
    }
    Ok(shape)
}

/// All pages of a table whose rows are not reached by rowid.
pub(super) fn read_pages(db: &Connection, table: &str) -> Result<HashSet<u32>, ConnectError> {
    let read = || -> rusqlite::Result<HashSet<u32>> {
        let mut statement = db.prepare_cached(
            "SELECT pageno FROM dbstat('main') WHERE name = ?1 AND aggregate = FALSE",
        )?;
        statement.query_map([table], |row| row.get(0))?.collect()
    };
    read().map_err(|source| ConnectError::Sql {
        doing: format!("reading the tree of {table}"),
        source,
    })
}

impl Shape {
    /// A path like `/000/01c+000002`: third overflow page of cell 0x1c of the leaf `/000/`,
    /// which came just before.
    fn overflow(&mut self, page: u32, path: &str, payload: u32) -> Option<()> {
        let (_, last) = path.rsplit_once('/')?;
        let (cell, place) = last.split_once('+')?;
        let cell = u32::from_str_radix(cell, 16).ok()?;
        let place = usize::from_str_radix(place, 16).ok()?;
        let leaf = self.leaves.len().checked_sub(1)?;
        match self.long_rows.last_mut() {
            Some(row) if row.leaf == leaf && row.cell == cell => {
                if row.pages.len() != place {
                    return None;
                }
                row.pages.push(page);
            }
            _ => self.long_rows.push(LongRow {
                leaf,
                cell,
                pages: vec![page],
            }),
        }
        // The first page of a chain is full when a second one follows; the greatest payload is that.
        self.usable = self.usable.max(payload.checked_add(4));
        Some(())
    }

    /// The tree, once all rowids of the table were counted off. `None`: their number is not that
    /// of the leaves' rows.
    pub(super) fn finish(mut self, walk: Walk) -> Option<Tree> {
        if walk.extents.len() > self.leaves.len() || walk.row < walk.rows_in_leaf(&self) {
            return None;
        }
        let mut extents = walk.extents.into_iter();
        for leaf in &self.leaves {
            let extent = extents.next().flatten();
            if extent.is_none() && leaf.rows > 0 {
                return None;
            }
            self.tree.put_leaf(leaf.page, leaf.parent, extent);
        }
        if walk.chains.len() != self.long_rows.len() {
            return None;
        }
        for (rowid, row) in walk.chains.into_iter().zip(self.long_rows) {
            self.tree.put_chain(rowid, row.pages);
        }
        Some(self.tree)
    }
}

/// Counts rows off along the leaves.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// One for each leaf begun.
    extents: Vec<Option<(i64, i64)>>,
    /// Rows counted on the last of them.
    row: u32,
    /// Rowids of the long rows met.
    chains: Vec<i64>,
}

impl Walk {
    fn rows_in_leaf(&self, shape: &Shape) -> u32 {
        self.extents
            .len()
            .checked_sub(1)
            .and_then(|i| shape.leaves.get(i))
            .map_or(0, |leaf| leaf.rows)
    }

    pub(super) fn step(&mut self, shape: &Shape, rowid: i64) {
        while self.row >= self.rows_in_leaf(shape) && self.extents.len() <= shape.leaves.len() {
            self.extents.push(None);
            self.row = 0;
        }
        let leaf = self.extents.len() - 1;
        if let Some(extent) = self.extents.last_mut() {
            *extent = Some((extent.map_or(rowid, |(first, _)| first), rowid));
        }
        if let Some(next) = shape.long_rows.get(self.chains.len())
            && next.leaf == leaf
            && next.cell == self.row
        {
            self.chains.push(rowid);
        }
        self.row += 1;
    }
}
