# Tasks of the plan: waiting, begun early, added by a grade.
incident-event-task-started = Task begun: { $task }
incident-event-task-started-early = Task begun before { $n ->
    [one] a task that it waits for
   *[other] { $n } tasks that it waits for
}: { $task }
incident-event-tasks-added = Grade { $grade } adds { $n ->
    [one] a task
   *[other] { $n } tasks
} to step { $step }
incident-missing-task-before = Still open before it: { $task }
gap-task-after-unknown = the task waits for a task that is not in the plan
gap-task-after-later = the task waits for a task of a later step
gap-task-after-other-grade = the task waits for a task that is not there at each of its grades
gap-task-cycle = the tasks wait for one another
plan-task-waits = Waits for; from which grade
plan-task-early = may be begun before, with a reason
plan-task-from-grade = from { $grade } up
tasks-waiting = waits
tasks-waits-for = Waits for
tasks-started = begun
tasks-started-by = begun by { $who }
tasks-early = begun early: { $why }
tasks-early-hint = The plan lets it begin before { $n ->
    [one] that task
   *[other] those tasks
} for a reason that goes on the record.
tasks-not-early = It can be begun once { $n ->
    [one] that task is
   *[other] those tasks are
} done or waived.
tasks-from-grade = only from { $grade } up
tasks-none-mine = No task here is yours.
do-start-task = Begin
do-start-task-early = Begin early
done-start-task = The task is in hand.
