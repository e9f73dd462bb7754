//! A source's policy, held against the shop's schema and turned into positions and small numbers.
//!
//! Column names are looked up here once; the judge never compares a name.

mod check;
mod links;
mod problem;
mod states;
mod strict;
mod strict_check;

pub use problem::{PolicyProblem, Problem, Severity, suggest};
pub(crate) use states::{ABSENT, StateId, StateMachine, StateSet, UNKNOWN, bit};
pub(crate) use strict::{
    Columns, Freeze, KnownBy, Link, Other, Pattern, RowSum, Strict, SumOver, TwinOver, holds, reads,
};

use crate::decimal::Decimal;
use model::policy::Sees;
use model::{Digest, Key, Money, Row, SourceName, SourcePolicy, TableSchema, ValueRef};
use std::sync::Arc;

/// Table numbers are 16 bits wide in entries; a shop has far fewer tables worth guarding.
pub const MAX_TABLES: usize = 1024;

/// A ledger entry counts the columns of a rule hit in one byte.
pub const MAX_COLUMNS: usize = 255;

/// The kinds that `personal` may name.
pub const PERSONAL_KINDS: [&str; 7] = [
    "phone",
    "email",
    "name",
    "address",
    "id_number",
    "bank_account",
    "other",
];

/// ISO 4217 code for "no currency", where a row's own cannot be read.
const NO_CURRENCY: &str = "XXX";

/// A policy that fits its shop. Positions of tables are those of [`SourcePolicy::tables`].
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    source: SourceName,
    digest: Digest,
    tables: Vec<CompiledTable>,
    relations: Vec<Relation>,
    patterns: Vec<Pattern>,
    sums: Vec<SumOver>,
    twins: Vec<TwinOver>,
    sees: Sees,
    warnings: Vec<PolicyProblem>,
}

/// One table's rules, by column position and state number.
#[derive(Clone, Debug, Default)]
pub struct CompiledTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) key: Vec<u16>,
    pub(crate) state: Option<u16>,
    pub(crate) states: StateMachine,
    /// Columns that one of `freezes` names.
    pub(crate) frozen: Columns,
    pub(crate) freezes: Vec<Freeze>,
    /// `None`: the table has none of the rules in it.
    pub(crate) strict: Option<Box<Strict>>,
    pub(crate) no_delete: bool,
    pub(crate) append_only: bool,
    pub(crate) personal: Vec<u16>,
    pub(crate) subject: Option<u16>,
    pub(crate) money: Option<CompiledMoney>,
    pub(crate) needs: Vec<Need>,
    pub(crate) parent: Option<ParentRule>,
    /// Another table's `parent` is this one.
    pub(crate) is_parent: bool,
    /// Relations in which rows of this table are the companions, and the columns that point.
    pub(crate) companion_in: Vec<(usize, Vec<u16>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct CompiledMoney {
    pub(crate) amount: u16,
    pub(crate) currency: Option<u16>,
    pub(crate) fixed: Option<String>,
}

/// Companion rows and the table that they point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) companion: u16,
    pub(crate) of: u16,
    /// The companion's columns, in the order of the other table's key.
    pub(crate) via: Vec<u16>,
}

/// States in which a row needs a companion.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(crate) relation: usize,
    pub(crate) states: StateSet,
    /// By the state come from (the start of a row last): what is reachable only through `states`.
    behind: Vec<StateSet>,
}

impl Need {
    pub(crate) fn holds_for(&self, from: StateId, to: StateId, unseen_steps: bool) -> bool {
        let behind = if from == ABSENT {
            self.behind.last()
        } else {
            self.behind
                .get(..self.behind.len() - 1)
                .and_then(|b| b.get(usize::from(from)))
        };
        let behind = if unseen_steps {
            behind.copied().unwrap_or(0)
        } else {
            0
        };
        (self.states | behind) & bit(to) != 0
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ParentRule {
    pub(crate) table: u16,
    /// This table's columns, in the order of the parent's key.
    pub(crate) via: Vec<u16>,
    /// Every bit set: any state.
    pub(crate) states: StateSet,
}

/// [`compile_for`] a source whose feed sees states and not transactions.
pub fn compile(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
) -> Result<Arc<CompiledPolicy>, Vec<PolicyProblem>> {
    compile_for(policy, schemas, Sees::States)
}

/// Checks a policy against the shop's schema and against what its feed sees. `Err` lists
/// everything that is wrong, warnings with it; a policy that only has warnings compiles and keeps
/// them. Rules about the same transaction are refused where the feed sees states.
pub fn compile_for(
    policy: &SourcePolicy,
    schemas: &[TableSchema],
    sees: Sees,
) -> Result<Arc<CompiledPolicy>, Vec<PolicyProblem>> {
    let mut problems = Vec::new();
    let mut tables = check::tables(policy, schemas, &mut problems);
    let (relations, shared) = links::link(policy, schemas, &mut tables, &mut problems);
    check::cross_checks(policy, &mut problems);
    if sees == Sees::States {
        check::same_transaction(policy, &mut problems);
    }
    if problems.iter().any(|p| p.severity() == Severity::Problem) {
        problems.sort_by_key(PolicyProblem::severity);
        return Err(problems);
    }
    Ok(Arc::new(CompiledPolicy {
        source: policy.source.clone(),
        digest: policy.digest(),
        tables,
        relations,
        patterns: shared.patterns,
        sums: shared.sums,
        twins: shared.twins,
        sees,
        warnings: problems,
    }))
}

impl CompiledPolicy {
    pub fn source(&self) -> &SourceName {
        &self.source
    }
    /// Digest of the policy as it was declared.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// What the source's feed shows, as the policy was compiled for.
    pub fn sees(&self) -> Sees {
        self.sees
    }
    pub fn warnings(&self) -> &[PolicyProblem] {
        &self.warnings
    }
    pub fn tables(&self) -> &[CompiledTable] {
        &self.tables
    }
    pub fn table(&self, table: u16) -> Option<&CompiledTable> {
        self.tables.get(usize::from(table))
    }
    /// Columns whose values never stand in the journal in the clear, in ascending order.
    pub fn personal_columns(&self, table: u16) -> &[u16] {
        self.table(table).map_or(&[], |t| &t.personal)
    }
    /// Column that names the data subject; `None`: the row itself is the subject.
    pub fn subject_column(&self, table: u16) -> Option<u16> {
        self.table(table)?.subject
    }
    /// The row's money, where the policy names a money column and it holds a number: integers
    /// are minor units already, decimals in text and reals are whole units of the currency.
    pub fn money(&self, table: u16, row: &Row) -> Option<Money> {
        self.table(table)?.money_of(row)
    }
    pub(crate) fn relations(&self) -> &[Relation] {
        &self.relations
    }
    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }
    pub(crate) fn sums(&self) -> &[SumOver] {
        &self.sums
    }
    pub(crate) fn twins(&self) -> &[TwinOver] {
        &self.twins
    }
}

impl CompiledTable {
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Column names in storage order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
    /// Positions of the key's columns, in key order.
    pub fn key(&self) -> &[u16] {
        &self.key
    }
    pub fn state_column(&self) -> Option<u16> {
        self.state
    }
    pub fn personal(&self) -> &[u16] {
        &self.personal
    }
    pub fn subject(&self) -> Option<u16> {
        self.subject
    }
    /// Columns that may not change, at least in some states.
    pub fn frozen_columns(&self) -> impl Iterator<Item = u16> {
        (0..self.columns.len() as u16).filter(|c| self.frozen.contains(*c))
    }
    /// Columns that may never change, whatever happens beside them.
    pub fn always_frozen(&self) -> Vec<u16> {
        let always = |f: &&Freeze| f.unless.is_empty() && f.from == StateSet::MAX;
        self.frozen_columns()
            .filter(|c| {
                self.freezes
                    .iter()
                    .filter(always)
                    .any(|f| f.columns.contains(*c))
            })
            .collect()
    }
    pub fn is_personal(&self, column: u16) -> bool {
        self.personal.binary_search(&column).is_ok()
    }
    /// The key of a row; `None` when a key column is NULL.
    pub fn key_of(&self, row: &Row) -> Option<Key> {
        let values = self
            .key
            .iter()
            .map(|c| row.get(usize::from(*c)).unwrap_or(ValueRef::Null));
        Key::of(values)
    }
    pub fn money_of(&self, row: &Row) -> Option<Money> {
        let money = self.money.as_ref()?;
        let currency = self.currency_of(row);
        let amount = minor_units(row.get(usize::from(money.amount))?, &currency)?;
        Some(Money::new(amount, currency))
    }
    /// Whether the judge must remember rows of this table to judge others by.
    pub(crate) fn is_remembered(&self) -> bool {
        self.is_parent
            || !self.companion_in.is_empty()
            || self.strict.as_ref().is_some_and(|s| s.has_balances())
    }
    pub(crate) fn amount_is_in(&self, columns: &[u16]) -> bool {
        self.money
            .as_ref()
            .is_some_and(|money| columns.contains(&money.amount))
    }
    pub(crate) fn currency_of(&self, row: &Row) -> String {
        let Some(money) = &self.money else {
            return NO_CURRENCY.to_owned();
        };
        let written = money.currency.and_then(|c| row.get(usize::from(c)));
        written
            .as_ref()
            .and_then(ValueRef::as_str)
            .or(money.fixed.as_deref())
            .unwrap_or(NO_CURRENCY)
            .to_owned()
    }
    pub(crate) fn state_of(&self, row: &Row) -> StateId {
        match self.state {
            Some(column) => row
                .get(usize::from(column))
                .map_or(UNKNOWN, |v| self.states.id(v)),
            None => ABSENT,
        }
    }
}

/// Minor units of an amount; `None` when it is no number. Beyond 64 bits it stays at the end.
pub(crate) fn minor_units(value: ValueRef<'_>, currency: &str) -> Option<i64> {
    if let ValueRef::Integer(minor) = value {
        return Some(minor);
    }
    let units = Decimal::of(value)?.in_units(model::money::digits(currency))?;
    Some(i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX }))
}
