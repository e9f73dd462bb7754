//! A second baseline: what is gone from the shop by then is lawfully gone.
//!
//! The rows that stand there get first images anew; for the rows that do not, the ledger gets
//! entries that say so, so that an index made again from the ledger agrees.

use crate::DeskError;
use crate::intake::Intake;
use crate::ledger::GROUP_ENTRIES;
use model::entry::{EntryKind, LedgerEntry, RowEntry};
use model::image::ImageRecord;
use model::{Instant, Judgement, Key, Standing};
use recover::audit::{index_key, table_records};

/// Lets go of every row whose image is older than `start`: the baseline that began there has
/// seen all the others.
pub(crate) fn forget_gone(intake: &mut Intake, start: u64, at: Instant) -> Result<(), DeskError> {
    intake.ledger.settle()?;
    let snapshot = intake.ledger.snapshot();
    for table in 0..intake.policy.tables().len() as u16 {
        let mut records = table_records(&snapshot, table);
        let mut gone: Vec<(Key, u64)> = Vec::new();
        while let Some((key, value)) = records.next_record()? {
            let record = ImageRecord::decode(value)?;
            if record.last < start {
                gone.push((Key(key[2..].to_vec()), record.last));
            }
            if gone.len() >= GROUP_ENTRIES {
                forget(intake, table, &mut gone, at)?;
            }
        }
        forget(intake, table, &mut gone, at)?;
    }
    Ok(())
}

fn forget(
    intake: &mut Intake,
    table: u16,
    gone: &mut Vec<(Key, u64)>,
    at: Instant,
) -> Result<(), DeskError> {
    for (key, last) in gone.drain(..) {
        let entry = LedgerEntry::Row(RowEntry {
            kind: EntryKind::Baseline,
            witnessed: false,
            coalesced: true,
            last_of_transaction: false,
            table,
            at,
            schema: intake.ledger.schema_entry,
            source_position: 0,
            previous: Some(last),
            key: key.clone(),
            subject: Vec::new(),
            judgement: Judgement::lawful(Standing::Gone),
            image: None,
        });
        intake.ledger.push(&entry)?;
        intake.ledger.index.remove(&index_key(table, &key))?;
    }
    Ok(())
}
