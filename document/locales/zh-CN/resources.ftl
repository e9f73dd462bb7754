# 资源台账与外部专家。
incident-act-request-resource = 申请资源
incident-act-grant-resource = 批准资源
incident-act-manage-guests = 为外部专家开通账号
plan-act-request-resource = 申请资源
plan-act-grant-resource = 批准资源
plan-act-manage-guests = 为外部专家开通账号
gap-register-grantor = 资源的批准岗位无权批准资源
gap-register-entry = 资源的数量、币种或条款与类别不符
gap-guest-may = 访客岗位除答复指令外另有权限
gap-guest-rules = 台账中有外部专家，但访客规则不完整

# 预案中的章节。
plan-register = 事件可调用的资源
plan-register-note = 在事件的资源页面申请，由所列岗位批准，事件关闭前归还或核销。注明须另一人批准的，申请人不得批准自己的申请。
plan-register-kind = 类别
plan-register-quantity = 数量
plan-register-grantor = 批准岗位
plan-register-second = 须另一人批准
plan-register-server = 服务器
plan-register-tool = 工具
plan-register-budget = 预算
plan-register-expert = 外部专家
plan-experts = 外部专家
plan-expert-firm = 单位
plan-expert-contract = 合同编号
plan-expert-contact = 联系方式
plan-expert-hours = 服务时间
plan-expert-rate = 费率
plan-expert-per-hour = 每小时{ $sum }
plan-expert-per-day = 每天{ $sum }
plan-guests = 外部专家的账号
plan-guests-note = 外部专家使用访客账号，只能看到一起事件中指定的页面；专家归还、事件关闭或到达设定时间即失效，最长{ $n }天。专家查看任何内容之前须作出以下承诺：
