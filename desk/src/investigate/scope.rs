//! How far it went: rows, persons, money and kinds of personal data.

use super::report::{Amount, PersonalKind, RowLife, Scope, TableScope, Write};
use super::sight::Sight;
use super::trail::Trails;
use crate::DeskError;
use model::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// The kind of personal columns that the policy does not speak of.
const UNDECLARED: &str = "other";

/// Money by table and currency.
type Amounts = BTreeMap<(u16, String), Amount>;

pub(super) fn of(
    sight: &mut Sight,
    trails: &Trails,
    lives: &[RowLife],
) -> Result<Scope, DeskError> {
    let shape = sight.shape_now()?;
    let mut scope = Scope::default();
    let mut tables: BTreeMap<u16, TableScope> = BTreeMap::new();
    let mut amounts = Amounts::new();
    let (mut persons, mut hit) = (BTreeSet::new(), BTreeSet::new());
    for ((number, _), trail) in &trails.rows {
        let unwitnessed = trail.unwitnessed && !trail.unlawful;
        let table = tables.entry(*number).or_insert_with(|| TableScope {
            table: shape.table_name(*number).to_owned(),
            rows: 0,
            unlawful: 0,
            unwitnessed: 0,
            amounts: Vec::new(),
        });
        table.rows += 1;
        table.unlawful += u64::from(trail.unlawful);
        table.unwitnessed += u64::from(unwitnessed);
        if let Some(subject) = &trail.subject {
            persons.insert(subject);
            if trail.unlawful {
                hit.insert(subject);
            }
        }
        if let Some((_, minor, currency)) = &trail.money {
            let unlawful = if trail.unlawful { *minor } else { 0 };
            add(&mut amounts, *number, currency, [*minor, unlawful, 0]);
        }
        scope.first_at = earlier(scope.first_at, trail.first_at);
        scope.last_at = scope.last_at.max(trail.last_at);
    }
    for life in lives {
        moved(sight, life, &mut amounts)?;
    }
    let touched: Vec<u16> = tables.keys().copied().collect();
    scope.amounts = over_all(&amounts);
    for ((number, _), amount) in amounts {
        if let Some(table) = tables.get_mut(&number) {
            table.amounts.push(amount);
        }
    }
    scope.tables = tables.into_values().collect();
    scope.rows = scope.tables.iter().map(|t| t.rows).sum();
    scope.unlawful = scope.tables.iter().map(|t| t.unlawful).sum();
    scope.unwitnessed = scope.tables.iter().map(|t| t.unwitnessed).sum();
    scope.persons = persons.len() as u64;
    scope.persons_unlawful = hit.len() as u64;
    scope.personal = personal(sight, &touched, lives)?;
    Ok(scope)
}

fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Adds to the amounts of a table: all, of unlawful rows, moved.
fn add(amounts: &mut Amounts, table: u16, currency: &str, minor: [i64; 3]) {
    let amount = amounts.entry((table, currency.to_owned()));
    let amount = amount.or_insert_with(|| Amount::none(currency));
    amount.add(minor);
}

fn over_all(amounts: &Amounts) -> Vec<Amount> {
    let mut out: BTreeMap<&str, Amount> = BTreeMap::new();
    for ((_, currency), amount) in amounts {
        let sum = out
            .entry(currency)
            .or_insert_with(|| Amount::none(currency));
        sum.add([amount.minor, amount.unlawful_minor, amount.moved_minor]);
    }
    out.into_values().collect()
}

impl Amount {
    fn none(currency: &str) -> Self {
        Self {
            currency: currency.to_owned(),
            minor: 0,
            unlawful_minor: 0,
            moved_minor: 0,
        }
    }

    fn add(&mut self, [all, unlawful, moved]: [i64; 3]) {
        self.minor = self.minor.saturating_add(all);
        self.unlawful_minor = self.unlawful_minor.saturating_add(unlawful);
        self.moved_minor = self.moved_minor.saturating_add(moved);
    }
}

/// Adds what a row's unlawful steps did to its money.
fn moved(sight: &mut Sight, life: &RowLife, amounts: &mut Amounts) -> Result<(), DeskError> {
    let unlawful = life.steps.iter().filter(|s| s.verdict == Verdict::Unlawful);
    for step in unlawful.filter(|s| s.write != Write::Same) {
        let entry = sight.row_entry(step.entry)?;
        let shape = sight.shape(entry.schema)?;
        let new = entry.image.as_ref();
        let new = new.and_then(|image| shape.money(entry.table, image));
        let old = match entry.previous {
            Some(previous) => {
                let before = sight.row_entry(previous)?;
                let shape = sight.shape(before.schema)?;
                let image = before.image.as_ref();
                image.and_then(|image| shape.money(before.table, image))
            }
            None => None,
        };
        let Some((_, currency)) = new.as_ref().or(old.as_ref()) else {
            continue;
        };
        let minor = |money: Option<&(i64, String)>| money.map_or(0, |m| m.0);
        let difference = minor(new.as_ref()).abs_diff(minor(old.as_ref()));
        let difference = i64::try_from(difference).unwrap_or(i64::MAX);
        add(amounts, entry.table, currency, [0, 0, difference]);
    }
    Ok(())
}

/// The personal columns of the touched tables, by kind: those that the policy declares, and those
/// of which a value was sealed although nobody declared them.
fn personal(
    sight: &mut Sight,
    touched: &[u16],
    lives: &[RowLife],
) -> Result<Vec<PersonalKind>, DeskError> {
    let shape = sight.shape_now()?;
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut declared = BTreeSet::new();
    for number in touched {
        let Some(policy) = shape.policy.tables.get(usize::from(*number)) else {
            continue;
        };
        for (column, kind) in &policy.personal {
            let name = format!("{}.{column}", policy.name);
            declared.insert(name.clone());
            kinds.entry(kind.clone()).or_default().insert(name);
        }
    }
    for life in lives {
        let cells = life.steps.iter().flat_map(|s| &s.image);
        for cell in cells.filter(|c| c.personal) {
            let name = format!("{}.{}", life.table, cell.name);
            if !declared.contains(&name) {
                kinds.entry(UNDECLARED.to_owned()).or_default().insert(name);
            }
        }
    }
    Ok(kinds
        .into_iter()
        .map(|(kind, columns)| PersonalKind {
            kind,
            columns: columns.into_iter().collect(),
        })
        .collect())
}
