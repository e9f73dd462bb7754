//! A row that lawfully is as it stands from now on, because people decided so: an entry of its own
//! kind moves the lawful image, and what was found stays on the record.

use crate::DeskError;
use crate::intake::Intake;
use crate::ledger::EntryContext;
use crate::row_work::SealedImages;
use model::entry::EntryKind;
use model::{Change, Instant, Judgement, Key, RepairStep, Stamp, Standing, Value};

impl Intake {
    /// Accepts a forged row that a reversing entry took back, as it stood when that was proposed;
    /// one that was written over since is not what people decided on.
    pub fn accept_taken_back(
        &mut self,
        step: &RepairStep,
        table: u16,
        key: &Key,
        at: Instant,
    ) -> Result<(), DeskError> {
        let Some(record) = self.ledger.record(table, key)? else {
            return Ok(());
        };
        let Some(live) = self.ledger.live_row(table, key, &record)? else {
            return Ok(());
        };
        let sealer = self.ledger.sealer.clone();
        let columns = sealer.table(table).map_or(&[][..], |t| &t.columns);
        let stands = |(name, value): &(String, Value)| {
            let place = columns.iter().position(|column| column == name);
            place.and_then(|place| live.get(place)) == Some(value.as_ref())
        };
        if step.expect_live.iter().all(stands) {
            return self.accept(table, key, at);
        }
        tracing::warn!(
            table = step.table,
            "a row that a reversing entry took back was written again; it stays unlawful"
        );
        Ok(())
    }

    /// Makes the image seen last the lawful one, or lets a row that was deleted be lawfully gone.
    /// Nothing where there is no such row.
    pub fn accept(&mut self, table: u16, key: &Key, at: Instant) -> Result<(), DeskError> {
        let Some(record) = self.ledger.record(table, key)? else {
            return Ok(());
        };
        let live = self.ledger.live_row(table, key, &record)?;
        let mut images = SealedImages::default();
        let look = match &live {
            Some(row) => Some(images.add(&self.ledger.sealer, table, key, row)?),
            None => None,
        };
        let standing = match live {
            Some(_) => Standing::Clean,
            None => Standing::Gone,
        };
        let change = Change {
            table,
            key: key.clone(),
            old: live.clone(),
            new: live,
            lawful: None,
            standing: record.standing.clone(),
            witnessed: true,
            coalesced: false,
            transaction: 0,
            stamp: Stamp::NotAsked,
            seen_at: at,
        };
        let context = EntryContext {
            kind: EntryKind::Accepted,
            source_position: 0,
            last_of_transaction: false,
        };
        let judgement = Judgement::lawful(standing);
        let looked = (look.as_ref(), images.of(look.as_ref()));
        self.ledger
            .append(&change, &judgement, Some(&record), looked, context)?;
        self.judge.learn(table, key, change.new.as_ref());
        self.ledger.saw(table, change.key, change.new);
        self.ledger.settle()
    }
}
