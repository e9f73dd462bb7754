//! Tasks of the plan that wait for others, that are begun before those, or that a grade adds.
//!
//! Deliberately not here: completing and waiving a task (`decide::people`), and what the plan says
//! about tasks (room `plan`).

use crate::decide::{Asked, Decision, checks};
use crate::fact::Fact;
use crate::incident::Incident;
use crate::people::{PlannedTask, Signed, Task, TaskState};
use crate::refusal::{MissingItem, Refusal};
use crate::timeline::{Param, Params};
use model::{Grade, Instant, TaskId};
use plan::{Plan, StepId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "task_command", rename_all = "snake_case")]
pub enum TaskCommand {
    /// Somebody takes it in hand. Before the tasks that it waits for: only where the plan allows
    /// that, and with the operation's reason.
    Start { task: TaskId },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task_fact", rename_all = "snake_case")]
pub enum TaskFact {
    /// `before` are the tasks that were still open, though this one waits for them.
    Started {
        task: TaskId,
        #[serde(default)]
        before: Vec<TaskId>,
    },
    /// The confirmed grade asks for more than stood.
    Added {
        step: StepId,
        grade: Grade,
        tasks: Vec<PlannedTask>,
    },
}

/// Somebody has a task in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    #[serde(flatten)]
    pub signed: Signed,
    /// Why it did not wait; empty where nothing was to be waited for.
    #[serde(default)]
    pub early: String,
}

/// Kinds of the lines that these facts make in the course of events.
pub const KINDS: [&str; 3] = ["task-started", "task-started-early", "tasks-added"];

impl TaskFact {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Started { before, .. } if before.is_empty() => "task-started",
            Self::Started { .. } => "task-started-early",
            Self::Added { .. } => "tasks-added",
        }
    }
    pub(crate) fn params(&self) -> Params {
        let n = |len: usize| Param::Number(i64::try_from(len).unwrap_or(i64::MAX));
        match self {
            Self::Started { task, before } => {
                vec![("task", Param::Task(task.clone())), ("n", n(before.len()))]
            }
            Self::Added { step, grade, tasks } => vec![
                ("step", Param::Step(*step)),
                ("grade", Param::Grade(*grade)),
                ("n", n(tasks.len())),
            ],
        }
    }
}

impl Incident {
    /// The open tasks that a task waits for. A task that is not in this incident, because its
    /// grade or step is not reached, is not waited for.
    pub fn waits_for(&self, task: &Task) -> Vec<&Task> {
        let before = |other: &&Task| other.open() && task.planned.after.contains(&other.planned.id);
        self.tasks.iter().filter(before).collect()
    }

    pub(crate) fn apply_task(&mut self, fact: &TaskFact, signed: Signed, reason: &str) {
        match fact {
            TaskFact::Started { task, before } => {
                if let Some(task) = self.tasks.iter_mut().find(|t| t.planned.id == *task) {
                    let early = match before.is_empty() {
                        true => String::new(),
                        false => reason.to_owned(),
                    };
                    task.started = Some(Started { signed, early });
                }
            }
            TaskFact::Added { step, tasks, .. } => {
                self.tasks.extend(tasks.iter().map(|planned| Task {
                    planned: planned.clone(),
                    step: *step,
                    state: TaskState::Open,
                    started: None,
                }));
            }
        }
    }
}

pub(crate) fn decide(asked: Asked<'_>, command: TaskCommand) -> Decision {
    let TaskCommand::Start { task: id } = command;
    let found = asked.incident.tasks.iter().find(|t| t.planned.id == id);
    let task = found.ok_or_else(|| checks::unknown("task", &id))?;
    if !task.open() {
        return Err(checks::wrong_state("task", task.state.code()));
    }
    if task.started.is_some() {
        return Err(checks::wrong_state("task", "started"));
    }
    in_turn(asked, task)?;
    let before = asked.incident.waits_for(task);
    let before = before.iter().map(|t| t.planned.id.clone()).collect();
    Ok(vec![Fact::Task(TaskFact::Started { task: id, before })])
}

/// What a task waits for is done; or the plan lets it go ahead, and there is a reason for it.
pub(crate) fn in_turn(asked: Asked<'_>, task: &Task) -> Result<(), Refusal> {
    let before = asked.incident.waits_for(task);
    // Whoever took it in hand early has said why.
    if before.is_empty() || task.started.is_some() {
        return Ok(());
    }
    if task.planned.early {
        return checks::reason(asked);
    }
    let item = |t: &&Task| {
        let params = vec![("task", Param::Task(t.planned.id.clone()))];
        MissingItem::new("task-before", params)
    };
    Err(Refusal::Missing {
        missing: before.iter().map(item).collect(),
    })
}

/// The tasks of a step at a grade, with their times.
pub(crate) fn planned(plan: &Plan, step: StepId, grade: Grade, now: Instant) -> Vec<PlannedTask> {
    let tasks = plan.step(step).map_or(&[][..], |s| &s.tasks);
    let wanted = tasks.iter().filter(|t| t.applies_at(grade));
    wanted
        .map(|task| PlannedTask {
            id: TaskId::new(task.id.clone()),
            group: task.group.clone(),
            owner: task.owner.clone(),
            due_at: now.plus_s(i64::from(task.target_s)),
            required: task.required,
            kind: task.kind,
            after: task.after.iter().map(TaskId::new).collect(),
            early: task.early,
        })
        .collect()
}

/// What a confirmed grade adds to the steps that have begun. Nothing is ever taken away: what a
/// milder grade no longer asks for is waived by a person.
pub(crate) fn added(asked: Asked<'_>, grade: Grade) -> Vec<Fact> {
    let stands = |id: &TaskId| asked.incident.tasks.iter().any(|t| t.planned.id == *id);
    let begun = StepId::ALL
        .into_iter()
        .filter(|s| asked.incident.step_record(*s).is_some());
    begun
        .filter_map(|step| {
            let mut tasks = planned(asked.plan, step, grade, asked.op.now);
            tasks.retain(|t| !stands(&t.id));
            let fact = TaskFact::Added { step, grade, tasks };
            matches!(&fact, TaskFact::Added { tasks, .. } if !tasks.is_empty())
                .then_some(Fact::Task(fact))
        })
        .collect()
}
