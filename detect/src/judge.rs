//! The verdict on each change: a pure fold over batches.
//!
//! A change is judged against the lawful values of its row, not against what an attacker left
//! there: a tampered column stays tainted until it is put right, and the others go on. Other
//! rows count by what they lawfully are: a forged payment pays for nothing, and a payment that
//! was deleted unlawfully still does.
//!
//! What is judged together is one transaction of the source, or one look at it where it shows
//! states only. First each row by itself (`first_pass`), then by what the others are
//! (`second_pass`).
//! The order of the changes inside a transaction makes no difference.
//!
//! Rules about the same transaction are applied to changes whose transaction is known: the policy
//! was compiled for a source that tells transactions, and the change was witnessed. Of a change
//! that happened while nobody looked only the outcome is known, and what came with it may have
//! been overwritten since; to hold the missing companion against it would accuse lawful trade.
//! For the same reason it opens no question of sums and of twins in other rows, but its values
//! count in theirs. A row that one transaction wrote several times is seen as one change
//! (`coalesced`), and all of these rules are applied to it.

use crate::balances::{Balances, Image, Touch};
use crate::company::{Claim, Witnesses};
use crate::first_pass::Case;
use crate::policy::{CompiledPolicy, StateId};
use crate::relations::{Relations, RowId};
use model::policy::Sees;
use model::{Change, Judgement, Key, Row, Standing};
use std::collections::HashSet;
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
    pub(crate) options: JudgeOptions,
    pub(crate) relations: Relations,
    pub(crate) balances: Balances,
    /// Rows inserted under the judge's eyes; kept only where the history is partial.
    pub(crate) known: Option<HashSet<(u16, RowId)>>,
    /// Rows that are older, but whose columns are all told.
    pub(crate) whole: HashSet<(u16, RowId)>,
    /// Of the transaction that is being judged.
    pub(crate) witnesses: Witnesses,
    // Kept between batches for their memory only.
    pub(crate) pending: Vec<Pending>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) touches: Vec<Touch>,
    pub(crate) changed: Vec<u16>,
    order: Vec<usize>,
    /// What is judged now went round the source's log.
    pub(crate) went_round: bool,
}

/// A change that other rows decide about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) change: usize,
    pub(crate) row: RowId,
    /// Lawful state before; `ABSENT` for an insert.
    pub(crate) from: StateId,
    pub(crate) to: StateId,
    pub(crate) insert: bool,
    pub(crate) failed: bool,
    pub(crate) lacks: Lacks,
}

/// Whom a change that failed had needed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lacks {
    pub(crate) companion: bool,
    pub(crate) parent: bool,
}

impl Judge {
    pub fn new(policy: Arc<CompiledPolicy>) -> Self {
        Self::with_options(policy, JudgeOptions::default())
    }

    pub fn with_options(policy: Arc<CompiledPolicy>, options: JudgeOptions) -> Self {
        let relations = Relations::new(&policy);
        let balances = Balances::new(&policy);
        Self {
            policy,
            options,
            relations,
            balances,
            known: None,
            whole: HashSet::new(),
            witnesses: Witnesses::default(),
            pending: Vec::new(),
            claims: Vec::new(),
            touches: Vec::new(),
            changed: Vec::new(),
            order: Vec::new(),
            went_round: false,
        }
    }

    pub fn policy(&self) -> &Arc<CompiledPolicy> {
        &self.policy
    }

    /// For histories that start in the middle; to be called before anything is learnt or judged.
    ///
    /// Rows that were inserted under the judge's eyes are known, with all that points to them.
    /// Of older rows only what was learnt or shown by a change is known: not what points to them,
    /// and a column that reads NULL and was not written may hold anything. A rule that needs what
    /// is not known is not applied.
    pub fn judge_partial_history(&mut self, partial: bool) {
        self.known = partial.then(HashSet::new);
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.known.is_some()
    }

    /// Whether the row is older than a history that is known in part.
    pub(crate) fn is_stranger(&self, table: u16, row: RowId) -> bool {
        (self.known.as_ref()).is_some_and(|known| !known.contains(&(table, row)))
    }

    /// In a history that starts in the middle: whether every column of this row is told by now, so
    /// that its NULLs are NULLs. To be called before a change of the row is judged.
    pub fn tell_whole(&mut self, table: u16, key: &Key, whole: bool) {
        let row = (table, RowId::of(key));
        if !whole {
            self.whole.remove(&row);
        } else if self.is_partial() {
            self.whole.insert(row);
        }
    }

    /// Whether a column of this row that reads NULL may hold anything.
    pub(crate) fn is_partly_told(&self, table: u16, row: RowId) -> bool {
        self.is_stranger(table, row) && !self.whole.contains(&(table, row))
    }

    /// Takes in the lawful image of a row without judging it: the baseline, a replay, an approved
    /// repair. `None`: lawfully there is no such row. May be called again for the same row.
    pub fn learn(&mut self, table: u16, key: &Key, lawful: Option<&Row>) {
        let policy = Arc::clone(&self.policy);
        let Some(rules) = policy.table(table) else {
            return;
        };
        let id = RowId::of(key);
        if let Some(known) = &mut self.known {
            known.remove(&(table, id));
        }
        if !rules.is_remembered() {
            return;
        }
        // A row learnt anew has no past that a batch could be judged by.
        self.relations.gone(table, rules, id);
        if let Some(row) = lawful {
            self.relations.stands(table, rules, id, row);
            self.relations.settle(table, id);
        }
        let image = lawful.map(|row| Image {
            partly_known: self.is_partial(),
            ..Image::whole(row)
        });
        self.balances.put(&policy, rules, id, image, |_, _, _| {});
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

    /// From now on, whether what is judged went round a log that tells every change: whatever it
    /// did is held against it (`round_the_log`), and nothing of it becomes lawful.
    pub fn judge_what_went_round(&mut self, went_round: bool) {
        self.went_round = went_round;
    }

    /// Judges one or more whole source transactions; `out` is emptied and gets one judgement for
    /// each change, in order. A row appears at most once in a batch: its standing and lawful
    /// image must be those that the batches before have left. Where the source tells transactions
    /// they are judged one by one, in the order of their numbers.
    pub fn judge(&mut self, batch: &[Change], out: &mut Vec<Judgement>) {
        out.clear();
        let policy = Arc::clone(&self.policy);
        if policy.sees() == Sees::States {
            self.transaction(&policy, batch, 0..batch.len(), out);
            return;
        }
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(0..batch.len());
        if !batch.is_sorted_by_key(|c| c.transaction) {
            order.sort_by_key(|i| batch[*i].transaction);
            out.resize_with(batch.len(), || Judgement::lawful(Standing::Clean));
        }
        for members in order.chunk_by(|a, b| batch[*a].transaction == batch[*b].transaction) {
            self.transaction(&policy, batch, members.iter().copied(), out);
        }
        self.order = order;
    }

    fn transaction(
        &mut self,
        policy: &CompiledPolicy,
        batch: &[Change],
        members: impl Iterator<Item = usize>,
        out: &mut Vec<Judgement>,
    ) {
        self.pending.clear();
        self.claims.clear();
        self.touches.clear();
        self.witnesses.clear();
        self.relations.begin_batch();
        for index in members {
            let change = &batch[index];
            let judgement = match policy.table(change.table) {
                Some(rules) => self.by_itself(Case {
                    policy,
                    rules,
                    index,
                    change,
                }),
                None => Judgement::lawful(change.standing.clone()),
            };
            if index == out.len() {
                out.push(judgement);
            } else {
                out[index] = judgement;
            }
        }
        self.by_others(batch, policy, out);
    }
}
