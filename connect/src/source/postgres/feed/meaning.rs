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
    /// Partitions of guarded tables, with the number of the table.
    parts: HashMap<u32, u16>,
    /// Of these, those whose changes do not say which rows they are of.
    unnamed: HashMap<u32, u16>,
    open: Option<Open>,
    /// Why the open transaction cannot be told; said at its end.
    failure: Option<LostReason>,
    /// The open transaction is of before the last look at every row.
    before_look: bool,
    /// What the last look at every row showed.
    pub(super) look: Option<Snapshot>,
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
        let parts = |a: &'_ Access| -> Vec<(u32, u16)> {
            a.table.parts.iter().map(|p| (p.oid, a.number)).collect()
        };
        self.parts = access.iter().flat_map(parts).collect();
        self.forget();
    }

    /// A new connection tells everything anew.
    pub(super) fn forget(&mut self) {
        self.shapes.clear();
        self.unnamed.clear();
        self.open = None;
        self.failure = None;
    }

    pub(super) fn within_transaction(&self) -> bool {
        self.open.is_some()
    }

    /// The open transaction is told, and of after the last look at every row.
    pub(super) fn is_after_look(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.skipped) && !self.before_look
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
                let shown_by = |s: &Snapshot| *commit < s.until && s.shows(*xid);
                let shown = self.snapshot.as_ref().is_some_and(shown_by);
                let skipped = shown || *commit < self.after;
                self.before_look = self.look.as_ref().is_some_and(shown_by);
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
            Said::Insert { relation, new } => self.row(*relation, false, |open, shape| {
                open.insert(shape, new);
                true
            }),
            Said::Update { relation, old, new } => self.row(*relation, true, |open, shape| {
                open.update(shape, old.as_ref(), new)
            }),
            Said::Delete { relation, old } => {
                self.row(*relation, true, |open, shape| open.delete(shape, old))
            }
        }
    }

    fn relation(&mut self, relation: &Relation<'_>) -> Step {
        let name = (relation.namespace.to_vec(), relation.name.to_vec());
        let by_name = self.names.get(&name).copied();
        let Some(number) = self.guarded.get(&relation.oid).copied().or(by_name) else {
            self.part(relation);
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

    /// Rows come under the name of the whole table, but what the log holds of old ones is a
    /// matter of each partition.
    fn part(&mut self, relation: &Relation<'_>) {
        let Some(number) = self.parts.get(&relation.oid) else {
            return;
        };
        let access = self.access.get(usize::from(*number));
        if access.is_some_and(|access| Shape::of(access, relation).named) {
            self.unnamed.remove(&relation.oid);
        } else {
            self.unnamed.insert(relation.oid, *number);
        }
    }

    /// `of_old`: the row was there before.
    fn row(
        &mut self,
        oid: u32,
        of_old: bool,
        write: impl FnOnce(&mut Open, &Shape) -> bool,
    ) -> Step {
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
        let number = shape.number();
        let unnamed = || !shape.named || self.unnamed.values().any(|n| *n == number);
        if (of_old && unnamed()) || !write(open, shape) {
            let table = self.access.get(usize::from(number));
            let table = table.map(|a| a.guarded.schema.name.clone());
            return self.fail(LostReason::IdentityForAWhile {
                table: table.unwrap_or_default(),
            });
        }
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

#[cfg(test)]
mod tests {
    use super::super::super::pgoutput::{Cell, Old};
    use super::*;
    use proptest::prelude::*;

    fn followed() -> Meaning {
        let mut meaning = Meaning::default();
        meaning.look_at(&[Access::example()]);
        meaning.take(&Said::Relation(Relation {
            oid: 7,
            namespace: b"public",
            name: b"t",
            columns: vec![(b"id", 23), (b"n", 23)],
            identity: vec![true, false],
        }));
        meaning
    }

    fn begin(xid: u32, commit: u64) -> Said<'static> {
        Said::Begin {
            commit,
            committed_us: 0,
            xid,
        }
    }

    fn insert(id: &str) -> Said<'_> {
        Said::Insert {
            relation: 7,
            new: vec![Cell::Text(id.as_bytes()), Cell::Null],
        }
    }

    #[test]
    fn a_transaction_too_large_is_read_to_its_end_and_said() {
        let mut meaning = followed();
        meaning.take(&begin(1, 10));
        for id in 0..MAX_ROWS + 5 {
            assert!(matches!(
                meaning.take(&insert(&id.to_string())),
                Step::Nothing
            ));
        }
        let said = meaning.take(&Said::Commit { end: 11 });
        assert!(matches!(
            said,
            Step::Lost(LostReason::TooManyRows { most: MAX_ROWS })
        ));
        // The next one is told as ever.
        meaning.take(&begin(2, 20));
        meaning.take(&insert("1"));
        let Step::Done(done) = meaning.take(&Said::Commit { end: 21 }) else {
            panic!("it is told");
        };
        assert_eq!(done.rows.len(), 1);
    }

    #[test]
    fn what_a_snapshot_shows_is_not_told_but_marks_are_seen() {
        let mut meaning = followed();
        meaning.snapshot = Snapshot::parse("5:9:7", 100);
        let mut told = Vec::new();
        for (xid, commit) in [(4, 10), (7, 20), (8, 30), (9, 40), (6, 200)] {
            meaning.take(&begin(xid, commit));
            meaning.take(&insert("1"));
            meaning.take(&Said::Message {
                transactional: true,
                prefix: MARK.as_bytes(),
                content: b"m",
            });
            if let Step::Done(done) = meaning.take(&Said::Commit { end: commit + 1 }) {
                assert_eq!(done.marks, [b"m"]);
                if !done.rows.is_empty() {
                    told.push(xid);
                }
            }
        }
        // Number 6 is another transaction by then: the log is long past the snapshot.
        assert_eq!(told, [7, 9, 6]);
    }

    #[test]
    fn messages_out_of_place_are_said() {
        let mut meaning = followed();
        assert!(matches!(meaning.take(&insert("1")), Step::Wrong(_)));
        assert!(matches!(
            meaning.take(&Said::Commit { end: 1 }),
            Step::Wrong(_)
        ));
    }

    /// One step on one of five rows.
    fn step() -> impl Strategy<Value = (u8, u8, u8)> {
        (0..4_u8, 0..5_u8, 0..5_u8)
    }

    proptest! {
        /// The net effect, put onto the rows before, gives the rows after.
        #[test]
        fn a_transaction_ends_as_its_steps_do(before in proptest::collection::btree_set(0..5_u8, 0..5),
                                              steps in proptest::collection::vec(step(), 0..30)) {
            let mut rows: std::collections::BTreeMap<u8, u8> = before.iter().map(|id| (*id, 99)).collect();
            let start = rows.clone();
            let mut meaning = followed();
            meaning.take(&begin(1, 1));
            for (at, (what, id, to)) in steps.iter().enumerate() {
                let (key, new_key, n) = (id.to_string(), to.to_string(), at.to_string());
                let cells = |id: &'_ str| id.as_bytes().to_vec();
                let (key, new_key, n) = (cells(&key), cells(&new_key), cells(&n));
                let old = Old::Key(vec![Cell::Text(&key), Cell::Null]);
                match what {
                    0 if !rows.contains_key(id) => {
                        rows.insert(*id, at as u8);
                        meaning.take(&Said::Insert { relation: 7, new: vec![Cell::Text(&key), Cell::Text(&n)] });
                    }
                    1 if rows.contains_key(id) => {
                        rows.insert(*id, at as u8);
                        meaning.take(&Said::Update { relation: 7, old: None, new: vec![Cell::Text(&key), Cell::Text(&n)] });
                    }
                    2 if rows.contains_key(id) => {
                        rows.remove(id);
                        meaning.take(&Said::Delete { relation: 7, old });
                    }
                    3 if rows.contains_key(id) && !rows.contains_key(to) => {
                        rows.remove(id);
                        rows.insert(*to, at as u8);
                        meaning.take(&Said::Update { relation: 7, old: Some(old), new: vec![Cell::Text(&new_key), Cell::Text(&n)] });
                    }
                    _ => {}
                }
            }
            let Step::Done(done) = meaning.take(&Said::Commit { end: 2 }) else {
                panic!("it is told");
            };
            let mut image = start;
            for observed in done.rows {
                let values = observed.key.values().unwrap();
                let id = values[0].as_ref().as_i64().unwrap() as u8;
                match observed.row {
                    Some(row) => { image.insert(id, row.get(1).unwrap().as_i64().unwrap() as u8); }
                    None => { prop_assert!(image.remove(&id).is_some(), "only what was there is gone"); }
                }
            }
            prop_assert_eq!(image, rows);
        }
    }
}
