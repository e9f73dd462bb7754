//! Kind and parameters of the line that a fact makes.

use super::{FINDINGS, Param, Params};
use crate::access::AccessFact;
use crate::assessing::AssessFact;
use crate::fact::Fact;
use crate::people::Addressee;
use crate::rows::{Damage, RowCounts};
use model::TaskId;

fn number(n: impl TryInto<i64>) -> Param {
    Param::Number(n.try_into().unwrap_or(i64::MAX))
}

fn text(text: impl ToString) -> Param {
    Param::Text(text.to_string())
}

fn addressee(to: &Addressee) -> Param {
    match to {
        Addressee::Group(group) => Param::Group(group.clone()),
        Addressee::Position(position) => Param::Position(position.clone()),
        Addressee::Person(person) => Param::Text(person.name.clone()),
    }
}

fn counts(counts: RowCounts) -> Params {
    Damage::ALL
        .into_iter()
        .map(|d| (d.code(), number(counts.of(d))))
        .collect()
}

/// Kind and parameters of a fact's line.
pub(crate) fn of(fact: &Fact) -> (&'static str, Params) {
    match fact {
        Fact::Opened(opening) => {
            let category = Param::Code(format!("category-{}", opening.category.code()));
            let risk = Param::Code(format!("risk-{}", opening.risk.code().to_lowercase()));
            ("opened", vec![("category", category), ("risk", risk)])
        }
        Fact::FindingsAdded { batch } => {
            let n: u32 = batch.by_kind.iter().map(|(_, n)| n).sum();
            let rows = number(batch.key_count());
            (FINDINGS, vec![("n", number(n)), ("rows", rows)])
        }
        Fact::ReportJoined { receipt, .. } => ("report-joined", vec![("receipt", text(receipt))]),
        Fact::FiguresSet { figures, .. } => {
            ("figures-set", vec![("n", number(figures.numbers.len()))])
        }
        Fact::Assessed { assessment, level } => {
            let grade = ("grade", Param::Grade(assessment.grade));
            ("assessed", vec![grade, ("level", Param::Level(*level))])
        }
        Fact::AnchorsSet { .. } => ("anchors-set", Vec::new()),
        Fact::TriggerFactsSet { .. } => ("trigger-facts-set", Vec::new()),
        Fact::GradeConfirmed { grade, level, .. } => (
            "grade-confirmed",
            vec![
                ("grade", Param::Grade(*grade)),
                ("level", Param::Level(*level)),
            ],
        ),
        Fact::ImpactRecorded { .. } => ("impact-recorded", Vec::new()),
        Fact::WatchStarted => ("watch-started", Vec::new()),
        Fact::StepEntered { step, .. } => ("step-entered", vec![("step", Param::Step(*step))]),
        Fact::StepLeft { step } => ("step-left", vec![("step", Param::Step(*step))]),
        Fact::HandlingEnded => ("handling-ended", Vec::new()),
        Fact::BriefSent { number: n, .. } => ("brief-sent", vec![("n", number(*n))]),
        Fact::Access(access) => (access.kind(), access_params(access)),
        Fact::Order(order) => (order.kind(), order.params()),
        Fact::Joining(fact) => (fact.kind(), fact.params()),
        Fact::Room(said) => (said.kind(), said.params()),
        Fact::Task(task) => (task.kind(), task.params()),
        Fact::Handover(fact) => (fact.kind(), fact.params()),
        Fact::Assess(assess) => (assess.kind(), assess_params(assess)),
        Fact::Resource(resource) => (resource.kind(), resource.params()),
        Fact::Closed => ("closed", Vec::new()),
        Fact::DecisionRecorded {
            number: n,
            text: words,
            ..
        } => (
            "decision-recorded",
            vec![("n", number(*n)), ("text", text(words))],
        ),
        Fact::LessonRecorded {
            number: n,
            text: words,
            ..
        } => (
            "lesson-recorded",
            vec![("n", number(*n)), ("text", text(words))],
        ),
        other => people_line(other).unwrap_or_else(|| work_line(other)),
    }
}

fn access_params(fact: &AccessFact) -> Params {
    match fact {
        AccessFact::SuspectNamed { account }
        | AccessFact::SuspectCleared { account }
        | AccessFact::Admitted { account }
        | AccessFact::Dismissed { account } => vec![("account", text(account))],
        AccessFact::Restricted { positions } => vec![("n", number(positions.len()))],
        AccessFact::StandInsSet { stand_ins } => vec![("n", number(stand_ins.len()))],
    }
}

fn assess_params(fact: &AssessFact) -> Params {
    match fact {
        AssessFact::LoweringAsked { grade, level } => vec![
            ("grade", Param::Grade(*grade)),
            ("level", Param::Level(*level)),
        ],
        _ => Vec::new(),
    }
}

fn people_line(fact: &Fact) -> Option<(&'static str, Params)> {
    let call = |n: &u32| ("call", number(*n));
    let order = |id: &model::OrderId| ("order", text(id));
    let task = |id: &TaskId| ("task", Param::Task(id.clone()));
    Some(match fact {
        Fact::CalledOut { call: c } => (
            "called-out",
            vec![
                ("call", number(c.number)),
                ("group", Param::Group(c.group.clone())),
                ("position", Param::Position(c.position.clone())),
                ("why", Param::Code(format!("call-{}", c.reason.code()))),
            ],
        ),
        Fact::CallAcknowledged { call: n } => ("call-acknowledged", vec![call(n)]),
        Fact::CallRefused { call: n } => ("call-refused", vec![call(n)]),
        Fact::CallEscalated { call: n, .. } => ("call-escalated", vec![call(n)]),
        Fact::OrderIssued {
            order: id,
            to,
            text: words,
            due_at,
            ..
        } => (
            "order-issued",
            vec![
                order(id),
                ("to", addressee(to)),
                ("text", text(words)),
                ("due", Param::Time(*due_at)),
            ],
        ),
        Fact::OrderAccepted { order: id } => ("order-accepted", vec![order(id)]),
        Fact::OrderRefused { order: id } => ("order-refused", vec![order(id)]),
        Fact::OrderCompleted { order: id, result } => {
            ("order-completed", vec![order(id), ("result", text(result))])
        }
        Fact::OrderWithdrawn { order: id } => ("order-withdrawn", vec![order(id)]),
        Fact::TaskCompleted {
            task: id,
            by_itself: true,
            ..
        } => ("task-completed-by-itself", vec![task(id)]),
        Fact::TaskCompleted { task: id, .. } => ("task-completed", vec![task(id)]),
        Fact::TaskWaived { task: id } => ("task-waived", vec![task(id)]),
        _ => return None,
    })
}

fn work_line(fact: &Fact) -> (&'static str, Params) {
    let hold = |id: &model::HoldId| vec![("hold", text(id))];
    let evidence = |id: &model::EvidenceId| ("evidence", text(id));
    match fact {
        Fact::EvidenceCollected { evidence: id, item } => (
            "evidence-collected",
            vec![evidence(id), ("name", text(&item.name))],
        ),
        Fact::EvidenceTransferred {
            evidence: id,
            to,
            intact,
            ..
        } => {
            let intact = Param::Code(
                if *intact {
                    "hash-intact"
                } else {
                    "hash-differs"
                }
                .to_owned(),
            );
            (
                "evidence-transferred",
                vec![evidence(id), ("to", text(to)), ("hash", intact)],
            )
        }
        Fact::HoldProposed {
            hold: id,
            rows,
            until,
        } => {
            let rows = ("rows", number(crate::rows::count(rows)));
            (
                "hold-proposed",
                vec![("hold", text(id)), rows, ("until", Param::Time(*until))],
            )
        }
        Fact::HoldApproved { hold: id } => ("hold-approved", hold(id)),
        Fact::HoldRefused { hold: id } => ("hold-refused", hold(id)),
        Fact::HoldLifted { hold: id } => ("hold-lifted", hold(id)),
        Fact::HoldExpired { hold: id } => ("hold-expired", hold(id)),
        other => repair_line(other),
    }
}

fn repair_line(fact: &Fact) -> (&'static str, Params) {
    let repair = |id: &model::ProposalId| vec![("repair", text(id))];
    match fact {
        Fact::RepairProposed {
            proposal,
            digest,
            counts: n,
            ..
        } => {
            let mut params = counts(*n);
            params.push(("repair", text(proposal)));
            params.push(("digest", text(digest.short())));
            ("repair-proposed", params)
        }
        Fact::RepairApproved { proposal, digest } => {
            let mut params = repair(proposal);
            params.push(("digest", text(digest.short())));
            ("repair-approved", params)
        }
        Fact::RepairRejected { proposal } => ("repair-rejected", repair(proposal)),
        Fact::RepairStarted { proposal } => ("repair-started", repair(proposal)),
        Fact::RepairApplied { proposal, repaired } => {
            let mut params = counts(*repaired);
            params.push(("repair", text(proposal)));
            ("repair-applied", params)
        }
        Fact::RepairFailed { proposal, why } => {
            let mut params = repair(proposal);
            params.push(("why", text(why)));
            ("repair-failed", params)
        }
        other => outcome_line(other),
    }
}

/// Audits, notices, duties.
fn outcome_line(fact: &Fact) -> (&'static str, Params) {
    let notice = |id: &model::NoticeId| vec![("notice", text(id))];
    match fact {
        Fact::AuditRecorded {
            source,
            rows,
            discrepancies,
            ..
        } => {
            let found = ("discrepancies", number(*discrepancies));
            (
                "audit-recorded",
                vec![("source", text(source)), ("rows", number(*rows)), found],
            )
        }
        Fact::NoticeDrafted {
            notice: id,
            kind,
            audience,
            ..
        } => {
            let kind = Param::Code(format!("notice-{}", kind.code()));
            let audience = ("audience", number(*audience));
            (
                "notice-drafted",
                vec![("notice", text(id)), ("kind", kind), audience],
            )
        }
        Fact::NoticeApproved { notice: id } => ("notice-approved", notice(id)),
        Fact::NoticeRejected { notice: id } => ("notice-rejected", notice(id)),
        Fact::NoticeSent {
            notice: id,
            delivered,
            failed,
        } => {
            let (delivered, failed) = (number(*delivered), number(*failed));
            let sent = vec![
                ("notice", text(id)),
                ("delivered", delivered),
                ("failed", failed),
            ];
            ("notice-sent", sent)
        }
        Fact::ReportFiled {
            clock,
            channel,
            receipt,
            ..
        } => (
            "report-filed",
            vec![
                ("clock", Param::Clock(clock.clone())),
                ("channel", text(channel)),
                ("receipt", text(receipt)),
            ],
        ),
        Fact::DutyWaived { clock } => ("duty-waived", vec![("clock", Param::Clock(clock.clone()))]),
        // Every other fact has its line above; a test walks through them all.
        _ => ("closed", Vec::new()),
    }
}
