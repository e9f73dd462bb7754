# 邮件报告：写进报告的说明，和寄回的回执。
mail-receipt-subject = 已收到您的报告：{ $receipt }
mail-receipt-body =
    您的报告已收到，数据安全应急领导小组已被呼叫。

    回执号：{ $receipt }

    凭此号码可以查看处理情况、补充情况。请像密码一样保管，不要转发。
    也可以直接回复此邮件补充情况，请把回执号留在主题中。
    如果您没有发送过报告，请忽略此邮件。
mail-text-cut = 邮件较长，以上不是全文；全文见附件中的原始邮件
mail-files-left-out = 有附件未能单独保存；请查看附件中的原始邮件
mail-no-text = 邮件没有文字
outbox-kind-report-receipt = 报告回执
api-op-intake-mail = 由邮件服务器递交一封报告邮件
mail-too-large = 邮件超过 36 MiB，请减少附件后重发。
mail-no-mail = 这不是一封邮件：缺少 From、Date、Subject 等邮件头。
mail-too-many-parts = 邮件的部分或邮件头过多，无法读取，请减少附件后重发。
error-not-mail = 请求体不是邮件
error-not-mail-advice = 请以 message/rfc822 发送邮件原文。
error-mail-busy = 正在接收的文件过多
error-mail-busy-advice = 邮件请保留，稍后再递交。
cli-intake-reported = 已登记报告 { $report }
cli-intake-added = 已补充到报告 { $report }
cli-intake-ignored = 自动回复或退信，未登记
cli-intake-refused = 邮件未被接收，重发也不会：{ $why }
cli-intake-later = 暂未接收，请保留邮件并重试：{ $why }
cli-intake-url = --url 不是可用的地址：{ $why }
cli-intake-token = 无法读取令牌文件 { $file }：{ $why }
