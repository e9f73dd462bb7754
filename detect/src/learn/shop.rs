//! What is known of the whole shop while its rules are written.

use super::Learner;
use super::choose::{Wanted, add, company, habit};
use super::company::{Class, Feature, Link, Seen};
use super::roles::Role;
use super::tables::{Table, Tables};
use super::words::{Sort, sort_of};
use model::policy::{OtherWrite, WriteKind};

/// What is known of the whole shop.
pub(super) struct Shop<'a> {
    pub(super) tables: &'a Tables,
    pub(super) learner: &'a Learner,
    pub(super) roles: Vec<Vec<Role>>,
    sorts: Vec<Sort>,
    /// Companions of steps of states, all over the shop; `None`: some steps came alone.
    pub(super) steps: Option<Vec<OtherWrite>>,
    /// Whether this shop writes what belongs together in one transaction, as far as was seen.
    pub(super) together: bool,
    /// How many times as many cases to ask for, in percent.
    pub(super) caution: u64,
}

impl<'a> Shop<'a> {
    pub(super) fn new(learner: &'a Learner) -> Self {
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
            caution: learner.novelty.caution(),
        };
        shop.steps = steps_of(&shop);
        shop.together = writes_together(&shop);
        shop
    }

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
    pub(super) fn seen(
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
    /// Whether a link is declared, named, or was shown often enough.
    pub(super) fn believes(&self, of: u16, feature: &Feature) -> bool {
        let (from, column, to) = match feature.link {
            Link::Via(column) => (feature.table, column, of),
            Link::To(column) => (of, column, feature.table),
            Link::Any => return true,
        };
        let known = self.tables.pointers(from);
        known.iter().any(|p| p.column == column && p.to == to)
            || self.learner.company.shown.is_believed(from, column, to)
    }
    /// As [`Self::company`], by habits alone.
    pub(super) fn habit(&self, class: &Class) -> Option<(Vec<OtherWrite>, u64)> {
        let seen = self.learner.company.classes.get(class)?;
        habit(self, class, seen).map(|others| (others, seen.times))
    }
    pub(super) fn company(&self, class: &Class, wanted: Wanted) -> Option<(Vec<OtherWrite>, u64)> {
        let seen = self.learner.company.classes.get(class)?;
        company(self, class, seen, wanted).map(|others| (others, seen.times))
    }
}

pub(super) fn class(table: u16, op: WriteKind, column: Option<u16>, value: Option<&str>) -> Class {
    Class {
        table,
        op,
        column,
        value: value.map(str::to_owned),
    }
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
