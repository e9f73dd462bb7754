//! Holds, repairs and audits.

use super::signed;
use crate::bounds::MAX_AUDITS;
use crate::containment::{Audit, Hold, HoldState, Repair, RepairScope, RepairState};
use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use crate::people::Signed;
use crate::rows::RowState;
use model::{HoldId, ProposalId};

impl Incident {
    pub(super) fn apply_containment(&mut self, recorded: &Recorded) -> bool {
        let signed = signed(recorded);
        let Signed { by, at } = signed.clone();
        let reason = recorded.operation.reason.clone();
        match &recorded.fact {
            Fact::HoldProposed { hold, rows, until } => self.holds.push(Hold {
                id: hold.clone(),
                rows: rows.clone(),
                reason,
                proposed_by: by,
                proposed_at: at,
                until: *until,
                approved: None,
                state: HoldState::Proposed,
            }),
            Fact::HoldApproved { hold } => {
                if let Some(hold) = self.holds.iter_mut().find(|h| h.id == *hold) {
                    hold.approved = Some(signed);
                    hold.state = HoldState::Active;
                }
            }
            Fact::HoldRefused { hold } => {
                self.set_hold(hold, HoldState::Refused { by, at, reason })
            }
            Fact::HoldLifted { hold } => self.set_hold(hold, HoldState::Lifted { by, at, reason }),
            Fact::HoldExpired { hold } => self.set_hold(hold, HoldState::Expired { at }),
            Fact::RepairProposed { .. } => self.apply_proposal(recorded),
            Fact::RepairApproved { proposal, .. } => {
                if let Some(repair) = self.repair_mut(proposal) {
                    repair.approved = Some(signed);
                    repair.state = RepairState::Approved;
                }
            }
            Fact::RepairRejected { proposal } => {
                self.set_repair(proposal, RepairState::Rejected { by, at, reason });
            }
            Fact::RepairStarted { proposal } => {
                self.set_repair(proposal, RepairState::Applying { by, at });
            }
            Fact::RepairApplied { proposal, repaired } => {
                self.settle_repaired(proposal);
                let repaired = *repaired;
                self.set_repair(proposal, RepairState::Applied { at, repaired });
            }
            Fact::RepairFailed { proposal, why } => {
                let why = why.clone();
                self.set_repair(proposal, RepairState::Failed { at, why });
            }
            Fact::AuditRecorded { .. } => self.apply_audit(recorded),
            _ => return false,
        }
        true
    }

    /// A clean audit proves every row of its source lawful, as far as they were found by then.
    fn apply_audit(&mut self, recorded: &Recorded) {
        let Fact::AuditRecorded {
            source,
            taken_at,
            rows,
            discrepancies,
        } = &recorded.fact
        else {
            return;
        };
        if *discrepancies == 0 {
            self.findings
                .settle_all(Some(source), *taken_at, RowState::Repaired);
        }
        if self.audits.len() >= MAX_AUDITS {
            self.audits.remove(1);
        }
        self.audits.push(Audit {
            source: source.clone(),
            taken_at: *taken_at,
            recorded_at: recorded.operation.now,
            rows: *rows,
            discrepancies: *discrepancies,
        });
    }

    fn apply_proposal(&mut self, recorded: &Recorded) {
        let Fact::RepairProposed {
            proposal,
            digest,
            source,
            scope,
            counts,
            made_at,
            supersedes,
        } = &recorded.fact
        else {
            return;
        };
        for old in supersedes {
            self.set_repair(
                old,
                RepairState::Superseded {
                    by: proposal.clone(),
                },
            );
        }
        let Signed { by, at } = signed(recorded);
        self.repairs.push(Repair {
            proposal: proposal.clone(),
            digest: *digest,
            source: source.clone(),
            scope: scope.clone(),
            counts: *counts,
            made_at: *made_at,
            proposed_by: by,
            proposed_at: at,
            approved: None,
            state: RepairState::Proposed,
        });
    }

    /// What was found again while the repair ran may have been written after it, and stays open:
    /// a clean audit settles it.
    fn settle_repaired(&mut self, proposal: &ProposalId) {
        let Some(repair) = self.repairs.iter().find(|r| r.proposal == *proposal) else {
            return;
        };
        let started = match &repair.state {
            RepairState::Applying { at, .. } => *at,
            _ => repair
                .approved
                .as_ref()
                .map_or(repair.made_at, |signed| signed.at),
        };
        match &repair.scope {
            RepairScope::AllOpen => {
                let (source, until) = (&repair.source, repair.made_at);
                self.findings
                    .settle_all(Some(source), until, RowState::Repaired);
            }
            RepairScope::Rows { rows } => self.findings.settle(rows, started, RowState::Repaired),
        }
    }

    fn repair_mut(&mut self, id: &ProposalId) -> Option<&mut Repair> {
        self.repairs.iter_mut().find(|r| r.proposal == *id)
    }
    fn set_hold(&mut self, id: &HoldId, state: HoldState) {
        if let Some(hold) = self.holds.iter_mut().find(|h| h.id == *id) {
            hold.state = state;
        }
    }
    fn set_repair(&mut self, id: &ProposalId, state: RepairState) {
        if let Some(repair) = self.repair_mut(id) {
            repair.state = state;
        }
    }
}
