//! The checker on the built-in plan, whole and broken in every way that it knows.

use expect_test::{Expect, expect};
use model::{GroupId, Level, PositionId};
use plan::check::{Gap, GapCode, Severity};
use plan::{Act, Condition, Plan, TaskKind, Words, built_in};
use std::collections::{BTreeMap, BTreeSet};

type Holders = BTreeMap<PositionId, usize>;

fn staffed(plan: &Plan) -> Holders {
    let count = |several| if several { 2 } else { 1 };
    let positions = plan.positions.iter();
    positions
        .map(|p| (p.id.clone(), count(p.several)))
        .collect()
}

/// What is found in a broken plan and not in the whole one.
fn found(change: impl FnOnce(&mut Plan, &mut Holders)) -> Vec<Gap> {
    let (mut plan, mut holders) = (built_in::plan().clone(), staffed(built_in::plan()));
    let before = plan::check::check(&plan, &holders);
    change(&mut plan, &mut holders);
    let mut gaps = plan::check::check(&plan, &holders);
    gaps.retain(|gap| !before.contains(gap));
    gaps
}

fn check(change: impl FnOnce(&mut Plan, &mut Holders), expected: Expect) {
    let lines: Vec<String> = found(change)
        .iter()
        .map(|gap| format!("{} | {gap}", gap.code.code()))
        .collect();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn the_built_in_plan_has_notes_and_no_gaps() {
    let gaps = plan::check::check(built_in::plan(), &staffed(built_in::plan()));
    let lines: Vec<String> = gaps.iter().map(Gap::to_string).collect();
    expect![[r#"
        note: schemes.cn_cac_2025.grades.2.cii_main: the law's number needs legal confirmation
        note: schemes.cn_cac_2025.grades.2.cii_total: the law's number needs legal confirmation
        note: schemes.cn_cac_2025.grades.2.life: the law's number needs legal confirmation
        note: schemes.cn_cac_2025.grades.3.cii_main: the law's number needs legal confirmation
        note: schemes.cn_cac_2025.grades.3.cii_total: the law's number needs legal confirmation
        note: schemes.cn_cac_2025.grades.3.life: the law's number needs legal confirmation
        note: clocks.cn-cac-update (medium): the clock's facts need legal confirmation
        note: clocks.cn-cac-update-cii (medium): the clock's facts need legal confirmation
        note: clocks.cn-csl-44-pi (medium): the clock's facts need legal confirmation
        note: contacts.cac-province: the company's own contact is to be filled in
        note: contacts.cloud-provider: the company's own contact is to be filled in
        note: contacts.communications-administration: the company's own contact is to be filled in
        note: contacts.duty-line: the company's own contact is to be filled in
        note: contacts.forensics-expert: the company's own contact is to be filled in
        note: contacts.insurer: the company's own contact is to be filled in
        note: contacts.law-firm: the company's own contact is to be filled in
        note: contacts.logistics-provider: the company's own contact is to be filled in
        note: contacts.payment-provider: the company's own contact is to be filled in
        note: contacts.police-cyber: the company's own contact is to be filled in
        note: register.expert-forensics: the company's own contact is to be filled in
        note: register.expert-legal: the company's own contact is to be filled in
        note: approval.approved_on: this version is not approved yet"#]]
    .assert_eq(&lines.join("\n"));
    assert!(gaps.iter().all(|gap| gap.severity == Severity::Note));
}

#[test]
fn without_people_the_leads_come_first() {
    let gaps = plan::check::check(built_in::plan(), &Holders::new());
    let leads = gaps
        .iter()
        .filter(|gap| gap.code == GapCode::LeadWithoutHolder);
    assert_eq!(leads.count(), 4);
    let others = gaps
        .iter()
        .filter(|gap| gap.code == GapCode::PositionWithoutHolder);
    // Guests come when an incident needs them.
    assert_eq!(others.count(), built_in::plan().positions.len() - 5);
    let pairs = gaps.iter().filter(|gap| gap.code == GapCode::FourEyesByOne);
    assert_eq!(pairs.count(), Act::FOUR_EYES.len());
}

#[test]
fn groups_and_their_leads() {
    check(
        |plan, _| plan.groups[0].lead = PositionId::new(""),
        expect![[r#"
            group-without-lead | gap: groups.leading.lead: the group has no lead
            task-owner-outside-group | gap: steps.P1.tasks.p1-confirm-grade.owner (cio): the task's owner is not in the task's group
            task-owner-outside-group | gap: steps.P2.tasks.p2-first-brief.owner (cio): the task's owner is not in the task's group
            task-owner-outside-group | gap: steps.P2.tasks.p2-issue-orders.owner (cio): the task's owner is not in the task's group
            task-owner-outside-group | gap: steps.P6.tasks.p6-summary.owner (cio): the task's owner is not in the task's group"#]],
    );
    check(
        |_, holders| {
            holders.remove(&PositionId::new("head_legal"));
        },
        expect![[r#"
            lead-without-holder | gap: groups.legal.lead (head_legal): nobody holds the position that leads a group
            four-eyes-by-one | gap: authority.draft_notice (and approve_notice): no two people can do the two sides of the act"#]],
    );
    check(
        |_, holders| {
            holders.insert(PositionId::new("auditor"), 0);
        },
        expect!["position-without-holder | gap: positions.auditor: nobody holds the position"],
    );
    check(
        |plan, _| plan.positions[4].stand_ins.clear(),
        expect![
            "lead-without-stand-in | gap: groups.legal.lead (head_legal): nobody stands in for the lead of a group"
        ],
    );
    check(
        |plan, _| plan.positions[2].stand_ins.push("cio".into()),
        expect![[r#"
            stand-in-cycle | gap: positions.cio.stand_ins: stand-ins lead back to the position itself
            stand-in-cycle | gap: positions.ciso.stand_ins: stand-ins lead back to the position itself
            stand-in-cycle | gap: positions.head_support.stand_ins: stand-ins lead back to the position itself"#]],
    );
    check(
        |plan, _| plan.groups[2].deputy = Some("head_finance".into()),
        expect![
            "unknown-reference | gap: groups.legal.deputy (head_finance): it refers to something that the plan does not have"
        ],
    );
}

#[test]
fn steps_and_tasks() {
    check(
        |plan, _| drop(plan.steps.remove(1)),
        expect![[r#"
        step-missing | gap: steps.P2: the step is missing
        exit-never-met | gap: steps.P6.exit (OrdersDone): no required task up to this step can meet the exit condition"#]],
    );
    check(
        |plan, _| plan.steps[0].tasks.clear(),
        expect![[r#"
            step-without-task | gap: steps.P1.tasks: the step has no task
            task-after-unknown | gap: steps.P4.tasks.p4-public-statement.after (p1-confirm-grade): the task waits for a task that the plan does not have
            exit-never-met | gap: steps.P1.exit (GradeConfirmed): no required task up to this step can meet the exit condition"#]],
    );
    check(
        |plan, _| plan.steps[3].tasks[0].owner = "nobody".into(),
        expect![
            "task-unknown-owner | gap: steps.P4.tasks.p4-notify-users.owner (nobody): the task's owner is no position of the plan"
        ],
    );
    check(
        |plan, _| plan.steps[3].tasks[0].group = "nowhere".into(),
        expect![
            "task-unknown-group | gap: steps.P4.tasks.p4-notify-users.group (nowhere): the task's group is no group of the plan"
        ],
    );
    check(
        |plan, _| plan.steps[3].tasks[0].owner = "cio".into(),
        expect![
            "task-owner-outside-group | gap: steps.P4.tasks.p4-notify-users.owner (cio): the task's owner is not in the task's group"
        ],
    );
    check(
        |plan, _| plan.steps[3].tasks[0].target_s = 14_401,
        expect![
            "task-beyond-step | gap: steps.P4.tasks.p4-notify-users.target_s: the task's target lies beyond that of its step"
        ],
    );
    check(
        |plan, _| plan.steps[2].tasks[0].required = false,
        expect![
            "exit-never-met | gap: steps.P3.exit (EvidenceCollected): no required task up to this step can meet the exit condition"
        ],
    );
    check(
        |plan, _| plan.steps[1].exit.push(Condition::AuditClean),
        expect![
            "exit-never-met | gap: steps.P2.exit (AuditClean): no required task up to this step can meet the exit condition"
        ],
    );
    check(
        |plan, _| {
            let tasks = plan.steps.iter_mut().flat_map(|step| &mut step.tasks);
            for task in tasks.filter(|task| task.kind == TaskKind::ApplyRepair) {
                task.kind = TaskKind::Manual;
            }
        },
        expect![
            "exit-never-met | gap: steps.P3.exit (DataRecovered): no required task up to this step can meet the exit condition"
        ],
    );
}

#[test]
fn clocks_grades_and_levels() {
    check(
        |plan, _| plan.clocks[0].recipient = Words::default(),
        expect![[r#"
            clock-without-recipient | gap: clocks.cn-cac-general-4h.recipient: the clock names no recipient
            language-missing | gap: clocks.cn-cac-general-4h.recipient.en: the text is empty in this language
            language-missing | gap: clocks.cn-cac-general-4h.recipient.zh-CN: the text is empty in this language"#]],
    );
    check(
        |plan, _| plan.clocks[2].follows = None,
        expect![
            "clock-follows-nothing | gap: clocks.cn-cac-update.follows: the clock waits for a filing of no known clock"
        ],
    );
    check(
        |plan, _| plan.clocks[2].follows = Some("cn-cac-update".into()),
        expect![
            "clock-follows-nothing | gap: clocks.cn-cac-update.follows: the clock waits for a filing of no known clock"
        ],
    );
    check(
        |plan, _| plan.clocks[0].confidence = "low".into(),
        expect![
            "clock-unconfirmed | note: clocks.cn-cac-general-4h (low): the clock's facts need legal confirmation"
        ],
    );
    check(
        |plan, _| plan.schemes[0].grades[0].numeric[0].at_least = None,
        expect![
            "number-unconfirmed | note: schemes.cn_cac_2025.grades.1.persons: the law's number needs legal confirmation"
        ],
    );
    check(
        |plan, _| plan.schemes.clear(),
        expect!["scheme-missing | gap: schemes: no statutory grading table"],
    );
    check(
        |plan, _| drop(plan.risks.remove(2)),
        expect!["risk-missing | gap: risks.R3: the risk is not in the register"],
    );
    check(
        |plan, _| plan.levels[3].call_out.clear(),
        expect!["level-calls-nobody | gap: levels.4.call_out: the response level calls nobody"],
    );
    check(
        |plan, _| plan.levels[3].call_out = vec![GroupId::new("nowhere")],
        expect![[r#"
            level-calls-nobody | gap: levels.4.call_out: the response level calls nobody
            unknown-reference | gap: levels.4.call_out (nowhere): it refers to something that the plan does not have"#]],
    );
    check(
        |plan, _| drop(plan.levels.remove(0)),
        expect!["level-missing | gap: levels.1: the response level has no rule"],
    );
    check(
        |plan, _| plan.levels[2].stages.deputy_s = Some(0),
        expect![
            "call-time | gap: levels.3.stages.deputy: a call waits for an answer between 30 seconds and a day"
        ],
    );
    check(
        |plan, _| plan.own_criteria[0].level = Level(0),
        expect!["level-unknown | gap: own_criteria.rows-1.level: response levels are 1 to 4"],
    );
}

#[test]
fn authority() {
    let rule = |plan: &mut Plan, act: Act, positions: &[&str]| {
        let found = plan.authority.iter_mut().find(|rule| rule.act == act);
        found.unwrap().positions = positions.iter().map(|p| PositionId::new(*p)).collect();
    };
    check(
        |plan, _| plan.authority.retain(|rule| rule.act != Act::Close),
        expect!["act-without-position | gap: authority.close: no position may do the act"],
    );
    check(
        |plan, _| rule(plan, Act::ConfirmGrade, &[]),
        expect!["act-without-position | gap: authority.confirm_grade: no position may do the act"],
    );
    check(
        |plan, _| rule(plan, Act::Close, &["chairman"]),
        expect![
            "unknown-reference | gap: authority.close (chairman): it refers to something that the plan does not have"
        ],
    );
    let both = |plan: &mut Plan, position: &str| {
        rule(plan, Act::ProposeRepair, &[position]);
        rule(plan, Act::ApproveRepair, &[position]);
    };
    check(
        |plan, _| both(plan, "ciso"),
        expect![
            "four-eyes-by-one | gap: authority.propose_repair (and approve_repair): no two people can do the two sides of the act"
        ],
    );
    // Two engineers can check each other.
    check(|plan, _| both(plan, "security_engineer"), expect![""]);
    check(
        |plan, holders| {
            both(plan, "security_engineer");
            holders.insert(PositionId::new("security_engineer"), 1);
        },
        expect![
            "four-eyes-by-one | gap: authority.propose_repair (and approve_repair): no two people can do the two sides of the act"
        ],
    );
}

#[test]
fn texts_ids_and_approval() {
    check(
        |plan, _| plan.groups[0].duties[1].en = "  ".into(),
        expect![
            "language-missing | gap: groups.leading.duties.2.en: the text is empty in this language"
        ],
    );
    check(
        |plan, _| plan.texts.retain(|text| text.id != "user_notice"),
        expect!["text-missing | gap: texts.user_notice: the text is missing"],
    );
    check(
        |plan, _| plan.texts[0].body.en = "Come at once: {link}".into(),
        expect![
            "text-places-differ | gap: texts.call_out.body: the {places} of the two languages differ"
        ],
    );
    check(
        |plan, _| plan.positions.push(plan.positions[0].clone()),
        expect!["duplicate-id | gap: positions.cio: the id stands twice"],
    );
    check(
        |plan, _| plan.steps[1].tasks[0].id = plan.steps[0].tasks[0].id.clone(),
        expect![[r#"
            task-after-unknown | gap: steps.P2.tasks.p2-allocate-resources.after (p2-issue-orders): the task waits for a task that the plan does not have
            task-after-unknown | gap: steps.P2.tasks.p2-first-brief.after (p2-issue-orders): the task waits for a task that the plan does not have
            task-after-unknown | gap: steps.P2.tasks.p2-round-the-clock.after (p2-issue-orders): the task waits for a task that the plan does not have
            task-after-later | gap: steps.P1.tasks.p1-assess-scope.after (p1-receive-report): the task waits for a task of a later step
            duplicate-id | gap: steps.P2.tasks.p1-receive-report: the id stands twice"#]],
    );
    check(
        |plan, _| plan.contacts[2].reach = Words::new("【待填】", "[open]"),
        expect![
            "contact-to-fill-in | note: contacts.police-110: the company's own contact is to be filled in"
        ],
    );
    let mut approved = built_in::plan().clone();
    approved.approval.approved_on = Some("2026-11-22".into());
    let gaps = plan::check::check(&approved, &staffed(&approved));
    assert!(gaps.iter().all(|gap| gap.code != GapCode::NotApproved));
}

#[test]
fn the_register_is_whole_and_granted_by_somebody_who_may() {
    check(
        |plan, _| {
            plan.register[0].grantor = "auditor".into();
            plan.register[1].quantity = 0;
            plan.register[2].currency = Some("CNY".into());
            plan.register[4].currency = None;
            plan.register[5].expert = None;
        },
        expect![[r#"
            register-grantor | gap: register.standby-app-server.grantor (auditor): whoever grants the resource may not grant any
            register-entry | gap: register.expert-forensics: quantity, currency or terms do not fit the kind of resource
            register-entry | gap: register.forensic-workstation: quantity, currency or terms do not fit the kind of resource
            register-entry | gap: register.response-budget: quantity, currency or terms do not fit the kind of resource
            register-entry | gap: register.standby-database-server: quantity, currency or terms do not fit the kind of resource"#]],
    );
    check(
        |plan, _| plan.guests = None,
        expect![
            "guest-rules | gap: guests: experts are listed, and the rules for guests are not whole"
        ],
    );
    check(
        |plan, _| {
            let rule = plan
                .authority
                .iter_mut()
                .find(|r| r.act == Act::ReadEvidence);
            rule.unwrap().positions.push("outside_expert".into());
        },
        expect![
            "guest-may | gap: authority.read_evidence: the position of guests may do more than answer orders"
        ],
    );
}

fn task<'p>(plan: &'p mut Plan, id: &str) -> &'p mut plan::TaskTemplate {
    let tasks = plan.steps.iter_mut().flat_map(|s| &mut s.tasks);
    tasks.into_iter().find(|t| t.id == id).unwrap()
}

#[test]
fn tasks_wait_for_tasks_that_are_there_before_them() {
    check(
        |plan, _| {
            task(plan, "p1-receive-report").after = vec!["p1-assess-scope".into()];
            task(plan, "p2-issue-orders").after = vec!["no-such".into(), "p3-hold".into()];
            task(plan, "p5-harden").after = vec!["p5-outside-review".into()];
            task(plan, "p5-outside-review").from_grade = Some(model::Grade::EspeciallyMajor);
            task(plan, "p5-compensate").after = vec!["p5-compensate".into()];
        },
        expect![[r#"
            task-after-unknown | gap: steps.P2.tasks.p2-issue-orders.after (no-such): the task waits for a task that the plan does not have
            task-after-later | gap: steps.P2.tasks.p2-issue-orders.after (p3-hold): the task waits for a task of a later step
            task-after-other-grade | gap: steps.P5.tasks.p5-harden.after (p5-outside-review): the task waits for a task that is not there at each of its grades
            task-cycle | gap: steps.P1.tasks.p1-assess-scope.after: the tasks wait for one another
            task-cycle | gap: steps.P1.tasks.p1-receive-report.after: the tasks wait for one another
            task-cycle | gap: steps.P5.tasks.p5-compensate.after: the tasks wait for one another"#]],
    );
}

#[test]
fn every_code_has_a_name_of_its_own() {
    let codes: BTreeSet<String> = GapCode::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(codes.len(), GapCode::ALL.len());
    assert!(codes.contains("group-without-lead") && codes.contains("four-eyes-by-one"));
}
