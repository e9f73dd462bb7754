//! Columns that are sums of others in their row, and columns that agree with the row pointed to.

use super::company::key_in;
use super::observe::{Net, Rows};
use super::roles::Role;
use super::tables::{Table, Tables};
use super::words::words;
use crate::decimal::Addend;
use model::{Row, ValueRef};
use std::collections::{BTreeMap, BTreeSet};

/// `column` = the sum of the terms; those marked are subtracted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FoundSum {
    pub(super) column: u16,
    pub(super) terms: Vec<(u16, bool)>,
    pub(super) rows: u64,
}

/// Rows with different amounts that must show a sum before it is believed.
const LEAST_ROWS: usize = 8;

/// Money columns of one table that are tried against each other.
const MAX_TERMS: usize = 12;

/// Sums of two or three terms that hold in every sample and in enough different ones. Columns that
/// are always zero could belong to any sum: where there is one, no sum is believed.
pub(super) fn in_row(table: &Table, roles: &[Role]) -> Vec<FoundSum> {
    let money: Vec<u16> = (0..)
        .zip(roles)
        .filter(|(c, role)| **role == Role::Money && table.columns[usize::from(*c)].numbers > 0)
        .map(|(c, _)| c)
        .take(MAX_TERMS)
        .collect();
    if money.len() < 3 {
        return Vec::new();
    }
    let rows: BTreeSet<Vec<i128>> = table
        .samples
        .iter()
        .filter_map(|row| amounts(row, &money))
        .collect();
    let silent = (0..money.len()).any(|at| rows.iter().all(|row| row[at] == 0));
    if rows.len() < LEAST_ROWS || silent {
        return Vec::new();
    }
    let mut found: Vec<FoundSum> = Vec::new();
    for total in 0..money.len() {
        for terms in candidates(money.len(), total) {
            let holds = rows.iter().all(|row| {
                let sum: i128 = terms
                    .iter()
                    .map(|(t, minus)| if *minus { -row[*t] } else { row[*t] })
                    .sum();
                sum == row[total]
            });
            let telling = rows
                .iter()
                .filter(|row| terms.iter().all(|(t, _)| row[*t] != 0))
                .count();
            if holds && telling >= LEAST_ROWS {
                found.push(FoundSum {
                    column: money[total],
                    terms: terms.iter().map(|(t, minus)| (money[*t], *minus)).collect(),
                    rows: rows.len() as u64,
                });
                break;
            }
        }
    }
    once_each(found)
}

/// total = a + b says the same as a = total - b: the one without a minus is kept.
fn once_each(mut found: Vec<FoundSum>) -> Vec<FoundSum> {
    found.sort_by_key(|sum| sum.terms.iter().filter(|(_, minus)| *minus).count());
    let mut kept: Vec<FoundSum> = Vec::new();
    let columns = |sum: &FoundSum| -> BTreeSet<u16> {
        let terms = sum.terms.iter().map(|(c, _)| *c);
        terms.chain([sum.column]).collect()
    };
    for sum in found {
        if !kept.iter().any(|k| columns(k) == columns(&sum)) {
            kept.push(sum);
        }
    }
    kept
}

fn candidates(width: usize, total: usize) -> Vec<Vec<(usize, bool)>> {
    let others: Vec<usize> = (0..width).filter(|c| *c != total).collect();
    let mut out = Vec::new();
    for (i, a) in others.iter().enumerate() {
        for b in &others[i + 1..] {
            out.push(vec![(*a, false), (*b, false)]);
            out.push(vec![(*a, false), (*b, true)]);
            out.push(vec![(*b, false), (*a, true)]);
        }
    }
    for (i, a) in others.iter().enumerate() {
        for (j, b) in others.iter().enumerate().skip(i + 1) {
            for c in &others[j + 1..] {
                for minus in [None, Some(a), Some(b), Some(c)] {
                    let term = |t: &usize| (*t, minus == Some(t));
                    out.push(vec![term(a), term(b), term(c)]);
                }
            }
        }
    }
    out
}

fn amounts(row: &Row, columns: &[u16]) -> Option<Vec<i128>> {
    columns
        .iter()
        .map(|c| {
            let cell = row.get(usize::from(*c)).unwrap_or(ValueRef::Null);
            Some(Addend::of(cell, None)?.units)
        })
        .collect()
}

/// A column that held the value of a column of the row that it points to, every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) child: u16,
    pub(super) column: u16,
    pub(super) via: u16,
    pub(super) parent: u16,
    pub(super) equals: u16,
}

#[derive(Debug, Default)]
pub(super) struct Equalities {
    pub(super) pairs: BTreeMap<Pair, (u64, u64)>,
}

impl Equalities {
    /// Looks at every inserted row whose parent is known. Currencies only: other columns that
    /// happen to agree may lawfully part.
    pub(super) fn observe(&mut self, tables: &Tables, rows: &Rows, nets: &[Net]) {
        for net in nets.iter().filter(|net| net.old.is_none()) {
            let table = &tables.all[usize::from(net.table)];
            for pointer in &table.pointers {
                let Some(key) = key_in(net, pointer.column) else {
                    continue;
                };
                let Some(parent) = rows.get(pointer.to, &key) else {
                    continue;
                };
                let above = &tables.all[usize::from(pointer.to)];
                for column in currencies(table) {
                    for equals in currencies(above) {
                        let (mine, theirs) = (net.cell(column), parent.get(usize::from(equals)));
                        if mine == ValueRef::Null {
                            continue;
                        }
                        let pair = Pair {
                            child: net.table,
                            column,
                            via: pointer.column,
                            parent: pointer.to,
                            equals,
                        };
                        let (held, broken) = self.pairs.entry(pair).or_default();
                        if Some(mine) == theirs {
                            *held += 1;
                        } else {
                            *broken += 1;
                        }
                    }
                }
            }
        }
    }
}

fn currencies(table: &Table) -> impl Iterator<Item = u16> {
    (0_u16..)
        .zip(&table.schema.columns)
        .filter(|(_, c)| words(&c.name).iter().any(|w| w == "currency"))
        .map(|(c, _)| c)
}
