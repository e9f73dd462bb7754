# Need to know: who may see an incident.
incident-act-restrict-access = say who may see an incident
plan-act-restrict-access = say who may see an incident
incident-event-suspect-named = { $account } was named as a suspect; the incident is kept from them
incident-event-suspect-cleared = The suspicion against { $account } is gone
incident-event-access-restricted = Who may see the incident was changed ({ $n } positions)
incident-event-admitted = { $account } was let in
incident-event-dismissed = { $account } was let in no longer
incident-event-stand-ins-set = Stand-ins for those who may not know: { $n }
incident-conflict-suspect-already = the person is a suspect already
incident-conflict-as-it-stands = it stands so already
incident-conflict-admitted-already = the person is let in already
incident-conflict-admits-a-suspect = the person is a suspect here
incident-noun-access = access
incident-noun-suspect = suspect
incident-noun-admitted = person let in
incident-act-read-record = read the record entry by entry
plan-act-read-record = read the record entry by entry

# The page.
access-suspects = Suspects
access-suspect = suspect
access-no-suspect = Nobody is suspected. The incident is seen by everybody whom the plan lets see incidents.
access-rule-alone = By the plan, an incident is kept from the suspect alone.
access-rule-direct = By the plan, an incident is kept from a suspect and from those who report to them.
access-rule-all = By the plan, an incident is kept from a suspect and from all who report to them, down the line.
access-stand-ins = Stand-ins
access-stand-in = { $by } fills the place of
access-name-hint = From that moment the person finds no trace of the incident: no page, no count, no message. Messages that went out before are not called back.
access-person = Person
access-choose = Choose a person
access-restriction = Who may see it
access-unrestricted = Everybody whom the plan lets see incidents.
access-restricted = { $n ->
    [one] Only one position, and who is let in by name.
   *[other] Only { $n } positions, and who is let in by name.
}
access-positions = Positions that may see it
access-restrict-hint = None ticked: everybody whom the plan lets see incidents.
access-admitted = Let in by name
do-name-suspect = Name a suspect
do-clear-suspect = Clear the suspicion
do-restrict = Change who may see it
do-admit = Let a person in
do-dismiss = Let in no longer
confirm-name-suspect = Keep this incident from the person from now on?
tab-access = Access
done-name-suspect = The incident is kept from the person from now on.
done-clear-suspect = The suspicion is gone.
done-restrict = Who may see it was changed.
done-admit = The person may see it now.
done-dismiss = The person may no longer see it.
