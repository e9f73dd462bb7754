//! A proposed policy: rules with their evidence.

use model::policy::{Company, Equal, Frozen, Sum, Together};
use model::{SourceName, SourcePolicy, TablePolicy};
use std::collections::BTreeMap;

/// A policy as it was learnt, for a person to confirm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    /// The most important first.
    pub tables: Vec<TableProposal>,
    pub transactions: u64,
    pub writes: u64,
    /// Rows that were forgotten for want of room.
    pub forgotten: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableProposal {
    pub name: String,
    pub key: Vec<String>,
    /// Text columns that hold nothing personal.
    pub plain: Vec<String>,
    pub inserts: u64,
    pub updates: u64,
    pub deletes: u64,
    pub rules: Vec<Proposed>,
    /// What the traffic left open, in words.
    pub undecided: Vec<String>,
}

/// A rule with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposed {
    pub rule: Rule,
    /// Held in all of these cases.
    pub held: u64,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    NoDelete,
    AppendOnly,
    Frozen(Frozen),
    Company(Company),
    Together(Together),
    SetOnce(Vec<String>),
    OnlyRise(Vec<String>),
    States {
        column: String,
        initial: Vec<String>,
        transitions: BTreeMap<String, Vec<String>>,
    },
    Equal(Equal),
    Sum(Sum),
}

impl Proposal {
    pub fn policy(&self, source: SourceName) -> SourcePolicy {
        SourcePolicy {
            source,
            tables: self.tables.iter().map(TableProposal::policy).collect(),
            checks: Vec::new(),
        }
    }
    pub fn rules(&self) -> usize {
        self.tables.iter().map(|t| t.rules.len()).sum()
    }
}

impl TableProposal {
    pub fn policy(&self) -> TablePolicy {
        let mut table = TablePolicy {
            name: self.name.clone(),
            key: self.key.clone(),
            plain: self.plain.clone(),
            ..TablePolicy::default()
        };
        for proposed in &self.rules {
            match proposed.rule.clone() {
                Rule::NoDelete => table.no_delete = true,
                Rule::AppendOnly => table.append_only = true,
                Rule::Frozen(rule) => table.frozen.push(rule),
                Rule::Company(rule) => table.company.push(rule),
                Rule::Together(rule) => table.together.push(rule),
                Rule::SetOnce(columns) => table.set_once = columns,
                Rule::OnlyRise(columns) => table.only_rise = columns,
                Rule::States {
                    column,
                    initial,
                    transitions,
                } => {
                    table.state = Some(column);
                    table.initial = initial;
                    table.transitions = transitions;
                }
                Rule::Equal(rule) => table.equal.push(rule),
                Rule::Sum(rule) => table.sum.push(rule),
            }
        }
        table
    }
}
