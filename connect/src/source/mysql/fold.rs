//! The rows of one transaction; one that is written several times is kept as it is in the end.

use super::event::{Action, Gtid};
use super::image::Image;
use super::watched::Watched;
use crate::source::{LostReason, UnreadableReason, UnreadableRow};
use model::{Key, Observed, Row};
use std::collections::HashMap;

/// Guarded rows of one transaction; beyond it every row is looked at instead.
pub(super) const MAX_TRANSACTION_ROWS: usize = 200_000;
const MAX_TRANSACTION_BYTES: usize = 256 << 20;

#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) gtid: Option<Gtid>,
    /// A statement began it, so that a statement or a commit ends it.
    pub(super) begun: bool,
    pub(super) thread: Option<u32>,
    pub(super) stamps: Vec<Vec<u8>>,
    pub(super) rows: Vec<Folded>,
    pub(super) places: HashMap<(u16, Key), usize>,
    pub(super) unreadable: Vec<UnreadableRow>,
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Folded {
    table: u16,
    key: Key,
    was_there: bool,
    row: Option<Row>,
    unsent: Vec<u16>,
    coalesced: bool,
}

pub(super) fn unlogged(what: impl Into<String>) -> LostReason {
    LostReason::Unlogged { what: what.into() }
}

impl Group {
    pub(super) fn write(
        &mut self,
        watched: &Watched,
        action: Action,
        first: Image,
        second: Option<Image>,
    ) -> Result<(), LostReason> {
        let Some(access) = &watched.guarded else {
            return Ok(());
        };
        let table = access.number;
        let name = &access.guarded.schema.name;
        let has_key = |absent: &[u16]| !access.guarded.key.0.iter().any(|c| absent.contains(c));
        let without = || unlogged(format!("an image of {name} has no key"));
        match (action, second) {
            (Action::Insert, _) => {
                if !first.absent.is_empty() {
                    return Err(unlogged(format!(
                        "a row of {name} was inserted without all of its columns (binlog_row_image)"
                    )));
                }
                match access.guarded.key_of(&first.row) {
                    Some(key) => self.fold(table, key, Some(first), false)?,
                    None => self.unreadable(table),
                }
            }
            (Action::Delete, _) => {
                if !has_key(&first.absent) {
                    return Err(without());
                }
                if let Some(key) = access.guarded.key_of(&first.row) {
                    self.fold(table, key, None, true)?;
                }
            }
            (Action::Update, None) => return Err(without()),
            (Action::Update, Some(after)) => {
                if !has_key(&first.absent) {
                    return Err(without());
                }
                let after = filled(after, &first);
                let (old, new) = (
                    access.guarded.key_of(&first.row),
                    access.guarded.key_of(&after.row),
                );
                if let Some(old) = old.clone().filter(|old| new.as_ref() != Some(old)) {
                    self.fold(table, old, None, true)?;
                }
                match new {
                    Some(new) => {
                        let same = old.as_ref() == Some(&new);
                        self.fold(table, new, Some(after), same)?;
                    }
                    None => self.unreadable(table),
                }
            }
        }
        Ok(())
    }

    fn unreadable(&mut self, table: u16) {
        self.unreadable.push(UnreadableRow {
            table,
            rowid: None,
            reason: UnreadableReason::NullKey,
        });
    }

    fn fold(
        &mut self,
        table: u16,
        key: Key,
        image: Option<Image>,
        was_there: bool,
    ) -> Result<(), LostReason> {
        let (row, unsent) = match image {
            Some(image) => (Some(image.row), image.absent),
            None => (None, Vec::new()),
        };
        let size = key.0.len() + row.as_ref().map_or(0, |r| r.as_bytes().len());
        self.bytes += size;
        if self.rows.len() >= MAX_TRANSACTION_ROWS || self.bytes > MAX_TRANSACTION_BYTES {
            return Err(LostReason::TooManyRows {
                most: MAX_TRANSACTION_ROWS,
            });
        }
        let at = *self
            .places
            .entry((table, key.clone()))
            .or_insert(self.rows.len());
        match self.rows.get_mut(at) {
            Some(folded) => folded.again(row, unsent),
            None => self.rows.push(Folded {
                table,
                key,
                was_there,
                row,
                unsent,
                coalesced: false,
            }),
        }
        Ok(())
    }
}

/// Columns that the second image leaves out stand in the first, where it has them.
fn filled(after: Image, before: &Image) -> Image {
    let known: Vec<(u16, model::Value)> = after
        .absent
        .iter()
        .filter(|c| !before.absent.contains(c))
        .filter_map(|c| Some((*c, before.row.get(usize::from(*c))?.to_value())))
        .collect();
    if known.is_empty() {
        return after;
    }
    Image {
        row: after.row.with(&known),
        absent: after
            .absent
            .into_iter()
            .filter(|c| before.absent.contains(c))
            .collect(),
    }
}

impl Folded {
    fn again(&mut self, row: Option<Row>, mut unsent: Vec<u16>) {
        self.coalesced = true;
        let row = match (row, &self.row) {
            // What the later image leaves out stands in the earlier one.
            (Some(row), Some(earlier)) if !unsent.is_empty() => {
                let known: Vec<(u16, model::Value)> = unsent
                    .iter()
                    .filter(|c| !self.unsent.contains(c))
                    .filter_map(|c| Some((*c, earlier.get(usize::from(*c))?.to_value())))
                    .collect();
                unsent.retain(|c| self.unsent.contains(c));
                Some(row.with(&known))
            }
            (row, _) => row,
        };
        self.row = row;
        self.unsent = unsent;
    }

    /// `None` for a row that came and went within the transaction.
    pub(super) fn net(self) -> Option<Observed> {
        (self.was_there || self.row.is_some()).then_some(Observed {
            table: self.table,
            key: self.key,
            row: self.row,
            unsent: self.unsent,
            transaction: 0,
            coalesced: self.coalesced,
        })
    }
}
