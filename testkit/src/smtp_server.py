"""A real SMTP server (aiosmtpd) for the tests of mail: says its port, then each message as JSON.

Usage: smtp_server.py MODE [CERTIFICATE KEY]; MODE is plain, starttls, implicit or silent.
"""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult


def say(**words):
    print(json.dumps(words, ensure_ascii=False), flush=True)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        replies = {"later": "451 4.3.0 try later", "nobody": "550 5.1.1 no such user"}
        if local in replies:
            return replies[local]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = message_from_bytes(envelope.content, policy=policy.default)
        say(
            sender=envelope.mail_from,
            to=envelope.rcpt_tos,
            tls=server.transport.get_extra_info("ssl_object") is not None,
            user=(session.auth_data or b"").decode() if session.authenticated else None,
            headers=[[name, str(value)] for name, value in letter.items()],
            type=letter.get_content_type(),
            body=letter.get_content().replace("\r\n", "\n"),
        )
        return "250 OK"


def check(server, session, envelope, mechanism, data):
    good = data.login == b"balefire" and data.password == b"right password"
    return AuthResult(success=good, handled=good, auth_data=data.login)


async def main():
    sys.stdout.reconfigure(encoding="utf-8")
    mode, files = sys.argv[1], sys.argv[2:]
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    starttls = mode == "starttls"

    def make():
        return SMTP(
            Handler(),
            hostname="mail.test",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=check if starttls else None,
            auth_required=starttls,
            enable_SMTPUTF8=True,
        )

    loop = asyncio.get_running_loop()
    if mode == "silent":
        server = await asyncio.start_server(lambda r, w: asyncio.sleep(3600), "127.0.0.1", 0)
    else:
        implicit = context if mode == "implicit" else None
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=implicit)
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
