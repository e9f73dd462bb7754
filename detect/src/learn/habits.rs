//! What a shop always does, whatever its tables and columns are called.
//!
//! Words only say how many cases are asked for: few where money, payees and ledgers are named,
//! many where nothing is, and most where the name tells of sessions, jobs and caches. Tables whose
//! rows come and go are asked for more.

use super::choose::add;
use super::company::Link;
use super::proposal::{Proposed, Rule, TableProposal};
use super::propose::Writer;
use super::roles::Role;
use super::shop::class;
use super::tables::{Column, Pointer};
use super::words::{Sort, is_cart};
use model::policy::{Company, Frozen, OtherWrite, Together, WriteKind};
use std::collections::{BTreeMap, BTreeSet};

/// Companions in which rows are edited, named in one rule.
const MAX_UNLESS: usize = 12;

/// Steps of a state to one or two values, before other values are believed to need company too.
const ENOUGH_FOR_NARROW: u64 = 80;

/// See [`ENOUGH_FOR_NARROW`].
const MOST_NARROW: usize = 2;

/// Rows after which what never changed is believed not to change in the company of relatives either.
const SETTLED: u64 = 60;

/// Columns that are named in one rule of columns that change together.
const MAX_WITH: usize = 6;

impl Writer<'_> {
    /// Adds to what the words told.
    pub(super) fn habits(&self, out: &mut TableProposal) {
        if self.only_inserted(out) {
            self.company_of_rows(out, WriteKind::Insert);
            return;
        }
        self.never_deleted(out);
        self.never_changing(out);
        self.company_of_columns(out);
        self.changing_together(out);
        self.only_rising(out);
        self.company_of_rows(out, WriteKind::Insert);
        self.company_of_rows(out, WriteKind::Delete);
    }

    /// Cases asked for.
    fn enough(&self) -> u64 {
        let table = self.seen_table();
        let by_name = match self.sort() {
            Sort::Ledger | Sort::Order | Sort::History => 12,
            Sort::Valued => 24,
            Sort::Plain if self.is_bound() => 12,
            Sort::Plain => 30,
            Sort::Noise => 200,
        };
        let by_name = match table.deletes * 10 > table.inserts {
            true => by_name * 3,
            false => by_name,
        };
        self.cautious(match is_cart(&table.schema) {
            true => by_name.max(200),
            false => by_name,
        })
    }

    /// More cases in a shop that still shows new things.
    pub(super) fn cautious(&self, cases: u64) -> u64 {
        cases * self.shop.caution / 100
    }

    /// Rows with an amount that were never deleted and came only with rows they are tied to: what
    /// ledgers and parts of orders look like under any name.
    fn is_bound(&self) -> bool {
        let table = self.seen_table();
        let amount = |(c, seen): (u16, &Column)| {
            let points = table.pointers.iter().any(|p| p.column == c);
            let varied = seen.too_many || seen.begins.len() > 4;
            varied
                && seen.numbers > 0
                && seen.others == 0
                && !points
                && !table.schema.primary_key.contains(&c)
                && seen.ones < seen.changes.max(1)
        };
        let insert = class(self.number, WriteKind::Insert, None, None);
        let tied = |other: &OtherWrite| other.via.is_some() || other.to.is_some();
        table.deletes == 0
            && (0..).zip(&table.columns).any(amount)
            && self
                .shop
                .habit(&insert)
                .is_some_and(|(others, _)| others.iter().all(tied))
    }

    fn only_inserted(&self, out: &mut TableProposal) -> bool {
        let table = self.seen_table();
        let known = |r: &Proposed| r.rule == Rule::AppendOnly;
        if out.rules.iter().any(known) {
            return true;
        }
        let steps = self
            .columns(|r| matches!(r, Role::State | Role::Touched | Role::Running))
            .into_iter()
            .any(|c| !table.schema.primary_key.contains(&c));
        let wanted = self.enough().max(20) * if steps { 4 } else { 1 };
        let still = table.updates == 0 && table.deletes == 0;
        if !still || table.columns.iter().any(|c| c.late > 0) || table.inserts < wanted {
            return false;
        }
        out.rules.retain(|r| {
            !matches!(
                r.rule,
                Rule::Frozen(_) | Rule::SetOnce(_) | Rule::NoDelete | Rule::Together(_)
            ) && !matches!(&r.rule, Rule::Company(c) if c.on != WriteKind::Insert)
        });
        out.rules.push(Proposed {
            rule: Rule::AppendOnly,
            held: table.inserts,
            why: "rows were only inserted".to_owned(),
        });
        true
    }

    fn never_deleted(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let seen = table.inserts * 2 + table.updates;
        if table.deletes > 0
            || seen < self.enough().max(20) * 2
            || out.rules.iter().any(|r| r.rule == Rule::NoDelete)
        {
            return;
        }
        out.rules.retain(|r| match &r.rule {
            Rule::Company(company) => company.on != WriteKind::Delete,
            _ => true,
        });
        out.rules.push(Proposed {
            rule: Rule::NoDelete,
            held: table.inserts + table.updates,
            why: "no row was deleted".to_owned(),
        });
    }

    /// Columns that kept the value with which their row was inserted, row after row.
    fn never_changing(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let still: Vec<u16> = (0..table.columns.len() as u16)
            .filter(|c| self.stands_still(*c))
            .collect();
        if still.is_empty() {
            return;
        }
        let names: BTreeSet<String> = still.iter().map(|c| self.name(*c)).collect();
        for known in &mut out.rules {
            match &mut known.rule {
                Rule::Frozen(frozen) => frozen.columns.retain(|c| !names.contains(c)),
                Rule::SetOnce(columns) => columns.retain(|c| !names.contains(c)),
                _ => {}
            }
        }
        out.rules.retain(|r| match &r.rule {
            Rule::Frozen(frozen) => !frozen.columns.is_empty(),
            Rule::SetOnce(columns) => !columns.is_empty(),
            _ => true,
        });
        let mut unless = self.edits();
        let settled = match self.sort() {
            Sort::Plain | Sort::Noise => SETTLED * 2,
            _ => SETTLED,
        };
        if table.inserts < self.cautious(settled)
            && !matches!(self.sort(), Sort::Ledger | Sort::History)
        {
            self.relatives()
                .into_iter()
                .for_each(|o| add(&mut unless, o));
            unless.truncate(MAX_UNLESS);
        }
        let firm = |c: &u16| {
            table.schema.primary_key.contains(c)
                || unless.is_empty()
                || matches!(self.role(*c), Role::Currency | Role::Payee)
        };
        let (firm, loose): (Vec<u16>, Vec<u16>) = still.into_iter().partition(firm);
        for (columns, unless, why) in [
            (firm, Vec::new(), "kept the value they were inserted with"),
            (
                loose,
                unless,
                "kept the value they were inserted with; other columns were edited in this company",
            ),
        ] {
            if !columns.is_empty() {
                out.rules.push(Proposed {
                    rule: Rule::Frozen(Frozen {
                        from: Vec::new(),
                        columns: columns.iter().map(|c| self.name(*c)).collect(),
                        unless,
                    }),
                    held: table.inserts,
                    why: why.to_owned(),
                });
            }
        }
    }

    /// Rows that point here, or that this one points to.
    fn relatives(&self) -> Vec<OtherWrite> {
        let tables = self.shop.tables;
        let mut out = Vec::new();
        let shown = &self.shop.learner.company.shown;
        for from in (0..tables.all.len() as u16).filter(|n| tables.has_key(*n)) {
            let believed = |p: &&Pointer| shown.is_believed(from, p.column, p.to);
            let learnt = shown.of(from);
            let all = tables
                .pointers(from)
                .iter()
                .chain(learnt.iter().filter(believed));
            for pointer in all.filter(|p| (from == self.number) != (p.to == self.number)) {
                let (other, link) = match from == self.number {
                    true => (pointer.to, Link::To(pointer.column)),
                    false => (from, Link::Via(pointer.column)),
                };
                if tables.has_key(other) {
                    add(&mut out, self.shop.other(other, None, link, self.number));
                }
            }
        }
        out
    }

    /// In what company rows of this table are edited by people; empty where they are not. What
    /// never changed may lawfully change in that company.
    fn edits(&self) -> Vec<OtherWrite> {
        let table = self.seen_table();
        if matches!(self.sort(), Sort::Ledger | Sort::History) {
            return Vec::new();
        }
        let mut out = Vec::new();
        for column in 0..table.columns.len() as u16 {
            let seen = &table.columns[usize::from(column)];
            let edited = seen.changes > 0
                && seen.replaced * 2 > seen.changes
                && !matches!(
                    self.role(column),
                    Role::Touched | Role::State | Role::Running
                )
                && (self.role(column) != Role::Other || seen.too_many)
                && seen.changes * 5 < table.updates.max(10) * 4;
            let update = class(self.number, WriteKind::Update, Some(column), None);
            if edited && let Some((others, _)) = self.shop.habit(&update) {
                for other in others {
                    add(&mut out, other);
                }
            }
        }
        out.truncate(MAX_UNLESS);
        out
    }

    fn stands_still(&self, column: u16) -> bool {
        let table = self.seen_table();
        let seen = &table.columns[usize::from(column)];
        if seen.changes > 0 || seen.late > 0 || seen.filled == 0 {
            return false;
        }
        let key = table.schema.primary_key.contains(&column);
        let points = table.pointers.iter().any(|p| p.column == column);
        let telling = key
            || points
            || matches!(
                self.role(column),
                Role::Money | Role::Currency | Role::Payee | Role::Discriminator | Role::Code
            );
        let varied = seen.too_many || seen.begins.len() > 1;
        let mut wanted = self.enough();
        if self.role(column) == Role::Touched {
            wanted *= 8;
        } else if !varied && !telling {
            // What was the same in every row may belong to a step that was not taken yet.
            wanted *= 5;
        } else if !telling && seen.numbers == 0 && (seen.too_many || seen.begins.len() > 4) {
            // People correct addresses and names.
            wanted *= 5;
        } else if !telling {
            wanted = wanted * 3 / 2;
        }
        if seen.filled < table.inserts && !key {
            wanted *= 2;
        }
        table.inserts >= wanted
    }

    /// Columns about whose change some rule says something already.
    fn spoken_for(&self, out: &TableProposal) -> BTreeSet<String> {
        let mut spoken = BTreeSet::new();
        for rule in &out.rules {
            match &rule.rule {
                Rule::Frozen(frozen) => spoken.extend(frozen.columns.iter().cloned()),
                Rule::SetOnce(columns) => spoken.extend(columns.iter().cloned()),
                Rule::Company(company) if company.on == WriteKind::Update => {
                    spoken.extend(company.columns.iter().cloned());
                }
                _ => {}
            }
        }
        spoken
    }

    fn company_of_columns(&self, out: &mut TableProposal) {
        let spoken = self.spoken_for(out);
        let mut found: BTreeMap<String, (Company, u64)> = BTreeMap::new();
        for column in 0..self.seen_table().columns.len() as u16 {
            let name = self.name(column);
            if self.seen_table().columns[usize::from(column)].changes == 0
                || spoken.contains(&name)
                || self.role(column) == Role::Touched
            {
                continue;
            }
            let whole = class(self.number, WriteKind::Update, Some(column), None);
            if let Some((any_of, held)) = self.shop.habit(&whole)
                && held >= self.enough()
                && !self.is_narrow(column, held)
            {
                let place = found.entry(format!("{any_of:?}")).or_insert((
                    Company {
                        on: WriteKind::Update,
                        columns: Vec::new(),
                        when: BTreeMap::new(),
                        any_of,
                    },
                    held,
                ));
                place.0.columns.push(name);
                place.1 = place.1.max(held);
                continue;
            }
            for (value, any_of, held) in self.by_value(column) {
                let company = Company {
                    on: WriteKind::Update,
                    columns: vec![name.clone()],
                    when: BTreeMap::from([(name.clone(), value.clone())]),
                    any_of,
                };
                found.insert(format!("{name}={value}"), (company, held));
            }
        }
        for (company, held) in found.into_values() {
            out.rules.push(Proposed {
                rule: Rule::Company(company),
                held,
                why: "changed only in this company".to_owned(),
            });
        }
    }

    /// Whether a state was seen to change to so few values that nobody knows of the others.
    pub(super) fn is_narrow(&self, column: u16, held: u64) -> bool {
        let seen = &self.seen_table().columns[usize::from(column)];
        let values: BTreeSet<&String> = seen.steps.keys().map(|(_, to)| to).collect();
        !seen.too_many
            && (1..=MOST_NARROW).contains(&values.len())
            && held < self.cautious(ENOUGH_FOR_NARROW)
    }

    /// Steps to some values that always had company, though others came alone.
    fn by_value(&self, column: u16) -> Vec<(String, Vec<OtherWrite>, u64)> {
        let seen = &self.seen_table().columns[usize::from(column)];
        // A number that goes up and down is no state.
        let back =
            |(from, to): &(String, String)| seen.steps.contains_key(&(to.clone(), from.clone()));
        let counts = seen.others == 0 && seen.steps.keys().any(back);
        if counts || !self.shop.tables.has_few_values(self.number, column) {
            return Vec::new();
        }
        let classes = self.shop.learner.company.classes.keys().filter(|c| {
            c.table == self.number && c.op == WriteKind::Update && c.column == Some(column)
        });
        let mut found: Vec<_> = classes
            .filter_map(|class| {
                let value = class.value.clone()?;
                let (any_of, held) = self.shop.habit(class)?;
                (held >= self.enough()).then_some((value, any_of, held))
            })
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    fn changing_together(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let changes = |c: u16| table.columns[usize::from(c)].changes;
        let width = table.columns.len() as u16;
        let spoken: BTreeSet<String> = out
            .rules
            .iter()
            .filter_map(|r| match &r.rule {
                Rule::Together(t) if t.columns.len() == 1 => t.columns.first().cloned(),
                _ => None,
            })
            .collect();
        let mut found: BTreeMap<Vec<String>, (Vec<String>, u64)> = BTreeMap::new();
        for a in (0..width).filter(|a| changes(*a) >= self.enough().max(15)) {
            if spoken.contains(&self.name(a)) || self.role(a) == Role::Touched {
                continue;
            }
            let with: Vec<String> = (0..width)
                .filter(|b| *b != a && table.both(a, *b) == changes(a) && !table.is_coarse(*b))
                .take(MAX_WITH)
                .map(|b| self.name(b))
                .collect();
            if !with.is_empty() {
                let place = found.entry(with).or_default();
                place.0.push(self.name(a));
                place.1 = place.1.max(changes(a));
            }
        }
        for (with, (columns, held)) in found {
            out.rules.push(Proposed {
                rule: Rule::Together(Together { columns, with }),
                held,
                why: "changed only together".to_owned(),
            });
        }
    }

    fn only_rising(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let spoken = self.spoken_for(out);
        let rising: Vec<u16> = (0..table.columns.len() as u16)
            .filter(|c| {
                let seen = &table.columns[usize::from(*c)];
                seen.changes >= self.enough().max(20)
                    && seen.rises == seen.changes
                    && seen.others == 0
                    && !table.pointers.iter().any(|p| p.column == *c)
                    && !spoken.contains(&self.name(*c))
            })
            .collect();
        if let Some(held) = (rising.iter())
            .map(|c| table.columns[usize::from(*c)].changes)
            .min()
        {
            out.rules.push(Proposed {
                rule: Rule::OnlyRise(rising.iter().map(|c| self.name(*c)).collect()),
                held,
                why: "changed only to a greater number".to_owned(),
            });
        }
    }

    fn company_of_rows(&self, out: &mut TableProposal, on: WriteKind) {
        let table = self.seen_table();
        // Carts and the like are emptied in many ways.
        let churns = table.deletes * 3 > table.inserts
            && !matches!(self.sort(), Sort::Ledger | Sort::Order | Sort::History);
        if on == WriteKind::Delete && churns {
            return;
        }
        let known = |r: &Proposed| matches!(&r.rule, Rule::Company(c) if c.on == on);
        if out.rules.iter().any(known) {
            return;
        }
        if let Some((any_of, held)) = self.shop.habit(&class(self.number, on, None, None))
            && held >= self.enough().min(60)
        {
            out.rules.push(Proposed {
                rule: Rule::Company(Company {
                    on,
                    columns: Vec::new(),
                    when: BTreeMap::new(),
                    any_of,
                }),
                held,
                why: match on {
                    WriteKind::Delete => "rows were deleted only in this company",
                    _ => "rows came only in this company",
                }
                .to_owned(),
            });
        }
    }
}
