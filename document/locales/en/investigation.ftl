# Words of investigations: the page, the command line and the exported report.
nav-investigation = Investigation
inv-title = Investigation
inv-intro = The whole life of rows, read back from the journal: every image, when it was seen, what broke which rule, and what else was written with it. Asking changes nothing.
inv-ask = Ask about
inv-ask-again = Ask something else
inv-ask-finding = A finding
inv-finding-id = Finding's id
inv-finding-hint = As the page of findings shows it, for example f-1a2b3c.
inv-ask-row = A row
inv-table = Table
inv-key = Key
inv-key-hint = As findings show it; several columns with commas between them.
inv-ask-person = A person
inv-person-table = Table, or column that names persons
inv-person-key = Key or value
inv-person-hint = Any row that names the person, for example an order: all rows of the same person follow.
inv-ask-window = A time
inv-from = From
inv-until = Until
inv-source = Source
inv-go = Investigate
inv-choose = Choose one
inv-about-finding = Finding { $id }
inv-about-row = Row { $table } { $key }
inv-about-person = The person whom { $table } { $key } names
inv-about-window = From { $from } until { $until }
inv-start = Ask above for a finding, a row, a person or a time. Findings and their rows lead here too.
inv-nothing = Nothing was seen in this time.
inv-nothing-hint = Choose a longer time, and check the day: times are Beijing time.
inv-unanswered = No answer
inv-why-no-finding = There is no finding { $id }. The page of findings shows each with its id.
inv-why-finding-without-row = Finding { $id } names no row. Ask for the time around it instead.
inv-why-unknown-table = The table { $table } is not guarded. Guarded are: { $known }.
inv-why-bad-key = { $key } is no key of { $table }, whose key has { $columns } columns: write their values in order, with commas between them.
inv-why-no-row = The journal holds no row { $key } of { $table } in the entries that were looked through. Check the key as the findings show it.
inv-why-names-nobody = { $table } { $key } names no person. Give a row that names one, or the column that names persons ({ $columns }) with its value.
inv-why-no-row-of-person = No row of the person that { $table } { $key } names is in the entries that were looked through.
inv-why-backwards = The time ends before it begins.
inv-why-which-source = There are several sources, or none. Name one of: { $known }.
inv-why-time = A time cannot be read. Write it like 2026-01-02 03:04.
inv-scope = How far it went
inv-rows = Rows
inv-unlawful = Unlawful
inv-unwitnessed = Not witnessed
inv-persons = Persons
inv-amounts = Amounts
inv-amount = Amount
inv-currency = Currency
inv-amount-unlawful = Of unlawful rows
inv-moved = Moved by unlawful changes
inv-personal = Personal data
inv-no-personal = None
inv-of-them-unlawful = { $n ->
    [0] none unlawful
   *[other] { $n } unlawful
}
inv-of-them-hit = { $n ->
    [0] none hit
   *[other] { $n } hit by unlawful changes
}
inv-seen-from = Seen from
inv-seen-until = Seen until
inv-by-table = By table
inv-class-phone = Telephone
inv-class-email = E-mail
inv-class-name = Name
inv-class-address = Address
inv-class-id-number = Identity number
inv-class-bank-account = Bank account
inv-class-other = Other, or not declared
inv-lives = Lives of the rows
inv-life = { $table } { $key }
inv-stands = Stands
inv-standing-clean = as it lawfully is
inv-standing-altered = altered
inv-standing-forged = forged
inv-standing-deleted = deleted unlawfully
inv-standing-gone = lawfully gone
inv-kind-baseline = As first seen
inv-kind-change = Change
inv-kind-expected = Repair announced
inv-kind-repair = Repaired
inv-kind-accepted = Accepted by a person
inv-write-insert = inserted
inv-write-update = updated
inv-write-delete = deleted
inv-write-same = unchanged
inv-verdict-lawful = Lawful
inv-verdict-unlawful = Unlawful
inv-verdict-unwitnessed = Not witnessed
inv-unseen = happened while the guard was not looking
inv-coalesced = several steps seen as one
inv-rule = Rule broken
inv-finding = Finding
inv-findings-about = Findings about the row
inv-when-seen = Seen
inv-what = What
inv-column = Column
inv-was = Before
inv-is = After
inv-absent = no such row
inv-no-change = No column changed.
inv-entry = Entry
inv-transaction = Transaction
inv-transaction-id = Transaction { $id }
inv-position = Position { $n } of the source
inv-look = Position { $n } of the source, which tells states and no transactions
inv-committed = committed
inv-by = by { $who }
inv-by-unknown = by whom is not known
inv-alone = It wrote no other row.
inv-others = { $n ->
    [one] It wrote 1 other row:
   *[other] It wrote { $n } other rows:
}
inv-others-at-least = It wrote more than { $n } other rows, among them:
inv-look-alone = Nothing else was seen in that look.
inv-look-others = { $n ->
    [one] Seen in the same look, 1 other row:
   *[other] Seen in the same look, { $n } other rows:
}
inv-more-others = { $n } more
inv-image = The whole row
inv-blind-title = Times in which nobody looked
inv-blind = The guard was not looking from { $from } to { $until }.
inv-blind-lost = At { $at } the guard found that it had lost its place ({ $reason }) and looked at every row again.
inv-cut-title = What was left out
inv-cut-rows = { $shown } of { $all } rows are told; those with unlawful steps come first. The figures count all.
inv-cut-counted = More rows are concerned than are counted: only the first { $n }.
inv-cut-steps = Of { $table } { $key } only the newest { $n } steps are told.
inv-cut-swept = Looked through were entries { $from } to { $until } of { $of }: what lies outside is not in here, but for the chains of the rows.
inv-cut-no-index = The guard does not run, so rows were found by the entries looked through alone.
inv-masked = Personal values are masked; positions that may read evidence see them.
inv-export = Export as evidence
inv-export-hint = One archive: the report as JSON and as a page in this language, the journal's proof of each entry, and the key to check them by.
inv-keep = Take into evidence of { $incident }
inv-keep-hint = The same archive is kept in the folder of evidence, hashed, and entered into the incident's chain of custody.
inv-journal = Journal
inv-journal-place = { $log }, { $n } entries when it was read
inv-made = Made
inv-check-title = Checking it
inv-check = Each entry named here stands in the signed journal. Its proof lies in the folder proofs and is checked offline, with the key that you know from elsewhere:
inv-unproven = { $n } further entries are cited without a proof here; `balefire journal prove` makes one for each.
inv-zone = Times are Beijing time (UTC+8).
inv-told = { $rows ->
    [one] 1 row
   *[other] { $rows } rows
}, { $unlawful } with unlawful steps, { $unwitnessed } not witnessed; { $persons ->
    [one] 1 person
   *[other] { $persons } persons
}
inv-exported = The report and { $n } proofs are in { $folder }
inv-see = Investigate
