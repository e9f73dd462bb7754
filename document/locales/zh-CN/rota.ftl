## 值班表、请假、临时换班和测试呼叫被拒绝的原因。

call-out-refusal-title = 请填写值班表名称，最多{ $most }个字，不能换行。
call-out-refusal-zone = 请从列表中选择时区。
call-out-refusal-layers = 一份值班表应有1至{ $most }个轮换。
call-out-refusal-participants = 一个轮换应有1至{ $most }人，每人只出现一次。
call-out-refusal-turn = 每班时长应为1至168小时、1至366天或1至52周，并在本世纪内开始。
call-out-refusal-no-absence = 此人没有从该时间开始的请假。
call-out-refusal-spans = 临时换班的结束时间应晚于开始时间；一份值班表最多{ $most }条。
call-out-refusal-person = { $who }不能代表“{ $position }”应答。请先授予此人该岗位或其替补岗位。
call-out-refusal-full = 已有{ $most }份值班表，请先停用一份。
call-out-refusal-gone = 该值班表已不存在。
call-out-refusal-layer-gone = 值班表中已没有该轮换。
call-out-refusal-not-in-plan = 预案中没有该岗位或小组。
call-out-refusal-covers = 请选择值班表对应的岗位或小组。
call-out-refusal-span = 请填写起止时间，结束应晚于开始。
call-out-refusal-who = 请选择人员。
call-out-refusal-absences = 每人最多保留{ $most }条请假，请先删除一条。
call-out-refusal-length = 请填写每班时长，应为整周、整天或整小时。
call-out-refusal-first-day = 请填写首日。
call-out-refusal-last-day = 末日不是有效日期，或早于首日。
call-out-refusal-hand-over = 请填写交接时间。
call-out-refusal-changed = 内容已被他人修改。请重新查看后再修改。
call-out-refusal-tests = 每小时最多测试呼叫{ $most }次，请稍后再试。
call-out-by-code-reason = 凭口令答复，由 { $by } 代为登记
