//! The rules of [`Strict`](super::strict::Strict), held against the shop's schema.

use super::links::Linker;
use super::states::StateSet;
use super::strict::{
    Columns, Company, Freeze, KnownBy, Link, Other, Pattern, RowSum, Strict, SumOver, Together,
    TwinOver,
};
use super::{Problem, suggest};
use crate::decimal::Addend;
use model::policy::{Equal, OtherWrite, Sum};
use model::{TableSchema, ValueRef};
use std::collections::BTreeMap;

/// What the tables' rules share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) patterns: Vec<Pattern>,
    pub(super) sums: Vec<SumOver>,
    pub(super) twins: Vec<TwinOver>,
}

impl<'a> Linker<'a> {
    pub(super) fn freezes(&mut self, own: &'a TableSchema, shared: &mut Shared) -> Vec<Freeze> {
        let policy = self.check.policy;
        policy
            .frozen
            .iter()
            .map(|frozen| {
                if frozen.columns.is_empty() {
                    self.check.say("frozen.columns", Problem::NothingFrozen);
                }
                Freeze {
                    from: self.set_of(&frozen.from),
                    columns: self.columns(own, "frozen.columns", &frozen.columns),
                    unless: self.others(own, "frozen.unless", &frozen.unless, shared),
                }
            })
            .collect()
    }

    pub(super) fn strict(&mut self, own: &'a TableSchema, shared: &mut Shared) -> Strict {
        let policy = self.check.policy;
        let mut strict = Strict {
            together: self.together(own),
            only_rise: self.columns(own, "only_rise", &policy.only_rise),
            only_fall: self.columns(own, "only_fall", &policy.only_fall),
            set_once: self.columns(own, "set_once", &policy.set_once),
            company: self.company(own, shared),
            ..Strict::default()
        };
        for (name, values) in &policy.values {
            if let Some(column) = self.check.column(own, "values", name) {
                strict.values.push((column, values.clone()));
            }
        }
        for equal in &policy.equal {
            self.equal(own, equal, &mut strict, shared);
        }
        for sum in &policy.sum {
            self.sum(own, sum, &mut strict, shared);
        }
        strict
    }

    fn together(&mut self, own: &TableSchema) -> Vec<Together> {
        let policy = self.check.policy;
        policy
            .together
            .iter()
            .map(|rule| {
                if rule.columns.is_empty() || rule.with.is_empty() {
                    self.check.say("together", Problem::NothingNamed);
                }
                let columns = self.columns(own, "together.columns", &rule.columns);
                let with = rule.with.iter();
                let with = with
                    .filter_map(|name| self.check.column(own, "together.with", name))
                    .collect();
                Together { columns, with }
            })
            .collect()
    }

    fn company(&mut self, own: &'a TableSchema, shared: &mut Shared) -> Vec<Company> {
        let policy = self.check.policy;
        policy
            .company
            .iter()
            .map(|rule| {
                if rule.any_of.is_empty() {
                    self.check.say("company.any_of", Problem::NoCompany);
                }
                Company {
                    on: rule.on,
                    columns: self.columns(own, "company.columns", &rule.columns),
                    when: self.held(own, self.number, "company.when", &rule.when),
                    any_of: self.others(own, "company.any_of", &rule.any_of, shared),
                }
            })
            .collect()
    }

    fn others(
        &mut self,
        own: &'a TableSchema,
        setting: &str,
        declared: &[OtherWrite],
        shared: &mut Shared,
    ) -> Vec<Other> {
        let mut others = Vec::new();
        for other in declared {
            if let Some((pattern, link)) = self.other(own, setting, other) {
                let known = shared.patterns.iter().position(|p| *p == pattern);
                let pattern = known.unwrap_or_else(|| {
                    shared.patterns.push(pattern);
                    shared.patterns.len() - 1
                });
                others.push(Other { pattern, link });
            }
        }
        others
    }

    fn other(
        &mut self,
        own: &'a TableSchema,
        setting: &str,
        other: &OtherWrite,
    ) -> Option<(Pattern, Link)> {
        let (number, schema) = self.guarded(setting, &other.table)?;
        let (known_by, link) = match (&other.via, &other.to) {
            (Some(_), Some(_)) => {
                self.check.say(setting, Problem::ViaAndTo);
                return None;
            }
            (Some(via), None) => {
                let setting = format!("{setting}.via");
                let via = self.check.column(schema, &setting, via)?;
                let via = self.key_columns(&setting, schema, via, self.number)?;
                (KnownBy::Via(via), Link::Via)
            }
            (None, Some(to)) => {
                let setting = format!("{setting}.to");
                let to = self.check.column(own, &setting, to)?;
                let to = self.key_columns(&setting, own, to, usize::from(number))?;
                (KnownBy::Key, Link::To(to))
            }
            (None, None) => (KnownBy::Nothing, Link::Any),
        };
        let pattern = Pattern {
            table: number,
            op: other.op,
            known_by,
            holds: self.held(
                schema,
                usize::from(number),
                &format!("{setting}.holds"),
                &other.holds,
            ),
            changes: self.columns(schema, &format!("{setting}.changes"), &other.changes),
        };
        Some((pattern, link))
    }

    /// Columns with the values they must hold; values that the table's policy does not know are told.
    fn held(
        &mut self,
        schema: &TableSchema,
        of: usize,
        setting: &str,
        values: &BTreeMap<String, String>,
    ) -> Vec<(u16, String)> {
        let source = self.source;
        let policy = &source.tables[of];
        let mut held = Vec::new();
        for (name, value) in values {
            let Some(column) = self.check.column(schema, setting, name) else {
                continue;
            };
            if let Some(allowed) = policy.values.get(name)
                && !allowed.contains(value)
            {
                let problem = Problem::UnknownValue {
                    column: name.clone(),
                    value: value.clone(),
                };
                let near = suggest(value, allowed.iter().map(String::as_str));
                self.check.say_near(setting, problem, near);
            } else if policy.state.as_ref() == Some(name) && !policy.transitions.is_empty() {
                let states = &self.tables[of].states;
                self.check.known(states, setting, [value]);
            }
            held.push((column, value.clone()));
        }
        held
    }

    fn equal(
        &mut self,
        own: &'a TableSchema,
        equal: &Equal,
        strict: &mut Strict,
        shared: &mut Shared,
    ) {
        let column = self.check.column(own, "equal.column", &equal.column);
        let (table, via) = match (&equal.table, &equal.via) {
            (None, None) => {
                let twin = self.check.column(own, "equal.equals", &equal.equals);
                if column.is_some() && column == twin {
                    self.check.say("equal", Problem::EqualsItself);
                }
                strict.twins.extend(column.zip(twin).map(|(a, b)| [a, b]));
                return;
            }
            (Some(table), Some(via)) => (table, via),
            _ => {
                self.check.say("equal", Problem::HalfAPointer);
                return;
            }
        };
        let Some((parent, schema)) = self.guarded("equal.table", table) else {
            return;
        };
        let equals = self.check.column(schema, "equal.equals", &equal.equals);
        let via = self
            .check
            .column(own, "equal.via", via)
            .and_then(|via| self.key_columns("equal.via", own, via, usize::from(parent)));
        if let (Some(column), Some(equals), Some(via)) = (column, equals, via) {
            shared.twins.push(TwinOver {
                child: self.number as u16,
                column,
                via,
                parent,
                equals,
            });
        }
    }

    fn sum(&mut self, own: &TableSchema, sum: &Sum, strict: &mut Strict, shared: &mut Shared) {
        let column = self.check.column(own, "sum.column", &sum.column);
        if sum.terms.is_empty() && sum.of.is_none() {
            self.check.say("sum", Problem::NothingSummed);
        }
        let terms = sum.terms.iter().filter_map(|term| {
            let (name, subtracted) = match term.strip_prefix('-') {
                // A column may be named so itself.
                Some(name) if own.column(term).is_none() => (name, true),
                _ => (term.as_str(), false),
            };
            Some((self.check.column(own, "sum.terms", name)?, subtracted))
        });
        let terms = terms.collect();
        let within = sum.within.as_deref().unwrap_or("0");
        let within = match Addend::of(ValueRef::Text(within.as_bytes()), None) {
            Some(addend) if addend.units >= 0 => addend.units,
            _ => {
                let name = within.to_owned();
                self.check.say("sum.within", Problem::NoNumber { name });
                0
            }
        };
        let Some(column) = column else { return };
        let row_sum = RowSum {
            column,
            terms,
            within,
            states: self.set_of(&sum.states),
        };
        let Some(of) = &sum.of else {
            strict.sums.push(row_sum);
            return;
        };
        let Some((child, schema)) = self.guarded("sum.of.table", &of.table) else {
            return;
        };
        let addend = self.check.column(schema, "sum.of.column", &of.column);
        let times = of
            .times
            .as_ref()
            .map(|name| self.check.column(schema, "sum.of.times", name));
        let via = self
            .check
            .column(schema, "sum.of.via", &of.via)
            .and_then(|via| self.key_columns("sum.of.via", schema, via, self.number));
        if let (Some(column), Some(via)) = (addend, via) {
            shared.sums.push(SumOver {
                parent: self.number as u16,
                own: row_sum,
                child,
                via,
                column,
                times: times.flatten(),
            });
        }
    }

    fn columns(&mut self, schema: &TableSchema, setting: &str, names: &[String]) -> Columns {
        let names = names.iter();
        Columns::of(names.filter_map(|name| self.check.column(schema, setting, name)))
    }

    fn set_of(&self, states: &[String]) -> StateSet {
        if states.is_empty() {
            StateSet::MAX
        } else {
            self.tables[self.number].states.set(states)
        }
    }
}
