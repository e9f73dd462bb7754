//! Pages: newest first, continued by number, so that rows that arrive meanwhile shift nothing.

/// Rows in a page at most; a greater wish is cut to it.
pub const MAX_PAGE: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// `next` of the page before; `None` for the first page.
    pub before: Option<u64>,
    pub limit: u32,
}

impl PageRequest {
    pub const fn first(limit: u32) -> Self {
        Self {
            before: None,
            limit,
        }
    }
    pub const fn after(next: u64, limit: u32) -> Self {
        Self {
            before: Some(next),
            limit,
        }
    }
    /// Rows to ask for: one more than shown tells whether there is a next page.
    pub(crate) fn fetch(self) -> i64 {
        i64::from(self.limit.clamp(1, MAX_PAGE)) + 1
    }
    pub(crate) fn bound(self) -> i64 {
        self.before.map_or(i64::MAX, stored)
    }
}

/// A part of a listing, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<u64>,
}

impl<T> Page<T> {
    pub(crate) fn cut(mut items: Vec<T>, request: PageRequest, number: impl Fn(&T) -> u64) -> Self {
        let shown = request.fetch() as usize - 1;
        let more = items.len() > shown;
        items.truncate(shown);
        let next = items.last().filter(|_| more).map(number);
        Self { items, next }
    }
}

/// A number as SQL holds it. Numbers are counted by ourselves and never reach 2^63;
/// one that a caller made up compares as greater than all.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as we counted it: SQL never holds a negative one.
pub(crate) fn counted(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
