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

/// An entry of a row with its image opened; `None` where the entry says that the row is gone.
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
    let image = match &entry.image {
        Some(image) => Some(sealer.open(entry.table, &entry.key, &entry.subject, image)?),
        None => None,
    };
    Ok((entry, image))
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
