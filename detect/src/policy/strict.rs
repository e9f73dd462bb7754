//! Rules that only some tables have, compiled: what a table without them never pays for.

use super::{StateSet, bit};
use crate::decimal::Addend;
use model::ValueRef;
use model::policy::WriteKind;

/// A set of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Columns([u64; 4]);

impl Columns {
    pub(crate) fn of(columns: impl IntoIterator<Item = u16>) -> Self {
        let mut set = Self::default();
        columns.into_iter().for_each(|c| set.insert(c));
        set
    }
    /// Columns beyond [`super::MAX_COLUMNS`] are refused elsewhere, and ignored here.
    pub(crate) fn insert(&mut self, column: u16) {
        if let Some(word) = self.0.get_mut(usize::from(column / 64)) {
            *word |= 1 << (column % 64);
        }
    }
    pub(crate) fn contains(&self, column: u16) -> bool {
        (self.0.get(usize::from(column / 64))).is_some_and(|w| w >> (column % 64) & 1 != 0)
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }
    pub(crate) fn any_of(&self, columns: &[u16]) -> bool {
        columns.iter().any(|c| self.contains(*c))
    }
    pub(crate) fn among(&self, columns: &[u16]) -> Vec<u16> {
        let mut found = columns.to_vec();
        found.retain(|c| self.contains(*c));
        found
    }
}

/// One `frozen` rule.
#[derive(Clone, Debug)]
pub(crate) struct Freeze {
    /// Every bit set: always.
    pub(crate) from: StateSet,
    pub(crate) columns: Columns,
    pub(crate) unless: Vec<Other>,
}

/// What most tables do without.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strict {
    pub(crate) together: Vec<Together>,
    pub(crate) only_rise: Columns,
    pub(crate) only_fall: Columns,
    pub(crate) set_once: Columns,
    pub(crate) values: Vec<(u16, Vec<String>)>,
    /// Columns of one row that agree.
    pub(crate) twins: Vec<[u16; 2]>,
    /// Sums of the row's own columns.
    pub(crate) sums: Vec<RowSum>,
    pub(crate) company: Vec<Company>,
    /// Patterns that writes of this table may match.
    pub(crate) witness_of: Vec<usize>,
    /// Numbers of sums over other rows, and of twins in other rows, by the part this table has.
    pub(crate) sums_as_parent: Vec<usize>,
    pub(crate) sums_as_child: Vec<usize>,
    pub(crate) twins_as_parent: Vec<usize>,
    pub(crate) twins_as_child: Vec<usize>,
    /// Columns that these need.
    pub(crate) balanced: Columns,
}

impl Strict {
    pub(crate) fn has_balances(&self) -> bool {
        !self.balanced.is_empty()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Together {
    pub(crate) columns: Columns,
    pub(crate) with: Vec<u16>,
}

#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) on: WriteKind,
    /// Empty: any.
    pub(crate) columns: Columns,
    pub(crate) when: Vec<(u16, String)>,
    pub(crate) any_of: Vec<Other>,
}

/// Another write, as a row that needs it looks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) pattern: usize,
    pub(crate) link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Its columns point to this row.
    Via,
    /// These columns of this row point to it.
    To(Vec<u16>),
    /// Any row will do.
    Any,
}

/// Another write, as it is recognised when it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) table: u16,
    pub(crate) op: Option<WriteKind>,
    pub(crate) known_by: KnownBy,
    pub(crate) holds: Vec<(u16, String)>,
    /// Empty: any.
    pub(crate) changes: Columns,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KnownBy {
    /// The row that these of its columns point to.
    Via(Vec<u16>),
    Key,
    Nothing,
}

/// A column and what it is the sum of.
#[derive(Clone, Debug)]
pub(crate) struct RowSum {
    pub(crate) column: u16,
    /// Those that are subtracted are marked.
    pub(crate) terms: Vec<(u16, bool)>,
    /// In units of `10^-12`.
    pub(crate) within: i128,
    /// Every bit set: always.
    pub(crate) states: StateSet,
}

impl RowSum {
    pub(crate) fn columns(&self) -> impl Iterator<Item = u16> {
        std::iter::once(self.column).chain(self.terms.iter().map(|(c, _)| *c))
    }
    pub(crate) fn holds_in(&self, state: super::StateId) -> bool {
        self.states == StateSet::MAX || self.states & bit(state) != 0
    }
    /// What the column has over its terms; `None` when one of them is no number.
    pub(crate) fn own<'a>(&self, cell: impl Fn(u16) -> ValueRef<'a>) -> Option<Addend> {
        let mut own = Addend::of(cell(self.column), None)?;
        for (term, subtracted) in &self.terms {
            let term = Addend::of(cell(*term), None)?;
            own = own.plus(if *subtracted { term } else { term.negated() });
        }
        Some(own)
    }
}

/// A sum over the rows that point to another one.
#[derive(Clone, Debug)]
pub(crate) struct SumOver {
    pub(crate) parent: u16,
    pub(crate) own: RowSum,
    pub(crate) child: u16,
    pub(crate) via: Vec<u16>,
    pub(crate) column: u16,
    pub(crate) times: Option<u16>,
}

/// A column that agrees with one of the row that `via` points to.
#[derive(Clone, Debug)]
pub(crate) struct TwinOver {
    pub(crate) child: u16,
    pub(crate) column: u16,
    pub(crate) via: Vec<u16>,
    pub(crate) parent: u16,
    pub(crate) equals: u16,
}

/// Whether a row holds all of these values, as people read them.
pub(crate) fn holds<'a>(cell: impl Fn(u16) -> ValueRef<'a>, values: &[(u16, String)]) -> bool {
    values
        .iter()
        .all(|(column, value)| reads(cell(*column), value))
}

/// Whether a value reads as this text. NULL reads as nothing.
pub(crate) fn reads(value: ValueRef<'_>, text: &str) -> bool {
    match value {
        ValueRef::Null => false,
        ValueRef::Text(bytes) => bytes == text.as_bytes(),
        other => other.to_string() == text,
    }
}
