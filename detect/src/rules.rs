//! The rules that a row keeps or breaks by itself, without a look at any other row.

use crate::policy::{CompiledTable, StateSet, bit};
use model::{Change, Judgement, Row, RuleHit, Stamp, Standing, ValueRef, Verdict};

/// What the row lawfully was before the change.
pub(crate) fn lawful_before(change: &Change) -> Option<&Row> {
    match &change.lawful {
        Some(lawful) => lawful.as_ref(),
        None => change.old.as_ref(),
    }
}

/// Whether the change may be several steps seen as one.
pub(crate) fn unseen_steps(change: &Change) -> bool {
    change.coalesced || !change.witnessed
}

/// Verdict on a change that keeps to the policy.
pub(crate) fn kept(change: &Change) -> Verdict {
    if change.witnessed {
        Verdict::Lawful
    } else {
        Verdict::Unwitnessed
    }
}

/// Whether the shop was to stamp the change's transaction and did not.
pub(crate) fn is_unstamped(change: &Change) -> bool {
    matches!(change.stamp, Stamp::Missing | Stamp::Wrong)
}

pub(crate) fn hit(rule: &str, columns: Vec<u16>) -> RuleHit {
    RuleHit {
        rule: rule.to_owned(),
        columns,
    }
}

/// A row that was deleted unlawfully is there again.
pub(crate) fn put_back(rules: &CompiledTable, lawful: &Row, new: &Row) -> Judgement {
    let columns = lawful.differing(new);
    if columns.is_empty() {
        return Judgement::lawful(Standing::Clean);
    }
    // It is not the row that may not be gone.
    let rule = if rules.no_delete {
        "no_delete"
    } else if rules.append_only {
        "append_only"
    } else {
        // Gone without its company, or without a stamp.
        "company"
    };
    Judgement {
        verdict: Verdict::Unlawful,
        hits: vec![hit(rule, columns.clone())],
        standing: Standing::Altered { columns },
    }
}

pub(crate) fn broken_by_update(
    change: &Change,
    rules: &CompiledTable,
    lawful: &Row,
    new: &Row,
    changed: &[u16],
) -> Vec<RuleHit> {
    if changed.is_empty() {
        return Vec::new();
    }
    if rules.append_only {
        return vec![hit("append_only", changed.to_vec())];
    }
    let is_frozen = |c: &u16| rules.frozen.contains(*c);
    let state_changed = rules.state.is_some_and(|state| changed.contains(&state));
    if !state_changed && !changed.iter().any(is_frozen) {
        return Vec::new();
    }
    let mut hits = Vec::new();
    let (from, to) = (rules.state_of(lawful), rules.state_of(new));
    if state_changed && !rules.states.may_go(from, to, unseen_steps(change)) {
        hits.push(hit("transition", rules.state.into_iter().collect()));
    }
    let states = frozen_in(change, rules, lawful, new);
    let mut columns = Vec::new();
    for freeze in &rules.freezes {
        if freeze.unless.is_empty() && freeze.from & states != 0 {
            columns.extend(freeze.columns.among(changed));
        }
    }
    if !columns.is_empty() {
        columns.sort_unstable();
        columns.dedup();
        hits.push(hit("frozen", columns));
    }
    hits
}

/// The states whose frozen columns an update had to leave alone.
pub(crate) fn frozen_in(
    change: &Change,
    rules: &CompiledTable,
    lawful: &Row,
    new: &Row,
) -> StateSet {
    let from = bit(rules.state_of(lawful));
    // Of steps seen as one, the column may have changed before the row came into a frozen state.
    if unseen_steps(change) {
        from
    } else {
        from | bit(rules.state_of(new))
    }
}

/// Tainted before and not put right since, or tainted now. `changed` has no column that is right.
pub(crate) fn standing_after(
    change: &Change,
    new: &Row,
    lawful: &Row,
    changed: &[u16],
    hits: &[RuleHit],
) -> Standing {
    let before: &[u16] = match &change.standing {
        Standing::Altered { columns } => columns,
        _ => &[],
    };
    if hits.is_empty() && before.is_empty() {
        return Standing::Clean;
    }
    let still = before.iter().filter(|c| {
        let at = usize::from(**c);
        !changed.contains(c) && !same(lawful.get(at), new.get(at))
    });
    let mut columns: Vec<u16> = still
        .chain(hits.iter().flat_map(|h| &h.columns))
        .copied()
        .collect();
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() {
        Standing::Clean
    } else {
        Standing::Altered { columns }
    }
}

/// [`Row::differing`] into a buffer that is kept.
pub(crate) fn differing(old: &Row, new: &Row, out: &mut Vec<u16>) {
    out.clear();
    let (mut old_cells, mut new_cells) = (old.iter(), new.iter());
    for column in 0..old.len().max(new.len()) {
        if !same(old_cells.next(), new_cells.next()) {
            out.push(column as u16);
        }
    }
}

/// Equal as stored: reals by bits.
pub(crate) fn same(a: Option<ValueRef<'_>>, b: Option<ValueRef<'_>>) -> bool {
    match (a, b) {
        (Some(ValueRef::Real(a)), Some(ValueRef::Real(b))) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// Columns that an update changed, but for those that are back at their lawful values: they are
/// right, whatever happened to them before.
pub(crate) fn changed_columns(change: &Change, [lawful, old, new]: [&Row; 3], out: &mut Vec<u16>) {
    differing(old, new, out);
    if change.lawful.is_some() {
        out.retain(|c| !same(lawful.get(usize::from(*c)), new.get(usize::from(*c))));
    }
}

/// [`changed_columns`] of an update; none of any other change.
pub(crate) fn changed_of(change: &Change) -> Vec<u16> {
    let mut changed = Vec::new();
    if let (Some(lawful), Some(old), Some(new)) = (lawful_before(change), &change.old, &change.new)
    {
        changed_columns(change, [lawful, old, new], &mut changed);
    }
    changed
}
