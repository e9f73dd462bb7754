//! A source's intake without its guard: rows come from the caller instead of the shop's file.
//!
//! What `balefire bench` drives. Deliberately not here: any shortcut. Judging, sealing, journal
//! and index are those of a guard, and a batch goes in through the same door.

use crate::intake::{Intake, Seen};
use crate::{Desk, DeskError};
use model::{Instant, Observed, SourceName};

/// The intake of one source. While it is held, the source cannot be guarded.
pub struct BareIntake {
    intake: Intake,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Changes judged and journaled; a row that is as it was seen last is none.
    pub changes: u64,
    pub lawful: u64,
    pub findings: u64,
}

impl Desk {
    /// Opens the intake of a source that no guard holds.
    pub fn bare_intake(&self, source: &SourceName) -> Result<BareIntake, DeskError> {
        let mut intake = self
            .open_source(source, crate::open_source::Schema::OfBaseline)?
            .intake;
        intake.ledger.settle()?;
        Ok(BareIntake { intake })
    }
}

impl BareIntake {
    /// Judges and journals one batch of whole transactions. It is accepted, not yet durable: while
    /// its group is hashed and fsynced the next batch may come.
    pub fn take(&mut self, observed: Vec<Observed>, at: Instant) -> Result<Taken, DeskError> {
        let seen = Seen {
            at,
            witnessed: true,
            coalesced: false,
            source_position: 0,
            transactions: &[],
            stamps: &[],
        };
        let ingested = self.intake.ingest(observed, seen)?;
        Ok(Taken {
            changes: ingested.tally.changes,
            lawful: ingested.tally.lawful,
            findings: ingested.findings.len() as u64,
        })
    }

    /// Returns when everything taken is durable.
    pub fn settle(&mut self) -> Result<(), DeskError> {
        self.intake.ledger.settle()
    }
}
