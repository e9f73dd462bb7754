# 数据源的写入令牌。

cli-stamp-key-made = 新的写入令牌密钥已写入 { $file }，仅文件所有者可读。请将其副本列入 [source.stamp] 的 `key_files`，另一份交给商城。
cli-stamp-key-exists = { $file } 已存在，未作改动。请换一个文件名：更换期间新旧密钥并列使用。
cli-stamp-key-unwritten = 无法将密钥写入 { $file }：{ $error }
cli-stamp-key-unread = 无法读取密钥文件 { $file }：{ $error }
cli-stamp-no-key = { $file } 中没有写入令牌密钥（至少 32 字节，十六进制）。生成密钥：balefire source stamp-key FILE
cli-stamp-writer = 写入者名称须为 1 至 64 个字母、数字、`_` 或 `-`，请另选一个。

# 服务器日志所记的写入者。

source-logged = 据服务器日志（未经证实）：{ $who }
source-logged-between = ，
source-logged-role = 账号 { $value }
source-logged-application = 程序自称 { $value }
source-logged-address = 来自 { $value }
source-logged-session = 会话 { $value }
rule-writer = 写入者不在预期的账号或程序之列
