//! The verdict on each change: a pure fold over batches.
//!
//! A change is judged against the lawful values of its row, not against what an attacker left
//! there: a tampered column stays tainted until it is put right, and the others go on. Other
//! rows count by what they lawfully are: a forged payment pays for nothing, and a payment that
//! was deleted unlawfully still does.
//!
//! One batch is judged in two passes:
//! ```text
//! each row by itself ─► lawful states and companions after the batch ─► requires, parent
//!                                        ▲                                   │
//!                                        └─── rows that fail no longer count ┘
//! ```
//! Failing rows only ever take something away from others, so the loop ends, and the order of
//! the changes inside a batch makes no difference.

use crate::policy::{ABSENT, CompiledPolicy, CompiledTable, StateId, bit};
use crate::relations::{Relations, RowId};
use crate::rules::{
    broken_by_update, differing, hit, kept, lawful_before, put_back, same, standing_after,
    unseen_steps,
};
use model::{Change, Judgement, Key, Row, Standing, Verdict};
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
pub struct JudgeOptions {
    /// Marks rows inserted under a forged row, or money rows under a row whose amount is
    /// tainted, with the hit `tainted_input`; their verdict stays lawful and a person decides.
    pub tainted_input: bool,
}

impl Default for JudgeOptions {
    fn default() -> Self {
        Self {
            tainted_input: true,
        }
    }
}

/// Judges changes. Same policy and same calls in the same order: same answers.
#[derive(Debug)]
pub struct Judge {
    policy: Arc<CompiledPolicy>,
    options: JudgeOptions,
    /// See [`Judge::judge_partial_history`].
    partial: bool,
    relations: Relations,
    // Kept between batches for their memory only.
    pending: Vec<Pending>,
    changed: Vec<u16>,
}

/// A change that other rows decide about.
#[derive(Clone, Copy, Debug)]
struct Pending {
    change: usize,
    row: RowId,
    /// Lawful state before; [`ABSENT`] for an insert.
    from: StateId,
    to: StateId,
    insert: bool,
    failed: bool,
}

impl Judge {
    pub fn new(policy: Arc<CompiledPolicy>) -> Self {
        Self::with_options(policy, JudgeOptions::default())
    }

    pub fn with_options(policy: Arc<CompiledPolicy>, options: JudgeOptions) -> Self {
        let relations = Relations::new(&policy);
        Self {
            policy,
            options,
            partial: false,
            relations,
            pending: Vec::new(),
            changed: Vec::new(),
        }
    }

    pub fn policy(&self) -> &Arc<CompiledPolicy> {
        &self.policy
    }

    /// For traces that start in the middle: rows that were never learnt or inserted are unknown,
    /// and a rule that needs an unknown row is not applied.
    pub fn judge_partial_history(&mut self, partial: bool) {
        self.partial = partial;
    }

    /// Takes in the lawful image of a row without judging it: the baseline, a replay, an approved
    /// repair. `None`: lawfully there is no such row. May be called again for the same row.
    pub fn learn(&mut self, table: u16, key: &Key, lawful: Option<&Row>) {
        let Some(rules) = self.policy.table(table) else {
            return;
        };
        if !rules.is_remembered() {
            return;
        }
        let id = RowId::of(key);
        // A row learnt anew has no past that a batch could be judged by.
        self.relations.gone(table, rules, id);
        if let Some(row) = lawful {
            self.relations.stands(table, rules, id, row);
            self.relations.settle(table, id);
        }
    }

    /// Beside [`Judge::learn`]: what is wrong with a row at a restart (forged rows and tainted amounts).
    pub fn learn_standing(
        &mut self,
        table: u16,
        key: &Key,
        live: Option<&Row>,
        standing: &Standing,
    ) {
        let Some(rules) = self.policy.table(table) else {
            return;
        };
        let id = RowId::of(key);
        match (standing, live) {
            (Standing::Forged, Some(row)) => {
                self.relations.forged(table, rules, id, row);
                self.relations.settle(table, id);
            }
            (Standing::Altered { columns }, _) => {
                self.relations
                    .taint_money(table, id, rules.amount_is_in(columns));
            }
            _ => {}
        }
    }

    /// Judges one or more whole source transactions; `out` is emptied and gets one judgement for
    /// each change, in order. A row appears at most once in a batch: its standing and lawful
    /// image must be those that the batches before have left.
    pub fn judge(&mut self, batch: &[Change], out: &mut Vec<Judgement>) {
        out.clear();
        self.pending.clear();
        self.relations.begin_batch();
        let policy = Arc::clone(&self.policy);
        for (index, change) in batch.iter().enumerate() {
            let judgement = match policy.table(change.table) {
                Some(rules) => self.by_itself(index, change, rules),
                None => Judgement::lawful(change.standing.clone()),
            };
            out.push(judgement);
        }
        self.by_others(batch, &policy, out);
    }

    fn by_itself(&mut self, index: usize, change: &Change, rules: &CompiledTable) -> Judgement {
        match (lawful_before(change), &change.old, &change.new) {
            (None, None, Some(new)) => self.insert(index, change, rules, new),
            (None, Some(_), Some(new)) => {
                self.relations
                    .forged(change.table, rules, RowId::of(&change.key), new);
                Judgement::lawful(Standing::Forged)
            }
            (None, _, None) => {
                self.forget(change, rules);
                Judgement::lawful(Standing::Gone)
            }
            (Some(_), None, None) => Judgement::lawful(change.standing.clone()),
            (Some(_), Some(_), None) => self.delete(change, rules),
            (Some(lawful), None, Some(new)) => put_back(rules, lawful, new),
            (Some(_), Some(old), Some(new)) if old == new => {
                Judgement::lawful(change.standing.clone())
            }
            (Some(lawful), Some(old), Some(new)) => {
                self.update(index, change, rules, [lawful, old, new])
            }
        }
    }

    fn insert(
        &mut self,
        index: usize,
        change: &Change,
        rules: &CompiledTable,
        new: &Row,
    ) -> Judgement {
        let to = rules.state_of(new);
        let begins = rules.state.is_none() || rules.states.may_begin(to, unseen_steps(change));
        let row = RowId::of(&change.key);
        if begins {
            self.relations.stands(change.table, rules, row, new);
        } else {
            self.relations.forged(change.table, rules, row, new);
        }
        if !rules.needs.is_empty() || rules.parent.is_some() {
            let (from, failed) = (ABSENT, !begins);
            self.pending.push(Pending {
                change: index,
                row,
                from,
                to,
                insert: true,
                failed,
            });
        }
        if begins {
            return Judgement {
                verdict: kept(change),
                hits: Vec::new(),
                standing: Standing::Clean,
            };
        }
        Judgement {
            verdict: Verdict::Unlawful,
            hits: vec![hit("initial", rules.state.into_iter().collect())],
            standing: Standing::Forged,
        }
    }

    fn delete(&mut self, change: &Change, rules: &CompiledTable) -> Judgement {
        if !rules.no_delete && !rules.append_only {
            self.forget(change, rules);
            return Judgement {
                verdict: kept(change),
                hits: Vec::new(),
                standing: Standing::Gone,
            };
        }
        let rule = if rules.no_delete {
            "no_delete"
        } else {
            "append_only"
        };
        Judgement {
            verdict: Verdict::Unlawful,
            hits: vec![hit(rule, Vec::new())],
            standing: Standing::Deleted,
        }
    }

    fn forget(&mut self, change: &Change, rules: &CompiledTable) {
        if rules.is_remembered() {
            self.relations
                .gone(change.table, rules, RowId::of(&change.key));
        }
    }

    fn update(
        &mut self,
        index: usize,
        change: &Change,
        rules: &CompiledTable,
        [lawful, old, new]: [&Row; 3],
    ) -> Judgement {
        let mut changed = std::mem::take(&mut self.changed);
        differing(old, new, &mut changed);
        if change.lawful.is_some() {
            // A column that is back at its lawful value is right, whatever happened to it before.
            changed.retain(|c| !same(lawful.get(usize::from(*c)), new.get(usize::from(*c))));
        }
        let hits = broken_by_update(change, rules, lawful, new, &changed);
        let standing = standing_after(change, new, lawful, &changed, &hits);
        let verdict = match (hits.is_empty(), changed.is_empty()) {
            (false, _) => Verdict::Unlawful,
            (true, true) => Verdict::Lawful,
            (true, false) => kept(change),
        };
        self.follow(index, change, rules, [lawful, new], &changed, &standing);
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
        index: usize,
        change: &Change,
        rules: &CompiledTable,
        [lawful, new]: [&Row; 2],
        changed: &[u16],
        standing: &Standing,
    ) {
        let tainted: &[u16] = match standing {
            Standing::Altered { columns } => columns,
            _ => &[],
        };
        if rules.is_parent && (!tainted.is_empty() || change.lawful.is_some()) {
            let row = RowId::of(&change.key);
            self.relations
                .taint_money(change.table, row, rules.amount_is_in(tainted));
        }
        let moved = |column: &u16| changed.contains(column) && !tainted.contains(column);
        let points = rules.companion_in.iter().flat_map(|(_, via)| via);
        if points.clone().any(moved) && !points.clone().any(|c| tainted.contains(c)) {
            self.relations.link(rules, RowId::of(&change.key), new);
        }
        if !rules.state.as_ref().is_some_and(moved) {
            return;
        }
        let (row, from, to) = (
            RowId::of(&change.key),
            rules.state_of(lawful),
            rules.state_of(new),
        );
        if rules.is_parent {
            self.relations.move_to(change.table, row, to);
        }
        if rules
            .needs
            .iter()
            .any(|need| need.holds_for(from, to, unseen_steps(change)))
        {
            let (insert, failed) = (false, false);
            self.pending.push(Pending {
                change: index,
                row,
                from,
                to,
                insert,
                failed,
            });
        }
    }

    /// The second pass: companions and parents as they lawfully are after the batch.
    fn by_others(&mut self, batch: &[Change], policy: &CompiledPolicy, out: &mut [Judgement]) {
        let mut pending = std::mem::take(&mut self.pending);
        loop {
            let mut failed = false;
            for item in pending.iter_mut().filter(|p| !p.failed) {
                let change = &batch[item.change];
                let Some(rules) = policy.table(change.table) else {
                    continue;
                };
                if self.lacks_companion(change, rules, item)
                    || self.lacks_parent(batch, policy, item)
                {
                    item.failed = true;
                    failed = true;
                    self.retract(change, rules, item);
                }
            }
            if !failed {
                break;
            }
        }
        for item in &pending {
            self.conclude(batch, policy, item, &mut out[item.change]);
        }
        self.pending = pending;
    }

    fn retract(&mut self, change: &Change, rules: &CompiledTable, item: &Pending) {
        match &change.new {
            Some(new) if item.insert => self.relations.forged(change.table, rules, item.row, new),
            _ => self.relations.move_back(change.table, item.row),
        }
    }

    fn conclude(
        &self,
        batch: &[Change],
        policy: &CompiledPolicy,
        item: &Pending,
        judgement: &mut Judgement,
    ) {
        let change = &batch[item.change];
        let Some(rules) = policy.table(change.table) else {
            return;
        };
        let via = || {
            rules
                .parent
                .as_ref()
                .map_or_else(Vec::new, |p| p.via.clone())
        };
        if !item.failed {
            if item.insert && self.hangs_on_tainted(change, rules) {
                judgement.hits.push(hit("tainted_input", via()));
            }
            return;
        }
        if self.lacks_companion(change, rules, item) {
            judgement
                .hits
                .push(hit("requires", rules.state.into_iter().collect()));
        }
        if self.lacks_parent(batch, policy, item) {
            judgement.hits.push(hit("parent", via()));
        }
        judgement.verdict = Verdict::Unlawful;
        if item.insert {
            judgement.standing = Standing::Forged;
        } else if let Some(state) = rules.state {
            let mut columns = match std::mem::take(&mut judgement.standing) {
                Standing::Altered { columns } => columns,
                _ => Vec::new(),
            };
            columns.push(state);
            columns.sort_unstable();
            columns.dedup();
            judgement.standing = Standing::Altered { columns };
        }
    }

    fn lacks_companion(&self, change: &Change, rules: &CompiledTable, item: &Pending) -> bool {
        rules.needs.iter().any(|need| {
            need.holds_for(item.from, item.to, unseen_steps(change))
                && !self.relations.has_companion(need.relation, item.row)
        })
    }

    fn lacks_parent(&self, batch: &[Change], policy: &CompiledPolicy, item: &Pending) -> bool {
        let change = &batch[item.change];
        let rule = policy
            .table(change.table)
            .and_then(|rules| rules.parent.as_ref());
        let (true, Some(rule), Some(new)) = (item.insert, rule, &change.new) else {
            return false;
        };
        let parent =
            RowId::pointed_to(new, &rule.via).and_then(|id| self.relations.parent(rule.table, id));
        let (Some(parent), Some(of)) = (parent, policy.table(rule.table)) else {
            return !self.partial;
        };
        // The parent may have gone on in the same batch; the states that it passed count too.
        let before = self.relations.before(parent);
        let passed = of.states.passed(before, parent.state, unseen_steps(change));
        rule.states != u64::MAX && passed & rule.states & !bit(ABSENT) == 0
    }

    fn hangs_on_tainted(&self, change: &Change, rules: &CompiledTable) -> bool {
        let (true, Some(rule), Some(new)) =
            (self.options.tainted_input, &rules.parent, &change.new)
        else {
            return false;
        };
        RowId::pointed_to(new, &rule.via)
            .and_then(|id| self.relations.parent(rule.table, id))
            .is_some_and(|p| p.forged || p.money_tainted && rules.money.is_some())
    }
}
