//! Monitoring, the six steps, reports and notices, what comes after, means, training, evaluation.

use super::writer::Writer;
use plan::StatutoryClock;

pub(super) fn monitoring(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-monitoring");
    out.section("plan-monitoring-sources");
    let rows = plan.risks.iter().map(|risk| {
        let sources = risk.detected_by.iter().map(|text| out.of(text)).collect();
        vec![
            format!("{} {}", risk.risk.code(), out.of(&risk.title)),
            out.listed(sources),
        ]
    });
    let rows = rows.collect();
    out.table(&["plan-risk", "plan-detected-by"], rows);
    out.section("plan-anyone-reports");
    out.note("plan-anyone-reports-text");
    out.section("plan-warnings");
    out.note("plan-warnings-text");
}

pub(super) fn response(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-response");
    out.note("plan-response-note");
    for step in &plan.steps {
        out.section_titled(&format!("{} {}", step.id.code(), out.of(&step.title)));
        out.paragraph(out.of(&step.purpose));
        let conditions = |list: &[plan::Condition]| {
            let names = list.iter().map(|c| out.named("plan-condition", c));
            out.listed(names.collect())
        };
        out.facts(vec![
            ("plan-target", out.duration(step.target_s)),
            ("plan-entry", conditions(&step.entry)),
            ("plan-exit", conditions(&step.exit)),
        ]);
        let rows = step.tasks.iter().map(|task| {
            vec![
                out.of(&task.title),
                out.of(&task.detail),
                out.group(&task.group),
                out.position(&task.owner),
                out.duration(task.target_s),
                out.yes_no(task.required),
                out.waits(task),
            ]
        });
        let rows = rows.collect();
        let head = [
            "plan-task",
            "plan-detail",
            "plan-group",
            "plan-owner",
            "plan-target",
            "plan-required",
            "plan-task-waits",
        ];
        out.table(&head, rows);
    }
}

pub(super) fn reports(out: &mut Writer<'_>) {
    out.chapter("plan-reports");
    out.section("plan-internal-reports");
    out.note("plan-internal-reports-text");
    out.section("plan-deadlines");
    out.note("plan-deadlines-note");
    clock_table(out, StatutoryClock::has_deadline);
    out.section("plan-law-duties");
    out.note("plan-law-duties-note");
    clock_table(out, |clock| !clock.has_deadline());
    out.section("plan-user-notices");
    out.note("plan-user-notices-text");
    out.section("plan-press");
    out.note("plan-press-text");
}

fn clock_table(out: &mut Writer<'_>, wanted: impl Fn(&StatutoryClock) -> bool) {
    let plan = out.plan;
    let clocks = plan.clocks.iter().filter(|clock| wanted(clock));
    let rows = clocks.map(|clock| {
        vec![
            out.of(&clock.title),
            out.trigger(&clock.trigger),
            out.named("plan-anchor", clock.anchor),
            out.deadline(clock),
            out.of(&clock.recipient),
        ]
    });
    let rows = rows.collect();
    let head = [
        "plan-clock",
        "plan-applies",
        "plan-starts",
        "plan-due",
        "plan-recipient",
    ];
    out.table(&head, rows);
}

pub(super) fn after(out: &mut Writer<'_>) {
    out.chapter("plan-after");
    let sections = [
        ("plan-after-end", "plan-after-end-text"),
        ("plan-after-analysis", "plan-after-analysis-text"),
        ("plan-after-summary", "plan-after-summary-text"),
        ("plan-after-compensation", "plan-after-compensation-text"),
        ("plan-after-improvement", "plan-after-improvement-text"),
    ];
    for (title, text) in sections {
        out.section(title);
        out.note(text);
    }
}

pub(super) fn resources(out: &mut Writer<'_>) {
    out.chapter("plan-resources");
    let kinds = ["security_tool", "communication", "backup", "training"];
    for kind in kinds {
        out.section(&format!("plan-resource-{}", kind.replace('_', "-")));
        resource_table(out, |other| other == kind);
    }
    let plan = out.plan;
    if plan
        .resources
        .iter()
        .any(|r| !kinds.contains(&r.kind.as_str()))
    {
        out.section("plan-resource-other");
        resource_table(out, |other| !kinds.contains(&other));
    }
    out.section("plan-resource-register");
    out.note("plan-resource-register-text");
    super::register::write(out);
}

fn resource_table(out: &mut Writer<'_>, wanted: impl Fn(&str) -> bool) {
    let plan = out.plan;
    let resources = plan.resources.iter().filter(|r| wanted(&r.kind));
    let rows =
        resources.map(|r| vec![out.of(&r.title), out.of(&r.purpose), out.position(&r.owner)]);
    let rows = rows.collect();
    out.table(&["plan-resource", "plan-use", "plan-owner"], rows);
}

pub(super) fn training(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-training");
    let resources = plan.resources.iter().filter(|r| r.kind == "training");
    for resource in resources {
        out.section_titled(&out.of(&resource.title));
        out.paragraph(out.of(&resource.purpose));
    }
    out.section("plan-exercise-rules");
    out.note("plan-exercise-rules-text");
}

pub(super) fn evaluation(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-evaluation");
    let rows = plan.evaluation.iter().map(|rule| {
        let when = match rule.every_months {
            Some(months) => out.with("plan-every-months", &[("n", months.into())]),
            None => out.word("plan-after-each-event"),
        };
        vec![
            out.of(&rule.title),
            out.of(&rule.rule),
            when,
            out.position(&rule.owner),
        ]
    });
    let rows = rows.collect();
    let head = [
        "plan-evaluation-item",
        "plan-rule",
        "plan-when",
        "plan-owner",
    ];
    out.table(&head, rows);
    out.section("plan-revision");
    out.note("plan-revision-text");
}

pub(super) fn closing(out: &mut Writer<'_>) {
    out.chapter("plan-final");
    let values = [
        ("position", out.position(&out.plan.approval.by).into()),
        ("date", out.plan.effective_from.clone().into()),
    ];
    out.paragraph(out.with("plan-final-text", &values));
}
