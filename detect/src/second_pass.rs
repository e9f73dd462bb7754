//! The second pass over a transaction: each row by what the others lawfully are.
//!
//! ```text
//! each row by itself ─► lawful rows after the transaction ─► frozen.unless, company ─► requires, parent ─► sum, equal
//!                                        ▲                                                      │
//!                                        └────────────── rows that fail no longer count ────────┘
//! ```
//! Each stage is repeated until nothing more fails in it, and a failing row only ever takes
//! something away from the others of its stage, so that each stage has one end whatever the order
//! of the changes. The books (`sum`, `equal`) are all read before any is held against a row.

use crate::balances::{Book, Image, Touch};
use crate::company::{Claim, Needs};
use crate::guilt::{Books, Guilty};
use crate::judge::{Judge, Pending};
use crate::policy::{ABSENT, CompiledPolicy, CompiledTable, bit};
use crate::relations::RowId;
use crate::rules::{changed_of, hit, lawful_before, unseen_steps};
use model::{Change, Judgement, RuleHit, Standing, Verdict};
use std::collections::HashSet;

/// The hits of a change stand in this order.
const RULES: [&str; 18] = [
    "initial",
    "transition",
    "frozen",
    "no_delete",
    "append_only",
    "requires",
    "parent",
    "company",
    "together",
    "only_rise",
    "only_fall",
    "set_once",
    "values",
    "equal",
    "sum",
    "round_the_log",
    "unstamped",
    "tainted_input",
];

/// What the books have already settled.
#[derive(Default)]
struct Settled {
    sums: HashSet<(usize, RowId)>,
    twins: HashSet<(usize, usize)>,
}

impl Judge {
    pub(crate) fn by_others(
        &mut self,
        batch: &[Change],
        policy: &CompiledPolicy,
        out: &mut [Judgement],
    ) {
        if self.pending.is_empty() && self.claims.is_empty() && self.touches.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        let mut claims = std::mem::take(&mut self.claims);
        let mut touches = std::mem::take(&mut self.touches);
        touches.sort_unstable();
        touches.dedup();
        let mut settled = Settled::default();
        let mut failed = Vec::new();
        loop {
            self.hear_claims(batch, policy, &mut claims, out, &mut failed);
            if self.hear_pending(batch, policy, &mut pending, out) {
                continue;
            }
            let guilty = self.read_books(batch, policy, &touches, out, &mut settled);
            if guilty.is_empty() {
                break;
            }
            for (index, rule, columns) in guilty {
                self.fail(index, batch, policy, &columns, out);
                out[index].hits.push(hit(rule, columns));
                failed.push(index);
            }
        }
        for item in &pending {
            self.conclude(batch, policy, item, &mut out[item.change]);
        }
        for index in failed {
            in_order(&mut out[index].hits);
        }
        (self.pending, self.claims, self.touches) = (pending, claims, touches);
    }

    fn hear_claims(
        &mut self,
        batch: &[Change],
        policy: &CompiledPolicy,
        claims: &mut [Claim],
        out: &mut [Judgement],
        failed: &mut Vec<usize>,
    ) {
        let partial = self.is_partial();
        let mut again = !claims.is_empty();
        while std::mem::take(&mut again) {
            for claim in claims.iter_mut().filter(|c| !c.failed) {
                let change = &batch[claim.change];
                let Some(rules) = policy.table(change.table) else {
                    continue;
                };
                let partly_told = partial && self.is_partly_told(change.table, claim.row);
                if self.witnesses.fails(claim, rules, partial, partly_told) {
                    claim.failed = true;
                    again = true;
                    let (rule, columns) = held_against(claim, change, rules);
                    self.fail(claim.change, batch, policy, &columns, out);
                    out[claim.change].hits.push(hit(rule, columns));
                    failed.push(claim.change);
                }
            }
        }
    }

    /// Companions and parents as they lawfully are after the transaction.
    fn hear_pending(
        &mut self,
        batch: &[Change],
        policy: &CompiledPolicy,
        pending: &mut [Pending],
        out: &mut [Judgement],
    ) -> bool {
        let (mut any, mut again) = (false, true);
        while std::mem::take(&mut again) {
            for item in pending.iter_mut().filter(|p| !p.failed) {
                let change = &batch[item.change];
                let Some(rules) = policy.table(change.table) else {
                    continue;
                };
                if self.lacks_companion(change, rules, item)
                    || self.lacks_parent(batch, policy, item)
                {
                    item.failed = true;
                    (any, again) = (true, true);
                    let state: &[u16] = match (&rules.state, item.insert) {
                        (Some(state), false) => std::slice::from_ref(state),
                        _ => &[],
                    };
                    self.fail(item.change, batch, policy, state, out);
                }
            }
        }
        if any {
            // What comes back later in the pass does not undo the reason.
            for item in pending.iter_mut().filter(|p| p.failed) {
                self.note(batch, policy, item);
            }
        }
        any
    }

    fn note(&self, batch: &[Change], policy: &CompiledPolicy, item: &mut Pending) {
        let change = &batch[item.change];
        if let Some(rules) = policy.table(change.table) {
            item.lacks.companion |= self.lacks_companion(change, rules, item);
            item.lacks.parent |= self.lacks_parent(batch, policy, item);
        }
    }

    /// A change turns out to be unlawful, an update in these columns: it no longer counts.
    fn fail(
        &mut self,
        index: usize,
        batch: &[Change],
        policy: &CompiledPolicy,
        columns: &[u16],
        out: &mut [Judgement],
    ) {
        let (change, judgement) = (&batch[index], &mut out[index]);
        let Some(rules) = policy.table(change.table) else {
            return;
        };
        let (table, row) = (change.table, RowId::of(&change.key));
        let left = left_of(change, rules, &judgement.standing, columns);
        self.witnesses.withdraw(index, |pattern| {
            let changes = &policy.patterns()[pattern].changes;
            !left.is_empty() && (changes.is_empty() || changes.any_of(&left))
        });
        judgement.verdict = Verdict::Unlawful;
        match (lawful_before(change), &change.new) {
            (None, Some(new)) => {
                self.relations.forged(table, rules, row, new);
                self.balances.put(policy, rules, row, None, |_, _, _| {});
                judgement.standing = Standing::Forged;
            }
            (Some(lawful), None) => {
                if rules.is_remembered() && judgement.standing == Standing::Gone {
                    self.relations.stands(table, rules, row, lawful);
                    self.relations.settle(table, row);
                    if let Standing::Altered { columns } = &change.standing {
                        let tainted = rules.amount_is_in(columns);
                        self.relations.taint_money(table, row, tainted);
                    }
                    let image = Some(Image::whole(lawful));
                    self.balances.put(policy, rules, row, image, |_, _, _| {});
                }
                judgement.standing = Standing::Deleted;
            }
            (Some(lawful), Some(new)) => {
                let mut tainted = match std::mem::take(&mut judgement.standing) {
                    Standing::Altered { columns } => columns,
                    _ => Vec::new(),
                };
                tainted.extend(columns);
                tainted.sort_unstable();
                tainted.dedup();
                let image = Image {
                    lawful,
                    new,
                    tainted: &tainted,
                    partly_known: self.is_stranger(table, row),
                };
                self.take_back(change, policy, rules, columns, image);
                judgement.standing = Standing::Altered { columns: tainted };
            }
            (None, None) => {}
        }
    }

    /// Takes back what an update did in some columns.
    fn take_back(
        &mut self,
        change: &Change,
        policy: &CompiledPolicy,
        rules: &CompiledTable,
        columns: &[u16],
        image: Image<'_>,
    ) {
        let (table, row) = (change.table, RowId::of(&change.key));
        if rules.state.is_some_and(|state| columns.contains(&state)) {
            self.relations.move_back(table, row);
        }
        if rules.is_parent {
            self.relations
                .taint_money(table, row, rules.amount_is_in(image.tainted));
        }
        let mut points = rules.companion_in.iter().flat_map(|(_, via)| via);
        if points.any(|c| columns.contains(c)) {
            self.relations.link(rules, row, image.lawful);
        }
        if (rules.strict.as_ref()).is_some_and(|s| s.balanced.any_of(columns)) {
            let image = Some(image);
            self.balances.put(policy, rules, row, image, |_, _, _| {});
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
            let stands = judgement.standing != Standing::Forged;
            if item.insert && stands && self.hangs_on_tainted(change, rules) {
                judgement.hits.push(hit("tainted_input", via()));
            }
            return;
        }
        let mut item = *item;
        self.note(batch, policy, &mut item);
        if item.lacks.companion {
            let state = rules.state.into_iter().collect();
            judgement.hits.push(hit("requires", state));
        }
        if item.lacks.parent {
            judgement.hits.push(hit("parent", via()));
        }
    }

    fn lacks_companion(&self, change: &Change, rules: &CompiledTable, item: &Pending) -> bool {
        rules.needs.iter().any(|need| {
            need.holds_for(item.from, item.to, unseen_steps(change))
                && !self.relations.has_companion(need.relation, item.row)
        }) && !self.is_stranger(change.table, item.row)
    }

    fn lacks_parent(&self, batch: &[Change], policy: &CompiledPolicy, item: &Pending) -> bool {
        let change = &batch[item.change];
        let rule = policy
            .table(change.table)
            .and_then(|rules| rules.parent.as_ref());
        let (true, Some(rule), Some(new)) = (item.insert, rule, &change.new) else {
            return false;
        };
        let id = RowId::pointed_to(new, &rule.via);
        let parent = id.and_then(|id| self.relations.parent(rule.table, id));
        let (Some(parent), Some(of)) = (parent, policy.table(rule.table)) else {
            return !id.is_some_and(|id| self.is_stranger(rule.table, id));
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

    /// Whom the sums and twins that this transaction touched speak against.
    fn read_books(
        &self,
        batch: &[Change],
        policy: &CompiledPolicy,
        touches: &[Touch],
        out: &[Judgement],
        settled: &mut Settled,
    ) -> Vec<Guilty> {
        let mut guilty = Vec::new();
        let books = Books { batch, policy, out };
        for group in touches.chunk_by(|a, b| a.book == b.book && a.parent == b.parent) {
            let parent = group[0].parent;
            match group[0].book {
                Book::Sum(number) => {
                    let within = policy.sums()[number].own.within;
                    if self.balances.sum_is_broken(number, parent, within)
                        && settled.sums.insert((number, parent))
                    {
                        guilty.extend(books.of_sum(number, group));
                    }
                }
                Book::Twin(number) => {
                    // Who was found guilty before does not shield the other row.
                    let differs = |change, row| {
                        !settled.twins.contains(&(number, change))
                            && self.balances.twin_differs(number, row)
                    };
                    let differ = self.balances.twins_differ(number, parent);
                    let mut found = books.of_twins(number, group, differs, differ);
                    found.retain(|(change, ..)| settled.twins.insert((number, *change)));
                    guilty.extend(found);
                }
            }
        }
        guilty
    }
}

/// What an update lawfully changed beside the columns that are held against it. A time of change
/// that moves with others is nothing by itself.
pub(crate) fn left_of(
    change: &Change,
    rules: &CompiledTable,
    standing: &Standing,
    columns: &[u16],
) -> Vec<u16> {
    if change.old.is_none() || change.new.is_none() {
        return Vec::new();
    }
    let tainted: &[u16] = match standing {
        Standing::Altered { columns } => columns,
        _ => &[],
    };
    let follows = |c: &u16| {
        (rules.strict.iter())
            .flat_map(|strict| &strict.together)
            .any(|rule| rule.with.contains(c))
    };
    let mut left = changed_of(change);
    left.retain(|c| !columns.contains(c) && !tainted.contains(c) && !follows(c));
    left
}

/// The rule that a claim stood for, and the columns it is about.
fn held_against(claim: &Claim, change: &Change, rules: &CompiledTable) -> (&'static str, Vec<u16>) {
    let changed = changed_of(change);
    match claim.needs {
        Needs::Freeze(number) => {
            let freeze = rules.freezes.get(number);
            (
                "frozen",
                freeze.map_or_else(Vec::new, |f| f.columns.among(&changed)),
            )
        }
        Needs::Company(number) => {
            let rule = (rules.strict.as_ref()).and_then(|s| s.company.get(number));
            let columns = match rule {
                Some(rule) if !rule.columns.is_empty() => rule.columns.among(&changed),
                _ => changed,
            };
            ("company", columns)
        }
    }
}

/// One hit a rule, in the order of [`RULES`].
fn in_order(hits: &mut Vec<RuleHit>) {
    let rank = |hit: &RuleHit| RULES.iter().position(|r| *r == hit.rule);
    hits.sort_by_key(rank);
    hits.dedup_by(|next, first| {
        let same = next.rule == first.rule;
        if same {
            first.columns.append(&mut next.columns);
            first.columns.sort_unstable();
            first.columns.dedup();
        }
        same
    });
}
