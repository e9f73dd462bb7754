//! Tasks of the plan on the page of orders and tasks: by step and group, with what each waits for.
//!
//! Deliberately not here: whether a task may be begun or completed (room `incident`).

use crate::view::View;
use incident::Incident;
use incident::people::{Task, TaskState};
use model::Instant;
use plan::{Act, StepId, TaskTemplate};

pub(crate) struct StepTasks {
    pub code: &'static str,
    pub title: String,
    pub begun: bool,
    pub done: usize,
    pub all: usize,
    pub groups: Vec<GroupTasks>,
}

pub(crate) struct GroupTasks {
    pub title: String,
    pub tasks: Vec<TaskRow>,
}

pub(crate) struct TaskRow {
    pub id: String,
    pub title: String,
    pub detail: String,
    pub owner: String,
    pub due_at: Option<Instant>,
    pub required: bool,
    pub code: &'static str,
    pub mark: &'static str,
    pub note: String,
    /// Titles of the open tasks that it waits for.
    pub waits: Vec<String>,
    /// Why it did not wait.
    pub early: String,
    pub may_start: bool,
    /// It is begun and completed only with a reason.
    pub needs_reason: bool,
    pub may_complete: bool,
    pub may_waive: bool,
}

/// Which tasks are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    All,
    Group,
    Mine,
}

pub(crate) fn steps(v: &View<'_>, i: &Incident, whose: Whose) -> Vec<StepTasks> {
    StepId::ALL
        .into_iter()
        .map(|step| of_step(v, i, step, whose))
        .collect()
}

fn of_step(v: &View<'_>, i: &Incident, step: StepId, whose: Whose) -> StepTasks {
    let planned = v.visit.plan.step(step);
    let templates = planned.map_or(&[][..], |s| &s.tasks);
    let stands = |t: &&TaskTemplate| {
        // What a milder grade no longer asks for still stands; what the grade does not reach is
        // shown, so that nobody is surprised.
        wanted(v, t, whose)
    };
    let chosen: Vec<&TaskTemplate> = templates.iter().filter(stands).collect();
    let mut groups: Vec<GroupTasks> = Vec::new();
    let (mut done, mut all) = (0, 0);
    for template in chosen {
        let task = i
            .tasks
            .iter()
            .rev()
            .find(|t| t.planned.id.as_str() == template.id);
        let row = row(v, i, template, task);
        all += usize::from(row.code != "grade");
        done += usize::from(matches!(row.code, "done" | "waived"));
        let known = v.visit.plan.group(&template.group);
        let title = known.map_or_else(String::new, |g| v.pick(&g.title).to_owned());
        match groups.iter_mut().find(|g| g.title == title) {
            Some(group) => group.tasks.push(row),
            None => groups.push(GroupTasks {
                title,
                tasks: vec![row],
            }),
        }
    }
    StepTasks {
        code: step.code(),
        title: planned.map_or_else(String::new, |s| v.pick(&s.title).to_owned()),
        begun: i.step_record(step).is_some(),
        done,
        all,
        groups,
    }
}

fn wanted(v: &View<'_>, template: &TaskTemplate, whose: Whose) -> bool {
    let held = v.visit.session.as_ref().map_or(&[][..], |s| &s.positions);
    match whose {
        Whose::All => true,
        Whose::Mine => held.contains(&template.owner),
        Whose::Group => (v.visit.plan.group(&template.group))
            .is_some_and(|g| g.everyone().iter().any(|p| held.contains(p))),
    }
}

fn row(v: &View<'_>, i: &Incident, template: &TaskTemplate, task: Option<&Task>) -> TaskRow {
    let waits: Vec<String> = task
        .filter(|t| t.open() && t.started.is_none())
        .map_or_else(Vec::new, |t| i.waits_for(t))
        .into_iter()
        .map(|t| title(v, t))
        .collect();
    let (code, mark, note) = state(v, i, template, task, !waits.is_empty());
    let open = !i.closed() && task.is_some_and(Task::open);
    let started = task.and_then(|t| t.started.as_ref());
    let free = waits.is_empty() || template.early;
    let may = open && v.may(Act::CompleteTask);
    TaskRow {
        id: template.id.clone(),
        title: v.pick(&template.title).to_owned(),
        detail: v.pick(&template.detail).to_owned(),
        owner: v.position(&template.owner),
        due_at: task.filter(|t| t.open()).map(|t| t.planned.due_at),
        required: template.required,
        code,
        mark,
        note,
        needs_reason: !waits.is_empty(),
        may_start: may && free && started.is_none(),
        may_complete: may && free,
        may_waive: open && v.may(Act::AdvanceStep),
        early: started.map_or_else(String::new, |s| s.early.clone()),
        waits,
    }
}

fn title(v: &View<'_>, task: &Task) -> String {
    let mut all = v.visit.plan.steps.iter().flat_map(|s| &s.tasks);
    let found = all.find(|t| t.id == task.planned.id.as_str());
    found.map_or_else(
        || task.planned.id.to_string(),
        |t| v.pick(&t.title).to_owned(),
    )
}

fn state(
    v: &View<'_>,
    i: &Incident,
    template: &TaskTemplate,
    task: Option<&Task>,
    waiting: bool,
) -> (&'static str, &'static str, String) {
    let Some(task) = task else {
        return match template.from_grade {
            Some(from) if !template.applies_at(i.grade()) => (
                "grade",
                "off",
                v.w("tasks-from-grade", "grade", v.grade(&from)),
            ),
            _ => ("next", "off", String::new()),
        };
    };
    let late = task.overdue(v.now);
    match &task.state {
        TaskState::Open if late => ("overdue", "bad", begun_by(v, task)),
        TaskState::Open if waiting => ("waiting", "warn", String::new()),
        TaskState::Open if task.started.is_some() => ("started", "info", begun_by(v, task)),
        TaskState::Open => ("open", "info", String::new()),
        TaskState::Done { by, note, .. } => ("done", "ok", format!("{} {note}", v.actor(by))),
        TaskState::Waived { by, reason, .. } => {
            ("waived", "off", format!("{}: {reason}", v.actor(by)))
        }
    }
}

fn begun_by(v: &View<'_>, task: &Task) -> String {
    let started = task.started.as_ref();
    started.map_or_else(String::new, |s| {
        v.w("tasks-started-by", "who", v.actor(&s.signed.by))
    })
}
