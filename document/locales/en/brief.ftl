# Briefs to the management.
brief-confirmed = confirmed by { $who }
brief-under-way = Under way
brief-due = due
brief-more-orders = { $n ->
    [one] one more order is not listed
   *[other] { $n } more orders are not listed
}
brief-as-sent = As it went out
brief-holds = Word for word as sent
brief-differs = Not as sent: verify the journal
brief-sent-ones = Briefs sent
brief-now = Show how it stands now
brief-none-sent = None went out yet. Briefs go out by themselves at the cadence of the response level; the war room can send one earlier.
api-op-briefs = Briefs that went out to the management
api-op-brief = One brief to the management, as it went out
