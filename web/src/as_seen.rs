//! What a person saw of an incident when a form was drawn, so that nobody overwrites or answers
//! what they never saw: the form carries a mark of the part it is about, and is carried out only
//! while that part still has the same mark.
//!
//! Parts, not the incident's version: in a busy room something else changes every few seconds.
//!
//! Deliberately not here: programs, which send `If-Match` (`api`); the assessment, which shows its
//! reader what changed meanwhile (`pages::assessment`).

use crate::visit::Visit;
use desk::CommandError;
use incident::people::Order;
use incident::{Command, Incident};
use model::{Digest, Operation};
use serde::Serialize;

/// Name of the form's field.
pub(crate) const FIELD: &str = "as-seen";
/// Other changes of the incident that may come between reading and recording, one after another.
const TRIES: usize = 16;

type Part = fn(&Incident, &str) -> String;

/// The part of the incident that a form is about, by the last segment of its address. The second
/// argument is the order that the form names.
const PARTS: [(&str, Part); 12] = [
    ("set-objective", |i, _| {
        mark(&i.room.objective().map(|o| &o.text))
    }),
    ("rename", |i, _| mark(&i.code_name)),
    ("confirm-grade", grade),
    ("answer-lowering", |i, _| mark(&i.assessing.lowering)),
    ("set-figures", |i, _| mark(&i.figures)),
    ("set-trigger-facts", |i, _| mark(&i.trigger_facts)),
    ("set-anchors", |i, _| mark(&i.anchors)),
    ("record-impact", |i, _| mark(&i.impact)),
    ("accept-order", order),
    ("refuse-order", order),
    ("complete-order", order),
    ("withdraw-order", order),
];

/// The mark of what the form of `act` is about; `None` for a form that is about no such part.
pub(crate) fn of(incident: &Incident, act: &str, order: &str) -> Option<String> {
    let part = PARTS.iter().find(|(name, _)| *name == act);
    part.map(|(_, part)| part(incident, order))
}

/// An order stands for one thing as long as its version does; its state is the incident's to judge.
pub(crate) fn of_order(order: &Order) -> String {
    order.course.version.to_string()
}

fn order(incident: &Incident, id: &str) -> String {
    let found = incident.orders.iter().find(|o| o.id.as_str() == id);
    found.map_or_else(String::new, of_order)
}

fn grade(incident: &Incident, _: &str) -> String {
    let computed = &incident.assessment;
    mark(&(
        computed.grade,
        computed.level,
        incident.grades.len(),
        &incident.assessing.lowering,
    ))
}

fn mark<T: Serialize>(part: &T) -> String {
    // Parts of an incident are kept as JSON: what could not be written never became one.
    let text = serde_json::to_vec(part).unwrap_or_default();
    Digest::of(&text).short()
}

/// Why a form was not carried out.
pub(crate) enum NotDone {
    /// The part is no longer as the person saw it.
    Changed,
    Failed(CommandError),
}

impl From<CommandError> for NotDone {
    fn from(error: CommandError) -> Self {
        Self::Failed(error)
    }
}

/// Carries the command out while what the form is about stands as the person saw it.
pub(crate) fn execute(
    visit: &Visit,
    incident: &Incident,
    op: &Operation,
    command: &Command,
) -> Result<(), NotDone> {
    let act = visit.path.rsplit('/').next().unwrap_or_default();
    let Some(seen) = visit.form.given(FIELD) else {
        visit
            .desk()
            .execute(op.clone(), &incident.id, command.clone())?;
        return Ok(());
    };
    for _ in 0..TRIES {
        let now = visit
            .incident(&incident.id)
            .ok_or(CommandError::UnknownIncident)?;
        // Sent again after it was recorded: the same answer, not a conflict with oneself.
        let again = now.requests.contains(&op.request);
        let stands = of(&now, act, visit.form.get("order"));
        if !again && stands.is_some_and(|stands| stands != seen) {
            return Err(NotDone::Changed);
        }
        let done = match again {
            true => visit.desk().execute(op.clone(), &now.id, command.clone()),
            false => {
                let (op, command) = (op.clone(), command.clone());
                visit
                    .desk()
                    .execute_at(op, &now.id, command, now.next_sequence)
            }
        };
        match done {
            Err(CommandError::Stale { .. }) => {}
            done => return Ok(done.map(drop)?),
        }
    }
    Err(NotDone::Changed)
}

#[cfg(test)]
mod tests {
    use super::{FIELD, PARTS};
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_form_that_replaces_or_answers_something_carries_what_was_seen() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut found = BTreeSet::new();
        for file in std::fs::read_dir(folder).expect("templates") {
            let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
            for form in text.split("<form ").skip(1) {
                let form = form.split("</form>").next().unwrap_or(form);
                let named = |act: &&str| form.contains(&format!("/do/{act}\""));
                let Some(act) = PARTS.iter().map(|(act, _)| *act).find(named) else {
                    continue;
                };
                let by_name = format!("v.as_seen(i, \"{act}\")");
                let order = format!("name=\"{FIELD}\" value=\"{{{{ ");
                assert!(form.contains(&by_name) || form.contains(&order), "{form}");
                found.insert(act);
            }
        }
        let all: BTreeSet<&str> = PARTS.iter().map(|(act, _)| *act).collect();
        assert_eq!(found, all, "an act without a form");
    }
}
