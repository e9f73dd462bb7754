# Refusals.
incident-refusal-not-allowed = 预案没有把“{ $act }”授权给您所任的岗位。
incident-refusal-system-only = 这一步只能由系统自动完成。
incident-refusal-not-addressed = 这份{ $what }不是发给您的岗位的。
incident-refusal-same-person = 需要两个人：前一步由您完成，请由另一人完成这一步。
incident-refusal-conflict = { $what }与现状冲突：{ $why }。
incident-refusal-missing = 尚缺 { $n } 项条件，列示如下。
incident-refusal-wrong-state = { $what }当前为“{ $state }”，不能这样操作。
incident-refusal-reason-needed = 请写明理由。
incident-refusal-unknown = 本事件中没有这样的{ $what }：{ $id }。
incident-refusal-bad = “{ $field }”填写有误：{ $why }。
incident-refusal-bound = 已达上限：{ $bound }，最多 { $limit }。
incident-refusal-closed = 事件已关闭。

# What is missing before a step or the incident can be left.
incident-missing-reported = 尚无报告或发现
incident-missing-called-out = { $group }尚未呼叫
incident-missing-lead-reached = { $group }的组长、副组长或代行人尚未确认到位
incident-missing-grade-confirmed = 事件等级尚未经人确认
incident-missing-grade-reconfirmed = 新的事实建议更高等级，须重新确认
incident-missing-order-issued = 尚未下达指令
incident-missing-order-answered = 指令 { $order } 尚无回执
incident-missing-order-done = 指令 { $order } 尚未完成
incident-missing-evidence-collected = 尚无证据入库
incident-missing-loss-contained = 受影响的数据行尚未冻结，也没有不冻结的决定
incident-missing-data-recovered = 尚有数据行未修复也未经人决定：篡改 { $altered }、伪造 { $forged }、删除 { $deleted }
incident-missing-rows-untracked = 另有 { $n } 行只计数、未逐行跟踪，须由人作出决定
incident-missing-audit-clean = 数据源 { $source } 的核对仍有 { $n } 处差异
incident-missing-audit-missing = 数据源 { $source } 修复后尚未核对
incident-missing-users-told = 用户通知尚未发送，也没有不通知的决定
incident-missing-notice-unsent = 通知 { $notice } 已批准但尚未发出
incident-missing-duty-open = 法定义务未履行：{ $clock }
incident-missing-duty-undecided = 尚不清楚是否适用：{ $clock }（须先确定：{ $fact }）
incident-missing-watched-quiet = 观察期未满，至 { $until }
incident-missing-hold-open = 冻结 { $hold } 尚未解除
incident-missing-task-open = 必做任务未完成：{ $task }
incident-missing-lessons = 尚未记录教训
incident-missing-lesson-measures = 教训中尚无落实到人的整改措施
incident-missing-step-open = 尚未进入步骤“{ $step }”
incident-missing-last-step = “{ $step }”是最后一步，请关闭事件
incident-missing-repair-open = 修复方案 { $repair } 尚未了结
incident-missing-handling-ended = 尚未记录处置结束

# Lines of the timeline.
incident-event-opened = 事件立案：{ $category }（{ $risk }）
incident-event-findings-added = 发现 { $n } 项，涉及 { $rows } 行
incident-event-report-joined = 又收到一份报告，回执号 { $receipt }
incident-event-figures-set = 更新 { $n } 项数据
incident-event-assessed = 系统评估：建议{ $grade }，响应级别{ $level }
incident-event-anchors-set = 登记发生或发现时间
incident-event-trigger-facts-set = 登记与法定时限有关的事实
incident-event-grade-confirmed = 确认等级：{ $grade }，响应级别{ $level }
incident-event-called-out = 呼叫 { $call }：{ $group }的{ $position }（{ $why }）
incident-event-call-acknowledged = 呼叫 { $call } 已确认
incident-event-call-refused = 呼叫 { $call } 被拒绝
incident-event-call-escalated = 呼叫 { $call } 逾时未答，转下一顺位
incident-event-order-issued = 指令 { $order } 下达给{ $to }：{ $text }（限 { $due } 前）
incident-event-order-accepted = 指令 { $order } 已接受
incident-event-order-refused = 指令 { $order } 被退回
incident-event-order-completed = 指令 { $order } 完成：{ $result }
incident-event-order-withdrawn = 指令 { $order } 撤销
incident-event-task-completed = 任务完成：{ $task }
incident-event-task-completed-by-itself = 任务随之完成：{ $task }
incident-event-task-waived = 任务免做：{ $task }
incident-event-evidence-collected = 证据 { $evidence } 入库：{ $name }
incident-event-evidence-transferred = 证据 { $evidence } 移交{ $to }，{ $hash }
incident-event-hold-proposed = 提出冻结 { $hold }：{ $rows } 行，至 { $until }
incident-event-hold-approved = 冻结 { $hold } 经批准生效
incident-event-hold-refused = 冻结 { $hold } 未获批准
incident-event-hold-lifted = 冻结 { $hold } 解除
incident-event-hold-expired = 冻结 { $hold } 到期
incident-event-repair-proposed = 提出修复方案 { $repair }（摘要 { $digest }）：恢复 { $altered }、作废 { $forged }、补回 { $deleted }
incident-event-repair-approved = 修复方案 { $repair } 获批准（摘要 { $digest }）
incident-event-repair-rejected = 修复方案 { $repair } 被否决
incident-event-repair-started = 开始执行修复 { $repair }
incident-event-repair-applied = 修复 { $repair } 完成：恢复 { $altered }、作废 { $forged }、补回 { $deleted }
incident-event-repair-failed = 修复 { $repair } 失败，未改动任何数据：{ $why }
incident-event-audit-recorded = 核对 { $source }：{ $rows } 行，差异 { $discrepancies } 处
incident-event-notice-drafted = 起草{ $kind } { $notice }，对象 { $audience }
incident-event-notice-approved = 通知 { $notice } 获批准
incident-event-notice-rejected = 通知 { $notice } 被退回
incident-event-notice-sent = 通知 { $notice } 已交付发送：{ $delivered } 人，失败 { $failed }；是否送达未知
incident-event-report-filed = 已报送“{ $clock }”：{ $channel }，回执 { $receipt }
incident-event-duty-waived = 记录不适用“{ $clock }”
incident-event-decision-recorded = 决定 { $n }：{ $text }
incident-event-lesson-recorded = 教训 { $n }：{ $text }
incident-event-impact-recorded = 更新影响数据
incident-event-watch-started = 开始持续监测
incident-event-step-entered = 进入步骤：{ $step }
incident-event-step-left = 步骤结束：{ $step }
incident-event-handling-ended = 处置结束
incident-event-brief-sent = 向高层提交第 { $n } 份简报
incident-event-closed = 事件关闭

# Five lines for whoever joins late.
incident-brief-what = { $since } 立案以来：篡改 { $altered } 行，伪造 { $forged } 行，删除 { $deleted } 行
incident-brief-grade-proposed = 建议等级{ $grade }，响应级别{ $level }，等待确认
incident-brief-grade-confirmed = 已确认等级{ $grade }，响应级别{ $level }
incident-brief-here = 当前步骤：{ $step }；未完成指令 { $open } 项，其中逾期 { $overdue } 项
incident-brief-deadline = 最近的法定时限：{ $clock }，{ $due }
incident-brief-no-deadline = 目前没有计时中的法定时限
incident-brief-next = 进入“{ $step }”前还差 { $n } 项
incident-brief-next-close = 关闭事件前还差 { $n } 项
incident-brief-closed = 事件已关闭

# Acts of the plan.
incident-act-open-incident = 立案
incident-act-view-incident = 查看事件
incident-act-confirm-grade = 确认等级
incident-act-issue-order = 下达指令
incident-act-answer-order = 答复指令
incident-act-complete-task = 完成任务
incident-act-collect-evidence = 收集证据
incident-act-read-evidence = 查阅证据
incident-act-propose-hold = 提出冻结
incident-act-approve-hold = 批准冻结
incident-act-lift-hold = 解除冻结
incident-act-propose-repair = 提出修复
incident-act-approve-repair = 批准修复
incident-act-apply-repair = 执行修复
incident-act-accept-unwitnessed = 认可数据行现状
incident-act-draft-notice = 起草通知
incident-act-approve-notice = 批准通知
incident-act-file-report = 报送主管部门
incident-act-record-decision = 记录决定
incident-act-record-impact = 记录影响
incident-act-advance-step = 推进步骤
incident-act-close = 关闭事件
incident-act-manage-accounts = 管理账号
incident-act-manage-rota = 管理值班表
incident-act-manage-source = 管理数据源
incident-act-read-outbox = 查看发件箱

# Nouns.
incident-noun-call = 呼叫
incident-noun-order = 指令
incident-noun-task = 任务
incident-noun-evidence = 证据
incident-noun-hold = 冻结
incident-noun-repair = 修复方案
incident-noun-notice = 通知
incident-noun-duty = 法定义务
incident-noun-grade = 等级
incident-noun-watch = 监测
incident-noun-handling = 处置
incident-noun-anchors = 时间
incident-noun-facts = 事实
incident-noun-impact = 影响数据
incident-noun-report = 报告
incident-noun-row = 数据行

# Conflicts.
incident-conflict-called-already = 已经呼叫
incident-conflict-nobody-left = 没有其他人可呼叫
incident-conflict-too-early = 时候未到
incident-conflict-taken = 已经登记过
incident-conflict-underway = 已有获批的修复正在进行
incident-conflict-digest = 方案摘要与您核对的不同，请重新核对
incident-conflict-unchanged = 没有变化

# States.
incident-state-called = 已呼叫
incident-state-acknowledged = 已确认
incident-state-refused = 已拒绝
incident-state-escalated = 已转下一顺位
incident-state-issued = 已下达
incident-state-accepted = 已接受
incident-state-done = 已完成
incident-state-withdrawn = 已撤销
incident-state-open = 未完成
incident-state-waived = 已免除
incident-state-proposed = 待批准
incident-state-active = 生效中
incident-state-lifted = 已解除
incident-state-expired = 已到期
incident-state-approved = 已批准
incident-state-applying = 执行中
incident-state-rejected = 已否决
incident-state-applied = 已执行
incident-state-failed = 失败
incident-state-superseded = 已被新方案取代
incident-state-draft = 草稿
incident-state-sent = 已发送
incident-state-filed = 已报送
incident-state-started = 已开始
incident-state-ended = 已结束

# Fields.
incident-field-reason = 理由
incident-field-text = 内容
incident-field-to = 对象
incident-field-constraint = 安全约束
incident-field-due = 期限
incident-field-result = 结果
incident-field-note = 备注
incident-field-rows = 数据行
incident-field-until = 截止时间
incident-field-proposal = 方案编号
incident-field-made-at = 生成时间
incident-field-name = 名称
incident-field-kind = 类型
incident-field-source = 来源
incident-field-method = 方法
incident-field-location = 存放位置
incident-field-witness = 见证人
incident-field-collected-at = 采集时间
incident-field-purpose = 目的
incident-field-measure = 整改措施
incident-field-owner = 责任岗位
incident-field-orders = 订单数
incident-field-persons = 人数
incident-field-currency = 币种
incident-field-money = 金额
incident-field-figures-at = 数据时间
incident-field-clock = 时限
incident-field-channel = 渠道
incident-field-receipt = 回执号
incident-field-filed-at = 报送时间
incident-field-findings = 发现
incident-field-figures = 数据
incident-field-qualitative = 定性标准
incident-field-time = 时间
incident-field-level = 响应级别

# What is wrong with a value.
incident-bad-empty = 不能为空
incident-bad-too-long = 太长
incident-bad-time = 时间不合理
incident-bad-number = 数值不合理
incident-bad-not-in-plan = 预案中没有
incident-bad-below-statutory = 低于法定等级对应的级别

# Bounds.
incident-bound-fact-bytes = 一条记录的字节数
incident-bound-keys = 一次列出的数据行
incident-bound-currencies = 币种
incident-bound-calls = 呼叫
incident-bound-orders = 指令
incident-bound-holds = 冻结
incident-bound-repairs = 修复方案
incident-bound-evidence = 证据
incident-bound-positions = 日志位置
incident-bound-transfers = 移交
incident-bound-notices = 通知
incident-bound-decisions = 决定
incident-bound-lessons = 教训
incident-bound-measures = 整改措施
incident-bound-filings = 报送
incident-bound-grades = 定级
incident-bound-qualitative = 定性标准
incident-bound-reports = 报告
incident-bound-briefs = 简报

# Why somebody is called.
incident-call-opened = 立案
incident-call-level = 响应级别
incident-call-manual = 人工呼叫
incident-call-unanswered = 前一顺位未答
incident-call-refused = 前一顺位拒绝

# Roles in a group.
incident-role-lead = 组长
incident-role-deputy = 副组长
incident-role-member = 组员

# Categories of GB/T 20986-2023.
incident-category-malicious-program = 恶意程序事件
incident-category-network-attack = 网络攻击事件
incident-category-data-tampering = 数据安全事件：数据篡改
incident-category-data-counterfeit = 数据安全事件：数据假冒
incident-category-data-leak = 数据安全事件：数据泄露
incident-category-data-theft = 数据安全事件：数据窃取
incident-category-data-abuse = 数据安全事件：数据滥用
incident-category-data-loss = 数据安全事件：数据损失
incident-category-data-other = 数据安全事件：其他
incident-category-information-content = 信息内容安全事件
incident-category-equipment-failure = 设备设施故障事件
incident-category-other = 其他事件

# The plan's risks.
incident-risk-r1 = 数据泄露
incident-risk-r2 = 交易安全
incident-risk-r3 = 内部人员
incident-risk-r4 = 第三方服务

# Facts that clocks look at.
incident-fact-grade = 事件等级
incident-fact-cii = 是否关键信息基础设施
incident-fact-personal-information = 是否涉及个人信息
incident-fact-suspected-crime = 是否涉嫌犯罪
incident-fact-interested-parties = 是否损害他人合法权益
incident-fact-unauthorised-payment = 是否有未经授权的支付

# Hand-overs.
incident-hash-intact = 哈希一致
incident-hash-differs = 哈希不一致

# Kinds of notices.
incident-notice-user = 用户通知
incident-notice-merchant = 商家通知
incident-notice-authority = 监管报告
incident-notice-police = 报案材料
incident-notice-management = 高层简报

# What happened to rows.
incident-damage-altered = 篡改
incident-damage-forged = 伪造
incident-damage-deleted = 删除

# Kinds of findings.
incident-finding-altered = 篡改
incident-finding-forged = 伪造
incident-finding-deleted = 删除
incident-finding-check-failed = 跨表核对不符
incident-finding-unwitnessed = 无人值守期间的变更
incident-finding-in-window = 维护窗口内放行
incident-finding-tainted-input = 由被篡改值算出
incident-finding-unreadable = 无法读取

# Decisions.
incident-topic-general = 决定
incident-topic-no-hold = 不冻结
incident-topic-no-notice = 不通知用户
incident-topic-accept-rows = 数据行维持现状
incident-topic-accept-open-rows = 其余数据行另行处理

# Statutory grades and response levels.
incident-grade-1 = 特别重大（Ⅰ级）
incident-grade-2 = 重大（Ⅱ级）
incident-grade-3 = 较大（Ⅲ级）
incident-grade-4 = 一般（Ⅳ级）
incident-level-1 = Ⅰ级
incident-level-2 = Ⅱ级
incident-level-3 = Ⅲ级
incident-level-4 = Ⅳ级

# How statutory clocks stand.
incident-clock-not-applicable = 不适用
incident-clock-undecided = 待确定
incident-clock-not-started = 未起算
incident-clock-running = 计时中
incident-clock-due-soon = 即将到期
incident-clock-overdue = 已逾期
incident-clock-duty = 即时义务
incident-clock-filed = 已报送
incident-clock-filed-late = 迟报
incident-clock-waived = 已豁免
