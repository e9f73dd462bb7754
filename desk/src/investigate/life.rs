//! One row's life: its entries in order, each with what changed and what it was changed with.

use super::report::{Cell, Cut, RowLife, RuleLine, Step, StepColumn, StepKind, Write};
use super::sight::{Shape, Sight};
use super::trail::Trail;
use super::{MOST_STEPS, RowName, company};
use crate::DeskError;
use model::digest::hex;
use model::entry::{EntryKind, RowEntry};
use model::{Row, Standing, ValueRef};
use recover::shape::OlderTable;

/// Tells the newest steps of a row; what is left out is said.
pub(super) fn of(
    sight: &mut Sight,
    name: &RowName,
    trail: &Trail,
    cuts: &mut Vec<Cut>,
) -> Result<RowLife, DeskError> {
    let left_out = trail.entries.len().saturating_sub(MOST_STEPS);
    let told: Vec<u64> = trail.entries.iter().skip(left_out).copied().collect();
    let shape = sight.shape_now()?;
    let table = shape.table_name(name.0).to_owned();
    let key = name.1.to_string();
    if left_out > 0 || trail.cut {
        cuts.push(Cut::Steps {
            table: table.clone(),
            key: key.clone(),
            shown: told.len() as u64,
        });
    }
    let mut life = RowLife {
        table,
        key,
        standing: Standing::Gone,
        unlawful: trail.unlawful,
        subject: trail.subject.as_deref().map(hex),
        steps: Vec::with_capacity(told.len()),
        findings: Vec::new(),
    };
    let mut before = Before::default();
    for index in told {
        let entry = sight.row_entry(index)?;
        if life.steps.is_empty() {
            before = earlier(sight, &entry)?;
        }
        let step = step(sight, index, &entry, &mut before)?;
        if entry.kind != EntryKind::Expected {
            life.standing = entry.judgement.standing;
        }
        life.steps.push(step);
    }
    Ok(life)
}

/// How the row stood before a step.
#[derive(Default)]
struct Before {
    row: Option<Row>,
    /// The schema entry that it was journaled under.
    schema: u64,
    /// The image that a repair announced last, until a change is seen.
    expected: Option<Option<Row>>,
}

/// How the row stood before the first step that is told.
fn earlier(sight: &mut Sight, entry: &RowEntry) -> Result<Before, DeskError> {
    let mut before = Before::default();
    if let Some(previous) = entry.previous {
        let previous = sight.row_entry(previous)?;
        before.schema = previous.schema;
        before.row = sight.image(&previous)?;
    }
    Ok(before)
}

/// A row of another schema in the columns of this one, by their names.
fn in_columns_of(shape: &Shape, other: &Shape, table: u16, row: &Row) -> Row {
    let of = |shape: &'_ Shape| shape.schemas.get(usize::from(table)).cloned();
    let (Some(now), Some(then)) = (of(shape), of(other)) else {
        return row.clone();
    };
    OlderTable {
        from: now.columns.iter().map(|c| then.column(&c.name)).collect(),
        ..OlderTable::default()
    }
    .present(row)
}

fn step(
    sight: &mut Sight,
    index: u64,
    entry: &RowEntry,
    before: &mut Before,
) -> Result<Step, DeskError> {
    let shape = sight.shape(entry.schema)?;
    let image = sight.image(entry)?;
    if before.schema != entry.schema
        && let Some(row) = &before.row
    {
        let other = sight.shape(before.schema)?;
        before.row = Some(in_columns_of(&shape, &other, entry.table, row));
    }
    before.schema = entry.schema;
    let kind = match entry.kind {
        EntryKind::Baseline => StepKind::Baseline,
        EntryKind::Expected => StepKind::Expected,
        EntryKind::Accepted => StepKind::Accepted,
        _ if before.expected.as_ref() == Some(&image) => StepKind::Repair,
        _ => StepKind::Change,
    };
    let company = match kind {
        StepKind::Baseline | StepKind::Expected => None,
        _ => company::of(sight, index, entry)?,
    };
    let judgement = &entry.judgement;
    let step = Step {
        entry: index,
        kind,
        write: write_of(before.row.as_ref(), image.as_ref()),
        at: entry.at,
        witnessed: entry.witnessed,
        coalesced: entry.coalesced,
        verdict: judgement.verdict,
        rules: judgement
            .hits
            .iter()
            .map(|hit| RuleLine {
                rule: hit.rule.clone(),
                columns: names(&shape, entry.table, &hit.columns),
            })
            .collect(),
        standing: judgement.standing.clone(),
        changes: changes(sight, &shape, entry, before.row.as_ref(), image.as_ref()),
        image: cells(sight, &shape, entry, image.as_ref()),
        company,
        findings: Vec::new(),
    };
    if entry.kind == EntryKind::Expected {
        before.expected = Some(image);
    } else {
        before.expected = None;
        before.row = image;
    }
    Ok(step)
}

fn write_of(old: Option<&Row>, new: Option<&Row>) -> Write {
    match (old, new) {
        (None, Some(_)) => Write::Insert,
        (Some(_), None) => Write::Delete,
        (Some(old), Some(new)) if old != new => Write::Update,
        _ => Write::Same,
    }
}

fn names(shape: &Shape, table: u16, columns: &[u16]) -> Vec<String> {
    let names = columns.iter().map(|c| shape.column_name(table, *c));
    names.map(str::to_owned).collect()
}

/// Columns that differ. What could not be opened cannot be compared and is left out.
fn changes(
    sight: &mut Sight,
    shape: &Shape,
    entry: &RowEntry,
    old: Option<&Row>,
    new: Option<&Row>,
) -> Vec<StepColumn> {
    let columns = match (old, new) {
        (Some(old), Some(new)) => old.differing(new),
        (Some(row), None) | (None, Some(row)) => (0..row.len() as u16).collect(),
        (None, None) => Vec::new(),
    };
    let mut out = Vec::with_capacity(columns.len());
    for column in columns {
        let cell = |row: Option<&'_ Row>| -> Option<model::Value> {
            let value = row?.get(usize::from(column));
            Some(value.map_or(model::Value::Null, ValueRef::to_value))
        };
        let sealed = |row: Option<&Row>| {
            row.and_then(|r| r.get(usize::from(column)))
                .is_some_and(|v| matches!(v, ValueRef::Sealed(_)))
        };
        if sealed(old) && sealed(new) {
            continue;
        }
        let personal = is_personal(shape, entry, column);
        let mut shown = |row: Option<&Row>| {
            let hidden = sealed(row);
            cell(row).map(|value| match hidden {
                true => ValueRef::Sealed(&[]).to_string(),
                false => sight.shown(value.as_ref(), personal),
            })
        };
        out.push(StepColumn {
            name: shape.column_name(entry.table, column).to_owned(),
            old: shown(old),
            new: shown(new),
            personal,
        });
    }
    out
}

fn cells(sight: &mut Sight, shape: &Shape, entry: &RowEntry, row: Option<&Row>) -> Vec<Cell> {
    let values = row.into_iter().flat_map(Row::iter);
    (0..)
        .zip(values)
        .map(|(column, value)| {
            let personal = is_personal(shape, entry, column);
            Cell {
                name: shape.column_name(entry.table, column).to_owned(),
                value: sight.shown(value, personal),
                personal,
            }
        })
        .collect()
}

/// Declared by the policy, or sealed in the entry: texts that nobody declared count as personal.
/// Of a row that is gone there is no entry to see it by, so its undeclared texts count too.
fn is_personal(shape: &Shape, entry: &RowEntry, column: u16) -> bool {
    if shape.personal_kind(entry.table, column).is_some() {
        return true;
    }
    let in_entry = entry
        .image
        .as_ref()
        .and_then(|i| i.get(usize::from(column)));
    match in_entry {
        Some(ValueRef::Null) | None => shape.may_be_personal(entry.table, column),
        Some(value) => matches!(value, ValueRef::Sealed(_)),
    }
}
