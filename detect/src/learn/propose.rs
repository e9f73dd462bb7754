//! From what was seen to rules: which rows of a table may come and go, and in what company.

use super::Learner;
use super::choose::{Wanted, family};
use super::company::Link;
use super::proposal::{Proposal, Proposed, Rule, TableProposal};
use super::roles::Role;
use super::shop::{Shop, class};
use super::tables::Table;
use super::words::{Sort, words};
use model::policy::{Company, OtherWrite, WriteKind};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn propose(learner: &Learner) -> Proposal {
    let shop = Shop::new(learner);
    let tables = &learner.tables;
    let mut proposed: Vec<(Sort, TableProposal)> = (0..tables.all.len() as u16)
        .filter(|t| tables.has_key(*t))
        .map(|t| {
            (
                shop.sort(t),
                Writer {
                    shop: &shop,
                    number: t,
                }
                .table(),
            )
        })
        .collect();
    for (_, table) in &mut proposed {
        learner.trials.loosen(table);
    }
    name_companions(&mut proposed);
    proposed.sort_by(|(a, x), (b, y)| {
        let written = |t: &TableProposal| std::cmp::Reverse(t.inserts + t.updates + t.deletes);
        (x.rules.is_empty(), *a, written(x), &x.name).cmp(&(
            y.rules.is_empty(),
            *b,
            written(y),
            &y.name,
        ))
    });
    Proposal {
        tables: proposed.into_iter().map(|(_, t)| t).collect(),
        transactions: learner.transactions,
        writes: learner.writes,
        forgotten: learner.rows.forgotten,
    }
}

/// Tables without rules stay only when a rule of another one speaks of them.
fn name_companions(proposed: &mut Vec<(Sort, TableProposal)>) {
    let mut named: BTreeSet<String> = BTreeSet::new();
    for (_, table) in proposed.iter() {
        let policy = table.policy();
        let others = policy
            .frozen
            .iter()
            .flat_map(|f| &f.unless)
            .chain(policy.company.iter().flat_map(|c| &c.any_of));
        named.extend(others.map(|o| o.table.clone()));
        named.extend(policy.equal.iter().filter_map(|e| e.table.clone()));
    }
    proposed
        .retain(|(_, t)| !t.rules.is_empty() || !t.undecided.is_empty() || named.contains(&t.name));
}
/// Writes the rules of one table.
pub(super) struct Writer<'a> {
    pub(super) shop: &'a Shop<'a>,
    pub(super) number: u16,
}
impl Writer<'_> {
    pub(super) fn seen_table(&self) -> &Table {
        &self.shop.tables.all[usize::from(self.number)]
    }
    pub(super) fn roles(&self) -> &[Role] {
        &self.shop.roles[usize::from(self.number)]
    }
    pub(super) fn sort(&self) -> Sort {
        self.shop.sort(self.number)
    }
    pub(super) fn name(&self, column: u16) -> String {
        self.shop.name(self.number, column)
    }
    pub(super) fn role(&self, column: u16) -> Role {
        self.roles()[usize::from(column)]
    }
    pub(super) fn columns(&self, of: impl Fn(Role) -> bool) -> Vec<u16> {
        (0..)
            .zip(self.roles())
            .filter(|(_, r)| of(**r))
            .map(|(c, _)| c)
            .collect()
    }
    fn table(&self) -> TableProposal {
        let table = self.seen_table();
        let mut out = TableProposal {
            name: table.schema.name.clone(),
            key: table
                .schema
                .primary_key
                .iter()
                .map(|c| self.name(*c))
                .collect(),
            plain: self
                .columns(|r| {
                    matches!(
                        r,
                        Role::State
                            | Role::Currency
                            | Role::Discriminator
                            | Role::Flag
                            | Role::Touched
                    )
                })
                .into_iter()
                .map(|c| self.name(c))
                .collect(),
            inserts: table.inserts,
            updates: table.updates,
            deletes: table.deletes,
            ..TableProposal::default()
        };
        if !matches!(self.sort(), Sort::Plain | Sort::Noise) {
            self.by_words(&mut out);
        }
        self.habits(&mut out);
        out
    }

    fn by_words(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        if self.is_append_only() {
            out.rules.push(Proposed {
                rule: Rule::AppendOnly,
                held: table.inserts,
                why: if table.inserts == 0 {
                    "by its name; none was seen".to_owned()
                } else {
                    "rows were only inserted".to_owned()
                },
            });
        } else {
            self.deletes(out);
            self.updates(out);
        }
        self.inserts(out);
        self.sums(out);
    }

    /// Ledgers and histories that have no state and were never updated.
    fn is_append_only(&self) -> bool {
        let table = self.seen_table();
        // The states that a history tells are those of other rows.
        let state = |r: &Role| *r == Role::State && self.sort() != Sort::History;
        let moves =
            (self.roles().iter()).any(|r| state(r) || matches!(r, Role::Touched | Role::Running));
        let flags = self.columns(|r| r == Role::Flag);
        // A time that was empty when the row was written is a step to come.
        let open = flags
            .iter()
            .any(|c| table.columns[usize::from(*c)].filled < table.inserts.max(1));
        matches!(self.sort(), Sort::Ledger | Sort::History)
            && table.inserts >= self.few_rows()
            && table.updates == 0
            && table.deletes == 0
            && table.columns.iter().all(|c| c.late == 0)
            && !moves
            && !open
    }

    fn deletes(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        if !matches!(self.sort(), Sort::Ledger | Sort::Order | Sort::History) {
            return;
        }
        if table.deletes == 0 {
            let parents: Vec<OtherWrite> = self
                .shop
                .tables
                .pointers(self.number)
                .iter()
                .filter(|p| {
                    p.to != self.number
                        && matches!(self.shop.sort(p.to), Sort::Order | Sort::Ledger)
                        && self.shop.tables.has_key(p.to)
                })
                .map(|p| self.shop.other(p.to, None, Link::To(p.column), self.number))
                .collect();
            if self.sort() == Sort::Order && !parents.is_empty() {
                out.rules.push(Proposed {
                    rule: Rule::Company(Company {
                        on: WriteKind::Delete,
                        columns: Vec::new(),
                        when: BTreeMap::new(),
                        any_of: parents,
                    }),
                    held: 0,
                    why: "no row was deleted; a lawful one would go with the row it belongs to"
                        .to_owned(),
                });
            } else {
                out.rules.push(Proposed {
                    rule: Rule::NoDelete,
                    held: table.inserts + table.updates,
                    why: "no row was deleted".to_owned(),
                });
            }
            return;
        }
        match self.shop.company(&class(self.number, WriteKind::Delete, None, None), Wanted::Delete) {
            Some((any_of, held)) => out.rules.push(Proposed {
                rule: Rule::Company(Company {
                    on: WriteKind::Delete,
                    columns: Vec::new(),
                    when: BTreeMap::new(),
                    any_of,
                }),
                held,
                why: "rows were deleted only in this company".to_owned(),
            }),
            None => out.undecided.push(format!(
                "rows were deleted alone in their transaction ({} times): a deletion by hand looks the same",
                table.deletes
            )),
        }
    }

    fn inserts(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        if !matches!(self.sort(), Sort::Ledger | Sort::Order | Sort::History) {
            return;
        }
        let rule = |any_of, when| {
            Rule::Company(Company {
                on: WriteKind::Insert,
                columns: Vec::new(),
                when,
                any_of,
            })
        };
        if table.inserts == 0 {
            let any_of = family(self.shop, self.number, Wanted::Insert);
            // The root of an order may come alone, its parts hardly.
            let root = self.shop.tables.pointers(self.number).is_empty();
            let expected = self.sort() == Sort::Ledger
                || self.sort() == Sort::Order && !root
                || self.sort() == Sort::History && self.is_step_log();
            if expected && self.shop.together && !any_of.is_empty() {
                out.rules.push(Proposed {
                    rule: rule(any_of, BTreeMap::new()),
                    held: 0,
                    why: "none was seen; every other ledger row of this shop came in company"
                        .to_owned(),
                });
            }
            return;
        }
        let telling = self.shop.tables.telling_column(self.number);
        let whole = self.shop.company(
            &class(self.number, WriteKind::Insert, None, None),
            Wanted::Insert,
        );
        // A history has entries of sorts that were not seen yet: a note, for one, may come alone.
        if let (Some((any_of, held)), true) =
            (whole, self.sort() != Sort::History || telling.is_none())
        {
            out.rules.push(Proposed {
                rule: rule(any_of, BTreeMap::new()),
                held,
                why: "rows came only in this company".to_owned(),
            });
            return;
        }
        let before = out.rules.len();
        if let Some(column) = telling {
            for (other, _) in self.shop.learner.company.classes.iter().filter(|(c, _)| {
                c.table == self.number && c.op == WriteKind::Insert && c.column == Some(column)
            }) {
                let Some(value) = &other.value else { continue };
                if let Some((any_of, held)) = self.shop.company(other, Wanted::Insert) {
                    out.rules.push(Proposed {
                        rule: rule(any_of, BTreeMap::from([(self.name(column), value.clone())])),
                        held,
                        why: "rows of this sort came only in this company".to_owned(),
                    });
                }
            }
        }
        out.rules[before..].sort_by_key(|p| match &p.rule {
            Rule::Company(company) => format!("{:?}", company.when),
            _ => String::new(),
        });
        if out.rules.len() == before {
            out.undecided.push(format!(
                "rows were inserted alone in their transaction, at least once in {} times: a forged row looks the same",
                table.inserts
            ));
        }
    }

    /// `order_statuschange`: written when a state changes, and at no other time.
    fn is_step_log(&self) -> bool {
        let name = words(&self.seen_table().schema.name).concat();
        [
            "statuschange",
            "statechange",
            "statushistory",
            "statehistory",
            "transition",
        ]
        .iter()
        .any(|n| name.contains(n))
    }
}
