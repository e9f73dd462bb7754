//! One table at a time: names, key, states, money, personal columns.

use super::states::{MAX_STATES, StateMachine, state_names};
use super::{
    CompiledMoney, CompiledTable, MAX_COLUMNS, MAX_TABLES, PERSONAL_KINDS, PolicyProblem, Problem,
    suggest,
};
use model::policy::ForgedRows;
use model::{SourcePolicy, TablePolicy, TableSchema};
use std::collections::BTreeSet;

/// Compiles every table as far as it goes; a table that is refused still keeps its position.
pub(super) fn tables(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    problems: &mut Vec<PolicyProblem>,
) -> Vec<CompiledTable> {
    if policy.tables.len() > MAX_TABLES {
        problems.push(PolicyProblem {
            table: String::new(),
            setting: "source.table".into(),
            problem: Problem::TooManyTables { most: MAX_TABLES },
            suggestion: None,
        });
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    policy
        .tables
        .iter()
        .map(|table| {
            let mut check = Check {
                policy: table,
                problems,
            };
            if !seen.insert(&table.name) {
                check.say("name", Problem::DuplicateTable);
            }
            match schemas.iter().find(|s| s.name == table.name) {
                Some(schema) => check.table(schema),
                None => {
                    let near = suggest(&table.name, schemas.iter().map(|s| s.name.as_str()));
                    check.say_near("name", Problem::UnknownTable, near);
                    CompiledTable {
                        name: table.name.clone(),
                        ..CompiledTable::default()
                    }
                }
            }
        })
        .collect()
}

pub(super) fn cross_checks(policy: &SourcePolicy, problems: &mut Vec<PolicyProblem>) {
    let mut seen = BTreeSet::new();
    for check in &policy.checks {
        let mut say = |problem| {
            problems.push(PolicyProblem {
                table: String::new(),
                setting: "source.check".into(),
                problem,
                suggestion: None,
            });
        };
        if !seen.insert(&check.name) {
            say(Problem::DuplicateCheck {
                name: check.name.clone(),
            });
        }
        if check.sql.trim().is_empty() {
            say(Problem::EmptySql {
                name: check.name.clone(),
            });
        }
    }
}

/// Says which rules need a feed that sees transactions.
pub(super) fn same_transaction(policy: &SourcePolicy, problems: &mut Vec<PolicyProblem>) {
    for table in &policy.tables {
        let mut say = |setting: &str| {
            problems.push(PolicyProblem {
                table: table.name.clone(),
                setting: setting.to_owned(),
                problem: Problem::NeedsTransactions,
                suggestion: None,
            });
        };
        if table.frozen.iter().any(|f| !f.unless.is_empty()) {
            say("frozen.unless");
        }
        if !table.company.is_empty() {
            say("company");
        }
    }
}

/// Collects what is wrong with one table.
pub(super) struct Check<'a> {
    pub(super) policy: &'a TablePolicy,
    pub(super) problems: &'a mut Vec<PolicyProblem>,
}

impl Check<'_> {
    pub(super) fn say(&mut self, setting: &str, problem: Problem) {
        self.say_near(setting, problem, None);
    }

    pub(super) fn say_near(&mut self, setting: &str, problem: Problem, suggestion: Option<String>) {
        self.problems.push(PolicyProblem {
            table: self.policy.name.clone(),
            setting: setting.to_owned(),
            problem,
            suggestion,
        });
    }

    /// Position of a column of `schema`, or a problem said.
    pub(super) fn column(
        &mut self,
        schema: &TableSchema,
        setting: &str,
        name: &str,
    ) -> Option<u16> {
        let found = schema.column(name);
        if found.is_none() {
            let near = suggest(name, schema.columns.iter().map(|c| c.name.as_str()));
            self.say_near(
                setting,
                Problem::UnknownColumn {
                    name: name.to_owned(),
                },
                near,
            );
        }
        found
    }

    fn table(&mut self, schema: &TableSchema) -> CompiledTable {
        let policy = self.policy;
        if schema.columns.len() > MAX_COLUMNS {
            self.say("name", Problem::TooManyColumns { most: MAX_COLUMNS });
        }
        let key = self.key(schema);
        let state = policy
            .state
            .as_ref()
            .and_then(|name| self.column(schema, "state", name));
        let states = self.states();
        let money = self.money(schema);
        let subject = policy
            .subject
            .as_ref()
            .and_then(|name| self.column(schema, "subject", name));
        self.personal_settings(schema, &key);
        self.repairable(schema, &key);
        self.void(schema, &key);
        CompiledTable {
            name: policy.name.clone(),
            columns: schema.columns.iter().map(|c| c.name.clone()).collect(),
            personal: personal_columns(policy, schema, &key),
            key,
            state,
            states,
            no_delete: policy.no_delete,
            append_only: policy.append_only,
            subject,
            money,
            ..CompiledTable::default()
        }
    }

    fn key(&mut self, schema: &TableSchema) -> Vec<u16> {
        if self.policy.key.is_empty() {
            if schema.primary_key.is_empty() {
                self.say("key", Problem::NoKey);
            }
            return schema.primary_key.clone();
        }
        let mut key = Vec::new();
        for name in &self.policy.key {
            if let Some(column) = self.column(schema, "key", name) {
                if key.contains(&column) {
                    self.say("key", Problem::DuplicateKeyColumn { name: name.clone() });
                }
                key.push(column);
            }
        }
        let mut declared = schema.primary_key.clone();
        let mut named = key.clone();
        declared.sort_unstable();
        named.sort_unstable();
        if named.len() == self.policy.key.len() && named != declared {
            self.say("key", Problem::KeyNotPrimary);
        }
        key
    }

    fn states(&mut self) -> StateMachine {
        let policy = self.policy;
        let names = state_names(policy);
        if names.len() > MAX_STATES {
            self.say("transitions", Problem::TooManyStates { most: MAX_STATES });
            return StateMachine::default();
        }
        if policy.state.is_none() {
            for (setting, given) in [
                ("initial", !policy.initial.is_empty()),
                ("transitions", !policy.transitions.is_empty()),
                ("requires", !policy.requires.is_empty()),
                (
                    "frozen.from",
                    policy.frozen.iter().any(|f| !f.from.is_empty()),
                ),
                (
                    "sum.states",
                    policy.sum.iter().any(|s| !s.states.is_empty()),
                ),
            ] {
                if given {
                    self.say(setting, Problem::NoStateColumn);
                }
            }
            return StateMachine::default();
        }
        let machine = StateMachine::of(policy);
        if policy.transitions.is_empty() {
            self.say("transitions", Problem::NoTransitions);
        }
        if policy.initial.is_empty() {
            self.say("initial", Problem::NoInitial);
        } else {
            self.dead_states(&machine);
        }
        self.known(&machine, "requires", policy.requires.keys());
        for frozen in &policy.frozen {
            self.known(&machine, "frozen.from", &frozen.from);
        }
        for sum in &policy.sum {
            self.known(&machine, "sum.states", &sum.states);
        }
        machine
    }

    fn dead_states(&mut self, machine: &StateMachine) {
        let policy = self.policy;
        for from in policy.transitions.keys() {
            if machine.set([from]) & machine.initial_reach == 0 {
                let near = suggest(
                    from,
                    machine
                        .names()
                        .iter()
                        .map(String::as_str)
                        .filter(|n| *n != from.as_str()),
                );
                self.say_near(
                    "transitions",
                    Problem::NeverOccurs {
                        state: from.clone(),
                    },
                    near,
                );
            }
        }
        for state in &policy.initial {
            let left = policy
                .transitions
                .get(state)
                .is_some_and(|to| !to.is_empty());
            if !left && !policy.transitions.is_empty() {
                self.say(
                    "initial",
                    Problem::InitialNeverLeft {
                        state: state.clone(),
                    },
                );
            }
        }
    }

    /// Says which of `states` the table does not know.
    pub(super) fn known<'a>(
        &mut self,
        machine: &StateMachine,
        setting: &str,
        states: impl IntoIterator<Item = &'a String>,
    ) {
        for state in states {
            if machine.set([state]) == 0 {
                let near = suggest(state, machine.names().iter().map(String::as_str));
                self.say_near(
                    setting,
                    Problem::UnknownState {
                        state: state.clone(),
                    },
                    near,
                );
            }
        }
    }

    fn money(&mut self, schema: &TableSchema) -> Option<CompiledMoney> {
        let money = self.policy.money.as_ref()?;
        let amount = self.column(schema, "money.amount", &money.amount);
        let currency = money
            .currency
            .as_ref()
            .and_then(|name| self.column(schema, "money.currency", name));
        if money.currency.is_none() && money.fixed.is_none() {
            self.say("money", Problem::NoCurrency);
        }
        Some(CompiledMoney {
            amount: amount?,
            currency,
            fixed: money.fixed.clone(),
        })
    }

    fn personal_settings(&mut self, schema: &TableSchema, key: &[u16]) {
        for (name, kind) in &self.policy.personal {
            if self
                .column(schema, "personal", name)
                .is_some_and(|c| key.contains(&c))
            {
                self.say("personal", Problem::PersonalKey { name: name.clone() });
            }
            if !PERSONAL_KINDS.contains(&kind.as_str()) {
                let near = suggest(kind, PERSONAL_KINDS);
                self.say_near(
                    "personal",
                    Problem::UnknownKind { name: kind.clone() },
                    near,
                );
            }
        }
        for name in &self.policy.plain {
            if self
                .column(schema, "plain", name)
                .is_some_and(|c| key.contains(&c))
            {
                self.say("plain", Problem::PlainKey { name: name.clone() });
            }
            if self.policy.personal.contains_key(name) {
                self.say("plain", Problem::PlainAndPersonal { name: name.clone() });
            }
        }
    }

    fn repairable(&mut self, schema: &TableSchema, key: &[u16]) {
        for name in &self.policy.repairable {
            if self
                .column(schema, "repairable", name)
                .is_some_and(|c| key.contains(&c))
            {
                self.say("repairable", Problem::RepairableKey { name: name.clone() });
            }
        }
    }

    fn void(&mut self, schema: &TableSchema, key: &[u16]) {
        let policy = self.policy;
        let forgeable =
            !policy.initial.is_empty() || !policy.requires.is_empty() || policy.parent.is_some();
        match &policy.void {
            None if forgeable
                && policy.reverse.is_none()
                && policy.forged == ForgedRows::SetAside =>
            {
                self.say("void", Problem::NoVoid);
            }
            None => {}
            Some(sql) => {
                let names = || key.iter().map(|c| schema.name_of(*c));
                for name in parameters(sql) {
                    if !names().any(|n| n == name) {
                        let near = suggest(name, names());
                        self.say_near("void", Problem::VoidParameter { name: name.into() }, near);
                    }
                }
            }
        }
        // A reversing entry is bound from the whole forged row.
        for name in policy.reverse.iter().flat_map(|sql| parameters(sql)) {
            self.column(schema, "reverse", name);
        }
    }
}

/// Columns whose values are personal: those declared so, and text that nobody declared.
fn personal_columns(policy: &TablePolicy, schema: &TableSchema, key: &[u16]) -> Vec<u16> {
    let declared = |column: u16, name: &String| {
        key.contains(&column)
            || policy.state.as_ref() == Some(name)
            || policy.plain.contains(name)
            || policy
                .money
                .as_ref()
                .is_some_and(|m| m.currency.as_ref() == Some(name))
            || schema.foreign_keys.iter().any(|f| f.columns.contains(name))
    };
    (0..)
        .zip(&schema.columns)
        .filter(|(column, c)| {
            policy.personal.contains_key(&c.name)
                || holds_text(&c.declared) && !declared(*column, &c.name)
        })
        .map(|(column, _)| column)
        .collect()
}

/// Whether a declared type has text affinity (SQLite, "Datatypes", 3.1), or says nothing at all.
fn holds_text(declared: &str) -> bool {
    let declared = declared.trim().to_uppercase();
    declared.is_empty()
        || !declared.contains("INT")
            && ["CHAR", "CLOB", "TEXT"]
                .iter()
                .any(|part| declared.contains(part))
}

/// Names of the `:name` parameters of a statement, quoted text left out.
fn parameters(sql: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut quote = None;
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, ':') => {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                names.push(&rest[..end]);
                rest = &rest[end..];
            }
            _ => {}
        }
    }
    names
}
