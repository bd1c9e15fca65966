"""The embedded servers: pymap keeps the mailbox in memory, aiosmtpd receives the mail.

Only servers.py imports this module, and not before it is needed: the two packages belong to the extra "demo".
"""

import asyncio
import logging
from argparse import Namespace
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiosmtpd.smtp import SMTP
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pysasl.hashing import BuiltinHash

LARGEST = 200_000_000  # bytes of a message: more than the daemon's own limit, so that this limit can be tried
GOOD_BYE = 1  # seconds that a connection has to end by itself


class Servers:
    """Both servers on one event loop. Mail to `address` goes into the mailbox; `take` receives all other mail."""

    def __init__(self, address: str, take: Callable[[str, bytes], None]) -> None:
        self._address = address.lower()
        self._take = take
        self._backend: Any = None
        self._servers: list[asyncio.Server] = []
        self._open: dict[asyncio.Task[Any], StreamWriter] = {}

    async def start(self, host: str, password: str) -> tuple[int, int]:
        """Start listening. Return the ports of IMAP and SMTP."""
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # otherwise aiosmtpd logs every command
        self._backend, settings = await DictBackend.init(
            _arguments(self._address, password),
            # There is one user and no secret: hash quickly and without threads, and do not wait after a wrong name.
            cpu_subsystem=Subsystem.for_asyncio(),
            hash_context=BuiltinHash(rounds=1),
            invalid_user_sleep=0,
        )
        settings.apply_context()
        serve = ProxyProtocolReader(settings.proxy_protocol).get_callback(IMAPServer(self._backend.login, settings))

        async def connected(reader: StreamReader, writer: StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None, "asyncio runs this in a task"
            self._open[task] = writer
            try:
                await serve(reader, writer)
            finally:
                del self._open[task]

        loop = asyncio.get_running_loop()
        imap = await asyncio.start_server(connected, host, 0)
        smtp = await loop.create_server(lambda: SMTP(self, data_size_limit=LARGEST, loop=loop), host, 0)
        self._servers = [imap, smtp]
        return imap.sockets[0].getsockname()[1], smtp.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the ports and every connection."""
        for server in self._servers:
            server.close()
        for writer in self._open.values():
            writer.close()
        if self._open:
            await asyncio.wait(list(self._open), timeout=GOOD_BYE)
        remaining = asyncio.all_tasks() - {asyncio.current_task()}
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Deliver a message that was sent over SMTP. aiosmtpd calls this method."""
        for recipient in envelope.rcpt_tos:
            if recipient.lower() == self._address:
                await self._deliver(_stamped(envelope, session.host_name, recipient))
            else:
                self._take(recipient, envelope.content)
        return "250 OK, taken"

    async def _deliver(self, raw: bytes) -> None:
        """Put a message into the inbox."""
        identity = await self._backend.login.authorize(self._backend.login.demo_user_identity, self._address)
        async with identity.new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            await inbox.append(AppendMessage(raw, datetime.now(UTC), frozenset()), recent=True)


def _stamped(envelope: Any, client: str, recipient: str) -> bytes:
    """Add the headers that the last mail server puts on top: Return-Path and Received (RFC 5321 section 4.4)."""
    now = format_datetime(datetime.now(UTC))
    trace = (
        f"Return-Path: <{envelope.mail_from or ''}>\r\n"
        f"Received: from {client} by localhost with ESMTP\r\n for <{recipient}>; {now}\r\n"
    )
    return trace.encode() + bytes(envelope.content)


def _arguments(address: str, password: str) -> Namespace:
    """The arguments that pymap's command line would pass."""
    return Namespace(
        host=None,
        port=0,
        debug=False,
        cert=None,
        key=None,
        tls=False,
        proxy_protocol=None,
        passlib_cfg=None,
        demo_data=False,
        demo_user=address,
        demo_password=password,
    )
