//! A judgement of a replay as a finding: which row, which columns, which line.

use super::Replay;
use super::net::{Net, concerned, first_image};
use model::{Change, Judgement, Row, Standing, Value, ValueRef};

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

impl Replay {
    pub(super) fn finding(
        &self,
        net: &Net<'_>,
        change: &Change,
        judgement: &Judgement,
        tx: &str,
    ) -> ReplayFinding {
        let kind = match (&change.new, &judgement.standing) {
            (None, _) | (_, Standing::Deleted) => ReplayKind::Deleted,
            (_, Standing::Forged) => ReplayKind::Forged,
            _ => ReplayKind::Altered,
        };
        let mut rules: Vec<&str> = judgement.hits.iter().map(|h| h.rule.as_str()).collect();
        rules.sort_by_key(|rule| weight(rule));
        rules.dedup();
        let first = first_image(net).filter(|_| kind != ReplayKind::Forged);
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
                    live: match kind {
                        ReplayKind::Deleted => None,
                        _ => cell(change.new.as_ref(), *c),
                    },
                })
                .collect(),
            tx: tx.to_owned(),
            at: write.map_or_else(String::new, |w| w.said_at.clone()),
            line: write.map_or(0, |w| w.line),
        }
    }
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
