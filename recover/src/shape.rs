//! Rows that were journaled while their table had other columns.
//!
//! A row entry points to the schema entry that it was written under, and its image has the columns
//! of that schema, in its order. Who reads it today wants the columns of today: values go to the
//! column of the same name, columns that are gone are left out, columns that are new hold NULL.
//! A column of the same name is the same column, whatever the database did to it in between: an
//! amount that was dropped and put back with other values is compared with what it was.

use model::entry::RowEntry;
use model::{Row, Standing, ValueRef};
use std::collections::BTreeMap;

/// How the rows of one schema entry are read today, by table number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OlderShape {
    pub tables: Vec<OlderTable>,
}

/// A table as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OlderTable {
    /// Names of its columns then, which the seals of its cells are bound to.
    pub columns: Vec<String>,
    /// For each of today's columns, which one it was then.
    pub from: Vec<Option<u16>>,
}

impl OlderTable {
    /// The row as it would stand in today's columns.
    pub fn present(&self, row: &Row) -> Row {
        let cells: Vec<ValueRef<'_>> = row.iter().collect();
        let cell = |from: &Option<u16>| {
            let value = from.and_then(|c| cells.get(usize::from(c)).copied());
            value.unwrap_or(ValueRef::Null)
        };
        Row::from_values(self.from.iter().map(cell))
    }

    /// Today's places of these columns; those that are gone are left out.
    pub fn places(&self, columns: &[u16]) -> Vec<u16> {
        let today = |then: &u16| self.from.iter().position(|from| *from == Some(*then));
        let found = columns.iter().filter_map(today);
        let mut places: Vec<u16> = found.map(|place| place as u16).collect();
        places.sort_unstable();
        places
    }
}

/// The shapes that differ from today's, by the index of their schema entry.
pub type OlderShapes = BTreeMap<u64, OlderShape>;

/// The table that an entry was written under, where it was another one.
pub(crate) fn of<'s>(shapes: &'s OlderShapes, entry: &RowEntry) -> Option<&'s OlderTable> {
    let shape = shapes.get(&entry.schema)?;
    shape.tables.get(usize::from(entry.table))
}

/// Puts the columns that an entry's judgement names to their places of today.
pub(crate) fn judge_by_today(table: &OlderTable, entry: &mut RowEntry) {
    let judgement = &mut entry.judgement;
    for hit in &mut judgement.hits {
        hit.columns = table.places(&hit.columns);
    }
    if let Standing::Altered { columns } = &mut judgement.standing {
        *columns = table.places(columns);
        if columns.is_empty() {
            // All that was wrong with the row is gone.
            judgement.standing = Standing::Clean;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> OlderTable {
        OlderTable {
            columns: ["id", "note", "total"].map(str::to_owned).to_vec(),
            // id, gift, total
            from: vec![Some(0), None, Some(2)],
        }
    }

    #[test]
    fn values_go_to_the_columns_of_their_names() {
        let row = Row::from_values([1, 2, 3].map(ValueRef::Integer));
        let present = table().present(&row);
        let expected = [ValueRef::Integer(1), ValueRef::Null, ValueRef::Integer(3)];
        assert_eq!(present, Row::from_values(expected));
    }

    #[test]
    fn a_shorter_row_holds_null() {
        let row = Row::from_values([ValueRef::Integer(1)]);
        let expected = [ValueRef::Integer(1), ValueRef::Null, ValueRef::Null];
        assert_eq!(table().present(&row), Row::from_values(expected));
    }

    #[test]
    fn columns_that_are_gone_are_named_no_more() {
        assert_eq!(table().places(&[2, 1]), [2]);
        assert_eq!(table().places(&[1]), Vec::<u16>::new());
    }
}
