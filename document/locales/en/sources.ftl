# Sources: state, partial audits, days of watching, maintenance windows, unwitnessed changes.
nav-sources = Sources
done-ask-window = The window was asked for; a second person approves it.
done-approve-window = The window is approved and on the record.
done-close-window = The window is closed.
sources-intro = Each shop database under guard: whether it is followed, what that costs the shop, and how much of it was audited.
sources-more = Audits and days of watching
sources-pages = Pages of this source
sources-tab-state = State
sources-tab-windows = Maintenance windows
sources-tab-unwitnessed = Unwitnessed changes
sources-state = State
sources-state-following = Following
sources-state-looking = Blind: looking at every row again
sources-state-standing = Standing still
sources-state-unguarded = Not guarded yet
sources-no-baseline = This source has no baseline, so nothing is guarded. Run: balefire source baseline { $name }
sources-shadow = Shadow mode
sources-armed = Alarms on
sources-shadow-means = Shadow: findings are stored and listed, but nobody is called
sources-armed-means = Alarms on: a finding opens an incident and calls the groups
sources-kind = Database
sources-kind-sqlite = SQLite file
sources-kind-postgres = PostgreSQL
sources-kind-mysql = MySQL or MariaDB
sources-tables = Tables guarded
sources-position = Read up to
sources-kept = Log kept for us
sources-full-keep = Beyond the bound: keep it and warn
sources-full-let-go = Beyond the bound: let go and be blind
sources-stamps = Write tokens
sources-stamps-on = On: every transaction without one is a finding
sources-stamps-off = Off
sources-stamps-off-hint = Who wrote a change is then known only as far as the server tells.
sources-stamps-file = A file carries none
sources-mode = Mode
sources-mode-range = in turn
sources-mode-sample = by sample
sources-blind-since = Blind since
sources-false-alarms = False alarms a day
sources-blind-minutes = Blind minutes
sources-lag = Behind the shop
sources-covered-range = Covered in turn
sources-covered-sample = Covered by sample
sources-windows-asked = { $n ->
    [one] 1 waits for approval
   *[other] { $n } wait for approval
}
sources-windows-open = { $n } open
sources-unwitnessed-count = { $n ->
    [one] 1 unwitnessed change
   *[other] { $n } unwitnessed changes
}
sources-audits = Partial audits
sources-audits-intro = A part of the rows is compared with the lawful images every so often. In turn finds forged rows too; by sample nobody can know when a row's turn comes.
sources-audits-off = No automatic partial audits are set for this source. Three lines in balefire.toml set them:
sources-audit-problem = The last turn came to nothing and is tried again:
sources-no-turns = No part was audited yet.
sources-every = every { $span }
sources-rows-a-turn = { $rows } rows a turn
sources-share-a-turn = { $share } of the rows a turn
sources-next-turn = next turn
sources-since = since
sources-sample-hint = expected share; samples count for 24 hours
sources-missed = Chance that all were missed
sources-missed-n = { $n ->
    [one] 1 tampered row
   *[other] { $n } tampered rows
}
sources-last-round = Last whole round: { $rows } rows.
sources-turns = Last turns, newest first
sources-turn-at = When
sources-turn-mode = How
sources-turn-rows = Rows
sources-turn-found = Result
sources-turn-clean = all lawful
sources-turn-differing = { $n ->
    [one] 1 row differs
   *[other] { $n } rows differ
}
sources-days = Days of watching
sources-days-intro = What a team needs to trust the guard before it lets it act: false alarms a day, load on the shop, blind minutes. The verb balefire judge marks a finding as a false alarm.
sources-days-caption = { $n ->
    [one] 1 day, newest first
   *[other] { $n } days, newest first
}
sources-days-utc = Days begin at 08:00 Beijing time (UTC days).
sources-no-days = No day of watching is on record yet.
sources-day = Day
sources-false = False alarms
sources-unjudged = Not judged
sources-blind = Blind
sources-kept-most = Log kept, most
sources-connections = Connections
sources-lag-most = Behind, most
sources-cpu = Server CPU
sources-windows-intro = Planned changes by the shop's owners: what the policy forbids is excused in these tables, for so many rows, until then. Each such change is counted and listed.
sources-windows-none = No maintenance window was asked for.
sources-window-ask = Ask for a window
sources-window-ticket = Change ticket
sources-window-most = Most rows
sources-window-reason = What is planned, and why
sources-window-tables = Tables
sources-window-from = From
sources-window-from-hint = Empty: now
sources-window-until = Until
sources-window-until-hint = At most 72 hours after it begins
sources-window-two = It opens only when another person approves it.
sources-window-wrong = Not asked for. A window names its ticket, at least one table and how many rows it may touch (1 or more); it ends in the future, after it begins and at most 72 hours later.
sources-window-mine = You asked for this window; another person must approve it.
sources-window-late = This window was approved or closed already, or its time is over. Ask for a new one.
sources-window-state-asked = waits for approval
sources-window-state-coming = approved, begins later
sources-window-state-open = open
sources-window-state-used-up = used up
sources-window-state-ended = over
sources-window-state-closed = closed
sources-window-asked-by = asked for by { $who }
sources-window-approved-by = approved by { $who }
sources-window-closed-at = closed
sources-window-used = rows used
sources-window-approve = Approve
sources-window-close = Close
sources-confirm-approve = The window of ticket { $ticket } excuses what the policy forbids in its tables until it ends. Approve it?
sources-confirm-close = The window of ticket { $ticket } ends at once. Close it?
sources-unwitnessed-intro = These changes keep to the policy, but happened while the guard was blind, so that nobody saw them happen. They alarm nobody and stay listed.
sources-unwitnessed-none = No unwitnessed change.
sources-unwitnessed-no-more = No further ones.
sources-unwitnessed-none-here = None among these findings; there are more.
sources-unwitnessed-caption = { $n ->
    [one] 1 change, oldest first.
   *[other] { $n } changes, oldest first.
}
sources-column-change = Column: before → now
repair-left = Left to a person
repair-left-intro = This proposal does not touch these rows. Each needs a decision of its own.
repair-left-count = { $n ->
    [one] 1 row left to a person
   *[other] { $n } rows left to a person
}
repair-left-reason = Why
repair-aside-delete = deleted; its whole image is kept as evidence
repair-aside-entry = stays; a reversing entry takes it back
