# Refusals.
incident-refusal-not-allowed = The plan does not give “{ $act }” to the positions that you hold.
incident-refusal-system-only = Only the program itself does this.
incident-refusal-not-addressed = This { $what } is addressed to another position.
incident-refusal-same-person = Two persons are needed: you did the first half, so somebody else must do this one.
incident-refusal-conflict = The { $what } conflicts with what stands: { $why }.
incident-refusal-missing = { $n ->
    [one] One condition is not met yet; it is listed below.
   *[other] { $n } conditions are not met yet; they are listed below.
}
incident-refusal-wrong-state = The { $what } is “{ $state }”, which does not allow this.
incident-refusal-reason-needed = Please give a reason.
incident-refusal-unknown = This incident has no { $what } “{ $id }”.
incident-refusal-bad = “{ $field }” is not acceptable: { $why }.
incident-refusal-bound = The bound is reached: { $bound }, at most { $limit }.
incident-refusal-closed = The incident is closed.

# What is missing before a step or the incident can be left.
incident-missing-reported = No report and no finding stands yet
incident-missing-called-out = { $group } is not called out yet
incident-missing-lead-reached = No lead, deputy or stand-in of { $group } has acknowledged
incident-missing-grade-confirmed = Nobody has confirmed the grade
incident-missing-grade-reconfirmed = New facts propose a graver grade; it must be confirmed again
incident-missing-order-issued = No order is issued yet
incident-missing-order-answered = Order { $order } is not answered
incident-missing-order-done = Order { $order } is not done
incident-missing-evidence-collected = No evidence is in custody
incident-missing-loss-contained = Affected rows are not held, and no decision says why not
incident-missing-data-recovered = Rows neither repaired nor decided on: { $altered } altered, { $forged } forged, { $deleted } deleted
incident-missing-rows-untracked = { $n } more rows are counted only; a person must decide on them
incident-missing-audit-clean = The audit of { $source } still finds { $n } discrepancies
incident-missing-audit-missing = { $source } has not been audited after the repair
incident-missing-users-told = The notice to users is not sent, and no decision says why none is needed
incident-missing-notice-unsent = Notice { $notice } is approved but not sent
incident-missing-duty-open = Statutory duty not met: { $clock }
incident-missing-duty-undecided = Not known yet whether it applies: { $clock } (to be settled: { $fact })
incident-missing-watched-quiet = The watch is not over; it ends at { $until }
incident-missing-hold-open = Hold { $hold } is not lifted
incident-missing-task-open = Required task not done: { $task }
incident-missing-lessons = No lesson is recorded
incident-missing-lesson-measures = No lesson has a follow-up measure with an owner
incident-missing-step-open = The step “{ $step }” has not begun
incident-missing-last-step = “{ $step }” is the last step; close the incident
incident-missing-repair-open = Repair { $repair } is not settled
incident-missing-handling-ended = The end of the handling is not recorded

# Lines of the timeline.
incident-event-opened = Incident opened: { $category } ({ $risk })
incident-event-findings-added = { $n } findings on { $rows } rows
incident-event-report-joined = Another report joined, receipt { $receipt }
incident-event-figures-set = { $n } figures set
incident-event-assessed = Assessed: { $grade } proposed, response level { $level }
incident-event-anchors-set = Times of occurrence or discovery recorded
incident-event-trigger-facts-set = Facts that legal time limits depend on recorded
incident-event-grade-confirmed = Grade confirmed: { $grade }, response level { $level }
incident-event-called-out = Call { $call }: { $position } of { $group } ({ $why })
incident-event-call-acknowledged = Call { $call } acknowledged
incident-event-call-refused = Call { $call } refused
incident-event-call-escalated = Call { $call } was not answered in time; the next in line is called
incident-event-order-issued = Order { $order } to { $to }: { $text } (due { $due })
incident-event-order-accepted = Order { $order } accepted
incident-event-order-refused = Order { $order } refused
incident-event-order-completed = Order { $order } done: { $result }
incident-event-order-withdrawn = Order { $order } withdrawn
incident-event-task-completed = Task done: { $task }
incident-event-task-completed-by-itself = Task done thereby: { $task }
incident-event-task-waived = Task waived: { $task }
incident-event-evidence-collected = Evidence { $evidence } taken into custody: { $name }
incident-event-evidence-transferred = Evidence { $evidence } handed over to { $to }; { $hash }
incident-event-hold-proposed = Hold { $hold } proposed: { $rows } rows until { $until }
incident-event-hold-approved = Hold { $hold } approved and in force
incident-event-hold-refused = Hold { $hold } refused
incident-event-hold-lifted = Hold { $hold } lifted
incident-event-hold-expired = Hold { $hold } expired
incident-event-repair-proposed = Repair { $repair } proposed (digest { $digest }): { $altered } restored, { $forged } voided, { $deleted } put back
incident-event-repair-approved = Repair { $repair } approved (digest { $digest })
incident-event-repair-rejected = Repair { $repair } rejected
incident-event-repair-started = Repair { $repair } started
incident-event-repair-applied = Repair { $repair } applied: { $altered } restored, { $forged } voided, { $deleted } put back
incident-event-repair-failed = Repair { $repair } failed, nothing was changed: { $why }
incident-event-audit-recorded = { $source } audited: { $rows } rows, { $discrepancies } discrepancies
incident-event-notice-drafted = { $kind } { $notice } drafted for { $audience }
incident-event-notice-approved = Notice { $notice } approved
incident-event-notice-rejected = Notice { $notice } rejected
incident-event-notice-sent = Notice { $notice } handed over for { $delivered } recipients, { $failed } failed; delivery is not known
incident-event-report-filed = Filed “{ $clock }”: { $channel }, receipt { $receipt }
incident-event-duty-waived = Duty waived: “{ $clock }”
incident-event-decision-recorded = Decision { $n }: { $text }
incident-event-lesson-recorded = Lesson { $n }: { $text }
incident-event-impact-recorded = Impact figures recorded
incident-event-watch-started = Watch started
incident-event-step-entered = Step begun: { $step }
incident-event-step-left = Step ended: { $step }
incident-event-handling-ended = Handling ended
incident-event-brief-sent = Brief { $n } sent to the management
incident-event-closed = Incident closed

# Five lines for whoever joins late.
incident-brief-what = Since { $since }: { $altered } rows altered, { $forged } forged, { $deleted } deleted
incident-brief-grade-proposed = Proposed grade { $grade }, response level { $level }; to be confirmed
incident-brief-grade-confirmed = Confirmed grade { $grade }, response level { $level }
incident-brief-here = Now: { $step }; { $open } orders open, { $overdue } of them overdue
incident-brief-deadline = Next legal deadline: { $clock }, { $due }
incident-brief-no-deadline = No legal deadline runs
incident-brief-next = { $n } things to do before “{ $step }”
incident-brief-next-close = { $n } things to do before closing
incident-brief-closed = The incident is closed

# Acts of the plan.
incident-act-open-incident = open an incident
incident-act-view-incident = view an incident
incident-act-confirm-grade = confirm the grade
incident-act-issue-order = issue an order
incident-act-answer-order = answer an order
incident-act-complete-task = complete a task
incident-act-collect-evidence = collect evidence
incident-act-read-evidence = read evidence
incident-act-propose-hold = propose a hold
incident-act-approve-hold = approve a hold
incident-act-lift-hold = lift a hold
incident-act-propose-repair = propose a repair
incident-act-approve-repair = approve a repair
incident-act-apply-repair = apply a repair
incident-act-accept-unwitnessed = accept rows as they are
incident-act-draft-notice = draft a notice
incident-act-approve-notice = approve a notice
incident-act-file-report = file a report
incident-act-record-decision = record a decision
incident-act-record-impact = record the impact
incident-act-advance-step = go on to the next step
incident-act-close = close the incident
incident-act-manage-accounts = manage accounts
incident-act-manage-rota = manage the duty rota
incident-act-manage-source = manage sources
incident-act-read-outbox = read the outbox

# Nouns.
incident-noun-call = call
incident-noun-order = order
incident-noun-task = task
incident-noun-evidence = piece of evidence
incident-noun-hold = hold
incident-noun-repair = repair
incident-noun-notice = notice
incident-noun-duty = duty
incident-noun-grade = grade
incident-noun-watch = watch
incident-noun-handling = handling
incident-noun-anchors = times
incident-noun-facts = facts
incident-noun-impact = impact
incident-noun-report = report
incident-noun-row = row

# Conflicts.
incident-conflict-called-already = it is called already
incident-conflict-nobody-left = nobody is left to call
incident-conflict-too-early = it is too early
incident-conflict-taken = it is there already
incident-conflict-underway = an approved repair is under way
incident-conflict-digest = its digest is not the one that was looked at; look again
incident-conflict-unchanged = nothing would change

# States.
incident-state-called = called
incident-state-acknowledged = acknowledged
incident-state-refused = refused
incident-state-escalated = passed on
incident-state-issued = issued
incident-state-accepted = accepted
incident-state-done = done
incident-state-withdrawn = withdrawn
incident-state-open = open
incident-state-waived = waived
incident-state-proposed = proposed
incident-state-active = in force
incident-state-lifted = lifted
incident-state-expired = expired
incident-state-approved = approved
incident-state-applying = being applied
incident-state-rejected = rejected
incident-state-applied = applied
incident-state-failed = failed
incident-state-superseded = superseded
incident-state-draft = draft
incident-state-sent = sent
incident-state-filed = filed
incident-state-started = started
incident-state-ended = ended

# Fields.
incident-field-reason = reason
incident-field-text = text
incident-field-to = addressee
incident-field-constraint = safety constraint
incident-field-due = due time
incident-field-result = result
incident-field-note = note
incident-field-rows = rows
incident-field-until = end
incident-field-proposal = proposal
incident-field-made-at = time of making
incident-field-name = name
incident-field-kind = kind
incident-field-source = source
incident-field-method = method
incident-field-location = location
incident-field-witness = witness
incident-field-collected-at = time of collection
incident-field-purpose = purpose
incident-field-measure = measure
incident-field-owner = owner
incident-field-orders = orders
incident-field-persons = persons
incident-field-currency = currency
incident-field-money = money
incident-field-figures-at = time of the figures
incident-field-clock = time limit
incident-field-channel = channel
incident-field-receipt = receipt
incident-field-filed-at = time of filing
incident-field-findings = findings
incident-field-figures = figures
incident-field-qualitative = qualitative criterion
incident-field-time = time
incident-field-level = response level

# What is wrong with a value.
incident-bad-empty = it is empty
incident-bad-too-long = it is too long
incident-bad-time = the time does not fit
incident-bad-number = the number does not fit
incident-bad-not-in-plan = the plan knows no such thing
incident-bad-below-statutory = it lies below the statutory grade

# Bounds.
incident-bound-fact-bytes = bytes of one record
incident-bound-keys = rows named at once
incident-bound-currencies = currencies
incident-bound-calls = calls
incident-bound-orders = orders
incident-bound-holds = holds
incident-bound-repairs = repairs
incident-bound-evidence = pieces of evidence
incident-bound-positions = journal positions
incident-bound-transfers = hand-overs
incident-bound-notices = notices
incident-bound-decisions = decisions
incident-bound-lessons = lessons
incident-bound-measures = measures
incident-bound-filings = filings
incident-bound-grades = gradings
incident-bound-qualitative = qualitative criteria
incident-bound-reports = reports
incident-bound-briefs = briefs

# Why somebody is called.
incident-call-opened = opened
incident-call-level = response level
incident-call-manual = called by a person
incident-call-unanswered = unanswered before
incident-call-refused = refused before

# Roles in a group.
incident-role-lead = lead
incident-role-deputy = deputy
incident-role-member = member

# Categories of GB/T 20986-2023.
incident-category-malicious-program = malicious program
incident-category-network-attack = network attack
incident-category-data-tampering = data security: tampering
incident-category-data-counterfeit = data security: counterfeit
incident-category-data-leak = data security: leak
incident-category-data-theft = data security: theft
incident-category-data-abuse = data security: abuse
incident-category-data-loss = data security: loss
incident-category-data-other = data security: other
incident-category-information-content = information content
incident-category-equipment-failure = equipment and facility failure
incident-category-other = other

# The plan's risks.
incident-risk-r1 = data leak
incident-risk-r2 = transaction security
incident-risk-r3 = insiders
incident-risk-r4 = third parties

# Facts that clocks look at.
incident-fact-grade = the grade
incident-fact-cii = whether it is critical information infrastructure
incident-fact-personal-information = whether personal information is concerned
incident-fact-suspected-crime = whether a crime is suspected
incident-fact-interested-parties = whether interested parties are harmed
incident-fact-unauthorised-payment = whether there are unauthorised payments

# Hand-overs.
incident-hash-intact = the hash is intact
incident-hash-differs = the hash differs

# Kinds of notices.
incident-notice-user = Notice to users
incident-notice-merchant = Notice to merchants
incident-notice-authority = Report to an authority
incident-notice-police = Report to the police
incident-notice-management = Brief to the management

# What happened to rows.
incident-damage-altered = altered
incident-damage-forged = forged
incident-damage-deleted = deleted

# Kinds of findings.
incident-finding-altered = altered
incident-finding-forged = forged
incident-finding-deleted = deleted
incident-finding-check-failed = check failed
incident-finding-unwitnessed = unwitnessed
incident-finding-in-window = excused by a maintenance window
incident-finding-tainted-input = computed from a tainted value
incident-finding-unreadable = unreadable

# Decisions.
incident-topic-general = decision
incident-topic-no-hold = no hold
incident-topic-no-notice = no notice to users
incident-topic-accept-rows = rows stay as they are
incident-topic-accept-open-rows = remaining rows settled otherwise

# Statutory grades and response levels.
incident-grade-1 = especially major (Ⅰ, 特别重大)
incident-grade-2 = major (Ⅱ, 重大)
incident-grade-3 = relatively major (Ⅲ, 较大)
incident-grade-4 = general (Ⅳ, 一般)
incident-level-1 = Ⅰ
incident-level-2 = Ⅱ
incident-level-3 = Ⅲ
incident-level-4 = Ⅳ

# How statutory clocks stand.
incident-clock-not-applicable = not applicable
incident-clock-undecided = undecided
incident-clock-not-started = not started
incident-clock-running = running
incident-clock-due-soon = due soon
incident-clock-overdue = overdue
incident-clock-duty = duty, at once
incident-clock-filed = filed
incident-clock-filed-late = filed late
incident-clock-waived = waived
