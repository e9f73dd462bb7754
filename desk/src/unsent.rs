//! Values that a source left out of a change because they did not change (PostgreSQL keeps long
//! values out of line and does not send them again): they stand in the image seen last.

use crate::DeskError;
use crate::ledger::{LONG_CELL, Ledger, hash_of_long};
use connect::source::Feed;
use model::{Key, Observed, Row, Value, ValueRef};

/// Puts the values in.
pub(crate) fn fill_in(
    ledger: &mut Ledger,
    feed: &mut dyn Feed,
    observed: &mut [Observed],
) -> Result<(), DeskError> {
    for seen in observed.iter_mut().filter(|seen| !seen.unsent.is_empty()) {
        let Some(row) = &seen.row else { continue };
        let last = match ledger.record(seen.table, &seen.key)? {
            Some(record) => ledger.live_row(seen.table, &seen.key, &record)?,
            None => None,
        };
        let known = |column: &u16| last.as_ref()?.get(usize::from(*column));
        let needs_shop = seen.unsent.iter().any(|c| known(c).is_none_or(is_long));
        let present = if needs_shop {
            present(feed, seen.table, &seen.key)?
        } else {
            None
        };
        let filled: Vec<(u16, Value)> = seen
            .unsent
            .iter()
            .map(|column| (*column, value(known(column), present.as_ref(), *column)))
            .collect();
        seen.row = Some(row.with(&filled));
        seen.unsent.clear();
    }
    Ok(())
}

fn present(feed: &mut dyn Feed, table: u16, key: &Key) -> Result<Option<Row>, DeskError> {
    Ok(feed.read(table, std::slice::from_ref(key))?.pop().flatten())
}

fn is_long(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Blob(b) if b.starts_with(LONG_CELL))
}

/// The journaled value; of a cell whose hash alone is journaled the shop's present one, if it
/// still is that. If it is not, a later change says so, and the hash stands until then.
fn value(known: Option<ValueRef<'_>>, present: Option<&Row>, column: u16) -> Value {
    let live = present.and_then(|row| row.get(usize::from(column)));
    match (known, live) {
        (Some(known), Some(live)) if is_long(known) => {
            let same = matches!(known, ValueRef::Blob(b) if b == hash_of_long(live));
            if same { live } else { known }.to_value()
        }
        (Some(known), _) => known.to_value(),
        (None, Some(live)) => live.to_value(),
        (None, None) => Value::Null,
    }
}
