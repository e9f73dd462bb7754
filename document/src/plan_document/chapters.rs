//! Cover, general part, objectives, risks, grades, organisation.

use super::writer::Writer;
use plan::{Plan, Words};

pub(super) fn cover(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.title(out.of(&plan.title));
    let approved = plan.approval.approved_on.clone();
    let approved = approved.unwrap_or_else(|| out.word("plan-not-approved"));
    out.facts(vec![
        ("plan-version", plan.version.clone()),
        ("plan-effective-from", plan.effective_from.clone()),
        ("plan-approved-by", out.position(&plan.approval.by)),
        ("plan-approved-on", approved),
        (
            "plan-distribution",
            out.positions(plan.positions.iter().map(|p| &p.id)),
        ),
        ("plan-digest", plan.digest().to_string()),
    ]);
    if !plan.approval.changes.is_empty() {
        out.part(out.word("plan-changes"));
        out.list(&plan.approval.changes);
    }
    out.contents("plan-contents");
}

pub(super) fn general(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-general");
    out.section("plan-purpose");
    out.note("plan-purpose-text");
    let lists: [(&str, &[Words]); 3] = [
        ("plan-legal-basis", &plan.legal_basis),
        ("plan-scope", &plan.scope),
        ("plan-principles", &plan.principles),
    ];
    for (key, list) in lists {
        out.section(key);
        out.list(list);
    }
    out.section("plan-links");
    out.note("plan-links-text");
}

pub(super) fn objectives(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-objectives");
    out.section("plan-goals");
    out.list(&plan.goals);
    out.section("plan-targets");
    out.note("plan-targets-note");
    let steps = plan.steps.iter();
    let rows = steps.map(|step| {
        let title = format!("{} {}", step.id.code(), out.of(&step.title));
        vec![title, out.duration(step.target_s)]
    });
    let rows = rows.collect();
    out.table(&["plan-step", "plan-target"], rows);
}

pub(super) fn risks(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-risks");
    out.section("plan-risk-register");
    out.note("plan-risk-scale");
    let rows = plan.risks.iter().map(|risk| {
        vec![
            format!("{} {}", risk.risk.code(), out.of(&risk.title)),
            risk.likelihood.to_string(),
            risk.impact.to_string(),
            (u32::from(risk.likelihood) * u32::from(risk.impact)).to_string(),
            out.position(&risk.owner),
        ]
    });
    let rows = rows.collect();
    let head = [
        "plan-risk",
        "plan-likelihood",
        "plan-impact",
        "plan-risk-value",
        "plan-owner",
    ];
    out.table(&head, rows);
    for risk in &plan.risks {
        out.section_titled(&format!("{} {}", risk.risk.code(), out.of(&risk.title)));
        out.paragraph(out.of(&risk.description));
        out.part(out.word("plan-impact-text"));
        out.paragraph(out.of(&risk.impact_text));
        out.part(out.word("plan-detected-by"));
        out.list(&risk.detected_by);
        out.part(out.word("plan-measures"));
        out.list(&risk.measures);
    }
}

pub(super) fn grades(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-grades");
    if !plan.classes.is_empty() {
        out.section("plan-classes");
        out.note("plan-classes-note");
        let classes = plan.classes.iter();
        let rows = classes.map(|class| vec![class.id.clone(), out.of(&class.title)]);
        let rows = rows.collect();
        out.table(&["plan-number", "plan-class"], rows);
    }
    out.section("plan-statutory-grades");
    out.note("plan-statutory-grades-text");
    out.section("plan-own-criteria");
    out.note("plan-own-criteria-note");
    let own = plan.own_criteria.iter();
    let rows = own.map(|own| vec![out.of(&own.title), out.level(own.level)]);
    let rows = rows.collect();
    out.table(&["plan-criterion", "plan-level-at-least"], rows);
    out.section("plan-levels");
    let rows = plan.levels.iter().map(|rule| {
        let groups = rule.call_out.iter().map(|id| out.group(id)).collect();
        let whom = if rule.everyone {
            "plan-everyone"
        } else {
            "plan-leads-only"
        };
        vec![
            out.of(&rule.title),
            out.joined(groups),
            out.word(whom),
            out.call_stages(rule),
            out.duration(rule.brief_every_s),
        ]
    });
    let rows = rows.collect();
    let head = [
        "plan-level",
        "plan-call-out",
        "plan-whom",
        "plan-ack-within",
        "plan-brief-every",
    ];
    out.table(&head, rows);
    out.section("plan-regrade");
    out.note("plan-regrade-text");
}

pub(super) fn organisation(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.chapter("plan-organisation");
    for group in &plan.groups {
        out.section_titled(&out.of(&group.title));
        let deputy = group.deputy.as_ref().map(|deputy| out.position(deputy));
        let deputy = deputy.unwrap_or_else(|| out.word("plan-none"));
        out.facts(vec![
            ("plan-lead", out.position(&group.lead)),
            ("plan-deputy", deputy),
            ("plan-members", out.positions(&group.members)),
        ]);
        out.part(out.word("plan-duties"));
        out.list(&group.duties);
    }
    out.section("plan-stand-ins");
    out.note("plan-stand-ins-note");
    let rows = plan.positions.iter().map(|position| {
        let stand_ins = match position.several && position.stand_ins.is_empty() {
            true => out.word("plan-other-holders"),
            false => out.positions(&position.stand_ins),
        };
        vec![out.of(&position.title), stand_ins, in_groups(out, position)]
    });
    let rows = rows.collect();
    out.table(
        &["plan-position", "plan-stand-in-order", "plan-in-groups"],
        rows,
    );
    out.section("plan-authority");
    out.note("plan-authority-note");
    let rules = plan.authority.iter();
    let rows = rules.map(|r| vec![out.named("plan-act", r.act), out.positions(&r.positions)]);
    let rows = rows.collect();
    out.table(&["plan-act", "plan-positions"], rows);
    orders(out);
}

/// What an order may ask to bear in mind, and which results a second person checks.
fn orders(out: &mut Writer<'_>) {
    let plan = out.plan;
    if plan.orders.constraints.is_empty() {
        return;
    }
    out.section("plan-orders");
    out.note("plan-orders-note");
    let rows = plan.orders.constraints.iter().map(|constraint| {
        let checked = match constraint.verify {
            true => out.word("plan-order-checked"),
            false => out.word("plan-none"),
        };
        vec![out.of(&constraint.title), checked]
    });
    let rows = rows.collect();
    out.table(&["plan-order-constraint", "plan-order-check"], rows);
}

fn in_groups(out: &Writer<'_>, position: &plan::Position) -> String {
    let plan: &Plan = out.plan;
    let groups = plan.groups.iter();
    let groups = groups.filter(|group| group.everyone().contains(&&position.id));
    out.joined(groups.map(|group| out.of(&group.title)).collect())
}
