//! The first pass over a transaction: each row by itself.
//!
//! What is lawful here is taken into the relations, the books and the marks for others; what
//! needs somebody else is written down for the second pass.

use crate::balances::{Image, Touch};
use crate::company::{Claim, Needs};
use crate::judge::{Judge, Lacks, Pending};
use crate::policy::{ABSENT, CompiledPolicy, CompiledTable, StateId, Strict, UNKNOWN, holds};
use crate::relations::RowId;
use crate::rules::{
    broken_by_update, changed_columns, frozen_in, hit, is_unstamped, kept, lawful_before, put_back,
    standing_after, unseen_steps,
};
use crate::second_pass::left_of;
use crate::strict_rules::{self, Update};
use model::policy::{Sees, WriteKind};
use model::{Change, Judgement, Row, RuleHit, Standing, Verdict};

/// A change, its place in the batch, and the rules of its table.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) policy: &'a CompiledPolicy,
    pub(crate) rules: &'a CompiledTable,
    pub(crate) index: usize,
    pub(crate) change: &'a Change,
}

impl<'a> Case<'a> {
    fn row(&self) -> RowId {
        RowId::of(&self.change.key)
    }
    fn strict(&self) -> Option<&'a Strict> {
        self.rules.strict.as_deref()
    }
    /// Whether the rules about the same transaction are applied.
    fn has_transaction(&self) -> bool {
        self.policy.sees() == Sees::Transactions && self.change.witnessed
    }
}

impl Judge {
    pub(crate) fn by_itself(&mut self, case: Case<'_>) -> Judgement {
        let Case { rules, change, .. } = case;
        match (lawful_before(change), &change.old, &change.new) {
            (None, None, Some(new)) => self.insert(case, new),
            (None, Some(_), Some(new)) => {
                self.relations.forged(change.table, rules, case.row(), new);
                Judgement::lawful(Standing::Forged)
            }
            (None, _, None) => {
                self.forget(case);
                Judgement::lawful(Standing::Gone)
            }
            (Some(_), None, None) => Judgement::lawful(change.standing.clone()),
            (Some(lawful), Some(_), None) => self.delete(case, lawful),
            (Some(lawful), None, Some(new)) => put_back(rules, lawful, new),
            (Some(_), Some(old), Some(new)) if old == new => {
                Judgement::lawful(change.standing.clone())
            }
            (Some(lawful), Some(old), Some(new)) => self.update(case, [lawful, old, new]),
        }
    }

    fn insert(&mut self, case: Case<'_>, new: &Row) -> Judgement {
        let Case { rules, change, .. } = case;
        let (to, row) = (rules.state_of(new), case.row());
        let mut hits = Vec::new();
        if rules.state.is_some() && !rules.states.may_begin(to, unseen_steps(change)) {
            hits.push(hit("initial", rules.state.into_iter().collect()));
        }
        if let Some(strict) = case.strict() {
            strict_rules::broken_by_insert(rules, strict, new, &mut hits);
        }
        self.by_its_way(change, &[], &mut hits);
        if let Some(known) = &mut self.known {
            known.insert((change.table, row));
        }
        if hits.is_empty() {
            self.relations.stands(change.table, rules, row, new);
            self.balance(case, Some(Image::whole(new)));
        } else {
            self.relations.forged(change.table, rules, row, new);
        }
        if !rules.needs.is_empty() || rules.parent.is_some() {
            let failed = !hits.is_empty();
            self.suspend(case, [ABSENT, to], (true, failed));
        }
        let image = Image::whole(new);
        self.in_company(case, WriteKind::Insert, image, &[], hits.is_empty());
        self.verdict(case, hits, [Standing::Clean, Standing::Forged])
    }

    fn delete(&mut self, case: Case<'_>, lawful: &Row) -> Judgement {
        let mut hits = Vec::new();
        if case.rules.no_delete {
            hits.push(hit("no_delete", Vec::new()));
        } else if case.rules.append_only {
            hits.push(hit("append_only", Vec::new()));
        }
        self.by_its_way(case.change, &[], &mut hits);
        if hits.is_empty() {
            self.forget(case);
            self.in_company(case, WriteKind::Delete, Image::whole(lawful), &[], true);
        }
        self.verdict(case, hits, [Standing::Gone, Standing::Deleted])
    }

    /// What is held against a change for the way it came, whatever it did.
    fn by_its_way(&self, change: &Change, columns: &[u16], hits: &mut Vec<RuleHit>) {
        if self.went_round {
            hits.push(hit("round_the_log", columns.to_vec()));
        }
        if is_unstamped(change) {
            hits.push(hit("unstamped", columns.to_vec()));
        }
    }

    fn verdict(
        &self,
        case: Case<'_>,
        hits: Vec<RuleHit>,
        [right, wrong]: [Standing; 2],
    ) -> Judgement {
        if hits.is_empty() {
            return Judgement {
                verdict: kept(case.change),
                hits,
                standing: right,
            };
        }
        Judgement {
            verdict: Verdict::Unlawful,
            hits,
            standing: wrong,
        }
    }

    fn forget(&mut self, case: Case<'_>) {
        if case.rules.is_remembered() {
            self.relations
                .gone(case.change.table, case.rules, case.row());
            self.balance(case, None);
        }
        if let Some(known) = &mut self.known {
            known.remove(&(case.change.table, case.row()));
        }
    }

    fn update(&mut self, case: Case<'_>, [lawful, old, new]: [&Row; 3]) -> Judgement {
        let Case { rules, change, .. } = case;
        let mut changed = std::mem::take(&mut self.changed);
        changed_columns(change, [lawful, old, new], &mut changed);
        let mut hits = broken_by_update(change, rules, lawful, new, &changed);
        if let Some(strict) = case.strict().filter(|_| !changed.is_empty()) {
            let update = Update {
                lawful,
                old,
                new,
                changed: &changed,
                partly_known: self.is_partly_told(change.table, case.row()),
            };
            if !rules.append_only {
                strict_rules::broken_by_update(rules, strict, update, &mut hits);
            }
        }
        if !changed.is_empty() {
            self.by_its_way(change, &changed, &mut hits);
        }
        let standing = standing_after(change, new, lawful, &changed, &hits);
        let verdict = match (hits.is_empty(), changed.is_empty()) {
            (false, _) => Verdict::Unlawful,
            (true, true) => Verdict::Lawful,
            (true, false) => kept(change),
        };
        self.follow(case, [lawful, new], &changed, &standing);
        if case.has_transaction() && !changed.is_empty() {
            let image = Image {
                lawful,
                new,
                tainted: match &standing {
                    Standing::Altered { columns } => columns,
                    _ => &[],
                },
                partly_known: self.is_partly_told(change.table, case.row()),
            };
            self.unless_excused(case, image, &changed);
            self.in_company(case, WriteKind::Update, image, &changed, hits.is_empty());
            if !hits.is_empty() {
                self.in_part(case, image, &left_of(change, rules, &standing, &[]));
            }
        }
        self.changed = changed;
        Judgement {
            verdict,
            hits,
            standing,
        }
    }

    /// Takes the lawful part of an update into the relations.
    fn follow(
        &mut self,
        case: Case<'_>,
        [lawful, new]: [&Row; 2],
        changed: &[u16],
        standing: &Standing,
    ) {
        let Case { rules, change, .. } = case;
        let tainted: &[u16] = match standing {
            Standing::Altered { columns } => columns,
            _ => &[],
        };
        if self.is_partial() && self.is_stranger(change.table, case.row()) {
            self.meet(case, lawful);
        }
        if rules.is_parent && (!tainted.is_empty() || change.lawful.is_some()) {
            self.relations
                .taint_money(change.table, case.row(), rules.amount_is_in(tainted));
        }
        if case.strict().is_some_and(|s| s.balanced.any_of(changed)) {
            let image = Image {
                lawful,
                new,
                tainted,
                partly_known: self.is_stranger(change.table, case.row()),
            };
            self.balance(case, Some(image));
        }
        let moved = |column: &u16| changed.contains(column) && !tainted.contains(column);
        let points = rules.companion_in.iter().flat_map(|(_, via)| via);
        if points.clone().any(moved) && !points.clone().any(|c| tainted.contains(c)) {
            self.relations.link(rules, case.row(), new);
        }
        if !rules.state.as_ref().is_some_and(moved) {
            return;
        }
        let (from, to) = (rules.state_of(lawful), rules.state_of(new));
        if rules.is_parent {
            self.relations.move_to(change.table, case.row(), to);
        }
        let unseen = unseen_steps(change);
        if rules.needs.iter().any(|n| n.holds_for(from, to, unseen)) {
            self.suspend(case, [from, to], (false, false));
        }
    }

    fn suspend(
        &mut self,
        case: Case<'_>,
        [from, to]: [StateId; 2],
        (insert, failed): (bool, bool),
    ) {
        self.pending.push(Pending {
            change: case.index,
            row: case.row(),
            from,
            to,
            insert,
            failed,
            lacks: Lacks::default(),
        });
    }

    /// A row that is older than the history shows by an update how it was.
    fn meet(&mut self, case: Case<'_>, lawful: &Row) {
        let (rules, table, row) = (case.rules, case.change.table, case.row());
        let state = rules.state_of(lawful);
        if rules.is_parent && state != UNKNOWN && self.relations.parent(table, row).is_none() {
            self.relations.move_to(table, row, state);
            self.relations.settle(table, row);
        }
        if case.strict().is_some_and(|s| s.has_balances()) {
            let image = Image {
                partly_known: true,
                ..Image::whole(lawful)
            };
            let touches = self.touches.len();
            self.balance(case, Some(image));
            self.touches.truncate(touches);
        }
    }

    fn balance(&mut self, case: Case<'_>, image: Option<Image<'_>>) {
        let (touches, witnessed, change) = (&mut self.touches, case.change.witnessed, case.index);
        self.balances.put(
            case.policy,
            case.rules,
            case.row(),
            image,
            |book, parent, as_parent| {
                if witnessed {
                    touches.push(Touch {
                        book,
                        parent,
                        as_parent,
                        change,
                    });
                }
            },
        );
    }

    /// Frozen columns that another write of the transaction may excuse.
    fn unless_excused(&mut self, case: Case<'_>, image: Image<'_>, changed: &[u16]) {
        if !case.rules.frozen.any_of(changed) {
            return;
        }
        let states = frozen_in(case.change, case.rules, image.lawful, image.new);
        for (number, freeze) in case.rules.freezes.iter().enumerate() {
            if !freeze.unless.is_empty()
                && freeze.from & states != 0
                && freeze.columns.any_of(changed)
            {
                self.claim(case, Needs::Freeze(number), image);
            }
        }
    }

    /// What the write needs beside it, and what it may do for others.
    fn in_company(
        &mut self,
        case: Case<'_>,
        kind: WriteKind,
        image: Image<'_>,
        changed: &[u16],
        is_lawful: bool,
    ) {
        let Some(strict) = case.strict().filter(|_| case.has_transaction()) else {
            return;
        };
        for (number, company) in strict.company.iter().enumerate() {
            let concerns = company.on == kind
                && (kind != WriteKind::Update
                    || company.columns.is_empty()
                    || company.columns.any_of(changed));
            if concerns && holds(|c| image.cell(c), &company.when) {
                self.claim(case, Needs::Company(number), image);
            }
        }
        if is_lawful && !strict.witness_of.is_empty() {
            let write = (case.index, kind);
            self.witnesses
                .mark(case.policy, strict, write, (case.change, changed), image);
        }
    }

    /// What is lawful of an update speaks for others, whatever else was done to the row.
    fn in_part(&mut self, case: Case<'_>, image: Image<'_>, left: &[u16]) {
        if let Some(strict) = case.strict().filter(|s| !s.witness_of.is_empty())
            && !left.is_empty()
        {
            let write = (case.index, WriteKind::Update);
            self.witnesses
                .mark(case.policy, strict, write, (case.change, left), image);
        }
    }

    fn claim(&mut self, case: Case<'_>, needs: Needs, image: Image<'_>) {
        let pointers = self.witnesses.point(needs.any_of(case.rules), image);
        self.claims.push(Claim {
            pointers,
            change: case.index,
            row: case.row(),
            needs,
            failed: false,
        });
    }
}
