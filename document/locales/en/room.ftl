# What is said in the war room.
incident-act-write-note = write in the war room
plan-act-write-note = write in the war room
tab-discussion = Discussion
discussion-title = Discussion
discussion-all = { $n ->
    [0] all notes
    [one] all ({ $n } note)
   *[other] all ({ $n } notes)
}
discussion-none = Nothing was said yet. What matters of your own chat belongs here too: it becomes part of the timeline.
discussion-none-such = No such note yet.
discussion-show-all = All
discussion-show-decision = Decisions
discussion-show-question = Questions
discussion-text = What is to be known
discussion-hint = @ with a name, a position or a group tells them. Ctrl + Enter sends.
discussion-mark = This is
discussion-elsewhere = Said elsewhere: put it on the record
discussion-elsewhere-hint = For words from your own chat or a call. The timeline shows both times: when it was said and when it was recorded.
discussion-said-by = Said by
discussion-place = Where (chat, call)
discussion-said-at = Said at
discussion-to = to
discussion-you = names you
discussion-names = Names behind @
discussion-correct = Put right
discussion-corrects = Puts note #{ $n } right
discussion-corrected = Put right by note #{ $n }
room-mark-plain = a note
room-mark-decision = a decision
room-mark-question = a question
api-op-write-note = Put words on the record of an incident
keys-write = Write a note
draft-broken = The connection is broken. What you type is kept on this device; send it when the line is back.
do-write-note = Put on the record
do-set-objective = Set the objective
do-rename = Change the code name
objective-by = set by
field-objective = What everybody works towards now
field-code-name = New code name
war-objective-none = No objective is set; the step's own purpose stands.
rename-hint = The code name stands in every message instead of what happened. Choose one that tells nothing.
draft-unsent = Not sent: the connection broke. Your words are kept on this device; send them again, they are recorded once.
draft-offline = No connection. Your words are kept on this device; send them when you are back.
draft-restored = Your words from before were kept on this device.
draft-kept = not sent yet
draft-discard = Discard
done-write-note = It is on the record.
done-set-objective = The objective is set.
done-rename = The code name is changed.
incident-event-room-note = Note #{ $n }: { $text }
incident-event-room-decision = Decision in the war room (#{ $n }): { $text }
incident-event-room-question = Question (#{ $n }): { $text }
incident-event-room-quoted = Put on the record (#{ $n }), said by { $by }: { $text }
incident-event-room-corrected = Note #{ $n } puts #{ $earlier } right: { $text }
incident-event-objective-set = Objective: { $text }
incident-event-code-name-changed = Code name changed from { $from } to { $to }
incident-noun-note = note
incident-noun-objective = objective
incident-noun-code-name = code name
incident-conflict-of-another = it is somebody else's
incident-bound-notes = notes of one incident
incident-bound-mentions = names in one note
incident-bound-objectives = objectives of one incident
incident-bound-code-names = code names of one incident
page-mention-subject = [{ $code }] You are named in the war room
page-mention-body = { $position }: note #{ $what } in the war room of { $code } names you. Open Balefire to read it.
page-brief-soon-subject = [{ $code }] The brief to the management goes out at { $due }
page-brief-soon-body = { $position }: the brief on { $code } goes out to the management at { $due }. See that objective and impact are true by then.
incident-event-brief-reminded = { $position } reminded: the brief to the management goes out at { $due }
war-next-brief = next brief to the management
incident-noun-brief = brief
tab-handover = Hand-over
handover-title = Hand-over between shifts
handover-sheet = Hand-over sheet
handover-none = No shift was handed over yet. Who leaves prepares a sheet here; who takes over reads and signs it.
handover-hint = The program writes down how things stand now: deadlines, orders, holds, questions, decisions. Add what it cannot know, then sign. The other person signs the same sheet within four hours.
handover-position = Position that is handed over
handover-remarks = What else the next shift must know
handover-before = Earlier hand-overs
handover-ongoing = still being attacked
handover-not-reached = Groups not reached:
handover-part-clocks = Legal deadlines
handover-part-orders = Open orders
handover-part-holds = Holds
handover-part-questions = Open questions
handover-part-tasks = Open tasks
handover-part-decisions = Last decisions
handover-left-out = { $n ->
    [one] { $n } more is not on the sheet; see the pages of the incident.
   *[other] { $n } more are not on the sheet; see the pages of the incident.
}
handover-left-by = Handed over by
handover-taken-by = Taken over by
handover-not-yet = not signed yet
handover-since = { $n ->
    [one] { $n } thing was recorded since.
   *[other] { $n } things were recorded since.
}
handover-take-hint = By signing you say that you have read this sheet and that the position is yours from now on.
handover-state-open = waits for the second signature
handover-state-taken = signed by both
handover-state-withdrawn = withdrawn
handover-state-stale = too old, never taken over
do-prepare-handover = Prepare and sign the hand-over
do-take-handover = I have read it and take over
do-withdraw-handover = Withdraw this sheet
done-prepare-handover = The sheet is signed by you; now the other person signs.
done-take-handover = You have taken over.
done-withdraw-handover = The sheet is withdrawn.
incident-event-handover-prepared = Hand-over #{ $n } of { $position } prepared and signed
incident-event-handover-taken = { $position } taken over with hand-over #{ $n }
incident-event-handover-withdrawn = Hand-over #{ $n } withdrawn
incident-noun-handover = hand-over
incident-conflict-waits = one for this position still waits for its second signature
incident-conflict-not-yours = you do not fill this position
incident-bound-handovers = hand-overs of one incident
call-out-message-bare = Balefire: something waits for those on duty. Log in to see it.

# Said into the chat, where everybody reads it: neither which incident, nor why not.
chat-on-record = On the record.
chat-not-recorded = Not recorded. Begin with the incident's code name and a colon, then your words. If that does not help, paste them on Balefire's discussion page.
chat-unsigned = The message is not signed as it should be, or its time is too far off. Check the app's secret in hear_secret_file and the server's clock.
chat-later = This cannot be recorded just now. Paste it on Balefire's discussion page.
