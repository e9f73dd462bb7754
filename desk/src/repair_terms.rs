//! On what terms a source is repaired: by which account, within which caps. And what can be done
//! with a proposal beside applying it: trying it without a trace, and taking it back.

use crate::error::CommandError;
use crate::repair::{counts, name_of, scope};
use crate::view::ProposalView;
use crate::{Desk, DeskError, Told};
use connect::repair::{Applied, MoneyCap, RepairLimits, apply};
use connect::source::Location;
use incident::containment::RepairState;
use incident::{Command, Incident};
use model::{IncidentId, Operation, ProposalId, SourceName};
use plan::Act;
use recover::UndoRequest;

impl Desk {
    /// The writing account and the caps of the source's repairs.
    pub(crate) fn repair_terms(
        &self,
        source: &SourceName,
    ) -> Result<(Location, RepairLimits), DeskError> {
        let config = self.source_config(source)?;
        let writer = config
            .writer()
            .ok_or_else(|| DeskError::Refused(Told::new("no-writer").with("source", source)))?;
        let money = config.repair.max_amount_minor.map(|max_amount_minor| {
            let money = config.table.iter().filter_map(|table| {
                let column = table.money.as_ref()?.amount.clone();
                Some((table.name.clone(), column))
            });
            MoneyCap {
                columns: money.collect(),
                max_amount_minor,
                decimals: 2,
            }
        });
        let limits = RepairLimits {
            max_rows: config.repair.max_rows as usize,
            money,
            lock_timeout_ms: config.repair.lock_timeout_ms,
            allow_triggers: config.repair.allow_triggers.iter().cloned().collect(),
            ..RepairLimits::default()
        };
        Ok((writer, limits))
    }

    /// Does the whole repair in a transaction of the shop's database and rolls it back.
    pub fn try_repair(&self, op: &Operation, id: &ProposalId) -> Result<Applied, DeskError> {
        self.may(op, Act::ProposeRepair)?;
        let view = self.known_proposal(id)?;
        let (writer, limits) = self.repair_terms(&view.proposal.source)?;
        Ok(apply(&writer, &view.proposal, &limits, true)?)
    }

    /// Puts before the incident what takes an applied repair back; it is approved and applied like
    /// any other.
    pub fn propose_undo(
        &self,
        op: Operation,
        id: &IncidentId,
        of: &ProposalId,
    ) -> Result<ProposalId, CommandError> {
        let incident = self.incident(id).ok_or(CommandError::UnknownIncident)?;
        let applied = self.known_proposal(of)?.proposal;
        if !was_applied(&incident, of) {
            return Err(DeskError::Refused(Told::new("not-applied")).into());
        }
        let undo_id = ProposalId::new(self.new_id("r")?);
        let policy = self.source_config(&applied.source)?.policy();
        let made_at = self.now();
        let source = applied.source.clone();
        let proposal = self.on_guard(&source, move |guard| {
            let schemas: Vec<_> = guard.tables.iter().map(|t| t.schema.clone()).collect();
            let request = UndoRequest {
                id: &undo_id,
                policy: &policy,
                schemas: &schemas,
                made_at,
                ledger_size: guard.intake.ledger.reader.size(),
            };
            Ok(recover::undo(&request, &applied)?)
        })?;
        let view = ProposalView {
            digest: proposal.digest(),
            incident: Some(id.clone()),
            proposed_by: name_of(&op.actor),
            approved_by: None,
            state: "proposed".into(),
            left_out: Vec::new(),
            proposal,
        };
        self.put_proposal(&view, op.now)?;
        let command = Command::ProposeRepair {
            proposal: view.proposal.id.clone(),
            digest: view.digest,
            source,
            scope: scope(&view.proposal),
            counts: counts(&view.proposal),
            made_at,
        };
        self.execute(op, id, command)?;
        Ok(view.proposal.id)
    }

    fn known_proposal(&self, id: &ProposalId) -> Result<ProposalView, DeskError> {
        self.proposal(id)
            .ok_or_else(|| DeskError::NotFound(Told::new("proposal-unknown").with("id", id)))
    }
}

fn was_applied(incident: &Incident, id: &ProposalId) -> bool {
    let mut repairs = incident.repairs.iter().filter(|r| r.proposal == *id);
    repairs.any(|r| matches!(r.state, RepairState::Applied { .. }))
}
