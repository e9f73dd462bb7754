## Refusals of the rota, absences, overrides and test calls.

call-out-refusal-title = Give the schedule a title of at most { $most } characters without line breaks.
call-out-refusal-zone = Choose a time zone from the list.
call-out-refusal-layers = A schedule has 1 to { $most } rotations.
call-out-refusal-participants = A rotation has 1 to { $most } people, each once.
call-out-refusal-turn = A turn has 1 to 168 hours, 366 days or 52 weeks, and begins in this century.
call-out-refusal-no-absence = No absence of this person begins then.
call-out-refusal-spans = An override ends after it begins, and a schedule has at most { $most } of them.
call-out-refusal-person = { $who } cannot answer for “{ $position }”. Give this person the position, or one that stands in for it, first.
call-out-refusal-full = There are { $most } schedules already. Retire one first.
call-out-refusal-gone = There is no such schedule any more.
call-out-refusal-layer-gone = There is no such rotation in the schedule any more.
call-out-refusal-not-in-plan = The plan has no such position or group.
call-out-refusal-covers = Say for which position or group the schedule is.
call-out-refusal-span = Say from when to when; it ends after it begins.
call-out-refusal-who = Say who.
call-out-refusal-absences = At most { $most } absences are kept for one person. Remove one first.
call-out-refusal-length = Say how long a turn is, in whole weeks, days or hours.
call-out-refusal-first-day = Say the first day.
call-out-refusal-last-day = The last day is not a day, or lies before the first.
call-out-refusal-hand-over = Say the time of the hand-over.
call-out-refusal-changed = Somebody else changed it meanwhile. Look at it again, then repeat your change.
call-out-refusal-tests = { $most } test calls an hour are enough. Wait a little.
call-out-by-code-reason = by code, taken down by { $by }
