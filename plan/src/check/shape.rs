//! References, ids, texts: what holds for every chapter alike.

use super::{Found, GapCode};
use crate::diff::{join, name};
use crate::{Lang, Plan, Words};
use model::PositionId;
use serde_json::Value;
use std::collections::BTreeSet;

/// Texts that the program sends or prints; a plan without one cannot run.
pub const REQUIRED_TEXTS: [&str; 7] = [
    "call_out",
    "report_received",
    "user_notice",
    "authority_first_report",
    "police_report",
    "management_brief",
    "five_line_brief",
];

/// What stands where the company's own value is to be filled in.
const TO_FILL_IN: [&str; 2] = ["【", "["];

pub(super) fn references(plan: &Plan, found: &mut Found) {
    let mut referred: Vec<(String, &PositionId)> = vec![("approval.by".into(), &plan.approval.by)];
    for position in &plan.positions {
        let place = format!("positions.{}.stand_ins", position.id);
        referred.extend(position.stand_ins.iter().map(|p| (place.clone(), p)));
    }
    for group in &plan.groups {
        let place = format!("groups.{}", group.id);
        // A group without a lead is a gap of its own.
        let lead = Some(&group.lead).filter(|lead| !lead.as_str().is_empty());
        referred.extend(lead.map(|p| (format!("{place}.lead"), p)));
        referred.extend(group.deputy.iter().map(|p| (format!("{place}.deputy"), p)));
        referred.extend(
            group
                .members
                .iter()
                .map(|p| (format!("{place}.members"), p)),
        );
    }
    for rule in &plan.authority {
        let place = format!("authority.{}", rule.act.code());
        referred.extend(rule.positions.iter().map(|p| (place.clone(), p)));
    }
    let risks = plan.risks.iter();
    referred.extend(risks.map(|r| (format!("risks.{}.owner", r.risk.code()), &r.owner)));
    let resources = plan.resources.iter();
    referred.extend(resources.map(|r| (format!("resources.{}.owner", r.id), &r.owner)));
    let register = plan.register.iter();
    referred.extend(register.map(|r| (format!("register.{}.grantor", r.id), &r.grantor)));
    let evaluation = plan.evaluation.iter();
    referred.extend(evaluation.map(|r| (format!("evaluation.{}.owner", r.id), &r.owner)));
    for (place, position) in referred {
        found.add_if(
            plan.position(position).is_none(),
            GapCode::UnknownReference,
            || format!("{place} ({position})"),
        );
    }
    for rule in &plan.levels {
        for group in &rule.call_out {
            found.add_if(
                plan.group(group).is_none(),
                GapCode::UnknownReference,
                || format!("levels.{}.call_out ({group})", rule.level.0),
            );
        }
    }
}

pub(super) fn texts(plan: &Plan, found: &mut Found) {
    for id in REQUIRED_TEXTS {
        found.add_if(plan.text(id).is_none(), GapCode::TextMissing, || {
            format!("texts.{id}")
        });
    }
    for text in &plan.texts {
        let differ = places(&text.body.zh) != places(&text.body.en);
        found.add_if(differ, GapCode::TextPlacesDiffer, || {
            format!("texts.{}.body", text.id)
        });
    }
    for contact in &plan.contacts {
        let open = TO_FILL_IN
            .iter()
            .any(|mark| contact.reach.zh.starts_with(mark));
        found.add_if(open, GapCode::ContactToFillIn, || {
            format!("contacts.{}", contact.id)
        });
    }
    for entry in &plan.register {
        let open = |text: &Words| TO_FILL_IN.iter().any(|mark| text.zh.starts_with(mark));
        let terms = entry.expert.as_ref();
        let wanting = terms.is_some_and(|t| open(&t.contract) || open(&t.contact));
        found.add_if(wanting, GapCode::ContactToFillIn, || {
            format!("register.{}", entry.id)
        });
    }
    found.add_if(
        plan.approval.approved_on.is_none(),
        GapCode::NotApproved,
        || "approval.approved_on".to_owned(),
    );
}

/// The `{name}` places of a text.
pub fn places(text: &str) -> BTreeSet<&str> {
    let starts = text.split('{').skip(1);
    starts
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}

/// Walks the whole plan as JSON: a text that one language lacks, an id that stands twice.
pub(super) fn everywhere(plan: &Plan, found: &mut Found) {
    // A struct of strings and numbers always serialises.
    walk("", &serde_json::to_value(plan).unwrap_or_default(), found);
    // Tasks are named by id alone wherever an incident speaks of them.
    let mut tasks = BTreeSet::new();
    for step in &plan.steps {
        for task in &step.tasks {
            found.add_if(!tasks.insert(&task.id), GapCode::DuplicateId, || {
                format!("steps.{}.tasks.{}", step.id.code(), task.id)
            });
        }
    }
}

fn walk(path: &str, value: &Value, found: &mut Found) {
    match value {
        Value::Object(fields) => {
            // Only in this arm: a list of two texts would be read as `Words` too.
            if let Ok(words) = serde_json::from_value::<Words>(value.clone()) {
                for lang in Lang::ALL {
                    let empty = words.in_lang(lang).trim().is_empty();
                    found.add_if(empty, GapCode::LanguageMissing, || join(path, lang.tag()));
                }
            } else {
                for (key, field) in fields {
                    walk(&join(path, key), field, found);
                }
            }
        }
        Value::Array(list) => {
            let mut seen = BTreeSet::new();
            for (i, element) in list.iter().enumerate() {
                let name = name(element);
                let place = join(path, &name.clone().unwrap_or_else(|| (i + 1).to_string()));
                walk(&place, element, found);
                let twice = name.is_some_and(|name| !seen.insert(name));
                found.add_if(twice, GapCode::DuplicateId, || place);
            }
        }
        _ => {}
    }
}
