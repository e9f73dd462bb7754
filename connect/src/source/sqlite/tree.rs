//! The shape of a guarded table's b-tree, kept up to date from the images of changed pages.
//!
//! What it must never miss: for every row that was inserted, changed or deleted, a range of
//! rowids that holds it. Why it does not: such a row stood on a page that changed or was given
//! back. An inserted or changed row stands on a changed leaf now, so it is in that leaf's new
//! range, or on a changed overflow page, whose row is known. A deleted row was in the old
//! range of a leaf; that leaf has changed, or no longer hangs in the tree because a page above
//! it changed. Old and new ranges of all these leaves are given out.
//!
//! Pages that did not change are never read: their place and contents are remembered.

use super::page::{Page, Spill, next_overflow, parse};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Images of changed pages by page number.
pub(super) type Images = HashMap<u32, Box<[u8]>>;
/// Rowids, both ends included.
pub(super) type Range = (i64, i64);

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) root: u32,
    nodes: HashMap<u32, Node>,
    /// Overflow page -> the row that it belongs to.
    owners: HashMap<u32, i64>,
    /// Row -> its overflow pages, in order.
    chains: BTreeMap<i64, Vec<u32>>,
}

#[derive(Debug)]
struct Node {
    /// 0 for the root.
    parent: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Leaf { extent: Option<Range> },
    Interior { children: Vec<u32> },
}

impl Tree {
    pub(super) fn put_leaf(&mut self, page: u32, parent: u32, extent: Option<Range>) {
        self.nodes.insert(
            page,
            Node {
                parent,
                kind: Kind::Leaf { extent },
            },
        );
    }
    pub(super) fn put_interior(&mut self, page: u32, parent: u32) {
        self.nodes.insert(
            page,
            Node {
                parent,
                kind: Kind::Interior {
                    children: Vec::new(),
                },
            },
        );
    }
    pub(super) fn put_child(&mut self, parent: u32, child: u32) {
        if let Some(Node {
            kind: Kind::Interior { children },
            ..
        }) = self.nodes.get_mut(&parent)
        {
            children.push(child);
        }
    }
    pub(super) fn put_chain(&mut self, rowid: i64, pages: Vec<u32>) {
        self.owners.extend(pages.iter().map(|page| (*page, rowid)));
        self.chains.insert(rowid, pages);
    }

    /// Takes up the changed pages and gives the ranges of rowids that have to be looked at.
    /// An error means that the pages do not fit the tree; the tree must then be taken anew.
    pub(super) fn absorb(&mut self, images: &Images, usable: u32) -> Result<Vec<Range>, String> {
        let mut work = Settling::new(images, usable);
        for page in images.keys().filter(|page| self.nodes.contains_key(page)) {
            self.mark_path(*page, &mut work.paths);
        }
        if !work.paths.is_empty() {
            self.settle(&mut work)?;
            self.drop_loosened(&mut work);
        }
        let rows = self.spilled_rows(images);
        self.relink(rows, work)
    }

    /// The page and all pages above it.
    fn mark_path(&self, page: u32, paths: &mut HashSet<u32>) {
        let mut at = page;
        while at != 0 && paths.insert(at) {
            at = self.nodes.get(&at).map_or(0, |node| node.parent);
        }
    }

    /// Goes down from the root along the paths to changed pages, and reads those changed or new
    /// pages that hang in the tree now. What was given back and is used elsewhere is not reached.
    fn settle(&mut self, work: &mut Settling<'_>) -> Result<(), String> {
        let mut open = vec![(self.root, 0)];
        while let Some((page, parent)) = open.pop() {
            if !work.settled.insert(page) {
                continue;
            }
            if !work.images.contains_key(&page)
                && let Some(node) = self.nodes.get_mut(&page)
            {
                node.parent = parent;
                if let Kind::Interior { children } = &node.kind {
                    let below = children.iter().filter(|child| work.paths.contains(child));
                    open.extend(below.map(|child| (*child, page)));
                }
                continue;
            }
            let image = work
                .images
                .get(&page)
                .ok_or_else(|| format!("page {page} is unknown"))?;
            let new = parse(image, work.usable)
                .ok_or_else(|| format!("page {page} is no page of a table"))?;
            match self.nodes.remove(&page).map(|node| node.kind) {
                Some(Kind::Leaf { extent }) => work.left.extend(extent),
                Some(Kind::Interior { children }) => work.loosened.push((page, children)),
                None => {}
            }
            match new {
                Page::Leaf { extent, spills } => {
                    work.entered.extend(extent);
                    work.spills.extend(spills);
                    self.put_leaf(page, parent, extent);
                }
                Page::Interior { children } => {
                    for &child in &children {
                        match self.nodes.get_mut(&child) {
                            Some(node) if !work.on_the_way(child) => node.parent = page,
                            _ => open.push((child, page)),
                        }
                    }
                    self.nodes.insert(
                        page,
                        Node {
                            parent,
                            kind: Kind::Interior { children },
                        },
                    );
                }
            }
        }
        Ok(())
    }

    /// Takes away what hung under a changed page and was taken up by no other.
    fn drop_loosened(&mut self, work: &mut Settling<'_>) {
        let mut gone = Vec::new();
        for (page, old) in std::mem::take(&mut work.loosened) {
            let kept: HashSet<u32> = match self.nodes.get(&page) {
                Some(Node {
                    kind: Kind::Interior { children },
                    ..
                }) => children.iter().copied().collect(),
                _ => HashSet::new(),
            };
            gone.extend(
                old.into_iter()
                    .filter(|child| !kept.contains(child))
                    .map(|child| (child, page)),
            );
        }
        while let Some((page, parent)) = gone.pop() {
            if self
                .nodes
                .get(&page)
                .is_none_or(|node| node.parent != parent)
            {
                continue;
            }
            match self.nodes.remove(&page).map(|node| node.kind) {
                Some(Kind::Leaf { extent }) => work.left.extend(extent),
                Some(Kind::Interior { children }) => {
                    gone.extend(children.into_iter().map(|child| (child, page)))
                }
                None => {}
            }
        }
    }

    /// Rows with a changed overflow page. SQLite writes over a value of the same length in place:
    /// then the leaf need not change.
    fn spilled_rows(&self, images: &Images) -> Vec<i64> {
        if self.owners.is_empty() {
            return Vec::new();
        }
        let mut rows: Vec<i64> = images
            .keys()
            .filter_map(|page| self.owners.get(page))
            .copied()
            .collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Follows the overflow chains of all rows concerned, and gives the ranges out.
    fn relink(&mut self, rows: Vec<i64>, work: Settling<'_>) -> Result<Vec<Range>, String> {
        // A chain's pages that did not change still lead where they led.
        let mut leads: HashMap<u32, u32> = HashMap::new();
        let mut spills = work.spills;
        for &(first, last) in &work.left {
            let stale: Vec<i64> = self
                .chains
                .range(first..=last)
                .map(|(rowid, _)| *rowid)
                .collect();
            for rowid in stale {
                self.unlink(rowid, &mut leads);
            }
        }
        for &rowid in &rows {
            // Still there: its leaf did not change, so the chain begins where it did.
            if let Some(chain) = self.unlink(rowid, &mut leads)
                && let Some(&first) = chain.first()
            {
                spills.push(Spill {
                    rowid,
                    first,
                    pages: chain.len() as u32,
                });
            }
        }
        for spill in &spills {
            self.unlink(spill.rowid, &mut leads);
        }
        for spill in spills {
            let mut chain = Vec::with_capacity(spill.pages as usize);
            let mut page = spill.first;
            while chain.len() < spill.pages as usize {
                chain.push(page);
                if chain.len() == spill.pages as usize {
                    break;
                }
                page = match work.images.get(&page) {
                    Some(image) => next_overflow(image),
                    None => leads.get(&page).copied(),
                }
                .filter(|next| *next != 0)
                .ok_or_else(|| format!("overflow page {page} leads nowhere"))?;
            }
            self.put_chain(spill.rowid, chain);
        }
        let mut ranges = work.left;
        ranges.extend(work.entered);
        ranges.extend(rows.into_iter().map(|rowid| (rowid, rowid)));
        Ok(ranges)
    }

    fn unlink(&mut self, rowid: i64, leads: &mut HashMap<u32, u32>) -> Option<Vec<u32>> {
        let chain = self.chains.remove(&rowid)?;
        for page in &chain {
            if self.owners.get(page) == Some(&rowid) {
                self.owners.remove(page);
            }
        }
        leads.extend(chain.windows(2).map(|pair| (pair[0], pair[1])));
        Some(chain)
    }
}

/// The work of one batch.
struct Settling<'a> {
    images: &'a Images,
    usable: u32,
    /// Changed pages of the tree as it was, and all pages above them.
    paths: HashSet<u32>,
    settled: HashSet<u32>,
    /// Changed interior pages with the children that they had.
    loosened: Vec<(u32, Vec<u32>)>,
    /// Ranges of leaves as they were, and as they are.
    left: Vec<Range>,
    entered: Vec<Range>,
    spills: Vec<Spill>,
}

impl<'a> Settling<'a> {
    fn on_the_way(&self, page: u32) -> bool {
        self.paths.contains(&page) || self.images.contains_key(&page)
    }
    fn new(images: &'a Images, usable: u32) -> Self {
        Self {
            images,
            usable,
            paths: HashSet::new(),
            settled: HashSet::new(),
            loosened: Vec::new(),
            left: Vec::new(),
            entered: Vec::new(),
            spills: Vec::new(),
        }
    }
}

/// Sorted, and joined where they touch or overlap.
pub(super) fn join(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut joined: Vec<Range> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        assert_eq!(
            join(vec![(5, 9), (1, 2), (3, 4), (20, 30), (8, 12)]),
            [(1, 12), (20, 30)]
        );
        assert_eq!(
            join(vec![(i64::MIN, 0), (i64::MAX, i64::MAX)]),
            [(i64::MIN, 0), (i64::MAX, i64::MAX)]
        );
    }

    #[test]
    fn an_unknown_page_is_an_error_and_not_a_guess() {
        let mut tree = Tree {
            root: 2,
            ..Tree::default()
        };
        tree.put_leaf(2, 0, None);
        // An interior page with one child, 7, which nobody has seen.
        let mut image = vec![0_u8; 512];
        image[0] = 0x05;
        image[8..12].copy_from_slice(&7_u32.to_be_bytes());
        let images = Images::from([(2, image.into_boxed_slice())]);
        assert_eq!(
            tree.absorb(&images, 512),
            Err("page 7 is unknown".to_owned())
        );
    }
}
