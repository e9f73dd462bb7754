//! A guard's looks at every row: the first one, and the one after the feed has lost its place.

use crate::DeskError;
use crate::catch_up::{self, Caught, Missed};
use crate::daybook::Daybook;
use crate::guard::Guard;
use crate::intake::Seen;
use crate::ledger::WatchEntry;
use crate::open_source::reshape::mark_settled;
use crate::resume::Resumed;
use crate::window::Windows;
use crate::{standing_still, unreadable};
use model::policy::Sees;
use model::{Instant, Key, Observed};

impl Guard {
    /// Looks at every row once, and takes in what happened while nobody looked.
    pub fn take_first_look(&mut self, at: Instant) -> Result<(), DeskError> {
        self.daybook = Some(Daybook::open(&self.desk, &self.source)?);
        self.intake.windows = Windows::of(&self.desk, &self.source)?;
        let missed_are = match self.resumed.position {
            Some(_) => Missed::ToldByFeed,
            None => Missed::Unwitnessed,
        };
        self.tell_reshape(at)?;
        let caught = catch_up::run(
            &mut self.intake,
            self.feed.as_mut(),
            at,
            missed_are,
            self.reshape.as_ref(),
        )
        .inspect_err(|error| {
            self.desk
                .raise_mass_change(&self.intake, &self.source, error, at);
        })?;
        fail::fail_point!("reshape-looked");
        let without_key =
            self.desk
                .new_unreadable(&self.intake, &self.source, &caught.unreadable, at)?;
        self.store(caught.ingested)?;
        if missed_are == Missed::ToldByFeed {
            self.catch_up_with_shop()?;
            self.take_in_what_went_round(&caught.open)?;
        }
        self.store_at_once(without_key)?;
        self.settle_shape()
    }

    /// Every row was looked at in the shape that the tables have now.
    fn settle_shape(&mut self) -> Result<(), DeskError> {
        if self.reshape.take().is_some() {
            self.flush()?;
        }
        let settled = self.intake.ledger.schema_entry;
        let mark = (mark_settled(&self.source), settled);
        self.desk.store_marks(vec![mark])
    }

    /// The position from which the feed was told to go on.
    pub fn resumed_from(&self) -> Option<u64> {
        self.resumed.position
    }

    pub fn was_blind(&mut self, since: Instant, until: Instant) {
        if let Some(book) = &mut self.daybook {
            book.blind(since, until);
        }
    }

    /// Rows that differ from their images although the feed has told everything: they were changed
    /// round it. Nothing of that is lawful, whatever the policy would say of it, and their lawful
    /// images stay. (Of times for which the feed is blind it says so, and `lost` looks then.)
    pub fn take_in_what_went_round(&mut self, open: &[(u16, Key)]) -> Result<(), DeskError> {
        let mut rows = standing_still::unseen(self, open)?;
        if self.feed.sees() == Sees::States && !rows.is_empty() {
            // Without a log of its own a file is read as of now, which may be ahead of the feed:
            // what the feed tells a moment later did not go round it.
            let slots: Vec<_> = rows
                .iter()
                .map(|(table, key, _)| (*table, key.clone()))
                .collect();
            let again = standing_still::unseen(self, &slots)?;
            rows.retain(|row| again.contains(row));
        }
        let observed = rows
            .into_iter()
            .map(|(table, key, row)| Observed::state(table, key, row));
        let at = self.desk.now();
        // What the feed has told of such a row may leave but the new columns to explain.
        let observed = catch_up::explained(
            &mut self.intake,
            self.reshape.as_ref(),
            observed.collect(),
            at,
        )?;
        if observed.is_empty() {
            let findings = std::mem::take(&mut self.intake.not_journaled);
            return self.store_at_once(findings);
        }
        let seen = Seen {
            at,
            witnessed: false,
            coalesced: true,
            source_position: 0,
            transactions: &[],
            stamps: self.stamps.of_none(),
        };
        let ingested = self.intake.ingest_what_went_round(observed, seen)?;
        self.store(ingested)
    }

    /// The feed cannot say what happened since the last look: look at every row again.
    pub fn lost(&mut self, reason: &str) -> Result<(), DeskError> {
        let at = self.desk.now();
        tracing::warn!(source = %self.source, reason, "the feed lost its place; looking at every row again");
        self.status.blind_since(at);
        // What was remembered of the source's log is worth nothing any more.
        self.position = None;
        self.resumed = Resumed::default();
        if self.feed.sees() == Sees::Transactions {
            let found = unreadable::blind(&self.intake, &self.source, reason, at);
            self.store_at_once(vec![found])?;
        }
        self.intake.ledger.push(
            &WatchEntry::Lost {
                at,
                reason: reason.to_owned(),
            }
            .entry()?,
        )?;
        let Caught {
            ingested,
            unreadable,
            ..
        } = match catch_up::run(
            &mut self.intake,
            self.feed.as_mut(),
            at,
            Missed::Unwitnessed,
            None,
        ) {
            Ok(caught) => caught,
            Err(error) => {
                let found = unreadable::mass_change(&self.intake, &self.source, &error, at);
                self.store_at_once(found.into_iter().collect())?;
                return Err(error);
            }
        };
        self.store(ingested)?;
        let found = self
            .desk
            .new_unreadable(&self.intake, &self.source, &unreadable, at)?;
        self.store_at_once(found)?;
        if let Some(book) = &mut self.daybook {
            book.blind(self.heartbeat_at, self.desk.now());
        }
        self.status.looking();
        Ok(())
    }
}
