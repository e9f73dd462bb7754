# Orders and tasks.
incident-event-order-bound = Order { $order } bound to constraints
incident-event-order-changed = Order { $order } changed: { $text } (due { $due }); to be accepted again
incident-event-order-verified = Order { $order } checked by a second person and found good
incident-event-order-sent-back = Order { $order } sent back after the check
incident-event-order-reminded = Order { $order } is overdue: { $stage ->
    [1] the addressee was reminded
   *[other] issuer and lead were told
}
incident-conflict-changed = somebody changed it since you looked; read it again
incident-bound-changes = changes of one order
incident-bound-constraints = constraints of one order
tab-orders = Orders and tasks
nav-orders = Orders
orders-title = Orders and tasks
orders-mine-title = My work
orders-filter = Filter
orders-show-mine = Mine
orders-show-group = My group
orders-show-all = All
orders-none = Nothing here. Orders show up as soon as they are issued.
orders-none-mine = Nothing waits for you.
orders-late = Overdue
orders-late-told = { $n ->
    [1] reminded
   *[other] issuer and lead told
}
orders-to = To
orders-due = due
orders-from = from
orders-version = version { $n }
orders-earlier = Earlier versions ({ $n })
orders-check = waits for a check
orders-checked = checked
orders-sent-back = Sent back
orders-needs-check = A second person checks the result
orders-constraints = Constraints
orders-more = Other constraint
orders-due-in = Due in
orders-new-due = New time
orders-verify-queue = To check ({ $n })
orders-change = Change
orders-persons = Persons
orders-groups = Groups
orders-positions = Positions
orders-result = Result
orders-result-hint = What was done, and how it can be seen.
orders-why = Why?
orders-tasks = Tasks of the plan
orders-tasks-done = { $n } of { $all } done
orders-step-next = not begun
orders-settled = Settled ({ $n })
do-verify-order = Good
do-send-back-order = Send back
do-change-order = Change the order
done-change-order = The order is changed; its addressee is asked again.
done-verify-order = The result is found good.
done-send-back-order = The order is sent back.

# The chapter of the plan.
plan-orders = Orders: constraints
plan-orders-note = An order may carry one of these. Where a check is named, a second person looks at the result before the order counts as done.
plan-order-constraint = Constraint
plan-order-check = Check
plan-order-checked = by a second person
