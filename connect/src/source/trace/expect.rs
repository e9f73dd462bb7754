//! Tables and columns that a policy speaks of: a trace without a schema dump need not show them all.

use super::tables::Tables;
use model::policy::OtherWrite;
use model::{SourcePolicy, TablePolicy};
use std::collections::BTreeMap;

/// Adds to `tables` what the policy names and neither dump nor trace does.
pub(super) fn expect(tables: &mut Tables, policy: &SourcePolicy) {
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for table in &policy.tables {
        let own = wanted.entry(&table.name).or_default();
        own.extend(own_columns(table));
        let others = table
            .frozen
            .iter()
            .flat_map(|f| &f.unless)
            .chain(table.company.iter().flat_map(|c| &c.any_of));
        for other in others {
            wanted
                .entry(&other.table)
                .or_default()
                .extend(other_columns(other));
        }
        for equal in &table.equal {
            if let Some(parent) = &equal.table {
                wanted.entry(parent).or_default().push(&equal.equals);
            }
        }
        for of in table.sum.iter().filter_map(|s| s.of.as_ref()) {
            let columns = [&of.via, &of.column].into_iter().chain(&of.times);
            wanted
                .entry(&of.table)
                .or_default()
                .extend(columns.map(String::as_str));
        }
    }
    for (table, columns) in wanted {
        let key = policy.table(table).map_or(&[][..], |(_, t)| &t.key);
        tables.expect(table, &columns, key);
    }
}

fn own_columns(table: &TablePolicy) -> Vec<&str> {
    let mut columns: Vec<&str> = table.key.iter().map(String::as_str).collect();
    columns.extend(table.state.as_deref());
    columns.extend(table.subject.as_deref());
    columns.extend(table.personal.keys().map(String::as_str));
    columns.extend(table.values.keys().map(String::as_str));
    let lists = [
        &table.plain,
        &table.only_rise,
        &table.only_fall,
        &table.set_once,
        &table.repairable,
    ];
    columns.extend(lists.into_iter().flatten().map(String::as_str));
    columns.extend(table.parent.as_ref().map(|p| p.via.as_str()));
    if let Some(money) = &table.money {
        columns.push(&money.amount);
        columns.extend(money.currency.as_deref());
    }
    for frozen in &table.frozen {
        columns.extend(frozen.columns.iter().map(String::as_str));
        columns.extend(frozen.unless.iter().filter_map(|o| o.to.as_deref()));
    }
    for rule in &table.together {
        columns.extend(rule.columns.iter().chain(&rule.with).map(String::as_str));
    }
    for rule in &table.company {
        columns.extend(
            rule.columns
                .iter()
                .chain(rule.when.keys())
                .map(String::as_str),
        );
        columns.extend(rule.any_of.iter().filter_map(|o| o.to.as_deref()));
    }
    for rule in &table.equal {
        columns.push(&rule.column);
        columns.extend(rule.via.as_deref());
        if rule.table.is_none() {
            columns.push(&rule.equals);
        }
    }
    for rule in &table.sum {
        columns.push(&rule.column);
        columns.extend(rule.terms.iter().map(|t| t.strip_prefix('-').unwrap_or(t)));
    }
    columns
}

fn other_columns(other: &OtherWrite) -> impl Iterator<Item = &str> {
    other
        .via
        .iter()
        .chain(other.holds.keys())
        .chain(&other.changes)
        .map(String::as_str)
}
