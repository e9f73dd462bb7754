//! What a policy could say, learnt from the lawful traffic that a guard has seen: the ledger holds
//! every transaction with its rows before and after. Shadow mode is the time for it.
//!
//! Whatever the present policy called unlawful is left out, with the whole of its transaction.

use crate::{Desk, DeskError, Told};
use detect::learn::{Learner, Proposal};
use journal::LogReader;
use model::entry::{EntryKind, LedgerEntry, RowEntry};
use model::policy::{Sees, WriteKind};
use model::written::{PartRow, RowWrite, WrittenTransaction};
use model::{SourceName, TableSchema, Verdict};
use recover::images::entry_image;
use recover::seal::RowSealer;
use std::sync::Arc;

/// Rows of one transaction that are learnt from; of a longer one nothing is.
const MOST_WRITES: usize = 100_000;

struct Seen {
    schemas: Vec<TableSchema>,
    reader: LogReader,
    sealer: Arc<RowSealer>,
    schema_entry: u64,
}

impl Desk {
    /// Proposes a policy from what the source's ledger holds.
    pub fn learn(&self, source: &SourceName) -> Result<Proposal, DeskError> {
        if self.source_config(source)?.sees() == Sees::States {
            return Err(DeskError::Refused(Told::new("learn-states")));
        }
        let seen = self.on_guard(source, |guard| {
            guard.intake.ledger.settle()?;
            Ok(Seen {
                schemas: guard.tables.iter().map(|t| t.schema.clone()).collect(),
                reader: guard.intake.ledger.reader.clone(),
                sealer: Arc::clone(&guard.intake.ledger.sealer),
                schema_entry: guard.intake.ledger.schema_entry,
            })
        })?;
        let mut learner = Learner::new(&seen.schemas);
        let mut open = Open::default();
        for index in 0..seen.reader.size() {
            let LedgerEntry::Row(entry) = LedgerEntry::decode(&seen.reader.entry(index)?)? else {
                continue;
            };
            // Images from before a change of the schema have other columns.
            let told = entry.kind == EntryKind::Change
                && entry.source_position > 0
                && entry.schema == seen.schema_entry;
            if !told {
                continue;
            }
            if entry.source_position != open.position {
                open.end(&mut learner);
                open.position = entry.source_position;
            }
            open.take(&seen, index, &entry)?;
        }
        open.end(&mut learner);
        Ok(learner.propose())
    }
}

/// The transaction at hand.
#[derive(Default)]
struct Open {
    position: u64,
    writes: Vec<RowWrite>,
    unlawful: bool,
}

impl Open {
    fn take(&mut self, seen: &Seen, index: u64, entry: &RowEntry) -> Result<(), DeskError> {
        self.unlawful |= entry.judgement.verdict != Verdict::Lawful || !entry.witnessed;
        if self.unlawful || self.writes.len() >= MOST_WRITES {
            self.unlawful = true;
            return Ok(());
        }
        let image = |index| entry_image(index, &seen.reader, &seen.sealer);
        let old = entry
            .previous
            .map(image)
            .transpose()?
            .and_then(|(_, row)| row);
        let (_, new) = image(index)?;
        let op = match (&old, &new) {
            (_, None) => WriteKind::Delete,
            (None, Some(_)) => WriteKind::Insert,
            (Some(_), Some(_)) => WriteKind::Update,
        };
        self.writes.push(RowWrite {
            table: entry.table,
            op,
            key: entry.key.clone(),
            old: old.map(PartRow::whole),
            new: new.map(PartRow::whole),
            at: entry.at,
            said_at: entry.at.to_string(),
            line: index,
        });
        Ok(())
    }

    fn end(&mut self, learner: &mut Learner) {
        let writes = std::mem::take(&mut self.writes);
        if !std::mem::take(&mut self.unlawful) && !writes.is_empty() {
            learner.transaction(&WrittenTransaction {
                id: self.position.to_string(),
                writes,
            });
        }
    }
}
