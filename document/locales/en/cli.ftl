# The command line and the demo's narration.

cli-audit-done = { $rows } rows compared, { $discrepancies } discrepancies.
cli-findings-done = { $count } findings.
cli-kind-altered = altered
cli-kind-forged = forged
cli-kind-deleted = deleted
cli-kind-check-failed = check failed
cli-kind-unwitnessed = unwitnessed
cli-kind-tainted-input = computed from tampered values
cli-kind-in-window = excused by a maintenance window
cli-kind-unreadable = unreadable
cli-repair-proposal = Proposal { $id }, state { $state }, digest { $digest }. A second person approves it: balefire repair approve { $id }
cli-account-added = Account { $name } added.
cli-account-proposed = Proposed as { $id }; a second person approves it: balefire account approve { $id }
cli-account-done = Done.
cli-login-code = Code of the authenticator app, or a recovery code:
cli-logged-in = Logged in as { $name }.
cli-proof-good = The entry { $index } of { $log } is proven.
cli-verifying = Verifying
cli-log-verified = { $log }: { $size } entries.
cli-verify-done = { $faults ->
    [0] Every entry, tile, root and signature is good.
   *[other] { $faults } faults found.
 }
cli-plan-checked = { $gaps } gaps and notes.
cli-stopping = Stopping in good order.
cli-table-guarded = { $table }: guarded, { $rows } rows, key { $key }; personal: { $personal }
cli-table-unguarded = { $table }: not guarded
cli-source-grants = Server: { $server }. The least rights that the watching account needs (for a database administrator to run):
cli-source-checked = { $problems ->
    [0] The source can be guarded.
   *[other] { $problems } problems; the source cannot be guarded before they are mended.
 }
cli-baseline = Baseline
cli-baseline-done = Baseline of { $source } taken: { $rows } rows. What stood there counts as first seen.
cli-without-key = { $rows } rows have a NULL key: they cannot be guarded. Give them a key, or take them out.
cli-loss-accepted = { $entries } acknowledged entries of { $log } are lost; the loss is put on the record.
cli-init-exists = { $path } is there already; --force overwrites it.
cli-init-done = { $path } is written. Edit it, then: balefire source check shop
cli-config-good = The configuration is good: { $sources } sources.
cli-benching = Measuring; this takes a few minutes.

demo-making-shop = Making a shop of { $orders } orders: { $path }
demo-baseline = Baseline taken: { $rows } rows in the journal, fsynced.
demo-folder = Everything lies in { $path }
demo-throw-away = To throw it away: rm -r { $path }
demo-pages = The pages: { $url }
demo-link = One-time login as head of information security: { $url }
demo-passwords = The people's passwords stand in { $path }
demo-shell-line = To tamper by hand: { $line }
demo-lawful = The shop trades: { $changes } lawful changes, { $alarms } false alarms.
demo-attack = The attacker writes into shop.db from another connection: { $altered } rows altered, { $forged } forged, { $deleted } deleted, and { $undetectable } forgery that keeps to every policy.
demo-carried-on = The shop, knowing nothing, carries { $rows } of the attacked rows on lawfully.
demo-incident = Incident { $code } is open: { $rows } rows named, CNY { $money } at risk; statutory grade { $grade }, internal level { $level }.
demo-undetectable = The forgery that keeps to every policy is not among them: rows alone cannot tell it from an order of the shop. A payment provider's statement could.
demo-finding = { $table } { $key } { $kind }: { $columns }
demo-more-findings = ... and { $n } more.
demo-clock-running = Clock { $clock }: due { $due }
demo-clock-waiting = Clock { $clock }: { $state }
demo-manual = The people's steps are yours now: open the link. Ctrl-C ends the demo.
demo-calls-answered = { $calls } calls answered.
demo-grade-reason = The figures are counted from the journal; no qualitative criterion of a graver grade is met.
demo-grade-confirmed = Grade { $grade } confirmed, internal level { $level }.
demo-order-response = Secure evidence, hold the affected orders and refunds, find the extent, prepare the repair.
demo-order-legal = Check every statutory time limit and file what is due.
demo-order-communication = Prepare the notice to affected users and answer inquiries with one wording.
demo-order-constraint = Evidence first; nothing is switched off.
demo-orders = { $orders } orders issued and accepted.
demo-hold-reason = Tampered amounts and payees must not be paid out.
demo-held = Hold { $hold } is active: the shop neither ships nor refunds the rows.
demo-self-approval-refused = The proposer's own approval was refused: { $message }
demo-repaired = { $rows } rows repaired; audit of { $audited } rows: { $discrepancies } discrepancies.
demo-users-told = Notice for { $users } users approved by legal and handed to the outbox file.
demo-filing-receipt = filed in the demo
demo-filing-channel = 12387.cert.org.cn
demo-waive-reason = Checked: the facts of this case do not give rise to this duty.
demo-duties = { $filed } duties filed on the record.
demo-watching = Watching for { $seconds } s without a new finding.
demo-lift-reason = The rows are right again; trade goes on.
demo-order-result = Done.
demo-lesson = The attacker wrote with the shop's own file rights; the file was writable for an account that needs no write access.
demo-measure = Take write access to the shop's database from all accounts but the shop's.
demo-task-note = Done and checked.
demo-step = { $step } { $title }: { $took } s (target { $target } s)
demo-report = Summary report: { $html }
demo-report-markdown = The same as Markdown: { $markdown }
demo-counts = Found { $found } of { $injected } attacked rows, { $false } false; p99 { $p99 } ms from COMMIT to stored finding; { $discrepancies } discrepancies after the repair; journal verified: { $verified }.
demo-still-up = The pages stay up for you to look around. Ctrl-C ends the demo.
demo-user-notice = We found that some transaction records on our platform were changed without authority. Amounts and payees of some orders, and some refunds, were affected; we have put every affected record right from our tamper-evident journal.
    We found no sign that your personal data left our systems.
    You need not do anything. Please check your orders; if something looks wrong, tell customer service, and we make good any loss.
    Every transaction record of our platform is under a tamper-evident journal and is compared all the time. We never ask you for a password, a code or a transfer because of this.

page-call-out-subject = [{ $code }] You are called out as { $position }
page-call-out-body = Incident { $code }: you are called out as { $position } (internal level { $what }). Please acknowledge before { $due }, on the war room page.
page-order-subject = [{ $code }] Order { $what } for { $position }
page-order-body = Incident { $code }: order { $what } is addressed to you as { $position }, due { $due }. Please accept it on the war room page, or refuse it with a reason.
page-brief-subject = [{ $code }] Brief { $number } for the management
page-brief-body = Brief { $number } on incident { $code } is ready on its page.
page-report-subject = A report came in: { $receipt }
page-report-body = Somebody reported something odd. Receipt { $receipt }. Please look at the duty board at once.
demo-clock-not-applicable = does not apply
cli-window = { $id }  { $source }  { $state }  { $from } to { $until }  ticket { $ticket }  tables { $tables }  { $used } of { $most } rows
cli-window-asked = asked for by { $by }; a second person approves it: balefire window approve { $id }
cli-window-open = approved by { $by }
cli-window-closed = closed
cli-windows-none = No maintenance windows.
cli-accept = { $id }  { $source }  { $state }  { $rows } rows  { $reason }
cli-accept-asked = asked for by { $by }; a second person approves it: balefire accept approve { $id }
cli-accept-done = approved by { $by }: lawful as they stand
cli-accept-refused = refused by { $by }
cli-accept-none = Nobody asked to leave rows as they are.
cli-audit-unwitnessed = { $changes } changes that nobody witnessed wait for a person; until then their rows compare as lawful. See: balefire findings
cli-audit-part-done = { $rows } rows compared, { $discrepancies } discrepancies; { $covered } of { $total } rows covered ({ $share }).
cli-audit-part-missed = { $tampered ->
    [one] If 1 row had been tampered with, the chance that it was missed is { $probability }.
   *[other] If { $tampered } rows had been tampered with, the chance that all were missed is { $probability }.
 }
cli-shadow-day = { $date }  { $changes } changes; findings: { $findings }; { $false } false, { $unjudged } not judged yet; blind { $blind } min; at most { $retained } of log kept, { $connections } connections, { $lag } behind; CPU of the server { $cpu }
cli-shadow-sum = { $false } false alarms a day; { $blind } minutes blind.
cli-shadow-mode = Shadow mode: findings are stored and listed, but nobody is called. Take `shadow = true` out of the source to end it.
cli-judged-lawful = { $finding }: the change was the shop's own; a false alarm.
cli-judged-unlawful = { $finding }: the alarm was right.
cli-repair-tried = Tried and rolled back: { $rows } rows would stand as proposed; it took { $duration } ms. Nothing was written.
cli-repair-left-out = Left to a person: { $row }
cli-repair-state = Proposal { $id }, state { $state }, digest { $digest }.
page-order-late-subject = [{ $code }] Order { $what } for { $position } is overdue
page-order-late-body = Incident { $code }: order { $what }, addressed to you as { $position }, was due { $due } and is not done. Please finish it, or say on the orders page what is in the way.
page-order-escalated-subject = [{ $code }] Order { $what } has been overdue for long
page-order-escalated-body = Incident { $code }: order { $what } was due { $due }; its addressee was reminded and it is still not done. Told to you as { $position }: change it, withdraw it or give it to somebody else.
