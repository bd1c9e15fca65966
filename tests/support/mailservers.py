"""Real mail servers for tests: the embedded ones of the demo, and Dovecot with a relay in front, behind one interface.

`post` gives a test each of them in turn. What pip does not install is skipped by name where it is missing, and a
failure where PLANIT_REQUIRE_SERVERS=1.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from planit_mailer.cli.demo import servers
from planit_mailer.cli.demo.servers import MailServers
from planit_mailer.core import config
from tests.support import dovecot as dovecot_program
from tests.support.builders import SERVICE
from tests.support.dovecot import CERTIFICATE, PASSWORD, Dovecot


class DovecotPost(MailServers):
    """Mail to `address` goes into Dovecot over LMTP; all other mail is kept, as the embedded servers do it.

    `came` has for each mail that is kept the port that it came from, and when, by the monotonic clock.
    """

    def __init__(self, address: str, server: Dovecot) -> None:
        super().__init__(address, PASSWORD)
        self.server = server
        self.imap_port = server.imap_port
        self.came: list[tuple[int, float]] = []

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        for recipient in envelope.rcpt_tos:
            if recipient == self.address:
                self.server.deliver(envelope.content, envelope.mail_from, recipient)
            else:
                self.came.append((session.peer[1], time.monotonic()))
                self.take(recipient, envelope.content)
        return "250 OK, taken"


def a_mailbox(post: MailServers, **changes: Any) -> config.Mailbox:
    """The settings with which `post`'s mailbox is opened."""
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": post.imap_port,
        "security": "none",
        "username": post.address,
        "password": PASSWORD,
    }
    if "folder" in changes:  # opened to look into it: then nothing else may be called so
        settings["folders"] = {"processed": "Filed elsewhere"}
    return config.Mailbox.model_validate(settings | changes)


def a_relay(post: MailServers, **changes: Any) -> config.Smtp:
    """The settings with which `post`'s relay is used."""
    settings = {"host": "127.0.0.1", "port": post.smtp_port, "security": "none", "from": post.address}
    return config.Smtp.model_validate(settings | changes)


def missing(what: str) -> None:
    """Skip a test whose server is not installed; where all must be there, that is a failure."""
    if os.environ.get("PLANIT_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is not installed, and PLANIT_REQUIRE_SERVERS=1")
    pytest.skip(f"{what} is not installed")


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test servers' certificate counts as one of the machine's authorities."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One Dovecot for all tests of this process; each test finds an empty mailbox."""
    if not dovecot_program.path():
        missing("Dovecot")
    server = Dovecot()
    yield server
    server.stop()


@contextmanager
def behind_a_relay(server: Dovecot, address: str = SERVICE) -> Iterator[DovecotPost]:
    """An empty Dovecot mailbox, with a relay."""
    server.forget(address)
    post = DovecotPost(address, server)
    relay = Controller(post, hostname="127.0.0.1", port=dovecot_program.free_ports(1)[0], data_size_limit=200_000_000)
    relay.start()
    post.smtp_port = relay.port
    try:
        yield post
    finally:
        relay.stop()


@pytest.fixture
def dovecot_post(dovecot: Dovecot) -> Iterator[DovecotPost]:
    """An empty Dovecot mailbox, with a relay."""
    with behind_a_relay(dovecot) as post:
        yield post


@pytest.fixture(params=["embedded", "dovecot"])
def post(request: pytest.FixtureRequest) -> Iterator[MailServers]:
    """An empty mailbox and a relay: the embedded ones, then Dovecot."""
    if request.param == "dovecot":
        yield request.getfixturevalue("dovecot_post")
    else:
        with servers.running(SERVICE, PASSWORD) as running:
            yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Show what Dovecot logged with each test that fails on it."""
    report = yield
    server = getattr(item, "funcargs", {}).get("dovecot")
    if report.failed and server:
        report.sections.append(("Dovecot's log", server.log[-5000:]))
    return report
