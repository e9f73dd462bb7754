# 高层简报。
brief-confirmed = 由{ $who }确认
brief-under-way = 正在办理
brief-due = 限时
brief-more-orders = 另有 { $n } 项指令未列出
brief-as-sent = 发出记录
brief-holds = 与发出时一致
brief-differs = 与发出时不一致：请核验审计日志
brief-sent-ones = 已发出的简报
brief-now = 查看当前情况
brief-none-sent = 尚未发出简报。简报按响应级别的频次自动发出，也可在作战室提前发出。
api-op-briefs = 已发出的高层简报
api-op-brief = 一期高层简报，与发出时一致
