"""A real mail server for the tests: aiosmtpd, with faults to order and a ledger of what it accepted.

Prints one line, {"port": N}, when it listens. The ledger gets one JSON line per ACCEPTED message and one per
connection, so that a test judges by what the server has, not by what the client says.
"""

import argparse
import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

PHASES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body")


class Ledger:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def write(self, **entry):
        self.file.write(json.dumps(entry) + "\n")
        self.file.flush()


class Faults:
    """`reply:PHASE:CODE[:TIMES]`, `hang:PHASE[:TIMES]`, `cut:PHASE[:TIMES]`, `slow:PHASE[:TIMES]` (a second), `cut:accepted`,
    `hang:accepted`, `inject:starttls`."""

    def __init__(self, orders):
        self.orders = []
        for order in orders:
            parts = order.split(":")
            kind, phase = parts[0], parts[1]
            code = parts[2] if kind == "reply" else None
            rest = parts[3:] if kind == "reply" else parts[2:]
            self.orders.append([kind, phase, code, int(rest[0]) if rest else -1])

    def take(self, phase):
        for order in self.orders:
            if order[1] == phase and order[3] != 0:
                order[3] -= 1
                return order[0], order[2]
        return None, None

    async def meet(self, phase, server):
        """The reply to give instead of the normal one, or None."""
        kind, code = self.take(phase)
        if kind == "reply":
            return f"{code} ordered by the test"
        if kind == "hang":
            await asyncio.Event().wait()
        if kind == "slow":
            await asyncio.sleep(1)
        if kind == "cut":
            server.transport.abort()
            await asyncio.Event().wait()
        return None


class Handler:
    def __init__(self, ledger, faults):
        self.ledger, self.faults = ledger, faults

    async def handle_DATA(self, server, session, envelope):
        reply = await self.faults.meet("body", server)
        if reply:
            return reply
        self.ledger.write(
            event="accepted",
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            tls=session.ssl is not None or server.implicit_tls,
            user=session.auth_data if session.authenticated else None,
            connection=server.number,
            content=base64.b64encode(envelope.original_content).decode("ascii"),
        )
        reply = await self.faults.meet("accepted", server)
        return reply or "250 taken"


class Server(SMTP):
    known = False
    greeted = False

    def __init__(self, handler, ledger, faults, implicit_tls, number, **options):
        super().__init__(handler, **options)
        self.ledger, self.faults, self.implicit_tls, self.number = ledger, faults, implicit_tls, number

    def connection_made(self, transport):
        # STARTTLS comes here a second time.
        if not self.known:
            self.known = True
            self.ledger.write(event="connected", connection=self.number)
        super().connection_made(transport)

    async def push(self, status):
        # The greeting is the only reply before any command.
        if not self.greeted:
            self.greeted = True
            reply = await self.faults.meet("greeting", self)
            if reply:
                return await super().push(reply)
        return await super().push(status)

    async def _first(self, phase):
        reply = await self.faults.meet(phase, self)
        if reply:
            await super().push(reply)
            if reply.startswith("421"):
                self.transport.close()
            return True
        return False

    async def smtp_EHLO(self, hostname):
        if not await self._first("ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg):
        kind, code = self.faults.take("starttls")
        if kind == "inject":
            # Replies of someone in the middle, in the same packet as the go-ahead.
            self._writer.write(b"220 go ahead\r\n250-evil\r\n250 AUTH PLAIN\r\n")
            await self._writer.drain()
            await asyncio.Event().wait()
        if kind == "reply":
            return await super().push(f"{code} ordered by the test")
        if kind == "hang":
            await asyncio.Event().wait()
        await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg):
        if not await self._first("auth"):
            self.ledger.write(event="auth", connection=self.number, tls=self.session.ssl is not None or self.implicit_tls)
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg):
        if not await self._first("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        if not await self._first("rcpt"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        if not await self._first("data"):
            await super().smtp_DATA(arg)


async def main():
    # Asking for a login without TLS is one of the cases on purpose.
    warnings.simplefilter("ignore")
    logging.disable()
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("--tls", choices=("none", "starttls", "tls"), default="none")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--user")
    parser.add_argument("--password")
    args = parser.parse_args()

    ledger, faults = Ledger(args.ledger), Faults(args.fault)
    context = None
    if args.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(args.certificate, args.key)

    def authenticate(server, session, envelope, mechanism, data):
        given = (data.login.decode(), data.password.decode())
        ok = given == (args.user, args.password)
        return AuthResult(success=ok, handled=False, auth_data=given[0] if ok else None)

    options = {"hostname": "mail.test", "ident": "test"}
    if args.tls == "starttls":
        options["tls_context"] = context
    if args.user:
        options |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": args.tls == "starttls",
        }
    count = 0

    def make():
        nonlocal count
        count += 1
        handler = Handler(ledger, faults)
        return Server(handler, ledger, faults, args.tls == "tls", count, **options)

    loop = asyncio.get_running_loop()
    implicit = context if args.tls == "tls" else None
    host, port = args.listen.rsplit(":", 1)
    server = await loop.create_server(make, host, int(port), ssl=implicit)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    # Ends with the test: it holds the other end of standard input.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
