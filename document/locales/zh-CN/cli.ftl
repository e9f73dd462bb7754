# 命令行与演示的解说。

cli-audit-done = 已核对 { $rows } 行，差异 { $discrepancies } 处。
cli-findings-done = 共 { $count } 条发现。
cli-kind-altered = 被篡改
cli-kind-forged = 伪造
cli-kind-deleted = 被删除
cli-kind-check-failed = 检查未通过
cli-kind-unwitnessed = 未见证
cli-kind-tainted-input = 由被篡改的值算出
cli-kind-in-window = 维护窗口内放行
cli-kind-unreadable = 无法读取
cli-repair-proposal = 修复方案 { $id }，状态 { $state }，摘要 { $digest }。由另一人批准：balefire repair approve { $id }
cli-account-added = 已添加账号 { $name }。
cli-account-proposed = 已提交申请 { $id }，由另一人批准：balefire account approve { $id }
cli-account-done = 完成。
cli-login-code = 请输入动态码或恢复码：
cli-logged-in = 已以 { $name } 登录。
cli-proof-good = { $log } 的第 { $index } 条记录已证实。
cli-verifying = 正在校验
cli-log-verified = { $log }：{ $size } 条。
cli-verify-done = { $faults ->
    [0] 全部记录、哈希树、根和签名均正确。
   *[other] 发现 { $faults } 处损坏。
 }
cli-plan-checked = 缺口与提示共 { $gaps } 条。
cli-stopping = 正在有序停止。
cli-table-guarded = { $table }：受保护，{ $rows } 行，主键 { $key }；个人信息列：{ $personal }
cli-table-unguarded = { $table }：未保护
cli-source-grants = 服务器：{ $server }。监看账号所需的最小权限（由数据库管理员执行）：
cli-source-checked = { $problems ->
    [0] 该数据源可以保护。
   *[other] 有 { $problems } 个问题，改正之前无法保护该数据源。
 }
cli-baseline = 建立基线
cli-baseline-done = 已为 { $source } 建立基线：{ $rows } 行。当时的内容记为“首次所见”。
cli-without-key = 有 { $rows } 行的主键为 NULL，无法受保护。请补上主键，或移出这些行。
cli-loss-accepted = { $log } 中已确认的 { $entries } 条记录丢失；该损失已记录在案。
cli-init-exists = { $path } 已存在；加 --force 可覆盖。
cli-init-done = 已写好 { $path }。编辑后运行：balefire source check shop
cli-config-good = 配置正确：{ $sources } 个数据源。
cli-benching = 正在测量，需要几分钟。

demo-making-shop = 正在生成含 { $orders } 笔订单的商店：{ $path }
demo-baseline = 基线已建立：{ $rows } 行已写入日志并落盘。
demo-folder = 全部文件位于 { $path }
demo-throw-away = 删除演示：rm -r { $path }
demo-pages = 网页地址：{ $url }
demo-link = 一次性登录链接（信息安全主管）：{ $url }
demo-passwords = 各岗位的密码见 { $path }
demo-shell-line = 手动篡改可运行：{ $line }
demo-lawful = 商店正常交易：{ $changes } 次合法变更，误报 { $alarms } 条。
demo-attack = 攻击者从另一个连接直接改写 shop.db：篡改 { $altered } 行，伪造 { $forged } 行，删除 { $deleted } 行，另有 { $undetectable } 笔完全符合规则的伪造。
demo-carried-on = 商店毫不知情，照常处理了其中 { $rows } 行。
demo-incident = 事件 { $code } 已开启：指明 { $rows } 行，涉险金额 CNY { $money }；法定等级 { $grade }，内部级别 { $level }。
demo-undetectable = 那笔完全符合规则的伪造不在其中：仅凭数据行无法把它与商店自己的订单区分开，支付机构的对账单可以。
demo-finding = { $table } { $key } { $kind }：{ $columns }
demo-more-findings = ……另有 { $n } 条。
demo-clock-running = 时限 { $clock }：截止 { $due }
demo-clock-waiting = 时限 { $clock }：{ $state }
demo-manual = 以下各步由您来操作：请打开上面的链接。按 Ctrl-C 结束演示。
demo-calls-answered = { $calls } 人已应答呼叫。
demo-grade-reason = 数字由日志统计得出；未达到更高等级的定性标准。
demo-grade-confirmed = 等级 { $grade } 已确认，内部级别 { $level }。
demo-order-response = 先取证，冻结受影响的订单和退款，查明范围，准备修复。
demo-order-legal = 逐项核对法定时限，应报的按时报送。
demo-order-communication = 起草用户通知，统一口径答复咨询。
demo-order-constraint = 先取证，不得关机。
demo-orders = 已下达 { $orders } 条指令，均已接受。
demo-hold-reason = 被篡改的金额和收款方不得付出。
demo-held = 冻结 { $hold } 已生效：商店对相关行不发货、不退款。
demo-self-approval-refused = 提出人自己批准被拒绝：{ $message }
demo-repaired = 已修复 { $rows } 行；核对 { $audited } 行，差异 { $discrepancies } 处。
demo-users-told = 给 { $users } 位用户的通知已由法务批准并写入发件箱文件。
demo-filing-receipt = 演示报送
demo-filing-channel = 12387.cert.org.cn
demo-waive-reason = 已核对：本案事实不产生该项义务。
demo-duties = 已登记报送 { $filed } 项义务。
demo-watching = 持续监测，{ $seconds } 秒内无新发现。
demo-lift-reason = 数据已恢复正确，交易继续。
demo-order-result = 已完成。
demo-lesson = 攻击者利用了对商店数据库文件的写权限；有一个本不需要写权限的账号可以写该文件。
demo-measure = 收回除商店自身以外所有账号对数据库文件的写权限。
demo-task-note = 已完成并核对。
demo-step = { $step } { $title }：用时 { $took } 秒（目标 { $target } 秒）
demo-report = 总结报告：{ $html }
demo-report-markdown = Markdown 版本：{ $markdown }
demo-counts = 被攻击 { $injected } 行，发现 { $found } 行，误报 { $false } 条；从提交到发现入库 p99 为 { $p99 } 毫秒；修复后差异 { $discrepancies } 处；日志校验通过：{ $verified }。
demo-still-up = 网页仍可访问，按 Ctrl-C 结束演示。
demo-user-notice = 我们发现平台的部分交易记录被未经授权地更改，涉及部分订单的金额、收款方以及部分退款。我们已依据防篡改日志将所有受影响的记录恢复正确。
    目前没有发现您的个人信息离开我们的系统。
    您无需任何操作。请留意您的订单；如发现异常，请联系客服，由此造成的损失我们将予以赔付。
    平台的每一条交易记录都处于防篡改日志的保护之下，并被持续核对。我们不会以此为由向您索要密码、验证码或要求转账。

page-call-out-subject = [{ $code }] 请以{ $position }身份到位
page-call-out-body = 事件 { $code }：现呼叫您以{ $position }身份参与处置（内部级别 { $what }）。请在 { $due } 前到作战室页面确认。
page-order-subject = [{ $code }] 给{ $position }的指令 { $what }
page-order-body = 事件 { $code }：指令 { $what } 下达给您（{ $position }），期限 { $due }。请在作战室页面接受，或说明理由拒绝。
page-brief-subject = [{ $code }] 第 { $number } 期管理层简报
page-brief-body = 事件 { $code } 的第 { $number } 期简报已可在其页面查看。
page-report-subject = 收到一份报告：{ $receipt }
page-report-body = 有人报告了异常情况。回执号 { $receipt }。请立即查看值守看板。
demo-clock-not-applicable = 不适用
cli-window = { $id }  { $source }  { $state }  { $from } 至 { $until }  工单 { $ticket }  表 { $tables }  已用 { $used } / { $most } 行
cli-window-asked = 由 { $by } 申请，须由另一人批准：balefire window approve { $id }
cli-window-open = 由 { $by } 批准
cli-window-closed = 已关闭
cli-windows-none = 没有维护窗口。
cli-accept = { $id }  { $source }  { $state }  { $rows } 行  { $reason }
cli-accept-asked = 由 { $by } 申请，须由另一人批准：balefire accept approve { $id }
cli-accept-done = 由 { $by } 批准：按现状视为合法
cli-accept-refused = 由 { $by } 拒绝
cli-accept-none = 没有保留现状的申请。
cli-audit-unwitnessed = 有 { $changes } 项无人见证的更改等待人工确认；确认之前，这些行按合规值核对。请运行：balefire findings
cli-audit-part-done = 已核对 { $rows } 行，{ $discrepancies } 处不符；共 { $total } 行，已覆盖 { $covered } 行（{ $share }）。
cli-audit-part-missed = 假如有 { $tampered } 行被篡改，全部漏检的概率为 { $probability }。
cli-shadow-day = { $date }  变更 { $changes } 次；告警：{ $findings }；误报 { $false }，未判定 { $unjudged }；监看中断 { $blind } 分钟；最多保留日志 { $retained }，连接 { $connections } 个，滞后 { $lag }；数据库 CPU { $cpu }
cli-shadow-sum = 平均每天误报 { $false } 次；监看中断共 { $blind } 分钟。
cli-shadow-mode = 影子模式：告警只记录、不通知任何人。要结束影子模式，请删除该数据源的 `shadow = true`。
cli-judged-lawful = { $finding }：属商城自身的变更，记为误报。
cli-judged-unlawful = { $finding }：告警属实。
cli-repair-tried = 已试运行并回滚：{ $rows } 行可按提议恢复，用时 { $duration } 毫秒。未写入任何数据。
cli-repair-left-out = 须由人处理：{ $row }
cli-repair-state = 修复方案 { $id }，状态 { $state }，摘要 { $digest }。
page-order-late-subject = [{ $code }] 给{ $position }的指令 { $what } 已超时
page-order-late-body = 事件 { $code }：下达给您（{ $position }）的指令 { $what } 期限为 { $due }，至今未完成。请尽快完成，或在指令页面说明困难。
page-order-escalated-subject = [{ $code }] 指令 { $what } 长时间超时
page-order-escalated-body = 事件 { $code }：指令 { $what } 期限为 { $due }，已提醒执行人，仍未完成。现告知您（{ $position }）：请变更、撤销或改派。
