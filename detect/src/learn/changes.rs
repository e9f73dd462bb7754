//! From what was seen to rules: which columns of a row may change, and in what company.

use super::choose::{Wanted, add, family, roots};
use super::company::Link;
use super::proposal::{Proposed, Rule, TableProposal};
use super::propose::Writer;
use super::roles::Role;
use super::shop::class;
use super::words::{Sort, is_cart, words};
use model::policy::{Company, Frozen, OtherWrite, WriteKind};
use std::collections::{BTreeMap, BTreeSet};

/// Transactions of a recording of a few orders, in which one case is all there may be.
const SHORT: u64 = 100;

/// Updates in which a column never changed, before that counts by itself.
const MANY_UPDATES: u64 = 30;

impl Writer<'_> {
    pub(super) fn updates(&self, out: &mut TableProposal) {
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
    pub(super) fn is_guarded(&self, column: u16) -> bool {
        let (sort, table) = (self.sort(), self.seen_table());
        let money = matches!(sort, Sort::Ledger | Sort::Order);
        if table.schema.primary_key.contains(&column) {
            return money;
        }
        match self.role(column) {
            Role::Money | Role::Running | Role::Payee | Role::Currency => true,
            Role::Quantity => money || matches!(sort, Sort::Valued | Sort::History),
            Role::State => money || sort == Sort::History,
            Role::Code | Role::Flag => money,
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

    /// Cases that names have to be borne out by.
    pub(super) fn few(&self) -> u64 {
        match self.sort() {
            Sort::Ledger | Sort::Order => 2,
            _ => 4,
        }
    }

    /// Rows after which what never changed is believed to stay: in a recording of a few orders it is
    /// all there is to go by, in a long one a table of few rows was hardly used.
    pub(super) fn few_rows(&self) -> u64 {
        (self.shop.learner.transactions / SHORT).clamp(1, self.cautious(4))
    }

    /// Steps of a state that its usual company has to be borne out by.
    fn few_steps(&self) -> u64 {
        match self.sort() {
            Sort::Ledger | Sort::Order => {
                let most = self.cautious(4);
                (self.shop.learner.transactions / SHORT).clamp(1, most)
            }
            _ => self.cautious(8),
        }
    }

    /// What holds for a column that was never seen to change.
    fn never_changed(&self, column: u16) -> Option<(Frozen, String)> {
        let (sort, table) = (self.sort(), self.seen_table());
        let key = table.schema.primary_key.contains(&column);
        let moves = matches!(self.role(column), Role::Running | Role::Quantity);
        let settles = matches!(sort, Sort::Ledger | Sort::History) && !moves;
        let unseen = table.inserts + table.updates == 0;
        // A long recording shows how the prices in carts change; of a short one nobody knows.
        let cart = is_cart(&table.schema) && self.shop.learner.transactions >= SHORT;
        if !key && (cart || unseen && !settles) {
            return None;
        }
        let seen = &table.columns[usize::from(column)];
        let always_filled = table.schema.columns[usize::from(column)].not_null
            || table.inserts > 0 && seen.filled == table.inserts;
        let hard = match self.role(column) {
            _ if table.schema.primary_key.contains(&column) => true,
            Role::Currency | Role::Discriminator => always_filled || table.updates >= MANY_UPDATES,
            Role::Money | Role::Quantity if matches!(sort, Sort::Ledger | Sort::History) => true,
            Role::Payee => true,
            Role::Code | Role::Other => {
                always_filled
                    && (matches!(sort, Sort::Ledger | Sort::History)
                        || table.updates >= MANY_UPDATES)
            }
            Role::State if sort == Sort::History => true,
            Role::State => return self.steps_to_come(column),
            Role::Flag => {
                let deleted = words(&self.name(column)).iter().any(|w| w == "deleted");
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
        // With nobody to excuse them names alone say too much.
        let bare = !hard && unless.is_empty();
        let many = (self.shop.learner.transactions / 10).clamp(2, self.cautious(MANY_UPDATES));
        if bare && table.inserts + table.updates < many {
            return None;
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

    /// In what company a column changed, whatever its new value.
    fn company_of_change(&self, column: u16, wanted: Wanted) -> Option<(Vec<OtherWrite>, u64)> {
        let update = class(self.number, WriteKind::Update, Some(column), None);
        let (mut any_of, held) = self.shop.company(&update, wanted)?;
        if wanted == Wanted::State && self.is_narrow(column, held) {
            // Other steps are written down in other words.
            any_of.iter_mut().for_each(|other| other.holds.clear());
        }
        let few = match self.role(column) {
            Role::Payee => self.cautious(3),
            Role::State | Role::Flag => self.few_steps(),
            _ => self.few(),
        };
        (held >= few).then_some((any_of, held))
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
        if let Some((any_of, held)) = self.company_of_change(column, wanted) {
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
                    && held >= self.few_steps()
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
}
