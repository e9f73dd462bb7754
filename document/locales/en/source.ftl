# Write tokens of a source.

cli-stamp-key-made = A new key for write tokens is in { $file }, for its owner only. Name a copy of it under `key_files` of [source.stamp], and give the shop the other.
cli-stamp-key-exists = { $file } is there already and was not touched. Choose another file: a new key stands beside the old one while the shop changes over.
cli-stamp-key-unwritten = The key cannot be written to { $file }: { $error }
cli-stamp-key-unread = The key file { $file } cannot be read: { $error }
cli-stamp-no-key = { $file } holds no key for write tokens, which is at least 32 bytes as hex. Make one: balefire source stamp-key FILE
cli-stamp-writer = A writer's name is 1 to 64 letters, digits, `_` or `-`; choose another one.

# Who wrote a change, by the server's own log.

source-logged = according to the server's log (not proven): { $who }
source-logged-between = {", "}
source-logged-role = account { $value }
source-logged-application = program that calls itself { $value }
source-logged-address = from { $value }
source-logged-session = session { $value }
rule-writer = written by an account or program that is not among the expected writers
