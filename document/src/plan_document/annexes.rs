//! The annexes: contacts, grade table, deadline table, forms, texts, terms.

use super::writer::Writer;

pub(super) fn contacts(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.annex("plan-contacts");
    out.note("plan-contacts-note");
    let contacts = plan.contacts.iter();
    let rows = contacts.map(|contact| vec![out.of(&contact.title), out.of(&contact.reach)]);
    let rows = rows.collect();
    out.table(&["plan-contact", "plan-reach"], rows);
}

pub(super) fn grade_table(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.annex("plan-grade-table");
    out.note("plan-grade-table-note");
    for scheme in &plan.schemes {
        out.section_titled(&out.of(&scheme.title));
        let from = scheme.effective_from.clone();
        out.facts(vec![("plan-effective-from", from)]);
        let mut rows = Vec::new();
        for rule in &scheme.grades {
            let grade = out.grade(rule.grade);
            for criterion in &rule.numeric {
                let kind = match criterion.at_least {
                    Some(_) => out.word("plan-numeric"),
                    None => out.word("plan-unconfirmed"),
                };
                rows.push(vec![grade.clone(), out.of(&criterion.title), kind]);
            }
            for criterion in &rule.qualitative {
                let kind = out.word("plan-qualitative");
                rows.push(vec![grade.clone(), out.of(&criterion.title), kind]);
            }
        }
        out.table(
            &["plan-grade", "plan-criterion", "plan-criterion-kind"],
            rows,
        );
    }
}

pub(super) fn deadline_table(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.annex("plan-deadline-table");
    out.note("plan-deadline-table-note");
    for clock in &plan.clocks {
        out.section_titled(&out.of(&clock.title));
        let article = [
            ("instrument", out.of(&clock.instrument).into()),
            ("article", clock.article.clone().into()),
        ];
        let list = |items: &[plan::Words]| {
            let items = items.iter().map(|item| out.of(item));
            out.listed(items.collect())
        };
        // A plan of one's own may say it in other words.
        let confidence = out
            .words
            .get(&format!("plan-confidence-{}", clock.confidence));
        let confidence =
            confidence.map_or_else(|| clock.confidence.clone(), |word| word.into_owned());
        out.facts(vec![
            ("plan-article", out.with("plan-article-of", &article)),
            ("plan-effective-from", clock.effective_from.clone()),
            (
                "plan-direction",
                out.named("plan-direction", clock.direction),
            ),
            ("plan-applies", out.trigger(&clock.trigger)),
            ("plan-starts", out.named("plan-anchor", clock.anchor)),
            ("plan-due", out.deadline(clock)),
            ("plan-recipient", out.of(&clock.recipient)),
            ("plan-channel", list(&clock.channel)),
            ("plan-report-contents", list(&clock.contents)),
            ("plan-confidence", confidence),
        ]);
    }
}

pub(super) fn forms(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.annex("plan-forms");
    let rows = plan.forms.iter().map(|form| {
        let fields = form.fields.iter().map(|field| out.of(field));
        vec![
            form.id.clone(),
            out.of(&form.title),
            out.listed(fields.collect()),
        ]
    });
    let rows = rows.collect();
    out.table(&["plan-form", "plan-form-title", "plan-fields"], rows);
}

pub(super) fn texts(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.annex("plan-texts");
    out.note("plan-texts-note");
    for text in &plan.texts {
        out.section_titled(&out.of(&text.title));
        out.text(out.of(&text.body));
    }
}

/// Both languages side by side in either edition.
pub(super) fn terms(out: &mut Writer<'_>) {
    let plan = out.plan;
    out.annex("plan-terms");
    let rows = plan
        .terms
        .iter()
        .map(|term| vec![term.zh.clone(), term.en.clone()]);
    let rows = rows.collect();
    out.table(&["plan-term-zh", "plan-term-en"], rows);
}
