# Learning policies, replaying traces, ready packs.

cli-policy-refused = { $file } does not fit this trace: mend the lines above, or leave the rules out.
cli-replaying = Judging
cli-replayed = { $transactions } transactions with { $changes } row changes judged: { $findings } findings.
cli-replay-nothing = Nothing is guarded: the policy has no rules.
cli-replay-unguarded = { $count } changes were of tables that the policy does not name.
cli-replay-unseen = { $count } times a row had changed between two of its lines without a line of its own: the trace is not whole there.
cli-replay-forgotten = { $count } rows were forgotten for want of room; what their lines say they were was believed.
cli-learning = Reading
cli-learnt = { $transactions } transactions with { $changes } row changes read: { $rules } rules for { $tables } tables proposed. Read the file, then try it: balefire source replay --trace FILE --policy { $out }
cli-learn-full = { $rows } rows were forgotten for want of room: rules about other rows had fewer cases.
