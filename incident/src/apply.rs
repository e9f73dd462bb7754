//! Folding one fact into the incident. Total: a fact that names something unknown changes nothing,
//! and none is ever refused here; refusing is `decide`'s.
//!
//! Deliberately not here: any judgement. What was judged stands in the fact.

use crate::bounds::MAX_AUDITS;
use crate::communication::{Filing, Notice, NoticeState, Waiver};
use crate::containment::{Audit, Hold, HoldState, Repair, RepairScope, RepairState};
use crate::custody::{Evidence, Transfer};
use crate::effect::outbox_id;
use crate::fact::{Fact, Recorded};
use crate::grading::ConfirmedGrade;
use crate::incident::{Incident, Status, StepRecord};
use crate::learning::{Decision, Lesson, Topic};
use crate::people::{CallOut, CallState, Order, OrderState, Signed, Task, TaskState};
use crate::rows::RowState;
use model::{HoldId, NoticeId, OrderId, ProposalId, TaskId};

impl Incident {
    /// Folds one fact; facts come in the order of their sequence numbers.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.next_sequence = recorded.sequence.saturating_add(1);
        self.note(recorded);
        self.remember(recorded);
        if !(self.apply_course(recorded)
            || self.apply_people(recorded)
            || self.apply_containment(recorded))
        {
            self.apply_records(recorded);
        }
    }

    fn apply_course(&mut self, recorded: &Recorded) -> bool {
        let at = recorded.operation.now;
        match &recorded.fact {
            Fact::Opened(_) => {}
            Fact::FindingsAdded { batch } => {
                self.findings.add(batch, at);
                let seen = batch.last_seen_at.unwrap_or(at);
                self.watch.last_finding_at = self.watch.last_finding_at.max(Some(seen));
                self.watch.ongoing = batch.ongoing;
            }
            Fact::ReportJoined { receipt, .. } => self.reports.push(receipt.clone()),
            Fact::FiguresSet { figures, by_person } => {
                if *by_person {
                    self.figures_by_person.extend(figures.numbers.keys());
                    self.figures.qualitative.clone_from(&figures.qualitative);
                }
                self.figures
                    .numbers
                    .extend(figures.numbers.iter().map(|(m, f)| (*m, *f)));
            }
            Fact::Assessed { assessment, level } => {
                self.assessment = assessment.clone();
                self.level = *level;
            }
            Fact::AnchorsSet {
                occurred,
                discovered,
            } => {
                self.anchors.occurred = occurred.or(self.anchors.occurred);
                self.anchors.discovered = discovered.or(self.anchors.discovered);
            }
            Fact::TriggerFactsSet {
                cii,
                personal_information,
                suspected_crime,
                interested_parties,
                unauthorised_payment,
            } => {
                let facts = &mut self.trigger_facts;
                facts.cii = cii.or(facts.cii);
                facts.personal_information = personal_information.or(facts.personal_information);
                facts.suspected_crime = suspected_crime.or(facts.suspected_crime);
                facts.interested_parties = interested_parties.or(facts.interested_parties);
                facts.unauthorised_payment = unauthorised_payment.or(facts.unauthorised_payment);
            }
            Fact::GradeConfirmed { .. } => self.apply_grade(recorded),
            Fact::StepEntered {
                step,
                target_s,
                tasks,
            } => {
                self.step = *step;
                self.steps.push(StepRecord {
                    step: *step,
                    entered_at: at,
                    left_at: None,
                    target_s: *target_s,
                });
                self.tasks.extend(tasks.iter().map(|planned| Task {
                    planned: planned.clone(),
                    step: *step,
                    state: TaskState::Open,
                }));
            }
            Fact::StepLeft { step } => {
                if let Some(record) = self.steps.iter_mut().rev().find(|r| r.step == *step) {
                    record.left_at = Some(at);
                }
            }
            Fact::WatchStarted => self.watch.started_at = Some(at),
            Fact::HandlingEnded => self.anchors.handled = Some(at),
            Fact::BriefSent { .. } => self.briefs.push(at),
            Fact::Closed => {
                if let Some(record) = self.steps.last_mut() {
                    record.left_at = record.left_at.or(Some(at));
                }
                let by = recorded.operation.actor.clone();
                self.status = Status::Closed { at, by };
            }
            _ => return false,
        }
        true
    }

    fn apply_grade(&mut self, recorded: &Recorded) {
        let Fact::GradeConfirmed {
            grade,
            level,
            matched,
            proposed_grade,
            proposed_level,
            clock_changes,
        } = &recorded.fact
        else {
            return;
        };
        let at = recorded.operation.now;
        // A graver classification is a new one; a milder one keeps the time of the graver.
        if self.confirmed().is_none_or(|before| *grade > before.grade) {
            self.anchors.classified = Some(at);
        }
        self.level = *level;
        self.trigger_facts.grade = Some(*grade);
        self.grades.push(ConfirmedGrade {
            grade: *grade,
            level: *level,
            by: recorded.operation.actor.clone(),
            at,
            reason: recorded.operation.reason.clone(),
            matched: matched.clone(),
            proposed_grade: *proposed_grade,
            proposed_level: *proposed_level,
            clock_changes: clock_changes.clone(),
        });
    }

    fn apply_people(&mut self, recorded: &Recorded) -> bool {
        let signed = signed(recorded);
        let Signed { by, at } = signed.clone();
        let reason = recorded.operation.reason.clone();
        match &recorded.fact {
            Fact::CalledOut { call } => self.calls.push(CallOut {
                call: call.clone(),
                called_at: at,
                account: None,
                state: CallState::Called,
                outbox: outbox_id(&self.id, recorded.sequence, 0),
            }),
            Fact::CallAcknowledged { call } => {
                if let Some(call) = self.call_mut(*call) {
                    call.account = by.account().cloned();
                    call.state = CallState::Acknowledged { by, at };
                }
            }
            Fact::CallRefused { call } => {
                if let Some(call) = self.call_mut(*call) {
                    call.account = by.account().cloned();
                    call.state = CallState::Refused { by, at, reason };
                }
            }
            Fact::CallEscalated { call, to } => {
                if let Some(call) = self.call_mut(*call) {
                    call.state = CallState::Escalated { at, to: *to };
                }
            }
            Fact::OrderIssued {
                order,
                number,
                to,
                text,
                constraint,
                due_at,
            } => {
                self.orders.push(Order {
                    id: order.clone(),
                    number: *number,
                    issuer: by,
                    issued_at: at,
                    to: to.clone(),
                    text: text.clone(),
                    constraint: constraint.clone(),
                    due_at: *due_at,
                    accepted: None,
                    state: OrderState::Issued,
                });
            }
            Fact::OrderAccepted { order } => {
                if let Some(order) = self.order_mut(order) {
                    order.accepted = Some(signed);
                    order.state = OrderState::Accepted;
                }
            }
            Fact::OrderRefused { order } => {
                self.set_order(order, OrderState::Refused { by, at, reason });
            }
            Fact::OrderCompleted { order, result } => {
                let result = result.clone();
                self.set_order(order, OrderState::Done { by, at, result });
            }
            Fact::OrderWithdrawn { order } => {
                self.set_order(order, OrderState::Withdrawn { by, at, reason });
            }
            Fact::TaskCompleted { task, note, .. } => {
                let note = note.clone();
                self.set_task(task, TaskState::Done { by, at, note });
            }
            Fact::TaskWaived { task } => self.set_task(task, TaskState::Waived { by, at, reason }),
            _ => return false,
        }
        true
    }

    fn apply_containment(&mut self, recorded: &Recorded) -> bool {
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
                let repaired = *repaired;
                self.set_repair(proposal, RepairState::Applied { at, repaired });
                self.settle_repaired(proposal);
            }
            Fact::RepairFailed { proposal, why } => {
                let why = why.clone();
                self.set_repair(proposal, RepairState::Failed { at, why });
            }
            Fact::AuditRecorded {
                source,
                taken_at,
                rows,
                discrepancies,
            } => {
                if self.audits.len() >= MAX_AUDITS {
                    self.audits.remove(1);
                }
                self.audits.push(Audit {
                    source: source.clone(),
                    taken_at: *taken_at,
                    recorded_at: at,
                    rows: *rows,
                    discrepancies: *discrepancies,
                });
            }
            _ => return false,
        }
        true
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

    fn settle_repaired(&mut self, proposal: &ProposalId) {
        let Some(repair) = self.repairs.iter().find(|r| r.proposal == *proposal) else {
            return;
        };
        match &repair.scope {
            RepairScope::AllOpen => self.findings.settle_all(repair.made_at, RowState::Repaired),
            RepairScope::Rows { rows } => self.findings.settle(rows, RowState::Repaired),
        }
    }

    fn apply_records(&mut self, recorded: &Recorded) {
        let signed = signed(recorded);
        let Signed { by, at } = signed.clone();
        let reason = recorded.operation.reason.clone();
        match &recorded.fact {
            Fact::EvidenceCollected { evidence, item } => self.evidence.push(Evidence {
                id: evidence.clone(),
                item: item.clone(),
                collected_by: by,
                recorded_at: at,
                transfers: Vec::new(),
            }),
            Fact::EvidenceTransferred {
                evidence,
                to,
                purpose,
                sha256,
                intact,
            } => {
                if let Some(evidence) = self.evidence.iter_mut().find(|e| e.id == *evidence) {
                    evidence.transfers.push(Transfer {
                        at,
                        by,
                        to: to.clone(),
                        purpose: purpose.clone(),
                        sha256: *sha256,
                        intact: *intact,
                    });
                }
            }
            Fact::NoticeDrafted {
                notice,
                kind,
                texts,
                audience,
            } => self.notices.push(Notice {
                id: notice.clone(),
                kind: *kind,
                texts: texts.clone(),
                audience: *audience,
                drafted_by: by,
                drafted_at: at,
                approved: None,
                state: NoticeState::Draft,
            }),
            Fact::NoticeApproved { notice } => {
                if let Some(notice) = self.notice_mut(notice) {
                    notice.approved = Some(signed);
                    notice.state = NoticeState::Approved;
                }
            }
            Fact::NoticeRejected { notice } => {
                if let Some(notice) = self.notice_mut(notice) {
                    notice.state = NoticeState::Rejected { by, at, reason };
                }
            }
            Fact::NoticeSent {
                notice,
                delivered,
                failed,
            } => {
                if let Some(notice) = self.notice_mut(notice) {
                    let (delivered, failed) = (*delivered, *failed);
                    notice.state = NoticeState::Sent {
                        at,
                        delivered,
                        failed,
                    };
                }
            }
            Fact::ReportFiled {
                clock,
                filed_at,
                channel,
                receipt,
            } => self.filings.push(Filing {
                clock: clock.clone(),
                filed_at: *filed_at,
                channel: channel.clone(),
                receipt: receipt.clone(),
                by,
                recorded_at: at,
            }),
            Fact::DutyWaived { clock } => {
                let clock = clock.clone();
                self.waivers.push(Waiver {
                    clock,
                    reason,
                    by,
                    at,
                });
            }
            Fact::DecisionRecorded {
                number,
                topic,
                text,
            } => {
                match topic {
                    Topic::AcceptRows { rows } => self.findings.settle(rows, RowState::Accepted),
                    Topic::AcceptOpenRows => self.findings.settle_all(at, RowState::Accepted),
                    Topic::General | Topic::NoHold | Topic::NoNotice => {}
                }
                let (number, topic, text) = (*number, topic.clone(), text.clone());
                self.decisions.push(Decision {
                    number,
                    topic,
                    text,
                    by,
                    at,
                });
            }
            Fact::LessonRecorded {
                number,
                text,
                measures,
            } => self.lessons.push(Lesson {
                number: *number,
                text: text.clone(),
                measures: measures.clone(),
                by,
                at,
            }),
            Fact::ImpactRecorded { impact } => self.impact = impact.clone(),
            _ => {}
        }
    }

    fn call_mut(&mut self, number: u32) -> Option<&mut CallOut> {
        self.calls.iter_mut().find(|c| c.call.number == number)
    }
    fn order_mut(&mut self, id: &OrderId) -> Option<&mut Order> {
        self.orders.iter_mut().find(|o| o.id == *id)
    }
    fn notice_mut(&mut self, id: &NoticeId) -> Option<&mut Notice> {
        self.notices.iter_mut().find(|n| n.id == *id)
    }
    fn repair_mut(&mut self, id: &ProposalId) -> Option<&mut Repair> {
        self.repairs.iter_mut().find(|r| r.proposal == *id)
    }
    fn set_order(&mut self, id: &OrderId, state: OrderState) {
        if let Some(order) = self.order_mut(id) {
            order.state = state;
        }
    }
    fn set_task(&mut self, id: &TaskId, state: TaskState) {
        if let Some(task) = self.tasks.iter_mut().find(|t| t.planned.id == *id) {
            task.state = state;
        }
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

fn signed(recorded: &Recorded) -> Signed {
    Signed {
        by: recorded.operation.actor.clone(),
        at: recorded.operation.now,
    }
}
