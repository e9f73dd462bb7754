//! The work of a batch that each row has to itself, digests and sealing, on two threads.
//!
//! Deliberately not here: anything whose order matters.

use crate::DeskError;
use crate::ledger::{has_long_cell, hash_of_long, is_long_cell};
use model::image::RowDigest;
use model::{Key, Observed, Row, Value, ValueRef};
use recover::seal::RowSealer;
use std::ops::Range;

/// Rows from which on a second thread is worth its start of some tens of microseconds.
const WORTH_A_THREAD: usize = 512;
/// A longer row has its longest cells journaled by their hashes, so that with its key, its seals
/// and its verdict it fits into an entry of 65,535 bytes.
const MAX_ROW_BYTES: usize = 48 * 1_024;

/// Roughly what the seals of a row add to it; buffers grow where it is more.
const SEALS_BYTES: usize = 128;

/// What is computed of an observed row once and used until it is journaled.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// Opaque id of the data subject; `None` where the table has nothing personal.
    pub subject: Option<[u8; 16]>,
    pub digest: RowDigest,
    /// Where its sealed image lies in [`SealedImages`].
    buffer: usize,
    place: Range<usize>,
}

/// The sealed images of a batch.
#[derive(Default)]
pub(crate) struct SealedImages {
    buffers: Vec<Vec<u8>>,
}

impl SealedImages {
    /// Nothing for a row that is gone.
    pub fn of(&self, look: Option<&Look>) -> &[u8] {
        look.map_or(&[], |look| &self.buffers[look.buffer][look.place.clone()])
    }

    /// Looks at one row more.
    pub fn add(
        &mut self,
        sealer: &RowSealer,
        table: u16,
        key: &Key,
        row: &Row,
    ) -> Result<Look, DeskError> {
        let subject = subject_of(sealer, table, key, row);
        let (mut bytes, buffer) = (Vec::new(), self.buffers.len());
        let digest = seal_row(sealer, table, key, subject, row, &mut bytes)?;
        let place = 0..bytes.len();
        self.buffers.push(bytes);
        Ok(Look {
            subject,
            digest,
            buffer,
            place,
        })
    }
}

/// The data subject of a row of a table with something personal.
pub(crate) fn subject_of(sealer: &RowSealer, table: u16, key: &Key, row: &Row) -> Option<[u8; 16]> {
    let personal = sealer.has_personal(table);
    personal.then(|| sealer.subject_id(table, key, row))
}

/// The data subjects of a batch; they must have keys before [`look`] digests and seals under them.
pub(crate) fn subjects(sealer: &RowSealer, observed: &[Observed]) -> Vec<Option<[u8; 16]>> {
    let one = |o: &Observed| subject_of(sealer, o.table, &o.key, o.row.as_ref()?);
    let work = |half: Range<usize>| observed[half].iter().map(one).collect::<Vec<_>>();
    in_halves(observed.len(), work).concat()
}

/// Digests and seals all rows of a batch; `None` for those that are gone.
pub(crate) fn look(
    sealer: &RowSealer,
    observed: &[Observed],
    subjects: &[Option<[u8; 16]>],
) -> Result<(Vec<Option<Look>>, SealedImages), DeskError> {
    let work = |half: Range<usize>| {
        let rows = observed[half.clone()].iter().filter_map(|o| o.row.as_ref());
        let bytes: usize = rows.map(|row| row.as_bytes().len() + SEALS_BYTES).sum();
        let mut sealed = Vec::with_capacity(bytes);
        let mut looks = Vec::with_capacity(half.len());
        let buffer = usize::from(half.start > 0);
        for (o, subject) in observed[half.clone()].iter().zip(&subjects[half]) {
            let Some(row) = &o.row else {
                looks.push(None);
                continue;
            };
            let start = sealed.len();
            let digest = seal_row(sealer, o.table, &o.key, *subject, row, &mut sealed)?;
            looks.push(Some(Look {
                subject: *subject,
                digest,
                buffer,
                place: start..sealed.len(),
            }));
        }
        Ok::<_, DeskError>((looks, sealed))
    };
    let (mut looks, mut images) = (Vec::with_capacity(observed.len()), SealedImages::default());
    for half in in_halves(observed.len(), work) {
        let (mut half, sealed) = half?;
        looks.append(&mut half);
        images.buffers.push(sealed);
    }
    Ok((looks, images))
}

/// Appends the image as an entry may hold it and gives the row's digest; cells too long for an
/// entry are replaced by their hash.
pub(crate) fn seal_row(
    sealer: &RowSealer,
    table: u16,
    key: &Key,
    subject: Option<[u8; 16]>,
    row: &Row,
    out: &mut Vec<u8>,
) -> Result<RowDigest, DeskError> {
    let subject = subject.as_ref().map_or(&[][..], |s| s);
    if row.as_bytes().len() <= MAX_ROW_BYTES && !has_long_cell(row) {
        return Ok(sealer.seal_and_digest(table, key, subject, row, out)?);
    }
    sealer.seal_into(table, key, subject, &shortened(row), out)?;
    Ok(sealer.digest(table, subject, row))
}

/// The row with its longest cells replaced by their hashes until it is short enough: whatever an
/// attacker pads, the columns that the policy speaks of are journaled. A value that reads like such
/// a hash is replaced by its own: what stands in the journal is then never a value of the shop's.
fn shortened(row: &Row) -> Row {
    let length = |v: &ValueRef<'_>| match v {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        _ => 0,
    };
    let mut cells: Vec<(u16, usize)> = row
        .iter()
        .enumerate()
        .map(|(c, v)| (c as u16, length(&v)))
        .collect();
    let forged = |column: &u16| row.get(usize::from(*column)).is_some_and(is_long_cell);
    cells.sort_by_key(|(column, bytes)| (!forged(column), std::cmp::Reverse(*bytes)));
    let mut left = row.as_bytes().len();
    let mut replaced = Vec::new();
    for (column, bytes) in cells {
        if left <= MAX_ROW_BYTES && !forged(&column) {
            break;
        }
        let Some(value) = row.get(usize::from(column)) else {
            continue;
        };
        let hash = hash_of_long(value);
        left = left.saturating_sub(bytes) + hash.len();
        replaced.push((column, Value::Blob(hash)));
    }
    row.with(&replaced)
}

/// Runs `work` on the numbers below `count`, the upper half on a second thread where that is
/// worth it; gives the results in order.
fn in_halves<R: Send>(count: usize, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    if count < WORTH_A_THREAD {
        return vec![work(0..count)];
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(|| work(count / 2..count));
        let first = work(0..count / 2);
        // A panic there is a panic here.
        let other = other
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        vec![first, other]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_cells_of_a_padded_row_give_way() {
        let pad = vec![b'x'; 16_000];
        let cells = [ValueRef::Integer(7), ValueRef::Text(b"paid")];
        let padding = [ValueRef::Text(&pad); 5];
        let row = Row::from_values(cells.into_iter().chain(padding));
        let short = shortened(&row);
        assert!(short.as_bytes().len() <= MAX_ROW_BYTES && has_long_cell(&short));
        assert_eq!(short.get(0), row.get(0));
        assert_eq!(short.get(1), row.get(1));
        assert_eq!(short.len(), row.len());
    }

    #[test]
    fn halves_come_back_in_order() {
        for count in [0, 1, 511, 512, 4_097] {
            let halves = in_halves(count, |half| half.collect::<Vec<_>>());
            assert_eq!(halves.concat(), (0..count).collect::<Vec<_>>());
        }
    }
}
