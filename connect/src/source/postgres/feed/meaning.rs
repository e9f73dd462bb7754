//! What the log's messages mean for the guarded tables: the open transaction, the shapes of the
//! relations, and what must not be passed over.

use super::super::guarded::Access;
use super::super::pgoutput::{Relation, Said};
use super::super::snapshot::Snapshot;
use super::transaction::{MAX_ROWS, Open, Shape, Transaction};
use super::{MARK, STAMP};
use crate::source::LostReason;
use std::collections::HashMap;

/// What one message came to.
pub(super) enum Step {
    Nothing,
    Done(Box<Transaction>),
    Lost(LostReason),
    /// A guarded table's messages no longer have its columns.
    Differs {
        number: u16,
        shape: Shape,
        oid: u32,
    },
    Wrong(&'static str),
}

#[derive(Default)]
pub(super) struct Meaning {
    /// Guarded tables by the number of their relation, and by name.
    guarded: HashMap<u32, u16>,
    names: HashMap<(Vec<u8>, Vec<u8>), u16>,
    access: Vec<Access>,
    shapes: HashMap<u32, Shape>,
    open: Option<Open>,
    /// Why the open transaction cannot be told; said at its end.
    failure: Option<LostReason>,
    /// Transactions that this shows are not told.
    pub(super) snapshot: Option<Snapshot>,
    /// Transactions committed before this are not told.
    pub(super) after: u64,
}

impl Meaning {
    pub(super) fn look_at(&mut self, access: &[Access]) {
        self.access = access.to_vec();
        self.guarded = access.iter().map(|a| (a.table.oid, a.number)).collect();
        let name = |a: &Access| {
            let (namespace, relation) = (a.table.namespace.as_bytes(), a.table.relation.as_bytes());
            ((namespace.to_vec(), relation.to_vec()), a.number)
        };
        self.names = access.iter().map(name).collect();
        self.forget();
    }

    /// A new connection tells everything anew.
    pub(super) fn forget(&mut self) {
        self.shapes.clear();
        self.open = None;
        self.failure = None;
    }

    pub(super) fn within_transaction(&self) -> bool {
        self.open.is_some()
    }

    pub(super) fn accept(&mut self, oid: u32, shape: Shape) {
        self.shapes.insert(oid, shape);
    }

    pub(super) fn take(&mut self, said: &Said<'_>) -> Step {
        match said {
            Said::Begin {
                commit,
                committed_us,
                xid,
            } => {
                let shown = self
                    .snapshot
                    .as_ref()
                    .is_some_and(|s| *commit < s.until && s.shows(*xid));
                let skipped = shown || *commit < self.after;
                self.open = Some(Open::new(*xid, *committed_us, skipped));
                Step::Nothing
            }
            Said::Commit { end } => self.commit(*end),
            Said::Relation(relation) => self.relation(relation),
            Said::Type => Step::Nothing,
            Said::Origin { name } => self.with_open(|open| open.origin(name)),
            Said::Message {
                prefix,
                content,
                transactional,
            } => match (transactional, *prefix) {
                (true, p) if p == MARK.as_bytes() => self.with_open(|open| open.mark(content)),
                (true, p) if p == STAMP.as_bytes() => self.with_open(|open| open.stamp(content)),
                _ => Step::Nothing,
            },
            Said::Truncate { relations } => {
                let name = relations
                    .iter()
                    .find_map(|oid| self.guarded.get(oid))
                    .copied();
                match name.and_then(|number| self.access.get(usize::from(number))) {
                    Some(access) => {
                        let table = access.guarded.schema.name.clone();
                        self.fail(LostReason::TableTruncated { table })
                    }
                    None => Step::Nothing,
                }
            }
            Said::Insert { relation, new } => {
                self.row(*relation, |open, shape| open.insert(shape, new))
            }
            Said::Update { relation, old, new } => self.row(*relation, |open, shape| {
                open.update(shape, old.as_ref(), new)
            }),
            Said::Delete { relation, old } => {
                self.row(*relation, |open, shape| open.delete(shape, old))
            }
        }
    }

    fn relation(&mut self, relation: &Relation<'_>) -> Step {
        let name = (relation.namespace.to_vec(), relation.name.to_vec());
        let by_name = self.names.get(&name).copied();
        let Some(number) = self.guarded.get(&relation.oid).copied().or(by_name) else {
            return Step::Nothing;
        };
        let Some(access) = self.access.get(usize::from(number)) else {
            return Step::Nothing;
        };
        let shape = Shape::of(access, relation);
        let same_table = access.table.oid == relation.oid && by_name == Some(number);
        if shape.same && same_table {
            self.accept(relation.oid, shape);
            return Step::Nothing;
        }
        Step::Differs {
            number,
            shape,
            oid: relation.oid,
        }
    }

    fn row(&mut self, oid: u32, write: impl FnOnce(&mut Open, &Shape)) -> Step {
        let Some(open) = self.open.as_mut() else {
            return Step::Wrong("a row stands outside a transaction");
        };
        if open.skipped {
            return Step::Nothing;
        }
        let Some(shape) = self.shapes.get(&oid) else {
            // Guarded tables were told before their rows, so this is none of them.
            return match self.guarded.contains_key(&oid) {
                true => Step::Wrong("a row comes before its table"),
                false => Step::Nothing,
            };
        };
        if !shape.keyed() {
            let table = self.access.iter().find(|a| a.table.oid == oid);
            let table = table
                .map(|a| a.guarded.schema.name.clone())
                .unwrap_or_default();
            return self.fail(LostReason::OldShape { table });
        }
        write(open, shape);
        if open.too_large() {
            return self.fail(LostReason::TooManyRows { most: MAX_ROWS });
        }
        Step::Nothing
    }

    /// The open transaction cannot be told; it is read to its end all the same.
    fn fail(&mut self, reason: LostReason) -> Step {
        if let Some(open) = self.open.as_mut().filter(|open| !open.skipped) {
            open.skip();
            self.failure = Some(reason);
        }
        Step::Nothing
    }

    fn with_open(&mut self, take: impl FnOnce(&mut Open)) -> Step {
        match self.open.as_mut() {
            Some(open) => {
                take(open);
                Step::Nothing
            }
            None => Step::Wrong("a message of a transaction stands outside one"),
        }
    }

    fn commit(&mut self, end: u64) -> Step {
        let Some(open) = self.open.take() else {
            return Step::Wrong("a commit ends no transaction");
        };
        if self.snapshot.as_ref().is_some_and(|s| end > s.until) {
            self.snapshot = None;
        }
        match self.failure.take() {
            Some(reason) => Step::Lost(reason),
            None => Step::Done(Box::new(open.done(end))),
        }
    }
}
