//! Which task waits for which: every one that is waited for is there, earlier, and in no circle.

use super::{Found, GapCode};
use crate::{Plan, Step, TaskTemplate};
use std::collections::BTreeMap;

type All<'a> = BTreeMap<&'a str, (&'a Step, &'a TaskTemplate)>;

pub(super) fn waiting(plan: &Plan, found: &mut Found) {
    let steps = plan.steps.iter();
    let all: All<'_> = steps
        .flat_map(|step| step.tasks.iter().map(move |t| (t.id.as_str(), (step, t))))
        .collect();
    for (step, task) in all.values() {
        for before in &task.after {
            let place = || {
                format!(
                    "steps.{}.tasks.{}.after ({before})",
                    step.id.code(),
                    task.id
                )
            };
            let Some((their_step, their_task)) = all.get(before.as_str()) else {
                found.add(GapCode::TaskAfterUnknown, place());
                continue;
            };
            let later = their_step.id > step.id;
            found.add_if(later, GapCode::TaskAfterLater, place);
            // From a graver grade up than the task itself: at the milder ones it is missing.
            let other = match (their_task.from_grade, task.from_grade) {
                (Some(theirs), Some(own)) => theirs > own,
                (Some(_), None) => true,
                (None, _) => false,
            };
            found.add_if(other, GapCode::TaskAfterOtherGrade, place);
        }
        found.add_if(reaches_itself(task, &all), GapCode::TaskCycle, || {
            format!("steps.{}.tasks.{}.after", step.id.code(), task.id)
        });
    }
}

fn reaches_itself(task: &TaskTemplate, all: &All<'_>) -> bool {
    let mut next: Vec<&str> = task.after.iter().map(String::as_str).collect();
    let mut seen = Vec::new();
    while let Some(id) = next.pop() {
        if id == task.id {
            return true;
        }
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let after = all.get(id).map_or(&[][..], |(_, t)| &t.after);
        next.extend(after.iter().map(String::as_str));
    }
    false
}
