# Words of the pages.
app-name = Balefire
app-claim = Transaction data of a shop: watched, defended, provable
app-demo = Demo
app-foot-zone = All times are Beijing time (UTC+8)
app-foot = Balefire runs the contingency plan; every step is in a journal that anybody can verify
nav-main = Main navigation
nav-skip = Skip to content
nav-board = Duty board
nav-incidents = Incidents
nav-evidence = Evidence
nav-outbox = Outbox
nav-plan = Plan
nav-report = Report
nav-login = Log in
nav-logout = Log out
theme-system = System
theme-light = Light
theme-dark = Dark
theme-now-system = Look follows the system; switch to dark
theme-now-dark = Look is dark; switch to light
theme-now-light = Look is light; switch to the system's
live-on = Live
live-off = Not connected, trying again
keys-title = Keyboard
keys-help = Show this help
keys-send = Send the form you are in
keys-off = Switch single-key shortcuts off
done = Done, and in the journal.
done-issue-order = The order is issued and in the journal.
done-confirm-grade = The grade is confirmed; the clocks were computed anew.
done-propose-hold = The hold is proposed; a second person decides.
done-propose-repair = The repair is proposed; a second person decides.
done-approve-repair = The repair is approved and can be applied.
done-apply-repair = The repair was applied in one transaction.
done-audit = Every row was compared; the result stands on the recovery page.
done-collect-evidence = Evidence was taken into custody.
done-keep-investigation = The investigation was taken into custody.
done-draft-notice = The draft went to legal for approval.
done-advance-step = The next step has begun.
done-close = The incident is closed; the summary report is ready.
not-done = Not done
not-done-written = What you wrote (to copy)
not-done-back = Back
changed-meanwhile = Somebody changed this while you were writing. Nothing was overwritten: look at what stands now, then decide again.
error-home = Home
error-not-found = No such page
error-not-found-advice = The address may be wrong, or what it named does not exist.
error-method = Method not allowed
error-method-advice = This address does not take that method.
error-forbidden = Not allowed
error-forbidden-advice = The plan does not give this to your positions. Ask the head of information security if you need it.
error-login = Log in first
error-login-advice = You are not logged in, or your session has ended.
error-origin = Request from another site
error-origin-advice = The browser says that another site sent this, so it was refused. Send it from our own page.
error-token = The form has expired
error-token-advice = The form's token does not belong to this session, perhaps because you logged in again. Reload the page and send it again.
error-form = The form cannot be read
error-form-advice = It was too long, of another format, or too slow. Shorten it and try again.
error-busy = Too many connections
error-busy-advice = There are too many live connections; the page works when reloaded by hand.
error-store-away = The store does not answer
error-store-away-advice = The database behind Balefire is away, busy or full. Nothing was changed; try again in a moment, and tell the system administrator if it stays so.
error-inside = Something failed inside
error-inside-advice = It was not done; the reason is in the program's log. Try again, and call the system administrator if it fails again.
error-storage = Storage failed, so this was not recorded and not done. Check the disk's space, the database server if there is one, and the program's log.
error-shop = The shop's database cannot be reached, so nothing was done. Check that its file is there and not locked.
error-guard-stopped = The guard has stopped; ask the system administrator to start it again.
login-title = Log in to Balefire
login-name = Account
login-password = Password
login-go = Log in
login-help = No account, or forgotten the password? Ask the system administrator. There is no default password.
login-wrong = The account or the password is wrong.
login-too-many = Too many attempts; try again in { $n } seconds.
login-link-title = One-time login
login-link-text = Press the button to log in.
login-link-go = Log in
login-link-once = The link works once; a preview does not use it up.
login-link-used = The link was used already or has expired; ask for a new one.
login-report = Seen something odd? Report it without login
login-report-hint = Takes a minute; the leading group is paged at once
report-title = Report something odd
report-intro = Anybody may report, without login. Report it even if you are not sure; judging it is the response group's work.
report-what = What did you see?
report-what-hint = For example: an order's amount differs from the payment, a suspicious mail, data being copied out.
report-what-needed = Please write what you saw; one sentence is enough.
report-risk = What may it be?
report-risk-unknown = I do not know
risk-R1 = Data leak
risk-R2 = Transaction security
risk-R3 = Insiders
risk-R4 = Third parties
risk-hint-R1 = Personal data or transaction records got into wrong hands
risk-hint-R2 = Orders, payments or refunds were changed or forged
risk-hint-R3 = A colleague leaked data, on purpose or by mistake
risk-hint-R4 = A payment or delivery partner has a problem
report-when = When
report-when-hint = Leave empty if unsure
report-where = Where
report-where-hint = System, page or place
report-contact = How to reach you
report-contact-hint = Optional; leave it empty to stay anonymous.
report-send = Report now
report-paged-at-once = The leading group is paged at once, and you get a receipt number.
report-have-receipt = Have a receipt number? Look it up
report-call-instead = Please telephone the head of information security or the person on duty at once.
report-state-received = received
report-state-joined = being handled
report-state-closed = closed
receipt-title = Receipt
receipt-thanks = Received. Thank you.
receipt-paged = { $n ->
    [one] 1 person of the leading group was paged.
   *[other] { $n } people of the leading group were paged.
}
receipt-no = Receipt number
receipt-keep = Keep this number; it shows you how far we are.
receipt-state = State
receipt-received = Received at
receipt-another = Report something else
receipt-unknown = There is no such receipt number; check it and try again.
receipt-look = Look up
board-report = Report
board-tampered = The demo's attack wrote straight into the shop's database ({ $row }); the guard was not told. Watch how soon it notices.
board-guarding = Guarding: { $name }
board-watching = Watching
board-blind = Blind
board-still-writing = The attacker is still writing
board-false-alarms = { $n ->
    [one] 1 false alarm
   *[other] { $n } false alarms
}
board-tamper = Tamper with an order
board-rows = Rows guarded
board-changes = Changes seen
board-lawful = Lawful
board-findings = Findings
board-unwitnessed = Unwitnessed
board-last-change = Last change
board-recent = Recent changes
board-no-changes = No changes yet.
board-no-source = No source is guarded yet. Run balefire init and edit balefire.toml.
board-open = Open incidents
board-open-count = { $n ->
    [one] 1 open incident
   *[other] { $n } open incidents
}
board-all-incidents = All incidents
board-nothing-open = Nothing is open.
board-reports = Reports by people
board-no-reports = No reports yet.
board-paged = { $n } paged
board-report-joined = To the incident
board-open-incident = Open an incident
board-no-right = Your positions take no part in incidents, so none are shown. Use Report if you see something odd.
board-due = Due next
board-nothing-due = No legal deadline is running.
board-duty = On duty
board-nobody = nobody holds it
verdict-ok = lawful
verdict-bad = unlawful
verdict-warn = unwitnessed
what-deleted = deleted
what-inserted = added
incidents-none = No incidents yet.
incidents-caption = { $n ->
    [one] 1 incident
   *[other] { $n } incidents
}
incidents-name = Incident
incidents-state = State
incidents-grade = Statutory grade
incidents-level = Response level
incidents-step = Step
incidents-opened = Opened
incidents-took = Took
incident-found = { $n ->
    [one] 1 finding
   *[other] { $n } findings
}
incident-pages = Pages of the incident
tab-war-room = War room
tab-findings = Findings
tab-repair = Recovery
tab-custody = Custody
tab-notices = Notices and duties
tab-timeline = Timeline
tab-brief = Brief
tab-report = Summary report
alarm-still-writing = The attacker is still writing to { $source }: unlawful changes within the last ten seconds.
alarm-blind = The guard is blind on { $source }: changes are not noticed at once.
war-top = The incident at a glance
war-elapsed = Elapsed
war-took = Took
war-next-deadline = Next legal deadline
war-no-deadline = none
grade-statutory = Statutory grade
grade-internal = Internal level
grade-proposed = proposed, to be confirmed
grade-confirmed-by = confirmed by { $who }
grade-no-criterion = No criterion of a graver grade is met
grade-open = { $n ->
    [one] 1 criterion is open: unknown or unconfirmed number.
   *[other] { $n } criteria are open: unknown or unconfirmed numbers.
}
level-as-grade = As the statutory grade
level-computed = As computed
step-next = to come
war-groups = The four groups
call-reached = reached
call-not-reached = not reached
call-not-called = not called
call-called = called
call-late = no answer
call-acknowledged = answered
call-refused = refused
call-escalated = passed on
war-objective = Current objective
war-nothing-missing = Everything is met; the next step can begin.
war-missing = { $n ->
    [one] 1 thing is missing
   *[other] { $n } things are missing
}
war-closed = The incident is closed
war-five = In five lines
war-one-page = One-page brief
brief-what = What
brief-grade = How grave
brief-here = Where
brief-deadline = Presses
brief-next = Next
brief-title = Brief for the management
brief-repaired = Put right
war-orders = Orders
war-no-orders = No orders yet.
war-tasks = Tasks of { $step }
war-no-tasks = This step has no tasks.
task-open = open
task-overdue = overdue
task-done = done
task-waived = waived
task-title = Task
task-owner = Owner
task-target = Target
war-decisions = Last decisions
war-no-decisions = No decision is on the record yet.
war-impact = Impact
damage-rows = Rows affected
impact-still-open = Still open
impact-at-risk = Money at risk
impact-out = Money out
impact-held = Held
impact-recovered = Recovered
impact-orders = Orders
impact-persons = Persons
impact-as-of = Figures as of
certainty-known = known
certainty-estimated = estimated
certainty-unknown = unknown
war-wall = Projector view
war-leave-wall = Leave projector view
war-centre = Objective, orders and decisions
war-told = Who has been told
war-nobody-told = Nobody outside has been told yet.
told-notice = handed over for { $delivered }, failed { $failed }; delivery not known
told-management = Senior management
told-brief = One-page brief no. { $n }
war-holds = Holds
war-no-holds = Nothing is held.
hold-rows = { $n ->
    [one] 1 row
   *[other] { $n } rows
}
hold-open-rows = Hold all { $n } open rows: no shipping, no refunds.
hold-choose = Choose rows instead
war-clocks = Legal deadlines and duties
war-clocks-rest = Not started, not applicable, and settled
war-clocks-hint = Each clock runs from the start that the law names. Without that start there is no date, and what has not started is never overdue.
clock-duty = Duty
clock-recipient = To whom
clock-state = State
clock-due = Due
clock-deadline = Deadline
clock-from = Runs from
clock-ours = our target, not the law's
clock-because = condition not met: { $what }
clock-undecided-because = not known yet: { $what }
clock-waits-for = waits for: { $what }
anchor-occurred = the occurrence
anchor-discovered = discovery
anchor-classified = the grading
anchor-filed-previous = the previous report
anchor-handled = the end of the handling
deadline-immediate = at once
deadline-undue-delay = without undue delay; the law names no number
war-acts = What you can do
do-acknowledge = Answer
do-refuse-call = Cannot come
do-call-out = Call out
do-confirm-grade = Confirm the grade
do-advance-step = Go on to { $step }
do-close = Close the incident
do-issue-order = Issue an order
do-accept-order = Accept
do-complete-order = Report done
do-refuse-order = Refuse
do-withdraw-order = Withdraw
do-complete-task = Done
do-waive-task = Waive this task
do-propose-hold = Propose a hold
do-hold-chosen = Propose to hold the chosen rows
do-accept-chosen = Decide that the chosen rows stay
do-approve-hold = Approve the hold
do-refuse-hold = Refuse
do-lift-hold = Lift the hold
do-collect-evidence = Collect evidence
do-add-evidence = Register other evidence
do-transfer-evidence = Hand over
do-propose-repair = Propose a repair
do-approve-repair = Approve this proposal
do-reject-repair = Reject
do-apply-repair = Apply the repair
do-audit = Audit every row
do-draft-notice = Draft a notice
do-approve-notice = Approve and send
do-reject-notice = Reject
do-file-report = Record the filing
do-waive-duty = State why not owed
do-record-decision = Record a decision
do-record-lesson = Record a lesson
do-record-impact = Update the impact
do-set-figures = Update the figures
do-set-trigger-facts = Facts for the clocks
do-set-anchors = Correct the times
do-start-watch = Start the watch
do-send-brief = Send the brief
do-handled = Declare the handling ended
confirm-advance = Go on to { $step }?
confirm-close = Close the incident? Afterwards only filings and hand-overs of evidence can be added.
confirm-handled = Clocks that run from the end of the handling will start. Declare it ended?
confirm-hold = The shop will stop these orders and refunds. Approve?
confirm-approve-repair = { $n ->
    [one] One step may then be written to the shop. Approve it?
   *[other] { $n } steps may then be written to the shop. Approve them?
}
confirm-apply-repair = { $n ->
    [one] One step will be written to the shop in one transaction. Apply it?
   *[other] { $n } steps will be written to the shop in one transaction. Apply them?
}
confirm-notice = It will be sent to { $n } recipients at once. Approve?
confirm-accept-rows = The chosen rows will not be repaired. A second person approves before the guard takes them as lawful; both go on the record. Sure?
field-reason = Reason
field-to = To
field-text = Text
field-constraint = Safety constraint
field-constraint-hint = For example: evidence first, no shutdown
field-due-min = To be done within
field-result = Result
field-note = Note
field-topic = Topic
field-decision = Decision
field-lesson = Lesson
field-measure = Measure
field-owner = Owner
field-measure-days = Days to do it
field-until = Held for
field-channel = Channel
field-receipt = Receipt
field-filed = Filed at (empty: now)
field-text-zh = Chinese text
field-text-en = English text
field-purpose = Purpose
field-name = Name
field-source = Source
field-method = Method
field-location = Place
field-sha256 = SHA-256
figures-hint = First field only: known. Both: an estimate. None: unknown.
figures-low = value or lower bound
figures-high = upper bound
figures-qualitative = Criteria that hold in your judgement
metric-affected-persons = Persons whose data leaked
metric-sensitive-persons = Of them with sensitive data
metric-direct-loss-cny = Direct loss (yuan)
metric-cii-total-outage-min = CII wholly down (min)
metric-cii-main-function-outage-min = CII main functions down (min)
metric-daily-life-persons = Persons hit in daily life
metric-rows-tampered = Rows tampered with or forged
metric-orders-affected = Orders affected
metric-money-at-risk-cny = Money at risk (yuan)
metric-users-affected = Users affected
triggers-hint = These decide which legal clocks apply; leave unknown what is not known.
findings-intro = Each one is named to row and column and can be checked by its place in the journal.
findings-masked = Personal values are masked; positions that may read evidence see them.
findings-none = Nothing was found.
findings-caption = { $n ->
    [one] 1 finding
   *[other] { $n } findings
}
findings-choose = Choose
findings-row = Row
findings-kind = Kind
findings-columns = Column: lawful → live
findings-lawful = lawful
findings-live = live
findings-absent = no such row
findings-seen = Seen
findings-coalesced = several steps seen as one
findings-unwitnessed = happened while the guard was blind
findings-decision-hint = Only for the decision that they stay.
row-open = open
row-repaired = repaired
row-accepted = stays by decision
rule-frozen = frozen column changed
rule-initial = unlawful first state
rule-transition = unlawful change of state
rule-requires = companion row is missing
rule-parent = parent row missing or in another state
rule-no-delete = must not be deleted
rule-append-only = may only be added to
rule-tainted-input = computed from a tainted value
rule-unexpected-repair = not what the approved repair wrote
rule-together = changed without the column that always changes with it
rule-company = written without the other write that always comes with it
rule-only-rise = a number that must not fall fell
rule-only-fall = a number that must not rise rose
rule-values = a value that is not allowed
rule-equal = two values that must agree do not
rule-sum = a sum that does not add up
rule-unstamped = not written by the shop: no valid stamp
rule-round-the-log = changed round the database's log: no transaction tells of it
rule-blind = the guard was blind
rule-schema-changed = the table's columns changed
rule-table-added = a table was added
rule-mass-change = wholesale change
rule-unreadable = cannot be guarded
rule-audit = found by the audit
repair-list = Repair proposals
repair-none = No repair is proposed yet.
repair-rows = { $n ->
    [one] 1 row
   *[other] { $n } rows
}
repair-approved-by = approved by { $who }
repair-title = Repair proposal
repair-by = Proposed by
repair-approved = Approved by
repair-counts = Rows
repair-ledger = Ledger size it rests on
repair-digest = Digest (SHA-256)
repair-mine = You proposed this; another person must approve it.
repair-apply-hint = Every row is checked again; if one differs, nothing is written.
repair-steps = Row by row
repair-steps-caption = { $n ->
    [one] 1 step
   *[other] { $n } steps
}
repair-no-document = The proposal's document is not at hand.
repair-action = Action
repair-action-restore = restore columns
repair-action-reinsert = insert again
repair-action-void = void, kept as evidence
repair-columns = Column: live → restored
repair-sql = SQL
repair-from-entry = journal entry
audit-list = Audits
audit-none = No audit yet.
audit-discrepancies = { $n ->
    [one] 1 discrepancy
   *[other] { $n } discrepancies
}
audit-rows = rows
custody-title = Chain of custody
custody-journal = The journal and how to verify
custody-none = No evidence in custody yet.
custody-collected = Collected
custody-collected-at = Collected at (empty: now)
custody-witness = witness: { $who }
custody-witness-field = Witness
custody-source = Source
custody-method = Method and tool
custody-place = Kept at
custody-positions = Journal entries
custody-transfers = Hand-overs
custody-when = When
custody-from = From
custody-to = To
custody-purpose = Purpose
custody-hash = Hash
custody-hash-now = SHA-256 at the hand-over
custody-intact = same
custody-broken = differs
custody-name = Name
custody-kind = Kind
custody-bytes = Bytes
evidence-kind-rows = rows
evidence-kind-log = log
evidence-kind-disk = disk
evidence-kind-memory = memory
evidence-kind-traffic = traffic
evidence-kind-document = document
evidence-kind-other = other
notices-title = Notices
notices-none = No notices yet.
notice-audience = { $n ->
    [one] 1 recipient
   *[other] { $n } recipients
}
notice-audience-field = Recipients
notice-to = To whom
notice-hint = Say what happened, which data, what harm may follow, what was done, what the reader can do, whom to ask, and how the platform keeps data safe.
notice-zh = Chinese
notice-en = English
notice-mine = You drafted this; another person, of legal, must approve it.
timeline-as-csv = Download as CSV
timeline-as-json = Download as JSON
timeline-title = Course of events
timeline-hint = Newest first; each line is an entry in the journal
timeline-recorded = recorded
timeline-left-out = { $n } more are not listed here; all are in the journal.
summaryview-open = Open the report
summaryview-html = Download HTML
summaryview-markdown = Download Markdown
summaryview-not-yet = No summary report yet
summaryview-after-close = The report is made when the incident is closed. Still missing:
part-program = The program
part-triage = Triage
part-clock = The clock
part-repair = Repair
part-audit = Audit
part-dispatch = Dispatch
part-evidence = Evidence
part-demo = Demo
part-reporter = A reporter
outbox-intro = Everything that goes out: recorded first, then sent, at least once, under the same id.
outbox-none = Nothing has gone out yet.
outbox-to = to { $to }
outbox-incident = incident
outbox-show = Show
outbox-duplicate = possible duplicate
outbox-attempts = attempt { $n }
outbox-kind-page = page
outbox-kind-hold = hold
outbox-kind-lift-hold = lift hold
outbox-kind-send-notice = notice
outbox-kind-brief = brief
outbox-kind-report = report
outbox-kind-test = test call
outbox-subject-hold = Hold { $hold }: { $n } { $n ->
        [one] row
       *[other] rows
    } until { $until }
outbox-subject-lift-hold = Hold { $hold } lifted: { $n } { $n ->
        [one] row
       *[other] rows
    }
outbox-subject-brief = Brief no. { $n }
evidence-name-findings = { $n } { $n ->
        [one] finding
       *[other] findings
    }, { $entries } journal { $entries ->
        [one] entry
       *[other] entries
    }
outbox-state-pending = pending
outbox-state-sending = sending
outbox-state-sent = sent
outbox-state-failed = failed
channel-file = outbox file
channel-outbox = outbox
channel-page = page
channel-holds = hold list of the shop
evidence-intro = Ledger, record and root log. Anybody can verify them offline by the public key, without trusting us.
evidence-logs = Logs
evidence-logs-caption = Size and signed root hash of each log
evidence-log = Log
evidence-size = Entries
evidence-root = Root hash
evidence-read = Read
evidence-checkpoint = checkpoint
evidence-checkpoints = Signed checkpoints
evidence-prove = Prove an entry
evidence-prove-text = Gives a C2SP tlog-proof file that a third party can check offline.
evidence-prove-go = Export the proof
evidence-entry = Entry
evidence-key = Verifier key
evidence-key-text = Keep it elsewhere: with a checkpoint it exposes any later change.
evidence-offline = How to verify offline
evidence-offline-text = The first command verifies the whole journal folder, the second one exported proof.
evidence-offline-tiles = The same data is served below /journal/ as C2SP tlog-tiles, which existing tools read.
log-root = root: the checkpoints of the others
log-record = record: what people and the program did
log-ledger = ledger: the shop's rows
planview-version = version { $version }
planview-effective = in force from { $date }
planview-parts = Parts of the plan
planview-goals = Goals and scope
planview-risks = Risks
planview-groups = Organisation
planview-steps = Response
planview-levels = Levels
planview-clocks = Legal clocks
planview-means = Means and evaluation
planview-likelihood = likelihood
planview-impact = impact
planview-target = target { $span }
planview-tasks = Tasks
planview-called = Groups called
planview-everyone = everyone
planview-ack-within = Stages of calling
planview-brief-every = Brief every
planview-clocks-hint = Deadlines are the law's; targets are marked as ours.

# Rows that stay as they are.
accept-title = Rows that stay as they are
accept-intro = Asked for by one person, approved by another. Only what stood in the row when it was asked for is accepted; from then on it is the lawful image.
accept-rows = { $n ->
    [one] { $n } row
   *[other] { $n } rows
}
accept-approved-by = approved by { $who }
accept-approved = Lawful as it stands
accept-over = Refused, taken back, or too old
accept-refused-by = refused by { $who }
do-refuse-acceptance = Refuse
done-refuse-acceptance = It was refused; the rows stay unlawful.
accept-waits = Waits for a second person
do-approve-acceptance = Approve
confirm-approve-acceptance = From now on these rows are lawful as they stand. Sure?
done-approve-acceptance = The rows are lawful as they stand.
accept-why-same-person = Whoever asked may not approve: a second person must.
accept-why-ended = This was approved, refused or taken back already.
accept-why-too-old = This was asked for too long ago. Look at the rows and ask anew.
accept-why-written-again = { $table } { $key } was written again since it was asked for. Look at it and ask anew.
