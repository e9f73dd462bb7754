//! Sums over other rows, and columns that agree with another row's: kept up as rows come and go,
//! so that a transaction can be judged by the rows it wrote.
//!
//! Only lawful values count here. Memory for each such rule: about 110 bytes a row that others
//! point to, and 80 bytes a row that points; values are kept as 16 bytes, whatever their length.
//! Tables without such rules cost nothing.
//!
//! Deliberately not here: whose fault it is when the books do not balance.

use crate::decimal::{Addend, Decimal};
use crate::policy::{CompiledPolicy, CompiledTable, RowSum, SumOver, TwinOver};
use crate::relations::RowId;
use model::{Row, ValueRef};
use std::collections::HashMap;

/// A row as it lawfully is after a change: its new image, but for the columns that are not lawful.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image<'a> {
    pub(crate) lawful: &'a Row,
    pub(crate) new: &'a Row,
    pub(crate) tainted: &'a [u16],
    /// Parts of the row were never seen (a history that starts in the middle).
    pub(crate) partly_known: bool,
}

impl<'a> Image<'a> {
    pub(crate) fn whole(row: &'a Row) -> Self {
        Self {
            lawful: row,
            new: row,
            tainted: &[],
            partly_known: false,
        }
    }
    pub(crate) fn cell(&self, column: u16) -> ValueRef<'a> {
        let row = if self.tainted.contains(&column) {
            self.lawful
        } else {
            self.new
        };
        row.get(usize::from(column)).unwrap_or(ValueRef::Null)
    }
    pub(crate) fn points_to(&self, columns: &[u16]) -> Option<RowId> {
        RowId::of_cells(columns, |c| self.cell(c))
    }
}

/// Which rule, by its number in the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Book {
    Sum(usize),
    Twin(usize),
}

/// A change that wrote something that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Touch {
    pub(crate) book: Book,
    pub(crate) parent: RowId,
    pub(crate) as_parent: bool,
    pub(crate) change: usize,
}

#[derive(Debug)]
pub(crate) struct Balances {
    sums: Vec<SumBook>,
    twins: Vec<TwinBook>,
}

#[derive(Debug, Default)]
struct SumBook {
    parents: HashMap<RowId, Tally>,
    children: HashMap<RowId, Share>,
}

#[derive(Debug, Default)]
struct Tally {
    /// `None`: no such row is known.
    own: Option<Own>,
    /// Total of the shares that are numbers.
    units: i128,
    shares: u32,
    wrong: u32,
    reals: u32,
    /// Shares of which nobody knows what they are worth.
    unknown: u32,
}

#[derive(Clone, Copy, Debug)]
struct Own {
    /// What the column has over the row's own terms; `None`: no number.
    over: Option<Addend>,
    applies: bool,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    of: RowId,
    /// `None`: no number.
    addend: Option<Addend>,
    unknown: bool,
}

#[derive(Debug, Default)]
struct TwinBook {
    parents: HashMap<RowId, Twins>,
    children: HashMap<RowId, (RowId, RowId)>,
}

#[derive(Debug, Default)]
struct Twins {
    value: Option<RowId>,
    /// The values that those who point here hold, and how many of them.
    held: Vec<(RowId, u32)>,
    /// How many hold another one. Which ones is not known, so that they count as different.
    others: u32,
}

/// Lawfully all who point to a row hold one value; more are kept only to tell an old disorder.
const MAX_HELD: usize = 16;

impl Balances {
    pub(crate) fn new(policy: &CompiledPolicy) -> Self {
        Self {
            sums: policy.sums().iter().map(|_| SumBook::default()).collect(),
            twins: policy.twins().iter().map(|_| TwinBook::default()).collect(),
        }
    }

    /// Takes in how a row lawfully is; `None`: it is not there. May be called again for a row.
    pub(crate) fn put(
        &mut self,
        policy: &CompiledPolicy,
        table: &CompiledTable,
        id: RowId,
        image: Option<Image<'_>>,
        mut touched: impl FnMut(Book, RowId, bool),
    ) {
        let Some(strict) = &table.strict else { return };
        for &number in &strict.sums_as_parent {
            self.sums[number].put_parent(&policy.sums()[number].own, table, id, image);
            touched(Book::Sum(number), id, true);
        }
        for &number in &strict.sums_as_child {
            let between = self.sums[number].put_child(&policy.sums()[number], id, image);
            between.into_iter().flatten().for_each(|parent| {
                touched(Book::Sum(number), parent, false);
            });
        }
        for &number in &strict.twins_as_parent {
            self.twins[number].put_parent(&policy.twins()[number], id, image);
            touched(Book::Twin(number), id, true);
        }
        for &number in &strict.twins_as_child {
            let between = self.twins[number].put_child(&policy.twins()[number], id, image);
            between.into_iter().flatten().for_each(|parent| {
                touched(Book::Twin(number), parent, false);
            });
        }
    }

    /// Whether a sum is known to be wrong.
    pub(crate) fn sum_is_broken(&self, number: usize, parent: RowId, within: i128) -> bool {
        let tally = self.sums.get(number).and_then(|b| b.parents.get(&parent));
        let Some(tally) = tally.filter(|t| t.unknown == 0) else {
            return false;
        };
        match tally.own {
            Some(Own {
                over: Some(over),
                applies: true,
            }) => {
                let shares = Addend {
                    units: tally.units,
                    real: tally.reals > 0,
                };
                let difference = over.plus(shares.negated());
                tally.wrong > 0 || !difference.is_nothing(within, tally.units)
            }
            Some(own) => own.applies,
            None => false,
        }
    }

    /// Whether a row that points to another one holds another value than that.
    pub(crate) fn twin_differs(&self, number: usize, child: RowId) -> bool {
        let Some(book) = self.twins.get(number) else {
            return false;
        };
        book.children.get(&child).is_some_and(|(parent, held)| {
            let twins = book.parents.get(parent);
            twins
                .and_then(|t| t.value)
                .is_some_and(|value| value != *held)
        })
    }

    /// Whether one of those who point to a row holds another value.
    pub(crate) fn twins_differ(&self, number: usize, parent: RowId) -> bool {
        let twins = self.twins.get(number).and_then(|b| b.parents.get(&parent));
        twins.is_some_and(|t| {
            t.value
                .is_some_and(|value| t.others > 0 || t.held.iter().any(|(held, _)| *held != value))
        })
    }
}

/// The row that was pointed to and the one that is now.
type Between = [Option<RowId>; 2];

impl SumBook {
    fn put_parent(
        &mut self,
        sum: &RowSum,
        table: &CompiledTable,
        id: RowId,
        image: Option<Image<'_>>,
    ) {
        let own = image.filter(|i| !i.partly_known).map(|image| {
            let state = table
                .state
                .map(|column| table.states.id(image.cell(column)));
            Own {
                over: sum.own(|c| image.cell(c)),
                applies: state.is_none_or(|state| sum.holds_in(state)),
            }
        });
        self.parents.entry(id).or_default().own = own;
        self.tidy(id);
    }

    fn put_child(&mut self, sum: &SumOver, id: RowId, image: Option<Image<'_>>) -> Between {
        let share = image.and_then(|image| {
            let (value, times) = (image.cell(sum.column), sum.times.map(|c| image.cell(c)));
            Some(Share {
                of: image.points_to(&sum.via)?,
                addend: Addend::of(value, times),
                unknown: image.partly_known
                    && (value == ValueRef::Null || times == Some(ValueRef::Null)),
            })
        });
        let before = match share {
            Some(share) => self.children.insert(id, share),
            None => self.children.remove(&id),
        };
        if let Some(before) = before {
            self.parents.entry(before.of).or_default().take(before);
            self.tidy(before.of);
        }
        if let Some(share) = share {
            self.parents.entry(share.of).or_default().give(share);
        }
        [before.map(|s| s.of), share.map(|s| s.of)]
    }

    fn tidy(&mut self, id: RowId) {
        if (self.parents.get(&id)).is_some_and(|t| t.own.is_none() && t.shares == 0) {
            self.parents.remove(&id);
        }
    }
}

impl Tally {
    fn give(&mut self, share: Share) {
        self.shares += 1;
        self.unknown += u32::from(share.unknown);
        match share.addend {
            Some(addend) => {
                self.units = self.units.wrapping_add(addend.units);
                self.reals += u32::from(addend.real);
            }
            None => self.wrong += 1,
        }
    }

    fn take(&mut self, share: Share) {
        self.shares -= 1;
        self.unknown -= u32::from(share.unknown);
        match share.addend {
            Some(addend) => {
                self.units = self.units.wrapping_sub(addend.units);
                self.reals -= u32::from(addend.real);
            }
            None => self.wrong -= 1,
        }
    }
}

impl TwinBook {
    fn put_parent(&mut self, twin: &TwinOver, id: RowId, image: Option<Image<'_>>) {
        let value = image.map(|i| (i.partly_known, i.cell(twin.equals)));
        // Not every row that points here need be known: those that are must agree with it.
        let value = value.filter(|(partly, value)| !partly || *value != ValueRef::Null);
        self.parents.entry(id).or_default().value = value.map(|(_, value)| value_id(value));
        self.tidy(id);
    }

    fn put_child(&mut self, twin: &TwinOver, id: RowId, image: Option<Image<'_>>) -> Between {
        let holds = image.and_then(|image| {
            let (parent, value) = (image.points_to(&twin.via)?, image.cell(twin.column));
            let unknown = image.partly_known && value == ValueRef::Null;
            (!unknown).then(|| (parent, value_id(value)))
        });
        let before = match holds {
            Some(holds) => self.children.insert(id, holds),
            None => self.children.remove(&id),
        };
        if let Some((parent, value)) = before {
            self.parents.entry(parent).or_default().take(value);
            self.tidy(parent);
        }
        if let Some((parent, value)) = holds {
            self.parents.entry(parent).or_default().give(value);
        }
        [before.map(|b| b.0), holds.map(|h| h.0)]
    }

    fn tidy(&mut self, id: RowId) {
        let is_empty = |t: &Twins| t.value.is_none() && t.held.is_empty() && t.others == 0;
        if self.parents.get(&id).is_some_and(is_empty) {
            self.parents.remove(&id);
        }
    }
}

impl Twins {
    fn give(&mut self, value: RowId) {
        match self.held.iter().position(|(held, _)| *held == value) {
            Some(at) => self.held[at].1 += 1,
            None if self.held.len() < MAX_HELD => self.held.push((value, 1)),
            None => self.others += 1,
        }
    }

    fn take(&mut self, value: RowId) {
        match self.held.iter().position(|(held, _)| *held == value) {
            Some(at) => {
                self.held[at].1 -= 1;
                if self.held[at].1 == 0 {
                    self.held.swap_remove(at);
                }
            }
            None => self.others = self.others.saturating_sub(1),
        }
    }
}

/// A value in 16 bytes; numbers that are equal have the same, however they are written.
fn value_id(value: ValueRef<'_>) -> RowId {
    if let Some(number) = Decimal::of(value) {
        return RowId::of_bytes(&number.to_bytes());
    }
    let bits;
    let (tag, bytes): (u8, &[u8]) = match value {
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(bytes) => (4, bytes),
        ValueRef::Real(real) => {
            bits = real.to_bits().to_be_bytes();
            (2, &bits)
        }
        _ => (0, &[]),
    };
    let mut tagged = Vec::with_capacity(bytes.len() + 1);
    tagged.push(tag);
    tagged.extend_from_slice(bytes);
    RowId::of_bytes(&tagged)
}

/// Whether two values of one row agree: as they are stored, or as numbers.
pub(crate) fn agree(a: ValueRef<'_>, b: ValueRef<'_>) -> bool {
    a == b || value_id(a) == value_id(b)
}
