//! In which order rows come back, so that every foreign key holds after each statement: row by row,
//! not table by table, since a row may hang on another one of its own table.

use crate::audit::DiscrepancyKind;
use crate::proposal::RowToRepair;
use crate::seal::cell;
use model::{Row, SourcePolicy, TableSchema, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows that hang on each other, by position in the list handed over.
struct Hangs {
    parents: Vec<BTreeSet<usize>>,
    children: Vec<BTreeSet<usize>>,
}

/// Rows in an order in which each stands behind those that it hangs on.
pub(crate) struct Ordered<'a> {
    pub(crate) rows: Vec<&'a RowToRepair>,
    /// Rows that hang on each other in a circle, and those that hang on them.
    pub(crate) circle: Vec<&'a RowToRepair>,
}

/// Deleted rows by their lawful images, forged ones by their live ones.
pub(crate) fn parents_first<'a>(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    rows: &[&'a RowToRepair],
) -> Ordered<'a> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (row.table, &row.key));
    let hangs = hangs(policy, schemas, &rows);
    let mut waiting: Vec<usize> = hangs.parents.iter().map(BTreeSet::len).collect();
    let mut ready: BTreeSet<usize> = (0..rows.len()).filter(|i| waiting[*i] == 0).collect();
    let mut ordered = Vec::with_capacity(rows.len());
    let mut done = vec![false; rows.len()];
    while let Some(next) = ready.pop_first() {
        done[next] = true;
        ordered.push(rows[next]);
        for child in &hangs.children[next] {
            waiting[*child] -= 1;
            if waiting[*child] == 0 {
                ready.insert(*child);
            }
        }
    }
    let left = (0..rows.len()).filter(|i| !done[*i]);
    Ordered {
        circle: left.map(|i| rows[i]).collect(),
        rows: ordered,
    }
}

/// The first rows for one proposal, at most `most`: deleted rows come first, each with all that hangs
/// on it and all that it hangs on, where that is not more than `most` by itself; then the others.
pub fn first_portion(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    rows: Vec<RowToRepair>,
    most: usize,
) -> Vec<RowToRepair> {
    if rows.len() <= most {
        return rows;
    }
    let (mut chosen, mut later) = (Vec::new(), Vec::new());
    for family in families(policy, schemas, &rows) {
        if chosen.len() + family.len() <= most {
            chosen.extend(family);
        } else {
            later.push(family);
        }
    }
    // A family that is too large for any proposal comes back from its root downwards.
    if chosen.is_empty()
        && let Some(family) = later.first()
    {
        chosen.extend(family.iter().take(most));
    }
    let others = (0..rows.len()).filter(|i| rows[*i].kind != DiscrepancyKind::Deleted);
    let free = most.saturating_sub(chosen.len());
    chosen.extend(others.take(free));
    let chosen: BTreeSet<usize> = chosen.into_iter().collect();
    let mut rows: Vec<Option<RowToRepair>> = rows.into_iter().map(Some).collect();
    chosen.iter().filter_map(|i| rows[*i].take()).collect()
}

/// Deleted rows that hang together, parents first in each; positions in `rows`.
fn families(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    rows: &[RowToRepair],
) -> Vec<Vec<usize>> {
    let deleted = rows.iter().filter(|r| r.kind == DiscrepancyKind::Deleted);
    let deleted: Vec<&RowToRepair> = deleted.collect();
    let ordered = parents_first(policy, schemas, &deleted);
    let mut list = ordered.rows;
    list.extend(ordered.circle);
    let hangs = hangs(policy, schemas, &list);
    let numbered = rows.iter().enumerate();
    let place: HashMap<_, usize> = numbered.map(|(i, r)| ((r.table, &r.key), i)).collect();
    let mut family_of: Vec<Option<usize>> = vec![None; list.len()];
    let mut families: Vec<Vec<usize>> = Vec::new();
    for first in 0..list.len() {
        if family_of[first].is_some() {
            continue;
        }
        let mut open = vec![first];
        let mut members = BTreeSet::new();
        while let Some(next) = open.pop() {
            if members.insert(next) {
                family_of[next] = Some(families.len());
                open.extend(&hangs.parents[next]);
                open.extend(&hangs.children[next]);
            }
        }
        let at = |i: &usize| place.get(&(list[*i].table, &list[*i].key)).copied();
        families.push(members.iter().filter_map(at).collect());
    }
    families
}

fn hangs(policy: &SourcePolicy, schemas: &[TableSchema], rows: &[&RowToRepair]) -> Hangs {
    let mut hangs = Hangs {
        parents: vec![BTreeSet::new(); rows.len()],
        children: vec![BTreeSet::new(); rows.len()],
    };
    let schema_of = |table: u16| {
        let name = &policy.tables.get(usize::from(table))?.name;
        schemas.iter().find(|s| s.name == *name)
    };
    // Each way in which rows of a table are pointed to, with the rows by the values of it.
    let mut pointed: BTreeMap<(u16, Vec<u16>), HashMap<Row, usize>> = BTreeMap::new();
    for (child, row) in rows.iter().enumerate() {
        let (Some(schema), Some(image)) = (schema_of(row.table), image(row)) else {
            continue;
        };
        for key in &schema.foreign_keys {
            let Some((parent, _)) = policy.table(&key.table) else {
                continue;
            };
            let Some(above) = schema_of(parent) else {
                continue;
            };
            let named = |names: &[String], schema: &TableSchema| -> Option<Vec<u16>> {
                names.iter().map(|n| schema.column(n)).collect()
            };
            let references = match key.references.as_slice() {
                [] => Some(above.primary_key.clone()),
                names => named(names, above),
            };
            let (Some(from), Some(to)) = (named(&key.columns, schema), references) else {
                continue;
            };
            let Some(values) = values(image, &from) else {
                continue;
            };
            let rows_above = pointed.entry((parent, to.clone())).or_insert_with(|| {
                let of_table = rows.iter().enumerate().filter(|(_, r)| r.table == parent);
                let by_values =
                    of_table.filter_map(|(i, r)| Some((self::values(self::image(r)?, &to)?, i)));
                by_values.collect()
            });
            if let Some(parent) = rows_above.get(&values).filter(|p| **p != child) {
                hangs.parents[child].insert(*parent);
                hangs.children[*parent].insert(child);
            }
        }
    }
    hangs
}

fn image(row: &RowToRepair) -> Option<&Row> {
    match row.kind {
        DiscrepancyKind::Deleted => row.lawful.as_ref(),
        DiscrepancyKind::Altered | DiscrepancyKind::Forged => row.live.as_ref(),
    }
}

/// `None` when one of them is NULL: then the key points nowhere.
fn values(row: &Row, columns: &[u16]) -> Option<Row> {
    let values: Vec<Value> = columns.iter().map(|c| cell(row, *c)).collect();
    let whole = !columns.is_empty() && !values.contains(&Value::Null);
    whole.then(|| Row::from_values(values.iter().map(Value::as_ref)))
}
