//! Writes that other rows of their transaction count on.
//!
//! A write that may excuse another one is marked when it is lawful by itself, under the pattern
//! that it matches and the row that it points to; a write that needs one makes a claim. A write
//! that turns out to be unlawful is withdrawn with all its marks, so that a forged companion
//! excuses nothing.

use crate::policy::{CompiledPolicy, CompiledTable, KnownBy, Link, Other, Strict, holds};
use crate::relations::RowId;
use model::policy::WriteKind;
use model::{Change, Row, ValueRef};
use std::collections::HashMap;

/// What kind of write a change is; `None` for one that changed nothing.
pub(crate) fn kind_of(change: &Change, changed: &[u16]) -> Option<WriteKind> {
    match (&change.old, &change.new) {
        (None, Some(_)) => Some(WriteKind::Insert),
        (Some(_), None) => Some(WriteKind::Delete),
        (Some(_), Some(_)) if !changed.is_empty() => Some(WriteKind::Update),
        _ => None,
    }
}

/// The pattern, and the row it was looked for by; `None`: any row will do.
type MarkKey = (usize, Option<RowId>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    change: usize,
    key: MarkKey,
    withdrawn: bool,
}

/// A change that is unlawful unless it has company.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) change: usize,
    pub(crate) row: RowId,
    pub(crate) needs: Needs,
    pub(crate) failed: bool,
}

/// The rule that makes the claim, by its number in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Needs {
    Freeze(usize),
    Company(usize),
}

impl Needs {
    pub(crate) fn any_of(self, rules: &CompiledTable) -> &[Other] {
        let strict = rules.strict.as_deref();
        match self {
            Self::Freeze(number) => rules.freezes.get(number).map_or(&[], |f| &f.unless),
            Self::Company(number) => strict
                .and_then(|s| s.company.get(number))
                .map_or(&[], |c| &c.any_of),
        }
    }
}

/// The marks of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Witnesses {
    /// In the order of the changes.
    marks: Vec<Mark>,
    counts: HashMap<MarkKey, u32>,
}

impl Witnesses {
    pub(crate) fn clear(&mut self) {
        self.marks.clear();
        self.counts.clear();
    }

    /// Marks a write that is lawful by itself. `partly_known`: a column that reads NULL may hold
    /// anything, so that it speaks for the write.
    pub(crate) fn mark(
        &mut self,
        policy: &CompiledPolicy,
        strict: &Strict,
        (index, change): (usize, &Change),
        changed: &[u16],
        partly_known: bool,
    ) {
        let Some(kind) = kind_of(change, changed) else {
            return;
        };
        let Some(row) = change.new.as_ref().or(change.old.as_ref()) else {
            return;
        };
        for &number in &strict.witness_of {
            let pattern = &policy.patterns()[number];
            let fits = pattern.op.is_none_or(|op| op == kind)
                && (kind != WriteKind::Update
                    || pattern.changes.is_empty()
                    || pattern.changes.any_of(changed))
                && (holds(row, &pattern.holds)
                    || partly_known && may_hold(row, changed, &pattern.holds));
            if !fits {
                continue;
            }
            let by = match &pattern.known_by {
                KnownBy::Key => Some(RowId::of(&change.key)),
                KnownBy::Nothing => None,
                KnownBy::Via(via) => match RowId::pointed_to(row, via) {
                    Some(row) => Some(row),
                    None if partly_known => None,
                    None => continue,
                },
            };
            let key = (number, by);
            *self.counts.entry(key).or_insert(0) += 1;
            self.marks.push(Mark {
                change: index,
                key,
                withdrawn: false,
            });
        }
    }

    /// A write is unlawful: it no longer speaks for anybody.
    pub(crate) fn withdraw(&mut self, change: usize) {
        let from = self.marks.partition_point(|m| m.change < change);
        for mark in self.marks[from..].iter_mut() {
            if mark.change != change {
                break;
            }
            if !std::mem::replace(&mut mark.withdrawn, true)
                && let Some(count) = self.counts.get_mut(&mark.key)
            {
                *count -= 1;
            }
        }
    }

    /// Whether a claim has none of the writes that it needs. `partial`: the history is not known
    /// from its start.
    pub(crate) fn fails(
        &self,
        claim: &Claim,
        change: &Change,
        rules: &CompiledTable,
        partial: bool,
    ) -> bool {
        let Some(row) = change.new.as_ref().or(change.old.as_ref()) else {
            return false;
        };
        !claim.needs.any_of(rules).iter().any(|other| {
            let by = match &other.link {
                Link::Via => Some(claim.row),
                Link::Any => None,
                Link::To(to) => match RowId::pointed_to(row, to) {
                    Some(row) => Some(row),
                    None => return partial,
                },
            };
            self.has((other.pattern, by), claim.change)
                || partial && by.is_some() && self.has((other.pattern, None), claim.change)
        })
    }

    /// Whether a change other than `than` made this mark.
    fn has(&self, key: MarkKey, than: usize) -> bool {
        let count = self.counts.get(&key).copied().unwrap_or(0);
        if count == 0 {
            return false;
        }
        let from = self.marks.partition_point(|m| m.change < than);
        let own = self.marks[from..]
            .iter()
            .take_while(|m| m.change == than)
            .filter(|m| m.key == key && !m.withdrawn)
            .count();
        count as usize > own
    }
}

/// As [`holds`], where a column that was not written and reads NULL may hold anything.
fn may_hold(row: &Row, changed: &[u16], values: &[(u16, String)]) -> bool {
    values.iter().all(|one| {
        let unknown = !changed.contains(&one.0)
            && (row.get(usize::from(one.0))).is_none_or(|cell| cell == ValueRef::Null);
        unknown || holds(row, std::slice::from_ref(one))
    })
}
