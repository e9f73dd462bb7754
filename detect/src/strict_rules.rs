//! The rules of [`Strict`] that a row keeps or breaks by itself.
//!
//! They hold for rows as they stand, so that it is nothing to them whether one step was seen or
//! several as one. One exception is known: `together` takes columns that changed there and back
//! between two looks for columns that did not change; times and versions never go back.

use crate::balances::agree;
use crate::decimal::compare;
use crate::policy::{CompiledTable, RowSum, Strict, reads};
use crate::rules::{hit, same};
use model::{Row, RuleHit, ValueRef};
use std::cmp::Ordering;

/// A row that changed, seen against what it lawfully was.
#[derive(Clone, Copy)]
pub(crate) struct Update<'a> {
    pub(crate) lawful: &'a Row,
    pub(crate) old: &'a Row,
    pub(crate) new: &'a Row,
    /// Columns that are not at their lawful values.
    pub(crate) changed: &'a [u16],
    /// The row is older than the known history: what reads NULL may hold anything.
    pub(crate) partly_known: bool,
}

impl<'a> Update<'a> {
    /// The row with its changes and without what was wrong before.
    fn cell(&self, column: u16) -> ValueRef<'a> {
        let row = if self.changed.contains(&column) {
            self.new
        } else {
            self.lawful
        };
        row.get(usize::from(column)).unwrap_or(ValueRef::Null)
    }
    fn is_known(&self, column: u16) -> bool {
        !self.partly_known || self.changed.contains(&column) || self.cell(column) != ValueRef::Null
    }
}

pub(crate) fn broken_by_insert(
    rules: &CompiledTable,
    strict: &Strict,
    new: &Row,
    hits: &mut Vec<RuleHit>,
) {
    let cell = |c: u16| new.get(usize::from(c)).unwrap_or(ValueRef::Null);
    add(
        hits,
        "values",
        strict
            .values
            .iter()
            .filter(|(c, allowed)| !allows(cell(*c), allowed))
            .map(|(c, _)| *c),
    );
    let unlike = strict
        .twins
        .iter()
        .filter(|[a, b]| !agree(cell(*a), cell(*b)));
    add(hits, "equal", unlike.flatten().copied());
    let wrong = strict
        .sums
        .iter()
        .filter(|sum| sum.holds_in(rules.state_of(new)) && !adds_up(sum, cell));
    add(hits, "sum", wrong.map(|sum| sum.column));
}

pub(crate) fn broken_by_update(
    rules: &CompiledTable,
    strict: &Strict,
    update: Update<'_>,
    hits: &mut Vec<RuleHit>,
) {
    let changed = update.changed;
    let cell = |c: u16| update.cell(c);
    let alone = strict.together.iter().filter(|rule| {
        rule.columns.any_of(changed)
            && rule.with.iter().any(|c| {
                let at = usize::from(*c);
                // A column that somebody moved ahead by hand moves no more in the lawful step.
                same(update.old.get(at), update.new.get(at))
                    && same(update.lawful.get(at), update.new.get(at))
            })
    });
    add(
        hits,
        "together",
        alone.flat_map(|rule| rule.columns.among(changed)),
    );
    let went = |columns: &crate::policy::Columns, wrong: Ordering| {
        let mut found = columns.among(changed);
        found.retain(|c| {
            let before = update.lawful.get(usize::from(*c)).unwrap_or(ValueRef::Null);
            // A first number is neither rise nor fall; a number that is taken away is both.
            before != ValueRef::Null && compare(cell(*c), before).is_none_or(|went| went == wrong)
        });
        found
    };
    add(hits, "only_rise", went(&strict.only_rise, Ordering::Less));
    add(
        hits,
        "only_fall",
        went(&strict.only_fall, Ordering::Greater),
    );
    let mut replaced = strict.set_once.among(changed);
    replaced.retain(|c| {
        let before = update.lawful.get(usize::from(*c));
        before.is_some_and(|before| !matches!(before, ValueRef::Null | ValueRef::Text(b"")))
    });
    add(hits, "set_once", replaced);
    let refused = strict
        .values
        .iter()
        .filter(|(c, allowed)| changed.contains(c) && !allows(cell(*c), allowed));
    add(hits, "values", refused.map(|(c, _)| *c));
    let unlike = strict.twins.iter().filter(|twin| {
        twin.iter().any(|c| changed.contains(c))
            && twin.iter().all(|c| update.is_known(*c))
            && !agree(cell(twin[0]), cell(twin[1]))
    });
    add(
        hits,
        "equal",
        unlike.flatten().copied().filter(|c| changed.contains(c)),
    );
    let state = |sum: &RowSum| match rules.state {
        Some(column) => sum.holds_in(rules.states.id(cell(column))),
        None => true,
    };
    let wrong = strict.sums.iter().filter(|sum| {
        let comes_into_force =
            sum.states != u64::MAX && rules.state.is_some_and(|c| changed.contains(&c));
        (comes_into_force || sum.columns().any(|c| changed.contains(&c)))
            && sum.columns().all(|c| update.is_known(c))
            && state(sum)
            && !adds_up(sum, cell)
    });
    add(
        hits,
        "sum",
        wrong.flat_map(|sum| blamed(sum, rules, changed)),
    );
}

/// What of a row is held against it when its sum is wrong: the column itself where it was
/// written, else its terms, else the state that brought the rule into force.
pub(crate) fn blamed(sum: &RowSum, rules: &CompiledTable, changed: &[u16]) -> Vec<u16> {
    let mut found: Vec<u16> = sum.columns().filter(|c| changed.contains(c)).collect();
    if found.first() == Some(&sum.column) {
        found.truncate(1);
    }
    if found.is_empty() && sum.states != u64::MAX {
        found.extend(rules.state.filter(|c| changed.contains(c)));
    }
    found
}

fn adds_up<'a>(sum: &RowSum, cell: impl Fn(u16) -> ValueRef<'a>) -> bool {
    let size = crate::decimal::Addend::of(cell(sum.column), None).map_or(0, |a| a.units);
    sum.own(cell)
        .is_some_and(|over| over.is_nothing(sum.within, size))
}

fn allows(value: ValueRef<'_>, allowed: &[String]) -> bool {
    value == ValueRef::Null || allowed.iter().any(|text| reads(value, text))
}

fn add(hits: &mut Vec<RuleHit>, rule: &str, columns: impl IntoIterator<Item = u16>) {
    let mut columns: Vec<u16> = columns.into_iter().collect();
    if !columns.is_empty() {
        columns.sort_unstable();
        columns.dedup();
        hits.push(hit(rule, columns));
    }
}
