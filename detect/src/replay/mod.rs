//! A recorded trace held against a policy: every transaction judged as a whole, every row with the
//! image seen last and the lawful one.
//!
//! What the record does not tell is not held against anybody: of a row that is met for the first
//! time in its update, the record's `old` is what it lawfully was. A row that was tampered with
//! keeps its lawful values; where a later line shows the old value again, it has been put right.
//! Deliberately not here: files and words.

mod finding;
mod net;

pub use finding::{ReplayColumn, ReplayFinding, ReplayKind};
pub(crate) use net::{late_changes, missing, overlaid, stepped};

use net::{Net, first_image, vanished};

use crate::Judge;
use crate::policy::CompiledPolicy;
use model::policy::WriteKind;
use model::{
    Change, Judgement, Key, PartRow, Row, RowWrite, RuleHit, Stamp, Standing, TableSchema, Value,
    Verdict, WrittenTransaction,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows whose images are kept, about a kilobyte each. When it is full, the half that was not
/// written for longest is forgotten, unless something is wrong with it; `old` of later lines
/// stands in for it.
pub const MAX_REMEMBERED_ROWS: usize = 1_000_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayCounts {
    pub transactions: u64,
    pub writes: u64,
    /// Writes of tables that the policy does not name.
    pub unguarded: u64,
    /// Rows that had changed between two lines without a line of its own.
    pub unseen: u64,
    /// Rows forgotten for want of room.
    pub forgotten: u64,
}

/// Judges transaction after transaction.
#[derive(Debug)]
pub struct Replay {
    policy: Arc<CompiledPolicy>,
    judge: Judge,
    /// Table of the record -> table of the policy.
    tables: Vec<Option<u16>>,
    rows: HashMap<(u16, Key), Remembered>,
    counts: ReplayCounts,
    most_rows: usize,
}

#[derive(Clone, Debug)]
struct Remembered {
    live: Option<Row>,
    /// Where it differs from `live`.
    lawful: Option<Option<Row>>,
    standing: Standing,
    /// Columns that no line has told yet.
    unknown: Vec<u16>,
    /// Number of the transaction that wrote it last.
    touched: u64,
}

impl Replay {
    /// `schemas` are the record's own; the policy was compiled for them.
    pub fn new(mut judge: Judge, schemas: &[TableSchema]) -> Self {
        judge.judge_partial_history(true);
        let policy = Arc::clone(judge.policy());
        let position = |schema: &TableSchema| {
            let found = policy.tables().iter().position(|t| t.name() == schema.name);
            found.map(|at| at as u16)
        };
        Self {
            tables: schemas.iter().map(position).collect(),
            policy: Arc::clone(&policy),
            judge,
            rows: HashMap::new(),
            counts: ReplayCounts::default(),
            most_rows: MAX_REMEMBERED_ROWS,
        }
    }

    pub fn counts(&self) -> ReplayCounts {
        self.counts
    }

    pub fn transaction(&mut self, transaction: &WrittenTransaction) -> Vec<ReplayFinding> {
        self.counts.transactions += 1;
        let nets = self.nets(transaction);
        let changes: Vec<(usize, Change)> = nets
            .iter()
            .enumerate()
            .filter_map(|(at, net)| self.change(net).map(|change| (at, change)))
            .collect();
        let (order, batch): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
        let mut judgements = Vec::with_capacity(batch.len());
        self.judge.judge(&batch, &mut judgements);
        let mut findings = Vec::new();
        for ((at, mut change), judgement) in order.into_iter().zip(batch).zip(judgements) {
            let net = &nets[at];
            let late = self.late(net);
            if let Some(after) = net.after(&late) {
                change.new = Some(after);
            }
            let late = self.broken_late(net, &judgement, late);
            let judgement = late.as_ref().unwrap_or(&judgement);
            if judgement.verdict == Verdict::Unlawful {
                findings.push(self.finding(net, &change, judgement, &transaction.id));
            }
            self.follow(net, &change, judgement);
        }
        self.forget_some();
        findings
    }

    /// One entry a row, in the order in which the rows were first written.
    fn nets<'a>(&mut self, transaction: &'a WrittenTransaction) -> Vec<Net<'a>> {
        let mut nets: Vec<Net<'a>> = Vec::new();
        let mut places: HashMap<(u16, Key), usize> = HashMap::new();
        for write in &transaction.writes {
            self.counts.writes += 1;
            let table = self.tables.get(usize::from(write.table)).copied().flatten();
            let Some(table) = table else {
                self.counts.unguarded += 1;
                continue;
            };
            let key = self.key_of(table, write);
            let place = *places.entry((table, key.clone())).or_insert(nets.len());
            if place == nets.len() {
                nets.push(Net {
                    table,
                    key,
                    writes: Vec::new(),
                });
            }
            nets[place].writes.push(write);
        }
        nets
    }

    /// By the policy's key, which need not be the schema's; an update is told by the key it had.
    fn key_of(&self, table: u16, write: &RowWrite) -> Key {
        let rules = self.policy.table(table);
        let of = |part: &Option<PartRow>| {
            let (rules, part) = (rules?, part.as_ref()?);
            rules
                .key()
                .iter()
                .all(|c| part.knows(*c))
                .then(|| rules.key_of(&part.row))?
        };
        of(&write.old)
            .or_else(|| of(&write.new))
            .unwrap_or_else(|| write.key.clone())
    }

    /// What the row was, lawfully and as it stood, and what it is now; `None` when nothing is left of it.
    fn change(&mut self, net: &Net<'_>) -> Option<Change> {
        let (first, last) = (net.writes.first()?, net.writes.last()?);
        let before = self.before(net, first);
        let new = match &last.new {
            Some(_) => (net.writes.iter())
                .fold(before.live.clone(), |row, write| Some(stepped(row, write))),
            // Inserted and deleted in one transaction: the others are judged with the row in place.
            None if vanished(net) => (net.writes.iter().filter(|w| w.new.is_some()))
                .fold(None, |row, write| Some(stepped(row, write))),
            None => None,
        };
        if before.live.is_none() && new.is_none() {
            return None;
        }
        // The others are judged by what the row was before it was tampered with.
        let late = self.late(net);
        let new = match (new, first_image(net)) {
            (Some(new), Some(first)) if !late.is_empty() => {
                let value = |c: &u16| Some((*c, first.get(usize::from(*c))?.to_value()));
                Some(new.with(&late.iter().filter_map(value).collect::<Vec<_>>()))
            }
            (new, _) => new,
        };
        let change = Change {
            table: net.table,
            key: net.key.clone(),
            old: before.live.clone(),
            new,
            lawful: before.lawful.clone(),
            standing: before.standing.clone(),
            witnessed: true,
            coalesced: false,
            transaction: 0,
            stamp: Stamp::NotAsked,
            seen_at: last.at,
        };
        let told = before.live.is_some() && before.unknown.is_empty();
        self.judge.tell_whole(net.table, &net.key, told);
        self.rows.insert((net.table, net.key.clone()), before);
        Some(change)
    }

    /// The row before the transaction: what is remembered, mended by what the line says it was.
    fn before(&mut self, net: &Net<'_>, first: &RowWrite) -> Remembered {
        let known = self.rows.remove(&(net.table, net.key.clone()));
        let absent = Remembered {
            live: None,
            lawful: None,
            standing: Standing::Clean,
            unknown: Vec::new(),
            touched: 0,
        };
        if first.op == WriteKind::Insert {
            // A row that was lawfully there and is gone comes back; any other begins anew.
            return match known {
                Some(known) if known.standing == Standing::Deleted => known,
                _ => absent,
            };
        }
        let Some(known) = known.filter(|known| known.live.is_some() || known.lawful.is_some())
        else {
            return self.met(net, first, absent);
        };
        self.mended(known, first)
    }

    /// A row met for the first time: it was as the line says.
    fn met(&mut self, net: &Net<'_>, first: &RowWrite, absent: Remembered) -> Remembered {
        let Some(shown) = first.old.as_ref().or(first.new.as_ref()) else {
            return absent;
        };
        let mut row = overlaid(None, shown);
        let mut unknown = missing(&[Some(shown)], row.len());
        if let (Some(new), Some(_)) = (&first.new, &first.old) {
            // Told only by the image after the write: taken as it is, for nothing says that it changed.
            let told: Vec<(u16, Value)> = unknown
                .iter()
                .filter(|c| new.knows(**c))
                .filter_map(|c| Some((*c, new.row.get(usize::from(*c))?.to_value())))
                .collect();
            row = row.with(&told);
            unknown.retain(|c| !new.knows(*c));
        }
        self.judge.learn(net.table, &net.key, Some(&row));
        Remembered {
            live: Some(row),
            unknown,
            ..absent
        }
    }

    fn mended(&mut self, known: Remembered, first: &RowWrite) -> Remembered {
        let Some(old) = &first.old else {
            return match (&known.live, &first.new) {
                // Deleted unlawfully, and written again: it must have come back.
                (None, Some(new)) => Remembered {
                    live: Some(overlaid(known.lawful.clone().flatten().as_ref(), new)),
                    ..known
                },
                _ => known,
            };
        };
        let lawful = match &known.lawful {
            Some(lawful) => lawful.clone(),
            None => known.live.clone(),
        };
        let live = overlaid(known.live.as_ref().or(lawful.as_ref()), old);
        let Some(lawful) = lawful else {
            return Remembered {
                live: Some(live),
                ..known
            };
        };
        // Beside what is known to be wrong, the line knows better than we do.
        let tainted: &[u16] = match &known.standing {
            Standing::Altered { columns } => columns,
            _ => &[],
        };
        let better: Vec<(u16, Value)> = lawful
            .differing(&live)
            .into_iter()
            .filter(|c| !tainted.contains(c))
            .filter_map(|c| Some((c, live.get(usize::from(c))?.to_value())))
            .collect();
        self.counts.unseen += u64::from(better.iter().any(|(c, _)| !known.unknown.contains(c)));
        let lawful = lawful.with(&better);
        let columns: Vec<u16> = lawful.differing(&live);
        let unknown = known.unknown.iter().copied().filter(|c| !old.knows(*c));
        Remembered {
            unknown: unknown.collect(),
            standing: if columns.is_empty() {
                Standing::Clean
            } else {
                Standing::Altered {
                    columns: columns.clone(),
                }
            },
            lawful: (!columns.is_empty()).then_some(Some(lawful)),
            live: Some(live),
            touched: known.touched,
        }
    }

    /// The judge sees a row that is inserted and written again in one transaction as one insert. A
    /// column that may never change may not change there either: here are those that did.
    fn late(&self, net: &Net<'_>) -> Vec<u16> {
        let inserted = net
            .writes
            .first()
            .is_some_and(|w| w.op == WriteKind::Insert);
        let Some(rules) = self.policy.table(net.table).filter(|_| inserted) else {
            return Vec::new();
        };
        let mut late = late_changes(&net.writes);
        if !rules.append_only && !late.is_empty() {
            let frozen = rules.always_frozen();
            late.retain(|c| frozen.contains(c));
        }
        late
    }

    fn broken_late(
        &self,
        net: &Net<'_>,
        judgement: &Judgement,
        late: Vec<u16>,
    ) -> Option<Judgement> {
        let rules = self.policy.table(net.table)?;
        if judgement.verdict == Verdict::Unlawful {
            return None;
        }
        if vanished(net) {
            let kept = rules.no_delete || rules.append_only;
            return kept.then(|| broken("no_delete", Vec::new(), Standing::Deleted));
        }
        let rule = if rules.append_only {
            "append_only"
        } else {
            "frozen"
        };
        let standing = Standing::Altered {
            columns: late.clone(),
        };
        (!late.is_empty()).then(|| broken(rule, late, standing))
    }

    /// Keeps the row as the judge left it.
    fn follow(&mut self, net: &Net<'_>, change: &Change, judgement: &Judgement) {
        let place = (net.table, net.key.clone());
        let Some(before) = self.rows.remove(&place) else {
            return;
        };
        let lawful_before = match &before.lawful {
            Some(lawful) => lawful.clone(),
            None if before.live.is_none() => first_image(net),
            None => before.live.clone(),
        };
        if vanished(net) && judgement.standing != Standing::Deleted {
            return;
        }
        let live = change
            .new
            .clone()
            .filter(|_| judgement.standing != Standing::Deleted);
        let lawful = match &judgement.standing {
            Standing::Clean => None,
            Standing::Altered { columns } => Some(change.new.as_ref().map(|new| {
                let kept =
                    |c: &u16| Some((*c, lawful_before.as_ref()?.get(usize::from(*c))?.to_value()));
                new.with(&columns.iter().filter_map(kept).collect::<Vec<_>>())
            })),
            Standing::Forged => Some(None),
            Standing::Deleted => Some(lawful_before),
            Standing::Gone => return,
        };
        let mut unknown = before.unknown;
        for part in net.writes.iter().filter_map(|w| w.new.as_ref()) {
            unknown.retain(|c| !part.knows(*c));
        }
        if before.live.is_none() {
            let shown: Vec<Option<&PartRow>> = net.writes.iter().map(|w| w.new.as_ref()).collect();
            unknown = missing(&shown, change.new.as_ref().map_or(0, Row::len));
        }
        // A row that got another key is found by it from now on.
        let key = change
            .new
            .as_ref()
            .and_then(|new| self.policy.table(net.table)?.key_of(new));
        self.rows.insert(
            (net.table, key.unwrap_or(place.1)),
            Remembered {
                live,
                lawful,
                standing: judgement.standing.clone(),
                unknown,
                touched: self.counts.transactions,
            },
        );
    }

    fn forget_some(&mut self) {
        if self.rows.len() <= self.most_rows {
            return;
        }
        let mut touched: Vec<u64> = self.rows.values().map(|r| r.touched).collect();
        let middle = touched.len() / 2;
        let (_, since, _) = touched.select_nth_unstable(middle);
        let since = *since;
        let before = self.rows.len();
        self.rows
            .retain(|_, row| row.touched > since || row.standing != Standing::Clean);
        self.counts.forgotten += (before - self.rows.len()) as u64;
    }
}

fn broken(rule: &str, columns: Vec<u16>, standing: Standing) -> Judgement {
    Judgement {
        verdict: Verdict::Unlawful,
        hits: vec![RuleHit {
            rule: rule.to_owned(),
            columns,
        }],
        standing,
    }
}
