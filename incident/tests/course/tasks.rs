//! Tasks that wait for others: in turn, begun early with a reason, added when the grade rises.

use crate::world::{World, holder};
use incident::assessing::AssessCommand;
use incident::people::Task;
use incident::tasks::TaskFact;
use incident::{Command, Fact, Refusal, tasks::TaskCommand};
use model::{Grade, TaskId};
use plan::StepId;

fn task<'w>(world: &'w World, id: &str) -> &'w Task {
    let mut tasks = world.incident.tasks.iter();
    let found = tasks.find(|t| t.planned.id.as_str() == id);
    found.unwrap_or_else(|| panic!("{id} is not among the tasks"))
}

fn start(id: &str) -> Command {
    Command::Task(TaskCommand::Start {
        task: TaskId::from(id),
    })
}

fn complete(id: &str) -> Command {
    Command::CompleteTask {
        task: TaskId::from(id),
        note: String::new(),
    }
}

fn confirm(world: &mut World, grade: Grade) -> Vec<incident::Recorded> {
    let command = Command::ConfirmGrade { grade, level: None };
    world.done(&holder("cio"), command)
}

/// In the third step, with nothing of it done.
fn in_the_third_step(grade: Grade) -> World {
    let mut world = World::new();
    world.everybody_answers();
    confirm(&mut world, grade);
    world.tasks_done();
    world.everybody_answers();
    world.done(&holder("cio"), Command::AdvanceStep);
    let order = Command::IssueOrder {
        to: incident::people::Addressee::Position("sysadmin".into()),
        text: "keep the logs".to_owned(),
        constraint: String::new(),
        due_at: world.now.plus_s(600),
    };
    world.done(&holder("cio"), order);
    let accept = Command::AcceptOrder {
        order: "O-1".into(),
        seen: None,
    };
    world.done(&holder("sysadmin"), accept);
    world.tasks_done();
    world.done(&holder("cio"), Command::AdvanceStep);
    assert_eq!(world.incident.step, StepId::P3);
    world
}

#[test]
fn a_task_waits_for_what_comes_before_it() {
    let mut world = in_the_third_step(Grade::General);
    let waits: Vec<String> = (world
        .incident
        .waits_for(task(&world, "p3-apply-repair"))
        .iter())
    .map(|t| t.planned.id.to_string())
    .collect();
    assert_eq!(waits, ["p3-collect-evidence", "p3-propose-repair"]);
    let admin = holder("sysadmin");
    for command in [start("p3-apply-repair"), complete("p3-apply-repair")] {
        // Not even with a reason: the plan does not let it go ahead.
        let Refusal::Missing { missing } = world.refused(&admin, command) else {
            panic!("it must name what is open before it");
        };
        let codes: Vec<&str> = missing.iter().map(|m| m.code.as_str()).collect();
        assert_eq!(codes, ["task-before", "task-before"]);
    }
    world.done(
        &holder("security_engineer"),
        complete("p3-collect-evidence"),
    );
    let waive = Command::WaiveTask {
        task: "p3-propose-repair".into(),
    };
    world.done(&holder("cio"), waive);
    world.done(&admin, start("p3-apply-repair"));
    assert!(task(&world, "p3-apply-repair").started.is_some());
    let twice = world.refused(&admin, start("p3-apply-repair"));
    assert!(matches!(twice, Refusal::WrongState { .. }), "{twice}");
    world.done(&admin, complete("p3-apply-repair"));
    world.check();
}

#[test]
fn it_goes_ahead_with_a_reason_where_the_plan_allows() {
    let mut world = in_the_third_step(Grade::General);
    let engineer = holder("security_engineer");
    for command in [start("p3-propose-repair"), complete("p3-propose-repair")] {
        let refused = world.give(&engineer, " ", command).unwrap_err();
        assert_eq!(refused, Refusal::ReasonNeeded);
    }
    let made = world.give(&engineer, "the cause is plain", start("p3-propose-repair"));
    let made = made.unwrap();
    assert_eq!(
        world.incident.timeline.last().unwrap().kind,
        "task-started-early"
    );
    let Fact::Task(TaskFact::Started { before, .. }) = &made[0].fact else {
        panic!("{made:?}");
    };
    assert_eq!(before, &[TaskId::from("p3-analyse")]);
    let started = task(&world, "p3-propose-repair").started.as_ref().unwrap();
    assert_eq!(started.early, "the cause is plain");
    // The reason is given once.
    world
        .give(&engineer, "", complete("p3-propose-repair"))
        .unwrap();
    world.check();
}

#[test]
fn a_graver_grade_adds_tasks_and_a_milder_one_takes_none_away() {
    let mut world = in_the_third_step(Grade::General);
    let has = |world: &World, id: &str| {
        world
            .incident
            .tasks
            .iter()
            .filter(|t| t.planned.id.as_str() == id)
            .count()
    };
    assert_eq!(has(&world, "p2-round-the-clock"), 0);
    world.later(60);
    let made = confirm(&mut world, Grade::Major);
    let added = made.iter().find_map(|r| match &r.fact {
        Fact::Task(TaskFact::Added { step, tasks, .. }) => Some((*step, tasks.len())),
        _ => None,
    });
    assert_eq!(
        added,
        Some((StepId::P2, 1)),
        "steps to come take theirs when they begin"
    );
    let task = task(&world, "p2-round-the-clock");
    assert_eq!(task.planned.due_at, world.now.plus_s(1800));
    assert!(task.planned.required && task.step == StepId::P2);
    assert!(
        world.incident.waits_for(task).is_empty(),
        "the orders are issued"
    );
    // A milder one takes two.
    confirm(&mut world, Grade::General);
    let approve = AssessCommand::AnswerLowering { approve: true };
    world.done(&holder("ciso"), Command::Assess(approve));
    confirm(&mut world, Grade::Major);
    assert_eq!(
        has(&world, "p2-round-the-clock"),
        1,
        "once, however often it is regraded"
    );
    world.check();
}

#[test]
fn facts_of_before_are_read_as_they_were() {
    let old = r#"{"fact":"step_entered","step":"P1","target_s":900,"tasks":[{"id":"t","group":"leading","owner":"cio","due_at":"2026-11-22T08:00:00.000000Z","required":true,"kind":"manual"}]}"#;
    let fact: Fact = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&fact).unwrap(), old);
}
