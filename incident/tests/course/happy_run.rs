//! One incident from the first finding to the closing, under the built-in plan.

use crate::world::{World, altered, digest, holder, rows, system};
use expect_test::expect;
use incident::clocks;
use incident::communication::NoticeKind;
use incident::containment::RepairScope;
use incident::custody::EvidenceItem;
use incident::learning::Measure;
use incident::people::Addressee;
use incident::rows::RowCounts;
use incident::{ClosedIncident, Command, Refusal};
use model::{Grade, GroupId, HoldId, NoticeId, OrderId, PositionId, ProposalId, SourceName};
use plan::{Lang, StepId};
use std::collections::BTreeMap;

fn evidence(world: &World) -> EvidenceItem {
    EvidenceItem {
        name: "copy of shop.db".to_owned(),
        kind: "disk".to_owned(),
        source: "shop".to_owned(),
        witness: None,
        collected_at: world.now,
        method: "cp 9.1".to_owned(),
        sha256: digest(),
        size_bytes: 4096,
        positions: Vec::new(),
        location: "safe 2".to_owned(),
    }
}

fn first_assessment(world: &mut World) {
    let batch = altered(&["17", "18"], world.now);
    world.done(
        &system(),
        Command::AddFindings {
            batch,
            numbers: BTreeMap::new(),
        },
    );
    world.everybody_answers();
    let confirm = Command::ConfirmGrade {
        grade: Grade::General,
        level: None,
    };
    world.done(&holder("cio"), confirm);
    world.everybody_answers();
    world.tasks_done();
    world.done(&holder("cio"), Command::AdvanceStep);
}

fn orders(world: &mut World) {
    let due_at = world.now.plus_s(3600);
    let to = Addressee::Group(GroupId::from("response"));
    let order = Command::IssueOrder {
        to,
        text: "Find out what was changed".to_owned(),
        constraint: "evidence first".to_owned(),
        due_at,
    };
    world.done(&holder("cio"), order);
    let order = OrderId::from("O-1");
    world.done(
        &holder("sysadmin"),
        Command::AcceptOrder {
            seen: None,
            order: order.clone(),
        },
    );
    world.tasks_done();
    world.done(&holder("ciso"), Command::AdvanceStep);
    let result = "two orders".to_owned();
    world.done(
        &holder("sysadmin"),
        Command::CompleteOrder { order, result },
    );
}

fn recovery(world: &mut World) {
    let item = evidence(world);
    world.done(
        &holder("security_engineer"),
        Command::CollectEvidence { item },
    );
    let until = world.now.plus_s(86_400);
    let hold = HoldId::from("H-1");
    let propose = Command::ProposeHold {
        rows: rows(&["17", "18"]),
        until,
    };
    world.done(&holder("security_engineer"), propose);
    world.done(&holder("ciso"), Command::ApproveHold { hold });
    let proposal = ProposalId::from("p-1");
    let counts = RowCounts {
        altered: 2,
        ..RowCounts::default()
    };
    world.done(
        &holder("security_engineer"),
        Command::ProposeRepair {
            proposal: proposal.clone(),
            digest: digest(),
            source: SourceName::from("shop"),
            scope: RepairScope::Rows {
                rows: rows(&["17", "18"]),
            },
            counts,
            made_at: world.now,
        },
    );
    let approve = Command::ApproveRepair {
        proposal: proposal.clone(),
        digest: digest(),
    };
    world.done(&holder("head_support"), approve);
    world.done(
        &holder("sysadmin"),
        Command::StartRepair {
            proposal: proposal.clone(),
        },
    );
    world.done(
        &system(),
        Command::RepairApplied {
            proposal,
            repaired: counts,
        },
    );
    let audit = Command::RecordAudit {
        source: SourceName::from("shop"),
        taken_at: world.now,
        rows: 20_000,
        discrepancies: 0,
    };
    world.done(&system(), audit);
    world.tasks_done();
    world.done(&holder("ciso"), Command::AdvanceStep);
}

fn communication(world: &mut World) {
    let texts = BTreeMap::from([
        (Lang::Zh, "您的订单曾被篡改，现已恢复。".to_owned()),
        (
            Lang::En,
            "Your order was tampered with and is put right.".to_owned(),
        ),
    ]);
    let draft = Command::DraftNotice {
        kind: NoticeKind::User,
        texts,
        audience: 2,
    };
    world.done(&holder("head_cs"), draft);
    let notice = NoticeId::from("N-1");
    world.done(
        &holder("head_legal"),
        Command::ApproveNotice {
            notice: notice.clone(),
        },
    );
    world.done(
        &system(),
        Command::NoticeSent {
            notice,
            delivered: 2,
            failed: 0,
        },
    );
    world.tasks_done();
    world.done(&holder("ciso"), Command::AdvanceStep);
}

fn duties(world: &mut World) {
    world.done(
        &holder("head_legal"),
        Command::SetTriggerFacts {
            cii: Some(false),
            personal_information: Some(true),
            suspected_crime: Some(true),
            interested_parties: Some(true),
            unauthorised_payment: Some(false),
        },
    );
    let open: Vec<_> = clocks::clocks(world.plan, &world.incident, world.now)
        .into_iter()
        .filter(|c| !matches!(c.state, plan::clock::ClockState::NotApplicable { .. }))
        .map(|c| (c.clock.id.clone(), c.clock.anchor))
        .collect();
    assert!(!open.is_empty());
    for (clock, anchor) in open {
        if anchor == plan::Anchor::Handled {
            continue;
        }
        let file = Command::FileReport {
            clock,
            filed_at: world.now,
            channel: "12387".to_owned(),
            receipt: "no. 4711".to_owned(),
        };
        world.done(&holder("head_legal"), file);
    }
}

#[test]
fn an_incident_runs_through_the_six_steps_and_closes() {
    let mut world = World::new();
    first_assessment(&mut world);
    orders(&mut world);
    recovery(&mut world);
    communication(&mut world);
    assert_eq!(world.incident.step, StepId::P5);
    assert!(world.incident.watch.started_at.is_some());
    world.tasks_done();
    let early = world.refused(&holder("ciso"), Command::AdvanceStep);
    assert!(format!("{early:?}").contains("watched-quiet"), "{early:?}");
    world.later(i64::from(world.plan.watch_quiet_s));
    world.done(&holder("ciso"), Command::Handled);
    world.done(&holder("ciso"), Command::AdvanceStep);
    let hold = HoldId::from("H-1");
    world.done(&holder("ciso"), Command::LiftHold { hold });
    duties(&mut world);
    let lesson = Command::RecordLesson {
        text: "The file was writable for everybody".to_owned(),
        measures: vec![Measure {
            text: "take the right away".to_owned(),
            owner: PositionId::from("sysadmin"),
            due_at: world.now.plus_s(86_400),
        }],
    };
    world.done(&holder("ciso"), lesson);
    world.tasks_done();
    world.check();

    assert!(ClosedIncident::of(world.incident.clone()).is_err());
    world.done(&holder("cio"), Command::Close);
    world.check();
    let refusal = world.refused(&holder("cio"), Command::AdvanceStep);
    assert_eq!(refusal, Refusal::Closed);
    let closed = ClosedIncident::of(world.incident.clone()).unwrap();
    assert!(closed.incident().steps.iter().all(|s| s.left_at.is_some()));
    let kinds: Vec<&str> = world.effects.iter().map(|e| e.kind()).collect();
    let count = |kind| kinds.iter().filter(|k| **k == kind).count();
    expect![[r#"
        (
            4,
            1,
            1,
            1,
        )
    "#]]
    .assert_debug_eq(&(
        count("page"),
        count("hold"),
        count("lift_hold"),
        count("send_notice"),
    ));
}

#[test]
fn what_runs_from_the_end_of_the_handling_is_filed_after_closing() {
    let mut world = World::new();
    first_assessment(&mut world);
    let handled = world
        .plan
        .clocks
        .iter()
        .find(|c| c.anchor == plan::Anchor::Handled);
    let clock = handled.expect("the plan has the summary report").id.clone();
    world.incident.status = incident::Status::Closed {
        at: world.now,
        by: holder("cio"),
    };
    let file = Command::FileReport {
        clock,
        filed_at: world.now,
        channel: "web".to_owned(),
        receipt: "1".to_owned(),
    };
    world.done(&holder("head_legal"), file);
}

#[test]
fn closing_is_refused_with_the_whole_list() {
    let mut world = World::new();
    let batch = altered(&["17"], world.now);
    world.done(
        &system(),
        Command::AddFindings {
            batch,
            numbers: BTreeMap::new(),
        },
    );
    let order = Command::IssueOrder {
        to: Addressee::Position(PositionId::from("sysadmin")),
        text: "look".to_owned(),
        constraint: String::new(),
        due_at: world.now.plus_s(60),
    };
    world.done(&holder("cio"), order);
    let Refusal::Missing { missing } = world.refused(&holder("cio"), Command::Close) else {
        panic!("closing was refused for another reason");
    };
    let mut codes: Vec<(&str, usize)> = Vec::new();
    for item in &missing {
        match codes.iter_mut().find(|(c, _)| *c == item.code) {
            Some((_, n)) => *n += 1,
            None => codes.push((&item.code, 1)),
        }
    }
    expect![[r#"
        [
            (
                "step-open",
                5,
            ),
            (
                "lead-reached",
                2,
            ),
            (
                "grade-confirmed",
                1,
            ),
            (
                "task-open",
                3,
            ),
            (
                "order-answered",
                1,
            ),
            (
                "evidence-collected",
                1,
            ),
            (
                "loss-contained",
                1,
            ),
            (
                "data-recovered",
                1,
            ),
            (
                "audit-missing",
                1,
            ),
            (
                "users-told",
                1,
            ),
            (
                "watched-quiet",
                1,
            ),
            (
                "order-done",
                1,
            ),
            (
                "duty-undecided",
                7,
            ),
            (
                "duty-open",
                4,
            ),
            (
                "lessons",
                1,
            ),
            (
                "handling-ended",
                1,
            ),
        ]
    "#]]
    .assert_debug_eq(&codes);
}

#[test]
fn findings_that_keep_coming_make_one_line() {
    let mut world = World::new();
    // Four rows raise no level; from five on people would be called in between.
    let before = world.incident.timeline.len();
    for n in 0..4 {
        let mut batch = altered(&[&n.to_string()], world.now);
        batch.at_risk.clear();
        world.done(
            &system(),
            Command::AddFindings {
                batch,
                numbers: BTreeMap::new(),
            },
        );
        world.later(1);
    }
    let lines = &world.incident.timeline[before..];
    assert_eq!(lines.len(), 1);
    assert_eq!(
        lines[0].params[0],
        ("n".to_owned(), incident::Param::Number(4))
    );
    world.check();
}
