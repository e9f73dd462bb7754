//! Where the lawful value of each column stands in the ledger, and how to read it back.

use crate::RecoverError;
use crate::seal::{RowSealer, cell};
use journal::LogReader;
use model::entry::{LedgerEntry, RowEntry};
use model::image::{ImageRecord, RowDigest};
use model::{Judgement, Row, Standing};

/// The record of a row after entry `entry` was journaled with this judgement; `None`: the row is
/// lawfully gone and its record goes too.
///
/// `live` and `lawful` are digests of the row as it is now and as it lawfully is. The new entry
/// becomes the base of all columns but the tainted ones; a tainted column keeps the entry that
/// its lawful value stood in. Without an entry for the deleted row's lawful digest the old one
/// stays.
pub fn advance(
    previous: Option<&ImageRecord>,
    judgement: &Judgement,
    entry: u64,
    live: Option<RowDigest>,
    lawful: Option<RowDigest>,
) -> Option<ImageRecord> {
    let standing = judgement.standing.clone();
    let lawful_place = |column: u16| {
        let kept = previous.and_then(|p| p.exceptions.iter().find(|(c, _)| *c == column));
        kept.map_or_else(|| previous.map_or(entry, |p| p.base), |(_, at)| *at)
    };
    let (base, exceptions, lawful) = match &standing {
        Standing::Gone => return None,
        Standing::Clean => (entry, Vec::new(), lawful.or(live)),
        Standing::Forged => (entry, Vec::new(), None),
        Standing::Altered { columns } => (
            entry,
            columns.iter().map(|c| (*c, lawful_place(*c))).collect(),
            lawful,
        ),
        Standing::Deleted => (
            previous.map_or(entry, |p| p.base),
            previous.map_or_else(Vec::new, |p| p.exceptions.clone()),
            lawful.or(previous.and_then(|p| p.lawful)),
        ),
    };
    Some(ImageRecord {
        live,
        lawful,
        last: entry,
        base,
        standing,
        exceptions,
    })
}

/// The lawful row; `None` for a forged one.
pub fn lawful_image(
    record: &ImageRecord,
    reader: &LogReader,
    sealer: &RowSealer,
) -> Result<Option<Row>, RecoverError> {
    lawful_from(record, |index| entry_image(index, reader, sealer))
}

/// An entry of a row with its image opened, both as they read today; `None` where the entry says that the row is gone.
pub fn entry_image(
    index: u64,
    reader: &LogReader,
    sealer: &RowSealer,
) -> Result<(RowEntry, Option<Row>), RecoverError> {
    let bytes = reader.entry(index)?;
    let entry =
        LedgerEntry::decode(&bytes).map_err(|source| RecoverError::Entry { index, source })?;
    let LedgerEntry::Row(entry) = entry else {
        return Err(RecoverError::NoImage { index });
    };
    sealer.open_entry(entry)
}

fn lawful_from(
    record: &ImageRecord,
    read: impl Fn(u64) -> Result<(RowEntry, Option<Row>), RecoverError>,
) -> Result<Option<Row>, RecoverError> {
    if matches!(record.standing, Standing::Forged | Standing::Gone) {
        return Ok(None);
    }
    let whole = |index| {
        let (entry, image) = read(index)?;
        Ok::<_, RecoverError>((entry, image.ok_or(RecoverError::NoImage { index })?))
    };
    let (base, row) = whole(record.base)?;
    let mut replaced = Vec::with_capacity(record.exceptions.len());
    for (column, index) in &record.exceptions {
        let (entry, row) = whole(*index)?;
        if (entry.table, &entry.key) != (base.table, &base.key) {
            return Err(RecoverError::NoImage { index: *index });
        }
        replaced.push((*column, cell(&row, *column)));
    }
    Ok(Some(if replaced.is_empty() {
        row
    } else {
        row.with(&replaced)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::entry::EntryKind;
    use model::{Instant, Key, Value, ValueRef, Verdict};
    use proptest::prelude::*;

    fn entry(key: i64, judgement: &Judgement, image: Option<Row>) -> RowEntry {
        RowEntry {
            kind: EntryKind::Change,
            witnessed: true,
            coalesced: false,
            last_of_transaction: true,
            table: 0,
            at: Instant(0),
            schema: 0,
            source_position: 0,
            previous: None,
            key: Key(vec![key as u8]),
            subject: Vec::new(),
            judgement: judgement.clone(),
            image,
        }
    }

    /// A ledger in memory beside the row as it lawfully is.
    #[derive(Default)]
    struct World {
        entries: Vec<(RowEntry, Option<Row>)>,
        record: Option<ImageRecord>,
        live: Option<Row>,
        lawful: Option<Row>,
    }

    impl World {
        fn step(&mut self, live: Option<Row>, lawful: Option<Row>) {
            let standing = match (&live, &lawful) {
                (None, None) => Standing::Gone,
                (None, Some(_)) => Standing::Deleted,
                (Some(_), None) => Standing::Forged,
                (Some(live), Some(lawful)) if live == lawful => Standing::Clean,
                (Some(live), Some(lawful)) => Standing::Altered {
                    columns: lawful.differing(live),
                },
            };
            let judgement = Judgement {
                verdict: Verdict::Lawful,
                hits: Vec::new(),
                standing,
            };
            let digest = |row: &Option<Row>| row.as_ref().map(|_| [1; 16]);
            let at = self.entries.len() as u64;
            self.record = advance(
                self.record.as_ref(),
                &judgement,
                at,
                digest(&live),
                digest(&lawful),
            );
            self.entries
                .push((entry(1, &judgement, live.clone()), live.clone()));
            (self.live, self.lawful) = (live, lawful);
        }

        fn read_lawful(&self) -> Option<Row> {
            let record = self.record.as_ref()?;
            lawful_from(record, |index| Ok(self.entries[index as usize].clone())).unwrap()
        }
    }

    proptest! {
        /// Whatever is changed lawfully, tampered with, deleted and put back: the ledger gives
        /// the lawful row after every step.
        #[test]
        fn the_lawful_row_is_always_found(
            steps in proptest::collection::vec((0_u8..6, 0_u16..4, any::<i64>()), 1..40),
        ) {
            let mut world = World::default();
            let fresh = Row::from_values([1, 2, 3, 4].map(ValueRef::Integer));
            for (kind, column, value) in steps {
                let put = |row: &Row| row.with(&[(column, Value::Integer(value))]);
                let (live, lawful) = match (kind, world.live.clone(), world.lawful.clone()) {
                    (0, None, None) => (Some(fresh.clone()), None),
                    (_, None, None) => (Some(fresh.clone()), Some(fresh.clone())),
                    // Put back: exactly, or with one value wrong.
                    (0..3, None, Some(lawful)) => (Some(lawful.clone()), Some(lawful)),
                    (_, None, Some(lawful)) => (Some(put(&lawful)), Some(lawful)),
                    (0, Some(_), lawful) => (None, lawful),
                    (1, Some(_), _) => (None, None),
                    (_, Some(live), None) => (Some(put(&live)), None),
                    // Tampered with; changed lawfully; put right.
                    (2 | 3, Some(live), lawful) => (Some(put(&live)), lawful),
                    (4, Some(live), Some(lawful)) => (Some(put(&live)), Some(put(&lawful))),
                    (_, Some(live), Some(lawful)) => {
                        let right = lawful.get(usize::from(column)).unwrap().to_value();
                        (Some(live.with(&[(column, right)])), Some(lawful))
                    }
                };
                world.step(live, lawful);
                prop_assert_eq!(world.read_lawful(), world.lawful.clone());
                prop_assert_eq!(world.record.is_none(), world.live.is_none() && world.lawful.is_none());
                if let Some(record) = &world.record {
                    prop_assert_eq!(ImageRecord::decode(&record.encode()).unwrap(), record.clone());
                    prop_assert_eq!(record.lawful.is_some(), world.lawful.is_some());
                    prop_assert_eq!(record.live.is_some(), world.live.is_some());
                }
            }
        }
    }

    #[test]
    fn a_record_that_points_to_another_row_is_refused() {
        let judgement = Judgement::lawful(Standing::Clean);
        let row = Row::from_values([ValueRef::Integer(1)]);
        let record = ImageRecord {
            live: Some([1; 16]),
            lawful: Some([2; 16]),
            last: 0,
            base: 0,
            standing: Standing::Altered { columns: vec![0] },
            exceptions: vec![(0, 1)],
        };
        let read = |index: u64| Ok((entry(index as i64, &judgement, None), Some(row.clone())));
        assert!(matches!(
            lawful_from(&record, read),
            Err(RecoverError::NoImage { index: 1 })
        ));
        let gone = |index: u64| Ok((entry(index as i64, &judgement, None), None));
        assert!(matches!(
            lawful_from(&record, gone),
            Err(RecoverError::NoImage { index: 0 })
        ));
    }
}
