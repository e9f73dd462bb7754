//! The register of resources in the chapter of means: what an incident may draw on, and the
//! contracts of experts.

use super::writer::Writer;
use model::Money;
use plan::{RegisterEntry, ResourceKind};

pub(super) fn write(out: &mut Writer<'_>) {
    let plan = out.plan;
    if plan.register.is_empty() {
        return;
    }
    out.section("plan-register");
    out.note("plan-register-note");
    let rows = plan.register.iter().map(|entry| row(out, entry)).collect();
    let head = [
        "plan-resource",
        "plan-use",
        "plan-register-kind",
        "plan-register-quantity",
        "plan-register-grantor",
    ];
    out.table(&head, rows);
    experts(out);
    if let Some(guests) = &plan.guests {
        out.section("plan-experts-agree");
        out.note("plan-experts-agree-note");
        out.paragraph(out.of(&guests.confidentiality));
    }
}

fn row(out: &Writer<'_>, entry: &RegisterEntry) -> Vec<String> {
    let quantity = match entry.money(entry.quantity) {
        Some(money) => money.to_string(),
        None => entry.quantity.to_string(),
    };
    let mut grantor = vec![out.position(&entry.grantor)];
    if entry.four_eyes {
        grantor.push(out.word("plan-register-second"));
    }
    vec![
        out.of(&entry.title),
        out.of(&entry.note),
        out.word(&format!("plan-register-{}", entry.kind.code())),
        quantity,
        out.joined(grantor),
    ]
}

fn experts(out: &mut Writer<'_>) {
    let plan = out.plan;
    let experts = plan
        .register
        .iter()
        .filter(|e| e.kind == ResourceKind::Expert);
    let rows: Vec<Vec<String>> = experts
        .filter_map(|entry| {
            let terms = entry.expert.as_ref()?;
            let rate = |key: &str, money: &Option<Money>| {
                let sum = money.as_ref()?.to_string();
                Some(out.with(key, &[("sum", sum.into())]))
            };
            let rates = [
                rate("plan-expert-per-hour", &terms.per_hour),
                rate("plan-expert-per-day", &terms.per_day),
            ];
            Some(vec![
                out.of(&entry.title),
                out.of(&terms.firm),
                out.of(&terms.contract),
                out.of(&terms.contact),
                out.of(&terms.hours),
                out.joined(rates.into_iter().flatten().collect()),
            ])
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    out.section("plan-experts");
    let head = [
        "plan-resource",
        "plan-expert-firm",
        "plan-expert-contract",
        "plan-expert-contact",
        "plan-expert-hours",
        "plan-expert-rate",
    ];
    out.table(&head, rows);
}
