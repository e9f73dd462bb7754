//! Writes that other rows of their transaction count on.
//!
//! A write that may excuse another one is marked when it is lawful by itself, under the pattern
//! that it matches and the row that it points to; a write that needs one makes a claim. A write
//! that turns out to be unlawful is withdrawn with all its marks, so that a forged companion
//! excuses nothing.

use crate::balances::Image;
use crate::policy::{CompiledPolicy, CompiledTable, KnownBy, Link, Other, Strict, holds};
use crate::relations::RowId;
use model::policy::WriteKind;
use model::{Change, ValueRef};
use std::collections::HashMap;

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
    /// Where the rows that this row points to begin among [`Witnesses::pointers`].
    pub(crate) pointers: usize,
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
    /// The rows that claims look for by a pointer of their own, claim by claim.
    pointers: Vec<Option<RowId>>,
}

impl Witnesses {
    pub(crate) fn clear(&mut self) {
        self.marks.clear();
        self.counts.clear();
        self.pointers.clear();
    }

    /// Notes whom a claiming row points to, as it lawfully does after its own change.
    pub(crate) fn point(&mut self, others: &[Other], image: Image<'_>) -> usize {
        let from = self.pointers.len();
        for other in others {
            if let Link::To(to) = &other.link {
                self.pointers.push(image.points_to(to));
            }
        }
        from
    }

    /// Marks a write that is lawful by itself, by what it lawfully wrote: a column that was
    /// tampered with before and stands there still speaks for nobody.
    pub(crate) fn mark(
        &mut self,
        policy: &CompiledPolicy,
        strict: &Strict,
        (index, kind): (usize, WriteKind),
        (change, changed): (&Change, &[u16]),
        image: Image<'_>,
    ) {
        let cell = |c: u16| image.cell(c);
        // Of an older row, a column that reads NULL may hold anything.
        let may_hold = |values: &[(u16, String)]| {
            values.iter().all(|one| {
                let unknown = !changed.contains(&one.0) && cell(one.0) == ValueRef::Null;
                unknown || holds(cell, std::slice::from_ref(one))
            })
        };
        for &number in &strict.witness_of {
            let pattern = &policy.patterns()[number];
            let fits = pattern.op.is_none_or(|op| op == kind)
                && (kind != WriteKind::Update
                    || pattern.changes.is_empty()
                    || pattern.changes.any_of(changed))
                && (holds(cell, &pattern.holds) || image.partly_known && may_hold(&pattern.holds));
            if !fits {
                continue;
            }
            let by = match &pattern.known_by {
                KnownBy::Key => Some(RowId::of(&change.key)),
                KnownBy::Nothing => None,
                KnownBy::Via(via) => match image.points_to(via) {
                    Some(row) => Some(row),
                    None if image.partly_known => None,
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

    /// A write is unlawful: it no longer speaks for anybody, except by the patterns that what is
    /// left of it still fits.
    pub(crate) fn withdraw(&mut self, change: usize, still: impl Fn(usize) -> bool) {
        let from = self.marks.partition_point(|m| m.change < change);
        for mark in self.marks[from..].iter_mut() {
            if mark.change != change {
                break;
            }
            if still(mark.key.0) {
                continue;
            }
            if !std::mem::replace(&mut mark.withdrawn, true)
                && let Some(count) = self.counts.get_mut(&mark.key)
            {
                *count -= 1;
            }
        }
    }

    /// Whether a claim has none of the writes that it needs. `partial`: the history is not known
    /// from its start; `partly_told`: nor are all columns of this row.
    pub(crate) fn fails(
        &self,
        claim: &Claim,
        rules: &CompiledTable,
        partial: bool,
        partly_told: bool,
    ) -> bool {
        let mut pointers = self.pointers[claim.pointers..].iter();
        !claim.needs.any_of(rules).iter().any(|other| {
            let by = match &other.link {
                Link::Via => Some(claim.row),
                Link::Any => None,
                Link::To(_) => match pointers.next() {
                    Some(Some(row)) => Some(*row),
                    _ => return partly_told,
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
