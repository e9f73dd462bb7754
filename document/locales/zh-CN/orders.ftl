# 指令与任务。
incident-event-order-bound = 指令 { $order } 附加约束
incident-event-order-changed = 指令 { $order } 已变更：{ $text }（期限 { $due }），须重新接受
incident-event-order-verified = 指令 { $order } 经他人复核，合格
incident-event-order-sent-back = 指令 { $order } 复核后退回
incident-event-order-reminded = 指令 { $order } 已超时：{ $stage ->
    [1] 已提醒执行人
   *[other] 已告知下达人和负责人
}
incident-conflict-changed = 您查看之后已被他人变更，请重新阅读
incident-bound-changes = 一条指令的变更次数
incident-bound-constraints = 一条指令的约束
tab-orders = 指令与任务
nav-orders = 指令
orders-title = 指令与任务
orders-mine-title = 我的工作
orders-filter = 筛选
orders-show-mine = 我的
orders-show-group = 本组
orders-show-all = 全部
orders-none = 这里还没有内容。指令下达后即显示。
orders-none-mine = 没有等待您处理的事项。
orders-late = 已超时
orders-late-told = { $n ->
    [1] 已提醒
   *[other] 已告知下达人和负责人
}
orders-to = 执行
orders-due = 期限
orders-from = 下达
orders-version = 第 { $n } 次变更
orders-earlier = 以前的版本（{ $n }）
orders-check = 待复核
orders-checked = 已复核
orders-sent-back = 已退回
orders-needs-check = 完成后由他人复核
orders-constraints = 约束
orders-more = 其他约束
orders-due-in = 完成时限
orders-new-due = 新时限
orders-verify-queue = 待复核（{ $n }）
orders-change = 变更
orders-persons = 人员
orders-groups = 小组
orders-positions = 岗位
orders-result = 结果
orders-result-hint = 做了什么，如何核实。
orders-why = 原因
orders-tasks = 预案任务
orders-tasks-done = 已完成 { $n } / { $all }
orders-step-next = 未开始
orders-settled = 已办结（{ $n }）
do-verify-order = 合格
do-send-back-order = 退回
do-change-order = 变更指令
done-change-order = 指令已变更，须由执行人重新接受。
done-verify-order = 复核合格。
done-send-back-order = 指令已退回。

# The chapter of the plan.
plan-orders = 指令的约束条件
plan-orders-note = 下达指令时可附带以下约束；标明复核的，须由另一人核对结果后方为完成。
plan-order-constraint = 约束
plan-order-check = 复核
plan-order-checked = 由另一人复核
