//! Rows taken as they stand, because the change of their table explains all that differs: an entry
//! of their own gives their images the new shape. How a row stands against its lawful image stays as
//! it was, and so does every lawful value that the change did not touch.

use crate::DeskError;
use crate::intake::{Intake, unfold};
use crate::ledger::{EntryContext, too_large};
use model::entry::EntryKind;
use model::image::ImageRecord;
use model::{Change, Instant, Judgement, Key, Observed, Row, Stamp, Standing};

/// As the feed never saw it, and no rule was asked.
const CONTEXT: EntryContext = EntryContext {
    kind: EntryKind::Change,
    source_position: 0,
    last_of_transaction: false,
};

impl Intake {
    /// The image of a row seen last, where it was there; `live` says what its long cells are.
    pub fn last_seen(
        &mut self,
        table: u16,
        key: &Key,
        record: &ImageRecord,
        live: &Row,
    ) -> Result<Option<Row>, DeskError> {
        let last = self.ledger.live_row(table, key, record)?;
        Ok(last.map(|last| unfold(last, live)))
    }

    /// Journals these rows as they stand.
    pub fn adopt(&mut self, rows: Vec<Observed>, at: Instant) -> Result<(), DeskError> {
        let (looks, images) = self.look(&rows)?;
        for (row, look) in rows.into_iter().zip(looks) {
            let (table, key) = (row.table, row.key);
            let Some(record) = self.ledger.record(table, &key)? else {
                continue;
            };
            let lawful = match record.standing {
                Standing::Clean => None,
                _ => Some(self.ledger.lawful_row(table, &key, &record)?),
            };
            let change = Change {
                table,
                old: self.ledger.live_row(table, &key, &record)?,
                new: row.row,
                lawful,
                standing: record.standing.clone(),
                witnessed: false,
                coalesced: true,
                transaction: 0,
                stamp: Stamp::NotAsked,
                seen_at: at,
                key,
            };
            let judgement = Judgement::lawful(record.standing.clone());
            let looked = (look.as_ref(), images.of(look.as_ref()));
            let appended =
                (self.ledger).append(&change, &judgement, Some(&record), looked, CONTEXT);
            match appended {
                Err(error) if too_large(&error) => {
                    self.cannot_journal(table, &change.key, at);
                    continue;
                }
                other => other?,
            };
            let Change { key, new, .. } = change;
            self.ledger.saw(table, key.clone(), new.clone());
            if let Some(record) = self.ledger.record(table, &key)? {
                self.learn(table, &key, &record, new.as_ref())?;
            }
        }
        self.ledger.seal_group()
    }
}
