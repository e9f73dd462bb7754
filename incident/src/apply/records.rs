//! Custody, notices, duties, decisions, lessons.

use super::signed;
use crate::communication::{Filing, Notice, NoticeState, Waiver};
use crate::custody::{Evidence, Transfer};
use crate::fact::{Fact, Recorded};
use crate::incident::Incident;
use crate::learning::{Decision, Lesson, Topic};
use crate::people::Signed;
use crate::rows::RowState;
use model::NoticeId;

impl Incident {
    pub(super) fn apply_custody_and_notices(&mut self, recorded: &Recorded) -> bool {
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
            Fact::EvidenceTransferred { .. } => self.apply_transfer(recorded),
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
            _ => return false,
        }
        true
    }

    pub(super) fn apply_records(&mut self, recorded: &Recorded) {
        let Signed { by, at } = signed(recorded);
        let reason = recorded.operation.reason.clone();
        match &recorded.fact {
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
                    Topic::AcceptRows { rows } => {
                        self.findings.settle(rows, at, RowState::Accepted)
                    }
                    Topic::AcceptOpenRows => self.findings.settle_all(None, at, RowState::Accepted),
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

    fn apply_transfer(&mut self, recorded: &Recorded) {
        let Fact::EvidenceTransferred {
            evidence,
            to,
            purpose,
            sha256,
            intact,
        } = &recorded.fact
        else {
            return;
        };
        let Signed { by, at } = signed(recorded);
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

    fn notice_mut(&mut self, id: &NoticeId) -> Option<&mut Notice> {
        self.notices.iter_mut().find(|n| n.id == *id)
    }
}
