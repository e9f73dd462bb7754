//! A recorded trace held against a policy: every transaction judged as a whole, every row with the
//! image seen last and the lawful one.
//!
//! What the record does not tell is not held against anybody: of a row that is met for the first
//! time in its update, the record's `old` is what it lawfully was. A row that was tampered with
//! keeps its lawful values; where a later line shows the old value again, it has been put right.
//! Deliberately not here: files and words.

use crate::Judge;
use crate::policy::CompiledPolicy;
use model::{
    Change, Judgement, Key, PartRow, Row, RowWrite, Stamp, Standing, TableSchema, Value, ValueRef,
    Verdict, WrittenTransaction,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows whose images are kept, about a kilobyte each. When it is full, the half that was not
/// written for longest is forgotten, unless something is wrong with it; `old` of later lines
/// stands in for it.
pub const MAX_REMEMBERED_ROWS: usize = 1_000_000;

/// What was wrong with one row after one transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayFinding {
    pub table: String,
    pub key: Vec<(String, Value)>,
    pub kind: ReplayKind,
    /// The rules that were broken, the most telling first.
    pub rules: Vec<String>,
    pub columns: Vec<ReplayColumn>,
    pub tx: String,
    /// The moment of the write in the record's own words.
    pub at: String,
    /// Where that write stands in the record.
    pub line: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayKind {
    Altered,
    Forged,
    Deleted,
}

/// A column with its lawful and its present value; `None` where there is no row.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayColumn {
    pub name: String,
    pub lawful: Option<Value>,
    pub live: Option<Value>,
}

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

/// The net change of one row in one transaction.
struct Net<'a> {
    table: u16,
    key: Key,
    writes: Vec<&'a RowWrite>,
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
        for ((at, change), judgement) in order.iter().zip(&batch).zip(&judgements) {
            let late = self.altered_after_insert(&nets[*at], change, judgement);
            let judgement = late.as_ref().unwrap_or(judgement);
            if judgement.verdict == Verdict::Unlawful {
                findings.push(self.finding(&nets[*at], change, judgement, &transaction.id));
            }
            self.follow(&nets[*at], change, judgement);
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
            Some(_) => net
                .writes
                .iter()
                .filter_map(|w| w.new.as_ref())
                .fold(before.live.clone(), |row, part| {
                    Some(overlaid(row.as_ref(), part))
                }),
            None => None,
        };
        if before.live.is_none() && new.is_none() {
            return None;
        }
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
        if first.op == model::policy::WriteKind::Insert {
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
    /// column that may never change may not change there either.
    fn altered_after_insert(
        &self,
        net: &Net<'_>,
        change: &Change,
        judgement: &Judgement,
    ) -> Option<Judgement> {
        if change.old.is_some() || judgement.verdict == Verdict::Unlawful || net.writes.len() < 2 {
            return None;
        }
        let mut columns = late_changes(&net.writes);
        let frozen = self.policy.table(net.table)?.always_frozen();
        columns.retain(|c| frozen.contains(c));
        (!columns.is_empty()).then(|| Judgement {
            verdict: Verdict::Unlawful,
            hits: vec![model::RuleHit {
                rule: "frozen".to_owned(),
                columns: columns.clone(),
            }],
            standing: Standing::Altered { columns },
        })
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
                live: change.new.clone(),
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

    fn finding(
        &self,
        net: &Net<'_>,
        change: &Change,
        judgement: &Judgement,
        tx: &str,
    ) -> ReplayFinding {
        let kind = match (&change.new, &judgement.standing) {
            (None, _) => ReplayKind::Deleted,
            (_, Standing::Forged) => ReplayKind::Forged,
            _ => ReplayKind::Altered,
        };
        let mut rules: Vec<&str> = judgement.hits.iter().map(|h| h.rule.as_str()).collect();
        rules.sort_by_key(|rule| weight(rule));
        rules.dedup();
        let first = first_image(net).filter(|_| kind == ReplayKind::Altered);
        let lawful = match &change.lawful {
            Some(lawful) => lawful.as_ref(),
            None => change.old.as_ref().or(first.as_ref()),
        };
        let shown = change.new.as_ref().or(lawful);
        let mut columns: Vec<u16> = if kind == ReplayKind::Altered {
            judgement
                .hits
                .iter()
                .flat_map(|h| &h.columns)
                .copied()
                .collect()
        } else {
            let width = shown.map_or(0, Row::len) as u16;
            let filled =
                |c: &u16| shown.and_then(|row| row.get(usize::from(*c))) != Some(ValueRef::Null);
            (0..width).filter(filled).collect()
        };
        columns.sort_unstable();
        columns.dedup();
        let write = concerned(net, &columns);
        let table = self.policy.table(net.table);
        let name = |c: u16| {
            table
                .and_then(|t| t.columns().get(usize::from(c)))
                .cloned()
                .unwrap_or_default()
        };
        let cell = |row: Option<&Row>, c: u16| row?.get(usize::from(c)).map(ValueRef::to_value);
        ReplayFinding {
            table: table.map_or_else(String::new, |t| t.name().to_owned()),
            key: table
                .into_iter()
                .flat_map(|t| t.key())
                .map(|c| name(*c))
                .zip(net.key.values().unwrap_or_default())
                .collect(),
            kind,
            rules: rules.into_iter().map(str::to_owned).collect(),
            columns: columns
                .iter()
                .map(|c| ReplayColumn {
                    name: name(*c),
                    lawful: if kind == ReplayKind::Forged {
                        None
                    } else {
                        cell(lawful, *c)
                    },
                    live: cell(change.new.as_ref(), *c),
                })
                .collect(),
            tx: tx.to_owned(),
            at: write.map_or_else(String::new, |w| w.said_at.clone()),
            line: write.map_or(0, |w| w.line),
        }
    }
}

/// What a row was inserted as.
fn first_image(net: &Net<'_>) -> Option<Row> {
    Some(net.writes.first()?.new.as_ref()?.row.clone())
}

/// The last write of the row that touched one of these columns, else its last write.
fn concerned<'a>(net: &Net<'a>, columns: &[u16]) -> Option<&'a RowWrite> {
    let touches = |write: &&&'a RowWrite| match (&write.old, &write.new) {
        (Some(old), Some(new)) => columns.iter().any(|c| {
            let at = usize::from(*c);
            old.knows(*c) && new.knows(*c) && old.row.get(at) != new.row.get(at)
        }),
        _ => false,
    };
    let found = net.writes.iter().rev().find(touches);
    found.or(net.writes.last()).copied()
}

/// The row with everything that `part` knows put in.
pub(crate) fn overlaid(row: Option<&Row>, part: &PartRow) -> Row {
    let Some(known) = &part.known else {
        return part.row.clone();
    };
    let Some(row) = row else {
        return part.row.clone();
    };
    let told: Vec<(u16, Value)> = known
        .iter()
        .filter_map(|c| Some((*c, part.row.get(usize::from(*c))?.to_value())))
        .collect();
    row.with(&told)
}

/// The row after one more write. Where a write says what it changed, only that is taken from it: a
/// record in which a change of one line does not show in the next does not lose it so.
pub(crate) fn stepped(row: Option<Row>, write: &RowWrite) -> Row {
    let Some(new) = &write.new else {
        return row.unwrap_or_default();
    };
    let (Some(row), Some(old)) = (&row, &write.old) else {
        return overlaid(row.as_ref(), new);
    };
    let told: Vec<(u16, Value)> = (0..new.row.len() as u16)
        .filter(|c| new.knows(*c))
        .filter_map(|c| {
            let at = usize::from(c);
            let value = new.row.get(at)?;
            let same = old.knows(c) && old.row.get(at) == Some(value);
            (!same).then(|| (c, value.to_value()))
        })
        .collect();
    row.with(&told)
}

/// Columns that the writes after an insert gave another value than they had, in its own transaction.
pub(crate) fn late_changes(writes: &[&RowWrite]) -> Vec<u16> {
    let mut late: Vec<u16> = Vec::new();
    for write in writes.iter().skip(1) {
        let (Some(old), Some(new)) = (&write.old, &write.new) else {
            continue;
        };
        late.extend(old.row.differing(&new.row).into_iter().filter(|c| {
            let filled = old.row.get(usize::from(*c)) != Some(ValueRef::Null);
            filled && old.knows(*c) && new.knows(*c)
        }));
    }
    late.sort_unstable();
    late.dedup();
    late
}

/// Columns that none of these images tells.
pub(crate) fn missing(parts: &[Option<&PartRow>], width: usize) -> Vec<u16> {
    (0..width as u16)
        .filter(|c| !parts.iter().flatten().any(|part| part.knows(*c)))
        .collect()
}

/// The rules that say most about what was done come first.
fn weight(rule: &str) -> usize {
    const ORDER: [&str; 17] = [
        "unstamped",
        "append_only",
        "no_delete",
        "frozen",
        "transition",
        "initial",
        "values",
        "sum",
        "equal",
        "company",
        "requires",
        "parent",
        "only_rise",
        "only_fall",
        "set_once",
        "together",
        "tainted_input",
    ];
    ORDER.iter().position(|r| *r == rule).unwrap_or(ORDER.len())
}
