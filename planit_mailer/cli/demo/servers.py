"""A mailbox and a relay on free ports of this machine. Their mail is lost when they stop."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from planit_mailer.adapters.imap.mailbox import open_mailbox
from planit_mailer.adapters.smtp import Relay
from planit_mailer.core import config
from planit_mailer.core.errors import ConfigError
from planit_mailer.domain.outgoing import Reply, ReplyKind

HOST = "127.0.0.1"

Delivered = tuple[str, bytes]


class MailServers:
    """Both servers as a client sees them. Mail to `address` goes into the IMAP mailbox, all other mail is kept here."""

    def __init__(self, address: str, password: str) -> None:
        self.address = address
        self.password = password
        self.imap_port = 0
        self.smtp_port = 0
        self._delivered: list[Delivered] = []
        self._more = threading.Condition()

    def send(self, raw: bytes, sender: str, recipient: str) -> None:
        """Send a message over SMTP, as a mail program does. Raises Unavailable or Undeliverable."""
        server = config.Smtp.model_validate({"host": HOST, "port": self.smtp_port, "security": "none", "from": sender})
        Relay(server, sender).send(Reply(ReplyKind.OPERATOR, recipient, "", raw))

    def folder(self, name: str) -> int:
        """The number of messages in a folder of the mailbox; 0 if there is no such folder. Raises Unavailable."""
        login = {"username": self.address, "password": self.password}
        settings = config.Mailbox.model_validate({"host": HOST, "port": self.imap_port, "security": "none", **login})
        with open_mailbox(settings) as mailbox:
            return mailbox.count(name)

    def delivered(self) -> tuple[Delivered, ...]:
        """The mail to everybody else that the relay has received so far, in order: recipients and messages."""
        with self._more:
            return tuple(self._delivered)

    def wait_for(self, count: int, seconds: float) -> tuple[Delivered, ...]:
        """Wait until the relay has received `count` mails, and return them. Raises TimeoutError."""
        with self._more:
            if not self._more.wait_for(lambda: len(self._delivered) >= count, seconds):
                raise TimeoutError(f"{len(self._delivered)} of {count} replies came within {seconds} seconds")
            return tuple(self._delivered)

    def take(self, recipient: str, raw: bytes) -> None:
        """Keep a message that the relay has received."""
        with self._more:
            self._delivered.append((recipient, raw))
            self._more.notify_all()


@contextmanager
def running(address: str, password: str) -> Iterator[MailServers]:
    """Run both servers in a thread of their own for the length of a `with` block.

    `address` is the address of the service, and the IMAP user name. Raises ConfigError if the packages are missing.
    """
    try:
        from planit_mailer.cli.demo import embedded  # noqa: PLC0415  only the demo needs its packages
    except ImportError as error:
        raise ConfigError("The demo needs pymap and aiosmtpd: pip install planit-mailer[demo]") from error
    post = MailServers(address, password)
    with _loop() as loop:
        servers = embedded.Servers(address, post.take)
        run = asyncio.run_coroutine_threadsafe
        post.imap_port, post.smtp_port = run(servers.start(HOST, password), loop).result()
        try:
            yield post
        finally:
            run(servers.stop(), loop).result()


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo servers", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
