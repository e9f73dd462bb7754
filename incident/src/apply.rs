//! Folding one fact into the incident. Total: a fact that names something unknown changes nothing,
//! and none is ever refused here; refusing is `decide`'s.
//!
//! Deliberately not here: any judgement. What was judged stands in the fact.

mod containment;
mod people;
mod records;

use crate::assessing::{AssessFact, Lowering};
use crate::fact::{Fact, Recorded};
use crate::grading::ConfirmedGrade;
use crate::incident::{Incident, Status, StepRecord};
use crate::joining::JoiningFact;
use crate::people::{Signed, Task, TaskState};
use model::ReceiptNo;

impl Incident {
    /// Folds one fact; facts come in the order of their sequence numbers.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.next_sequence = recorded.sequence.saturating_add(1);
        self.note(recorded);
        self.remember(recorded);
        if self.apply_assessment(recorded) {
            return;
        }
        if !(self.apply_course(recorded)
            || self.apply_calls(recorded)
            || self.apply_orders(recorded)
            || self.apply_containment(recorded)
            || self.apply_custody_and_notices(recorded))
        {
            self.apply_records(recorded);
        }
    }

    fn apply_assessment(&mut self, recorded: &Recorded) -> bool {
        let lowering = self.assessing.lowering.clone();
        self.assessing.follow(recorded);
        match &recorded.fact {
            Fact::GradeConfirmed { .. } => self.apply_grade(recorded, lowering),
            Fact::Assess(AssessFact::Given { facts, .. }) => {
                for (metric, _) in facts.iter().filter(|(_, given)| given.counted) {
                    self.figures_by_person.remove(metric);
                }
            }
            Fact::Assess(_) => {}
            _ => return false,
        }
        true
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
            Fact::TriggerFactsSet { .. } => self.apply_trigger_facts(&recorded.fact),
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
                    started: None,
                }));
            }
            Fact::StepLeft { step } => {
                if let Some(record) = self.steps.iter_mut().rev().find(|r| r.step == *step) {
                    record.left_at = Some(at);
                }
            }
            Fact::Access(fact) => self.access.apply(fact),
            Fact::WatchStarted => self.watch.started_at = Some(at),
            Fact::HandlingEnded => self.anchors.handled = Some(at),
            Fact::BriefSent { .. } => self.briefs.push(at),
            Fact::Closed => self.end(recorded),
            Fact::Joining(fact) => {
                self.joining.apply(fact);
                self.apply_joining(fact, recorded);
            }
            _ => return false,
        }
        true
    }

    fn end(&mut self, recorded: &Recorded) {
        let at = recorded.operation.now;
        if let Some(record) = self.steps.last_mut() {
            record.left_at = record.left_at.or(Some(at));
        }
        let by = recorded.operation.actor.clone();
        self.status = Status::Closed { at, by };
    }

    fn apply_joining(&mut self, fact: &JoiningFact, recorded: &Recorded) {
        let mut add = |reports: &[ReceiptNo]| {
            for report in reports {
                if !self.reports.contains(report) {
                    self.reports.push(report.clone());
                }
            }
        };
        match fact {
            JoiningFact::MergedInto { .. } => self.end(recorded),
            JoiningFact::Absorbed { carried } => add(&carried.reports),
            JoiningFact::SplitFrom { reports, .. } => add(reports),
            JoiningFact::SplitOff { reports, rows, .. } => {
                self.reports.retain(|r| !reports.contains(r));
                self.findings.remove(rows);
            }
        }
    }

    fn apply_trigger_facts(&mut self, fact: &Fact) {
        let Fact::TriggerFactsSet {
            cii,
            personal_information,
            suspected_crime,
            interested_parties,
            unauthorised_payment,
        } = fact
        else {
            return;
        };
        let facts = &mut self.trigger_facts;
        facts.cii = cii.or(facts.cii);
        facts.personal_information = personal_information.or(facts.personal_information);
        facts.suspected_crime = suspected_crime.or(facts.suspected_crime);
        facts.interested_parties = interested_parties.or(facts.interested_parties);
        facts.unauthorised_payment = unauthorised_payment.or(facts.unauthorised_payment);
    }

    fn apply_grade(&mut self, recorded: &Recorded, lowering: Option<Lowering>) {
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
        // A milder one that two persons agreed on carries both their reasons.
        let asked = lowering.filter(|l| (l.grade, l.level) == (*grade, *level));
        let mut reason = recorded.operation.reason.clone();
        if let Some(asked) = &asked {
            reason = format!("{}\n{reason}", asked.reason).trim().to_owned();
        }
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
            reason,
            asked_by: asked.map(|l| l.by),
            figures: self.figures.clone(),
            matched: matched.clone(),
            proposed_grade: *proposed_grade,
            proposed_level: *proposed_level,
            clock_changes: clock_changes.clone(),
        });
    }
}

fn signed(recorded: &Recorded) -> Signed {
    Signed {
        by: recorded.operation.actor.clone(),
        at: recorded.operation.now,
    }
}
