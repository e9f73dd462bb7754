//! What is said when tables change under the guard: a notice where it goes on by itself, an alarm
//! where it stops.

use crate::DeskError;
use crate::guard::Guard;
use crate::open_source::reshape::Reshape;
use crate::unreadable::of;
use model::policy::Sees;
use model::{Digest, Finding, FindingKind, Instant, Verdict};

/// Where nothing more is known.
const OTHERS: &str = "its columns are other ones, or it is gone";
/// Where the columns are the same, but the table's storage is not.
const ANEW: &str = "it was made anew with the same columns, which can write rows without a trace in the log; \
                    the guard goes on: every row is looked at again, and what differs is judged";

impl Guard {
    /// A feed ends here: its tables have another shape. Everything that was committed before is
    /// judged. The guard starts anew by itself where it can; else this is raised before it stops,
    /// since to change a table is one way to blind it.
    pub fn schema_changed(&mut self, tables: &[String]) -> DeskError {
        let at = self.desk.now();
        if self.feed.sees() == Sees::States {
            return self.stops(tables, OTHERS, at);
        }
        let told = match self.desk.can_go_on(&self.source) {
            Ok(Some(reshape)) => self.tell(&reshape, at),
            Ok(None) => self.made_anew(tables, at),
            // The feed says it again.
            Err(error) if error.may_pass() => return error,
            Err(error) => return self.stops(tables, &error.told(), at),
        };
        match told.and_then(|()| self.keep_place()) {
            Ok(()) => DeskError::Broken {
                told: format!(
                    "the tables {} changed; every row is looked at again in their new shape, and the guard goes on by \
                     itself",
                    tables.join(", ")
                ),
                may_pass: true,
            },
            Err(error) => error,
        }
    }

    /// Says what became of the tables since every row was looked at.
    pub fn tell_reshape(&mut self, at: Instant) -> Result<(), DeskError> {
        match self.reshape.clone() {
            Some(reshape) => self.tell(&reshape, at),
            None => Ok(()),
        }
    }

    fn tell(&mut self, reshape: &Reshape, at: Instant) -> Result<(), DeskError> {
        let told = reshape.told().map(|(table, said)| {
            // The same change is one finding, however often the guard begins with it.
            let what = Digest::of(said.as_bytes()).to_string();
            let key = format!("{}-{}", reshape.since, what.get(..8).unwrap_or_default());
            self.notice(["schema_changed", table, &key], said, at)
        });
        let found = told.collect();
        self.store_at_once(found)
    }

    fn made_anew(&mut self, tables: &[String], at: Instant) -> Result<(), DeskError> {
        let key = at.to_string();
        let told = tables
            .iter()
            .map(|table| self.notice(["schema_changed", table, &key], ANEW.to_owned(), at));
        let found = told.collect();
        self.store_at_once(found)
    }

    /// Listed for whoever keeps the policy; it calls nobody.
    pub(crate) fn notice(&self, place: [&str; 3], said: String, at: Instant) -> Finding {
        let found = of(&self.intake, &self.source, place, said, at);
        // The policy is another one where it named what is gone, but the change is the same.
        let whatever = Digest::of(b"any policy");
        Finding {
            id: Finding::derive_id(&whatever, &found.log, 0, &place.join("\n")),
            kind: FindingKind::Unwitnessed,
            verdict: Verdict::Unwitnessed,
            ..found
        }
    }

    fn stops(&mut self, tables: &[String], detail: &str, at: Instant) -> DeskError {
        let found = tables.iter().map(|table| {
            // Each time is a finding of its own: the time stands for the key.
            let key = at.to_string();
            let place = ["schema_changed", table.as_str(), key.as_str()];
            of(&self.intake, &self.source, place, detail.to_owned(), at)
        });
        let found = found.collect();
        if let Err(error) = self.store_at_once(found) {
            tracing::error!(error = %crate::error::chain(&error), "the change of the schema could not be stored as a finding");
        }
        DeskError::SchemaChanged {
            table: tables.join(", "),
            detail: detail.to_owned(),
        }
    }

    /// What lies before this is not read again in the old columns.
    fn keep_place(&mut self) -> Result<(), DeskError> {
        self.intake.ledger.settle()?;
        let covered = self.intake.ledger.reader.size();
        let marks = self.position_marks(covered).collect();
        self.desk.store_marks(marks)
    }
}
