//! From what was seen to rules: columns that move together, steps of a state, sums and twins.

use super::proposal::{Proposed, Rule, TableProposal};
use super::propose::Writer;
use super::roles::Role;
use super::sums;
use super::tables::Column;
use super::words::{Sort, same_stem};
use model::policy::{Equal, Sum, Together};
use std::collections::BTreeMap;

/// Updates after which a time of change is believed to move every time.
const ENOUGH_UPDATES: u64 = 8;

/// Rows that came to a state before the steps from it are believed to be all there are.
const ENOUGH_ROWS: u64 = 60;

impl Writer<'_> {
    pub(super) fn together(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let changes = |c: u16| table.columns[usize::from(c)].changes;
        let guarded: Vec<u16> = (0..table.columns.len() as u16)
            .filter(|c| self.is_guarded(*c) && !table.schema.primary_key.contains(c))
            .collect();
        let touched: Vec<u16> = self
            .columns(|r| r == Role::Touched)
            .into_iter()
            .filter(|c| {
                table.updates >= ENOUGH_UPDATES
                    && changes(*c) == table.updates
                    && table.columns[usize::from(*c)].replaced > ENOUGH_UPDATES / 2
                    && !table.is_coarse(*c)
            })
            .collect();
        if !touched.is_empty() && !guarded.is_empty() {
            out.rules.push(Proposed {
                rule: Rule::Together(Together {
                    columns: guarded.iter().map(|c| self.name(*c)).collect(),
                    with: touched.iter().map(|c| self.name(*c)).collect(),
                }),
                held: table.updates,
                why: "no update left it alone".to_owned(),
            });
        }
        for &a in &guarded {
            let twins: Vec<u16> = guarded
                .iter()
                .copied()
                .filter(|b| {
                    *b != a
                        && changes(a) > 0
                        && table.both(a, *b) == changes(a)
                        && self.are_twins(a, *b)
                })
                .collect();
            if !twins.is_empty() {
                out.rules.push(Proposed {
                    rule: Rule::Together(Together {
                        columns: vec![self.name(a)],
                        with: twins.iter().map(|c| self.name(*c)).collect(),
                    }),
                    held: changes(a),
                    why: "changed only together".to_owned(),
                });
            }
        }
    }

    /// Two columns that tell one thing, or a step and its time.
    fn are_twins(&self, a: u16, b: u16) -> bool {
        let changes = self.seen_table().columns[usize::from(a)].changes;
        let amount = |c: u16| matches!(self.role(c), Role::Money | Role::Running | Role::Quantity);
        if amount(a) && amount(b) {
            return changes >= 2 && same_stem(&self.name(a), &self.name(b));
        }
        self.role(a) == Role::Flag && self.role(b) == Role::State && changes >= 3
    }

    /// A closed list of steps is believed only where it has long shown nothing new: from a state that
    /// many rows came to and left by steps that were all seen again. From any other state every
    /// known state may follow.
    pub(super) fn states(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let Some(column) = self
            .columns(|r| r == Role::State)
            .into_iter()
            .max_by_key(|c| table.columns[usize::from(*c)].changes)
        else {
            return;
        };
        let seen = &table.columns[usize::from(column)];
        let total: u64 = seen.steps.values().sum();
        let null = |(a, b): &(String, String)| a == "NULL" || b == "NULL";
        if seen.too_many || total < self.cautious(20) || seen.steps.keys().any(null) {
            return;
        }
        let transitions = self.closed_steps(seen);
        let closed = transitions.values().any(|to| to.len() < transitions.len());
        if !closed {
            out.undecided.push(format!(
                "{} took {total} steps of {} kinds: too few from any state to close the list",
                self.name(column),
                seen.steps.len()
            ));
            return;
        }
        let begins: Vec<String> = (seen.begins.keys())
            .filter(|b| *b != "NULL")
            .cloned()
            .collect();
        let rare = seen.begins.values().any(|n| *n == 1);
        let initial = if rare || table.inserts < self.cautious(25) {
            transitions.keys().cloned().collect()
        } else {
            begins
        };
        out.rules.push(Proposed {
            rule: Rule::States {
                column: self.name(column),
                initial,
                transitions,
            },
            held: total,
            why: "no other step was seen from states that many rows came to".to_owned(),
        });
    }

    fn closed_steps(&self, seen: &Column) -> BTreeMap<String, Vec<String>> {
        let mut came: BTreeMap<&String, u64> = BTreeMap::new();
        for (begin, times) in seen.begins.iter().filter(|(b, _)| *b != "NULL") {
            *came.entry(begin).or_default() += times;
        }
        for ((from, to), times) in &seen.steps {
            *came.entry(to).or_default() += times;
            came.entry(from).or_default();
        }
        let steps = |state: &String| -> Vec<(String, u64)> {
            let from = seen.steps.iter().filter(|((from, _), _)| from == state);
            from.map(|((_, to), times)| (to.clone(), *times)).collect()
        };
        came.iter()
            .map(|(state, came_to)| {
                let steps = steps(state);
                let again = steps.iter().all(|(_, times)| *times > 2);
                let to = if again && *came_to >= self.cautious(ENOUGH_ROWS) {
                    steps.into_iter().map(|(to, _)| to).collect()
                } else {
                    came.keys().map(|s| (*s).clone()).collect()
                };
                ((*state).clone(), to)
            })
            .collect()
    }

    pub(super) fn sums(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        if matches!(self.sort(), Sort::Ledger | Sort::Order) {
            for found in sums::in_row(table, self.roles()) {
                let term = |(c, minus): &(u16, bool)| {
                    format!("{}{}", if *minus { "-" } else { "" }, self.name(*c))
                };
                out.rules.push(Proposed {
                    rule: Rule::Sum(Sum {
                        column: self.name(found.column),
                        terms: found.terms.iter().map(term).collect(),
                        of: None,
                        within: None,
                        states: Vec::new(),
                    }),
                    held: found.rows,
                    why: "in rows with different amounts".to_owned(),
                });
            }
        }
        for (pair, (held, broken)) in &self.shop.learner.equalities.pairs {
            if pair.child == self.number
                && *broken == 0
                && *held >= 2
                && self.shop.sort(pair.parent) != Sort::Noise
                && self.shop.tables.has_key(pair.parent)
            {
                out.rules.push(Proposed {
                    rule: Rule::Equal(Equal {
                        column: self.name(pair.column),
                        equals: self.shop.name(pair.parent, pair.equals),
                        table: Some(
                            self.shop.tables.all[usize::from(pair.parent)]
                                .schema
                                .name
                                .clone(),
                        ),
                        via: Some(self.name(pair.via)),
                    }),
                    held: *held,
                    why: "the row it hangs on has the same".to_owned(),
                });
            }
        }
    }
}
