## 值班表、缺勤、换班和测试呼叫被拒绝的原因。

call-out-refusal-title = 请填写值班表名称，最多{ $most }个字，不能换行。
call-out-refusal-zone = 请从列表中选择时区。
call-out-refusal-layers = 一份值班表应有1至{ $most }个轮换。
call-out-refusal-participants = 一个轮换应有1至{ $most }人，每人只出现一次。
call-out-refusal-turn = 每班时长应为1至168小时、1至366天或1至52周，并在本世纪内开始。
call-out-refusal-no-absence = 此人没有从该时间开始的缺勤。
call-out-refusal-spans = 换班的结束时间应晚于开始时间；一份值班表最多{ $most }条。
call-out-refusal-person = { $who }不能代表“{ $position }”应答。请先授予此人该岗位或其替补岗位。
call-out-refusal-full = 已有{ $most }份值班表，请先停用一份。
call-out-refusal-gone = 该值班表已不存在。
call-out-refusal-layer-gone = 值班表中已没有该轮换。
call-out-refusal-not-in-plan = 预案中没有该岗位或小组。
call-out-refusal-covers = 请选择值班表对应的岗位或小组。
call-out-refusal-span = 请填写起止时间，结束应晚于开始。
call-out-refusal-who = 请选择人员。
call-out-refusal-absences = 每人最多保留{ $most }条缺勤，请先删除一条。
call-out-refusal-length = 请填写每班时长，应为整周、整天或整小时。
call-out-refusal-first-day = 请填写首日。
call-out-refusal-last-day = 末日不是有效日期，或早于首日。
call-out-refusal-hand-over = 请填写交接时间。
call-out-refusal-changed = 内容已被他人修改。请重新查看后再修改。
call-out-refusal-tests = 每小时最多测试呼叫{ $most }次，请稍后再试。
call-out-by-code-reason = 凭口令答复，由 { $by } 代为登记
call-out-refusal-override-gone = 值班表中已没有该换班。

## 值班表卡片。

call-out-schedules = 值班表
call-out-no-schedule = 还没有值班表：呼叫时通知该岗位的全体任职人。
call-out-preview = 预览
call-out-preview-title = 保存后的值班
call-out-preview-hint = 尚未保存；有变化的班次已标出。
call-out-was = 现为：{ $who }
call-out-was-gap = 现为：无人值班
call-out-two-weeks = 未来两周
call-out-no-gap = 全程有人值班
call-out-on-now = 当前
call-out-why-turn = 轮值
call-out-why-next-in-line = 缺勤，由下一位顶替
call-out-why-override = 换班
call-out-why-gap = 无人
call-out-more-shifts = 另有{ $n }个班次
call-out-rotations = 轮换
call-out-rotations-hint = 自上而下：上层轮换有人值班时，以上层为准。
call-out-turns-weeks = { $n ->
    [1] 每周{ $day } { $time }交接
   *[other] 每{ $n }周，{ $day } { $time }交接
}
call-out-turns-days = { $n ->
    [1] 每天{ $time }交接
   *[other] 每{ $n }天，{ $time }交接
}
call-out-turns-hours = 自{ $time }起每{ $n }小时交接
call-out-since = 自{ $day }起
call-out-layer-up = 上移
call-out-layer-down = 下移
call-out-layer-remove = 移除
call-out-overrides = 换班
call-out-times-in = 时间按{ $zone }填写。
call-out-choose = 请选择
call-out-add-layer = 在上方添加轮换
call-out-add-layer-hint = 该轮换有人值班时优先于下方的轮换，例如周末或临时几天。
call-out-last-day = 末日（如有）
call-out-accounts = 可选账号
call-out-clock-forward = 时钟拨快：{ $from }变为{ $to }
call-out-clock-back = 时钟拨慢：{ $from }变为{ $to }
call-out-zone-asia-shanghai = 北京时间
call-out-zone-asia-urumqi = 乌鲁木齐
call-out-zone-asia-hong-kong = 香港
call-out-zone-asia-taipei = 台北
call-out-zone-asia-tokyo = 东京
call-out-zone-asia-seoul = 首尔
call-out-zone-asia-singapore = 新加坡
call-out-zone-asia-bangkok = 曼谷
call-out-zone-asia-jakarta = 雅加达
call-out-zone-asia-kolkata = 印度
call-out-zone-asia-dubai = 迪拜
call-out-zone-europe-moscow = 莫斯科
call-out-zone-europe-istanbul = 伊斯坦布尔
call-out-zone-europe-berlin = 柏林
call-out-zone-europe-paris = 巴黎
call-out-zone-europe-london = 伦敦
call-out-zone-utc = 世界时
call-out-zone-africa-johannesburg = 约翰内斯堡
call-out-zone-america-sao-paulo = 圣保罗
call-out-zone-america-new-york = 纽约
call-out-zone-america-chicago = 芝加哥
call-out-zone-america-denver = 丹佛
call-out-zone-america-los-angeles = 洛杉矶
call-out-zone-australia-sydney = 悉尼
call-out-zone-pacific-auckland = 奥克兰
call-out-dow-1 = 周一
call-out-dow-2 = 周二
call-out-dow-3 = 周三
call-out-dow-4 = 周四
call-out-dow-5 = 周五
call-out-dow-6 = 周六
call-out-dow-7 = 周日
call-out-later-shifts = 之后的{ $n }个班次
