//! The net change of a row in a transaction, from the lines that the record has of it.

use model::policy::WriteKind;
use model::{Key, PartRow, Row, RowWrite, Value, ValueRef};

/// The net change of one row in one transaction.
pub(crate) struct Net<'a> {
    pub(super) table: u16,
    pub(super) key: Key,
    pub(super) writes: Vec<&'a RowWrite>,
}

impl Net<'_> {
    /// The row as it stands in the end, where some columns were judged by earlier values.
    pub(super) fn after(&self, late: &[u16]) -> Option<Row> {
        (!late.is_empty()).then(|| {
            (self.writes.iter().filter(|w| w.new.is_some()))
                .fold(None, |row, write| Some(stepped(row, write)))
        })?
    }
}

/// Whether a row was inserted and deleted in one transaction.
pub(super) fn vanished(net: &Net<'_>) -> bool {
    let (first, last) = (net.writes.first(), net.writes.last());
    first.is_some_and(|w| w.op == WriteKind::Insert)
        && last.is_some_and(|w| w.op == WriteKind::Delete)
}

/// What a row was inserted as.
pub(super) fn first_image(net: &Net<'_>) -> Option<Row> {
    Some(net.writes.first()?.new.as_ref()?.row.clone())
}

/// The last write of the row that touched one of these columns, else its last write.
pub(super) fn concerned<'a>(net: &Net<'a>, columns: &[u16]) -> Option<&'a RowWrite> {
    let touches = |write: &&&'a RowWrite| match (&write.old, &write.new) {
        (Some(old), Some(new)) => columns.iter().any(|c| {
            let at = usize::from(*c);
            old.knows(*c) && new.knows(*c) && old.row.get(at) != new.row.get(at)
        }),
        _ => false,
    };
    let found = net.writes.iter().rev().find(touches);
    found.or(net.writes.last()).copied()
}

/// The row with everything that `part` knows put in.
pub(crate) fn overlaid(row: Option<&Row>, part: &PartRow) -> Row {
    let Some(known) = &part.known else {
        return part.row.clone();
    };
    let Some(row) = row else {
        return part.row.clone();
    };
    let told: Vec<(u16, Value)> = known
        .iter()
        .filter_map(|c| Some((*c, part.row.get(usize::from(*c))?.to_value())))
        .collect();
    row.with(&told)
}

/// The row after one more write. Where a write says what it changed, only that is taken from it: a
/// record in which a change of one line does not show in the next does not lose it so.
pub(crate) fn stepped(row: Option<Row>, write: &RowWrite) -> Row {
    let Some(new) = &write.new else {
        return row.unwrap_or_default();
    };
    let (Some(row), Some(old)) = (&row, &write.old) else {
        return overlaid(row.as_ref(), new);
    };
    let told: Vec<(u16, Value)> = (0..new.row.len() as u16)
        .filter(|c| new.knows(*c))
        .filter_map(|c| {
            let at = usize::from(c);
            let value = new.row.get(at)?;
            let same = old.knows(c) && old.row.get(at) == Some(value);
            (!same).then(|| (c, value.to_value()))
        })
        .collect();
    row.with(&told)
}

/// Columns that the writes after an insert gave another value than they had, in its own transaction.
pub(crate) fn late_changes(writes: &[&RowWrite]) -> Vec<u16> {
    let mut late: Vec<u16> = Vec::new();
    for write in writes.iter().skip(1) {
        let (Some(old), Some(new)) = (&write.old, &write.new) else {
            continue;
        };
        late.extend(old.row.differing(&new.row).into_iter().filter(|c| {
            let filled = old.row.get(usize::from(*c)) != Some(ValueRef::Null);
            filled && old.knows(*c) && new.knows(*c)
        }));
    }
    late.sort_unstable();
    late.dedup();
    late
}

/// Columns that none of these images tells.
pub(crate) fn missing(parts: &[Option<&PartRow>], width: usize) -> Vec<u16> {
    (0..width as u16)
        .filter(|c| !parts.iter().flatten().any(|part| part.knows(*c)))
        .collect()
}
