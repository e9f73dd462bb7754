//! From what was seen to rules, each with how often it held.

use super::Learner;
use super::choose::{Wanted, add, company, family, roots};
use super::company::{Class, Link, Seen};
use super::sums;
use super::tables::{Table, Tables};
use super::words::{Role, Sort, same_stem, sort_of};
use model::policy::{Company, Equal, Frozen, OtherWrite, Sum, Together, WriteKind};
use model::{SourceName, SourcePolicy, TablePolicy};
use std::collections::{BTreeMap, BTreeSet};

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

/// What is known of the whole shop.
pub(super) struct Shop<'a> {
    pub(super) tables: &'a Tables,
    learner: &'a Learner,
    roles: Vec<Vec<Role>>,
    sorts: Vec<Sort>,
    /// Companions of steps of states, all over the shop; `None`: some steps came alone.
    steps: Option<Vec<OtherWrite>>,
    /// Whether this shop writes what belongs together in one transaction, as far as was seen.
    together: bool,
}

impl Shop<'_> {
    pub(super) fn sort(&self, table: u16) -> Sort {
        self.sorts
            .get(usize::from(table))
            .copied()
            .unwrap_or(Sort::Noise)
    }
    pub(super) fn has(&self, table: u16, role: Role) -> bool {
        self.roles
            .get(usize::from(table))
            .is_some_and(|r| r.contains(&role))
    }
    pub(super) fn has_money(&self, table: u16) -> bool {
        self.has(table, Role::Money) || self.has(table, Role::Running)
    }
    /// Columns that hold money or quantities.
    pub(super) fn amounts(&self, table: u16) -> Vec<u16> {
        let roles = self.roles.get(usize::from(table)).into_iter().flatten();
        (0..)
            .zip(roles)
            .filter(|(_, r)| matches!(r, Role::Money | Role::Running | Role::Quantity))
            .map(|(c, _)| c)
            .collect()
    }
    pub(super) fn name(&self, table: u16, column: u16) -> String {
        self.tables.all[usize::from(table)]
            .schema
            .name_of(column)
            .to_owned()
    }
    pub(super) fn other(
        &self,
        table: u16,
        op: Option<WriteKind>,
        link: Link,
        of: u16,
    ) -> OtherWrite {
        let mut other = OtherWrite {
            table: self.tables.all[usize::from(table)].schema.name.clone(),
            op,
            ..OtherWrite::default()
        };
        match link {
            Link::Via(column) => other.via = Some(self.name(table, column)),
            Link::To(column) => other.to = Some(self.name(of, column)),
            Link::Any => {}
        }
        other
    }
    fn seen(
        &self,
        table: u16,
        op: WriteKind,
        column: Option<u16>,
        value: Option<&str>,
    ) -> Option<&Seen> {
        self.learner
            .company
            .classes
            .get(&class(table, op, column, value))
    }
    fn company(&self, class: &Class, wanted: Wanted) -> Option<(Vec<OtherWrite>, u64)> {
        let seen = self.learner.company.classes.get(class)?;
        company(self, class, seen, wanted).map(|others| (others, seen.times))
    }
}

fn class(table: u16, op: WriteKind, column: Option<u16>, value: Option<&str>) -> Class {
    Class {
        table,
        op,
        column,
        value: value.map(str::to_owned),
    }
}

pub(super) fn propose(learner: &Learner) -> Proposal {
    let tables = &learner.tables;
    let roles: Vec<Vec<Role>> = tables.all.iter().map(Table::roles).collect();
    let sorts = tables
        .all
        .iter()
        .zip(&roles)
        .map(|(t, r)| sort_of(&t.schema, r))
        .collect();
    let mut shop = Shop {
        tables,
        learner,
        roles,
        sorts,
        steps: None,
        together: false,
    };
    shop.steps = steps_of(&shop);
    shop.together = writes_together(&shop);
    let mut proposed: Vec<(Sort, TableProposal)> = (0..tables.all.len() as u16)
        .filter(|t| shop.sort(*t) != Sort::Noise && tables.has_key(*t))
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

/// Companions of the steps of all states seen, where every step had some.
fn steps_of(shop: &Shop<'_>) -> Option<Vec<OtherWrite>> {
    let (mut out, mut steps) = (Vec::new(), 0);
    for (number, table) in (0_u16..).zip(&shop.tables.all) {
        if !matches!(shop.sort(number), Sort::Order | Sort::Ledger) {
            continue;
        }
        for c in 0..table.columns.len() as u16 {
            if shop.roles[usize::from(number)][usize::from(c)] != Role::State {
                continue;
            }
            let class = class(number, WriteKind::Update, Some(c), None);
            let Some(seen) = shop.learner.company.classes.get(&class) else {
                continue;
            };
            let others = company(shop, &class, seen, Wanted::State)?;
            steps += seen.times;
            for other in others {
                // Of another table's companions only the tables mean something here.
                let anywhere = OtherWrite {
                    table: other.table,
                    op: Some(WriteKind::Insert),
                    ..OtherWrite::default()
                };
                let number = shop
                    .tables
                    .all
                    .iter()
                    .position(|t| t.schema.name == anywhere.table);
                if number.is_some_and(|n| shop.sort(n as u16) == Sort::History) {
                    add(&mut out, anywhere);
                }
            }
        }
    }
    (steps >= 2 && !out.is_empty()).then_some(out)
}

/// No row of an order or a ledger was ever inserted alone; where none was seen at all, the share of
/// transactions that write several tables tells.
fn writes_together(shop: &Shop<'_>) -> bool {
    let mut tables = 0;
    for number in 0..shop.tables.all.len() as u16 {
        if !matches!(shop.sort(number), Sort::Ledger | Sort::Order) {
            continue;
        }
        let class = class(number, WriteKind::Insert, None, None);
        if let Some(seen) = shop.learner.company.classes.get(&class) {
            if company(shop, &class, seen, Wanted::Insert).is_none() {
                return false;
            }
            tables += 1;
        }
    }
    let (several, all) = (
        shop.learner.company.several,
        shop.learner.company.transactions,
    );
    tables >= 3 || several >= 3 && several * 4 >= all
}

/// Writes the rules of one table.
struct Writer<'a> {
    shop: &'a Shop<'a>,
    number: u16,
}

/// Updates in which a column never changed, before that counts by itself.
const MANY_UPDATES: u64 = 30;

/// Updates after which a time of change is believed to move every time.
const ENOUGH_UPDATES: u64 = 8;

impl Writer<'_> {
    fn seen_table(&self) -> &Table {
        &self.shop.tables.all[usize::from(self.number)]
    }
    fn roles(&self) -> &[Role] {
        &self.shop.roles[usize::from(self.number)]
    }
    fn sort(&self) -> Sort {
        self.shop.sort(self.number)
    }
    fn name(&self, column: u16) -> String {
        self.shop.name(self.number, column)
    }
    fn role(&self, column: u16) -> Role {
        self.roles()[usize::from(column)]
    }
    fn columns(&self, of: impl Fn(Role) -> bool) -> Vec<u16> {
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
        if self.sort() == Sort::Plain {
            return out;
        }
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
            self.deletes(&mut out);
            self.updates(&mut out);
        }
        self.inserts(&mut out);
        self.sums(&mut out);
        out
    }

    /// Ledgers and histories that have no state and were never updated.
    fn is_append_only(&self) -> bool {
        let table = self.seen_table();
        let moves = self
            .roles()
            .iter()
            .any(|r| matches!(r, Role::State | Role::Touched | Role::Running));
        let flags = self.columns(|r| r == Role::Flag);
        // A time that was empty when the row was written is a step to come.
        let open = flags
            .iter()
            .any(|c| table.columns[usize::from(*c)].filled < table.inserts.max(1));
        matches!(self.sort(), Sort::Ledger | Sort::History)
            && table.updates == 0
            && table.deletes == 0
            && !moves
            && (!open || flags.len() <= 1 && table.inserts > 0 && !open)
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
        for column in telling {
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
        let name = super::words::words(&self.seen_table().schema.name).concat();
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

    fn updates(&self, out: &mut TableProposal) {
        let mut frozen: BTreeMap<String, (Frozen, String, u64)> = BTreeMap::new();
        let mut companies: BTreeMap<String, (Company, u64)> = BTreeMap::new();
        let (mut once, mut set) = (Vec::new(), 0);
        for column in 0..self.seen_table().columns.len() as u16 {
            if !self.is_guarded(column) {
                continue;
            }
            let changes = self.seen_table().columns[usize::from(column)].changes;
            if self.is_set_once(column) {
                once.push(self.name(column));
                set += changes;
            } else if changes == 0
                && let Some((rule, why)) = self.never_changed(column)
            {
                let place = frozen.entry(format!("{:?}{why}", rule.unless)).or_insert((
                    Frozen {
                        columns: Vec::new(),
                        ..rule
                    },
                    why,
                    self.seen_table().updates,
                ));
                place.0.columns.push(self.name(column));
            }
            if changes > 0 {
                self.changed(column, out, &mut companies);
            }
        }
        if !once.is_empty() {
            out.rules.push(Proposed {
                rule: Rule::SetOnce(once),
                held: set,
                why: "may be empty at first; a value that was there never changed".to_owned(),
            });
        }
        let mut frozen: Vec<_> = frozen.into_values().collect();
        frozen.sort_by_key(|(rule, _, _)| (rule.unless.len(), rule.columns.clone()));
        for (rule, why, held) in frozen {
            out.rules.push(Proposed {
                rule: Rule::Frozen(rule),
                held,
                why,
            });
        }
        let mut companies: Vec<_> = companies.into_values().collect();
        companies.sort_by_key(|(rule, held)| (std::cmp::Reverse(*held), rule.columns.clone()));
        for (rule, held) in companies {
            out.rules.push(Proposed {
                rule: Rule::Company(rule),
                held,
                why: "changed only in this company".to_owned(),
            });
        }
        self.together(out);
        self.states(out);
    }

    /// Columns whose change by somebody else would hurt.
    fn is_guarded(&self, column: u16) -> bool {
        let (sort, table) = (self.sort(), self.seen_table());
        let money = matches!(sort, Sort::Ledger | Sort::Order);
        if table.schema.primary_key.contains(&column) {
            return money;
        }
        match self.role(column) {
            Role::Money | Role::Running | Role::Payee | Role::Currency => true,
            Role::State | Role::Quantity | Role::Code | Role::Flag => {
                money || sort == Sort::Valued && self.role(column) == Role::Quantity
            }
            Role::Discriminator => money || sort == Sort::History,
            Role::Touched => false,
            Role::Other => {
                let points = table.pointers.iter().any(|p| p.column == column);
                points && (money || sort == Sort::History)
            }
        }
    }

    /// Names, pointers and times that may be empty at first, and were never seen to change afterwards.
    fn is_set_once(&self, column: u16) -> bool {
        let table = self.seen_table();
        let seen = &table.columns[usize::from(column)];
        let declared = &table.schema.columns[usize::from(column)];
        let of_kind = matches!(
            self.role(column),
            Role::Payee
                | Role::Code
                | Role::Flag
                | Role::Currency
                | Role::Discriminator
                | Role::Other
        );
        // A yes or no is never empty.
        let yes_or_no = declared.declared.to_ascii_lowercase().starts_with("bool");
        let may_be_empty = seen.changes > 0
            || !declared.not_null && (table.inserts == 0 || seen.filled < table.inserts);
        of_kind && !yes_or_no && seen.replaced == 0 && seen.late == 0 && may_be_empty
    }

    /// What holds for a column that was never seen to change.
    fn never_changed(&self, column: u16) -> Option<(Frozen, String)> {
        let (sort, table) = (self.sort(), self.seen_table());
        let seen = &table.columns[usize::from(column)];
        let always_filled = table.schema.columns[usize::from(column)].not_null
            || table.inserts > 0 && seen.filled == table.inserts;
        let hard = match self.role(column) {
            _ if table.schema.primary_key.contains(&column) => true,
            Role::Currency | Role::Discriminator => always_filled || table.updates >= MANY_UPDATES,
            Role::Money | Role::Payee if sort == Sort::Ledger => true,
            Role::Payee => true,
            Role::Code | Role::Other => {
                always_filled && (sort == Sort::Ledger || table.updates >= MANY_UPDATES)
            }
            Role::State => return self.steps_to_come(column),
            Role::Flag => {
                let deleted = super::words::words(&self.name(column))
                    .iter()
                    .any(|w| w == "deleted");
                if !deleted {
                    return None;
                }
                false
            }
            Role::Quantity if sort == Sort::Valued => return None,
            _ => false,
        };
        let hard = hard && seen.late == 0;
        let mut unless = Vec::new();
        if !hard {
            let wanted = match self.role(column) {
                Role::Quantity => Wanted::Count,
                _ => Wanted::Amount,
            };
            unless = family(self.shop, self.number, wanted);
            if sort == Sort::Valued {
                roots(self.shop)
                    .into_iter()
                    .for_each(|o| add(&mut unless, o));
            }
        }
        let why = match (hard, table.updates) {
            (true, 0) => "by name and type; no update was seen",
            (_, 0) => "by name and type; no update was seen",
            (true, _) => "never changed",
            (false, _) => "never changed; if it ever does, then with one of these",
        };
        Some((
            Frozen {
                from: Vec::new(),
                columns: vec![self.name(column)],
                unless,
            },
            why.to_owned(),
        ))
    }

    /// A state that was never seen to change will change; the shop's other states tell in what
    /// company, or else the tables that write its steps down.
    fn steps_to_come(&self, column: u16) -> Option<(Frozen, String)> {
        let mut unless = self.shop.steps.clone().unwrap_or_default();
        for (number, other) in (0_u16..).zip(&self.shop.tables.all) {
            let histories = other.pointers.iter().filter(|p| {
                p.to == self.number
                    && self.shop.sort(number) == Sort::History
                    && self.shop.tables.has_key(number)
            });
            for pointer in histories {
                let insert = Some(WriteKind::Insert);
                add(
                    &mut unless,
                    self.shop
                        .other(number, insert, Link::Via(pointer.column), self.number),
                );
            }
        }
        if unless.is_empty() || !self.shop.together {
            return None;
        }
        for relative in family(self.shop, self.number, Wanted::State) {
            add(&mut unless, relative);
        }
        Some((
            Frozen {
                from: Vec::new(),
                columns: vec![self.name(column)],
                unless,
            },
            "not seen to change; the steps of this shop are written down beside them".to_owned(),
        ))
    }

    fn changed(
        &self,
        column: u16,
        out: &mut TableProposal,
        companies: &mut BTreeMap<String, (Company, u64)>,
    ) {
        let wanted = match self.role(column) {
            Role::State | Role::Flag => Wanted::State,
            Role::Money | Role::Running => Wanted::Amount,
            Role::Quantity => Wanted::Count,
            _ => Wanted::Name,
        };
        let update =
            |value: Option<&str>| class(self.number, WriteKind::Update, Some(column), value);
        let name = self.name(column);
        if let Some((any_of, held)) = self.shop.company(&update(None), wanted) {
            let place = companies.entry(format!("{any_of:?}")).or_insert((
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
            return;
        }
        let mut some = false;
        if wanted == Wanted::State {
            let values: BTreeSet<&String> = self
                .shop
                .learner
                .company
                .classes
                .keys()
                .filter(|c| {
                    c.table == self.number && c.op == WriteKind::Update && c.column == Some(column)
                })
                .filter_map(|c| c.value.as_ref())
                .collect();
            for value in values {
                if let Some((any_of, held)) = self.shop.company(&update(Some(value)), wanted)
                    && held >= 2
                {
                    some = true;
                    companies.insert(
                        format!("{name}={value}"),
                        (
                            Company {
                                on: WriteKind::Update,
                                columns: vec![name.clone()],
                                when: BTreeMap::from([(name.clone(), value.clone())]),
                                any_of,
                            },
                            held,
                        ),
                    );
                }
            }
        }
        let times = self
            .shop
            .seen(self.number, WriteKind::Update, Some(column), None)
            .map_or(0, |s| s.times);
        out.undecided.push(format!(
            "{name} changed {times} times, at least once alone in its transaction{}: a change by hand looks the same",
            if some { ", but not on its way to the states named above" } else { "" }
        ));
    }

    fn together(&self, out: &mut TableProposal) {
        let table = self.seen_table();
        let changes = |c: u16| table.columns[usize::from(c)].changes;
        let guarded: Vec<u16> = (0..table.columns.len() as u16)
            .filter(|c| self.is_guarded(*c) && !table.schema.primary_key.contains(c))
            .collect();
        let touched: Vec<u16> = self
            .columns(|r| r == Role::Touched)
            .into_iter()
            .filter(|c| table.updates >= ENOUGH_UPDATES && changes(*c) == table.updates)
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

    /// A closed list of steps is believed only when it has long shown nothing new: the share of steps
    /// seen once estimates how probable a new one is (Good and Turing).
    fn states(&self, out: &mut TableProposal) {
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
        let once = seen.steps.values().filter(|n| **n == 1).count() as u64;
        let alone = self
            .shop
            .company(
                &class(self.number, WriteKind::Update, Some(column), None),
                Wanted::State,
            )
            .is_none();
        let enough = if alone { 12 } else { 25 };
        if seen.too_many
            || total < enough
            || once > 0
            || seen.steps.keys().any(|(a, b)| a == "NULL" || b == "NULL")
        {
            if total > 0 && alone {
                out.undecided.push(format!(
                    "{} took {total} steps of {} kinds, {once} of them seen once: too few to close the list",
                    self.name(column),
                    seen.steps.len()
                ));
            }
            return;
        }
        let mut transitions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (from, to) in seen.steps.keys() {
            transitions
                .entry(from.clone())
                .or_default()
                .push(to.clone());
            transitions.entry(to.clone()).or_default();
        }
        let begins: Vec<String> = seen
            .begins
            .keys()
            .filter(|b| *b != "NULL")
            .cloned()
            .collect();
        for begin in &begins {
            transitions.entry(begin.clone()).or_default();
        }
        let rare = seen.begins.values().any(|n| *n == 1);
        let initial = if rare || table.inserts < enough {
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
            why: "no other step was seen, and none of these only once".to_owned(),
        });
    }

    fn sums(&self, out: &mut TableProposal) {
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
