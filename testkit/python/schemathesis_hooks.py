"""How made-up values become the body of a mail: every other one gets a head, so that it is one."""

import schemathesis

HEAD = b"From: a@b.example\r\nSubject: made up\r\n\r\n"


@schemathesis.serializer("message/rfc822")
def mail(context, value):
    body = value if isinstance(value, bytes) else str(value).encode(errors="replace")
    return HEAD + body if len(body) % 2 else body
