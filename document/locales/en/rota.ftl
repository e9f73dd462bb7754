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
call-out-refusal-override-gone = There is no such override in the schedule any more.

## The schedule cards.

call-out-schedules = Schedules
call-out-no-schedule = There is no schedule yet: everybody who holds a position is called.
call-out-preview = Preview
call-out-preview-title = As it would be
call-out-preview-hint = Nothing is saved yet. Turns that change are marked.
call-out-was = today: { $who }
call-out-was-gap = today: nobody
call-out-two-weeks = in the next two weeks
call-out-no-gap = Somebody is on duty all the time
call-out-on-now = now
call-out-why-turn = by turn
call-out-why-next-in-line = absent, next in line
call-out-why-override = override
call-out-why-gap = nobody
call-out-more-shifts = and { $n } more shifts
call-out-rotations = Rotations
call-out-rotations-hint = From the top: where an upper rotation has somebody on duty, it counts.
call-out-turns-weeks = { $n ->
    [one] Every week on { $day } at { $time }
   *[other] Every { $n } weeks on { $day } at { $time }
}
call-out-turns-days = { $n ->
    [one] Every day at { $time }
   *[other] Every { $n } days at { $time }
}
call-out-turns-hours = { $n ->
    [one] Every hour from { $time }
   *[other] Every { $n } hours from { $time }
}
call-out-since = since { $day }
call-out-layer-up = Move up
call-out-layer-down = Move down
call-out-layer-remove = Remove
call-out-overrides = Overrides
call-out-times-in = Times are those of { $zone }.
call-out-choose = Choose
call-out-add-layer = Add a rotation on top
call-out-add-layer-hint = It counts over those below while it has somebody on duty, for example at weekends or for a few days.
call-out-last-day = Last day, where it ends
call-out-accounts = Accounts to choose from
call-out-clock-forward = Clocks go forward: { $from } becomes { $to }
call-out-clock-back = Clocks go back: { $from } becomes { $to }
call-out-zone-asia-shanghai = Beijing time
call-out-zone-asia-urumqi = Ürümqi
call-out-zone-asia-hong-kong = Hong Kong
call-out-zone-asia-taipei = Taipei
call-out-zone-asia-tokyo = Tokyo
call-out-zone-asia-seoul = Seoul
call-out-zone-asia-singapore = Singapore
call-out-zone-asia-bangkok = Bangkok
call-out-zone-asia-jakarta = Jakarta
call-out-zone-asia-kolkata = India
call-out-zone-asia-dubai = Dubai
call-out-zone-europe-moscow = Moscow
call-out-zone-europe-istanbul = Istanbul
call-out-zone-europe-berlin = Berlin
call-out-zone-europe-paris = Paris
call-out-zone-europe-london = London
call-out-zone-utc = Universal time
call-out-zone-africa-johannesburg = Johannesburg
call-out-zone-america-sao-paulo = São Paulo
call-out-zone-america-new-york = New York
call-out-zone-america-chicago = Chicago
call-out-zone-america-denver = Denver
call-out-zone-america-los-angeles = Los Angeles
call-out-zone-australia-sydney = Sydney
call-out-zone-pacific-auckland = Auckland
call-out-dow-1 = Mon
call-out-dow-2 = Tue
call-out-dow-3 = Wed
call-out-dow-4 = Thu
call-out-dow-5 = Fri
call-out-dow-6 = Sat
call-out-dow-7 = Sun
call-out-later-shifts = { $n } later shifts
