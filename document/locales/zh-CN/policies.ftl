# 学习策略、重放记录、现成策略包。

cli-policy-refused = { $file } 与这份记录不符：请按上面各行改正，或删去这些规则。
cli-replaying = 正在判定
cli-replayed = 已判定 { $transactions } 个事务、{ $changes } 处行变更：发现 { $findings } 项。
cli-replay-nothing = 策略中没有任何规则：没有表受到守护。
cli-replay-unguarded = { $count } 处变更所在的表不在策略之内。
cli-replay-unseen = 有 { $count } 次，某一行在两条记录之间改变了却没有自己的记录：此处记录不完整。
cli-replay-forgotten = 因容量所限，有 { $count } 行不再记住；其原值以记录所载为准。
cli-learning = 正在读取
cli-learnt = 已读取 { $transactions } 个事务、{ $changes } 处行变更：为 { $tables } 张表提出 { $rules } 条规则。请先审阅该文件，再试用：balefire source replay --trace 文件 --policy { $out }
cli-learn-full = 因容量所限，有 { $rows } 行未再记住：涉及其他行的规则因此依据较少。
