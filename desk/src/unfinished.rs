//! Repairs that a crash cut short: the start finds out from the shop how they ended.
//!
//! The images that a repair was about to write stand in the ledger. Either all of them were
//! written, in one transaction of the shop, or none was; the first look after the start shows
//! which, whatever the shop has lawfully done to the rows since.

use crate::expectation::Slot;
use crate::intake::Intake;
use crate::repair::{PROPOSALS, mark_repair};
use crate::{Desk, DeskError, ProposalView, Told};
use incident::Command;
use incident::containment::RepairState;
use incident::rows::RowCounts;
use model::entry::{EntryKind, LedgerEntry};
use model::proposal::SetAside;
use model::{
    Actor, IncidentId, Instant, Key, Operation, ProposalId, RepairStep, RequestId, SourceName,
    Standing, Value,
};
use recover::images::entry_image;

/// One repair that was being applied when the process ended.
pub(crate) struct Unfinished {
    incident: IncidentId,
    proposal: ProposalId,
    counts: RowCounts,
    /// The rows that it was about to write.
    slots: Vec<Slot>,
    /// Forged rows that a reversing entry of it takes back.
    taken_back: Vec<(Slot, RepairStep)>,
    /// Some of them were seen as written before the process ended.
    seen_before: bool,
}

const NOT_WRITTEN: &str =
    "the program ended before anything was written to the shop; propose the repair again";

impl Desk {
    /// The source's repairs that are neither applied nor failed; the intake expects their images
    /// again. To be called after the replay and before the first look.
    pub(crate) fn unfinished_repairs(
        &self,
        source: &SourceName,
        intake: &mut Intake,
    ) -> Result<Vec<Unfinished>, DeskError> {
        let mut found = Vec::new();
        for incident in self.active_incidents() {
            for repair in &incident.repairs {
                if repair.source != *source || !matches!(repair.state, RepairState::Applying { .. })
                {
                    continue;
                }
                let mut unfinished = Unfinished {
                    incident: incident.id.clone(),
                    proposal: repair.proposal.clone(),
                    counts: repair.counts,
                    slots: Vec::new(),
                    taken_back: Vec::new(),
                    seen_before: false,
                };
                self.expect_again(&mut unfinished, intake)?;
                found.push(unfinished);
            }
        }
        Ok(found)
    }

    fn expect_again(
        &self,
        unfinished: &mut Unfinished,
        intake: &mut Intake,
    ) -> Result<(), DeskError> {
        let Some(from) = self.store().mark(&mark_repair(&unfinished.proposal))? else {
            return Ok(());
        };
        let steps = self.steps_of(&unfinished.proposal)?;
        let keys: Vec<Key> = steps.iter().filter_map(key_of).collect();
        let (reader, sealer) = (intake.ledger.reader.clone(), intake.ledger.sealer.clone());
        let mut of_entries = Vec::new();
        for step in steps.iter().filter(|s| s.set_aside == SetAside::Entry) {
            let mut tables = (0..u16::MAX).map_while(|t| sealer.table(t).map(|table| (t, table)));
            let Some((table, sealed)) = tables.find(|(_, table)| table.name == step.table) else {
                continue;
            };
            let cell = |(name, value): &(String, Value)| {
                let place = sealed.columns.iter().position(|column| column == name)?;
                Some((u16::try_from(place).ok()?, value.clone()))
            };
            let cells: Option<Vec<_>> = step.entry.iter().map(cell).collect();
            if let (Some(cells), Some(key)) = (cells, key_of(step)) {
                unfinished.taken_back.push(((table, key), step.clone()));
                of_entries.push((table, cells));
            }
        }
        for position in from..reader.size() {
            let LedgerEntry::Row(entry) = LedgerEntry::decode(&reader.entry(position)?)? else {
                continue;
            };
            let of_entry = of_entries.iter().any(|(table, _)| *table == entry.table);
            if entry.kind != EntryKind::Expected || !(of_entry || keys.contains(&entry.key)) {
                continue;
            }
            let (entry, image) = entry_image(position, &reader, &sealer)?;
            let slot = (entry.table, entry.key);
            match intake.ledger.record(slot.0, &slot.1)? {
                // Seen since: a written row is clean, one that was not keeps its taint.
                Some(record) if record.last > position => {
                    unfinished.seen_before |= record.standing == Standing::Clean;
                }
                None if image.is_none() => unfinished.seen_before = true,
                _ => {
                    intake.expected.add(slot.clone(), image);
                    unfinished.slots.push(slot);
                }
            }
        }
        // Entries whose keys were not known before the COMMIT stand in no expected image, unless
        // the process lived long enough to journal them after it.
        if !unfinished.seen_before {
            for (table, cells) in of_entries {
                let known = |slot: &Slot| intake.expected.holds(slot, table, &cells);
                if !unfinished.slots.iter().any(known) {
                    intake.expected.add_entry(table, cells);
                }
            }
        }
        Ok(())
    }

    fn steps_of(&self, id: &ProposalId) -> Result<Vec<RepairStep>, DeskError> {
        let Some(stored) = self.store().document(PROPOSALS, id.as_str())? else {
            return Ok(Vec::new());
        };
        let view: ProposalView = serde_json::from_str(&stored.json)?;
        Ok(view.proposal.steps)
    }

    /// Puts on the record how a repair ended; one that was written is followed by its audit.
    pub(crate) fn end_repair(&self, repair: Unfinished, written: bool) -> Result<(), DeskError> {
        let Unfinished {
            incident,
            proposal,
            counts: repaired,
            ..
        } = repair;
        let op = |part: &str| Operation {
            actor: Actor::system("repair"),
            reason: String::new(),
            request: RequestId::new(format!("resume/{proposal}/{part}")),
            now: self.now(),
        };
        let (part, command) = if written {
            let proposal = proposal.clone();
            ("applied", Command::RepairApplied { proposal, repaired })
        } else {
            let (proposal, why) = (proposal.clone(), NOT_WRITTEN.to_owned());
            ("failed", Command::RepairFailed { proposal, why })
        };
        tracing::warn!(%proposal, ended = part, "a repair was cut short by the end of the program; the shop says how it ended");
        let told = self.execute(op(part), &incident, command).map(drop);
        let told = match told {
            Ok(()) if written => self.audit(op("audit"), &incident).map(drop),
            other => other,
        };
        told.map_err(|error| {
            DeskError::Refused(Told::new("said").with("text", crate::error::chain(&error)))
        })
    }
}

impl Unfinished {
    /// Whether the shop holds the repair; asked after the first look.
    pub fn was_written(&self, intake: &Intake) -> bool {
        let seen = |slot| intake.expected.has_seen(slot);
        self.seen_before
            || self.slots.iter().any(seen)
            || (!self.taken_back.is_empty() && intake.expected.has_seen_entry())
    }

    /// What was left to do when the process ended: forged rows that were taken back are right so.
    pub fn follow_up(&self, intake: &mut Intake, at: Instant) -> Result<(), DeskError> {
        for ((table, key), step) in &self.taken_back {
            intake.accept_taken_back(step, *table, key, at)?;
        }
        Ok(())
    }
}

fn key_of(step: &RepairStep) -> Option<Key> {
    Key::of(step.key_values.iter().map(|(_, value)| value.as_ref()))
}
