//! Rules on trial: what was learnt so far judges what comes next.
//!
//! From time to time the policy learnt so far is held against the transactions that follow, until
//! the next one takes its place. A rule that lawful traffic broke in the later half of what was
//! seen is not proposed: a shop that did something for the first time so lately will do such things
//! again. What broke long ago and held ever since is believed.

use super::proposal::{Proposal, Rule, TableProposal};
use crate::judge::{Judge, JudgeOptions};
use crate::policy::compile_for;
use crate::replay::{Replay, ReplayFinding, ReplayKind};
use model::policy::{Sees, WriteKind};
use model::{SourceName, TableSchema, WrittenTransaction};
use std::collections::BTreeMap;

/// Transactions before the first trial.
const FIRST: u64 = 60;

/// Kinds of broken rules that are told apart.
const MAX_BROKEN: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Broken {
    table: String,
    rule: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Column(String),
    Insert,
    Delete,
}

#[derive(Debug)]
pub(super) struct Trials {
    schemas: Vec<TableSchema>,
    /// Number of the transaction before which the next trial begins.
    next: u64,
    seen: u64,
    running: Option<Box<Replay>>,
    /// -> the transaction that broke it last.
    broken: BTreeMap<Broken, u64>,
}

impl Trials {
    pub(super) fn new(schemas: &[TableSchema]) -> Self {
        Self {
            schemas: schemas.to_vec(),
            next: FIRST,
            seen: 0,
            running: None,
            broken: BTreeMap::new(),
        }
    }

    /// Whether it is time for a policy to be put on trial.
    pub(super) fn is_due(&self) -> bool {
        self.seen >= self.next
    }

    pub(super) fn begin(&mut self, proposal: &Proposal) {
        self.next = self.seen + self.seen / 2;
        let policy = proposal.policy(SourceName::new("trial"));
        let options = JudgeOptions {
            tainted_input: false,
        };
        // A policy that does not compile has no trial; whoever confirms it is told why.
        self.running = compile_for(&policy, &self.schemas, Sees::Transactions)
            .ok()
            .map(|compiled| {
                Box::new(Replay::new(
                    Judge::with_options(compiled, options),
                    &self.schemas,
                ))
            });
    }

    pub(super) fn transaction(&mut self, transaction: &WrittenTransaction) {
        self.seen += 1;
        let Some(replay) = &mut self.running else {
            return;
        };
        for finding in replay.transaction(transaction) {
            self.note(&finding);
        }
    }

    fn note(&mut self, finding: &ReplayFinding) {
        let whats: Vec<What> = match finding.kind {
            ReplayKind::Forged => vec![What::Insert],
            ReplayKind::Deleted => vec![What::Delete],
            ReplayKind::Altered => {
                let columns = finding.columns.iter();
                columns.map(|c| What::Column(c.name.clone())).collect()
            }
        };
        for rule in &finding.rules {
            for what in &whats {
                let broken = Broken {
                    table: finding.table.clone(),
                    rule: rule.clone(),
                    what: what.clone(),
                };
                if self.broken.len() < MAX_BROKEN || self.broken.contains_key(&broken) {
                    self.broken.insert(broken, self.seen);
                }
            }
        }
    }

    fn is_broken(&self, table: &str, rules: &[&str], what: &What) -> bool {
        rules.iter().any(|rule| {
            let broken = Broken {
                table: table.to_owned(),
                rule: (*rule).to_owned(),
                what: what.clone(),
            };
            (self.broken.get(&broken)).is_some_and(|last| last * 2 > self.seen)
        })
    }

    /// Takes away what was broken lately, and says so.
    pub(super) fn loosen(&self, table: &mut TableProposal) {
        let mut left_out: Vec<String> = Vec::new();
        let name = table.name.clone();
        let mut columns = |columns: &mut Vec<String>, rules: &[&str]| {
            columns.retain(|column| {
                let broken = self.is_broken(&name, rules, &What::Column(column.clone()));
                if broken {
                    left_out.push(column.clone());
                }
                !broken
            });
            !columns.is_empty()
        };
        let on = |on: WriteKind| match on {
            WriteKind::Delete => What::Delete,
            _ => What::Insert,
        };
        table.rules.retain_mut(|proposed| match &mut proposed.rule {
            Rule::Frozen(rule) => columns(&mut rule.columns, &["frozen", "append_only"]),
            Rule::SetOnce(names) => columns(names, &["set_once"]),
            Rule::OnlyRise(names) => columns(names, &["only_rise"]),
            Rule::Together(rule) => {
                columns(&mut rule.columns, &["together"])
                    && columns(&mut rule.with.clone(), &["together"])
            }
            Rule::Company(rule) if rule.on == WriteKind::Update => {
                !rule.columns.is_empty()
                    && columns(&mut rule.columns, &["company", "frozen", "append_only"])
            }
            Rule::Company(rule) => !self.is_broken(&name, &["company"], &on(rule.on)),
            Rule::States { column, .. } => {
                columns(&mut vec![column.clone()], &["transition"])
                    && !self.is_broken(&name, &["initial"], &What::Insert)
            }
            Rule::Equal(rule) => {
                columns(&mut vec![rule.column.clone()], &["equal"])
                    && !self.is_broken(&name, &["equal"], &What::Insert)
            }
            Rule::Sum(rule) => {
                columns(&mut vec![rule.column.clone()], &["sum"])
                    && !self.is_broken(&name, &["sum"], &What::Insert)
            }
            Rule::NoDelete | Rule::AppendOnly => {
                !self.is_broken(&name, &["no_delete", "append_only"], &What::Delete)
            }
        });
        left_out.sort_unstable();
        left_out.dedup();
        if !left_out.is_empty() {
            table.undecided.push(format!(
                "rules on {} held for long and were then broken: left out",
                left_out.join(", ")
            ));
        }
    }
}
