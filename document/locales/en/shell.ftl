# Words of every part of the product.
common-of = { $n } of { $all }
common-bytes = bytes
common-cancel = Cancel
common-close = Close
common-closed = Closed
common-confirm = Confirm
common-copied = Copied
common-copy = Copy
common-day-short = d
common-days = { $n ->
    [one] 1 day
   *[other] { $n } days
}
common-do = Action
common-exercise = Exercise
common-hours = { $n } h
common-list-comma = ,{" "}
common-minutes = { $n } min
common-more = More
common-no = No
common-none-yet = none yet
common-older = Older
common-open = Open
common-overdue = overdue
common-person = { $name } ({ $position })
common-print = Print
common-required = required
common-seconds = { $n } s
common-unknown-figure = unknown
common-yes = Yes
common-zone = Beijing time
