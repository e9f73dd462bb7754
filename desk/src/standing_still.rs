//! Rows compared where shop and ledger stand still together, while the shop trades.
//!
//! A feed of states reads rows at the moment of its last poll: one comparison decides. A feed of
//! transactions reads rows as of now, and tells their changes a moment later:
//! ```text
//! record before ─► row read ─► feed caught up ─► record after
//! ```
//! If the record did not move between the two, the row either stands as recorded or went round the
//! feed. A row that moved is looked at again. A change may also show in the feed before other
//! sessions can see it (a COMMIT is in the log before it is visible), so a difference must stand
//! in several looks with some time between them: what is left went round the log, and alarms.

use crate::DeskError;
use crate::guard::Guard;
use model::image::{ImageRecord, RowDigest};
use model::policy::Sees;
use model::{Key, Row};

/// Rows read at once.
const AT_ONCE: usize = 1_000;
/// Looks at a row that changes all the time; after that it is left to the next audit, and said.
const MOST_LOOKS: u32 = 50;
/// Looks that must agree on what an audit names.
const AGREEING_LOOKS: u32 = 3;
/// Looks that must agree on what alarms: 1 s, in which a COMMIT that waits for a replica shows.
const ALARMING_LOOKS: u32 = 20;
/// Between two looks at a row that differs: longer than a COMMIT takes to become visible.
const BETWEEN_LOOKS: std::time::Duration = std::time::Duration::from_millis(50);

/// A row by its table's number and its key.
pub(crate) type Slot = (u16, Key);

struct Looked {
    table: u16,
    key: Key,
    /// Ledger entry and live digest of the last look, and how many looks agreed on them.
    last: Option<(Option<u64>, Option<RowDigest>)>,
    agreed: u32,
}

/// Which of the rows differ from their lawful images, with the row as it stands.
pub(crate) fn differing(
    guard: &mut Guard,
    candidates: &[Slot],
) -> Result<Vec<(u16, Key, Option<Row>)>, DeskError> {
    settle(guard, candidates, (AGREEING_LOOKS, |record| record.lawful))
}

/// Which of the rows differ from the images seen last: they were changed without the feed.
pub(crate) fn unseen(
    guard: &mut Guard,
    candidates: &[Slot],
) -> Result<Vec<(u16, Key, Option<Row>)>, DeskError> {
    settle(guard, candidates, (ALARMING_LOOKS, |record| record.live))
}

fn settle(
    guard: &mut Guard,
    candidates: &[Slot],
    (looks, should_be): (u32, fn(&ImageRecord) -> Option<RowDigest>),
) -> Result<Vec<(u16, Key, Option<Row>)>, DeskError> {
    guard.catch_up_with_shop()?;
    let mut open: Vec<Looked> = candidates
        .iter()
        .map(|(table, key)| Looked {
            table: *table,
            key: key.clone(),
            last: None,
            agreed: 0,
        })
        .collect();
    let needed = match guard.feed.sees() {
        Sees::States => 1,
        Sees::Transactions => looks,
    };
    let mut out = Vec::new();
    for _ in 0..MOST_LOOKS {
        let mut left = Vec::new();
        for group in by_table(open) {
            look_at(guard, group, (needed, should_be), &mut out, &mut left)?;
        }
        open = left;
        if open.is_empty() {
            return Ok(out);
        }
        guard.desk.pause(BETWEEN_LOOKS);
    }
    tracing::warn!(rows = open.len(), source = %guard.source, "rows change too fast to be compared; the next audit looks at them again");
    Ok(out)
}

fn look_at(
    guard: &mut Guard,
    group: Vec<Looked>,
    (needed, should_be): (u32, fn(&ImageRecord) -> Option<RowDigest>),
    out: &mut Vec<(u16, Key, Option<Row>)>,
    left: &mut Vec<Looked>,
) -> Result<(), DeskError> {
    let Some(table) = group.first().map(|row| row.table) else {
        return Ok(());
    };
    let keys: Vec<Key> = group.iter().map(|row| row.key.clone()).collect();
    let before = records(guard, table, &keys)?;
    let rows = guard.feed.read(table, &keys)?;
    if guard.feed.sees() == Sees::Transactions {
        guard.catch_up_with_shop()?;
    }
    let after = records(guard, table, &keys)?;
    let sealer = std::sync::Arc::clone(&guard.intake.ledger.sealer);
    for (((mut row, live), before), after) in group.into_iter().zip(rows).zip(before).zip(after) {
        let digest = live
            .as_ref()
            .map(|live| sealer.digest_of(table, &row.key, live));
        let expected = after.as_ref().and_then(should_be);
        if digest == expected {
            continue;
        }
        let at = |record: &Option<ImageRecord>| record.as_ref().map(|r| r.last);
        let now = (at(&after), digest);
        let same = at(&before) == at(&after);
        row.agreed = match row.last {
            Some(last) if same && last == now => row.agreed + 1,
            _ => u32::from(same),
        };
        row.last = Some(now);
        if row.agreed >= needed {
            out.push((table, row.key, live));
        } else {
            left.push(row);
        }
    }
    Ok(())
}

fn records(guard: &Guard, table: u16, keys: &[Key]) -> Result<Vec<Option<ImageRecord>>, DeskError> {
    keys.iter()
        .map(|key| guard.intake.ledger.record(table, key))
        .collect()
}

/// Groups of one table each, of a size that is read at once.
fn by_table(mut rows: Vec<Looked>) -> Vec<Vec<Looked>> {
    rows.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
    let mut groups: Vec<Vec<Looked>> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group.len() < AT_ONCE && group[0].table == row.table => group.push(row),
            _ => groups.push(vec![row]),
        }
    }
    groups
}
