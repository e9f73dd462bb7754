//! What each command makes and what it is refused for, as tables.

use crate::world::{World, altered, digest, holder, person, rows, system};
use expect_test::{Expect, expect};
use incident::bounds::{MAX_KEYS_PER_COMMAND, MAX_TEXT_CHARS};
use incident::communication::NoticeKind;
use incident::containment::RepairScope;
use incident::learning::{Measure, Topic};
use incident::people::Addressee;
use incident::rows::RowCounts;
use incident::{Command, Recorded, Refusal};
use model::{
    Actor, EvidenceId, Figure, Grade, GroupId, HoldId, Level, OrderId, PositionId, ProposalId,
    SourceName, TaskId,
};
use plan::grading::Figures;
use plan::{Lang, Metric};
use std::collections::BTreeMap;

/// The answer in one line a fact; what is the same in every fact is left out.
fn told(answer: &Result<Vec<Recorded>, Refusal>) -> String {
    match answer {
        Err(refusal) => format!("refused {}: {refusal}\n", refusal.code()),
        Ok(facts) => facts
            .iter()
            .map(|f| {
                let mut json = serde_json::to_value(&f.fact).unwrap();
                let name = json["fact"].take();
                let fields = json.as_object_mut().unwrap();
                fields.remove("fact");
                let name = name.as_str().unwrap().to_owned();
                match name.as_str() {
                    "step_entered" => format!("{name} {}\n", fields["step"]),
                    _ if fields.is_empty() => format!("{name}\n"),
                    _ => format!("{name} {}\n", serde_json::to_string(fields).unwrap()),
                }
            })
            .collect(),
    }
}

/// Gives commands one after another and compares all answers.
fn table(world: &mut World, rows: Vec<(&Actor, &str, Command)>, expected: &Expect) {
    let mut out = String::new();
    for (actor, reason, command) in rows {
        out.push_str(&told(&world.give(actor, reason, command)));
    }
    expected.assert_eq(&out);
    world.check();
}

fn figures(metric: Metric, figure: Figure) -> Command {
    let numbers = BTreeMap::from([(metric, figure)]);
    Command::SetFigures {
        figures: Figures {
            numbers,
            qualitative: vec![],
        },
    }
}

#[test]
fn an_opening_calls_the_leads_of_its_level() {
    let world = World::new();
    let calls: Vec<String> = world
        .incident
        .calls
        .iter()
        .map(|c| format!("{} {} {:?}", c.call.group, c.call.position, c.call.role))
        .collect();
    expect![[r#"
        [
            "leading cio Lead",
            "response ciso Lead",
        ]
    "#]]
    .assert_debug_eq(&calls);
    assert_eq!(world.effects.len(), calls.len());
    world.check();
}

#[test]
fn findings_raise_the_level_and_call_more_groups() {
    let mut world = World::new();
    let s = system();
    let cio = holder("cio");
    let batch = |world: &World| altered(&["1", "2"], world.now);
    let numbers = BTreeMap::from([(Metric::RowsTampered, Figure::known(1_000_000))]);
    let empty = incident::rows::FindingsBatch::default();
    let keys: Vec<String> = (0..=MAX_KEYS_PER_COMMAND).map(|k| k.to_string()).collect();
    let too_many = altered(
        &keys.iter().map(String::as_str).collect::<Vec<_>>(),
        world.now,
    );
    let one = batch(&world);
    let asks = vec![
        (
            &cio,
            "",
            Command::AddFindings {
                batch: one.clone(),
                numbers: BTreeMap::new(),
            },
        ),
        (
            &s,
            "",
            Command::AddFindings {
                batch: empty,
                numbers: BTreeMap::new(),
            },
        ),
        (
            &s,
            "",
            Command::AddFindings {
                batch: too_many,
                numbers: BTreeMap::new(),
            },
        ),
        (
            &s,
            "",
            Command::AddFindings {
                batch: one.clone(),
                numbers: BTreeMap::new(),
            },
        ),
        (
            &s,
            "",
            Command::AddFindings {
                batch: one,
                numbers,
            },
        ),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
            refused system-only: only the program itself does this
            refused bad: `findings` is not acceptable: empty
            refused bound: the bound of keys (1000) is reached
            findings_added {"batch":{"at_risk":[{"amount_minor":120000,"currency":"CNY"}],"by_kind":[["altered",2]],"first_seen_at":"2026-11-22T08:00:00.000000Z","last_seen_at":"2026-11-22T08:00:00.000000Z","ongoing":true,"rows":[["altered",{"keys":["1","2"],"source":"shop","table":"orders"}]],"subjects":["subject-1","subject-2"]}}
            figures_set {"by_person":false,"figures":{"numbers":{"money_at_risk_cny":{"certainty":"known","value":1200},"rows_tampered":{"certainty":"known","value":2},"users_affected":{"certainty":"known","value":2}},"qualitative":[]}}
            findings_added {"batch":{"at_risk":[{"amount_minor":120000,"currency":"CNY"}],"by_kind":[["altered",2]],"first_seen_at":"2026-11-22T08:00:00.000000Z","last_seen_at":"2026-11-22T08:00:00.000000Z","ongoing":true,"rows":[["altered",{"keys":["1","2"],"source":"shop","table":"orders"}]],"subjects":["subject-1","subject-2"]}}
            figures_set {"by_person":false,"figures":{"numbers":{"money_at_risk_cny":{"certainty":"known","value":2400},"rows_tampered":{"certainty":"known","value":1000000}},"qualitative":[]}}
            assessed {"assessment":{"grade":"general","level":2,"matched":[],"open":[{"criterion":"persons","grade":"especially_major","why":"unknown"},{"criterion":"loss","grade":"especially_major","why":"unknown"},{"criterion":"life","grade":"especially_major","why":"unknown"},{"criterion":"cii_total","grade":"especially_major","why":"unknown"},{"criterion":"cii_main","grade":"especially_major","why":"unknown"},{"criterion":"persons","grade":"major","why":"unknown"},{"criterion":"loss","grade":"major","why":"unknown"},{"criterion":"life","grade":"major","why":"unknown"},{"criterion":"cii_total","grade":"major","why":"number_unconfirmed"},{"criterion":"cii_main","grade":"major","why":"number_unconfirmed"},{"criterion":"persons","grade":"relatively_major","why":"unknown"},{"criterion":"loss","grade":"relatively_major","why":"unknown"},{"criterion":"life","grade":"relatively_major","why":"number_unconfirmed"},{"criterion":"cii_total","grade":"relatively_major","why":"unknown"},{"criterion":"cii_main","grade":"relatively_major","why":"unknown"}],"raised_by":["rows-500"],"scheme":"cn_cac_2025"},"level":2}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"leading","number":3,"position":"ciso","reason":"level","role":"deputy"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"leading","number":4,"position":"head_support","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"leading","number":5,"position":"head_cs","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"leading","number":6,"position":"head_legal","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"leading","number":7,"position":"head_marketing","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"response","number":8,"position":"head_support","reason":"level","role":"deputy"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"response","number":9,"position":"security_engineer","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"response","number":10,"position":"sysadmin","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"response","number":11,"position":"cs_agent","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"legal","number":12,"position":"head_legal","reason":"level","role":"lead"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"legal","number":13,"position":"legal_counsel","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"legal","number":14,"position":"compliance_officer","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"communication","number":15,"position":"head_cs","reason":"level","role":"lead"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"communication","number":16,"position":"cs_agent","reason":"level","role":"member"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"communication","number":17,"position":"marketing_specialist","reason":"level","role":"member"}}
        "#]],
    );
    assert_eq!(world.incident.findings.counts.altered, 2);
}

#[test]
fn figures_and_grades() {
    let mut world = World::new();
    let (cio, agent) = (holder("cio"), holder("marketing_specialist"));
    let confirm = |grade, level| Command::ConfirmGrade { grade, level };
    let asks = vec![
        (&agent, "", figures(Metric::DirectLossCny, Figure::known(1))),
        (
            &cio,
            "",
            figures(Metric::DirectLossCny, Figure::Estimated { low: 2, high: 1 }),
        ),
        (&cio, "", confirm(Grade::General, Some(Level(3)))),
        (&cio, "", confirm(Grade::Major, Some(Level(4)))),
        (&cio, "", confirm(Grade::General, None)),
        (&cio, "", confirm(Grade::General, None)),
        (
            &cio,
            "",
            figures(Metric::DirectLossCny, Figure::known(5_000_000)),
        ),
        (&cio, "", confirm(Grade::RelativelyMajor, None)),
        (&cio, "more was lost", confirm(Grade::RelativelyMajor, None)),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
            refused not-allowed: the plan does not give `record_impact` to the positions held
            refused bad: `figures` is not acceptable: number
            refused reason-needed: a reason is needed
            refused bad: `level` is not acceptable: below-statutory
            grade_confirmed {"clock_changes":[],"grade":"general","level":4,"matched":[],"proposed_grade":"general","proposed_level":4}
            task_completed {"by_itself":true,"note":"","task":"p1-confirm-grade"}
            refused conflict: grade conflicts with what stands: unchanged
            figures_set {"by_person":true,"figures":{"numbers":{"direct_loss_cny":{"certainty":"known","value":5000000}},"qualitative":[]}}
            assessed {"assessment":{"grade":"relatively_major","level":3,"matched":[["relatively_major","loss"]],"open":[{"criterion":"persons","grade":"especially_major","why":"unknown"},{"criterion":"life","grade":"especially_major","why":"unknown"},{"criterion":"cii_total","grade":"especially_major","why":"unknown"},{"criterion":"cii_main","grade":"especially_major","why":"unknown"},{"criterion":"persons","grade":"major","why":"unknown"},{"criterion":"life","grade":"major","why":"unknown"},{"criterion":"cii_total","grade":"major","why":"number_unconfirmed"},{"criterion":"cii_main","grade":"major","why":"number_unconfirmed"}],"raised_by":[],"scheme":"cn_cac_2025"},"level":3}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"legal","number":3,"position":"head_legal","reason":"level","role":"lead"}}
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:05:00.000000Z","group":"communication","number":4,"position":"head_cs","reason":"level","role":"lead"}}
            refused reason-needed: a reason is needed
            grade_confirmed {"clock_changes":[],"grade":"relatively_major","level":3,"matched":[["relatively_major","loss"]],"proposed_grade":"relatively_major","proposed_level":3}
        "#]],
    );
    assert_eq!(world.incident.grades.len(), 2);
    assert!(world.incident.anchors.classified.is_some());
}

#[test]
fn what_is_known_of_the_law_s_facts() {
    let mut world = World::new();
    let cio = holder("cio");
    let facts = |cii| Command::SetTriggerFacts {
        cii,
        personal_information: None,
        suspected_crime: None,
        interested_parties: None,
        unauthorised_payment: None,
    };
    let (now, tomorrow) = (world.now, world.now.plus_s(86_400));
    let anchors = |occurred, discovered| Command::SetAnchors {
        occurred,
        discovered,
    };
    let clock = world.plan.clocks[0].id.clone();
    let file = |filed_at| Command::FileReport {
        clock: clock.clone(),
        filed_at,
        channel: "12387".to_owned(),
        receipt: "7".to_owned(),
    };
    let waive = Command::WaiveDuty {
        clock: clock.clone(),
    };
    let strange = Command::WaiveDuty {
        clock: "no-such".into(),
    };
    let asks = vec![
        (&cio, "", facts(None)),
        (&cio, "", facts(Some(true))),
        (&cio, "", facts(Some(false))),
        (&cio, "a mistake", facts(Some(false))),
        (&cio, "", anchors(Some(tomorrow), None)),
        (&cio, "", anchors(None, Some(now.plus_s(-60)))),
        (
            &cio,
            "a log was found",
            anchors(None, Some(now.plus_s(-60))),
        ),
        (&cio, "", anchors(Some(now), None)),
        (&cio, "", file(tomorrow)),
        (&cio, "", file(now)),
        (&cio, "not owed", waive),
        (&cio, "", strange),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
        refused conflict: facts conflicts with what stands: unchanged
        trigger_facts_set {"cii":true,"interested_parties":null,"personal_information":null,"suspected_crime":null,"unauthorised_payment":null}
        refused reason-needed: a reason is needed
        trigger_facts_set {"cii":false,"interested_parties":null,"personal_information":null,"suspected_crime":null,"unauthorised_payment":null}
        refused bad: `time` is not acceptable: time
        refused reason-needed: a reason is needed
        anchors_set {"discovered":"2026-11-22T07:59:00.000000Z","occurred":null}
        refused bad: `time` is not acceptable: time
        refused bad: `filed-at` is not acceptable: time
        report_filed {"channel":"12387","clock":"cn-cac-general-4h","filed_at":"2026-11-22T08:00:00.000000Z","receipt":"7"}
        refused wrong-state: duty is `filed`, which does not allow this
        refused bad: `clock` is not acceptable: not-in-plan
    "#]],
    );
}

#[test]
fn calls_are_answered_or_go_on() {
    let mut world = World::new();
    let (s, cio, engineer) = (system(), holder("cio"), holder("security_engineer"));
    let (support, ciso) = (holder("head_support"), holder("ciso"));
    let asks = vec![
        (&engineer, "", Command::Acknowledge { call: 1 }),
        (&s, "", Command::Escalate { call: 1 }),
        (&ciso, "", Command::RefuseCall { call: 2 }),
        (&ciso, "on leave", Command::RefuseCall { call: 2 }),
        (&cio, "", Command::Acknowledge { call: 99 }),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
            refused not-addressed: this call is addressed to somebody else
            refused conflict: call conflicts with what stands: too-early
            refused reason-needed: a reason is needed
            call_refused {"call":2}
            called_out {"call":{"acting_for":"ciso","attempt":1,"due_at":"2026-11-22T08:10:00.000000Z","group":"response","number":3,"position":"head_support","reason":"refused","role":"deputy"}}
            refused unknown: there is no call `99` in this incident
        "#]],
    );
    world.later(601);
    let asks = vec![
        (&s, "", Command::Escalate { call: 1 }),
        (&s, "", Command::Escalate { call: 1 }),
        (&support, "", Command::Acknowledge { call: 3 }),
        (&s, "", Command::Escalate { call: 3 }),
        (&cio, "", Command::Acknowledge { call: 1 }),
        (
            &cio,
            "",
            Command::CallOut {
                to: Addressee::Group(GroupId::from("no-such")),
            },
        ),
        (
            &cio,
            "",
            Command::CallOut {
                to: Addressee::Position(PositionId::from("legal_counsel")),
            },
        ),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
            call_escalated {"call":1,"to":4}
            called_out {"call":{"acting_for":"cio","attempt":1,"due_at":"2026-11-22T08:20:01.000000Z","group":"leading","number":4,"position":"ciso","reason":"unanswered","role":"deputy"}}
            refused wrong-state: call is `escalated`, which does not allow this
            call_acknowledged {"call":3}
            refused wrong-state: call is `acknowledged`, which does not allow this
            call_acknowledged {"call":1}
            refused bad: `to` is not acceptable: not-in-plan
            called_out {"call":{"acting_for":null,"attempt":1,"due_at":"2026-11-22T08:20:01.000000Z","group":"legal","number":5,"position":"legal_counsel","reason":"manual","role":"member"}}
        "#]],
    );
}

#[test]
fn orders() {
    let mut world = World::new();
    let (cio, admin, lawyer) = (holder("cio"), holder("sysadmin"), holder("legal_counsel"));
    let due = world.now.plus_s(60);
    let issue = |to: &str, text: &str, due_at| Command::IssueOrder {
        to: Addressee::Position(PositionId::from(to)),
        text: text.to_owned(),
        constraint: String::new(),
        due_at,
    };
    let order = || OrderId::from("O-1");
    let accept = || Command::AcceptOrder {
        seen: None,
        order: order(),
    };
    let complete = |result: &str| Command::CompleteOrder {
        order: order(),
        result: result.into(),
    };
    let long = "x".repeat(MAX_TEXT_CHARS + 1);
    let asks = vec![
        (&admin, "", issue("sysadmin", "look", due)),
        (&cio, "", issue("nobody", "look", due)),
        (&cio, "", issue("sysadmin", " ", due)),
        (&cio, "", issue("sysadmin", &long, due)),
        (&cio, "", issue("sysadmin", "look", world.now)),
        (&cio, "", issue("sysadmin", "look", due)),
        (&lawyer, "", accept()),
        (&admin, "", complete("done")),
        (&admin, "", accept()),
        (&admin, "", accept()),
        (&admin, "late", Command::RefuseOrder { order: order() }),
        (&cio, "", Command::WithdrawOrder { order: order() }),
        (&admin, "", complete("done")),
        (&cio, "no more", Command::WithdrawOrder { order: order() }),
        (
            &admin,
            "",
            Command::AcceptOrder {
                seen: None,
                order: OrderId::from("O-2"),
            },
        ),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
        refused not-allowed: the plan does not give `issue_order` to the positions held
        refused bad: `to` is not acceptable: not-in-plan
        refused bad: `text` is not acceptable: empty
        refused bad: `text` is not acceptable: too-long
        refused bad: `due` is not acceptable: time
        order_issued {"constraint":"","due_at":"2026-11-22T08:01:00.000000Z","number":1,"order":"O-1","text":"look","to":{"id":"sysadmin","kind":"position"}}
        refused not-addressed: this order is addressed to somebody else
        refused wrong-state: order is `issued`, which does not allow this
        order_accepted {"order":"O-1"}
        refused wrong-state: order is `accepted`, which does not allow this
        refused wrong-state: order is `accepted`, which does not allow this
        refused reason-needed: a reason is needed
        order_completed {"order":"O-1","result":"done"}
        refused wrong-state: order is `done`, which does not allow this
        refused unknown: there is no order `O-2` in this incident
    "#]],
    );
}

#[test]
fn tasks_and_steps() {
    let mut world = World::new();
    let (cio, engineer) = (holder("cio"), holder("security_engineer"));
    let task = |id: &str| TaskId::from(id);
    let asks = vec![
        (
            &engineer,
            "",
            Command::CompleteTask {
                task: task("no-such"),
                note: String::new(),
            },
        ),
        (
            &engineer,
            "",
            Command::CompleteTask {
                task: task("p1-receive-report"),
                note: "F-01".to_owned(),
            },
        ),
        (
            &engineer,
            "",
            Command::CompleteTask {
                task: task("p1-receive-report"),
                note: String::new(),
            },
        ),
        (
            &engineer,
            "why",
            Command::WaiveTask {
                task: task("p1-assess-scope"),
            },
        ),
        (
            &cio,
            "",
            Command::WaiveTask {
                task: task("p1-assess-scope"),
            },
        ),
        (
            &cio,
            "known already",
            Command::WaiveTask {
                task: task("p1-assess-scope"),
            },
        ),
        (&engineer, "", Command::AdvanceStep),
        (&cio, "", Command::AdvanceStep),
        (&cio, "", Command::Handled),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
        refused unknown: there is no task `no-such` in this incident
        task_completed {"by_itself":false,"note":"F-01","task":"p1-receive-report"}
        refused wrong-state: task is `done`, which does not allow this
        refused not-allowed: the plan does not give `advance_step` to the positions held
        refused reason-needed: a reason is needed
        task_waived {"task":"p1-assess-scope"}
        refused not-allowed: the plan does not give `advance_step` to the positions held
        refused missing: 4 conditions are not met
        refused missing: 1 conditions are not met
    "#]],
    );
}

#[test]
fn evidence_notices_and_records() {
    let mut world = World::new();
    let (cio, legal, cs) = (holder("cio"), holder("head_legal"), holder("head_cs"));
    let auditor = person("x", &["auditor"]);
    let evidence = EvidenceId::from("E-1");
    let transfer = Command::TransferEvidence {
        evidence,
        to: "police".to_owned(),
        purpose: "case".to_owned(),
        sha256: digest(),
    };
    let draft = |texts| Command::DraftNotice {
        kind: NoticeKind::User,
        texts,
        audience: 3,
    };
    let text = BTreeMap::from([(Lang::Zh, "通知".to_owned())]);
    let decide = |topic| Command::RecordDecision {
        topic,
        text: "so".to_owned(),
    };
    let measure = |owner: &str| {
        let (owner, due_at) = (PositionId::from(owner), world.now.plus_s(9));
        let measures = vec![Measure {
            text: "mend".to_owned(),
            owner,
            due_at,
        }];
        Command::RecordLesson {
            text: "learnt".to_owned(),
            measures,
        }
    };
    let asks = vec![
        (&legal, "", transfer),
        (&cs, "", draft(BTreeMap::new())),
        (&cs, "", draft(text)),
        (
            &legal,
            "",
            Command::RejectNotice {
                notice: "N-1".into(),
            },
        ),
        (
            &legal,
            "too vague",
            Command::RejectNotice {
                notice: "N-1".into(),
            },
        ),
        (
            &legal,
            "",
            Command::ApproveNotice {
                notice: "N-1".into(),
            },
        ),
        (&legal, "", decide(Topic::AcceptOpenRows)),
        (
            &cio,
            "",
            decide(Topic::AcceptRows {
                rows: rows(&["404"]),
            }),
        ),
        (&cio, "", decide(Topic::NoHold)),
        (&cio, "", measure("nobody")),
        (&cio, "", measure("sysadmin")),
        (&cio, "", Command::SendBrief),
        (&auditor, "", Command::SendBrief),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
            refused unknown: there is no evidence `E-1` in this incident
            refused bad: `text` is not acceptable: empty
            notice_drafted {"audience":3,"kind":"user","notice":"N-1","texts":{"zh-CN":"通知"}}
            refused reason-needed: a reason is needed
            notice_rejected {"notice":"N-1"}
            refused wrong-state: notice is `rejected`, which does not allow this
            refused not-allowed: the plan does not give `accept_unwitnessed` to the positions held
            refused unknown: there is no row `orders 404` in this incident
            decision_recorded {"number":1,"text":"so","topic":{"topic":"no_hold"}}
            refused bad: `owner` is not acceptable: not-in-plan
            lesson_recorded {"measures":[{"due_at":"2026-11-22T08:00:09.000000Z","owner":"sysadmin","text":"mend"}],"number":1,"text":"learnt"}
            brief_sent {"kept":{"digest":"3c340cde9b868e03e1f9248c797c5c81af3d1de8693ffa13fcde274a71a7ce98","text":"{\"at\":\"2026-11-22T08:00:00.000000Z\",\"code_name\":\"Lantern\",\"exercise\":false,\"elapsed_s\":0,\"risk\":\"R2\",\"grade\":\"general\",\"level\":4,\"confirmed\":null,\"step\":\"P1\",\"closed\":false,\"five\":[{\"key\":\"what\",\"params\":[[\"since\",{\"kind\":\"time\",\"value\":\"2026-11-22T08:00:00.000000Z\"}],[\"altered\",{\"kind\":\"number\",\"value\":0}],[\"forged\",{\"kind\":\"number\",\"value\":0}],[\"deleted\",{\"kind\":\"number\",\"value\":0}]]},{\"key\":\"grade-proposed\",\"params\":[[\"grade\",{\"kind\":\"grade\",\"value\":\"general\"}],[\"level\",{\"kind\":\"level\",\"value\":4}]]},{\"key\":\"here\",\"params\":[[\"step\",{\"kind\":\"step\",\"value\":\"P1\"}],[\"open\",{\"kind\":\"number\",\"value\":0}],[\"overdue\",{\"kind\":\"number\",\"value\":0}]]},{\"key\":\"no-deadline\",\"params\":[]},{\"key\":\"next\",\"params\":[[\"n\",{\"kind\":\"number\",\"value\":6}],[\"step\",{\"kind\":\"step\",\"value\":\"P2\"}]]}],\"found\":{\"altered\":0,\"forged\":0,\"deleted\":0},\"still_open\":{\"altered\":0,\"forged\":0,\"deleted\":0},\"damage\":{\"at_risk\":[],\"orders\":{\"certainty\":\"unknown\"},\"persons\":{\"certainty\":\"known\",\"value\":0},\"impact\":{\"orders\":{\"certainty\":\"unknown\"},\"persons\":{\"certainty\":\"unknown\"},\"money\":{},\"figures_at\":null,\"note\":\"\"}},\"active_holds\":0,\"repaired\":{\"altered\":0,\"forged\":0,\"deleted\":0},\"ongoing\":false,\"orders\":[],\"more_orders\":0,\"decisions\":[{\"text\":\"so\",\"by\":{\"kind\":\"person\",\"account\":\"cio\",\"name\":\"cio\",\"positions\":[\"cio\"]},\"at\":\"2026-11-22T08:00:00.000000Z\"}],\"deadlines\":[],\"missing\":[{\"code\":\"lead-reached\",\"params\":[[\"group\",{\"kind\":\"group\",\"value\":\"leading\"}]]},{\"code\":\"lead-reached\",\"params\":[[\"group\",{\"kind\":\"group\",\"value\":\"response\"}]]},{\"code\":\"grade-confirmed\",\"params\":[]},{\"code\":\"task-open\",\"params\":[[\"task\",{\"kind\":\"task\",\"value\":\"p1-receive-report\"}]]},{\"code\":\"task-open\",\"params\":[[\"task\",{\"kind\":\"task\",\"value\":\"p1-assess-scope\"}]]},{\"code\":\"task-open\",\"params\":[[\"task\",{\"kind\":\"task\",\"value\":\"p1-confirm-grade\"}]]}]}"},"number":1}
            refused not-allowed: the plan does not give `record_decision` to the positions held
        "#]],
    );
}

#[test]
fn holds_and_repairs() {
    let mut world = World::new();
    let (s, engineer, ciso) = (system(), holder("security_engineer"), holder("ciso"));
    let until = world.now.plus_s(60);
    let hold = || HoldId::from("H-1");
    let propose = |id: &str, counts| Command::ProposeRepair {
        proposal: ProposalId::from(id),
        digest: digest(),
        source: SourceName::from("shop"),
        scope: RepairScope::AllOpen,
        counts,
        made_at: until,
    };
    let two = RowCounts {
        forged: 2,
        ..RowCounts::default()
    };
    let approve = |id: &str| Command::ApproveRepair {
        proposal: id.into(),
        digest: digest(),
    };
    let asks = vec![
        (
            &engineer,
            "",
            Command::ProposeHold {
                rows: rows(&["1"]),
                until,
            },
        ),
        (
            &engineer,
            "why",
            Command::ProposeHold {
                rows: rows(&[]),
                until,
            },
        ),
        (
            &engineer,
            "why",
            Command::ProposeHold {
                rows: rows(&["1"]),
                until: world.now,
            },
        ),
        (
            &engineer,
            "why",
            Command::ProposeHold {
                rows: rows(&["1"]),
                until,
            },
        ),
        (&ciso, "", Command::LiftHold { hold: hold() }),
        (&ciso, "", Command::ApproveHold { hold: hold() }),
        (&s, "", Command::ExpireHold { hold: hold() }),
        (&ciso, "", Command::LiftHold { hold: hold() }),
        (&ciso, "all right", Command::LiftHold { hold: hold() }),
        (&engineer, "", propose("p-1", RowCounts::default())),
        (&engineer, "", propose("p-1", two)),
        (&engineer, "", propose("p-1", two)),
        (&engineer, "", propose("p-2", two)),
        (&ciso, "", approve("p-1")),
        (&ciso, "", approve("p-2")),
        (&engineer, "", propose("p-3", two)),
        (
            &s,
            "",
            Command::RepairFailed {
                proposal: "p-2".into(),
                why: "locked".to_owned(),
            },
        ),
        (
            &s,
            "",
            Command::RepairApplied {
                proposal: "p-2".into(),
                repaired: two,
            },
        ),
    ];
    table(
        &mut world,
        asks,
        &expect![[r#"
        refused reason-needed: a reason is needed
        refused bad: `rows` is not acceptable: empty
        refused bad: `until` is not acceptable: time
        hold_proposed {"hold":"H-1","rows":[{"keys":["1"],"source":"shop","table":"orders"}],"until":"2026-11-22T08:01:00.000000Z"}
        refused wrong-state: hold is `proposed`, which does not allow this
        hold_approved {"hold":"H-1"}
        refused conflict: hold conflicts with what stands: too-early
        refused reason-needed: a reason is needed
        hold_lifted {"hold":"H-1"}
        refused bad: `rows` is not acceptable: empty
        repair_proposed {"counts":{"altered":0,"deleted":0,"forged":2},"digest":"2b3c2178189703af158c1f160abb5719380dc3a5c190310a53fce8bdc38ffd45","made_at":"2026-11-22T08:01:00.000000Z","proposal":"p-1","scope":{"scope":"all_open"},"source":"shop","supersedes":[]}
        refused conflict: repair conflicts with what stands: taken
        repair_proposed {"counts":{"altered":0,"deleted":0,"forged":2},"digest":"2b3c2178189703af158c1f160abb5719380dc3a5c190310a53fce8bdc38ffd45","made_at":"2026-11-22T08:01:00.000000Z","proposal":"p-2","scope":{"scope":"all_open"},"source":"shop","supersedes":["p-1"]}
        refused wrong-state: repair is `superseded`, which does not allow this
        repair_approved {"digest":"2b3c2178189703af158c1f160abb5719380dc3a5c190310a53fce8bdc38ffd45","proposal":"p-2"}
        refused conflict: repair conflicts with what stands: underway
        repair_failed {"proposal":"p-2","why":"locked"}
        refused wrong-state: repair is `failed`, which does not allow this
    "#]],
    );
}
