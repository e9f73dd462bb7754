//! What an approved repair is about to write, until the feed has seen it. Each image matches once.
//!
//! Between the repair's COMMIT and the feed's next look the shop goes on: a row may already stand
//! one lawful step further. Such a change is two: the repair, and what came after it.

use model::{Change, Key, Row, Value};
use std::collections::{HashMap, HashSet};

/// A row by its table's number and its key.
pub(crate) type Slot = (u16, Key);

#[derive(Debug, Default)]
pub(crate) struct Expectation {
    images: HashMap<Slot, Option<Row>>,
    /// Rows whose key the database gives them, by the cells that they are to have.
    entries: Vec<(u16, Vec<(u16, Value)>)>,
    seen: HashSet<Slot>,
    entries_seen: usize,
    written: bool,
}

/// How a change stands to what is expected.
#[derive(Debug, PartialEq)]
pub(crate) enum Match {
    /// It has nothing to do with it.
    Not,
    /// It is the repair.
    Whole,
    /// It is the repair, which left this image, and something after it.
    Then(Option<Row>),
}

impl Expectation {
    /// `row` is what the repair leaves; `None` when it removes the row.
    pub fn add(&mut self, slot: Slot, row: Option<Row>) {
        self.images.insert(slot, row);
    }

    /// A new row of this table that has these cells, whatever its key.
    pub fn add_entry(&mut self, table: u16, cells: Vec<(u16, Value)>) {
        self.entries.push((table, cells));
    }

    /// Whether the expected image of this row is an entry of these cells.
    pub fn holds(&self, slot: &Slot, table: u16, cells: &[(u16, Value)]) -> bool {
        slot.0 == table && matches!(self.images.get(slot), Some(Some(row)) if has_cells(row, cells))
    }

    pub fn has_seen_entry(&self) -> bool {
        self.entries_seen > 0
    }

    /// The repair's COMMIT is known to have taken place: the rows can only come from there.
    pub fn written(&mut self) {
        self.written = true;
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    pub fn expects(&self, slot: &Slot) -> bool {
        self.images.contains_key(slot)
    }

    pub fn has_seen(&self, slot: &Slot) -> bool {
        self.seen.contains(slot)
    }

    pub fn take(&mut self, change: &Change) -> Match {
        if self.take_entry(change) {
            return Match::Whole;
        }
        if self.images.is_empty() {
            return Match::Not;
        }
        let slot = (change.table, change.key.clone());
        let Some(expected) = self.images.get(&slot) else {
            return Match::Not;
        };
        let whole = *expected == change.new;
        if !whole && !self.written && !landed(change, expected.as_ref()) {
            return Match::Not;
        }
        let expected = self.images.remove(&slot).flatten();
        self.seen.insert(slot);
        if whole {
            Match::Whole
        } else {
            Match::Then(expected)
        }
    }
}

impl Expectation {
    fn take_entry(&mut self, change: &Change) -> bool {
        let (None, Some(row)) = (&change.old, &change.new) else {
            return false;
        };
        let fits = |(table, cells): &(u16, Vec<_>)| *table == change.table && has_cells(row, cells);
        let Some(place) = self.entries.iter().position(fits) else {
            return false;
        };
        self.entries.remove(place);
        self.entries_seen += 1;
        true
    }
}

fn has_cells(row: &Row, cells: &[(u16, Value)]) -> bool {
    let mut cells = cells.iter();
    cells.all(|(column, value)| row.get(usize::from(*column)) == Some(value.as_ref()))
}

/// Whether everything that the repair was to change stands as it was to leave it. Before its
/// COMMIT nothing of it does: the columns differed then, that is why it was proposed.
fn landed(change: &Change, expected: Option<&Row>) -> bool {
    match (&change.old, &change.new, expected) {
        (None, Some(_), Some(_)) => true,
        (Some(old), Some(new), Some(expected)) => old
            .differing(expected)
            .iter()
            .all(|c| new.get(usize::from(*c)) == expected.get(usize::from(*c))),
        (Some(_), None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Instant, Standing, ValueRef};

    fn row(total: i64, status: &str) -> Row {
        Row::from_values([ValueRef::Integer(total), ValueRef::Text(status.as_bytes())])
    }

    fn change(old: Option<Row>, new: Option<Row>) -> Change {
        Change {
            table: 0,
            key: key(),
            old,
            new,
            lawful: None,
            standing: Standing::Clean,
            witnessed: true,
            coalesced: false,
            transaction: 0,
            stamp: model::Stamp::NotAsked,
            seen_at: Instant(0),
        }
    }

    fn key() -> Key {
        Key::of([ValueRef::Integer(7)]).unwrap()
    }

    fn expecting(image: Option<Row>) -> Expectation {
        let mut expectation = Expectation::default();
        expectation.add((0, key()), image);
        expectation
    }

    #[test]
    fn an_image_matches_once() {
        let mut expectation = expecting(Some(row(9900, "paid")));
        let repaired = change(Some(row(1, "paid")), Some(row(9900, "paid")));
        assert_eq!(expectation.take(&repaired), Match::Whole);
        assert!(expectation.is_empty() && expectation.has_seen(&(0, key())));
        assert_eq!(expectation.take(&repaired), Match::Not);
    }

    #[test]
    fn an_entry_is_known_by_its_cells_once() {
        let mut expectation = Expectation::default();
        expectation.add_entry(0, vec![(0, Value::Integer(-9900))]);
        let other = change(None, Some(row(-9901, "paid")));
        assert_eq!(expectation.take(&other), Match::Not);
        let rewritten = change(Some(row(1, "paid")), Some(row(-9900, "paid")));
        assert_eq!(expectation.take(&rewritten), Match::Not, "no new row");
        assert!(!expectation.has_seen_entry());
        let entry = change(None, Some(row(-9900, "paid")));
        assert_eq!(expectation.take(&entry), Match::Whole);
        assert!(expectation.has_seen_entry());
        assert_eq!(expectation.take(&entry), Match::Not);
    }

    #[test]
    fn a_row_that_went_on_after_the_repair_is_the_repair_and_a_step() {
        let shipped = change(Some(row(1, "paid")), Some(row(9900, "shipped")));
        let mut expectation = expecting(Some(row(9900, "paid")));
        assert_eq!(
            expectation.take(&shipped),
            Match::Then(Some(row(9900, "paid")))
        );
        // A row that came back and went on.
        let mut expectation = expecting(Some(row(9900, "paid")));
        let back = change(None, Some(row(9900, "shipped")));
        assert_eq!(
            expectation.take(&back),
            Match::Then(Some(row(9900, "paid")))
        );
    }

    #[test]
    fn a_step_of_a_row_that_was_not_repaired_is_not_taken_for_the_repair() {
        let shipped = change(Some(row(1, "paid")), Some(row(1, "shipped")));
        let mut expectation = expecting(Some(row(9900, "paid")));
        assert_eq!(expectation.take(&shipped), Match::Not);
        // Unless the COMMIT is known: then somebody tampered again behind it.
        expectation.written();
        assert_eq!(
            expectation.take(&shipped),
            Match::Then(Some(row(9900, "paid")))
        );
    }
}
