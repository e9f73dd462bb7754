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
    /// For each of today's columns that was of another type, the digits behind the point that its
    /// decimals are written with today. Others, and empty: values stay as they are.
    pub scales: Vec<Option<u8>>,
}

impl OlderTable {
    /// The row as it would stand in today's columns.
    pub fn present(&self, row: &Row) -> Row {
        let cells: Vec<ValueRef<'_>> = row.iter().collect();
        let mut out = Row::builder();
        for (place, from) in self.from.iter().enumerate() {
            let value = from.and_then(|c| cells.get(usize::from(c)).copied());
            let value = value.unwrap_or(ValueRef::Null);
            let scale = self.scales.get(place).copied().flatten();
            match scale.and_then(|scale| at_scale(value, scale)) {
                Some(text) => out.push(ValueRef::Text(text.as_bytes())),
                None => out.push(value),
            }
        }
        out.finish()
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

/// A decimal number written with so many digits behind its point, where it has no others than zeros
/// beyond them.
fn at_scale(value: ValueRef<'_>, scale: u8) -> Option<String> {
    let text = match value {
        ValueRef::Integer(i) => i.to_string(),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.to_owned(),
        _ => return None,
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let (part, scale) = (part.trim_end_matches('0'), usize::from(scale));
    let is_number = !digits.is_empty()
        && digits
            .bytes()
            .chain(part.bytes())
            .all(|b| b.is_ascii_digit());
    if !is_number || part.len() > scale {
        return None;
    }
    let point = if scale > 0 { "." } else { "" };
    Some(format!("{whole}{point}{part:0<scale$}"))
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
            scales: Vec::new(),
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
    fn decimals_are_written_with_the_digits_of_today() {
        let told = |text: &str, scale| at_scale(ValueRef::Text(text.as_bytes()), scale);
        assert_eq!(told("12.50", 4).as_deref(), Some("12.5000"));
        assert_eq!(told("-12.500", 1).as_deref(), Some("-12.5"));
        assert_eq!(told("12.00", 0).as_deref(), Some("12"));
        assert_eq!(at_scale(ValueRef::Integer(5), 2).as_deref(), Some("5.00"));
        assert_eq!(told("12.55", 1), None);
        assert_eq!(told("a.b", 2), None);
        let table = OlderTable {
            scales: vec![None, None, Some(2)],
            ..table()
        };
        let present = table.present(&Row::from_values([1, 2, 3].map(ValueRef::Integer)));
        assert_eq!(present.get(2), Some(ValueRef::Text(b"3.00")));
        assert_eq!(present.get(0), Some(ValueRef::Integer(1)));
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
