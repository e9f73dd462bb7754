# Triage: the stack, one report, merge and split.
nav-triage = Triage
triage-count = { $n ->
    [0] Nothing waits for a decision
    [one] { $n } waits for a decision
   *[other] { $n } wait for a decision
}
triage-none = Nothing waits. Reports and alarms stand here until somebody decides on them.
triage-none-so = Nothing waits that fits these filters.
triage-from = Came from
triage-from-people = People
triage-from-detectors = Detectors
triage-waited = Waits for at least
triage-hours = { $n ->
    [one] { $n } hour
   *[other] { $n } hours
}
triage-urgency-now = Goes on
triage-urgency-high = Urgent
triage-urgency-normal = Normal
triage-urgency-waits = Waits for the sender
triage-kind-report = Report
triage-kind-incident = Opened by detectors
triage-kind-unwitnessed = Rows that nobody saw change
triage-unwitnessed = { $n ->
    [one] { $n } unwitnessed row
   *[other] { $n } unwitnessed rows
}
triage-assess = Assess it
triage-not-graded = nobody has confirmed a grade yet
triage-news = New message from the sender
triage-kept = Kept from those it concerns
triage-kept-hint = This report says whom it concerns. It is kept from them and from those whom they could ask; so will be an incident that is opened from it.
triage-files = { $n ->
    [one] { $n } file
   *[other] { $n } files
}
triage-anonymous = Anonymous
triage-no-contact = No contact given
triage-like = May tell the same as
triage-waits = Waits for
triage-before = Back
triage-next = Next
triage-report = Report
triage-state-received = Waits for a decision
triage-state-joined = Belongs to an incident
triage-state-rejected = Rejected
triage-state-duplicate = Duplicate
triage-state-closed = Closed
triage-recorded = Received
triage-via-page = by the page
triage-via-api = by the API
triage-via-mail = by mail
triage-via-detector = from a detector
triage-who = Who
triage-files-hint = A stranger's file. It is only saved, never opened here; look at it on a machine that can be lost. That you save it goes on the record.
triage-file-image = image
triage-file-pdf = PDF
triage-file-archive = archive or office document
triage-file-media = sound or film
triage-file-old-office = old office document, may hold macros
triage-file-program = PROGRAM: runs when opened
triage-file-page = page or drawing, may hold scripts
triage-file-database = database
triage-file-text = text
triage-file-other = unknown kind
triage-no-talk = Nothing was asked yet.
triage-sender = Sender
triage-ask = Ask the sender
triage-ask-hint = Read with the receipt, by an anonymous sender too. Name neither people nor incidents.
triage-ask-go = Ask
triage-decided = Decisions
triage-decision-opened = Incident opened
triage-decision-joined = Joined to an incident
triage-decision-rejected = Rejected
triage-decision-reopened = Reopened
triage-decision-duplicate = Marked as a duplicate
triage-decision-moved = Moved to another incident
triage-decide = Decide
triage-is-duplicate = Tells the same as another report.
triage-join = Join to this incident
triage-incident = Incident
triage-choose = Choose
triage-duplicate = Mark as a duplicate
triage-duplicate-of = Duplicate of the report
triage-reject = Reject
triage-reject-hint = Only staff read it. The sender is told that it was looked at.
triage-reopen = Reopen
triage-cases = Incidents that it may belong to
triage-no-cases = No open or closed incident looks like it.
triage-alike = Reports that may tell the same
triage-no-alike = No other report looks like it.
triage-points = likeness { $n } of 100
triage-why-marks = the same numbers or addresses: { $which }
triage-why-text = { $n } % of the words are the same
triage-why-place = the same place
triage-why-risk = the same risk
triage-why-minutes = { $n ->
    [0] less than a minute apart
    [one] { $n } minute apart
   *[other] { $n } minutes apart
}
triage-why-hours = { $n ->
    [one] about { $n } hour apart
   *[other] about { $n } hours apart
}
triage-why-rows = names rows of this incident: { $which }
triage-why-same-rows = the same rows: { $which }
triage-why-source = { $n ->
    [one] the same risk at the same source, at most an hour apart
   *[other] the same risk at the same source, at most { $n } hours apart
}
triage-why-record = stands in its record: { $which }
triage-why-report = holds a report that is alike: { $receipt }
triage-why-opening = is like the report that opened it
triage-no-incident = There is no such incident.
report-concerns = Whom does it concern?
report-concerns-hint = Optional. If it is about somebody here: a name, an account or a position. They, and people who report to them, will not see this report.
done-triage-open = The incident was opened.
done-triage-join = The report was joined to the incident.
done-triage-reject = The report was rejected.
done-triage-duplicate = Marked as a duplicate.
done-triage-reopen = The report waits for a decision again.
done-triage-ask = The question was put; the sender reads it with the receipt.
incident-conflict-concerns = it says whom it concerns, and they see this incident; open an incident of its own, or have them kept out of this one first
incident-conflict-own-duplicate = it is no duplicate of itself
incident-conflict-in-an-incident = it belongs to an incident already
api-op-triage = What waits for a decision
api-op-decide-report = Decide on a report
api-query-came = people or detectors
api-query-waited = Hours that it has waited at least: 1, 4, 24 or 72

# Merge and split.
tab-joining = Merge and split
joining-together = Hangs together with
joining-none = This incident stands by itself.
joining-goes-on-in = It was merged and goes on in
joining-absorbed = Goes on here:
joining-split-into = Split off:
joining-split-from = Split off from:
joining-open-orders = { $n ->
    [one] { $n } open order
   *[other] { $n } open orders
}
joining-open-tasks = { $n ->
    [one] { $n } open task
   *[other] { $n } open tasks
}
joining-listed-there = listed there
joining-merge = Merge
joining-similar = May be one case with this one
joining-merge-hint = This incident closes and stays readable; reports, rows that are still open, earlier times and what comes later go on in the other one. Whoever is kept out of one is kept out of both.
joining-merge-confirm = This incident closes for good. Merge it?
joining-into = Into which incident
joining-no-other = There is no other open incident.
joining-split = Split off
joining-split-hint = What is ticked becomes an incident of its own; its grade is assessed anew. A row goes with all that was found of it.
joining-reports = Reports
joining-rows = Rows
joining-nothing = There is nothing to split off.
done-joining = Both incidents say so on their record.
incident-event-merged-into = Merged into the incident { $incident }
incident-event-absorbed = The incident { $incident } goes on here: { $reports } reports; { $orders } open orders and { $tasks } open tasks stay listed there
incident-event-split-off = { $reports } reports and { $rows } rows became the incident { $incident }
incident-event-split-from = Split off from the incident { $incident }, with { $reports } reports
incident-noun-incident = incident
incident-conflict-with-itself = it is the same incident
incident-conflict-merged-already = one of them was merged already; look where it goes on
incident-conflict-exercise = one is an exercise, the other is not
incident-conflict-visibility = they are restricted to different positions; make the restriction the same first
incident-conflict-nobody-would-see = nobody would be left to lead it
incident-conflict-linked = more than a thousand incidents hang together with it; restrict each to the positions that must know
incident-conflict-acts-on-rows = a hold or a repair is under way; end it first
incident-conflict-nothing-chosen = choose a report or a row
incident-conflict-split-already = it was split off already
incident-bound-merged = incidents merged into one
incident-bound-split = incidents split off one
